package ingest

import (
	"context"
	"fmt"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
)

// lookupGuess is the part of the lookups at one provider.
type lookupGuess struct {
	guess
	owned float64 // micros of answers that stand
}

// pastLookup is a question about a lead that earlier runs asked.
type pastLookup struct {
	points []Point // of the leads, as runs that asked the same as this campaign saw them
	micros float64 // its price; an answer that a run took from another one cost it nothing
	stands bool    // a run that asks now has it for nothing
	same   bool    // a run that asked the same as this campaign asked it
}

// everywhere is the box that holds all points.
var everywhere = Box{South: -91, West: -181, North: 91, East: 181}

// lookupsHere foretells the lookups of a campaign at one provider by those that
// runs of the same question made about leads in the same area: what a lead
// lacks, who knows it and what that cost is known, lead by lead. It says false
// where too little of the area is known.
func (e *Engine) lookupsHere(ctx context.Context, c leadlake.CampaignSpec, provider string, same []leadlake.Run) (lookupGuess, bool, error) {
	var g lookupGuess
	area, err := AreaOf(c.Geo)
	if err != nil {
		return g, false, nil //nolint:nilerr // a campaign without a place
	}
	var asked circles
	runs := map[string]bool{}
	for _, r := range same {
		if a, err := AreaOf(r.Spec.Geo); err == nil {
			asked, runs[r.RunID] = asked.with(a), true
		}
	}
	if len(runs) == 0 {
		return g, false, nil
	}
	pages, err := e.Ledger.EarlierLookups(ctx, provider, "", e.Now().Add(-knownFor))
	if err != nil {
		return g, false, err
	}
	past := e.pastLookups(pages, runs)
	var points []Point
	for _, l := range past {
		points = append(points, l.points...)
	}
	k := newKnown(points, asked, area, everywhere)
	if k.share < minKnownShare {
		return g, false, nil
	}
	in, placed, unplaced := tally{}, tally{}, tally{}
	for _, l := range past {
		switch {
		case !l.same:
		case len(l.points) == 0:
			unplaced.add(l)
		default:
			placed.add(l)
			if l.isIn(area) {
				in.add(l)
			}
		}
	}
	if placed.calls < unplaced.calls { // runs of an older release did not note places
		return g, false, nil
	}
	factor := 1 + unplaced.calls/max(1, placed.calls) // as many without a place here as elsewhere
	beyond := 1.0
	if k.found > 0 {
		beyond = k.expected / float64(k.found)
	}
	off, calls, price := k.doubt(), in.calls*factor*beyond, in.micros*factor*beyond
	g.owned = in.ownedMicros * factor
	g.records = around(calls, off)
	g.calls = spread(calls-in.owned*factor, off*calls)
	g.cost = spread(price-g.owned, off*price)
	g.basis = fmt.Sprintf("what earlier runs asked about %.0f leads here", in.calls)
	if in.owned > 0 {
		g.basis += fmt.Sprintf("; %.0f answers stand and cost nothing", in.owned)
	}
	return g, true, nil
}

// pastLookups unites the pages by their question.
func (e *Engine) pastLookups(pages []store.LandedPage, runs map[string]bool) map[string]*pastLookup {
	stand := e.Now().Add(-freshFor)
	past := map[string]*pastLookup{}
	for _, p := range pages {
		l := past[p.QueryID]
		if l == nil {
			l = &pastLookup{}
			past[p.QueryID] = l
		}
		l.micros = max(l.micros, float64(p.CostMicros))
		l.stands = l.stands || !p.At.Before(stand)
		if !runs[p.RunID] {
			continue
		}
		l.same = true
		for _, at := range p.Notes.About {
			l.points = append(l.points, Point{Lat: at[0], Lon: at[1]})
		}
	}
	return past
}

// isIn says whether one of the leads is in an area. A chain is asked about once.
func (l *pastLookup) isIn(area Area) bool {
	for _, p := range l.points {
		if kilometres(area.Lat, area.Lon, p.Lat, p.Lon) <= area.RadiusKM {
			return true
		}
	}
	return false
}

// tally counts lookups.
type tally struct {
	calls, micros      float64
	owned, ownedMicros float64 // of those, what stands
}

func (t *tally) add(l *pastLookup) {
	t.calls++
	t.micros += l.micros
	if l.stands {
		t.owned++
		t.ownedMicros += l.micros
	}
}
