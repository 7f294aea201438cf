package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// FeedbackCursor is how far the outcomes of a destination were pulled.
type FeedbackCursor struct {
	Destination string
	Next        string    // what the destination gave for the next pull; "" for the beginning
	ObservedAt  time.Time // by the destination's clock: what had happened until then is known
	PulledAt    time.Time
}

// FeedbackEvent is an outcome that waits to be written to the lake.
type FeedbackEvent struct {
	Destination string
	ID          string // unique at the destination
	Key         string // natural key, or ...
	RemoteID    string // ... the destination's own id of the record
	Kind        string
	At          time.Time
	Detail      string
	ReceivedAt  time.Time
}

// FeedbackCursor returns how far a destination was pulled; the zero cursor
// where it never was.
func (s *Store) FeedbackCursor(ctx context.Context, destination string) (FeedbackCursor, error) {
	c := FeedbackCursor{Destination: destination}
	var observed, pulled int64
	err := s.queryRow(ctx, "feedback_cursor", destination).Scan(&c.Next, &observed, &pulled)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return c, fmt.Errorf("read feedback cursor of %s: %w", destination, err)
	}
	c.ObservedAt, c.PulledAt = fromMicros(observed), fromMicros(pulled)
	return c, nil
}

// FeedbackCursors lists the cursors of all destinations.
func (s *Store) FeedbackCursors(ctx context.Context) ([]FeedbackCursor, error) {
	var all []FeedbackCursor
	err := s.each(ctx, "feedback_cursors", func(rows *sql.Rows) error {
		var c FeedbackCursor
		var observed, pulled int64
		err := rows.Scan(&c.Destination, &c.Next, &observed, &pulled)
		c.ObservedAt, c.PulledAt = fromMicros(observed), fromMicros(pulled)
		all = append(all, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list feedback cursors: %w", err)
	}
	return all, nil
}

// FeedbackChange is what a pull writes at once.
type FeedbackChange struct {
	Cursor FeedbackCursor
	Keep   []FeedbackEvent // to try again at the next pull
	Done   []string        // ids of events that are in the lake now
}

// SaveFeedback moves a cursor on, together with the events that wait.
func (s *Store) SaveFeedback(ctx context.Context, change FeedbackChange) error {
	c := change.Cursor
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.addEvents(ctx, tx, change.Keep); err != nil {
			return err
		}
		for _, id := range change.Done {
			if _, err := tx.ExecContext(ctx, s.queries["forget_feedback_event"], c.Destination, id); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, s.queries["save_feedback_cursor"], c.Destination, c.Next, toMicros(c.ObservedAt), toMicros(c.PulledAt))
		return err
	})
	if err != nil {
		return fmt.Errorf("save feedback of %s: %w", c.Destination, err)
	}
	return nil
}

// AddFeedbackEvents keeps events that came in by themselves. One that waits
// already stays as it is.
func (s *Store) AddFeedbackEvents(ctx context.Context, events []FeedbackEvent) error {
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error { return s.addEvents(ctx, tx, events) })
	if err != nil {
		return fmt.Errorf("keep outcomes: %w", err)
	}
	return nil
}

func (s *Store) addEvents(ctx context.Context, tx *sql.Tx, events []FeedbackEvent) error {
	return s.multi(ctx, tx, "add_feedback_events", "tttttiti", nil, len(events), func(i int) []any {
		e := events[i]
		return []any{e.Destination, e.ID, e.Key, e.RemoteID, e.Kind, toMicros(e.At), e.Detail, toMicros(e.ReceivedAt)}
	})
}

// FeedbackEvents lists events of a destination that wait, by id, after an id.
func (s *Store) FeedbackEvents(ctx context.Context, destination, after string, limit int) ([]FeedbackEvent, error) {
	var all []FeedbackEvent
	err := s.each(ctx, "feedback_events", func(rows *sql.Rows) error {
		var e FeedbackEvent
		var at, received int64
		err := rows.Scan(&e.Destination, &e.ID, &e.Key, &e.RemoteID, &e.Kind, &at, &e.Detail, &received)
		e.At, e.ReceivedAt = fromMicros(at), fromMicros(received)
		all = append(all, e)
		return err
	}, destination, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list outcomes of %s that wait: %w", destination, err)
	}
	return all, nil
}

// CountFeedbackEvents is how many events of a destination wait.
func (s *Store) CountFeedbackEvents(ctx context.Context, destination string) (n int64, err error) {
	if err := s.queryRow(ctx, "count_feedback_events", destination).Scan(&n); err != nil {
		return 0, fmt.Errorf("count outcomes of %s that wait: %w", destination, err)
	}
	return n, nil
}

// DeliveredTo lists the destinations that there were deliveries to, by name.
func (s *Store) DeliveredTo(ctx context.Context) ([]string, error) {
	var all []string
	err := s.each(ctx, "delivered_to", func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		all = append(all, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list destinations: %w", err)
	}
	return all, nil
}
