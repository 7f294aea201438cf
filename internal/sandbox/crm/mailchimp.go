package crm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const mailchimpName = "mailchimp"

// mailchimp plays Mailchimp's Marketing API 3.0. Any key works but one with
// "invalid" in it.
type mailchimp struct {
	s     *Server
	paths *http.ServeMux // the same methods without a door, for the operations of a batch

	mu      sync.Mutex
	lists   []*mcList
	batches []*mcBatch
	agenda  agenda
	serial  int

	gate     sync.Mutex
	underWay map[string]int // calls by caller
	refusals int
}

// mcConnections is how many calls of one user may be under way.
const mcConnections = 10

func newMailchimp(s *Server) *mailchimp {
	m := &mailchimp{s: s, paths: http.NewServeMux(), underWay: map[string]int{}}
	for _, op := range m.methods() {
		m.paths.HandleFunc(op.pattern, m.answer(op.do))
	}
	m.reset()
	return m
}

func (m *mailchimp) name() string { return mailchimpName }

// The list that everybody has.
const (
	mcFirstList     = "a1b2c3d4e5"
	mcFirstCampaign = "f0e1d2c3b4"
)

func (m *mailchimp) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lists, m.batches, m.agenda, m.serial = nil, nil, agenda{}, 0
	m.addList(mcFirstList, mcFirstCampaign, "Leads")
}

func (m *mailchimp) tick(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for d, ok := m.agenda.next(now); ok; d, ok = m.agenda.next(now) {
		m.happen(d)
	}
}

// mcMethod is a method before the door.
type mcMethod struct {
	pattern, name string
	do            func(*mcCall) (int, any, *mcError)
}

func (m *mailchimp) methods() []mcMethod {
	const list = "/3.0/lists/{list}"
	const member = list + "/members/{member}"
	return []mcMethod{
		{"GET /3.0/ping", "ping", func(*mcCall) (int, any, *mcError) {
			return http.StatusOK, map[string]string{"health_status": "Everything's Chimpy!"}, nil
		}},
		{"GET /3.0/lists", "get_lists", m.getLists},
		{"GET " + list, "get_list", m.getList},
		{"POST " + list, "batch_members", m.batchMembers},
		{"GET " + list + "/merge-fields", "get_merge_fields", m.getMergeFields},
		{"POST " + list + "/merge-fields", "add_merge_field", m.addMergeField},
		{"GET " + list + "/members", "get_members", m.getMembers},
		{"POST " + list + "/members", "add_member", m.addMember},
		{"GET " + member, "get_member", m.getMember},
		{"PUT " + member, "set_member", m.setMember},
		{"PATCH " + member, "update_member", m.updateMember},
		{"DELETE " + member, "archive_member", m.archiveMember},
		{"POST " + member + "/actions/delete-permanent", "delete_member", m.deleteMember},
		{"GET " + member + "/tags", "get_tags", m.getTags},
		{"POST " + member + "/tags", "set_tags", m.setTags},
		{"GET /3.0/campaigns", "get_campaigns", m.getCampaigns},
		{"GET /3.0/reports", "get_reports", m.getReports},
		{"GET /3.0/reports/{campaign}/email-activity", "get_email_activity", m.getActivity},
		{"GET /3.0/reports/{campaign}/sent-to", "get_sent_to", m.getSentTo},
		{"GET /3.0/reports/{campaign}/unsubscribed", "get_unsubscribed", m.getUnsubscribed},
	}
}

func (m *mailchimp) routes() []route {
	routes := []route{{"GET /batch-results/{file}", "get_batch_result", m.batchResult}}
	methods := append(m.methods(),
		mcMethod{"GET /3.0/batches", "get_batches", m.getBatches},
		mcMethod{"POST /3.0/batches", "start_batch", m.startBatch},
		mcMethod{"GET /3.0/batches/{batch}", "get_batch", m.getBatch},
		mcMethod{"DELETE /3.0/batches/{batch}", "delete_batch", m.deleteBatch},
		mcMethod{"/", "unknown", func(*mcCall) (int, any, *mcError) { return 0, nil, mcNotFound() }})
	for _, op := range methods {
		answer := m.answer(op.do)
		routes = append(routes, route{op.pattern, op.name, func(w http.ResponseWriter, r *http.Request) {
			if _, ok := mcKey(r); !ok {
				mcRefuse(w, &mcError{status: 401, title: "API Key Invalid", detail: "Your API key may be invalid, or you've attempted to access the wrong datacenter."})
				return
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			answer(w, r)
		}})
	}
	return routes
}

// mcKey is the key of a caller, behind any user's name or as a bearer's token.
func mcKey(r *http.Request) (string, bool) {
	_, key, basic := r.BasicAuth()
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && !basic {
		key = token
	}
	return key, key != "" && !strings.Contains(key, "invalid")
}

// enter counts the calls under way, where limits are on.
func (m *mailchimp) enter(r *http.Request) (leave func(), ok bool) {
	if !m.s.limits {
		return func() {}, true
	}
	key, _ := mcKey(r)
	m.gate.Lock()
	defer m.gate.Unlock()
	if m.underWay[key] >= mcConnections {
		return func() {}, false
	}
	m.underWay[key]++
	return func() {
		m.gate.Lock()
		defer m.gate.Unlock()
		if m.underWay[key]--; m.underWay[key] == 0 {
			delete(m.underWay, key)
		}
	}, true
}

// refuse answers with a failure. Of callers that are too fast, every third gets
// a 403 without a body instead of a 429; there is no Retry-After.
func (m *mailchimp) refuse(w http.ResponseWriter, status int) {
	if status != http.StatusTooManyRequests {
		mcRefuse(w, &mcError{status: status, title: "Internal Server Error", detail: "An unexpected internal error has occurred. Please contact Support for more information."})
		return
	}
	m.gate.Lock()
	m.refusals++
	third := m.refusals%3 == 0
	m.gate.Unlock()
	if third {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	mcRefuse(w, &mcError{status: 429, title: "Too Many Requests", detail: "You have exceeded the limit of 10 simultaneous connections."})
}

// mcError is a refusal in Mailchimp's form, which is that of RFC 7807.
type mcError struct {
	status        int
	title, detail string
	errors        []mcFieldError
}

type mcFieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func mcNotFound() *mcError {
	return &mcError{status: 404, title: "Resource Not Found", detail: "The requested resource could not be found."}
}

func mcInvalid(errors ...mcFieldError) *mcError {
	return &mcError{400, "Invalid Resource", "The resource submitted could not be validated. For field-specific details, see the 'errors' array.", errors}
}

func mcBad(detail string) *mcError {
	return &mcError{status: 400, title: "Bad Request", detail: detail}
}

func (e *mcError) body() map[string]any {
	out := map[string]any{
		"type": "https://mailchimp.com/developer/marketing/docs/errors/", "title": e.title, "status": e.status, "detail": e.detail,
		"instance": "5f2a6f6d-0000-4000-8000-000000000000",
	}
	if e.errors != nil {
		out["errors"] = e.errors
	}
	return out
}

func mcRefuse(w http.ResponseWriter, e *mcError) {
	w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
	writeJSON(w, e.status, e.body())
}

// mcCall is one request.
type mcCall struct {
	*http.Request
	query url.Values
	now   time.Time
}

// answer renders what a method returns. The caller holds the lock.
func (m *mailchimp) answer(do func(*mcCall) (int, any, *mcError)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &mcCall{r, r.URL.Query(), m.s.now()}
		status, v, refused := do(c)
		switch {
		case refused != nil:
			mcRefuse(w, refused)
		case v == nil:
			w.WriteHeader(status)
		default:
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			writeJSON(w, status, project(v, c.query.Get("fields"), c.query.Get("exclude_fields")))
		}
	}
}

// read decodes a body.
func (c *mcCall) read(v any) *mcError {
	if err := json.NewDecoder(c.Body).Decode(v); err != nil {
		return &mcError{status: 400, title: "JSONParseError", detail: "We encountered an unspecified JSON parsing error."}
	}
	return nil
}

// number reads a parameter that counts something.
func (c *mcCall) number(name string, otherwise, most int) (int, *mcError) {
	text := c.query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, mcInvalid(mcFieldError{name, fmt.Sprintf("Must be an integer between 0 and %d.", most)})
	}
	return n, nil
}

// since reads a parameter that is a time; the zero time where it is left out.
func (c *mcCall) since(name string) (time.Time, *mcError) {
	text := c.query.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, mcInvalid(mcFieldError{name, "Please enter a valid ISO 8601 date."})
}

// page cuts a page out of rows: ten where the caller does not say how many.
func page[T any](c *mcCall, rows []T) ([]T, *mcError) {
	count, refused := c.number("count", 10, 1000)
	if refused != nil {
		return nil, refused
	}
	offset, refused := c.number("offset", 0, 1<<40)
	if refused != nil {
		return nil, refused
	}
	rows = rows[min(offset, len(rows)):]
	return rows[:min(count, len(rows))], nil
}

// project leaves the named fields of an answer: members.id,total_items.
func project(v any, only, without string) any {
	if only == "" && without == "" {
		return v
	}
	text, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var doc any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&doc) != nil {
		return v
	}
	if only != "" {
		return projectOnly(doc, "", strings.Split(only, ","))
	}
	for _, path := range strings.Split(without, ",") {
		dropPath(doc, strings.Split(path, "."))
	}
	return doc
}

func projectOnly(v any, at string, wanted []string) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = projectOnly(v[i], at, wanted)
		}
	case map[string]any:
		for name, sub := range v {
			path := strings.TrimPrefix(at+"."+name, ".")
			switch {
			case slices.Contains(wanted, path):
			case slices.ContainsFunc(wanted, func(w string) bool { return strings.HasPrefix(w, path+".") }):
				v[name] = projectOnly(sub, path, wanted)
			default:
				delete(v, name)
			}
		}
	}
	return v
}

func dropPath(v any, path []string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			dropPath(e, path)
		}
	case map[string]any:
		if len(path) == 1 {
			delete(v, path[0])
		} else {
			dropPath(v[path[0]], path[1:])
		}
	}
}

// mcTime is how Mailchimp prints a time.
const mcTime = "2006-01-02T15:04:05-07:00"

// mcStamp prints a time; nothing for the zero time.
func mcStamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(mcTime)
}
