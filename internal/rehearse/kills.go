package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// undisturbed is how long a campaign takes that nobody kills.
func (s *stage) undisturbed(ctx context.Context) (time.Duration, error) {
	home, err := s.home()
	if err != nil {
		return 0, err
	}
	path, err := campaign(home, "undisturbed", s.large(rand.New(rand.NewPCG(s.seed, 0))))
	if err != nil {
		return 0, err
	}
	if err := s.post(ctx, "faults", `{"latency_ms": 12}`); err != nil {
		return 0, err
	}
	began := time.Now()
	err = s.do(ctx, nil, home, "ingest", path)
	return time.Since(began), err
}

// large is a campaign of some hundred pages, always another one.
func (s *stage) large(d *rand.Rand) string {
	m := s.world.Metro
	return fmt.Sprintf("vertical: local_services\nkeywords: plumber\ngeo: {city: Denver, region: CO, lat: %.4f, lon: %.4f, country: US, radius_km: 25}\n"+
		"sources: [google_places, yelp, apollo]\n", m.Lat+d.Float64()*0.2-0.1, m.Lon+d.Float64()*0.2-0.1)
}

// kills lets campaigns ingest, kills them at random moments until they are
// through, and asks the sandbox whether it answered a question twice.
func kills(ctx context.Context, w io.Writer, o options) error {
	s, err := newStage(o)
	if err != nil {
		return err
	}
	defer s.close()
	whole, err := s.undisturbed(ctx)
	if err != nil {
		return err
	}
	d := rand.New(rand.NewPCG(o.seed, 1))
	began := time.Now()
	done, campaigns, pages := 0, 0, 0
	for done < o.n {
		campaigns++
		home, err := s.home()
		if err != nil {
			return err
		}
		path, err := campaign(home, "killed", s.large(d))
		if err != nil {
			return err
		}
		if err := s.post(ctx, "reset", ""); err != nil {
			return err
		}
		// Answers take a while, so that a kill finds some under way.
		if err := s.post(ctx, "faults", `{"latency_ms": 12}`); err != nil {
			return err
		}
		for ended := false; !ended; {
			after := time.Duration((0.1 + 0.6*d.Float64()) * float64(whole))
			if ended, err = s.killed(ctx, after, home, "ingest", path); err != nil {
				return fmt.Errorf("campaign %d: %w", campaigns, err)
			}
			if !ended {
				done++
			}
		}
		counts, err := s.counts(ctx)
		if err != nil {
			return err
		}
		repeats := 0
		for _, methods := range counts {
			for _, n := range methods {
				pages += n.OK
				repeats += n.Repeats
			}
		}
		if repeats > 0 {
			return fmt.Errorf("campaign %d, after %d kills: %d pages were paid twice: %v", campaigns, done, repeats, counts)
		}
		if campaigns%10 == 0 {
			fmt.Fprintf(w, "%4d kills, %3d campaigns, %6d pages, none paid twice, %.0f s\n", done, campaigns, pages, time.Since(began).Seconds())
		}
	}
	fmt.Fprintf(w, "%d kills in %d campaigns over %d pages: 0 pages paid twice, %.0f s\n", done, campaigns, pages, time.Since(began).Seconds())
	return nil
}
