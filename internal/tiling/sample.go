package tiling

// sample is a search that overflowed: some of the rows of its rectangle, taken
// to be spread as all of them are.
type sample struct {
	rect   rect
	points []xy
	total  float64 // rows of the rectangle: told by the provider, or a guess
	told   bool
	inner  []*sample

	// Of the leaves right below it, not below an inner one: how many they
	// are, the rows in them, and how many of those were in the sample.
	leaves     int
	rows, seen float64
}

const (
	firstGuess  = 8.0 // caps that a search is thought to hold that overflows, where nothing was known
	laterGuess  = 3.0 // ... at least where its rows were foretold
	guessWeight = 2.0 // points of the sample that a guess is worth
)

func newSample(a asked, points []xy, cfg Config) *sample {
	s := &sample{rect: a.rect}
	for _, p := range points {
		if a.rect.holds(p) {
			s.points = append(s.points, p)
		}
	}
	inside := 1.0 // share of the rows that are in the rectangle: the circle around it has more
	if len(points) > 0 && cfg.Circle {
		inside = max(1, float64(len(s.points))) / float64(len(points))
	}
	switch limit := float64(cfg.Cap); {
	case a.result.Total > 0:
		s.total, s.told = float64(a.result.Total)*inside, true
	case a.sample == nil || !a.sample.scaled():
		s.total = firstGuess * limit * inside
	default:
		s.total = max(laterGuess*limit*inside, a.mean)
	}
	return s
}

// scaled says whether it is known how many rows a point of the sample stands for.
func (s *sample) scaled() bool {
	if s.told || s.leaves > 0 {
		return true
	}
	for _, in := range s.inner {
		if in.scaled() {
			return true
		}
	}
	return false
}

// count is how many points of the sample lie in the rectangle.
func (s *sample) count(r rect) int {
	n := 0
	for _, p := range s.points {
		if r.holds(p) {
			n++
		}
	}
	return n
}

// crowd is how close its points stand in the rectangle.
func (s *sample) crowd(r rect) float64 { return float64(s.count(r)) / r.area() }

// size estimates the rows of the sample's rectangle from the parts that are
// known: what they hold to what the sample had of them.
func (s *sample) size() float64 {
	if s.told {
		return s.total
	}
	rows, seen := s.rows, s.seen
	for _, in := range s.inner {
		rows += in.size()
		seen += float64(s.count(in.rect))
	}
	n := max(1, float64(len(s.points)))
	total := n * (rows + guessWeight*s.total/n) / (seen + guessWeight)
	return max(total, rows+max(0, n-seen))
}

// leaf is a rectangle whose rows are all known, with the lumps that they make.
type leaf struct {
	rect  rect
	rows  float64
	lumps [4]float64 // rows of its quarters: south-west, south-east, north-west, north-east
}

func newLeaf(r rect, points []xy, rows int, circle bool) leaf {
	l := leaf{rect: r}
	mid := r.middle()
	inside := 0
	for _, p := range points {
		if !r.holds(p) {
			continue
		}
		inside++
		i := 0
		if p.x >= mid.x {
			i++
		}
		if p.y >= mid.y {
			i += 2
		}
		l.lumps[i]++
	}
	l.rows = float64(rows)
	if circle && len(points) > 0 {
		l.rows *= float64(inside) / float64(len(points))
	}
	for i := range l.lumps { // rows without a place are where the others are
		if inside > 0 {
			l.lumps[i] *= l.rows / float64(inside)
		} else {
			l.lumps[i] = l.rows / 4
		}
	}
	return l
}

func (l leaf) quarter(i int) rect {
	mid := l.rect.middle()
	q := l.rect
	if i%2 == 0 {
		q.x1 = mid.x
	} else {
		q.x0 = mid.x
	}
	if i < 2 {
		q.y1 = mid.y
	} else {
		q.y0 = mid.y
	}
	return q
}
