package sandbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// BenchmarkServer_hundred_thousand measures typical calls of a large world.
func BenchmarkServer_hundred_thousand(b *testing.B) {
	w, err := world.New(world.Config{Size: 100_000})
	if err != nil {
		b.Fatal(err)
	}
	s, err := New(Config{World: w})
	if err != nil {
		b.Fatal(err)
	}
	const text = `{"textQuery":"plumber","locationRestriction":{"rectangle":{"low":{"latitude":%g,"longitude":-105.0},"high":{"latitude":%g,"longitude":-104.9}}}}`
	for name, call := range map[string]struct{ method, path, body string }{
		"places text, a tile":     {"POST", "/google_places/v1/places:searchText", fmt.Sprintf(text, 39.70, 39.75)},
		"places text, everywhere": {"POST", "/google_places/v1/places:searchText", `{"textQuery":"plumber"}`},
		"places nearby, 2 km":     {"POST", "/google_places/v1/places:searchNearby", `{"locationRestriction":{"circle":{"center":{"latitude":39.74,"longitude":-104.99},"radius":2000}}}`},
		"yelp, 5 km":              {"GET", "/yelp/v3/businesses/search?latitude=39.74&longitude=-104.99&radius=5000&categories=plumbing", ""},
		"yelp, 40 km":             {"GET", "/yelp/v3/businesses/search?location=Denver&radius=40000&categories=plumbing&limit=50", ""},
		"geocode":                 {"GET", "/google_geocoding/maps/api/geocode/json?key=k&address=5120+N+Pearl+St,+Denver,+CO", ""},
	} {
		b.Run(name, func(b *testing.B) {
			ask := func() {
				r := httptest.NewRequestWithContext(b.Context(), call.method, call.path, strings.NewReader(call.body))
				r.Header.Set("X-Goog-Api-Key", "sandbox")
				r.Header.Set("Authorization", "Bearer sandbox")
				r.Header.Set(maskHeader, "places.id,places.displayName")
				rec := httptest.NewRecorder()
				s.ServeHTTP(rec, r)
				if rec.Code != http.StatusOK {
					b.Fatalf("%d %s", rec.Code, rec.Body)
				}
			}
			ask() // prints what the provider knows
			for b.Loop() {
				ask()
			}
		})
	}
}
