package salesforce

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
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

func TestSalesforce_passes_the_suite(t *testing.T) {
	t.Parallel()
	mapping, err := deliver.DefaultMapping("salesforce")
	fatal(t, err)
	delivertest.Run(t, func(t *testing.T) delivertest.Bench {
		box := crm.New(crm.Config{})
		srv := httptest.NewServer(box)
		t.Cleanup(srv.Close)
		to, err := New(Config{LoginURL: srv.URL + "/salesforce", ClientID: "app"})
		fatal(t, err)
		return delivertest.Bench{
			To: to, Mapping: mapping, HTTP: srv.Client(), Getenv: func(string) string { return "s" },
			Effects: func(key string) int { return effects(t, box, key) },
			Bad:     func(l *leadlake.CanonicalLead) { l.Emails[0].Value = "no address" },
			Edit: func(key, field, value string) {
				e := crm.Edit{App: "salesforce", Op: "set", Key: key, Fields: map[string]any{field: value}}
				if box.Edit(e) != nil {
					e.Op, e.Fields = "create", map[string]any{"Leadlake_Id__c": key, "LastName": "Doe", "Company": "Theirs"}
					e.Fields[field] = value
					fatal(t, box.Edit(e))
				}
			},
			Field: "Company",
			Storm: func(n int) {
				w := httptest.NewRecorder()
				body := fmt.Sprintf(`{"app":"salesforce","storm_429":1,"storm_calls":%d,"times":%d}`, n, n)
				box.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/__crm__/faults", strings.NewReader(body)))
				if w.Code != http.StatusNoContent {
					t.Fatal(w.Body)
				}
			},
		}
	})
}

func effects(t *testing.T, box *crm.Server, key string) int {
	t.Helper()
	w := httptest.NewRecorder()
	q := url.Values{"app": {"salesforce"}, "object": {"Lead"}, "key": {key}}
	box.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/__crm__/effects?"+q.Encode(), http.NoBody))
	var out struct{ Count int }
	fatal(t, json.Unmarshal(w.Body.Bytes(), &out))
	return out.Count
}

func TestSalesforce_many_leads_go_by_jobs(t *testing.T) {
	t.Parallel()
	mapping, err := deliver.DefaultMapping("salesforce")
	fatal(t, err)
	box := crm.New(crm.Config{})
	srv := httptest.NewServer(box)
	t.Cleanup(srv.Close)
	to, err := New(Config{LoginURL: srv.URL + "/salesforce", ClientID: "app"})
	fatal(t, err)
	clock := delivertest.NewClock()
	ledger, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "control.sqlite"), store.Options{Now: clock.Now})
	fatal(t, err)
	t.Cleanup(func() { ledger.Close() })
	engine := &deliver.Engine{
		Ledger: ledger, HTTP: srv.Client(), Getenv: func(string) string { return "s" }, Now: clock.Now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			clock.Advance(d)
			box.Advance(d)
			return ctx.Err()
		},
	}
	const many = bulkAbove + 500
	leads := delivertest.Leads(many, func(n int, l *leadlake.CanonicalLead) {
		if n == 7 {
			l.Emails[0].Value = "no address"
		}
	})
	order := deliver.Order{Destination: "sf", To: to, Mapping: mapping, Mode: deliver.Sync, Leads: delivertest.Each(leads)}
	sum, err := engine.Deliver(t.Context(), order)
	fatal(t, err)
	if !sum.Done || !sum.Balanced() || sum.Rows[deliver.Accepted] != many-1 || sum.Rows[deliver.Rejected] != 1 {
		t.Errorf("%+v", sum)
	}
	if n := box.Effects()["salesforce"]["Lead"]; n.Creates != many-1 || n.Duplicates != nil {
		t.Errorf("%+v", n)
	}
	w := httptest.NewRecorder()
	box.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/__crm__/calls", http.NoBody))
	if !strings.Contains(w.Body.String(), "job_upload") || strings.Contains(w.Body.String(), "upsert_collection") {
		t.Error(w.Body)
	}
}
