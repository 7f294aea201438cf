package crunchbase_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/crunchbase"
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
		Name: "Denver Software", Vertical: leadlake.B2BSaaS, Keywords: keywords,
		Geo:     leadlake.GeoSpec{City: "Denver", Region: "CO", Country: "US"},
		Sources: []leadlake.SourceSpec{{Source: "crunchbase"}},
	}
}

// register answers searches by keyset. Its pages are shorter than what is asked
// for, as a licence may have it.
func register(total, page int) func(*testing.T, ingest.Request) []byte {
	return func(t *testing.T, r ingest.Request) []byte {
		if limit := gjson.GetBytes(r.Body, "limit").Int(); limit < 1 || limit > 1000 {
			t.Fatalf("limit %d", limit)
		}
		from := 0
		if after := gjson.GetBytes(r.Body, "after_id").String(); after != "" {
			if _, err := fmt.Sscanf(after, "company-%d", &from); err != nil {
				t.Fatalf("after_id %q", after)
			}
			from++
		}
		rows := []string{}
		for i := from; i < min(from+page, total); i++ {
			rows = append(rows, fmt.Sprintf(`{"uuid":"company-%d","properties":{"name":"Company %d"}}`, i, i))
		}
		return fmt.Appendf(nil, `{"count":%d,"entities":[%s]}`, total, strings.Join(rows, ","))
	}
}

func TestSource_passes_the_suite_for_discovery(t *testing.T) {
	t.Parallel()
	ingesttest.Run(t, ingesttest.Case{
		Source: crunchbase.Source{}, Campaign: denver("software"), Answer: register(25, 10), MinPages: 4,
		Empty: []byte(`{"count":0,"entities":[]}`),
	})
}

func TestSource_passes_the_suite_for_lookups(t *testing.T) {
	t.Parallel()
	ingesttest.Run(t, ingesttest.Case{
		Source: crunchbase.Source{}, Subjects: []ingest.Subject{{Domain: "marlstone.example"}}, MinPages: 1,
		Answer: func(t *testing.T, _ ingest.Request) []byte { return fixture(t, "search.json") },
		Empty:  []byte(`{"count":0,"entities":[]}`),
	})
}

func TestPlan_names_places_by_permalink(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		geo  leadlake.GeoSpec
		want string // "" for an error
	}{
		{leadlake.GeoSpec{City: "Denver", Region: "CO", Country: "US"}, "denver-colorado"},
		{leadlake.GeoSpec{City: "Denver", Region: "Colorado"}, "denver-colorado"},
		{leadlake.GeoSpec{City: "Denver", Country: "US"}, "denver-colorado"},
		{leadlake.GeoSpec{City: "St. Paul", Region: "mn"}, "st-paul-minnesota"},
		{leadlake.GeoSpec{Region: "CA", Country: "US"}, "california-united-states"},
		{leadlake.GeoSpec{Country: "US"}, "united-states"},
		{leadlake.GeoSpec{City: "Lyon", Region: "Rhone-Alpes", Country: "FR"}, "lyon-rhone-alpes"},
		{leadlake.GeoSpec{Country: "ZZ"}, ""},
		{leadlake.GeoSpec{City: "Atlantis"}, ""},
		{leadlake.GeoSpec{Lat: new(float64), Lon: new(float64)}, ""},
	} {
		campaign := denver("software")
		campaign.Geo = tt.geo
		queries, err := crunchbase.Source{}.Plan(campaign, campaign.Sources[0])
		got := ""
		if err == nil {
			got = queries[0].Params["location"]
		} else if leadlake.ErrorCode(err) != leadlake.Invalid {
			t.Errorf("%+v: %v", tt.geo, err)
		}
		if got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.geo, got, tt.want)
		}
	}
}

func TestRequest_asks_by_category_or_by_words(t *testing.T) {
	t.Parallel()
	for keywords, want := range map[string]string{
		"software":         `{"type":"predicate","field_id":"categories","operator_id":"includes","values":["saas","software"]}`,
		"kombucha taproom": `{"type":"predicate","field_id":"short_description","operator_id":"contains","values":["kombucha taproom"]}`,
	} {
		campaign := denver(keywords)
		queries, err := crunchbase.Source{}.Plan(campaign, campaign.Sources[0])
		if err != nil {
			t.Fatal(err)
		}
		r, err := crunchbase.Source{}.Request(queries[0], "")
		if err != nil {
			t.Fatal(err)
		}
		if got := gjson.GetBytes(r.Body, "query.2").Raw; got != want {
			t.Errorf("%s: %s, want %s", keywords, got, want)
		}
		if r.URL != "/v4/data/searches/organizations" || r.CostMicros != 0 {
			t.Errorf("%s costs %d", r.URL, r.CostMicros)
		}
	}
	campaign := denver("")
	campaign.Name, campaign.Vertical = "x", "none"
	if _, err := (crunchbase.Source{}).Plan(campaign, campaign.Sources[0]); leadlake.ErrorCode(err) != leadlake.Invalid {
		t.Errorf("a campaign about nothing: %v", err)
	}
	if _, err := (crunchbase.Source{}).Request(ingest.Query{}, ""); err == nil {
		t.Error("a query of another source gave a request")
	}
}

func TestParse_keeps_the_company_of_the_domain_alone(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{
		"marlstone.example":     "5f0d7c1e-2b3a-4c4d-8e5f-60718293a4b5",
		"WWW.Marlstone.example": "5f0d7c1e-2b3a-4c4d-8e5f-60718293a4b5",
		"pay.marlstone.example": "0a1b2c3d-4e5f-4a6b-9c7d-8e9f00112233",
		"stone.example":         "",
	} {
		q := crunchbase.Source{}.Lookup(ingest.Subject{Domain: domain})[0]
		next, rows, err := ingesttest.Parse(crunchbase.Source{}, q, fixture(t, "search.json"))
		got := ""
		for _, r := range rows {
			got += r.Key
		}
		if err != nil || next != "" || got != want {
			t.Errorf("%s: %q, next %q, %v; want %q", domain, got, next, err, want)
		}
	}
	if queries := (crunchbase.Source{}).Lookup(ingest.Subject{Name: "Marlstone", Phone: "+13035550144"}); queries != nil {
		t.Errorf("without a domain it asks %v", queries)
	}
}

func TestParse_gives_only_what_is_there(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string][]ingest.Field{
		"marlstone.example": {
			ingest.FieldFunding, ingest.FieldFounded, ingest.FieldEmployees, ingest.FieldSocial, ingest.FieldPhone, ingest.FieldEmail,
			ingest.FieldRevenue, ingest.FieldLegalName, ingest.FieldCategory,
		},
		"pay.marlstone.example": nil, // its founding date is a placeholder
	} {
		q := crunchbase.Source{}.Lookup(ingest.Subject{Domain: domain})[0]
		_, rows, err := ingesttest.Parse(crunchbase.Source{}, q, fixture(t, "search.json"))
		if err != nil || len(rows) != 1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if diff := cmp.Diff(want, rows[0].Gives); diff != "" {
			t.Errorf("%s:\n%s", domain, diff)
		}
	}
}

func TestParse_quarantines_what_is_no_company(t *testing.T) {
	t.Parallel()
	_, rows, err := ingesttest.Parse(crunchbase.Source{}, ingest.Query{}, []byte(
		`{"count":4,"entities":[{"uuid":"a"},{"properties":{}},{"uuid":"c","properties":{"founded_on":"2014"}},"d"]}`))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, r := range rows {
		got = append(got, r.Problem.Code)
	}
	if diff := cmp.Diff([]string{"missing_field", "missing_key", "retyped_field", "not_an_object"}, got); diff != "" {
		t.Errorf("problems:\n%s", diff)
	}
}

func TestJudge_knows_every_answer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		body   string
		want   ingest.Judgement
	}{
		{200, `{"count":0}`, ingest.Judgement{}},
		{400, `[{"message":"insufficient permissions to sort field name","code":"MD403","entity_def_id":"person"}]`, ingest.Judgement{Verdict: ingest.Refused, Message: "insufficient permissions to sort field name"}},
		{400, `[{"message":"wrong value","code":"MD101"}]`, ingest.Judgement{Verdict: ingest.Wrong, Message: "wrong value"}},
		{400, `{"value":"wrong value"}`, ingest.Judgement{Verdict: ingest.Wrong, Message: "wrong value"}},
		{401, `[{"status":401,"code":"LA401","message":"Unauthorized user_key"}]`, ingest.Judgement{Verdict: ingest.Denied, Message: "Unauthorized user_key"}},
		{403, ``, ingest.Judgement{Verdict: ingest.Refused}},
		{404, `{"error":"requested resource could not be found","code":"CS404"}`, ingest.Judgement{Verdict: ingest.Miss, Message: "requested resource could not be found"}},
		{404, `not here`, ingest.Judgement{Verdict: ingest.Wrong}},
		{426, `use https`, ingest.Judgement{Verdict: ingest.Wrong}},
		{429, `Too Many Requests`, ingest.Judgement{Verdict: ingest.Slow}},
		{500, `[]`, ingest.Judgement{Verdict: ingest.Broken}},
		{503, `<html>`, ingest.Judgement{Verdict: ingest.Broken}},
	} {
		if got := (crunchbase.Source{}).Judge(tt.status, http.Header{}, []byte(tt.body)); got != tt.want {
			t.Errorf("%d %s: %+v, want %+v", tt.status, tt.body, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(fixture(f, "search.json"))
	f.Add([]byte(`{"count":9,"entities":[{"uuid":null},{}]}`))
	f.Add([]byte("{\"entities\":[{\"uuid\":\"\xff\"}]}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, params := range []map[string]string{{"location": "denver-colorado"}, {"domain": "marlstone.example"}} {
			_, rows, _ := ingesttest.Parse(crunchbase.Source{}, ingest.Query{Params: params}, body)
			for _, r := range rows {
				if r.Problem == nil && (r.Key == "" || !json.Valid(r.Raw)) {
					t.Errorf("row %+v of %q", r, body)
				}
			}
		}
	})
}
