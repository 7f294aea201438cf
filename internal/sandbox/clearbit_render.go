package sandbox

import (
	"fmt"
	"strings"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// clearbitCompany prints a company with every field that Clearbit's clients
// declare, null where it is unknown. Hunter prints the same form.
func clearbitCompany(m *world.Metro, f *firm) object {
	c := f.Company
	phones, mails := []string{}, []string{}
	if f.Phone != "" {
		phones = append(phones, clearbitPhone(f.Phone))
	}
	if f.Email != "" {
		mails = append(mails, f.Email)
	}
	handle := func(before, handle string) object {
		if handle == "" {
			return object{"handle": nil}
		}
		return object{"handle": before + handle}
	}
	twitter := handle("", c.Twitter)
	for _, field := range []string{"id", "bio", "followers", "following", "location", "site", "avatar"} {
		twitter[field] = nil
	}
	facebook := handle("", c.Facebook)
	facebook["likes"] = nil
	return object{
		"id": clearbitID("company", f), "name": f.Name, "legalName": orNull(f.LegalName), "domain": f.Domain,
		"domainAliases": []string{}, "site": object{"phoneNumbers": phones, "emailAddresses": mails},
		"category": object{
			"sector": titled(f.concept.Vertical), "industryGroup": titled(f.concept.Industry), "industry": titled(f.concept.Industry),
			"subIndustry": f.Category.Label, "sicCode": orNull(f.concept.SIC), "naicsCode": orNull(f.concept.NAICS),
		},
		"tags": []string{f.Category.Label}, "description": firmDescription(f), "foundedYear": orNull(c.Founded),
		"location": clearbitLocation(m, f), "timeZone": "America/Denver", "utcOffset": utcOffsetMinutes / 60,
		"geo": clearbitGeo(m, f, true), "logo": nil,
		"facebook": facebook, "linkedin": handle("company/", c.LinkedIn), "twitter": twitter,
		"crunchbase": object{"handle": nil}, "emailProvider": false, "type": "private", "ticker": nil,
		"identifiers": object{"usEIN": nil}, "phone": orNull(clearbitPhone(f.Phone)),
		"metrics": object{
			"alexaUsRank": nil, "alexaGlobalRank": nil, "employees": orNull(c.Employees), "employeesRange": orNull(clearbitRange(c.Employees)),
			"marketCap": nil, "raised": orNull(c.FundingUSD), "annualRevenue": nil,
			"estimatedAnnualRevenue": orNull(clearbitRevenue(c.RevenueUSD)), "fiscalYearEnd": nil,
		},
		"indexedAt": f.Seen + "T00:00:00.000Z", "tech": techSlugs(c.Tech, "_"), "techCategories": []string{},
		"parent": object{"domain": nil}, "ultimateParent": object{"domain": nil},
	}
}

// clearbitID is the provider's own where it has one; Hunter's listings have
// none.
func clearbitID(kind string, f *firm) string {
	if f.ID != "" && kind == "company" {
		return f.ID
	}
	return derivedUUID(kind + " " + f.Key)
}

func clearbitPhone(ten string) string {
	if ten == "" {
		return ""
	}
	return fmt.Sprintf("+1 %s-%s-%s", ten[:3], ten[3:6], ten[6:])
}

func firmDescription(f *firm) string {
	return fmt.Sprintf("%s: %s in %s.", f.Name, strings.ToLower(f.Category.Label), f.City)
}

func clearbitLocation(m *world.Metro, f *firm) string {
	if f.Street == "" {
		return fmt.Sprintf("%s, %s, %s", f.City, m.Region, m.Country)
	}
	return fmt.Sprintf("%s, %s, %s %s, %s", f.Street, f.City, m.Region, f.Postal, m.Country)
}

// clearbitGeo prints a place: the site of a company, or the town of a person.
func clearbitGeo(m *world.Metro, f *firm, site bool) object {
	g := object{
		"city": orNull(f.City), "state": m.RegionName, "stateCode": m.Region,
		"country": countryNames[m.Country], "countryCode": m.Country, "lat": nil, "lng": nil,
	}
	if !site {
		return g
	}
	for _, field := range []string{"streetNumber", "streetName", "subPremise", "streetAddress", "postalCode"} {
		g[field] = nil
	}
	if f.Street != "" {
		number, street, _ := strings.Cut(f.Street, " ")
		g["streetNumber"], g["streetName"], g["subPremise"] = number, street, orNull(f.Unit)
		g["streetAddress"], g["postalCode"] = f.Street, orNull(f.Postal)
		g["lat"], g["lng"] = f.Lat, f.Lon
	}
	return g
}

// clearbitRange is Clearbit's own scale of employees.
func clearbitRange(n int) string {
	switch {
	case n <= 0:
		return ""
	case n <= 10:
		return "1-10"
	case n <= 50:
		return "11-50"
	case n <= 250:
		return "51-250"
	case n <= 1000:
		return "251-1K"
	case n <= 5000:
		return "1K-5K"
	case n <= 10_000:
		return "5K-10K"
	}
	return "10K-50K"
}

func clearbitRevenue(usd int64) string {
	const million = 1_000_000
	switch {
	case usd <= 0:
		return ""
	case usd < million:
		return "$0-$1M"
	case usd < 10*million:
		return "$1M-$10M"
	case usd < 50*million:
		return "$10M-$50M"
	case usd < 100*million:
		return "$50M-$100M"
	}
	return "$100M-$250M"
}

// clearbitPerson prints a person with every field that Clearbit's clients
// declare.
func clearbitPerson(m *world.Metro, e *employee) object {
	f := e.firm
	none := func() object { return object{"handle": nil} }
	linkedin := none()
	if roll("linkedin", e.Email, 2) == 0 {
		linkedin["handle"] = "in/" + memberPage(e)
	}
	return object{
		"id":    derivedUUID("person " + e.Email),
		"name":  object{"fullName": e.First + " " + e.Last, "givenName": e.First, "familyName": e.Last},
		"email": e.Email, "location": fmt.Sprintf("%s, %s, %s", f.City, m.Region, m.Country),
		"timeZone": "America/Denver", "utcOffset": utcOffsetMinutes / 60, "geo": clearbitGeo(m, f, false),
		"bio": nil, "site": nil, "avatar": nil,
		"employment": object{
			"domain": f.Domain, "name": f.Name, "title": e.Title, "role": clearbitRole(e.Department),
			"subRole": nil, "seniority": map[string]string{"owner": "executive", "manager": "manager", "staff": "staff"}[e.Seniority],
		},
		"facebook": none(), "github": none(), "twitter": none(), "linkedin": linkedin, "googleplus": none(), "gravatar": none(),
		"fuzzy": false, "emailProvider": false, "indexedAt": f.Seen + "T00:00:00.000Z", "phone": nil,
		"activeAt": f.Seen + "T00:00:00.000Z", "inactiveAt": nil,
	}
}

func clearbitRole(department string) string {
	if department == "management" {
		return "leadership"
	}
	return department
}
