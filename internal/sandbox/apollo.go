package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// apollo plays the Apollo API, version 1, of a paid plan: search and enrichment
// of organizations and people, and what was used.
type apollo struct {
	world   *world.World
	now     func() time.Time
	firms   []*firm // in the order of their ids
	byID    map[string]*firm
	people  map[string]*employee
	spent   spent
	request atomic.Int64
}

func newApollo(w *world.World, now func() time.Time) *apollo {
	a := &apollo{world: w, now: now, firms: firms(w, world.Apollo), byID: map[string]*firm{}, people: map[string]*employee{}}
	for _, f := range a.firms {
		a.byID[f.Key] = f
		for i := range f.people {
			a.people[f.people[i].id] = &f.people[i]
		}
	}
	return a
}

func (a *apollo) name() string { return world.Apollo }

// apolloPaths are the paths below /api/v1/ by method name: error texts name
// them.
var apolloPaths = map[string]string{
	"searchOrganizations": "mixed_companies/search",
	"searchPeople":        "mixed_people/api_search",
	"matchPerson":         "people/match",
	"matchPeople":         "people/bulk_match",
	"enrichOrganization":  "organizations/enrich",
	"enrichOrganizations": "organizations/bulk_enrich",
	"getOrganization":     "organizations/{id}",
	"getPerson":           "people/{id}",
	"creditUsage":         "usage_stats/credit_usage_stats",
	"apiUsage":            "usage_stats/api_usage_stats",
}

// apolloBilled are the methods that take credits: a caller without any can use
// the others still.
var apolloBilled = map[string]bool{
	"searchOrganizations": true, "matchPerson": true, "matchPeople": true, "enrichOrganization": true,
	"enrichOrganizations": true, "getOrganization": true, "getPerson": true,
}

func (a *apollo) routes() []route {
	var all []route
	for method, call := range map[string]apolloCall{
		"POST searchOrganizations": a.searchOrganizations,
		"POST searchPeople":        a.searchPeople,
		"POST matchPerson":         a.matchPerson,
		"POST matchPeople":         a.matchPeople,
		"GET enrichOrganization":   a.enrichOrganization,
		"POST enrichOrganizations": a.enrichOrganizations,
		"GET getOrganization":      a.getOrganization,
		"GET getPerson":            a.getPerson,
		"POST creditUsage":         a.creditUsage,
		"POST apiUsage":            a.apiUsage,
	} {
		verb, name, _ := strings.Cut(method, " ")
		all = append(all, route{verb + " /api/v1/" + apolloPaths[name], name, a.method(name, call)})
	}
	return all
}

// limits of a paid plan, for a team and each endpoint apart; the windows open
// with the first request. Enrichment has a minute's limit alone.
func (a *apollo) limits() []limit {
	search := []string{"searchOrganizations", "searchPeople"}
	enrich := []string{"matchPerson", "matchPeople", "enrichOrganization", "enrichOrganizations", "getOrganization", "getPerson"}
	other := []string{"creditUsage", "apiUsage"}
	window := func(methods []string, most int, per time.Duration, words string) limit {
		return limit{Methods: methods, Max: most, Per: per, Opens: FirstRequest, Reason: fmt.Sprintf("%d times per %s", most, words)}
	}
	return []limit{
		window(search, 200, time.Minute, "minute"),
		window(search, 6_000, time.Hour, "hour"),
		window(search, 50_000, 24*time.Hour, "day"),
		window(enrich, 1_000, time.Minute, "minute"),
		window(other, 200, time.Minute, "minute"),
		window(other, 400, time.Hour, "hour"),
		window(other, 2_000, 24*time.Hour, "day"),
	}
}

// limitHeaders prints all three windows; one without a limit is empty.
func (a *apollo) limitHeaders(h http.Header, states []limitState) {
	for _, w := range []struct {
		per               time.Duration
		limit, used, left string
	}{
		{time.Minute, "x-rate-limit-minute", "x-minute-usage", "x-minute-requests-left"},
		{time.Hour, "x-rate-limit-hourly", "x-hourly-usage", "x-hourly-requests-left"},
		{24 * time.Hour, "x-rate-limit-24-hour", "x-24-hour-usage", "x-24-hour-requests-left"},
	} {
		h.Set(w.limit, "")
		h.Set(w.used, "")
		h.Set(w.left, "")
		for _, s := range states {
			if s.Per != w.per {
				continue
			}
			h.Set(w.limit, fmt.Sprint(s.Max))
			h.Set(w.used, fmt.Sprint(s.Max-s.Left))
			h.Set(w.left, fmt.Sprint(s.Left))
			if s.Refused {
				h.Set("Retry-After", fmt.Sprint(int(s.Resets.Sub(a.now()).Seconds())+1))
			}
		}
	}
}

// apolloError is an answer other than 200. Bulk methods and the others differ
// in form; 401 is plain text.
type apolloError struct {
	status int
	body   object
	plain  string // instead of the body
}

func (e *apolloError) write(w http.ResponseWriter) {
	if e.plain != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(e.status)
		fmt.Fprint(w, e.plain)
		return
	}
	writeJSON(w, e.status, e.body)
}

const apolloUnauthorized = "Invalid API key. See https://docs.apollo.io/reference/authentication for how to authenticate."

func unprocessable(message string) *apolloError {
	return &apolloError{status: http.StatusUnprocessableEntity, body: object{"error": message}}
}

// bulkError is the form of errors of the methods that take lists.
func bulkError(status int, code, message string) *apolloError {
	return &apolloError{status: status, body: object{"status": "failed", "error_code": code, "error_message": message}}
}

// apolloForbidden says that a key has no scope for a method; a search of
// organizations is a matter of the plan and words it so.
func apolloForbidden(method string) *apolloError {
	body := object{
		"error":      "This API key is not authorized to access api/v1/" + apolloPaths[method] + ". Request an API key from your administrator that includes this endpoint in its configured scope.",
		"error_code": "API_INACCESSIBLE",
	}
	if method == "searchOrganizations" {
		body = object{"message": "This endpoint is only available to Apollo users on paid plans."}
	}
	return &apolloError{status: http.StatusForbidden, body: body}
}

// refuse prints what a fault or a limit asks for. The message of a people
// search that is too fast holds JSON again, as in the documented example.
func (a *apollo) refuse(f Fault) (string, []byte) {
	asJSON := func(body object) (string, []byte) {
		out, _ := json.Marshal(body) // strings and maps always marshal
		return "application/json; charset=utf-8", out
	}
	switch f.Status {
	case http.StatusUnauthorized:
		return "text/plain; charset=utf-8", []byte(apolloUnauthorized)
	case http.StatusForbidden:
		return asJSON(apolloForbidden(f.Method).body)
	case http.StatusUnprocessableEntity:
		return asJSON(unprocessable("Invalid parameters").body)
	case http.StatusTooManyRequests:
		times := f.Reason
		switch times {
		case "", "per_minute":
			times = "200 times per minute"
		case "per_hour":
			times = "6000 times per hour"
		case "per_day":
			times = "50000 times per day"
		}
		message := fmt.Sprintf("The maximum number of api calls allowed for api/v1/%s is %s. Please upgrade your plan from https://app.apollo.io/#/settings/plans/upgrade.", apolloPaths[f.Method], times)
		if f.Method == "searchPeople" {
			_, inner := asJSON(object{"message": message})
			message = string(inner)
		}
		return asJSON(object{"message": message})
	}
	return "text/html; charset=utf-8", []byte("<html><body>" + http.StatusText(f.Status) + "</body></html>")
}

// apolloCall answers a request of a key.
type apolloCall func(r *http.Request, key string) (any, *apolloError)

// method wraps what all methods share. The key is a header, or the bearer token
// of a partner; the parameter of old clients is refused. Answers to a key that
// does not hold tell no limits.
func (a *apollo) method(name string, call apolloCall) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("X-Api-Key")
		if key == "" {
			key, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		}
		var result any
		var err *apolloError
		switch {
		case key == "" || key == keyInvalid:
			err = &apolloError{status: http.StatusUnauthorized, plain: apolloUnauthorized}
		case key == keyNoContract:
			err = apolloForbidden(name)
		case key == keyNoCredit && apolloBilled[name]:
			// The words are ours; the status is what users report.
			err = unprocessable("You have insufficient credits. Please upgrade your plan from https://app.apollo.io/#/settings/plans/upgrade.")
		default:
			result, err = call(r, key)
		}
		if err != nil {
			if err.status == http.StatusUnauthorized || err.status == http.StatusForbidden {
				for h := range w.Header() {
					w.Header().Del(h)
				}
			}
			err.write(w)
			return
		}
		if !apolloBilled[name] || isNoMatch(result) {
			bill(w, 0)
		}
		writeJSON(w, http.StatusOK, result)
	}
}

// isNoMatch says whether an enrichment found nobody, which costs nothing.
func isNoMatch(result any) bool {
	answer, ok := result.(object)
	found, has := answer["organization"]
	return ok && has && found == nil
}

// requestID is a number beyond 2^53: read as a float it changes.
func (a *apollo) requestID() int64 { return 1_039_995_589_705_121_901 + a.request.Add(1) }

func (a *apollo) creditUsage(_ *http.Request, key string) (any, *apolloError) {
	const bought = 10_000
	used := a.spent.add(key, 0)
	if key == keyNoCredit {
		used = bought
	}
	month := time.Date(a.now().UTC().Year(), a.now().UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	const stamp = "2006-01-02T15:04:05.000Z"
	return object{
		"credit_usage_stats": object{
			"lead_credit":        object{"limit": bought, "consumed": used, "left_over": max(0, bought-used)},
			"direct_dial_credit": object{"limit": 1000, "consumed": 0, "left_over": 1000},
			"export_credit":      object{"limit": 5000, "consumed": 0, "left_over": 5000},
		},
		"current_credit_cycle": object{"start_date": month.Format(stamp), "end_date": month.AddDate(0, 1, 0).Format(stamp)},
	}, nil
}

// apiUsage names endpoints by JSON arrays in keys, as the API does. It tells
// the limits; what was used is in the headers.
func (a *apollo) apiUsage(*http.Request, string) (any, *apolloError) {
	out := object{}
	for _, l := range a.limits() {
		for _, method := range l.Methods {
			at := strings.LastIndexByte(apolloPaths[method], '/')
			name := fmt.Sprintf("[%q, %q]", "api/v1/"+apolloPaths[method][:at], apolloPaths[method][at+1:])
			if out[name] == nil {
				out[name] = object{}
			}
			window := map[time.Duration]string{time.Minute: "minute", time.Hour: "hour", 24 * time.Hour: "day"}[l.Per]
			out[name].(object)[window] = object{"limit": l.Max, "consumed": 0, "left_over": l.Max}
		}
	}
	return out, nil
}
