package googleplaces

import (
	"math"
	"slices"
	"strconv"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/gazetteer"
)

const (
	kmPerDegree = 111.195 // of latitude
	cellKM      = 7.0     // boxes of this side are not cut further
	maxCells    = 60      // boxes of a plan
	maxRadiusKM = 500
	defaultKM   = 25.0
)

// area is the circle of a campaign.
type area struct{ lat, lon, radiusKM float64 }

func areaOf(g leadlake.GeoSpec) (area, error) {
	a := area{radiusKM: g.RadiusKM}
	if a.radiusKM == 0 {
		a.radiusKM = defaultKM
	}
	if !(a.radiusKM > 0 && a.radiusKM <= maxRadiusKM) {
		return a, leadlake.Errorf(leadlake.Invalid, "campaign: geo.radius_km is %g", g.RadiusKM).
			WithFix("use a radius of up to %d km", maxRadiusKM)
	}
	if g.Lat != nil && g.Lon != nil {
		a.lat, a.lon = *g.Lat, *g.Lon
		return a, nil
	}
	place, err := gazetteer.Lookup(g.City, g.Region, g.Country)
	if err != nil {
		return a, err
	}
	a.lat, a.lon = place.Lat, place.Lon
	return a, nil
}

// box is a rectangle in degrees. Where low lon is above high lon it crosses the
// antimeridian.
type box struct{ lowLat, lowLon, highLat, highLon float64 }

// cell is a square in kilometres from the centre of an area.
type cell struct{ south, west, side float64 }

// distance is from the centre to the nearest point of the cell.
func (c cell) distance() float64 {
	nearest := func(low float64) float64 { return max(0, low, -low-c.side) }
	return math.Hypot(nearest(c.south), nearest(c.west))
}

// boxes covers the circle with squares and leaves out those that do not touch
// it. It quarters squares until all are small or there are enough of them,
// large and central ones first: businesses stand closest in the middle of a
// town, and a search of a crowded square does not give them all.
func (a area) boxes() []box {
	cells := []cell{{-a.radiusKM, -a.radiusKM, 2 * a.radiusKM}}
	for len(cells)+3 <= maxCells {
		next, weight := -1, 0.0
		for i, c := range cells {
			if w := c.side / (c.distance() + a.radiusKM/4); c.side > cellKM && w > weight {
				next, weight = i, w
			}
		}
		if next < 0 {
			break
		}
		cells = slices.Replace(cells, next, next+1, a.quarter(cells[next])...)
	}
	boxes := make([]box, len(cells))
	for i, c := range cells {
		boxes[i] = a.box(c)
	}
	return boxes
}

// quarter cuts a cell in four and keeps those that touch the circle.
func (a area) quarter(c cell) []cell {
	var out []cell
	half := c.side / 2
	for _, q := range []cell{
		{c.south, c.west, half}, {c.south, c.west + half, half},
		{c.south + half, c.west, half}, {c.south + half, c.west + half, half},
	} {
		if q.distance() < a.radiusKM {
			out = append(out, q)
		}
	}
	return out
}

func (a area) box(c cell) box {
	// A degree of longitude is taken where it is shortest, at the edge nearest
	// to the pole, so that the boxes cover the circle everywhere.
	edge := min(89, math.Abs(a.lat)+a.radiusKM/kmPerDegree)
	perLon := kmPerDegree * math.Cos(edge*math.Pi/180)
	return box{
		lowLat:  max(-90, a.lat+c.south/kmPerDegree),
		highLat: min(90, a.lat+(c.south+c.side)/kmPerDegree),
		lowLon:  wrap(a.lon + c.west/perLon),
		highLon: wrap(a.lon + (c.west+c.side)/perLon),
	}
}

// wrap brings a longitude into -180 to 180.
func wrap(lon float64) float64 {
	if lon < -180 || lon > 180 {
		lon = math.Mod(lon+540, 360) - 180
	}
	return lon
}

func (b box) addRectangle(params map[string]string) {
	params["low_lat"], params["low_lon"] = degrees(b.lowLat), degrees(b.lowLon)
	params["high_lat"], params["high_lon"] = degrees(b.highLat), degrees(b.highLon)
}

// addCircle describes the circle around the box.
func (b box) addCircle(params map[string]string) {
	width := b.highLon - b.lowLon
	if width < 0 {
		width += 360
	}
	lat := (b.lowLat + b.highLat) / 2
	northSouth := (b.highLat - b.lowLat) * kmPerDegree
	// The side nearer to the equator is the wider one.
	widest := math.Cos(min(math.Abs(b.lowLat), math.Abs(b.highLat)) * math.Pi / 180)
	eastWest := width * kmPerDegree * widest
	params["lat"], params["lon"] = degrees(lat), degrees(wrap(b.lowLon+width/2))
	params["radius_m"] = strconv.FormatFloat(min(50_000, math.Ceil(math.Hypot(northSouth, eastWest)/2*1000)), 'f', 0, 64)
}

// degrees prints a coordinate to about ten centimetres: the same on every
// machine, since it is part of a query's id.
func degrees(v float64) string { return strconv.FormatFloat(v, 'f', 6, 64) }
