package crm

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// outreach plays Outreach's API v2. Whatever follows no source is marked so; the
// rest follows Outreach's OpenAPI document and its developers' pages.
//
// Any access token works, but one with "invalid" in it is unknown or revoked,
// and one with "noscope" may read and write nothing.
type outreach struct {
	s *Server

	mu      sync.Mutex
	kinds   map[string]*outreachKind // by path
	agenda  agenda
	tokens  map[string]time.Time // access tokens that were issued, and when they end
	refresh map[string]time.Time // refresh tokens
	issued  []string             // refresh tokens by age
	minted  time.Time            // the last time
	used    map[string]*outreachWindow
	labels  map[string]string // of custom fields
}

type outreachWindow struct {
	ends time.Time
	n    int
}

// What Outreach allows.
const (
	outreachPerHour    = 10_000 // requests of one user
	outreachTokenLife  = 2 * time.Hour
	outreachRefresh    = 14 * 24 * time.Hour
	outreachMaxRefresh = 100 // refresh tokens of one user and application
	outreachMintEvery  = time.Minute
	outreachMedia      = "application/vnd.api+json"
)

const outreachName = "outreach"

func newOutreach(s *Server) *outreach {
	o := &outreach{s: s}
	o.reset()
	return o
}

func (o *outreach) name() string { return outreachName }

func (o *outreach) tick(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for d, ok := o.agenda.next(now); ok; d, ok = o.agenda.next(now) {
		o.happen(d)
	}
}

// reset starts over with what every customer has: users, stages, a mailbox, and
// two sequences, of which the second is switched off.
func (o *outreach) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kinds = map[string]*outreachKind{}
	for _, k := range []*outreachKind{
		newOutreachKind("prospect", "prospects", prospectFields, prospectRefs),
		newOutreachKind("account", "accounts", accountFields, accountRefs),
		newOutreachKind("sequence", "sequences", sequenceFields, sequenceRefs),
		newOutreachKind("sequenceState", "sequenceStates", sequenceStateFields, sequenceStateRefs),
		newOutreachKind("mailing", "mailings", mailingFields, mailingRefs),
		newOutreachKind("emailAddress", "emailAddresses", emailAddressFields, emailAddressRefs),
		newOutreachKind("stage", "stages", stageFields, stageRefs),
		newOutreachKind("user", "users", userFields, userRefs),
		newOutreachKind("mailbox", "mailboxes", mailboxFields, mailboxRefs),
	} {
		o.kinds[k.path] = k
	}
	o.agenda = agenda{}
	o.tokens, o.refresh, o.used = map[string]time.Time{}, map[string]time.Time{}, map[string]*outreachWindow{}
	o.issued, o.minted, o.labels = nil, time.Time{}, map[string]string{}
	now := o.s.now()
	o.add("users", now, map[string]any{"email": "rep@seller.example", "firstName": "Robin", "lastName": "Seller", "name": "Robin Seller", "locked": false}, map[string]int{"mailbox": 1})
	o.add("mailboxes", now, map[string]any{"email": "rep@seller.example", "username": "rep@seller.example", "userId": 1}, map[string]int{"user": 1})
	for i, stage := range []string{stageCold, stageContacted, stageReplied, stageInterested, stageNotInterested, stageBadData, stageWon} {
		o.add("stages", now, map[string]any{"name": stage, "order": i}, nil)
	}
	for i, sequence := range []string{"Cold outbound", "Retired"} {
		o.add("sequences", now, map[string]any{"name": sequence, "enabled": i == 0, "locked": false, "shareType": "shared", "sequenceType": "interval", "sequenceStepCount": 1, "finishOnReply": true}, map[string]int{"owner": 1})
	}
}

func (o *outreach) routes() []route {
	routes := []route{
		{"GET /oauth/authorize", "authorize", o.authorize},
		{"POST /oauth/token", "token", o.token},
	}
	for _, k := range o.kinds {
		path := "/api/v2/" + k.path
		routes = append(routes,
			route{"GET " + path, "list_" + k.path, o.serve(k.path, o.list)},
			route{"GET " + path + "/{id}", "get_" + k.typ, o.serve(k.path, o.read)})
		switch k.path {
		case "sequenceStates":
			for _, action := range []string{"finish", "pause", "resume"} {
				routes = append(routes, route{"POST " + path + "/{id}/actions/" + action, action + "_sequenceState", o.serve(k.path, o.act)})
			}
			fallthrough
		case "prospects", "accounts":
			routes = append(routes,
				route{"POST " + path, "create_" + k.typ, o.serve(k.path, o.create)},
				route{"DELETE " + path + "/{id}", "delete_" + k.typ, o.serve(k.path, o.remove)})
			if k.path != "sequenceStates" {
				routes = append(routes, route{"PATCH " + path + "/{id}", "update_" + k.typ, o.serve(k.path, o.update)})
			}
		}
	}
	return routes
}

// outreachError is a refusal in Outreach's form.
type outreachError struct {
	status            int
	id, title, detail string
	pointer           string
}

func (e *outreachError) body() []byte {
	one := map[string]any{"id": e.id, "title": e.title, "detail": e.detail}
	if e.pointer != "" {
		one["source"] = map[string]string{"pointer": e.pointer}
	}
	b, _ := json.Marshal(map[string]any{"errors": []any{one}}) // texts only
	return b
}

func invalidData(detail string) *outreachError {
	return &outreachError{422, "validationError", "Validation Error", detail, "/data"}
}

func invalidAttribute(name, detail string) *outreachError {
	return &outreachError{422, "validationError", "Validation Error", detail, "/data/attributes/" + name}
}

func outreachNotFound(typ, id string) *outreachError {
	return &outreachError{404, "resourceNotFound", "Resource Not Found", fmt.Sprintf("Could not find '%s' with ID '%s'.", typ, id), ""}
}

// refuse answers with a failure. Retry-After is a point in time: unix seconds
// of a 429, ISO 8601 of a 503.
func (o *outreach) refuse(w http.ResponseWriter, status int) {
	o.fail(w, status, o.s.now().Add(2*time.Second))
}

func (o *outreach) fail(w http.ResponseWriter, status int, again time.Time) {
	e := &outreachError{status, "internalServerError", "Internal Server Error", "Something went wrong.", ""} // of no source
	header := w.Header()
	header.Set("Content-Type", outreachMedia)
	switch status {
	case http.StatusTooManyRequests:
		e = rateLimited(again)
		reset := strconv.FormatInt(again.Unix(), 10)
		header.Set("X-RateLimit-Limit", strconv.Itoa(outreachPerHour))
		header.Set("X-RateLimit-Remaining", "0")
		header.Set("X-RateLimit-Reset", reset)
		header.Set("Retry-After", reset)
	case http.StatusServiceUnavailable:
		text := again.Format("2006-01-02T15:04:05")
		header.Set("Retry-After", again.Format(time.RFC3339))
		e = &outreachError{503, "scheduledServerMaintenance", "Scheduled Server Maintenance", "Scheduled server maintenance is under way; please try again at " + text + ".", ""}
	}
	w.WriteHeader(status)
	w.Write(e.body()) //nolint:errcheck // the caller went away
}

func rateLimited(again time.Time) *outreachError {
	return &outreachError{429, "rateLimitExceeded", "Rate Limit Exceeded",
		"You have exceeded your permitted rate limit of 10,000; please try again at " + again.UTC().Format("2006-01-02T15:04:05") + ".", ""}
}

// outreachCall is one request, past the door.
type outreachCall struct {
	*http.Request
	kind *outreachKind
	doc  outreachDoc
	now  time.Time
}

// outreachDoc is what a caller sends.
type outreachDoc struct {
	Data struct {
		Type          string
		ID            any
		Attributes    map[string]any
		Relationships map[string]struct{ Data any }
	}
}

// serve checks token, limit, media type and body, in that order.
func (o *outreach) serve(path string, do func(*outreachCall) (int, []byte, *outreachError)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		now := o.s.now()
		w.Header().Set("Content-Type", outreachMedia)
		c := &outreachCall{Request: r, kind: o.kinds[path], now: now}
		user, refused := o.bearer(r, now)
		if refused == nil {
			refused = o.meter(w.Header(), user, now)
		}
		if refused == nil && r.Method != http.MethodGet && r.Method != http.MethodDelete {
			refused = c.readBody()
		}
		var status int
		var body []byte
		if refused == nil {
			status, body, refused = do(c)
		}
		if refused != nil {
			status, body = refused.status, refused.body()
		}
		w.WriteHeader(status)
		w.Write(body) //nolint:errcheck // the caller went away
	}
}

// bearer finds out who calls. Tokens that were issued belong to one user and
// end; any other belongs to a user of its own.
func (o *outreach) bearer(r *http.Request, now time.Time) (user string, refused *outreachError) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	ends, issued := o.tokens[token]
	switch {
	case !ok || token == "" || strings.Contains(token, "invalid") || issued && !now.Before(ends):
		return "", &outreachError{401, "unauthorized", "Unauthorized", "The access token is missing, expired or revoked.", ""}
	case strings.Contains(token, "noscope"):
		scope := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v2/"), "/")[0]
		verb := "write"
		if r.Method == http.MethodGet {
			verb = "read"
		}
		return "", &outreachError{403, "unauthorizedOauthScope", "Unauthorized OAuth Scope", fmt.Sprintf("Your authorization does not include the required scope '%s.%s'.", scope, verb), ""}
	case issued:
		return "1", nil
	}
	return token, nil
}

// meter holds a user to the hour's requests, where limits are on, and prints
// what is left. Reset and Retry-After are points in time, not spans.
func (o *outreach) meter(h http.Header, user string, now time.Time) *outreachError {
	if !o.s.limits {
		return nil
	}
	w := o.used[user]
	if w == nil || !now.Before(w.ends) {
		w = &outreachWindow{ends: now.Truncate(time.Hour).Add(time.Hour)}
		o.used[user] = w
	}
	w.n++
	reset := strconv.FormatInt(w.ends.Unix(), 10)
	h.Set("X-RateLimit-Limit", strconv.Itoa(outreachPerHour))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, outreachPerHour-w.n)))
	h.Set("X-RateLimit-Reset", reset)
	if w.n <= outreachPerHour {
		return nil
	}
	h.Set("Retry-After", reset)
	return rateLimited(w.ends)
}

func (c *outreachCall) readBody() *outreachError {
	kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	action := strings.Contains(c.URL.Path, "/actions/")
	if (err != nil || kind != outreachMedia) && (!action || c.ContentLength > 0) {
		return &outreachError{415, "unsupportedMediaType", "Unsupported Media Type", "Expected Content-Type header to be 'application/vnd.api+json'.", ""}
	}
	if action {
		return nil
	}
	if err := json.NewDecoder(c.Body).Decode(&c.doc); err != nil {
		return &outreachError{400, "invalidRequestBody", "Invalid Request Body", "The body is not a JSON:API document.", ""} // of no source
	}
	if c.URL.Query().Has("include") {
		return invalidData("include is not supported here.") // of no source but that it fails
	}
	if c.doc.Data.Type != c.kind.typ {
		return invalidData(fmt.Sprintf("Expected type '%s'.", c.kind.typ))
	}
	return nil
}

// authorize sends the user back at once, as if they had agreed.
func (o *outreach) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || !back.IsAbs() || q.Get("client_id") == "" || q.Get("response_type") != "code" {
		http.Error(w, "invalid_request", http.StatusBadRequest)
		return
	}
	back.RawQuery = url.Values{"code": {"code"}, "state": {q.Get("state")}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// token issues an access token and a new refresh token; those before it go on
// working until they are too old or too many.
func (o *outreach) token(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.s.now()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if err := o.grant(r, now); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]string{"error": err.Error(), "error_description": "The provided authorization grant is invalid, expired or revoked."}) //nolint:errcheck // the caller went away
		return
	}
	if now.Before(o.minted.Add(outreachMintEvery)) {
		o.fail(w, http.StatusTooManyRequests, o.minted.Add(outreachMintEvery))
		return
	}
	o.minted = now
	n := len(o.tokens) + 1
	access, refresh := fmt.Sprintf("access-%d", n), fmt.Sprintf("refresh-%d", n)
	o.tokens[access], o.refresh[refresh] = now.Add(outreachTokenLife), now.Add(outreachRefresh)
	if o.issued = append(o.issued, refresh); len(o.issued) > outreachMaxRefresh {
		delete(o.refresh, o.issued[0])
		o.issued = o.issued[1:]
	}
	json.NewEncoder(w).Encode(map[string]any{ //nolint:errcheck // the caller went away
		"access_token": access, "token_type": "bearer", "expires_in": int(outreachTokenLife.Seconds()), "refresh_token": refresh,
		"scope": "prospects.all accounts.all sequences.all sequenceStates.all mailings.all", "created_at": now.Unix(),
	})
}

// grant checks what a caller offers for a token. A refresh token that nobody
// issued works unless it says that it does not, so that a test can begin with one.
func (o *outreach) grant(r *http.Request, now time.Time) error {
	if err := r.ParseForm(); err != nil {
		return errors.New("invalid_request")
	}
	if id, secret := r.PostFormValue("client_id"), r.PostFormValue("client_secret"); id == "" || secret == "" || secret == "invalid" {
		return errors.New("invalid_client")
	}
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		if code := r.PostFormValue("code"); code != "" && code != "invalid" {
			return nil
		}
		return errors.New("invalid_grant")
	case "refresh_token":
		token := r.PostFormValue("refresh_token")
		ends, ok := o.refresh[token]
		unknown := !ok && (strings.HasPrefix(token, "refresh-") || strings.Contains(token, "invalid"))
		if token == "" || unknown || ok && !now.Before(ends) {
			return errors.New("invalid_grant")
		}
		return nil
	}
	return errors.New("unsupported_grant_type")
}
