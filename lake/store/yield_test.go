package store

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
)

func TestYield_tells_runs_apart_that_a_budget_ended_and_that_asked_the_same(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "state.sqlite"), Options{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	plumbers := leadlake.CampaignSpec{
		Name: "plumbers", Keywords: "plumber", Sources: []leadlake.SourceSpec{{Source: "yelp"}}, Enrichment: []string{"hunter"},
	}
	publish := func(id string, change func(*leadlake.CampaignSpec)) {
		r := newRun(id, "c")
		r.Spec = plumbers
		if change != nil {
			change(&r.Spec)
		}
		r.State, r.Funnel.Published = leadlake.RunPublished, 10
		must(t, s.CreateRun(t.Context(), r))
		must(t, s.SaveCall(t.Context(), Call{ID: id, RunID: id, Provider: "hunter", RequestID: id, IsLookup: true, PriceMicros: 950_000}))
	}
	publish("same", nil)
	publish("elsewhere", func(c *leadlake.CampaignSpec) { c.Name, c.Geo.City, c.Budget.MaxCostUSD = "x", "Reno", 2 })
	publish("cut", func(c *leadlake.CampaignSpec) { c.Budget.MaxCostUSD = 1 })
	publish("cut source", func(c *leadlake.CampaignSpec) { c.Budget.PerSourceUSD = map[string]float64{"hunter": 1} })
	publish("stricter", func(c *leadlake.CampaignSpec) { c.Filters.MinRating = 4 })
	publish("other line", func(c *leadlake.CampaignSpec) { c.Keywords = "roofer" })
	y, err := s.Yield(t.Context(), plumbers)
	must(t, err)
	if diff := cmp.Diff(map[string]bool{"same": true, "elsewhere": true, "stricter": true, "other line": true}, y.Whole); diff != "" {
		t.Errorf("whole runs:\n%s", diff)
	}
	same := map[string]bool{}
	for _, r := range y.Same {
		same[r.RunID] = true
	}
	if diff := cmp.Diff(map[string]bool{"same": true, "elsewhere": true}, same); diff != "" {
		t.Errorf("runs that asked the same:\n%s", diff)
	}
	if want := (LookupYield{Leads: 50, Calls: 5, CostMicros: 4_750_000}); y.Lookups["hunter"] != want || y.Published != 50 {
		t.Errorf("yield %+v", y)
	}
}
