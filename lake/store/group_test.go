package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// writes makes a write of one row.
func writes(id string) func(context.Context, *sql.Tx) error {
	return func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "insert into written (id) values ('"+id+"')")
		return err
	}
}

func TestWrite_one_that_fails_or_is_cancelled_takes_no_other_along(t *testing.T) {
	t.Parallel()
	b, err := Open(t.Context(), filepath.Join(t.TempDir(), "control.sqlite"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	if _, err := b.db.ExecContext(t.Context(), "create table written (id text primary key)"); err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	broken := errors.New("broken")
	const writers = 60
	errs := make([]error, writers)
	b.group.turn.Lock() // so that all of them wait, and share a commit
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			ctx, do := t.Context(), writes(fmt.Sprint(i))
			switch i % 3 {
			case 1:
				do = func(ctx context.Context, tx *sql.Tx) error {
					return errors.Join(broken, writes(fmt.Sprint(i))(ctx, tx))
				}
			case 2:
				ctx = cancelled
			}
			errs[i] = b.write(ctx, do)
		})
	}
	b.group.turn.Unlock()
	group.Wait()
	for i, err := range errs {
		if want := []error{nil, broken, context.Canceled}[i%3]; !errors.Is(err, want) {
			t.Errorf("write %d: error %v, want %v", i, err, want)
		}
	}
	n := 0
	if err := b.db.QueryRowContext(t.Context(), "select count(*) from written where cast(id as integer) % 3 = 0").Scan(&n); err != nil || n != writers/3 {
		t.Errorf("%d rows of %d, error %v", n, writers/3, err)
	}
	all := 0
	if err := b.db.QueryRowContext(t.Context(), "select count(*) from written").Scan(&all); err != nil || all != n {
		t.Errorf("%d rows of writes that failed, error %v", all-n, err)
	}
}
