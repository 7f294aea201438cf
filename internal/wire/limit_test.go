package wire

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/testservers"
)

func TestLimit_windows_end_where_the_provider_says(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		limit Limit
		now   string
		want  string
	}{
		"a rolling hour":                          {Limit{Per: PerHour}, "2026-11-24T12:10:00Z", "2026-11-24T13:10:00Z"},
		"a rolling day":                           {Limit{Per: PerDay}, "2026-11-24T12:10:00Z", "2026-11-25T12:10:00Z"},
		"a day of UTC":                            {Limit{Per: PerDay, Reset: UTCMidnight}, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
		"a day of UTC at its first moment":        {Limit{Per: PerDay, Reset: UTCMidnight}, "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"},
		"a Pacific day in winter":                 {Limit{Per: PerDay, Reset: PacificMidnight}, "2026-11-24T07:59:59Z", "2026-11-24T08:00:00Z"},
		"a Pacific day in summer":                 {Limit{Per: PerDay, Reset: PacificMidnight}, "2026-07-01T07:00:00Z", "2026-07-02T07:00:00Z"},
		"a Pacific day of 23 hours":               {Limit{Per: PerDay, Reset: PacificMidnight}, "2026-03-08T08:00:00Z", "2026-03-09T07:00:00Z"},
		"a month of the calendar":                 {Limit{Per: PerMonth}, "2026-02-03T04:05:06Z", "2026-03-01T00:00:00Z"},
		"December ends with the year":             {Limit{Per: PerMonth, Reset: UTCMidnight}, "2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z"},
		"a Pacific month, which ends at 8 in UTC": {Limit{Per: PerMonth, Reset: PacificMidnight}, "2026-12-01T07:00:00Z", "2026-12-01T08:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tt.limit.end(now)
		if err != nil || got.Format(time.RFC3339) != tt.want {
			t.Errorf("%s: from %s it ends at %s (%v), want %s", name, tt.now, got.Format(time.RFC3339), err, tt.want)
		}
	}
}

// limiters are the drivers, each as two handles on one state.
func limiters(t *testing.T) map[string][2]Limiter {
	address := testservers.StartRedis(t)
	m := newMemory()
	all := map[string][2]Limiter{"memory": {m, m}}
	var pair [2]Limiter
	for i := range pair {
		r, err := OpenRedis(t.Context(), address, "test:")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		pair[i] = r
	}
	all["redis"] = pair
	return all
}

func TestLimiter_drivers_agree(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return now.Add(time.Duration(seconds) * time.Second) }
	for name, pair := range limiters(t) {
		a, b := pair[0], pair[1]
		pace := func(l Limiter, key string, n, from, latest int) func() (time.Time, bool, error) {
			return func() (time.Time, bool, error) {
				return l.Pace(t.Context(), key, n, time.Second, at(from), at(latest))
			}
		}
		count := func(l Limiter, key string, n, from, end int) func() (time.Time, bool, error) {
			return func() (time.Time, bool, error) { return l.Count(t.Context(), key, n, 5, at(from), at(end)) }
		}
		hold := func(l Limiter, key string, until int) func() (time.Time, bool, error) {
			return func() (time.Time, bool, error) {
				return at(until), true, l.Hold(t.Context(), key, at(until))
			}
		}
		for _, step := range []struct {
			what string
			do   func() (time.Time, bool, error)
			want int
			ok   bool
		}{
			{"three places", pace(a, "k", 3, 0, 60), 0, true},
			{"the next is after them", pace(b, "k", 1, 0, 60), 3, true},
			{"too far ahead", pace(a, "k", 1, 0, 3), 4, false},
			{"still free", pace(b, "k", 1, 0, 4), 4, true},
			{"a rest is not saved up", pace(a, "k", 1, 20, 60), 20, true},
			{"another key", pace(a, "other", 1, 0, 60), 0, true},
			{"a hold", hold(a, "k", 50), 50, true},
			{"a shorter hold changes nothing", hold(a, "k", 40), 40, true},
			{"the other sees the hold", pace(b, "k", 1, 30, 60), 50, true},
			{"a hold of an unknown key", hold(b, "new", 7), 7, true},
			{"which is seen", pace(a, "new", 1, 0, 0), 7, false},
			{"a window opens", count(a, "c", 3, 0, 3600), 3600, true},
			{"no room for three more", count(b, "c", 3, 60, 3660), 3600, false},
			{"but for two", count(b, "c", 2, 60, 3660), 3600, true},
			{"it is full", count(a, "c", 1, 3599, 7199), 3600, false},
			{"the next window", count(b, "c", 1, 3600, 7200), 7200, true},
			{"more than fits ever", count(a, "d", 6, 0, 10), 10, false},
		} {
			got, ok, err := step.do()
			if err != nil || ok != step.ok || !got.Equal(at(step.want)) {
				t.Errorf("%s: %s: %s after the start, %v, %v; want %d s, %v", name, step.what, got.Sub(now), ok, err, step.want, step.ok)
			}
		}
	}
}

func TestOpenRedis_says_what_is_wrong_without_the_password(t *testing.T) {
	t.Parallel()
	for address, code := range map[string]leadlake.Code{
		"redis://u:s3cret@127.0.0.1:1/0": leadlake.Unavailable,
		"redis://u:s3cret@host:port/0":   leadlake.Invalid,
	} {
		_, err := OpenRedis(t.Context(), address, "")
		if leadlake.ErrorCode(err) != code || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %s and no password", address, err, code)
		}
	}
}

// ok answers everything at once.
func ok(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

func callWith(t *testing.T, c *Client, call Call) error {
	t.Helper()
	req, err := http.NewRequestWithContext(WithCall(t.Context(), call), http.MethodGet, "http://p.example/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(req)
	return err
}

func TestLimits_a_day_that_is_used_up_ends_the_call_and_says_until_when(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := simClient(t, roundTrip(ok), nil, Provider{Limits: []Limit{
			{Calls: 3, Per: PerDay, Reset: UTCMidnight},
			{Endpoint: "rare", Calls: 1, Per: PerMonth},
		}})
		start := time.Now() // midnight of UTC
		for range 2 {
			if err := callWith(t, c, Call{Endpoint: "often"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := callWith(t, c, Call{Endpoint: "rare"}); err != nil {
			t.Fatal(err)
		}
		err := callWith(t, c, Call{Endpoint: "often"})
		const want = "call p: the 3 calls of this day are used up until 2000-01-02T00:00:00Z; run it again then: it goes on where it stopped"
		if leadlake.ErrorCode(err) != leadlake.RateLimited || err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
		if err := callWith(t, c, Call{Account: "another", Endpoint: "often"}); err != nil {
			t.Errorf("another account: %v", err)
		}
		if waited := time.Since(start); waited > 5*time.Second {
			t.Errorf("it took %s to say so", waited)
		}
		time.Sleep(24 * time.Hour)
		if err := callWith(t, c, Call{Endpoint: "often"}); err != nil {
			t.Errorf("the next day: %v", err)
		}
		err = callWith(t, c, Call{Endpoint: "rare"})
		if leadlake.ErrorCode(err) != leadlake.RateLimited || !strings.Contains(err.Error(), "the 1 calls to rare of this month are used up until 2000-02-01T00:00:00Z") {
			t.Errorf("the month: %v", err)
		}
	})
}

func TestLimits_an_hour_is_waited_for_where_it_is_near(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := simClient(t, roundTrip(ok), nil, Provider{Limits: []Limit{{Calls: 2, Per: PerHour}}})
		start := time.Now()
		for range 2 {
			if err := callWith(t, c, Call{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := callWith(t, c, Call{}); leadlake.ErrorCode(err) != leadlake.RateLimited || time.Since(start) > time.Second {
			t.Errorf("an hour before: %v after %s", err, time.Since(start))
		}
		time.Sleep(58*time.Minute + 30*time.Second)
		if err := callWith(t, c, Call{}); err != nil || time.Since(start) != time.Hour {
			t.Errorf("90 s before: %v after %s, want an answer after an hour", err, time.Since(start))
		}
	})
}

func TestLimits_a_deadline_before_the_next_place_ends_the_call_at_once(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := simClient(t, roundTrip(ok), nil, Provider{Limits: []Limit{{Calls: 1, Per: PerMinute}}})
		if err := callWith(t, c, Call{}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://p.example/x", nil)
		_, err := c.Do(req)
		if leadlake.ErrorCode(err) != leadlake.RateLimited || time.Since(start) > 0 {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestLimits_a_rate_of_the_operator_stands_in_place_of_short_windows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := simClient(t, roundTrip(ok), nil, Provider{
			RatePerSecond: 10, Burst: 5,
			Limits: []Limit{{Calls: 1, Per: PerMinute}, {Calls: 25, Per: PerDay}},
		})
		start := time.Now()
		for range 25 {
			if err := callWith(t, c, Call{}); err != nil {
				t.Fatal(err)
			}
		}
		// Five at once, then twenty at ten a second.
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("25 calls took %s, want 2 s", took)
		}
		if err := callWith(t, c, Call{}); leadlake.ErrorCode(err) != leadlake.RateLimited {
			t.Errorf("the day's limit does not hold: %v", err)
		}
	})
}

func TestLimits_a_caller_that_gives_up_leaves_the_line(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := simClient(t, roundTrip(ok), nil, Provider{Limits: []Limit{{Calls: 1, Per: PerMinute}}})
		if err := callWith(t, c, Call{}); err != nil {
			t.Fatal(err)
		}
		why := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Second, func() { cancel(why) })
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://p.example/x", nil)
		start := time.Now()
		if _, err := c.Do(req); !errors.Is(err, why) || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestFileName_is_safe_and_plain_where_it_can_be(t *testing.T) {
	t.Parallel()
	for id, plain := range map[string]bool{"0123abcd": true, "a-b_C": true, "../../etc/passwd": false, "a/b": false, "": true, strings.Repeat("a", 300): false, "a.b": false} {
		name := fileName(id)
		if filepath.Base(name) != name || len(name) > 120 || (name == id+".json") != plain {
			t.Errorf("%q becomes %q", id, name)
		}
	}
}
