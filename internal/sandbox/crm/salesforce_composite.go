package crm

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// sfMaxParts is what a composite call holds.
const sfMaxParts = 25

var sfReference = regexp.MustCompile(`@\{([A-Za-z0-9_]+)\.([^}]+)\}`)

// composite makes up to 25 calls in one. Its allOrNone is not played: a part
// that fails leaves the others as they are.
func (a *salesforce) composite(w http.ResponseWriter, r *http.Request) {
	type part struct {
		Method      string            `json:"method"`
		URL         string            `json:"url"`
		ReferenceID string            `json:"referenceId"`
		Body        json.RawMessage   `json:"body"`
		Headers     map[string]string `json:"httpHeaders"`
	}
	type outcome struct {
		Body        json.RawMessage   `json:"body"`
		Headers     map[string]string `json:"httpHeaders"`
		Status      int               `json:"httpStatusCode"`
		ReferenceID string            `json:"referenceId"`
	}
	var in struct {
		CompositeRequest []part
	}
	if fail := sfBody(r, &in); fail != nil {
		fail.write(w)
		return
	}
	if n := len(in.CompositeRequest); n == 0 || n > sfMaxParts {
		sfFail(0, "INVALID_INPUT", "A composite request holds 1 to %d subrequests", sfMaxParts).write(w)
		return
	}
	paths := http.NewServeMux()
	for _, rt := range []route{
		{"POST /sobjects/{obj}", "", a.createOne}, {"GET /sobjects/{obj}/{id}", "", a.readOne},
		{"PATCH /sobjects/{obj}/{id}", "", a.updateOne}, {"DELETE /sobjects/{obj}/{id}", "", a.deleteOne},
		{"GET /sobjects/{obj}/{field}/{value}", "", a.readOne}, {"PATCH /sobjects/{obj}/{field}/{value}", "", a.upsertOne},
		{"POST /composite/sobjects", "", a.writeCollection}, {"PATCH /composite/sobjects", "", a.writeCollection},
		{"PATCH /composite/sobjects/{obj}/{field}", "", a.writeCollection}, {"DELETE /composite/sobjects", "", a.deleteCollection},
		{"GET /query", "", a.query},
	} {
		method, path, _ := strings.Cut(rt.pattern, " ")
		paths.HandleFunc(method+" "+sfData+path, rt.handle)
	}
	answers, out := map[string][]byte{}, []outcome{}
	fill := func(text string) string {
		return sfReference.ReplaceAllStringFunc(text, func(ref string) string {
			m := sfReference.FindStringSubmatch(ref)
			return gjson.GetBytes(answers[m[1]], m[2]).String()
		})
	}
	for _, p := range in.CompositeRequest {
		sub, err := http.NewRequestWithContext(r.Context(), p.Method, fill(p.URL), bytes.NewReader([]byte(fill(string(p.Body)))))
		if err != nil {
			sfFail(0, "INVALID_INPUT", "%s", err).write(w)
			return
		}
		if u, err := url.ParseRequestURI(sub.URL.String()); err == nil {
			sub.RequestURI = u.RequestURI()
		}
		for k, v := range p.Headers {
			sub.Header.Set(k, v)
		}
		rec := &answer{header: http.Header{}}
		trimSlash(paths).ServeHTTP(rec, sub)
		body := json.RawMessage(bytes.TrimSpace(rec.body.Bytes()))
		if len(body) == 0 || !json.Valid(body) {
			body = json.RawMessage("null")
		}
		answers[p.ReferenceID] = body
		out = append(out, outcome{body, map[string]string{}, rec.code(), p.ReferenceID})
	}
	writeJSON(w, http.StatusOK, map[string]any{"compositeResponse": out})
}

// span reads the start and end of getUpdated and getDeleted.
func span(r *http.Request) (from, to time.Time, fail *sfError) {
	q := r.URL.Query()
	from, ok := sfParseTime(strings.ReplaceAll(q.Get("start"), " ", "+"))
	to, ok2 := sfParseTime(strings.ReplaceAll(q.Get("end"), " ", "+"))
	if !ok || !ok2 || !from.Before(to) {
		return from, to, sfFail(0, "INVALID_REPLICATION_DATE", "startDate before org replication enabled date, or not before endDate")
	}
	return from, to, nil
}

func (a *salesforce) getUpdated(w http.ResponseWriter, r *http.Request) {
	o, fail := a.object(r)
	from, to, bad := span(r)
	if fail == nil {
		fail = bad
	}
	if fail != nil {
		fail.write(w)
		return
	}
	ids := []string{}
	for _, rec := range o.sorted(false) {
		if at, _ := rec.values["SystemModstamp"].(time.Time); !at.Before(from) && at.Before(to) {
			ids = append(ids, rec.id)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"ids": ids, "latestDateCovered": sfTime(to)})
}

func (a *salesforce) getDeleted(w http.ResponseWriter, r *http.Request) {
	o, fail := a.object(r)
	from, to, bad := span(r)
	if fail == nil {
		fail = bad
	}
	if fail != nil {
		fail.write(w)
		return
	}
	type gone struct {
		ID   string `json:"id"`
		Date string `json:"deletedDate"`
	}
	list := []gone{}
	for _, rec := range o.sorted(true) {
		if at, _ := rec.values["SystemModstamp"].(time.Time); rec.deleted && !at.Before(from) && at.Before(to) {
			list = append(list, gone{rec.id, sfTime(at)})
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"deletedRecords": list, "earliestDateAvailable": sfTime(from.AddDate(0, 0, -15)), "latestDateCovered": sfTime(to)})
}
