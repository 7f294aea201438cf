package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/leadlake/leadlake"
)

// DeliveryRow is one record of a delivery, in the outbox.
type DeliveryRow struct {
	DeliveryID     string
	Destination    string
	Position       int64 // from 1
	Key            string
	LeadID         string
	Op             string
	Payload        string // JSON
	Previous       string // JSON: what the record held before; "" where nobody has looked
	RemoteID       string
	Meta           string // JSON: what the engine has to know beside the payload
	State          string
	Attempts       int
	NotBefore      time.Time
	Code           string
	Reason         string
	Fix            string
	IdempotencyKey string
	SentAt         time.Time
	EndedAt        time.Time
}

// BatchClaim is the right to send one batch until a time.
type BatchClaim struct {
	DeliveryID  string
	Batch       int64
	Token       int64 // grows with every holder
	First, Last int64 // positions of its rows
	Note        string
	ExpiresAt   time.Time
}

// BatchPlan says which rows are a batch, and how many of them are to be sent.
type BatchPlan struct {
	Batch, First, Last, Open int64
}

// PlanRows adds rows to a delivery, and batches of them.
func (s *Store) PlanRows(ctx context.Context, deliveryID string, rows []DeliveryRow, batches []BatchPlan) error {
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		err := s.multi(ctx, tx, "plan_rows", planTypes, nil, len(rows), func(i int) []any {
			r := rows[i]
			return []any{
				deliveryID, r.Destination, r.Position, r.Key, r.LeadID, r.Op, r.Payload, r.Previous, r.RemoteID, r.Meta, r.State, r.Attempts,
				toMicros(r.NotBefore), r.Code, r.Reason, r.Fix, r.IdempotencyKey, toMicros(r.SentAt), toMicros(r.EndedAt),
			}
		})
		if err != nil {
			return err
		}
		return s.multi(ctx, tx, "plan_batches", "tiiiiitiit", nil, len(batches), func(i int) []any {
			b := batches[i]
			return []any{deliveryID, b.Batch, b.First, b.Last, b.Open, 0, "", 0, 0, ""}
		})
	})
	if err != nil {
		return fmt.Errorf("plan delivery %s: %w", deliveryID, err)
	}
	return nil
}

// ForgetPlan removes the rows and batches of a delivery that was not planned to
// its end.
func (s *Store) ForgetPlan(ctx context.Context, deliveryID string) error {
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, s.queries["forget_rows"], deliveryID)
		if err == nil {
			_, err = tx.ExecContext(ctx, s.queries["forget_batches"], deliveryID)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("forget plan of delivery %s: %w", deliveryID, err)
	}
	return nil
}

// ClaimBatch takes a batch that is due and that nobody holds; false where there
// is none.
func (s *Store) ClaimBatch(ctx context.Context, deliveryID, holder string, ttl time.Duration) (BatchClaim, bool, error) {
	fail := func(err error) (BatchClaim, bool, error) {
		return BatchClaim{}, false, fmt.Errorf("claim batch of delivery %s: %w", deliveryID, err)
	}
	for {
		now := s.now()
		var ready []int64
		err := s.each(ctx, "ready_batches", func(rows *sql.Rows) error {
			var b int64
			err := rows.Scan(&b)
			ready = append(ready, b)
			return err
		}, deliveryID, toMicros(now))
		if err != nil {
			return fail(err)
		}
		if len(ready) == 0 {
			return BatchClaim{}, false, nil
		}
		for _, batch := range ready {
			c := BatchClaim{DeliveryID: deliveryID, Batch: batch, ExpiresAt: fromMicros(toMicros(now.Add(ttl)))}
			err := s.queryRow(ctx, "claim_batch", deliveryID, batch, holder, toMicros(c.ExpiresAt), toMicros(now)).Scan(&c.Token, &c.First, &c.Last, &c.Note)
			if err == nil {
				return c, true, nil
			}
			if !errors.Is(err, sql.ErrNoRows) { // another was faster
				return fail(err)
			}
		}
	}
}

// fenced is the error of a worker whose batch has another holder.
func (c BatchClaim) fenced() error {
	return leadlake.Errorf(leadlake.Conflict, "batch %d of delivery %s: another worker has taken it", c.Batch, c.DeliveryID)
}

// RenewBatch extends a claim by ttl from now. It is a Conflict once another
// worker has the batch: its former holder must send nothing more.
func (s *Store) RenewBatch(ctx context.Context, c BatchClaim, ttl time.Duration) (BatchClaim, error) {
	c.ExpiresAt = fromMicros(toMicros(s.now().Add(ttl)))
	n, err := s.exec(ctx, "renew_batch", c.DeliveryID, c.Batch, c.Token, toMicros(c.ExpiresAt))
	if err != nil {
		return c, fmt.Errorf("renew batch %d of delivery %s: %w", c.Batch, c.DeliveryID, err)
	}
	if n == 0 {
		return c, c.fenced()
	}
	return c, nil
}

// NoteBatch keeps a note with a batch, under the same condition as SaveRows.
func (s *Store) NoteBatch(ctx context.Context, c BatchClaim, note string) error {
	n, err := s.exec(ctx, "note_batch", c.DeliveryID, c.Batch, c.Token, note)
	if err != nil {
		return fmt.Errorf("note batch %d of delivery %s: %w", c.Batch, c.DeliveryID, err)
	}
	if n == 0 {
		return c.fenced()
	}
	return nil
}

// ReleaseBatch gives a claim back. One that is lost already is no error.
func (s *Store) ReleaseBatch(ctx context.Context, c BatchClaim) error {
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, s.queries["release_batch"], c.DeliveryID, c.Batch, c.Token)
		return err
	})
	if err != nil {
		return fmt.Errorf("release batch %d of delivery %s: %w", c.Batch, c.DeliveryID, err)
	}
	return nil
}

// NextBatch says how many batches of a delivery are unfinished, and when the
// first of them is due or runs out of its holder's hands.
func (s *Store) NextBatch(ctx context.Context, deliveryID string) (open int64, due time.Time, err error) {
	var micros int64
	if err := s.queryRow(ctx, "next_batch", deliveryID).Scan(&open, &micros); err != nil {
		return 0, due, fmt.Errorf("look for batches of delivery %s: %w", deliveryID, err)
	}
	return open, fromMicros(micros), nil
}

// BatchChange is what one holder of a batch writes at once.
type BatchChange struct {
	Rows      []DeliveryRow
	Closed    int64 // how many of Rows have come to an end that had not
	NotBefore time.Time
	Delivered []Delivered // records that the destination now has
	Forgotten []string    // keys of records that it has no more
	Release   bool        // the claim is given back, too
}

// SaveRows writes what became of rows of a batch, all or nothing. It is a
// Conflict, with nothing written, once another worker has the batch.
func (s *Store) SaveRows(ctx context.Context, c BatchClaim, change BatchChange) error {
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		// The batch comes first: its row is locked until the commit, so that
		// nobody can take it in between.
		result, err := tx.ExecContext(ctx, s.queries["save_batch"], c.DeliveryID, c.Batch, c.Token, change.Closed, toMicros(change.NotBefore))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(c.fenced(), err)
		}
		if err := s.saveRows(ctx, tx, c, change.Rows); err != nil {
			return err
		}
		if err := s.saveDelivered(ctx, tx, change.Delivered); err != nil {
			return err
		}
		for _, key := range change.Forgotten {
			if _, err := tx.ExecContext(ctx, s.queries["forget_delivered"], change.Rows[0].Destination, key); err != nil {
				return err
			}
		}
		if change.Release {
			_, err = tx.ExecContext(ctx, s.queries["release_batch"], c.DeliveryID, c.Batch, c.Token)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("save rows of delivery %s: %w", c.DeliveryID, err)
	}
	return nil
}

func (s *Store) saveRows(ctx context.Context, tx *sql.Tx, c BatchClaim, rows []DeliveryRow) error {
	return s.multi(ctx, tx, "save_rows", "ittttt"+"iitttt"+"iit", []any{c.DeliveryID}, len(rows), func(i int) []any {
		r := rows[i]
		return []any{
			r.Position, r.Op, r.Payload, r.Previous, r.RemoteID, r.State,
			r.Attempts, toMicros(r.NotBefore), r.Code, r.Reason, r.Fix, r.IdempotencyKey, toMicros(r.SentAt), toMicros(r.EndedAt), r.Meta,
		}
	})
}

// RowsOfDelivery lists the rows between two positions, both included.
func (s *Store) RowsOfDelivery(ctx context.Context, deliveryID string, first, last int64) ([]DeliveryRow, error) {
	var all []DeliveryRow
	err := s.each(ctx, "delivery_rows", func(rows *sql.Rows) error {
		r, err := scanDeliveryRow(rows)
		all = append(all, r)
		return err
	}, deliveryID, first, last)
	if err != nil {
		return nil, fmt.Errorf("list rows of delivery %s: %w", deliveryID, err)
	}
	return all, nil
}

func scanDeliveryRow(rows *sql.Rows) (DeliveryRow, error) {
	var r DeliveryRow
	var notBefore, sent, ended int64
	err := rows.Scan(&r.DeliveryID, &r.Destination, &r.Position, &r.Key, &r.LeadID, &r.Op, &r.Payload, &r.Previous, &r.RemoteID, &r.Meta,
		&r.State, &r.Attempts, &notBefore, &r.Code, &r.Reason, &r.Fix, &r.IdempotencyKey, &sent, &ended)
	r.NotBefore, r.SentAt, r.EndedAt = fromMicros(notBefore), fromMicros(sent), fromMicros(ended)
	return r, err
}
