package tiling

import "math"

// cut cuts a region across its longer side so that the share of its rows lies
// in the first part.
func (p *Planner) cut(r region, f forecast, share float64) (low, high rect) {
	const (
		slices     = 32
		leastTrust = 0.02
		edge       = 0.02 // no part is thinner than this share of the region
		circleEdge = 0.25 // circles around thin boxes would overlap more than they cover
	)
	box := r.rect
	across := box.width() >= box.height()
	var mass [slices]float64
	trust := max(f.trust, leastTrust)
	least := leastTrust * f.mean / box.area()
	for i := range slices {
		along := (float64(i) + 0.5) / slices
		for j := range grid {
			side := (float64(j) + 0.5) / grid
			at := xy{box.x0 + along*box.width(), box.y0 + side*box.height()}
			if !across {
				at = xy{box.x0 + side*box.width(), box.y0 + along*box.height()}
			}
			mass[i] += trust * max(least, f.density(at)) * box.area() / (slices * grid)
		}
	}
	for _, pt := range r.sample.points {
		if box.holds(pt) {
			along := (pt.x - box.x0) / box.width()
			if !across {
				along = (pt.y - box.y0) / box.height()
			}
			mass[min(slices-1, int(along*slices))] += (1 - f.trust) * f.perPoint
		}
	}
	at := quantile(mass[:], share)
	if p.cfg.Circle {
		at = max(circleEdge, min(1-circleEdge, at))
	}
	at = max(edge, min(1-edge, at))
	low, high = box, box
	if across {
		low.x1 = box.x0 + at*box.width()
		high.x0 = low.x1
	} else {
		low.y1 = box.y0 + at*box.height()
		high.y0 = low.y1
	}
	return low, high
}

// quantile is where the share of the mass is reached, from 0 to 1.
func quantile(mass []float64, share float64) float64 {
	sum := 0.0
	for _, m := range mass {
		sum += m
	}
	below := 0.0
	for i, m := range mass {
		if below+m >= share*sum {
			return (float64(i) + (share*sum-below)/m) / float64(len(mass))
		}
		below += m
	}
	return 1
}

// parts is into how many searches a region is cut at the least cost.
func (f forecast) parts(cfg Config, r rect) int {
	limit := float64(cfg.Cap)
	mean := f.mean
	if cfg.Circle {
		// The circle around a box has more rows than the box. That of a long
		// box will be smaller once it is cut.
		const square, longest = math.Pi / 2, 1.3
		mean *= min(square*longest, math.Pi*(r.width()*r.width()+r.height()*r.height())/4/r.area())
	}
	const many, usual, fewest = 6, 0.6, 0.25 // caps
	if mean > many*limit {
		return int(math.Ceil(mean / (usual * limit)))
	}
	best, cost := 1, math.Inf(1)
	for k := max(1, int(mean/limit)); k <= 1+int(mean/(fewest*limit)); k++ {
		if c := float64(k) * calls(mean/float64(k), f.shape, cfg); c < cost {
			best, cost = k, c
		}
	}
	return best
}

// calls is how many calls a search costs whose rows follow a negative binomial
// distribution, including those that are needed again where it overflows.
func calls(mean, shape float64, cfg Config) float64 {
	const fill = 0.72 // of a page that is asked for again
	size := float64(cfg.PageSize)
	wasted := math.Ceil(float64(cfg.Cap) / size)
	if cfg.Totals {
		wasted = 1
	}
	q := mean / (mean + shape)
	p := math.Pow(1-q, shape)
	sum, expect, rows := 0.0, 0.0, 0.0
	for n := 0; n <= cfg.Cap; n++ {
		sum += p
		rows += p * float64(n)
		expect += p * max(1, math.Ceil(float64(n)/size))
		p *= q * (float64(n) + shape) / float64(n+1)
	}
	return expect + max(0, 1-sum)*wasted + max(0, mean-rows)/(fill*size)
}
