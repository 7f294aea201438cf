package gbtree

// The exact, path-dependent TreeSHAP of Lundberg et al., "Consistent
// Individualized Feature Attribution for Tree Ensembles" (2018), algorithm 2.
// It sums in float64, where XGBoost sums in float32.

// step is one feature on the way to a leaf.
type step struct {
	feature int32
	zero    float64 // share of the training rows that go this way, whatever the feature is
	one     float64 // 1 where the row itself goes this way
	weight  float64 // of the subsets with as many ones as the step's place
}

// extend adds a step to the way.
func extend(way []step, zero, one float64, feature int32) []step {
	depth := len(way)
	way = append(way, step{feature: feature, zero: zero, one: one})
	if depth == 0 {
		way[0].weight = 1
	}
	for i := depth - 1; i >= 0; i-- {
		way[i+1].weight += one * way[i].weight * float64(i+1) / float64(depth+1)
		way[i].weight *= zero * float64(depth-i) / float64(depth+1)
	}
	return way
}

// unwind takes the step at a place out of the way again.
func unwind(way []step, at int) []step {
	depth := len(way) - 1
	zero, one := way[at].zero, way[at].one
	next := way[depth].weight
	for i := depth - 1; i >= 0; i-- {
		switch {
		case one != 0:
			old := way[i].weight
			way[i].weight = next * float64(depth+1) / (float64(i+1) * one)
			next = old - way[i].weight*zero*float64(depth-i)/float64(depth+1)
		case zero != 0:
			way[i].weight *= float64(depth+1) / (zero * float64(depth-i))
		default:
			way[i].weight = 0
		}
	}
	for i := at; i < depth; i++ {
		way[i].feature, way[i].zero, way[i].one = way[i+1].feature, way[i+1].zero, way[i+1].one
	}
	return way[:depth]
}

// unwound is the sum of the weights once the step at a place is taken out.
func unwound(way []step, at int) float64 {
	depth := len(way) - 1
	zero, one := way[at].zero, way[at].one
	next, total := way[depth].weight, 0.0
	for i := depth - 1; i >= 0; i-- {
		if one != 0 {
			weight := next * float64(depth+1) / (float64(i+1) * one)
			total += weight
			next = way[i].weight - weight*zero*float64(depth-i)/float64(depth+1)
		} else if zero != 0 {
			total += way[i].weight * float64(depth+1) / (zero * float64(depth-i))
		}
	}
	return total
}

// shares are the parts of a split's training rows that went left and right.
// They add up to 1, so that contributions add up to the margin.
func (t *tree) shares(n *node) (left, right float64) {
	l, r := float64(t.nodes[n.left].cover), float64(t.nodes[n.left+1].cover)
	if l+r == 0 {
		return .5, .5
	}
	return l / (l + r), r / (l + r)
}

// mean is what the tree gives on average over its training rows.
func (t *tree) mean() float64 {
	means := make([]float64, len(t.nodes))
	for i := len(t.nodes) - 1; i >= 0; i-- { // children come after their parent
		n := &t.nodes[i]
		if n.left == 0 {
			means[i] = float64(n.condition)
			continue
		}
		left, right := t.shares(n)
		means[i] = left*means[n.left] + right*means[n.left+1]
	}
	return means[0]
}

// walker explains rows of a block by walking a tree; it is for trees too deep
// for tables.
type walker struct {
	tree    *tree
	values  []float32            // of the block
	columns [][blockRows]float64 // of the tree's output
	row     int
	ways    [][]step // by depth, reused
}

func (w *walker) walk(at int32, depth int, parent []step, zero, one float64, feature int32) {
	if len(w.ways) <= depth {
		w.ways = append(w.ways, make([]step, 0, depth+2))
	}
	way := extend(append(w.ways[depth][:0], parent...), zero, one, feature)
	w.ways[depth] = way
	n := &w.tree.nodes[at]
	if n.left == 0 {
		for i := 1; i < len(way); i++ {
			s := &way[i]
			w.columns[s.feature][w.row] += unwound(way, i) * (s.one - s.zero) * float64(n.condition)
		}
		return
	}
	// A feature that was split on before is taken out and put in anew.
	zero, one = 1, 1
	for i := 1; i < len(way); i++ {
		if way[i].feature == n.feature {
			zero, one = way[i].zero, way[i].one
			way = unwind(way, i)
			break
		}
	}
	left, right := w.tree.shares(n)
	hot, cold := n.left, n.left+1
	if !n.goesLeft(w.values[int(n.feature)*blockRows+w.row]) {
		hot, cold, left, right = cold, hot, right, left
	}
	w.walk(hot, depth+1, way, left*zero, one, n.feature)
	w.walk(cold, depth+1, way, right*zero, 0, n.feature)
}
