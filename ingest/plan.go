package ingest

import (
	"strings"

	"github.com/leadlake/leadlake"
)

// SourcePlan is what a run will ask one source of its campaign.
type SourcePlan struct {
	Source     Source
	Provider   string // name on the records
	Queries    []Query
	Calls      int   // estimated
	CostMicros int64 // estimated, at list price
}

// Plan turns a campaign into the queries of each of its sources, in the
// campaign's order. It calls nobody.
func (e *Engine) Plan(c leadlake.CampaignSpec) ([]SourcePlan, error) {
	plans := make([]SourcePlan, 0, len(c.Sources))
	for _, spec := range c.Sources {
		source, err := e.source(spec.Source)
		if err != nil {
			return nil, err
		}
		discoverer, ok := source.(Discoverer)
		if !ok {
			return nil, leadlake.Errorf(leadlake.Invalid, "campaign: %s answers about leads, it does not find any", spec.Source).
				WithFix("list it under enrichment, not under sources")
		}
		queries, err := discoverer.Plan(c, spec)
		if err != nil {
			return nil, err
		}
		p := SourcePlan{Source: source, Provider: spec.Provider()}
		seen := map[string]bool{}
		for _, q := range queries {
			if q.Tile != nil {
				area, err := AreaOf(c.Geo)
				if err != nil {
					return nil, err
				}
				q.Area = &area
			}
			if seen[q.ID] { // asking the same twice would only cost twice
				continue
			}
			seen[q.ID] = true
			p.Queries = append(p.Queries, q)
			p.Calls += q.EstimatedCalls
		}
		if len(p.Queries) == 0 {
			return nil, leadlake.Errorf(leadlake.Invalid, "plan source %s: the campaign gives nothing to ask for", p.Provider).
				WithFix("add keywords and geo to the campaign, or remove the source")
		}
		p.CostMicros = int64(p.Calls) * source.Spec().CostMicrosPerCall
		plans = append(plans, p)
	}
	if _, err := e.enrichers(c); err != nil {
		return nil, err
	}
	return plans, nil
}

func (e *Engine) source(name string) (Source, error) {
	var known []string
	for _, s := range e.Sources {
		if s.Spec().Name == name {
			return s, nil
		}
		known = append(known, s.Spec().Name)
	}
	return nil, leadlake.Errorf(leadlake.Invalid, "campaign: source %q is unknown", name).
		WithFix("use one of %s", strings.Join(known, ", "))
}
