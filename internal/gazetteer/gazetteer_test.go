package gazetteer

import (
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

func TestLookup_finds_a_city_as_people_write_it(t *testing.T) {
	t.Parallel()
	for _, in := range [][3]string{
		{"Denver", "CO", "US"}, {"denver", "", ""}, {" DENVER ", "Colorado", "USA"}, {"Denver", "co", "United States"},
	} {
		p, err := Lookup(in[0], in[1], in[2])
		if err != nil || p.Lat != 39.7392 || p.Lon != -104.9903 || p.Region != "CO" {
			t.Errorf("Lookup(%q) = %+v, %v", in, p, err)
		}
	}
}

func TestLookup_says_what_to_give_instead(t *testing.T) {
	t.Parallel()
	for in, code := range map[[3]string]leadlake.Code{
		{"", "CO", "US"}:          leadlake.Invalid,
		{"Aurora", "", "US"}:      leadlake.Invalid,
		{"Nowhere", "CO", "US"}:   leadlake.NotFound,
		{"Denver", "Texas", "US"}: leadlake.NotFound,
		{"Denver", "", "Canada"}:  leadlake.NotFound,
	} {
		_, err := Lookup(in[0], in[1], in[2])
		if leadlake.ErrorCode(err) != code || !strings.Contains(err.Error(), "geo.lat") {
			t.Errorf("Lookup(%q): %v, want %s and a fix", in, err, code)
		}
	}
}

func TestTables_are_whole(t *testing.T) {
	t.Parallel()
	cities, states := tables()
	if len(cities) != strings.Count(citiesTSV, "\n") || len(states) != 51 {
		t.Errorf("%d cities, %d states", len(cities), len(states))
	}
	codes := map[string]bool{}
	for _, c := range states {
		codes[c] = true
	}
	for _, p := range cities {
		if !codes[p.Region] || p.Lat < 20 || p.Lat > 50 || p.Lon > -65 || p.Lon < -125 {
			t.Errorf("%+v is not in the contiguous states", p)
		}
	}
}
