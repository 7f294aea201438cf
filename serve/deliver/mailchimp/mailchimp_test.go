package mailchimp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/serve/deliver"
)

const audience = "a1b2c3d4e5" // the sandbox's

// bench is a destination, the sandbox, and the engine's side between them,
// which keeps to the destination's own judgement and does not retry.
type bench struct {
	*Destination
	t      *testing.T
	crm    *crm.Server
	url    string
	key    string
	access deliver.Access
	calls  int
	cutAt  int // the call that is carried out and has no answer
}

func setup(t *testing.T, cfg Config) *bench {
	t.Helper()
	b := &bench{t: t, crm: crm.New(crm.Config{}), key: "key-us1"}
	srv := httptest.NewServer(b.crm)
	t.Cleanup(srv.Close)
	b.url = srv.URL + "/mailchimp/3.0"
	cfg.BaseURL, cfg.ListID = b.url, audience
	d, err := New(cfg)
	fatal(t, err)
	b.Destination = d
	b.access, err = d.Authorize(b)
	fatal(t, err)
	return b
}

var errCut = errors.New("no answer")

func (b *bench) Call(r deliver.Request) (deliver.Response, error) {
	b.calls++
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
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
	if err != nil || b.calls == b.cutAt {
		return deliver.Response{}, errCut
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
	if slices.Contains([]deliver.Verdict{deliver.Slow, deliver.Denied}, verdict) {
		return deliver.Response{}, leadlake.Errorf(leadlake.Unavailable, "%s: %s", verdict, body)
	}
	return deliver.Response{Status: resp.StatusCode, Header: resp.Header, Body: body, Verdict: verdict}, nil
}

func (b *bench) Save(string) error         { return nil }
func (b *bench) Sleep(time.Duration) error { return nil }
func (b *bench) Now() time.Time            { return time.Now() }
func (b *bench) Secret(string) string      { return b.key }
func (b *bench) edit(e crm.Edit)           { b.t.Helper(); e.App = "mailchimp"; fatal(b.t, b.crm.Edit(e)) }
func (b *bench) members() crm.EffectCount  { return b.crm.Effects()["mailchimp"]["members"] }

func (b *bench) deliver(rows ...deliver.Row) []deliver.Outcome {
	b.t.Helper()
	out, err := b.Deliver(b, deliver.Batch{ID: "b1", Rows: rows})
	fatal(b.t, err)
	return out
}

func (b *bench) probe(r deliver.Row) deliver.Found {
	b.t.Helper()
	found, err := b.Probe(b, []deliver.Row{r})
	fatal(b.t, err)
	return found[0]
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

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
	out := b.deliver(cold)[0]
	if out.State != deliver.Rejected || out.Code != "consent_missing" || !strings.Contains(out.Reason, "terms") || out.Fix == "" {
		t.Errorf("%+v", out)
	}
	if calls := b.calls; calls != 0 {
		t.Errorf("%d calls", calls)
	}
	for consent, status := range map[string]string{OptIn: "subscribed", DoubleOptIn: "pending"} {
		b := setup(t, Config{Consent: consent})
		if out := b.deliver(cold)[0]; out.State != deliver.Accepted || out.ID == "" {
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
		b.cutAt = call
		r := row("Ann@Firm.example", map[string]any{
			"merge_fields.ADDRESS.addr1": "1 Main St", "merge_fields.ADDRESS.city": "Denver", "merge_fields.ADDRESS.state": "CO", "merge_fields.ADDRESS.zip": "80202",
			"merge_fields.RATING": 4.5, "tags": []string{"tier A"}, "vip": true,
		})
		for range 3 {
			_, err := b.Deliver(b, deliver.Batch{Rows: []deliver.Row{r}})
			if call == 0 {
				fatal(t, err)
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
	made := b.deliver(row("ann@firm.example", nil))[0]
	b.edit(crm.Edit{Op: "unsubscribe", Key: "ann@firm.example"})
	up := row("ann@firm.example", map[string]any{"merge_fields.COMPANY": "New"})
	up.Op, up.ID = deliver.Update, made.ID
	for _, r := range []deliver.Row{up, row("ann@firm.example", nil)} { // and a create does not, either
		if out := b.deliver(r)[0]; out.State != deliver.Accepted {
			t.Errorf("%+v", out)
		}
		resp, err := b.Call(deliver.Request{URL: b.member(up)})
		if err != nil || !strings.Contains(string(resp.Body), `"status":"unsubscribed"`) {
			t.Errorf("%v %s", err, resp.Body)
		}
	}
	gone := deliver.Row{Key: "nobody@firm.example", Op: deliver.Update, Fields: deliver.Payload{"vip": deliver.Value(true)}}
	if out := b.deliver(gone)[0]; out.Code != "record_deleted" {
		t.Errorf("%+v", out)
	}
}

func TestMailchimp_a_bad_row_fails_alone_and_says_why(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	b.deliver(row("gone@firm.example", nil))
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
		out := b.deliver(r, row("other@firm.example", name))
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
	r.ID = b.deliver(r)[0].ID
	gone := r
	gone.Op = deliver.Remove
	for range 2 {
		if out := b.deliver(gone)[0]; out.State != deliver.Accepted {
			t.Errorf("%+v", out)
		}
	}
	if b.probe(r).Matches != 0 {
		t.Error("an archived member is there")
	}
	if out := b.deliver(r)[0]; out.State != deliver.Accepted || b.probe(r).Matches != 1 {
		t.Errorf("%+v", out)
	}
}

func TestMailchimp_an_address_that_changed_is_found_by_its_contact(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	r := row("ann@firm.example", nil)
	r.ID = b.deliver(r)[0].ID
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
	schema, err := b.Describe(b)
	fatal(t, err)
	m, err := deliver.DefaultMapping("mailchimp")
	fatal(t, err)
	if problems := m.Fits(schema); len(problems) > 0 {
		t.Errorf("%+v", problems)
	}
	types := map[string]deliver.Type{}
	for _, f := range schema.Fields {
		types[f.Name] = f.Type
	}
	for name, want := range map[string]deliver.Type{"merge_fields.RATING": deliver.Number, "merge_fields.ADDRESS.zip": deliver.Text, "merge_fields.TIER": deliver.Picklist, "consent": deliver.Picklist} {
		if types[name] != want {
			t.Errorf("%s is %q", name, types[name])
		}
	}
}

func TestMailchimp_feedback_is_the_same_whenever_it_is_read(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	const people = 1500 // more than a page, all changed within a second or two
	for i := range people {
		b.deliver(row(fmt.Sprintf("p%d@firm.example", i), nil))
	}
	pull := func(cursor string) (map[string]deliver.Event, string) {
		t.Helper()
		all := map[string]deliver.Event{}
		for pages := 0; ; pages++ {
			f, err := b.Feedback(b, cursor)
			fatal(t, err)
			for _, e := range f.Events {
				all[e.ID] = e
			}
			if cursor = f.Next; !f.More {
				return all, cursor
			}
			if pages > 20 {
				t.Fatal("no end")
			}
		}
	}
	none, cursor := pull("")
	if len(none) != 0 {
		t.Errorf("events before anything happened: %v", none)
	}
	b.crm.Advance(3 * 24 * time.Hour)
	early, cursor := pull(cursor)
	b.crm.Advance(60 * 24 * time.Hour)
	later, _ := pull(cursor)
	all, _ := pull("")
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
	fatal(t, err)
	b := &bench{Destination: d, t: t, key: "0123abcd-us19"}
	access, err := d.Authorize(b)
	if err != nil || access.BaseURL != "https://us19.api.mailchimp.com/3.0" {
		t.Errorf("%+v, %v", access, err)
	}
	for _, key := range []string{"", "0123abcd", "a-b.example", "a-us19/../x"} {
		b.key = key
		if access, err := d.Authorize(b); leadlake.ErrorCode(err) != leadlake.Unauthorized {
			t.Errorf("%q: %+v, %v", key, access, err)
		}
	}
}

func TestJudge_knows_an_empty_403(t *testing.T) {
	t.Parallel()
	d, err := New(Config{ListID: audience})
	fatal(t, err)
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
