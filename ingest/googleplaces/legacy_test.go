package googleplaces_test

import (
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/googleplaces"
	"github.com/leadlake/leadlake/ingest/ingesttest"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// newPatientCity is a sandbox whose clock goes on by three seconds each time
// it is read: a page token is ripe whenever it is used.
func newPatientCity(t *testing.T) city {
	t.Helper()
	w, err := world.New(world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var seconds atomic.Int64
	s, err := sandbox.New(sandbox.Config{World: w, Now: func() time.Time { return time.Unix(1_790_000_000+seconds.Add(3), 0) }})
	if err != nil {
		t.Fatal(err)
	}
	return city{w, s}
}

func TestLegacy_passes_the_suite(t *testing.T) {
	t.Parallel()
	c := newPatientCity(t)
	bodies := map[string][]byte{} // a token tells the time, so the same call gets the same answer
	ingesttest.Run(t, ingesttest.Case{
		Source:   googleplaces.Legacy{},
		Campaign: denver("google_places_legacy", "plumber", 5),
		Answer: func(t *testing.T, r ingest.Request) []byte {
			if bodies[r.URL] == nil {
				bodies[r.URL] = c.ask(t, googleplaces.Legacy{}, r)
			}
			return bodies[r.URL]
		},
		Empty:    []byte(`{"html_attributions":[],"results":[],"status":"ZERO_RESULTS"}`),
		MinPages: 2,
	})
}

func TestLegacy_tiles_find_the_plumbers_of_a_whole_city(t *testing.T) {
	t.Parallel()
	c := newPatientCity(t)
	found, calls := c.cover(t, googleplaces.Legacy{}, denver("google_places_legacy", "type:plumber", 50))
	want, got := 0, 0
	for _, l := range c.world.Listings(world.GooglePlaces) {
		if l.Category.Type == "plumber" && !l.Area && l.Status != world.ClosedForGood {
			want++
			if found[l.Key] {
				got++
			}
		}
	}
	t.Logf("%d of %d plumbers with %d calls", got, want, calls)
	if float64(got) < 0.99*float64(want) || want < 100 || calls > want/4 {
		t.Errorf("%d of %d plumbers found with %d calls", got, want, calls)
	}
}

func TestLegacy_second_page_is_asked_with_its_token_alone(t *testing.T) {
	t.Parallel()
	src, campaign := googleplaces.Legacy{}, denver("google_places_legacy", "plumber", 5)
	queries, err := src.Plan(campaign, campaign.Sources[0])
	if err != nil {
		t.Fatal(err)
	}
	r, err := src.Request(queries[0], "a+b")
	if err != nil || r.URL != "/maps/api/place/nearbysearch/json?pagetoken=a%2Bb" {
		t.Errorf("%s, %v", r.URL, err)
	}
	if _, err := src.Request(ingest.Query{}, ""); err == nil {
		t.Error("a query without a circle gave a request")
	}
}

func FuzzLegacyParse(f *testing.F) {
	f.Add([]byte(`{"status":"OK","results":[{"place_id":"p1"},{"place_id":null}],"next_page_token":"t"}`))
	f.Add([]byte(`{"status":"OK","results":{}}`))
	f.Add([]byte(`{"status":"UNKNOWN_ERROR"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, rows, err := ingesttest.Parse(googleplaces.Legacy{}, ingest.Query{}, body)
		for _, r := range rows {
			if r.Problem == nil && (r.Key == "" || !json.Valid(r.Raw)) {
				t.Errorf("row %+v of %q, %v", r, body, err)
			}
		}
	})
}
