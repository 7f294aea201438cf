package sandbox

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/internal/wire"
)

// The door and the sandbox together: what goes wrong on the way is put right
// without asking, or billing, for anything twice.
func TestWire_gets_through_every_passing_fault(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	door, err := wire.New(wire.Config{
		Allow: []string{strings.TrimPrefix(base, "http://")}, ReadOnly: true,
		BaseDelay: time.Millisecond, MaxDelay: 2 * time.Millisecond,
		Providers: []wire.Provider{{Name: "google_places", BaseURL: base + "/google_places/v1", RatePerSecond: 500, Burst: 10}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	search := func() (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/google_places/v1/places:searchText", strings.NewReader(plumbers))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Goog-Api-Key", "k")
		req.Header.Set(maskHeader, "places.id,nextPageToken")
		resp, err := door.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}

	inject(t, base, `[{"times":1,"status":503},{"after":1,"times":1,"status":429,"reason":"per_minute"},
		{"after":2,"times":1,"cut_body":50},{"after":3,"times":1,"status":500}]`)
	if status, text := search(); status != http.StatusOK || !strings.Contains(text, "nextPageToken") {
		t.Errorf("after four faults: %d %.200s", status, text)
	}
	got := get[map[string]map[string]Count](t, base+"/__sandbox/calls")["google_places"]["searchText"]
	if want := (Count{Calls: 5, OK: 1, Billed: 1}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}

	inject(t, base, `{"status":429,"reason":"per_day"}`)
	if status, _ := search(); status != http.StatusTooManyRequests {
		t.Errorf("quota of the day: status %d", status)
	}
	got = get[map[string]map[string]Count](t, base+"/__sandbox/calls")["google_places"]["searchText"]
	if got.Calls != 6 {
		t.Errorf("%d calls, want 6: the quota of the day is no reason to try again", got.Calls)
	}
}
