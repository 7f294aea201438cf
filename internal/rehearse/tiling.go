package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// tilings lets one source alone find a line of business in a large world, and
// compares its calls with the best that can be done knowing the truth.
func tilings(ctx context.Context, w io.Writer, o options) error {
	s, err := newStage(o)
	if err != nil {
		return err
	}
	defer s.close()
	m := s.world.Metro
	bad := 0
	for i := range o.n {
		word := keywords[i/2%len(keywords)]
		source := []string{world.GooglePlaces, world.Yelp}[i%2]
		home, err := s.home()
		if err != nil {
			return err
		}
		text := fmt.Sprintf("vertical: local_services\nsources: [%s]\nkeywords: %s\ngeo: {lat: %.4f, lon: %.4f, country: US, radius_km: 50}\n", source, word, m.Lat, m.Lon)
		path, err := campaign(home, "tiling", text)
		if err != nil {
			return err
		}
		if err := s.post(ctx, "reset", ""); err != nil {
			return err
		}
		if err := s.do(ctx, nil, home, "ingest", path); err != nil {
			return err
		}
		counts, err := s.counts(ctx)
		if err != nil {
			return err
		}
		calls := 0
		for _, n := range counts[source] {
			calls += n.Calls
		}
		var result struct {
			Rows []struct {
				Key string `json:"k"`
			} `json:"rows"`
		}
		if err := s.do(ctx, &result, home, "sql", "select distinct provider_key as k from raw.source_records"); err != nil {
			return err
		}
		found := map[string]bool{}
		for _, r := range result.Rows {
			found[r.Key] = true
		}
		truth := s.matching(source, word)
		hits := 0
		for _, l := range truth {
			if found[l.Key] {
				hits++
			}
		}
		best := bestTiling(truth, map[string]limits{world.GooglePlaces: {page: 20, cap: 60}, world.Yelp: {page: 50, cap: 240, circle: true, reach: 1.1}}[source])
		share, ratio := float64(hits)/float64(len(truth)), float64(calls)/float64(best)
		fmt.Fprintf(w, "%-13s %-12s %5d of %5d found (%.2f%%), %4d calls, the best tiling takes %4d: %.2f times (limit 1.60)\n",
			source, word, hits, len(truth), 100*share, calls, best, ratio)
		if share < 0.99 || ratio > 1.6 {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d searches miss the limits", bad, o.n)
	}
	return nil
}

// matching are the listings of a source that a search for the word is about:
// those of its line of business within the campaign's circle.
func (s *stage) matching(source, word string) []world.Listing {
	var out []world.Listing
	for _, l := range s.world.Listings(source) {
		if slices.Contains(l.Category.Keywords, word) && world.DistanceKM(s.world.Metro.Lat, s.world.Metro.Lon, l.Lat, l.Lon) <= 50 {
			if source == world.Yelp && l.Status == world.ClosedForGood {
				continue // Yelp's search leaves them out
			}
			out = append(out, l)
		}
	}
	return out
}

// limits are what a provider gives in one search.
type limits struct {
	page, cap int
	circle    bool    // it looks in the circle around a box
	reach     float64 // and this much farther: a radius is a hint
}

// bestTiling is the fewest calls that cover the places, knowing where they
// are. Where searches are boxes, thin slices of exactly full searches do it.
// Where they are circles, boxes are cut at the places themselves, each time in
// the best of several ways.
func bestTiling(places []world.Listing, l limits) int {
	if !l.circle {
		return (len(places) + l.page - 1) / l.page
	}
	points := make([]point, len(places))
	for i, p := range places {
		points[i] = point{p.Lon * math.Cos(p.Lat*math.Pi/180), p.Lat}
	}
	c := cutter{limits: l, all: newGrid(points)}
	return c.cost(points, 0)
}
