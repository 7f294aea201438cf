package webhook_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/webhook"
)

// signed is a webhook that the destination sent, or what became of it. Verifiers
// in other languages read a list of them: see scripts/conformance.sh.
type signed struct {
	Secret  string            `json:"secret"`
	Body    string            `json:"body"`
	Headers map[string]string `json:"headers"`
	Valid   bool              `json:"valid"`
	Why     string            `json:"why,omitempty"`
}

const (
	present = "whsec_bGVhZGxha2Utc2FuZGJveC13ZWJob29rLXNlY3JldA=="
	former  = "whsec_YW4gb2xkZXIgc2VjcmV0IG9mIGVub3VnaCBieXRlcw=="
)

// wiretap is the engine's side of a delivery, at a time of its own.
type wiretap struct {
	now  time.Time
	last deliver.Request
}

func (w *wiretap) Call(r deliver.Request) (deliver.Response, error) {
	w.last = r
	return deliver.Response{Status: http.StatusNoContent, Verdict: deliver.Fine}, nil
}
func (w *wiretap) Save(string) error         { return nil }
func (w *wiretap) Sleep(time.Duration) error { return nil }
func (w *wiretap) Now() time.Time            { return w.now }
func (w *wiretap) Secret(name string) string {
	return map[string]string{"LEADLAKE_WEBHOOK_SECRET": present, "OLD": former}[name]
}

// send has the destination post one event.
func send(t *testing.T, at time.Time, oldEnv, idem string) signed {
	t.Helper()
	to, err := webhook.New(webhook.Config{URL: "https://hooks.example/leads", OldEnv: oldEnv})
	if err != nil {
		t.Fatal(err)
	}
	tap := &wiretap{now: at}
	row := deliver.Row{Key: "ld_1", LeadID: "ld_1", Op: deliver.Create, Idem: idem, Fields: deliver.Payload{
		"name": deliver.Value(`Café "Ünïque" <&>`), "score": deliver.Value(0.82), "tags": deliver.Value([]string{"a.b", "\u2028"}), "phone": deliver.Value(nil),
	}}
	out, err := to.Deliver(tap, deliver.Batch{ID: "b1", Rows: []deliver.Row{row}})
	if err != nil || out[0].State != deliver.Accepted {
		t.Fatal(out, err)
	}
	one := signed{Secret: present, Body: string(tap.last.Body), Headers: map[string]string{}, Valid: true}
	for name, v := range tap.last.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "webhook-") {
			one.Headers[name] = v[0]
		}
	}
	return one
}

func TestDestination_signs_for_verifiers(t *testing.T) {
	t.Parallel()
	now := time.Now()
	rotated := send(t, now, "OLD", "rotated")
	withOld := rotated
	withOld.Secret = former
	all := []signed{send(t, now, "", "plain"), send(t, now.Add(-4*time.Minute), "", "late"), rotated, withOld}
	wrong := func(why string, one signed, change func(*signed)) {
		one.Valid, one.Why = false, why
		change(&one)
		all = append(all, one)
	}
	none := func(*signed) {}
	wrong("an old timestamp", send(t, now.Add(-6*time.Minute), "", "old"), none)
	wrong("a timestamp to come", send(t, now.Add(6*time.Minute), "", "early"), none)
	wrong("another secret", send(t, now, "", "secret"), func(s *signed) { s.Secret = former })
	wrong("another body", send(t, now, "", "body"), func(s *signed) { s.Body = strings.Replace(s.Body, "ld_1", "ld_2", 1) })
	wrong("another id", send(t, now, "", "id"), func(s *signed) { s.Headers["webhook-id"] = "msg_other" })
	wrong("no signature", send(t, now, "", "bare"), func(s *signed) { delete(s.Headers, "webhook-signature") })

	for i, one := range all {
		lib, err := standardwebhooks.NewWebhook(one.Secret)
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{}
		for name, v := range one.Headers {
			header.Set(name, v)
		}
		if err := lib.Verify([]byte(one.Body), header); (err == nil) != one.Valid {
			t.Errorf("%d %s: the specification's library says %v", i, one.Why, err)
		}
	}
	path := os.Getenv("LEADLAKE_SIGNED")
	if path == "" {
		path = filepath.Join(t.TempDir(), "signed.json")
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
