// Package lake is the storage of a workspace: objects in a bucket, tables in
// a DuckLake over it, and the control state beside them.
package lake

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/leadlake/leadlake"
)

// Config says where a workspace lives. The zero value of every field but Home
// is the embedded set-up: everything in one directory.
type Config struct {
	Home        string // directory of the embedded parts and of scratch space
	Catalog     string // DuckLake catalog: a postgres:// address, or empty for SQLite under Home
	Extensions  string // folder of DuckDB extensions; DefaultExtensions by default
	Threads     int    // DuckDB threads; the number of CPUs by default
	MemoryLimit string // DuckDB memory, such as "3GB"; DefaultMemory by default
	ReadOnly    bool   // refuse writes to the lake
}

// DefaultMemory bounds one DuckDB instance; larger work spills to disk.
const DefaultMemory = "3GB"

// Schemas of the lake, and of the scratch database that a run works in.
var (
	lakeSchemas    = []string{"raw", "candidates", "marts"}
	scratchSchemas = []string{"runtime", "staging", "intermediate"}
)

// DefaultExtensions is the folder that `leadlake setup` fills.
func DefaultExtensions() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "leadlake", "duckdb")
}

// Lake is one open workspace. Its DuckDB instance is shared by all sessions,
// because ATTACH is per instance.
type Lake struct {
	cfg Config
	db  *sql.DB
}

// Open attaches the workspace and creates what is missing.
func Open(ctx context.Context, cfg Config) (*Lake, error) {
	if cfg.Extensions == "" {
		cfg.Extensions = DefaultExtensions()
	}
	if cfg.Threads == 0 {
		cfg.Threads = runtime.NumCPU()
	}
	if cfg.MemoryLimit == "" {
		cfg.MemoryLimit = DefaultMemory
	}
	objects := filepath.Join(cfg.Home, "objects")
	spill := filepath.Join(cfg.Home, "tmp")
	for _, dir := range []string{cfg.Home, objects, spill} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, leadlake.Errorf(leadlake.Invalid, "open lake: cannot write to %s: %w", cfg.Home, err).
				WithFix("choose a directory that you may write to with --home")
		}
	}
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("open duckdb: %w", err)
	}
	l := &Lake{cfg: cfg, db: sql.OpenDB(connector)}
	if err := l.attach(ctx, objects, spill); err != nil {
		l.db.Close()
		return nil, err
	}
	return l, nil
}

func (l *Lake) attach(ctx context.Context, objects, spill string) error {
	statements := []string{
		"set extension_directory = " + Quote(l.cfg.Extensions),
		"set autoinstall_known_extensions = false",
		"set temp_directory = " + Quote(spill),
		"set memory_limit = " + Quote(l.cfg.MemoryLimit),
		fmt.Sprintf("set threads = %d", l.cfg.Threads),
		"set preserve_insertion_order = false",
		"set TimeZone = 'UTC'",
		"load sqlite",
		"load ducklake",
		"attach " + Quote("ducklake:sqlite:"+filepath.Join(l.cfg.Home, "catalog.sqlite")) +
			" as lake (data_path " + Quote(objects+"/") + ")",
		"attach ':memory:' as scratch",
	}
	for _, s := range lakeSchemas {
		statements = append(statements, "create schema if not exists lake."+s)
	}
	for _, s := range scratchSchemas {
		statements = append(statements, "create schema if not exists scratch."+s)
	}
	for _, s := range statements {
		if _, err := l.db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("attach lake: %s: %w", strings.SplitN(s, "(", 2)[0], err)
		}
	}
	return nil
}

// Close detaches the workspace.
func (l *Lake) Close() error { return l.db.Close() }

// Home is the directory of the embedded parts.
func (l *Lake) Home() string { return l.cfg.Home }

// Session opens one connection on which `schema.table` finds lake and scratch
// tables alike. Sessions may run side by side; one session is for one
// goroutine.
func (l *Lake) Session(ctx context.Context) (*Session, error) {
	conn, err := l.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open session: %w", err)
	}
	path := []string{"scratch.main"}
	for _, s := range scratchSchemas {
		path = append(path, "scratch."+s)
	}
	for _, s := range lakeSchemas {
		path = append(path, "lake."+s)
	}
	if _, err := conn.ExecContext(ctx, "set search_path = "+Quote(strings.Join(path, ","))); err != nil {
		conn.Close()
		return nil, fmt.Errorf("open session: %w", err)
	}
	return &Session{conn: conn}, nil
}

// Quote renders s as a SQL string literal.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
