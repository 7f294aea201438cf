package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/testservers"
)

// clock is a time that tests move by hand.
type clock struct{ micros atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.micros.Store(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) Now() time.Time          { return time.UnixMicro(c.micros.Load()).UTC() }
func (c *clock) Advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// bundle is one test's control state: its address opens further handles.
type bundle struct {
	*Store
	clock *clock
	dsn   string
}

func (b bundle) reopen(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), b.dsn, Options{Now: b.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// cases is the suite; every method of Store is in it.
var cases = map[string]func(*testing.T, bundle){
	"a run comes back as it was created":            runRoundTrip,
	"a taken run id is a conflict":                  runTaken,
	"runs are listed newest first":                  runOrder,
	"update changes what may change":                runUpdate,
	"a final run keeps its state":                   runFinal,
	"the newest running run is unfinished":          runUnfinished,
	"a campaign is replaced under its id":           campaignRoundTrip,
	"a lease has one holder":                        leaseExclusive,
	"an expired lease is taken and fences its past": leaseFenced,
	"an expired lease that nobody took is renewed":  leaseLate,
	"a released lease is free and its token grows":  leaseReleased,
	"of many takers one gets the lease":             leaseRace,
	"a held lease can be looked at":                 leaseHeld,
	"a page is recorded once":                       pageUpsert,
	"many processes write at once":                  concurrentWriters,
	"opening twice at once migrates once":           concurrentOpen,
	"a newer database is refused":                   newerDatabase,
	"the database holds the list of states":         stateCheck,
}

func TestStoreOnSQLite(t *testing.T) {
	t.Parallel()
	suite(t, func(t *testing.T) string { return filepath.Join(t.TempDir(), "new folder", "control#1 100%.sqlite") })
}

func TestStoreOnPostgres(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t)
	suite(t, func(t *testing.T) string { return server.Database(t) })
}

func suite(t *testing.T, dsn func(*testing.T) string) {
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bundle{clock: newClock(), dsn: dsn(t)}
			b.Store = b.reopen(t)
			test(t, b)
		})
	}
}

func wantCode(t *testing.T, err error, code leadlake.Code) {
	t.Helper()
	if leadlake.ErrorCode(err) != code {
		t.Fatalf("error is %v (%q), want code %q", err, leadlake.ErrorCode(err), code)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRun(id, campaign string) leadlake.Run {
	return leadlake.Run{
		RunID: id, CampaignID: campaign, State: leadlake.RunRunning,
		Spec: leadlake.CampaignSpec{
			Name: "Plumbers “Q4”", Vertical: leadlake.LocalServices,
			Sources: []leadlake.SourceSpec{{Source: "list", Mapping: map[string]string{"name": "Firm"}}},
		},
	}
}

func runRoundTrip(t *testing.T, b bundle) {
	want := newRun("r1", "c1")
	want.DoneStep, want.Error = leadlake.StepIngest, "none"
	want.Funnel = leadlake.Funnel{Read: 5_000_000_000, Published: 1, Rejected: 2}
	must(t, b.CreateRun(t.Context(), want))
	got, err := b.reopen(t).Run(t.Context(), "r1")
	must(t, err)
	want.StartedAt, want.UpdatedAt = b.clock.Now(), b.clock.Now()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err = b.Run(t.Context(), "r2")
	wantCode(t, err, leadlake.NotFound)
}

func runTaken(t *testing.T, b bundle) {
	must(t, b.CreateRun(t.Context(), newRun("r1", "c1")))
	wantCode(t, b.CreateRun(t.Context(), newRun("r1", "c2")), leadlake.Conflict)
	got, err := b.Run(t.Context(), "r1")
	must(t, err)
	if got.CampaignID != "c1" {
		t.Errorf("the second run replaced the first")
	}
}

func runOrder(t *testing.T, b bundle) {
	for i := range 4 {
		b.clock.Advance(time.Second)
		must(t, b.CreateRun(t.Context(), newRun(fmt.Sprintf("r%d", i), fmt.Sprintf("c%d", i%2))))
	}
	for _, c := range []struct {
		campaign string
		limit    int
		want     []string
	}{
		{"", 0, []string{"r3", "r2", "r1", "r0"}},
		{"", 3, []string{"r3", "r2", "r1"}},
		{"c0", 10, []string{"r2", "r0"}},
		{"none", 10, nil},
	} {
		runs, err := b.Runs(t.Context(), c.campaign, c.limit)
		must(t, err)
		var got []string
		for _, r := range runs {
			got = append(got, r.RunID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("Runs(%q, %d): %s", c.campaign, c.limit, diff)
		}
	}
}

func runUpdate(t *testing.T, b bundle) {
	want := newRun("r1", "c1")
	must(t, b.CreateRun(t.Context(), want))
	want.StartedAt = b.clock.Now()
	b.clock.Advance(time.Minute)
	want.State, want.DoneStep, want.Error = leadlake.RunAwaiting, leadlake.StepScore, "slow"
	want.Funnel = leadlake.Funnel{Read: 3, Merged: 3}
	must(t, b.UpdateRun(t.Context(), want))
	want.UpdatedAt = b.clock.Now()
	got, err := b.Run(t.Context(), "r1")
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantCode(t, b.UpdateRun(t.Context(), newRun("r2", "c1")), leadlake.NotFound)
}

func runFinal(t *testing.T, b bundle) {
	for _, final := range []leadlake.RunState{leadlake.RunFailed, leadlake.RunPublished} {
		run := newRun(string(final), "c1")
		must(t, b.CreateRun(t.Context(), run))
		run.State = final
		must(t, b.UpdateRun(t.Context(), run))
		run.Error = "a later note"
		must(t, b.UpdateRun(t.Context(), run))
		run.State = leadlake.RunRunning
		wantCode(t, b.UpdateRun(t.Context(), run), leadlake.Conflict)
	}
}

func runUnfinished(t *testing.T, b bundle) {
	for _, id := range []string{"old", "newer", "done"} {
		b.clock.Advance(time.Second)
		must(t, b.CreateRun(t.Context(), newRun(id, "c1")))
	}
	done := newRun("done", "c1")
	done.State = leadlake.RunPublished
	must(t, b.UpdateRun(t.Context(), done))
	got, ok, err := b.UnfinishedRun(t.Context(), "c1")
	must(t, err)
	if !ok || got.RunID != "newer" {
		t.Errorf("got %q, %v", got.RunID, ok)
	}
	if _, ok, err := b.UnfinishedRun(t.Context(), "c2"); ok || err != nil {
		t.Errorf("a campaign without runs has one: %v, %v", ok, err)
	}
}

func campaignRoundTrip(t *testing.T, b bundle) {
	first := newRun("", "").Spec
	must(t, b.SaveCampaign(t.Context(), first))
	changed := first
	changed.Keywords = "plumber; drop table campaigns"
	must(t, b.SaveCampaign(t.Context(), changed))
	other := first
	other.Name = "A different one"
	must(t, b.SaveCampaign(t.Context(), other))
	got, err := b.Campaign(t.Context(), first.ID())
	must(t, err)
	if diff := cmp.Diff(changed, got); diff != "" {
		t.Error(diff)
	}
	all, err := b.Campaigns(t.Context())
	must(t, err)
	if diff := cmp.Diff([]leadlake.CampaignSpec{other, changed}, all); diff != "" {
		t.Error(diff)
	}
	_, err = b.Campaign(t.Context(), "none")
	wantCode(t, err, leadlake.NotFound)
}

func leaseExclusive(t *testing.T, b bundle) {
	lease, err := b.Acquire(t.Context(), "campaign/c1", "host:1", time.Minute)
	must(t, err)
	want := Lease{Name: "campaign/c1", Holder: "host:1", Token: 1, ExpiresAt: b.clock.Now().Add(time.Minute)}
	if diff := cmp.Diff(want, lease); diff != "" {
		t.Error(diff)
	}
	_, err = b.reopen(t).Acquire(t.Context(), "campaign/c1", "host:2", time.Minute)
	wantCode(t, err, leadlake.Conflict)
	for _, part := range []string{"campaign/c1", "host:1", "2026-11-24T09:01:00Z"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
	if _, err := b.Acquire(t.Context(), "campaign/c2", "host:2", time.Minute); err != nil {
		t.Errorf("another name is not free: %v", err)
	}
}

func leaseFenced(t *testing.T, b bundle) {
	old, err := b.Acquire(t.Context(), "l", "a", time.Minute)
	must(t, err)
	b.clock.Advance(time.Minute)
	taken, err := b.Acquire(t.Context(), "l", "b", time.Minute)
	must(t, err)
	if taken.Token <= old.Token {
		t.Errorf("token went from %d to %d", old.Token, taken.Token)
	}
	_, err = b.Renew(t.Context(), old, time.Minute)
	wantCode(t, err, leadlake.Conflict)
	must(t, b.Release(t.Context(), old)) // has no effect on b's
	_, err = b.Acquire(t.Context(), "l", "c", time.Minute)
	wantCode(t, err, leadlake.Conflict)
}

func leaseLate(t *testing.T, b bundle) {
	lease, err := b.Acquire(t.Context(), "l", "a", time.Minute)
	must(t, err)
	b.clock.Advance(time.Hour)
	lease, err = b.Renew(t.Context(), lease, time.Minute)
	must(t, err)
	if want := b.clock.Now().Add(time.Minute); !lease.ExpiresAt.Equal(want) {
		t.Errorf("expires at %s, want %s", lease.ExpiresAt, want)
	}
	_, err = b.Acquire(t.Context(), "l", "b", time.Minute)
	wantCode(t, err, leadlake.Conflict)
}

func leaseReleased(t *testing.T, b bundle) {
	first, err := b.Acquire(t.Context(), "l", "a", time.Minute)
	must(t, err)
	must(t, b.Release(t.Context(), first))
	must(t, b.Release(t.Context(), first))
	_, err = b.Renew(t.Context(), first, time.Minute)
	wantCode(t, err, leadlake.Conflict)
	second, err := b.Acquire(t.Context(), "l", "a", time.Minute)
	must(t, err)
	if second.Token != first.Token+1 {
		t.Errorf("token went from %d to %d", first.Token, second.Token)
	}
	_, err = b.Renew(t.Context(), Lease{Name: "none", Holder: "a", Token: 1}, time.Minute)
	wantCode(t, err, leadlake.Conflict)
}

func leaseHeld(t *testing.T, b bundle) {
	if _, ok, err := b.Held(t.Context(), "l"); ok || err != nil {
		t.Errorf("a lease that nobody took is held: %v, %v", ok, err)
	}
	lease, err := b.Acquire(t.Context(), "l", "a", time.Minute)
	must(t, err)
	got, ok, err := b.Held(t.Context(), "l")
	must(t, err)
	if diff := cmp.Diff(lease, got); diff != "" || !ok {
		t.Errorf("held: %v, %s", ok, diff)
	}
	b.clock.Advance(time.Minute)
	if _, ok, err := b.Held(t.Context(), "l"); ok || err != nil {
		t.Errorf("an expired lease is held: %v, %v", ok, err)
	}
}

func leaseRace(t *testing.T, b bundle) {
	const takers = 8
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range takers {
		s := b.reopen(t)
		wg.Go(func() {
			_, err := s.Acquire(t.Context(), "l", fmt.Sprint(i), time.Minute)
			switch leadlake.ErrorCode(err) {
			case "":
				won.Add(1)
			case leadlake.Conflict:
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of %d got the lease", won.Load(), takers)
	}
}

func pageUpsert(t *testing.T, b bundle) {
	second := LandedPage{
		RunID: "r1", Provider: "places", QueryID: "q1", Page: 2, ObjectKeys: []string{"raw/b", "raw/c"},
		Records: 20, Quarantined: 1, CostMicros: 32_000, NextCursor: "abc==", At: b.clock.Now().Add(-time.Hour),
	}
	first := LandedPage{RunID: "r1", Provider: "places", QueryID: "q1", Page: 1, Done: true}
	must(t, b.LandPage(t.Context(), second, nil))
	must(t, b.LandPage(t.Context(), first, nil))
	must(t, b.LandPage(t.Context(), LandedPage{RunID: "r2", Provider: "places", QueryID: "q1", Page: 1}, nil))
	second.Records, second.NextCursor, second.Done = 19, "", true
	must(t, b.LandPage(t.Context(), second, nil))
	got, err := b.LandedPages(t.Context(), "r1")
	must(t, err)
	first.At = b.clock.Now()
	if diff := cmp.Diff([]LandedPage{first, second}, got); diff != "" {
		t.Error(diff)
	}
}

func concurrentWriters(t *testing.T, b bundle) {
	const writers, pages = 6, 25
	var wg sync.WaitGroup
	for w := range writers {
		s := b.reopen(t)
		wg.Go(func() {
			for page := range pages {
				err := s.LandPage(t.Context(), LandedPage{RunID: "r", Provider: fmt.Sprint(w), QueryID: "q", Page: page}, nil)
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := b.LandedPages(t.Context(), "r")
	must(t, err)
	if len(got) != writers*pages {
		t.Errorf("%d pages, want %d", len(got), writers*pages)
	}
}

func concurrentOpen(t *testing.T, b bundle) {
	if !IsPostgres(b.dsn) {
		b.dsn += ".fresh"
	} else if _, err := b.db.ExecContext(t.Context(), "drop schema public cascade; create schema public"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := Open(context.WithoutCancel(t.Context()), b.dsn, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			s.Close()
		})
	}
	wg.Wait()
}

func newerDatabase(t *testing.T, b bundle) {
	_, err := b.db.ExecContext(t.Context(), "insert into goose_db_version (version_id, is_applied) values (99999, true)")
	must(t, err)
	_, err = Open(t.Context(), b.dsn, Options{})
	wantCode(t, err, leadlake.Invalid)
}

func stateCheck(t *testing.T, b bundle) {
	for _, state := range []leadlake.RunState{
		leadlake.RunRunning, leadlake.RunAwaiting, leadlake.RunPublished, leadlake.RunRejected, leadlake.RunFailed,
	} {
		run := newRun(string(state), "c1")
		run.State = state
		must(t, b.CreateRun(t.Context(), run))
	}
	bad := newRun("bad", "c1")
	bad.State = "sleeping"
	wantCode(t, b.CreateRun(t.Context(), bad), leadlake.Internal)
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, []byte("not a database, just some text that is long enough to be read as a header"), 0o600))
	for name, c := range map[string]struct {
		dsn  string
		code leadlake.Code
	}{
		"a folder that is a file":        {filepath.Join(file, "control.sqlite"), leadlake.Invalid},
		"a file of another kind":         {file, leadlake.Invalid},
		"a server that does not answer":  {"postgres://u:sesame@127.0.0.1:1/d", leadlake.Unavailable},
		"an address that cannot be read": {"postgres://u:sesame@127.0.0.1:port/d", leadlake.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(t.Context(), c.dsn, Options{})
			wantCode(t, err, c.code)
			var e *leadlake.Error
			if !errors.As(err, &e) || e.Fix == "" {
				t.Errorf("%v names no fix", err)
			}
			if strings.Contains(err.Error(), "sesame") {
				t.Errorf("%v shows the password", err)
			}
		})
	}
}

func TestEveryQueryIsKnown(t *testing.T) {
	t.Parallel()
	queries := parseQueries(queryText + deliveryText)
	if len(queries) == 0 {
		t.Error("queries.sql has no query")
	}
	for name, text := range queries {
		if text == "" || strings.ContainsAny(name, " \r") {
			t.Errorf("query %q is %q", name, text)
		}
	}
	s := &Store{db: &sql.DB{}, queries: queries}
	if s.queries["run"] == "" {
		t.Error("query run is missing")
	}
}
