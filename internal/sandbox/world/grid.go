package world

import "math"

// Box is an area in degrees. One whose west lies east of its east crosses the
// antimeridian.
type Box struct{ South, West, North, East float64 }

// Contains says whether a point lies within the box or on its edge.
func (b Box) Contains(lat, lon float64) bool {
	if lat < b.South || lat > b.North {
		return false
	}
	if b.West > b.East {
		return lon >= b.West || lon <= b.East
	}
	return lon >= b.West && lon <= b.East
}

// Around is a box that holds the circle around a point.
func Around(lat, lon, km float64) Box {
	dLat := km/(earthRadiusKM*math.Pi/180) + 1e-9
	widest := math.Abs(lat) + dLat
	if widest >= 89 {
		return Box{lat - dLat, -180, lat + dLat, 180}
	}
	dLon := dLat / math.Cos(widest*math.Pi/180)
	if lon-dLon < -180 || lon+dLon > 180 { // simpler than two boxes
		return Box{lat - dLat, -180, lat + dLat, 180}
	}
	return Box{lat - dLat, lon - dLon, lat + dLat, lon + dLon}
}

// cellDegrees is the side of a cell: about 2.2 km north to south.
const cellDegrees = 0.02

type cell struct{ lat, lon int32 }

// grid holds the indexes of listings by cell.
type grid map[cell][]int32

func cellOf(lat, lon float64) cell {
	return cell{int32(math.Floor(lat / cellDegrees)), int32(math.Floor(lon / cellDegrees))}
}

func newGrid(all []Listing) grid {
	g := grid{}
	for i := range all {
		c := cellOf(all[i].Lat, all[i].Lon)
		g[c] = append(g[c], int32(i))
	}
	return g
}

// Near returns lists of indexes into the listings of a provider, in which all
// those of a box are, and some that lie close to it.
func (w *World) Near(provider string, b Box) [][]int32 {
	g := w.desk(provider).grid
	low, high := cellOf(b.South, b.West), cellOf(b.North, b.East)
	fits := func(c cell) bool {
		if c.lat < low.lat || c.lat > high.lat {
			return false
		}
		if b.West > b.East {
			return c.lon >= low.lon || c.lon <= high.lon
		}
		return c.lon >= low.lon && c.lon <= high.lon
	}
	var lists [][]int32
	rows, columns := float64(high.lat)-float64(low.lat)+1, float64(high.lon)-float64(low.lon)+1
	if b.West > b.East || rows*columns > float64(len(g)) {
		for c, list := range g {
			if fits(c) {
				lists = append(lists, list)
			}
		}
		return lists
	}
	for lat := low.lat; lat <= high.lat; lat++ {
		for lon := low.lon; lon <= high.lon; lon++ {
			if list := g[cell{lat, lon}]; list != nil {
				lists = append(lists, list)
			}
		}
	}
	return lists
}
