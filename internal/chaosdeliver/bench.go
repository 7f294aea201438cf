package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/internal/wire"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
)

// What has to hold.
const (
	leastOfLimit   = 0.95
	leastEvents    = 2000 // a second, on two cores
	mostRefused    = 500  // one of so many
	mostOfSecond   = 5 * time.Second
	hubspotPerTen  = 190 // calls in ten seconds of a professional account
	cores          = 2
	salesforceDays = 4
	latency        = 300 * time.Millisecond
)

// bench measures deliveries beside the limits that hold for them.
func bench(ctx context.Context, w io.Writer, o options) error {
	var errs []error
	for _, b := range []struct {
		name string
		run  func(context.Context, io.Writer, options) error
	}{{"webhook", benchWebhook}, {"bulk", benchBulk}, {"salesforce", benchDays}, {"hubspot", benchHubspot}} {
		if o.only == "" || o.only == b.name {
			errs = append(errs, b.run(ctx, w, o))
		}
	}
	return errors.Join(errs...)
}

// measured is what a process that delivered says about one run.
type measured struct {
	Summary deliver.Summary
	Wall    time.Duration
	CPU     time.Duration // of the process
}

// trial is a delivery by a process of its own, twice: the second run finds
// nothing changed. Calls are noted with their time.
type trial struct {
	first, second measured
	calls         map[string]int // by path of the first run
	began, ended  time.Time      // of the first and the last call that reads or writes records
	records       int            // their number
	refused       int            // calls that were too many
	again         int            // calls of the second run
}

// slowed is a clock that goes slower than the real one, for machines that have
// more to do: it leaves engine and sandbox the time that they would have alone.
type slowed struct {
	Began time.Time
	Times int
}

func (c slowed) now() time.Time { return c.Began.Add(time.Since(c.Began) / time.Duration(c.Times)) }

func (c slowed) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d * time.Duration(c.Times))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// try delivers n leads to a place, with the limits on.
func try(ctx context.Context, name string, n, slow int) (*trial, error) {
	folder, err := os.MkdirTemp("", "leadlake-benchdeliver-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	clock := slowed{time.Now().Round(0), slow} // as another process reads it
	box := crm.New(crm.Config{Limits: true, Now: clock.now})
	if name == "hubspot" { // as long as theirs take, of which a local sandbox has nothing
		s := &stage{box: box}
		if err := s.control(http.MethodPost, "faults", fmt.Sprintf(`{"latency_ms": %d}`, latency.Milliseconds()*int64(slow)), nil); err != nil {
			return nil, err
		}
	}
	t := &trial{calls: map[string]int{}}
	var mu sync.Mutex
	second := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/second" { // the process begins its second run
			mu.Lock()
			second = true
			mu.Unlock()
			return
		}
		began := clock.now()
		answer := &noting{ResponseWriter: w}
		box.ServeHTTP(answer, r)
		mu.Lock()
		defer mu.Unlock()
		if second {
			t.again++
			return
		}
		t.calls[r.URL.Path]++
		if answer.status == http.StatusTooManyRequests {
			t.refused++
		}
		if strings.Contains(r.URL.Path, "batch") || strings.Contains(r.URL.Path, "composite") || strings.Contains(r.URL.Path, "query") || strings.Contains(r.URL.Path, "webhook") {
			if t.records++; t.began.IsZero() || began.Before(t.began) {
				t.began = began
			}
			if began.After(t.ended) {
				t.ended = began
			}
		}
	}))
	defer server.Close()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(job{Sandbox: server.URL, Folder: folder, Rows: n, Bench: name, Clock: clock})
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), sendEnv+"="+string(text), fmt.Sprintf("GOMAXPROCS=%d", cores))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("deliver to %s: %w", name, err)
	}
	var both []measured
	if err := json.Unmarshal(out, &both); err != nil {
		return nil, err
	}
	t.first, t.second = both[0], both[1]
	if got := t.first.Summary.Rows[deliver.Accepted]; got != int64(n) {
		return t, fmt.Errorf("deliver to %s: %d of %d leads were accepted: %+v", name, got, n, t.first.Summary)
	}
	return t, nil
}

// noting remembers a status.
type noting struct {
	http.ResponseWriter
	status int
}

func (n *noting) WriteHeader(status int) {
	n.status = status
	n.ResponseWriter.WriteHeader(status)
}

// measure is what such a process does.
func (j job) measure(ctx context.Context) error {
	ledger, err := store.Open(ctx, j.ledger(), store.Options{Now: j.Clock.now})
	if err != nil {
		return err
	}
	defer ledger.Close()
	var to *place
	for _, p := range places(j.Sandbox) {
		if p.name == j.Bench {
			to = p
		}
	}
	delete(to.settings, "calls_per_second") // as they are by default
	delete(to.settings, "calls_per_day")
	dest, mapping, err := to.destination()
	if err != nil {
		return err
	}
	cfg := wire.Config{Providers: []wire.Provider{deliver.Provider(dest)}, Allow: []string{"127.0.0.1"}, Now: j.Clock.now, Sleep: j.Clock.sleep}
	if to.kind == "webhook" {
		cfg.MaxAttempts = 1
	}
	door, err := wire.New(cfg)
	if err != nil {
		return err
	}
	e := &deliver.Engine{Ledger: ledger, HTTP: door, Getenv: getenv, Now: j.Clock.now, Sleep: j.Clock.sleep}
	var both []measured
	for run := range 2 {
		if run == 1 {
			if err := tellSecond(ctx, j.Sandbox); err != nil {
				return err
			}
		}
		began, spent := time.Now(), cpu()
		sum, err := e.Deliver(ctx, deliver.Order{
			Destination: to.name, To: dest, Mapping: mapping, Mode: deliver.Sync, Scope: "bench", RunID: "run", Leads: leads(to.first, j.Rows, firstWave),
		})
		if err != nil {
			return err
		}
		both = append(both, measured{sum, time.Since(began), cpu() - spent})
	}
	return json.NewEncoder(os.Stdout).Encode(both)
}

func tellSecond(ctx context.Context, sandbox string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, sandbox+"/second", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// again says what the second run came to.
func (t *trial) unchanged(w io.Writer, name string, n int) error {
	fmt.Fprintf(w, "%s: the second run of %d unchanged leads: %d calls, %.2f s (%.2f s of CPU)\n", name, n, t.again, t.second.Wall.Seconds(), t.second.CPU.Seconds())
	if t.again > 0 || t.second.CPU > mostOfSecond || t.second.Summary.Unchanged != int64(n) {
		return fmt.Errorf("%s: the second run has to make no call and take less than %v", name, mostOfSecond)
	}
	return nil
}

// benchWebhook counts signed events. On a machine that others use as well, the
// CPU that the process took says what two cores for it alone would do.
func benchWebhook(ctx context.Context, w io.Writer, o options) error {
	n := o.rows
	t, err := try(ctx, "webhook", n, 1)
	if err != nil {
		return err
	}
	sending := t.ended.Sub(t.began)
	onTwo := float64(n) / (t.first.CPU.Seconds() / cores)
	fmt.Fprintf(w, "webhook: %d signed deliveries by the durable ledger in %.1f s, %.0f a second (sending alone %.0f); %.1f s of CPU, which on %d cores is %.0f a second\n",
		n, t.first.Wall.Seconds(), float64(n)/t.first.Wall.Seconds(), float64(n)/sending.Seconds(), t.first.CPU.Seconds(), cores, onTwo)
	if onTwo < leastEvents {
		err = fmt.Errorf("webhook: %.0f deliveries a second on %d cores, want %d", onTwo, cores, leastEvents)
	}
	return errors.Join(err, t.unchanged(w, "webhook", n))
}

// benchBulk delivers by jobs: it is not the limit that bounds it.
func benchBulk(ctx context.Context, w io.Writer, o options) error {
	n := o.rows
	t, err := try(ctx, "salesforce_bulk", n, 1)
	if err != nil {
		return err
	}
	all := 0
	for _, calls := range t.calls {
		all += calls
	}
	fmt.Fprintf(w, "salesforce, by jobs: %d leads in %.1f s (%.1f s of CPU), %.0f a second, with %d calls\n",
		n, t.first.Wall.Seconds(), t.first.CPU.Seconds(), float64(n)/t.first.Wall.Seconds(), all)
	return t.unchanged(w, "salesforce", n)
}

// benchHubspot holds the calls to those that an account may make in ten
// seconds.
func benchHubspot(ctx context.Context, w io.Writer, o options) error {
	n := o.rows
	t, err := try(ctx, "hubspot", n, o.slow)
	if err != nil {
		return err
	}
	sending := t.ended.Sub(t.began)
	rate := float64(t.records-t.refused-1) / sending.Seconds()
	share := rate / (hubspotPerTen / 10.0)
	if o.slow > 1 {
		fmt.Fprintf(w, "hubspot: by a clock that is %d times slower, for engine, door and sandbox alike\n", o.slow)
	}
	fmt.Fprintf(w, "hubspot: %d leads in %.1f s: %d calls that read or write records, %.2f a second, %.1f%% of %d in ten seconds; %d refused; whole run %.1f s (%.1f s of CPU)\n",
		n, sending.Seconds(), t.records, rate, 100*share, hubspotPerTen, t.refused, t.first.Wall.Seconds(), t.first.CPU.Seconds())
	if share < leastOfLimit || t.refused > t.records/mostRefused { // a busy machine may send one late
		err = fmt.Errorf("hubspot: %.1f%% of the limit, want %.0f%%, and next to none refused", 100*share, 100*leastOfLimit)
	}
	return errors.Join(err, t.unchanged(w, "hubspot", n))
}
