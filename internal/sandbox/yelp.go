package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// yelp plays the Yelp Places API, version 3, as its reference pages and the
// answers recorded by Yelp's own client describe it.
type yelp struct {
	world   *world.World
	now     func() time.Time
	index   *index
	byAlias map[string]int32
	byPhone map[string][]int32
}

func newYelp(w *world.World, now func() time.Time) *yelp {
	y := &yelp{world: w, now: now, index: newIndex(w, world.Yelp), byAlias: map[string]int32{}, byPhone: map[string][]int32{}}
	for i := range y.index.all {
		l := &y.index.all[i]
		if _, taken := y.byAlias[l.ID]; !taken {
			y.byAlias[l.ID] = int32(i)
		}
		if l.Phone != "" && l.MovedTo == "" {
			y.byPhone[l.Phone] = append(y.byPhone[l.Phone], int32(i))
		}
	}
	return y
}

func (y *yelp) name() string { return world.Yelp }

func (y *yelp) routes() []route {
	return []route{
		{"GET /v3/businesses/search", "search", y.method(y.search)},
		{"GET /v3/businesses/search/phone", "phone", y.method(y.phone)},
		{"GET /v3/businesses/matches", "matches", y.method(y.matches)},
		{"GET /v3/businesses/{id}", "details", y.method(y.details)},
	}
}

// limits are those of a starter plan. Yelp does not publish how many calls a
// second it takes; five is what callers report.
func (y *yelp) limits() []limit {
	return []limit{
		{Shared: true, Max: yelpDaily, Per: 24 * time.Hour, Reason: "per_day"},
		{Shared: true, Max: 5, Per: time.Second, Reason: "per_second"},
	}
}

const yelpDaily = 300

func (y *yelp) limitHeaders(h http.Header, states []limitState) {
	day := states[0]
	h.Set("RateLimit-DailyLimit", strconv.Itoa(day.Max))
	h.Set("RateLimit-Remaining", strconv.Itoa(day.Left))
	h.Set("RateLimit-ResetTime", day.Resets.UTC().Format("2006-01-02T15:04:05-07:00"))
}

// yelpError is an answer other than 200.
type yelpError struct {
	status      int
	code        string
	description string
	field       string
	instance    any    // the value that was refused
	movedTo     string // id of the business that replaces the one asked for
}

func (e *yelpError) body() object {
	out := object{"code": e.code, "description": e.description}
	if e.field != "" {
		out["field"], out["instance"] = e.field, e.instance
	}
	if e.movedTo != "" {
		out["new_business_id"] = e.movedTo
	}
	return object{"error": out}
}

func yelpInvalid(field string, instance any, description string) *yelpError {
	return &yelpError{status: http.StatusBadRequest, code: "VALIDATION_ERROR", description: description, field: field, instance: instance}
}

// method wraps what all methods share: the credential, the locale and the form
// of answers. An error bills nothing.
func (y *yelp) method(call func(*http.Request) (object, *yelpError)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := yelpKey(r)
		if err == nil {
			err = yelpLocale(r)
		}
		var result object
		if err == nil {
			result, err = call(r)
		}
		if err != nil {
			bill(w, 0)
			writeJSON(w, err.status, err.body())
			return
		}
		writeJSON(w, http.StatusOK, result)
	}
}

var (
	yelpKeyForm    = regexp.MustCompile(`^(?i)Bearer [A-Za-z0-9\-_]{128}$`)
	yelpLocaleForm = regexp.MustCompile(`^[a-z]{2,3}_[A-Z]{2}$`)
)

// yelpKey takes any key of Yelp's form, and "sandbox". A key of another form is
// an invalid request, not an unknown caller.
func yelpKey(r *http.Request) *yelpError {
	header := r.Header.Get("Authorization")
	if header == "" {
		return &yelpError{status: http.StatusUnauthorized, code: "TOKEN_MISSING", description: "An access token must be supplied in order to use this endpoint."}
	}
	_, key, _ := strings.Cut(header, " ")
	switch {
	case key == keyInvalid || strings.HasPrefix(key, keyInvalid+"-"):
		return &yelpError{status: http.StatusUnauthorized, code: "TOKEN_INVALID", description: "Invalid access token or authorization header."}
	case key == keyNoCredit || strings.HasPrefix(key, keyNoCredit+"-"):
		return yelpLimit("per_day")
	case key == keyNoContract || strings.HasPrefix(key, keyNoContract+"-"):
		return &yelpError{status: http.StatusForbidden, code: "UNAUTHORIZED_API_KEY", description: "The API key is not authorised for this endpoint under its plan."}
	case key != "sandbox" && !yelpKeyForm.MatchString(header):
		return yelpInvalid("Authorization", header, fmt.Sprintf("'%s' does not match '%s'", header, yelpKeyForm))
	}
	return nil
}

func yelpLocale(r *http.Request) *yelpError {
	locale := r.URL.Query().Get("locale")
	if locale != "" && !yelpLocaleForm.MatchString(locale) {
		return yelpInvalid("locale", locale, fmt.Sprintf("'%s' does not match '%s'", locale, yelpLocaleForm))
	}
	return nil
}

// yelpLimit is one of two refusals with one status: the day's is no reason to
// try again before midnight UTC, the second's is.
func yelpLimit(reason string) *yelpError {
	if reason == "per_day" {
		return &yelpError{status: http.StatusTooManyRequests, code: "ACCESS_LIMIT_REACHED",
			description: "You've reached the access limit for this client. See instructions for requesting a higher access limit at https://www.yelp.com/developers/documentation/v3/rate_limiting"}
	}
	return &yelpError{status: http.StatusTooManyRequests, code: "TOO_MANY_REQUESTS_PER_SECOND",
		description: "You have exceeded the queries-per-second limit for this endpoint. Try reducing the rate at which you make queries."}
}

// refuse prints limits, outages and whatever code a fault names.
func (y *yelp) refuse(f Fault) (string, []byte) {
	e := &yelpError{code: f.Reason, description: "Injected by the sandbox."}
	switch {
	case f.Status == http.StatusTooManyRequests:
		e = yelpLimit(f.Reason)
	case f.Reason != "":
	case f.Status == http.StatusUnauthorized:
		e.code, e.description = "TOKEN_INVALID", "Invalid access token or authorization header."
	case f.Status == http.StatusForbidden:
		e.code = "BUSINESS_UNAVAILABLE"
	case f.Status == http.StatusNotFound:
		e.code = "BUSINESS_NOT_FOUND"
	case f.Status >= 500:
		e.code, e.description = "INTERNAL_ERROR", "Something went wrong internally, please try again later."
	default:
		e.code = "VALIDATION_ERROR"
	}
	body, _ := json.Marshal(e.body()) // strings and maps always marshal
	return "application/json", body
}

func (y *yelp) details(r *http.Request) (object, *yelpError) {
	key := r.PathValue("id")
	l := y.world.ByKey(world.Yelp, key)
	if i, ok := y.byAlias[key]; l == nil && ok {
		l = &y.index.all[i]
	}
	switch {
	case l == nil:
		return nil, &yelpError{status: http.StatusNotFound, code: "BUSINESS_NOT_FOUND", description: "The requested business could not be found."}
	case l.MovedTo != "":
		return nil, &yelpError{status: http.StatusMovedPermanently, code: "BUSINESS_MIGRATED",
			description: "The requested business has been migrated to " + l.MovedTo + ".", movedTo: l.MovedTo}
	}
	return y.renderDetails(l), nil
}

var yelpPhoneForm = regexp.MustCompile(`^\+[0-9]{7,15}$`)

func (y *yelp) phone(r *http.Request) (object, *yelpError) {
	number := r.URL.Query().Get("phone")
	if !yelpPhoneForm.MatchString(number) {
		return nil, yelpInvalid("phone", number, "Must be a valid phone number in E.164 format, starting with +")
	}
	found := []object{}
	for _, i := range y.byPhone[strings.TrimPrefix(number, "+1")] {
		found = append(found, y.render(&y.index.all[i]))
	}
	return object{"businesses": found, "total": len(found)}, nil
}

// matches finds a business by its name and address. Each threshold asks for
// more: "none" for a word of the name in the town, "default" for half of the
// words, "strict" for the street line too.
func (y *yelp) matches(r *http.Request) (object, *yelpError) {
	q := r.URL.Query()
	for _, field := range []string{"name", "address1", "city", "state", "country"} {
		if !q.Has(field) {
			return nil, yelpInvalid(field, nil, fmt.Sprintf("'%s' is a required property", field))
		}
	}
	if len(q.Get("state")) > 3 {
		return nil, yelpInvalid("state", q.Get("state"), fmt.Sprintf("'%s' is too long", q.Get("state")))
	}
	if len(q.Get("country")) != 2 {
		return nil, yelpInvalid("country", q.Get("country"), fmt.Sprintf("'%s' is not a country code", q.Get("country")))
	}
	limit, err := yelpInt(q.Get("limit"), "limit", 3, 1, 10)
	if err != nil {
		return nil, err
	}
	share := map[string]float64{"none": 0, "": 0.5, "default": 0.5, "strict": 0.99}
	least, known := share[q.Get("match_threshold")]
	if !known {
		return nil, yelpInvalid("match_threshold", q.Get("match_threshold"), fmt.Sprintf("'%s' is not one of ['none', 'default', 'strict']", q.Get("match_threshold")))
	}
	words := tokens(q.Get("name"))
	street := streetKey(q.Get("address1"))
	found := best{keep: limit}
	var lists [][]int32
	for _, w := range words {
		lists = append(lists, y.index.byWord[singular(w)])
	}
	if q.Get("country") != y.world.Metro.Country || q.Get("state") != y.world.Metro.Region || lists == nil {
		return object{"businesses": []object{}}, nil
	}
	y.index.each(lists, nil, func(i int32) {
		l := &y.index.all[i]
		if l.MovedTo != "" || !strings.EqualFold(l.City, q.Get("city")) {
			return
		}
		fits := nameShare(words, tokens(l.Name))
		sameStreet := streetKey(l.Street) == street
		if fits < least || least > 0.9 && !sameStreet {
			return
		}
		if sameStreet {
			fits++
		}
		found.offer(i, fits)
	})
	out := []object{}
	for _, l := range found.list(y.index) {
		b := y.render(l)
		for _, name := range []string{"distance", "review_count", "rating", "categories", "image_url", "is_closed", "transactions", "url"} {
			delete(b, name)
		}
		out = append(out, b)
	}
	return object{"businesses": out}, nil
}

// nameShare is the share of words that two names have in common.
func nameShare(a, b []string) float64 {
	common := 0
	for _, word := range a {
		for _, other := range b {
			if singular(word) == singular(other) {
				common++
				break
			}
		}
	}
	return float64(common) / float64(max(len(a), len(b), 1))
}
