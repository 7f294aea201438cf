package gbtree

import (
	"math"

	"github.com/leadlake/leadlake"
)

// scratch is what a goroutine works in.
type scratch struct {
	values  []float32 // features x blockRows
	answers []uint64
	buckets []uint64                  // rows by the number of thresholds they pass
	sums    [][blockRows]float32      // by output
	reach   [2 * maxWordLeaves]uint64 // rows by the place that they come to
}

func (m *Model) newScratch() *scratch {
	most := 0
	for _, t := range m.plan.numeric {
		most = max(most, len(t.keys))
	}
	return &scratch{
		values:  make([]float32, len(m.names)*blockRows),
		answers: make([]uint64, m.plan.words),
		buckets: make([]uint64, most+1),
		sums:    make([][blockRows]float32, len(m.base)),
	}
}

// blocks loads the rows block by block.
func (m *Model) blocks(src source, each func(s *scratch, from, n int)) error {
	s := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	rows := src.rows()
	for from := 0; from < rows; from += blockRows {
		n := min(blockRows, rows-from)
		if err := m.load(s, src, from, n); err != nil {
			return err
		}
		each(s, from, n)
	}
	return nil
}

// load reads a block and answers the questions on it.
func (m *Model) load(s *scratch, src source, from, n int) error {
	if err := src.fill(s.values, from, n); err != nil {
		return err
	}
	if err := m.finite(s, from, n); err != nil {
		return err
	}
	m.plan.answer(s, n)
	return nil
}

// finite refuses infinite values, as XGBoost's own DMatrix does.
func (m *Model) finite(s *scratch, from, n int) error {
	for f := range m.names {
		for r, v := range s.values[f*blockRows:][:n] {
			if math.Float32bits(v)&math.MaxInt32 == infinity {
				return leadlake.Errorf(leadlake.Invalid, "score by trees: feature %s is infinite in row %d", m.names[f], from+r+1)
			}
		}
	}
	return nil
}

// passed is the number of thresholds that each value is not less than. It is
// searched for without a branch that could be guessed wrong, and for four
// values at once, because each step has to wait for the one before.
func (t *thresholds) passed(values *[4]float32) (p [4]int) {
	a, b, c, d := int64(order(values[0])), int64(order(values[1])), int64(order(values[2])), int64(order(values[3]))
	var pa, pb, pc, pd int
	for step := len(t.keys) / 2; step > 0; step /= 2 {
		keys := t.keys[step-1:]
		pa += step &^ int((a-int64(keys[pa]))>>63) // the shift gives -1 for less, 0 otherwise
		pb += step &^ int((b-int64(keys[pb]))>>63)
		pc += step &^ int((c-int64(keys[pc]))>>63)
		pd += step &^ int((d-int64(keys[pd]))>>63)
	}
	return [4]int{pa, pb, pc, pd}
}

// answer fills the words of a block's first n rows.
func (p *plan) answer(s *scratch, n int) {
	s.answers[alwaysRight] = 0
	for i := range p.numeric {
		t := &p.numeric[i]
		buckets := s.buckets[:len(t.keys)]
		clear(buckets)
		absent := uint64(0)
		values := (*[blockRows]float32)(s.values[t.feature*blockRows:])
		for r := 0; r < n; r += 4 {
			four := (*[4]float32)(values[r:])
			for i, passed := range t.passed(four) {
				nan := uint64(infinity-int64(math.Float32bits(four[i])&math.MaxInt32)) >> 63
				absent |= nan << (r + i)
				buckets[passed] |= (1 - nan) << (r + i)
			}
		}
		left := uint64(0)
		answers := s.answers[t.first:][:2*t.n]
		for j, rows := range buckets[:t.n] {
			left |= rows
			answers[2*j] = left
			answers[2*j+1] = left | absent
		}
	}
	for _, c := range p.categorical {
		left := uint64(0)
		for r, v := range s.values[int(c.split.feature)*blockRows:][:n] {
			if c.split.goesLeft(v) {
				left |= 1 << r
			}
		}
		s.answers[c.word] = left
	}
}

func (m *Model) margins(dst []float64, src source) error {
	return m.blocks(src, func(s *scratch, from, n int) {
		for g := range s.sums {
			for r := range s.sums[g] {
				s.sums[g][r] = m.base[g]
			}
		}
		// The sum of float32 depends on its order, which is XGBoost's.
		for i := range m.plan.trees {
			w := &m.plan.trees[i]
			if w.asked != nil {
				m.plan.add(w, s)
				continue
			}
			for r := range n {
				leaf := m.trees[i].leaf(func(f int32) float32 { return s.values[int(f)*blockRows+r] })
				s.sums[w.group][r] += leaf.condition
			}
		}
		out := dst[from*len(s.sums):]
		for g := range s.sums {
			for r, v := range s.sums[g][:n] {
				out[r*len(s.sums)+g] = float64(v)
			}
		}
	})
}

// turns are the bits of the rows' ways, the highest first.
type turns [8]uint64

// add adds the leaves of a tree to the sums of a block.
func (p *plan) add(w *wordTree, s *scratch) {
	var t turns
	s.reach[0] = math.MaxUint64
	if w.loose == nil {
		w.descend(&t, s)
	} else {
		w.pass(&t, s)
	}
	leaves := (*[256]float32)(p.leaves[w.leaves:])
	sums := &s.sums[w.group]
	for i := 0; i < blockRows; i += 8 {
		// Byte r of the word becomes the way of row i + r.
		ways := uint64(0)
		for bit := range w.bits {
			ways = ways<<1 | spread[byte(t[bit&7]>>i)]
		}
		eight := (*[8]float32)(sums[i:])
		eight[0] += leaves[byte(ways)]
		eight[1] += leaves[byte(ways>>8)]
		eight[2] += leaves[byte(ways>>16)]
		eight[3] += leaves[byte(ways>>24)]
		eight[4] += leaves[byte(ways>>32)]
		eight[5] += leaves[byte(ways>>40)]
		eight[6] += leaves[byte(ways>>48)]
		eight[7] += leaves[byte(ways>>56)]
	}
}

// descend goes down a perfect layout, level by level and from the right, so
// that children can take the places of what is done with.
func (w *wordTree) descend(t *turns, s *scratch) {
	reach, answers := &s.reach, s.answers
	for level := range w.bits {
		width := 1 << level
		right := uint64(0)
		asked := w.perfect[width-1:][:width]
		if level == w.bits-1 {
			for i, q := range asked {
				right |= reach[i&255] &^ answers[q]
			}
		} else {
			for i := width - 1; i >= 0; i-- {
				here, left := reach[i&127], answers[asked[i]]
				right |= here &^ left
				reach[2*(i&127)+1] = here &^ left
				reach[2*(i&127)] = here & left
			}
		}
		t[level&7] = right
	}
}

// pass goes through a loose layout.
func (w *wordTree) pass(t *turns, s *scratch) {
	const place = 2*maxWordLeaves - 1
	reach, answers := &s.reach, s.answers
	for i, split := range w.loose {
		here, left := reach[i&place], answers[split.question]
		reach[split.left&place] = here & left
		reach[split.right&place] = here &^ left
	}
	first := len(w.loose)
	for leaf := range first + 1 {
		rows := reach[(first+leaf)&place]
		for number, bit := leaf, w.bits-1; number > 0; number >>= 1 {
			if number&1 == 1 {
				t[bit&7] |= rows
			}
			bit--
		}
	}
}

// spread puts bit i of a byte into the lowest bit of byte i of a word.
var spread = func() (words [256]uint64) {
	for b := range words {
		for i := range 8 {
			words[b] |= uint64(b>>i&1) << (8 * i)
		}
	}
	return words
}()
