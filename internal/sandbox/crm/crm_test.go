package crm

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// bench is a Server on loopback whose clock stands still unless it is moved.
type bench struct {
	*Server
	t    *testing.T
	base string
}

func start(t *testing.T, cfg Config) *bench {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }
	}
	b := &bench{Server: New(cfg), t: t}
	srv := httptest.NewServer(b.Server)
	t.Cleanup(srv.Close)
	b.base = srv.URL
	return b
}

// call makes a call; what it gives where there was no answer is 0.
func (b *bench) call(method, path, body string) (int, http.Header, string) {
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer t")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, string(text)
	}
	return resp.StatusCode, resp.Header, string(text)
}

func (b *bench) want(status int, method, path, body string) string {
	b.t.Helper()
	got, _, text := b.call(method, path, body)
	if got != status {
		b.t.Fatalf("%s %s: status %d, want %d: %.600s", method, path, got, status, text)
	}
	return text
}

func (b *bench) must(e Edit) {
	b.t.Helper()
	if err := b.Edit(e); err != nil {
		b.t.Fatal(err)
	}
}

func jsonOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it is a literal of a test
	}
	return string(text)
}

// upserts are one call of each app that writes the lead of a key.
func upserts(key string) map[string]string {
	return map[string]string{
		"/salesforce/services/data/v62.0/composite/sobjects/Lead/" + sfKey: jsonOf(map[string]any{
			"allOrNone": false, "records": []any{map[string]any{"attributes": map[string]string{"type": "Lead"}, sfKey: key, "LastName": "Doe", "Company": "Firm"}},
		}),
		"/hubspot/crm/v3/objects/contacts/batch/upsert": jsonOf(map[string]any{
			"inputs": []any{map[string]any{"id": key, "idProperty": hsKey, "properties": map[string]string{"firstname": "Ann"}, "objectWriteTraceId": key}},
		}),
	}
}

func (b *bench) upsert(path, body string) int {
	method := http.MethodPost
	if strings.HasPrefix(path, "/salesforce") {
		method = http.MethodPatch
	}
	status, _, _ := b.call(method, path, body)
	return status
}

func TestServer_of_many_upserts_at_once_one_creates(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	var wg sync.WaitGroup
	for range 20 {
		for key := range 5 {
			for path, body := range upserts(fmt.Sprint("k", key)) {
				wg.Go(func() { b.upsert(path, body) })
			}
		}
	}
	wg.Wait()
	for _, n := range []EffectCount{b.Effects()[salesforceName]["Lead"], b.Effects()[hubspotName]["contacts"]} {
		if n.Creates != 5 || n.Updates != 95 || n.Duplicates != nil {
			t.Errorf("%+v", n)
		}
	}
}

func TestServer_counts_a_key_twice_only_if_it_exists_twice(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	for _, op := range []string{opCreate, opDelete, opCreate} {
		s.effect(Effect{App: "a", Object: "o", Key: "again", Op: op})
	}
	for range 3 {
		s.effect(Effect{App: "a", Object: "o", Key: "thrice", Op: opEvent})
	}
	n := s.Effects()["a"]["o"]
	if len(n.Duplicates) != 1 || n.Duplicates["thrice"] != 3 || n.Live != 4 || n.Keys != 2 {
		t.Errorf("%+v", n)
	}
}

func TestFault_befalls_its_share_of_calls_the_same_each_time(t *testing.T) {
	t.Parallel()
	fault := Fault{App: salesforceName, Seed: 7, AcceptThenTimeout: 0.2, Error5xx: 0.05, CutBody: 0.05}
	run := func() string {
		b := start(t, Config{})
		b.faults.add(fault)
		var seen strings.Builder
		for i := range 400 {
			for path, body := range upserts(fmt.Sprint(i)) {
				if strings.HasPrefix(path, "/salesforce") {
					fmt.Fprint(&seen, b.upsert(path, body), " ")
				}
			}
		}
		n := b.calls.count(salesforceName, "upsert_collection")
		if lost := n.Faults[faultAccept]; lost < 60 || lost > 100 || n.Faults[faultError] == 0 || n.Faults[faultCut] == 0 {
			t.Errorf("%+v", n)
		}
		if made := b.Effects()[salesforceName]["Lead"].Creates; made != 400-n.Faults[faultError] {
			t.Errorf("%d made of 400 with %+v: a lost answer is not a lost write, an error is", made, n.Faults)
		}
		return seen.String()
	}
	if first := run(); first != run() {
		t.Error("two runs with one seed differ")
	}
}

func TestFault_storms_speak_each_systems_language(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	b.want(204, "POST", "/__crm__/faults", `{"storm_429":1,"times":1,"storm_calls":1,"method":"query"}`)
	b.want(204, "POST", "/__crm__/faults", `[{"storm_429":1,"times":1,"app":"hubspot"}]`)
	if text := b.want(403, "GET", "/salesforce/services/data/v62.0/query?q=SELECT+Id+FROM+Lead", ""); !strings.Contains(text, "REQUEST_LIMIT_EXCEEDED") {
		t.Error(text)
	}
	status, header, text := b.call("GET", "/hubspot/crm/v3/objects/contacts", "")
	if status != 429 || !strings.Contains(text, "TEN_SECONDLY_ROLLING") || header.Get("X-HubSpot-RateLimit-Remaining") != "0" {
		t.Errorf("%d %v %s", status, header, text)
	}
	b.want(400, "POST", "/__crm__/faults", `{"error_5xx":0.7,"storm_429":0.7}`)
	b.want(400, "POST", "/__crm__/faults", `{"nonsense":1}`)
}

func TestServer_holds_callers_to_the_limits(t *testing.T) {
	t.Parallel()
	b := start(t, Config{Limits: true})
	b.must(Edit{App: salesforceName, Op: "quota", Values: []string{"3"}})
	const query = "/salesforce/services/data/v62.0/query?q=SELECT+Id+FROM+Lead"
	for i := range 3 {
		_, header, _ := b.call("GET", query, "")
		if got, want := header.Get("Sforce-Limit-Info"), fmt.Sprintf("api-usage=%d/3", i+1); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if text := b.want(403, "GET", query, ""); !strings.Contains(text, "TotalRequests Limit exceeded.") {
		t.Error(text)
	}
	for range hsPerTenSeconds {
		b.want(200, "GET", "/hubspot/crm/v3/objects/contacts", "")
	}
	b.want(429, "GET", "/hubspot/crm/v3/objects/contacts", "")
	const search = "/hubspot/crm/v3/objects/contacts/search"
	for range hsSearches {
		b.want(200, "POST", search, `{"limit":1}`)
	}
	if text := b.want(429, "POST", search, `{"limit":1}`); !strings.Contains(text, "SECONDLY") {
		t.Error(text)
	}
	b.want(200, "POST", "/__crm__/clock", `{"advance":"24h"}`)
	b.want(200, "GET", query, "")
	b.want(200, "GET", "/hubspot/crm/v3/objects/contacts", "")
}

func TestServer_resets_what_it_knows_but_not_its_clock(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	for path, body := range upserts("k") {
		b.upsert(path, body)
	}
	before := b.want(200, "POST", "/__crm__/clock", `{"advance":"48h"}`)
	b.want(204, "POST", "/__crm__/reset", "")
	if text := b.want(200, "GET", "/__crm__/effects", ""); strings.TrimSpace(text) != "{}" {
		t.Error(text)
	}
	if after := b.want(200, "GET", "/__crm__/clock", ""); after != before {
		t.Errorf("%s after %s", after, before)
	}
}

func TestFate_follows_its_truth_and_its_steps(t *testing.T) {
	t.Parallel()
	var qualified [2]int
	for i := range 4_000 {
		for side, tr := range []traits{
			{key: fmt.Sprint("p", i), Traits: Traits{Rating: 2.5, Reviews: 2, Employees: 12}, reachable: true},
			{key: fmt.Sprint("g", i), Traits: Traits{Rating: 4.8, Reviews: 400, Employees: 40, Tech: 3}, reachable: true},
		} {
			f := fateOf(tr)
			if f != fateOf(tr) {
				t.Fatal("one key has two fates")
			}
			if f.qualified > 0 {
				qualified[side]++
			}
			for _, steps := range [][2]time.Duration{{f.replied, f.qualified}, {f.qualified, f.opportunity}, {f.opportunity, f.won}, {f.opportunity, f.lost}} {
				if steps[1] > 0 && (steps[0] == 0 || steps[0] >= steps[1]) {
					t.Fatalf("%+v", f)
				}
			}
		}
	}
	if qualified[1] < 3*qualified[0] || qualified[0] == 0 {
		t.Errorf("%d poor leads and %d good ones qualify", qualified[0], qualified[1])
	}
}

func TestServer_bears_a_hundred_thousand_leads(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	b := start(t, Config{})
	began := time.Now()
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 4 {
		wg.Go(func() {
			for n := next.Add(1); n <= 500; n = next.Add(1) {
				var records []any
				for i := range 200 {
					records = append(records, map[string]any{
						"attributes": map[string]string{"type": "Lead"}, sfKey: fmt.Sprintf("l%d-%d", n, i), "LastName": "Doe", "Company": "Firm", "Star_Rating__c": 4.5,
					})
				}
				path := "/salesforce/services/data/v62.0/composite/sobjects/Lead/" + sfKey
				b.call(http.MethodPatch, path, jsonOf(map[string]any{"records": records}))
			}
		})
	}
	wg.Wait()
	if n := b.Effects()[salesforceName]["Lead"]; n.Creates != 100_000 {
		t.Errorf("%+v", n)
	}
	t.Logf("100,000 leads in %v", time.Since(began).Round(time.Millisecond))
}

// request makes a call with a token of its own and gives the status.
func (b *bench) request(method, path, token string) int {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, http.NoBody)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// form posts a form and gives the body, whatever the status.
func (b *bench) form(path, body string) string {
	b.t.Helper()
	resp, err := http.Post(b.base+path, "application/x-www-form-urlencoded", strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}
