package store

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadlake/leadlake/internal/testservers"
)

// limitCases run with two handles, which stand for two processes.
var limitCases = map[string]func(t *testing.T, a, b *Store, now time.Time){
	"calls of two processes are apart":           limitsPace,
	"a place too far ahead is not booked":        limitsAhead,
	"a hold is seen by the other process":        limitsHold,
	"a window has room for so many calls":        limitsCount,
	"a window that is over begins anew":          limitsWindow,
	"many callers get as many calls as there be": limitsRace,
}

func TestLimitsOnSQLite(t *testing.T) {
	t.Parallel()
	limitSuite(t, func(t *testing.T) string { return filepath.Join(t.TempDir(), "control.sqlite") })
}

func TestLimitsOnPostgres(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t)
	limitSuite(t, func(t *testing.T) string { return server.Database(t) })
}

func limitSuite(t *testing.T, dsn func(*testing.T) string) {
	for name, test := range limitCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := bundle{clock: newClock(), dsn: dsn(t)}
			test(t, x.reopen(t), x.reopen(t), x.clock.Now())
		})
	}
}

// wantTime compares what a limit said with a time so many seconds after now.
func wantTime(t *testing.T, what string, got time.Time, ok bool, err error, now time.Time, seconds float64, wantOK bool) {
	t.Helper()
	want := now.Add(time.Duration(seconds * float64(time.Second)))
	if err != nil || ok != wantOK || !got.Equal(want) {
		t.Errorf("%s: %s after now, %v, %v; want %v s, %v", what, got.Sub(now), ok, err, seconds, wantOK)
	}
}

func limitsPace(t *testing.T, a, b *Store, now time.Time) {
	far := now.Add(time.Hour)
	got, ok, err := a.Pace(t.Context(), "k", 3, time.Second, now, far)
	wantTime(t, "first", got, ok, err, now, 0, true)
	got, ok, err = b.Pace(t.Context(), "k", 1, time.Second, now, far)
	wantTime(t, "after three", got, ok, err, now, 3, true)
	got, ok, err = a.Pace(t.Context(), "k", 1, time.Second, now.Add(10*time.Second), far)
	wantTime(t, "after a rest", got, ok, err, now, 10, true)
	got, ok, err = a.Pace(t.Context(), "other", 1, time.Second, now, far)
	wantTime(t, "another key", got, ok, err, now, 0, true)
}

func limitsAhead(t *testing.T, a, b *Store, now time.Time) {
	_, _, err := a.Pace(t.Context(), "k", 1, 5*time.Second, now, now)
	must(t, err)
	for range 2 {
		got, ok, err := b.Pace(t.Context(), "k", 1, 5*time.Second, now, now.Add(4*time.Second))
		wantTime(t, "refused", got, ok, err, now, 5, false)
	}
	got, ok, err := b.Pace(t.Context(), "k", 1, 5*time.Second, now, now.Add(5*time.Second))
	wantTime(t, "booked", got, ok, err, now, 5, true)
}

func limitsHold(t *testing.T, a, b *Store, now time.Time) {
	must(t, a.Hold(t.Context(), "k", now.Add(30*time.Second)))
	must(t, a.Hold(t.Context(), "k", now.Add(20*time.Second))) // a shorter one changes nothing
	got, ok, err := b.Pace(t.Context(), "k", 1, time.Second, now, now.Add(time.Minute))
	wantTime(t, "after the hold", got, ok, err, now, 30, true)
}

func limitsCount(t *testing.T, a, b *Store, now time.Time) {
	end := now.Add(time.Hour)
	got, ok, err := a.Count(t.Context(), "k", 3, 5, now, end)
	wantTime(t, "three", got, ok, err, now, 3600, true)
	got, ok, err = b.Count(t.Context(), "k", 3, 5, now.Add(time.Minute), end.Add(time.Minute))
	wantTime(t, "three more", got, ok, err, now, 3600, false)
	got, ok, err = b.Count(t.Context(), "k", 2, 5, now.Add(time.Minute), end.Add(time.Minute))
	wantTime(t, "two more", got, ok, err, now, 3600, true)
	got, ok, err = a.Count(t.Context(), "k", 1, 5, now, end)
	wantTime(t, "one more", got, ok, err, now, 3600, false)
	got, ok, err = a.Count(t.Context(), "new", 6, 5, now, end)
	wantTime(t, "more than the window ever has", got, ok, err, now, 3600, false)
}

func limitsWindow(t *testing.T, a, b *Store, now time.Time) {
	_, _, err := a.Count(t.Context(), "k", 5, 5, now, now.Add(time.Hour))
	must(t, err)
	later := now.Add(time.Hour)
	got, ok, err := b.Count(t.Context(), "k", 4, 5, later, later.Add(time.Hour))
	wantTime(t, "new window", got, ok, err, now, 7200, true)
	got, ok, err = a.Count(t.Context(), "k", 2, 5, later, later.Add(time.Hour))
	wantTime(t, "its rest", got, ok, err, now, 7200, false)
}

func limitsRace(t *testing.T, a, b *Store, now time.Time) {
	const callers, each, limit = 8, 10, 50
	var counted atomic.Int64
	var mu sync.Mutex
	seen := map[time.Time]bool{}
	var wg sync.WaitGroup
	for i := range callers {
		s := a
		if i%2 == 1 {
			s = b
		}
		wg.Go(func() {
			for range each {
				first, ok, err := s.Pace(t.Context(), "pace", 1, time.Second, now, now.Add(time.Hour))
				if err != nil || !ok {
					t.Errorf("Pace: %v, %v", ok, err)
					return
				}
				mu.Lock()
				if seen[first] {
					t.Errorf("two callers got %s", first)
				}
				seen[first] = true
				mu.Unlock()
				_, ok, err = s.Count(t.Context(), "count", 1, limit, now, now.Add(time.Hour))
				if err != nil {
					t.Errorf("Count: %v", err)
				}
				if ok {
					counted.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := counted.Load(); n != limit {
		t.Errorf("%d calls were counted, want %d", n, limit)
	}
}
