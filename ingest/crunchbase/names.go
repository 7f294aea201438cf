package crunchbase

import (
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/gazetteer"
)

// states and countries by the codes that campaigns have: providers of firms
// know places by name.
const (
	states = `AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|` +
		`DC District of Columbia|FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|` +
		`KY Kentucky|LA Louisiana|ME Maine|MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|` +
		`MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|` +
		`NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|RI Rhode Island|` +
		`SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|VA Virginia|WA Washington|` +
		`WV West Virginia|WI Wisconsin|WY Wyoming`
	countries = `US United States|CA Canada|GB United Kingdom|IE Ireland|AU Australia|NZ New Zealand|DE Germany|` +
		`AT Austria|CH Switzerland|FR France|BE Belgium|NL Netherlands|LU Luxembourg|ES Spain|PT Portugal|IT Italy|` +
		`DK Denmark|SE Sweden|NO Norway|FI Finland|PL Poland|IN India|SG Singapore|JP Japan|MX Mexico|BR Brazil|` +
		`ZA South Africa|IL Israel`
)

// regionName writes a state of the United States out, also that of a large
// city without one; other regions stay as they are.
func regionName(g leadlake.GeoSpec) string {
	if c := countryName(g.Country); g.Country != "" && c != "United States" {
		return strings.TrimSpace(g.Region)
	}
	if g.Region == "" && g.City != "" {
		if place, err := gazetteer.Lookup(g.City, "", g.Country); err == nil {
			return named(states, place.Region)
		}
	}
	return named(states, g.Region)
}

// countryName is "" for a code that is not in the list.
func countryName(code string) string {
	if name := named(countries, code); len(name) != len("US") {
		return name
	}
	return ""
}

// named is the name of a code in a list; what is no code is a name already.
func named(list, code string) string {
	code = strings.TrimSpace(code)
	for entry := range strings.SplitSeq(list, "|") {
		if c, name, _ := strings.Cut(entry, " "); strings.EqualFold(c, code) {
			return name
		}
	}
	return code
}
