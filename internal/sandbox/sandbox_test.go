package sandbox

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

const plumbers = `{"textQuery":"plumber"}`

func inject(t *testing.T, base, faults string) {
	t.Helper()
	if status, text := call(t, base+"/__sandbox/faults", "", faults); status != http.StatusNoContent {
		t.Fatalf("faults: %d %s", status, text)
	}
}

// get reads a path of the sandbox as JSON.
func get[T any](t *testing.T, url string) T {
	t.Helper()
	var v T
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return v
}

func TestFaults_hit_the_calls_they_name(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	url := base + "/google_places/v1/places:searchText"
	inject(t, base, `[{"provider":"google_places","method":"searchText","after":1,"times":2,"status":503},
		{"method":"searchText","after":3,"times":1,"status":429,"reason":"per_day","retry_after":"7"},
		{"method":"searchNearby","status":500}]`)
	var statuses []int
	var last string
	for range 5 {
		status, text := call(t, url, "places.id", plumbers)
		statuses = append(statuses, status)
		if status == http.StatusTooManyRequests {
			last = text
		}
	}
	want := []int{200, 503, 503, 429, 200}
	for i := range want {
		if statuses[i] != want[i] {
			t.Fatalf("statuses %v, want %v", statuses, want)
		}
	}
	if !strings.Contains(last, "SearchTextRequestPerDayPerProject") {
		t.Errorf("quota of the day reads %s", last)
	}
}

func TestFaults_cut_and_delay(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	inject(t, base, `{"times":1,"cut_body":100,"latency_ms":60}`)
	begin := time.Now()
	status, text := call(t, base+"/google_places/v1/places:searchText", "places.id", plumbers)
	if status != http.StatusOK || !strings.HasPrefix(text, "cut: ") {
		t.Errorf("status %d, %.100s: want an answer that breaks off", status, text)
	}
	if d := time.Since(begin); d < 60*time.Millisecond {
		t.Errorf("answered after %s", d)
	}
	if status, text := call(t, base+"/__sandbox/faults", "", `{"statsu":500}`); status != http.StatusBadRequest || !strings.Contains(text, "statsu") {
		t.Errorf("misspelt fault: %d %s", status, text)
	}
}

func TestCalls_show_what_was_paid_twice(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	url := base + "/google_places/v1/places:searchText"
	inject(t, base, `{"times":1,"status":503}`)
	for _, body := range []string{plumbers, plumbers, plumbers, `{"textQuery":"dentist"}`} {
		call(t, url, "places.id", body)
	}
	got := get[map[string]map[string]Count](t, base+"/__sandbox/calls")["google_places"]["searchText"]
	if want := (Count{Calls: 4, OK: 3, Repeats: 1, Billed: 3}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	call(t, base+"/__sandbox/reset", "", "")
	if left := get[map[string]map[string]Count](t, base+"/__sandbox/calls"); len(left) != 0 {
		t.Errorf("counts after the reset: %v", left)
	}
}

func TestServer_serves_truth_and_lists(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	if rows := get[[]world.TruthRow](t, base+"/__sandbox/truth"); len(rows) != len(w.Truth()) {
		t.Errorf("%d rows of truth, want %d", len(rows), len(w.Truth()))
	}
	if rows := get[[]world.TruthRow](t, base+"/__sandbox__/truth?provider=yelp"); len(rows) != len(w.Listings(world.Yelp)) {
		t.Errorf("%d rows of Yelp's truth, want %d", len(rows), len(w.Listings(world.Yelp)))
	}
	resp, err := http.Get(base + "/lists/city_licenses.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if !strings.HasPrefix(string(text), "LICENSE NO,BUSINESS NAME,") {
		t.Errorf("list begins %.80s", text)
	}
}

func TestServe_runs_until_told_to_stop(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- Serve(ctx, Config{}, "127.0.0.1:0", func(url string) { ready <- url }) }()
	if status, _ := call(t, <-ready+"/google_places/v1/places:searchText", "places.id", plumbers); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestServe_answers_on_loopback_only(t *testing.T) {
	t.Parallel()
	err := Serve(t.Context(), Config{}, "0.0.0.0:0", nil)
	if leadlake.ErrorCode(err) != leadlake.Forbidden {
		t.Errorf("Serve: %v, want forbidden", err)
	}
}

func TestProviders_have_the_name_that_they_are_served_under(t *testing.T) {
	t.Parallel()
	w, err := world.New(world.Config{Size: 50})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range providers() {
		p := m.make(w, time.Now)
		if p.name() != m.name || seen[m.name] {
			t.Errorf("%s is served as %s, or twice", p.name(), m.name)
		}
		seen[m.name] = true
		methods := map[string]bool{}
		for _, r := range p.routes() {
			methods[r.method] = true
		}
		l, ok := p.(limited)
		if !ok {
			t.Errorf("%s has no limits", m.name)
			continue
		}
		for _, limit := range l.limits() {
			for _, name := range limit.Methods {
				if !methods[name] {
					t.Errorf("%s limits the method %s, which it does not have", m.name, name)
				}
			}
		}
	}
}
