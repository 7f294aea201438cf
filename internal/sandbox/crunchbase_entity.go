package sandbox

import (
	"fmt"
	"strings"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// identifier is how every entity names another.
func identifier(kind, uuid, link, value string) object {
	id := object{"uuid": uuid, "value": value, "entity_def_id": kind}
	if link != "" {
		id["permalink"] = link
	}
	return id
}

func location(kind, link, value string) object {
	id := identifier("location", derivedUUID("location "+link), link, value)
	id["location_type"] = kind
	return id
}

// locations are a town and what it lies in.
func (c *crunchbase) locations(town string) []object {
	m := c.world.Metro
	country := countryNames[m.Country]
	return []object{
		location("city", permalink(town+" "+m.RegionName), town),
		location("region", permalink(m.RegionName+" "+country), m.RegionName),
		location("country", permalink(country), country),
		location("continent", "north-america", "North America"),
	}
}

// locationGroups are the areas that Crunchbase draws over regions.
func (c *crunchbase) locationGroups() []object {
	return []object{location("group", "greater-"+permalink(c.world.Metro.City)+"-area", "Greater "+c.world.Metro.City+" Area")}
}

// places are all locations that autocompletion knows.
func (c *crunchbase) places() []object {
	var all []object
	for i := range c.world.Metro.Towns {
		ids := c.locations(c.world.Metro.Towns[i].Name)
		if i == 0 {
			all = append(all, ids[1:]...)
		}
		all = append(all, ids[0])
	}
	return append(all, c.locationGroups()...)
}

func category(link string) object {
	return identifier("category", derivedUUID("category "+link), link, titled(link))
}

// categories are those of the organizations.
func (c *crunchbase) categories() []object {
	var all []object
	seen := map[string]bool{}
	for _, f := range c.firms {
		for _, link := range f.concept.Crunchbase {
			if !seen[link] {
				seen[link] = true
				all = append(all, category(link))
			}
		}
	}
	return all
}

// organization prints every field that has a value: the others are absent,
// never null.
func (c *crunchbase) organization(f *firm) object {
	p := object{
		"uuid": f.Key, "entity_def_id": "organization", "permalink": f.ID, "name": f.Name,
		"identifier": identifier("organization", f.Key, f.ID, f.Name),
		"short_description": fmt.Sprintf("%s is a %s business in %s, %s.", f.Name, strings.ToLower(f.Category.Label),
			f.City, c.world.Metro.RegionName),
		"facet_ids": []string{"company"}, "permalink_aliases": []string{}, "company_type": "for_profit",
		"location_identifiers":       c.locations(f.City),
		"location_group_identifiers": c.locationGroups(),
		"operating_status":           "active", "status": "operating",
		"num_employees_enum": employeesEnum(f.Company.Employees),
		"revenue_range":      revenueEnum(f.Company.RevenueUSD),
		"rank_org":           1000 + roll("rank", f.Key, 1_000_000),
		"created_at":         fmt.Sprintf("%d-03-09T08:00:00Z", 2010+roll("created", f.Key, 10)),
		"updated_at":         fmt.Sprintf("%sT%02d:%02d:00Z", f.Seen, roll("hour", f.Key, 24), roll("minute", f.Key, 60)),
	}
	if f.Status == world.ClosedForGood {
		p["operating_status"], p["status"] = "closed", "closed"
	}
	var categories []object
	for _, link := range f.concept.Crunchbase {
		categories = append(categories, category(link))
	}
	if len(categories) > 0 {
		p["categories"] = categories
	}
	var founders []object
	for _, e := range f.people {
		if e.Seniority == "owner" {
			founders = append(founders, personIdentifier(e))
		}
	}
	if len(founders) > 0 {
		p["founder_identifiers"] = founders
	}
	if f.LegalName != "" {
		p["legal_name"] = f.LegalName
	}
	if f.Website != "" {
		p["website"], p["website_url"] = object{"value": f.Website}, f.Website
	}
	if f.Phone != "" {
		p["phone_number"] = "+1-" + f.Phone[:3] + "-" + f.Phone[3:6] + "-" + f.Phone[6:]
	}
	if f.Email != "" {
		p["contact_email"] = f.Email
	}
	c.profiles(p, f.Company)
	if date := foundedOn(f); date != nil {
		p["founded_on"] = date
	}
	if usd := f.Company.FundingUSD; usd > 0 {
		p["funding_total"] = object{"value": usd, "currency": "USD", "value_usd": usd}
		p["last_funding_type"], p["last_funding_at"] = "seed", fmt.Sprintf("%d-06-15", f.Company.Founded+2)
	}
	return p
}

func (c *crunchbase) profiles(p object, firm *world.Company) {
	for field, url := range map[string]string{
		"linkedin": "https://www.linkedin.com/company/" + firm.LinkedIn,
		"twitter":  "https://twitter.com/" + firm.Twitter,
		"facebook": "https://www.facebook.com/" + firm.Facebook,
	} {
		if !strings.HasSuffix(url, "/") {
			p[field] = object{"value": url}
		}
	}
}

// foundedOn is known to the day for some only: the value of the others has a
// month or day that means nothing, and the precision says so.
func foundedOn(f *firm) object {
	day := f.Company.Incorporated
	if len(day) != len("2006-01-02") {
		return nil
	}
	switch roll("founded", f.Key, 8) {
	case 0, 1, 2:
		return object{"value": day, "precision": "day"}
	case 3:
		return object{"value": day[:8] + "01", "precision": "month"}
	case 4, 5, 6:
		return object{"value": fmt.Sprintf("%d-01-01", f.Company.Founded), "precision": "year"}
	}
	return object{"precision": "none"}
}

func personIdentifier(e employee) object {
	name := e.First + " " + e.Last
	return identifier("person", derivedUUID(e.id), permalink(name)+"-"+e.id[:4], name)
}

// card is one of the cards of an organization. Lists are arrays even where
// there can be one element only.
func (c *crunchbase) card(f *firm, id string) (any, *crunchbaseError) {
	switch id {
	case "fields":
		return c.props[f.Key], nil
	case "headquarters_address":
		return c.headquarters(f), nil
	case "founders":
		people := []object{}
		for _, e := range f.people {
			if e.Seniority != "owner" {
				continue
			}
			id := personIdentifier(e)
			people = append(people, object{
				"identifier": id, "uuid": id["uuid"], "permalink": id["permalink"], "entity_def_id": "person",
				"name": id["value"], "first_name": e.First, "last_name": e.Last, "primary_job_title": e.Title,
				"location_identifiers": c.locations(f.City),
			})
		}
		return people, nil
	case "child_organizations", "child_ownerships", "event_appearances", "parent_organization", "parent_ownership":
		return []object{}, nil
	}
	return nil, badQuery("card_id %q is not a card of an organization", id)
}

func (c *crunchbase) headquarters(f *firm) []object {
	id := derivedUUID("address " + f.Key)
	address := object{
		"identifier": identifier("address", id, "", "Headquarters"), "uuid": id, "entity_def_id": "address",
		"name": "Headquarters", "location_identifiers": c.locations(f.City),
		"created_at": c.props[f.Key]["created_at"], "updated_at": c.props[f.Key]["updated_at"],
	}
	for field, v := range map[string]string{"street_1": f.Street, "street_2": f.Unit, "postal_code": f.Postal} {
		if v != "" {
			address[field] = v
		}
	}
	if f.Unit != "" {
		address["street_2"] = "Suite " + f.Unit
	}
	return []object{address}
}

func employeesEnum(n int) string {
	for _, step := range []struct {
		most int
		enum string
	}{
		{10, "c_00001_00010"}, {50, "c_00011_00050"}, {100, "c_00051_00100"}, {250, "c_00101_00250"},
		{500, "c_00251_00500"}, {1000, "c_00501_01000"}, {5000, "c_01001_05000"}, {10_000, "c_05001_10000"},
	} {
		if n <= step.most {
			return step.enum
		}
	}
	return "c_10001_max"
}

// revenueEnum names a range by its lower end in thousands of dollars.
func revenueEnum(usd int64) string {
	enum := "r_00000000"
	for _, low := range []int64{1_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000} {
		if usd >= low*1000 {
			enum = fmt.Sprintf("r_%08d", low)
		}
	}
	return enum
}
