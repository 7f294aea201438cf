package lake

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/testservers"
)

// lakeCases is the suite that every kind of workspace runs.
var lakeCases = map[string]func(*testing.T, Config){
	"the tables of the prelude exist":              preludeTables,
	"what is committed is there after reopening":   reopen,
	"opening again adds no snapshot":               openTwiceIsQuiet,
	"a first opening may race":                     openRace,
	"a reader needs an existing lake":              readerNeedsLake,
	"a reader cannot write and leaves no trace":    readerCannotWrite,
	"files are added once":                         addFilesOnce,
	"added files of an aborted commit are not":     addFilesAborted,
	"a conflict runs the transaction again":        conflictRetries,
	"an open reader does not keep commits out":     readerBlocksNobody,
	"an error of the caller is not tried again":    callerErrorIsFinal,
	"a commit inside a commit is refused":          commitInCommit,
	"sessions share no temporary state":            sessionsAreClean,
	"sessions run in UTC and find tables by name":  sessionSettings,
	"arrow goes in and out":                        arrowRoundTrip,
	"an analyst's shell attaches by the rendering": attachFromShell,
}

func TestLakeEmbedded(t *testing.T) {
	t.Parallel()
	runLakeSuite(t, func(t *testing.T) Config { return Config{Home: filepath.Join(t.TempDir(), "it's home"), Threads: 1} })
}

func TestLakeOnPostgresAndS3(t *testing.T) {
	t.Parallel()
	postgres, s3 := testservers.StartPostgres(t), testservers.StartS3(t)
	runLakeSuite(t, func(t *testing.T) Config {
		objects := s3Config(t, s3, "")
		return Config{
			Home: t.TempDir(), Threads: 1, Catalog: postgres.Database(t), CatalogSchema: "work_space",
			Objects: "s3://" + objects.Bucket + "/some/prefix", S3: objects,
		}
	})
}

func runLakeSuite(t *testing.T, config func(*testing.T) Config) {
	for name, test := range lakeCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, config(t))
		})
	}
}

func count(t *testing.T, s *Session, query string) (n int64) {
	t.Helper()
	must(t, s.QueryRow(t.Context(), query).Scan(&n))
	return n
}

func preludeTables(t *testing.T, cfg Config) {
	s := openSession(t, cfg)
	for _, table := range []string{"raw.source_records", "raw.quarantine", "runtime.params"} {
		if n := count(t, s, "select count(*) from "+table); n != 0 {
			t.Errorf("%s has %d rows", table, n)
		}
	}
}

func insertOne(s *Session) func(context.Context) error {
	return func(ctx context.Context) error {
		return s.Exec(ctx, "insert into raw.source_records (run_id) values ('r1')")
	}
}

func reopen(t *testing.T, cfg Config) {
	l, s := openLake(t, cfg)
	must(t, s.Commit(t.Context(), insertOne(s)))
	must(t, l.Bucket().Put(t.Context(), "a/b", strings.NewReader("x")))
	l2, s2 := openLake(t, cfg)
	if n := count(t, s2, "select count(*) from raw.source_records"); n != 1 {
		t.Errorf("%d rows", n)
	}
	if got := read(t, l2.Bucket(), "a/b"); got != "x" {
		t.Errorf("object is %q", got)
	}
}

func openTwiceIsQuiet(t *testing.T, cfg Config) {
	const query = "select count(*) from ducklake_snapshots('lake')"
	before := count(t, openSession(t, cfg), query)
	if after := count(t, openSession(t, cfg), query); after != before {
		t.Errorf("%d snapshots became %d", before, after)
	}
}

func openRace(t *testing.T, cfg Config) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			l, err := Open(t.Context(), cfg)
			if err != nil {
				t.Error(err)
				return
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	preludeTables(t, cfg)
}

func readerNeedsLake(t *testing.T, cfg Config) {
	cfg.ReadOnly = true
	cfg.Home = filepath.Join(cfg.Home, "not there")
	_, err := Open(t.Context(), cfg)
	wantCode(t, err, leadlake.NotFound)
	if _, err := os.Stat(cfg.Home); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("looking created %s: %v", cfg.Home, err)
	}
}

func readerCannotWrite(t *testing.T, cfg Config) {
	l, err := Open(t.Context(), cfg)
	must(t, err)
	must(t, l.Close())
	before := tree(t, cfg.Home)
	cfg.ReadOnly = true
	l, err = Open(t.Context(), cfg)
	must(t, err)
	s, err := l.Session(t.Context())
	must(t, err)
	count(t, s, "select count(*) from raw.source_records")
	must(t, s.Exec(t.Context(), "insert into runtime.params (run_id) values ('x')")) // scratch is the session's own
	s.Close()
	must(t, l.Close())
	if diff := cmp.Diff(before, tree(t, cfg.Home)); diff != "" {
		t.Error(diff)
	}
	s = openSession(t, cfg)
	if err := s.Commit(t.Context(), insertOne(s)); err == nil {
		t.Error("a reader inserts")
	}
}

// tree is the files under dir, but for the log by which SQLite lets a reader
// and a writer work side by side.
func tree(t *testing.T, dir string) (files []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if !strings.HasPrefix(e.Name(), "catalog.sqlite-") {
			files = append(files, path)
		}
		return err
	}))
	return files
}

// landed stores rows of raw.source_records as an object.
func landed(t *testing.T, b *Bucket, key string, runIDs ...string) {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "run_id", Type: arrow.BinaryTypes.String}}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	for _, id := range runIDs {
		builder.Field(0).(*array.StringBuilder).Append(id)
	}
	batch := builder.NewRecordBatch()
	defer batch.Release()
	one := func(yield func(arrow.RecordBatch, error) bool) { yield(batch, nil) }
	_, err := WriteParquet(t.Context(), b, key, schema, one, nil)
	must(t, err)
}

func addFilesOnce(t *testing.T, cfg Config) {
	l, s := openLake(t, cfg)
	landed(t, l.Bucket(), "raw/a.parquet", "r1", "r2")
	landed(t, l.Bucket(), "raw/b.parquet", "r3")
	add := func(keys ...string) {
		t.Helper()
		must(t, s.Commit(t.Context(), func(ctx context.Context) error {
			// Twice in one call, and twice in one transaction.
			if err := l.AddFiles(ctx, s, "raw.source_records", append(keys, keys...)...); err != nil {
				return err
			}
			return l.AddFiles(ctx, s, "raw.source_records", keys...)
		}))
	}
	add("raw/a.parquet")
	add("raw/a.parquet", "raw/b.parquet")
	add("raw/a.parquet", "raw/b.parquet")
	add()
	if n := count(t, s, "select count(*) from raw.source_records where campaign_id is null"); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
	wantCode(t, l.AddFiles(t.Context(), s, "raw.source_records", "raw/a.parquet"), leadlake.Internal)
	err := s.Commit(t.Context(), func(ctx context.Context) error { return l.AddFiles(ctx, s, "raw.source_records", "raw/none") })
	if err == nil {
		t.Error("a missing object is added")
	}
}

func addFilesAborted(t *testing.T, cfg Config) {
	l, s := openLake(t, cfg)
	landed(t, l.Bucket(), "raw/a.parquet", "r1")
	stop := errors.New("stop")
	for _, end := range []error{stop, nil} {
		err := s.Commit(t.Context(), func(ctx context.Context) error {
			return errors.Join(l.AddFiles(ctx, s, "raw.source_records", "raw/a.parquet"), end)
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
	}
	if n := count(t, s, "select count(*) from raw.source_records"); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

func conflictRetries(t *testing.T, cfg Config) {
	l, s := openLake(t, cfg)
	must(t, s.Commit(t.Context(), func(ctx context.Context) error {
		return s.Exec(ctx, "create table lake.marts.counter as select 0 as n")
	}))
	other, err := l.Session(t.Context())
	must(t, err)
	defer other.Close()
	attempts := 0
	must(t, s.Commit(t.Context(), func(ctx context.Context) error {
		attempts++
		if err := s.Exec(ctx, "update marts.counter set n = n + 1"); err != nil || attempts > 1 {
			return err
		}
		return other.Exec(ctx, "update marts.counter set n = n + 10") // at once, without waiting its turn
	}))
	if n := count(t, s, "select n from marts.counter"); n != 11 || attempts != 2 {
		t.Errorf("counter is %d after %d attempts", n, attempts)
	}
}

func commitInCommit(t *testing.T, cfg Config) {
	s := openSession(t, cfg)
	must(t, s.Commit(t.Context(), func(ctx context.Context) error {
		wantCode(t, s.Commit(ctx, insertOne(s)), leadlake.Internal)
		return insertOne(s)(ctx)
	}))
	if n := count(t, s, "select count(*) from raw.source_records"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func readerBlocksNobody(t *testing.T, cfg Config) {
	_, writer := openLake(t, cfg)
	must(t, writer.Commit(t.Context(), insertOne(writer)))
	cfg.ReadOnly = true
	_, reader := openLake(t, cfg)
	must(t, reader.Exec(t.Context(), "begin"))
	const query = "select count(*) from raw.source_records"
	if n := count(t, reader, query); n != 1 {
		t.Errorf("the reader sees %d rows", n)
	}
	must(t, writer.Commit(t.Context(), insertOne(writer)))
	if n := count(t, reader, query); n != 1 {
		t.Errorf("the snapshot of an open reader has changed to %d rows", n)
	}
	must(t, reader.Exec(t.Context(), "commit"))
	if n := count(t, reader, query); n != 2 {
		t.Errorf("the next snapshot has %d rows", n)
	}
}

func callerErrorIsFinal(t *testing.T, cfg Config) {
	s := openSession(t, cfg)
	for _, want := range []error{
		leadlake.Errorf(leadlake.Conflict, "transaction conflict of somebody else"),
		&duckdb.Error{Type: duckdb.ErrorTypeIO, Msg: "connection lost"},
	} {
		attempts := 0
		err := s.Commit(t.Context(), func(ctx context.Context) error {
			attempts++
			return errors.Join(insertOne(s)(ctx), want)
		})
		if !errors.Is(err, want) || attempts != 1 {
			t.Errorf("%v after %d attempts", err, attempts)
		}
	}
	if n := count(t, s, "select count(*) from raw.source_records"); n != 0 {
		t.Errorf("%d rows of failed transactions", n)
	}
}

func sessionsAreClean(t *testing.T, cfg Config) {
	l, s := openLake(t, cfg)
	must(t, s.Exec(t.Context(), "create temp table mine as select 1 as a; set variable v = 1"))
	s.Close()
	next, err := l.Session(t.Context())
	must(t, err)
	defer next.Close()
	var v sql.NullInt64
	must(t, next.QueryRow(t.Context(), "select getvariable('v')").Scan(&v))
	if err := next.Exec(t.Context(), "from mine"); err == nil || v.Valid {
		t.Errorf("the next session sees the table (%v) or the variable (%v)", err, v)
	}
}

func sessionSettings(t *testing.T, cfg Config) {
	s := openSession(t, cfg)
	var zone, text string
	must(t, s.QueryRow(t.Context(), "select current_setting('TimeZone'), timestamptz '2026-11-24 12:00:00+02'::varchar").Scan(&zone, &text))
	if zone != "UTC" || text != "2026-11-24 10:00:00+00" {
		t.Errorf("zone %s, noon in Kyiv is %s", zone, text)
	}
	must(t, s.Exec(t.Context(), "create or replace table scratch.staging.x as select 1 as a"))
	must(t, s.Commit(t.Context(), func(ctx context.Context) error {
		return s.Exec(ctx, "create or replace table lake.marts.x as select a from staging.x")
	}))
	if n := count(t, s, "select count(*) from staging.x inner join marts.x using (a)"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func arrowRoundTrip(t *testing.T, cfg Config) {
	s := openSession(t, cfg)
	mem := checkedAllocator(t)
	batch := batchOf(mem, 0, 5000, plain)
	defer batch.Release()
	load := func(fn func(context.Context, string, array.RecordReader) error, table string) {
		t.Helper()
		reader, err := array.NewRecordReader(testSchema, []arrow.RecordBatch{batch})
		must(t, err)
		defer reader.Release()
		must(t, fn(t.Context(), table, reader))
	}
	load(s.Load, "scratch.staging.arrow")
	load(s.Append, "scratch.staging.arrow")
	var rows, nulls int64
	must(t, s.Batches(t.Context(), "select id, raw from staging.arrow", func(b arrow.RecordBatch) error {
		rows += b.NumRows()
		nulls += int64(b.Column(1).NullN())
		return nil
	}))
	if want := 2 * int64(batch.Column(1).NullN()); rows != 10_000 || nulls != want {
		t.Errorf("%d rows with %d nulls, want 10000 with %d", rows, nulls, want)
	}
	stop := errors.New("stop")
	if err := s.Batches(t.Context(), "from staging.arrow", func(arrow.RecordBatch) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error is %v", err)
	}
}

// attachFromShell runs the rendering in a DuckDB of its own, with the keys
// where the shell's getenv would put them.
func attachFromShell(t *testing.T, cfg Config) {
	l, s := openLake(t, cfg)
	landed(t, l.Bucket(), "raw/a.parquet", "r1")
	must(t, s.Commit(t.Context(), func(ctx context.Context) error {
		return l.AddFiles(ctx, s, "raw.source_records", "raw/a.parquet")
	}))
	text, err := AttachSQL(cfg)
	must(t, err)
	if strings.Contains(text, "{{") || strings.Contains(text, "--") || cfg.S3.SecretKey != "" && strings.Contains(text, cfg.S3.SecretKey) {
		t.Errorf("rendering has a mark or a secret:\n%s", text)
	}
	text = strings.NewReplacer("getenv('AWS_ACCESS_KEY_ID')", Quote(cfg.S3.AccessKey),
		"getenv('AWS_SECRET_ACCESS_KEY')", Quote(cfg.S3.SecretKey)).Replace(text)
	connector, err := duckdb.NewConnector("", nil)
	must(t, err)
	db := sql.OpenDB(connector)
	defer db.Close()
	db.SetMaxOpenConns(1) // "use" is of one connection
	_, err = db.ExecContext(t.Context(), text)
	must(t, err)
	var id string
	must(t, db.QueryRowContext(t.Context(), "select run_id from raw.source_records").Scan(&id))
	if id != "r1" {
		t.Errorf("run id is %q", id)
	}
	if _, err := db.ExecContext(t.Context(), "insert into raw.source_records (run_id) values ('r2')"); err == nil {
		t.Error("an analyst's shell writes")
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, []byte(strings.Repeat("not a database ", 100)), 0o600))
	damaged := t.TempDir()
	must(t, os.WriteFile(filepath.Join(damaged, "catalog.sqlite"), []byte(strings.Repeat("not a database ", 1000)), 0o600))
	moved := filepath.Join(t.TempDir(), "before")
	l, err := Open(t.Context(), Config{Home: moved})
	must(t, err)
	must(t, l.Close())
	must(t, os.Rename(moved, moved+"-after"))
	for name, c := range map[string]struct {
		cfg  Config
		code leadlake.Code
		fix  string
	}{
		"home is a file":         {Config{Home: file}, leadlake.Invalid, "--home"},
		"no extensions":          {Config{Home: t.TempDir(), Extensions: t.TempDir()}, leadlake.NotFound, "leadlake setup"},
		"catalog is no address":  {Config{Home: t.TempDir(), Catalog: "mysql://sesame@x"}, leadlake.Invalid, "postgres://"},
		"catalog does not parse": {Config{Home: t.TempDir(), Catalog: "postgres://u:sesame@h:port/d"}, leadlake.Invalid, "postgres://"},
		"catalog is down":        {Config{Home: t.TempDir(), Catalog: "postgres://u:sesame@127.0.0.1:1/d"}, leadlake.Unavailable, "runs"},
		"objects are no address": {Config{Home: t.TempDir(), Objects: "s3://"}, leadlake.Invalid, "s3://bucket"},
		"memory is no size":      {Config{Home: t.TempDir(), MemoryLimit: "much"}, leadlake.Invalid, "correct"},
		"catalog is damaged":     {Config{Home: damaged}, leadlake.Invalid, "backup"},
		"workspace was moved":    {Config{Home: moved + "-after"}, leadlake.Invalid, "move"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(t.Context(), c.cfg)
			wantCode(t, err, c.code)
			if !strings.Contains(err.Error(), c.fix) || strings.Contains(err.Error(), "sesame") {
				t.Errorf("%v should say %q, and no secret", err, c.fix)
			}
		})
	}
}

func TestHideSecrets(t *testing.T) {
	t.Parallel()
	cfg := Config{Catalog: "postgres://u:p%40ss@h/d?password=other", S3: S3Config{SecretKey: "s3cret"}}
	got := cfg.hideSecrets(cfg.Catalog + " p@ss s3cret")
	for _, secret := range []string{"p%40ss", "p@ss", "other", "s3cret"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q shows %s", got, secret)
		}
	}
	shown, err := AttachSQL(cfg)
	must(t, err)
	if strings.Contains(shown, "p%40ss") || strings.Contains(shown, "other") {
		t.Errorf("%s shows the password", shown)
	}
}

func TestSpillFolders(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	parent := filepath.Join(home, "tmp")
	stale := filepath.Join(parent, "duckdb-1-stale")
	must(t, os.MkdirAll(stale, 0o700))
	must(t, os.WriteFile(filepath.Join(stale, "spilled.tmp"), []byte("x"), 0o600))
	must(t, os.WriteFile(stale+lockSuffix, nil, 0o600))

	first, releaseFirst, err := claimSpill(home)
	must(t, err)
	second, releaseSecond, err := claimSpill(home)
	must(t, err)
	want := []string{parent, first, first + lockSuffix, second, second + lockSuffix}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(tree(t, parent)))); diff != "" {
		t.Errorf("the stale folder is swept, a live one is not: %s", diff)
	}
	must(t, releaseFirst())
	must(t, releaseSecond())
	if diff := cmp.Diff([]string{parent}, tree(t, parent)); diff != "" {
		t.Error(diff)
	}
}

func TestSweepTempKeepsWhatMayBeInUse(t *testing.T) {
	t.Parallel()
	objects := t.TempDir()
	must(t, sweepTemp(objects, time.Now()))
	folder := filepath.Join(objects, tempFolder)
	must(t, os.Mkdir(folder, 0o700))
	now := time.Now()
	for name, age := range map[string]time.Duration{"put-old": abandonedAfter + time.Minute, "put-new": time.Hour} {
		path := filepath.Join(folder, name)
		must(t, os.WriteFile(path, nil, 0o600))
		must(t, os.Chtimes(path, now.Add(-age), now.Add(-age)))
	}
	must(t, sweepTemp(objects, now))
	if diff := cmp.Diff([]string{objects, folder, filepath.Join(folder, "put-new")}, tree(t, objects)); diff != "" {
		t.Error(diff)
	}
}
