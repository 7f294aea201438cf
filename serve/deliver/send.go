package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
)

// Defaults of a Spec.
const (
	defaultParallel    = 4
	defaultMaxAttempts = 8
)

// Batches at once, where nobody says how many. One is written down while
// another is on its way.
const (
	minWorkers = 2
	maxWorkers = 8
)

// maxFailures is how many Delivers may fail as a whole, one after the other,
// before a delivery stops until it is run again.
const maxFailures = 5

// Waits between attempts grow from firstWait to longestWait.
const (
	firstWait   = time.Second
	longestWait = 5 * time.Minute
)

// sender sends the rows of one delivery.
type sender struct {
	*Engine
	delivery store.Delivery
	to       Destination
	spec     Spec
	mapping  Mapping
	gate     *gate
	slots    chan struct{} // for Delivers and Probes at once
	workers  int           // batches at once

	mu       sync.Mutex
	failures int
	stop     error // why no more is to be sent
}

func (e *Engine) sender(d store.Delivery, to Destination) (*sender, error) {
	w := &sender{Engine: e, delivery: d, to: to, spec: to.Spec(), gate: e.gate}
	if w.spec.Parallel == 0 {
		w.spec.Parallel = defaultParallel
	}
	if w.spec.MaxAttempts == 0 {
		w.spec.MaxAttempts = defaultMaxAttempts
		if len(w.spec.Ladder) > 0 {
			w.spec.MaxAttempts = len(w.spec.Ladder) + 1
		}
	}
	w.slots = make(chan struct{}, w.spec.Parallel)
	if w.workers = e.Workers; w.workers == 0 {
		w.workers = min(max(w.spec.Parallel*w.spec.BatchRows/max(1, e.BatchRows), minWorkers), maxWorkers)
	}
	if err := json.Unmarshal([]byte(d.Mapping), &w.mapping); err != nil {
		return nil, leadlake.Errorf(leadlake.Internal, "read mapping of delivery %s: %w", d.ID, err)
	}
	return w, nil
}

// session is one for the rows, in their order.
func (w *sender) session(ctx context.Context, rows []*item) *session {
	s := w.newSession(ctx, w.to, w.gate)
	s.touched = make([]int, len(rows))
	return s
}

// send works on batches, a few at once, until none is due within the engine's
// patience. An error says why the delivery stopped.
func (w *sender) send(ctx context.Context) error {
	until := w.Now().Add(w.Patience)
	workers, workCtx := errgroup.WithContext(ctx)
	busy := make(chan struct{}, w.workers)
	idle := make(chan struct{}, 1)
	for w.stopped() == nil && workCtx.Err() == nil {
		select {
		case busy <- struct{}{}:
		case <-workCtx.Done():
			continue
		}
		claim, ok, err := w.Ledger.ClaimBatch(workCtx, w.delivery.ID, w.Holder, w.Lease)
		if err != nil {
			return errors.Join(err, workers.Wait())
		}
		if ok {
			workers.Go(func() error {
				defer func() {
					<-busy
					select {
					case idle <- struct{}{}:
					default:
					}
				}()
				return w.batch(workCtx, claim)
			})
			continue
		}
		<-busy
		more, err := w.rest(workCtx, until, busy, idle)
		if err != nil {
			return errors.Join(err, workers.Wait())
		}
		if !more {
			break
		}
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return w.stopped()
}

// rest waits for a batch to become due; false where none will in time.
func (w *sender) rest(ctx context.Context, until time.Time, busy, idle chan struct{}) (bool, error) {
	if len(busy) > 0 { // one of ours may give work back
		select {
		case <-idle:
		case <-ctx.Done():
		}
		return true, nil
	}
	open, due, err := w.Ledger.NextBatch(ctx, w.delivery.ID)
	if err != nil || open == 0 || due.After(until) {
		return false, err
	}
	return true, w.Sleep(ctx, min(max(due.Sub(w.Now()), 10*time.Millisecond), 5*time.Second))
}

func (w *sender) stopped() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stop
}

// note counts how a call of the destination's methods ended, and stops the
// delivery where it is of no use to go on.
func (w *sender) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch leadlake.ErrorCode(err) {
	case "":
		w.failures = 0
	case leadlake.Unauthorized, leadlake.Forbidden, leadlake.Budget:
		w.stop = err
	case leadlake.Unavailable, leadlake.RateLimited:
		if w.failures++; w.failures >= maxFailures {
			w.stop = err
		}
	}
}

// batch takes the rows of one claim as far as they go now.
func (w *sender) batch(ctx context.Context, claim store.BatchClaim) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b := &batch{sender: w, claim: claim}
	b.until.Store(claim.ExpiresAt.UnixMicro())
	stopRenewing := b.renew(ctx, cancel)
	defer stopRenewing()
	err := b.work(ctx)
	switch {
	case err == nil:
		return nil
	case leadlake.ErrorCode(err) == leadlake.Conflict, leadlake.ErrorCode(context.Cause(ctx)) == leadlake.Conflict:
		// Another worker has the batch: it knows what is to be done.
		w.Log.Warn("batch lost to another worker", "delivery", claim.DeliveryID, "batch", claim.Batch)
		return nil
	}
	// What is not known to have its outcome is in doubt for the next holder.
	return errors.Join(err, w.Ledger.ReleaseBatch(context.WithoutCancel(ctx), claim))
}

// renew keeps a claim while its batch is worked on, and ends the work when it
// is lost, or can no longer be known to be held.
func (b *batch) renew(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(b.Lease / 4)
		defer ticker.Stop()
		misses := 0
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			switch err := b.extend(ctx); {
			case err == nil:
				misses = 0
			case leadlake.ErrorCode(err) == leadlake.Conflict, misses >= 1:
				cancel(err)
				return
			default:
				misses++
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// extend makes the claim last for another lease.
func (b *batch) extend(ctx context.Context) error {
	c, err := b.Ledger.RenewBatch(ctx, b.claim, b.Lease)
	if err == nil {
		b.until.Store(c.ExpiresAt.UnixMicro())
	}
	return err
}

// hold is asked before each call that changes something: a process that was
// stopped for a while, with its machine perhaps, must not go on where another
// has taken over meanwhile.
func (b *batch) hold(ctx context.Context) error {
	if b.until.Load()-b.Now().UnixMicro() > b.Lease.Microseconds()/2 {
		return nil
	}
	return b.extend(ctx)
}

// batch is one claim and its rows.
type batch struct {
	*sender
	claim store.BatchClaim
	until atomic.Int64 // when the claim runs out, in microseconds
	items []*item

	mu sync.Mutex // held while outcomes are written into items, or items into the ledger
}

func (b *batch) work(ctx context.Context) error {
	if err := b.load(ctx); err != nil {
		return err
	}
	if err := b.resolve(ctx); err != nil {
		return err
	}
	ready, err := b.ready(ctx)
	if err != nil {
		return err
	}
	// The intent is durable before anything is sent.
	if err := b.save(ctx, b.items, len(ready) == 0); err != nil || len(ready) == 0 {
		return err
	}
	err = b.deliver(ctx, ready)
	return errors.Join(err, b.save(ctx, b.items, true)) // what is known is kept, whatever ended the work
}

// load reads the rows that have no end yet. Those that a worker was sending
// when it died are in doubt.
func (b *batch) load(ctx context.Context) error {
	rows, err := b.Ledger.RowsOfDelivery(ctx, b.claim.DeliveryID, b.claim.First, b.claim.Last)
	if err != nil {
		return err
	}
	for _, row := range rows {
		i, err := unpack(row)
		if err != nil {
			return err
		}
		if i.closed {
			continue
		}
		if i.state() == Sending {
			i.later(InDoubt, "no_answer", "the process that sent it ended before it had an answer", time.Time{})
		}
		b.items = append(b.items, i)
	}
	return nil
}

// due lists the items in a state whose time has come.
func (b *batch) due(state State) []*item {
	now := b.Now()
	return slices.DeleteFunc(slices.Clone(b.items), func(i *item) bool { return i.state() != state || i.row.NotBefore.After(now) })
}

// save writes items as they are now. A claim that is given back lets the batch
// be taken when the first of its open rows is due.
func (b *batch) save(ctx context.Context, items []*item, release bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.Now()
	change := store.BatchChange{Release: release}
	for _, i := range b.items {
		if !i.state().final() && (change.NotBefore.IsZero() || i.row.NotBefore.Before(change.NotBefore)) {
			change.NotBefore = i.row.NotBefore
		}
	}
	var ended []*item
	for _, i := range items {
		if i.closed {
			continue
		}
		i.pack()
		change.Rows = append(change.Rows, i.row)
		if i.state().final() {
			ended = append(ended, i)
			i.change(b.delivery, &change, now)
		}
	}
	change.Closed = int64(len(ended))
	if len(change.Rows) == 0 && !release {
		return nil
	}
	// What a destination has said is written down, also when we are to stop.
	if err := b.Ledger.SaveRows(context.WithoutCancel(ctx), b.claim, change); err != nil {
		return err
	}
	for _, i := range ended {
		i.closed = true
	}
	return nil
}

// backoff is the wait after so many attempts: as the destination's ladder
// says, or exponential with full jitter (AWS Architecture Blog, "Exponential
// Backoff And Jitter"), by a random number in [0, 1).
func (w *sender) backoff(attempts int, luck float64) time.Duration {
	if n := len(w.spec.Ladder); n > 0 {
		step := w.spec.Ladder[min(max(attempts, 1), n)-1]
		return step + time.Duration(luck*float64(step)/10)
	}
	bound := firstWait
	for range min(attempts, 20) {
		bound = min(2*bound, longestWait)
	}
	return time.Duration(luck * float64(bound))
}
