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

// pdlCount counts the companies of a world by what PDL prints.
func pdlCount(w *world.World, of func(object) bool) int {
	n := 0
	for _, f := range firms(w, world.PDL) {
		if of(pdlCompany(w.Metro, f)) {
			n++
		}
	}
	return n
}

func TestPDL_search_reads_sql_and_elasticsearch_alike(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	in := func(o object, town string) bool { return o["location"].(object)["locality"] == town }
	builders := pdlCount(w, func(o object) bool { return in(o, "denver") && o["industry"] == "construction" })
	denver := pdlCount(w, func(o object) bool { return in(o, "denver") })
	small := pdlCount(w, func(o object) bool { return in(o, "denver") && (o["size"] == "1-10" || o["size"] == "11-50") })
	all := pdlCount(w, func(object) bool { return true })
	tests := map[string]struct {
		sql, query string
		want       int
	}{
		"two terms": {`SELECT * FROM company WHERE location.locality='denver' AND industry='construction'`,
			`{"bool":{"must":[{"term":{"location.locality":"denver"}},{"term":{"industry":"construction"}}]}}`, builders},
		"case counts for a term": {`SELECT * FROM company WHERE location.locality='Denver'`, `{"term":{"location.locality":"Denver"}}`, 0},
		"a list": {`select * from company where location.locality = 'denver' and size in ('1-10', '11-50');`,
			`{"bool":{"filter":{"term":{"location.locality":"denver"}},"must":[{"terms":{"size":["1-10","11-50"]}}]}}`, small},
		"brackets": {`SELECT * FROM company WHERE location.locality='denver' AND (size='1-10' OR size='11-50')`,
			`{"bool":{"must":[{"term":{"location.locality":"denver"}},{"bool":{"should":[{"term":{"size":"1-10"}},{"term":{"size":"11-50"}}]}}]}}`, small},
		"not": {`SELECT * FROM company WHERE NOT location.locality='denver'`, `{"bool":{"must_not":[{"term":{"location.locality":"denver"}}]}}`, all - denver},
		"null": {`SELECT * FROM company WHERE linkedin_url IS NOT NULL`, `{"exists":{"field":"linkedin_url"}}`,
			pdlCount(w, func(o object) bool { return o["linkedin_url"] != nil })},
		"numbers": {`SELECT * FROM company WHERE employee_count >= 20 AND founded < 2000`,
			`{"bool":{"must":[{"range":{"employee_count":{"gte":20}}},{"range":{"founded":{"lt":2000}}}]}}`,
			pdlCount(w, func(o object) bool { return o["employee_count"].(int) >= 20 && o["founded"].(int) < 2000 })},
		"part of a name": {`SELECT * FROM company WHERE name LIKE '%plumbing%'`, `{"wildcard":{"name":"*plumbing*"}}`,
			pdlCount(w, func(o object) bool { return strings.Contains(o["name"].(string), "plumbing") })},
		"a tag":             {`SELECT * FROM company WHERE tags='rooter'`, `{"term":{"tags":"rooter"}}`, pdlCount(w, func(o object) bool { return strings.Contains(strings.Join(o["tags"].([]string), " "), "rooter") })},
		"a code in objects": {`SELECT * FROM company WHERE naics.naics_code='238220'`, `{"terms":{"naics.naics_code":["238220"]}}`, pdlCount(w, func(o object) bool { return o["naics"].([]object)[0]["naics_code"] == "238220" })},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			escaped := strings.ReplaceAll(tt.sql, `"`, `\"`)
			for form, body := range map[string]string{"sql": `{"sql":"` + escaped + `"}`, "query": `{"query":` + tt.query + `}`, "wrapped": `{"query":{"query":` + tt.query + `}}`} {
				status, got := reply(t, "POST", base+"/pdl/v5/company/search", body, "")
				if tt.want == 0 && status == 404 && got.Get("error.type").String() == "not_found" {
					continue // nothing found is a 404
				}
				if status != 200 || got.Get("total").Int() != int64(tt.want) || got.Get("data.#").Int() != 1 {
					t.Errorf("%s: %d, %d of %d: %.200s", form, status, got.Get("total").Int(), tt.want, got.Raw)
				}
			}
			parameter := url.Values{"query": {tt.query}}.Encode()
			if status, got := reply(t, "GET", base+"/pdl/v5/company/search?"+parameter, "", ""); tt.want > 0 && (status != 200 || got.Get("total").Int() != int64(tt.want)) {
				t.Errorf("query as a parameter: %d %.200s", status, got.Raw)
			}
		})
	}
}

func TestPDL_match_ignores_case_and_takes_any_word(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	want := pdlCount(w, func(o object) bool {
		words := pdlWords(o["name"].(string))
		return strings.Contains(" "+strings.Join(words, " ")+" ", " roofing ") || strings.Contains(" "+strings.Join(words, " ")+" ", " realty ")
	})
	_, got := reply(t, "POST", base+"/pdl/v5/company/search", `{"query":{"bool":{"must":[{"match":{"name":"ROOFING Realty"}}]}}}`, "")
	if got.Get("total").Int() != int64(want) || want == 0 {
		t.Errorf("%d, want %d", got.Get("total").Int(), want)
	}
}

func TestPDL_scroll_ends_without_a_token_and_bills_each_record(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	want := pdlCount(w, func(o object) bool { return o["location"].(object)["locality"] == "denver" })
	seen := map[string]bool{}
	const query = `"query":{"term":{"location.locality":"denver"}}`
	token, billed, pages := "", 0, 0
	for {
		resp, body := send(t, "POST", base+"/pdl/v5/company/search", `{"size":100,`+query+`,"scroll_token":"`+token+`"}`, "scroller")
		got := gjson.ParseBytes(body)
		for _, c := range got.Get("data.#.id").Array() {
			seen[c.String()] = true
		}
		if resp.Header.Get("X-Call-Credits-Spent") != got.Get("data.#").String() {
			t.Errorf("%s credits for %s records", resp.Header.Get("X-Call-Credits-Spent"), got.Get("data.#"))
		}
		billed += int(got.Get("data.#").Int())
		if resp.Header.Get("X-Lifetime-Used") != text(billed) {
			t.Errorf("used %s, want %d", resp.Header.Get("X-Lifetime-Used"), billed)
		}
		if token = got.Get("scroll_token").String(); token == "" || pages > 100 {
			break
		}
		pages++
	}
	if len(seen) != want || want <= 100 {
		t.Errorf("%d of %d companies", len(seen), want)
	}
	_, first := reply(t, "POST", base+"/pdl/v5/company/search", `{`+query+`}`, "")
	other := `{"query":{"match_all":{}},"scroll_token":"` + first.Get("scroll_token").String() + `"}`
	if status, _ := reply(t, "POST", base+"/pdl/v5/company/search", other, ""); first.Get("data.#").Int() != 1 || status != 400 {
		t.Errorf("default size %d; token of another query: %d", first.Get("data.#").Int(), status)
	}
}

func TestPDL_company_is_flat_and_a_miss_is_free(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	f := firms(w, world.PDL)[5]
	enrich := base + "/pdl/v5/company/enrich?"
	status, got := reply(t, "GET", enrich+"website=https://www."+f.Domain+"/about", "", "")
	if status != 200 || got.Get("id").String() != f.Key || got.Get("likelihood").Int() != 10 || got.Get("data").Exists() || got.Get("location.locality").String() != f.City {
		t.Errorf("%d %s", status, got.Raw)
	}
	byName := url.Values{"name": {strings.ToUpper(f.Name)}, "locality": {f.City}, "region": {"CO"}, "country": {"us"}}.Encode()
	if _, got := reply(t, "GET", enrich+byName, "", ""); got.Get("name").String() != f.Name || got.Get("likelihood").Int() >= 10 {
		t.Errorf("by name: %s", got.Raw)
	}
	if status, _ := reply(t, "GET", enrich+byName+"&min_likelihood=9", "", ""); status != 404 {
		t.Errorf("a weak match: %d", status)
	}
	resp, _ := send(t, "GET", enrich+"website=nowhere.example", "", "")
	if resp.StatusCode != http.StatusNotFound || resp.Header.Get("X-Call-Credits-Spent") != "0" {
		t.Errorf("a miss: %d, %s credits", resp.StatusCode, resp.Header.Get("X-Call-Credits-Spent"))
	}
	_, some := reply(t, "GET", enrich+"website="+f.Domain+"&data_include=id,size", "", "")
	if len(some.Map()) != 4 || some.Get("size").String() == "" {
		t.Errorf("two fields: %s", some.Raw)
	}
	_, bulk := reply(t, "POST", base+"/pdl/v5/company/enrich/bulk", `{"requests":[{"params":{"website":"nowhere.example"},"metadata":{"n":1}},{"params":{"website":"`+f.Domain+`"},"metadata":{"n":2}}]}`, "")
	if bulk.Get("0.status").Int() != 404 || bulk.Get("1.id").String() != f.Key || bulk.Get("1.metadata.n").Int() != 2 {
		t.Errorf("bulk: %s", bulk.Raw)
	}
}

func TestPDL_people_are_found_and_contacts_may_be_booleans(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	person := base + "/pdl/v5/person/"
	_, found := reply(t, "POST", person+"search", `{"size":1,"sql":"SELECT * FROM person WHERE job_title_levels='owner' AND work_email IS NOT NULL"}`, "")
	who := found.Get("data.0")
	if who.Get("full_name").String() != strings.ToLower(who.Get("full_name").String()) || strings.HasPrefix(who.Get("linkedin_url").String(), "http") || !who.Get("job_title_levels").IsArray() {
		t.Fatalf("found %s", found.Raw)
	}
	byName := url.Values{"name": {who.Get("full_name").String()}, "company": {who.Get("job_company_name").String()}, "region": {w.Metro.RegionName}}.Encode()
	for _, query := range []string{"pdl_id=" + who.Get("id").String(), "email=" + who.Get("work_email").String(), "profile=https://www." + who.Get("linkedin_url").String(), byName} {
		if status, got := reply(t, "GET", person+"enrich?"+query+"&required=emails", "", ""); status != 200 || got.Get("data.id").String() != who.Get("id").String() {
			t.Errorf("%s: %d %.200s", query, status, got.Raw)
		}
	}
	if status, _ := reply(t, "GET", person+"enrich?pdl_id="+who.Get("id").String()+"&required=emails+AND+phones", "", ""); status != 404 {
		t.Errorf("a person without a telephone: %d", status)
	}
	_, bare := reply(t, "GET", person+"enrich?pdl_id="+who.Get("id").String(), "", keyNoContacts)
	if bare.Get("data.work_email").Type != gjson.True || bare.Get("data.mobile_phone").Type != gjson.False || bare.Get("data.phone_numbers").Type != gjson.False {
		t.Errorf("a plan without contacts: %s", bare.Raw)
	}
}

func TestPDL_error_type_is_a_list_but_for_404(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	const search, enrich = "company/search", "company/enrich?website=nowhere.example"
	tests := map[string]struct {
		method, path, body, key string
		status                  int
		kind                    string
	}{
		"no match":              {"GET", enrich, "", "", 404, `"not_found"`},
		"invalid key":           {"GET", enrich, "", keyInvalid, 401, `["authentication_error"]`},
		"no key":                {"GET", enrich, "", "-", 401, `["authentication_error"]`},
		"credits used up":       {"GET", enrich, "", keyNoCredit, 402, `["payment_required"]`},
		"not in the plan":       {"GET", enrich, "", keyNoContract, 402, `["payment_required"]`},
		"key as a parameter":    {"GET", enrich + "&api_key=k", "", "-", 404, `"not_found"`},
		"nothing to look for":   {"GET", "company/enrich", "", "", 400, `["invalid_request_error"]`},
		"a first name alone":    {"GET", "person/enrich?first_name=ada&company=x", "", "", 400, `["invalid_request_error"]`},
		"another method":        {"DELETE", search, "", "", 405, `["invalid_request_error"]`},
		"neither query nor sql": {"POST", search, `{"size":1}`, "", 400, `["invalid_request_error"]`},
		"both":                  {"POST", search, `{"sql":"SELECT * FROM company WHERE id='x'","query":{"match_all":{}}}`, "", 400, `["invalid_request_error"]`},
		"too many at once":      {"POST", search, `{"size":101,"query":{"match_all":{}}}`, "", 400, `["invalid_request_error"]`},
		"too deep":              {"POST", search, `{"from":9999,"size":2,"query":{"match_all":{}}}`, "", 400, `["invalid_request_error"]`},
		"an unknown field":      {"POST", search, `{"query":{"term":{"locality":"denver"}}}`, "", 400, `["invalid_request_error"]`},
		"an unknown clause":     {"POST", search, `{"query":{"fuzzy":{"name":"x"}}}`, "", 400, `["invalid_request_error"]`},
		"columns in sql":        {"POST", search, `{"sql":"SELECT name FROM company WHERE id='x'"}`, "", 400, `["invalid_request_error"]`},
		"a limit in sql":        {"POST", search, `{"sql":"SELECT * FROM company WHERE id='x' LIMIT 5"}`, "", 400, `["invalid_request_error"]`},
		"the body wins":         {"POST", search + "?size=500", `{"size":1,"query":{"term":{"id":"x"}}}`, "", 404, `"not_found"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, got := reply(t, tt.method, base+"/pdl/v5/"+tt.path, tt.body, tt.key)
			if kind := strings.Join(strings.Fields(got.Get("error.type").Raw), ""); status != tt.status || kind != tt.kind || got.Get("status").Int() != int64(tt.status) {
				t.Errorf("%d %s", status, got.Raw)
			}
		})
	}
}

func TestPDL_limits_are_objects_in_headers(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 30, 0, time.UTC)
	base := startLimited(t, func() time.Time { return now })
	var resp *http.Response
	for range 10 {
		resp, _ = send(t, "POST", base+"/pdl/v5/company/search", `{"query":{"match_all":{}}}`, "")
	}
	if resp.StatusCode != http.StatusOK || gjson.Get(resp.Header.Get("X-RateLimit-Remaining"), "minute").Raw != "0" || gjson.Get(resp.Header.Get("X-RateLimit-Limit"), "day").Raw != "null" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	resp, body := send(t, "POST", base+"/pdl/v5/company/search", `{"query":{"match_all":{}}}`, "")
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "" || resp.Header.Get("X-RateLimit-Reset") != "2026-11-24T12:01:00Z" || gjson.GetBytes(body, "error.type.0").String() != "rate_limit_error" {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
}
