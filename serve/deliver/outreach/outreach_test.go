package outreach

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	s := delivertest.NewSandbox(t, box, "outreach")
	cfg.BaseURL, cfg.HasToken = s.URL, cfg.ClientID == ""
	d, err := New(cfg)
	delivertest.Must(t, err)
	b := &bench{d, s.Direct(d, func(string) string { return "sandbox" }), box}
	b.Open()
	return b
}

func (b *bench) edit(e crm.Edit) {
	b.T.Helper()
	e.App = "outreach"
	delivertest.Must(b.T, b.crm.Edit(e))
}
func (b *bench) effects(object string) crm.EffectCount { return b.crm.Effects()["outreach"][object] }

// row is a row to create; a nil field is left out.
func row(mail string, fields map[string]any) deliver.Row {
	p := deliver.Payload{"emails": deliver.Value([]string{mail}), "company": deliver.Value("Firm of " + mail), "externalId": deliver.Value("ld_" + mail)}
	for name, v := range fields {
		p[name] = deliver.Value(v)
	}
	return deliver.Row{Key: mail, Op: deliver.Create, Fields: p}
}

func TestOutreach_a_row_sent_twice_has_one_effect(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	first := b.Send(row("ann@firm.example", nil))[0]
	again := b.Send(row("ann@firm.example", nil))[0]
	if first.State != deliver.Accepted || first.Op != deliver.Create || again.State != deliver.Accepted || again.Op != deliver.Update || again.ID != first.ID {
		t.Errorf("first %+v, again %+v", first, again)
	}
	if n := b.effects("prospects"); n.Creates != 1 || n.Updates != 0 {
		t.Errorf("effects %+v", n)
	}
}

func TestOutreach_a_lost_answer_leaves_no_second_prospect(t *testing.T) {
	t.Parallel()
	for call := 1; call <= 4; call++ {
		b := setup(t, Config{Sequence: 1, Mailbox: 1})
		b.CutAt = b.Calls + call
		rows := []deliver.Row{row("ann@firm.example", nil), row("bob@firm.example", nil)}
		for range 3 {
			out, err := b.Deliver(b, deliver.Batch{ID: "b1", Rows: rows})
			if err == nil && !slices.ContainsFunc(out, func(o deliver.Outcome) bool { return o.State != deliver.Accepted }) {
				break
			}
		}
		p, e := b.effects("prospects"), b.effects("sequenceStates")
		if p.Creates != 2 || e.Creates != 2 || p.Duplicates != nil || e.Duplicates != nil {
			t.Errorf("call %d is lost: prospects %+v, enrolments %+v", call, p, e)
		}
	}
}

func TestOutreach_a_race_ends_in_a_change(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	b.Before = func(r deliver.Request) {
		if len(r.Rows) == 0 {
			return
		}
		b.Before = nil
		b.edit(crm.Edit{Op: "create", Object: "prospects", Fields: map[string]any{"emails": []any{"Ann@firm.example", "ann@home.example"}}})
	}
	out := b.Send(row("ann@firm.example", map[string]any{"title": "Owner"}))[0]
	if out.State != deliver.Accepted || out.Op != deliver.Update || out.ID != "1" {
		t.Fatalf("%+v", out)
	}
	found := b.Find(row("ann@firm.example", map[string]any{"title": nil, "score": nil}))
	want := deliver.Payload{
		"emails": deliver.Value([]string{"Ann@firm.example", "ann@home.example"}), "title": deliver.Value("Owner"), "score": deliver.Value(nil),
		"company": deliver.Value("Firm of ann@firm.example"), "externalId": deliver.Value("ld_ann@firm.example"),
	}
	if d := cmp.Diff(want, found[0].Fields); d != "" || found[0].Matches != 1 || found[0].ChangedAt.IsZero() {
		t.Errorf("found %+v: %s", found[0], d)
	}
}

func TestOutreach_a_bad_row_fails_alone_and_says_why(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	b.edit(crm.Edit{Op: "create", Object: "prospects", Fields: map[string]any{"emails": []any{"trash@firm.example"}, "trashedAt": "2026-11-01T00:00:00Z"}})
	gone := b.Send(row("gone@firm.example", nil))[0]
	b.edit(crm.Edit{Op: "delete", Object: "prospects", ID: gone.ID})
	deleted := row("gone@firm.example", map[string]any{"title": "x"})
	deleted.ID, deleted.Op = gone.ID, deliver.Update
	out := b.Send(
		row("good@firm.example", nil),
		row("x@excluded.example", nil),
		row("long@firm.example", map[string]any{"title": string(bytes.Repeat([]byte("x"), 256))}),
		row("type@firm.example", map[string]any{"score": "high"}),
		row("none@firm.example", map[string]any{"shoeSize": 9}),
		row("trash@firm.example", nil),
		deleted,
		row("also@firm.example", nil),
	)
	want := []string{"", "excluded_address", "too_long", "refused", "refused", "address_held", "record_deleted", ""}
	for i, o := range out {
		if o.Code != want[i] || (o.State == deliver.Accepted) != (want[i] == "") || want[i] != "" && (o.Fix == "" || o.Reason == "") {
			t.Errorf("row %d: %+v, want %q", i, o, want[i])
		}
	}
}

func TestOutreach_a_merged_prospect_is_found_under_its_new_id(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	first := b.Send(row("ann@firm.example", nil))[0]
	b.edit(crm.Edit{Op: "delete", Object: "prospects", ID: first.ID})
	b.edit(crm.Edit{Op: "create", Object: "prospects", Fields: map[string]any{"emails": []any{"ann@firm.example"}}})
	r := row("ann@firm.example", map[string]any{"title": "Owner"})
	r.Op, r.ID = deliver.Update, first.ID
	if out := b.Send(r)[0]; out.State != deliver.Accepted || out.ID == first.ID {
		t.Errorf("%+v", out)
	}
}

func TestOutreach_what_is_removed_is_gone(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	b.Send(row("ann@firm.example", nil))
	r := deliver.Row{Key: "ann@firm.example", Op: deliver.Remove}
	for range 2 {
		if out := b.Send(r)[0]; out.State != deliver.Accepted {
			t.Errorf("%+v", out)
		}
	}
	if n := b.effects("prospects"); n.Live != 0 || n.Deletes != 1 {
		t.Errorf("effects %+v", n)
	}
}

func TestOutreach_enrols_only_where_it_is_told_to(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	b.Send(row("ann@firm.example", nil))
	if n := b.effects("sequenceStates"); n.Creates != 0 {
		t.Errorf("enrolled %+v", n)
	}
	if _, err := New(Config{HasToken: true, Sequence: 1}); err == nil {
		t.Error("a sequence without a mailbox passes")
	}
	b = setup(t, Config{Sequence: 2, Mailbox: 1}) // which is switched off
	if out := b.Send(row("bob@firm.example", nil))[0]; out.State != deliver.Rejected || out.Code != "not_enrolled" || out.ID == "" {
		t.Errorf("%+v", out)
	}
}

func TestOutreach_accounts_are_found_by_our_id(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Object: Accounts})
	b.edit(crm.Edit{Op: "create", Object: "accounts", Fields: map[string]any{"name": "Old", "customId": "ld_2", "named": false}})
	rows := []deliver.Row{
		{Key: "ld_1", Op: deliver.Create, Fields: deliver.Payload{"name": deliver.Value("Lee Plumbing"), "numberOfEmployees": deliver.Value(12)}},
		{Key: "ld_2", Op: deliver.Create, Fields: deliver.Payload{"name": deliver.Value("Older")}},
		{Key: "ld_3", Op: deliver.Create, Fields: deliver.Payload{"domain": deliver.Value("x.example")}},
	}
	out := b.Send(rows...)
	if out[0].Op != deliver.Create || out[1].Op != deliver.Update || out[2].Code != "required_missing" {
		t.Errorf("%+v", out)
	}
	found := b.Find(rows...)
	if found[0].Matches != 1 || string(found[0].Fields["numberOfEmployees"]) != "12" || found[1].Matches != 1 || found[2].Matches != 0 {
		t.Errorf("%+v", found)
	}
}

func TestOutreach_feedback_is_the_same_whenever_it_is_read(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Stages: map[string]deliver.Kind{"Interested": deliver.Qualified, "Customer": deliver.Won, "Not interested": deliver.Lost}})
	for i := range 12 {
		var rows []deliver.Row
		for j := range searched {
			rows = append(rows, row(fmt.Sprintf("p%d-%d@firm.example", i, j), nil))
		}
		b.Send(rows...)
	}
	cursor := b.PullNone()
	b.crm.Advance(20 * 24 * time.Hour)
	_, early := b.Pull(cursor)
	b.crm.Advance(100 * 24 * time.Hour)
	later, end := b.Pull(early)
	all, _ := b.Pull("")
	counts := map[deliver.Kind]int{}
	for _, e := range all {
		if e.RemoteID == "" || e.At.IsZero() {
			t.Errorf("%+v", e)
		}
		counts[e.Kind]++
	}
	for _, kind := range []deliver.Kind{deliver.Replied, deliver.Bounced, deliver.OptedOut, deliver.Lost} {
		if counts[kind] == 0 {
			t.Errorf("nothing %s of %v", kind, counts)
		}
	}
	for id, e := range later {
		if all[id] != e {
			t.Errorf("%s is %+v, then %+v", id, e, all[id])
		}
	}
	if rest, _ := b.Pull(end); len(rest) > 5 {
		t.Errorf("%d events again at the end", len(rest))
	}
}

func TestJudge_reads_points_in_time(t *testing.T) {
	t.Parallel()
	d, err := New(Config{HasToken: true})
	delivertest.Must(t, err)
	at := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		status int
		header map[string]string
		want   deliver.Judgement
	}{
		"a full hour":        {429, map[string]string{"Retry-After": fmt.Sprint(at.Unix()), "X-RateLimit-Reset": fmt.Sprint(at.Unix())}, deliver.Judgement{Verdict: deliver.Slow, Until: at}},
		"two windows":        {429, map[string]string{"X-RateLimit-Reset": fmt.Sprintf("%d, %d", at.Unix(), at.Unix()+60)}, deliver.Judgement{Verdict: deliver.Slow, Until: at}},
		"maintenance":        {503, map[string]string{"Retry-After": "2026-11-25T08:00:00Z"}, deliver.Judgement{Verdict: deliver.Broken, Until: at}},
		"a span, after all":  {429, map[string]string{"Retry-After": "30"}, deliver.Judgement{Verdict: deliver.Slow}},
		"a scope is missing": {403, nil, deliver.Judgement{Verdict: deliver.Refused}},
		"a success":          {201, nil, deliver.Judgement{}},
		"a refusal":          {422, nil, deliver.Judgement{}},
	} {
		header := http.Header{}
		for k, v := range tc.header {
			header.Set(k, v)
		}
		got := d.Judge(tc.status, header, []byte(`{}`))
		if !got.Until.Equal(tc.want.Until) || got.Verdict != tc.want.Verdict {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}

func TestOutreach_opens_a_session_with_the_refresh_token(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{ClientID: "app"})
	if left := time.Until(b.Access.Until); left < 110*time.Minute || left > 2*time.Hour {
		t.Errorf("the session is good for %s", left)
	}
	if out := b.Send(row("ann@firm.example", nil))[0]; out.State != deliver.Accepted {
		t.Errorf("%+v", out)
	}
	b.edit(crm.Edit{Op: "revoke"})
	if _, err := b.Deliver(b, deliver.Batch{Rows: []deliver.Row{row("bob@firm.example", nil)}}); err == nil {
		t.Error("a revoked token works")
	}
	b.Fields()
}
