package transforms

import (
	"cmp"
	"math"
	"slices"
)

// Weights are held as whole millionths of log2 odds, because sums of whole
// numbers are the same in any order.
const (
	oneBit    = 1_000_000
	maxWeight = 1000 * oneBit // twice that still fits an int32

	// Two weights that stand for what people said.
	mustLink  = math.MaxInt32
	neverLink = math.MinInt32

	// uncompared is what a pair counts that blocking did not propose: little
	// evidence against, as true matches mostly share a block.
	uncompared = -1 * oneBit
)

// fixedWeight turns log2 odds into millionths.
func fixedWeight(bits float64) int32 {
	if math.IsNaN(bits) {
		return 0
	}
	return int32(math.Round(max(-maxWeight, min(maxWeight, bits*oneBit))))
}

// weighedPair is a compared pair of records, or a link between two.
type weighedPair struct {
	left, right uint32 // left < right
	weight      int32  // millionths of log2 odds, mustLink or neverLink
}

// linkage is the value of joining two clusters: total is the sum of the
// weights of all pairs between them, pairs how many pairs that is. Joining pays
// where it is above 0.
type linkage func(total, pairs float64) float64

// meanLinkage judges two clusters by their average pair. With the sum instead,
// one strong pair outweighs any number of weaker ones, and chains grow.
func meanLinkage(total, pairs float64) float64 { return total / pairs }

// between is all that is known of two clusters.
type between struct {
	sum      int64 // of the weights of compared pairs
	compared int64 // how many pairs were compared
	isNever  bool  // holds a pair that must not match
	queued   float64
}

// joiner clusters one connected component by greedy additive edge contraction
// (GAEC; Keuper et al., "Efficient decomposition of image and mesh graphs by
// lifted multicuts", ICCV 2015): it joins the two clusters that gain most by it
// for as long as any gain. Ties go to the smallest ids.
//
// Joining two clusters lowers what a third one gains that had compared pairs
// with one of them only, as more pairs are uncompared. So the queue holds upper
// bounds, which are put right only when they come to the front.
type joiner struct {
	value linkage
	ids   []uint32     // the records of the component, sorted; below, a record is its place here
	sets  disjointSets // the clusters; a cluster's name is its smallest record

	// A cluster has a slot. When two are joined, the one with fewer neighbours
	// moves into the slot of the other, so that a neighbour moves O(log E) times.
	slot       []uint32   // of a name
	name       []uint32   // of a slot
	neighbours [][]uint32 // slots; may hold some that are neighbours no more
	between    map[[2]uint32]between
	queue      joinQueue
	steps      int // queue entries and neighbours looked at
}

// newJoiner prepares the clusters of single records. Of a pair that is given
// twice, the larger weight counts.
func newJoiner(value linkage, pairs []weighedPair) *joiner {
	j := &joiner{value: value, between: make(map[[2]uint32]between, len(pairs))}
	for _, p := range pairs {
		j.ids = append(j.ids, p.left, p.right)
	}
	slices.Sort(j.ids)
	j.ids = slices.Compact(j.ids)
	j.sets = newDisjointSets(int64(len(j.ids)) - 1)
	j.slot, j.name, j.neighbours = make([]uint32, len(j.ids)), make([]uint32, len(j.ids)), make([][]uint32, len(j.ids))
	for i := range j.ids {
		j.slot[i], j.name[i] = uint32(i), uint32(i)
	}
	for _, p := range pairs {
		if p.weight != mustLink {
			j.add(p)
		}
	}
	return j
}

func (j *joiner) place(id uint32) uint32 {
	at, _ := slices.BinarySearch(j.ids, id)
	return uint32(at)
}

func (j *joiner) add(p weighedPair) {
	key := slots(j.place(p.left), j.place(p.right))
	b, known := j.between[key]
	switch {
	case p.weight == neverLink:
		b.isNever = true
	case b.compared == 0:
		b.sum, b.compared = int64(p.weight), 1
	default:
		b.sum = max(b.sum, int64(p.weight))
	}
	j.between[key] = b
	if !known {
		j.neighbours[key[0]] = append(j.neighbours[key[0]], key[1])
		j.neighbours[key[1]] = append(j.neighbours[key[1]], key[0])
	}
}

// slots is the key of a pair of slots.
func slots(x, y uint32) [2]uint32 { return [2]uint32{min(x, y), max(x, y)} }

// run joins what has to be joined, and then what gains by it.
func (j *joiner) run(pairs []weighedPair) {
	j.joinLinked(pairs)
	j.queue = j.queue[:0]
	for key, b := range j.between {
		b.queued = j.gain(key[0], key[1], b)
		j.between[key] = b
		if b.queued > 0 {
			j.queue = append(j.queue, j.candidate(key, b.queued))
		}
	}
	j.queue.init()
	for len(j.queue) > 0 {
		j.steps++
		best := j.queue.pop()
		x, y := j.slot[j.sets.find(best.left)], j.slot[j.sets.find(best.right)]
		if x == y {
			continue
		}
		key := slots(x, y)
		b := j.between[key]
		if b.queued != best.gain {
			continue // there is a later entry for these two
		}
		if gain := j.gain(x, y, b); gain == best.gain {
			j.join(x, y)
		} else {
			j.enqueue(key, b, gain)
		}
	}
}

// joinLinked joins the clusters of must-links, the smallest ids first. One that
// would join what must not match is left out.
func (j *joiner) joinLinked(pairs []weighedPair) {
	var links []weighedPair
	for _, p := range pairs {
		if p.weight == mustLink {
			links = append(links, p)
		}
	}
	slices.SortFunc(links, weighedPair.compare)
	for _, p := range links {
		x, y := j.cluster(p.left), j.cluster(p.right)
		if x != y && !j.between[slots(x, y)].isNever {
			j.join(x, y)
		}
	}
}

func (p weighedPair) compare(q weighedPair) int {
	return cmp.Or(cmp.Compare(p.left, q.left), cmp.Compare(p.right, q.right), cmp.Compare(p.weight, q.weight))
}

// cluster is the slot that a record is in.
func (j *joiner) cluster(id uint32) uint32 { return j.slot[j.sets.find(j.place(id))] }

func (j *joiner) size(slot uint32) int64 { return int64(j.sets.size[j.name[slot]]) }

// gain is the value of joining the clusters of two slots.
func (j *joiner) gain(x, y uint32, b between) float64 {
	if b.isNever {
		return math.Inf(-1)
	}
	pairs := j.size(x) * j.size(y)
	return j.value(float64(b.sum+uncompared*(pairs-b.compared)), float64(pairs))
}

func (j *joiner) candidate(key [2]uint32, gain float64) join {
	x, y := j.name[key[0]], j.name[key[1]]
	return join{gain: gain, left: min(x, y), right: max(x, y)}
}

// enqueue notes the gain of joining two clusters, and queues it where it pays.
func (j *joiner) enqueue(key [2]uint32, b between, gain float64) {
	b.queued = gain
	j.between[key] = b
	if gain > 0 {
		j.queue.push(j.candidate(key, gain))
	}
}

// join makes one cluster of two.
func (j *joiner) join(x, y uint32) {
	if len(j.neighbours[x]) < len(j.neighbours[y]) {
		x, y = y, x
	}
	j.sets.union(j.name[x], j.name[y])
	j.name[x] = min(j.name[x], j.name[y])
	j.slot[j.name[x]] = x
	delete(j.between, slots(x, y))
	for _, z := range j.neighbours[y] {
		j.steps++
		theirs, ok := j.between[slots(y, z)]
		if !ok {
			continue
		}
		delete(j.between, slots(y, z))
		key := slots(x, z)
		ours, ok := j.between[key]
		if !ok {
			j.between[key] = theirs
			j.neighbours[x] = append(j.neighbours[x], z)
			j.neighbours[z] = append(j.neighbours[z], x)
			continue
		}
		ours.sum += theirs.sum
		ours.compared += theirs.compared
		ours.isNever = ours.isNever || theirs.isNever
		j.between[key] = ours
		if gain := j.gain(x, z, ours); gain > ours.queued {
			j.enqueue(key, ours, gain)
		}
	}
	j.neighbours[y] = nil
}

// join is two clusters that may be joined, by their names when it was queued.
type join struct {
	gain        float64
	left, right uint32
}

func (a join) before(b join) bool {
	if a.gain != b.gain {
		return a.gain > b.gain
	}
	return cmp.Or(cmp.Compare(a.left, b.left), cmp.Compare(a.right, b.right)) < 0
}

// joinQueue is a binary heap with the best join in front. It is not
// container/heap, which allocates for every entry.
type joinQueue []join

func (q joinQueue) init() {
	for i := len(q)/2 - 1; i >= 0; i-- {
		q.sink(i)
	}
}

func (q *joinQueue) push(e join) {
	*q = append(*q, e)
	h := *q
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(h[up]) {
			return
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (q *joinQueue) pop() join {
	h := *q
	best, last := h[0], len(h)-1
	h[0] = h[last]
	*q = h[:last]
	q.sink(0)
	return best
}

func (q joinQueue) sink(i int) {
	for {
		down := 2*i + 1
		if down >= len(q) {
			return
		}
		if down+1 < len(q) && q[down+1].before(q[down]) {
			down++
		}
		if !q[down].before(q[i]) {
			return
		}
		q[i], q[down] = q[down], q[i]
		i = down
	}
}
