package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/leadlake/leadlake"
)

// Lease is the right to do one named thing until a time. Its token grows with
// every holder: whoever writes on behalf of a lease can refuse an older token.
type Lease struct {
	Name      string
	Holder    string
	Token     int64
	ExpiresAt time.Time
}

// Acquire takes a lease that is free or has run out. The holder should name
// one process, such as host and process id. A lease in other hands, or in the
// same ones, is a Conflict that names the holder and when the lease ends.
func (s *Store) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (Lease, error) {
	now := s.now()
	lease := Lease{Name: name, Holder: holder, ExpiresAt: fromMicros(toMicros(now.Add(ttl)))}
	err := s.queryRow(ctx, "acquire_lease", name, holder, toMicros(lease.ExpiresAt), toMicros(now)).Scan(&lease.Token)
	if errors.Is(err, sql.ErrNoRows) {
		return Lease{}, s.heldError(ctx, "acquire", name)
	}
	if err != nil {
		return Lease{}, fmt.Errorf("acquire lease %s: %w", name, err)
	}
	return lease, nil
}

// Renew extends a lease by ttl from now. It is a Conflict once somebody else
// has taken the lease, or it was released: its holder must stop.
func (s *Store) Renew(ctx context.Context, lease Lease, ttl time.Duration) (Lease, error) {
	lease.ExpiresAt = fromMicros(toMicros(s.now().Add(ttl)))
	n, err := s.exec(ctx, "renew_lease", lease.Name, lease.Holder, lease.Token, toMicros(lease.ExpiresAt))
	if err != nil {
		return Lease{}, fmt.Errorf("renew lease %s: %w", lease.Name, err)
	}
	if n == 0 {
		return Lease{}, s.heldError(ctx, "renew", lease.Name)
	}
	return lease, nil
}

// Release gives a lease back. One that is lost already is no error.
func (s *Store) Release(ctx context.Context, lease Lease) error {
	if _, err := s.exec(ctx, "release_lease", lease.Name, lease.Holder, lease.Token); err != nil {
		return fmt.Errorf("release lease %s: %w", lease.Name, err)
	}
	return nil
}

func (s *Store) heldError(ctx context.Context, verb, name string) error {
	var holder string
	var expires int64
	err := s.queryRow(ctx, "lease_holder", name).Scan(&holder, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return leadlake.Errorf(leadlake.Conflict, "%s lease %s: nobody holds it", verb, name)
	}
	if err != nil {
		return fmt.Errorf("%s lease %s: %w", verb, name, err)
	}
	if expires == 0 {
		return leadlake.Errorf(leadlake.Conflict, "%s lease %s: %s has given it back", verb, name, holder).WithFix("try again")
	}
	until := fromMicros(expires)
	return leadlake.Errorf(leadlake.Conflict, "%s lease %s: %s holds it until %s", verb, name, holder, until.Format(time.RFC3339)).
		WithFix("wait for it to end; the lease of a process that died runs out by itself")
}
