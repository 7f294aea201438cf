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
}

// LookupYield is what looking up the leads of past runs took at one provider.
type LookupYield struct {
	Leads      int64 // published by the runs that asked it
	Calls      int64
	CostMicros int64
}

// yieldRuns is how many runs an estimate looks back.
const yieldRuns = 30

// Yield sums up the youngest published runs: those with the same keywords,
// where there are any, since lines of business differ in what is known of them.
func (s *Store) Yield(ctx context.Context, keywords string) (Yield, error) {
	y := Yield{Lookups: map[string]LookupYield{}}
	published := map[string]int64{}
	specs := map[string]leadlake.CampaignSpec{}
	alike := false
	err := s.each(ctx, "published_runs", func(rows *sql.Rows) error {
		var id, spec, funnel string
		if err := rows.Scan(&id, &spec, &funnel); err != nil {
			return err
		}
		var c leadlake.CampaignSpec
		var f leadlake.Funnel
		if err := errors.Join(json.Unmarshal([]byte(spec), &c), json.Unmarshal([]byte(funnel), &f)); err == nil { // else it is of another release
			specs[id] = c
			published[id] = f.Published
			alike = alike || c.Keywords == keywords
		}
		return nil
	}, yieldRuns)
	if err != nil {
		return y, fmt.Errorf("sum up runs: %w", err)
	}
	for id, c := range specs {
		if alike && c.Keywords != keywords {
			delete(published, id)
			continue
		}
		y.Published += published[id]
		for _, p := range c.Enrichment {
			one := y.Lookups[p]
			one.Leads += published[id]
			y.Lookups[p] = one
		}
		found, err := s.found(ctx, id, c)
		if err != nil {
			return y, err
		}
		y.Found += found
	}
	err = s.each(ctx, "spent_by_lookup", func(rows *sql.Rows) error {
		var id, provider string
		var cost, calls int64
		if err := rows.Scan(&id, &provider, &cost, &calls); err != nil {
			return err
		}
		if _, ok := published[id]; ok {
			one := y.Lookups[provider]
			one.CostMicros, one.Calls = one.CostMicros+cost, one.Calls+calls
			y.Lookups[provider] = one
		}
		return nil
	})
	if err != nil {
		return y, fmt.Errorf("sum up lookups: %w", err)
	}
	return y, nil
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
