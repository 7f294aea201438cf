package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// googleLegacy plays the Places API as it was before 2025, which older projects
// still call. The outcome stands in the body; the status of HTTP is 200.
type googleLegacy struct {
	world *world.World
	now   func() time.Time
	index *index
}

const googlePlacesLegacy = "google_places_legacy"

func newGoogleLegacy(w *world.World, now func() time.Time) *googleLegacy {
	return &googleLegacy{world: w, now: now, index: newIndex(w, world.GooglePlaces)}
}

func (g *googleLegacy) name() string { return googlePlacesLegacy }

func (g *googleLegacy) routes() []route {
	return []route{
		{"GET /maps/api/place/textsearch/json", "textSearch", g.search(g.text)},
		{"GET /maps/api/place/nearbysearch/json", "nearbySearch", g.search(g.nearby)},
		{"GET /maps/api/place/details/json", "details", g.details},
	}
}

func (g *googleLegacy) limits() []limit {
	return []limit{{Shared: true, Max: 600, Per: time.Minute, Status: http.StatusOK, Reason: "per_minute"}}
}

// legacyProblem is an outcome other than OK.
type legacyProblem struct{ status, message string }

func legacyInvalid(message string) *legacyProblem {
	return &legacyProblem{"INVALID_REQUEST", message}
}

// mapsKey is how the older services take a key: every refusal has status 200.
func mapsKey(r *http.Request) *legacyProblem {
	switch mapsParams(r).Get("key") {
	case "":
		return &legacyProblem{"REQUEST_DENIED", "You must use an API key to authenticate each request to Google Maps Platform APIs. For additional information, please refer to http://g.co/dev/maps-no-account"}
	case keyInvalid:
		return &legacyProblem{"REQUEST_DENIED", "The provided API key is invalid. "}
	case keyNoCredit:
		return &legacyProblem{"OVER_DAILY_LIMIT", "You have exceeded your daily request quota for this API. "}
	case keyNoContract:
		return &legacyProblem{"REQUEST_DENIED", "You're calling a legacy API, which is not enabled for your project. To get newer features and more functionality, switch to the Places API (New) or Routes API. Learn more: https://developers.google.com/maps/legacy#LegacyApiNotActivatedMapError"}
	}
	return nil
}

// mapsParams are those of the address. Some clients send "None" for what is not
// set; it counts as absent.
func mapsParams(r *http.Request) url.Values {
	q := r.URL.Query()
	for name, values := range q {
		if len(values) == 1 && (values[0] == "" || values[0] == "None") {
			delete(q, name)
		}
	}
	return q
}

// mapsFault is the status in the body that a fault stands for.
func mapsFault(f Fault) string {
	switch {
	case f.Reason == "per_day":
		return "OVER_DAILY_LIMIT"
	case f.Reason == "per_minute", f.Reason == "" && f.Status == http.StatusTooManyRequests:
		return "OVER_QUERY_LIMIT"
	case f.Reason != "":
		return f.Reason
	case f.Status == http.StatusUnauthorized, f.Status == http.StatusForbidden:
		return "REQUEST_DENIED"
	case f.Status >= 400 && f.Status < 500:
		return "INVALID_REQUEST"
	}
	return "UNKNOWN_ERROR"
}

func (g *googleLegacy) refuse(f Fault) (string, []byte) {
	body, _ := json.Marshal(object{"html_attributions": []string{}, "results": []object{}, "status": mapsFault(f)})
	return "application/json; charset=UTF-8", body
}

// legacyPage is a search with the place that a page token stands for.
type legacyPage struct {
	Query  string `json:"q"` // the parameters of the first call
	Offset int    `json:"o"`
	Issued int64  `json:"t"` // Unix, in milliseconds
}

// A token is good only some time after it was handed out.
const legacyDelay = 2 * time.Second

// search wraps what both searches share: the credential and the pages. A token
// stands for the whole search: parameters beside it count for nothing.
func (g *googleLegacy) search(find func(url.Values) ([]*world.Listing, *legacyProblem)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page := legacyPage{}
		q := mapsParams(r)
		problem := mapsKey(r)
		if token := q.Get("pagetoken"); problem == nil && token != "" {
			text, err := base64.RawURLEncoding.DecodeString(token)
			if err == nil {
				err = json.Unmarshal(text, &page)
			}
			ripe := time.UnixMilli(page.Issued).Add(legacyDelay)
			if err != nil || g.now().Before(ripe) {
				problem = legacyInvalid("")
			}
			if q, err = url.ParseQuery(page.Query); err != nil {
				problem = legacyInvalid("")
			}
		}
		var found []*world.Listing
		if problem == nil {
			found, problem = find(q)
		}
		answer := object{"html_attributions": []string{}, "results": []object{}}
		switch {
		case problem != nil:
			bill(w, 0)
			answer["status"] = problem.status
			if problem.message != "" {
				answer["error_message"] = problem.message
			}
		case len(found) == 0:
			answer["status"] = "ZERO_RESULTS"
		default:
			g.fill(answer, found, q, page.Offset, strings.Contains(r.URL.Path, "nearby"))
		}
		writeJSON(w, http.StatusOK, answer)
	}
}

func (g *googleLegacy) fill(answer object, found []*world.Listing, q url.Values, offset int, nearby bool) {
	end := min(len(found), offset+pageCap)
	results := []object{}
	for _, l := range found[min(max(offset, 0), end):end] {
		results = append(results, renderLegacy(g.world.Metro, l, g.now(), nearby))
	}
	answer["status"], answer["results"] = "OK", results
	if end < len(found) {
		q.Del("key")
		token, _ := json.Marshal(legacyPage{Query: q.Encode(), Offset: end, Issued: g.now().UnixMilli()})
		answer["next_page_token"] = base64.RawURLEncoding.EncodeToString(token)
	}
}

// point reads "lat,lng".
func point(text string) (latLng, bool) {
	a, b, ok := strings.Cut(text, ",")
	lat, err1 := strconv.ParseFloat(strings.TrimSpace(a), 64)
	lng, err2 := strconv.ParseFloat(strings.TrimSpace(b), 64)
	p := latLng{lat, lng}
	return p, ok && err1 == nil && err2 == nil && p.valid()
}

// text prefers what is near to a location, but takes all.
func (g *googleLegacy) text(q url.Values) ([]*world.Listing, *legacyProblem) {
	words, town := splitQuery(q.Get("query"))
	if len(words) == 0 && q.Get("type") == "" {
		return nil, legacyInvalid("")
	}
	center, near := point(q.Get("location"))
	if q.Has("location") && !near {
		return nil, legacyInvalid("Invalid request. Invalid 'location' parameter.")
	}
	found, flat := best{keep: maxResults}, flatKM(center)
	g.match(q, words, nil, func(i int32, relevance float64) {
		l := &g.index.all[i]
		if town != "" && !near && !strings.EqualFold(l.City, town) {
			return
		}
		if l.Status == world.ClosedForGood {
			relevance /= 4
		}
		if near {
			relevance /= 1 + flat(l.Lat, l.Lon)/25
		}
		found.offer(i, relevance+g.index.fame[i]/100)
	})
	return found.list(g.index), nil
}

func (g *googleLegacy) nearby(q url.Values) ([]*world.Listing, *legacyProblem) {
	center, ok := point(q.Get("location"))
	if !ok {
		return nil, legacyInvalid("")
	}
	radius, err := strconv.ParseFloat(q.Get("radius"), 64)
	byDistance := q.Get("rankby") == "distance"
	switch {
	case byDistance && (q.Has("radius") || !q.Has("keyword") && !q.Has("type") && !q.Has("name")):
		return nil, legacyInvalid("")
	case byDistance:
		radius = 50_000
	case err != nil || radius <= 0:
		return nil, legacyInvalid("")
	}
	radius = min(radius, 50_000) / 1000
	area := world.Around(center.Latitude, center.Longitude, radius)
	found := best{keep: maxResults}
	g.match(q, tokens(q.Get("keyword")+" "+q.Get("name")), &area, func(i int32, _ float64) {
		l := &g.index.all[i]
		km := world.DistanceKM(center.Latitude, center.Longitude, l.Lat, l.Lon)
		switch {
		case l.Area || l.Status == world.ClosedForGood || km > radius:
		case byDistance:
			found.offer(i, -km)
		default:
			found.offer(i, g.index.fame[i])
		}
	})
	return found.list(g.index), nil
}

// match applies what both searches filter by.
func (g *googleLegacy) match(q url.Values, words []string, area *world.Box, visit func(int32, float64)) {
	kind := q.Get("type")
	fits := func(i int32, relevance float64) {
		l := &g.index.all[i]
		if kind != "" && !slices.Contains(placeTypes(l), kind) || q.Has("opennow") && !openNow(l, g.now()) || q.Has("minprice") {
			return
		}
		visit(i, relevance)
	}
	if len(words) > 0 {
		g.index.words(words, area, fits)
		return
	}
	g.index.each(nil, area, func(i int32) { fits(i, 1) })
}

func (g *googleLegacy) details(w http.ResponseWriter, r *http.Request) {
	answer, problem := object{"html_attributions": []string{}}, mapsKey(r)
	q := mapsParams(r)
	id := q.Get("place_id")
	if id == "" {
		id = q.Get("placeid") // as the older clients, googlemaps for Python among them, call it
	}
	l := g.world.ByKey(world.GooglePlaces, id)
	switch {
	case problem != nil:
	case id == "":
		problem = legacyInvalid("Invalid request. Missing the 'place_id' parameter.")
	case l == nil:
		problem = &legacyProblem{status: "NOT_FOUND"}
	default:
		answer["result"], problem = legacyFields(renderLegacyDetails(g.world.Metro, l, g.now()), q.Get("fields"))
	}
	answer["status"] = "OK"
	if problem != nil {
		bill(w, 0)
		answer = object{"html_attributions": []string{}, "status": problem.status}
		if problem.message != "" {
			answer["error_message"] = problem.message
		}
	}
	writeJSON(w, http.StatusOK, answer)
}

// legacyFields keeps the fields that were asked for; all, where none was.
func legacyFields(place object, fields string) (object, *legacyProblem) {
	if fields == "" {
		return place, nil
	}
	out := object{}
	for _, f := range strings.Split(fields, ",") {
		name, _, _ := strings.Cut(f, "/")
		if !slices.Contains(legacyFieldNames, name) {
			return nil, legacyInvalid(fmt.Sprintf("Error while parsing 'fields' parameter: Unsupported field name '%s'. ", f))
		}
		if v, ok := place[name]; ok {
			out[name] = v
		}
	}
	return out, nil
}

var legacyFieldNames = strings.Fields(`address_components adr_address business_status formatted_address
	formatted_phone_number geometry icon international_phone_number name opening_hours permanently_closed photos place_id
	plus_code price_level rating reference reviews types url user_ratings_total utc_offset vicinity website`)
