package deliver

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/leadlake/leadlake"
)

// atOnce is the wait of a row that has waited enough.
const atOnce = time.Nanosecond

// resolve finds out what became of rows in doubt, before anything is sent
// again.
func (b *batch) resolve(ctx context.Context) error {
	doubtful := b.due(InDoubt)
	switch {
	case len(doubtful) == 0:
		return nil
	case b.claim.Note != "" && b.delivery.IsBulk: // the destination goes on where it was
		for _, i := range doubtful {
			i.row.State = string(Planned)
		}
		return nil
	case b.spec.ProbeRows == 0 && b.spec.Repeatable: // sent again it is the same effect
		for _, i := range doubtful {
			b.settle(i, Outcome{State: Retry, Code: i.row.Code, Reason: i.row.Reason, Wait: atOnce}, 0)
		}
		return nil
	case b.spec.ProbeRows == 0:
		for _, i := range doubtful {
			i.close(Dead, "in_doubt", "it was sent, whether it took effect is unknown, and it cannot be read back",
				"look there, then replay or drop the row", b.Now())
		}
		return nil
	}
	early := b.Now().Add(-b.spec.Lag)
	doubtful = slices.DeleteFunc(doubtful, func(i *item) bool {
		if i.row.SentAt.After(early) { // it may be there and not show yet
			i.row.NotBefore = i.row.SentAt.Add(b.spec.Lag)
			return true
		}
		return false
	})
	return b.probe(ctx, doubtful, func(i *item, f Found) {
		out := resolve(i, f)
		if out.State == Retry {
			out.Wait = atOnce // it has waited
		}
		b.settle(i, out, 0)
	}, func(i *item, luck float64) { i.row.NotBefore = b.Now().Add(b.backoff(i.row.Attempts, luck)) })
}

// probe reads rows back, some at a time, and hands each with what there is to
// use. Where that cannot be read, failed is told, with the one random number
// that all rows of the call wait by: they are read together the next time, too.
func (b *batch) probe(ctx context.Context, items []*item, use func(*item, Found), failed func(i *item, luck float64)) error {
	var mu sync.Mutex
	return b.each(ctx, items, b.spec.ProbeRows, func(chunk []*item) error {
		found, err := b.to.Probe(b.session(ctx, chunk), rowsOf(chunk))
		if err == nil && len(found) != len(chunk) {
			err = leadlake.Errorf(leadlake.Internal, "probe %s: %d answers for %d rows", b.spec.Name, len(found), len(chunk))
		}
		b.note(err)
		luck := b.Rand()
		mu.Lock()
		defer mu.Unlock()
		for n, i := range chunk {
			if err != nil {
				failed(i, luck)
				continue
			}
			use(i, found[n])
		}
		return b.fatal(ctx, err)
	})
}

// fatal is the part of an error that ends the work on a batch: that the
// context is over, or that we are at fault. Others are in the rows.
func (b *batch) fatal(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if leadlake.ErrorCode(err) == leadlake.Internal {
		return err
	}
	return nil
}

// each calls do with size items at a time, a few at once.
func (b *batch) each(ctx context.Context, items []*item, size int, do func([]*item) error) error {
	var wg sync.WaitGroup
	errs := make(chan error, len(items)+1)
	for chunk := range slices.Chunk(items, max(1, size)) {
		select {
		case b.slots <- struct{}{}:
		case <-ctx.Done():
			wg.Wait()
			return context.Cause(ctx)
		}
		if b.stopped() != nil {
			<-b.slots
			break
		}
		wg.Go(func() {
			defer func() { <-b.slots }()
			if err := do(chunk); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

func rowsOf(items []*item) []Row {
	rows := make([]Row, len(items))
	for n, i := range items {
		rows[n] = i.asRow()
	}
	return rows
}

// ready lists the rows that are to be sent now, with their intent in them.
func (b *batch) ready(ctx context.Context) ([]*item, error) {
	if b.stopped() != nil { // they stay as they are
		return nil, nil //nolint:nilerr // the sender has the error
	}
	due := b.due(Planned)
	if err := b.suppress(ctx, due); err != nil {
		return nil, err
	}
	var unread []*item
	for _, i := range due {
		if _, known := i.previous(); i.state() == Planned && !known && b.spec.ProbeRows > 0 {
			unread = append(unread, i)
		}
	}
	now := b.Now()
	err := b.probe(ctx, unread, func(i *item, f Found) {
		decide(i, f, b.mapping, Mode(b.delivery.Mode), now)
	}, func(i *item, luck float64) { i.row.NotBefore = now.Add(b.backoff(i.row.Attempts+1, luck)) })
	if err != nil {
		return nil, err
	}
	ready := slices.DeleteFunc(due, func(i *item) bool {
		_, known := i.previous()
		return i.state() != Planned || i.row.NotBefore.After(now) || !known && b.spec.ProbeRows > 0
	})
	for _, i := range ready {
		if b.spec.ProbeRows == 0 {
			b.decideBlind(i)
		}
	}
	ready = slices.DeleteFunc(ready, func(i *item) bool { return i.state() != Planned })
	id := b.id()
	for _, i := range ready {
		i.row.State, i.row.SentAt, i.row.Attempts = string(Sending), now, i.row.Attempts+1
		i.row.IdempotencyKey = i.idempotencyKey(id)
	}
	return ready, nil
}

// decideBlind is decide for a destination that cannot be read: what the ledger
// knows stands for what is there.
func (b *batch) decideBlind(i *item) {
	known := i.meta.Prior != nil
	switch mode := Mode(b.delivery.Mode); {
	case mode == Add && known:
		i.close(Skipped, "exists", "it was delivered before, and the mode is add", "", b.Now())
	case mode == Enrich && !known:
		i.close(Skipped, "absent", "it was not delivered before, and the mode is enrich", "", b.Now())
	}
}

// suppress closes rows about whoever does not want to be contacted. Removals
// go on: they are what such a person wants.
func (b *batch) suppress(ctx context.Context, due []*item) error {
	if b.Suppressed == nil {
		return nil
	}
	for _, i := range due {
		if i.op() == Remove || Mode(b.delivery.Mode) == undo {
			continue
		}
		reason, yes, err := b.Suppressed(ctx, i.meta.Subject)
		if err != nil {
			return fmt.Errorf("ask whether row %d of delivery %s is suppressed: %w", i.row.Position, i.row.DeliveryID, err)
		}
		if yes {
			i.close(Suppressed, "suppressed", reason, "", b.Now())
		}
	}
	return nil
}

// id names the batch to the destination.
func (b *batch) id() string { return fmt.Sprintf("%s-%d", b.claim.DeliveryID, b.claim.Batch) }

// flushEvery is how long outcomes may wait to be written while others of the
// batch are on their way. What is lost with them is in doubt, not gone.
const flushEvery = time.Second

// deliver sends rows and settles each.
func (b *batch) deliver(ctx context.Context, ready []*item) error {
	size := b.spec.BatchRows
	if b.delivery.IsBulk {
		size = b.spec.BulkRows
	}
	var mu sync.Mutex
	var settled []*item
	flushed := b.Now()
	err := b.each(ctx, ready, size, func(chunk []*item) error {
		err := b.chunk(ctx, chunk)
		mu.Lock()
		defer mu.Unlock()
		settled = append(settled, chunk...)
		if err == nil && b.Now().Sub(flushed) > flushEvery {
			err = b.save(ctx, settled, false)
			settled, flushed = nil, b.Now()
		}
		return err
	})
	luck := b.Rand()
	for _, i := range ready {
		if i.state() == Sending { // the delivery has stopped: it was not sent
			b.giveBack(i, luck)
		}
	}
	return err
}

// giveBack undoes the intent for a row that was certainly not sent.
func (b *batch) giveBack(i *item, luck float64) {
	i.row.Attempts--
	i.later(Planned, i.row.Code, i.row.Reason, b.Now().Add(b.backoff(1, luck)))
}

// chunk sends some rows with one Deliver, and settles them.
func (b *batch) chunk(ctx context.Context, items []*item) error {
	s := b.session(ctx, items)
	s.hold = func() error { return b.hold(ctx) }
	if b.delivery.IsBulk {
		s.save = func(state string) error {
			err := b.Ledger.NoteBatch(context.WithoutCancel(ctx), b.claim, state)
			if err == nil {
				b.claim.Note = state
			}
			return err
		}
	}
	outcomes, err := b.to.Deliver(s, Batch{
		ID: b.id(), Delivery: b.delivery.ID, At: b.delivery.StartedAt, Rows: rowsOf(items), Bulk: b.delivery.IsBulk, State: b.claim.Note,
	})
	if err == nil && len(outcomes) != len(items) {
		err = leadlake.Errorf(leadlake.Internal, "deliver to %s: %d outcomes for %d rows", b.spec.Name, len(outcomes), len(items))
		outcomes = nil
	}
	code := leadlake.ErrorCode(err)
	refused := code == leadlake.Invalid && !slices.ContainsFunc(s.touched, func(n int) bool { return n > 0 })
	settled := slices.ContainsFunc(outcomes, func(o Outcome) bool { return o.State != "" })
	if refused && !settled && len(items) > 1 && ctx.Err() == nil { // one of them is to blame, which the others shall not feel
		half := len(items) / 2
		if err := b.chunk(ctx, items[:half]); err != nil {
			return err
		}
		return b.chunk(ctx, items[half:])
	}
	b.note(err)
	luck := b.Rand() // one for all: rows that failed together are tried again together
	b.mu.Lock()
	defer b.mu.Unlock()
	for n, i := range items {
		var out Outcome
		if n < len(outcomes) {
			out = outcomes[n]
		}
		switch {
		case out.State != "":
			b.settle(i, out, luck)
		case s.touched[n] > 0:
			b.settle(i, Outcome{State: InDoubt, Code: "no_answer", Reason: message(err, "the destination did not say what became of it")}, luck)
		case refused:
			b.settle(i, Outcome{State: Rejected, Code: "refused", Reason: message(err, ""), Fix: "mend the lead or the mapping, then replay the row"}, luck)
		case err != nil:
			i.row.Code, i.row.Reason = string(code), message(err, "")
			b.giveBack(i, luck)
		default:
			b.settle(i, Outcome{State: Retry, Code: "no_outcome", Reason: "the destination did not say what became of it"}, luck)
		}
	}
	return b.fatal(ctx, err)
}

func message(err error, otherwise string) string {
	if err == nil {
		return otherwise
	}
	return err.Error()
}

// settle writes an outcome into its row. Luck, in [0, 1), is what a wait is
// drawn by.
func (b *batch) settle(i *item, out Outcome, luck float64) {
	now := b.Now()
	if out.ID != "" {
		i.row.RemoteID = out.ID
	}
	switch out.State {
	case Accepted:
		if out.Op == Create || out.Op == Update {
			i.row.Op = string(out.Op)
		}
		i.close(Accepted, "", "", "", now)
	case Retry:
		if i.row.Attempts >= b.spec.MaxAttempts {
			i.close(Dead, or(out.Code, "gave_up"), or(out.Reason, "it had no effect in so many attempts"), or(out.Fix, "look at the reason, then replay the row"), now)
			return
		}
		wait := out.Wait
		if wait == 0 || wait != atOnce && len(b.spec.Ladder) > 0 { // a ladder is the least
			wait = max(wait, b.backoff(i.row.Attempts, luck))
		}
		i.later(Planned, out.Code, out.Reason, now.Add(wait))
	case InDoubt:
		wait := out.Wait
		if b.spec.ProbeRows == 0 { // nothing to find out: the next attempt is due as after a failure
			wait = b.backoff(i.row.Attempts, luck)
		}
		i.later(InDoubt, or(out.Code, "no_answer"), out.Reason, now.Add(wait))
	case Rejected, Skipped:
		i.close(out.State, or(out.Code, "rejected"), out.Reason, out.Fix, now)
	default:
		i.close(Rejected, "unknown_outcome", fmt.Sprintf("the destination reported the state %q", out.State), "report this as a fault of leadlake", now)
	}
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
