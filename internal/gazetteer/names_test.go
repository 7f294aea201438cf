package gazetteer

import (
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

func TestRegionName_writes_states_out(t *testing.T) {
	t.Parallel()
	for in, want := range map[leadlake.GeoSpec]string{
		{Region: "CO", Country: "US"}:             "Colorado",
		{Region: " co ", Country: "us"}:           "Colorado",
		{Region: "CO"}:                            "Colorado",
		{Region: "Colorado", Country: "US"}:       "Colorado",
		{Region: "D.C.", Country: "US"}:           "District of Columbia",
		{City: "Denver", Country: "US"}:           "Colorado",
		{City: "Denver"}:                          "Colorado",
		{City: "Denver", Region: "Kansas"}:        "Kansas",
		{City: "Aurora", Country: "US"}:           "", // there are two
		{City: "Nowhere", Country: "US"}:          "",
		{Region: "ON", Country: "CA"}:             "ON",
		{Region: " Ontario ", Country: "Canada"}:  "Ontario",
		{Region: "CA", Country: "United States"}:  "California",
		{City: "Boston", Country: "GB"}:           "", // the one in Lincolnshire
		{Region: "CO", Country: "United Kingdom"}: "CO",
		{}: "",
	} {
		if got := RegionName(in); got != want {
			t.Errorf("RegionName(%+v) = %q, want %q", in, got, want)
		}
	}
}

func TestCountryName_knows_codes_and_leaves_names(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"US": "United States", " gb ": "United Kingdom", "Ireland": "Ireland", " Narnia ": "Narnia", "ZZ": "", "": "", " ": "",
	} {
		if got := CountryName(in); got != want {
			t.Errorf("CountryName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNames_are_whole(t *testing.T) {
	t.Parallel()
	for tsv, m := range map[string]map[string]string{statesTSV: names().states, countriesTSV: names().countries} {
		if len(m) != strings.Count(tsv, "\n") {
			t.Errorf("%d names in %d lines", len(m), strings.Count(tsv, "\n"))
		}
		for code, name := range m {
			if len(code) != 2 || len(name) < 3 || name != strings.TrimSpace(name) {
				t.Errorf("%q is %q", code, name)
			}
		}
	}
}
