package pdl_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/ingesttest"
	"github.com/leadlake/leadlake/ingest/pdl"
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
		Name: "Denver Movers", Vertical: leadlake.LocalServices, Keywords: keywords,
		Geo:     leadlake.GeoSpec{City: "Denver", Region: "CO", Country: "US"},
		Sources: []leadlake.SourceSpec{{Source: "pdl"}},
	}
}

// scroll answers a search of two pages; the last one has no token.
func scroll(t *testing.T, r ingest.Request) []byte {
	t.Helper()
	switch token := gjson.GetBytes(r.Body, "scroll_token").String(); token {
	case "":
		return fixture(t, "search.json")
	case "2$a1b2c3":
		return []byte(`{"status":200,"data":[{"id":"lAsTlOt3","name":"last lot"}],"total":3}`)
	default:
		t.Fatalf("scroll_token %q", token)
		return nil
	}
}

func TestSource_passes_the_suite_for_discovery(t *testing.T) {
	t.Parallel()
	ingesttest.Run(t, ingesttest.Case{
		Source: pdl.Source{}, Campaign: denver("movers"), Answer: scroll, MinPages: 2,
		Empty: []byte(`{"status":200,"data":[],"total":0}`),
	})
}

func TestSource_passes_the_suite_for_lookups(t *testing.T) {
	t.Parallel()
	ingesttest.Run(t, ingesttest.Case{
		Source: pdl.Source{}, MinPages: 2,
		Subjects: []ingest.Subject{{Domain: "tranquilmeadow.example"}, {Name: "Tranquil Meadow", City: "Denver"}},
		Answer:   func(t *testing.T, _ ingest.Request) []byte { return fixture(t, "enrich.json") },
		Empty:    []byte(`{"status":200}`),
	})
}

func TestRequest_asks_for_companies_of_a_place_by_code(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		geo      leadlake.GeoSpec
		keywords string
		want     string
	}{
		{
			leadlake.GeoSpec{City: "Denver", Region: "CO", Country: "US"}, "movers",
			`{"bool":{"must":[{"term":{"location.locality":"denver"}},{"term":{"location.region":"colorado"}},` +
				`{"term":{"location.country":"united states"}},{"bool":{"should":[{"terms":{"naics.naics_code":["484210"]}},` +
				`{"terms":{"sic.sic_code":["4214"]}}]}}]}}`,
		},
		{
			leadlake.GeoSpec{Country: "DE"}, `Kombucha "taproom"`,
			`{"bool":{"must":[{"term":{"location.country":"germany"}},{"bool":{"should":[{"term":{"tags":"kombucha \"taproom\""}},` +
				`{"term":{"industry":"kombucha \"taproom\""}}]}}]}}`,
		},
	} {
		campaign := denver(tt.keywords)
		campaign.Geo = tt.geo
		queries, err := pdl.Source{}.Plan(campaign, campaign.Sources[0])
		if err != nil {
			t.Fatal(err)
		}
		r, err := pdl.Source{}.Request(queries[0], "")
		if err != nil {
			t.Fatal(err)
		}
		if got := gjson.GetBytes(r.Body, "query").Raw; got != tt.want {
			t.Errorf("%s\nwant %s", got, tt.want)
		}
		if gjson.GetBytes(r.Body, "size").Int() != 100 || r.CostMicros != 28_000_000 {
			t.Errorf("%s costs %d micros", r.Body, r.CostMicros)
		}
	}
	for name, change := range map[string]func(*leadlake.CampaignSpec){
		"geo":      func(c *leadlake.CampaignSpec) { c.Geo = leadlake.GeoSpec{} },
		"keywords": func(c *leadlake.CampaignSpec) { c.Name, c.Vertical = "x", "none" },
	} {
		campaign := denver("")
		change(&campaign)
		if _, err := (pdl.Source{}).Plan(campaign, campaign.Sources[0]); leadlake.ErrorCode(err) != leadlake.Invalid {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestLookup_asks_by_website_then_by_name_and_place(t *testing.T) {
	t.Parallel()
	for want, subject := range map[string]ingest.Subject{
		"/v5/company/enrich?website=tranquilmeadow.example": {Domain: "WWW.tranquilmeadow.example", Name: "Tranquil Meadow", City: "Denver"},
		"/v5/company/enrich?country=United+States&locality=Denver&name=Tranquil+%26+Sons&region=CO": {
			Name: "Tranquil & Sons", City: "Denver", Region: "CO", Country: "US",
		},
		"": {Name: "Tranquil Meadow", Country: "US"},
	} {
		got := ""
		for _, q := range (pdl.Source{}).Lookup(subject) {
			r, err := pdl.Source{}.Request(q, "")
			if err != nil || r.CostMicros != 280_000 {
				t.Fatalf("%+v, %v", r, err)
			}
			got += r.URL
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestParse_gives_back_what_is_not_billed(t *testing.T) {
	t.Parallel()
	search := ingest.Query{Params: map[string]string{"country": "germany"}}
	lookup := pdl.Source{}.Lookup(ingest.Subject{Domain: "tranquilmeadow.example"})[0]
	for _, tt := range []struct {
		q    ingest.Query
		body string
		want ingest.Page
	}{
		{search, string(fixture(t, "search.json")), ingest.Page{Next: "2$a1b2c3", Total: 3, Refund: 98 * 280_000}},
		{search, `{"status":200,"data":[],"scroll_token":"again","total":3}`, ingest.Page{Total: 3, Refund: 100 * 280_000}},
		{search, `{"status":200,"data":[{"id":"a","name":"a"}],"scroll_token":null,"total":1}`, ingest.Page{Total: 1, Refund: 99 * 280_000}},
		{lookup, string(fixture(t, "enrich.json")), ingest.Page{}},
		{lookup, `{"status":200,"likelihood":2}`, ingest.Page{Refund: 280_000}},
	} {
		page, err := pdl.Source{}.Parse(tt.q, ingest.Response{Body: strings.NewReader(tt.body)}, func(ingest.Record) error { return nil })
		if diff := cmp.Diff(tt.want, page); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", tt.body, err, diff)
		}
	}
}

func TestParse_keeps_the_likelihood_and_takes_true_for_no_value(t *testing.T) {
	t.Parallel()
	q := pdl.Source{}.Lookup(ingest.Subject{Domain: "tranquilmeadow.example"})[0]
	_, rows, err := ingesttest.Parse(pdl.Source{}, q, fixture(t, "enrich.json"))
	if err != nil || len(rows) != 1 || rows[0].Problem != nil {
		t.Fatalf("%+v, %v", rows, err)
	}
	if got := gjson.GetBytes(rows[0].Raw, "likelihood").Int(); got != 8 {
		t.Errorf("raw has the likelihood %d", got)
	}
	want := []ingest.Field{ingest.FieldEmployees, ingest.FieldFounded, ingest.FieldSocial, ingest.FieldCategory, ingest.FieldWebsite}
	if diff := cmp.Diff(want, rows[0].Gives); diff != "" {
		t.Errorf("gives:\n%s", diff)
	}
}

func TestJudge_knows_every_answer(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 10, 0, 10, 0, time.UTC)
	e := func(kind string) string { return `{"status":0,"error":{"type":` + kind + `,"message":"Words."}}` }
	for _, tt := range []struct {
		status int
		body   string
		left   string
		want   ingest.Judgement
	}{
		{200, `{"status":200}`, "", ingest.Judgement{}},
		{400, e(`["invalid_request_error"]`), "", ingest.Judgement{Verdict: ingest.Wrong, Message: "Words."}},
		{401, e(`["authentication_error"]`), "", ingest.Judgement{Verdict: ingest.Denied, Message: "Words."}},
		{402, e(`"payment_required"`), "", ingest.Judgement{Verdict: ingest.Spent, Message: "Words."}},
		{403, e(`["forbidden"]`), "", ingest.Judgement{Verdict: ingest.Refused, Message: "Words."}},
		{404, e(`"not_found"`), "", ingest.Judgement{Verdict: ingest.Miss, Message: "Words."}},
		{404, e(`["not_found"]`), "", ingest.Judgement{Verdict: ingest.Miss, Message: "Words."}},
		{404, `{"message":"no route"}`, "", ingest.Judgement{Verdict: ingest.Wrong}},
		{405, e(`["invalid_request_error"]`), "", ingest.Judgement{Verdict: ingest.Wrong, Message: "Words."}},
		{429, e(`["rate_limit_error"]`), `{"minute": 0, "day": null, "month": null}`, ingest.Judgement{Verdict: ingest.Slow, Wait: 50 * time.Second, Message: "Words."}},
		{429, e(`"rate_limit_error"`), "", ingest.Judgement{Verdict: ingest.Slow, Wait: 50 * time.Second, Message: "Words."}},
		{429, e(`["rate_limit_error"]`), `{"minute": 9, "day": 0, "month": null}`, ingest.Judgement{Verdict: ingest.Spent, Until: now.Add(50 * time.Second), Message: "Words."}},
		{429, "slow down", `{"month": "0"}`, ingest.Judgement{Verdict: ingest.Spent, Until: now.Add(50 * time.Second)}},
		{500, e(`["api_error"]`), "", ingest.Judgement{Verdict: ingest.Broken, Message: "Words."}},
		{502, "<html>", "", ingest.Judgement{Verdict: ingest.Broken}},
	} {
		header := http.Header{}
		header.Set("Date", now.Format(http.TimeFormat))
		header.Set("X-RateLimit-Reset", now.Add(50*time.Second).Format(time.RFC3339))
		header.Set("X-RateLimit-Remaining", tt.left)
		if got := (pdl.Source{}).Judge(tt.status, header, []byte(tt.body)); got != tt.want {
			t.Errorf("%d %s: %+v, want %+v", tt.status, tt.body, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(fixture(f, "search.json"))
	f.Add(fixture(f, "enrich.json"))
	f.Add([]byte(`{"data":{"id":1},"scroll_token":{},"total":-1}`))
	f.Add([]byte("{\"data\":[{\"id\":\"\xff\"}]}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, params := range []map[string]string{{"country": "germany"}, {"website": "tranquilmeadow.example"}} {
			_, rows, _ := ingesttest.Parse(pdl.Source{}, ingest.Query{Params: params}, body)
			for _, r := range rows {
				if r.Problem == nil && (r.Key == "" || !json.Valid(r.Raw)) {
					t.Errorf("row %+v of %q", r, body)
				}
			}
		}
	})
}
