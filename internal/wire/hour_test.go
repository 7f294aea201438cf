package wire

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadlake/leadlake"
)

// strict is a provider that reads its limits in the hardest way: no window of
// their length, wherever it begins, may hold more calls. Windows that begin
// with the clock are among them. It answers after a while, which differs from
// call to call.
type strict struct {
	limits []Limit
	travel time.Duration // longest way to the provider
	work   time.Duration // longest time it takes to answer

	mu      sync.Mutex
	rand    *rand.Rand
	log     map[Limit][]time.Time // of as many calls as the limit has
	refused []time.Time
}

func newStrict(seed uint64, travel, work time.Duration, limits []Limit) *strict {
	return &strict{limits: limits, travel: travel, work: work, rand: rand.New(rand.NewPCG(seed, 1)), log: map[Limit][]time.Time{}}
}

func (s *strict) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	travel, work := time.Duration(s.rand.Int64N(int64(s.travel)+1)), time.Duration(s.rand.Int64N(int64(s.work)+1))
	s.mu.Unlock()
	time.Sleep(travel)
	status := s.count(time.Now(), callOf(req.Context()).Endpoint)
	time.Sleep(work)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
}

// count is the status of a call at now. A refused call counts for nothing.
func (s *strict) count(now time.Time, endpoint string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.limits {
		if l.Endpoint != "" && l.Endpoint != endpoint {
			continue
		}
		if log := s.log[l]; len(log) == l.Calls && log[0].After(now.Add(-l.Per.length())) {
			s.refused = append(s.refused, now)
			return http.StatusTooManyRequests
		}
	}
	for _, l := range s.limits {
		if l.Endpoint == "" || l.Endpoint == endpoint {
			s.log[l] = append(s.log[l], now)
			if over := len(s.log[l]) - l.Calls; over > 0 {
				s.log[l] = s.log[l][over:]
			}
		}
	}
	return http.StatusOK
}

// simClient has the limits of a provider and reaches a transport only. It uses
// the clock of its bubble.
func simClient(t *testing.T, transport http.RoundTripper, limiter Limiter, p Provider) *Client {
	t.Helper()
	p.Name, p.BaseURL = "p", "http://p.example"
	c, err := New(Config{Providers: []Provider{p}, Limiter: limiter, ReadOnly: true, Rand: rand.New(rand.NewPCG(7, 7)).Float64})
	if err != nil {
		t.Fatal(err)
	}
	c.http.Transport = transport
	return c
}

// work sends one call after the other until end, or until a limit says that it
// is over, and returns how many were answered.
func work(t *testing.T, c *Client, call Call, end time.Time) (answered int) {
	call.Provider = "p"
	ctx, cancel := context.WithDeadline(WithCall(t.Context(), call), end)
	defer cancel()
	for time.Now().Before(end) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://p.example/x", nil)
		if err != nil {
			t.Error(err)
			return answered
		}
		resp, err := c.Do(req)
		switch {
		case leadlake.ErrorCode(err) == leadlake.RateLimited, ctx.Err() != nil:
			return answered
		case err != nil:
			t.Errorf("after %d answers: %v", answered, err)
			return answered
		case resp.StatusCode == http.StatusOK:
			answered++
		}
	}
	return answered
}

// allowed is what an hour may hold.
func allowed(limits []Limit) int {
	most := 1 << 30
	for _, l := range limits {
		most = min(most, l.Calls*max(1, int(time.Hour/l.Per.length())))
	}
	return most
}

func TestLimits_an_hour_is_used_and_nothing_is_refused(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string][]Limit{
		"google":         {{Calls: 600, Per: PerMinute}, {Calls: 75000, Per: PerDay, Reset: PacificMidnight}},
		"yelp":           {{Calls: 300, Per: PerDay, Reset: UTCMidnight}},
		"crunchbase":     {{Calls: 200, Per: PerMinute}},
		"apollo":         {{Calls: 200, Per: PerMinute}, {Calls: 6000, Per: PerHour}, {Calls: 50000, Per: PerDay}},
		"hunter":         {{Calls: 15, Per: PerSecond}, {Calls: 500, Per: PerMinute}},
		"pdl search":     {{Calls: 10, Per: PerMinute}},
		"pdl enrich":     {{Calls: 100, Per: PerMinute}},
		"geocoding":      {{Calls: 3000, Per: PerMinute}},
		"opencorporates": {{Calls: 50, Per: PerDay}},
		"clearbit":       {{Calls: 600, Per: PerMinute}},
		"by endpoint":    {{Calls: 600, Per: PerMinute}, {Endpoint: "slow", Calls: 60, Per: PerMinute}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// Four workers keep up with the limit where an answer takes
				// less than four times the space between two calls.
				provider := newStrict(3, 40*time.Millisecond, 30*time.Millisecond, limits)
				c := simClient(t, provider, nil, Provider{Limits: limits})
				start := time.Now()
				var wg sync.WaitGroup
				var mu sync.Mutex
				total := 0
				for i := range 4 {
					call := Call{Account: "a", Endpoint: "fast"}
					if i == 3 {
						call.Endpoint = "slow"
					}
					wg.Go(func() {
						n := work(t, c, call, start.Add(time.Hour))
						mu.Lock()
						defer mu.Unlock()
						total += n
					})
				}
				wg.Wait()
				want := allowed(limits)
				if name == "by endpoint" {
					want = 60 * 600 // of all endpoints together
				}
				if len(provider.refused) > 0 {
					t.Errorf("%d calls refused, the first after %s", len(provider.refused), provider.refused[0].Sub(start))
				}
				if total*100 < want*95 || total > want {
					t.Errorf("%d of %d calls used, %.1f%%", total, want, float64(total)*100/float64(want))
				}
				t.Logf("%d of %d calls, %.2f%%", total, want, float64(total)*100/float64(want))
			})
		})
	}
}

func TestLimits_processes_share_an_hour(t *testing.T) {
	t.Parallel()
	limits := []Limit{{Calls: 15, Per: PerSecond}, {Calls: 500, Per: PerMinute}, {Calls: 20000, Per: PerHour}}
	synctest.Test(t, func(t *testing.T) {
		provider := newStrict(5, 40*time.Millisecond, 200*time.Millisecond, limits)
		shared := &bookings{Limiter: newMemory()}
		start := time.Now()
		var wg sync.WaitGroup
		var mu sync.Mutex
		total := 0
		for range 2 { // two clients are two processes: they share the Limiter alone
			c := simClient(t, provider, shared, Provider{Limits: limits})
			for range 4 {
				wg.Go(func() {
					n := work(t, c, Call{Account: "a"}, start.Add(time.Hour))
					mu.Lock()
					defer mu.Unlock()
					total += n
				})
			}
		}
		wg.Wait()
		if len(provider.refused) > 0 {
			t.Errorf("%d calls refused, the first after %s", len(provider.refused), provider.refused[0].Sub(start))
		}
		if total*100 < 20000*95 {
			t.Errorf("%d of 20000 calls used", total)
		}
		if n := shared.made(); n > total/2 {
			t.Errorf("%d bookings for %d calls, want half as many at most", n, total)
		}
		t.Logf("%d of 20000 calls, %d bookings", total, shared.made())
	})
}

// bookings counts what a Limiter is asked.
type bookings struct {
	Limiter
	mu sync.Mutex
	n  int
}

func (b *bookings) made() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

func (b *bookings) Pace(ctx context.Context, key string, n int, spacing time.Duration, earliest, latest time.Time) (time.Time, bool, error) {
	b.mu.Lock()
	b.n++
	b.mu.Unlock()
	return b.Limiter.Pace(ctx, key, n, spacing, earliest, latest)
}

func (b *bookings) Count(ctx context.Context, key string, n, limit int, now, end time.Time) (time.Time, bool, error) {
	b.mu.Lock()
	b.n++
	b.mu.Unlock()
	return b.Limiter.Count(ctx, key, n, limit, now, end)
}

func TestLimits_too_many_is_told_to_every_process(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := []Limit{{Calls: 600, Per: PerMinute}}
		start := time.Now()
		shared := newMemory()
		var wg sync.WaitGroup
		var calls [2][]time.Duration
		for i := range calls {
			provider := roundTrip(func(req *http.Request) (*http.Response, error) {
				since := time.Since(start)
				calls[i] = append(calls[i], since)
				resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}
				if since >= 5*time.Second && since < 25*time.Second {
					resp.StatusCode = http.StatusTooManyRequests
					resp.Header.Set("Retry-After", strconv.Itoa(int((25*time.Second-since)/time.Second)+1))
				}
				return resp, nil
			})
			c := simClient(t, provider, shared, Provider{Limits: limits})
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Second) // the second begins within the pause
				work(t, c, Call{}, start.Add(40*time.Second))
			})
		}
		wg.Wait()
		during := func(calls []time.Duration) (n int) {
			for _, at := range calls {
				if at >= 5*time.Second && at < 25*time.Second {
					n++
				}
			}
			return n
		}
		if a, b := during(calls[0]), during(calls[1]); a != 1 || b != 0 {
			t.Errorf("%d and %d calls in the pause that the provider asked for, want 1 and 0", a, b)
		}
		for _, c := range calls {
			if len(c) == 0 || c[len(c)-1] < 39*time.Second {
				t.Errorf("the pause did not end: calls at %v", c)
			}
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
