package tiling

import (
	"cmp"
	"math"
	"slices"
)

// forecast is what is thought of a region: its rows follow a negative binomial
// distribution with this mean and shape.
type forecast struct {
	mean, shape float64
	density     func(xy) float64 // rows per square kilometre by what lies around
	trust       float64          // weight of density against the sample, 0 to 1
	perPoint    float64          // rows that a point of the sample stands for
}

const (
	neighbours = 10   // leaves that a forecast looks at
	grid       = 5    // points a side at which density is taken
	priorShape = 9.0  // trust in neighbours: what they say is off by 1/sqrt(9)
	blindShape = 0.5  // ... and in an even spread, where there are none
	leastPrior = 0.02 // rows, where the neighbours have none
)

// foretell blends what the sample has in the region with what lies around it:
// the number of rows has a gamma prior from the neighbours, and the sample
// observes it.
func (p *Planner) foretell(r region) forecast {
	if r.sample == nil {
		return forecast{mean: 1, shape: 1} // the root is asked as it is
	}
	total := r.sample.size()
	found := float64(r.sample.count(r.rect))
	exposure := max(1, float64(len(r.sample.points))) / total
	even := total / r.sample.rect.area()
	f := forecast{density: func(xy) float64 { return even }, perPoint: 1 / exposure}
	prior, shape := even*r.rect.area(), blindShape
	if len(p.leaves) > 0 {
		lumps := p.closest(r.rect)
		f.density = around(lumps)
		prior, shape = f.surroundings(r.rect, lumps)
	}
	prior = max(leastPrior, prior*p.record.bias())
	shape /= p.record.spread()
	f.shape = shape + found
	f.mean = max(found, f.shape/(shape/prior+exposure))
	f.trust = shape / prior / (shape/prior + exposure)
	return f
}

// lump is a quarter of a leaf.
type lump struct {
	rect       rect
	rows, area float64
}

// closest lists the lumps of the leaves that are nearest to a rectangle.
func (p *Planner) closest(r rect) []lump {
	type near struct {
		leaf     int
		distance float64
	}
	var best []near // in order of distance; the older leaf first where that is the same
	for i := range p.leaves {
		n := near{i, p.leaves[i].rect.distance(r.middle())}
		if len(best) == neighbours && n.distance >= best[neighbours-1].distance {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, n, func(a, b near) int {
			return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.leaf, b.leaf))
		})
		best = slices.Insert(best, at, n)
		best = best[:min(neighbours, len(best))]
	}
	var lumps []lump
	for _, n := range best {
		l := &p.leaves[n.leaf]
		for i, rows := range l.lumps {
			q := l.quarter(i)
			lumps = append(lumps, lump{q, rows, q.area()})
		}
	}
	return lumps
}

// around is the density that the leaves around a rectangle let expect at a
// point: the mean of the logarithms of theirs, since density falls by factors
// from the middle of a town outwards, weighted by distance.
func around(lumps []lump) func(xy) float64 {
	const (
		half = 0.3 // rows that stand for none
		blur = 0.6 // share of a lump's size within which distance says nothing
	)
	logs := make([]float64, len(lumps))
	for i, l := range lumps {
		logs[i] = math.Log((l.rows + half) / l.area)
	}
	return func(at xy) float64 {
		sum, weight := 0.0, 0.0
		for i, l := range lumps {
			d := l.rect.distance(at)
			w := 1 / (d*d + blur*l.area)
			w *= w * l.area
			sum += w * logs[i]
			weight += w
		}
		return math.Exp(sum / weight)
	}
}

// surroundings is how many rows the leaves around a rectangle let expect in
// it, and how far they can be trusted: less, the farther they are, measured in
// their own size.
func (f forecast) surroundings(r rect, lumps []lump) (mean, shape float64) {
	const n = grid * grid
	gap := 0.0
	for i := range n {
		at := xy{
			r.x0 + r.width()*(float64(i%grid)+0.5)/grid,
			r.y0 + r.height()*(float64(i/grid)+0.5)/grid,
		}
		mean += f.density(at) * r.area() / n
		nearest := math.Inf(1)
		for _, l := range lumps {
			nearest = min(nearest, l.rect.distance(at)/math.Sqrt(l.area))
		}
		gap += nearest / n
	}
	return mean, priorShape / (1 + gap)
}

// record compares what was foretold with what came, so that a world of heaps
// is trusted less than an even one. Old forecasts fade.
type record struct {
	count, ratios float64 // forecasts, and the sum of what came, each by what was foretold
	miss, allow   float64 // sums of squared errors, relative, beyond chance: as they were, and as they were foretold
}

const (
	fade        = 0.98
	doubt       = 10.0 // forecasts that count as right before there are any
	doubtSpread = 0.3
)

// bias is by what factor forecasts were too low.
func (c record) bias() float64 { return (c.ratios + doubt) / (c.count + doubt) }

// spread is by what factor they were farther off than was thought; half of it
// in logarithms, since the few that overflow say most.
func (c record) spread() float64 {
	return math.Sqrt((c.miss + doubtSpread) / (c.allow + doubtSpread))
}

// calibrate adds a result to the record.
func (p *Planner) calibrate(a asked) {
	const (
		least    = 5.0 // rows below which chance is all
		overflow = 1.5 // caps that a search may have held that overflowed
	)
	if a.sample == nil || a.mean <= least || len(p.leaves) == 0 {
		return
	}
	n := float64(a.result.Rows)
	if a.result.More {
		n = overflow * float64(p.cfg.Cap)
	}
	c := &p.record
	c.count = c.count*fade + 1
	c.ratios = c.ratios*fade + n/a.mean
	c.miss = c.miss*fade + max(0, (n-a.mean)*(n-a.mean)-a.mean)/(a.mean*a.mean)
	c.allow = c.allow*fade + 1/a.shape
}
