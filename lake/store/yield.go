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
	Read      int64                  // records and rows
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
const yieldRuns = 200

// Yield sums up the youngest published runs.
func (s *Store) Yield(ctx context.Context) (Yield, error) {
	y := Yield{Lookups: map[string]LookupYield{}}
	published := map[string]int64{}
	asked := map[string][]string{}
	err := s.each(ctx, "published_runs", func(rows *sql.Rows) error {
		var id, spec, funnel string
		if err := rows.Scan(&id, &spec, &funnel); err != nil {
			return err
		}
		var c leadlake.CampaignSpec
		var f leadlake.Funnel
		if err := errors.Join(json.Unmarshal([]byte(spec), &c), json.Unmarshal([]byte(funnel), &f)); err == nil { // else it is of another release
			y.Read += f.Read
			y.Published += f.Published
			published[id], asked[id] = f.Published, c.Enrichment
		}
		return nil
	}, yieldRuns)
	if err != nil {
		return y, fmt.Errorf("sum up runs: %w", err)
	}
	for id, providers := range asked {
		for _, p := range providers {
			one := y.Lookups[p]
			one.Leads += published[id]
			y.Lookups[p] = one
		}
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
