package ingest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/tiling"
	"github.com/leadlake/leadlake/lake/store"
)

// Interval is an expected value between the least and the most that is likely.
type Interval struct {
	Low  float64 `json:"low"`
	Mid  float64 `json:"mid"`
	High float64 `json:"high"`
}

func (i Interval) plus(o Interval) Interval {
	return Interval{i.Low + o.Low, i.Mid + o.Mid, i.High + o.High}
}
func (i Interval) times(f float64) Interval { return Interval{i.Low * f, i.Mid * f, i.High * f} }

// around is a value that may be off by a share of itself.
func around(v, share float64) Interval { return Interval{v * max(0, 1-share), v, v * (1 + share)} }

// spread is a value that may be off by so much; none is below zero.
func spread(v, width float64) Interval { return Interval{max(0, v-width), v, v + width} }

// SourceEstimate is what one source of a campaign is expected to take.
type SourceEstimate struct {
	Provider string        `json:"provider"`
	Adapter  string        `json:"adapter"`
	Lookup   bool          `json:"lookup"` // it answers about leads
	Calls    Interval      `json:"calls"`
	CostUSD  Interval      `json:"cost_usd"`
	OwnedUSD float64       `json:"owned_usd,omitempty"` // price of the answers that stand from earlier runs: it is not paid again, and not in the cost
	Records  Interval      `json:"records"`
	Seconds  float64       `json:"seconds"` // at the provider's limits, for the expected calls
	Basis    string        `json:"basis"`   // what the estimate rests on
	Tiles    []EstimatedAt `json:"tiles,omitempty"`
}

// EstimatedAt is a tile with what is expected in it.
type EstimatedAt struct {
	Box   Box `json:"box"`
	Rows  int `json:"rows"`
	Calls int `json:"calls"`
}

// Estimate is what a campaign is expected to take.
type Estimate struct {
	Sources  []SourceEstimate `json:"sources"`
	CostUSD  Interval         `json:"cost_usd"`
	OwnedUSD float64          `json:"owned_usd,omitempty"` // what the campaign would cost beyond that if nothing had been bought before
	Leads    Interval         `json:"leads"`
	Seconds  float64          `json:"seconds"` // sources work side by side
}

// knownFor is how long what a provider said tells what it will say.
const knownFor = 180 * 24 * time.Hour

// Estimate foretells a campaign from what earlier runs found, and by rules of
// thumb with a wide interval where there were none. It calls nobody.
func (e *Engine) Estimate(ctx context.Context, c leadlake.CampaignSpec) (Estimate, error) {
	e = e.withDefaults()
	var total Estimate
	plans, err := e.Plan(c)
	if err != nil {
		return total, err
	}
	yield, err := e.Ledger.Yield(ctx, c)
	if err != nil {
		return total, err
	}
	var found Interval
	for _, p := range plans {
		one, err := e.estimateSource(ctx, p, yield)
		if err != nil {
			return total, err
		}
		found = found.plus(one.Records)
		total.Sources = append(total.Sources, one)
		total.Seconds = max(total.Seconds, one.Seconds)
	}
	total.Leads = leadsOf(found, yield)
	enrichers, err := e.enrichers(c)
	if err != nil {
		return total, err
	}
	lookupSeconds := 0.0
	for _, s := range enrichers {
		one, err := e.estimateLookups(ctx, c, s, total.Leads, yield)
		if err != nil {
			return total, err
		}
		total.Sources = append(total.Sources, one)
		lookupSeconds = max(lookupSeconds, one.Seconds)
	}
	total.Seconds += lookupSeconds
	for _, s := range total.Sources {
		total.CostUSD = total.CostUSD.plus(s.CostUSD)
		total.OwnedUSD += s.OwnedUSD
	}
	return total, nil
}

// Shares of records that become leads where no run has told yet.
const (
	leadsPerRecord = 0.6
	minFound       = 200
)

func leadsOf(found Interval, y store.Yield) Interval {
	if y.Found < minFound {
		return Interval{found.Low * 0.2, found.Mid * leadsPerRecord, found.High}
	}
	return found.times(float64(y.Published) / float64(y.Found))
}

func (e *Engine) estimateSource(ctx context.Context, p SourcePlan, y store.Yield) (SourceEstimate, error) {
	spec := p.Source.Spec()
	one := SourceEstimate{Provider: p.Provider, Adapter: spec.Name, Basis: "what earlier runs found"}
	var calls, records, cost Interval
	for _, q := range p.Queries {
		var part guess
		var err error
		if q.Tile == nil {
			part, err = e.guessQuery(ctx, p, q)
		} else {
			part, err = e.guessTiles(ctx, p.Source.(Tiled), q, y)
		}
		if err != nil {
			return one, err
		}
		calls, records, cost = calls.plus(part.calls), records.plus(part.records), cost.plus(part.cost)
		one.Tiles = append(one.Tiles, part.tiles...)
		if part.basis != "" {
			one.Basis = part.basis
		}
	}
	one.Calls, one.Records, one.CostUSD = calls, records, cost.times(1e-6)
	one.Seconds = secondsOf(spec.Limits, calls.Mid)
	return one, nil
}

// guess is the part of one query.
type guess struct {
	calls, records, cost Interval
	tiles                []EstimatedAt
	basis                string // "" for what earlier runs found
}

// guessQuery takes what the same query gave in its last run.
func (e *Engine) guessQuery(ctx context.Context, p SourcePlan, q Query) (guess, error) {
	pages, err := e.Ledger.PagesOfQuestion(ctx, q.Provider, q.ID, e.Now().Add(-knownFor))
	if err != nil {
		return guess{}, err
	}
	price := float64(p.Source.Spec().CostMicrosPerCall)
	if len(pages) == 0 {
		calls := Interval{1, float64(q.EstimatedCalls), float64(4 * q.EstimatedCalls)}
		g := guess{calls: calls, cost: calls.times(price), basis: "no earlier run asked this: the interval is wide"}
		g.records = calls.times(float64(p.Source.Spec().PageSize))
		if p.Source.Spec().BaseURL == "" { // it costs nothing, and says how much it has once it is read
			g.records, g.basis = Interval{}, "it is read whole, at no cost"
		}
		return g, nil
	}
	last := pages[len(pages)-1].RunID
	calls, rows, cost := 0.0, 0.0, 0.0
	for _, page := range pages {
		if page.RunID == last {
			calls++
			rows += float64(page.Records)
			cost += float64(page.CostMicros)
		}
	}
	return guess{calls: around(calls, 0.1), records: around(rows, 0.1), cost: around(cost, 0.1)}, nil
}

// guessTiles rehearses the tiling on the places that earlier runs found.
func (e *Engine) guessTiles(ctx context.Context, source Tiled, root Query, y store.Yield) (guess, error) {
	spec := source.Spec()
	pages, err := e.Ledger.PagesOfQuestion(ctx, root.Provider, source.At(root, nowhere).ID, e.Now().Add(-knownFor))
	if err != nil {
		return guess{}, err
	}
	price := float64(spec.CostMicrosPerCall)
	found, asked := placesOf(pages, y.Whole)
	known := newKnown(found, asked, *root.Area, *root.Tile)
	if known.share < minKnownShare {
		n := float64(cmp.Or(root.EstimatedCalls, 1))
		calls := Interval{1, n, 10 * n}
		g := guess{calls: calls, cost: calls.times(price), records: calls.times(0.6 * float64(spec.PageSize))}
		g.basis = "no earlier run asked this here: the interval is wide"
		return g, nil
	}
	known.perPoint = max(1, rowsPerPoint(pages))
	g := guess{}
	calls := 0.0
	d := rand.New(rand.NewPCG(1, 1))
	for range tilings { // where a search is cut depends on which rows it gives, which nobody knows
		known.shuffle(d)
		tiles, n := known.rehearse(tilingOf(spec, root))
		g.tiles, calls = tiles, calls+float64(n)/tilings
	}
	off := known.doubt()
	calls /= known.reach
	g.calls, g.records = spread(calls, max(1, 2*off*calls)), around(known.expected*known.perPoint, off)
	g.cost = g.calls.times(price)
	if known.share < 0.999 {
		g.basis = fmt.Sprintf("earlier runs found what is in %.0f%% of the area", 100*known.share)
	}
	return g, nil
}

// tilings is how often a search is rehearsed.
const tilings = 5

// rehearse covers an area with searches of what is known.
func (k known) rehearse(cfg tiling.Config) (tiles []EstimatedAt, calls int) {
	planner := tiling.New(cfg)
	for wave := planner.Next(); len(wave) > 0; wave = planner.Next() {
		for _, tile := range wave {
			result, n := k.ask(cfg, tile)
			calls += n
			planner.Report(tile, result)
			tiles = append(tiles, EstimatedAt{Box: tile.Box, Rows: result.Rows, Calls: n})
		}
	}
	return tiles, calls
}

// doubt is how far what follows from the known may be off.
func (k known) doubt() float64 { return 0.07 + 0.6*(1-k.share) }

// estimateLookups takes the answers that earlier runs got about the leads of
// the area; else what a lead of earlier runs took, or the adapter's hit rates
// and the price list.
func (e *Engine) estimateLookups(ctx context.Context, c leadlake.CampaignSpec, s Enricher, leads Interval, y store.Yield) (SourceEstimate, error) {
	spec := s.Spec()
	one := SourceEstimate{Provider: spec.Name, Adapter: spec.Name, Lookup: true}
	past := y.Lookups[spec.Name]
	here, ok, err := e.lookupsHere(ctx, c, spec.Name, y.Same)
	switch {
	case err != nil:
		return one, err
	case ok:
		one.Calls, one.Records, one.CostUSD, one.OwnedUSD, one.Basis = here.calls, here.records, here.cost.times(1e-6), here.owned/1e6, here.basis
	case past.Leads >= lookupsToTrust:
		one.Basis = fmt.Sprintf("what %d leads of earlier runs took", past.Leads)
		one.Calls = leads.times(float64(past.Calls) / float64(past.Leads))
		one.CostUSD = leads.times(usd(past.CostMicros) / float64(past.Leads))
		one.Records = one.Calls
	default:
		one.Basis = "no earlier run asked this: the interval is wide"
		one.Calls = Interval{0, leads.Mid * 0.7, leads.High}
		hit := 0.0
		for _, g := range spec.Gives {
			hit = max(hit, g.HitRate)
		}
		if spec.BillsMisses {
			hit = 1
		}
		one.CostUSD = Interval{0, one.Calls.Mid * hit, one.Calls.High}.times(usd(spec.CostMicrosPerCall))
		one.Records = one.Calls
	}
	one.Seconds = secondsOf(spec.Limits, one.Calls.Mid)
	return one, nil
}

// secondsOf is how long calls take at the limits of seconds and minutes.
func secondsOf(limits []Limit, calls float64) float64 {
	slowest := 0.0
	for _, l := range limits {
		switch l.Per {
		case PerSecond:
			slowest = max(slowest, calls/float64(l.Calls))
		case PerMinute:
			slowest = max(slowest, calls*60/float64(l.Calls))
		}
	}
	return math.Ceil(slowest)
}
