package sandbox

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

type geocodeAnswer struct {
	Status       string
	ErrorMessage string `json:"error_message"`
	Results      []struct {
		PlaceID      string `json:"place_id"`
		Types        []string
		PartialMatch bool   `json:"partial_match"`
		Address      string `json:"formatted_address"`
		Geometry     struct {
			Location     struct{ Lat, Lng float64 }
			LocationType string `json:"location_type"`
		}
	}
}

func geocode(t *testing.T, base string, pairs ...string) geocodeAnswer {
	t.Helper()
	q := url.Values{"key": {"k"}}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return get[geocodeAnswer](t, base+"/google_geocoding/maps/api/geocode/json?"+q.Encode())
}

func TestGeocoding_finds_every_address_of_the_world(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	for i := range w.Businesses {
		if i%17 != 0 {
			continue
		}
		s := w.Businesses[i].Site
		for _, address := range []string{
			s.Line() + ", " + s.Town.Name + ", CO " + s.Postal + ", USA",
			strings.ToUpper(longStreet(s.Line())) + " Suite 12, " + s.Town.Name + ", Colorado",
			s.Line() + " #7 " + s.Town.Name + " CO",
		} {
			a := geocode(t, base, "address", address)
			if a.Status != "OK" || a.Results[0].Geometry.LocationType != "ROOFTOP" || a.Results[0].PartialMatch {
				t.Errorf("%s: %+v", address, a)
				continue
			}
			r := a.Results[0]
			if r.Geometry.Location.Lat != s.Lat || r.Geometry.Location.Lng != s.Lon {
				t.Errorf("%s lies at %+v, want %f,%f", address, r.Geometry.Location, s.Lat, s.Lon)
			}
			if again := geocode(t, base, "place_id", r.PlaceID, "address", "None"); again.Status != "OK" || again.Results[0].Address != r.Address && !strings.Contains(address, "#") && !strings.Contains(address, "Suite") {
				t.Errorf("%s: by its id: %+v", address, again)
			}
		}
	}
}

func TestGeocoding_says_how_sure_it_is(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	s := w.Businesses[3].Site
	wrong := strings.Replace(s.Line(), s.Street, s.Street[:2]+s.Street[3:], 1)
	for _, tt := range []struct {
		name, address, components string
		status, precision, kind   string
		partial                   bool
	}{
		{"a letter is missing", wrong + ", " + s.Town.Name + ", CO", "", "OK", "ROOFTOP", "street_address", true},
		{"another town", s.Line() + ", Atlantis, CO " + s.Postal, "", "OK", "ROOFTOP", "street_address", true},
		{"no such number", "99999 N Colfax Ave, Denver, CO", "", "OK", "RANGE_INTERPOLATED", "street_address", true},
		{"a street", "N Colfax Ave, Denver, CO", "", "OK", "GEOMETRIC_CENTER", "route", false},
		{"no such street", "12 Rue de la Paix, Denver, CO", "", "OK", "APPROXIMATE", "locality", true},
		{"a town", "Aurora, Colorado", "", "OK", "APPROXIMATE", "locality", false},
		{"a postal code", "80202", "", "OK", "APPROXIMATE", "postal_code", false},
		{"a postal code as component", "", "country:US|postal_code:80202", "OK", "APPROXIMATE", "postal_code", false},
		{"the region", "CO, USA", "", "OK", "APPROXIMATE", "administrative_area_level_1", false},
		{"the country", "", "country:US", "OK", "APPROXIMATE", "country", false},
		{"another country", s.Line(), "country:FR", "ZERO_RESULTS", "", "", false},
		{"nowhere", "zzz qqq", "", "ZERO_RESULTS", "", "", false},
		{"nothing", "", "", "INVALID_REQUEST", "", "", false},
	} {
		a := geocode(t, base, "address", tt.address, "components", tt.components, "bounds", "None")
		if a.Status != tt.status || (a.Status == "OK") != (len(a.Results) > 0) {
			t.Errorf("%s: %+v", tt.name, a)
			continue
		}
		if tt.status != "OK" {
			continue
		}
		if r := a.Results[0]; r.Geometry.LocationType != tt.precision || r.Types[0] != tt.kind || r.PartialMatch != tt.partial {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
	if a := geocode(t, base); a.ErrorMessage != "Invalid request. Missing the 'address', 'components', 'latlng' or 'place_id' parameter." {
		t.Errorf("nothing asked: %q", a.ErrorMessage)
	}
	if a := geocode(t, base, "place_id", "ChIJforged"); a.Status != "INVALID_REQUEST" {
		t.Errorf("forged id: %s", a.Status)
	}
	if a := geocode(t, base, "address", "Denver", "key", "invalid"); a.Status != "REQUEST_DENIED" {
		t.Errorf("invalid key: %s", a.Status)
	}
}

func TestGeocoding_goes_back_from_a_point(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	s := w.Businesses[8].Site
	a := geocode(t, base, "latlng", strings.TrimSpace(formatPoint(s)))
	if a.Status != "OK" || !strings.HasPrefix(a.Results[0].Address, s.Line()) {
		t.Errorf("%+v, want %s", a, s.Line())
	}
	a = geocode(t, base, "latlng", formatPoint(s), "result_type", "locality|country")
	if len(a.Results) != 2 || a.Results[0].Types[0] != "locality" {
		t.Errorf("filtered: %+v", a)
	}
	if a := geocode(t, base, "latlng", "48.85,2.35"); a.Status != "ZERO_RESULTS" {
		t.Errorf("Paris: %s", a.Status)
	}
}

func formatPoint(s world.Site) string {
	return strings.Join([]string{formatDegree(s.Lat), formatDegree(s.Lon)}, ",")
}

func formatDegree(v float64) string { return strconv.FormatFloat(v, 'f', 7, 64) }
