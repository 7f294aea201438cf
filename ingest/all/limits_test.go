package all_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/all"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
	"github.com/leadlake/leadlake/internal/wire"
)

// Each provider's limits are written down twice, apart: in its adapter, which
// keeps to them, and in the sandbox, which refuses what goes beyond.
func TestLimits_of_every_source_use_the_hour_and_are_never_refused(t *testing.T) {
	t.Parallel()
	w, err := world.New(world.Config{Size: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range all.Sources() {
		spec := source.Spec()
		if spec.BaseURL == "" {
			continue
		}
		asked := questions(t, w, source)
		for _, endpoint := range endpoints(spec) {
			requests := asked[endpoint]
			if endpoint == "" { // any of them counts
				for _, name := range slices.Sorted(maps.Keys(asked)) {
					requests = append(requests, asked[name]...)
				}
			}
			if len(requests) == 0 {
				t.Errorf("%s: nothing that the adapter asks goes to the endpoint %q of its limits", spec.Name, endpoint)
				continue
			}
			t.Run(strings.TrimSuffix(spec.Name+" "+strings.ReplaceAll(endpoint, "/", "_"), " "), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { hour(t, w, source, endpoint, requests) })
			})
		}
	}
}

// workers is how many ask at once, as an engine does.
const workers = 4

// hour asks for an hour of the bubble's clock. Where the rate is high and every
// window is a minute at most, three minutes show the same.
func hour(t *testing.T, w *world.World, source ingest.Source, endpoint string, requests []ingest.Request) {
	spec, span := source.Spec(), time.Hour
	most, short := allowed(spec.Limits, endpoint, span)
	if short && most > 15_000 {
		span = 3 * time.Minute
		most, _ = allowed(spec.Limits, endpoint, span)
	}
	box, err := sandbox.New(sandbox.Config{World: w, Limits: true})
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{box: box, spec: spec, rand: rand.New(rand.NewPCG(11, 7))}
	judge := func(int, http.Header, []byte) ingest.Judgement { return ingest.Judgement{} }
	if j, ok := source.(ingest.Judge); ok {
		judge = j.Judge
	}
	client, err := wire.New(wire.Config{
		Providers: []wire.Provider{{Name: spec.Name, BaseURL: spec.BaseURL, Limits: spec.Limits, Judge: judge}},
		Transport: p, ReadOnly: true, Rand: rand.New(rand.NewPCG(5, 5)).Float64,
	})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(17 * time.Second) // the provider's clock and ours do not begin a minute together
	end := time.Now().Add(span)
	answered := make([]int, workers)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() { answered[i] = work(t, client, spec, requests, end) })
	}
	group.Wait()
	used := 0
	for _, n := range answered {
		used += n
	}
	if n := p.refusals(t); n > 0 {
		t.Errorf("%d calls were refused", n)
	}
	if used*100 < most*95 || used > most {
		t.Errorf("%d of %d calls used in %s, %.1f%%", used, most, span, 100*float64(used)/float64(most))
	}
	t.Logf("%d of %d calls used in %s, %.1f%%", used, most, span, 100*float64(used)/float64(most))
}

// work sends requests until end, or until a limit is used up, and returns how
// many the provider answered.
func work(t *testing.T, client *wire.Client, spec ingest.Spec, requests []ingest.Request, end time.Time) (answered int) {
	for n := 0; time.Now().Before(end); n++ {
		r := requests[n%len(requests)]
		ctx := wire.WithCall(t.Context(), wire.Call{Provider: spec.Name, Account: "a", Endpoint: r.Endpoint})
		req, err := http.NewRequestWithContext(ctx, cmp.Or(r.Method, http.MethodGet), spec.BaseURL+r.URL, bytes.NewReader(r.Body))
		if err != nil {
			t.Error(err)
			return answered
		}
		for name, values := range r.Header {
			req.Header[name] = values
		}
		authorize(req, spec)
		resp, err := client.Do(req)
		switch {
		case leadlake.ErrorCode(err) == leadlake.RateLimited: // our own count says that the window is used up
			return answered
		case err != nil:
			t.Errorf("after %d answers: %v", answered, err)
			return answered
		}
		switch verdict := wire.JudgementOf(resp).Verdict; {
		case verdict == ingest.Fine, verdict == ingest.Miss, verdict == ingest.Pending:
			answered++
		case resp.StatusCode == http.StatusNotFound: // a miss that nobody judges, as for the engine
			answered++
		default:
			body, _ := io.ReadAll(resp.Body)
			t.Errorf("after %d answers: status %d is judged %q: %.300s", answered, resp.StatusCode, verdict, body)
			return answered
		}
	}
	return answered
}

// key is one that every provider of the sandbox takes.
const key = "sandbox"

func authorize(req *http.Request, spec ingest.Spec) {
	switch {
	case spec.CredentialBasic:
		req.SetBasicAuth(key, "")
	case spec.CredentialQuery != "":
		query := req.URL.Query()
		query.Set(spec.CredentialQuery, key)
		req.URL.RawQuery = query.Encode()
	default:
		req.Header.Set(spec.CredentialHeader, spec.CredentialPrefix+key)
	}
}

// provider is the sandbox at the end of a network that takes its time, below
// what four workers need to keep up with the fastest provider.
type provider struct {
	box  http.Handler
	spec ingest.Spec

	mu   sync.Mutex
	rand *rand.Rand
}

func (p *provider) RoundTrip(req *http.Request) (*http.Response, error) {
	p.mu.Lock()
	way, back := p.rand.Int64N(int64(30*time.Millisecond)), p.rand.Int64N(int64(30*time.Millisecond))
	p.mu.Unlock()
	time.Sleep(time.Duration(way))
	served := req.Clone(req.Context())
	served.URL.Path, served.RequestURI = "/"+p.spec.Name+req.URL.Path, ""
	if req.URL.RawPath != "" {
		served.URL.RawPath = "/" + p.spec.Name + req.URL.RawPath
	}
	if served.Body == nil {
		served.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	p.box.ServeHTTP(rec, served)
	time.Sleep(time.Duration(back))
	resp := rec.Result()
	resp.Request = req
	return resp, nil
}

// refusals is how many calls the sandbox counted beyond a limit.
func (p *provider) refusals(t *testing.T) (n int) {
	t.Helper()
	rec := httptest.NewRecorder()
	p.box.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/__sandbox/calls", nil))
	var counts map[string]map[string]sandbox.Count
	if err := json.Unmarshal(rec.Body.Bytes(), &counts); err != nil {
		t.Fatal(err)
	}
	if len(counts[p.spec.Name]) == 0 {
		t.Error("the sandbox saw no call")
	}
	for _, c := range counts[p.spec.Name] {
		n += c.Refused
	}
	return n
}

// endpoints are those that a source's limits name, each once.
func endpoints(spec ingest.Spec) (names []string) {
	for _, l := range spec.Limits {
		if !slices.Contains(names, l.Endpoint) {
			names = append(names, l.Endpoint)
		}
	}
	return names
}

// allowed is the most calls of an endpoint that a span may hold, and whether no
// limit is of a window longer than a minute.
func allowed(limits []ingest.Limit, endpoint string, span time.Duration) (most int, short bool) {
	lengths := map[wire.Window]time.Duration{ingest.PerSecond: time.Second, ingest.PerMinute: time.Minute, ingest.PerHour: time.Hour}
	most, short = 1<<30, true
	for _, l := range limits {
		if l.Endpoint != "" && l.Endpoint != endpoint {
			continue
		}
		windows := 1
		if length := lengths[l.Per]; length > 0 {
			windows = max(1, int(span/length))
		}
		short = short && (l.Per == ingest.PerSecond || l.Per == ingest.PerMinute || l.Calls >= 15_000)
		most = min(most, l.Calls*windows)
	}
	return most, short
}

// questions are first pages that a source asks about the sandbox's city, by
// endpoint.
func questions(t *testing.T, w *world.World, source ingest.Source) map[string][]ingest.Request {
	t.Helper()
	spec := source.Spec()
	var queries []ingest.Query
	if d, ok := source.(ingest.Discoverer); ok {
		for _, keywords := range []string{"plumber", "type:plumber"} {
			c := leadlake.CampaignSpec{
				Name: "Denver plumbers", Keywords: keywords, Geo: leadlake.GeoSpec{City: "Denver", Region: "CO", Country: "US"},
				Sources: []leadlake.SourceSpec{{Source: spec.Name}},
			}
			more, err := d.Plan(c, c.Sources[0])
			if err != nil {
				t.Fatalf("%s: %v", spec.Name, err)
			}
			queries = append(queries, more...)
		}
	}
	if e, ok := source.(ingest.Enricher); ok {
		for i, l := range w.Listings(world.Hunter) {
			if i == 40 {
				break
			}
			queries = append(queries, e.Lookup(ingest.Subject{
				Provider: "test", Key: fmt.Sprint(i), Name: l.Name, Domain: l.Domain, Phone: "+1" + cmp.Or(l.Phone, "3035550100"),
				Street: cmp.Or(l.Street, "1 Main St"), City: "Denver", Region: "CO", Postal: l.Postal, Country: "US",
			})...)
		}
	}
	requests := map[string][]ingest.Request{}
	for _, q := range queries {
		r, err := source.Request(q, "")
		if err != nil {
			t.Fatalf("%s: %v", spec.Name, err)
		}
		if r.SQL == "" && len(requests[r.Endpoint]) < 40 {
			requests[r.Endpoint] = append(requests[r.Endpoint], r)
		}
	}
	return requests
}
