package gazetteer

import (
	_ "embed" // for the table
	"strings"
	"sync"

	"github.com/leadlake/leadlake"
)

// countries.tsv holds the countries that campaigns are most likely to be about:
// ISO 3166-1 alpha-2 code, name.
//
//go:embed countries.tsv
var countriesTSV string

// RegionName is the region of a campaign's place as providers print it that
// know places by name. A state of the United States is written out, also that
// of a large city without one, and may be given without the country. Other
// regions stay as they are, without blanks around them; "" is not known.
func RegionName(g leadlake.GeoSpec) string {
	region := strings.TrimSpace(g.Region)
	if g.Country != "" && CountryName(g.Country) != "United States" {
		return region
	}
	if region == "" && g.City != "" {
		if place, err := Lookup(g.City, "", g.Country); err == nil {
			region = place.Region
		}
	}
	if name, ok := names().states[fold(region)]; ok {
		return name
	}
	return region
}

// CountryName is the English name of a country, given as an ISO 3166-1 alpha-2
// code; what is longer is taken for a name. It is "" for a code that is not
// known.
func CountryName(code string) string {
	code = strings.TrimSpace(code)
	if name, ok := names().countries[fold(code)]; ok || len(code) == len("US") {
		return name
	}
	return code
}

// byCode are names by their codes.
type byCode struct{ states, countries map[string]string }

// names parses the embedded files once.
var names = sync.OnceValue(func() byCode {
	read := func(tsv string) map[string]string {
		m := map[string]string{}
		eachRow(tsv, func(f []string) { m[fold(f[0])] = f[1] })
		return m
	}
	return byCode{read(statesTSV), read(countriesTSV)}
})
