package tiling

import "math"

// Where the first page of a search says how many rows there are, one call
// tells whether a box has to be cut, and nothing has to be foretold with care.
// Boxes are quartered, since the circle around a square wastes least, and the
// quarters that surely overflow are cut without asking.
const surely = 1.2 // caps that a quarter is thought to hold, from where it is not asked

// quarters opens the parts of a box that overflows, given the rows that its
// search says it has and a sample of them.
func (p *Planner) quarters(r rect, total float64, points []xy) {
	if p.smallest(r) {
		p.full = append(p.full, p.plane.box(r))
		return
	}
	for _, q := range r.split() {
		tight, ok := p.plane.tighten(q)
		if !ok {
			continue
		}
		in := within(tight, points, p.cfg.Circle)
		// One point more, spread evenly, stands for what the sample does not show.
		share := (float64(len(in)) + tight.area()/r.area()) / float64(len(points)+1)
		if expected := total * share; expected > surely*float64(p.cfg.Cap) && !p.smallest(tight) {
			p.quarters(tight, expected, in)
			continue
		}
		p.open = append(p.open, region{rect: tight})
	}
}

// split cuts a rectangle in four, or in two where it is long.
func (r rect) split() []rect {
	m := r.middle()
	switch {
	case r.width() > 1.5*r.height():
		return []rect{{r.x0, r.y0, m.x, r.y1}, {m.x, r.y0, r.x1, r.y1}}
	case r.height() > 1.5*r.width():
		return []rect{{r.x0, r.y0, r.x1, m.y}, {r.x0, m.y, r.x1, r.y1}}
	}
	return []rect{{r.x0, r.y0, m.x, m.y}, {m.x, r.y0, r.x1, m.y}, {r.x0, m.y, m.x, r.y1}, {m.x, m.y, r.x1, r.y1}}
}

// within are the points that a search of a rectangle sees.
func within(r rect, points []xy, circle bool) []xy {
	var in []xy
	m := r.middle()
	radius := math.Hypot(r.width(), r.height()) / 2
	for _, at := range points {
		if circle && math.Hypot(at.x-m.x, at.y-m.y) <= radius || !circle && r.holds(at) {
			in = append(in, at)
		}
	}
	return in
}

// learnTotal takes in a result that says how many rows there are.
func (p *Planner) learnTotal(a asked) {
	if a.result.Total <= int64(p.cfg.Cap) && !a.result.More {
		return
	}
	var points []xy
	for _, pt := range a.result.Points {
		points = append(points, p.plane.point(pt))
	}
	p.quarters(a.rect, float64(max(a.result.Total, int64(p.cfg.Cap)+1)), points)
}
