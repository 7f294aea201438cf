package opencorporates_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// call does what the engine does: it adds the key and sends the request.
func call(t *testing.T, server http.Handler, q ingest.Query, cursor, key string) *httptest.ResponseRecorder {
	t.Helper()
	r, err := source.Request(q, cursor)
	if err != nil {
		t.Fatal(err)
	}
	target := "/opencorporates" + r.URL + "&" + source.Spec().CredentialQuery + "=" + key
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	return answer
}

func TestSource_reads_the_sandbox(t *testing.T) {
	t.Parallel()
	w, err := world.New(world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := sandbox.New(sandbox.Config{World: w})
	if err != nil {
		t.Fatal(err)
	}
	campaign := denver("plumber")
	queries, err := source.Plan(campaign, campaign.Sources[0])
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, q := range queries {
		for cursor, more := "", true; more; {
			answer := call(t, server, q, cursor, "sandbox")
			page, rows, err := parse(q, answer.Body.String())
			if err != nil || len(page.Unknown) > 0 {
				t.Fatalf("%d %s: %+v, %v", answer.Code, answer.Body, page, err)
			}
			for _, r := range rows {
				if r.Problem != nil || found[r.Key] {
					t.Fatalf("%+v is no company, or comes twice", r)
				}
				found[r.Key] = true
			}
			cursor, more = page.Next, page.Next != ""
		}
	}
	if len(found) < 100 {
		t.Errorf("%d companies with plumb in their names", len(found))
	}

	asked, right, wrong := 0, 0, 0
	for _, b := range w.Businesses[:200] {
		if b.Chain != "" {
			continue
		}
		q := lookup(t, ingest.Subject{Name: b.Name, Postal: b.Site.Postal, Region: w.Metro.Region, Country: w.Metro.Country})
		answer := call(t, server, q, "", "sandbox")
		_, rows, err := parse(q, answer.Body.String())
		if err != nil || len(rows) > 1 {
			t.Fatalf("%d %s: %v", answer.Code, answer.Body, err)
		}
		asked++
		for _, r := range rows {
			if r.Key == w.Jurisdiction()+"/"+b.Company.RegistryNumber {
				right++
			} else {
				wrong++
				t.Logf("%s is taken for %.300s", b.Name, r.Raw)
			}
		}
	}
	t.Logf("%d asked, %d right, %d wrong", asked, right, wrong)
	if right < asked/2 || wrong > asked/60 {
		t.Errorf("of %d asked %d are right and %d wrong", asked, right, wrong)
	}
	for key, want := range map[string]ingest.Verdict{"invalid": ingest.Denied, "nocredit": ingest.Spent, "nocontract": ingest.Refused} {
		answer := call(t, server, queries[0], "", key)
		if j := source.Judge(answer.Code, answer.Header(), answer.Body.Bytes()); j.Verdict != want {
			t.Errorf("key %s: %d %s is %q, want %q", key, answer.Code, answer.Body, j.Verdict, want)
		}
	}
}
