package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leadlake/leadlake/lake/store"
)

// planChunk is how many leads are compared with the ledger at once.
const planChunk = 1000

// planner compares leads with what a destination holds. It gives an item for
// each that differs, and for each that cannot be delivered.
type planner struct {
	*Engine
	order     Order
	checker   *checker
	emit      func(*item) error
	seen      map[string]bool // keys
	waits     map[string]bool // keys that an earlier delivery has yet to send
	given     int64
	unchanged int64
}

// schema asks the destination for its fields and holds the mapping to them.
func (e *Engine) schema(ctx context.Context, o Order) (Schema, error) {
	s, err := o.To.Describe(e.newSession(ctx, o.To, e.newGate()))
	if err != nil {
		return s, fmt.Errorf("describe %s: %w", o.Destination, err)
	}
	return s, problemsError(o.Mapping.Fits(s))
}

func (e *Engine) newPlanner(ctx context.Context, o Order, emit func(*item) error) (*planner, error) {
	schema, err := e.schema(ctx, o)
	if err != nil {
		return nil, err
	}
	keys, err := e.Ledger.OpenKeys(ctx, o.Destination)
	if err != nil {
		return nil, err
	}
	p := &planner{Engine: e, order: o, checker: o.Mapping.checker(schema), emit: emit, seen: map[string]bool{}, waits: map[string]bool{}}
	for _, key := range keys {
		p.waits[key] = true
	}
	return p, nil
}

// lead is one that has been checked and not yet compared.
type lead struct {
	json []byte
	Checked
}

// walk goes through all leads, and then through what is to be removed. Between
// chunks it calls alive.
func (p *planner) walk(ctx context.Context, alive func() error) error {
	var chunk []lead
	flush := func() error {
		err := p.compare(ctx, chunk)
		chunk = chunk[:0]
		return errors.Join(err, alive())
	}
	for json, err := range p.order.Leads {
		if err != nil {
			return fmt.Errorf("read leads for %s: %w", p.order.Destination, err)
		}
		p.given++
		chunk = append(chunk, lead{json, p.checker.check(json)})
		if len(chunk) == planChunk {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if p.order.Mode != Sync || !p.order.To.Spec().Removes {
		return nil
	}
	return p.removals(ctx, alive)
}

// compare emits what of some leads the destination does not have.
func (p *planner) compare(ctx context.Context, leads []lead) error {
	if len(leads) == 0 {
		return nil
	}
	keys := make([]string, len(leads))
	for i, l := range leads {
		keys[i] = l.Key
	}
	held, err := p.Ledger.DeliveredOf(ctx, p.order.Destination, keys)
	if err != nil {
		return err
	}
	for _, l := range leads {
		var prior *store.Delivered
		if d, ok := held[l.Key]; ok {
			prior = &d
		}
		twice := p.seen[l.Key] && l.Key != ""
		p.seen[l.Key] = true
		if prior != nil && prior.PayloadHash == l.Payload.hash() && len(l.Problems) == 0 && !twice ||
			prior != nil && p.order.Mode == Add && !twice {
			p.unchanged++
			continue
		}
		i := newItem(l.json, l.Checked, p.order.Mapping, prior)
		switch {
		case len(l.Problems) > 0:
			first := l.Problems[0]
			i.close(Rejected, first.Code, "field "+first.Field+": "+first.Reason, first.Fix, p.Now())
		case twice:
			i.close(Rejected, "duplicate_key", "an earlier lead of this delivery has the same key", "merge the leads, or choose another key", p.Now())
		case p.waits[l.Key]:
			i.close(Skipped, "waits", "an earlier delivery has yet to send this record", "deliver again once that is done", p.Now())
		}
		if err := p.emit(i); err != nil {
			return err
		}
	}
	return nil
}

// removals emits what the destination holds of the scope and that is not among
// the leads any more.
func (p *planner) removals(ctx context.Context, alive func() error) error {
	after := ""
	for {
		page, err := p.Ledger.DeliveredOfScope(ctx, p.order.Destination, p.order.Scope, after, planChunk)
		if err != nil {
			return err
		}
		for _, d := range page {
			after = d.Key
			if p.seen[d.Key] || p.waits[d.Key] {
				continue
			}
			fields, err := parsePayload(d.Payload)
			if err != nil {
				return fmt.Errorf("read what %s holds under %s: %w", d.Destination, d.Key, err)
			}
			i := &item{
				row:    store.DeliveryRow{Key: d.Key, LeadID: d.LeadID, Op: string(Remove), RemoteID: d.RemoteID, State: string(Planned)},
				fields: fields, meta: meta{Prior: &d, Wrote: fields, Subject: Subject{LeadID: d.LeadID}},
			}
			if err := p.emit(i); err != nil {
				return err
			}
		}
		if len(page) < planChunk {
			return nil
		}
		if err := alive(); err != nil {
			return err
		}
	}
}

// writer puts items into the outbox.
type writer struct {
	ledger   Ledger
	delivery *store.Delivery
	rows     []store.DeliveryRow
	open     []bool // by position: the row is to be sent
}

func (w *writer) add(ctx context.Context, i *item) error {
	w.open = append(w.open, !i.state().final())
	i.row.DeliveryID, i.row.Destination, i.row.Position = w.delivery.ID, w.delivery.Destination, int64(len(w.open))
	i.pack()
	if w.rows = append(w.rows, i.row); len(w.rows) < planChunk {
		return nil
	}
	return w.flush(ctx)
}

func (w *writer) flush(ctx context.Context) error {
	err := w.ledger.PlanRows(ctx, w.delivery.ID, w.rows, nil)
	w.rows = w.rows[:0]
	return err
}

// cut makes batches of all rows.
func (w *writer) cut(ctx context.Context, size int) error {
	var batches []store.BatchPlan
	for first := 0; first < len(w.open); first += size {
		last := min(first+size, len(w.open))
		b := store.BatchPlan{Batch: int64(len(batches) + 1), First: int64(first + 1), Last: int64(last)}
		for _, open := range w.open[first:last] {
			if open {
				b.Open++
			}
		}
		batches = append(batches, b)
	}
	return w.ledger.PlanRows(ctx, w.delivery.ID, nil, batches)
}

// leaseName is that of the right to plan for a destination.
func leaseName(destination string) string { return "deliver/" + destination }

// planning runs fill as the only planner for a destination, with a new
// delivery to add items to.
func (e *Engine) planning(ctx context.Context, d store.Delivery, to Destination, fill func(d *store.Delivery, add func(*item) error, alive func() error) error) (store.Delivery, error) {
	const ttl = 2 * time.Minute
	lease, err := e.Ledger.Acquire(ctx, leaseName(d.Destination), e.Holder, ttl)
	if err != nil {
		return d, err
	}
	defer func() { _ = e.Ledger.Release(context.WithoutCancel(ctx), lease) }() // else it runs out
	if err := e.forgetHalfPlanned(ctx, d.Destination); err != nil {
		return d, err
	}
	d.ID, d.Kind, d.State = e.NewID(), to.Spec().Name, store.DeliveryPlanning
	d.StartedAt = e.Now().UTC().Truncate(time.Microsecond)
	if err := e.Ledger.CreateDelivery(ctx, d); err != nil {
		return d, err
	}
	w := &writer{ledger: e.Ledger, delivery: &d}
	renewed := e.Now()
	alive := func() error {
		if e.Now().Sub(renewed) < ttl/4 {
			return nil
		}
		renewed = e.Now()
		var err error
		lease, err = e.Ledger.Renew(ctx, lease, ttl)
		return err
	}
	if err := fill(&d, func(i *item) error { return w.add(ctx, i) }, alive); err != nil {
		return d, err
	}
	if err := w.flush(ctx); err != nil {
		return d, err
	}
	spec := to.Spec()
	each := max(1, spec.BatchRows)
	size := max(1, e.BatchRows/each) * each
	if d.IsBulk = spec.BulkAbove > 0 && len(w.open) > spec.BulkAbove; d.IsBulk {
		size = spec.BulkRows
	}
	if err := w.cut(ctx, size); err != nil {
		return d, err
	}
	if _, err := e.Ledger.Renew(ctx, lease, ttl); err != nil { // nobody else may have forgotten the plan meanwhile
		return d, err
	}
	d.State = store.DeliverySending
	return d, e.Ledger.UpdateDelivery(ctx, d)
}

// forgetHalfPlanned removes the plans that a process did not live to end. Of
// their rows nothing was sent.
func (e *Engine) forgetHalfPlanned(ctx context.Context, destination string) error {
	open, err := e.Ledger.OpenDeliveries(ctx, destination)
	if err != nil {
		return err
	}
	for _, d := range open {
		if d.State != store.DeliveryPlanning {
			continue
		}
		if err := e.Ledger.ForgetPlan(ctx, d.ID); err != nil {
			return err
		}
		d.State, d.EndedAt, d.Error = store.DeliveryDone, e.Now(), "its plan was not finished"
		if err := e.Ledger.UpdateDelivery(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// plan compares the leads of an order and writes what is to be sent.
func (e *Engine) plan(ctx context.Context, o Order) (store.Delivery, error) {
	d := store.Delivery{Destination: o.Destination, Scope: o.Scope, RunID: o.RunID, Mode: string(o.Mode), Mapping: o.Mapping.json()}
	return e.planning(ctx, d, o.To, func(d *store.Delivery, add func(*item) error, alive func() error) error {
		p, err := e.newPlanner(ctx, o, add)
		if err != nil {
			return err
		}
		if err := p.walk(ctx, alive); err != nil {
			return err
		}
		d.Given, d.Unchanged = p.given, p.unchanged
		return nil
	})
}
