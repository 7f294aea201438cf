package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

type yelpAnswer struct {
	Total      int
	Businesses []struct {
		ID, Name, Phone string
		IsClosed        bool `json:"is_closed"`
		Distance        float64
		Rating          float64
		ReviewCount     int `json:"review_count"`
		Location        struct {
			Address1 *string
			City     string
		}
		Categories []struct{ Alias string }
	}
	Error struct {
		Code, Field   string
		NewBusinessID string `json:"new_business_id"`
	}
}

func askYelp(t *testing.T, base, path, key string) (int, yelpAnswer, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/yelp/v3/businesses/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a yelpAnswer
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatalf("%s: %v in %s", path, err, text)
	}
	return resp.StatusCode, a, string(text)
}

func TestYelp_pages_to_its_cap_and_no_further(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	seen := map[string]bool{}
	total := 0
	for offset := 0; offset < yelpCap; offset += 40 {
		status, a, text := askYelp(t, base, fmt.Sprintf("search?location=Denver,+CO&categories=plumbing,electricians&radius=40000&limit=40&offset=%d", offset), "sandbox")
		if status != http.StatusOK || len(a.Businesses) != 40 {
			t.Fatalf("offset %d: %d, %d businesses: %.200s", offset, status, len(a.Businesses), text)
		}
		total = a.Total
		for _, b := range a.Businesses {
			if seen[b.ID] || len(b.ID) != 22 || strings.Contains(text, ".example") {
				t.Errorf("%+v: seen twice, or with a website", b)
			}
			seen[b.ID] = true
		}
	}
	if total <= yelpCap {
		t.Errorf("total %d tells nothing of what lies beyond the cap", total)
	}
	if status, a, _ := askYelp(t, base, "search?location=Denver&limit=50&offset=200", "sandbox"); status != http.StatusBadRequest || a.Error.Code != "VALIDATION_ERROR" {
		t.Errorf("beyond the cap: %d %+v", status, a.Error)
	}
}

func TestYelp_filters_and_orders(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	_, a, _ := askYelp(t, base, "search?latitude=39.7392&longitude=-104.9903&radius=5000&sort_by=distance&categories=dentists&limit=50", "sandbox")
	if len(a.Businesses) == 0 {
		t.Fatal("no dentist within 5 km")
	}
	last, outside := 0.0, 0
	for _, b := range a.Businesses {
		if b.Distance < last || b.Distance > 5000*yelpSlack || b.Categories[0].Alias != "dentists" {
			t.Errorf("%+v comes after %.0f m", b, last)
		}
		last = b.Distance
		if last > 5000 {
			outside++
		}
	}
	if outside == 0 {
		t.Error("the radius is a suggestion: some should lie a little further out")
	}
	_, a, _ = askYelp(t, base, "search?location=80202&term=coffee&sort_by=review_count&radius=40000", "sandbox")
	if len(a.Businesses) == 0 || a.Businesses[0].ReviewCount < a.Businesses[len(a.Businesses)-1].ReviewCount {
		t.Errorf("by reviews: %+v", a.Businesses)
	}
}

func TestYelp_refuses_as_its_reference_says(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	form := strings.Repeat("k", 128)
	for _, tt := range []struct {
		path, key string
		status    int
		code      string
	}{
		{"search?location=Denver", form, 200, ""},
		{"search?location=Denver", "short", 400, "VALIDATION_ERROR"},
		{"search?location=Denver", "", 401, "TOKEN_MISSING"},
		{"search?location=Denver", "invalid", 401, "TOKEN_INVALID"},
		{"search?location=Denver", "nocredit", 429, "ACCESS_LIMIT_REACHED"},
		{"search?location=Denver", "nocontract", 403, "UNAUTHORIZED_API_KEY"},
		{"search", form, 400, "VALIDATION_ERROR"},
		{"search?location=Atlantis", form, 400, "LOCATION_NOT_FOUND"},
		{"search?location=Denver&limit=51", form, 400, "VALIDATION_ERROR"},
		{"search?location=Denver&radius=40001", form, 400, "VALIDATION_ERROR"},
		{"search?location=Denver&sort_by=luck", form, 400, "VALIDATION_ERROR"},
		{"search?location=Denver&open_now=true&open_at=1700000000", form, 400, "VALIDATION_ERROR"},
		{"search?location=Denver&locale=en_USS", form, 400, "VALIDATION_ERROR"},
		{"search/phone?phone=3035550100", form, 400, "VALIDATION_ERROR"},
		{"matches?name=x", form, 400, "VALIDATION_ERROR"},
		{"nobody", form, 404, "BUSINESS_NOT_FOUND"},
	} {
		if status, a, text := askYelp(t, base, tt.path, tt.key); status != tt.status || a.Error.Code != tt.code {
			t.Errorf("%s with key %.9s: %d %s, want %d %s: %.200s", tt.path, tt.key, status, a.Error.Code, tt.status, tt.code, text)
		}
	}
}

func TestYelp_finds_a_business_by_everything(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	migrated := false
	checked := 0
	for _, l := range w.Listings(world.Yelp) {
		if l.MovedTo != "" {
			migrated = true
			if status, a, _ := askYelp(t, base, l.Key, "sandbox"); status != http.StatusMovedPermanently || a.Error.NewBusinessID != l.MovedTo {
				t.Errorf("%s moved: %d %+v", l.Key, status, a.Error)
			}
			continue
		}
		if checked++; checked > 30 || l.Phone == "" || l.Area {
			continue
		}
		if status, _, text := askYelp(t, base, l.Key, "sandbox"); status != http.StatusOK || !strings.Contains(text, `"hours"`) && len(l.Hours) > 0 {
			t.Errorf("details of %s: %d %.100s", l.Key, status, text)
		}
		match := url.Values{"name": {l.Name}, "address1": {l.Street}, "city": {l.City}, "state": {"CO"}, "country": {"US"}, "match_threshold": {"strict"}}
		for _, path := range []string{"search/phone?phone=%2B1" + l.Phone, "matches?" + match.Encode()} {
			_, a, text := askYelp(t, base, path, "sandbox")
			if !strings.Contains(text, l.Key) || len(a.Businesses) == 0 {
				t.Errorf("%s does not find %s: %.200s", path, l.Key, text)
			}
		}
	}
	if !migrated {
		t.Error("nobody moved")
	}
}

func TestYelp_holds_callers_to_its_limits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 23, 50, 0, 0, time.UTC)
	base := startLimited(t, func() time.Time { return now })
	get := func(key string) (*http.Response, string) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/yelp/v3/businesses/search?location=Denver&limit=1", nil)
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp, string(text)
	}
	for i := range 5 {
		if resp, text := get("sandbox"); resp.StatusCode != http.StatusOK || resp.Header.Get("RateLimit-Remaining") != fmt.Sprint(299-i) ||
			resp.Header.Get("RateLimit-ResetTime") != "2026-03-02T00:00:00+00:00" {
			t.Fatalf("call %d: %d %v %.100s", i, resp.StatusCode, resp.Header, text)
		}
	}
	if resp, text := get("sandbox"); resp.StatusCode != http.StatusTooManyRequests || !strings.Contains(text, "TOO_MANY_REQUESTS_PER_SECOND") {
		t.Errorf("sixth call of a second: %d %s", resp.StatusCode, text)
	}
	if resp, _ := get(strings.Repeat("o", 128)); resp.StatusCode != http.StatusOK {
		t.Error("another key pays for the first one")
	}
	for i := 5; i < yelpDaily; i++ {
		now = now.Add(time.Second)
		if resp, text := get("sandbox"); resp.StatusCode != http.StatusOK {
			t.Fatalf("call %d: %d %s", i, resp.StatusCode, text)
		}
	}
	now = now.Add(time.Second)
	if resp, text := get("sandbox"); resp.StatusCode != http.StatusTooManyRequests || !strings.Contains(text, "ACCESS_LIMIT_REACHED") || resp.Header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("call 301 of a day: %d %s", resp.StatusCode, text)
	}
	now = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	if resp, text := get("sandbox"); resp.StatusCode != http.StatusOK {
		t.Errorf("after midnight: %d %s", resp.StatusCode, text)
	}
}
