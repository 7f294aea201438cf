package wire

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/leadlake/leadlake"
)

const (
	// paceMargin keeps calls this much further apart than the window asks for.
	// What it leaves over a window (1.5 s of a minute) is what a call may be
	// late, here or on its way, without two windows' worth running together.
	paceMargin = 0.025

	// bookAhead is how long before its time a call is booked. It bounds what
	// goes out after another process was told to wait.
	bookAhead = time.Second

	// maxBatch bounds what is booked at once, and with that what the death of
	// a process can lose.
	maxBatch = 32
)

// pacer spreads the calls of one key. It books places for as many calls as
// were asked for a moment ago, so that a fast client of a shared Limiter needs
// few bookings and a slow one leaves no place unused.
type pacer struct {
	key     string
	spacing time.Duration
	late    time.Duration // how long after its time a place may be used
	credit  time.Duration // how far back a first booking may reach, for bursts

	turn chan struct{} // held by the one caller that books

	mu     sync.Mutex
	places []time.Time // booked and free
	held   time.Time   // the provider wants no call before
	since  time.Time   // counts of takes: in the span of late from since, and in the one before
	takes  int
	before int
}

// newPacer keeps within all of the limits, which are of paced windows. Without
// any it only keeps what Hold says.
func newPacer(key string, limits []Limit) *pacer {
	p := &pacer{key: key, late: bookAhead, turn: make(chan struct{}, 1)}
	for _, l := range limits {
		each := float64(l.Per.length()) * (1 + paceMargin) / float64(max(1, l.Calls))
		p.spacing = max(p.spacing, time.Duration(math.Ceil(each/1e3))*time.Microsecond) // stores count microseconds
	}
	for _, l := range limits {
		// Calls of which each is up to x late keep within a window where
		// window + x < calls * spacing. A third of x is left to the network.
		room := time.Duration(max(1, l.Calls))*p.spacing - l.Per.length()
		p.late = min(p.late, room*2/3)
	}
	return p
}

// newRate keeps a rate that an operator chose, with bursts, in place of what
// the provider is known to allow.
func newRate(key string, perSecond float64, burst int) *pacer {
	p := &pacer{key: key, turn: make(chan struct{}, 1)}
	p.spacing = max(time.Microsecond, time.Duration(float64(time.Second)/perSecond))
	p.credit = time.Duration(max(1, burst)-1) * p.spacing
	p.late = max(p.credit, min(p.spacing, 100*time.Millisecond))
	return p
}

// take returns the time of the caller's place; it is booked, and may be up to
// bookAhead in the future.
func (p *pacer) take(ctx context.Context, c *Client, lim Limiter) (time.Time, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return time.Time{}, context.Cause(ctx)
	}
	for {
		now := c.cfg.Now()
		place, batch, ok := p.free(now)
		if ok {
			return place, nil
		}
		first, ok, err := lim.Pace(ctx, p.key, batch, p.spacing, now.Add(-p.credit), now.Add(bookAhead))
		if err != nil {
			return time.Time{}, err
		}
		if ok {
			p.add(first, batch)
			continue
		}
		if deadline, ok := ctx.Deadline(); ok && deadline.Before(first) {
			return time.Time{}, leadlake.Errorf(leadlake.RateLimited, "the next place is free after the caller's deadline")
		}
		if err := c.cfg.Sleep(ctx, first.Add(-bookAhead).Sub(now)); err != nil {
			return time.Time{}, err
		}
	}
}

// free takes a booked place, or says how many to book.
func (p *pacer) free(now time.Time) (place time.Time, batch int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch gone := now.Sub(p.since); {
	case gone >= 2*p.late:
		p.since, p.before, p.takes = now, 0, 0
	case gone >= p.late:
		p.since, p.before, p.takes = now, p.takes, 0
	}
	for len(p.places) > 0 {
		place, p.places = p.places[0], p.places[1:]
		if p.good(place, now) {
			p.takes++
			return place, 0, true
		}
	}
	return time.Time{}, min(max(1, p.before), maxBatch), false
}

func (p *pacer) add(first time.Time, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range n {
		p.places = append(p.places, first.Add(time.Duration(i)*p.spacing))
	}
}

// good says whether a place may still be used at now: not too late, and not
// booked before the provider asked for a pause that lasts.
func (p *pacer) good(place, now time.Time) bool {
	return now.Sub(place) <= p.late && !later(place, now).Before(p.held)
}

func (p *pacer) goodNow(place, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.good(place, now)
}

func (p *pacer) hold(ctx context.Context, lim Limiter, until time.Time) error {
	p.mu.Lock()
	p.held = later(p.held, until)
	p.mu.Unlock()
	return lim.Hold(ctx, p.key, until)
}

// counter counts the calls of one key in a long window.
type counter struct {
	key   string
	limit Limit
	turn  chan struct{} // guards the rest

	left int       // booked and free
	ends time.Time // of the window that they were booked in
	full time.Time // end of a window that has no room
}

func newCounter(key string, l Limit) *counter {
	return &counter{key: key, limit: l, turn: make(chan struct{}, 1)}
}

// take books one call. Where the window is used up it returns its end and
// false.
func (k *counter) take(ctx context.Context, lim Limiter, now time.Time) (time.Time, bool, error) {
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return time.Time{}, false, context.Cause(ctx)
	}
	switch {
	case k.full.After(now):
		return k.full, false, nil
	case k.left > 0 && k.ends.After(now):
		k.left--
		return k.ends, true, nil
	}
	end, err := k.limit.end(now)
	if err != nil {
		return time.Time{}, false, err
	}
	// Of a large window, a thousandth at once; the end of it one by one.
	for batch := min(max(1, k.limit.Calls/1000), maxBatch); ; batch = 1 {
		until, ok, err := lim.Count(ctx, k.key, batch, k.limit.Calls, now, end)
		switch {
		case err != nil:
			return time.Time{}, false, err
		case ok:
			k.left, k.ends = batch-1, until
			return until, true, nil
		case batch == 1:
			k.full = until
			return until, false, nil
		}
	}
}

// spent is the error of a window that is used up.
func (k *counter) spent(provider string, until time.Time) error {
	what := "calls"
	if k.limit.Endpoint != "" {
		what = "calls to " + k.limit.Endpoint
	}
	return leadlake.Errorf(leadlake.RateLimited, "call %s: the %d %s of this %s are used up until %s",
		provider, k.limit.Calls, what, k.limit.Per, until.UTC().Format(time.RFC3339)).
		WithFix("run it again then: it goes on where it stopped")
}

// rules are what holds for one call. The more special pacers come first.
type rules struct {
	pacers   []*pacer
	counters []*counter
}

// maxRounds bounds how often a call that comes too late for one of its places
// books another. A machine that is late each time goes anyway; the provider's
// refusal is the last word.
const maxRounds = 50

// wait returns when a call may go, with its place booked under every rule.
func (r *rules) wait(ctx context.Context, c *Client, l *lane) error {
	ctx, stop := waiting(ctx)
	defer stop()
	places := make([]time.Time, len(r.pacers))
	for range maxRounds {
		late := false
		for i, p := range r.pacers {
			if p.goodNow(places[i], c.cfg.Now()) {
				continue
			}
			late = true
			place, err := p.take(ctx, c, l.limiter)
			if err != nil {
				return l.waitError(err)
			}
			places[i] = place
			if err := c.cfg.Sleep(ctx, place.Sub(c.cfg.Now())); err != nil {
				return l.waitError(err)
			}
		}
		if !late {
			break
		}
	}
	for _, k := range r.counters {
		if err := k.wait(ctx, c, l); err != nil {
			return err
		}
	}
	return nil
}

// wait takes one call, and waits for the next window where that is near.
func (k *counter) wait(ctx context.Context, c *Client, l *lane) error {
	for range maxRounds {
		now := c.cfg.Now()
		until, ok, err := k.take(ctx, l.limiter, now)
		switch {
		case err != nil:
			return l.waitError(err)
		case ok:
			return nil
		case k.limit.Per != PerHour || until.Sub(now) > c.cfg.MaxLimitWait:
			return k.spent(l.name, until)
		}
		if err := c.cfg.Sleep(ctx, until.Sub(now)); err != nil {
			return l.waitError(err)
		}
	}
	return leadlake.Errorf(leadlake.RateLimited, "wait for the limit of %s: others are always faster", l.name)
}

func (l *lane) waitError(err error) error {
	return fmt.Errorf("wait for the limit of %s: %w", l.name, err)
}
