package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// geocoding plays Google's Geocoding API. It knows every address of the world;
// the outcome stands in the body, and the status of HTTP is 200.
type geocoding struct {
	world *world.World
	book  *addressBook
}

const googleGeocoding = "google_geocoding"

func newGeocoding(w *world.World, _ func() time.Time) *geocoding {
	return &geocoding{world: w, book: newAddressBook(w)}
}

func (g *geocoding) name() string { return googleGeocoding }

func (g *geocoding) routes() []route {
	return []route{{"GET /maps/api/geocode/json", "geocode", g.geocode}}
}

func (g *geocoding) limits() []limit {
	return []limit{{Max: 3000, Per: time.Minute, Status: http.StatusOK, Reason: "per_minute"}}
}

func (g *geocoding) refuse(f Fault) (string, []byte) {
	body, _ := json.Marshal(object{"results": []object{}, "status": mapsFault(f)})
	return "application/json; charset=UTF-8", body
}

func (g *geocoding) geocode(w http.ResponseWriter, r *http.Request) {
	problem := mapsKey(r)
	var found []spot
	if problem == nil {
		found, problem = g.find(r)
	}
	answer := object{"results": []object{}, "status": "OK"}
	switch {
	case problem != nil:
		bill(w, 0)
		answer["status"] = problem.status
		if problem.message != "" {
			answer["error_message"] = problem.message
		}
	case len(found) == 0: // a success, and billed
		answer["status"] = "ZERO_RESULTS"
	default:
		results := []object{}
		for _, s := range found {
			results = append(results, g.render(s))
		}
		answer["results"] = results
	}
	writeJSON(w, http.StatusOK, answer)
}

func (g *geocoding) find(r *http.Request) ([]spot, *legacyProblem) {
	q := mapsParams(r)
	switch {
	case q.Has("place_id"):
		s, ok := g.book.byID(q.Get("place_id"))
		if !ok {
			return nil, legacyInvalid("Invalid request. Invalid 'place_id' parameter.")
		}
		return []spot{s}, nil
	case q.Has("latlng"):
		p, ok := point(q.Get("latlng"))
		if !ok {
			return nil, legacyInvalid("Invalid request. Invalid 'latlng' parameter.")
		}
		return filterSpots(g.book.reverse(p), q.Get("result_type"), q.Get("location_type")), nil
	case q.Has("address"), q.Has("components"):
		parts, ok := components(q.Get("components"))
		if !ok {
			return nil, legacyInvalid("Invalid request. Invalid 'components' parameter.")
		}
		return g.book.forward(q.Get("address"), parts), nil
	}
	return nil, legacyInvalid("Invalid request. Missing the 'address', 'components', 'latlng' or 'place_id' parameter.")
}

// components reads "country:US|postal_code:80202".
func components(text string) (map[string]string, bool) {
	parts := map[string]string{}
	for _, part := range strings.Split(text, "|") {
		name, value, ok := strings.Cut(part, ":")
		if !ok && part != "" {
			return nil, false
		}
		if value != "" && value != "None" {
			parts[name] = strings.ToLower(strings.TrimSpace(value))
		}
	}
	return parts, true
}

func filterSpots(spots []spot, types, precision string) []spot {
	return slices.DeleteFunc(spots, func(s spot) bool {
		return types != "" && !slices.Contains(strings.Split(types, "|"), s.kind) ||
			precision != "" && !slices.Contains(strings.Split(precision, "|"), s.precision())
	})
}

// render prints a spot: the further it reaches, the fewer parts it has.
func (g *geocoding) render(s spot) object {
	m := g.world.Metro
	parts := []object{}
	add := func(long, short string, types ...string) {
		parts = append(parts, object{"long_name": long, "short_name": short, "types": types})
	}
	text := []string{}
	if s.kind == "street_address" {
		if s.site.Unit != "" && s.unit {
			add(s.site.Unit, s.site.Unit, "subpremise")
		}
		number := fmt.Sprint(s.site.Number)
		add(number, number, "street_number")
	}
	if s.kind == "street_address" || s.kind == "route" {
		short := s.site.Direction + " " + s.site.Street
		add(longStreet(short), short, "route")
		line := short
		if s.kind == "street_address" {
			line = s.site.Line()
			if s.site.Unit != "" && s.unit {
				line += " #" + s.site.Unit
			}
		}
		text = append(text, line)
	}
	if s.site.Town != nil {
		add(s.site.Town.Name, s.site.Town.Name, "locality", "political")
		text = append(text, s.site.Town.Name)
	}
	postal := s.kind == "street_address" || s.kind == "postal_code"
	if s.kind != "country" {
		add(m.RegionName, m.Region, "administrative_area_level_1", "political")
		region := m.Region
		if postal {
			region += " " + s.site.Postal
		}
		text = append(text, region)
	}
	add("United States", m.Country, "country", "political")
	if postal {
		add(s.site.Postal, s.site.Postal, "postal_code")
	}
	reach := map[string]float64{"street_address": 0.0013, "route": 0.01, "postal_code": 0.03, "locality": 0.08, "administrative_area_level_1": 2.5, "country": 12}[s.kind]
	place := geometry(s.site.Lat, s.site.Lon, reach)
	place["location_type"] = s.precision()
	out := object{
		"address_components": parts, "formatted_address": strings.Join(append(text, "USA"), ", "), "geometry": place,
		"place_id": g.book.id(s), "types": []string{s.kind},
	}
	if s.kind == "locality" || s.kind == "administrative_area_level_1" || s.kind == "country" {
		out["types"] = []string{s.kind, "political"}
	}
	if s.partial {
		out["partial_match"] = true
	}
	return out
}

// longStreet writes "N Pearl St" out.
func longStreet(short string) string {
	words := strings.Fields(short)
	for i, w := range words {
		for long, abbreviation := range streetShort {
			if strings.EqualFold(w, abbreviation) {
				words[i] = strings.ToUpper(long[:1]) + long[1:]
			}
		}
	}
	return strings.Join(words, " ")
}
