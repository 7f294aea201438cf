package salesforce

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
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
	delivertest.Run(t, func(t *testing.T) delivertest.Bench {
		return suiteBench(t, func(d *Destination) deliver.Destination { return d })
	})
}

// byJobs goes by jobs always.
type byJobs struct{ *Destination }

func (d byJobs) Spec() deliver.Spec {
	spec := d.Destination.Spec()
	spec.BulkAbove = 1
	return spec
}

func TestSalesforce_passes_the_suite_by_jobs(t *testing.T) {
	t.Parallel()
	delivertest.Run(t, func(t *testing.T) delivertest.Bench {
		return suiteBench(t, func(d *Destination) deliver.Destination { return byJobs{d} })
	})
}

func suiteBench(t *testing.T, way func(*Destination) deliver.Destination) delivertest.Bench {
	mapping, err := deliver.DefaultMapping("salesforce")
	delivertest.Must(t, err)
	box := crm.New(crm.Config{})
	s := delivertest.NewSandbox(t, box, "salesforce")
	to, err := New(Config{LoginURL: s.URL, ClientID: "app"})
	delivertest.Must(t, err)
	return delivertest.Bench{
		To: way(to), Mapping: mapping, HTTP: s.Client, Getenv: func(string) string { return "s" },
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

// TestSalesforce_a_job_that_is_over_is_not_asked_about_rows_that_came_later has
// a part of the rows that cannot be read at first, and so misses the job.
func TestSalesforce_a_job_that_is_over_is_not_asked_about_rows_that_came_later(t *testing.T) {
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
	var queries atomic.Int64
	engine := &deliver.Engine{
		Ledger: ledger, Getenv: func(string) string { return "s" }, Now: clock.Now,
		HTTP: doer(func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "/query") && queries.Add(1) == 3 {
				return nil, leadlake.Errorf(leadlake.Unavailable, "no answer")
			}
			return s.Client.Do(r)
		}),
		Sleep: func(ctx context.Context, d time.Duration) error { clock.Advance(d); box.Advance(d); return ctx.Err() },
	}
	const many = bulkAbove + 1
	leads := delivertest.Leads(many, nil)
	sum, err := engine.Deliver(t.Context(), deliver.Order{Destination: "sf", To: to, Mapping: mapping, Mode: deliver.Sync, Leads: delivertest.Each(leads)})
	if err != nil || !sum.Done || sum.Rows[deliver.Accepted] != many {
		t.Errorf("%+v, %v", sum, err)
	}
	if n := box.Effects()["salesforce"]["Lead"]; n.Creates != many || n.Duplicates != nil {
		t.Errorf("%+v", n)
	}
}

type doer func(*http.Request) (*http.Response, error)

func (f doer) Do(r *http.Request) (*http.Response, error) { return f(r) }
