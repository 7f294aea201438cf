package overture_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/ingesttest"
	"github.com/leadlake/leadlake/ingest/overture"
)

var source overture.Source

func denver(keywords, path string) leadlake.CampaignSpec {
	return leadlake.CampaignSpec{
		Name:     "Denver Plumbers Q4",
		Vertical: leadlake.LocalServices,
		Keywords: keywords,
		Geo:      leadlake.GeoSpec{City: "Denver", Region: "CO", Country: "US", RadiusKM: 20},
		Sources:  []leadlake.SourceSpec{{Source: "overture", Path: path}},
	}
}

func plan(t testing.TB, c leadlake.CampaignSpec) []ingest.Query {
	t.Helper()
	queries, err := source.Plan(c, c.Sources[0])
	if err != nil {
		t.Fatal(err)
	}
	return queries
}

func TestSource_passes_the_suite(t *testing.T) {
	t.Parallel()
	d := newDuck(t)
	path := d.write(t, "places", classic, 300)
	ingesttest.Run(t, ingesttest.Case{
		Source:   source,
		Campaign: denver("plumber", path),
		Answer:   func(t *testing.T, r ingest.Request) []byte { return d.answer(t, r) },
		Empty:    []byte(""),
		MinPages: 1,
	})
}

func TestPlan_says_where_and_what(t *testing.T) {
	t.Parallel()
	point := func(lat, lon, km float64) leadlake.GeoSpec {
		return leadlake.GeoSpec{Lat: &lat, Lon: &lon, RadiusKM: km}
	}
	for name, tt := range map[string]struct {
		change func(*leadlake.CampaignSpec)
		want   []map[string]string
	}{
		"a known line of business is its categories": {
			func(c *leadlake.CampaignSpec) { c.Keywords = "locksmiths and plumbers" },
			[]map[string]string{{"categories": "key_and_locksmith,plumbing"}},
		},
		"without keywords the name says it": {func(c *leadlake.CampaignSpec) { c.Keywords = "" }, []map[string]string{{"categories": "plumbing"}}},
		"unknown words are part of the name": {
			func(c *leadlake.CampaignSpec) { c.Keywords = "  alpaca  farm " },
			[]map[string]string{{"word": "alpaca farm"}},
		},
		"a name that says nothing leaves the vertical": {
			func(c *leadlake.CampaignSpec) { c.Name, c.Keywords, c.Vertical = "Q4", "", leadlake.Ecommerce },
			[]map[string]string{{"categories": "retail"}},
		},
		"a folder is every file below it": {
			func(c *leadlake.CampaignSpec) { c.Sources[0].Path = "/data/overture/" },
			[]map[string]string{{"path": "/data/overture/**/*.parquet"}},
		},
		"a file is a file":       {func(c *leadlake.CampaignSpec) { c.Sources[0].Path = "x.parquet" }, []map[string]string{{"path": "x.parquet"}}},
		"a pattern is a pattern": {func(c *leadlake.CampaignSpec) { c.Sources[0].Path = "s3://b/place/*" }, []map[string]string{{"path": "s3://b/place/*"}}},
		"a box around the circle": {
			func(c *leadlake.CampaignSpec) { c.Geo = point(0, 10, 111.195) },
			[]map[string]string{{"south": "-1.000000", "north": "1.000000", "west": "8.999848", "east": "11.000152"}},
		},
		"the 180th meridian cuts it in two": {
			func(c *leadlake.CampaignSpec) { c.Geo = point(0, 179.5, 111.195) },
			[]map[string]string{{"west": "178.499848", "east": "180.000000"}, {"west": "-180.000000", "east": "-179.499848"}},
		},
		"from the other side, too": {
			func(c *leadlake.CampaignSpec) { c.Geo = point(0, -179.5, 111.195) },
			[]map[string]string{{"west": "179.499848", "east": "180.000000"}, {"west": "-180.000000", "east": "-178.499848"}},
		},
		"a pole has every longitude": {
			func(c *leadlake.CampaignSpec) { c.Geo = point(89.5, 20, 100) },
			[]map[string]string{{"west": "-180.000000", "east": "180.000000", "north": "90.000000"}},
		},
		"no radius is 25 km": {func(c *leadlake.CampaignSpec) { c.Geo = point(0, 0, 0) }, []map[string]string{{"north": "0.224830"}}},
	} {
		campaign := denver("plumber", "data")
		tt.change(&campaign)
		queries := plan(t, campaign)
		if len(queries) != len(tt.want) {
			t.Errorf("%s: %d queries, want %d", name, len(queries), len(tt.want))
			continue
		}
		for i, want := range tt.want {
			for param, value := range want {
				if got := queries[i].Params[param]; got != value {
					t.Errorf("%s: query %d has %s %q, want %q", name, i, param, got, value)
				}
			}
			if c, w := queries[i].Params["categories"], queries[i].Params["word"]; c != "" && w != "" {
				t.Errorf("%s: both categories %s and the word %s", name, c, w)
			}
		}
	}
	if path := plan(t, denver("plumber", ""))[0].Params["path"]; !strings.HasPrefix(path, "s3://overturemaps-us-west-2/release/20") ||
		!strings.HasSuffix(path, "/theme=places/type=place/*") {
		t.Errorf("the public bucket is %s", path)
	}
}

func TestPlan_boxes_hold_the_circle(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		lat, lon := rng.Float64()*178-89, rng.Float64()*360-180
		km := 1 + rng.Float64()*499
		campaign := denver("plumber", "data")
		campaign.Geo = leadlake.GeoSpec{Lat: &lat, Lon: &lon, RadiusKM: km}
		queries := plan(t, campaign)
		for range 50 {
			pLat, pLon := along(lat, lon, rng.Float64()*2*math.Pi, 0.999*km)
			inside := false
			for _, q := range queries {
				side := func(name string) float64 {
					v, err := strconv.ParseFloat(q.Params[name], 64)
					if err != nil {
						t.Fatal(err)
					}
					return v
				}
				inside = inside || pLat >= side("south") && pLat <= side("north") && pLon >= side("west") && pLon <= side("east")
			}
			if !inside {
				t.Fatalf("%g, %g within %g km: no box holds %g, %g", lat, lon, km, pLat, pLon)
			}
		}
	}
}

// along is the point at a bearing and a distance on the sphere.
func along(lat, lon, bearing, km float64) (float64, float64) {
	d := km / 6371.0088
	lat1 := lat * math.Pi / 180
	lat2 := math.Asin(math.Sin(lat1)*math.Cos(d) + math.Cos(lat1)*math.Sin(d)*math.Cos(bearing))
	dLon := math.Atan2(math.Sin(bearing)*math.Sin(d)*math.Cos(lat1), math.Cos(d)-math.Sin(lat1)*math.Sin(lat2))
	return lat2 * 180 / math.Pi, math.Mod(lon+dLon*180/math.Pi+540, 360) - 180
}

func TestPlan_says_what_the_campaign_lacks(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*leadlake.CampaignSpec){
		"Atlantis":  func(c *leadlake.CampaignSpec) { c.Geo.City = "Atlantis" },
		"place":     func(c *leadlake.CampaignSpec) { c.Geo = leadlake.GeoSpec{} },
		"radius_km": func(c *leadlake.CampaignSpec) { c.Geo.RadiusKM = 501 },
	} {
		campaign := denver("plumber", "data")
		change(&campaign)
		_, err := source.Plan(campaign, campaign.Sources[0])
		if err == nil || leadlake.ErrorCode(err) == leadlake.Internal || !strings.Contains(err.Error(), want) {
			t.Errorf("Plan: %v, want an error that names %s", err, want)
		}
	}
}

func TestRequest_puts_no_value_into_the_text(t *testing.T) {
	t.Parallel()
	campaign := denver(`x'; drop table t; --`, `o'brien/places`)
	r, err := source.Request(plan(t, campaign)[0], `1' or '1'='1`)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(r.SQL, "drop") || strings.Contains(r.SQL, "brien") || strings.Contains(r.SQL, "or '1'") || len(r.Args) != 7 {
		t.Errorf("%s with %v", r.SQL, r.Args)
	}
	if r.CostMicros != 0 || r.URL != "" {
		t.Errorf("%+v", r)
	}
	if _, err := source.Request(ingest.Query{Params: map[string]string{"south": "x"}}, ""); err == nil {
		t.Error("a query without a box gave a request")
	}
}

// parse is a page with its rows.
func parse(body string) (page ingest.Page, rows []ingest.Record, err error) {
	page, err = source.Parse(ingest.Query{Provider: "overture"}, ingest.Response{Status: http.StatusOK, Body: strings.NewReader(body)}, func(r ingest.Record) error {
		r.Raw = bytes.Clone(r.Raw)
		rows = append(rows, r)
		return nil
	})
	return page, rows, err
}

func TestParse_reads_a_line_a_row(t *testing.T) {
	t.Parallel()
	page, rows, err := parse(`{"key": "1", "raw": {"id": "1", "names": {"primary": "Ace \u0026 Co"}, "someday": [1, 2.50]}}
{"key":"2","raw":"{\"id\":\"2\",\"geometry\":null}"}

{"key":"3","raw":{"names":{}}}
{"key":"4","raw":{"id":"4","bbox":"here"}}
{"key":"5","raw":null}
{"key":"6","raw":"text"}
{"key":"7"}
[8]`)
	if err != nil {
		t.Fatal(err)
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
		{"1", `{"id":"1","names":{"primary":"Ace \u0026 Co"},"someday":[1,2.50]}`, ""},
		{"2", `{"id":"2","geometry":null}`, ""},
		{"", `{"names":{}}`, "missing_key"},
		{"", `{"id":"4","bbox":"here"}`, "retyped_field"},
		{"", `null`, "not_an_object"},
		{"", `"text"`, "not_an_object"},
		{"", `{"key":"7"}`, "missing_key"},
		{"", `[8]`, "not_an_object"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows:\n%s", diff)
	}
	if diff := cmp.Diff(ingest.Page{Unknown: []string{"geometry", "someday"}}, page); diff != "" {
		t.Errorf("page:\n%s", diff)
	}
}

func TestParse_goes_on_after_a_full_page(t *testing.T) {
	t.Parallel()
	full := source.Spec().PageSize
	var b strings.Builder
	for i := range full - 1 {
		fmt.Fprintf(&b, "{\"key\":\"%05d\",\"raw\":{\"id\":\"%05d\"}}\n", i, i)
	}
	if page, rows, err := parse(b.String()); err != nil || page.Next != "" || len(rows) != full-1 {
		t.Errorf("a page that is not full leads to %q with %d rows, %v", page.Next, len(rows), err)
	}
	b.WriteString(`{"key":"zz","raw":null}`) // a row for quarantine is a row
	if page, rows, err := parse(b.String()); err != nil || page.Next != "zz" || len(rows) != full {
		t.Errorf("a full page leads to %q with %d rows, %v", page.Next, len(rows), err)
	}
}

func TestParse_refuses_what_is_no_line_of_json(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"key":"1","raw":{"id":"1"}`, "<html>", "{\"key\":\"1\"}\n{"} {
		if _, _, err := parse(body); leadlake.ErrorCode(err) != leadlake.Unavailable {
			t.Errorf("%q: %v", body, err)
		}
	}
	if _, _, err := parse(`{"key":"` + strings.Repeat("x", 17<<20) + `"}`); leadlake.ErrorCode(err) != leadlake.Invalid {
		t.Errorf("a row of 17 MiB: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"key":"1","raw":{"id":"1","names":{"primary":"Ace"}}}`))
	f.Add([]byte("{\"key\":\"1\",\"raw\":\"{\\\"id\\\":1}\"}\n{\"key\":null}"))
	f.Add([]byte("{\"key\":\"1\",\"raw\":{\"id\":\"\xff\"}}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, rows, err := ingesttest.Parse(source, ingest.Query{}, body)
		for _, r := range rows {
			if r.Problem == nil && (r.Key == "" || !json.Valid(r.Raw)) {
				t.Errorf("row %+v of %q, %v", r, body, err)
			}
		}
	})
}
