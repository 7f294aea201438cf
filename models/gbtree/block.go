package gbtree

import (
	"maps"
	"math"
	"slices"

	"github.com/leadlake/leadlake"
)

// blockRows is how many rows are scored at once: the bits of a word.
const blockRows = 64

// maxWordDepth is the deepest tree that is evaluated on words: the way to a
// leaf is a byte.
const maxWordDepth = 8

// plan is a model laid out for blocks of rows. A split asks whether a value is
// less than a threshold, and many splits of many trees ask the same. So each
// distinct question is answered once a block, for all rows, as a word: bit r
// is 1 where row r goes left. What is left of a tree is logic on words.
//
// The idea of asking by feature, not by tree, is that of QuickScorer (Lucchese
// et al. 2015); here words stand for rows and not for leaves, so that the cost
// does not depend on how many questions are answered no.
type plan struct {
	numeric     []thresholds
	categorical []categorySplit
	words       int // answers of a block
	trees       []wordTree
	questions   []uint32  // of all word trees, as perfect trees level by level
	leaves      []float32 // of all word trees; 256 from any tree's first on
}

// thresholds are the distinct ones of a feature, ascending. Threshold j has
// two words: 2j where missing values go right, 2j + 1 where they go left.
type thresholds struct {
	feature int
	first   int     // word of the first threshold
	keys    []int32 // by order(), up to a power of two with the highest
	n       int
}

// categorySplit has a word of its own.
type categorySplit struct {
	split *node
	word  int
}

// wordTree is a tree of at most maxWordDepth. Others have a depth below 0 and
// are walked row by row.
type wordTree struct {
	group, depth     int
	questions, leafs int // where its part begins
}

// missing is a value that is not there.
var missing = float32(math.NaN())

// alwaysRight is the word that answers no for all rows. It fills the places
// of a perfect tree below a leaf.
const alwaysRight = 0

// order maps a float32 that is not NaN to an int32 of the same order, in which
// both zeros are one.
func order(v float32) int32 {
	bits := int32(math.Float32bits(v + 0)) // -0 + 0 is 0
	return bits ^ (bits>>31)&math.MaxInt32
}

func makePlan(trees []tree) plan {
	p := plan{words: alwaysRight + 1}
	byFeature := map[int][]int32{}
	for i := range trees {
		if trees[i].depth > maxWordDepth {
			continue
		}
		for _, n := range trees[i].nodes {
			if n.left != 0 && n.categories == nil {
				byFeature[int(n.feature)] = append(byFeature[int(n.feature)], order(n.condition))
			}
		}
	}
	at := map[int]int{} // the place of a feature in numeric
	for _, feature := range slices.Sorted(maps.Keys(byFeature)) {
		keys := byFeature[feature]
		slices.Sort(keys)
		keys = slices.Compact(keys)
		t := thresholds{feature: feature, n: len(keys), first: p.words}
		size := 1
		for size <= len(keys) {
			size *= 2
		}
		for len(keys) < size {
			keys = append(keys, math.MaxInt32)
		}
		t.keys = keys
		p.words += 2 * t.n
		at[feature] = len(p.numeric)
		p.numeric = append(p.numeric, t)
	}
	question := func(n *node) uint32 {
		if n.categories != nil {
			p.categorical = append(p.categorical, categorySplit{n, p.words})
			p.words++
			return uint32(p.words - 1)
		}
		t := &p.numeric[at[int(n.feature)]]
		j, _ := slices.BinarySearch(t.keys[:t.n], order(n.condition))
		word := t.first + 2*j
		if n.defaultLeft {
			word++
		}
		return uint32(word)
	}
	for i := range trees {
		t := &trees[i]
		w := wordTree{group: t.group, depth: -1}
		if t.depth <= maxWordDepth {
			w = wordTree{group: t.group, depth: t.depth, questions: len(p.questions), leafs: len(p.leaves)}
			p.questions = append(p.questions, make([]uint32, 1<<t.depth-1)...)
			p.leaves = append(p.leaves, make([]float32, 1<<t.depth)...)
			p.place(t, 0, w, 0, 0, question)
		}
		p.trees = append(p.trees, w)
	}
	p.leaves = append(p.leaves, make([]float32, 256)...)
	return p
}

// place puts a node and what is below it at a position of a level of the
// perfect tree. All leaves there below a leaf are that leaf.
func (p *plan) place(t *tree, at int32, w wordTree, level, position int, question func(*node) uint32) {
	n := &t.nodes[at]
	if n.left == 0 {
		span := 1 << (w.depth - level)
		leaves := p.leaves[w.leafs+position*span:][:span]
		for i := range leaves {
			leaves[i] = n.condition
		}
		return
	}
	p.questions[w.questions+1<<level-1+position] = question(n)
	p.place(t, n.left, w, level+1, 2*position, question)
	p.place(t, n.left+1, w, level+1, 2*position+1, question)
}

// scratch is what a goroutine works in.
type scratch struct {
	values  []float32 // features x blockRows
	answers []uint64
	buckets []uint64             // rows by the number of thresholds they pass
	sums    [][blockRows]float32 // by output
	reach   [1 << maxWordDepth]uint64
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
			if math.Float32bits(v)&math.MaxInt32 == 0x7f800000 {
				return leadlake.Errorf(leadlake.Invalid, "score by XGBoost model: feature %s is infinite in row %d", m.names[f], from+r+1)
			}
		}
	}
	return nil
}

// answer fills the words of a block's first n rows.
func (p *plan) answer(s *scratch, n int) {
	s.answers[alwaysRight] = 0
	for i := range p.numeric {
		t := &p.numeric[i]
		buckets := s.buckets[:len(t.keys)]
		clear(buckets)
		absent := uint64(0)
		for r, v := range s.values[t.feature*blockRows:][:n] {
			if v != v {
				absent |= 1 << r
				continue
			}
			// The number of thresholds that v is not less than, without a branch
			// that could be guessed wrong.
			key, passed := int64(order(v)), 0
			for step := len(t.keys) / 2; step > 0; step /= 2 {
				below := (key - int64(t.keys[passed+step-1])) >> 63 // -1 or 0
				passed += step &^ int(below)
			}
			buckets[passed] |= 1 << r
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
			if w.depth >= 0 {
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

// add adds the leaves of a tree to the sums of a block.
func (p *plan) add(w *wordTree, s *scratch) {
	var turns [maxWordDepth]uint64 // by level: the rows that go right
	reach, answers := &s.reach, s.answers
	reach[0] = math.MaxUint64
	questions := p.questions[w.questions:]
	for level := range w.depth {
		width := 1 << level
		right := uint64(0)
		asked := questions[width-1:][:width]
		if level == w.depth-1 {
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
		turns[level] = right
	}
	leaves := (*[256]float32)(p.leaves[w.leafs:])
	sums := &s.sums[w.group]
	for i := 0; i < blockRows; i += 8 {
		// Byte r of the word becomes the way of row i + r, a bit for each level.
		ways := uint64(0)
		for level := range w.depth {
			ways = ways<<1 | spread[byte(turns[level&7]>>i)]
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

// spread puts bit i of a byte into the lowest bit of byte i of a word.
var spread = func() (words [256]uint64) {
	for b := range words {
		for i := range 8 {
			words[b] |= uint64(b>>i&1) << (8 * i)
		}
	}
	return words
}()
