package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Pace books n calls of a key, spacing apart, and returns when the first may
// go: not before earliest, and after all that any process booked or held
// before. Where that would be after latest it books nothing and returns the
// time with false. Times are the caller's own.
func (s *Store) Pace(ctx context.Context, key string, n int, spacing time.Duration, earliest, latest time.Time) (time.Time, bool, error) {
	step := (time.Duration(n) * spacing).Microseconds()
	var next int64
	err := s.queryRow(ctx, "pace_calls", key, toMicros(earliest), toMicros(latest), step).Scan(&next)
	if err == nil {
		return fromMicros(next - step), true, nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = s.queryRow(ctx, "next_call", key).Scan(&next)
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("pace calls of %s: %w", key, err)
	}
	return fromMicros(next), false, nil
}

// Count books n calls of a key in the window that is open at now, or opens one
// that lasts until end. It returns the end of the window, and false, with
// nothing booked, where the window has no room for n of limit calls.
func (s *Store) Count(ctx context.Context, key string, n, limit int, now, end time.Time) (time.Time, bool, error) {
	if n > limit {
		return end, false, nil
	}
	var ends int64
	err := s.queryRow(ctx, "count_calls", key, n, limit, toMicros(now), toMicros(end)).Scan(&ends)
	if err == nil {
		return fromMicros(ends), true, nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = s.queryRow(ctx, "count_ends", key).Scan(&ends)
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("count calls of %s: %w", key, err)
	}
	return fromMicros(ends), false, nil
}

// Hold lets Pace book no call of a key before until.
func (s *Store) Hold(ctx context.Context, key string, until time.Time) error {
	if _, err := s.exec(ctx, "hold_calls", key, toMicros(until)); err != nil {
		return fmt.Errorf("hold calls of %s: %w", key, err)
	}
	return nil
}
