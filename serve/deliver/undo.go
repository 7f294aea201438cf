package deliver

import (
	"context"
	"fmt"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
)

// Undo takes back what a delivery did: records that it created are removed,
// fields that it changed get their previous values, records that it removed
// come back. What somebody has changed since is left as it is. Undo is a
// delivery like any other: it may be repeated after a failure, and its rows say
// what became of each.
func (e *Engine) Undo(ctx context.Context, deliveryID string, to Destination) (Summary, error) {
	e = e.withDefaults()
	done, err := e.Ledger.Delivery(ctx, deliveryID)
	if err != nil {
		return Summary{}, err
	}
	switch {
	case done.State != store.DeliveryDone:
		return Summary{}, leadlake.Errorf(leadlake.Conflict, "undo delivery %s: it is not finished", deliveryID).WithFix("finish it first: leadlake deliver --resume")
	case Mode(done.Mode) == undo:
		return Summary{}, leadlake.Errorf(leadlake.Invalid, "undo delivery %s: it is an undo itself", deliveryID).WithFix("deliver again instead")
	}
	open, err := e.Ledger.OpenDeliveries(ctx, done.Destination)
	if err != nil {
		return Summary{}, err
	}
	for _, d := range open {
		if d.Undoes == deliveryID && d.State == store.DeliverySending { // an earlier call has begun
			return e.run(ctx, d, to)
		}
	}
	if _, err := e.resume(ctx, done.Destination, to); err != nil {
		return Summary{}, err
	}
	d := store.Delivery{Destination: done.Destination, Scope: done.Scope, RunID: done.RunID, Mode: string(undo), Undoes: done.ID, Mapping: done.Mapping}
	d, err = e.planning(ctx, d, to, func(d *store.Delivery, add func(*item) error, alive func() error) error {
		return e.eachRow(ctx, deliveryID, func(i *item) error {
			back := takeBack(i, to.Spec(), e)
			if back == nil {
				return alive()
			}
			d.Given++
			if err := add(back); err != nil {
				return err
			}
			return alive()
		})
	})
	if err != nil {
		return Summary{}, err
	}
	return e.run(ctx, d, to)
}

// eachRow goes through the rows of a delivery.
func (e *Engine) eachRow(ctx context.Context, deliveryID string, do func(*item) error) error {
	for first := int64(1); ; first += planChunk {
		rows, err := e.Ledger.RowsOfDelivery(ctx, deliveryID, first, first+planChunk-1)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		for _, row := range rows {
			i, err := unpack(row)
			if err != nil {
				return err
			}
			if err := do(i); err != nil {
				return err
			}
		}
	}
}

// takeBack is the row that undoes another; nil where there is nothing to undo.
func takeBack(i *item, spec Spec, e *Engine) *item {
	if i.state() != Accepted {
		return nil
	}
	back := &item{
		row:  store.DeliveryRow{Key: i.row.Key, LeadID: i.row.LeadID, RemoteID: i.row.RemoteID, State: string(Planned)},
		meta: meta{Subject: i.meta.Subject, Prior: i.meta.Prior, Wrote: i.fields},
	}
	previous, known := i.previous()
	refuse := func(code, reason, fix string) *item {
		back.close(Rejected, code, reason, fix, e.Now())
		return back
	}
	switch i.op() {
	case Create:
		back.row.Op, back.fields = string(Remove), i.fields
		if !spec.Removes {
			return refuse("cannot_remove", fmt.Sprintf("%s does not let us remove records", spec.Name), "remove it there")
		}
	case Update:
		back.row.Op, back.fields = string(Update), Payload{}
		if !known && i.meta.Prior != nil { // it cannot be read: what was accepted before stands in
			previous, known = priorPayload(i), true
		}
		if !known {
			return refuse("no_previous", "nobody has read what was there before", "correct it there")
		}
		for name := range i.fields {
			back.fields[name] = null
			if value, had := previous[name]; had {
				back.fields[name] = value
			}
		}
	case Remove:
		back.row.Op, back.row.RemoteID, back.fields = string(Create), "", previous
		if !known {
			back.fields = i.fields
		}
	}
	return back
}

func priorPayload(i *item) Payload {
	p, err := parsePayload(i.meta.Prior.Payload)
	if err != nil {
		return Payload{}
	}
	return p
}
