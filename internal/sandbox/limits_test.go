package sandbox

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// startLimited runs a small sandbox that enforces limits.
func startLimited(t *testing.T, now func() time.Time) string {
	t.Helper()
	w, err := world.New(world.Config{Size: 300})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{World: w, Now: now, Limits: true})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestLimit_windows_end_where_providers_say(t *testing.T) {
	t.Parallel()
	pacific, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Skip("this system knows no time zones: ", err)
	}
	now := time.Date(2026, 3, 8, 5, 30, 20, 0, time.UTC) // before the clocks of California change
	for _, tt := range []struct {
		name string
		limit
		want string
	}{
		{"full minute", limit{Per: time.Minute}, "2026-03-08T05:31:00Z"},
		{"full hour", limit{Per: time.Hour}, "2026-03-08T06:00:00Z"},
		{"first request", limit{Per: time.Hour, Opens: FirstRequest}, "2026-03-08T06:30:20Z"},
		{"midnight UTC", limit{Per: 24 * time.Hour}, "2026-03-09T00:00:00Z"},
		{"midnight Pacific", limit{Per: 24 * time.Hour, Zone: pacific}, "2026-03-08T08:00:00Z"},
	} {
		if got := tt.end(now).UTC().Format(time.RFC3339); got != tt.want {
			t.Errorf("%s: ends %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestLimits_of_google_heal_at_the_full_minute(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 50, 0, time.UTC)
	base := startLimited(t, func() time.Time { return now })
	url := base + "/google_places/v1/places:searchText"
	status, text := 0, ""
	for i := range 601 {
		status, text = call(t, url, "places.id", `{"textQuery":"locksmith","pageSize":1}`)
		if i < 600 && status != 200 {
			t.Fatalf("call %d: %d %s", i, status, text)
		}
	}
	if status != 429 || !strings.Contains(text, "SearchTextRequestPerMinutePerProject") {
		t.Errorf("call 601: %d %s", status, text)
	}
	if status, _ := call(t, base+"/google_places/v1/places:searchNearby", "places.id", `{"locationRestriction":{"circle":{"center":{"latitude":39.7,"longitude":-105},"radius":500}}}`); status != 200 {
		t.Errorf("another method: %d", status)
	}
	now = now.Add(10 * time.Second)
	if status, text := call(t, url, "places.id", `{"textQuery":"locksmith"}`); status != 200 {
		t.Errorf("in the next minute: %d %s", status, text)
	}
	counts := get[map[string]map[string]Count](t, base+"/__sandbox__/calls")["google_places"]["searchText"]
	if want := (Count{Calls: 602, OK: 601, Repeats: 599, Billed: 601, Refused: 1}); counts != want {
		t.Errorf("counts %+v, want %+v", counts, want)
	}
}
