package apollo_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/apollo"
	"github.com/leadlake/leadlake/ingest/ingesttest"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

func newCity(t *testing.T, size int) (*world.World, func(key string, r ingest.Request) *httptest.ResponseRecorder) {
	t.Helper()
	w, err := world.New(world.Config{Size: size})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sandbox.New(sandbox.Config{World: w})
	if err != nil {
		t.Fatal(err)
	}
	return w, func(key string, r ingest.Request) *httptest.ResponseRecorder {
		req := httptest.NewRequestWithContext(t.Context(), r.Method, "/apollo"+r.URL, bytes.NewReader(r.Body))
		for name, values := range r.Header {
			req.Header[name] = values
		}
		req.Header.Set(apollo.Source{}.Spec().CredentialHeader, key)
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, req)
		return rec
	}
}

func TestSandbox_discovery_finds_the_companies_of_the_city(t *testing.T) {
	t.Parallel()
	w, send := newCity(t, 6000)
	src, campaign := apollo.Source{}, denver("plumber")
	queries, err := src.Plan(campaign, campaign.Sources[0])
	if err != nil {
		t.Fatal(err)
	}
	found, pages := map[string]bool{}, 0
	for cursor, more := "", true; more; pages++ {
		r, err := src.Request(queries[0], cursor)
		if err != nil {
			t.Fatal(err)
		}
		rec := send("sandbox", r)
		if rec.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", r.URL, rec.Code, rec.Body)
		}
		page, err := src.Parse(queries[0], ingest.Response{Status: rec.Code, Body: rec.Body}, func(r ingest.Record) error {
			if r.Problem != nil {
				t.Errorf("row %s: %+v", r.Raw, r.Problem)
			}
			found[r.Key] = true
			return nil
		})
		if err != nil || len(page.Unknown) > 0 {
			t.Fatalf("unknown %v, %v", page.Unknown, err)
		}
		cursor, more = page.Next, page.Next != ""
	}
	want := 0
	for _, l := range w.Listings(world.Apollo) {
		if l.Category.Type == "plumber" && l.City == "Denver" {
			want++
			if !found[l.Key] {
				t.Errorf("%s %s was not found", l.Key, l.Name)
			}
		}
	}
	t.Logf("%d companies on %d pages", want, pages)
	if want < 50 || len(found) != want || pages < 2 {
		t.Errorf("%d companies found on %d pages, %d are there", len(found), pages, want)
	}
}

func TestSandbox_lookups_find_the_company_of_a_domain(t *testing.T) {
	t.Parallel()
	w, send := newCity(t, 3000)
	src := apollo.Source{}
	asked := 0
	for i, l := range w.Listings(world.Apollo) {
		if i%5 > 0 {
			continue
		}
		for _, q := range src.Lookup(ingest.Subject{Domain: l.Domain}) {
			asked++
			r, err := src.Request(q, "")
			if err != nil {
				t.Fatal(err)
			}
			rec := send("sandbox", r)
			_, rows, err := ingesttest.Parse(src, q, rec.Body.Bytes())
			if err != nil || len(rows) != 1 || rows[0].Key != l.Key || len(rows[0].Gives) == 0 {
				t.Fatalf("%s: %d %s: %v", r.URL, rec.Code, rec.Body, err)
			}
		}
	}
	if asked < 100 {
		t.Errorf("only %d companies were asked about", asked)
	}
}

func TestSandbox_keys_with_a_meaning_are_judged(t *testing.T) {
	t.Parallel()
	_, send := newCity(t, 20)
	src := apollo.Source{}
	lookup, err := src.Request(src.Lookup(ingest.Subject{Domain: "fernhollow.example"})[0], "")
	if err != nil {
		t.Fatal(err)
	}
	campaign := denver("plumber")
	queries, err := src.Plan(campaign, campaign.Sources[0])
	if err != nil {
		t.Fatal(err)
	}
	search, err := src.Request(queries[0], "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []ingest.Request{lookup, search} {
		for key, want := range map[string]ingest.Verdict{
			"invalid": ingest.Denied, "nocredit": ingest.Spent, "nocontract": ingest.Refused,
		} {
			rec := send(key, r)
			if got := src.Judge(rec.Code, rec.Header(), rec.Body.Bytes()); got.Verdict != want {
				t.Errorf("%s with key %s: %d %s is judged %q, want %q", r.Endpoint, key, rec.Code, rec.Body, got.Verdict, want)
			}
		}
	}
}
