package ingest

import (
	"strconv"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/gazetteer"
)

const (
	maxRadiusKM     = 500
	defaultRadiusKM = 25.0
)

// Degrees prints a coordinate to about ten centimetres: the same on every
// machine, since it is part of a query's id.
func Degrees(v float64) string { return strconv.FormatFloat(v, 'f', 6, 64) }

// AreaOf is the circle of a campaign: around its point, or around its city.
func AreaOf(g leadlake.GeoSpec) (Area, error) {
	a := Area{RadiusKM: g.RadiusKM}
	if a.RadiusKM == 0 {
		a.RadiusKM = defaultRadiusKM
	}
	if !(a.RadiusKM > 0 && a.RadiusKM <= maxRadiusKM) {
		return a, leadlake.Errorf(leadlake.Invalid, "campaign: geo.radius_km is %g", g.RadiusKM).
			WithFix("use a radius of up to %d km", maxRadiusKM)
	}
	if g.Lat != nil && g.Lon != nil {
		a.Lat, a.Lon = *g.Lat, *g.Lon
		return a, nil
	}
	place, err := gazetteer.Lookup(g.City, g.Region, g.Country)
	if err != nil {
		return a, err
	}
	a.Lat, a.Lon = place.Lat, place.Lon
	return a, nil
}
