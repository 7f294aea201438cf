package crm

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

const salesforceName = "salesforce"

// salesforce is one org. Its mutex guards all of it: a call that writes is one
// step, so that two upserts of one external id make one record.
type salesforce struct {
	s *Server

	mu      sync.Mutex
	objects map[string]*sfObject // by name in lower case
	tokens  sfTokens
	rules   sfRules
	quota   int // requests in 24 hours
	used    rolling
	cursors map[string]*sfCursor
	jobs    map[string]*sfJob
	agenda  agenda
	serial  map[string]int // last number of an id, by prefix
}

// sfQuota is what an Enterprise org may ask in 24 hours.
const sfQuota = 100_000

func newSalesforce(s *Server) *salesforce {
	a := &salesforce{s: s}
	a.reset()
	return a
}

func (a *salesforce) name() string { return salesforceName }

func (a *salesforce) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.objects = sfSchema()
	a.tokens = sfTokens{issued: map[string]time.Time{}, refused: map[string]bool{}}
	a.rules = sfRules{locked: map[string]int{}}
	a.quota = sfQuota
	a.used.reset()
	a.cursors, a.jobs, a.agenda, a.serial = map[string]*sfCursor{}, map[string]*sfJob{}, agenda{}, map[string]int{}
}

const sfData = "/services/data/{v}"

func (a *salesforce) routes() []route {
	list := []route{
		{"POST /services/oauth2/token", "token", a.token},
		{"GET /services/data", "versions", a.versions},
	}
	for _, r := range []route{
		{"GET /limits", "limits", a.tellLimits},
		{"GET /sobjects", "list_objects", a.listObjects},
		{"GET /sobjects/{obj}/describe", "describe", a.describe},
		{"GET /sobjects/{obj}/updated", "get_updated", a.getUpdated},
		{"GET /sobjects/{obj}/deleted", "get_deleted", a.getDeleted},
		{"POST /sobjects/{obj}", "create", a.createOne},
		{"GET /sobjects/{obj}/{id}", "read", a.readOne},
		{"PATCH /sobjects/{obj}/{id}", "update", a.updateOne},
		{"DELETE /sobjects/{obj}/{id}", "delete", a.deleteOne},
		{"GET /sobjects/{obj}/{field}/{value}", "read", a.readOne},
		{"PATCH /sobjects/{obj}/{field}/{value}", "upsert", a.upsertOne},
		{"DELETE /sobjects/{obj}/{field}/{value}", "delete", a.deleteOne},
		{"POST /composite/sobjects", "create_collection", a.writeCollection},
		{"PATCH /composite/sobjects", "update_collection", a.writeCollection},
		{"DELETE /composite/sobjects", "delete_collection", a.deleteCollection},
		{"PATCH /composite/sobjects/{obj}/{field}", "upsert_collection", a.writeCollection},
		{"POST /composite", "composite", a.composite},
		{"GET /query", "query", a.query},
		{"GET /query/{cursor}", "query_more", a.queryMore},
		{"GET /queryAll", "query_all", a.query},
		{"GET /queryAll/{cursor}", "query_more", a.queryMore},
		{"POST /jobs/{kind}", "job_create", a.createJob},
		{"GET /jobs/{kind}", "job_list", a.listJobs},
		{"GET /jobs/{kind}/{id}", "job", a.readJob},
		{"PATCH /jobs/{kind}/{id}", "job_state", a.changeJob},
		{"DELETE /jobs/{kind}/{id}", "job_delete", a.deleteJob},
		{"PUT /jobs/ingest/{id}/batches", "job_upload", a.uploadJob},
		{"GET /jobs/{kind}/{id}/{result}", "job_results", a.jobResults},
	} {
		method, path, _ := strings.Cut(r.pattern, " ")
		list = append(list, route{method + " " + sfData + path, r.method, a.call(r.handle)})
	}
	return list
}

// sfError is one error of the REST API; the list of them is the body.
type sfError struct {
	Message string   `json:"message"`
	Code    string   `json:"errorCode"`
	Fields  []string `json:"fields,omitempty"`
	status  int
}

func (e *sfError) Error() string { return e.Code + ": " + e.Message }

func sfFail(status int, code, format string, args ...any) *sfError {
	return &sfError{Message: fmt.Sprintf(format, args...), Code: code, status: status}
}

func (e *sfError) on(fields ...string) *sfError {
	e.Fields = fields
	return e
}

func (e *sfError) write(w http.ResponseWriter) {
	writeJSON(w, cmp.Or(e.status, http.StatusBadRequest), []*sfError{e})
}

// refuse answers a storm as an org does whose requests pile up; the daily quota
// has another text, see call.
func (a *salesforce) refuse(w http.ResponseWriter, status int) {
	switch status {
	case http.StatusTooManyRequests:
		sfFail(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.").write(w)
	case http.StatusServiceUnavailable:
		sfFail(status, "SERVER_UNAVAILABLE", "This server is unavailable. Try again later.").write(w)
	default:
		sfFail(status, "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId if you contact support: 1 (1)").write(w)
	}
}

var sfVersion = regexp.MustCompile(`^v([2-9]\d|1\d\d)\.0$`)

// sfMaxURI is what Salesforce reads of an address and headers, about.
const sfMaxURI = 16_384

// call checks what every data call has in common: version, session, quota. It
// tells the quota in a header of every answer.
func (a *salesforce) call(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(r.RequestURI) > sfMaxURI {
			http.Error(w, "URI Too Long", http.StatusRequestURITooLong)
			return
		}
		if !sfVersion.MatchString(r.PathValue("v")) {
			sfFail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist").write(w)
			return
		}
		if r.Header.Get("Content-Encoding") == "gzip" {
			if !unzip(r) {
				sfFail(0, "UNKNOWN_EXCEPTION", "Not in GZIP format").write(w)
				return
			}
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if !a.tokens.good(r, a.s.now()) {
			sfFail(http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid").write(w)
			return
		}
		left, _ := a.used.take("org", a.quota, 24*time.Hour, a.s.now())
		w.Header().Set("Sforce-Limit-Info", fmt.Sprintf("api-usage=%d/%d", a.quota-max(left, 0), a.quota))
		if left < 0 && a.s.limits {
			sfFail(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").write(w)
			return
		}
		handle(w, r)
	}
}

// unzip replaces a compressed body.
func unzip(r *http.Request) bool {
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		return false
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxRequest))
	r.Body = io.NopCloser(bytes.NewReader(plain))
	return err == nil
}

func (a *salesforce) versions(w http.ResponseWriter, _ *http.Request) {
	type version struct {
		Label   string `json:"label"`
		URL     string `json:"url"`
		Version string `json:"version"`
	}
	var list []version
	for n := 31; n <= 66; n++ {
		season, year := "Summer", 14+(n-31)/3
		switch (n - 31) % 3 {
		case 1:
			season, year = "Winter", year+1
		case 2:
			season, year = "Spring", year+1
		}
		list = append(list, version{fmt.Sprintf("%s '%d", season, year), fmt.Sprintf("/services/data/v%d.0", n), fmt.Sprintf("%d.0", n)})
	}
	writeJSON(w, http.StatusOK, list)
}

func (a *salesforce) tellLimits(w http.ResponseWriter, _ *http.Request) {
	type limit struct{ Max, Remaining int }
	jobs := 0
	for _, j := range a.jobs {
		if j.Type == sfIngest {
			jobs++
		}
	}
	writeJSON(w, http.StatusOK, map[string]limit{
		"DailyApiRequests":              {a.quota, a.quota - a.used.count("org", 24*time.Hour, a.s.now())},
		"DailyBulkApiBatches":           {15_000, 15_000 - jobs},
		"DailyBulkV2QueryJobs":          {10_000, 10_000},
		"DailyBulkV2QueryFileStorageMB": {976_562, 976_562},
		"DataStorageMB":                 {1_024, 1_000},
	})
}

// sfBody reads a JSON body; numbers keep their form.
func sfBody(r *http.Request, v any) *sfError {
	dec := json.NewDecoder(r.Body)
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return sfFail(0, "JSON_PARSER_ERROR", "%s", err)
	}
	return nil
}

// apiVersion is the number in the path.
func apiVersion(r *http.Request) int {
	n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(r.PathValue("v"), "v"), ".0"))
	return n
}

// sfTime is how the REST API prints an instant: no colon in the offset.
func sfTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000+0000") }

// newID makes an id of 18 characters: a prefix for the object, a number in
// base 62, and three that tell upper from lower case.
func (a *salesforce) newID(prefix string) string {
	a.serial[prefix]++
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	id := []byte(prefix + "5e00000000000")[:15]
	for n, i := a.serial[prefix], 14; n > 0; n, i = n/62, i-1 {
		id[i] = digits[n%62]
	}
	return string(id) + sfSuffix(string(id))
}

// sfSuffix is the check of the 18-character form: each of its letters holds
// which of five characters are upper case.
func sfSuffix(id string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	var out []byte
	for part := range 3 {
		bits := 0
		for i := range 5 {
			if c := id[part*5+i]; c >= 'A' && c <= 'Z' {
				bits |= 1 << i
			}
		}
		out = append(out, letters[bits])
	}
	return string(out)
}

// longID completes an id of 15 characters.
func longID(id string) string {
	if len(id) == 15 {
		return id + sfSuffix(id)
	}
	return id
}
