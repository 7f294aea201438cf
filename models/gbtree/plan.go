package gbtree

import (
	"maps"
	"math"
	"math/bits"
	"slices"
)

// blockRows is how many rows are scored at once: the bits of a word.
const blockRows = 64

// maxWordLeaves bounds the trees that are evaluated on words: the way to a
// leaf is a byte. Others are walked row by row.
const maxWordLeaves = 256

// maxPerfectDepth is the deepest tree that is laid out as a perfect one.
const maxPerfectDepth = 8

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

// wordTree is the layout of a tree. A row's way to its leaf is a number of
// some bits, and the leaf's place among the tree's leaves.
//
// In a perfect layout bit by bit is a turn, all levels are full, and the
// questions stand level by level. In a loose one, for deep and thin trees, the
// way is just the leaf's number.
type wordTree struct {
	group, bits int
	leaves      int      // where they begin
	asked       []uint32 // by node of the tree; nil: walk it
	perfect     []uint32 // questions; nil: loose
	loose       []looseSplit
}

// looseSplit passes the rows at its place on to the places of its children.
// Splits have the first places, in their order, and the leaves those after.
type looseSplit struct {
	question    uint32
	left, right uint16
}

// missing is a value that is not there.
var missing = float32(math.NaN())

// infinity has the bits of float32's infinity; a NaN, whose sign is cleared,
// has more.
const infinity = 0x7f800000

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
		if trees[i].leaves() > maxWordLeaves {
			continue
		}
		for _, n := range trees[i].nodes {
			if n.left != 0 && n.categories == nil {
				byFeature[int(n.feature)] = append(byFeature[int(n.feature)], order(n.condition))
			}
		}
	}
	at := map[int32]*thresholds{}
	p.numeric = make([]thresholds, 0, len(byFeature))
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
		p.numeric = append(p.numeric, t)
		at[int32(feature)] = &p.numeric[len(p.numeric)-1]
	}
	p.trees = make([]wordTree, len(trees))
	for i := range trees {
		t := &trees[i]
		w := &p.trees[i]
		w.group = t.group
		if t.leaves() <= maxWordLeaves {
			w.asked = p.ask(t, at)
			w.leaves = len(p.leaves)
			p.lay(t, w)
		}
	}
	p.leaves = append(p.leaves, make([]float32, 256)...)
	return p
}

// ask gives the word of each split of a tree.
func (p *plan) ask(t *tree, numeric map[int32]*thresholds) []uint32 {
	asked := make([]uint32, len(t.nodes))
	for i := range t.nodes {
		n := &t.nodes[i]
		switch {
		case n.left == 0:
		case n.categories != nil:
			p.categorical = append(p.categorical, categorySplit{n, p.words})
			asked[i] = uint32(p.words)
			p.words++
		default:
			t := numeric[n.feature]
			j, _ := slices.BinarySearch(t.keys[:t.n], order(n.condition))
			asked[i] = uint32(t.first + 2*j)
			if n.defaultLeft {
				asked[i]++
			}
		}
	}
	return asked
}

func (p *plan) lay(t *tree, w *wordTree) {
	if t.depth <= maxPerfectDepth {
		w.bits = t.depth
		w.perfect = make([]uint32, 1<<t.depth-1)
		p.leaves = append(p.leaves, make([]float32, 1<<t.depth)...)
		p.place(t, w, 0, 0, 0)
		return
	}
	// The places of splits and leaves follow their order among the nodes, in
	// which a child comes after its parent.
	places := make([]uint16, len(t.nodes))
	split, leaf := uint16(0), uint16(t.leaves()-1)
	w.bits = bits.Len16(leaf)
	for i, n := range t.nodes {
		if n.left != 0 {
			places[i] = split
			split++
		} else {
			places[i] = leaf
			leaf++
			p.leaves = append(p.leaves, n.condition)
		}
	}
	for i, n := range t.nodes {
		if n.left != 0 {
			w.loose = append(w.loose, looseSplit{w.asked[i], places[n.left], places[n.left+1]})
		}
	}
}

// place puts a node and what is below it at a position of a level of the
// perfect tree. All leaves there below a leaf are that leaf.
func (p *plan) place(t *tree, w *wordTree, at int32, level, position int) {
	n := &t.nodes[at]
	if n.left == 0 {
		span := 1 << (w.bits - level)
		leaves := p.leaves[w.leaves+position*span:][:span]
		for i := range leaves {
			leaves[i] = n.condition
		}
		return
	}
	w.perfect[1<<level-1+position] = w.asked[at]
	p.place(t, w, n.left, level+1, 2*position)
	p.place(t, w, n.left+1, level+1, 2*position+1)
}
