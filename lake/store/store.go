// Package store keeps the control state of a workspace: campaigns, runs,
// leases and the pages that have landed. It runs the same SQL text on SQLite
// (embedded) and Postgres (team).
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/internal/filelock"
)

//go:embed migrations
var migrations embed.FS

//go:embed queries.sql
var queryText string

//go:embed queries_delivery.sql
var deliveryText string

// Options tune a Store. The zero value is ready for use.
type Options struct {
	Now func() time.Time // time.Now by default; leases compare it between processes
}

// Store is an open control state. It is safe for concurrent use.
type Store struct {
	db      *sql.DB
	queries map[string]string
	now     func() time.Time
	group   group
}

// Open connects to the control state and brings its tables up to date. The DSN
// is a postgres:// address or the path of a SQLite file, which is created with
// its folder.
func Open(ctx context.Context, dsn string, opts Options) (*Store, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	open := openSQLite
	if IsPostgres(dsn) {
		open = openPostgres
	}
	db, err := open(ctx, dsn)
	if err != nil {
		return nil, err
	}
	return &Store{db: db, queries: parseQueries(queryText + deliveryText), now: opts.Now}, nil
}

// IsPostgres says whether a DSN is an address of Postgres rather than a file.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// Close gives the connections back.
func (s *Store) Close() error { return s.db.Close() }

func openPostgres(ctx context.Context, dsn string) (*sql.DB, error) {
	const fix = "check the address of the control state and that its Postgres runs"
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Invalid, "open control state: %w", err).WithFix(fix)
	}
	db := stdlib.OpenDB(*config)
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open control state: %w", err), db.Close())
	}
	if err = db.PingContext(ctx); err != nil {
		err = leadlake.Errorf(leadlake.Unavailable, "open control state: %w", err).WithFix(fix)
	} else {
		err = migrate(ctx, db, goose.DialectPostgres, goose.WithSessionLocker(locker))
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// openSQLite opens and migrates under a file lock, because two processes that
// create one database get in each other's way.
func openSQLite(ctx context.Context, path string) (*sql.DB, error) {
	broken := func(err error) error {
		return leadlake.Errorf(leadlake.Invalid, "open control state %s: %w", path, err).
			WithFix("choose a file in a folder that you may write to")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, broken(err)
	}
	release, err := filelock.Acquire(ctx, path+".lock")
	if err != nil {
		return nil, broken(err)
	}
	defer release()
	db, err := sql.Open("sqlite", sqliteDSN(path))
	if err != nil {
		return nil, broken(err)
	}
	if err = db.PingContext(ctx); err != nil {
		err = broken(err)
	} else {
		err = migrate(ctx, db, goose.DialectSQLite3)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// sqliteDSN asks for a log that readers do not block on, for patience with
// other writers, and for commits that survive a power cut: a page that was
// paid for must not be forgotten.
func sqliteDSN(path string) string {
	settings := url.Values{
		"_pragma": {"busy_timeout(20000)", "journal_mode(wal)", "synchronous(full)"},
		"_txlock": {"immediate"},
	}
	file := url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: settings.Encode()}
	return file.String()
}

func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, options ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrate control state: %w", err)
	}
	provider, err := goose.NewProvider(dialect, db, files, options...)
	if err != nil {
		return fmt.Errorf("migrate control state: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate control state: %w", err)
	}
	current, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("migrate control state: %w", err)
	}
	sources := provider.ListSources()
	if known := sources[len(sources)-1].Version; current > known {
		return leadlake.Errorf(leadlake.Invalid, "the control state has version %d, this leadlake knows %d", current, known).
			WithFix("install the newer leadlake that others use on this workspace")
	}
	return nil
}

// parseQueries cuts the text at its "-- name:" lines.
func parseQueries(text string) map[string]string {
	queries := map[string]string{}
	for _, block := range strings.Split(text, "-- name: ")[1:] {
		name, query, _ := strings.Cut(block, "\n")
		queries[name] = strings.TrimSpace(query)
	}
	return queries
}

func (s *Store) exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	result, err := s.db.ExecContext(ctx, s.queries[query], args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s *Store) queryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return s.db.QueryRowContext(ctx, s.queries[query], args...)
}

// each runs a query and hands every row to scan.
func (s *Store) each(ctx context.Context, query string, scan func(*sql.Rows) error, args ...any) error {
	rows, err := s.db.QueryContext(ctx, s.queries[query], args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func toMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
