package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// findCompany knows two forms: Hunter's own, which gives employees as a range,
// and with clearbit_format Clearbit's, for those who came from there.
func (h *hunter) findCompany(r *http.Request) hunterReply {
	domain := r.URL.Query().Get("domain")
	if domain == "" {
		return hunterWrong("You are missing the domain parameter")
	}
	l := h.book.find(domain, "")
	if l == nil {
		return hunterUnknown()
	}
	return hunterReply{data: h.company(r, l), meta: object{"domain": l.Domain}}
}

func (h *hunter) findPerson(r *http.Request) hunterReply {
	email, handle := strings.ToLower(r.URL.Query().Get("email")), r.URL.Query().Get("linkedin_handle")
	if email == "" && handle == "" {
		return hunterWrong("You are missing the email parameter")
	}
	c, ok := h.book.byHandle[handle]
	if !ok {
		c, ok = h.book.byEmail[email]
	}
	switch {
	case !ok:
		return hunterUnknown()
	case erased(c.Email):
		return hunterErased()
	}
	return hunterReply{data: clearbitPerson(h.world.Metro, c), meta: object{"email": c.Email}}
}

func (h *hunter) findBoth(r *http.Request) hunterReply {
	email := strings.ToLower(r.URL.Query().Get("email"))
	_, domain, ok := strings.Cut(email, "@")
	if !ok {
		return hunterWrong("You are missing the email parameter")
	}
	l, c := h.book.byDomain[domain], h.book.byEmail[email]
	switch {
	case c != nil && erased(email):
		return hunterErased()
	case l == nil:
		return hunterUnknown()
	}
	out := object{"person": nil, "company": h.company(r, l)}
	if c != nil {
		out["person"] = clearbitPerson(h.world.Metro, c)
	}
	return hunterReply{data: out, meta: object{"email": email}}
}

// company prints a company in the form that was asked for; any value of
// clearbit_format counts.
func (h *hunter) company(r *http.Request, l *firm) object {
	out := clearbitCompany(h.world.Metro, l)
	if r.URL.Query().Get("clearbit_format") != "" {
		return out
	}
	metrics := out["metrics"].(object)
	if l.Company.Employees > 0 {
		metrics["employees"] = headcount(l.Company.Employees)
	}
	delete(metrics, "employeesRange")
	out["company_type"], out["fundingRounds"] = "privately_held", []object{}
	if l.Company.FundingUSD > 0 {
		out["fundingRounds"] = []object{{"series": "Seed", "amount": l.Company.FundingUSD, "currency": "USD", "date": nil}}
	}
	return out
}

// discoverQuery is the body of a discover call; criteria that are not here
// are ignored.
type discoverQuery struct {
	Query        string `json:"query"`
	Organization struct {
		Domain []string `json:"domain"`
		Name   []string `json:"name"`
	} `json:"organization"`
	Location struct {
		Include []struct {
			Country string `json:"country"`
			State   string `json:"state"`
			City    string `json:"city"`
		} `json:"include"`
	} `json:"headquarters_location"`
	Headcount []string `json:"headcount"`
	Limit     *int     `json:"limit"`
	Offset    int      `json:"offset"`
}

func (h *hunter) discover(r *http.Request) hunterReply {
	var q discoverQuery
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return hunterWrong("The body could not be read")
	}
	limit := 100
	if q.Limit != nil {
		limit = *q.Limit
	}
	if limit < 1 || limit > 100 || q.Offset < 0 || q.Offset > hunterMaxOffset {
		return hunterBadPage()
	}
	found := []object{}
	for _, l := range h.book.all {
		if !h.admits(&q, l) {
			continue
		}
		n := map[string]int{}
		for _, m := range h.mailboxes(l) {
			n[m.kind()]++
		}
		found = append(found, object{"domain": l.Domain, "organization": l.Name, "emails_count": object{
			"personal": n["personal"], "generic": n["generic"], "total": n["personal"] + n["generic"]}})
	}
	end := min(len(found), q.Offset+limit)
	return hunterReply{free: true, data: found[min(q.Offset, end):end], meta: object{"results": len(found), "limit": limit, "offset": q.Offset, "params": object{}}}
}

func (h *hunter) admits(q *discoverQuery, l *firm) bool {
	if len(q.Organization.Domain)+len(q.Organization.Name) > 0 &&
		!slices.Contains(q.Organization.Domain, l.Domain) && !slices.Contains(q.Organization.Name, l.Name) {
		return false
	}
	if len(q.Headcount) > 0 && !slices.Contains(q.Headcount, headcount(l.Company.Employees)) {
		return false
	}
	if len(q.Location.Include) > 0 {
		m, here := h.world.Metro, false
		for _, p := range q.Location.Include {
			here = here || (p.Country == "" || strings.EqualFold(p.Country, m.Country)) &&
				(p.State == "" || strings.EqualFold(p.State, m.Region) || strings.EqualFold(p.State, m.RegionName)) &&
				(p.City == "" || strings.EqualFold(p.City, l.City))
		}
		if !here {
			return false
		}
	}
	words, town := splitQuery(q.Query)
	about := func(w string) bool { return named(l.Category, singular(w)) || slices.Contains(tokens(l.Name), w) }
	return (len(words) == 0 || slices.ContainsFunc(words, about)) && (town == "" || strings.EqualFold(town, l.City))
}
