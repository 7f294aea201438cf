package apollo_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/apollo"
	"github.com/leadlake/leadlake/ingest/ingesttest"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func denver(keywords string) leadlake.CampaignSpec {
	return leadlake.CampaignSpec{
		Name: "Denver Dentists", Vertical: leadlake.Healthcare, Keywords: keywords,
		Geo:     leadlake.GeoSpec{City: "Denver", Region: "CO", Country: "US"},
		Sources: []leadlake.SourceSpec{{Source: "apollo"}},
	}
}

// twoPages answers a search of two pages; the second holds the rest.
func twoPages(t *testing.T, r ingest.Request) []byte {
	t.Helper()
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	if r.Method != http.MethodPost || len(r.Body) > 0 {
		t.Errorf("%s with the body %q: the filters belong into the address", r.Method, r.Body)
	}
	if u.Query().Get("page") == "1" {
		return fixture(t, "search.json")
	}
	return []byte(`{"pagination":{"page":2,"per_page":100,"total_entries":103,"total_pages":2},"accounts":[],` +
		`"organizations":[{"id":"5f3e0000000000000000000c","name":"Last One"}]}`)
}

func TestSource_passes_the_suite_for_discovery(t *testing.T) {
	t.Parallel()
	ingesttest.Run(t, ingesttest.Case{
		Source: apollo.Source{}, Campaign: denver("dentist"), Answer: twoPages, MinPages: 2,
		Empty: []byte(`{"pagination":{"page":1,"per_page":100,"total_entries":0,"total_pages":0},"accounts":[],"organizations":[]}`),
	})
}

func TestSource_passes_the_suite_for_lookups(t *testing.T) {
	t.Parallel()
	ingesttest.Run(t, ingesttest.Case{
		Source: apollo.Source{}, Subjects: []ingest.Subject{{Domain: "fernhollow.example"}}, MinPages: 1,
		Answer: func(t *testing.T, _ ingest.Request) []byte { return fixture(t, "enrich.json") },
		Empty:  []byte(`{"organization":null}`),
	})
}

func TestRequest_puts_the_filters_of_a_search_into_the_address(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		geo            leadlake.GeoSpec
		keywords       string
		location, tags string // no location for an error
	}{
		{leadlake.GeoSpec{City: "Denver", Region: "CO", Country: "US"}, "dentists", "Denver, Colorado, United States", "dental,dentist,dentistry,orthodontist"},
		{leadlake.GeoSpec{City: "Denver"}, "Kombucha  taproom", "Denver, Colorado", "kombucha taproom"},
		{leadlake.GeoSpec{Country: "DE"}, "", "Germany", "dental,dentist,dentistry,orthodontist"},
		{leadlake.GeoSpec{}, "dentists", "", ""},
	} {
		campaign := denver(tt.keywords)
		campaign.Geo = tt.geo
		queries, err := apollo.Source{}.Plan(campaign, campaign.Sources[0])
		if tt.location == "" {
			if leadlake.ErrorCode(err) != leadlake.Invalid {
				t.Errorf("%+v: %v", tt.geo, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := apollo.Source{}.Request(queries[0], "3")
		if err != nil {
			t.Fatal(err)
		}
		path, query, _ := strings.Cut(r.URL, "?")
		got, err := url.ParseQuery(query)
		if err != nil || path != "/api/v1/mixed_companies/search" {
			t.Fatalf("%s: %v", r.URL, err)
		}
		want := url.Values{
			"organization_locations[]": {tt.location}, "q_organization_keyword_tags[]": strings.Split(tt.tags, ","),
			"page": {"3"}, "per_page": {"100"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v:\n%s", tt.geo, diff)
		}
		if r.CostMicros != 25_000 {
			t.Errorf("a page costs %d micros", r.CostMicros)
		}
	}
	campaign := denver("")
	campaign.Name, campaign.Vertical = "x", "none"
	if _, err := (apollo.Source{}).Plan(campaign, campaign.Sources[0]); leadlake.ErrorCode(err) != leadlake.Invalid {
		t.Errorf("a campaign about nothing: %v", err)
	}
}

func TestRequest_stops_at_the_last_page_that_is_shown(t *testing.T) {
	t.Parallel()
	q := ingest.Query{Params: map[string]string{"location": "Denver", "tags": "dental"}}
	for cursor, ok := range map[string]bool{"": true, "500": true, "501": false, "0": false, "next": false} {
		if _, err := (apollo.Source{}).Request(q, cursor); (err == nil) != ok {
			t.Errorf("page %q: %v", cursor, err)
		}
	}
	next, _, err := ingesttest.Parse(apollo.Source{}, q, []byte(`{"pagination":{"page":500,"total_entries":90000,"total_pages":900},"organizations":[],"accounts":[]}`))
	if err != nil || next != "" {
		t.Errorf("page 500 leads to %q, %v", next, err)
	}
}

func TestParse_takes_saved_companies_too_by_their_own_ids(t *testing.T) {
	t.Parallel()
	q := ingest.Query{Params: map[string]string{"location": "Denver", "tags": "dental"}}
	next, rows, err := ingesttest.Parse(apollo.Source{}, q, fixture(t, "search.json"))
	if err != nil || next != "2" {
		t.Fatalf("next %q, %v", next, err)
	}
	var keys []string
	for _, r := range rows {
		if r.Problem != nil || r.Gives != nil {
			t.Errorf("row %+v", r)
		}
		keys = append(keys, r.Key)
	}
	if diff := cmp.Diff([]string{"5f3e0000000000000000000a", "5f3e0000000000000000000b"}, keys); diff != "" {
		t.Errorf("keys:\n%s", diff)
	}
}

func TestParse_gives_only_what_is_there(t *testing.T) {
	t.Parallel()
	q := apollo.Source{}.Lookup(ingest.Subject{Domain: "www.Fernhollow.example"})[0]
	for body, want := range map[string][]ingest.Field{
		string(fixture(t, "enrich.json")): {
			ingest.FieldEmployees, ingest.FieldRevenue, ingest.FieldFounded, ingest.FieldPhone, ingest.FieldSocial, ingest.FieldTech,
			ingest.FieldCategory, ingest.FieldAddress, ingest.FieldWebsite,
		},
		`{"organization":{"id":"a","name":"A","primary_phone":{},"phone":null,"technology_names":[],"annual_revenue":0}}`: nil,
	} {
		_, rows, err := ingesttest.Parse(apollo.Source{}, q, []byte(body))
		if err != nil || len(rows) != 1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if diff := cmp.Diff(want, rows[0].Gives); diff != "" {
			t.Errorf("%s:\n%s", body, diff)
		}
	}
	if queries := (apollo.Source{}).Lookup(ingest.Subject{Name: "Fernhollow"}); queries != nil {
		t.Errorf("without a domain it asks %v", queries)
	}
}

func TestParse_gives_the_credit_back_where_nobody_is_known(t *testing.T) {
	t.Parallel()
	q := apollo.Source{}.Lookup(ingest.Subject{Domain: "fernhollow.example"})[0]
	for _, body := range []string{`{"organization":null}`, `{}`} {
		page, err := apollo.Source{}.Parse(q, ingest.Response{Body: strings.NewReader(body)}, nil)
		if diff := cmp.Diff(ingest.Page{Refund: 25_000}, page); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", body, err, diff)
		}
	}
}

func TestJudge_knows_every_answer(t *testing.T) {
	t.Parallel()
	const tooMany = "The maximum number of api calls allowed for api/v1/organizations/enrich is %s. Please upgrade your plan."
	hourly, daily := fmt.Sprintf(tooMany, "600 times per hour"), fmt.Sprintf(tooMany, "2000 times per day")
	quoted, err := json.Marshal(`{"message":"` + hourly + `"}`)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		status int
		body   string
		retry  string
		left   string
		want   ingest.Judgement
	}{
		{200, `{"organization":null}`, "", "", ingest.Judgement{}},
		{400, `{"status":"failed","error_code":"RECORD_LIMIT_EXCEEDED","error_message":"cannot enrich more than 10 in a single request"}`, "", "", ingest.Judgement{Verdict: ingest.Wrong, Message: "cannot enrich more than 10 in a single request"}},
		{401, "Invalid API key. See the page.", "", "", ingest.Judgement{Verdict: ingest.Denied, Message: "Invalid API key. See the page."}},
		{402, `{"message":"Pay."}`, "", "", ingest.Judgement{Verdict: ingest.Spent, Message: "Pay."}},
		{403, `{"error":"This API key is not authorized.","error_code":"API_INACCESSIBLE"}`, "", "", ingest.Judgement{Verdict: ingest.Refused, Message: "This API key is not authorized."}},
		{403, `{"message":"This endpoint is only available to Apollo users on paid plans."}`, "", "", ingest.Judgement{Verdict: ingest.Refused, Message: "This endpoint is only available to Apollo users on paid plans."}},
		{404, `{"error":"no route"}`, "", "", ingest.Judgement{Verdict: ingest.Wrong, Message: "no route"}},
		{422, `{"error":"Invalid parameters"}`, "", "", ingest.Judgement{Verdict: ingest.Wrong, Message: "Invalid parameters"}},
		{422, `{"error":"Required parameter 'domain' missing"}`, "", "", ingest.Judgement{Verdict: ingest.Wrong, Message: "Required parameter 'domain' missing"}},
		{422, `{"error":"Organization does not exist."}`, "", "", ingest.Judgement{Verdict: ingest.Miss, Message: "Organization does not exist."}},
		{422, `{"error":"You have insufficient credits."}`, "", "", ingest.Judgement{Verdict: ingest.Spent, Message: "You have insufficient credits."}},
		{422, `{"status":"failed","error_code":"UNKNOWN_ERROR","error_message":"no implicit conversion"}`, "", "", ingest.Judgement{Verdict: ingest.Wrong, Message: "no implicit conversion"}},
		{429, `{"message":"` + hourly + `"}`, "90", "7", ingest.Judgement{Verdict: ingest.Slow, Wait: 90 * time.Second, Message: hourly}},
		{429, `{"message":` + string(quoted) + `}`, "", "", ingest.Judgement{Verdict: ingest.Slow, Message: hourly}},
		{429, `{"message":"` + daily + `"}`, "7200", "", ingest.Judgement{Verdict: ingest.Spent, Until: now.Add(2 * time.Hour), Message: daily}},
		{429, `{"message":"later"}`, "7200", "0", ingest.Judgement{Verdict: ingest.Spent, Until: now.Add(2 * time.Hour), Message: "later"}},
		{500, "<html>", "", "", ingest.Judgement{Verdict: ingest.Broken, Message: "<html>"}},
		{503, "", "", "", ingest.Judgement{Verdict: ingest.Broken}},
	} {
		header := http.Header{}
		header.Set("Date", now.Format(http.TimeFormat))
		header.Set("Retry-After", tt.retry)
		header.Set("X-24-Hour-Requests-Left", tt.left)
		if got := (apollo.Source{}).Judge(tt.status, header, []byte(tt.body)); got != tt.want {
			t.Errorf("%d %s: %+v, want %+v", tt.status, tt.body, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(fixture(f, "search.json"))
	f.Add(fixture(f, "enrich.json"))
	f.Add([]byte(`{"pagination":{"page":"1","total_pages":1e99},"accounts":[{"organization_id":7}]}`))
	f.Add([]byte("{\"organizations\":[{\"id\":\"\xff\"}]}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, params := range []map[string]string{{"location": "Denver"}, {"domain": "fernhollow.example"}} {
			_, rows, _ := ingesttest.Parse(apollo.Source{}, ingest.Query{Params: params}, body)
			for _, r := range rows {
				if r.Problem == nil && (r.Key == "" || !json.Valid(r.Raw)) {
					t.Errorf("row %+v of %q", r, body)
				}
			}
		}
	})
}
