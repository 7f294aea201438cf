package lake

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/leadlake/leadlake/internal/testservers"
)

// The environment by which the test binary becomes a second process that
// commits to a lake.
const (
	childHome    = "LEADLAKE_TEST_HOME"
	childCatalog = "LEADLAKE_TEST_CATALOG"
	childWriter  = "LEADLAKE_TEST_WRITER"
)

func TestMain(m *testing.M) {
	writer, err := strconv.Atoi(os.Getenv(childWriter))
	if err != nil {
		os.Exit(m.Run())
	}
	cfg := Config{Home: os.Getenv(childHome), Catalog: os.Getenv(childCatalog), Threads: 1}
	if err := commitMany(context.Background(), cfg, writer); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const commitsPerWriter = 30

// commitMany makes commits of two rows each.
func commitMany(ctx context.Context, cfg Config, writer int) error {
	l, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer l.Close()
	s, err := l.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	for i := range commitsPerWriter {
		err := s.Commit(ctx, func(ctx context.Context) error {
			const insert = "insert into raw.source_records (run_id, row_number) values ($1, $2)"
			for half := range 2 {
				if err := s.Exec(ctx, insert, strconv.Itoa(writer), 2*i+half); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("writer %d, commit %d: %w", writer, i, err)
		}
	}
	return nil
}

func TestCommitsOfTwoProcesses(t *testing.T) {
	t.Parallel()
	for name, catalog := range catalogs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const writers = 2
			cfg := Config{Home: t.TempDir(), Catalog: catalog, Threads: 1}
			var wg sync.WaitGroup
			for w := range writers {
				child := exec.CommandContext(t.Context(), os.Args[0])
				child.Env = append(os.Environ(), childHome+"="+cfg.Home, childCatalog+"="+catalog, childWriter+"="+strconv.Itoa(w))
				wg.Go(func() {
					if out, err := child.CombinedOutput(); err != nil {
						t.Errorf("writer %d: %v\n%s", w, err, out)
					}
				})
			}
			wg.Wait()
			wantCommits(t, cfg, writers)
		})
	}
}

func TestCommitsOfManySessions(t *testing.T) {
	t.Parallel()
	for name, catalog := range catalogs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const writers = 3
			cfg := Config{Home: t.TempDir(), Catalog: catalog, Threads: 1}
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					if err := commitMany(t.Context(), cfg, w); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			wantCommits(t, cfg, writers)
		})
	}
}

// catalogs is a catalog address for each kind.
func catalogs(t *testing.T) map[string]string {
	return map[string]string{"sqlite": "", "postgres": testservers.StartPostgres(t).Database(t)}
}

func wantCommits(t *testing.T, cfg Config, writers int) {
	t.Helper()
	start := time.Now()
	cfg.ReadOnly = true
	s := openSession(t, cfg)
	var rows, distinct int
	const query = "select count(*), count(distinct (run_id, row_number)) from raw.source_records"
	must(t, s.QueryRow(t.Context(), query).Scan(&rows, &distinct))
	if want := writers * commitsPerWriter * 2; rows != want || distinct != want {
		t.Errorf("%d rows, %d distinct, want %d", rows, distinct, want)
	}
	t.Logf("read in %s", time.Since(start))
}

// openSession opens a lake and one session for the length of the test.
func openSession(t *testing.T, cfg Config) *Session {
	t.Helper()
	_, s := openLake(t, cfg)
	return s
}

func openLake(t *testing.T, cfg Config) (*Lake, *Session) {
	t.Helper()
	l, err := Open(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := l.Session(t.Context())
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return l, s
}
