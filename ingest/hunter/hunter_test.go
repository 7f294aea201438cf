package hunter_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/hunter"
	"github.com/leadlake/leadlake/ingest/ingesttest"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

var source hunter.Source

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func queryOf(t testing.TB, domain string) ingest.Query {
	t.Helper()
	queries := source.Lookup(ingest.Subject{Domain: domain})
	if len(queries) != 1 {
		t.Fatalf("%d queries for %q", len(queries), domain)
	}
	return queries[0]
}

// parse is a page with its rows.
func parse(t testing.TB, body string) (page ingest.Page, rows []ingest.Record, err error) {
	t.Helper()
	page, err = source.Parse(queryOf(t, "a.example"), ingest.Response{Status: http.StatusOK, Body: strings.NewReader(body)}, func(r ingest.Record) error {
		rows = append(rows, r)
		return nil
	})
	return page, rows, err
}

func TestSource_passes_the_suite(t *testing.T) {
	t.Parallel()
	ingesttest.Run(t, ingesttest.Case{
		Source:   source,
		Subjects: []ingest.Subject{{Domain: "barlow-plumbing.example"}, {Domain: "other.example"}},
		Answer:   func(t *testing.T, _ ingest.Request) []byte { return readFile(t, "domain-search.json") },
		Empty:    []byte(`{"data":{"domain":"a.example","emails":[]},"meta":{"results":0}}`),
		MinPages: 2,
	})
}

func TestLookup_needs_a_domain(t *testing.T) {
	t.Parallel()
	if q := source.Lookup(ingest.Subject{Name: "Barlow & Sons", Email: "ines@barlow.example"}); len(q) != 0 {
		t.Errorf("%+v without a domain", q)
	}
	if a, b := queryOf(t, " Ace.Example"), queryOf(t, "ace.example"); a.ID != b.ID {
		t.Error("the case of a domain makes another question")
	}
}

func TestRequest_asks_for_one_page_of_one_credit(t *testing.T) {
	t.Parallel()
	r, err := source.Request(queryOf(t, "ace.example"), "")
	if err != nil || r.URL != "/v2/domain-search?domain=ace.example&limit=10" || r.CostMicros != 24_500 || r.Endpoint != "domain-search" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestParse_makes_one_record_of_a_domain(t *testing.T) {
	t.Parallel()
	page, rows, err := parse(t, string(readFile(t, "domain-search.json")))
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	var answer struct{ Data json.RawMessage }
	if err := json.Unmarshal(readFile(t, "domain-search.json"), &answer); err != nil {
		t.Fatal(err)
	}
	var want, got any
	if json.Unmarshal(answer.Data, &want) != nil || json.Unmarshal(rows[0].Raw, &got) != nil {
		t.Fatal("raw is no JSON")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("raw is not what came:\n%s", diff)
	}
	if rows[0].Key != "barlow-plumbing.example" || page.Refund != 0 || len(page.Unknown) != 0 || page.Next != "" {
		t.Errorf("key %q, page %+v", rows[0].Key, page)
	}
	if diff := cmp.Diff([]ingest.Field{
		ingest.FieldEmail, ingest.FieldAddress, ingest.FieldCategory, ingest.FieldEmployees, ingest.FieldSocial, ingest.FieldTech,
	}, rows[0].Gives); diff != "" {
		t.Errorf("gives:\n%s", diff)
	}
}

func TestParse_gives_only_an_email_that_may_be_used(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		`{"value":"a@a.example","confidence":5,"verification":{"status":"valid"}}`:       true,
		`{"value":"a@a.example","confidence":99,"verification":{"status":"invalid"}}`:    false,
		`{"value":"a@a.example","confidence":99,"verification":{"status":"disposable"}}`: false,
		`{"value":"a@a.example","confidence":99,"verification":{"status":"blocked"}}`:    false,
		`{"value":"a@a.example","confidence":70,"verification":{"status":"accept_all"}}`: true,
		`{"value":"a@a.example","confidence":69,"verification":{"status":"accept_all"}}`: false,
		`{"value":"a@a.example","confidence":70,"verification":{"status":null}}`:         true,
		`{"value":"a@a.example","confidence":70,"verification":null}`:                    true,
		`{"value":"a@a.example","confidence":"99"}`:                                      false,
		`{"value":"a@a.example"}`: false,
		`{"value":null,"confidence":99,"verification":{"status":"valid"}}`: false,
		`{"value":" ","confidence":99,"verification":{"status":"valid"}}`:  false,
		`"a@a.example"`: false,
		`null`:          false,
	} {
		_, rows, err := parse(t, `{"data":{"domain":"a.example","organization":"A","emails":[`+address+`]}}`)
		if err != nil || len(rows) != 1 || rows[0].Problem != nil {
			t.Fatalf("%s: %+v, %v", address, rows, err)
		}
		if got := slices.Contains(rows[0].Gives, ingest.FieldEmail); got != want {
			t.Errorf("%s: gives an e-mail: %v, want %v", address, got, want)
		}
	}
}

func TestParse_refunds_a_search_without_an_address(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		rows   int
		refund int64
	}{
		`{"data":null}`: {0, 24_500},
		`{}`:            {0, 24_500},
		`{"data":{"domain":"a.example","webmail":false,"organization":null,"emails":[]}}`: {0, 24_500},
		`{"data":{"domain":"a.example","organization":"A","emails":[]}}`:                  {1, 24_500},
		`{"data":{"domain":"a.example","organization":"A","emails":null}}`:                {1, 24_500},
		`{"data":{"domain":"a.example","emails":[{"value":"x@a.example"}]}}`:              {1, 0},
		// Anybody may have an address here, so that it is no company's.
		`{"data":{"domain":"mail.example","webmail":true,"organization":"Mail","emails":[{"value":"x@mail.example"}]}}`: {0, 0},
		`{"data":{"domain":"mail.example","disposable":true,"organization":"Mail","emails":[]}}`:                        {0, 24_500},
	} {
		page, rows, err := parse(t, body)
		if err != nil || len(rows) != want.rows || page.Refund != want.refund {
			t.Errorf("%s: %d rows, refund %d, %v, want %+v", body, len(rows), page.Refund, err, want)
		}
	}
}

func TestParse_refuses_what_is_no_answer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"data":[]}`, `{"data":"a"}`, `{"errors":[{"id":"x"}]}`, `[]`, `<html>`} {
		if _, rows, err := parse(t, body); leadlake.ErrorCode(err) != leadlake.Unavailable || len(rows) != 0 {
			t.Errorf("%s: %d rows, %v", body, len(rows), err)
		}
	}
	for data, want := range map[string]string{
		`{"organization":"A"}`:                                   "missing_key",
		`{"domain":7,"organization":"A"}`:                        "retyped_field",
		`{"domain":"a.example","organization":"A","emails":"x"}`: "retyped_field",
	} {
		_, rows, err := parse(t, `{"data":`+data+`}`)
		if err != nil || len(rows) != 1 || rows[0].Problem == nil || rows[0].Problem.Code != want {
			t.Errorf("%s: %+v, %v, want %s", data, rows, err, want)
		}
	}
}

func TestJudge_knows_every_status(t *testing.T) {
	t.Parallel()
	problem := func(id, details string) string {
		return fmt.Sprintf(`{"errors":[{"id":%q,"code":1,"details":%q}]}`, id, details)
	}
	for _, tt := range []struct {
		status int
		body   string
		want   ingest.Judgement
	}{
		{200, `{"data":{}}`, ingest.Judgement{}},
		{202, `{}`, ingest.Judgement{Verdict: ingest.Pending}},
		{400, problem("wrong_params", "No domain."), ingest.Judgement{Verdict: ingest.Wrong, Message: "No domain."}},
		{400, problem("pagination_error", ""), ingest.Judgement{Verdict: ingest.Wrong, Message: "pagination_error"}},
		{401, problem("authentication_failed", "No such key."), ingest.Judgement{Verdict: ingest.Denied, Message: "No such key."}},
		{402, ``, ingest.Judgement{Verdict: ingest.Spent}},
		{403, problem("too_many_requests", "The rate of your plan is reached."), ingest.Judgement{Verdict: ingest.Slow, Message: "The rate of your plan is reached."}},
		{403, `<html>`, ingest.Judgement{Verdict: ingest.Slow}},
		{403, problem("forbidden", "Not in your plan."), ingest.Judgement{Verdict: ingest.Refused, Message: "Not in your plan."}},
		{404, problem("not_found", "Nothing."), ingest.Judgement{Verdict: ingest.Miss, Message: "Nothing."}},
		{422, ``, ingest.Judgement{Verdict: ingest.Wrong}},
		{429, problem("too_many_requests", "No searches left."), ingest.Judgement{Verdict: ingest.Spent, Message: "No searches left."}},
		{451, problem("claimed_email", "Do not process."), ingest.Judgement{Verdict: ingest.Erased, Message: "Do not process."}},
		{500, ``, ingest.Judgement{}},
		{502, `<html>`, ingest.Judgement{}},
	} {
		if diff := cmp.Diff(tt.want, source.Judge(tt.status, nil, []byte(tt.body))); diff != "" {
			t.Errorf("%d %s:\n%s", tt.status, tt.body, diff)
		}
	}
	if j := source.Judge(429, nil, []byte(problem("x", strings.Repeat("é", 999)))); len(j.Message) > 400 {
		t.Errorf("message of %d bytes", len(j.Message))
	}
}

func TestSource_reads_the_sandbox(t *testing.T) {
	t.Parallel()
	w, err := world.New(world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := sandbox.New(sandbox.Config{World: w})
	if err != nil {
		t.Fatal(err)
	}
	records, emails, asked := 0, 0, map[string]bool{}
	for _, b := range w.Businesses[:400] {
		for _, q := range source.Lookup(ingest.Subject{Domain: b.Domain}) {
			if asked[b.Domain] {
				continue
			}
			asked[b.Domain] = true
			answer := call(t, server, q, "sandbox")
			if answer.Code == http.StatusNotFound {
				continue
			}
			if answer.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", b.Domain, answer.Code, answer.Body)
			}
			page, rows, err := parse(t, answer.Body.String())
			if err != nil || len(page.Unknown) > 0 {
				t.Fatalf("%s: %+v, %v", b.Domain, page, err)
			}
			for _, r := range rows {
				if r.Problem != nil || r.Key != b.Domain {
					t.Fatalf("%s: %+v", b.Domain, r)
				}
				records++
				if slices.Contains(r.Gives, ingest.FieldEmail) {
					emails++
				}
			}
		}
	}
	if records < 50 || emails < records/3 || records > len(asked)*9/10 {
		t.Errorf("%d records with %d e-mails of %d domains", records, emails, len(asked))
	}
	for key, want := range map[string]ingest.Verdict{"invalid": ingest.Denied, "nocredit": ingest.Spent, "nocontract": ingest.Refused} {
		answer := call(t, server, queryOf(t, "a.example"), key)
		if j := source.Judge(answer.Code, answer.Header(), answer.Body.Bytes()); j.Verdict != want {
			t.Errorf("key %s: %d %s is %q, want %q", key, answer.Code, answer.Body, j.Verdict, want)
		}
	}
}

// call does what the engine does: it adds the key and sends the request.
func call(t *testing.T, server http.Handler, q ingest.Query, key string) *httptest.ResponseRecorder {
	t.Helper()
	r, err := source.Request(q, "")
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/hunter"+r.URL, nil)
	req.Header.Set(source.Spec().CredentialHeader, key)
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, req)
	return answer
}

func FuzzParse(f *testing.F) {
	f.Add(readFile(f, "domain-search.json"))
	f.Add([]byte(`{"data":{"domain":"a.example","emails":{},"technologies":[[]]}}`))
	f.Add([]byte(`{"data":null,"errors":[{"id":7}]}`))
	f.Add([]byte("{\"data\":{\"domain\":\"\xff\"}}"))
	q := queryOf(f, "a.example")
	f.Fuzz(func(t *testing.T, body []byte) {
		source.Judge(403, nil, body)
		_, rows, err := ingesttest.Parse(source, q, body)
		for _, r := range rows {
			if r.Problem == nil && (r.Key == "" || !json.Valid(r.Raw)) {
				t.Errorf("row %+v of %q, %v", r, body, err)
			}
		}
	})
}
