package sandbox

import (
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// prompt says whether a lookup is answered at once.
func prompt(what, key string) bool { return roll("queued "+what, key, 6) != 0 }

func TestClearbit_company_is_found_by_domain_with_either_credential(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	for _, f := range staffed(w, world.Clearbit, 1) {
		if !prompt("company", f.Domain) || f.Street == "" {
			continue
		}
		for _, credential := range []string{"Basic YW55Og==", "Bearer any"} {
			status, header, answer := hear(t, base+"/clearbit/v2/companies/find?domain="+f.Domain, "Authorization", credential)
			if status != 200 || answer.Get("name").Str != f.Name || answer.Get("metrics.employees").Int() != int64(f.Company.Employees) ||
				answer.Get("geo.streetNumber").Str == "" || answer.Get("emailProvider").Type != gjson.False {
				t.Errorf("%s: %d %s", credential, status, answer.Raw)
			}
			if header.Get("X-RateLimit-Limit") != "600" || header.Get("X-RateLimit-Remaining") == "" || header.Get("X-RateLimit-Reset") == "" || header.Get("X-API-Version") == "" {
				t.Errorf("%s: headers %v", credential, header)
			}
		}
		return
	}
	t.Fatal("no company is answered at once")
}

func TestClearbit_queues_some_lookups_once(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	queued := 0
	for _, f := range staffed(w, world.Clearbit, 1)[:60] {
		if prompt("company", f.Domain) {
			continue
		}
		queued++
		for i, want := range []int{202, 200} {
			status, _, answer := hear(t, base+"/clearbit/v2/companies/find?domain="+f.Domain, "Authorization", "Bearer any")
			if status != want || want == 202 && answer.Get("error.type").Str != "queued" {
				t.Errorf("%s, time %d: %d %s", f.Domain, i+1, status, answer.Raw)
			}
		}
	}
	if queued == 0 {
		t.Error("no lookup was queued")
	}
}

func TestClearbit_refuses_in_its_own_way(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	known := staffed(w, world.Clearbit, 1)[0].Domain
	for _, c := range []struct {
		path, key  string
		status     int
		path2error string
		kind       string
	}{
		{"v2/companies/find?domain=" + known, "invalid", 401, "error.type", "auth_invalid"},
		{"v2/companies/find?domain=" + known, "nocredit", 402, "error.type", "over_plan_limit"},
		{"v2/companies/find?domain=" + known, "nocontract", 403, "error.type", "forbidden"},
		{"v2/companies/find?domain=word", "any", 422, "error.0.type", "domain_invalid"},
		{"v2/people/find?email=word", "any", 422, "error.0.type", "email_invalid"},
		{"v1/domains/find?name=Nobody+At+All", "any", 404, "error.type", "unknown_record"},
	} {
		status, _, answer := hear(t, base+"/clearbit/"+c.path, "Authorization", "Bearer "+c.key)
		if status != c.status || answer.Get(c.path2error).Str != c.kind {
			t.Errorf("%s with %s: %d %s, want %d %s", c.path, c.key, status, answer.Raw, c.status, c.kind)
		}
	}
	if status, _, answer := hear(t, base+"/clearbit/v2/companies/find?domain="+known); status != 401 || answer.Get("error.type").Str != "auth_required" {
		t.Errorf("without a key: %d %s", status, answer.Raw)
	}
	for i := range 50 { // some of them are queued first
		status, _, answer := hear(t, fmt.Sprintf("%s/clearbit/v2/companies/find?domain=nowhere%d.example", base, i), "Authorization", "Bearer any")
		if status != 202 && (status != 404 || answer.Get("error.type").Str != "unknown_record") {
			t.Errorf("an unknown domain: %d %s", status, answer.Raw)
		}
	}
}

func TestClearbit_combined_gives_null_for_the_half_it_does_not_know(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	for _, f := range staffed(w, world.Clearbit, 1) {
		known, stranger := f.people[0].Email, "nobody@"+f.Domain
		if !prompt("person", known) || !prompt("person", stranger) {
			continue
		}
		address := base + "/clearbit/v2/combined/find?email="
		_, _, both := hear(t, address+known, "Authorization", "Bearer any")
		if both.Get("person.email").Str != known || both.Get("person.employment.domain").Str != f.Domain || both.Get("company.domain").Str != f.Domain {
			t.Errorf("both: %s", both.Raw)
		}
		status, _, half := hear(t, address+stranger, "Authorization", "Bearer any")
		if status != 200 || half.Get("person").Type != gjson.Null || half.Get("company.domain").Str != f.Domain {
			t.Errorf("half: %d %s", status, half.Raw)
		}
		_, _, named := hear(t, base+"/clearbit/v2/people/find?email="+known, "Authorization", "Bearer any")
		if named.Get("name.fullName").Str != f.people[0].First+" "+f.people[0].Last {
			t.Errorf("person: %s", named.Raw)
		}
		return
	}
	t.Fatal("nobody is answered at once")
}

// Clearbit, Hunter and OpenCorporates, held to their limits: at the call after
// the last one the provider refuses as it does.
func TestLimits_end_in_the_providers_own_refusal(t *testing.T) {
	t.Parallel()
	s, err := New(Config{World: mustWorld(t), Limits: true, Now: func() time.Time { return time.Unix(1_790_000_000, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	for _, c := range []struct {
		path   string
		most   int
		status int
		words  string
	}{
		{"/hunter/v2/domain-search?domain=nowhere.example&api_key=k", 15, 403, "rate limit"},
		{"/hunter/v2/email-verifier?email=a@nowhere.example&api_key=k", 10, 403, "rate limit"},
		{"/hunter_companies/v2/companies/find?domain=nowhere.example&api_key=k", 15, 403, "rate limit"},
		{"/clearbit/v2/people/find?email=a@nowhere.example", 600, 429, "rate_limit"},
		{"/opencorporates/v0.4/companies/search?q=plumbing&api_token=k", 50, 403, "limit exceeded"},
	} {
		for i := range c.most + 1 {
			status, header, answer := hear(t, srv.URL+c.path, "Authorization", "Bearer k")
			if refused := strings.Contains(answer.Raw, c.words); refused != (i == c.most) || refused && status != c.status {
				t.Errorf("%s, call %d: %d %s", c.path, i+1, status, answer.Raw)
				break
			}
			if left := header.Get("X-RateLimit-Remaining"); c.most == 600 && left != strconv.Itoa(max(0, 599-i)) {
				t.Errorf("call %d leaves %q", i+1, left)
			}
		}
	}
}
