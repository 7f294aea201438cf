package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
)

// Suppression is one identity that must not be contacted. The identity itself
// is not kept, only its keyed hash.
type Suppression struct {
	Hash      string
	Kind      string // email, phone, domain, lead
	Reason    string
	Source    string // where it comes from: a destination, an import, a person
	Actor     string // who added it
	AddedAt   time.Time
	RemovedBy string
	RemovedAt time.Time // zero: it holds
}

// Suppress adds identities, all or none. One that holds already stays as it
// is; one that was taken off comes back only if AddedAt is later than that.
func (s *Store) Suppress(ctx context.Context, all []Suppression) error {
	// One statement must not touch a row twice; the last to ask counts.
	all = slices.SortedStableFunc(slices.Values(all), func(a, b Suppression) int {
		return cmp.Or(cmp.Compare(a.Hash, b.Hash), b.AddedAt.Compare(a.AddedAt))
	})
	all = slices.CompactFunc(all, func(a, b Suppression) bool { return a.Hash == b.Hash })
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return s.multi(ctx, tx, "add_suppressions", "tttttiti", nil, len(all), func(i int) []any {
			p := all[i]
			return []any{p.Hash, p.Kind, p.Reason, p.Source, p.Actor, toMicros(p.AddedAt), p.RemovedBy, toMicros(p.RemovedAt)}
		})
	})
	if err != nil {
		return fmt.Errorf("suppress: %w", err)
	}
	return nil
}

// Unsuppress takes one identity off, and says whether it held.
func (s *Store) Unsuppress(ctx context.Context, hash, actor string) (bool, error) {
	n, err := s.exec(ctx, "remove_suppression", hash, actor, toMicros(s.now()))
	if err != nil {
		return false, fmt.Errorf("take off suppression: %w", err)
	}
	return n > 0, nil
}

// Suppressed returns those of some identities that are suppressed.
func (s *Store) Suppressed(ctx context.Context, hashes []string) ([]Suppression, error) {
	var all []Suppression
	for len(hashes) > 0 {
		n := min(len(hashes), maxParams)
		list, args := make([]string, n), make([]any, n)
		for i, h := range hashes[:n] {
			list[i], args[i] = "$"+strconv.Itoa(i+1), h
		}
		hashes = hashes[n:]
		query := strings.ReplaceAll(s.queries["suppressed"], "{rows}", "("+strings.Join(list, ", ")+")")
		err := s.eachText(ctx, query, func(rows *sql.Rows) error {
			p, err := scanSuppression(rows)
			all = append(all, p)
			return err
		}, args...)
		if err != nil {
			return nil, fmt.Errorf("look for suppressions: %w", err)
		}
	}
	return all, nil
}

// Suppressions lists identities, the newest first; with removed also those
// that were taken off.
func (s *Store) Suppressions(ctx context.Context, removed bool, limit int) ([]Suppression, error) {
	var all []Suppression
	err := s.each(ctx, "suppressions", func(rows *sql.Rows) error {
		p, err := scanSuppression(rows)
		all = append(all, p)
		return err
	}, removed, limit)
	if err != nil {
		return nil, fmt.Errorf("list suppressions: %w", err)
	}
	return all, nil
}

// CountSuppressions is how many identities are suppressed.
func (s *Store) CountSuppressions(ctx context.Context) (n int64, err error) {
	if err := s.queryRow(ctx, "count_suppressions").Scan(&n); err != nil {
		return 0, fmt.Errorf("count suppressions: %w", err)
	}
	return n, nil
}

func scanSuppression(rows *sql.Rows) (Suppression, error) {
	var p Suppression
	var added, removed int64
	err := rows.Scan(&p.Hash, &p.Kind, &p.Reason, &p.Source, &p.Actor, &added, &p.RemovedBy, &removed)
	p.AddedAt, p.RemovedAt = fromMicros(added), fromMicros(removed)
	return p, err
}

// ClaimSuppressionKey makes sure that all hashes of a workspace are made with
// one key: check is what the key makes of a known text. The first key that
// comes is the workspace's; another is a Conflict.
func (s *Store) ClaimSuppressionKey(ctx context.Context, check string) error {
	held, err := s.suppressionKey(ctx)
	if err == nil && held == "" {
		if _, err = s.exec(ctx, "claim_suppression_key", check); err == nil {
			held, err = s.suppressionKey(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("check the key of suppressions: %w", err)
	}
	if held != check {
		return leadlake.Errorf(leadlake.Conflict, "the suppression list of this workspace was made with another key").
			WithFix("give that key in LEADLAKE_SUPPRESSION_KEY, or put back the file suppression.key")
	}
	return nil
}

// HasSuppressionKey says whether the workspace has a key already.
func (s *Store) HasSuppressionKey(ctx context.Context) (bool, error) {
	held, err := s.suppressionKey(ctx)
	if err != nil {
		return false, fmt.Errorf("look for the key of suppressions: %w", err)
	}
	return held != "", nil
}

func (s *Store) suppressionKey(ctx context.Context) (string, error) {
	held := ""
	err := s.each(ctx, "suppression_key", func(rows *sql.Rows) error { return rows.Scan(&held) })
	return held, err
}
