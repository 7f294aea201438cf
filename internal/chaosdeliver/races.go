package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
)

// racers is how many workers go for one batch, and racesAtOnce how many batches
// are raced for at a time.
const (
	racers      = 2
	racesAtOnce = 32
	stallEvery  = 8
	stallPlaces = 3
)

// races lets two workers, each with connections of its own to the ledger, go for
// one batch at the same moment, and counts what they send. In every eighth race
// the holder stalls for longer than its claim lasts: before it reads the rows,
// before it writes down what it is about to send, or right after.
func races(ctx context.Context, w io.Writer, o options) error {
	dsn := o.dsn
	if dsn == "" {
		folder, err := os.MkdirTemp("", "leadlake-races-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		dsn = filepath.Join(folder, "control.sqlite")
	}
	began := time.Now()
	var clock skipping
	var stores []*store.Store
	for range racers {
		s, err := store.Open(ctx, dsn, store.Options{Now: clock.now})
		if err != nil {
			return err
		}
		defer s.Close()
		stores = append(stores, s)
	}
	var stalls atomic.Int64
	var wins [racers]atomic.Int64
	var g errgroup.Group
	g.SetLimit(racesAtOnce)
	run := func(n, stall int) error {
		race := race{name: fmt.Sprintf("race-%d-%d", o.seed, n), clock: &clock, stall: stall, stalls: &stalls}
		who, err := race.run(ctx, stores)
		if err == nil {
			wins[who].Add(1)
		}
		return err
	}
	for n := range o.races {
		if n%stallEvery > 0 {
			g.Go(func() error { return run(n, 0) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for n := 0; n < o.races; n += stallEvery { // alone: the clock is that of all races
		if err := run(n, n/stallEvery%stallPlaces+1); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "%d races of %d workers for one batch in %.1f s: 0 double sends; won %d to %d, %d times a worker stalled beyond its claim\n",
		o.races, racers, time.Since(began).Seconds(), wins[0].Load(), wins[1].Load(), stalls.Load())
	return nil
}

// skipping is a clock that races may move ahead.
type skipping struct{ ahead atomic.Int64 }

func (c *skipping) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// race is one batch.
type race struct {
	name   string
	clock  *skipping
	stall  int // the call to the ledger after a claim at which the holder stalls; 0: it does not
	stalls *atomic.Int64
	once   sync.Once
	claims atomic.Int64

	mu   sync.Mutex
	sent map[string]int
	by   map[string]int // who sent a key last
}

// raceRows is how many rows a batch has.
const raceRows = 3

// raceLease is how long a claim lasts.
const raceLease = time.Minute

func (r *race) run(ctx context.Context, stores []*store.Store) (winner int, err error) {
	r.sent, r.by = map[string]int{}, map[string]int{}
	engine := func(n int, ledger deliver.Ledger) *deliver.Engine {
		return &deliver.Engine{Ledger: ledger, HTTP: counting{r, n}, Now: r.clock.now, Lease: raceLease, Sleep: nap}
	}
	mapping := deliver.Mapping{Version: 1, Key: "lead_id", Fields: []deliver.FieldMapping{{To: "name", From: "name"}}}
	sum, err := engine(0, planOnly{stores[0]}).Deliver(ctx, deliver.Order{
		Destination: r.name, To: tally{}, Mapping: mapping, Mode: deliver.Sync, Leads: leads(1, raceRows, firstWave),
	})
	if err != nil || sum.Rows[deliver.Planned] != raceRows {
		return 0, errors.Join(err, fmt.Errorf("%s: planned %+v", r.name, sum))
	}
	var g errgroup.Group
	start := make(chan struct{})
	for n, ledger := range stores {
		g.Go(func() error {
			<-start
			e := engine(n, &stalling{Store: ledger, race: r})
			for {
				all, err := e.Resume(ctx, r.name, tally{})
				if err != nil {
					return err
				}
				if len(all) == 0 {
					return nil
				}
			}
		})
	}
	close(start)
	if err := g.Wait(); err != nil {
		return 0, fmt.Errorf("%s: %w", r.name, err)
	}
	for n := 1; n <= raceRows; n++ {
		if key := leadID(n); r.sent[key] != 1 {
			return 0, fmt.Errorf("%s: row %d was sent %d times", r.name, n, r.sent[key])
		}
		winner = r.by[leadID(n)]
	}
	return winner, nil
}

// nap waits a little where an engine would wait until a claim runs out: races
// move the clock.
func nap(ctx context.Context, d time.Duration) error {
	time.Sleep(min(d, 2*time.Millisecond))
	return ctx.Err()
}

// planOnly is a ledger of which nobody gets a batch.
type planOnly struct{ *store.Store }

func (planOnly) ClaimBatch(context.Context, string, string, time.Duration) (store.BatchClaim, bool, error) {
	return store.BatchClaim{}, false, nil
}

func (planOnly) NextBatch(context.Context, string) (int64, time.Time, error) {
	return 1, time.Now().AddDate(1, 0, 0), nil
}

// stalling is a ledger whose holder of a batch stalls once.
type stalling struct {
	*store.Store
	race *race
	call atomic.Int64 // since the claim
	mine atomic.Bool
}

func (l *stalling) ClaimBatch(ctx context.Context, id, holder string, ttl time.Duration) (store.BatchClaim, bool, error) {
	c, ok, err := l.Store.ClaimBatch(ctx, id, holder, ttl)
	if ok {
		l.race.claims.Add(1)
		l.mine.Store(true)
		l.call.Store(0)
	}
	return c, ok, err
}

func (l *stalling) RowsOfDelivery(ctx context.Context, id string, first, last int64) ([]store.DeliveryRow, error) {
	l.step()
	return l.Store.RowsOfDelivery(ctx, id, first, last)
}

func (l *stalling) SaveRows(ctx context.Context, c store.BatchClaim, change store.BatchChange) error {
	l.step()
	err := l.Store.SaveRows(ctx, c, change)
	l.step()
	return err
}

// step stalls: time goes by until the claim has run out, and the other worker
// has had the time to take it.
func (l *stalling) step() {
	if !l.mine.Load() || l.race.stall == 0 || int(l.call.Add(1)) != l.race.stall {
		return
	}
	l.race.once.Do(func() {
		l.race.stalls.Add(1)
		l.race.clock.ahead.Add(int64(2 * raceLease))
		for range 1000 {
			if l.race.claims.Load() > 1 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond)
	})
}

// tally is a destination without mercy: it has no key that would make a second
// send the same as the first.
type tally struct{}

func (tally) Spec() deliver.Spec {
	return deliver.Spec{Name: "tally", BaseURL: "http://tally.example", BatchRows: raceRows, ProbeRows: raceRows, Effect: "none at all"}
}

func (tally) Authorize(deliver.Session) (deliver.Access, error) { return deliver.Access{}, nil }

func (tally) Describe(deliver.Session) (deliver.Schema, error) { return deliver.Schema{}, nil }

func (tally) Deliver(s deliver.Session, b deliver.Batch) ([]deliver.Outcome, error) {
	var keys []string
	var rows []int
	for n, r := range b.Rows {
		keys, rows = append(keys, r.Key), append(rows, n)
	}
	if _, err := s.Call(deliver.Request{Method: http.MethodPost, URL: "/write", Body: deliver.Value(keys), Rows: rows}); err != nil {
		return nil, err
	}
	out := make([]deliver.Outcome, len(b.Rows))
	for n := range out {
		out[n] = deliver.Outcome{State: deliver.Accepted, ID: b.Rows[n].Key}
	}
	return out, nil
}

func (tally) Probe(s deliver.Session, rows []deliver.Row) ([]deliver.Found, error) {
	resp, err := s.Call(deliver.Request{URL: "/read"})
	if err != nil {
		return nil, err
	}
	var there map[string]int
	if err := json.Unmarshal(resp.Body, &there); err != nil {
		return nil, err
	}
	found := make([]deliver.Found, len(rows))
	for n, r := range rows {
		if there[r.Key] > 0 {
			found[n] = deliver.Found{Matches: 1, ID: r.Key, Fields: r.Fields}
		}
	}
	return found, nil
}

func (tally) Feedback(deliver.Session, string) (deliver.Feedback, error) {
	return deliver.Feedback{}, nil
}

// counting is the counterpart of a tally, as one worker sees it.
type counting struct {
	race   *race
	worker int
}

func (c counting) Do(r *http.Request) (*http.Response, error) {
	c.race.mu.Lock()
	defer c.race.mu.Unlock()
	var answer []byte
	if r.URL.Path == "/write" {
		var keys []string
		if err := json.NewDecoder(r.Body).Decode(&keys); err != nil {
			return nil, err
		}
		for _, key := range keys {
			c.race.sent[key]++
			c.race.by[key] = c.worker
		}
	} else {
		answer = deliver.Value(c.race.sent)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(answer)), Request: r}, nil
}
