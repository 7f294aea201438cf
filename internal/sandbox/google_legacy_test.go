package sandbox

import (
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

type legacyAnswer struct {
	Status        string
	ErrorMessage  string `json:"error_message"`
	NextPageToken string `json:"next_page_token"`
	Results       []legacyPlace
	Result        legacyPlace
}

type legacyPlace struct {
	PlaceID  string `json:"place_id"`
	Name     string
	Types    []string
	Website  string
	Phone    string `json:"formatted_phone_number"`
	Vicinity string
	Address  string `json:"formatted_address"`
	Geometry *struct {
		Location struct{ Lat, Lng float64 }
	}
}

func startLegacy(t *testing.T, now func() time.Time) (base string, w *world.World) {
	t.Helper()
	w, err := world.New(world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{World: w, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return srv.URL + "/google_places_legacy/maps/api/place/", w
}

func TestLegacy_a_page_token_ripens_in_two_seconds(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	base, _ := startLegacy(t, func() time.Time { return now })
	seen := map[string]bool{}
	a := get[legacyAnswer](t, base+"textsearch/json?query=plumbers&key=k")
	for pages := 1; ; pages++ {
		if a.Status != "OK" || len(a.Results) != 20 {
			t.Fatalf("page %d: %s with %d places", pages, a.Status, len(a.Results))
		}
		for _, p := range a.Results {
			if seen[p.PlaceID] || p.Name == "" || p.Website != "" {
				t.Errorf("%+v: seen twice, or with what only details have", p)
			}
			seen[p.PlaceID] = true
		}
		if a.NextPageToken == "" {
			break
		}
		next := base + "textsearch/json?key=k&pagetoken=" + a.NextPageToken
		now = now.Add(1900 * time.Millisecond)
		if early := get[legacyAnswer](t, next); early.Status != "INVALID_REQUEST" || len(early.Results) != 0 {
			t.Errorf("too early: %+v", early.Status)
		}
		now = now.Add(100 * time.Millisecond)
		a = get[legacyAnswer](t, next)
	}
	if len(seen) != maxResults {
		t.Errorf("%d places, want 60", len(seen))
	}
}

func TestLegacy_outcomes_stand_in_the_body(t *testing.T) {
	t.Parallel()
	base, w := startLegacy(t, nil)
	var known *world.Listing
	for i, l := range w.Listings(world.GooglePlaces) {
		if l.Website != "" && l.Phone != "" && !l.Area {
			known = &w.Listings(world.GooglePlaces)[i]
			break
		}
	}
	id := url.QueryEscape(known.Key)
	for path, want := range map[string]string{
		"textsearch/json?query=plumber":                                                                  "REQUEST_DENIED",
		"textsearch/json?query=plumber&key=invalid":                                                      "REQUEST_DENIED",
		"textsearch/json?query=plumber&key=nocontract":                                                   "REQUEST_DENIED",
		"textsearch/json?query=plumber&key=nocredit":                                                     "OVER_DAILY_LIMIT",
		"textsearch/json?query=zeppelin&key=k":                                                           "ZERO_RESULTS",
		"textsearch/json?key=k":                                                                          "INVALID_REQUEST",
		"textsearch/json?query=plumber&key=k&pagetoken=None":                                             "OK",
		"textsearch/json?key=k&pagetoken=forged":                                                         "INVALID_REQUEST",
		"nearbysearch/json?key=k&radius=500":                                                             "INVALID_REQUEST",
		"nearbysearch/json?key=k&location=39.74,-104.99":                                                 "INVALID_REQUEST",
		"nearbysearch/json?key=k&location=39.74,-104.99&rankby=distance":                                 "INVALID_REQUEST",
		"nearbysearch/json?key=k&location=39.74,-104.99&rankby=distance&keyword=roof":                    "OK",
		"nearbysearch/json?key=k&location=39.74,-104.99&radius=3000&type=dentist":                        "OK",
		"nearbysearch/json?key=k&location=0,0&radius=3000":                                               "ZERO_RESULTS",
		"details/json?key=k":                                                                             "INVALID_REQUEST",
		"details/json?key=k&place_id=nobody":                                                             "NOT_FOUND",
		"details/json?key=k&fields=name,colour&place_id=" + id:                                           "INVALID_REQUEST",
		"details/json?key=k&fields=name,website,formatted_phone_number,geometry/location&place_id=" + id: "OK",
	} {
		if a := get[legacyAnswer](t, base+path); a.Status != want {
			t.Errorf("%s: %s %s, want %s", path, a.Status, a.ErrorMessage, want)
		}
	}
	p := get[legacyAnswer](t, base+"details/json?key=k&fields=name,website,formatted_phone_number&place_id="+id).Result
	if p.Name != known.Name || p.Website != known.Website || p.Phone == "" || p.Address != "" {
		t.Errorf("details %+v, want those of %s and no other fields", p, known.Name)
	}
}

func TestLegacy_nearby_stays_within_its_circle(t *testing.T) {
	t.Parallel()
	base, _ := startLegacy(t, nil)
	a := get[legacyAnswer](t, base+"nearbysearch/json?key=k&location=39.74,-104.99&radius=4000&keyword=plumber")
	if len(a.Results) == 0 {
		t.Fatal("nobody")
	}
	for _, p := range a.Results {
		if p.Geometry == nil || world.DistanceKM(39.74, -104.99, p.Geometry.Location.Lat, p.Geometry.Location.Lng) > 4 || p.Vicinity == "" {
			t.Errorf("%+v lies outside", p)
		}
	}
}
