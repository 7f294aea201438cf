package hubspot

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/serve/deliver"
)

// bench is a destination, the sandbox, and the engine's side between them,
// which keeps to the destination's own judgement and does not retry.
type bench struct {
	*Destination
	t      *testing.T
	crm    *crm.Server
	url    string
	access deliver.Access
	paths  []string
}

func setup(t *testing.T, cfg Config) *bench {
	t.Helper()
	b := &bench{t: t, crm: crm.New(crm.Config{})}
	srv := httptest.NewServer(b.crm)
	t.Cleanup(srv.Close)
	b.url = srv.URL + "/hubspot"
	cfg.BaseURL = b.url
	d, err := New(cfg)
	fatal(t, err)
	b.Destination = d
	b.access, err = b.Authorize(b)
	fatal(t, err)
	return b
}

func (b *bench) Call(r deliver.Request) (deliver.Response, error) {
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	b.paths = append(b.paths, r.URL)
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return deliver.Response{}, err
	}
	for _, h := range []http.Header{r.Header, b.access.Header} {
		for k, v := range h {
			req.Header[k] = v
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return deliver.Response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return deliver.Response{}, err
	}
	verdict := b.Judge(resp.StatusCode, resp.Header, body).Verdict
	switch {
	case verdict != "":
	case resp.StatusCode < 300:
		verdict = deliver.Fine
	case resp.StatusCode == http.StatusUnauthorized:
		verdict = deliver.Denied
	default:
		verdict = deliver.Wrong
	}
	if slices.Contains([]deliver.Verdict{deliver.Slow, deliver.Spent, deliver.Denied, deliver.Broken}, verdict) {
		return deliver.Response{}, leadlake.Errorf(leadlake.Unavailable, "%s: %s", verdict, body)
	}
	return deliver.Response{Status: resp.StatusCode, Header: resp.Header, Body: body, Verdict: verdict}, nil
}

func (b *bench) Save(string) error           { return nil }
func (b *bench) Sleep(d time.Duration) error { b.crm.Advance(d); return nil }
func (b *bench) Now() time.Time              { return time.Now() }
func (b *bench) Secret(name string) string   { return "secret-" + strings.ToLower(name) }
func (b *bench) edit(e crm.Edit)             { b.t.Helper(); e.App = "hubspot"; fatal(b.t, b.crm.Edit(e)) }
func (b *bench) count() crm.EffectCount      { return b.crm.Effects()["hubspot"][b.cfg.Object] }
func (b *bench) deliver(rows ...deliver.Row) []deliver.Outcome {
	b.t.Helper()
	out, err := b.Deliver(b, deliver.Batch{ID: "b1", Rows: rows})
	fatal(b.t, err)
	return out
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

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
	out := b.deliver(
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
		b.deliver(rows...)
		found, err := b.Probe(b, append([]deliver.Row{row("nobody@firm.example", nil)}, rows...)[:100])
		fatal(t, err)
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
	b.deliver(row("a@firm.example", map[string]any{"email": "a@firm.example"}))
	b.edit(crm.Edit{Op: "create", Fields: map[string]any{"email": "human@firm.example"}})
	b.edit(crm.Edit{Op: "merge", Key: "a@firm.example", Into: "human@firm.example"})
	out := b.deliver(row("a@firm.example", map[string]any{"email": "a@firm.example", "city": "Denver"}))
	if out[0].State != deliver.Accepted || out[0].Op != deliver.Update {
		t.Errorf("%+v", out)
	}
	found, err := b.Probe(b, []deliver.Row{row("a@firm.example", map[string]any{"city": ""}), row("human@firm.example", map[string]any{"city": ""})})
	fatal(t, err)
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
	b.deliver(named("a"), named("b"))
	b.edit(crm.Edit{Object: "companies", Op: "delete", Key: "b"})
	for _, o := range b.deliver(deliver.Row{Key: "a", Op: deliver.Remove}, deliver.Row{Key: "b", ID: "502", Op: deliver.Remove}, deliver.Row{Key: "c", Op: deliver.Remove}, named("d")) {
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
	if b.access.Until.IsZero() || !strings.HasPrefix(b.access.Header.Get("Authorization"), "Bearer CK") {
		t.Errorf("%+v", b.access)
	}
	schema, err := b.Describe(b)
	fatal(t, err)
	fields := map[string]deliver.Field{}
	for _, f := range schema.Fields {
		fields[f.Name] = f
	}
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
				"leadlake_id": fmt.Sprint("l", 100*part+i), "leadlake_score": 0.5, "leadlake_rating": 4.9, "leadlake_reviews": 400, "leadlake_technologies": "x",
			}))
		}
		b.deliver(rows...)
	}
	pull := func(cursor string) (map[string]deliver.Event, string) {
		all := map[string]deliver.Event{}
		for pages := 0; ; pages++ {
			page, err := b.Feedback(b, cursor)
			fatal(t, err)
			for _, e := range page.Events {
				all[e.ID] = e
			}
			if cursor = page.Next; !page.More {
				return all, cursor
			}
			if pages > 50 {
				t.Fatalf("a pull does not end: %s", cursor)
			}
		}
	}
	all, kinds := map[string]deliver.Event{}, map[deliver.Kind]int{}
	_, cursor := pull("")
	for range 120 {
		b.crm.Advance(24 * time.Hour)
		var more map[string]deliver.Event
		more, cursor = pull(cursor)
		for id, e := range more {
			if _, known := all[id]; !known {
				all[id] = e
				kinds[e.Kind]++
			}
			if !strings.HasPrefix(e.Key, "k") || e.At.IsZero() {
				t.Fatalf("%+v", e)
			}
		}
	}
	for _, kind := range []deliver.Kind{deliver.Replied, deliver.Qualified, deliver.Opportunity, deliver.Won, deliver.Lost, deliver.Bounced, deliver.OptedOut} {
		if kinds[kind] == 0 {
			t.Errorf("no %s in %v", kind, kinds)
		}
	}
	again, _ := pull("")
	for id := range again {
		if _, known := all[id]; !known {
			t.Errorf("a pull from the beginning has %s, which the others lack", id)
		}
	}
}

func TestJudge_tells_the_day_from_the_moment(t *testing.T) {
	t.Parallel()
	d, err := New(Config{})
	fatal(t, err)
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
