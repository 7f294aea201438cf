package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// mailbox is one address at a company.
type mailbox struct {
	value      string
	who        *employee // nil for one of the company, such as info@
	department string
	status     string
	confidence int
}

// erased says whether the owner asked not to be processed.
func erased(email string) bool { return roll("erased", email, 40) == 0 }

// acceptAll says whether a domain takes mail for any name, so that no address
// of it can be verified.
func acceptAll(domain string) bool { return roll("accept all", domain, 7) == 0 }

// mailStatus is Hunter's word for an address and how sure it is.
func mailStatus(email, domain string) (status string, confidence int) {
	spread := roll("confidence", email, 10)
	switch n := roll("status", email, 20); {
	case n == 0:
		return "invalid", 5 + spread
	case acceptAll(domain):
		return "accept_all", 70 + spread
	case n < 3:
		return "unknown", 50 + spread
	}
	return "valid", 90 + spread
}

// mailboxes are the addresses of a company, the surest first.
func (h *hunter) mailboxes(l *firm) []mailbox {
	var out []mailbox
	add := func(m mailbox) {
		m.status, m.confidence = mailStatus(m.value, l.Domain)
		out = append(out, m)
	}
	if l.Email != "" {
		add(mailbox{value: l.Email, department: "communication"})
	}
	if l.Company.Employees > 20 {
		add(mailbox{value: "sales@" + l.Domain, department: "sales"})
	}
	for i := range l.people {
		if e := &l.people[i]; e.Email != "" && !erased(e.Email) {
			add(mailbox{value: e.Email, who: e, department: hunterDepartment(&e.Person)})
		}
	}
	slices.SortFunc(out, func(a, b mailbox) int {
		return cmp.Or(cmp.Compare(b.confidence, a.confidence), cmp.Compare(a.value, b.value))
	})
	return out
}

// kind is Hunter's type of an address.
func (m *mailbox) kind() string {
	if m.who == nil {
		return "generic"
	}
	return "personal"
}

func hunterDepartment(p *world.Person) string {
	if p.Seniority == "owner" {
		return "executive"
	}
	return p.Department
}

func (m *mailbox) seniority() string {
	if m.who == nil {
		return ""
	}
	return map[string]string{"owner": "executive", "manager": "senior", "staff": "junior"}[m.who.Seniority]
}

func (m *mailbox) render(l *firm) object {
	out := object{
		"value": m.value, "type": m.kind(), "confidence": m.confidence,
		"first_name": nil, "last_name": nil, "position": nil, "position_raw": nil, "seniority": orNull(m.seniority()),
		"department": orNull(m.department), "linkedin": nil, "twitter": nil, "phone_number": nil,
		"verification": object{"date": l.Seen + "T08:00:00Z", "status": m.status},
		"sources":      mailSources(m.value, l),
	}
	if m.status == "unknown" {
		out["verification"] = object{"date": nil, "status": nil}
	}
	if m.who != nil {
		out["first_name"], out["last_name"] = m.who.First, m.who.Last
		out["position"], out["position_raw"] = m.who.Title, m.who.Title
		if roll("linkedin", m.value, 2) == 0 {
			out["linkedin"] = memberPage(m.who)
		}
		if l.Phone != "" && m.who.Seniority == "owner" && roll("phone", m.value, 3) == 0 {
			out["phone_number"] = spacedPhone(l.Phone)
		}
	}
	return out
}

func spacedPhone(ten string) string {
	return fmt.Sprintf("+1 %s %s %s", ten[:3], ten[3:6], ten[6:])
}

func mailSources(email string, l *firm) []object {
	if roll("sources", email, 5) == 0 {
		return []object{}
	}
	return []object{{
		"domain": l.Domain, "uri": l.Website + "/contact", "extracted_on": l.Seen, "last_seen_on": l.Seen,
		"still_on_page": roll("page", email, 4) != 0,
	}}
}

// asked is the company that a query names by domain or name.
func (h *hunter) asked(r *http.Request) (l *firm, fault *hunterReply) {
	q := r.URL.Query()
	domain, company := q.Get("domain"), q.Get("company")
	if domain == "" && company == "" {
		wrong := hunterWrong("You are missing the domain parameter")
		return nil, &wrong
	}
	if domain != "" && !strings.Contains(domain, ".") {
		wrong := hunterWrong("The domain is invalid")
		return nil, &wrong
	}
	return h.book.find(domain, company), nil
}

func (h *hunter) domainSearch(r *http.Request) hunterReply {
	l, fault := h.asked(r)
	if fault != nil {
		return *fault
	}
	limit, offset, ok := hunterPage(r, 10)
	if !ok {
		return hunterBadPage()
	}
	q := r.URL.Query()
	if t := q.Get("type"); t != "" && t != "personal" && t != "generic" {
		return hunterWrong("The type parameter must be personal or generic")
	}
	meta := object{"results": 0, "limit": limit, "offset": offset,
		"params": params(r, "domain", "company", "type", "seniority", "department")}
	if l == nil {
		// A domain that Hunter never saw is no error.
		return hunterReply{free: true, data: h.domain(nil, domainOf(q.Get("domain")), []object{}), meta: meta}
	}
	var found []object
	for _, m := range h.mailboxes(l) {
		if m.wanted(q.Get) {
			found = append(found, m.render(l))
		}
	}
	meta["results"] = len(found)
	end := min(len(found), offset+limit)
	page := append([]object{}, found[min(offset, end):end]...)
	return hunterReply{free: len(page) == 0, data: h.domain(l, l.Domain, page), meta: meta}
}

// wanted applies the filters of a domain search.
func (m *mailbox) wanted(param func(string) string) bool {
	oneOf := func(list, have string) bool {
		return list == "" || slices.Contains(strings.Split(strings.ToLower(list), ","), have)
	}
	title := ""
	if m.who != nil {
		title = strings.ToLower(m.who.Title)
	}
	for _, field := range strings.Split(param("required_field"), ",") {
		switch field {
		case "full_name", "position":
			if m.who == nil {
				return false
			}
		}
	}
	titles := strings.ToLower(param("job_titles"))
	return oneOf(param("type"), m.kind()) && oneOf(param("seniority"), m.seniority()) &&
		oneOf(param("department"), m.department) && oneOf(param("verification_status"), m.status) &&
		(titles == "" || title != "" && slices.ContainsFunc(strings.Split(titles, ","), func(t string) bool { return strings.Contains(title, t) }))
}

// domain prints what a domain search says of the company itself.
func (h *hunter) domain(l *firm, domain string, emails []object) object {
	out := object{"domain": orNull(domain), "disposable": false, "webmail": false, "accept_all": false, "emails": emails}
	for _, field := range []string{
		"pattern", "organization", "description", "industry", "twitter", "facebook", "linkedin", "country", "state",
		"city", "street", "postal_code", "headcount", "company_type",
	} {
		out[field] = nil
	}
	out["technologies"], out["linked_domains"] = []string{}, []string{}
	if l == nil {
		return out
	}
	c := l.Company
	out["accept_all"] = acceptAll(domain)
	if len(l.people) > 0 {
		out["pattern"] = "{first}.{last}"
	}
	out["organization"], out["description"] = l.Name, firmDescription(l)
	out["industry"] = titled(l.concept.Industry)
	out["twitter"], out["facebook"], out["linkedin"] = orNull(c.Twitter), orNull(c.Facebook), orNull(c.LinkedIn)
	out["country"], out["state"], out["city"] = h.world.Metro.Country, h.world.Metro.RegionName, orNull(l.City)
	if !l.Area {
		out["street"], out["postal_code"] = orNull(l.Street), orNull(l.Postal)
	}
	if c.Employees > 0 {
		out["headcount"] = headcount(c.Employees)
	}
	out["company_type"] = "privately_held"
	out["technologies"] = techSlugs(c.Tech, "-")
	return out
}

// headcount is the range that a number of employees falls into.
func headcount(n int) string {
	for _, r := range []struct {
		to   int
		name string
	}{{10, "1-10"}, {50, "11-50"}, {200, "51-200"}, {500, "201-500"}, {1000, "501-1000"}, {5000, "1001-5000"}, {10_000, "5001-10000"}} {
		if n <= r.to {
			return r.name
		}
	}
	return "10001+"
}

func techSlugs(tech []string, joint string) []string {
	out := []string{}
	for _, t := range tech {
		out = append(out, strings.ReplaceAll(strings.ToLower(t), " ", joint))
	}
	return out
}

func (h *hunter) emailFinder(r *http.Request) hunterReply {
	q := r.URL.Query()
	meta := object{"params": params(r, "first_name", "last_name", "full_name", "domain", "company", "max_duration")}
	if s := q.Get("max_duration"); s != "" {
		if n, err := strconv.Atoi(s); err != nil || n < 3 || n > 20 {
			return hunterWrong("The max_duration parameter must be between 3 and 20")
		}
	}
	if handle := q.Get("linkedin_handle"); handle != "" {
		c, ok := h.book.byHandle[handle]
		if !ok {
			return hunterReply{free: true, data: object{"email": nil, "score": nil, "sources": []object{}}, meta: meta}
		}
		return finding(c, c.firm, meta)
	}
	l, fault := h.asked(r)
	if fault != nil {
		return *fault
	}
	first, last := q.Get("first_name"), q.Get("last_name")
	if full := strings.Fields(q.Get("full_name")); len(full) > 1 {
		first, last = full[0], full[len(full)-1]
	}
	if first == "" || last == "" {
		return hunterWrong("You are missing the first_name and last_name parameters, or the full_name parameter")
	}
	if l == nil {
		l = &firm{Listing: &world.Listing{Domain: domainOf(q.Get("domain"))}}
	}
	for i := range l.people {
		if e := &l.people[i]; e.Email != "" && strings.EqualFold(e.First, first) && strings.EqualFold(e.Last, last) {
			return finding(e, l, meta)
		}
	}
	return finding(&employee{Person: world.Person{First: first, Last: last}, firm: l}, l, meta)
}

// finding prints a person. One without a known address has null for it, with
// status 200.
func finding(c *employee, l *firm, meta object) hunterReply {
	if c.Email != "" && erased(c.Email) {
		return hunterErased()
	}
	out := object{
		"first_name": c.First, "last_name": c.Last, "email": orNull(c.Email), "score": nil, "domain": orNull(l.Domain),
		"accept_all": acceptAll(l.Domain), "position": orNull(c.Title), "twitter": nil, "linkedin_url": nil,
		"phone_number": nil, "company": orNull(l.Name), "sources": []object{},
		"verification": object{"date": nil, "status": nil},
	}
	if c.Email != "" {
		status, score := mailStatus(c.Email, l.Domain)
		out["score"], out["sources"] = score, mailSources(c.Email, l)
		out["verification"] = object{"date": l.Seen + "T08:00:00Z", "status": status}
		out["linkedin_url"] = "https://linkedin.com/in/" + memberPage(c)
	}
	return hunterReply{free: c.Email == "", data: out, meta: meta}
}

// emailVerifier needs a moment for every address: the first time it says that
// it is not done.
func (h *hunter) emailVerifier(r *http.Request) hunterReply {
	email := strings.ToLower(r.URL.Query().Get("email"))
	if email == "" {
		return hunterWrong("You are missing the email parameter")
	}
	meta := object{"params": params(r, "email")}
	local, domain, ok := strings.Cut(email, "@")
	wellFormed := ok && local != "" && strings.Contains(domain, ".")
	out := object{
		"status": "invalid", "result": "undeliverable", "score": 0, "email": email, "regexp": wellFormed, "gibberish": false,
		"disposable": false, "webmail": false, "mx_records": false, "smtp_server": false, "smtp_check": false,
		"accept_all": false, "block": false, "sources": []object{},
	}
	if !wellFormed {
		return hunterReply{data: out, meta: meta}
	}
	if erased(email) {
		return hunterErased()
	}
	if h.verifying.first(hunterKey(r) + " " + email) {
		return hunterReply{status: http.StatusAccepted, data: object{"email": email}, meta: meta}
	}
	l := h.book.byDomain[domain]
	if l == nil {
		return hunterReply{data: out, meta: meta}
	}
	out["mx_records"], out["smtp_server"] = true, true
	box := slices.IndexFunc(h.mailboxes(l), func(m mailbox) bool { return m.value == email })
	switch {
	case box >= 0:
		m := h.mailboxes(l)[box]
		out["status"], out["score"], out["sources"] = m.status, m.confidence, mailSources(email, l)
	case acceptAll(domain):
		out["status"], out["score"] = "accept_all", 60
	}
	out["accept_all"], out["smtp_check"] = out["status"] == "accept_all", out["status"] == "valid" || out["status"] == "accept_all"
	out["result"] = map[any]string{"valid": "deliverable", "invalid": "undeliverable"}[out["status"]]
	if out["result"] == "" {
		out["result"] = "risky"
	}
	return hunterReply{data: out, meta: meta}
}

// emailCount is free and asks for no key.
func (h *hunter) emailCount(r *http.Request) hunterReply {
	l, fault := h.asked(r)
	if fault != nil {
		return *fault
	}
	count := map[string]int{}
	departments, seniorities := map[string]int{}, map[string]int{"junior": 0, "senior": 0, "executive": 0}
	for _, d := range []string{"executive", "it", "finance", "management", "sales", "legal", "support", "hr", "marketing", "communication", "education", "design", "health", "operations"} {
		departments[d] = 0
	}
	if l != nil {
		for _, m := range h.mailboxes(l) {
			if t := r.URL.Query().Get("type"); t != "" && t != m.kind() {
				continue
			}
			count[m.kind()]++
			departments[m.department]++
			if s := m.seniority(); s != "" {
				seniorities[s]++
			}
		}
	}
	return hunterReply{free: true, data: object{
		"total": count["personal"] + count["generic"], "personal_emails": count["personal"], "generic_emails": count["generic"],
		"department": departments, "seniority": seniorities,
	}, meta: object{"params": params(r, "domain", "company", "type")}}
}
