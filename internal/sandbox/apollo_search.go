package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// Paging: 100 a page and 50,000 in all.
const (
	apolloPageCap = 100
	apolloPageMax = 500
)

// apolloFilters are the parameters of a search. All of them are of the query,
// although the method is POST; a body is not read.
type apolloFilters struct {
	url.Values
	page, perPage int
}

// apolloLists are the parameters that are lists: their names end in "[]".
var apolloLists = []string{
	"organization_locations", "organization_not_locations", "person_locations", "organization_num_employees_ranges",
	"q_organization_domains_list", "q_organization_keyword_tags", "organization_ids", "person_titles", "person_seniorities",
	"contact_email_status", "currently_using_any_of_technology_uids", "currently_using_all_of_technology_uids",
	"currently_not_using_any_of_technology_uids",
}

func readApolloFilters(r *http.Request) (*apolloFilters, *apolloError) {
	q := &apolloFilters{Values: r.URL.Query(), page: 1, perPage: 10}
	for _, name := range apolloLists {
		if q.Has(name) { // a list by the name of a scalar
			return nil, unprocessable("Invalid parameters")
		}
	}
	for name, into := range map[string]*int{"page": &q.page, "per_page": &q.perPage} {
		if !q.Has(name) {
			continue
		}
		n, err := strconv.Atoi(q.Get(name))
		if err != nil || n < 1 {
			return nil, unprocessable("Invalid parameters")
		}
		*into = n
	}
	for _, v := range q.list("organization_num_employees_ranges") {
		if _, _, ok := numbers(v); !ok {
			return nil, unprocessable("Invalid parameters")
		}
	}
	if q.perPage > apolloPageCap || q.page > apolloPageMax || len(q.list("q_organization_domains_list")) > 1000 {
		return nil, unprocessable("Invalid parameters")
	}
	return q, nil
}

// list is a parameter that may be repeated, without its empty values.
func (q *apolloFilters) list(name string) []string {
	return slices.DeleteFunc(slices.Clone(q.Values[name+"[]"]), func(v string) bool { return strings.TrimSpace(v) == "" })
}

// among is true where a list is absent or has an element that fits.
func (q *apolloFilters) among(name string, fits func(string) bool) bool {
	l := q.list(name)
	return len(l) == 0 || slices.ContainsFunc(l, fits)
}

// within is true where a number is in a range name[min] to name[max].
func (q *apolloFilters) within(name string, n int64) bool {
	low, err := strconv.ParseInt(q.Get(name+"[min]"), 10, 64)
	if err == nil && n < low {
		return false
	}
	high, err := strconv.ParseInt(q.Get(name+"[max]"), 10, 64)
	return err != nil || n <= high
}

// numbers reads "11,50".
func numbers(s string) (low, high int, ok bool) {
	a, b, _ := strings.Cut(s, ",")
	low, err1 := strconv.Atoi(strings.TrimSpace(a))
	high, err2 := strconv.Atoi(strings.TrimSpace(b))
	return low, high, err1 == nil && err2 == nil
}

// fits is the part of the filters that organizations and people share.
func (a *apollo) fits(q *apolloFilters, f *firm) bool {
	uses := func(uid string) bool {
		return slices.ContainsFunc(f.Company.Tech, func(t string) bool { return technologyUID(t) == strings.ToLower(uid) })
	}
	return q.among("organization_locations", func(v string) bool { return a.liesIn(f, v) }) &&
		!slices.ContainsFunc(q.list("organization_not_locations"), func(v string) bool { return a.liesIn(f, v) }) &&
		q.among("organization_num_employees_ranges", func(v string) bool {
			low, high, _ := numbers(v)
			return f.sized(low, high)
		}) &&
		q.within("revenue_range", f.Company.RevenueUSD) &&
		q.within("total_funding_range", f.Company.FundingUSD) &&
		q.among("q_organization_domains_list", func(v string) bool { return domainOf(v) == f.Domain }) &&
		q.among("organization_ids", func(v string) bool { return v == f.Key }) &&
		q.among("currently_using_any_of_technology_uids", uses) &&
		!slices.ContainsFunc(q.list("currently_using_all_of_technology_uids"), func(v string) bool { return !uses(v) }) &&
		!slices.ContainsFunc(q.list("currently_not_using_any_of_technology_uids"), uses)
}

// liesIn reads a place as people write it: "Denver", "Denver, Colorado",
// "Colorado, US". Every part has to name where the firm is.
func (a *apollo) liesIn(f *firm, place string) bool {
	m := a.world.Metro
	known := []string{f.City, m.RegionName, m.Region, countryNames[m.Country], m.Country}
	if m.Country == "US" {
		known = append(known, "usa", "united states of america")
	}
	for part := range strings.SplitSeq(place, ",") {
		if !anyFold(known, strings.TrimSpace(part)) {
			return false
		}
	}
	return true
}

// technologyUID is how filters name a technology.
func technologyUID(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "_") }

// saved says whether the caller's team has an organization in its accounts:
// one in twenty. A search lists those apart.
func saved(f *firm) bool { return roll("saved", f.Key, 20) == 0 }

func (a *apollo) searchOrganizations(r *http.Request, key string) (any, *apolloError) {
	q, err := readApolloFilters(r)
	if err != nil {
		return nil, err
	}
	name := strings.ToLower(q.Get("q_organization_name"))
	var found []*firm
	for _, f := range a.firms {
		if a.fits(q, f) && strings.Contains(strings.ToLower(f.Name), name) &&
			q.among("q_organization_keyword_tags", func(v string) bool { return anyFold(keywords(f), v) }) {
			found = append(found, f)
		}
	}
	a.spent.add(key, 1)
	accounts, organizations, ids := []object{}, []object{}, []string{}
	for _, f := range pageOf(found, q) {
		ids = append(ids, f.Key)
		if saved(f) {
			accounts = append(accounts, a.account(f))
		} else {
			organizations = append(organizations, a.summary(f))
		}
	}
	return object{
		"breadcrumbs": q.breadcrumbs(), "partial_results_only": false, "has_join": false, "disable_eu_prospecting": false,
		"partial_results_limit": 10_000, "model_ids": ids, "num_fetch_result": nil, "derived_params": nil,
		"accounts": accounts, "organizations": organizations,
		"pagination": object{
			"page": q.page, "per_page": q.perPage, "total_entries": len(found), "total_pages": (len(found) + q.perPage - 1) / q.perPage,
		},
	}, nil
}

// pageOf is the page that was asked for, empty behind the end.
func pageOf[T any](all []T, q *apolloFilters) []T {
	from := min(len(all), (q.page-1)*q.perPage)
	return all[from:min(len(all), from+q.perPage)]
}

// breadcrumbs repeat the filters as the website words them.
func (q *apolloFilters) breadcrumbs() []object {
	out := []object{}
	for _, crumb := range [][2]string{
		{"organization_num_employees_ranges", "# Employees"}, {"organization_locations", "Company Locations"},
		{"q_organization_keyword_tags", "Company Keywords"},
	} {
		for _, v := range q.list(crumb[0]) {
			v = strings.ToLower(v)
			out = append(out, object{"label": crumb[1], "signal_field_name": crumb[0], "value": v, "display_name": strings.ReplaceAll(v, ",", "-")})
		}
	}
	return out
}

// keywords are tags that a search of organizations compares.
func keywords(f *firm) []string {
	return append(append([]string{strings.ToLower(f.Category.Label)}, f.concept.Words...), f.concept.Industry)
}

func (a *apollo) searchPeople(r *http.Request, _ string) (any, *apolloError) {
	q, err := readApolloFilters(r)
	if err != nil {
		return nil, err
	}
	similar := q.Get("include_similar_titles") != "false"
	var found []*employee
	for _, f := range a.firms {
		if !a.fits(q, f) || !q.among("person_locations", func(v string) bool { return a.liesIn(f, v) }) {
			continue
		}
		for i := range f.people {
			e := &f.people[i]
			title := strings.ToLower(e.Title)
			if q.among("person_titles", func(v string) bool {
				v = strings.ToLower(v)
				return v == title || similar && strings.Contains(title, v)
			}) && q.among("person_seniorities", func(v string) bool { return strings.EqualFold(v, seniority(e)) }) &&
				q.among("contact_email_status", func(v string) bool { return v == emailStatus(e) }) &&
				mentions(e, q.Get("q_keywords")) {
				found = append(found, e)
			}
		}
	}
	people := []object{}
	for _, e := range pageOf(found, q) {
		people = append(people, a.teaser(e))
	}
	return object{"total_entries": len(found), "people": people}, nil
}

// mentions looks for every word in what is known of a person and the firm.
func mentions(e *employee, words string) bool {
	text := strings.ToLower(strings.Join(append(keywords(e.firm), e.First, e.Last, e.Title, e.firm.Name), " "))
	for w := range strings.FieldsSeq(strings.ToLower(words)) {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// teaser is a person as a search shows one: no mail, no telephone number, and
// the last name hidden.
func (a *apollo) teaser(e *employee) object {
	f := e.firm
	direct := "Maybe: please request direct dial via people/bulk_match"
	if f.Phone != "" {
		direct = "Yes"
	}
	return object{
		"id": e.id, "first_name": e.First, "last_name_obfuscated": e.Last[:2] + "***" + e.Last[len(e.Last)-1:], "title": e.Title,
		"last_refreshed_at": f.Seen + "T04:05:06.000+00:00", "has_email": e.Email != "", "has_city": true, "has_state": true,
		"has_country": true, "has_direct_phone": direct,
		"organization": object{
			"name": f.Name, "has_industry": f.concept.Industry != "", "has_phone": f.Phone != "", "has_city": true, "has_state": true,
			"has_country": true, "has_zip_code": f.Postal != "", "has_revenue": f.Company.RevenueUSD > 0, "has_employee_count": true,
		},
	}
}

// emailStatus is how sure Apollo is of an address: one in seven is a guess.
func emailStatus(e *employee) string {
	switch {
	case e.Email == "":
		return "unavailable"
	case roll("email", e.id, 7) == 0:
		return "extrapolated"
	}
	return "verified"
}

func seniority(e *employee) string {
	if e.Seniority == "staff" {
		return "entry"
	}
	return e.Seniority
}

// usPhone prints ten digits as Apollo does.
func usPhone(l *world.Listing) (number, sanitized string) {
	return fmt.Sprintf("+1 %s-%s-%s", l.Phone[:3], l.Phone[3:6], l.Phone[6:]), "+1" + l.Phone
}
