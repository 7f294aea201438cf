package sandbox

import (
	"crypto/md5" //nolint:gosec // an identifier of the API, no secret
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// summary is an organization as a search shows it: thinner than enrichment.
func (a *apollo) summary(f *firm) object {
	number := object{} // an empty object where there is no number
	var phone, sanitized any
	if f.Phone != "" {
		n, s := usPhone(f.Listing)
		phone, sanitized = n, s
		number = object{"number": n, "source": "Scraped", "sanitized_number": s}
	}
	address := func(base, handle string) any {
		if handle == "" {
			return nil
		}
		return base + handle
	}
	return object{
		"id": f.Key, "name": f.Name, "website_url": "http://www." + f.Domain, "blog_url": nil, "angellist_url": nil,
		"linkedin_url": address("http://www.linkedin.com/company/", f.Company.LinkedIn),
		"twitter_url":  address("https://twitter.com/", f.Company.Twitter),
		"facebook_url": address("https://www.facebook.com/", f.Company.Facebook),
		"languages":    []string{}, "alexa_ranking": nil, "founded_year": orNull(f.Company.Founded),
		"primary_phone": number, "phone": phone, "sanitized_phone": sanitized,
		"linkedin_uid":           fmt.Sprint(1_000_000 + roll("linkedin", f.Key, 90_000_000)),
		"publicly_traded_symbol": nil, "publicly_traded_exchange": nil, "crunchbase_url": nil,
		"logo_url":       "https://logos.apollo.example/pictures/" + f.Key,
		"primary_domain": f.Domain, "owned_by_organization_id": nil,
		"show_intent": false, "has_intent_signal_account": false, "intent_signal_account": nil,
	}
}

// account is an organization that the caller's team has saved, in the team's
// own words: the id is the account's.
func (a *apollo) account(f *firm) object {
	out := a.summary(f)
	out["id"], out["organization_id"] = hash("account " + f.Key)[:24], f.Key
	out["domain"], out["team_id"], out["source"], out["original_source"] = f.Domain, hash("team")[:24], "api", "api"
	out["account_stage_id"], out["label_ids"], out["existence_level"] = nil, []string{}, "full"
	return out
}

// organization is what enrichment tells.
func (a *apollo) organization(f *firm) object {
	out := a.summary(f)
	for _, field := range []string{"show_intent", "has_intent_signal_account", "intent_signal_account", "sanitized_phone"} {
		delete(out, field)
	}
	m := a.world.Metro
	c := f.Company
	tech := []object{}
	names := []string{}
	for _, t := range c.Tech {
		names = append(names, t)
		tech = append(tech, object{"uid": technologyUID(t), "name": t, "category": "Other"})
	}
	var street, whole any = orNull(f.Street), fmt.Sprintf("%s, %s, %s", f.City, m.RegionName, m.Country)
	if f.Street != "" {
		whole = fmt.Sprintf("%s, %s, %s %s, %s", f.Street, f.City, m.RegionName, f.Postal, m.Country)
	}
	for k, v := range (object{
		"industry": f.concept.Industry, "industries": []string{f.concept.Industry}, "secondary_industries": []string{},
		"keywords": keywords(f), "estimated_num_employees": c.Employees, "snippets_loaded": true,
		"industry_tag_id": hash(f.concept.Industry)[:24], "industry_tag_hash": object{f.concept.Industry: hash(f.concept.Industry)[:24]},
		"retail_location_count": 0, "raw_address": whole, "street_address": street, "city": f.City, "state": m.RegionName,
		"postal_code": orNull(f.Postal), "country": countryNames[m.Country],
		"seo_description": nil, "short_description": fmt.Sprintf("%s in %s.", f.Category.Label, f.City),
		"suborganizations": []object{}, "num_suborganizations": 0,
		"annual_revenue": c.RevenueUSD, "annual_revenue_printed": printedUSD(c.RevenueUSD),
		"total_funding": orNull(c.FundingUSD), "total_funding_printed": nil, "latest_funding_round_date": nil,
		"latest_funding_stage": nil, "funding_events": []object{}, "technology_names": names, "current_technologies": tech,
		"org_chart_root_people_ids": []string{}, "org_chart_sector": nil, "org_chart_removed": false,
		"org_chart_show_department_filter": false,
	}) {
		out[k] = v
	}
	if c.FundingUSD > 0 {
		date := fmt.Sprintf("%d-06-15T00:00:00.000+00:00", c.Founded+2)
		out["total_funding_printed"], out["latest_funding_round_date"] = printedUSD(c.FundingUSD), date
		out["latest_funding_stage"] = "Seed"
		out["funding_events"] = []object{{"id": hash("round " + f.Key)[:24], "date": date, "news_url": nil, "type": "Seed",
			"investors": "Front Range Seed", "amount": printedUSD(c.FundingUSD), "currency": "$"}}
	}
	return out
}

// bulkOrganization is what enrichment of a list tells: no revenue, no funding, no
// technologies.
func (a *apollo) bulkOrganization(f *firm) object {
	return without(a.organization(f),
		"annual_revenue", "annual_revenue_printed", "total_funding", "total_funding_printed", "latest_funding_round_date",
		"latest_funding_stage", "funding_events", "technology_names", "current_technologies", "suborganizations",
		"org_chart_root_people_ids", "org_chart_sector", "org_chart_removed", "org_chart_show_department_filter")
}

// bulkPerson is what a match of a list tells: of the firm even less.
func (a *apollo) bulkPerson(e *employee) object {
	out := a.person(e)
	out["organization"] = without(a.bulkOrganization(e.firm),
		"num_suborganizations", "owned_by_organization_id", "seo_description", "short_description")
	return out
}

func without(o object, fields ...string) object {
	for _, f := range fields {
		delete(o, f)
	}
	return o
}

// printedUSD is a sum as people write it: 1.5M.
func printedUSD(usd int64) string {
	switch {
	case usd >= 1_000_000:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(usd)/1e6), ".0") + "M"
	case usd >= 1000:
		return fmt.Sprint(usd/1000) + "K"
	}
	return fmt.Sprint(usd)
}

// apolloQuestion is who is asked for.
type apolloQuestion struct {
	ID           string `json:"id"`
	FirstName    string `json:"first_name"`
	LastName     string `json:"last_name"`
	Name         string `json:"name"`
	Email        string `json:"email"`
	HashedEmail  string `json:"hashed_email"`
	Organization string `json:"organization_name"`
	Domain       string `json:"domain"`
	LinkedIn     string `json:"linkedin_url"`
	Website      string `json:"website"`
}

// findFirm takes the most certain clue first.
func (a *apollo) findFirm(q *apolloQuestion) *firm {
	domain := domainOf(q.Domain)
	if domain == "" {
		domain = domainOf(q.Website)
	}
	for _, is := range []func(*firm) bool{
		func(f *firm) bool { return domain != "" && f.Domain == domain },
		func(f *firm) bool {
			return q.LinkedIn != "" && f.Company.LinkedIn != "" && f.Company.LinkedIn == handleOf(q.LinkedIn)
		},
		func(f *firm) bool { return domain == "" && q.Name != "" && strings.EqualFold(f.Name, q.Name) },
	} {
		if i := slices.IndexFunc(a.firms, is); i >= 0 {
			return a.firms[i]
		}
	}
	return nil
}

func (a *apollo) enrichOrganization(r *http.Request, key string) (any, *apolloError) {
	v := r.URL.Query()
	q := apolloQuestion{Domain: v.Get("domain"), LinkedIn: v.Get("linkedin_url"), Name: v.Get("name"), Website: v.Get("website")}
	if q == (apolloQuestion{}) {
		return nil, unprocessable("Required parameter 'domain' missing")
	}
	f := a.findFirm(&q)
	if f == nil {
		return object{"organization": nil}, nil // and nothing is billed
	}
	a.spent.add(key, 1)
	return object{"organization": a.organization(f)}, nil
}

func (a *apollo) enrichOrganizations(r *http.Request, key string) (any, *apolloError) {
	details, err := readDetails(r)
	if err != nil {
		return nil, err
	}
	byDomain := len(details) == 0 // the body wins over the query
	if byDomain {
		for _, d := range r.URL.Query()["domains[]"] {
			details = append(details, apolloQuestion{Domain: d})
		}
	}
	switch {
	case len(details) == 0:
		missing, _ := json.Marshal(bulkError(0, "INVALID_REQUEST", "invalid request, missing domains").body)
		return nil, &apolloError{status: http.StatusBadRequest, plain: string(missing)} // JSON, sent as text
	case len(details) > 10:
		return nil, bulkError(http.StatusBadRequest, "RECORD_LIMIT_EXCEEDED", "domain count cannot be more than 10")
	}
	organizations, unique, missing := []any{}, map[string]bool{}, 0
	for i := range details {
		f := a.findFirm(&details[i])
		if f == nil {
			missing++
			organizations = append(organizations, nil)
			continue
		}
		unique[f.Key] = true
		organizations = append(organizations, a.bulkOrganization(f))
	}
	a.spent.add(key, len(unique))
	out := object{
		"status": "success", "error_code": nil, "error_message": nil, "total_requested_records": nil, "unique_records": nil,
		"total_requested_domains": nil, "unique_domains": nil,
		"unique_enriched_records": len(unique), "missing_records": missing, "organizations": organizations,
	}
	requested, distinct := "total_requested_records", "unique_records"
	if byDomain {
		requested, distinct = "total_requested_domains", "unique_domains"
	}
	out[requested], out[distinct] = len(details), len(details)
	return out, nil
}

// readDetails reads the list of a bulk method.
func readDetails(r *http.Request) ([]apolloQuestion, *apolloError) {
	body, _ := io.ReadAll(r.Body) // it is in memory
	if len(body) == 0 {
		return nil, nil
	}
	var in struct{ Details []apolloQuestion }
	if json.Unmarshal(body, &in) != nil {
		return nil, bulkError(http.StatusUnprocessableEntity, "UNKNOWN_ERROR", "no implicit conversion of Symbol into Integer")
	}
	return in.Details, nil
}

func (a *apollo) getOrganization(r *http.Request, key string) (any, *apolloError) {
	f := a.byID[r.PathValue("id")]
	if f == nil {
		return nil, unprocessable("Parameters misconfigured. id is not a valid ID") // not 404
	}
	a.spent.add(key, 1)
	return object{"organization": a.organization(f)}, nil
}

// findPerson needs an id, an address, a profile, or a name with a firm.
func (a *apollo) findPerson(q *apolloQuestion) *employee {
	if q.ID != "" {
		return a.people[q.ID]
	}
	name := strings.ToLower(strings.TrimSpace(q.Name))
	if name == "" {
		name = strings.ToLower(strings.TrimSpace(q.FirstName + " " + q.LastName))
	}
	for _, f := range a.firms {
		at := q.Domain != "" && f.Domain == domainOf(q.Domain) || q.Organization != "" && strings.EqualFold(f.Name, q.Organization)
		for i := range f.people {
			e := &f.people[i]
			switch {
			case q.Email != "" && strings.EqualFold(q.Email, e.Email),
				q.HashedEmail != "" && e.Email != "" && hashes(e.Email, strings.ToLower(q.HashedEmail)),
				q.LinkedIn != "" && handleOf(q.LinkedIn) == apolloProfile(e),
				at && name == strings.ToLower(e.First+" "+e.Last):
				return e
			}
		}
	}
	return nil
}

func hashes(address, want string) bool {
	weak, strong := md5.Sum([]byte(address)), sha256.Sum256([]byte(address)) //nolint:gosec // an identifier of the API
	return want == hex.EncodeToString(weak[:]) || want == hex.EncodeToString(strong[:])
}

func apolloProfile(e *employee) string { return permalink(e.First+" "+e.Last) + "-" + e.id[:8] }

// matchPerson reads the query alone, although the method is POST. Telephone
// numbers never come in the answer: they would be sent to a webhook.
func (a *apollo) matchPerson(r *http.Request, key string) (any, *apolloError) {
	v := r.URL.Query()
	if err := phonesNeedWebhook(r); err != nil {
		return nil, err
	}
	e := a.findPerson(&apolloQuestion{
		ID: v.Get("id"), FirstName: v.Get("first_name"), LastName: v.Get("last_name"), Name: v.Get("name"), Email: v.Get("email"),
		HashedEmail: v.Get("hashed_email"), Organization: v.Get("organization_name"), Domain: v.Get("domain"), LinkedIn: v.Get("linkedin_url"),
	})
	if e == nil {
		return object{"person": nil, "request_id": a.requestID()}, nil
	}
	a.spent.add(key, 1)
	return object{"person": a.person(e), "request_id": a.requestID()}, nil
}

func phonesNeedWebhook(r *http.Request) *apolloError {
	v := r.URL.Query()
	if v.Get("reveal_phone_number") == "true" && v.Get("webhook_url") == "" {
		return unprocessable("Required parameter 'webhook_url' missing")
	}
	return nil
}

func (a *apollo) matchPeople(r *http.Request, key string) (any, *apolloError) {
	if err := phonesNeedWebhook(r); err != nil {
		return nil, err
	}
	details, err := readDetails(r)
	switch {
	case err != nil:
		return nil, err
	case len(details) == 0:
		return nil, bulkError(http.StatusBadRequest, "INVALID_REQUEST", "invalid request, missing details")
	case len(details) > 10:
		return nil, bulkError(http.StatusBadRequest, "RECORD_LIMIT_EXCEEDED", "cannot enrich more than 10 in a single request")
	}
	matches, unique, missing := []any{}, map[string]bool{}, 0
	for i := range details {
		e := a.findPerson(&details[i])
		if e == nil {
			missing++
			matches = append(matches, nil)
			continue
		}
		unique[e.id] = true
		matches = append(matches, a.bulkPerson(e))
	}
	a.spent.add(key, len(unique))
	return object{
		"status": "success", "error_code": nil, "error_message": nil, "total_requested_enrichments": len(details),
		"unique_enriched_records": len(unique), "missing_records": missing, "credits_consumed": len(unique),
		"matches": matches, "request_id": a.requestID(),
	}, nil
}

// getPerson shows a person without an address that the team has not paid for.
func (a *apollo) getPerson(r *http.Request, key string) (any, *apolloError) {
	e := a.people[r.PathValue("id")]
	if e == nil {
		return nil, unprocessable("Person does not exist.") // not 404
	}
	a.spent.add(key, 1)
	out := a.person(e)
	out["email"] = "email_not_unlocked@domain.com"
	return object{"person": out}, nil
}

func (a *apollo) person(e *employee) object {
	f := e.firm
	m := a.world.Metro
	department := map[string]string{"management": "c_suite", "sales": "master_sales", "operations": "master_operations"}[e.Department]
	job := hash("job " + e.id)[:24]
	var confidence any
	if emailStatus(e) == "extrapolated" {
		confidence = 0.62
	}
	return object{
		"id": e.id, "first_name": e.First, "last_name": e.Last, "name": e.First + " " + e.Last, "title": e.Title,
		"headline": e.Title + " at " + f.Name, "linkedin_url": "http://www.linkedin.com/in/" + apolloProfile(e),
		"email": orNull(e.Email), "email_status": emailStatus(e), "extrapolated_email_confidence": confidence, "photo_url": nil,
		"twitter_url": nil, "github_url": nil, "facebook_url": nil, "organization_id": f.Key, "organization": a.organization(f),
		"employment_history": []object{{
			"_id": job, "id": job, "key": job, "created_at": nil, "current": true, "degree": nil, "description": nil, "emails": nil,
			"end_date": nil, "grade_level": nil, "kind": nil, "major": nil, "organization_id": f.Key, "organization_name": f.Name,
			"raw_address": nil, "start_date": fmt.Sprintf("%d-01-01", max(f.Company.Founded, 2012)), "title": e.Title, "updated_at": nil,
		}},
		"city": f.City, "state": m.RegionName, "country": countryNames[m.Country], "seniority": seniority(e),
		"departments": []string{department}, "subdepartments": []string{}, "functions": []string{e.Department},
		"is_likely_to_engage": roll("engage", e.id, 3) == 0, "show_intent": false, "revealed_for_current_team": true,
	}
}
