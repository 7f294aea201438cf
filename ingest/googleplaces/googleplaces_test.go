package googleplaces_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/googleplaces"
	"github.com/leadlake/leadlake/ingest/ingesttest"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
	"github.com/leadlake/leadlake/internal/tiling"
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
	return c.ask(t, googleplaces.Source{}, r)
}

func (c city) ask(t *testing.T, s ingest.Source, r ingest.Request) []byte {
	t.Helper()
	spec := s.Spec()
	req := httptest.NewRequestWithContext(t.Context(), cmp.Or(r.Method, http.MethodGet), "/"+spec.Name+r.URL, bytes.NewReader(r.Body))
	for name, values := range r.Header {
		req.Header[name] = values
	}
	if spec.CredentialHeader != "" {
		req.Header.Set(spec.CredentialHeader, "sandbox")
	} else {
		q := req.URL.Query()
		q.Set(spec.CredentialQuery, "sandbox")
		req.URL.RawQuery = q.Encode()
	}
	w := httptest.NewRecorder()
	c.server.ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", r.Method, r.Body, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// cover does what the engine does: it cuts tiles until none is cut short.
func (c city) cover(t *testing.T, s ingest.Tiled, campaign leadlake.CampaignSpec) (found map[string]bool, calls int) {
	t.Helper()
	queries, err := s.Plan(campaign, campaign.Sources[0])
	if err != nil {
		t.Fatal(err)
	}
	area, err := ingest.AreaOf(campaign.Geo)
	if err != nil {
		t.Fatal(err)
	}
	found = map[string]bool{}
	for _, root := range queries {
		limit := cmp.Or(root.Cap, s.Spec().ResultCap)
		p := tiling.New(tiling.Config{Area: area, Root: *root.Tile, PageSize: 20, Cap: limit, Circle: root.Circle})
		for wave := p.Next(); wave != nil; wave = p.Next() {
			for _, tile := range wave {
				q, result := s.At(root, tile.Box), tiling.Result{}
				for cursor, more := "", true; more; calls++ {
					r, err := s.Request(q, cursor)
					if err != nil {
						t.Fatal(err)
					}
					next, rows, err := ingesttest.Parse(s, q, c.ask(t, s, r))
					if err != nil {
						t.Fatal(err)
					}
					for _, row := range rows {
						found[row.Key] = true
						if row.Point != nil {
							result.Points = append(result.Points, *row.Point)
						}
					}
					result.Rows += len(rows)
					cursor, more = next, next != ""
				}
				result.More = result.Rows >= limit
				p.Report(tile, result)
			}
		}
		if full := p.Exhausted(); len(full) > 0 {
			t.Errorf("%d boxes overflow", len(full))
		}
	}
	return found, calls
}

func denver(source, keywords string, radiusKM float64) leadlake.CampaignSpec {
	return leadlake.CampaignSpec{
		Name:     "Denver Plumbers Q4",
		Vertical: leadlake.LocalServices,
		Keywords: keywords,
		Geo:      leadlake.GeoSpec{City: "Denver", Region: "CO", Country: "US", RadiusKM: radiusKM},
		Sources:  []leadlake.SourceSpec{{Source: source}},
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
				Campaign: denver("google_places", keywords, 3.5),
				Answer:   c.answer,
				Empty:    []byte("{}"),
				MinPages: map[string]int{"text": 2, "nearby": 1}[name],
			})
		})
	}
}

func TestTiles_find_the_plumbers_of_a_whole_city(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	for name, campaign := range map[string]leadlake.CampaignSpec{
		"text":   denver("google_places", "plumber", 50),
		"nearby": denver("google_places", "type:plumber", 50),
	} {
		found, calls := c.cover(t, googleplaces.Source{}, campaign)
		var want, got int
		for _, l := range c.world.Listings(world.GooglePlaces) {
			if l.Category.Type != "plumber" || name == "nearby" && (l.Area || l.Status == world.ClosedForGood) {
				continue
			}
			want++
			if found[l.Key] {
				got++
			}
		}
		t.Logf("%s: %d of %d plumbers with %d calls", name, got, want, calls)
		if float64(got) < 0.99*float64(want) || want < 100 {
			t.Errorf("%s: %d of %d plumbers found", name, got, want)
		}
		// A page has 20 rows; a circle around a box has half as many again as
		// the box, and no second page.
		if most := map[string]int{"text": want / 11, "nearby": want / 3}[name]; calls > most {
			t.Errorf("%s: %d calls, want at most %d", name, calls, most)
		}
	}
}

func TestPlan_is_one_question_or_two_across_the_antimeridian(t *testing.T) {
	t.Parallel()
	lat := -16.5
	for lon, want := range map[float64]int{-104.99: 1, 179.99: 2} {
		campaign := denver("google_places", "plumber", 40)
		campaign.Geo.Lat, campaign.Geo.Lon = &lat, &lon
		queries, err := googleplaces.Source{}.Plan(campaign, campaign.Sources[0])
		if err != nil || len(queries) != want {
			t.Errorf("at %g: %d queries, %v, want %d", lon, len(queries), err, want)
		}
		for _, q := range queries {
			if q.Tile == nil || q.Tile.West >= q.Tile.East || q.Tile.South >= q.Tile.North {
				t.Errorf("at %g: tile %v", lon, q.Tile)
			}
		}
	}
}

func TestAt_searches_no_circle_that_is_too_large(t *testing.T) {
	t.Parallel()
	campaign := denver("google_places", "type:plumber", 300)
	queries, err := googleplaces.Source{}.Plan(campaign, campaign.Sources[0])
	if err != nil || len(queries) < 64 {
		t.Fatalf("%d queries, %v", len(queries), err)
	}
	for _, q := range queries {
		lat, _ := strconv.ParseFloat(q.Params["lat"], 64)
		lon, _ := strconv.ParseFloat(q.Params["lon"], 64)
		radius, _ := strconv.ParseFloat(q.Params["radius_m"], 64)
		farthest := 0.0
		for _, cornerLat := range []float64{q.Tile.South, q.Tile.North} {
			for _, cornerLon := range []float64{q.Tile.West, q.Tile.East} {
				farthest = max(farthest, world.DistanceKM(lat, lon, cornerLat, cornerLon)*1000)
			}
		}
		if radius < farthest || radius > farthest*1.1 || radius > 50_000 {
			t.Errorf("radius %.0f m, but the corners lie %.0f m out", radius, farthest)
		}
	}
}

func TestLookup_finds_leads_by_their_name_and_place(t *testing.T) {
	t.Parallel()
	c, src := newCity(t), googleplaces.Source{}
	asked, right := 0, 0
	fields := map[ingest.Field]int{}
	for i, l := range c.world.Listings(world.GooglePlaces) {
		if i%20 != 0 || l.Status == world.ClosedForGood || l.Area {
			continue
		}
		queries := src.Lookup(ingest.Subject{
			Name: l.Name, Street: l.Street, City: l.City, Region: l.Region, Country: "US", Lat: &l.Lat, Lon: &l.Lon,
		})
		if len(queries) != 1 {
			t.Fatalf("%d queries", len(queries))
		}
		r, err := src.Request(queries[0], "")
		if err != nil {
			t.Fatal(err)
		}
		next, rows, err := ingesttest.Parse(src, queries[0], c.answer(t, r))
		if err != nil || next != "" || len(rows) > 1 {
			t.Fatalf("next %q, %d rows, %v", next, len(rows), err)
		}
		asked++
		for _, row := range rows {
			if row.Key == l.Key {
				right++
			}
			for _, f := range row.Gives {
				fields[f]++
			}
		}
	}
	t.Logf("%d of %d right: %v", right, asked, fields)
	if right*10 < asked*8 || asked < 20 {
		t.Errorf("%d of %d right", right, asked)
	}
	if fields[ingest.FieldPhone] == 0 || fields[ingest.FieldGeo] == 0 || fields[ingest.FieldReviews] == 0 {
		t.Errorf("fields %v", fields)
	}
}

func TestLookup_asks_nothing_about_a_lead_without_a_place(t *testing.T) {
	t.Parallel()
	for _, lead := range []ingest.Subject{{}, {Name: "Ace Plumbing"}, {City: "Denver"}, {Name: "Ace", Postal: "80202"}} {
		if q := (googleplaces.Source{}).Lookup(lead); len(q) != 0 {
			t.Errorf("%+v is asked about with %v", lead, q[0].Params)
		}
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
		campaign := denver("google_places", "plumber", 10)
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
		campaign := denver("google_places", tt.keywords, 1)
		campaign.Name = tt.name
		queries, err := googleplaces.Source{}.Plan(campaign, campaign.Sources[0])
		if err != nil || queries[0].Params["text"] != tt.want {
			t.Errorf("keywords %q, name %q: %v, %v, want %q", tt.keywords, tt.name, queries, err, tt.want)
		}
	}
}

func TestRequest_changes_nothing_but_the_token(t *testing.T) {
	t.Parallel()
	campaign := denver("google_places", "plumber", 1)
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
	if diff := gocmp.Diff(a, b); diff != "" {
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
		{"", `{"id":7}`, "missing_field"},
		{"", `"text"`, "not_an_object"},
		{"p2", `{"id":"p2"}`, ""},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
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
