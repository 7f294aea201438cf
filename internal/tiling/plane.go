package tiling

import "math"

const (
	kmPerDegree = 111.195 // of latitude
	poleEdge    = 89.0    // latitude beyond which a degree of longitude has no more width to speak of
)

// Area is the circle of a campaign.
type Area struct {
	Lat      float64 `json:"lat"`
	Lon      float64 `json:"lon"`
	RadiusKM float64 `json:"radius_km"`
}

// Boxes is the smallest box around the area, or the two of an area that
// crosses the antimeridian. One that comes to a pole has every longitude.
func (a Area) Boxes() []Box {
	if reach := a.RadiusKM / kmPerDegree; math.Abs(a.Lat)+reach > poleEdge {
		return []Box{{South: round(max(-90, a.Lat-reach)), West: -180, North: round(min(90, a.Lat+reach)), East: 180}}
	}
	pl := planeOf(a)
	var boxes []Box
	for _, r := range pl.roots() {
		boxes = append(boxes, pl.box(r))
	}
	return boxes
}

// xy is a point in kilometres east and north of the middle of the area.
type xy struct{ x, y float64 }

// rect is a rectangle in the plane.
type rect struct{ x0, y0, x1, y1 float64 }

func (r rect) width() float64  { return r.x1 - r.x0 }
func (r rect) height() float64 { return r.y1 - r.y0 }
func (r rect) area() float64   { return r.width() * r.height() }
func (r rect) longest() float64 {
	return max(r.width(), r.height())
}
func (r rect) middle() xy { return xy{(r.x0 + r.x1) / 2, (r.y0 + r.y1) / 2} }
func (r rect) holds(p xy) bool {
	return p.x >= r.x0 && p.x < r.x1 && p.y >= r.y0 && p.y < r.y1
}

// distance is from p to the nearest point of the rectangle.
func (r rect) distance(p xy) float64 {
	return math.Hypot(max(0, r.x0-p.x, p.x-r.x1), max(0, r.y0-p.y, p.y-r.y1))
}

// meet is what two rectangles have in common; its area is not positive where
// that is nothing.
func (r rect) meet(o rect) rect {
	return rect{max(r.x0, o.x0), max(r.y0, o.y0), min(r.x1, o.x1), min(r.y1, o.y1)}
}

// plane is a flat map of the area. A degree of longitude is as wide as at the
// edge nearest to the pole, where it is narrowest: so the circle on the earth
// lies within the circle on the map.
type plane struct {
	area   Area
	perLon float64
}

func planeOf(a Area) plane {
	edge := min(poleEdge, math.Abs(a.Lat)+a.RadiusKM/kmPerDegree)
	return plane{a, kmPerDegree * math.Cos(edge*math.Pi/180)}
}

// roots are the rectangles around the circle, cut at the antimeridian and at
// the poles.
func (pl plane) roots() []rect {
	r := pl.area.RadiusKM
	half := min(r, 180*pl.perLon)
	all := rect{
		-half, max(-r, (-90-pl.area.Lat)*kmPerDegree),
		half, min(r, (90-pl.area.Lat)*kmPerDegree),
	}
	for _, edge := range []float64{-180, 180} {
		if x := (edge - pl.area.Lon) * pl.perLon; x > all.x0 && x < all.x1 {
			low, high := all, all
			low.x1, high.x0 = x, x
			return []rect{low, high}
		}
	}
	return []rect{all}
}

// point brings a place onto the map.
func (pl plane) point(p Point) xy {
	return xy{wrap(p.Lon-pl.area.Lon) * pl.perLon, (p.Lat - pl.area.Lat) * kmPerDegree}
}

// rect brings a box onto the map.
func (pl plane) rect(b Box) rect {
	low, high := pl.point(Point{b.South, b.West}), pl.point(Point{b.North, b.East})
	if high.x <= low.x {
		high.x += 360 * pl.perLon
	}
	return rect{low.x, low.y, high.x, high.y}
}

// box brings a rectangle back to degrees. Edges are rounded to about ten
// centimetres, the same edge always in the same way, so that neighbours have
// no gap between them and a box has the same text on every machine.
func (pl plane) box(r rect) Box {
	west, east := pl.area.Lon+r.x0/pl.perLon, pl.area.Lon+r.x1/pl.perLon
	switch middle := (west + east) / 2; {
	case middle > 180:
		west, east = west-360, east-360
	case middle < -180:
		west, east = west+360, east+360
	}
	b := Box{
		South: round(max(-90, pl.area.Lat+r.y0/kmPerDegree)), West: round(max(-180, west)),
		North: round(min(90, pl.area.Lat+r.y1/kmPerDegree)), East: round(min(180, east)),
	}
	// A provider may refuse a box without an inside.
	if b.North <= b.South {
		b.South = round(b.North - step)
	}
	if b.East <= b.West {
		b.West = round(b.East - step)
	}
	return b
}

// step is the last digit of an edge, in degrees.
const step = 1e-6

// tighten drops what lies outside the circle on every side. The answer is
// false where nothing remains.
func (pl plane) tighten(r rect) (rect, bool) {
	radius := pl.area.RadiusKM
	// The widest chord of the circle within the rectangle's rows, and in its columns.
	atY, atX := nearest(r.y0, r.y1), nearest(r.x0, r.x1)
	if math.Hypot(atX, atY) >= radius {
		return r, false
	}
	halfX, halfY := math.Sqrt(radius*radius-atY*atY), math.Sqrt(radius*radius-atX*atX)
	r = r.meet(rect{-halfX, -halfY, halfX, halfY})
	return r, r.width() > 0 && r.height() > 0
}

// nearest is the number in low to high that is nearest to zero.
func nearest(low, high float64) float64 { return max(low, min(high, 0)) }

// wrap brings a longitude, or a difference of two, into -180 to 180.
func wrap(lon float64) float64 {
	if lon < -180 || lon > 180 {
		lon = math.Mod(math.Mod(lon+180, 360)+360, 360) - 180
	}
	return lon
}

func round(degrees float64) float64 { return math.Round(degrees*1e6) / 1e6 }
