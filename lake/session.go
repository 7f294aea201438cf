package lake

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/internal/filelock"
)

// Session is one connection to a lake.
type Session struct {
	conn       *sql.Conn
	commitLock string          // file that one Commit at a time holds; empty where the catalog sorts them out
	added      map[string]bool // tables and files of AddFiles in the open transaction; nil outside Commit
}

// Close returns the connection.
func (s *Session) Close() error { return s.conn.Close() }

// Exec runs one or more statements.
func (s *Session) Exec(ctx context.Context, query string, args ...any) error {
	_, err := s.conn.ExecContext(ctx, query, args...)
	return err
}

// Query returns rows; for small results only. Bulk goes through Batches.
func (s *Session) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.conn.QueryContext(ctx, query, args...)
}

// QueryRow returns one row.
func (s *Session) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return s.conn.QueryRowContext(ctx, query, args...)
}

// Batches streams a result as Arrow record batches. A batch is released after
// fn returns: retain it to keep it.
func (s *Session) Batches(ctx context.Context, query string, fn func(arrow.RecordBatch) error) error {
	return s.arrow(func(a *duckdb.Arrow) error {
		reader, err := a.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		defer reader.Release()
		for reader.Next() {
			if err := fn(reader.RecordBatch()); err != nil {
				return err
			}
		}
		return reader.Err()
	})
}

// Load creates or replaces a table from Arrow batches. The reader is consumed
// but not released.
func (s *Session) Load(ctx context.Context, table string, reader array.RecordReader) error {
	return s.withReader(reader, func(view string) error {
		return s.Exec(ctx, "create or replace table "+table+" as select * from "+view)
	})
}

// Append adds Arrow batches to a table, matching columns by name.
func (s *Session) Append(ctx context.Context, table string, reader array.RecordReader) error {
	return s.withReader(reader, func(view string) error {
		return s.Exec(ctx, "insert into "+table+" by name select * from "+view)
	})
}

func (s *Session) withReader(reader array.RecordReader, fn func(view string) error) error {
	const view = "arrow_input"
	var release func()
	err := s.arrow(func(a *duckdb.Arrow) (err error) {
		release, err = a.RegisterView(reader, view)
		return err
	})
	if err != nil {
		return fmt.Errorf("register arrow reader: %w", err)
	}
	defer release()
	return fn(view)
}

func (s *Session) arrow(fn func(*duckdb.Arrow) error) error {
	return s.conn.Raw(func(dc any) error {
		a, err := duckdb.NewArrowFromConn(dc.(driver.Conn))
		if err != nil {
			return err
		}
		return fn(a)
	})
}

// commitAttempts bounds Commit: a catalog refuses a transaction that lost a
// race, and the whole transaction has to run again.
const commitAttempts = 10

// Commit runs fn in a transaction and commits it. It is the only way to write
// to the lake: a conflict rolls back and runs fn again, with growing jittered
// pauses; any other error rolls back and is returned. Fn must not call Commit,
// of this session or another.
//
// A SQLite catalog refuses whoever is not first, so that short transactions
// would keep a long one out for ever: there, commits of all processes queue.
func (s *Session) Commit(ctx context.Context, fn func(ctx context.Context) error) error {
	if s.added != nil {
		return leadlake.Errorf(leadlake.Internal, "commit to lake: a commit inside a commit")
	}
	if s.commitLock != "" {
		release, err := filelock.Acquire(ctx, s.commitLock)
		if err != nil {
			return fmt.Errorf("commit to lake: %w", err)
		}
		defer release()
	}
	var err error
	for attempt := range commitAttempts {
		if err = s.tryCommit(ctx, fn); err == nil || !isConflict(err) {
			return err
		}
		pause := time.Duration(rand.Int64N(int64(20*time.Millisecond) << attempt))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return leadlake.Errorf(leadlake.Conflict, "commit to lake: %d attempts lost to other writers: %w", commitAttempts, err)
}

func (s *Session) tryCommit(ctx context.Context, fn func(ctx context.Context) error) error {
	if err := s.Exec(ctx, "begin"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	s.added = map[string]bool{}
	defer func() { s.added = nil }()
	err := fn(ctx)
	if err == nil {
		if err = s.Exec(ctx, "commit"); err == nil {
			return nil
		}
		err = fmt.Errorf("commit: %w", err)
	}
	// The caller's context may be over, yet the connection must not keep an
	// open transaction. An error here means that DuckDB has already ended it.
	_ = s.Exec(context.WithoutCancel(ctx), "rollback")
	return err
}

// isConflict recognises what DuckLake and its catalogs say when another writer
// came first. DuckDB gives these no type of their own. Anything else is not
// run again: after a lost connection the commit may have happened.
func isConflict(err error) bool {
	var e *duckdb.Error
	if !errors.As(err, &e) {
		return false
	}
	text := strings.ToLower(e.Msg)
	for _, sign := range []string{
		"transaction conflict", "write-write conflict", "database is locked", "could not serialize", "deadlock detected",
		"exceeded the maximum retry count",
	} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}
