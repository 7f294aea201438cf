package yelp_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/ingesttest"
	"github.com/leadlake/leadlake/ingest/yelp"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

func newCity(t *testing.T) (*world.World, func(key string, r ingest.Request) *httptest.ResponseRecorder) {
	t.Helper()
	w, err := world.New(world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sandbox.New(sandbox.Config{World: w})
	if err != nil {
		t.Fatal(err)
	}
	return w, func(key string, r ingest.Request) *httptest.ResponseRecorder {
		req := httptest.NewRequestWithContext(t.Context(), r.Method, "/yelp"+r.URL, bytes.NewReader(r.Body))
		spec := yelp.Source{}.Spec()
		req.Header.Set(spec.CredentialHeader, spec.CredentialPrefix+key)
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, req)
		return rec
	}
}

func TestSandbox_discovery_finds_the_plumbers_of_the_city(t *testing.T) {
	t.Parallel()
	w, send := newCity(t)
	src, campaign := yelp.Source{}, denver("plumber", 60)
	queries, err := src.Plan(campaign, campaign.Sources[0])
	if err != nil {
		t.Fatal(err)
	}
	found, calls := map[string]bool{}, 0
	for len(queries) > 0 {
		q := queries[0]
		queries = queries[1:]
		total := int64(0)
		for cursor, more := "", true; more; calls++ {
			r, err := src.Request(q, cursor)
			if err != nil {
				t.Fatal(err)
			}
			rec := send("sandbox", r)
			if rec.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", r.URL, rec.Code, rec.Body)
			}
			page, err := src.Parse(q, ingest.Response{Status: rec.Code, Body: rec.Body}, func(r ingest.Record) error {
				if r.Problem != nil {
					t.Errorf("row %s: %+v", r.Raw, r.Problem)
				}
				found[r.Key] = true
				return nil
			})
			if err != nil || len(page.Unknown) > 0 {
				t.Fatalf("unknown %v, %v", page.Unknown, err)
			}
			total = page.Total
			cursor, more = page.Next, page.Next != ""
		}
		if total > 240 { // as the engine does, cut the tile
			b := *q.Tile
			lat, lon := (b.South+b.North)/2, (b.West+b.East)/2
			for _, part := range []ingest.Box{
				{South: b.South, North: lat, West: b.West, East: lon}, {South: b.South, North: lat, West: lon, East: b.East},
				{South: lat, North: b.North, West: b.West, East: lon}, {South: lat, North: b.North, West: lon, East: b.East},
			} {
				queries = append(queries, src.At(q, part))
			}
		}
	}
	want, got := 0, 0
	for _, l := range w.Listings(world.Yelp) {
		if l.Category.Type == "plumber" && l.MovedTo == "" {
			want++
			if found[l.Key] {
				got++
			}
		}
	}
	t.Logf("%d of %d plumbers with %d calls", got, want, calls)
	if want < 200 || float64(got) < 0.98*float64(want) {
		t.Errorf("%d of %d plumbers found", got, want)
	}
}

func TestSandbox_lookups_find_the_business_that_is_meant(t *testing.T) {
	t.Parallel()
	w, send := newCity(t)
	src := yelp.Source{}
	asked, right, wrong := 0, 0, 0
	for i, l := range w.Listings(world.Yelp) {
		if i%10 != 0 || l.MovedTo != "" || l.Area {
			continue
		}
		subject := ingest.Subject{
			Provider: "list", Key: l.Key, Name: l.Name, Street: l.Street, City: l.City, Region: l.Region,
			Postal: l.Postal, Country: "US",
		}
		if l.Phone != "" && i%20 == 0 {
			subject.Phone = "+1" + l.Phone
		}
		for _, q := range src.Lookup(subject) {
			asked++
			for cursor, more := "", true; more; {
				r, err := src.Request(q, cursor)
				if err != nil {
					t.Fatal(err)
				}
				rec := send("sandbox", r)
				if rec.Code != http.StatusOK {
					t.Fatalf("%s: %d %s", r.URL, rec.Code, rec.Body)
				}
				next, rows, err := ingesttest.Parse(src, q, rec.Body.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range rows {
					if row.Key == l.Key {
						right++
					} else if gjson.GetBytes(row.Raw, "location.zip_code").String() != l.Postal {
						wrong++
					}
				}
				cursor, more = next, next != ""
			}
		}
	}
	t.Logf("%d of %d lookups right, %d elsewhere", right, asked, wrong)
	if asked < 80 || float64(right) < 0.9*float64(asked) || wrong > asked/20 {
		t.Errorf("%d of %d lookups right, %d elsewhere", right, asked, wrong)
	}
}

func TestSandbox_keys_with_a_meaning_are_judged(t *testing.T) {
	t.Parallel()
	_, send := newCity(t)
	src := yelp.Source{}
	r, err := src.Request(src.Lookup(lead())[0], "")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]ingest.Verdict{
		"invalid": ingest.Denied, "nocredit": ingest.Spent, "nocontract": ingest.Refused, "short": ingest.Denied,
	} {
		rec := send(key, r)
		if got := src.Judge(rec.Code, rec.Header(), rec.Body.Bytes()); got.Verdict != want {
			t.Errorf("key %s: %d %s is judged %q, want %q", key, rec.Code, rec.Body, got.Verdict, want)
		}
	}
}
