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
	path, err := campaign(home, "undisturbed", "vertical: local_services\nkeywords: dentist\n"+
		"geo: {city: Denver, region: CO, country: US, radius_km: 15}\nsources: [google_places, yelp, apollo]\n")
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
		text := "vertical: local_services\nkeywords: " + keywords[d.IntN(len(keywords))] + "\n" + s.randomPlace(d, 12) +
			"sources: [google_places, yelp, apollo]\n"
		path, err := campaign(home, "killed", text)
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
			after := time.Duration((0.3 + 0.9*d.Float64()) * float64(whole))
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
