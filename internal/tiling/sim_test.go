package tiling_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/leadlake/leadlake/internal/tiling"
)

const kmPerDegree = 111.195

// town is a middle with a spread in kilometres and a share of the places.
type town struct{ x, y, spread, weight float64 }

// scene describes a world to search.
type scene struct {
	name      string
	towns     []town
	sprinkle  float64 // share of places that are spread evenly
	malls     float64 // share of places that stand in heaps of 100 m
	streets   float64 // share of places that stand along straight roads
	placeless float64 // share of places without a point
}

// place is a place to find; x and y are in kilometres from the middle.
type place struct {
	x, y float64
	tiling.Point
	rank   float64
	hidden bool
}

var middle = tiling.Area{Lat: 39.7392, Lon: -104.9903, RadiusKM: 50}

// build places n of them within the circle, some more around it.
func (s scene) build(n int, seed uint64) []place {
	rng := rand.New(rand.NewPCG(seed, 7))
	type spot struct{ x, y, dx, dy float64 }
	var malls, streets []spot
	town := func() (float64, float64) {
		w := rng.Float64()
		for _, t := range s.towns {
			if w -= t.weight; w < 0 {
				return t.x + rng.NormFloat64()*t.spread, t.y + rng.NormFloat64()*t.spread
			}
		}
		return (rng.Float64() - .5) * 120, (rng.Float64() - .5) * 120
	}
	for range 12 {
		x, y := town()
		malls = append(malls, spot{x: x, y: y})
	}
	for range 15 {
		x, y := town()
		a := rng.Float64() * math.Pi
		streets = append(streets, spot{x, y, math.Cos(a) * 8, math.Sin(a) * 8})
	}
	var places []place
	for inside := 0; inside < n; {
		x, y := town()
		switch w := rng.Float64(); {
		case w < s.sprinkle:
			x, y = (rng.Float64()-.5)*120, (rng.Float64()-.5)*120
		case w < s.sprinkle+s.malls:
			m := malls[rng.IntN(len(malls))]
			x, y = m.x+rng.NormFloat64()*.1, m.y+rng.NormFloat64()*.1
		case w < s.sprinkle+s.malls+s.streets:
			r := streets[rng.IntN(len(streets))]
			t := rng.NormFloat64() / 2
			x, y = r.x+r.dx*t+rng.NormFloat64()*.05, r.y+r.dy*t+rng.NormFloat64()*.05
		}
		p := place{x: x, y: y, rank: rng.Float64(), hidden: rng.Float64() < s.placeless}
		p.Lat = middle.Lat + y/kmPerDegree
		p.Lon = middle.Lon + x/(kmPerDegree*math.Cos(p.Lat*math.Pi/180))
		if p.inside() {
			inside++
		}
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.rank, b.rank) })
	return places
}

func (p place) inside() bool { return math.Hypot(p.x, p.y) <= middle.RadiusKM }

// provider answers searches of a scene.
type provider struct {
	places   []place
	pageSize int
	cap      int
	circle   bool
	totals   bool

	calls int
	found map[tiling.Point]bool
}

func (v *provider) search(t tiling.Tile) tiling.Result {
	b := t.Box
	mid := tiling.Point{Lat: (b.South + b.North) / 2, Lon: (b.West + b.East) / 2}
	narrow := math.Cos(mid.Lat * math.Pi / 180)
	away := func(p tiling.Point) float64 {
		return math.Hypot(p.Lat-mid.Lat, (p.Lon-mid.Lon)*narrow)
	}
	radius := away(tiling.Point{Lat: b.North, Lon: b.East})
	var hits []place
	for _, p := range v.places {
		if v.circle && away(p.Point) <= radius ||
			!v.circle && p.Lat >= b.South && p.Lat <= b.North && p.Lon >= b.West && p.Lon <= b.East {
			hits = append(hits, p)
		}
	}
	limit := v.cap
	if t.Pages > 0 {
		limit = min(limit, t.Pages*v.pageSize)
	}
	var r tiling.Result
	if v.totals {
		r.Total = int64(len(hits))
		if len(hits) > v.cap {
			limit = v.pageSize
		}
	}
	r.More = len(hits) > limit
	hits = hits[:min(limit, len(hits))]
	r.Rows = len(hits)
	v.calls += max(1, (len(hits)+v.pageSize-1)/v.pageSize)
	for _, h := range hits {
		v.found[h.Point] = true
		if !h.hidden {
			r.Points = append(r.Points, h.Point)
		}
	}
	return r
}

// run covers the area and returns how many tiles it took, and waves.
func (v *provider) run(p *tiling.Planner) (tiles, waves int) {
	v.found = map[tiling.Point]bool{}
	for wave := p.Next(); wave != nil; wave = p.Next() {
		waves++
		for _, t := range wave {
			tiles++
			p.Report(t, v.search(t))
		}
	}
	return tiles, waves
}

func (v *provider) coverage() float64 {
	all, got := 0, 0
	for _, p := range v.places {
		if p.inside() {
			all++
			if v.found[p.Point] {
				got++
			}
		}
	}
	return float64(got) / float64(all)
}

// best is what a plan costs that knows every place: it cuts off rectangles
// that hold as many rows as a search gives, or halves for circles.
func (v *provider) best() int {
	var in []place
	for _, p := range v.places {
		if p.inside() {
			in = append(in, p)
		}
	}
	if v.circle {
		return v.bestCircles(in)
	}
	return v.bestBoxes(in)
}

func (v *provider) bestBoxes(in []place) int {
	if len(in) == 0 {
		return 0
	}
	if len(in) <= v.cap {
		return (len(in) + v.pageSize - 1) / v.pageSize
	}
	at := (len(in)/v.cap + 1) / 2 * v.cap
	sortLonger(in)
	return v.bestBoxes(in[:at]) + v.bestBoxes(in[at:])
}

func (v *provider) bestCircles(in []place) int {
	if len(in) == 0 {
		return 0
	}
	x0, y0, x1, y1 := bounds(in)
	mx, my, r := (x0+x1)/2, (y0+y1)/2, math.Hypot(x1-x0, y1-y0)/2
	n := 0
	for _, p := range v.places {
		if math.Hypot(p.x-mx, p.y-my) <= r+1e-9 {
			n++
		}
	}
	if n <= v.cap || r < .03 {
		return max(1, (min(n, v.cap)+v.pageSize-1)/v.pageSize)
	}
	sortLonger(in)
	return v.bestCircles(in[:len(in)/2]) + v.bestCircles(in[len(in)/2:])
}

func bounds(in []place) (x0, y0, x1, y1 float64) {
	x0, y0, x1, y1 = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range in {
		x0, y0, x1, y1 = min(x0, p.x), min(y0, p.y), max(x1, p.x), max(y1, p.y)
	}
	return x0, y0, x1, y1
}

func sortLonger(in []place) {
	x0, y0, x1, y1 := bounds(in)
	slices.SortFunc(in, func(a, b place) int {
		if x1-x0 >= y1-y0 {
			return cmp.Compare(a.x, b.x)
		}
		return cmp.Compare(a.y, b.y)
	})
}
