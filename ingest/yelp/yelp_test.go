package yelp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/ingesttest"
	"github.com/leadlake/leadlake/ingest/yelp"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func denver(keywords string, radiusKM float64) leadlake.CampaignSpec {
	return leadlake.CampaignSpec{
		Name: "Denver Plumbers", Vertical: leadlake.LocalServices, Keywords: keywords,
		Geo:     leadlake.GeoSpec{City: "Denver", Region: "CO", Country: "US", RadiusKM: radiusKM},
		Sources: []leadlake.SourceSpec{{Source: "yelp"}},
	}
}

// directory answers searches as Yelp does: total rows, of which 240 are there.
func directory(total int) func(*testing.T, ingest.Request) []byte {
	return func(t *testing.T, r ingest.Request) []byte {
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		offset, _ := strconv.Atoi(u.Query().Get("offset"))
		limit, _ := strconv.Atoi(u.Query().Get("limit"))
		if limit < 1 || limit > 50 || offset+limit > 240 {
			t.Fatalf("limit %d at offset %d: Yelp answers 400", limit, offset)
		}
		rows := []string{}
		for i := offset; i < min(offset+limit, total); i++ {
			rows = append(rows, fmt.Sprintf(`{"id":"business-%d","name":"Plumber %d","coordinates":{"latitude":39.7,"longitude":-105}}`, i, i))
		}
		return fmt.Appendf(nil, `{"businesses":[%s],"total":%d,"region":{}}`, strings.Join(rows, ","), total)
	}
}

func TestSource_passes_the_suite_for_discovery(t *testing.T) {
	t.Parallel()
	ingesttest.Run(t, ingesttest.Case{
		Source: yelp.Source{}, Campaign: denver("plumber", 20), Answer: directory(130), MinPages: 3,
		Empty: []byte(`{"businesses":[],"total":0,"region":{}}`),
	})
}

func lead() ingest.Subject {
	return ingest.Subject{
		Provider: "list", Key: "1", Name: "Harlan & Daughters Plumbing", Street: "455 W Tamarisk Ave", City: "Denver",
		Region: "CO", Postal: "80204", Country: "US", Phone: "+13035550117",
	}
}

func TestSource_passes_the_suite_for_lookups(t *testing.T) {
	t.Parallel()
	ingesttest.Run(t, ingesttest.Case{
		Source: yelp.Source{}, Subjects: []ingest.Subject{lead()}, MinPages: 1,
		Answer: lookupAnswer, Empty: []byte(`{"businesses":[]}`),
	})
}

func TestMatch_leads_to_the_details(t *testing.T) {
	t.Parallel()
	subject := lead()
	subject.Phone = ""
	src := yelp.Source{}
	q := src.Lookup(subject)[0]
	first, err := src.Request(q, "")
	if err != nil {
		t.Fatal(err)
	}
	next, rows, err := ingesttest.Parse(src, q, lookupAnswer(t, first))
	if err != nil || len(rows) != 0 || next == "" {
		t.Fatalf("a match gave %d rows, next %q, %v", len(rows), next, err)
	}
	second, err := src.Request(q, next)
	if err != nil || second.Endpoint != "details" {
		t.Fatalf("%+v, %v", second, err)
	}
	next, rows, err = ingesttest.Parse(src, q, lookupAnswer(t, second))
	if err != nil || next != "" || len(rows) != 1 || len(rows[0].Gives) != 2 {
		t.Errorf("details gave %+v, next %q, %v", rows, next, err)
	}
	if next, _, err = ingesttest.Parse(src, q, []byte(`{"businesses":[]}`)); err != nil || next != "" {
		t.Errorf("no match leads to %q, %v", next, err)
	}
}

// lookupAnswer knows one business.
func lookupAnswer(t *testing.T, r ingest.Request) []byte {
	t.Helper()
	switch {
	case strings.HasPrefix(r.URL, "/v3/businesses/search/phone?phone=%2B13035550117"):
		var all struct {
			Businesses []json.RawMessage `json:"businesses"`
		}
		if err := json.Unmarshal(fixture(t, "search.json"), &all); err != nil {
			t.Fatal(err)
		}
		return fmt.Appendf(nil, `{"businesses":[%s],"total":1}`, all.Businesses[0])
	case strings.HasPrefix(r.URL, "/v3/businesses/matches?"):
		return fixture(t, "match.json")
	case r.URL == "/v3/businesses/kQ3vX9mT_b7RwLz2YpN5-g":
		return fixture(t, "details.json")
	}
	t.Fatalf("nobody answers %s", r.URL)
	return nil
}

func TestSource_never_asks_beyond_the_240th_row(t *testing.T) {
	t.Parallel()
	src, campaign := yelp.Source{}, denver("plumber", 20)
	queries, err := src.Plan(campaign, campaign.Sources[0])
	if err != nil || len(queries) != 1 {
		t.Fatalf("%d queries, %v", len(queries), err)
	}
	for _, total := range []int{0, 1, 49, 50, 51, 99, 100, 148, 149, 193, 194, 195, 239, 240, 241, 1380} {
		answer, seen, calls := directory(total), map[string]bool{}, 0
		for cursor, more := "", true; more; calls++ {
			r, err := src.Request(queries[0], cursor)
			if err != nil {
				t.Fatal(err)
			}
			next, rows, err := ingesttest.Parse(src, queries[0], answer(t, r))
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				seen[row.Key] = true
			}
			cursor, more = next, next != ""
		}
		if len(seen) != min(total, 240) || calls > 5 {
			t.Errorf("total %d: %d rows in %d calls", total, len(seen), calls)
		}
	}
}

func TestPlan_asks_in_the_words_of_the_provider(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		keywords, name   string
		categories, term string
	}{
		{"plumbers and electricians", "x", "electricians,plumbing", ""},
		{"", "Denver Plumbers Q4", "plumbing", ""},
		{"  kombucha   taproom ", "Denver Plumbers", "", "kombucha taproom"},
		{"", "Campaign 7", "autorepair,coffee,contractors,electricians,lawyers,locksmiths,movers,painters,plumbing,restaurants,roofing", ""},
	} {
		campaign := denver(tt.keywords, 10)
		campaign.Name = tt.name
		queries, err := yelp.Source{}.Plan(campaign, campaign.Sources[0])
		if err != nil {
			t.Errorf("%q: %v", tt.keywords, err)
			continue
		}
		if p := queries[0].Params; p["categories"] != tt.categories || p["term"] != tt.term {
			t.Errorf("%q, %q: categories %q, term %q", tt.keywords, tt.name, p["categories"], p["term"])
		}
	}
}

func TestPlan_says_what_the_campaign_lacks(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*leadlake.CampaignSpec){
		"geo.lat":  func(c *leadlake.CampaignSpec) { c.Geo.City = "Atlantis" },
		"place":    func(c *leadlake.CampaignSpec) { c.Geo = leadlake.GeoSpec{} },
		"radius":   func(c *leadlake.CampaignSpec) { c.Geo.RadiusKM = 501 },
		"keywords": func(c *leadlake.CampaignSpec) { c.Keywords, c.Name, c.Vertical = "", "x", "none" },
	} {
		campaign := denver("plumber", 10)
		change(&campaign)
		_, err := yelp.Source{}.Plan(campaign, campaign.Sources[0])
		if err == nil || !strings.Contains(err.Error(), name) || leadlake.ErrorCode(err) == leadlake.Internal {
			t.Errorf("Plan: %v, want an error that names %s", err, name)
		}
	}
}

func TestLookup_asks_by_phone_then_by_address(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*ingest.Subject)
		want   string
	}{
		"phone":                 {func(*ingest.Subject) {}, "/v3/businesses/search/phone?phone=%2B13035550117"},
		"address":               {func(s *ingest.Subject) { s.Phone = "" }, "/v3/businesses/matches?address1=455+W+Tamarisk+Ave&city=Denver&country=US&limit=1&name=Harlan+%26+Daughters+Plumbing&state=CO"},
		"a phone of no country": {func(s *ingest.Subject) { s.Phone = "3035550117"; s.Street = "" }, ""},
		"a region by name":      {func(s *ingest.Subject) { s.Phone = ""; s.Region = "Colorado" }, ""},
		"no name":               {func(s *ingest.Subject) { s.Phone, s.Name = "", "" }, ""},
	} {
		subject := lead()
		tt.change(&subject)
		got := ""
		for _, q := range (yelp.Source{}).Lookup(subject) {
			r, err := yelp.Source{}.Request(q, "")
			if err != nil {
				t.Fatal(err)
			}
			got += r.URL
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestParse_guesses_no_branch_of_a_shared_number(t *testing.T) {
	t.Parallel()
	const body = `{"total":2,"businesses":[
		{"id":"north","name":"Larkspur Rooter","review_count":3,"location":{"zip_code":"80202"}},
		{"id":"south","name":"Larkspur Rooter","review_count":9,"location":{"zip_code":"80113-1200"}}]}`
	for postal, want := range map[string]string{"80113": "south", "80202-0001": "north", "80999": "", "": ""} {
		subject := lead()
		subject.Postal = postal
		q := yelp.Source{}.Lookup(subject)[0]
		_, rows, err := ingesttest.Parse(yelp.Source{}, q, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range rows {
			got += r.Key
		}
		if got != want {
			t.Errorf("postal %q: %q, want %q", postal, got, want)
		}
	}
}

func TestParse_reads_a_search(t *testing.T) {
	t.Parallel()
	var rows []ingest.Record
	page, err := yelp.Source{}.Parse(ingest.Query{Params: map[string]string{"method": "search"}},
		ingest.Response{Body: strings.NewReader(strings.Replace(string(fixture(t, "search.json")), `"alias"`, `"someday":1,"alias"`, 1))},
		func(r ingest.Record) error { rows = append(rows, r); return nil })
	if err != nil {
		t.Fatal(err)
	}
	// Two rows are no full page, whatever the total says.
	if diff := cmp.Diff(ingest.Page{Total: 1380, Unknown: []string{"someday"}}, page); diff != "" {
		t.Errorf("page:\n%s", diff)
	}
	if len(rows) != 2 || rows[0].Problem != nil || rows[1].Problem != nil {
		t.Fatalf("rows %+v", rows)
	}
	if diff := cmp.Diff(&ingest.Point{Lat: 39.7392, Lon: -104.9903}, rows[0].Point); diff != "" || rows[1].Point != nil {
		t.Errorf("points %v and %v", rows[0].Point, rows[1].Point)
	}
}

func TestParse_gives_only_what_is_there(t *testing.T) {
	t.Parallel()
	q := yelp.Source{}.Lookup(lead())[0]
	for body, want := range map[string][]ingest.Field{
		`{"id":"a","name":"A","review_count":2,"categories":[{"title":"Plumbing"}]}`: {ingest.FieldReviews, ingest.FieldCategory},
		`{"id":"a","name":"A","review_count":0,"categories":[]}`:                     nil,
		`{"id":"a","name":"A"}`: nil,
	} {
		_, rows, err := ingesttest.Parse(yelp.Source{}, q, []byte(`{"businesses":[`+body+`]}`))
		if err != nil || len(rows) != 1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if diff := cmp.Diff(want, rows[0].Gives); diff != "" {
			t.Errorf("%s:\n%s", body, diff)
		}
	}
}

func TestJudge_knows_every_answer(t *testing.T) {
	t.Parallel()
	const reset = "2026-11-26T00:00:00+00:00"
	midnight := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	e := func(code, more string) string {
		return `{"error":{"code":"` + code + `","description":"Words."` + more + `}}`
	}
	for _, tt := range []struct {
		status int
		body   string
		left   string
		want   ingest.Judgement
	}{
		{200, `{"businesses":[]}`, "", ingest.Judgement{}},
		{400, e("VALIDATION_ERROR", `,"field":"limit","instance":51`), "", ingest.Judgement{Verdict: ingest.Wrong, Message: "Words."}},
		{400, e("VALIDATION_ERROR", `,"field":"Authorization","instance":"Bearer abc"`), "", ingest.Judgement{Verdict: ingest.Denied, Message: "the key has not the form of a key"}},
		{400, e("INVALID_AUTHORIZATION_METHOD", ""), "", ingest.Judgement{Verdict: ingest.Denied, Message: "Words."}},
		{400, e("INVALID_LOCALE", ""), "", ingest.Judgement{Verdict: ingest.Wrong, Message: "Words."}},
		{400, e("LOCATION_NOT_FOUND", ""), "", ingest.Judgement{Verdict: ingest.Miss, Message: "Words."}},
		{401, e("UNAUTHORIZED_ACCESS_TOKEN", ""), "", ingest.Judgement{Verdict: ingest.Denied, Message: "Words."}},
		{401, e("TOKEN_INVALID", ""), "", ingest.Judgement{Verdict: ingest.Denied, Message: "Words."}},
		{401, e("TOKEN_MISSING", ""), "", ingest.Judgement{Verdict: ingest.Denied, Message: "Words."}},
		{403, e("BUSINESS_UNAVAILABLE", ""), "", ingest.Judgement{Verdict: ingest.Miss, Message: "Words."}},
		{403, e("UNAUTHORIZED_API_KEY", ""), "", ingest.Judgement{Verdict: ingest.Refused, Message: "Words."}},
		{404, e("BUSINESS_NOT_FOUND", ""), "", ingest.Judgement{Verdict: ingest.Miss, Message: "Words."}},
		{404, e("NOT_FOUND", ""), "", ingest.Judgement{Verdict: ingest.Wrong, Message: "Words."}},
		{301, e("BUSINESS_MIGRATED", `,"new_business_id":"b"`), "", ingest.Judgement{Verdict: ingest.Miss, Message: "Words."}},
		{429, e("TOO_MANY_REQUESTS_PER_SECOND", ""), "299", ingest.Judgement{Verdict: ingest.Slow, Wait: time.Second, Message: "Words."}},
		{429, e("TOO_MANY_REQUESTS_PER_SECOND", ""), "0", ingest.Judgement{Verdict: ingest.Slow, Wait: time.Second, Message: "Words."}},
		{429, e("ACCESS_LIMIT_REACHED", ""), "", ingest.Judgement{Verdict: ingest.Spent, Until: midnight, Message: "Words."}},
		{429, "slow down", "12", ingest.Judgement{Verdict: ingest.Slow, Wait: time.Second}},
		{429, "slow down", "0", ingest.Judgement{Verdict: ingest.Spent, Until: midnight}},
		{500, e("INTERNAL_ERROR", ""), "", ingest.Judgement{Verdict: ingest.Broken, Message: "Words."}},
		{502, "<html>", "", ingest.Judgement{Verdict: ingest.Broken}},
	} {
		header := http.Header{}
		header.Set("RateLimit-ResetTime", reset)
		header.Set("RateLimit-Remaining", tt.left)
		got := yelp.Source{}.Judge(tt.status, header, []byte(tt.body))
		if got.Verdict != tt.want.Verdict || !got.Until.Equal(tt.want.Until) || got.Wait != tt.want.Wait || got.Message != tt.want.Message {
			t.Errorf("%d %s: %+v, want %+v", tt.status, tt.body, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"search.json", "match.json", "details.json"} {
		f.Add(fixture(f, name))
	}
	f.Add([]byte(`{"businesses":{"id":1}}`))
	f.Add([]byte("{\"businesses\":[{\"id\":\"\xff\"}]}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, method := range []string{"search", "phone", "matches"} {
			q := ingest.Query{Params: map[string]string{"method": method, "postal": "80204"}}
			_, rows, _ := ingesttest.Parse(yelp.Source{}, q, body)
			for _, r := range rows {
				if r.Problem == nil && (r.Key == "" || !json.Valid(r.Raw)) {
					t.Errorf("%s: row %+v of %q", method, r, body)
				}
			}
		}
	})
}
