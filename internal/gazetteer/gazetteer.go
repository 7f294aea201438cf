// Package gazetteer knows where the largest cities of the United States lie,
// so that a campaign can name a city instead of a point, and what states and
// countries are called.
package gazetteer

import (
	"bufio"
	_ "embed" // for the tables
	"strconv"
	"strings"
	"sync"

	"github.com/leadlake/leadlake"
)

// cities.tsv holds the centres of the fifty largest cities by the census of
// 2020, and of a few more, among them namesakes: name, state, latitude, longitude.
//
//go:embed cities.tsv
var citiesTSV string

// states.tsv holds the postal abbreviations of the states: code, name.
//
//go:embed states.tsv
var statesTSV string

// Place is a city with its centre in degrees.
type Place struct {
	City, Region, Country string
	Lat, Lon              float64
}

// Lookup finds a city by its name; the region is a state's name or postal
// abbreviation and may be empty where only one city is called so. It returns a
// NotFound error for a city it does not know, and Invalid for an empty name or
// one that several states share.
func Lookup(city, region, country string) (Place, error) {
	label := strings.Trim(city+", "+region, ", ")
	fail := func(code leadlake.Code, what string) (Place, error) {
		return Place{}, leadlake.Errorf(code, "geo: %s", what).WithFix("give geo.lat and geo.lon, in degrees")
	}
	if strings.TrimSpace(city) == "" {
		return fail(leadlake.Invalid, "no place is given")
	}
	if c := fold(country); c != "" && c != "us" && c != "usa" && c != "united states" {
		return fail(leadlake.NotFound, "only cities of the United States are known by name, not "+label+" in "+country)
	}
	cities, states := tables()
	want := fold(region)
	if code, ok := states[want]; ok {
		want = fold(code)
	}
	var found []Place
	for _, p := range cities {
		if fold(p.City) == fold(city) && (want == "" || fold(p.Region) == want) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return fail(leadlake.NotFound, "the city "+label+" is not known")
	case 1:
		return found[0], nil
	}
	return fail(leadlake.Invalid, "several states have a city called "+label+": add geo.region")
}

func fold(s string) string {
	return strings.Join(strings.Fields(strings.ToLower(strings.ReplaceAll(s, ".", ""))), " ")
}

// tables parses the embedded files once.
var tables = sync.OnceValues(func() ([]Place, map[string]string) {
	var cities []Place
	eachRow(citiesTSV, func(f []string) {
		lat, errLat := strconv.ParseFloat(f[2], 64)
		lon, errLon := strconv.ParseFloat(f[3], 64)
		if errLat == nil && errLon == nil {
			cities = append(cities, Place{City: f[0], Region: f[1], Country: "US", Lat: lat, Lon: lon})
		}
	})
	states := map[string]string{}
	eachRow(statesTSV, func(f []string) { states[fold(f[1])] = f[0] })
	return cities, states
})

func eachRow(tsv string, row func([]string)) {
	for s := bufio.NewScanner(strings.NewReader(tsv)); s.Scan(); {
		row(strings.Split(s.Text(), "\t"))
	}
}
