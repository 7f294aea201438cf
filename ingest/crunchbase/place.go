package crunchbase

import (
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/gazetteer"
)

// placeOf is the permalink of a campaign's place: denver-colorado,
// colorado-united-states or united-states. It has to be right: a place that
// Crunchbase does not know is no error, it has no companies.
func placeOf(g leadlake.GeoSpec) (string, error) {
	region, country := gazetteer.RegionName(g), gazetteer.CountryName(g.Country)
	switch {
	case g.City != "" && region != "":
		return permalink(g.City, region), nil
	case g.City == "" && region != "" && country != "":
		return permalink(region, country), nil
	case g.City == "" && region == "" && country != "":
		return permalink(country), nil
	}
	return "", leadlake.Errorf(leadlake.Invalid, "campaign: Crunchbase knows places by name, and geo does not name one").
		WithFix("give geo.city with geo.region, or geo.country")
}

// permalink writes names as they stand in addresses of Crunchbase.
func permalink(names ...string) string {
	text := strings.ReplaceAll(strings.ToLower(strings.Join(names, " ")), "'", "")
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}
