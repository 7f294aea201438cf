package googleplaces

import (
	"math"
	"strconv"

	"github.com/leadlake/leadlake/ingest"
)

const (
	kmPerDegree = 111.195  // of latitude
	maxRadius   = 50_000.0 // metres of the circle of a nearby search
	smallKM     = 70.0     // side of a square whose circle has a radius just below maxRadius
)

// small cuts boxes until the circle around each is one that can be searched.
func small(boxes []ingest.Box) []ingest.Box {
	var out []ingest.Box
	for _, b := range boxes {
		high, wide := sides(b)
		rows, columns := int(math.Ceil(high/smallKM)), int(math.Ceil(wide/smallKM))
		for i := range rows * columns {
			row, column := float64(i/columns), float64(i%columns)
			out = append(out, ingest.Box{
				South: part(b.South, b.North, row, rows), North: part(b.South, b.North, row+1, rows),
				West: part(b.West, b.East, column, columns), East: part(b.West, b.East, column+1, columns),
			})
		}
	}
	return out
}

// part is where the i-th of n equal parts begins; the last ends at high.
func part(low, high, i float64, n int) float64 {
	if int(i) == n {
		return high
	}
	return low + (high-low)*i/float64(n)
}

// sides are those of a box in kilometres; the width is that of the side nearer
// to the equator, which is the longer one.
func sides(b ingest.Box) (high, wide float64) {
	nearest := 0.0
	if b.South > 0 || b.North < 0 {
		nearest = min(math.Abs(b.South), math.Abs(b.North))
	}
	return (b.North - b.South) * kmPerDegree, (b.East - b.West) * kmPerDegree * math.Cos(nearest*math.Pi/180)
}

// circleAround describes the circle around a box.
func circleAround(b ingest.Box) map[string]string {
	high, wide := sides(b)
	// Two metres more make up for the digits of the degrees.
	radius := min(maxRadius, math.Ceil(math.Hypot(high, wide)/2*1000)+2)
	return map[string]string{
		"lat": ingest.Degrees((b.South + b.North) / 2), "lon": ingest.Degrees((b.West + b.East) / 2),
		"radius_m": strconv.FormatFloat(radius, 'f', 0, 64),
	}
}
