package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
)

// open returns a client that may call the test server and waits next to
// nothing between attempts.
func open(t *testing.T, cfg Config) *Client {
	t.Helper()
	if cfg.Allow == nil {
		cfg.Allow = []string{"127.0.0.1"}
	}
	orDefault(&cfg.BaseDelay, time.Millisecond)
	orDefault(&cfg.MaxDelay, 4*time.Millisecond)
	c, err := New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// serve starts a server that counts its calls.
func serve(t *testing.T, h func(w http.ResponseWriter, r *http.Request, call int64)) (base string, calls *atomic.Int64) {
	t.Helper()
	calls = &atomic.Int64{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h(w, r, calls.Add(1))
	}))
	t.Cleanup(srv.Close)
	return srv.URL, calls
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, r)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestDo_answer_arrives_whole(t *testing.T) {
	t.Parallel()
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request, _ int64) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.Method, body, r.Header.Get("User-Agent"))
	})
	resp, err := open(t, Config{UserAgent: "ua"}).Do(request(t, http.MethodPost, base, "in"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	if got, want := string(body), "POST in ua"; got != want {
		t.Errorf("body = %q, want %q", got, want)
	}
}

func TestDo_refuses_addresses_inside_the_network(t *testing.T) {
	t.Parallel()
	base, calls := serve(t, func(http.ResponseWriter, *http.Request, int64) {})
	port := base[strings.LastIndex(base, ":"):]
	for _, target := range []string{
		base,
		"http://localhost" + port, // a name that resolves to loopback
		"http://[::ffff:127.0.0.1]" + port,
		"http://0.0.0.0" + port,
		"http://169.254.169.254/latest/meta-data/",
	} {
		c := open(t, Config{Allow: []string{"192.168.77.0/24"}, MaxAttempts: 1, Timeout: 2 * time.Second})
		_, err := c.Do(request(t, http.MethodGet, target, ""))
		if got := leadlake.ErrorCode(err); got != leadlake.Forbidden {
			t.Errorf("GET %s: code %q (%v), want forbidden", target, got, err)
		}
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("the server was reached %d times", n)
	}
}

func TestGuard_knows_the_open_internet(t *testing.T) {
	t.Parallel()
	g, err := newGuard([]string{"10.1.0.0/16", "127.0.0.1:8093", "::1"})
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]bool{
		"8.8.8.8:443":                    true,
		"[2606:4700::1111]:443":          true,
		"10.1.2.3:80":                    true,
		"10.2.0.1:80":                    false,
		"127.0.0.1:8093":                 true,
		"127.0.0.1:8094":                 false,
		"[::1]:80":                       true,
		"[::ffff:10.2.0.1]:80":           false,
		"[::ffff:10.1.0.1]:80":           true,
		"[fe80::1%eth0]:80":              false,
		"[fd00:ec2::254]:80":             false,
		"[64:ff9b::a9fe:a9fe]:80":        false,
		"[2002:7f00:1::]:80":             false,
		"100.100.100.200:80":             false,
		"172.16.0.1:80":                  false,
		"192.168.1.1:80":                 false,
		"224.0.0.1:80":                   false,
		"255.255.255.255:80":             false,
		"[::]:80":                        false,
		"[::127.0.0.1]:80":               false,
		"[2001:0:53aa:64c:0:fbff::1]:80": false,
	} {
		if got := g.allowed(netip.MustParseAddrPort(target)); got != want {
			t.Errorf("allowed(%s) = %v, want %v", target, got, want)
		}
	}
}

func TestNew_names_the_bad_setting(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"example.com": {Allow: []string{"example.com"}},
		"not a base":  {Providers: []Provider{{Name: "p", BaseURL: "/v1"}}},
	} {
		_, err := New(cfg)
		if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), name) {
			t.Errorf("New: %v, want an invalid error with %q", err, name)
		}
	}
}

func TestDo_follows_redirects_within_the_host_only(t *testing.T) {
	t.Parallel()
	other, stolen := serve(t, func(http.ResponseWriter, *http.Request, int64) {})
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request, _ int64) {
		switch r.URL.Path {
		case "/in":
			http.Redirect(w, r, "/there", http.StatusFound)
		case "/out":
			http.Redirect(w, r, other, http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			io.WriteString(w, "arrived")
		}
	})
	c := open(t, Config{})
	if resp, err := c.Do(request(t, http.MethodGet, base+"/in", "")); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("redirect within the host: %v", err)
	}
	for _, path := range []string{"/out", "/loop"} {
		if _, err := c.Do(request(t, http.MethodGet, base+path, "")); leadlake.ErrorCode(err) != leadlake.Forbidden {
			t.Errorf("%s: %v, want forbidden", path, err)
		}
	}
	if stolen.Load() != 0 {
		t.Error("the other host was called")
	}
}

func TestDo_body_over_the_cap_is_an_error(t *testing.T) {
	t.Parallel()
	base, calls := serve(t, func(w http.ResponseWriter, r *http.Request, _ int64) {
		w.Write(bytes.Repeat([]byte("x"), 1000))
	})
	if _, err := open(t, Config{MaxBody: 1000}).Do(request(t, http.MethodGet, base, "")); err != nil {
		t.Errorf("a body of the cap: %v", err)
	}
	_, err := open(t, Config{MaxBody: 999}).Do(request(t, http.MethodGet, base, ""))
	if leadlake.ErrorCode(err) != leadlake.Invalid {
		t.Errorf("a body over the cap: %v, want invalid", err)
	}
	if n := calls.Load(); n != 2 {
		t.Errorf("%d calls, want 2: too large a body must not be fetched again", n)
	}
}

const (
	dayQuota    = `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"m","details":[{"metadata":{"quota_limit":"SearchTextRequestPerDayPerProject"}}]}}`
	minuteQuota = `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"m","details":[{"metadata":{"quota_limit":"SearchTextRequestPerMinutePerProject"}}]}}`
	dayMessage  = `{"error":{"message":"Quota exceeded for quota metric 'a' and limit 'a per day' of service 'b'."}}`
)

func TestDo_repeats_what_may_be_repeated(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method     string
		readOnly   bool
		status     int
		retryAfter string
		body       string
		calls      int64
	}{
		"503 of a GET, up to the limit":           {method: "GET", status: 503, calls: 4},
		"503 of a POST may have had an effect":    {method: "POST", status: 503, calls: 1},
		"503 of a POST that only reads":           {method: "POST", readOnly: true, status: 503, calls: 4},
		"429 of a POST was never carried out":     {method: "POST", status: 429, calls: 4},
		"429 of the minute":                       {method: "POST", status: 429, body: minuteQuota, calls: 4},
		"429 of the day":                          {method: "POST", status: 429, body: dayQuota, calls: 1},
		"429 of the day, by its message":          {method: "POST", status: 429, body: dayMessage, calls: 1},
		"429 that asks for too long":              {method: "GET", status: 429, retryAfter: "3600", calls: 1},
		"429 that asks for too long, by the date": {method: "GET", status: 429, retryAfter: "Fri, 31 Dec 2100 23:59:59 GMT", calls: 1},
		"429 with an unreadable wait":             {method: "GET", status: 429, retryAfter: "soon", calls: 4},
		"400":                                     {method: "GET", status: 400, calls: 1},
		"501":                                     {method: "GET", status: 501, calls: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, calls := serve(t, func(w http.ResponseWriter, r *http.Request, _ int64) {
				if body, _ := io.ReadAll(r.Body); string(body) != "in" {
					t.Errorf("request body %q", body)
				}
				if tt.retryAfter != "" {
					w.Header().Set("Retry-After", tt.retryAfter)
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			})
			c := open(t, Config{MaxAttempts: 4, ReadOnly: tt.readOnly})
			req := request(t, tt.method, base, "in")
			req.GetBody = nil // as a caller with a plain reader sends it
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != tt.status || string(body) != tt.body {
				t.Errorf("last answer = %d %q, want %d %q", resp.StatusCode, body, tt.status, tt.body)
			}
			if n := calls.Load(); n != tt.calls {
				t.Errorf("%d calls, want %d", n, tt.calls)
			}
		})
	}
}

func TestDo_cut_body_is_fetched_again(t *testing.T) {
	t.Parallel()
	base, calls := serve(t, func(w http.ResponseWriter, r *http.Request, call int64) {
		if call == 1 {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "half")
			return
		}
		io.WriteString(w, "whole")
	})
	resp, err := open(t, Config{ReadOnly: true}).Do(request(t, http.MethodPost, base, "in"))
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != "whole" || calls.Load() != 2 {
		t.Errorf("body %q after %d calls", body, calls.Load())
	}
}

func TestDo_network_failure_is_unavailable_and_hides_the_key(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(nil)
	base := srv.URL
	srv.Close()
	var log bytes.Buffer
	c := open(t, Config{MaxAttempts: 2, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	req := request(t, http.MethodGet, base+"/path?key=s3cret", "")
	req.Header.Set("X-Goog-Api-Key", "s3cret")
	_, err := c.Do(req)
	if leadlake.ErrorCode(err) != leadlake.Unavailable {
		t.Fatalf("err = %v, want unavailable", err)
	}
	if strings.Contains(err.Error(), "s3cret") || strings.Contains(log.String(), "s3cret") {
		t.Errorf("the key shows in %q or the log %q", err, log.String())
	}
	if n := strings.Count(log.String(), "http call"); n != 2 {
		t.Errorf("%d lines logged, want 2", n)
	}
}

func TestDo_attempt_ends_at_the_timeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	base, calls := serve(t, func(w http.ResponseWriter, r *http.Request, _ int64) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	_, err := open(t, Config{Timeout: 30 * time.Millisecond, MaxAttempts: 2}).Do(request(t, http.MethodGet, base, ""))
	if leadlake.ErrorCode(err) != leadlake.Unavailable || calls.Load() != 2 {
		t.Errorf("err = %v after %d calls, want unavailable after 2", err, calls.Load())
	}
}

func TestDo_caller_that_gives_up_is_not_kept_waiting(t *testing.T) {
	t.Parallel()
	base, calls := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int64) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := open(t, Config{}).Do(request(t, http.MethodGet, base, "").WithContext(ctx))
	if !errors.Is(err, context.DeadlineExceeded) || calls.Load() != 1 {
		t.Errorf("err = %v after %d calls, want the deadline after 1", err, calls.Load())
	}
}

func TestDo_breaker_stops_calling_what_is_down(t *testing.T) {
	t.Parallel()
	base, calls := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int64) {
		w.WriteHeader(http.StatusInternalServerError)
	})
	c := open(t, Config{MaxAttempts: 1, BreakerFailures: 3, BreakerDelay: time.Hour})
	for range 3 {
		if _, err := c.Do(request(t, http.MethodGet, base, "")); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.Do(request(t, http.MethodGet, base, ""))
	if leadlake.ErrorCode(err) != leadlake.Unavailable || calls.Load() != 3 {
		t.Errorf("err = %v after %d calls, want unavailable after 3", err, calls.Load())
	}
}

func TestDo_each_provider_keeps_its_rate(t *testing.T) {
	t.Parallel()
	base, _ := serve(t, func(http.ResponseWriter, *http.Request, int64) {})
	c := open(t, Config{Providers: []Provider{
		{Name: "slow", BaseURL: base + "/slow", RatePerSecond: 50, Burst: 1},
		{Name: "root", BaseURL: base},
	}})
	start := time.Now()
	for range 6 {
		if _, err := c.Do(request(t, http.MethodGet, base+"/slow/x", "")); err != nil {
			t.Fatal(err)
		}
	}
	if d := time.Since(start); d < 95*time.Millisecond {
		t.Errorf("6 calls at 50 a second took %s, want 100 ms or more", d)
	}
	host := strings.TrimPrefix(base, "http://")
	for url, want := range map[string]string{
		base + "/slow":            "slow",
		base + "/slowly":          "root",
		base + "/":                "root",
		"https://other.example/a": "other.example",
		"http://" + host + "9/a":  host + "9",
	} {
		if got := c.lanes.of(Call{}, request(t, http.MethodGet, url, "").URL).name; got != want {
			t.Errorf("%s counts as a call to %s, want %s", url, got, want)
		}
	}
}

func TestDo_waits_as_long_as_it_is_told(t *testing.T) {
	t.Parallel()
	var first time.Time
	base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request, call int64) {
		if call == 1 {
			first = time.Now()
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		if waited := time.Since(first); waited < time.Second {
			t.Errorf("came back after %s", waited)
		}
	})
	resp, err := open(t, Config{}).Do(request(t, http.MethodGet, base, ""))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("Do: %v", err)
	}
}

func TestBackoff_doubles_up_to_its_bound(t *testing.T) {
	t.Parallel()
	cfg := Config{BaseDelay: time.Second, MaxDelay: 10 * time.Second}
	for n, want := range map[int]time.Duration{1: 1, 2: 2, 3: 4, 4: 8, 5: 10, 60: 10} {
		if got := backoffBound(cfg, n); got != want*time.Second {
			t.Errorf("bound after attempt %d = %s, want %s", n, got, want*time.Second)
		}
	}
}

func TestRetryAfter_reads_both_forms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		" 7 ":                           7 * time.Second,
		"-7":                            0,
		"99999999999999":                0,
		"Tue, 24 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Tue, 24 Nov 2026 11:00:00 GMT": 0,
		"tomorrow":                      0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("retryAfter(%q) = %s, want %s", header, got, want)
		}
	}
}

func FuzzQuotaOfTheDay(f *testing.F) {
	f.Add([]byte(dayQuota))
	f.Add([]byte(`{"error":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) { quotaOfTheDay(body) })
}
