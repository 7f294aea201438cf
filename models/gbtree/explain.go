package gbtree

import "slices"

const (
	// maxUnitBits bounds the answers that one table looks at: a byte.
	maxUnitBits = 8
	// maxTables bounds the floats of all tables (128 MiB); a thousand trees of
	// depth six take half of it. Trees that find no place are walked.
	maxTables = 32 << 20
)

// explainer has TreeSHAP worked out beforehand. What a leaf adds to the
// contributions depends only on which features of its way a row follows (Yang,
// "Fast TreeSHAP", 2021), so it can be looked up. Here leaves that lie together
// share one table by all answers on the way to them and between them: the sum
// over leaves is in the table, and a tree of depth 6 takes 16 look-ups instead
// of 64.
type explainer struct {
	bias   []float64 // by output
	units  [][]unit  // by tree; nil: walk it
	tables []float32
}

// unit is the leaves below one node.
type unit struct {
	bits     []bit
	features []int32
	table    int // a column of 1<<len(bits) floats for each feature
}

// bit is 1 where a row gives all of these answers.
type bit []answer

type answer struct {
	word uint32
	not  bool
}

// onWay is a feature on the way to a node, with the answers that lead there.
type onWay struct {
	feature int32
	zero    float64
	bit     bit
}

func (m *Model) makeExplainer() *explainer {
	e := &explainer{units: make([][]unit, len(m.trees)), bias: make([]float64, len(m.base))}
	for g, v := range m.base {
		e.bias[g] = float64(v)
	}
	for i := range m.trees {
		t, w := &m.trees[i], &m.plan.trees[i]
		e.bias[t.group] += t.mean()
		if w.asked == nil {
			continue
		}
		before := len(e.tables)
		b := unitBuilder{explainer: e, tree: t, asked: w.asked, splits: t.splits()}
		if !b.build(0, nil) || len(e.tables) > maxTables {
			e.tables = e.tables[:before]
			continue
		}
		e.units[i] = b.units
	}
	// A byte of answers indexes any table without a check.
	e.tables = append(e.tables, make([]float32, 1<<maxUnitBits)...)
	return e
}

type unitBuilder struct {
	*explainer
	tree   *tree
	asked  []uint32 // by node: its question
	splits []int    // by node: splits at and below it
	units  []unit
}

// splits counts those at and below each node.
func (t *tree) splits() []int {
	splits := make([]int, len(t.nodes))
	for i := len(t.nodes) - 1; i >= 0; i-- {
		if n := &t.nodes[i]; n.left != 0 {
			splits[i] = 1 + splits[n.left] + splits[n.left+1]
		}
	}
	return splits
}

// build makes one unit of a node where the answers to and below it fit, and
// units of its children otherwise. It gives up where a way has too many
// features.
func (b *unitBuilder) build(at int32, way []onWay) bool {
	n := &b.tree.nodes[at]
	if len(way)+b.splits[at] <= maxUnitBits {
		b.units = append(b.units, b.unit(at, way))
		return true
	}
	if n.left == 0 || len(b.tables) > maxTables {
		return false
	}
	left, right := b.tree.shares(n)
	return b.build(n.left, b.follow(way, n.feature, left, answer{b.asked[at], false})) &&
		b.build(n.left+1, b.follow(way, n.feature, right, answer{b.asked[at], true}))
}

// follow is the way with one more answer.
func (b *unitBuilder) follow(way []onWay, feature int32, share float64, a answer) []onWay {
	way = slices.Clone(way)
	for i := range way {
		if way[i].feature == feature {
			way[i].zero *= share
			way[i].bit = append(slices.Clone(way[i].bit), a)
			return way
		}
	}
	return append(way, onWay{feature, share, bit{a}})
}

// leafWay is what a leaf of a unit asks of the unit's bits: feature i is
// followed where all bits of ones[i] are 1 and all of zeros[i] are 0.
type leafWay struct {
	features    []int32
	zero        []float64
	ones, zeros []uint
}

func (l leafWay) follow(feature int32, share float64, at uint, one bool) leafWay {
	l = leafWay{slices.Clone(l.features), slices.Clone(l.zero), slices.Clone(l.ones), slices.Clone(l.zeros)}
	i := slices.Index(l.features, feature)
	if i < 0 {
		i = len(l.features)
		l.features, l.zero = append(l.features, feature), append(l.zero, 1)
		l.ones, l.zeros = append(l.ones, 0), append(l.zeros, 0)
	}
	l.zero[i] *= share
	if one {
		l.ones[i] |= 1 << at
	} else {
		l.zeros[i] |= 1 << at
	}
	return l
}

func (b *unitBuilder) unit(at int32, way []onWay) unit {
	u := unit{table: len(b.tables)}
	var start leafWay
	for i, w := range way {
		u.bits = append(u.bits, w.bit)
		start = start.follow(w.feature, w.zero, uint(i), true)
	}
	var leaves []leafWay
	var values []float64
	var down func(at int32, l leafWay)
	down = func(at int32, l leafWay) {
		n := &b.tree.nodes[at]
		if n.left == 0 {
			leaves, values = append(leaves, l), append(values, float64(n.condition))
			return
		}
		place := uint(len(u.bits))
		u.bits = append(u.bits, bit{{b.asked[at], false}})
		left, right := b.tree.shares(n)
		down(n.left, l.follow(n.feature, left, place, true))
		down(n.left+1, l.follow(n.feature, right, place, false))
	}
	down(at, start)
	for _, l := range leaves {
		for _, f := range l.features {
			if !slices.Contains(u.features, f) {
				u.features = append(u.features, f)
			}
		}
	}
	size := 1 << len(u.bits)
	sums := make([]float64, size*len(u.features))
	for i, l := range leaves {
		l.addTo(sums, u.features, size, values[i])
	}
	for _, v := range sums {
		b.tables = append(b.tables, float32(v))
	}
	return u
}

// addTo adds what a leaf of this value contributes, for all answers.
func (l leafWay) addTo(sums []float64, features []int32, size int, value float64) {
	n := len(l.features)
	by := make([]float64, n<<n) // by the features that are followed
	way := make([]step, 0, n+1)
	for followed := range 1 << n {
		way = extend(way[:0], 1, 1, -1)
		for i, f := range l.features {
			way = extend(way, l.zero[i], float64(followed>>i&1), f)
		}
		for i := range n {
			s := &way[i+1]
			by[followed*n+i] = unwound(way, i+1) * (s.one - s.zero) * value
		}
	}
	columns := make([]int, n)
	for i, f := range l.features {
		columns[i] = slices.Index(features, f) * size
	}
	for answers := range uint(size) {
		followed := 0
		for i := range n {
			if answers&l.ones[i] == l.ones[i] && answers&l.zeros[i] == 0 {
				followed |= 1 << i
			}
		}
		for i, c := range columns {
			sums[c+int(answers)] += by[followed*n+i]
		}
	}
}
