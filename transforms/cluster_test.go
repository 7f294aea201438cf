package transforms

import (
	"math/rand/v2"
	"testing"
)

// components labels every node with the smallest node that it can reach, by
// repeated relaxation: slow, and plainly right.
func components(n int, edges [][2]uint32) []uint32 {
	label := make([]uint32, n+1)
	for i := range label {
		label[i] = uint32(i)
	}
	for changed := true; changed; {
		changed = false
		for _, e := range edges {
			low := min(label[e[0]], label[e[1]])
			if label[e[0]] != low || label[e[1]] != low {
				label[e[0]], label[e[1]], changed = low, low, true
			}
		}
	}
	return label
}

func TestDisjointSetsAreConnectedComponentsInAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := 1 + rng.IntN(60)
		edges := make([][2]uint32, rng.IntN(2*n))
		for i := range edges {
			edges[i] = [2]uint32{uint32(1 + rng.IntN(n)), uint32(1 + rng.IntN(n))}
		}
		want := components(n, edges)
		for range 3 {
			rng.Shuffle(len(edges), func(i, j int) { edges[i], edges[j] = edges[j], edges[i] })
			sets := newDisjointSets(int64(n))
			for _, e := range edges {
				sets.union(e[0], e[1])
			}
			for node := 1; node <= n; node++ {
				if got := sets.find(uint32(node)); got != want[node] {
					t.Fatalf("seed %d: node %d is in %d, want %d", seed, node, got, want[node])
				}
			}
		}
	}
}

func TestClusterReaderGivesMatchedRecordsOnly(t *testing.T) {
	t.Parallel()
	const n = 3 * batchRows
	sets, matched := newDisjointSets(n), make([]bool, n+1)
	for i := uint32(2); i <= n; i += 2 {
		sets.union(2, i)
		matched[i] = true
	}
	reader := newClusterReader(sets, matched)
	defer reader.Release()
	rows := 0
	for reader.Next() {
		rows += int(reader.RecordBatch().NumRows())
	}
	if rows != n/2 {
		t.Fatalf("got %d rows, want %d", rows, n/2)
	}
}
