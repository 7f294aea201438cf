package sandbox

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// registerStatus is the register's own word.
func registerStatus(f *firm) string {
	if f.Status == world.ClosedForGood {
		return "Administratively Dissolved"
	}
	if roll("status", f.Key, 12) == 0 {
		return "Delinquent"
	}
	return "Good Standing"
}

func registerType(f *firm) string {
	if strings.HasSuffix(f.Name, "LLC") {
		return "Limited Liability Company"
	}
	return "Corporation"
}

func registerAddress(m *world.Metro, f *firm) string {
	street := f.Street
	if f.Unit != "" {
		street += " UNIT " + f.Unit
	}
	return strings.ToUpper(fmt.Sprintf("%s, %s, %s, %s", street, f.City, m.Region, f.Postal))
}

// renderCompany prints what a search gives. One address in twelve is known in
// full but not in parts, and what is unknown of being inactive is null.
func (o *openCorporates) renderCompany(f *firm) object {
	m := o.world.Metro
	jurisdiction, number, _ := strings.Cut(f.Key, "/")
	registry := "https://register.sandbox.example/" + number
	looked := f.Seen + "T00:00:00+00:00"
	out := object{
		"name": f.Name, "company_number": number, "jurisdiction_code": jurisdiction, "incorporation_date": orNull(f.Issued),
		"dissolution_date": nil, "company_type": registerType(f), "registry_url": registry, "branch": nil, "branch_status": nil,
		"inactive": f.Status == world.ClosedForGood, "current_status": registerStatus(f),
		"created_at": looked, "updated_at": looked, "retrieved_at": looked, "opencorporates_url": registerURL(f),
		"previous_names": []object{}, "source": object{
			"publisher": m.RegionName + " Secretary of State", "url": "https://register.sandbox.example/", "terms": nil, "retrieved_at": looked,
		},
		"registered_address": nil, "registered_address_in_full": orNull(registerAddress(m, f)),
		"industry_codes": []object{}, "restricted_for_marketing": nil, "native_company_number": nil,
	}
	if redacted(f) {
		out["registered_address_in_full"], out["inactive"] = nil, nil
		return out
	}
	if f.Status == world.ClosedForGood {
		out["dissolution_date"] = f.Seen
	}
	if roll("inactive", f.Key, 15) == 0 && f.Status != world.ClosedForGood {
		out["inactive"] = nil
	}
	if roll("address", f.Key, 12) != 0 {
		street := f.Street
		if f.Unit != "" {
			street += " Unit " + f.Unit
		}
		out["registered_address"] = object{
			"street_address": strings.ToUpper(street), "locality": strings.ToUpper(f.City), "region": m.Region,
			"postal_code": f.Postal, "country": countryNames[m.Country],
		}
	}
	if code := f.concept.NAICS; code != "" && roll("industry", f.Key, 3) == 0 {
		out["industry_codes"] = []object{{"industry_code": object{
			"code": code, "description": f.Category.Label, "code_scheme_id": "us_naics_2022",
			"code_scheme_name": "North American Industry Classification System 2022", "uid": "us_naics_2022-" + code,
		}}}
	}
	return out
}

func registerURL(f *firm) string { return "https://opencorporates.com/companies/" + f.Key }

// addRelations adds what only the page of a company has.
func (o *openCorporates) addRelations(out object, f *firm) {
	officers := []object{}
	for _, e := range registerOfficers(f) {
		officers = append(officers, object{"officer": o.renderOfficer(e, false)})
	}
	out["officers"] = officers
	for _, field := range []string{"alternative_names", "identifiers", "trademark_registrations", "filings", "corporate_groupings"} {
		out[field] = []object{}
	}
	out["data"] = object{"most_recent": []object{}, "total_count": 0, "url": registerURL(f) + "/data"}
	out["agent_name"], out["agent_address"], out["home_company"], out["number_of_employees"] = nil, nil, nil, nil
	if len(f.people) > 0 {
		out["agent_name"], out["agent_address"] = f.people[0].First+" "+f.people[0].Last, out["registered_address_in_full"]
	}
}

// registerOfficers are those whom a register knows: not the staff.
func registerOfficers(f *firm) []*employee {
	var out []*employee
	for i := range f.people {
		if f.people[i].Seniority == "owner" {
			out = append(out, &f.people[i])
		}
	}
	return out
}

func registerPosition(e *employee) string {
	if registerType(e.firm) == "Corporation" {
		return "president"
	}
	return "manager"
}

// renderOfficer prints a person as registers do, who know neither mail nor
// telephone.
func (o *openCorporates) renderOfficer(e *employee, withCompany bool) object {
	id, _ := strconv.ParseInt(e.id[:7], 16, 64) // hex digits always parse
	jurisdiction, number, _ := strings.Cut(e.firm.Key, "/")
	out := object{
		"id": id, "uid": nil, "name": strings.ToUpper(e.First + " " + e.Last), "position": registerPosition(e),
		"start_date": orNull(e.firm.Issued), "end_date": nil, "occupation": nil, "inactive": false, "current_status": nil,
		"opencorporates_url": fmt.Sprintf("https://opencorporates.com/officers/%d", id),
	}
	if withCompany {
		out["jurisdiction_code"] = jurisdiction
		out["company"] = object{
			"name": e.firm.Name, "jurisdiction_code": jurisdiction, "company_number": number, "opencorporates_url": registerURL(e.firm),
		}
	}
	return out
}
