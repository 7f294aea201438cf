package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// hear asks a provider; headers are pairs of a name and a value.
func hear(t *testing.T, address string, headers ...string) (status int, header http.Header, answer gjson.Result) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, gjson.ParseBytes(body)
}

// staffed returns firms of a provider with at least n people with addresses.
func staffed(w *world.World, provider string, n int) []*firm {
	all := firms(w, provider)
	return slices.DeleteFunc(all, func(f *firm) bool { return f.Domain == "" || len(f.people) < n })
}

func TestHunter_takes_the_key_in_three_places_and_refuses_in_its_own_way(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	address := base + "/hunter/v2/domain-search?domain=" + staffed(w, world.Hunter, 1)[0].Domain
	for _, c := range []struct {
		query  string
		header []string
		status int
		id     string
	}{
		{"", nil, 401, "authentication_failed"},
		{"&api_key=any", nil, 200, ""},
		{"", []string{"X-API-KEY", "any"}, 200, ""},
		{"", []string{"Authorization", "Bearer any"}, 200, ""},
		{"&api_key=invalid", nil, 401, "authentication_failed"},
		{"&api_key=nocredit", nil, 429, "too_many_requests"},
		{"&api_key=nocontract", nil, 403, "forbidden"},
		{"&api_key=any&limit=101", nil, 400, "pagination_error"},
		{"&api_key=any&limit=0", nil, 400, "pagination_error"},
		{"&api_key=any&offset=10001", nil, 400, "pagination_error"},
		{"&api_key=any&type=both", nil, 400, "wrong_params"},
	} {
		status, _, answer := hear(t, address+c.query, c.header...)
		if e := answer.Get("errors.0"); status != c.status || e.Get("id").Str != c.id || c.id != "" && e.Get("code").Int() != int64(status) {
			t.Errorf("%s %v: %d %s, want %d %s", c.query, c.header, status, answer.Raw, c.status, c.id)
		}
	}
	if status, _, answer := hear(t, base+"/hunter/v2/domain-search?api_key=k"); status != 400 || answer.Get("errors.0.id").Str != "wrong_params" {
		t.Errorf("without a domain: %d %s", status, answer.Raw)
	}
}

func TestHunter_faults_keep_its_reversed_meaning_of_403_and_429(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	address := base + "/hunter/v2/domain-search?api_key=k&domain=" + staffed(w, world.Hunter, 1)[0].Domain
	for status, text := range map[int]string{403: "rate limit", 429: "billing period", 451: "stop the processing", 500: "Injected"} {
		inject(t, base, fmt.Sprintf(`{"provider":"hunter","times":1,"status":%d}`, status))
		got, _, answer := hear(t, address)
		if got != status || !strings.Contains(answer.Get("errors.0.details").Str, text) {
			t.Errorf("%d: %d %s", status, got, answer.Raw)
		}
	}
}

func TestHunter_limits_the_verifier_harder_than_the_search(t *testing.T) {
	t.Parallel()
	most := map[string]int{}
	for _, l := range newHunter(mustWorld(t), nil).limits() {
		for _, m := range l.Methods {
			most[m] = max(most[m], l.Max)
		}
		if l.Status != http.StatusForbidden {
			t.Errorf("%+v is not refused with 403", l)
		}
	}
	if most["domain-search"] != 500 || most["email-verifier"] != 300 || most["email-count"] != 0 {
		t.Errorf("limits of a minute %v", most)
	}
}

func mustWorld(t *testing.T) *world.World {
	t.Helper()
	w, err := world.New(world.Config{Size: 200})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestHunter_domain_search_pages_and_filters(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	f := staffed(w, world.Hunter, 4)[0]
	address := base + "/hunter/v2/domain-search?api_key=k&domain=" + f.Domain
	_, _, all := hear(t, address)
	total := int(all.Get("meta.results").Int())
	if total < 3 || total != len(all.Get("data.emails").Array()) || all.Get("data.organization").Str != f.Name {
		t.Fatalf("all: %s", all.Raw)
	}
	var paged []string
	for offset := 0; offset < total; offset += 2 {
		_, _, page := hear(t, fmt.Sprintf("%s&limit=2&offset=%d", address, offset))
		if n := len(page.Get("data.emails").Array()); n == 0 || n > 2 || page.Get("meta.limit").Int() != 2 {
			t.Errorf("page at %d: %s", offset, page.Raw)
		}
		for _, m := range page.Get("data.emails.#.value").Array() {
			paged = append(paged, m.Str)
		}
	}
	var whole []string
	for _, m := range all.Get("data.emails.#.value").Array() {
		whole = append(whole, m.Str)
	}
	if !slices.Equal(paged, whole) {
		t.Errorf("pages give %v, one page %v", paged, whole)
	}
	_, _, generic := hear(t, address+"&type=generic")
	_, _, personal := hear(t, address+"&type=personal&seniority=executive")
	for _, m := range generic.Get("data.emails").Array() {
		if m.Get("type").Str != "generic" || m.Get("first_name").Type != gjson.Null {
			t.Errorf("generic: %s", m.Raw)
		}
	}
	for _, m := range personal.Get("data.emails").Array() {
		if m.Get("type").Str != "personal" || m.Get("seniority").Str != "executive" || m.Get("last_name").Str == "" {
			t.Errorf("personal: %s", m.Raw)
		}
	}
	if status, _, none := hear(t, base+"/hunter/v2/domain-search?api_key=k&domain=nowhere.example"); status != 200 || none.Get("meta.results").Int() != 0 {
		t.Errorf("an unknown domain: %d %s", status, none.Raw)
	}
	_, _, count := hear(t, base+"/hunter/v2/email-count?domain="+f.Domain)
	if count.Get("data.total").Int() != int64(total) || count.Get("data.generic_emails").Int()+count.Get("data.personal_emails").Int() != int64(total) {
		t.Errorf("the count, without a key: %s", count.Raw)
	}
}

// someone finds a person by what Hunter has to say of them.
func someone(t *testing.T, w *world.World, wanted func(email string) bool) *employee {
	t.Helper()
	for _, f := range firms(w, world.Hunter) {
		for i := range f.people {
			if e := &f.people[i]; e.Email != "" && wanted(e.Email) {
				return e
			}
		}
	}
	t.Fatal("nobody in this world fits")
	return nil
}

func TestHunter_finds_and_verifies_people_but_not_those_who_objected(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	v2 := base + "/hunter/v2/"
	e := someone(t, w, func(m string) bool { return !erased(m) })
	name := url.Values{"api_key": {"k"}, "domain": {e.firm.Domain}, "full_name": {e.First + " " + e.Last}}
	if status, _, answer := hear(t, v2+"email-finder?"+name.Encode()); status != 200 || answer.Get("data.email").Str != e.Email {
		t.Errorf("finder: %d %s", status, answer.Raw)
	}
	name.Set("full_name", "Nobody Here")
	if status, _, answer := hear(t, v2+"email-finder?"+name.Encode()); status != 200 || answer.Get("data.email").Type != gjson.Null {
		t.Errorf("finder of a stranger: %d %s", status, answer.Raw)
	}
	for i, want := range []int{202, 200, 200} {
		status, _, answer := hear(t, v2+"email-verifier?api_key=k&email="+e.Email)
		if status != want || want == 200 && answer.Get("data.status").Str == "" {
			t.Errorf("verifier, time %d: %d %s", i+1, status, answer.Raw)
		}
	}
	gone := someone(t, w, erased)
	name.Set("domain", gone.firm.Domain)
	name.Set("full_name", gone.First+" "+gone.Last)
	for _, path := range []string{"email-finder?" + name.Encode(), "email-verifier?api_key=k&email=" + gone.Email, "people/find?api_key=k&email=" + gone.Email, "combined/find?api_key=k&email=" + gone.Email} {
		if status, _, answer := hear(t, v2+path); status != 451 || answer.Get("errors.0.id").Str != "claimed_email" {
			t.Errorf("%s: %d %s", path, status, answer.Raw)
		}
	}
	if _, _, answer := hear(t, v2+"domain-search?api_key=k&limit=100&domain="+gone.firm.Domain); strings.Contains(answer.Raw, gone.Email) {
		t.Errorf("who objected is still listed: %s", answer.Raw)
	}
}

func TestHunter_companies_have_two_forms_on_both_mounts(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	f := staffed(w, world.Hunter, 2)[0]
	for _, mount := range []string{"hunter", "hunter_companies"} {
		address := base + "/" + mount + "/v2/companies/find?api_key=k&domain=" + f.Domain
		_, _, own := hear(t, address)
		_, _, theirs := hear(t, address+"&clearbit_format=true")
		if got := own.Get("data.metrics.employees"); got.Str != headcount(f.Company.Employees) {
			t.Errorf("%s, own form: %s", mount, got.Raw)
		}
		if got := theirs.Get("data.metrics"); got.Get("employees").Int() != int64(f.Company.Employees) || got.Get("employeesRange").Str == "" {
			t.Errorf("%s, Clearbit's form: %s", mount, got.Raw)
		}
	}
	if status, _, answer := hear(t, base+"/hunter_companies/v2/companies/find?api_key=k&domain=nowhere.example"); status != 404 || answer.Get("errors.0.id").Str != "not_found" {
		t.Errorf("an unknown domain: %d %s", status, answer.Raw)
	}
}

func TestHunter_takes_a_credit_for_results_only(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	known := someone(t, w, func(m string) bool { return !erased(m) })
	for _, path := range []string{
		"domain-search?domain=" + known.firm.Domain, "domain-search?domain=nowhere.example",
		"email-finder?full_name=Nobody+Here&domain=" + known.firm.Domain,
		"email-verifier?email=" + known.Email, "email-verifier?email=" + known.Email,
		"email-count?domain=" + known.firm.Domain, "account?", "companies/find?domain=nowhere.example",
	} {
		hear(t, base+"/hunter/v2/"+path+"&api_key=k")
	}
	calls := get[map[string]map[string]Count](t, base+"/__sandbox/calls")["hunter"]
	for method, want := range map[string]int{"domain-search": 1, "email-finder": 0, "email-verifier": 1, "email-count": 0, "account": 0, "companies/find": 0} {
		if calls[method].Billed != want {
			t.Errorf("%s bills %d, want %d: %+v", method, calls[method].Billed, want, calls[method])
		}
	}
}
