package googlegeocoding_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/googlegeocoding"
	"github.com/leadlake/leadlake/ingest/ingesttest"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

var source googlegeocoding.Source

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func at(lat, lon float64) (*float64, *float64) { return &lat, &lon }

func addressed() ingest.Subject {
	return ingest.Subject{Name: "Barlow & Sons", Street: "1200 N Larimer St", City: "Denver", Region: "CO", Postal: "80202", Country: "US"}
}

func located() ingest.Subject {
	s := ingest.Subject{Name: "Barlow & Sons"}
	s.Lat, s.Lon = at(39.7501, -104.9902)
	return s
}

func queryOf(t testing.TB, s ingest.Subject) ingest.Query {
	t.Helper()
	queries := source.Lookup(s)
	if len(queries) != 1 {
		t.Fatalf("%d queries for %+v", len(queries), s)
	}
	return queries[0]
}

// parse is a page with its rows.
func parse(q ingest.Query, body string) (page ingest.Page, rows []ingest.Record, err error) {
	page, err = source.Parse(q, ingest.Response{Status: http.StatusOK, Body: strings.NewReader(body)}, func(r ingest.Record) error {
		rows = append(rows, r)
		return nil
	})
	return page, rows, err
}

func TestSource_passes_the_suite(t *testing.T) {
	t.Parallel()
	ingesttest.Run(t, ingesttest.Case{
		Source:   source,
		Subjects: []ingest.Subject{addressed(), located()},
		Answer:   func(t *testing.T, _ ingest.Request) []byte { return readFile(t, "forward.json") },
		Empty:    []byte(`{"results":[],"status":"ZERO_RESULTS"}`),
		MinPages: 2,
	})
}

func TestLookup_asks_for_the_half_that_is_missing(t *testing.T) {
	t.Parallel()
	with := func(change func(*ingest.Subject)) ingest.Subject {
		s := addressed()
		change(&s)
		return s
	}
	for name, tt := range map[string]struct {
		subject ingest.Subject
		want    string // of the request; "" for no query
	}{
		"an address": {addressed(), "address=1200 N Larimer St, Denver, CO 80202, US&language=en&region=us"},
		"an address of Britain is of uk": {
			ingest.Subject{Street: "4 Kiln  Lane", City: "Leeds", Postal: "LS1 1AA", Country: "GB"},
			"address=4 Kiln Lane, Leeds, LS1 1AA, GB&language=en&region=uk",
		},
		"an address without a country": {ingest.Subject{Street: "4 Kiln Lane", City: "Leeds"}, "address=4 Kiln Lane, Leeds&language=en"},
		"a point":                      {located(), "language=en&latlng=39.750100,-104.990200&result_type=street_address|premise|subpremise"},
		"a point whose city is known": {with(func(s *ingest.Subject) { s.Street = ""; s.Lat, s.Lon = at(1, 2) }),
			"language=en&latlng=1.000000,2.000000&result_type=street_address|premise|subpremise"},
		"nothing missing":           {with(func(s *ingest.Subject) { s.Lat, s.Lon = at(1, 2) }), ""},
		"a street without its city": {with(func(s *ingest.Subject) { s.City = "" }), ""},
		"a city without a street":   {with(func(s *ingest.Subject) { s.Street = "" }), ""},
		"half a point":              {with(func(s *ingest.Subject) { s.Street = ""; s.Lat, _ = at(1, 2) }), ""},
		"nothing":                   {ingest.Subject{Name: "Barlow & Sons"}, ""},
	} {
		got := ""
		for _, q := range source.Lookup(tt.subject) {
			r, err := source.Request(q, "")
			if err != nil || r.CostMicros != 5_000 || r.Endpoint != "geocode" {
				t.Errorf("%s: %+v, %v", name, r, err)
			}
			path, query, _ := strings.Cut(r.URL, "?")
			if got, err = url.QueryUnescape(query); err != nil || path != "/maps/api/geocode/json" {
				t.Errorf("%s: %s, %v", name, r.URL, err)
			}
		}
		if got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, tt.want)
		}
	}
}

func TestParse_takes_the_first_result_as_it_came(t *testing.T) {
	t.Parallel()
	const body = `{"results":[{"place_id":"p1","geometry":{"location":{"lat":39.750,"lng":-104.99}},"someday":{"a":[1]}},{"place_id":"p2"}],"status":"OK"}`
	page, rows, err := parse(queryOf(t, addressed()), body)
	if err != nil || len(rows) != 1 || rows[0].Problem != nil {
		t.Fatalf("%+v, %v", rows, err)
	}
	if got, want := string(rows[0].Raw), `{"place_id":"p1","geometry":{"location":{"lat":39.750,"lng":-104.99}},"someday":{"a":[1]}}`; got != want {
		t.Errorf("raw %s, want %s", got, want)
	}
	if rows[0].Key != "p1" || !cmp.Equal(page.Unknown, []string{"someday"}) || page.Refund != 0 {
		t.Errorf("key %q, page %+v", rows[0].Key, page)
	}
}

func TestParse_gives_the_half_that_was_asked_for(t *testing.T) {
	t.Parallel()
	result := func(more string) string {
		return `{"results":[{"place_id":"p1","geometry":{"location":{"lat":1.5,"lng":2},"location_type":"ROOFTOP"},` + more +
			`"address_components":[{"types":["street_number"]},{"types":["route"]}]}],"status":"OK"}`
	}
	approximate := strings.Replace(result(""), "ROOFTOP", "APPROXIMATE", 1)
	town := strings.Replace(result(""), "route", "locality", 1)
	for name, tt := range map[string]struct {
		subject ingest.Subject
		body    string
		want    []ingest.Field
	}{
		"the point of an address":                {addressed(), result(""), []ingest.Field{ingest.FieldGeo}},
		"the address of a point":                 {located(), result(""), []ingest.Field{ingest.FieldAddress}},
		"a partial match gives nothing":          {addressed(), result(`"partial_match":true,`), nil},
		"a match that is not partial":            {addressed(), result(`"partial_match":false,`), []ingest.Field{ingest.FieldGeo}},
		"the middle of a town gives nothing":     {addressed(), approximate, nil},
		"a town is not the address of a point":   {located(), town, nil},
		"a town may still be a point, if exact":  {addressed(), town, []ingest.Field{ingest.FieldGeo}},
		"a row for quarantine gives nothing":     {addressed(), result(`"partial_match":"yes",`), nil},
		"components may be something else":       {located(), `{"results":[{"place_id":"p","geometry":{"location":{"lat":1,"lng":2}},"address_components":{"a":{"types":"route"}}}],"status":"OK"}`, []ingest.Field{ingest.FieldAddress}},
		"a result without components is no gift": {located(), `{"results":[{"place_id":"p","geometry":{"location":{"lat":1,"lng":2}}}],"status":"OK"}`, nil},
	} {
		_, rows, err := parse(queryOf(t, tt.subject), tt.body)
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s: %d rows, %v", name, len(rows), err)
		}
		if diff := cmp.Diff(tt.want, rows[0].Gives); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestParse_finds_nothing_and_pays_for_it(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"results":[],"status":"ZERO_RESULTS"}`, `{"status":"ZERO_RESULTS"}`, `{"results":[],"status":"OK"}`} {
		page, rows, err := parse(queryOf(t, addressed()), body)
		if err != nil || len(rows) != 0 || page.Refund != 0 {
			t.Errorf("%s: %d rows, %+v, %v", body, len(rows), page, err)
		}
	}
	if !source.Spec().BillsMisses {
		t.Error("a call that finds nothing is taken as free")
	}
}

func TestParse_refuses_what_is_no_answer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"status":"OK"}`, `{"results":{},"status":"OK"}`, `{"results":[],"status":"SOMETHING_NEW"}`, `{"results":[],"status":7}`, `<html>`} {
		if _, rows, err := parse(queryOf(t, addressed()), body); leadlake.ErrorCode(err) != leadlake.Unavailable || len(rows) != 0 {
			t.Errorf("%s: %d rows, %v", body, len(rows), err)
		}
	}
	for result, want := range map[string]string{
		`{"geometry":{"location":{"lat":1,"lng":2}}}`:                  "missing_key",
		`{"place_id":"p"}`:                                             "missing_field",
		`{"place_id":"p","geometry":{"location":{"lat":"1","lng":2}}}`: "missing_field",
		`{"place_id":7,"geometry":{"location":{"lat":1,"lng":2}}}`:     "retyped_field",
		`"p"`:                     "not_an_object",
		"{\"place_id\":\"\xff\"}": "bad_encoding",
	} {
		_, rows, err := parse(queryOf(t, addressed()), `{"results":[`+result+`],"status":"OK"}`)
		if err != nil || len(rows) != 1 || rows[0].Problem == nil || rows[0].Problem.Code != want {
			t.Errorf("%s: %+v, %v, want %s", result, rows, err, want)
		}
	}
}

func TestJudge_reads_the_status_in_the_body(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		body   string
		want   ingest.Judgement
	}{
		{200, `{"results":[],"status":"OK"}`, ingest.Judgement{}},
		{200, `{"results":[],"status":"ZERO_RESULTS"}`, ingest.Judgement{Verdict: ingest.Miss}},
		{200, `{"status":"OVER_QUERY_LIMIT","error_message":"Too fast."}`, ingest.Judgement{Verdict: ingest.Slow, Message: "Too fast."}},
		{200, `{"status":"OVER_DAILY_LIMIT","error_message":"Cap reached."}`, ingest.Judgement{Verdict: ingest.Spent, Message: "Cap reached."}},
		{200, `{"status":"REQUEST_DENIED","error_message":"No such key."}`, ingest.Judgement{Verdict: ingest.Denied, Message: "No such key."}},
		{403, `{"status":"REQUEST_DENIED"}`, ingest.Judgement{Verdict: ingest.Denied}},
		{200, `{"status":"INVALID_REQUEST","error_message":"No address."}`, ingest.Judgement{Verdict: ingest.Wrong, Message: "No address."}},
		{400, `{"status":"INVALID_REQUEST","error_message":7}`, ingest.Judgement{Verdict: ingest.Wrong}},
		{200, `{"status":"UNKNOWN_ERROR"}`, ingest.Judgement{Verdict: ingest.Broken}},
		{500, `{"status":"UNKNOWN_ERROR"}`, ingest.Judgement{Verdict: ingest.Broken}},
		{200, `{"status":"SOMETHING_NEW"}`, ingest.Judgement{}},
		{200, `{"status":["OK"]}`, ingest.Judgement{}},
		{429, `<html>`, ingest.Judgement{}},
		{503, ``, ingest.Judgement{}},
	} {
		if diff := cmp.Diff(tt.want, source.Judge(tt.status, nil, []byte(tt.body))); diff != "" {
			t.Errorf("%d %s:\n%s", tt.status, tt.body, diff)
		}
	}
	long := fmt.Sprintf(`{"status":"REQUEST_DENIED","error_message":%q}`, strings.Repeat("é", 999))
	if j := source.Judge(200, nil, []byte(long)); len(j.Message) > 400 {
		t.Errorf("message of %d bytes", len(j.Message))
	}
}

// call does what the engine does: it adds the key and sends the request.
func call(t *testing.T, server http.Handler, q ingest.Query, key string) *httptest.ResponseRecorder {
	t.Helper()
	r, err := source.Request(q, "")
	if err != nil {
		t.Fatal(err)
	}
	target := "/google_geocoding" + r.URL + "&" + source.Spec().CredentialQuery + "=" + key
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	return answer
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
	var asked, near, missed, back int
	for _, b := range w.Businesses[:300] {
		q := queryOf(t, ingest.Subject{Street: b.Site.Line(), City: b.Site.Town.Name, Region: w.Metro.Region, Postal: b.Site.Postal, Country: w.Metro.Country})
		asked++
		answer := call(t, server, q, "sandbox")
		j := source.Judge(answer.Code, answer.Header(), answer.Body.Bytes())
		page, rows, err := parse(q, answer.Body.String())
		if err != nil || len(page.Unknown) > 0 || len(rows) > 1 || (len(rows) == 0) != (j.Verdict == ingest.Miss) {
			t.Fatalf("%+v: %q, %+v, %d rows, %v", q.Params, j.Verdict, page, len(rows), err)
		}
		if len(rows) == 0 {
			missed++
			continue
		}
		var result struct {
			Geometry struct{ Location struct{ Lat, Lng float64 } }
		}
		if rows[0].Problem != nil || json.Unmarshal(rows[0].Raw, &result) != nil {
			t.Fatalf("%+v", rows[0])
		}
		at := result.Geometry.Location
		if len(rows[0].Gives) > 0 && world.DistanceKM(at.Lat, at.Lng, b.Site.Lat, b.Site.Lon) < 0.5 {
			near++
		}
		q = queryOf(t, ingest.Subject{Lat: &b.Site.Lat, Lon: &b.Site.Lon})
		answer = call(t, server, q, "sandbox")
		if _, rows, err = parse(q, answer.Body.String()); err != nil {
			t.Fatalf("%s: %v", answer.Body, err)
		}
		if len(rows) == 1 && len(rows[0].Gives) == 1 && rows[0].Gives[0] == ingest.FieldAddress {
			back++
		}
	}
	t.Logf("%d asked: %d found near, %d not at all; %d points have an address", asked, near, missed, back)
	if near < asked*8/10 || back < asked*8/10 {
		t.Errorf("of %d addresses %d are found, of their points %d", asked, near, back)
	}
	for key, want := range map[string]ingest.Verdict{"invalid": ingest.Denied, "nocredit": ingest.Spent, "nocontract": ingest.Denied} {
		answer := call(t, server, queryOf(t, addressed()), key)
		if j := source.Judge(answer.Code, answer.Header(), answer.Body.Bytes()); j.Verdict != want {
			t.Errorf("key %s: %d %s is %q, want %q", key, answer.Code, answer.Body, j.Verdict, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(readFile(f, "forward.json"))
	f.Add([]byte(`{"results":[{"place_id":"p","geometry":{"location":{"lat":1,"lng":2}},"address_components":[[]]}],"status":"OK"}`))
	f.Add([]byte(`{"results":[null],"status":"OK"}`))
	f.Add([]byte("{\"results\":[{\"place_id\":\"\xff\"}],\"status\":\"OK\"}"))
	q := queryOf(f, located())
	f.Fuzz(func(t *testing.T, body []byte) {
		source.Judge(200, nil, body)
		_, rows, err := ingesttest.Parse(source, q, body)
		for _, r := range rows {
			if r.Problem == nil && (r.Key == "" || !json.Valid(r.Raw)) {
				t.Errorf("row %+v of %q, %v", r, body, err)
			}
		}
	})
}
