package ingest

import (
	"cmp"
	"slices"

	"github.com/leadlake/leadlake/lake/store"
)

type lookupStats = store.LookupStats

// rankedSource is an enricher with what the ledger knows of its gifts.
type rankedSource struct {
	Enricher
	gives []Gift
	worth float64 // expected worth of a lookup, per cent of a dollar
}

const (
	// lookupsToTrust is how many lookups of each source the ledger must have
	// before it, and not the campaign, says who is asked first.
	lookupsToTrust = 50
	// priorLookups is the weight of an adapter's hit rate beside the ledger's.
	priorLookups = 10
	// freeCents stands in for the price of what costs nothing.
	freeCents = 0.05
)

// worths say what a field is worth to a person who sells, relative to others.
var worths = map[Field]float64{FieldEmail: 3, FieldPhone: 3, FieldWebsite: 2}

// ranked puts the sources in the order in which leads are looked up: by
// expected accepted value per cent once the ledger has data on all of them, as
// the campaign lists them until then.
func ranked(sources []Enricher, stats []lookupStats) []rankedSource {
	out := make([]rankedSource, len(sources))
	trusted := true
	for i, s := range sources {
		spec := s.Spec()
		asked, cost, given := int64(0), int64(0), map[string]int64{}
		for _, one := range stats {
			if one.Provider != spec.Name {
				continue
			}
			asked, cost = asked+one.Calls, cost+one.CostMicros
			for _, f := range one.Gives {
				given[f] += one.Calls
			}
		}
		trusted = trusted && asked >= lookupsToTrust
		out[i] = rankedSource{Enricher: s}
		value := 0.0
		for _, g := range spec.Gives {
			g.HitRate = (float64(given[string(g.Field)]) + priorLookups*g.HitRate) / float64(asked+priorLookups)
			out[i].gives = append(out[i].gives, g)
			value += g.HitRate * cmp.Or(worths[g.Field], 1)
		}
		cents := float64(cost+priorLookups*spec.CostMicrosPerCall) / float64(asked+priorLookups) / 1e4
		out[i].worth = value / max(cents, freeCents)
	}
	if trusted {
		slices.SortStableFunc(out, func(a, b rankedSource) int { return cmp.Compare(b.worth, a.worth) })
	}
	return out
}
