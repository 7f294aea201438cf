package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/leadlake/leadlake"
)

// Yield is what past runs made of what they read, for estimates.
type Yield struct {
	Found     int64                  // businesses that sources had, each once a source
	Published int64                  // leads
	Lookups   map[string]LookupYield // by provider
	Whole     map[string]bool        // published runs that no budget ended early
	Same      []leadlake.Run         // those of them that asked what the campaign asks, wherever; their id and spec
}

// LookupYield is what looking up the leads of past runs took at one provider.
type LookupYield struct {
	Leads      int64 // published by the runs that asked it
	Calls      int64
	CostMicros int64
}

const (
	// yieldRuns is how many runs rates are taken from: the youngest.
	yieldRuns = 30
	// pastRuns is how many runs an estimate looks back.
	pastRuns = 1000
	// nearBudget is the share of a budget from which on it may have ended a run.
	nearBudget = 0.9
)

// Yield sums up the youngest published runs: those with the same keywords,
// where there are any, since lines of business differ in what is known of them.
func (s *Store) Yield(ctx context.Context, c leadlake.CampaignSpec) (Yield, error) {
	y := Yield{Lookups: map[string]LookupYield{}, Whole: map[string]bool{}}
	var past, alike []leadlake.Run
	err := s.each(ctx, "published_runs", func(rows *sql.Rows) error {
		var r leadlake.Run
		var spec, funnel string
		if err := rows.Scan(&r.RunID, &spec, &funnel); err != nil {
			return err
		}
		if err := errors.Join(json.Unmarshal([]byte(spec), &r.Spec), json.Unmarshal([]byte(funnel), &r.Funnel)); err == nil { // else it is of another release
			past = append(past, r)
		}
		return nil
	}, pastRuns)
	if err != nil {
		return y, fmt.Errorf("sum up runs: %w", err)
	}
	for _, r := range past {
		whole, err := s.whole(ctx, r)
		if err != nil {
			return y, err
		}
		if whole {
			y.Whole[r.RunID] = true
		}
		if r.Spec.Keywords != c.Keywords {
			continue
		}
		alike = append(alike, r)
		if whole && question(r.Spec) == question(c) {
			y.Same = append(y.Same, r)
		}
	}
	if len(alike) == 0 {
		alike = past
	}
	return y, s.sumUp(ctx, &y, alike[:min(len(alike), yieldRuns)])
}

// whole says that no budget can have ended a run early.
func (s *Store) whole(ctx context.Context, r leadlake.Run) (bool, error) {
	b := r.Spec.Budget
	if b.MaxCostUSD == 0 && len(b.PerSourceUSD) == 0 {
		return true, nil
	}
	spent, err := s.Spent(ctx, r.RunID)
	if err != nil {
		return false, err
	}
	all := int64(0)
	for provider, micros := range spent {
		all += micros
		if limit, ok := b.PerSourceUSD[provider]; ok && float64(micros) > nearBudget*1e6*limit {
			return false, nil
		}
	}
	return b.MaxCostUSD == 0 || float64(all) <= nearBudget*1e6*b.MaxCostUSD, nil
}

// question is what a campaign asks of each business, wherever it is.
func question(c leadlake.CampaignSpec) string {
	b, _ := json.Marshal(leadlake.CampaignSpec{ // it has no value that JSON cannot say
		Vertical: c.Vertical, Keywords: c.Keywords, Filters: c.Filters, Sources: c.Sources, Enrichment: c.Enrichment,
		Budget: leadlake.BudgetSpec{PerLeadUSD: c.Budget.PerLeadUSD, MinFillRate: c.Budget.MinFillRate},
	})
	return string(b)
}

// sumUp adds what runs found, published and paid for lookups.
func (s *Store) sumUp(ctx context.Context, y *Yield, runs []leadlake.Run) error {
	summed := map[string]bool{}
	for _, r := range runs {
		summed[r.RunID] = true
		y.Published += r.Funnel.Published
		for _, p := range r.Spec.Enrichment {
			one := y.Lookups[p]
			one.Leads += r.Funnel.Published
			y.Lookups[p] = one
		}
		found, err := s.found(ctx, r.RunID, r.Spec)
		if err != nil {
			return err
		}
		y.Found += found
	}
	err := s.each(ctx, "spent_by_lookup", func(rows *sql.Rows) error {
		var id, provider string
		var cost, calls int64
		if err := rows.Scan(&id, &provider, &cost, &calls); err != nil {
			return err
		}
		if summed[id] {
			one := y.Lookups[provider]
			one.CostMicros, one.Calls = one.CostMicros+cost, one.Calls+calls
			y.Lookups[provider] = one
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sum up lookups: %w", err)
	}
	return nil
}

// found counts what the sources of a run had. Places of a tiled search count
// once however many tiles gave them.
func (s *Store) found(ctx context.Context, runID string, c leadlake.CampaignSpec) (int64, error) {
	pages, err := s.LandedPages(ctx, runID)
	if err != nil {
		return 0, err
	}
	sources := map[string]bool{}
	for _, src := range c.Sources {
		sources[src.Provider()] = true
	}
	type place struct {
		provider string
		at       [2]float64
	}
	places := map[place]bool{}
	rows := int64(0)
	for _, p := range pages {
		switch {
		case !sources[p.Provider]:
		case p.Notes.Area == nil:
			rows += p.Records
		default:
			for _, at := range p.Notes.Points {
				places[place{p.Provider, at}] = true
			}
		}
	}
	return rows + int64(len(places)), nil
}
