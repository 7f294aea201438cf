package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/leadlake/leadlake"
)

// The states of a Delivery.
const (
	DeliveryPlanning = "planning"
	DeliverySending  = "sending"
	DeliveryDone     = "done"
)

// Delivery is one delivery of leads to a destination.
type Delivery struct {
	ID          string
	Destination string // the name that the workspace gave it
	Kind        string // salesforce
	Scope       string // what it is a delivery of; what is removed stays within it
	RunID       string
	Mode        string
	Undoes      string // the delivery that this one undoes
	Mapping     string // JSON
	State       string
	IsBulk      bool
	Given       int64 // leads that came in
	Unchanged   int64 // those of which the destination has all; they have no row
	Error       string
	StartedAt   time.Time
	UpdatedAt   time.Time
	EndedAt     time.Time
}

// CreateDelivery records a delivery. A taken id is a Conflict. StartedAt is set
// where it is zero.
func (s *Store) CreateDelivery(ctx context.Context, d Delivery) error {
	now := s.now()
	if d.StartedAt.IsZero() {
		d.StartedAt = now
	}
	n, err := s.exec(ctx, "create_delivery", d.ID, d.Destination, d.Kind, d.Scope, d.RunID, d.Mode, d.Undoes, d.Mapping, d.State,
		d.IsBulk, d.Given, d.Unchanged, d.Error, toMicros(d.StartedAt), toMicros(now), toMicros(d.EndedAt))
	if err != nil {
		return fmt.Errorf("create delivery %s: %w", d.ID, err)
	}
	if n == 0 {
		return leadlake.Errorf(leadlake.Conflict, "create delivery %s: the id is taken", d.ID)
	}
	return nil
}

// UpdateDelivery writes what may change: state, counts, error, end.
func (s *Store) UpdateDelivery(ctx context.Context, d Delivery) error {
	_, err := s.exec(ctx, "update_delivery", d.ID, d.State, d.IsBulk, d.Given, d.Unchanged, d.Error, toMicros(s.now()), toMicros(d.EndedAt))
	if err != nil {
		return fmt.Errorf("update delivery %s: %w", d.ID, err)
	}
	return nil
}

// Delivery returns one delivery, or NotFound.
func (s *Store) Delivery(ctx context.Context, id string) (Delivery, error) {
	d, err := scanDelivery(s.queryRow(ctx, "delivery", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return d, leadlake.Errorf(leadlake.NotFound, "delivery %s does not exist", id).WithFix("list them: leadlake deliver list")
	}
	if err != nil {
		return d, fmt.Errorf("read delivery %s: %w", id, err)
	}
	return d, nil
}

// Deliveries lists deliveries to a destination, or to all where it is "", the
// newest first.
func (s *Store) Deliveries(ctx context.Context, destination string, limit int) ([]Delivery, error) {
	return s.deliveries(ctx, "deliveries", destination, limit)
}

// OpenDeliveries lists the unfinished deliveries to a destination, the oldest
// first.
func (s *Store) OpenDeliveries(ctx context.Context, destination string) ([]Delivery, error) {
	return s.deliveries(ctx, "open_deliveries", destination)
}

func (s *Store) deliveries(ctx context.Context, query string, args ...any) ([]Delivery, error) {
	var all []Delivery
	err := s.each(ctx, query, func(rows *sql.Rows) error {
		d, err := scanDelivery(rows.Scan)
		all = append(all, d)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return all, nil
}

func scanDelivery(scan func(...any) error) (Delivery, error) {
	var d Delivery
	var started, updated, ended int64
	err := scan(&d.ID, &d.Destination, &d.Kind, &d.Scope, &d.RunID, &d.Mode, &d.Undoes, &d.Mapping, &d.State,
		&d.IsBulk, &d.Given, &d.Unchanged, &d.Error, &started, &updated, &ended)
	d.StartedAt, d.UpdatedAt, d.EndedAt = fromMicros(started), fromMicros(updated), fromMicros(ended)
	return d, err
}

// DeliveryCount is how many rows of a delivery are in one state.
type DeliveryCount struct {
	State, Op string
	Rows      int64
}

// CountDelivery counts the rows of a delivery by state and operation.
func (s *Store) CountDelivery(ctx context.Context, id string) ([]DeliveryCount, error) {
	var all []DeliveryCount
	err := s.each(ctx, "count_delivery", func(rows *sql.Rows) error {
		var c DeliveryCount
		err := rows.Scan(&c.State, &c.Op, &c.Rows)
		all = append(all, c)
		return err
	}, id)
	if err != nil {
		return nil, fmt.Errorf("count delivery %s: %w", id, err)
	}
	return all, nil
}

// BatchesOfDelivery lists the batches of a delivery, in the order of their
// rows.
func (s *Store) BatchesOfDelivery(ctx context.Context, id string) ([]BatchPlan, error) {
	var all []BatchPlan
	err := s.each(ctx, "batches_of_delivery", func(rows *sql.Rows) error {
		var b BatchPlan
		err := rows.Scan(&b.Batch, &b.First, &b.Last, &b.Open)
		all = append(all, b)
		return err
	}, id)
	if err != nil {
		return nil, fmt.Errorf("list batches of delivery %s: %w", id, err)
	}
	return all, nil
}

// BatchHolders lists who holds batches of a delivery.
func (s *Store) BatchHolders(ctx context.Context, id string) ([]string, error) {
	var all []string
	err := s.each(ctx, "batch_holders", func(rows *sql.Rows) error {
		var holder string
		err := rows.Scan(&holder)
		all = append(all, holder)
		return err
	}, id, toMicros(s.now()))
	if err != nil {
		return nil, fmt.Errorf("list who works on delivery %s: %w", id, err)
	}
	return all, nil
}

// FreeBatches gives back the claims of a holder that is known to be gone, so
// that nobody has to wait for them to run out.
func (s *Store) FreeBatches(ctx context.Context, id, holder string) error {
	if _, err := s.exec(ctx, "free_batches", id, holder); err != nil {
		return fmt.Errorf("free batches of delivery %s: %w", id, err)
	}
	return nil
}

// DeliveryEdit is what a person did to a dead letter.
type DeliveryEdit struct {
	At            time.Time
	Actor         string
	Action        string // edit, replay, drop
	Before, After string // the payload
}

// DeadLetters lists the rows that failed and that no later delivery made good,
// by cause. "" stands for all destinations and deliveries.
func (s *Store) DeadLetters(ctx context.Context, destination, deliveryID string, limit int) ([]DeliveryRow, error) {
	var all []DeliveryRow
	err := s.each(ctx, "dead_letters", func(rows *sql.Rows) error {
		r, err := scanDeliveryRow(rows)
		all = append(all, r)
		return err
	}, destination, deliveryID, limit)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	return all, nil
}

// EditRow changes a row that failed: its payload, previous values and meta, and
// its state to planned, so that it is sent again, or to dropped. It is a Conflict where the row is in no
// state for that any more.
func (s *Store) EditRow(ctx context.Context, r DeliveryRow, e DeliveryEdit) error {
	now := s.now()
	ended := now
	if r.State == "planned" {
		ended = time.Time{}
	}
	gone := leadlake.Errorf(leadlake.Conflict, "%s row %d of delivery %s: it has not failed", e.Action, r.Position, r.DeliveryID).
		WithFix("look at it: leadlake dlq show %s %d", r.DeliveryID, r.Position)
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, s.queries["edit_row"], r.DeliveryID, r.Position, r.Payload, r.State, r.IdempotencyKey,
			toMicros(ended), r.Previous, r.Meta)
		if err != nil {
			return fmt.Errorf("%s row %d of delivery %s: %w", e.Action, r.Position, r.DeliveryID, err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(gone, err)
		}
		if r.State == "planned" {
			_, err := tx.ExecContext(ctx, s.queries["reopen_batch"], r.DeliveryID, r.Position)
			if err == nil {
				_, err = tx.ExecContext(ctx, s.queries["reopen_delivery"], r.DeliveryID)
			}
			if err != nil {
				return fmt.Errorf("reopen batch of row %d of delivery %s: %w", r.Position, r.DeliveryID, err)
			}
		}
		_, err = tx.ExecContext(ctx, s.queries["save_edit"], r.DeliveryID, r.Position, toMicros(now), e.Actor, e.Action, e.Before, e.After)
		if err != nil {
			return fmt.Errorf("audit row %d of delivery %s: %w", r.Position, r.DeliveryID, err)
		}
		return nil
	})
}

// EditsOfRow lists what people did to a row, the oldest first.
func (s *Store) EditsOfRow(ctx context.Context, deliveryID string, position int64) ([]DeliveryEdit, error) {
	var all []DeliveryEdit
	err := s.each(ctx, "edits_of_row", func(rows *sql.Rows) error {
		var e DeliveryEdit
		var at int64
		err := rows.Scan(&at, &e.Actor, &e.Action, &e.Before, &e.After)
		e.At = fromMicros(at)
		all = append(all, e)
		return err
	}, deliveryID, position)
	if err != nil {
		return nil, fmt.Errorf("list edits of row %d of delivery %s: %w", position, deliveryID, err)
	}
	return all, nil
}

// ReplaySince has all rows that a destination has accepted since a time sent
// again, and says how many there are.
func (s *Store) ReplaySince(ctx context.Context, destination string, since time.Time) (rows int64, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, query := range []string{"reopen_batches_since", "reopen_deliveries_since", "replan_rows_since"} {
			result, err := tx.ExecContext(ctx, s.queries[query], destination, toMicros(since))
			if err != nil {
				return err
			}
			if rows, err = result.RowsAffected(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("replay what %s accepted since %s: %w", destination, since.Format(time.RFC3339), err)
	}
	return rows, nil
}
