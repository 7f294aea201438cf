package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Call is an entry of the ledger of calls to providers.
type Call struct {
	ID          string // unique
	RunID       string
	Provider    string
	Endpoint    string
	RequestID   string // same question, same id
	QueryID     string
	Page        int
	IsLookup    bool // it asked about a lead
	Status      int  // of HTTP; 0 where there was no answer
	Verdict     string
	PriceMicros int64 // what it may cost; once it has ended, what it did
	Bytes       int64
	Millis      int64
	Attempts    int
	Rows        int64
	Gives       []string // fields that a lookup brought
	StartedAt   time.Time
	EndedAt     time.Time // zero while nobody knows how it ended
}

func (c *Call) args() []any {
	return []any{
		c.ID, c.RunID, c.Provider, c.Endpoint, c.RequestID, c.QueryID, c.Page, c.IsLookup, c.Status, c.Verdict, c.PriceMicros,
		c.Bytes, c.Millis, c.Attempts, c.Rows, strings.Join(c.Gives, ","), toMicros(c.StartedAt), toMicros(c.EndedAt),
	}
}

// SaveCall writes an entry, or how its call ended.
func (s *Store) SaveCall(ctx context.Context, c Call) error {
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, s.queries["save_call"], c.args()...)
		return err
	})
	if err != nil {
		return fmt.Errorf("record call %s to %s: %w", c.ID, c.Provider, err)
	}
	return nil
}

// OpenCalls lists the calls of a run of which nobody knows how they ended, with
// their id, provider, request, price and start.
func (s *Store) OpenCalls(ctx context.Context, runID string) ([]Call, error) {
	var calls []Call
	err := s.each(ctx, "open_calls", func(rows *sql.Rows) error {
		c := Call{RunID: runID}
		var started int64
		if err := rows.Scan(&c.ID, &c.Provider, &c.RequestID, &c.PriceMicros, &started); err != nil {
			return err
		}
		c.StartedAt = fromMicros(started)
		calls = append(calls, c)
		return nil
	}, runID)
	if err != nil {
		return nil, fmt.Errorf("list open calls of run %s: %w", runID, err)
	}
	return calls, nil
}

// Spent is what the calls of a run cost by provider, in millionths of a US
// dollar; those without a known end count in full.
func (s *Store) Spent(ctx context.Context, runID string) (map[string]int64, error) {
	spent := map[string]int64{}
	err := s.each(ctx, "spent_calls", func(rows *sql.Rows) error {
		var provider string
		var micros int64
		if err := rows.Scan(&provider, &micros); err != nil {
			return err
		}
		spent[provider] = micros
		return nil
	}, runID)
	if err != nil {
		return nil, fmt.Errorf("sum calls of run %s: %w", runID, err)
	}
	return spent, nil
}

// LookupStats is how lookups at one provider ended that brought one set of
// fields; none for misses.
type LookupStats struct {
	Provider   string
	Gives      []string
	Calls      int64
	CostMicros int64
}

// LookupStats counts the lookups of all runs but one.
func (s *Store) LookupStats(ctx context.Context, exceptRunID string) ([]LookupStats, error) {
	var all []LookupStats
	err := s.each(ctx, "lookup_stats", func(rows *sql.Rows) error {
		var one LookupStats
		var gives string
		if err := rows.Scan(&one.Provider, &gives, &one.Calls, &one.CostMicros); err != nil {
			return err
		}
		if gives != "" {
			one.Gives = strings.Split(gives, ",")
		}
		all = append(all, one)
		return nil
	}, exceptRunID)
	if err != nil {
		return nil, fmt.Errorf("count lookups: %w", err)
	}
	return all, nil
}

// Calls lists the calls of a run in the order in which they began.
func (s *Store) Calls(ctx context.Context, runID string) ([]Call, error) {
	var calls []Call
	err := s.each(ctx, "calls", func(rows *sql.Rows) error {
		var c Call
		var gives string
		var started, ended int64
		err := rows.Scan(&c.ID, &c.RunID, &c.Provider, &c.Endpoint, &c.RequestID, &c.QueryID, &c.Page, &c.IsLookup, &c.Status,
			&c.Verdict, &c.PriceMicros, &c.Bytes, &c.Millis, &c.Attempts, &c.Rows, &gives, &started, &ended)
		if err != nil {
			return err
		}
		if gives != "" {
			c.Gives = strings.Split(gives, ",")
		}
		c.StartedAt, c.EndedAt = fromMicros(started), fromMicros(ended)
		calls = append(calls, c)
		return nil
	}, runID)
	if err != nil {
		return nil, fmt.Errorf("list calls of run %s: %w", runID, err)
	}
	return calls, nil
}
