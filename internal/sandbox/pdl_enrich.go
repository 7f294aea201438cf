package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// pdlSize names a range of employees.
func pdlSize(n int) string {
	for _, step := range []struct {
		most int
		name string
	}{{10, "1-10"}, {50, "11-50"}, {200, "51-200"}, {500, "201-500"}, {1000, "501-1000"}, {5000, "1001-5000"}, {10_000, "5001-10000"}} {
		if n <= step.most {
			return step.name
		}
	}
	return "10001+"
}

func pdlRevenue(usd int64) string {
	for _, step := range []struct {
		most int64
		name string
	}{{1e6, "$0-$1M"}, {10e6, "$1M-$10M"}, {25e6, "$10M-$25M"}, {50e6, "$25M-$50M"}, {100e6, "$50M-$100M"}, {250e6, "$100M-$250M"}} {
		if usd <= step.most {
			return step.name
		}
	}
	return "$250M-$500M"
}

// pdlCompany prints every field, in lower case but for the display name; those
// without a value are null.
func pdlCompany(m *world.Metro, f *firm) object {
	country := strings.ToLower(countryNames[m.Country])
	region, city := strings.ToLower(m.RegionName), strings.ToLower(f.City)
	c := f.Company
	profile := func(base, handle string) any {
		if handle == "" {
			return nil
		}
		return base + handle // without a scheme
	}
	profiles := []string{}
	for _, p := range []any{profile("linkedin.com/company/", c.LinkedIn), profile("facebook.com/", c.Facebook), profile("twitter.com/", c.Twitter)} {
		if p != nil {
			profiles = append(profiles, p.(string))
		}
	}
	var geo, unit any
	if f.Street != "" {
		geo = fmt.Sprintf("%.2f,%.2f", f.Lat, f.Lon)
	}
	if f.Unit != "" {
		unit = "suite " + f.Unit
	}
	codes := func(name, code string) []object {
		if code == "" {
			return []object{}
		}
		return []object{{name: code}}
	}
	return object{
		"id": f.Key, "name": strings.ToLower(f.Name), "display_name": displayed(f.Name), "size": pdlSize(c.Employees),
		"employee_count": c.Employees, "founded": orNull(c.Founded), "industry": orNull(f.concept.Industry),
		"naics": codes("naics_code", f.concept.NAICS), "sic": codes("sic_code", f.concept.SIC),
		"location": object{
			"name": city + ", " + region + ", " + country, "locality": city, "region": region, "metro": strings.ToLower(m.City) + ", " + region,
			"country": country, "continent": "north america", "street_address": orNull(strings.ToLower(f.Street)), "address_line_2": unit,
			"postal_code": orNull(f.Postal), "geo": geo,
		},
		"linkedin_id": orNull(linkedinID(f)), "linkedin_url": profile("linkedin.com/company/", c.LinkedIn),
		"facebook_url": profile("facebook.com/", c.Facebook), "twitter_url": profile("twitter.com/", c.Twitter), "profiles": profiles,
		"website": orNull(f.Domain), "ticker": nil, "type": "private", "tags": f.concept.Words, "affiliated_profiles": []string{},
		"alternative_names": []string{strings.ToLower(f.LegalName)}, "headline": nil,
		"summary":          fmt.Sprintf("%s in %s.", strings.ToLower(f.Category.Label), city),
		"inferred_revenue": pdlRevenue(c.RevenueUSD), "total_funding_raised": orNull(c.FundingUSD),
	}
}

func displayed(name string) string {
	words := strings.Fields(name)
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

func linkedinID(f *firm) string {
	if f.Company.LinkedIn == "" {
		return ""
	}
	return fmt.Sprint(1_000_000 + roll("linkedin", f.Company.LinkedIn, 90_000_000))
}

// pdlPerson prints what is known of a person. One in three has no work
// address here.
func pdlPerson(c object, e employee) object {
	emails, work := []object{}, any(nil)
	if e.Email != "" && roll("work email", e.id, 3) > 0 {
		work = e.Email
		emails = append(emails, object{"address": e.Email, "type": "current_professional"})
	}
	level := map[string]string{"owner": "owner", "manager": "manager", "staff": "entry"}[e.Seniority]
	name := strings.ToLower(e.First + " " + e.Last)
	handle := permalink(name) + "-" + e.id[:8]
	l := c["location"].(object)
	out := object{
		"id": "q" + e.id[:21] + "_0000", "full_name": name, "first_name": strings.ToLower(e.First), "last_name": strings.ToLower(e.Last),
		"sex": nil, "linkedin_url": "linkedin.com/in/" + handle, "linkedin_username": handle, "linkedin_id": nil,
		"facebook_url": nil, "twitter_url": nil, "github_url": nil, "industry": c["industry"],
		"work_email": work, "recommended_personal_email": nil, "personal_emails": []string{}, "emails": emails,
		"mobile_phone": nil, "phone_numbers": []string{},
		"job_title": strings.ToLower(e.Title), "job_title_role": e.Department, "job_title_sub_role": nil, "job_title_levels": []string{level},
		"job_company_id": c["id"], "job_company_name": c["name"], "job_company_website": c["website"], "job_company_size": c["size"],
		"job_company_industry": c["industry"], "job_company_linkedin_url": c["linkedin_url"],
		"job_company_location_name": l["name"], "job_company_location_locality": l["locality"], "job_company_location_region": l["region"],
		"job_company_location_country": l["country"],
		"job_start_date":               partialDate(e.id),
		"location_name":                l["name"], "location_locality": l["locality"], "location_region": l["region"], "location_country": l["country"],
		"location_continent": l["continent"], "location_geo": l["geo"],
		"skills": []string{}, "interests": []string{}, "experience": []object{}, "education": []object{}, "inferred_years_experience": nil,
	}
	return out
}

// partialDate is a year, a month or a day.
func partialDate(id string) string {
	date := fmt.Sprintf("%d-%02d-%02d", 2010+roll("year", id, 14), 1+roll("month", id, 12), 1+roll("day", id, 28))
	return date[:[]int{4, 7, 10}[roll("precision", id, 3)]]
}

// enrichCompany answers flat: the fields stand beside status and likelihood.
func (p *pdl) enrichCompany(q pdlParams) (any, int, *pdlError) {
	if q.str("name") == "" && q.str("website") == "" && q.str("profile") == "" && q.str("ticker") == "" && q.str("pdl_id") == "" {
		return nil, 0, &pdlError{status: http.StatusBadRequest}
	}
	least, err := q.number("min_likelihood", 0, 0, 10)
	if err != nil {
		return nil, 0, err
	}
	id, _ := q["pdl_id"].(string)
	for _, clue := range []struct {
		likelihood int
		is         func(object) bool
	}{
		{10, func(c object) bool { return id != "" && c["id"] == id }},
		{10, func(c object) bool { return q.str("website") != "" && c["website"] == domainOf(q.str("website")) }},
		{9, func(c object) bool {
			return q.str("profile") != "" && c["linkedin_url"] != nil && handleOf(q.str("profile")) == handleOf(text(c["linkedin_url"]))
		}},
		{6, func(c object) bool {
			return q.str("name") != "" && c["name"] == q.str("name") && p.placed(c["location"].(object), q)
		}},
	} {
		i := slices.IndexFunc(p.companies, clue.is)
		if i < 0 || clue.likelihood < least {
			continue
		}
		out := object{"status": http.StatusOK, "likelihood": clue.likelihood}
		for k, v := range q.shaped(p.companies[i]) {
			out[k] = v
		}
		return out, 1, nil
	}
	return nil, 0, &pdlError{status: http.StatusNotFound}
}

// placed says whether every part of a place that was given is that of l. An
// input may have a code where a record has a name.
func (p *pdl) placed(l object, q pdlParams) bool {
	codes := map[string][]string{"region": {p.metro.Region}, "country": {p.metro.Country, "usa"}}
	for _, part := range []string{"locality", "region", "country"} {
		want := q.str(part)
		if want != "" && l[part] != want && !anyFold(codes[part], want) {
			return false
		}
	}
	want := q.str("location")
	return want == "" || strings.Contains(text(l["name"]), want)
}

// enrichPerson needs a profile, an address or a telephone number, or a name
// with something beside it.
func (p *pdl) enrichPerson(q pdlParams) (any, int, *pdlError) {
	name := q.str("name")
	if name == "" && q.str("first_name") != "" && q.str("last_name") != "" {
		name = q.str("first_name") + " " + q.str("last_name")
	}
	beside := slices.ContainsFunc([]string{"location", "locality", "region", "country", "company", "school"}, func(f string) bool { return q.str(f) != "" })
	exact := slices.ContainsFunc([]string{"pdl_id", "profile", "email", "phone", "email_hash", "lid"}, func(f string) bool { return q.str(f) != "" })
	if !exact && (name == "" || !beside) {
		return nil, 0, &pdlError{status: http.StatusBadRequest}
	}
	least, err := q.number("min_likelihood", 0, 0, 10)
	if err != nil {
		return nil, 0, err
	}
	id, _ := q["pdl_id"].(string)
	for _, person := range p.people {
		likelihood, matched := 0, []string{}
		switch {
		case id != "":
			if person["id"] == id {
				likelihood, matched = 10, append(matched, "pdl_id")
			}
		case q.str("email") != "" && person["work_email"] == q.str("email"):
			likelihood, matched = 10, append(matched, "email")
		case q.str("profile") != "" && handleOf(q.str("profile")) == person["linkedin_username"]:
			likelihood, matched = 9, append(matched, "profile")
		case name != "" && beside && person["full_name"] == name && p.placed(livesIn(person), q) && worksAt(person, q.str("company")):
			likelihood, matched = 7, append(matched, "name")
		}
		if likelihood == 0 || likelihood < least || !has(person, q.str("required")) {
			continue
		}
		out := object{"status": http.StatusOK, "likelihood": likelihood, "data": q.shaped(person)}
		if q.flag("include_if_matched") {
			out["matched"] = matched
		}
		return out, 1, nil
	}
	return nil, 0, &pdlError{status: http.StatusNotFound}
}

func livesIn(person object) object {
	return object{"name": person["location_name"], "locality": person["location_locality"], "region": person["location_region"], "country": person["location_country"]}
}

func worksAt(person object, company string) bool {
	return company == "" || person["job_company_name"] == company || person["job_company_website"] == domainOf(company)
}

// has reads a condition such as "emails AND phones".
func has(person object, required string) bool {
	for part := range strings.SplitSeq(required, " and ") {
		part = strings.TrimSpace(part)
		if part == "phones" {
			part = "phone_numbers"
		}
		if part == "" {
			continue
		}
		switch v := person[part].(type) {
		case nil:
			return false
		case []object:
			if len(v) == 0 {
				return false
			}
		case []string:
			if len(v) == 0 {
				return false
			}
		}
	}
	return true
}

// shaped applies data_include and titlecase.
func (q pdlParams) shaped(record object) object {
	fields, without := strings.CutPrefix(q.str("data_include"), "-")
	wanted := strings.Split(fields, ",")
	out := object{}
	for k, v := range record {
		if fields != "" && slices.Contains(wanted, k) == without {
			continue
		}
		if s, ok := v.(string); ok && q.flag("titlecase") && strings.HasSuffix(k, "name") {
			v = displayed(s)
		}
		out[k] = v
	}
	return out
}

// bulk asks one after another; each answer has its own status, in the order of
// the requests, with the caller's metadata.
func (p *pdl) bulk(one pdlCall) pdlCall {
	return func(q pdlParams) (any, int, *pdlError) {
		requests, ok := q["requests"].([]any)
		if !ok || len(requests) == 0 || len(requests) > 100 {
			return nil, 0, invalidPDL("requests must be a list of 1 to 100 objects")
		}
		out, sum := []object{}, 0
		for _, r := range requests {
			request, _ := r.(map[string]any)
			params, _ := request["params"].(map[string]any)
			result, credits, err := one(params)
			answer, _ := result.(object)
			if err != nil {
				answer = err.body()
			}
			if request["metadata"] != nil {
				answer["metadata"] = request["metadata"]
			}
			sum += credits
			out = append(out, answer)
		}
		return out, sum, nil
	}
}
