// Command loadtest asks a running leadlake service for random filtered pages
// at a fixed rate and reports how long they took. It is open-loop: a latency
// counts from the moment a request was due, so a service that stalls is not
// spared the requests that waited for it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	maxRate    = 1000
	maxSeconds = 600
	limit      = 50 * time.Millisecond // the promise for the 99th percentile
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	base := flags.String("url", "http://127.0.0.1:8080", "the service, on this machine only")
	rate := flags.Int("rate", 100, "requests a second")
	seconds := flags.Int("seconds", 30, "how long")
	seed := flags.Uint64("seed", 1, "of the random pages")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *rate < 1 || *rate > maxRate || *seconds < 1 || *seconds > maxSeconds {
		return fmt.Errorf("use a rate of 1 to %d and 1 to %d seconds", maxRate, maxSeconds)
	}
	target, err := loopback(*base)
	if err != nil {
		return err
	}
	t := tester{base: target, client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	rnd := rand.New(rand.NewPCG(*seed, 0))
	if err := t.learn(ctx); err != nil {
		return err
	}
	t.fire(ctx, rnd, *rate, *rate**seconds)
	return t.report(out)
}

// loopback refuses any other machine: this program is a load.
func loopback(base string) (*url.URL, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s is not on this machine", base)
	}
	return u, nil
}

type tester struct {
	base   *url.URL
	client *http.Client

	campaigns, regions, words []string // as seen on sampled pages

	mu      sync.Mutex
	took    []time.Duration
	failed  int
	firstly error
	cursors []url.Values // pages to go on with
}

type answer struct {
	Data []struct {
		CampaignID string `json:"campaign_id"`
		Name       string `json:"name"`
		Address    struct {
			City   string `json:"city"`
			Region string `json:"region"`
		} `json:"address"`
	} `json:"data"`
	NextCursor string `json:"next_cursor"`
}

// learn samples the set, so that filters and words exist in it.
func (t *tester) learn(ctx context.Context) error {
	for _, tier := range []string{"A", "B", "C"} {
		a, err := t.get(ctx, url.Values{"tier": {tier}, "limit": {"200"}})
		if err != nil {
			return err
		}
		for _, l := range a.Data {
			t.campaigns = append(t.campaigns, l.CampaignID)
			t.regions = append(t.regions, l.Address.Region)
			t.words = append(t.words, l.Name, l.Address.City)
		}
	}
	if len(t.words) == 0 {
		return errors.New("the service has no leads")
	}
	return nil
}

func (t *tester) get(ctx context.Context, q url.Values) (a answer, err error) {
	u := t.base.JoinPath("/v1/leads")
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return a, err
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return a, err
	}
	if resp.StatusCode != http.StatusOK {
		return a, fmt.Errorf("%s: %s", u, resp.Status)
	}
	return a, json.Unmarshal(body, &a)
}

// next draws a page: every third goes on from an earlier page, the others mix
// the filters, and half of these carry text.
func (t *tester) next(rnd *rand.Rand) url.Values {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.cursors); n > 0 && rnd.IntN(3) == 0 {
		q := t.cursors[n-1]
		t.cursors = t.cursors[:n-1]
		return q
	}
	q := url.Values{}
	pick := func(name string, odds int, from []string) {
		if rnd.IntN(odds) == 0 {
			q.Set(name, from[rnd.IntN(len(from))])
		}
	}
	pick("campaign", 3, t.campaigns)
	pick("tier", 2, []string{"A", "B", "C"})
	pick("vertical", 4, []string{"local_services", "healthcare", "ecommerce"})
	pick("region", 2, t.regions)
	pick("q", 2, t.words)
	if rnd.IntN(3) == 0 {
		q.Set("min_score", strconv.Itoa(rnd.IntN(101)))
	}
	if q.Has("q") && rnd.IntN(4) == 0 { // an unfinished or unknown word
		q.Set("q", q.Get("q")[:min(len(q.Get("q")), 3)])
	}
	return q
}

func (t *tester) fire(ctx context.Context, rnd *rand.Rand, rate, count int) {
	var group sync.WaitGroup
	defer group.Wait()
	start := time.Now()
	for i := range count {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(rate))
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
		}
		q := t.next(rnd)
		group.Go(func() {
			a, err := t.get(ctx, q)
			t.record(q, a, err, time.Since(due))
		})
	}
}

func (t *tester) record(q url.Values, a answer, err error, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took = append(t.took, took)
	if err != nil {
		t.failed++
		if t.firstly == nil {
			t.firstly = err
		}
	}
	if a.NextCursor != "" {
		q.Set("cursor", a.NextCursor)
		t.cursors = append(t.cursors, q)
	}
}

// report prints the figures; a failed request or a missed limit is an error.
func (t *tester) report(out io.Writer) error {
	if len(t.took) == 0 {
		return errors.New("no request was sent")
	}
	slices.Sort(t.took)
	at := func(p int) time.Duration { return t.took[(len(t.took)-1)*p/100] }
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	p99 := at(99)
	fmt.Fprintf(out, "requests %d  failed %d  p50 %.1f ms  p90 %.1f ms  p99 %.1f ms  max %.1f ms  p99/limit %.2f\n",
		len(t.took), t.failed, ms(at(50)), ms(at(90)), ms(p99), ms(at(100)), float64(p99)/float64(limit))
	if t.failed > 0 {
		return fmt.Errorf("%d of %d requests failed, the first: %w", t.failed, len(t.took), t.firstly)
	}
	if p99 > limit {
		return fmt.Errorf("p99 is %v, over the limit of %v", p99, limit)
	}
	return nil
}
