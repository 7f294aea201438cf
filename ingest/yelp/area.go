package yelp

import (
	"math"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

const (
	kmPerDegree = 111.195 // of latitude
	rootKM      = 56.0    // side of a square whose circle has a radius just below maxRadius
)

// rootsOf covers the circle of a campaign with boxes, each small enough for
// one search.
func rootsOf(g leadlake.GeoSpec) ([]ingest.Box, error) {
	area, err := ingest.AreaOf(g)
	if err != nil {
		return nil, err
	}
	return cover(ingest.Point{Lat: area.Lat, Lon: area.Lon}, area.RadiusKM), nil
}

// cover lays rows of boxes over a circle and keeps those that it touches.
func cover(at ingest.Point, radiusKM float64) []ingest.Box {
	rows := int(math.Ceil(2 * radiusKM / rootKM))
	high := radiusKM / kmPerDegree
	var boxes []ingest.Box
	for i := range rows {
		south := at.Lat - high + 2*high*float64(i)/float64(rows)
		north := at.Lat - high + 2*high*float64(i+1)/float64(rows)
		south, north = max(south, -90), min(north, 90)
		if south >= north {
			continue
		}
		// As wide as the circle where a degree is narrowest, in boxes that are
		// narrow enough where it is widest.
		narrow, wide := widths(south, north)
		half := min(radiusKM/narrow, 180)
		columns := int(math.Ceil(2 * half * wide / rootKM))
		for j := range columns {
			box := ingest.Box{
				South: south, North: north,
				West: at.Lon - half + 2*half*float64(j)/float64(columns),
				East: at.Lon - half + 2*half*float64(j+1)/float64(columns),
			}
			if touches(box, at, radiusKM) {
				boxes = append(boxes, onGlobe(box)...)
			}
		}
	}
	return boxes
}

// widths are the least and the most kilometres of a degree of longitude
// between two latitudes.
func widths(south, north float64) (least, most float64) {
	a, b := kmOfDegree(south), kmOfDegree(north)
	if south < 0 && north > 0 {
		return min(a, b), kmPerDegree
	}
	return min(a, b), max(a, b)
}

// kmOfDegree is the width of a degree of longitude; at the poles that of 89.5
// degrees, so that nothing divides by zero.
func kmOfDegree(lat float64) float64 {
	return kmPerDegree * math.Cos(min(math.Abs(lat), 89.5)*math.Pi/180)
}

// touches says whether a box comes within a circle, with a little to spare.
func touches(box ingest.Box, at ingest.Point, radiusKM float64) bool {
	lat := min(max(at.Lat, box.South), box.North)
	lon := min(max(at.Lon, box.West), box.East)
	least, _ := widths(min(lat, at.Lat), max(lat, at.Lat))
	return math.Hypot((lat-at.Lat)*kmPerDegree, (lon-at.Lon)*least) <= radiusKM*1.01
}

// onGlobe brings a box back between -180 and 180 degrees; one across that line
// becomes two.
func onGlobe(box ingest.Box) []ingest.Box {
	switch {
	case box.West >= 180:
		box.West, box.East = box.West-360, box.East-360
	case box.East <= -180:
		box.West, box.East = box.West+360, box.East+360
	case box.East > 180:
		west, east := box, box
		west.East, east.West, east.East = 180, -180, box.East-360
		return []ingest.Box{west, east}
	case box.West < -180:
		west, east := box, box
		west.West, west.East, east.West = box.West+360, 180, -180
		return []ingest.Box{west, east}
	}
	return []ingest.Box{box}
}

// circle is the smallest one around a box, in degrees and metres. Yelp takes
// no larger one than maxRadius.
func circle(box ingest.Box) (lat, lon float64, radius int) {
	_, wide := widths(box.South, box.North)
	km := math.Hypot((box.North-box.South)/2*kmPerDegree, (box.East-box.West)/2*wide)
	// A metre more makes up for the digits of the degrees.
	return (box.South + box.North) / 2, (box.West + box.East) / 2, min(int(math.Ceil(km*1000))+1, maxRadius)
}
