package overture

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/internal/gazetteer"
	"github.com/leadlake/leadlake/internal/taxonomy"
)

const (
	kmPerDegree = 111.195 // of latitude
	maxRadiusKM = 500
	defaultKM   = 25.0
)

// boxesOf covers the campaign's circle: with one box, or with two where it
// crosses the 180th meridian. What lies in the corners, outside the circle, is
// for the pipeline to drop.
func boxesOf(g leadlake.GeoSpec) ([]ingest.Box, error) {
	radius := g.RadiusKM
	if radius == 0 {
		radius = defaultKM
	}
	if !(radius > 0 && radius <= maxRadiusKM) {
		return nil, leadlake.Errorf(leadlake.Invalid, "campaign: geo.radius_km is %g", g.RadiusKM).
			WithFix("use a radius of up to %d km", maxRadiusKM)
	}
	var lat, lon float64
	if g.Lat != nil && g.Lon != nil {
		lat, lon = *g.Lat, *g.Lon
	} else {
		place, err := gazetteer.Lookup(g.City, g.Region, g.Country)
		if err != nil {
			return nil, err
		}
		lat, lon = place.Lat, place.Lon
	}
	dLat := radius / kmPerDegree
	b := ingest.Box{South: max(-90, lat-dLat), North: min(90, lat+dLat), West: -180, East: 180}
	// A degree of longitude is taken where it is shortest, at the edge nearest
	// to the pole. A circle that holds the pole has every longitude.
	edge := math.Abs(lat) + dLat
	if edge >= 90 {
		return []ingest.Box{b}, nil
	}
	dLon := dLat / math.Cos(edge*math.Pi/180)
	if dLon >= 180 {
		return []ingest.Box{b}, nil
	}
	b.West, b.East = lon-dLon, lon+dLon
	west, east := b, b
	switch {
	case b.West < -180:
		west.West, west.East, east.West = b.West+360, 180, -180
	case b.East > 180:
		west.East, east.West, east.East = 180, -180, b.East-360
	default:
		return []ingest.Box{b}, nil
	}
	return []ingest.Box{west, east}, nil
}

// degrees prints a coordinate to about ten centimetres: the same on every
// machine, since it is part of a query's id.
func degrees(v float64) string { return strconv.FormatFloat(v, 'f', 6, 64) }

// subjectOf says what the campaign looks for: categories where the taxonomy
// knows its words, else the keywords as part of the name, else the categories
// of its vertical.
func subjectOf(c leadlake.CampaignSpec) (categories []string, word string) {
	word = strings.Join(strings.Fields(c.Keywords), " ")
	text := word
	if text == "" {
		text = c.Name
	}
	categories = categoriesOf(taxonomy.Find(text))
	if len(categories) == 0 && word == "" {
		categories = categoriesOf(slices.DeleteFunc(slices.Clone(taxonomy.All()), func(concept taxonomy.Concept) bool {
			return concept.Vertical != string(c.Vertical)
		}))
	}
	return categories, word
}

func categoriesOf(concepts []taxonomy.Concept) []string {
	var all []string
	for _, c := range concepts {
		all = append(all, c.Overture...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
