package crm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const hubspotName = "hubspot"

// hubspot is one account. Its mutex guards all of it: a call that writes is one
// step, so that two upserts of one id make one record.
type hubspot struct {
	s *Server

	mu       sync.Mutex
	objects  map[string]*hsObject
	tokens   map[string]time.Time // issued ones and until when
	refused  map[string]bool      // revoked
	closed   bool                 // nobody gets a token: the app was removed
	serial   int                  // of records, tokens and correlations
	calls    int
	lag      time.Duration // until search finds what was written
	recent   rolling       // all calls but searches, in ten seconds
	today    rolling
	searches rolling
	links    map[hsLink]bool
	agenda   agenda
}

// The limits of a professional account.
const (
	hsPerTenSeconds = 190
	hsPerDay        = 650_000
	hsSearches      = 5 // a second
)

// hsLag is how far search is behind.
const hsLag = 3 * time.Second

func newHubspot(s *Server) *hubspot {
	a := &hubspot{s: s}
	a.reset()
	return a
}

func (a *hubspot) name() string { return hubspotName }

func (a *hubspot) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.objects = hsSchema()
	a.tokens, a.refused, a.links = map[string]time.Time{}, map[string]bool{}, map[hsLink]bool{}
	a.closed, a.serial, a.lag, a.agenda = false, 500, hsLag, agenda{}
	a.recent.reset()
	a.today.reset()
	a.searches.reset()
}

// routes answer below /crm/v3/objects/ and below the dated versions, which have
// the same verbs.
func (a *hubspot) routes() []route {
	list := []route{{"POST /oauth/v1/token", "token", a.token}}
	add := func(method, path, name string, handle hsHandler) {
		list = append(list, route{method + " " + path, name, a.call(name == "search", handle)})
	}
	for _, base := range []string{"/crm/v3/objects/{obj}", "/crm/objects/{version}/{obj}"} {
		add("POST", base+"/batch/upsert", "batch_upsert", a.batchUpsert)
		add("POST", base+"/batch/create", "batch_create", a.batchCreate)
		add("POST", base+"/batch/update", "batch_update", a.batchUpdate)
		add("POST", base+"/batch/read", "batch_read", a.batchRead)
		add("POST", base+"/batch/archive", "batch_archive", a.batchArchive)
		add("POST", base+"/search", "search", a.search)
		add("POST", base+"/merge", "merge", a.merge)
		add("POST", base+"/gdpr-delete", "gdpr_delete", a.gdprDelete)
		add("GET", base, "list", a.list)
		add("POST", base, "create", a.create)
		add("GET", base+"/{id}", "read", a.read)
		add("PATCH", base+"/{id}", "update", a.update)
		add("DELETE", base+"/{id}", "archive", a.archive)
	}
	for _, base := range []string{"/crm/v3/properties/{obj}", "/crm/properties/{version}/{obj}"} {
		add("GET", base, "properties", a.properties)
		add("POST", base, "property_create", a.createProperty)
		add("GET", base+"/{property}", "property", a.property)
	}
	for _, base := range []string{"/crm/v4/associations/{from}/{to}", "/crm/associations/{version}/{from}/{to}"} {
		add("POST", base+"/batch/create", "associate", a.associate)
		add("POST", base+"/batch/associate/default", "associate", a.associate)
		add("POST", base+"/batch/archive", "dissociate", a.associate)
		add("POST", base+"/batch/read", "associations", a.associations)
	}
	add("GET", "/account-info/v3/api-usage/daily/private-apps", "usage", a.usage)
	return list
}

// hsError is a refusal. Its message and category are the body.
type hsError struct {
	status   int
	category string
	message  string
	context  map[string][]string
	details  []hsDetail
}

type hsDetail struct {
	Message string              `json:"message"`
	Code    string              `json:"code,omitempty"`
	In      string              `json:"in,omitempty"`
	Context map[string][]string `json:"context,omitempty"`
}

func (e *hsError) Error() string { return e.category + ": " + e.message }

func hsFail(status int, category, format string, args ...any) *hsError {
	return &hsError{status: status, category: category, message: fmt.Sprintf(format, args...)}
}

func hsInvalid(format string, args ...any) *hsError {
	return hsFail(http.StatusBadRequest, "VALIDATION_ERROR", format, args...)
}

// correlation numbers the answers that are errors.
func (a *hubspot) correlation() string {
	a.calls++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", a.calls)
}

func (a *hubspot) fail(w http.ResponseWriter, e *hsError) {
	body := map[string]any{"status": "error", "message": e.message, "correlationId": a.correlation(), "category": e.category}
	if e.context != nil {
		body["context"] = e.context
	}
	if e.details != nil {
		body["errors"] = e.details
	}
	writeJSON(w, e.status, body)
}

func (a *hubspot) tooMany(w http.ResponseWriter, policy string) {
	writeJSON(w, http.StatusTooManyRequests, map[string]any{
		"status": "error", "message": "You have reached your " + strings.ToLower(policy) + " limit.", "errorType": "RATE_LIMIT",
		"correlationId": a.correlation(), "policyName": policy, "requestId": strconv.Itoa(a.calls), "category": "RATE_LIMITS",
	})
}

// refuse answers a storm as a limit of ten seconds does.
func (a *hubspot) refuse(w http.ResponseWriter, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if status == http.StatusTooManyRequests {
		a.limitHeaders(w, hsPerTenSeconds-1, 0)
		a.tooMany(w, "TEN_SECONDLY_ROLLING")
		return
	}
	a.fail(w, hsFail(status, "INTERNAL_ERROR", "internal error"))
}

func (a *hubspot) limitHeaders(w http.ResponseWriter, day, left int) {
	h := w.Header()
	h.Set("X-HubSpot-RateLimit-Daily", strconv.Itoa(hsPerDay))
	h.Set("X-HubSpot-RateLimit-Daily-Remaining", strconv.Itoa(max(day, 0)))
	h.Set("X-HubSpot-RateLimit-Interval-Milliseconds", "10000")
	h.Set("X-HubSpot-RateLimit-Max", strconv.Itoa(hsPerTenSeconds))
	h.Set("X-HubSpot-RateLimit-Remaining", strconv.Itoa(max(left, 0)))
}

// hsHandler answers a call on an object; o is nil where the path names none.
type hsHandler func(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError

// call checks what every call has in common: token, limits, object, version.
func (a *hubspot) call(search bool, handle hsHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		now := a.s.now()
		if e := a.admit(r, now); e != nil {
			a.fail(w, e)
			return
		}
		if policy := a.meter(w, search, now); policy != "" {
			a.tooMany(w, policy)
			return
		}
		if v := r.PathValue("version"); v != "" && !slices.Contains([]string{"2025-09", "2026-03", "2026-09"}, v) {
			a.fail(w, hsFail(http.StatusNotFound, "OBJECT_NOT_FOUND", "There is no version %s", v))
			return
		}
		kind := cmp.Or(r.PathValue("obj"), r.PathValue("from"))
		o := a.objects[hsPlural(kind)]
		if kind != "" && o == nil {
			a.fail(w, hsInvalid("Unable to infer object type from: %s", kind))
			return
		}
		if e := handle(w, r, o); e != nil {
			a.fail(w, e)
		}
	}
}

// admit checks the token. Any works that was not issued here, but "invalid",
// "expired" and "noscope", and those that were revoked.
func (a *hubspot) admit(r *http.Request, now time.Time) *hsError {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	until, issued := a.tokens[token]
	switch {
	case !ok || token == "" || token == "invalid" || a.refused[token] || !issued && strings.HasPrefix(token, hsAccess):
		return hsFail(http.StatusUnauthorized, "INVALID_AUTHENTICATION", "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview")
	case token == "expired" || issued && now.After(until):
		return hsFail(http.StatusUnauthorized, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired.")
	case token == "noscope":
		e := hsFail(http.StatusForbidden, "MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call.")
		e.details = []hsDetail{{Message: "One or more of the following scopes are required.", Context: map[string][]string{"requiredScopes": {"crm.objects.contacts.write"}}}}
		return e
	}
	return nil
}

// meter counts a call, tells the limits, and names the one that is used up.
// Searches have a limit of their own and tell nothing.
func (a *hubspot) meter(w http.ResponseWriter, search bool, now time.Time) string {
	if search {
		left, _ := a.searches.take("account", hsSearches, time.Second, now)
		if left < 0 && a.s.limits {
			return "SECONDLY"
		}
		return ""
	}
	left, _ := a.recent.take("account", hsPerTenSeconds, 10*time.Second, now)
	day := hsPerDay
	if left >= 0 || !a.s.limits {
		day, _ = a.today.take("account", hsPerDay, 24*time.Hour, now)
	}
	a.limitHeaders(w, day, left)
	switch {
	case !a.s.limits:
	case day < 0:
		return "DAILY"
	case left < 0:
		return "TEN_SECONDLY_ROLLING"
	}
	return ""
}

const (
	hsAccess  = "CKleadlake-"
	hsRefresh = "refresh-"
)

// token is the OAuth token endpoint.
func (a *hubspot) token(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	bad := func(status, text string) {
		writeJSON(w, http.StatusBadRequest, map[string]string{"status": status, "message": text})
	}
	id, secret := r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	switch kind := r.PostFormValue("grant_type"); {
	case id == "" || id == "invalid" || secret == "" || secret == "invalid":
		bad("BAD_CLIENT_SECRET", "missing or unknown client id or secret")
		return
	case kind == "authorization_code" && r.PostFormValue("code") != "" && r.PostFormValue("code") != "invalid" && !a.closed:
	case kind == "refresh_token" && r.PostFormValue("refresh_token") != "" && r.PostFormValue("refresh_token") != "invalid" && !a.closed:
	case kind == "authorization_code" || kind == "refresh_token":
		bad("BAD_"+map[string]string{"authorization_code": "AUTH_CODE", "refresh_token": "REFRESH_TOKEN"}[kind], "missing or unknown auth code or refresh token")
		return
	default:
		bad("UNKNOWN_GRANT_TYPE", "grant_type is not supported")
		return
	}
	a.serial++
	access := fmt.Sprintf("%s%08d", hsAccess, a.serial)
	a.tokens[access] = a.s.now().Add(30 * time.Minute)
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": access, "refresh_token": cmp.Or(r.PostFormValue("refresh_token"), hsRefresh+id), "expires_in": 1800, "token_type": "bearer",
	})
}

func (a *hubspot) usage(w http.ResponseWriter, _ *http.Request, _ *hsObject) *hsError {
	now := a.s.now()
	writeJSON(w, http.StatusOK, map[string]any{"results": []any{map[string]any{
		"name": "private-apps-api-calls-daily", "usageLimit": hsPerDay, "currentUsage": a.today.count("account", 24*time.Hour, now),
		"collectedAt": hsTime(now), "fetchStatus": "SUCCESS", "resetsAt": hsTime(now.Truncate(24 * time.Hour).Add(24 * time.Hour)),
	}}})
	return nil
}

// hsBody reads a JSON body.
func hsBody(r *http.Request, v any) *hsError {
	dec := json.NewDecoder(r.Body)
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return hsInvalid("Invalid input JSON on line 1, column 1: %s", err)
	}
	return nil
}

func hsTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// hsPlural finds an object by the names that paths give it.
func hsPlural(kind string) string {
	switch kind {
	case "contact", "0-1":
		return "contacts"
	case "company", "0-2":
		return "companies"
	case "deal", "0-3":
		return "deals"
	}
	return kind
}
