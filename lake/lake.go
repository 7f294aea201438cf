// Package lake is the storage of a workspace: objects in a bucket, tables in
// a DuckLake over it, and the control state beside them.
package lake

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// Config says where a workspace lives. The zero value of every field but Home
// is the embedded set-up: everything in one directory.
type Config struct {
	Home          string   // directory of the embedded parts and of scratch space
	Catalog       string   // DuckLake catalog: a postgres:// address, or empty for SQLite under Home
	CatalogSchema string   // Postgres schema of the catalog, one a workspace; "ducklake" by default
	Objects       string   // where objects live: s3://bucket/prefix or a directory; Home/objects by default
	S3            S3Config // how to reach s3:// objects; Bucket and Prefix come from Objects
	Extensions    string   // folder of DuckDB extensions; DefaultExtensions by default
	Threads       int      // DuckDB threads; the number of CPUs by default
	MemoryLimit   string   // DuckDB memory, such as "3GB"; DefaultMemory by default
	ReadOnly      bool     // refuse writes to the lake, and create nothing
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
	cfg          Config
	db           *sql.DB
	bucket       *Bucket
	spill        string // folder for what does not fit in memory
	releaseSpill func() error
}

// Open attaches the workspace. It creates what is missing, once however many
// processes open it; a workspace that is opened only to read must exist.
func Open(ctx context.Context, cfg Config) (_ *Lake, err error) {
	cfg, err = cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	unlock, err := cfg.prepare(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	l := &Lake{cfg: cfg}
	if l.bucket, err = cfg.openBucket(); err != nil {
		return nil, err
	}
	if cfg.ReadOnly {
		l.spill, l.releaseSpill, err = readerSpill()
	} else {
		l.spill, l.releaseSpill, err = claimSpill(cfg.Home)
	}
	if err != nil {
		return nil, err
	}
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open duckdb: %w", err), l.releaseSpill())
	}
	l.db = sql.OpenDB(connector)
	l.db.SetMaxIdleConns(0) // a session leaves no variable or temporary table to the next
	if err := l.attach(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (c Config) withDefaults() (Config, error) {
	if err := checkCatalogAddress(c.Catalog); err != nil {
		return c, err
	}
	if c.Extensions == "" {
		c.Extensions = DefaultExtensions()
	}
	if c.Threads == 0 {
		c.Threads = runtime.NumCPU()
	}
	if c.MemoryLimit == "" {
		c.MemoryLimit = DefaultMemory
	}
	if c.CatalogSchema == "" {
		c.CatalogSchema = "ducklake"
	}
	if c.Objects == "" {
		c.Objects = filepath.Join(c.Home, "objects")
	}
	if c.onS3() {
		s3, err := c.S3.withLocation(c.Objects)
		c.S3 = s3.withDefaults()
		return c, err
	}
	// The catalog keeps the paths, and the next command may run elsewhere.
	for _, dir := range []*string{&c.Home, &c.Objects} {
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return c, fmt.Errorf("open lake: %w", err)
		}
		*dir = abs
	}
	return c, nil
}

// prepare takes the locks under which a workspace is opened.
func (c Config) prepare(ctx context.Context) (unlock func(), err error) {
	if c.ReadOnly {
		return func() {}, c.requireCatalog(ctx)
	}
	unlockHome, err := c.lockHome(ctx)
	if err != nil {
		return nil, err
	}
	unlockCatalog, err := c.lockCatalog(ctx)
	if err != nil {
		unlockHome()
		return nil, err
	}
	return func() { unlockCatalog(); unlockHome() }, nil
}

func (c Config) openBucket() (*Bucket, error) {
	if c.onS3() {
		return NewS3Bucket(c.S3)
	}
	if !c.ReadOnly {
		if err := sweepTemp(c.Objects, time.Now()); err != nil {
			return nil, err
		}
	}
	return NewDirBucket(c.Objects)
}

// Close detaches the workspace and removes its scratch space.
func (l *Lake) Close() error { return errors.Join(l.db.Close(), l.releaseSpill()) }

// Bucket is the object store of the workspace.
func (l *Lake) Bucket() *Bucket { return l.bucket }

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
	s := &Session{conn: conn}
	if l.cfg.Catalog == "" && !l.cfg.ReadOnly {
		s.commitLock = filepath.Join(l.cfg.Home, "commit.lock")
	}
	return s, nil
}

// Quote renders s as a SQL string literal.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
