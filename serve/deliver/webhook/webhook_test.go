package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/delivertest"
)

// secret is that of the sandbox's receiver.
const secret = "whsec_bGVhZGxha2Utc2FuZGJveC13ZWJob29rLXNlY3JldA=="

// receiver leads calls to the sandbox and counts events by key and by id.
type receiver struct {
	server *crm.Server
	seen   func(id, key string)
}

func (r receiver) Do(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	body := &strings.Builder{}
	req.Body = tee{req.Body, body}
	r.server.ServeHTTP(w, req)
	if w.Code/100 == 2 {
		var e struct{ Data struct{ Key string } }
		if json.Unmarshal([]byte(body.String()), &e) == nil {
			r.seen(req.Header.Get("webhook-id"), e.Data.Key)
		}
	}
	return w.Result(), nil
}

func bench(t *testing.T) delivertest.Bench {
	m, err := deliver.DefaultMapping("webhook")
	if err != nil {
		t.Fatal(err)
	}
	to, err := New(Config{URL: "http://hooks.example/webhook/default"})
	if err != nil {
		t.Fatal(err)
	}
	ids := newIDs()
	clock := delivertest.NewClock()
	server := crm.New(crm.Config{Now: clock.Now})
	return delivertest.Bench{
		Clock: clock, To: to, Mapping: m, HTTP: receiver{server, ids.add}, Getenv: func(string) string { return secret }, Effects: ids.count,
		Storm: func(n int) {
			edit := crm.Edit{App: "webhook", Op: "script", Key: "default", Fields: map[string]any{"status": 429.0, "times": float64(n), "retry_after": "7"}}
			if err := server.Edit(edit); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func TestDestination_passes_the_suite(t *testing.T) {
	t.Parallel()
	delivertest.Run(t, bench)
}

// TestSign_gives_the_signature_of_the_specification uses the vector that the
// reference libraries test with.
func TestSign_gives_the_signature_of_the_specification(t *testing.T) {
	t.Parallel()
	d, err := New(Config{URL: "https://hooks.example"})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := d.keys(secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
	if err != nil {
		t.Fatal(err)
	}
	h := sign(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got, want := h.Get("webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature is %s, want %s", got, want)
	}
	if h.Get("webhook-timestamp") != "1614265330" || h.Get("webhook-id") != "msg_p5jXN8AQM9LWM0D4loKWxJek" {
		t.Errorf("headers are %v", h)
	}
}

// secrets is a session that only knows a secret.
type secrets string

func (s secrets) Call(deliver.Request) (deliver.Response, error) { panic("no call is due") }
func (s secrets) Save(string) error                              { return nil }
func (s secrets) Sleep(time.Duration) error                      { return nil }
func (s secrets) Now() time.Time                                 { return time.Time{} }
func (s secrets) Secret(string) string                           { return string(s) }

// engine delivers to a sandbox by a clock.
func engine(t *testing.T, b delivertest.Bench) *deliver.Engine {
	t.Helper()
	ledger, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "control.sqlite"), store.Options{Now: b.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ledger.Close() })
	return &deliver.Engine{
		Ledger: ledger, HTTP: b.HTTP, Getenv: b.Getenv, Now: b.Clock.Now,
		Sleep: func(ctx context.Context, d time.Duration) error { b.Clock.Advance(d); return ctx.Err() },
	}
}

func order(b delivertest.Bench, n int) deliver.Order {
	return deliver.Order{Destination: "hook", To: b.To, Mapping: b.Mapping, Mode: deliver.Sync, Scope: "c1", Leads: delivertest.Each(delivertest.Leads(n, nil))}
}

func TestEngine_replays_events_with_the_ids_that_they_had(t *testing.T) {
	t.Parallel()
	b := bench(t)
	e := engine(t, b)
	if _, err := e.Deliver(t.Context(), order(b, 5)); err != nil {
		t.Fatal(err)
	}
	b.Clock.Advance(time.Hour)
	since := b.Clock.Now()
	if _, err := e.Deliver(t.Context(), order(b, 8)); err != nil {
		t.Fatal(err)
	}
	sums, err := e.ReplaySince(t.Context(), "hook", b.To, since)
	if err != nil || len(sums) != 1 || !sums[0].Done || sums[0].Rows[deliver.Accepted] != 3 {
		t.Fatalf("replayed %+v, %v", sums, err)
	}
	w := httptest.NewRecorder()
	b.HTTP.(receiver).server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/webhook/default", http.NoBody))
	var seen struct{ Accepted, Repeated int }
	if err := json.Unmarshal(w.Body.Bytes(), &seen); err != nil || seen.Accepted != 11 || seen.Repeated != 3 {
		t.Errorf("the receiver saw %+v, %v; want 11 events, 3 of them again", seen, err)
	}
	if sum, err := e.Deliver(t.Context(), order(b, 8)); err != nil || sum.Unchanged != 8 {
		t.Errorf("after a replay: %+v, %v", sum, err)
	}
}

func TestEngine_disables_a_receiver_after_five_days_of_failure(t *testing.T) {
	t.Parallel()
	b := bench(t)
	e := engine(t, b)
	e.Patience = time.Minute
	b.Storm(1_000_000)
	sum, err := e.Deliver(t.Context(), order(b, 2))
	if err != nil || sum.Done || sum.Due.IsZero() {
		t.Fatalf("delivered %+v, %v", sum, err)
	}
	b.Clock.Advance(4 * 24 * time.Hour)
	if _, err := e.Deliver(t.Context(), order(b, 2)); err != nil {
		t.Fatalf("after four days: %v", err)
	}
	b.Clock.Advance(25 * time.Hour)
	if _, err := e.Deliver(t.Context(), order(b, 2)); leadlake.ErrorCode(err) != leadlake.Forbidden {
		t.Fatalf("after five days: %v", err)
	}
	forced := order(b, 2)
	forced.Force = true
	if _, err := e.Deliver(t.Context(), forced); err != nil {
		t.Errorf("forced: %v", err)
	}
}
