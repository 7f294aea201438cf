package googleplaces_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/googleplaces"
	"github.com/leadlake/leadlake/ingest/ingesttest"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// city is a sandbox with its world.
type city struct {
	world  *world.World
	server *sandbox.Server
}

func newCity(t *testing.T) city {
	t.Helper()
	w, err := world.New(world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sandbox.New(sandbox.Config{World: w})
	if err != nil {
		t.Fatal(err)
	}
	return city{w, s}
}

// answer does what the engine does: it adds the key and sends the request.
func (c city) answer(t *testing.T, r ingest.Request) []byte {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), r.Method, "/google_places"+r.URL, bytes.NewReader(r.Body))
	for name, values := range r.Header {
		req.Header[name] = values
	}
	req.Header.Set(googleplaces.Source{}.Spec().CredentialHeader, "key")
	w := httptest.NewRecorder()
	c.server.ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", r.Method, r.Body, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

func denver(keywords string, radiusKM float64) leadlake.CampaignSpec {
	return leadlake.CampaignSpec{
		Name:     "Denver Plumbers Q4",
		Vertical: leadlake.LocalServices,
		Keywords: keywords,
		Geo:      leadlake.GeoSpec{City: "Denver", Region: "CO", Country: "US", RadiusKM: radiusKM},
		Sources:  []leadlake.SourceSpec{{Source: "google_places"}},
	}
}

func TestSource_passes_the_suite(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	for name, keywords := range map[string]string{"text": "plumber electrician dentist", "nearby": "type:plumber"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ingesttest.Run(t, ingesttest.Case{
				Source:   googleplaces.Source{},
				Campaign: denver(keywords, 3.5),
				Answer:   c.answer,
				Empty:    []byte("{}"),
				MinPages: map[string]int{"text": 2, "nearby": 1}[name],
			})
		})
	}
}

func TestPlan_finds_the_plumbers_of_a_whole_city(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	src := googleplaces.Source{}
	campaign := denver("plumber", 50)
	queries, err := src.Plan(campaign, campaign.Sources[0])
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	calls := 0
	for _, q := range queries {
		for cursor, more := "", true; more; calls++ {
			r, err := src.Request(q, cursor)
			if err != nil {
				t.Fatal(err)
			}
			next, rows, err := ingesttest.Parse(src, q, c.answer(t, r))
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				found[row.Key] = true
			}
			cursor, more = next, next != ""
		}
	}
	var want, got int
	for _, l := range c.world.Listings(world.GooglePlaces) {
		if l.Category.Type == "plumber" {
			want++
			if found[l.Key] {
				got++
			}
		}
	}
	t.Logf("%d of %d plumbers with %d queries and %d calls", got, want, len(queries), calls)
	if float64(got) < 0.98*float64(want) || want < 300 {
		t.Errorf("%d of %d plumbers found", got, want)
	}
	if len(queries) > 60 || calls > 180 {
		t.Errorf("%d queries, %d calls: want at most 60 and 180", len(queries), calls)
	}
}

func TestPlan_says_what_the_campaign_lacks(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*leadlake.CampaignSpec){
		"geo.lat":      func(c *leadlake.CampaignSpec) { c.Geo.City = "Atlantis" },
		"place":        func(c *leadlake.CampaignSpec) { c.Geo = leadlake.GeoSpec{} },
		"radius":       func(c *leadlake.CampaignSpec) { c.Geo.RadiusKM = 501 },
		"type:plumber": func(c *leadlake.CampaignSpec) { c.Keywords = "type: " },
	} {
		campaign := denver("plumber", 10)
		change(&campaign)
		_, err := googleplaces.Source{}.Plan(campaign, campaign.Sources[0])
		if err == nil || !strings.Contains(err.Error(), name) || leadlake.ErrorCode(err) == leadlake.Internal {
			t.Errorf("Plan: %v, want an error that names %s", err, name)
		}
	}
}

func TestPlan_takes_words_from_the_campaign(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ keywords, name, want string }{
		{"  emergency  plumber ", "x", "emergency plumber"},
		{"", "Denver Plumbers Q4 2026", "Plumbers"},
		{"", "Denver, CO", "local services"},
	} {
		campaign := denver(tt.keywords, 1)
		campaign.Name = tt.name
		queries, err := googleplaces.Source{}.Plan(campaign, campaign.Sources[0])
		if err != nil || queries[0].Params["text"] != tt.want {
			t.Errorf("keywords %q, name %q: %v, %v, want %q", tt.keywords, tt.name, queries, err, tt.want)
		}
	}
}

func TestRequest_changes_nothing_but_the_token(t *testing.T) {
	t.Parallel()
	campaign := denver("plumber", 1)
	src := googleplaces.Source{}
	queries, err := src.Plan(campaign, campaign.Sources[0])
	if err != nil {
		t.Fatal(err)
	}
	first, err := src.Request(queries[0], "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := src.Request(queries[0], "token")
	if err != nil {
		t.Fatal(err)
	}
	var a, b map[string]any
	if json.Unmarshal(first.Body, &a) != nil || json.Unmarshal(second.Body, &b) != nil {
		t.Fatalf("bodies %s, %s", first.Body, second.Body)
	}
	if b["pageToken"] != "token" {
		t.Errorf("second page asks with %v", b["pageToken"])
	}
	delete(b, "pageToken")
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("parameters change from page to page:\n%s", diff)
	}
	if first.CostMicros != 35_000 {
		t.Errorf("a call costs %d micros, want 35,000", first.CostMicros)
	}
	if m := first.Header.Get("X-Goog-FieldMask"); strings.Contains(m, " ") || !strings.Contains(m, ",nextPageToken") {
		t.Errorf("mask %q", m)
	}
}

func TestRequest_refuses_a_query_of_another_source(t *testing.T) {
	t.Parallel()
	for _, params := range []map[string]string{nil, {"method": "searchText"}, {"method": "searchNearby", "lat": "x"}} {
		if _, err := (googleplaces.Source{}).Request(ingest.Query{Params: params}, ""); err == nil {
			t.Errorf("%v gave a request", params)
		}
	}
}

func TestParse_keeps_what_it_does_not_know(t *testing.T) {
	t.Parallel()
	const body = `{
		"places": [
			{"id": "p1", "displayName": {"text": "Ace \u0026 Sons"}, "someday": [1, 2.50]},
			{"displayName": {"text": "nobody"}},
			{"id": 7},
			"text",
			{"id": "p2"}
		],
		"nextPageToken": "t",
		"searchUri": "https://maps.example/"
	}`
	next, rows, err := ingesttest.Parse(googleplaces.Source{}, ingest.Query{}, []byte(body))
	if err != nil || next != "t" {
		t.Fatalf("next %q, %v", next, err)
	}
	type row struct{ Key, Raw, Problem string }
	var got []row
	for _, r := range rows {
		g := row{Key: r.Key, Raw: string(r.Raw)}
		if r.Problem != nil {
			g.Problem = r.Problem.Code
		}
		got = append(got, g)
	}
	want := []row{
		{"p1", `{"id":"p1","displayName":{"text":"Ace \u0026 Sons"},"someday":[1,2.50]}`, ""},
		{"", `{"displayName":{"text":"nobody"}}`, "missing_key"},
		{"", `{"id":7}`, "not_a_place"},
		{"", `"text"`, "not_a_place"},
		{"p2", `{"id":"p2"}`, ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows:\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"places":[{"id":"p1"},{"id":null}],"nextPageToken":"t"}`))
	f.Add([]byte(`{"places":{}}`))
	f.Add([]byte("{\"places\":[{\"id\":\"\xff\"}]}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, rows, err := ingesttest.Parse(googleplaces.Source{}, ingest.Query{}, body)
		for _, r := range rows {
			if r.Problem == nil && (r.Key == "" || !json.Valid(r.Raw)) {
				t.Errorf("row %+v of %q, %v", r, body, err)
			}
		}
	})
}
