// Package ingesttest is the suite that every source passes: paging, resuming,
// and bodies that nobody should send.
package ingesttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// Case is a source with a provider that answers it.
type Case struct {
	Source   ingest.Source
	Campaign leadlake.CampaignSpec // one that a Discoverer can plan; its first source is the one under test
	Subjects []ingest.Subject      // in its place, leads that an Enricher can look up
	Answer   func(t *testing.T, r ingest.Request) []byte
	Empty    []byte // the body of a page without rows; nil where that is an error
	MinPages int    // pages that the answers have at least, over all queries
}

// maxPages ends the paging of a source whose cursor never does.
const maxPages = 100

// Run runs the suite.
func Run(t *testing.T, c Case) {
	t.Helper()
	t.Run("the spec is complete", func(t *testing.T) { testSpec(t, c.Source.Spec()) })
	t.Run("a plan repeats itself", func(t *testing.T) { testPlan(t, c) })
	t.Run("requests repeat themselves and carry no credential", func(t *testing.T) { testRequests(t, c) })
	t.Run("paging reaches the end", func(t *testing.T) { testPaging(t, c) })
	t.Run("resuming at any page gives the same rows", func(t *testing.T) { testResume(t, c) })
	t.Run("an error of emit comes back as it is", func(t *testing.T) { testEmitError(t, c) })
	t.Run("an empty page is no row", func(t *testing.T) { testEmpty(t, c) })
	t.Run("a cut body is an error or fewer rows", func(t *testing.T) { testCut(t, c) })
	t.Run("a hostile body is an error or bad rows", func(t *testing.T) { testHostile(t, c) })
}

// page is one parsed answer.
type page struct {
	cursor, next string
	body         []byte
	rows         []ingest.Record
}

func plan(t *testing.T, c Case) []ingest.Query {
	t.Helper()
	var queries []ingest.Query
	if len(c.Subjects) > 0 {
		for i, s := range c.Subjects {
			for _, q := range c.Source.(ingest.Enricher).Lookup(s) {
				q.Subjects = c.Subjects[i : i+1]
				queries = append(queries, q)
			}
		}
	} else {
		var err error
		queries, err = c.Source.(ingest.Discoverer).Plan(c.Campaign, c.Campaign.Sources[0])
		if err != nil {
			t.Fatalf("plan: %v", err)
		}
	}
	if len(queries) == 0 {
		t.Fatal("plan: no queries")
	}
	return queries
}

// fetch gets one page of a query.
func fetch(t *testing.T, c Case, q ingest.Query, cursor string) page {
	t.Helper()
	r, err := c.Source.Request(q, cursor)
	if err != nil {
		t.Fatalf("request at cursor %q: %v", cursor, err)
	}
	p := page{cursor: cursor, body: c.Answer(t, r)}
	p.next, p.rows, err = Parse(c.Source, q, p.body)
	if err != nil {
		t.Fatalf("parse at cursor %q: %v", cursor, err)
	}
	return p
}

func pages(t *testing.T, c Case, q ingest.Query, cursor string) []page {
	t.Helper()
	var all []page
	for range maxPages {
		p := fetch(t, c, q, cursor)
		all = append(all, p)
		if p.next == "" {
			return all
		}
		cursor = p.next
	}
	t.Fatalf("query %s: no end after %d pages", q.ID, maxPages)
	return nil
}

// Parse parses a body as the engine would hand it over and returns copies of
// the rows.
func Parse(s ingest.Source, q ingest.Query, body []byte) (next string, rows []ingest.Record, err error) {
	resp := ingest.Response{
		Status: http.StatusOK,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   bytes.NewReader(body),
		Name:   "body",
	}
	page, err := s.Parse(q, resp, func(r ingest.Record) error {
		r.Raw = bytes.Clone(r.Raw)
		rows = append(rows, r)
		return nil
	})
	return page.Next, rows, err
}

func testSpec(t *testing.T, s ingest.Spec) {
	if s.Name == "" || s.Name != strings.ToLower(s.Name) || strings.ContainsAny(s.Name, " /.") {
		t.Errorf("name %q is not one lower-case word", s.Name)
	}
	if s.Licence == "" {
		t.Error("no licence rule is named")
	}
	if len(s.PersonalFields) == 0 {
		t.Error("no personal field is declared")
	}
	if (s.CredentialEnv == "") != (s.CredentialHeader == "" && s.CredentialQuery == "" && !s.CredentialBasic) {
		t.Errorf("credential is half described: variable %q, header %q", s.CredentialEnv, s.CredentialHeader)
	}
	if s.BaseURL == "" {
		return // files
	}
	if !strings.HasPrefix(s.BaseURL, "https://") {
		t.Errorf("base URL %q is not https", s.BaseURL)
	}
	if len(s.Limits) == 0 {
		t.Error("no rate limit is named")
	}
}

func testPlan(t *testing.T, c Case) {
	first, second := plan(t, c), plan(t, c)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two plans differ:\n%s", diff)
	}
	seen := map[string]bool{}
	for _, q := range first {
		if q.ID == "" || seen[q.ID] {
			t.Errorf("query id %q is empty or not unique", q.ID)
		}
		seen[q.ID] = true
		want := c.Source.Spec().Name
		if len(c.Subjects) == 0 {
			want = c.Campaign.Sources[0].Provider()
		}
		if q.Provider != want {
			t.Errorf("query %s has the provider %q, want %q", q.ID, q.Provider, want)
		}
		if q.EstimatedCalls < 1 {
			t.Errorf("query %s estimates %d calls", q.ID, q.EstimatedCalls)
		}
	}
}

func testRequests(t *testing.T, c Case) {
	spec := c.Source.Spec()
	for _, q := range plan(t, c) {
		r, err := c.Source.Request(q, "")
		if err != nil {
			t.Fatalf("request: %v", err)
		}
		again, err := c.Source.Request(q, "")
		if err != nil {
			t.Fatalf("request: %v", err)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Errorf("two requests differ:\n%s", diff)
		}
		if isLocal := r.SQL != "" || strings.HasPrefix(r.URL, ingest.FileURL("")); !isLocal && !strings.HasPrefix(r.URL, "/") {
			t.Errorf("request URL %q is neither a path nor a file", r.URL)
		}
		if spec.CredentialHeader != "" && r.Header.Get(spec.CredentialHeader) != "" {
			t.Errorf("request sets the credential header %s", spec.CredentialHeader)
		}
		if r.CostMicros < 0 {
			t.Errorf("request costs %d", r.CostMicros)
		}
	}
}

func testPaging(t *testing.T, c Case) {
	count, good := 0, 0
	for _, q := range plan(t, c) {
		for _, p := range pages(t, c, q, "") {
			count++
			CheckRows(t, p.rows)
			for _, r := range p.rows {
				if r.Problem == nil {
					good++
				}
			}
		}
	}
	if count < c.MinPages {
		t.Errorf("%d pages, want at least %d", count, c.MinPages)
	}
	if good == 0 {
		t.Error("no record in any page")
	}
}

// CheckRows holds for every row of every body.
func CheckRows(t *testing.T, rows []ingest.Record) {
	t.Helper()
	for i, r := range rows {
		switch {
		case r.Problem != nil:
			if r.Problem.Code == "" || r.Problem.Reason == "" {
				t.Errorf("row %d: problem %+v lacks its code or reason", i, *r.Problem)
			}
		case r.EntityKind == "":
			t.Errorf("row %d has no entity kind", i)
		case !json.Valid(r.Raw):
			t.Errorf("row %d: raw is not JSON: %.200q", i, r.Raw)
		case !utf8.Valid(r.Raw) || !utf8.ValidString(r.Key):
			t.Errorf("row %d: raw or key is not UTF-8", i)
		}
	}
}

func testResume(t *testing.T, c Case) {
	for _, q := range plan(t, c) {
		all := pages(t, c, q, "")
		for i, p := range all {
			if diff := cmp.Diff(rowsOf(all[i:]), rowsOf(pages(t, c, q, p.cursor))); diff != "" {
				t.Errorf("resumed at page %d:\n%s", i+1, diff)
			}
		}
	}
}

func rowsOf(pages []page) (rows []ingest.Record) {
	for _, p := range pages {
		rows = append(rows, p.rows...)
	}
	return rows
}

func testEmitError(t *testing.T, c Case) {
	q := plan(t, c)[0]
	body := fetch(t, c, q, "").body
	stop := errors.New("stop")
	_, err := c.Source.Parse(q, ingest.Response{Status: http.StatusOK, Body: bytes.NewReader(body), Name: "body"},
		func(ingest.Record) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("error %v, want the one of emit", err)
	}
}

func testEmpty(t *testing.T, c Case) {
	q := plan(t, c)[0]
	next, rows, err := Parse(c.Source, q, c.Empty)
	if c.Empty == nil {
		if err == nil {
			t.Error("an empty body is no error")
		}
		return
	}
	if err != nil || next != "" || len(rows) != 0 {
		t.Errorf("next %q, %d rows, error %v", next, len(rows), err)
	}
}

func testCut(t *testing.T, c Case) {
	q := plan(t, c)[0]
	p := fetch(t, c, q, "")
	for n := 0; n < len(p.body); n += 1 + len(p.body)/200 {
		_, rows, err := Parse(c.Source, q, p.body[:n])
		CheckRows(t, rows)
		checkError(t, err)
		if len(rows) > len(p.rows)+1 {
			t.Errorf("cut at byte %d: %d rows of %d", n, len(rows), len(p.rows))
		}
	}
}

// checkError holds for every error over a body: whoever sent it, it is not a
// fault of ours.
func checkError(t *testing.T, err error) {
	t.Helper()
	if err != nil && leadlake.ErrorCode(err) == leadlake.Internal && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error without a code: %v", err)
	}
}

func testHostile(t *testing.T, c Case) {
	q := plan(t, c)[0]
	body := fetch(t, c, q, "").body
	for name, hostile := range hostileBodies(body) {
		_, rows, err := Parse(c.Source, q, hostile)
		CheckRows(t, rows)
		checkError(t, err)
		if t.Failed() {
			t.Fatalf("body: %s", name)
		}
	}
}

func hostileBodies(good []byte) map[string][]byte {
	swap := func(old, with string) []byte { return bytes.ReplaceAll(good, []byte(old), []byte(with)) }
	return map[string][]byte{
		"nothing":             {},
		"html":                []byte("<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>"),
		"null":                []byte("null"),
		"number":              []byte("1e999999"),
		"string":              []byte(`"a"`),
		"array":               []byte("[1,2,3]"),
		"array of nulls":      []byte("[null,null]"),
		"deep arrays":         bytes.Repeat([]byte("["), 200_000),
		"deep objects":        bytes.Repeat([]byte(`{"a":`), 200_000),
		"zero bytes":          make([]byte, 4096),
		"not UTF-8":           bytes.Repeat([]byte{0xff, 0xfe, 0x80, 0xc0}, 1000),
		"quotes":              bytes.Repeat([]byte(`"`), 10_001),
		"half a surrogate":    []byte(`{"name":"\ud800"}`),
		"strings are numbers": swap(`"`, `9`),
		"braces are brackets": swap("{", "["),
		"arrays are objects":  swap("[", "{"),
		"values are numbers":  swap(`:"`, `:1,"`),
		"values are null":     swap(`: "`, `:null,"x": "`),
		"huge numbers":        swap("1", "1e400"),
		"twice":               append(bytes.Clone(good), good...),
		"backwards":           reversed(good),
	}
}

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		out[len(b)-1-i] = c
	}
	return out
}
