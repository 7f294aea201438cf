package deliver

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
)

// Change is what a delivery would do with one row.
type Change struct {
	Key    string        `json:"key"`
	LeadID string        `json:"lead_id"`
	Op     Op            `json:"op"`    // what would be done
	State  State         `json:"state"` // Planned, or why it would not be done
	Fields []FieldChange `json:"fields,omitempty"`
	Code   string        `json:"code,omitempty"`
	Reason string        `json:"reason,omitempty"`
	Fix    string        `json:"fix,omitempty"`
}

// FieldChange is one field before and after.
type FieldChange struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// DryRun says what Deliver would do now, row by row, and sends nothing. It only
// reads, from the ledger and from the destination. The Summary has Given,
// Unchanged and Rows.
func (e *Engine) DryRun(ctx context.Context, o Order, show func(Change) error) (Summary, error) {
	e = e.withDefaults()
	if err := e.checkOrder(o); err != nil {
		return Summary{}, err
	}
	sum := Summary{Destination: o.Destination, Mode: o.Mode, Rows: map[State]int64{}, Ops: map[Op]int64{}}
	d := store.Delivery{ID: "dry-run", Destination: o.Destination, Scope: o.Scope, Mode: string(o.Mode), Mapping: o.Mapping.json()}
	w, err := e.sender(d, o.To)
	if err != nil {
		return sum, err
	}
	b := &batch{sender: w}
	flush := func() error {
		if err := b.foresee(ctx); err != nil {
			return err
		}
		for _, i := range b.items {
			c := changeOf(i)
			sum.Rows[c.State]++
			if c.State == Planned {
				sum.Ops[c.Op]++
			}
			if c.Op == Remove {
				sum.Removals++
			}
			if err := show(c); err != nil {
				return err
			}
		}
		b.items = nil
		return nil
	}
	err = e.withSchema(ctx, o, func(schema Schema, fresh bool) error {
		p, err := e.newPlanner(ctx, o, schema, fresh, func(i *item) error {
			if b.items = append(b.items, i); len(b.items) < planChunk {
				return nil
			}
			return flush()
		})
		if err != nil {
			return err
		}
		err = p.walk(ctx, func() error { return nil })
		sum.Given, sum.Unchanged = p.given, p.unchanged
		return err
	})
	if err != nil {
		return sum, err
	}
	return sum, flush()
}

// foresee decides about items as the sender would.
func (b *batch) foresee(ctx context.Context) error {
	due := b.due(Planned)
	if err := b.suppress(ctx, due); err != nil {
		return err
	}
	due = b.due(Planned)
	if b.spec.ProbeRows == 0 {
		for _, i := range due {
			b.decideBlind(i)
		}
		return nil
	}
	failed := false
	err := b.probe(ctx, due, func(i *item, f Found) { decide(i, f, b.mapping, Mode(b.delivery.Mode), b.Now()) }, func(*item, float64) { failed = true })
	if err == nil && failed {
		err = leadlake.Errorf(leadlake.Unavailable, "read %s back: some rows could not be read", b.delivery.Destination).WithFix("try again later")
	}
	if stop := b.stopped(); stop != nil {
		err = fmt.Errorf("read %s back: %w", b.delivery.Destination, stop)
	}
	return err
}

func changeOf(i *item) Change {
	c := Change{Key: i.row.Key, LeadID: i.row.LeadID, Op: i.op(), State: i.state(), Code: i.row.Code, Reason: i.row.Reason, Fix: i.row.Fix}
	if c.State != Planned {
		return c
	}
	before, known := i.previous()
	if !known && i.meta.Prior != nil {
		before, _ = parsePayload(i.meta.Prior.Payload) // as well as we know
	}
	for _, name := range i.fields.Names() {
		f := FieldChange{Field: name, Before: before[name], After: i.fields[name]}
		if f.Before == nil {
			f.Before = null
		}
		if c.Op == Remove {
			f.After = null
		}
		if !sameValue(f.Before, f.After) {
			c.Fields = append(c.Fields, f)
		}
	}
	return c
}
