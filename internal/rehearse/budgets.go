package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// budgets runs random campaigns with random budgets and random kills, and
// compares what the sandbox would bill with the budget.
func budgets(ctx context.Context, w io.Writer, o options) error {
	s, err := newStage(o)
	if err != nil {
		return err
	}
	defer s.close()
	d := rand.New(rand.NewPCG(o.seed, 2))
	began := time.Now()
	stopped, killed := 0, 0
	spent, allowed := 0.0, 0.0
	for n := 1; n <= o.n; n++ {
		home, err := s.home()
		if err != nil {
			return err
		}
		budget := 0.04 + d.Float64()*d.Float64()*0.8
		text := fmt.Sprintf("vertical: local_services\nkeywords: %s\n%ssources: [google_places, yelp]\nenrichment: [hunter, clearbit, google_geocoding]\nbudget: {max_cost_usd: %.4f}\n",
			keywords[d.IntN(len(keywords))], s.randomPlace(d, 12), budget)
		path, err := campaign(home, "budget", text)
		if err != nil {
			return err
		}
		if err := s.post(ctx, "reset", ""); err != nil {
			return err
		}
		if err := s.post(ctx, "faults", `{"latency_ms": 5}`); err != nil {
			return err
		}
		left := d.IntN(4)
		for ended := false; !ended; {
			after := time.Hour
			if left--; left >= 0 {
				after = 180*time.Millisecond + time.Duration(d.Int64N(int64(2*time.Second)))
			}
			if ended, err = s.killed(ctx, after, home, "run", path); err != nil {
				return fmt.Errorf("campaign %d: %w", n, err)
			}
			if !ended {
				killed++
			}
		}
		micros, repeats, err := s.billed(ctx)
		if err != nil {
			return err
		}
		if repeats > 0 {
			return fmt.Errorf("campaign %d: %d pages were paid twice", n, repeats)
		}
		usd := float64(micros) / 1e6
		if usd > budget {
			return fmt.Errorf("campaign %d: $%.4f were billed of a budget of $%.4f", n, usd, budget)
		}
		if usd > 0.9*budget {
			stopped++
		}
		spent, allowed = spent+usd, allowed+budget
		if n%10 == 0 {
			fmt.Fprintf(w, "%3d campaigns, %3d kills, %3d ended by their budget, $%.2f billed of $%.2f, none over, %.0f s\n", n, killed, stopped, spent, allowed, time.Since(began).Seconds())
		}
	}
	fmt.Fprintf(w, "%d campaigns, %d kills: overspend 0; %d ended by their budget; $%.2f billed of $%.2f\n", o.n, killed, stopped, spent, allowed)
	return nil
}
