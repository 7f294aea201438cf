package clearbit_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/clearbit"
	"github.com/leadlake/leadlake/ingest/ingesttest"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// source is what both ways have in common.
type source interface {
	ingest.Enricher
	ingest.Judge
}

// ways are the two sources, with the envelope of each.
var ways = map[string]struct {
	source source
	wrap   func(company string) string
}{
	"clearbit":         {clearbit.Source{}, func(company string) string { return company }},
	"hunter_companies": {clearbit.ViaHunter{}, func(company string) string { return `{"data":` + company + `,"meta":{}}` }},
}

func queryOf(t testing.TB, s ingest.Enricher, domain string) ingest.Query {
	t.Helper()
	queries := s.Lookup(ingest.Subject{Domain: domain})
	if len(queries) != 1 {
		t.Fatalf("%d queries for %q", len(queries), domain)
	}
	return queries[0]
}

// parse is a page with its rows.
func parse(s ingest.Source, q ingest.Query, body string) (page ingest.Page, rows []ingest.Record, err error) {
	page, err = s.Parse(q, ingest.Response{Status: http.StatusOK, Body: strings.NewReader(body)}, func(r ingest.Record) error {
		rows = append(rows, r)
		return nil
	})
	return page, rows, err
}

func TestSource_passes_the_suite(t *testing.T) {
	t.Parallel()
	company := string(readFile(t, "company.json"))
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ingesttest.Run(t, ingesttest.Case{
				Source:   way.source,
				Subjects: []ingest.Subject{{Domain: "barlow-plumbing.example"}, {Domain: "barlowandsons.example"}},
				Answer:   func(*testing.T, ingest.Request) []byte { return []byte(way.wrap(company)) },
				Empty:    []byte(way.wrap("{}")),
				MinPages: 2,
			})
		})
	}
}

func TestLookup_needs_a_domain(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		if q := way.source.Lookup(ingest.Subject{Name: "Barlow & Sons", Phone: "+13035550142"}); len(q) != 0 {
			t.Errorf("%s: %+v without a domain", name, q)
		}
		if a, b := queryOf(t, way.source, " Ace.Example"), queryOf(t, way.source, "ace.example"); a.ID != b.ID {
			t.Errorf("%s: the case of a domain makes another question", name)
		}
	}
}

func TestRequest_goes_where_the_provider_answers(t *testing.T) {
	t.Parallel()
	r, err := clearbit.Source{}.Request(queryOf(t, clearbit.Source{}, "ace.example"), "")
	if err != nil || r.URL != "/v2/companies/find?domain=ace.example" || r.Header.Get("API-Version") != "2019-12-19" || r.CostMicros != 50_000 {
		t.Errorf("%+v, %v", r, err)
	}
	r, err = clearbit.ViaHunter{}.Request(queryOf(t, clearbit.ViaHunter{}, "ace.example"), "")
	if err != nil || r.URL != "/v2/companies/find?clearbit_format=true&domain=ace.example" || r.CostMicros != 24_500 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestParse_keeps_the_company_as_it_came(t *testing.T) {
	t.Parallel()
	const company = `{"domain": "ace.example", "name": "Ace \u0026 Co", "someday": [1, 2.50]}`
	for name, way := range ways {
		page, rows, err := parse(way.source, queryOf(t, way.source, "ace.example"), way.wrap(company))
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s: %d rows, %v", name, len(rows), err)
		}
		if got, want := string(rows[0].Raw), `{"domain":"ace.example","name":"Ace \u0026 Co","someday":[1,2.50]}`; got != want {
			t.Errorf("%s: raw %s, want %s", name, got, want)
		}
		if rows[0].Key != "ace.example" || page.Refund != 0 || !cmp.Equal(page.Unknown, []string{"someday"}) {
			t.Errorf("%s: key %q, page %+v", name, rows[0].Key, page)
		}
	}
}

func TestParse_gives_what_is_there(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		company string
		want    []ingest.Field
	}{
		"everything": {string(readFile(t, "company.json")), []ingest.Field{
			ingest.FieldPhone, ingest.FieldEmail, ingest.FieldAddress, ingest.FieldGeo, ingest.FieldCategory, ingest.FieldLegalName,
			ingest.FieldEmployees, ingest.FieldRevenue, ingest.FieldFounded, ingest.FieldSocial, ingest.FieldTech,
		}},
		"nulls and empty things": {`{"domain":"barlow-plumbing.example","phone":null,"legalName":" ","site":{"emailAddresses":[]},
			"tech":[],"metrics":{"employees":null,"raised":null},"linkedin":{"handle":null},"geo":{"lat":null}}`, nil},
		"funding":                         {`{"domain":"barlow-plumbing.example","metrics":{"raised":1500000}}`, []ingest.Field{ingest.FieldFunding}},
		"an alias is the company":         {`{"domain":"b.example","domainAliases":["a.example","Barlow-Plumbing.example"],"phone":"+1 303 555 0142"}`, []ingest.Field{ingest.FieldPhone}},
		"another company gives nothing":   {`{"domain":"parent.example","domainAliases":[],"phone":"+1 303 555 0142"}`, nil},
		"aliases may be null or a text":   {`{"domain":"parent.example","domainAliases":null,"phone":"+1 303 555 0142"}`, nil},
		"a row for quarantine is no gift": {`{"domain":"barlow-plumbing.example","metrics":"many","phone":"+1 303 555 0142"}`, nil},
	} {
		_, rows, err := parse(clearbit.Source{}, queryOf(t, clearbit.Source{}, "barlow-plumbing.example"), tt.company)
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s: %d rows, %v", name, len(rows), err)
		}
		if diff := cmp.Diff(tt.want, rows[0].Gives); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestParse_makes_no_company_of_an_email_provider(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		q := queryOf(t, way.source, "mail.example")
		page, rows, err := parse(way.source, q, way.wrap(`{"domain":"mail.example","name":"Mail","emailProvider":true}`))
		if err != nil || len(rows) != 0 || page.Refund != 0 {
			t.Errorf("%s: %d rows, page %+v, %v", name, len(rows), page, err)
		}
	}
}

func TestParse_refunds_an_answer_without_a_company(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		q := queryOf(t, way.source, "ace.example")
		for _, body := range []string{"{}", `{"data":null}`, `{"data":{}}`} {
			page, rows, err := parse(way.source, q, body)
			if err != nil || len(rows) != 0 || page.Refund != way.source.Spec().CostMicrosPerCall {
				t.Errorf("%s: %s gave %d rows, page %+v, %v", name, body, len(rows), page, err)
			}
		}
	}
}

func TestParse_puts_what_it_cannot_read_into_quarantine(t *testing.T) {
	t.Parallel()
	for company, want := range map[string]string{
		`{"name":"nobody"}`:                   "missing_key",
		`{"domain":" "}`:                      "missing_key",
		`{"domain":"a.example","geo":"here"}`: "retyped_field",
		`{"domain":"a.example","name":7}`:     "retyped_field",
	} {
		_, rows, err := parse(clearbit.Source{}, queryOf(t, clearbit.Source{}, "a.example"), company)
		if err != nil || len(rows) != 1 || rows[0].Problem == nil || rows[0].Problem.Code != want {
			t.Errorf("%s: %+v, %v, want %s", company, rows, err, want)
		}
	}
}

func TestJudge_knows_every_status(t *testing.T) {
	t.Parallel()
	reset := http.Header{"X-Ratelimit-Reset": {"7"}}
	for _, tt := range []struct {
		status int
		header http.Header
		body   string
		want   ingest.Judgement
	}{
		{200, nil, `{"domain":"a.example"}`, ingest.Judgement{}},
		{202, nil, `{"error":{"type":"queued"}}`, ingest.Judgement{Verdict: ingest.Pending, Message: "queued"}},
		{400, nil, ``, ingest.Judgement{Verdict: ingest.Wrong}},
		{401, nil, `{"error":{"type":"auth_invalid","message":"Invalid API key."}}`, ingest.Judgement{Verdict: ingest.Denied, Message: "Invalid API key."}},
		{402, nil, `{"error":{"type":"over_plan_limit"}}`, ingest.Judgement{Verdict: ingest.Spent, Message: "over_plan_limit"}},
		{402, nil, `{"error":[{"type":"account_paused","message":"Paused."}]}`, ingest.Judgement{Verdict: ingest.Spent, Message: "Paused."}},
		{403, nil, `{"error":"no"}`, ingest.Judgement{Verdict: ingest.Refused, Message: "no"}},
		{404, nil, `{"error":{"type":"unknown_record","message":"Unknown company."}}`, ingest.Judgement{Verdict: ingest.Miss, Message: "Unknown company."}},
		{422, nil, `{"error":[{"type":"domain_invalid"}]}`, ingest.Judgement{Verdict: ingest.Wrong, Message: "domain_invalid"}},
		{429, reset, `{"error":{}}`, ingest.Judgement{Verdict: ingest.Slow, Wait: 7 * time.Second}},
		{429, http.Header{"X-Ratelimit-Reset": {"1800000000"}}, ``, ingest.Judgement{Verdict: ingest.Slow}},
		{429, http.Header{"X-Ratelimit-Reset": {"soon"}}, ``, ingest.Judgement{Verdict: ingest.Slow}},
		{500, nil, `{"error":{"message":"x"}}`, ingest.Judgement{}},
		{503, nil, `<html>`, ingest.Judgement{}},
	} {
		if diff := cmp.Diff(tt.want, clearbit.Source{}.Judge(tt.status, tt.header, []byte(tt.body))); diff != "" {
			t.Errorf("%d %s:\n%s", tt.status, tt.body, diff)
		}
	}
}

func TestJudge_knows_that_hunter_turns_403_and_429_round(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		body   string
		want   ingest.Judgement
	}{
		{200, `{"data":{}}`, ingest.Judgement{}},
		{202, ``, ingest.Judgement{Verdict: ingest.Pending}},
		{400, `{"errors":[{"id":"wrong_params","code":400,"details":"No domain."}]}`, ingest.Judgement{Verdict: ingest.Wrong, Message: "No domain."}},
		{401, `{"errors":[{"id":"authentication_failed"}]}`, ingest.Judgement{Verdict: ingest.Denied, Message: "authentication_failed"}},
		{402, ``, ingest.Judgement{Verdict: ingest.Spent}},
		{403, `{"errors":[{"id":"too_many_requests","details":"Rate limit of your plan reached."}]}`, ingest.Judgement{Verdict: ingest.Slow, Message: "Rate limit of your plan reached."}},
		{403, ``, ingest.Judgement{Verdict: ingest.Slow}},
		{403, `{"errors":[{"details":"Your plan lacks this. Upgrade."}]}`, ingest.Judgement{Verdict: ingest.Refused, Message: "Your plan lacks this. Upgrade."}},
		{404, ``, ingest.Judgement{Verdict: ingest.Miss}},
		{422, ``, ingest.Judgement{Verdict: ingest.Wrong}},
		{429, `{"errors":[{"details":"No credits left."}]}`, ingest.Judgement{Verdict: ingest.Spent, Message: "No credits left."}},
		{451, `{"errors":[{"id":"claimed_email"}]}`, ingest.Judgement{Verdict: ingest.Erased, Message: "claimed_email"}},
		{500, ``, ingest.Judgement{}},
	} {
		if diff := cmp.Diff(tt.want, clearbit.ViaHunter{}.Judge(tt.status, nil, []byte(tt.body))); diff != "" {
			t.Errorf("%d %s:\n%s", tt.status, tt.body, diff)
		}
	}
}

func TestJudge_bounds_what_it_repeats(t *testing.T) {
	t.Parallel()
	body, err := json.Marshal(map[string]any{"error": map[string]any{"message": strings.Repeat("é", 1000)}})
	if err != nil {
		t.Fatal(err)
	}
	if j := (clearbit.Source{}).Judge(402, nil, body); len(j.Message) > 400 || !strings.HasSuffix(j.Message, "...") {
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
	for name, way := range ways {
		counts := map[ingest.Verdict]int{}
		records := 0
		for _, b := range w.Businesses[:300] {
			for _, q := range way.source.Lookup(ingest.Subject{Domain: b.Domain}) {
				answer := call(t, server, way.source, name, q, "sandbox")
				j := way.source.Judge(answer.Code, answer.Header(), answer.Body.Bytes())
				if j.Verdict == ingest.Pending {
					counts[j.Verdict]++
					answer = call(t, server, way.source, name, q, "sandbox")
					j = way.source.Judge(answer.Code, answer.Header(), answer.Body.Bytes())
				}
				counts[j.Verdict]++
				if answer.Code != http.StatusOK {
					continue
				}
				page, rows, err := parse(way.source, q, answer.Body.String())
				if err != nil || len(rows) != 1 || rows[0].Problem != nil || rows[0].Key != b.Domain || len(rows[0].Gives) == 0 || len(page.Unknown) > 0 {
					t.Fatalf("%s: %s: %+v, %+v, %v", name, b.Domain, rows, page, err)
				}
				records++
			}
		}
		if records < 50 || counts[ingest.Miss] < 20 || name == "clearbit" && counts[ingest.Pending] == 0 {
			t.Errorf("%s: %d records, verdicts %v", name, records, counts)
		}
		q := queryOf(t, way.source, "barlow.example")
		for key, want := range map[string]ingest.Verdict{"invalid": ingest.Denied, "nocredit": ingest.Spent, "nocontract": ingest.Refused} {
			answer := call(t, server, way.source, name, q, key)
			if j := way.source.Judge(answer.Code, answer.Header(), answer.Body.Bytes()); j.Verdict != want {
				t.Errorf("%s: key %s: %d %s is %q, want %q", name, key, answer.Code, answer.Body, j.Verdict, want)
			}
		}
	}
}

// call does what the engine does: it adds the key and sends the request.
func call(t *testing.T, server http.Handler, s ingest.Source, name string, q ingest.Query, key string) *httptest.ResponseRecorder {
	t.Helper()
	r, err := s.Request(q, "")
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+name+r.URL, nil)
	if spec := s.Spec(); spec.CredentialBasic {
		req.SetBasicAuth(key, "")
	} else {
		req.Header.Set(spec.CredentialHeader, key)
	}
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, req)
	return answer
}

func FuzzParse(f *testing.F) {
	f.Add(readFile(f, "company.json"))
	f.Add([]byte(`{"data":{"domain":"a.example","tech":{},"site":[]}}`))
	f.Add([]byte(`{"data":[],"error":{}}`))
	f.Add([]byte("{\"domain\":\"\xff\"}"))
	q := queryOf(f, clearbit.Source{}, "a.example")
	f.Fuzz(func(t *testing.T, body []byte) {
		clearbit.Source{}.Judge(402, nil, body)
		_, rows, err := ingesttest.Parse(clearbit.Source{}, q, body)
		for _, r := range rows {
			if r.Problem == nil && (r.Key == "" || !json.Valid(r.Raw)) {
				t.Errorf("row %+v of %q, %v", r, body, err)
			}
		}
	})
}
