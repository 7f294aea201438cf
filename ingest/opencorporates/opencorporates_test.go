package opencorporates_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/ingesttest"
	"github.com/leadlake/leadlake/ingest/opencorporates"
)

var source opencorporates.Source

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func denver(keywords string) leadlake.CampaignSpec {
	return leadlake.CampaignSpec{
		Name:     "Denver Plumbers Q4",
		Vertical: leadlake.LocalServices,
		Keywords: keywords,
		Geo:      leadlake.GeoSpec{City: "Denver", Region: "CO", Country: "US", RadiusKM: 30},
		Sources:  []leadlake.SourceSpec{{Source: "opencorporates"}},
	}
}

func subject(name string) ingest.Subject {
	return ingest.Subject{Name: name, Postal: "80202-1234", Region: "CO", Country: "US"}
}

// lookup is the question about a lead, as the engine hands it to Parse.
func lookup(t testing.TB, s ingest.Subject) ingest.Query {
	t.Helper()
	queries := source.Lookup(s)
	if len(queries) != 1 {
		t.Fatalf("%d queries for %+v", len(queries), s)
	}
	queries[0].Subjects = []ingest.Subject{s}
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

// parameters are those of a request.
func parameters(t testing.TB, q ingest.Query, cursor string) string {
	t.Helper()
	r, err := source.Request(q, cursor)
	if err != nil {
		t.Fatal(err)
	}
	path, query, _ := strings.Cut(r.URL, "?")
	text, err := url.QueryUnescape(query)
	if err != nil || path != "/v0.4/companies/search" || r.Endpoint != "companies/search" || r.CostMicros != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	return text
}

func TestSource_passes_the_suite_as_a_discoverer(t *testing.T) {
	t.Parallel()
	ingesttest.Run(t, ingesttest.Case{
		Source:   source,
		Campaign: denver("plumber electrician"),
		Answer: func(t *testing.T, r ingest.Request) []byte {
			if strings.Contains(r.URL, "page=2&") {
				return readFile(t, "search-2.json")
			}
			return readFile(t, "search-1.json")
		},
		Empty:    []byte(`{"results":{"companies":[],"page":1,"total_pages":0,"total_count":0}}`),
		MinPages: 4,
	})
}

func TestSource_passes_the_suite_as_an_enricher(t *testing.T) {
	t.Parallel()
	ingesttest.Run(t, ingesttest.Case{
		Source:   source,
		Subjects: []ingest.Subject{subject("Barlow & Sons Plumbing"), subject("Plumbline of Ohio")},
		Answer:   func(t *testing.T, _ ingest.Request) []byte { return readFile(t, "search-1.json") },
		Empty:    []byte(`{"results":{"companies":[]}}`),
		MinPages: 2,
	})
}

func TestPlan_searches_few_times_in_the_register_of_the_place(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*leadlake.CampaignSpec)
		want   []string
	}{
		"one stem of plumber and plumbing": {func(*leadlake.CampaignSpec) {},
			[]string{"jurisdiction_code=us_co&order=score&page=1&per_page=100&q=plumb*"}},
		"words of the name": {func(c *leadlake.CampaignSpec) { c.Keywords = "" },
			[]string{"jurisdiction_code=us_co&order=score&page=1&per_page=100&q=plumb*"}},
		"two lines of business": {func(c *leadlake.CampaignSpec) { c.Keywords = "roofers, locksmiths" }, []string{
			"jurisdiction_code=us_co&order=score&page=1&per_page=100&q=lock*",
			"jurisdiction_code=us_co&order=score&page=1&per_page=100&q=roof*",
		}},
		"words that nobody knows": {func(c *leadlake.CampaignSpec) { c.Keywords = "Falconry falconries 24h falconr" }, []string{
			"jurisdiction_code=us_co&order=score&page=1&per_page=100&q=falconr*",
			"jurisdiction_code=us_co&order=score&page=1&per_page=100&q=24h*",
		}},
		"a state by its name, found by the city": {func(c *leadlake.CampaignSpec) { c.Geo.Region = "Colorado" },
			[]string{"jurisdiction_code=us_co&order=score&page=1&per_page=100&q=plumb*"}},
		"another country": {func(c *leadlake.CampaignSpec) { c.Geo = leadlake.GeoSpec{Country: "GB", City: "Leeds"} },
			[]string{"jurisdiction_code=gb&order=score&page=1&per_page=100&q=plumb*"}},
		"the whole United States": {func(c *leadlake.CampaignSpec) { c.Geo = leadlake.GeoSpec{Country: "US"} },
			[]string{"country_code=us&order=score&page=1&per_page=100&q=plumb*"}},
	} {
		campaign := denver("plumbers")
		tt.change(&campaign)
		queries, err := source.Plan(campaign, campaign.Sources[0])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for _, q := range queries {
			got = append(got, parameters(t, q, ""))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestPlan_says_what_the_campaign_lacks(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*leadlake.CampaignSpec){
		"register":            func(c *leadlake.CampaignSpec) { c.Geo = leadlake.GeoSpec{} },
		"Atlantis":            func(c *leadlake.CampaignSpec) { c.Geo = leadlake.GeoSpec{City: "Atlantis"} },
		`geo.region "Utopia"`: func(c *leadlake.CampaignSpec) { c.Geo = leadlake.GeoSpec{Region: "Utopia"} },
		"keyword":             func(c *leadlake.CampaignSpec) { c.Name, c.Keywords = "Q4", "" },
	} {
		campaign := denver("plumber")
		change(&campaign)
		_, err := source.Plan(campaign, campaign.Sources[0])
		if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("Plan: %v, want an error that names %s", err, want)
		}
	}
}

func TestLookup_needs_a_name_and_a_register(t *testing.T) {
	t.Parallel()
	const barlow = "jurisdiction_code=%s&normalise_company_name=true&order=score&per_page=3&q=Barlow & Sons"
	for _, tt := range []struct {
		subject ingest.Subject
		want    string
	}{
		{subject(" Barlow  & Sons "), "us_co"},
		{ingest.Subject{Name: "Barlow & Sons", Jurisdiction: "US-DE", Region: "CO", Country: "US"}, "us_de"},
		{ingest.Subject{Name: "Barlow & Sons", Jurisdiction: "us_de"}, "us_de"},
		{ingest.Subject{Name: "Barlow & Sons", Region: "LDS", Country: "GB"}, "gb"},
		{ingest.Subject{Name: "Barlow & Sons", Region: "Colorado", Country: "US"}, ""},
		{ingest.Subject{Name: "Barlow & Sons", Region: "CO"}, ""},
		{subject(" LLC "), ""},
		{subject(""), ""},
	} {
		queries := source.Lookup(tt.subject)
		switch {
		case tt.want == "" && len(queries) > 0:
			t.Errorf("%+v: %+v", tt.subject, queries)
		case tt.want != "":
			if got, want := parameters(t, lookup(t, tt.subject), ""), fmt.Sprintf(barlow, tt.want); got != want {
				t.Errorf("%+v:\ngot  %s\nwant %s", tt.subject, got, want)
			}
		}
	}
}

func TestLookup_asks_once_for_the_branches_of_a_chain(t *testing.T) {
	t.Parallel()
	denver, aurora, other := subject("Ace Plumbing"), subject("Ace Plumbing"), subject("Best Plumbing")
	aurora.Postal, aurora.City = "80010", "Aurora"
	if a, b := lookup(t, denver), lookup(t, aurora); a.ID != b.ID {
		t.Errorf("%s and %s have ids of their own", parameters(t, a, ""), parameters(t, b, ""))
	}
	if a, b := lookup(t, denver), lookup(t, other); a.ID == b.ID {
		t.Error("two names have one id")
	}
}

func TestRequest_refuses_a_cursor_that_is_no_page(t *testing.T) {
	t.Parallel()
	campaign := denver("plumber")
	queries, err := source.Plan(campaign, campaign.Sources[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := parameters(t, queries[0], "7"); !strings.Contains(got, "page=7&") {
		t.Errorf("page 7 is %s", got)
	}
	if _, err := source.Request(queries[0], "x"); err == nil {
		t.Error("cursor x gave a request")
	}
}

func TestParse_unwraps_each_company(t *testing.T) {
	t.Parallel()
	const body = `{"results": {"companies": [
		{"company": {"name": "ACE \u0026 CO", "company_number": "007", "jurisdiction_code": "us_co", "someday": [1, 2.50]}},
		{"company": {"name": "NUMBERLESS", "jurisdiction_code": "us_co"}},
		{"company": {"name": "NOWHERE", "company_number": "8"}},
		{"company": {"company_number": "9", "jurisdiction_code": "us_co"}},
		{"company": {"name": "A", "company_number": "9", "jurisdiction_code": "us_co", "inactive": "no"}},
		{"company": null},
		{"company": {"name": "BARE NUMBER", "company_number": 12, "jurisdiction_code": "gb"}},
		{"name": "UNWRAPPED", "company_number": "13", "jurisdiction_code": "gb"}
	], "page": 3, "total_pages": 9, "total_count": 812}}`
	page, rows, err := parse(ingest.Query{Provider: "register"}, body)
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ Key, Problem string }
	var got []row
	for _, r := range rows {
		g := row{Key: r.Key}
		if r.Problem != nil {
			g.Problem = r.Problem.Code
		}
		got = append(got, g)
	}
	want := []row{
		{"us_co/007", ""}, {"", "missing_key"}, {"", "missing_field"}, {"", "missing_field"}, {"", "retyped_field"}, {"", "not_an_object"},
		{"gb/12", ""}, {"gb/13", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows:\n%s", diff)
	}
	if got, want := string(rows[0].Raw), `{"name":"ACE \u0026 CO","company_number":"007","jurisdiction_code":"us_co","someday":[1,2.50]}`; got != want {
		t.Errorf("raw %s, want %s", got, want)
	}
	if diff := cmp.Diff(ingest.Page{Next: "4", Total: 812, Unknown: []string{"someday"}}, page); diff != "" {
		t.Errorf("page:\n%s", diff)
	}
}

func TestParse_ends_where_the_provider_does(t *testing.T) {
	t.Parallel()
	for results, want := range map[string]string{
		`"page":1,"total_pages":2`:     "2",
		`"page":2,"total_pages":2`:     "",
		`"page":99,"total_pages":400`:  "100",
		`"page":100,"total_pages":400`: "",
		`"page":-5,"total_pages":3`:    "2",
		`"total_pages":3`:              "2",
		`"page":1`:                     "",
	} {
		company := `{"company":{"name":"A","company_number":"1","jurisdiction_code":"gb"}}`
		page, _, err := parse(ingest.Query{}, `{"results":{"companies":[`+company+`],`+results+`}}`)
		if err != nil || page.Next != want {
			t.Errorf("%s: next %q, %v, want %q", results, page.Next, err, want)
		}
		if page, _, _ = parse(ingest.Query{}, `{"results":{"companies":[],`+results+`}}`); page.Next != "" {
			t.Errorf("%s: an empty page leads to %q", results, page.Next)
		}
	}
}

func TestParse_refuses_what_is_no_answer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"results":[]}`, `{"results":{"companies":{}}}`, `{"error":{"message":"x"}}`, `<html>`, ``} {
		if _, rows, err := parse(ingest.Query{}, body); leadlake.ErrorCode(err) != leadlake.Unavailable || len(rows) != 0 {
			t.Errorf("%q: %d rows, %v", body, len(rows), err)
		}
	}
}

func TestParse_chooses_the_company_that_was_asked_for(t *testing.T) {
	t.Parallel()
	company := func(number, name, more string) string {
		return fmt.Sprintf(`{"company":{"name":%q,"company_number":%q,"jurisdiction_code":"us_co"%s}}`, name, number, more)
	}
	const (
		closed = `,"inactive":true`
		branch = `,"branch":"F"`
		began  = `,"incorporation_date":"1999-05-01"`
		here   = `,"registered_address":{"postal_code":"80202-0001"}`
		around = `,"registered_address":null,"registered_address_in_full":"1 LARIMER ST, DENVER, CO 80202"`
		away   = `,"registered_address":{"postal_code":"80010"}`
	)
	both := []ingest.Field{ingest.FieldRegistration, ingest.FieldLegalName}
	for name, tt := range map[string]struct {
		asked     string
		companies []string
		want      string // number; "" for no record
		gives     []ingest.Field
	}{
		"the legal form and marks do not count": {"Ace Plumbing", []string{company("1", "ACE PLUMBING, L.L.C.", began)}, "1", append(both, ingest.FieldFounded)},
		"and is &":                              {"Barlow & Sons", []string{company("1", "BARLOW AND SONS INC.", "")}, "1", both},
		"an exact name before one that holds it": {"Ace Plumbing", []string{
			company("1", "ACE PLUMBING OF AURORA LLC", here), company("2", "ACE PLUMBING LLC", "")}, "2", both},
		"a trade name":                                 {"Ace Plumbing", []string{company("1", "LOPEZ ENTERPRISES LLC DBA ACE PLUMBING", "")}, "1", both},
		"a trade name in the old spelling":             {"Ace Plumbing", []string{company("1", "LOPEZ LLC d/b/a ACE PLUMBING", "")}, "1", both},
		"a name that holds it, elsewhere":              {"Bishop Plumbing", []string{company("1", "TALBOT & BISHOP PLUMBING CO", away), company("2", "BISHOP FARROW PLUMBING CO", "")}, "", nil},
		"a name that holds it, here":                   {"Ace Plumbing", []string{company("1", "ACE PLUMBING OF DENVER LLC", here)}, "1", both},
		"an address in one line":                       {"Ace Plumbing", []string{company("1", "ACE PLUMBING OF DENVER LLC", around)}, "1", both},
		"one that is here before one that is not":      {"Ace Plumbing", []string{company("1", "ACE PLUMBING LLC", away), company("2", "ACE PLUMBING LLC", here+closed)}, "2", both},
		"a name within it":                             {"Ace Plumbing of Aurora", []string{company("1", "ACE PLUMBING LLC", here)}, "1", both},
		"one word in common is no match":               {"Ace", []string{company("1", "ACE HARDWARE LLC", "")}, "", nil},
		"one word and nothing else is":                 {"Ace", []string{company("1", "ACE LLC", "")}, "1", both},
		"other names are no match":                     {"Ace Plumbing", []string{company("1", "ACE ROOFING LLC", ""), company("2", "BEST PLUMBING LLC", "")}, "", nil},
		"one that exists before one gone":              {"Ace Plumbing", []string{company("1", "ACE PLUMBING LLC", closed), company("2", "ACE PLUMBING LLC", "")}, "2", both},
		"one at home before a branch":                  {"Ace Plumbing", []string{company("1", "ACE PLUMBING LLC", branch+began), company("2", "ACE PLUMBING LLC", "")}, "2", both},
		"a branch does not say when the company began": {"Ace Plumbing", []string{company("1", "ACE PLUMBING LLC", branch+began)}, "1", both},
		"the first of equals":                          {"Ace Plumbing", []string{company("1", "ACE PLUMBING LLC", ""), company("2", "ACE PLUMBING INC", "")}, "1", both},
		"a name of before":                             {"Ace Plumbing", []string{company("1", "ZENITH LLC", `,"previous_names":[{"company_name":"ACE PLUMBING LLC"}]`)}, "1", both},
		"a name it trades under":                       {"Ace Plumbing", []string{company("1", "ZENITH LLC", `,"alternative_names":[{"company_name":"Ace Plumbing"}]`)}, "1", both},
		"nothing":                                      {"Ace Plumbing", nil, "", nil},
		"rubbish":                                      {"Ace Plumbing", []string{"null", "[]", `"x"`, `{"company":7}`}, "", nil},
	} {
		body := `{"results":{"companies":[` + strings.Join(tt.companies, ",") + `],"page":1,"total_pages":9}}`
		page, rows, err := parse(lookup(t, subject(tt.asked)), body)
		if err != nil || page.Next != "" {
			t.Fatalf("%s: %+v, %v", name, page, err)
		}
		got, gives := "", []ingest.Field(nil)
		if len(rows) == 1 {
			_, got, _ = strings.Cut(rows[0].Key, "/")
			gives = rows[0].Gives
		}
		if len(rows) > 1 || got != tt.want {
			t.Errorf("%s: %d rows, company %q, want %q", name, len(rows), got, tt.want)
		}
		if diff := cmp.Diff(tt.gives, gives); diff != "" {
			t.Errorf("%s: gives:\n%s", name, diff)
		}
	}
}

func TestParse_believes_no_half_name_without_an_address(t *testing.T) {
	t.Parallel()
	q := lookup(t, ingest.Subject{Name: "Ace Plumbing", Region: "CO", Country: "US"})
	for name, want := range map[string]int{"ACE PLUMBING OF DENVER LLC": 0, "ACE PLUMBING LLC": 1} {
		_, rows, err := parse(q, fmt.Sprintf(`{"results":{"companies":[{"company":{"name":%q,"company_number":"1","jurisdiction_code":"us_co",
			"registered_address":{"postal_code":"80202"}}}]}}`, name))
		if err != nil || len(rows) != want {
			t.Errorf("%s: %d rows, %v, want %d", name, len(rows), err, want)
		}
	}
}

func TestParse_believes_an_address_of_any_branch(t *testing.T) {
	t.Parallel()
	denver, aurora := subject("Ace Plumbing"), subject("Ace Plumbing")
	aurora.Postal = "80010"
	q := lookup(t, denver)
	for _, branches := range [][]ingest.Subject{{denver, aurora}, {aurora, denver}} {
		q.Subjects = branches
		_, rows, err := parse(q, `{"results":{"companies":[
			{"company":{"name":"ACE PLUMBING OF PUEBLO LLC","company_number":"1","jurisdiction_code":"us_co","registered_address":{"postal_code":"81001"}}},
			{"company":{"name":"ACE PLUMBING OF AURORA LLC","company_number":"2","jurisdiction_code":"us_co","registered_address":{"postal_code":"80010"}}}]}}`)
		if err != nil || len(rows) != 1 || rows[0].Key != "us_co/2" {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	}
}

func TestJudge_tells_the_limits_apart_by_their_words(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		text   string // of the message
		want   ingest.Verdict
	}{
		{200, "", ""},
		{400, "Invalid per_page", ingest.Wrong},
		{401, "Invalid Api Token.", ingest.Denied},
		{403, "", ingest.Refused},
		{403, "Your account may not use this method.", ingest.Refused},
		{403, "Too many requests: slow down.", ingest.Slow},
		{403, "Limit of 5 calls per second exceeded", ingest.Slow},
		{403, "You have hit the rate limit", ingest.Slow},
		{403, "You have made 50 calls today", ingest.Spent},
		{403, "Monthly rate limit reached", ingest.Spent},
		{403, "Usage limit exceeded", ingest.Spent},
		{404, "Company not found", ingest.Miss},
		{406, "Bad format", ingest.Wrong},
		{422, "", ingest.Wrong},
		{429, "", ingest.Slow},
		{429, "Daily quota reached", ingest.Spent},
		{500, "", ingest.Broken},
		{502, "", ingest.Broken},
		{503, "Please try again later.", ingest.Broken},
		{503, "The details are temporarily REDACTED", ingest.Miss},
		{504, "", ""},
	} {
		body := fmt.Sprintf(`{"error":{"message":%q}}`, tt.text)
		got := source.Judge(tt.status, nil, []byte(body))
		want := ingest.Judgement{Verdict: tt.want, Message: tt.text}
		if tt.want == "" {
			want.Message = ""
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d %s:\n%s", tt.status, tt.text, diff)
		}
	}
	for body, want := range map[string]string{
		`{"error":"gone"}`: "gone", `{"message":"gone"}`: "gone", `{"error":{"message":7}}`: "", "<html>": "", "[]": "", "": "",
	} {
		if got := source.Judge(403, nil, []byte(body)); got.Message != want || got.Verdict != ingest.Refused {
			t.Errorf("%s: %+v, want the message %q", body, got, want)
		}
	}
	if j := source.Judge(403, nil, []byte(`{"error":"`+strings.Repeat("é", 999)+`"}`)); len(j.Message) > 400 {
		t.Errorf("message of %d bytes", len(j.Message))
	}
}

func FuzzParse(f *testing.F) {
	f.Add(readFile(f, "search-1.json"))
	f.Add([]byte(`{"results":{"companies":[{"company":{"name":"A B","previous_names":[7],"company_number":1}}],"page":"x"}}`))
	f.Add([]byte(`{"results":{"companies":[null,[],{"company":[]}],"page":1e99,"total_pages":1e300}}`))
	f.Add([]byte("{\"results\":{\"companies\":[{\"company\":{\"name\":\"\xff\"}}]}}"))
	search, asked := ingest.Query{}, lookup(f, subject("Barlow & Sons Plumbing"))
	f.Fuzz(func(t *testing.T, body []byte) {
		source.Judge(403, nil, body)
		for _, q := range []ingest.Query{search, asked} {
			_, rows, err := ingesttest.Parse(source, q, body)
			for _, r := range rows {
				if r.Problem == nil && (!strings.Contains(r.Key, "/") || !json.Valid(r.Raw)) {
					t.Errorf("row %+v of %q, %v", r, body, err)
				}
			}
		}
	})
}
