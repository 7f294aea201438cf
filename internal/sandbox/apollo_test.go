package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

func TestApollo_search_pages_and_lists_saved_ones_apart(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	want := map[string]bool{}
	for _, l := range w.Listings(world.Apollo) {
		if l.City == "Denver" {
			want[l.Key] = true
		}
	}
	seen := map[string]bool{}
	accounts := 0
	for page := 1; ; page++ {
		status, got := reply(t, "POST", base+"/apollo/api/v1/mixed_companies/search?"+url.Values{
			"organization_locations[]": {"Denver, Colorado, United States"}, "per_page": {"100"}, "page": {text(page)},
		}.Encode(), "", "")
		p := got.Get("pagination")
		if status != 200 || p.Get("total_entries").Int() != int64(len(want)) || p.Get("page").Int() != int64(page) {
			t.Fatalf("%d %s, want %d entries", status, p.Raw, len(want))
		}
		for _, o := range got.Get("organizations").Array() {
			seen[o.Get("id").String()] = true
		}
		for _, a := range got.Get("accounts").Array() {
			accounts++
			seen[a.Get("organization_id").String()] = true
			if want[a.Get("id").String()] {
				t.Errorf("the id of an account is that of the organization: %s", a.Raw)
			}
		}
		if page >= int(p.Get("total_pages").Int()) {
			break
		}
	}
	if len(seen) != len(want) || accounts == 0 {
		t.Errorf("%d of %d, %d of them in accounts", len(seen), len(want), accounts)
	}
}

func TestApollo_filters_are_of_the_query_though_it_is_a_post(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	listings := w.Listings(world.Apollo)
	count := func(of func(*world.Listing) bool) int64 {
		n := int64(0)
		for i := range listings {
			if of(&listings[i]) {
				n++
			}
		}
		return n
	}
	all := int64(len(listings))
	tests := map[string]struct {
		query, body string
		want        int64
	}{
		"a body is not read":   {"", `{"organization_locations":["Denver"]}`, all},
		"place in other words": {"organization_locations[]=denver,%20CO", "", count(func(l *world.Listing) bool { return l.City == "Denver" })},
		"either place":         {"organization_locations[]=Golden&organization_locations[]=Boulder", "", count(func(l *world.Listing) bool { return l.City == "Golden" || l.City == "Boulder" })},
		"a place elsewhere":    {"organization_locations[]=Denver,%20Iowa", "", 0},
		"not in a place":       {"organization_not_locations[]=Colorado", "", 0},
		"domain":               {"q_organization_domains_list[]=" + listings[7].Domain, "", 1},
		"sizes":                {"organization_num_employees_ranges[]=1,10", "", count(func(l *world.Listing) bool { return l.Company.Employees <= 10 })},
		"revenue":              {"revenue_range[min]=1000000", "", count(func(l *world.Listing) bool { return l.Company.RevenueUSD >= 1_000_000 })},
		"technology": {"currently_using_any_of_technology_uids[]=google_analytics", "", count(func(l *world.Listing) bool {
			return strings.Contains(strings.Join(l.Company.Tech, " "), "Google Analytics")
		})},
		"tag":                     {"q_organization_keyword_tags[]=Plumbing", "", count(func(l *world.Listing) bool { return l.Category.Type == "plumber" })},
		"a page behind the last":  {"page=400&per_page=100", "", all},
		"empty values do not ask": {"organization_locations[]=&q_organization_name=", "", all},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, got := reply(t, "POST", base+"/apollo/api/v1/mixed_companies/search?"+tt.query, tt.body, "")
			if status != 200 || got.Get("pagination.total_entries").Int() != tt.want {
				t.Errorf("%d, %s, want %d", status, got.Get("pagination").Raw, tt.want)
			}
		})
	}
}

func TestApollo_people_are_hidden_until_they_are_matched(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	f := firms(w, world.Apollo)[3]
	_, found := reply(t, "POST", base+"/apollo/api/v1/mixed_people/api_search?person_seniorities[]=owner&q_organization_domains_list[]="+f.Domain, "", "")
	who := found.Get("people.0")
	if found.Get("total_entries").Int() != 1 || who.Get("last_name").Exists() || who.Get("email").Exists() || !strings.Contains(who.Get("last_name_obfuscated").String(), "***") {
		t.Fatalf("found %s", found.Raw)
	}
	status, got := reply(t, "POST", base+"/apollo/api/v1/people/match?id="+who.Get("id").String(), "", "")
	person := got.Get("person")
	if status != 200 || person.Get("email").String() != f.people[0].Email || person.Get("last_name").String() != f.people[0].Last || person.Get("phone_numbers").Exists() {
		t.Errorf("%d %s", status, got.Raw)
	}
	if id := got.Get("request_id"); id.Type != gjson.Number || id.Int() <= 1<<53 || int64(float64(id.Int())) == id.Int() {
		t.Errorf("request id %s survives a float", id.Raw)
	}
	_, bulk := reply(t, "POST", base+"/apollo/api/v1/people/bulk_match", `{"details":[{"id":"nobody"},{"email":"`+f.people[0].Email+`"}]}`, "")
	if m := bulk.Get("matches").Array(); len(m) != 2 || m[0].Type != gjson.Null || m[1].Get("id").String() != who.Get("id").String() || bulk.Get("credits_consumed").Int() != 1 {
		t.Errorf("bulk: %s", bulk.Raw)
	}
	if _, none := reply(t, "POST", base+"/apollo/api/v1/people/match?name=Nobody+Else&domain="+f.Domain, "", ""); none.Get("person").Type != gjson.Null {
		t.Errorf("nobody is %s", none.Raw)
	}
}

func TestApollo_errors_have_their_forms(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	tests := map[string]struct {
		method, path, body, key string
		status                  int
		kind                    string // of the content
		want                    string
	}{
		"401 is plain text":             {"POST", "people/match?id=x", "", keyInvalid, 401, "text/plain", "Invalid API key. See https://docs.apollo.io/reference/authentication"},
		"no key":                        {"POST", "people/match?id=x", "", "-", 401, "text/plain", "Invalid API key."},
		"a key as a parameter is none":  {"POST", "people/match?id=x&api_key=k", "", "-", 401, "text/plain", "Invalid API key."},
		"a plan without search":         {"POST", "mixed_companies/search", "", keyNoContract, 403, "application/json", `"message": "This endpoint is only available`},
		"a key without scope":           {"GET", "organizations/enrich?domain=x.example", "", keyNoContract, 403, "application/json", `"error_code": "API_INACCESSIBLE"`},
		"no credits":                    {"GET", "organizations/enrich?domain=x.example", "", keyNoCredit, 422, "application/json", "credits"},
		"people search takes none":      {"POST", "mixed_people/api_search", "", keyNoCredit, 200, "application/json", "total_entries"},
		"no domain":                     {"GET", "organizations/enrich", "", "", 422, "application/json", "Required parameter 'domain' missing"},
		"an unknown firm is no error":   {"GET", "organizations/enrich?domain=x.example", "", "", 200, "application/json", `"organization": null`},
		"an unknown id is 422, not 404": {"GET", "organizations/x", "", "", 422, "application/json", "not a valid ID"},
		"an unknown person, too":        {"GET", "people/x", "", "", 422, "application/json", "Person does not exist."},
		"JSON that is sent as text":     {"POST", "organizations/bulk_enrich", "", "", 400, "text/plain", `"error_message":"invalid request, missing domains"`},
		"a list that is too long":       {"POST", "people/bulk_match", `{"details":[{},{},{},{},{},{},{},{},{},{},{}]}`, "", 400, "application/json", "RECORD_LIMIT_EXCEEDED"},
		"a list by a scalar's name":     {"POST", "mixed_companies/search?organization_locations=Denver", "", "", 422, "application/json", "Invalid parameters"},
		"behind the 500th page":         {"POST", "mixed_people/api_search?page=501", "", "", 422, "application/json", "Invalid parameters"},
		"a number without a webhook":    {"POST", "people/match?id=x&reveal_phone_number=true", "", "", 422, "application/json", "webhook_url"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, body := send(t, tt.method, base+"/apollo/api/v1/"+tt.path, tt.body, tt.key)
			if resp.StatusCode != tt.status || !strings.HasPrefix(resp.Header.Get("Content-Type"), tt.kind) || !strings.Contains(string(body), tt.want) {
				t.Errorf("%d %s %.300s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
			}
		})
	}
}

func TestApollo_429_of_a_people_search_is_JSON_in_JSON(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	inject(t, base, `{"provider":"apollo","method":"searchPeople","status":429}`)
	_, body := send(t, "POST", base+"/apollo/api/v1/mixed_people/api_search", "", "")
	if inner := gjson.GetBytes(body, "message").String(); !strings.HasPrefix(gjson.Get(inner, "message").String(), "The maximum number of api calls allowed for api/v1/mixed_people/api_search") {
		t.Errorf("429: %s, want JSON in JSON", body)
	}
}

func TestApollo_limits_are_told_after_the_key_is_known(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 30, 0, time.UTC)
	base := startLimited(t, func() time.Time { return now })
	search := base + "/apollo/api/v1/mixed_people/api_search"
	if resp, _ := send(t, "POST", search, "", keyInvalid); resp.Header.Get("X-Rate-Limit-Minute") != "" {
		t.Error("a 401 tells limits")
	}
	resp, _ := send(t, "POST", search, "", "")
	for h, want := range map[string]string{
		"X-Rate-Limit-Minute": "200", "X-Minute-Usage": "1", "X-Hourly-Requests-Left": "5999", "X-Rate-Limit-24-Hour": "50000",
	} {
		if got := resp.Header.Get(h); got != want {
			t.Errorf("%s is %q, want %q", h, got, want)
		}
	}
	resp, _ = send(t, "GET", base+"/apollo/api/v1/organizations/enrich?domain=x.example", "", "")
	if hourly, ok := resp.Header["X-Rate-Limit-Hourly"]; !ok || hourly[0] != "" || resp.Header.Get("X-Minute-Requests-Left") != "999" {
		t.Errorf("headers of an endpoint without an hour's limit: %v", resp.Header)
	}
	for range 199 {
		send(t, "POST", search, "", "")
	}
	if resp, body := send(t, "POST", search, "", ""); resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "61" || !strings.Contains(string(body), "200 times per minute") {
		t.Errorf("%d, retry after %q: %s", resp.StatusCode, resp.Header.Get("Retry-After"), body)
	}
}

func TestApollo_credits_are_counted(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	api := base + "/apollo/api/v1/"
	known := w.Listings(world.Apollo)[0].Domain
	send(t, "POST", api+"mixed_people/api_search", "", "mine")
	send(t, "GET", api+"organizations/enrich?domain=nowhere.example", "", "mine")
	send(t, "GET", api+"organizations/enrich?domain="+known, "", "mine")
	send(t, "POST", api+"mixed_companies/search", "", "mine")
	_, used := reply(t, "POST", api+"usage_stats/credit_usage_stats", "", "mine")
	if used.Get("credit_usage_stats.lead_credit.consumed").Int() != 2 {
		t.Errorf("used %s, want 2: a page of firms and a firm", used.Raw)
	}
	_, limits := reply(t, "POST", api+"usage_stats/api_usage_stats", "", "mine")
	if !strings.Contains(limits.Raw, `"[\"api/v1/mixed_people\", \"api_search\"]"`) {
		t.Errorf("limits %.300s", limits.Raw)
	}
}
