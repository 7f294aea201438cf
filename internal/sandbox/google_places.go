package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// googlePlaces plays the Places API (New), version 1, as its discovery
// document of revision 20261101 and its users describe it.
type googlePlaces struct {
	world *world.World
	now   func() time.Time
	index *index
}

func newGooglePlaces(w *world.World, now func() time.Time) *googlePlaces {
	return &googlePlaces{world: w, now: now, index: newIndex(w, world.GooglePlaces)}
}

func (g *googlePlaces) name() string { return world.GooglePlaces }

func (g *googlePlaces) routes() []route {
	return []route{
		{"POST /v1/places:searchText", "searchText", g.method(g.searchText)},
		{"POST /v1/places:searchNearby", "searchNearby", g.method(g.searchNearby)},
		{"GET /v1/places/{id}", "getPlace", g.method(g.getPlace)},
	}
}

// limits are the defaults of a project; the day is California's.
func (g *googlePlaces) limits() []limit {
	pacific, err := time.LoadLocation("America/Los_Angeles")
	if err != nil { // a system without time zones
		pacific = time.FixedZone("PST", -8*60*60)
	}
	const day = 24 * time.Hour
	return []limit{
		{Max: 600, Per: time.Minute, Reason: "per_minute"},
		{Methods: []string{"searchText", "searchNearby"}, Max: 75_000, Per: day, Zone: pacific, Reason: "per_day"},
		{Methods: []string{"getPlace"}, Max: 125_000, Per: day, Zone: pacific, Reason: "per_day"},
	}
}

// googleError is an answer other than 200, in the form of google.rpc.Status.
type googleError struct {
	code    int
	status  string
	message string
	reason  string
	meta    object
}

func invalidArgument(message string) *googleError {
	return &googleError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", message: message}
}

func (e *googleError) body() object {
	out := object{"code": e.code, "message": e.message, "status": e.status}
	if e.reason != "" {
		meta := object{"service": "places.googleapis.com"}
		for k, v := range e.meta {
			meta[k] = v
		}
		out["details"] = []object{{
			"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": e.reason,
			"domain": "googleapis.com", "metadata": meta,
		}}
	}
	return object{"error": out}
}

// method wraps what all methods share: the credential and the form of answers.
func (g *googlePlaces) method(call func(*http.Request) (any, *googleError)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := checkKey(r); err != nil {
			writeJSON(w, err.code, err.body())
			return
		}
		result, err := call(r)
		if err != nil {
			writeJSON(w, err.code, err.body())
			return
		}
		if result == nil {
			result = object{}
		}
		writeJSON(w, http.StatusOK, result)
	}
}

// checkKey takes any credential but the three that every provider refuses.
func checkKey(r *http.Request) *googleError {
	key := r.Header.Get("X-Goog-Api-Key")
	if key == "" {
		key = r.URL.Query().Get("key")
	}
	if key == "" {
		key, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	switch key {
	case "":
		return &googleError{code: http.StatusForbidden, status: "PERMISSION_DENIED",
			message: "Method doesn't allow unregistered callers. Use an API key or another form of identity to call this API."}
	case keyInvalid:
		e := invalidArgument("API key not valid. Please pass a valid API key.")
		e.reason = "API_KEY_INVALID"
		return e
	case keyNoCredit:
		return googleQuota("SearchText", "per_day")
	case keyNoContract:
		return &googleError{code: http.StatusForbidden, status: "PERMISSION_DENIED", reason: "BILLING_DISABLED",
			message: "This API method requires billing to be enabled. Please enable billing on project #1 and try again.",
			meta:    object{"consumer": "projects/1"}}
	}
	return nil
}

// googleQuota is a 429, whose body alone tells the minute's limit from the day's.
func googleQuota(method, reason string) *googleError {
	words, limit := "minute", "PerMinute"
	if reason == "per_day" {
		words, limit = "day", "PerDay"
	}
	return &googleError{
		code: http.StatusTooManyRequests, status: "RESOURCE_EXHAUSTED", reason: "RATE_LIMIT_EXCEEDED",
		message: fmt.Sprintf("Quota exceeded for quota metric '%[1]sRequest' and limit '%[1]sRequest per %[2]s' of service 'places.googleapis.com' for consumer 'project_number:1'.", method, words),
		meta:    object{"quota_limit": method + "Request" + limit + "PerProject", "consumer": "projects/1"},
	}
}

// refuse prints quota errors and outages.
func (g *googlePlaces) refuse(f Fault) (string, []byte) {
	method := map[string]string{"searchText": "SearchText", "searchNearby": "SearchNearby", "getPlace": "GetPlace"}[f.Method]
	if method == "" {
		method = "SearchText"
	}
	e := &googleError{code: f.Status, status: "UNKNOWN", message: "Injected by the sandbox.", reason: f.Reason}
	switch f.Status {
	case http.StatusTooManyRequests:
		e = googleQuota(method, f.Reason)
	case http.StatusBadRequest:
		e.status = "INVALID_ARGUMENT"
	case http.StatusForbidden:
		e.status = "PERMISSION_DENIED"
	case http.StatusNotFound:
		e.status = "NOT_FOUND"
	case http.StatusInternalServerError:
		e.status = "INTERNAL"
	case http.StatusServiceUnavailable:
		e.status = "UNAVAILABLE"
	}
	body, _ := json.Marshal(e.body()) // strings and maps always marshal
	return "application/json; charset=UTF-8", body
}

// decodeRequest reads a JSON body strictly, as the API does.
func decodeRequest(r *http.Request, into any) *googleError {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return invalidArgument("Request body could not be read.")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return invalidArgument("Invalid JSON payload received. " + strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

func (g *googlePlaces) searchText(r *http.Request) (any, *googleError) {
	var q textQuery
	if err := decodeRequest(r, &q); err != nil {
		return nil, err
	}
	fields, err := parseMask(r, searchTextSchema())
	if err != nil {
		return nil, err
	}
	if err := q.check(); err != nil {
		return nil, err
	}
	offset, err := q.offset()
	if err != nil {
		return nil, err
	}
	found := g.findText(&q)
	found = found[:min(len(found), maxResults)]
	end := min(len(found), offset+q.size())
	page := found[min(offset, end):end]
	answer := g.answer(page)
	if end < len(found) {
		answer["nextPageToken"] = q.token(end)
	}
	return fields.apply(answer), nil
}

func (g *googlePlaces) searchNearby(r *http.Request) (any, *googleError) {
	var q nearbyQuery
	if err := decodeRequest(r, &q); err != nil {
		return nil, err
	}
	fields, err := parseMask(r, searchNearbySchema())
	if err != nil {
		return nil, err
	}
	if err := q.check(); err != nil {
		return nil, err
	}
	found := g.findNearby(&q)
	limit := pageCap
	if q.MaxResultCount != nil {
		limit = *q.MaxResultCount
	}
	return fields.apply(g.answer(found[:min(len(found), limit)])), nil
}

// answer has no "places" at all where nothing was found.
func (g *googlePlaces) answer(found []*world.Listing) object {
	if len(found) == 0 {
		return object{}
	}
	places := make([]object, len(found))
	for i, l := range found {
		places[i] = renderPlace(g.world.Metro, l, g.now())
	}
	return object{"places": places}
}

func (g *googlePlaces) getPlace(r *http.Request) (any, *googleError) {
	fields, err := parseMask(r, placeSchema())
	if err != nil {
		return nil, err
	}
	l := g.world.ByKey(world.GooglePlaces, r.PathValue("id"))
	if l == nil {
		return nil, &googleError{code: http.StatusNotFound, status: "NOT_FOUND",
			message: "The Place ID is no longer valid. Please refresh cached Place IDs."}
	}
	return fields.apply(renderPlace(g.world.Metro, l, g.now())), nil
}
