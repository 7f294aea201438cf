package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// bought are the sources of the campaigns: two that find, three that enrich.
var bought = []string{"google_places", "yelp", "hunter", "clearbit", "google_geocoding"}

// workers are the processes that want each campaign at the same time. One of
// them gets it, and makes four calls at a time to each source.
const workers = 4

// Exit codes of leadlake.
const (
	invalid  = 2 // the campaign finds nothing
	conflict = 4 // another process runs it
)

// errNothing is the end of a campaign that finds no business: there is nothing
// to pay for, and the next worker asks in vain again.
var errNothing = errors.New("the campaign finds nothing")

// race lets all workers run the same command at once, and kills those that are
// left after a while. It says whether one of them ended the campaign, and what
// they said.
func (s *stage) race(ctx context.Context, after time.Duration, home string, args ...string) (ended bool, said string, err error) {
	ctx, kill := context.WithTimeout(ctx, after)
	defer kill()
	type end struct {
		code   int // -1 for a process that was killed
		output string
	}
	ends := make(chan end)
	for range workers {
		go func() {
			cmd := s.command(ctx, home, args...)
			var output strings.Builder
			cmd.Stderr = &output
			cmd.WaitDelay = time.Second // the door that it leaves holds its output open
			cmd.Run()                   //nolint:errcheck // the code says it
			code := -1
			if cmd.ProcessState != nil {
				code = cmd.ProcessState.ExitCode()
			}
			ends <- end{code, output.String()}
		}()
	}
	turned, nothing := 0, false
	for range workers {
		e := <-ends
		said += e.output
		switch {
		case e.code == 0:
			ended = true
			kill() // one that comes late would begin another run
		case e.code == conflict:
			turned++
		case e.code == invalid && strings.Contains(e.output, "it has no row for this campaign"):
			nothing = true
			kill()
		case strings.Contains(e.output, "raise budget.max_cost_usd"): // nothing fitted: it is an end, and it is billed
			ended = true
			kill()
		case e.code == -1:
		default:
			err = errors.Join(err, fmt.Errorf("leadlake %s: exit code %d\n%s", strings.Join(args, " "), e.code, e.output))
		}
	}
	if turned == workers {
		err = errors.Join(err, fmt.Errorf("leadlake %s: every worker says that another has the campaign", strings.Join(args, " ")))
	}
	if nothing && err == nil {
		err = errNothing
	}
	return ended, said, err
}

// budgets lets four workers run random campaigns with random budgets, kills
// them at random moments, and compares what the sandbox would bill with the budget.
func budgets(ctx context.Context, w io.Writer, o options) error {
	s, err := newStage(o)
	if err != nil {
		return err
	}
	defer s.close()
	d, moments := rand.New(rand.NewPCG(o.seed, 2)), rand.New(rand.NewPCG(o.seed, 4))
	began := time.Now()
	stopped, killed := 0, 0
	spent, allowed := 0.0, 0.0
	for n := 1; n <= o.n; n++ {
		home, err := s.home()
		if err != nil {
			return err
		}
		budget := 0.04 + d.Float64()*d.Float64()*0.25 // one call to Google costs 0.035
		text := fmt.Sprintf("vertical: local_services\nkeywords: %s\n%ssources: [%s]\nenrichment: [%s]\nbudget: {max_cost_usd: %.4f}\n",
			keywords[d.IntN(len(keywords))], s.randomPlace(d, 12), strings.Join(bought[:2], ", "), strings.Join(bought[2:], ", "), budget)
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
		left, full := moments.IntN(4), false
		for ended := false; !ended; {
			after := time.Hour
			if left--; left >= 0 {
				after = 300*time.Millisecond + time.Duration(moments.Int64N(int64(2500*time.Millisecond)))
			}
			var said string
			if ended, said, err = s.race(ctx, after, home, "run", path); errors.Is(err, errNothing) {
				break
			}
			if err != nil {
				return fmt.Errorf("campaign %d: %w", n, err)
			}
			full = full || strings.Contains(said, "the run stopped asking") || strings.Contains(said, "raise budget.max_cost_usd")
			if !ended {
				killed++
			}
		}
		if errors.Is(err, errNothing) { // another one takes its place
			n--
			continue
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
		if full { // another call did not fit
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
