package crunchbase_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/crunchbase"
	"github.com/leadlake/leadlake/ingest/ingesttest"
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
		req := httptest.NewRequestWithContext(t.Context(), r.Method, "/crunchbase"+r.URL, bytes.NewReader(r.Body))
		for name, values := range r.Header {
			req.Header[name] = values
		}
		req.Header.Set(crunchbase.Source{}.Spec().CredentialHeader, key)
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, req)
		return rec
	}
}

func TestSandbox_discovery_finds_the_companies_of_the_city(t *testing.T) {
	t.Parallel()
	w, send := newCity(t)
	src, campaign := crunchbase.Source{}, denver("dentist")
	queries, err := src.Plan(campaign, campaign.Sources[0])
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for cursor, more := "", true; more; {
		r, err := src.Request(queries[0], cursor)
		if err != nil {
			t.Fatal(err)
		}
		rec := send("sandbox", r)
		if rec.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", r.Body, rec.Code, rec.Body)
		}
		next, rows, err := ingesttest.Parse(src, queries[0], rec.Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if row.Problem != nil {
				t.Errorf("row %s: %+v", row.Raw, row.Problem)
			}
			found[row.Key] = true
		}
		cursor, more = next, next != ""
	}
	want := 0
	for _, l := range w.Listings(world.Crunchbase) {
		if l.Category.Type == "dentist" && l.City == "Denver" {
			want++
			if !found[l.Key] {
				t.Errorf("%s %s was not found", l.Key, l.Name)
			}
		}
	}
	if want < 5 || len(found) != want {
		t.Errorf("%d companies found, %d are there", len(found), want)
	}
}

func TestSandbox_lookups_find_the_company_of_a_domain(t *testing.T) {
	t.Parallel()
	w, send := newCity(t)
	src := crunchbase.Source{}
	asked := 0
	for _, l := range w.Listings(world.Crunchbase) {
		for _, q := range src.Lookup(ingest.Subject{Domain: l.Domain}) {
			asked++
			r, err := src.Request(q, "")
			if err != nil {
				t.Fatal(err)
			}
			rec := send("sandbox", r)
			_, rows, err := ingesttest.Parse(src, q, rec.Body.Bytes())
			if err != nil || len(rows) != 1 || rows[0].Key != l.Key || len(rows[0].Gives) == 0 {
				t.Fatalf("%s: %d %s: %v", r.Body, rec.Code, rec.Body, err)
			}
		}
	}
	if asked < 100 {
		t.Errorf("only %d companies have a domain", asked)
	}
}

func TestSandbox_keys_with_a_meaning_are_judged(t *testing.T) {
	t.Parallel()
	_, send := newCity(t)
	src := crunchbase.Source{}
	r, err := src.Request(src.Lookup(ingest.Subject{Domain: "marlstone.example"})[0], "")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]ingest.Verdict{"invalid": ingest.Denied, "nocontract": ingest.Refused} {
		rec := send(key, r)
		if got := src.Judge(rec.Code, rec.Header(), rec.Body.Bytes()); got.Verdict != want {
			t.Errorf("key %s: %d %s is judged %q, want %q", key, rec.Code, rec.Body, got.Verdict, want)
		}
	}
}
