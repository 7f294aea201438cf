package salesforce

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
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
	s := delivertest.NewSandbox(t, box, "salesforce")
	cfg.LoginURL, cfg.ClientID = s.URL, "app"
	d, err := New(cfg)
	delivertest.Must(t, err)
	b := &bench{d, s.Direct(d, secrets(map[string]string{SecretEnv: "s"})), box}
	b.Wait = func(time.Duration) { box.Advance(time.Second) }
	return b
}

func secrets(known map[string]string) func(string) string {
	return func(name string) string { return known[name] }
}

func (b *bench) open() *bench { b.T.Helper(); b.Open(); return b }
func (b *bench) edit(e crm.Edit) {
	b.T.Helper()
	e.App = "salesforce"
	delivertest.Must(b.T, b.crm.Edit(e))
}
func (b *bench) leads() crm.EffectCount { return b.crm.Effects()["salesforce"]["Lead"] }

func row(key string, fields map[string]any) deliver.Row {
	p := deliver.Payload{"LastName": deliver.Value("Doe"), "Company": deliver.Value("Firm " + key)}
	for name, v := range fields {
		p[name] = deliver.Value(v)
	}
	return deliver.Row{Key: key, Op: deliver.Create, Fields: p, Idem: "i" + key}
}

func TestSalesforce_opens_a_session_in_three_ways(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	delivertest.Must(t, err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	delivertest.Must(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	delivertest.Must(t, err)
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	for _, flow := range []string{ClientCredentials, JWT, RefreshToken} {
		for _, private := range []string{encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), encode("PRIVATE KEY", pkcs8)} {
			b := setup(t, Config{Flow: flow, Username: "u@acme.example", Audience: "https://login.salesforce.com"})
			b.edit(crm.Edit{Op: "certificate", Values: []string{encode("PUBLIC KEY", public)}})
			b.Getenv = secrets(map[string]string{SecretEnv: "s", RefreshEnv: "r", KeyEnv: private})
			if out := b.open().Send(row("a", nil)); out[0].State != deliver.Accepted {
				t.Errorf("%s: %+v", flow, out)
			}
			b.edit(crm.Edit{Op: "revoke", Values: []string{"app"}})
			b.Access = deliver.Access{}
			if _, err := b.Authorize(b); leadlake.ErrorCode(err) != leadlake.Unauthorized {
				t.Errorf("%s: %v", flow, err)
			}
		}
	}
}

func TestSalesforce_tells_each_row_its_outcome(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{}).open()
	first := b.Send(row("a", nil), row("b", map[string]any{"Company": nil}), row("c", nil), row("d", nil), row("e", nil))
	for i, want := range []deliver.State{deliver.Accepted, deliver.Rejected, deliver.Accepted} {
		if first[i].State != want {
			t.Errorf("%d: %+v", i, first[i])
		}
	}
	if first[1].Code != "required_missing" || first[1].Fix == "" || first[0].Op != deliver.Create || first[0].ID == "" {
		t.Errorf("%+v", first)
	}
	b.edit(crm.Edit{Op: "convert", Key: "c"})
	b.edit(crm.Edit{Op: "delete", Key: "d"})
	b.edit(crm.Edit{Op: "lock", Key: "e"})
	b.edit(crm.Edit{Op: "duplicate_rule", Values: []string{"Email"}})
	b.Send(row("f", map[string]any{"Email": "x@firm.example"}))
	var got []string
	for _, o := range b.Send(row("a", map[string]any{"Industry": "Alchemy"}), row("c", nil), row("d", nil), row("e", nil), row("g", map[string]any{"Email": "X@firm.example"}), row("A", map[string]any{"City": strings.Repeat("x", 41)}), row("g", nil)) {
		got = append(got, string(o.State)+" "+o.Code+" "+string(o.Op))
	}
	want := []string{
		"rejected not_in_picklist ", "rejected record_converted ", "accepted  create", "retry unable_to_lock_row ", "rejected duplicate_detected ", "rejected duplicate_key ", "rejected duplicate_key ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestSalesforce_a_field_that_went_away_stops_only_rows_that_have_it(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{}).open()
	b.edit(crm.Edit{Op: "schema", Field: "City", Fields: map[string]any{"remove": true}})
	out := b.Send(row("a", map[string]any{"City": "Denver"}), row("b", nil))
	if out[0].State != deliver.Rejected || out[0].Code != "unknown_field" || out[1].State != deliver.Retry {
		t.Errorf("%+v", out)
	}
}

func TestSalesforce_reads_back_what_it_wrote(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{}).open()
	var rows []deliver.Row
	for i := range 200 {
		rows = append(rows, row(fmt.Sprintf("it's %d \\ %s", i, strings.Repeat("x", 50)), map[string]any{
			"Lead_Score__c": 0.25, "Scored_At__c": "2026-03-02T09:00:00Z", "HasOptedOutOfEmail": false, "City": nil, "Street": "1 Main St\nUnit 2",
		}))
	}
	b.Send(rows...)
	absent := row("nobody", nil)
	b.edit(crm.Edit{Op: "convert", Key: rows[3].Key})
	found := b.Find(append([]deliver.Row{absent}, rows...)...)
	if found[0].Matches != 0 || found[4].Gone != "converted" {
		t.Errorf("%+v %+v", found[0], found[4])
	}
	for i, r := range rows {
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

func TestSalesforce_removes_by_id_or_key(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{}).open()
	made := b.Send(row("a", nil), row("b", nil), row("c", nil))
	b.edit(crm.Edit{Op: "delete", Key: "c"})
	out := b.Send(deliver.Row{Key: "a", ID: made[0].ID, Op: deliver.Remove}, deliver.Row{Key: "b", Op: deliver.Remove}, deliver.Row{Key: "c", ID: made[2].ID, Op: deliver.Remove}, deliver.Row{Key: "d", Op: deliver.Remove}, row("e", nil))
	for i, o := range out {
		if o.State != deliver.Accepted {
			t.Errorf("%d: %+v", i, o)
		}
	}
	if n := b.leads(); n.Deletes != 2 || n.Creates != 4 {
		t.Errorf("%+v", n)
	}
}

func TestSalesforce_describes_what_a_mapping_needs(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{}).open()
	fields := b.Fields()
	if f := fields["Company"]; !f.Required || f.MaxLen != 255 || f.Type != deliver.Text {
		t.Errorf("%+v", f)
	}
	if f := fields["Industry"]; f.Type != deliver.Picklist || !slices.Contains(f.Values, "Retail") || f.Required {
		t.Errorf("%+v", f)
	}
	if f := fields["LeadSource"]; f.Type != deliver.Picklist || f.Values != nil {
		t.Errorf("%+v", f)
	}
	if !fields["IsConverted"].ReadOnly || fields["Scored_At__c"].Type != deliver.DateTime || fields["NumberOfEmployees"].Type != deliver.Integer {
		t.Error("types are wrong")
	}
}

func TestSalesforce_a_job_is_gone_on_with_after_each_lost_answer(t *testing.T) {
	t.Parallel()
	rows := make([]deliver.Row, 300)
	for i := range rows {
		rows[i] = row(fmt.Sprint("k", i), map[string]any{"City": []any{"Denver", nil}[i%2]})
	}
	delete(rows[7].Fields, "Company")
	total := 0
	for cut := 0; cut <= total; cut++ {
		b := setup(t, Config{}).open()
		b.Calls, b.CutAt = 0, cut
		batch := deliver.Batch{ID: "b", Rows: rows, Bulk: true}
		out, err := b.Deliver(b, batch)
		if cut == 0 {
			delivertest.Must(t, err)
			total = b.Calls
		} else {
			if !errors.Is(err, delivertest.ErrCut) {
				t.Fatalf("call %d: %v", cut, err)
			}
			batch.State, b.CutAt = b.Saved, 0
			out, err = b.Deliver(b, batch)
			delivertest.Must(t, err)
		}
		for i, o := range out {
			if want := deliver.Accepted; i != 7 && o.State != want || i == 7 && (o.State != deliver.Rejected || o.Code != "required_missing") {
				t.Fatalf("call %d, row %d: %+v", cut, i, o)
			}
		}
		if n := b.leads(); n.Creates != 299 || n.Updates != 0 {
			t.Errorf("call %d: %+v", cut, n)
		}
	}
	if total < 7 {
		t.Errorf("%d calls only", total)
	}
}

func TestSalesforce_outcomes_come_back_once(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{}).open()
	var rows []deliver.Row
	for i := range 200 {
		rows = append(rows, row(fmt.Sprint("k", i), map[string]any{"Email": fmt.Sprintf("k%d@firm.example", i), "Star_Rating__c": 4.9, "Review_Count__c": 400, "NumberOfEmployees": 30, "Technologies__c": "x"}))
	}
	b.Send(rows...)
	b.Follow(120, func() {
		b.crm.Advance(24 * time.Hour)
		b.Open()
	}, "k", deliver.Replied, deliver.Qualified, deliver.Opportunity, deliver.Won, deliver.Lost, deliver.Bounced, deliver.OptedOut)
}

func TestJudge_tells_limits_from_refusals(t *testing.T) {
	t.Parallel()
	d, err := New(Config{ClientID: "a"})
	delivertest.Must(t, err)
	for body, want := range map[string]deliver.Verdict{
		`[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`:           deliver.Spent,
		`[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"ConcurrentPerOrgLongTxn Limit exceeded."}]`: deliver.Slow,
		`[{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}]`:                  deliver.Denied,
		`[{"errorCode":"NOT_FOUND"}]`:           deliver.Miss,
		`[{"errorCode":"UNABLE_TO_LOCK_ROW"}]`:  deliver.Broken,
		`[{"errorCode":"INSUFFICIENT_ACCESS"}]`: "",
		`<html>`:                                "",
	} {
		if got := d.Judge(403, nil, []byte(body)).Verdict; got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
	for _, cfg := range []Config{{}, {ClientID: "a", Flow: "x"}, {ClientID: "a", Flow: JWT}} {
		if _, err := New(cfg); leadlake.ErrorCode(err) != leadlake.Invalid {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
