package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
)

// planChunk is how many leads are compared with the ledger at once.
const planChunk = 1000

// planner compares leads with what a destination holds. It gives an item for
// each that differs, and for each that cannot be delivered.
type planner struct {
	*Engine
	order     Order
	schema    Schema
	fresh     bool // the destination has just said the schema
	checker   *checker
	emit      func(*item) error
	seen      map[string]bool // keys
	waits     map[string]bool // keys that an earlier delivery has yet to send
	given     int64
	unchanged int64
}

// schema asks the destination for its fields and holds the mapping to them.
func (e *Engine) schema(ctx context.Context, o Order) (Schema, error) {
	s, err := o.To.Describe(e.newSession(ctx, o.To, e.gate))
	if err != nil {
		return s, fmt.Errorf("describe %s: %w", o.Destination, err)
	}
	return s, problemsError(o.Mapping.Fits(s))
}

func (e *Engine) newPlanner(ctx context.Context, o Order, schema Schema, fresh bool, emit func(*item) error) (*planner, error) {
	keys, err := e.Ledger.OpenKeys(ctx, o.Destination)
	if err != nil {
		return nil, err
	}
	p := &planner{Engine: e, order: o, schema: schema, fresh: fresh, checker: o.Mapping.checker(schema), seen: map[string]bool{}, waits: map[string]bool{}}
	p.emit = func(i *item) error {
		if err := p.refresh(ctx); err != nil {
			return err
		}
		return emit(i)
	}
	for _, key := range keys {
		p.waits[key] = true
	}
	return p, nil
}

// errSchemaChanged says that leads were compared by fields that a destination
// no longer has as they were. Nothing was emitted.
var errSchemaChanged = leadlake.Errorf(leadlake.Conflict, "the destination's fields have changed since the last delivery: it is planned anew")

// refresh asks the destination for its fields, once there is something for it:
// where all is as it was, no call is made at all.
func (p *planner) refresh(ctx context.Context) error {
	if p.fresh {
		return nil
	}
	now, err := p.Engine.schema(ctx, p.order)
	if err != nil {
		return err
	}
	if !p.order.Mapping.sameFields(now, p.schema) {
		return errSchemaChanged
	}
	p.fresh = true
	return nil
}

// withSchema calls do with what the last delivery by the same mapping knew of
// the destination's fields, and again where that turns out to be old.
func (e *Engine) withSchema(ctx context.Context, o Order, do func(s Schema, fresh bool) error) error {
	schema, known, err := e.remembered(ctx, o)
	if err != nil {
		return err
	}
	if known {
		if err = do(schema, false); !errors.Is(err, errSchemaChanged) {
			return err
		}
	}
	if schema, err = e.schema(ctx, o); err != nil {
		return err
	}
	return do(schema, true)
}

// recentDeliveries is how many of the last deliveries are looked at for a
// schema: some of them may not have come to their end.
const recentDeliveries = 10

func (e *Engine) remembered(ctx context.Context, o Order) (Schema, bool, error) {
	recent, err := e.Ledger.Deliveries(ctx, o.Destination, recentDeliveries)
	if err != nil {
		return Schema{}, false, err
	}
	want := o.Mapping.json()
	for _, d := range recent {
		if d.State != store.DeliveryDone || d.Error != "" || d.Undoes != "" {
			continue
		}
		var as planned
		if json.Unmarshal([]byte(d.Mapping), &as) != nil || as.Schema == nil {
			return Schema{}, false, nil //nolint:nilerr // it is of an older leadlake: the destination is asked
		}
		return *as.Schema, as.Mapping.json() == want, nil
	}
	return Schema{}, false, nil
}

// lead is one that has been checked and not yet compared.
type lead struct {
	json []byte
	hash string // of the payload
	Checked
}

// walk goes through all leads, and then through what is to be removed. Between
// chunks it calls alive.
func (p *planner) walk(ctx context.Context, alive func() error) error {
	var chunk []lead
	flush := func() error {
		p.check(chunk)
		err := p.compare(ctx, chunk)
		chunk = chunk[:0]
		return errors.Join(err, alive())
	}
	for json, err := range p.order.Leads {
		if err != nil {
			return fmt.Errorf("read leads for %s: %w", p.order.Destination, err)
		}
		p.given++
		chunk = append(chunk, lead{json: json})
		if len(chunk) == planChunk {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if p.order.Mode != Sync || p.order.Partial || !p.order.To.Spec().Removes {
		return nil
	}
	return p.removals(ctx, alive)
}

// check makes the payloads, on all cores: of leads that have not changed it is
// most of the work.
func (p *planner) check(leads []lead) {
	var wg sync.WaitGroup
	for part := range slices.Chunk(leads, max(1, planChunk/runtime.GOMAXPROCS(0)+1)) {
		wg.Go(func() {
			for i := range part {
				part[i].Checked = p.checker.check(part[i].json)
				part[i].hash = part[i].Payload.hash()
			}
		})
	}
	wg.Wait()
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
		if prior != nil && prior.PayloadHash == l.hash && len(l.Problems) == 0 && !twice ||
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
	ttl := 2 * e.Lease
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
	err = fill(&d, func(i *item) error { return w.add(ctx, i) }, alive)
	if err == nil {
		err = w.flush(ctx)
	}
	if err != nil {
		return d, errors.Join(err, e.forget(context.WithoutCancel(ctx), d, leadlake.ErrorMessage(err)))
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
		if err := e.forget(ctx, d, "its plan was not finished"); err != nil {
			return err
		}
	}
	return nil
}

// forget ends a delivery of which nothing was sent.
func (e *Engine) forget(ctx context.Context, d store.Delivery, why string) error {
	if err := e.Ledger.ForgetPlan(ctx, d.ID); err != nil {
		return err
	}
	d.State, d.EndedAt, d.Error = store.DeliveryDone, e.Now(), why
	return e.Ledger.UpdateDelivery(ctx, d)
}

// plan compares the leads of an order and writes what is to be sent.
func (e *Engine) plan(ctx context.Context, o Order) (d store.Delivery, err error) {
	err = e.withSchema(ctx, o, func(schema Schema, fresh bool) error {
		d = store.Delivery{Destination: o.Destination, Scope: o.Scope, RunID: o.RunID, Mode: string(o.Mode), Mapping: o.Mapping.planned(schema)}
		d, err = e.planning(ctx, d, o.To, func(d *store.Delivery, add func(*item) error, alive func() error) error {
			p, err := e.newPlanner(ctx, o, schema, fresh, add)
			if err != nil {
				return err
			}
			if err := p.walk(ctx, alive); err != nil {
				return err
			}
			d.Given, d.Unchanged = p.given, p.unchanged
			return nil
		})
		return err
	})
	return d, err
}
