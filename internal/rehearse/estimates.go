package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"github.com/leadlake/leadlake/ingest"
)

// estimates lets a workspace learn from one wide campaign for each line of
// business, and compares the estimates of random campaigns with their bills.
// Those come from a workspace that has bought nothing yet, so that the price of
// what the estimate counts as owned is part of the comparison; with the flag
// -own from the workspace that has learnt, so that what it owns is free.
func estimates(ctx context.Context, w io.Writer, o options) error {
	s, err := newStage(o)
	if err != nil {
		return err
	}
	defer s.close()
	home, err := s.home()
	if err != nil {
		return err
	}
	const what = "vertical: local_services\nsources: [google_places, yelp]\nenrichment: [hunter, apollo]\n"
	m := s.world.Metro
	for _, word := range keywords {
		text := fmt.Sprintf("%skeywords: %s\ngeo: {lat: %.4f, lon: %.4f, country: US, radius_km: 50}\n", what, word, m.Lat, m.Lon)
		path, err := campaign(home, "learn-"+word, text)
		if err != nil {
			return err
		}
		if err := s.do(ctx, nil, home, "run", path); err != nil {
			return err
		}
	}
	d := rand.New(rand.NewPCG(o.seed, 3))
	worst := 0.0
	for n := 1; n <= o.n; n++ {
		text := what + "keywords: " + keywords[d.IntN(len(keywords))] + "\n" + s.randomPlace(d, 6)
		path, err := campaign(home, fmt.Sprintf("random-%d", n), text)
		if err != nil {
			return err
		}
		var plan ingest.Estimate
		if err := s.do(ctx, &plan, home, "plan", path); err != nil {
			return err
		}
		buyer, said := home, plan.CostUSD
		if !o.own {
			if buyer, err = s.home(); err != nil {
				return err
			}
			said.Low, said.Mid, said.High = said.Low+plan.OwnedUSD, said.Mid+plan.OwnedUSD, said.High+plan.OwnedUSD
		}
		if err := s.post(ctx, "reset", ""); err != nil {
			return err
		}
		if err := s.do(ctx, nil, buyer, "run", path); err != nil {
			return err
		}
		micros, _, err := s.billed(ctx)
		if err != nil {
			return err
		}
		real := float64(micros) / 1e6
		off := said.Mid/real - 1
		worst = max(worst, math.Abs(off))
		fmt.Fprintf(w, "campaign %2d: estimated $%.2f (%.2f to %.2f), billed $%.2f: %+.1f%%\n", n, said.Mid, said.Low, said.High, real, 100*off)
	}
	fmt.Fprintf(w, "the worst of %d estimates is off by %.1f%% (limit 20%%)\n", o.n, 100*worst)
	if worst > 0.2 {
		return fmt.Errorf("an estimate is off by more than 20%%")
	}
	return nil
}
