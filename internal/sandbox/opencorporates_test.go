package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

func registeredAs(t *testing.T, w *world.World, wanted func(*firm) bool) *firm {
	t.Helper()
	for _, f := range firms(w, world.OpenCorporates) {
		if wanted(f) {
			return f
		}
	}
	t.Fatal("no company of this world fits")
	return nil
}

func TestOpenCorporates_search_ranks_the_exact_name_first_and_wraps_items(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	f := registeredAs(t, w, func(f *firm) bool { return strings.Contains(f.Name, "&") })
	q := url.Values{"api_token": {"k"}, "q": {strings.ToLower(f.Name)}, "jurisdiction_code": {"us_de|us_co"}, "order": {"score"}}
	status, _, answer := hear(t, base+"/opencorporates/v0.4/companies/search?"+q.Encode())
	first := answer.Get("results.companies.0.company")
	if status != 200 || first.Get("name").Str != f.Name || "us_co/"+first.Get("company_number").Str != f.Key || first.Get("jurisdiction_code").Str != "us_co" {
		t.Errorf("search: %d %s", status, answer.Raw)
	}
	if answer.Get("api_version").Str != "0.4.8" || answer.Get("results.per_page").Int() != 30 || answer.Get("results.total_count").Int() < 1 {
		t.Errorf("envelope: %s", answer.Raw)
	}
	q.Set("jurisdiction_code", "gb")
	if _, _, none := hear(t, base+"/opencorporates/v0.4/companies/search?"+q.Encode()); none.Get("results.total_count").Int() != 0 || !none.Get("results.companies").IsArray() {
		t.Errorf("in another country: %s", none.Raw)
	}
}

func TestOpenCorporates_star_is_a_prefix_and_pages_do_not_overlap(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	seen := map[string]bool{}
	total, pages := 0, 1
	for page := 1; page <= pages; page++ {
		_, _, answer := hear(t, fmt.Sprintf("%s/opencorporates/v0.4/companies/search?api_token=k&q=plumb*&order=score&per_page=20&page=%d", base, page))
		total, pages = int(answer.Get("results.total_count").Int()), int(answer.Get("results.total_pages").Int())
		for _, c := range answer.Get("results.companies.#.company").Array() {
			if seen[c.Get("company_number").Str] || !strings.Contains(c.Get("name").Str, "PLUMB") {
				t.Errorf("page %d: %s", page, c.Get("name").Raw)
			}
			seen[c.Get("company_number").Str] = true
		}
	}
	if len(seen) != total || pages < 2 {
		t.Errorf("%d companies on %d pages, want %d", len(seen), pages, total)
	}
	_, _, whole := hear(t, base+"/opencorporates/v0.4/companies/search?api_token=k&q=plumb")
	_, _, large := hear(t, base+"/opencorporates/v0.4/companies/search?api_token=k&q=plumb*&per_page=1000")
	if whole.Get("results.total_count").Int() != 0 || large.Get("results.per_page").Int() != 100 {
		t.Errorf("half a word: %s; a page of 1,000: %s", whole.Get("results.total_count").Raw, large.Get("results.per_page").Raw)
	}
}

func TestOpenCorporates_company_has_relations_unless_sparse(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	f := registeredAs(t, w, func(f *firm) bool { return !redacted(f) && len(f.people) > 0 })
	address := base + "/opencorporates/v0.4/companies/" + f.Key
	_, _, full := hear(t, address+"?api_token=k")
	if full.Get("results.company.name").Str != f.Name || full.Get("results.company.officers.0.officer.position").Str == "" {
		t.Errorf("company: %s", full.Raw)
	}
	if _, _, sparse := hear(t, address+"?sparse=true", "X-API-TOKEN", "k"); sparse.Get("results.company.name").Str != f.Name || sparse.Get("results.company.officers").Exists() {
		t.Errorf("sparse: %s", sparse.Raw)
	}
	_, _, officers := hear(t, address+"/officers?api_token=k")
	if got := officers.Get("results.officers.0.officer.name").Str; got != strings.ToUpper(f.people[0].First+" "+f.people[0].Last) {
		t.Errorf("officers: %s", officers.Raw)
	}
	q := url.Values{"api_token": {"k"}, "q": {f.people[0].First + " " + f.people[0].Last}}
	if _, _, found := hear(t, base+"/opencorporates/v0.4/officers/search?"+q.Encode()); !strings.Contains(found.Raw, f.Name) {
		t.Errorf("search of officers: %s", found.Raw)
	}
}

func TestOpenCorporates_refuses_in_its_own_way(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	hidden, open := registeredAs(t, w, redacted), registeredAs(t, w, func(f *firm) bool { return !redacted(f) })
	for _, c := range []struct {
		path   string
		status int
		words  string
	}{
		{"companies/search?q=plumbing", 401, "Invalid Api Token"},
		{"companies/search?q=plumbing&api_token=invalid", 401, "Invalid Api Token"},
		{"companies/search?q=plumbing&api_token=nocredit", 403, "limit exceeded"},
		{"companies/search?q=plumbing&api_token=nocontract", 403, "permission"},
		{"companies/search?api_token=k", 400, "search term"},
		{"companies/search?q=plumbing&page=101&api_token=k", 400, "100 pages"},
		{"companies/search?q=plumbing&page=none&api_token=k", 400, "Invalid page"},
		{"companies/us_co/1?api_token=k", 404, "not found"},
		{"companies/" + hidden.Key + "?api_token=k", 503, "redacted"},
		{"companies/" + open.Key + "?api_token=k", 200, ""},
	} {
		status, _, answer := hear(t, base+"/opencorporates/v0.4/"+c.path)
		if status != c.status || !strings.Contains(answer.Get("error.message").Str, c.words) {
			t.Errorf("%s: %d %s", c.path, status, answer.Raw)
		}
	}
}

func TestOpenCorporates_is_a_page_where_it_is_down(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	inject(t, base, `{"provider":"opencorporates","times":1,"status":502}`)
	resp, err := http.Get(base + "/opencorporates/v0.4/companies/search?q=plumbing&api_token=k")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusBadGateway || gjson.ValidBytes(body) || !strings.Contains(resp.Header.Get("Content-Type"), "html") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestOpenCorporates_account_tells_the_calls_that_are_left(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	for range 3 {
		hear(t, base+"/opencorporates/v0.4/companies/search?q=plumbing&api_token=k")
	}
	_, _, answer := hear(t, base+"/opencorporates/v0.4/account_status?api_token=k")
	status := answer.Get("results.account_status")
	if status.Get("usage.today").Int() != 3 || status.Get("calls_remaining.today").Int() != registerADay-3 || status.Get("calls_remaining.this_month").Int() != registerAMonth-3 {
		t.Errorf("account: %s", answer.Raw)
	}
}
