package mailchimp

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/delivertest"
)

const audience = "a1b2c3d4e5" // the sandbox's

// bench is a destination before the sandbox.
type bench struct {
	*Destination
	*delivertest.Direct
	crm *crm.Server
}

func setup(t *testing.T, cfg Config) *bench {
	t.Helper()
	box := crm.New(crm.Config{})
	s := delivertest.NewSandbox(t, box, "mailchimp")
	cfg.BaseURL, cfg.ListID = s.URL+"/3.0", audience
	d, err := New(cfg)
	delivertest.Must(t, err)
	b := &bench{d, s.Direct(d, func(string) string { return "key-us1" }), box}
	b.Open()
	return b
}

func (b *bench) edit(e crm.Edit) {
	b.T.Helper()
	e.App = "mailchimp"
	delivertest.Must(b.T, b.crm.Edit(e))
}
func (b *bench) members() crm.EffectCount          { return b.crm.Effects()["mailchimp"]["members"] }
func (b *bench) probe(r deliver.Row) deliver.Found { b.T.Helper(); return b.Find(r)[0] }

func row(mail string, fields map[string]any) deliver.Row {
	p := deliver.Payload{"email_address": deliver.Value(mail), "merge_fields.COMPANY": deliver.Value("Firm"), consentField: deliver.Value(OptIn)}
	for name, v := range fields {
		p[name] = deliver.Value(v)
	}
	return deliver.Row{Key: strings.ToLower(mail), Op: deliver.Create, Fields: p}
}

func TestMailchimp_a_cold_lead_is_refused_and_told_why(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	cold := row("ann@firm.example", nil)
	cold.Fields = cold.Fields.Without(consentField)
	out := b.Send(cold)[0]
	if out.State != deliver.Rejected || out.Code != "consent_missing" || !strings.Contains(out.Reason, "terms") || out.Fix == "" {
		t.Errorf("%+v", out)
	}
	if calls := b.Calls; calls != 0 {
		t.Errorf("%d calls", calls)
	}
	for consent, status := range map[string]string{OptIn: "subscribed", DoubleOptIn: "pending"} {
		b := setup(t, Config{Consent: consent})
		if out := b.Send(cold)[0]; out.State != deliver.Accepted || out.ID == "" {
			t.Errorf("%s: %+v", consent, out)
		}
		resp, err := b.Call(deliver.Request{URL: b.member(cold)})
		if err != nil || !strings.Contains(string(resp.Body), `"status":"`+status+`"`) {
			t.Errorf("%s: %v %s", consent, err, resp.Body)
		}
	}
	if _, err := New(Config{ListID: "x", Consent: "surely"}); err == nil {
		t.Error("an unknown consent passes")
	}
}

func TestMailchimp_a_row_sent_twice_has_one_effect(t *testing.T) {
	t.Parallel()
	for _, call := range []int{0, 1, 2} {
		b := setup(t, Config{})
		b.CutAt = call
		r := row("Ann@Firm.example", map[string]any{
			"merge_fields.ADDRESS.addr1": "1 Main St", "merge_fields.ADDRESS.city": "Denver", "merge_fields.ADDRESS.state": "CO", "merge_fields.ADDRESS.zip": "80202",
			"merge_fields.RATING": 4.5, "tags": []string{"tier A"}, "vip": true,
		})
		for range 3 {
			_, err := b.Deliver(b, deliver.Batch{Rows: []deliver.Row{r}})
			if call == 0 {
				delivertest.Must(t, err)
			}
		}
		if n := b.members(); n.Creates != 1 || n.Duplicates != nil {
			t.Errorf("call %d is lost: effects %+v", call, n)
		}
		found := b.probe(r)
		if d := cmp.Diff(r.Fields, found.Fields); d != "" || found.Matches != 1 {
			t.Errorf("found %+v: %s", found, d)
		}
	}
}

func TestMailchimp_an_update_subscribes_nobody(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	made := b.Send(row("ann@firm.example", nil))[0]
	b.edit(crm.Edit{Op: "unsubscribe", Key: "ann@firm.example"})
	up := row("ann@firm.example", map[string]any{"merge_fields.COMPANY": "New"})
	up.Op, up.ID = deliver.Update, made.ID
	for _, r := range []deliver.Row{up, row("ann@firm.example", nil)} { // and a create does not, either
		if out := b.Send(r)[0]; out.State != deliver.Accepted {
			t.Errorf("%+v", out)
		}
		resp, err := b.Call(deliver.Request{URL: b.member(up)})
		if err != nil || !strings.Contains(string(resp.Body), `"status":"unsubscribed"`) {
			t.Errorf("%v %s", err, resp.Body)
		}
	}
	gone := deliver.Row{Key: "nobody@firm.example", Op: deliver.Update, Fields: deliver.Payload{"vip": deliver.Value(true)}}
	if out := b.Send(gone)[0]; out.Code != "record_deleted" {
		t.Errorf("%+v", out)
	}
}

func TestMailchimp_a_bad_row_fails_alone_and_says_why(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	b.Send(row("gone@firm.example", nil))
	b.edit(crm.Edit{Op: "forget", Key: "gone@firm.example"})
	b.edit(crm.Edit{Op: "schema", Field: "LNAME", Values: []string{"required"}})
	name := map[string]any{"merge_fields.LNAME": "Lee"}
	with := func(field string, v any) map[string]any {
		return map[string]any{"merge_fields.LNAME": "Lee", "merge_fields." + field: v}
	}
	for want, r := range map[string]deliver.Row{
		"":                    row("good@firm.example", name),
		"forgotten":           row("gone@firm.example", name),
		"required_missing":    row("a@firm.example", nil),
		"wrong_type":          row("b@firm.example", with("RATING", "good")),
		"too_long":            row("c@firm.example", with("COMPANY", strings.Repeat("x", 256))),
		"not_in_picklist":     row("d@firm.example", with("TIER", "Z")),
		"invalid_email":       row("fake@firm.example", name),
		"signed_up_too_often": row("everywhere@firm.example", name),
	} {
		out := b.Send(r, row("other@firm.example", name))
		if out[0].Code != want || (out[0].State == deliver.Accepted) != (want == "") || out[0].State == deliver.Rejected && out[0].Fix == "" {
			t.Errorf("%+v, want %q", out[0], want)
		}
		if out[1].State != deliver.Accepted {
			t.Errorf("beside %q: %+v", want, out[1])
		}
	}
}

func TestMailchimp_what_is_removed_may_come_back(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	r := row("ann@firm.example", nil)
	r.ID = b.Send(r)[0].ID
	gone := r
	gone.Op = deliver.Remove
	for range 2 {
		if out := b.Send(gone)[0]; out.State != deliver.Accepted {
			t.Errorf("%+v", out)
		}
	}
	if b.probe(r).Matches != 0 {
		t.Error("an archived member is there")
	}
	if out := b.Send(r)[0]; out.State != deliver.Accepted || b.probe(r).Matches != 1 {
		t.Errorf("%+v", out)
	}
}

func TestMailchimp_an_address_that_changed_is_found_by_its_contact(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	r := row("ann@firm.example", nil)
	r.ID = b.Send(r)[0].ID
	if _, err := b.Call(deliver.Request{Method: http.MethodPatch, URL: b.member(r), Body: []byte(`{"email_address":"ann.lee@firm.example"}`)}); err != nil {
		t.Fatal(err)
	}
	if found := b.probe(r); found.Matches != 1 || found.ID != r.ID {
		t.Errorf("%+v", found)
	}
}

func TestMailchimp_describes_what_the_default_mapping_needs(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	fields := b.Fields()
	for name, want := range map[string]deliver.Type{"merge_fields.RATING": deliver.Number, "merge_fields.ADDRESS.zip": deliver.Text, "merge_fields.TIER": deliver.Picklist, "consent": deliver.Picklist} {
		if fields[name].Type != want {
			t.Errorf("%s is %q", name, fields[name].Type)
		}
	}
}

func TestMailchimp_feedback_is_the_same_whenever_it_is_read(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	const people = 1500 // more than a page, all changed within a second or two
	for i := range people {
		b.Send(row(fmt.Sprintf("p%d@firm.example", i), nil))
	}
	cursor := b.PullNone()
	b.crm.Advance(3 * 24 * time.Hour)
	early, cursor := b.Pull(cursor)
	b.crm.Advance(60 * 24 * time.Hour)
	later, _ := b.Pull(cursor)
	all, _ := b.Pull("")
	counts := map[deliver.Kind]int{}
	for id, e := range all {
		counts[e.Kind]++
		if early[id] != e && later[id] != e {
			t.Errorf("%s was missed: %+v", id, e)
		}
		if e.Key == "" || e.RemoteID == "" || e.At.IsZero() {
			t.Errorf("%+v", e)
		}
	}
	if counts[deliver.OptedOut] == 0 || counts[deliver.Bounced] == 0 || len(counts) != 2 {
		t.Errorf("counts %v", counts)
	}
}

func TestAuthorize_finds_the_data_centre(t *testing.T) {
	t.Parallel()
	d, err := New(Config{ListID: audience})
	delivertest.Must(t, err)
	key := func(key string) *delivertest.Direct {
		return &delivertest.Direct{T: t, To: d, Getenv: func(string) string { return key }}
	}
	access, err := d.Authorize(key("0123abcd-us19"))
	if err != nil || access.BaseURL != "https://us19.api.mailchimp.com/3.0" {
		t.Errorf("%+v, %v", access, err)
	}
	for _, bad := range []string{"", "0123abcd", "a-b.example", "a-us19/../x"} {
		if access, err := d.Authorize(key(bad)); leadlake.ErrorCode(err) != leadlake.Unauthorized {
			t.Errorf("%q: %+v, %v", bad, access, err)
		}
	}
}

func TestJudge_knows_an_empty_403(t *testing.T) {
	t.Parallel()
	d, err := New(Config{ListID: audience})
	delivertest.Must(t, err)
	for name, tc := range map[string]struct {
		status int
		body   string
		want   deliver.Verdict
	}{
		"too many": {429, `{"title":"Too Many Requests"}`, deliver.Slow}, "without a body": {403, "", deliver.Slow},
		"forbidden": {403, `{"title":"Forbidden"}`, ""}, "a refusal": {400, `{}`, ""}, "a success": {200, ``, ""},
	} {
		if got := d.Judge(tc.status, nil, []byte(tc.body)); got.Verdict != tc.want {
			t.Errorf("%s: %q", name, got.Verdict)
		}
	}
}
