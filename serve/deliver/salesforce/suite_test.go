package salesforce

import (
	"context"
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

func TestSalesforce_passes_the_suite(t *testing.T) {
	t.Parallel()
	mapping, err := deliver.DefaultMapping("salesforce")
	delivertest.Must(t, err)
	delivertest.Run(t, func(t *testing.T) delivertest.Bench {
		box := crm.New(crm.Config{})
		s := delivertest.NewSandbox(t, box, "salesforce")
		to, err := New(Config{LoginURL: s.URL, ClientID: "app"})
		delivertest.Must(t, err)
		return delivertest.Bench{
			To: to, Mapping: mapping, HTTP: s.Client, Getenv: func(string) string { return "s" },
			Effects: func(key string) int { return s.Effects("Lead", key) },
			Bad:     func(l *leadlake.CanonicalLead) { l.Emails[0].Value = "no address" },
			Edit: func(key, field, value string) {
				e := crm.Edit{App: "salesforce", Op: "set", Key: key, Fields: map[string]any{field: value}}
				if box.Edit(e) != nil {
					e.Op, e.Fields = "create", map[string]any{"Leadlake_Id__c": key, "LastName": "Doe", "Company": "Theirs"}
					e.Fields[field] = value
					delivertest.Must(t, box.Edit(e))
				}
			},
			Field: "Company",
			Storm: s.Storm,
		}
	})
}

func TestSalesforce_many_leads_go_by_jobs(t *testing.T) {
	t.Parallel()
	mapping, err := deliver.DefaultMapping("salesforce")
	delivertest.Must(t, err)
	box := crm.New(crm.Config{})
	s := delivertest.NewSandbox(t, box, "salesforce")
	to, err := New(Config{LoginURL: s.URL, ClientID: "app"})
	delivertest.Must(t, err)
	clock := delivertest.NewClock()
	ledger, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "control.sqlite"), store.Options{Now: clock.Now})
	delivertest.Must(t, err)
	t.Cleanup(func() { ledger.Close() })
	engine := &deliver.Engine{
		Ledger: ledger, HTTP: s.Client, Getenv: func(string) string { return "s" }, Now: clock.Now,
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
	delivertest.Must(t, err)
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
