package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/snapshot"
	"github.com/leadlake/leadlake/serve/snapshot/snapshottest"
)

const outcomeSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// takesOutcomes is a service that keeps what comes in, and the store behind it.
func takesOutcomes(t *testing.T) (http.Handler, *store.Store) {
	t.Helper()
	kept, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "control.sqlite"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	l := snapshottest.Open(t)
	m := snapshot.NewManager(snapshot.Config{Lake: l})
	t.Cleanup(m.Close)
	h, err := New(Config{Snapshots: m, Lake: l, Outcomes: func(ctx context.Context, name string, header http.Header, body []byte) error {
		if name != "crm" {
			return leadlake.Errorf(leadlake.NotFound, "there is no destination %q", name)
		}
		event, err := deliver.ReadOutcome(name, []string{outcomeSecret}, header, body, time.Now())
		if err != nil {
			return err
		}
		return kept.AddFeedbackEvents(ctx, []store.FeedbackEvent{event})
	}})
	if err != nil {
		t.Fatal(err)
	}
	return h, kept
}

func TestOutcomes_are_kept_once_where_they_are_signed(t *testing.T) {
	t.Parallel()
	h, kept := takesOutcomes(t)
	signer, err := standardwebhooks.NewWebhook(outcomeSecret)
	if err != nil {
		t.Fatal(err)
	}
	const good = `{"type":"lead.qualified","timestamp":"2026-11-25T10:00:00Z","data":{"key":"k1","detail":"a demo is booked"}}`
	signed := func(id string, at time.Time, body string) []string {
		signature, err := signer.Sign(id, at, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return []string{"webhook-id", id, "webhook-timestamp", strconv.FormatInt(at.Unix(), 10), "webhook-signature", signature}
	}
	now := time.Now()
	forged := signed("m2", now, good)
	forged[5] = "v1,AAAA"
	for name, c := range map[string]struct {
		path, body string
		headers    []string
		want       int
	}{
		"a signed one":              {"crm", good, signed("m1", now, good), http.StatusNoContent},
		"another body":              {"crm", strings.Replace(good, "k1", "k2", 1), signed("m2", now, good), http.StatusUnauthorized},
		"a wrong signature":         {"crm", good, forged, http.StatusUnauthorized},
		"another id":                {"crm", good, append([]string{"webhook-id", "m3"}, signed("m2", now, good)[2:]...), http.StatusUnauthorized},
		"an old timestamp":          {"crm", good, signed("m2", now.Add(-6*time.Minute), good), http.StatusUnauthorized},
		"a timestamp of the future": {"crm", good, signed("m2", now.Add(6*time.Minute), good), http.StatusUnauthorized},
		"no headers":                {"crm", good, nil, http.StatusBadRequest},
		"an unknown type":           {"crm", `{"type":"lead.created"}`, signed("m2", now, `{"type":"lead.created"}`), http.StatusBadRequest},
		"no key":                    {"crm", `{"type":"lead.won","timestamp":"2026-11-25T10:00:00Z"}`, signed("m2", now, `{"type":"lead.won","timestamp":"2026-11-25T10:00:00Z"}`), http.StatusBadRequest},
		"no JSON":                   {"crm", "{", signed("m2", now, "{"), http.StatusBadRequest},
		"too long":                  {"crm", strings.Repeat(" ", maxOutcome+1), nil, http.StatusRequestEntityTooLarge},
		"an unknown destination":    {"none", good, signed("m2", now, good), http.StatusNotFound},
	} {
		req := httptest.NewRequest(http.MethodPost, "/v1/outcomes/"+c.path, strings.NewReader(c.body))
		for i := 0; i < len(c.headers); i += 2 {
			req.Header.Set(c.headers[i], c.headers[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.want)
		}
		if c.want == http.StatusNoContent { // it is sent again, by a clock that has gone on
			again := httptest.NewRequest(http.MethodPost, "/v1/outcomes/crm", strings.NewReader(good))
			for i, h := 0, signed("m1", now.Add(time.Minute), good); i < len(h); i += 2 {
				again.Header.Set(h[i], h[i+1])
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, again)
			if w.Code != http.StatusNoContent {
				t.Errorf("again: %d %s", w.Code, w.Body)
			}
		}
	}
	events, err := kept.FeedbackEvents(t.Context(), "crm", "", 10)
	if err != nil || len(events) != 1 || events[0].ID != "m1" || events[0].Key != "k1" || events[0].Kind != "qualified" {
		t.Errorf("%+v, %v", events, err)
	}
}
