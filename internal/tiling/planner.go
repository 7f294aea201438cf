package tiling

import "slices"

// Config is what a Planner has to know.
type Config struct {
	Area     Area
	Root     Box     // the part of the area to cover; all of it where this is the zero Box
	PageSize int     // rows of a full page
	Cap      int     // rows after which the provider ends a search
	Circle   bool    // a search is the circle around the box, not the box
	Totals   bool    // the first page says how many rows there are: a Result has its Total
	Min      float64 // metres; a box whose sides are not longer is not cut; DefaultMin by default
}

// DefaultMin is where a Planner gives up to find what a search leaves out.
const DefaultMin = 50.0

// Tile is a search to make.
type Tile struct {
	ID  int // unique within the plan
	Box Box
	// Pages is how many pages to ask for at most; 0 is all. Where the first
	// page has a Total above the cap, no further page is asked for.
	Pages int
}

// Result is what a search gave.
type Result struct {
	Rows   int     // rows of all its pages, good or bad
	More   bool    // the provider has more than it gave
	Total  int64   // rows that the provider says it has; 0 where it does not say
	Points []Point // where the rows are, as far as they have a place
}

// Planner covers an area with searches. The same results give the same tiles,
// in whichever order the results of a wave come: a run that is resumed repeats
// the plan from the answers that it has. It is not safe for concurrent use.
//
// What a plan costs above one row in its place in a page is inner boxes, which
// are asked in full and overflow, and badly filled last pages. So a box that
// overflows is cut at once into as many parts as it is thought to need: its
// rows are a sample that says where the others are, and the first part that
// does not overflow says how many they are. Parts next to those that are known
// come first, because they are the easiest to foretell.
type Planner struct {
	cfg    Config
	plane  plane
	open   []region // a stack: the last is next
	wave   map[int]asked
	lastID int
	leaves []leaf
	full   []Box
	record record
}

// region is a part of the area that is not known yet. Its rectangle lies
// within that of its sample, which is nil for the root.
type region struct {
	rect   rect
	sample *sample
}

// asked is a region in a wave.
type asked struct {
	region
	forecast
	result *Result
}

// New plans to cover an area.
func New(cfg Config) *Planner {
	if cfg.Min <= 0 {
		cfg.Min = DefaultMin
	}
	cfg.PageSize = max(1, cfg.PageSize)
	cfg.Cap = max(cfg.PageSize, cfg.Cap)
	p := &Planner{cfg: cfg, plane: planeOf(cfg.Area), wave: map[int]asked{}}
	roots := p.plane.roots()
	if cfg.Root != (Box{}) {
		roots = []rect{p.plane.rect(cfg.Root)}
	}
	for _, r := range roots {
		p.push(region{r, nil})
	}
	return p
}

// push opens a region, without the parts of it that lie outside the area.
func (p *Planner) push(r region) {
	if tight, ok := p.plane.tighten(r.rect); ok {
		p.open = append(p.open, region{tight, r.sample})
	}
}

// Report tells the result of a tile of the last wave. A tile without a report
// is in the next wave again.
func (p *Planner) Report(t Tile, r Result) {
	if a, ok := p.wave[t.ID]; ok {
		a.result = &r
		p.wave[t.ID] = a
	}
}

// Exhausted lists the boxes of the smallest size that still overflow: what
// they hold was not found completely.
func (p *Planner) Exhausted() []Box { return slices.Clone(p.full) }

// Next takes in the results of the last wave and gives the next, whose tiles
// may be asked in any order and at once. It gives nil when the area is covered.
func (p *Planner) Next() []Tile {
	ids := make([]int, 0, len(p.wave))
	for id := range p.wave {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var again []asked
	for _, id := range ids {
		switch a := p.wave[id]; {
		case a.result != nil && p.cfg.Totals:
			p.learnTotal(a)
		case a.result != nil:
			p.learn(a)
		default:
			again = append(again, a)
		}
	}
	clear(p.wave)
	var tiles []Tile
	for _, a := range again {
		tiles = append(tiles, p.ask(a.region, a.forecast))
	}
	return append(tiles, p.choose()...)
}

func (p *Planner) ask(r region, f forecast) Tile {
	p.lastID++
	p.wave[p.lastID] = asked{region: r, forecast: f}
	return Tile{ID: p.lastID, Box: p.plane.box(r.rect)}
}

// Waves grow with what is known: tiles of one wave learn nothing from each
// other.
const (
	leavesPerTile = 20
	maxWave       = 16
)

// choose takes the next tiles from the open regions, one from each of those
// that lie apart. A sample that has no scale yet gets one tile a wave, since
// that tells how to cut the rest of it.
func (p *Planner) choose() []Tile {
	var tiles []Tile
	if p.cfg.Totals {
		for _, r := range p.open {
			tiles = append(tiles, p.ask(r, forecast{}))
		}
		p.open = nil
		return tiles
	}
	size := min(maxWave, 1+len(p.leaves)/leavesPerTile)
	var later []region
	scaling := map[*sample]bool{}
	for len(p.open) > 0 && len(tiles) < size {
		last := len(p.open) - 1
		r := p.open[last]
		p.open = p.open[:last]
		if r.sample != nil && !r.sample.scaled() {
			if scaling[r.sample] {
				later = append(later, r)
				continue
			}
			scaling[r.sample] = true
		}
		part, f, rest := p.peel(r)
		tiles = append(tiles, p.ask(part, f))
		slices.Reverse(rest)
		later = append(later, rest...)
	}
	slices.Reverse(later)
	p.open = append(p.open, later...)
	return tiles
}

// learn takes in the result of one tile.
func (p *Planner) learn(a asked) {
	res := a.result
	p.calibrate(a)
	var points []xy
	for _, pt := range res.Points {
		points = append(points, p.plane.point(pt))
	}
	if !res.More && res.Total <= int64(p.cfg.Cap) {
		p.know(a.region, points, res.Rows)
		return
	}
	if p.smallest(a.rect) {
		p.full = append(p.full, p.plane.box(a.rect))
		p.know(a.region, points, res.Rows)
		return
	}
	s := newSample(a, points, p.cfg)
	if a.sample != nil {
		a.sample.inner = append(a.sample.inner, s)
	}
	p.push(region{a.rect, s})
}

// know adds a leaf: a rectangle whose rows are all known.
func (p *Planner) know(r region, points []xy, rows int) {
	l := newLeaf(r.rect, points, rows, p.cfg.Circle)
	p.leaves = append(p.leaves, l)
	if r.sample != nil {
		r.sample.rows += l.rows
		r.sample.seen += float64(r.sample.count(l.rect))
		r.sample.leaves++
	}
}

// peel cuts a region until a part of it is worth a search of its own. The
// other parts are the rest, the smallest last.
func (p *Planner) peel(r region) (part region, f forecast, rest []region) {
	for {
		f = p.foretell(r)
		parts := f.parts(p.cfg, r.rect)
		if r.sample != nil && r.rect == r.sample.rect {
			parts = max(2, parts) // it did overflow, whatever is thought of it
		}
		if parts == 1 || p.smallest(r.rect) {
			return r, f, rest
		}
		first, second := p.cut(r, f, float64(parts/2)/float64(parts))
		// Outwards from where it is crowded: a search that finds too few costs
		// less than one that overflows.
		if r.sample.crowd(second) > r.sample.crowd(first) {
			first, second = second, first
		}
		near, nearOK := p.plane.tighten(first)
		far, farOK := p.plane.tighten(second)
		switch {
		case nearOK && farOK:
			rest = append(rest, region{far, r.sample})
		case farOK:
			near = far
		case !nearOK:
			return r, f, rest // it only touches the circle
		}
		r.rect = near
	}
}

func (p *Planner) smallest(r rect) bool { return r.longest()*1000 <= p.cfg.Min }
