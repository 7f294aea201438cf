package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Held returns the lease of that name, where somebody has it.
func (s *Store) Held(ctx context.Context, name string) (Lease, bool, error) {
	lease := Lease{Name: name}
	var expires int64
	err := s.queryRow(ctx, "held_lease", name, toMicros(s.now())).Scan(&lease.Holder, &lease.Token, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return Lease{}, false, nil
	}
	if err != nil {
		return Lease{}, false, fmt.Errorf("read lease %s: %w", name, err)
	}
	lease.ExpiresAt = fromMicros(expires)
	return lease, true, nil
}
