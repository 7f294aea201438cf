package transforms

// disjointSets is a union-find over the dense ids 0..n with path halving. The
// smaller root always wins, so a root is the smallest id of its set whatever
// the order of the unions.
type disjointSets struct {
	parent []uint32
	size   []uint32 // of a root: how many ids its set holds
}

func newDisjointSets(n int64) disjointSets {
	d := disjointSets{parent: make([]uint32, n+1), size: make([]uint32, n+1)}
	for i := range d.parent {
		d.reset(uint32(i))
	}
	return d
}

func (d disjointSets) find(x uint32) uint32 {
	for d.parent[x] != x {
		d.parent[x] = d.parent[d.parent[x]]
		x = d.parent[x]
	}
	return x
}

func (d disjointSets) union(a, b uint32) {
	a, b = d.find(a), d.find(b)
	if a == b {
		return
	}
	a, b = min(a, b), max(a, b)
	d.parent[b] = a
	d.size[a] += d.size[b]
}

// reset makes x a set of its own. All ids of its set have to be reset together.
func (d disjointSets) reset(x uint32) { d.parent[x], d.size[x] = x, 1 }
