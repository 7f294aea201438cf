package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// where is a search for one predicate.
func where(field, operator, values string) string {
	return fmt.Sprintf(`{"field_ids":["name","location_identifiers","categories","website_url","updated_at","funding_total"],"limit":1000,
		"query":[{"type":"predicate","field_id":%q,"operator_id":%q,"values":[%s]}]}`, field, operator, values)
}

func TestCrunchbase_keyset_walks_through_all_and_count_is_of_all_pages(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	want := len(w.Listings(world.Crunchbase))
	var keys []string
	for after, pages := "", 0; ; pages++ {
		status, page := reply(t, "POST", base+"/crunchbase/v4/data/searches/organizations",
			`{"field_ids":["name"],"order":[{"field_id":"updated_at","sort":"asc"}],"limit":100`+after+`}`, "")
		entities := page.Get("entities").Array()
		if status != 200 || page.Get("count").Int() != int64(want) || pages > want/100+1 {
			t.Fatalf("page %d: %d, count %d of %d", pages, status, page.Get("count").Int(), want)
		}
		if len(entities) == 0 {
			break
		}
		for _, e := range entities {
			keys = append(keys, e.Get("uuid").String())
		}
		after = `,"after_id":"` + keys[len(keys)-1] + `"`
	}
	seen := slices.Clone(keys)
	slices.Sort(seen)
	if len(keys) != want || len(slices.Compact(seen)) != want {
		t.Errorf("%d entities, %d of them different, want %d", len(keys), len(slices.Compact(seen)), want)
	}
	_, page := reply(t, "POST", base+"/crunchbase/v4/data/searches/organizations",
		`{"field_ids":["name"],"order":[{"field_id":"updated_at","sort":"asc"}],"limit":3,"before_id":"`+keys[10]+`"}`, "")
	if got := page.Get("entities.#.uuid").Array(); len(got) != 3 || got[0].String() != keys[7] || got[2].String() != keys[9] {
		t.Errorf("before %s: %v, want %v", keys[10], got, keys[7:10])
	}
}

func TestCrunchbase_predicates(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	listings := w.Listings(world.Crunchbase)
	site := listings[slices.IndexFunc(listings, func(l world.Listing) bool { return l.Domain != "" })].Domain
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
	denver := func(l *world.Listing) bool { return l.City == "Denver" }
	tests := map[string]struct {
		field, operator, values string
		want                    int64
	}{
		"city by permalink":                   {"location_identifiers", "includes", `"denver-colorado"`, count(denver)},
		"city by uuid":                        {"location_identifiers", "includes", `"` + derivedUUID("location denver-colorado") + `"`, count(denver)},
		"country by permalink":                {"location_identifiers", "includes", `"united-states"`, all},
		"continent":                           {"location_identifiers", "includes", `"north-america"`, all},
		"a display name silently finds none":  {"location_identifiers", "includes", `"United States"`, 0},
		"one of two places":                   {"location_identifiers", "includes", `"nowhere","denver-colorado"`, count(denver)},
		"all of two places":                   {"location_identifiers", "includes_all", `"colorado-united-states","denver-colorado"`, count(denver)},
		"none of them":                        {"location_identifiers", "not_includes", `"denver-colorado"`, all - count(denver)},
		"category":                            {"categories", "includes", `"dental"`, count(func(l *world.Listing) bool { return l.Category.Type == "dentist" })},
		"domain, however it is written":       {"website_url", "domain_eq", `"https://www.` + site + `/about"`, 1},
		"no website":                          {"website_url", "domain_blank", `"true"`, count(func(l *world.Listing) bool { return l.Domain == "" })},
		"words of the name":                   {"identifier", "contains", `"LAW"`, count(func(l *world.Listing) bool { return strings.Contains(strings.ToLower(l.Name), "law") })},
		"news since a day":                    {"updated_at", "gte", `"2024-06-01"`, count(func(l *world.Listing) bool { return l.Seen >= "2024-06-01" })},
		"funding between two sums":            {"funding_total", "between", `{"value":250000,"currency":"usd"},{"value":2000000,"currency":"usd"}`, count(func(l *world.Listing) bool { return l.Company.FundingUSD > 0 && l.Company.FundingUSD <= 2_000_000 })},
		"sizes":                               {"num_employees_enum", "includes", `"c_00001_00010"`, count(func(l *world.Listing) bool { return l.Company.Employees <= 10 })},
		"a field without a value is not less": {"funding_total", "lt", `{"value":1,"currency":"usd"}`, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, page := reply(t, "POST", base+"/crunchbase/v4/data/searches/organizations", where(tt.field, tt.operator, tt.values), "")
			if status != 200 || page.Get("count").Int() != tt.want || page.Get("entities.#").Int() != min(tt.want, 1000) {
				t.Errorf("%d, count %d, want %d: %.300s", status, page.Get("count").Int(), tt.want, page.Raw)
			}
		})
	}
}

func TestCrunchbase_errors_have_three_forms(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	const search = "/v4/data/searches/organizations"
	ok := where("location_identifiers", "includes", `"denver-colorado"`)
	tests := map[string]struct {
		method, path, body, key string
		status                  int
		at, want                string // of the answer
	}{
		"array for a key":                 {"POST", search, ok, keyInvalid, 401, "0.code", "LA401"},
		"array for no key":                {"POST", search, ok, "-", 401, "0.status", "401"},
		"object for an unknown entity":    {"GET", "/v4/data/entities/organizations/nobody", "", "", 404, "code", "CS404"},
		"array for a sort by name":        {"POST", search, `{"field_ids":["name"],"order":[{"field_id":"name","sort":"asc"}]}`, "", 400, "0.code", "MD403"},
		"a licence is a status 400":       {"POST", search, ok, keyNoContract, 400, "0.code", "MD403"},
		"a licence that ended":            {"POST", search, ok, keyNoCredit, 400, "0.code", "MD403"},
		"the name cannot be searched":     {"POST", search, where("name", "contains", `"x"`), "", 400, "0.field_id", "name"},
		"the website cannot be searched":  {"POST", search, where("website", "domain_eq", `"x.example"`), "", 400, "0.code", "MD403"},
		"an operator of other fields":     {"POST", search, where("website_url", "eq", `"x.example"`), "", 400, "0.field_id", "website_url"},
		"an unknown field":                {"POST", search, `{"field_ids":["phone"]}`, "", 400, "0.field_id", "phone"},
		"no fields":                       {"POST", search, `{}`, "", 400, "0.code", "MD101"},
		"a page too large":                {"POST", search, `{"field_ids":["name"],"limit":1001}`, "", 400, "0.code", "MD101"},
		"a cursor that is no entity":      {"POST", search, `{"field_ids":["name"],"after_id":"x"}`, "", 400, "0.code", "MD101"},
		"too many suggestions":            {"GET", "/v4/data/autocompletes?query=a&limit=26", "", "", 400, "0.code", "MD101"},
		"too many deleted ones":           {"GET", "/v4/data/deleted_entities?limit=1001", "", "", 400, "0.code", "MD101"},
		"the address of keys from before": {"GET", "/api/v4/entities/organizations/nobody", "", "", 404, "code", "CS404"},
		"a key as a parameter":            {"GET", "/v4/data/autocompletes?query=a&user_key=k", "", "-", 200, "entities.0.identifier.entity_def_id", "organization"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, body := send(t, tt.method, base+"/crunchbase"+tt.path, tt.body, tt.key)
			got := gjson.GetBytes(body, tt.at)
			if resp.StatusCode != tt.status || tt.status != 200 && got.String() != tt.want || !got.Exists() {
				t.Errorf("%d %.300s, want %d with %s = %s", resp.StatusCode, body, tt.status, tt.at, tt.want)
			}
			for h := range resp.Header {
				if strings.Contains(strings.ToLower(h), "limit") || h == "Retry-After" {
					t.Errorf("header %s: Crunchbase tells no limits", h)
				}
			}
		})
	}
}

func TestCrunchbase_429_has_no_form_to_rely_on(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	inject(t, base, `{"provider":"crunchbase","status":429}`)
	if resp, body := send(t, "GET", base+"/crunchbase/v4/data/deleted_entities", "", ""); resp.StatusCode != http.StatusTooManyRequests || gjson.ValidBytes(body) {
		t.Errorf("429 %s: nobody knows its form, it shall not be JSON", body)
	}
}

func TestCrunchbase_entity_has_only_what_was_asked_and_has_a_value(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	precisions := map[string]bool{}
	for i := range w.Listings(world.Crunchbase) {
		l := &w.Listings(world.Crunchbase)[i]
		status, e := reply(t, "GET", base+"/crunchbase/v4/data/entities/organizations/"+l.Key+"?field_ids=name,phone_number,founded_on&card_ids=headquarters_address,founders", "", "")
		p := e.Get("properties")
		if status != 200 || p.Get("name").String() != l.Name || p.Get("identifier.uuid").String() != l.Key || p.Get("website").Exists() {
			t.Fatalf("%d %s", status, e.Raw)
		}
		if p.Get("phone_number").Exists() != (l.Phone != "") || strings.Contains(e.Raw, "null") {
			t.Errorf("an empty field is printed: %s", e.Raw)
		}
		if !e.Get("cards.headquarters_address").IsArray() || e.Get("cards.headquarters_address.0.location_identifiers.0.value").String() != l.City {
			t.Errorf("headquarters: %s", e.Get("cards.headquarters_address").Raw)
		}
		founded := p.Get("founded_on")
		precisions[founded.Get("precision").String()] = true
		if founded.Get("precision").String() == "none" && founded.Get("value").Exists() {
			t.Errorf("founded on %s", founded.Raw)
		}
		link := p.Get("identifier.permalink").String()
		if _, again := reply(t, "GET", base+"/crunchbase/v4/data/entities/organizations/"+link, "", ""); again.Get("properties.identifier.uuid").String() != l.Key {
			t.Errorf("permalink %s leads to %s", link, again.Raw)
		}
		if i > 60 {
			break
		}
	}
	if len(precisions) != 4 {
		t.Errorf("precisions of founding dates: %v, want all four", precisions)
	}
}

func TestCrunchbase_autocompletion_gives_permalinks_and_deleted_entities_are_bare(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	_, found := reply(t, "GET", base+"/crunchbase/v4/data/autocompletes?query=united%20sta&collection_ids=locations", "", "")
	if id := found.Get("entities.0.identifier"); found.Get("count").Int() != 1 || id.Get("permalink").String() != "united-states" || id.Get("value").String() != "United States" {
		t.Errorf("found %s", found.Raw)
	}
	_, first := reply(t, "GET", base+"/crunchbase/v4/data/deleted_entities/organizations?limit=20", "", "")
	_, rest := reply(t, "GET", base+"/crunchbase/v4/data/deleted_entities?collection_ids=organizations&after_id="+first.Get("19.uuid").String(), "", "")
	if !first.IsArray() || len(first.Array()) != 20 || len(rest.Array()) != deletedCount-20 {
		t.Errorf("%d and %d deleted entities", len(first.Array()), len(rest.Array()))
	}
	if _, none := reply(t, http.MethodGet, base+"/crunchbase/v4/data/deleted_entities/people", "", ""); none.Raw != "[]\n" && none.Raw != "[]" {
		t.Errorf("deleted people: %q", none.Raw)
	}
}
