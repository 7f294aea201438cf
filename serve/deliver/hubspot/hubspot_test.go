package hubspot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/delivertest"
)

// bench is a destination before the sandbox.
type bench struct {
	*Destination
	*delivertest.Direct
	crm *crm.Server
}

func setup(t *testing.T, cfg Config) *bench {
	t.Helper()
	box := crm.New(crm.Config{})
	s := delivertest.NewSandbox(t, box, "hubspot")
	cfg.BaseURL = s.URL
	d, err := New(cfg)
	delivertest.Must(t, err)
	b := &bench{d, s.Direct(d, func(name string) string { return "secret-" + strings.ToLower(name) }), box}
	b.Wait = box.Advance
	b.Open()
	return b
}

func (b *bench) edit(e crm.Edit) {
	b.T.Helper()
	e.App = "hubspot"
	delivertest.Must(b.T, b.crm.Edit(e))
}
func (b *bench) count() crm.EffectCount { return b.crm.Effects()["hubspot"][b.cfg.Object] }

func row(key string, fields map[string]any) deliver.Row {
	p := deliver.Payload{"company": deliver.Value("Firm")}
	for name, v := range fields {
		p[name] = deliver.Value(v)
	}
	return deliver.Row{Key: key, Op: deliver.Create, Fields: p, Idem: "i" + fmt.Sprintf("%x", key)}
}

func TestHubspot_a_bad_row_fails_alone(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	b.edit(crm.Edit{Op: "create", Fields: map[string]any{"email": "human@firm.example", "leadlake_id": "taken"}})
	out := b.Send(
		row("a@firm.example", nil), row("b@firm.example", map[string]any{"lifecyclestage": "x"}), row("A@firm.example", nil), row("c@firm.example", map[string]any{"nonsense": 1}),
		row("d@firm.example", map[string]any{"leadlake_id": "taken"}), row("nobody", nil), row("e@firm.example", map[string]any{"leadlake_score": "high"}), row("human@firm.example", nil),
	)
	var got []string
	for _, o := range out {
		got = append(got, string(o.State)+" "+o.Code+" "+string(o.Op))
		if o.State == deliver.Rejected && (o.Fix == "" || o.Reason == "") {
			t.Errorf("%+v", o)
		}
	}
	want := []string{
		"accepted  create", "rejected not_in_picklist ", "retry duplicate_in_batch ", "rejected unknown_field ", "rejected duplicate_detected ", "rejected invalid_email ", "rejected wrong_type ", "accepted  update",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestHubspot_reads_back_what_it_wrote(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"v3", "2026-03"} {
		b := setup(t, Config{Version: version})
		var rows []deliver.Row
		for i := range 100 {
			key := fmt.Sprintf("k%d@firm.example", i)
			rows = append(rows, row(key, map[string]any{"email": key, "leadlake_score": 0.25, "leadlake_scored_at": "2026-03-02T09:00:00Z", "zip": "01234", "city": nil}))
		}
		b.Send(rows...)
		found := b.Find(append([]deliver.Row{row("nobody@firm.example", nil)}, rows...)[:100]...)
		if found[0].Matches != 0 {
			t.Errorf("%+v", found[0])
		}
		for i, r := range rows[:99] {
			f := found[i+1]
			if f.Matches != 1 || f.ID == "" || f.ChangedAt.IsZero() {
				t.Fatalf("%+v", f)
			}
			for name, v := range r.Fields {
				if string(f.Fields[name]) != string(v) {
					t.Fatalf("%s: %s, want %s", name, f.Fields[name], v)
				}
			}
		}
	}
}

func TestHubspot_a_contact_that_was_merged_keeps_its_first_address(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	b.Send(row("a@firm.example", map[string]any{"email": "a@firm.example"}))
	b.edit(crm.Edit{Op: "create", Fields: map[string]any{"email": "human@firm.example"}})
	b.edit(crm.Edit{Op: "merge", Key: "a@firm.example", Into: "human@firm.example"})
	out := b.Send(row("a@firm.example", map[string]any{"email": "a@firm.example", "city": "Denver"}))
	if out[0].State != deliver.Accepted || out[0].Op != deliver.Update {
		t.Errorf("%+v", out)
	}
	found := b.Find(row("a@firm.example", map[string]any{"city": ""}), row("human@firm.example", map[string]any{"city": ""}))
	if found[0].ID != found[1].ID || found[0].Matches != 1 || found[0].Fields.Text("city") != "Denver" {
		t.Errorf("%+v", found)
	}
}

func TestHubspot_removes_by_key(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Object: "companies"})
	named := func(key string) deliver.Row {
		return deliver.Row{Key: key, Op: deliver.Create, Fields: deliver.Payload{"name": deliver.Value("Firm")}, Idem: "i" + key}
	}
	b.Send(named("a"), named("b"))
	b.edit(crm.Edit{Object: "companies", Op: "delete", Key: "b"})
	for _, o := range b.Send(deliver.Row{Key: "a", Op: deliver.Remove}, deliver.Row{Key: "b", ID: "502", Op: deliver.Remove}, deliver.Row{Key: "c", Op: deliver.Remove}, named("d")) {
		if o.State != deliver.Accepted {
			t.Errorf("%+v", o)
		}
	}
	if n := b.count(); n.Creates != 3 || n.Deletes != 1 {
		t.Errorf("%+v", n)
	}
}

func TestHubspot_describes_its_properties(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Version: "2026-09", ClientID: "app"})
	if b.Access.Until.IsZero() || !strings.HasPrefix(b.Access.Header.Get("Authorization"), "Bearer CK") {
		t.Errorf("%+v", b.Access)
	}
	fields := b.Fields()
	if f := fields["lifecyclestage"]; f.Type != deliver.Picklist || !slices.Contains(f.Values, "customer") {
		t.Errorf("%+v", f)
	}
	if !fields["createdate"].ReadOnly || fields["leadlake_score"].Type != deliver.Number || fields["hs_email_optout"].Type != deliver.Boolean {
		t.Error("types are wrong")
	}
}

func TestHubspot_outcomes_come_back_once(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	for part := range 5 {
		var rows []deliver.Row
		for i := range 100 {
			rows = append(rows, row(fmt.Sprintf("k%d@firm.example", 100*part+i), map[string]any{
				"leadlake_id": fmt.Sprint("l", 100*part+i), "leadlake_score": 0.5, "leadlake_rating": 4.9, "leadlake_reviews": 400, "leadlake_technologies": "shopify; stripe; react; sap",
			}))
		}
		b.Send(rows...)
	}
	b.Follow(120, func() { b.crm.Advance(24 * time.Hour) }, "k",
		deliver.Replied, deliver.Qualified, deliver.Opportunity, deliver.Won, deliver.Lost, deliver.Bounced, deliver.OptedOut)
}

func TestJudge_tells_the_day_from_the_moment(t *testing.T) {
	t.Parallel()
	d, err := New(Config{})
	delivertest.Must(t, err)
	for _, tt := range []struct {
		status int
		body   string
		want   deliver.Verdict
	}{
		{429, `{"policyName":"DAILY"}`, deliver.Spent},
		{429, `{"policyName":"TEN_SECONDLY_ROLLING"}`, deliver.Slow},
		{429, `{"policyName":"SECONDLY"}`, deliver.Slow},
		{423, `{}`, deliver.Slow},
		{477, `{}`, deliver.Slow},
		{404, `{"category":"OBJECT_NOT_FOUND"}`, deliver.Miss},
		{404, `<html>`, ""},
		{400, `{"category":"VALIDATION_ERROR"}`, ""},
		{207, `{}`, ""},
	} {
		if got := d.Judge(tt.status, nil, []byte(tt.body)).Verdict; got != tt.want {
			t.Errorf("%d %s: %q", tt.status, tt.body, got)
		}
	}
	if _, err := New(Config{Object: "a/b"}); leadlake.ErrorCode(err) != leadlake.Invalid {
		t.Error(err)
	}
}
