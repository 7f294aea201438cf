package transforms

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sumLinkage is the linkage of the paper.
func sumLinkage(total, _ float64) float64 { return total }

// plainGAEC is the algorithm as one would say it: look at all pairs of clusters
// for the best join, until none gains.
func plainGAEC(n int, pairs []weighedPair, value linkage) []uint32 {
	known := map[[2]uint32]int64{}
	never := map[[2]uint32]bool{}
	for _, p := range pairs {
		if p.weight == neverLink {
			never[slots(p.left, p.right)] = true
		} else {
			known[slots(p.left, p.right)] = int64(p.weight)
		}
	}
	clusters := map[uint32][]uint32{}
	for id := uint32(1); id <= uint32(n); id++ {
		clusters[id] = []uint32{id}
	}
	for {
		best, left, right := 0.0, uint32(0), uint32(0)
		for a := uint32(1); a <= uint32(n); a++ {
			for b := a + 1; b <= uint32(n); b++ {
				if clusters[a] == nil || clusters[b] == nil {
					continue
				}
				total, isNever, isCompared := int64(0), false, false
				for _, x := range clusters[a] {
					for _, y := range clusters[b] {
						weight, ok := known[slots(x, y)]
						if !ok {
							weight = uncompared
						}
						total += weight
						isCompared = isCompared || ok
						isNever = isNever || never[slots(x, y)]
					}
				}
				if gain := value(float64(total), float64(len(clusters[a])*len(clusters[b]))); isCompared && !isNever && gain > best {
					best, left, right = gain, a, b
				}
			}
		}
		if left == 0 {
			break
		}
		clusters[left] = append(clusters[left], clusters[right]...)
		delete(clusters, right)
	}
	labels := make([]uint32, n+1)
	for name, members := range clusters {
		for _, id := range members {
			labels[id] = name
		}
	}
	return labels
}

func TestJoiner_joins_as_a_search_of_all_pairs_does(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]linkage{"mean": meanLinkage, "sum": sumLinkage} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(150) {
				rng := rand.New(rand.NewPCG(seed, 6))
				g := randomGraph(rng, 2+rng.IntN(20), 0.2+0.8*rng.Float64(), 2*rng.Float64(), rng.IntN(4))
				g.links = slices.DeleteFunc(g.links, func(p weighedPair) bool { return p.weight == mustLink })
				if name == "mean" && seed%2 == 0 { // ties, which a sum takes in the order it came to them
					for i := range g.pairs {
						g.pairs[i].weight = g.pairs[i].weight / (3 * oneBit) * oneBit
					}
				}
				want := plainGAEC(g.n, slices.Concat(g.pairs, g.links), value)
				got, _ := g.solved(t, func(c *clusterer) { c.value = value })
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d: %s", seed, diff)
				}
			}
		})
	}
}

func TestJoiner_takes_few_steps(t *testing.T) {
	t.Parallel()
	const n = 100_000
	star := graph{n: n}
	for i := 2; i <= n; i++ {
		star.add(1, i, 10)
	}
	chain := graph{n: n}
	for i := 2; i <= n; i++ {
		chain.add(i-1, i, 10)
	}
	// A clique whose members all have leaves: its merges must not look at all
	// leaves every time.
	hub := graph{n: n}
	for l := 1; l <= 100; l++ {
		for r := l + 1; r <= 100; r++ {
			hub.add(l, r, 20)
		}
	}
	for i := 101; i <= n; i++ {
		hub.add(1+i%100, i, 10)
	}
	// One record, the last, is told apart from nearly all others, and is joined
	// with 300 in descending order: what it knows must not move every time.
	crowd := graph{n: n}
	for l := 1; l < n; l++ {
		if l > 300 {
			crowd.add(l, n, -5)
			continue
		}
		crowd.add(l, n, 21+float64(l)/100)
		for r := l + 1; r <= 300; r++ {
			crowd.add(l, r, 20+float64(l)/100)
		}
	}
	for name, g := range map[string]graph{"over a star": star, "over a chain": chain, "over a clique with leaves": hub, "over a crowd": crowd} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for linkage, value := range map[string]linkage{"mean": meanLinkage, "sum": sumLinkage} {
				j := newJoiner(value, g.pairs)
				j.run(g.pairs)
				if limit := 20 * (n + len(g.pairs)); j.steps > limit {
					t.Errorf("%s: %d steps, want %d at most", linkage, j.steps, limit)
				}
			}
		})
	}
}

func TestFixedWeight_holds_what_it_can(t *testing.T) {
	t.Parallel()
	got := fmt.Sprint(fixedWeight(3.25), fixedWeight(-1e300), fixedWeight(1e300), fixedWeight(-0.0000001))
	if want := "3250000 -1000000000 1000000000 0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzCluster reads a graph of up to 16 records: three bytes a pair, its two
// ends and its weight; -128 and 127 are links.
func FuzzCluster(f *testing.F) {
	f.Add([]byte{1, 2, 10, 2, 3, 10, 1, 3, 0x80})
	f.Add([]byte{1, 2, 0x7f, 1, 2, 0x80, 4, 5, 3, 5, 6, 3, 4, 6, 0xf0})
	f.Add([]byte{1, 2, 9, 2, 3, 9, 3, 4, 9, 4, 1, 9, 1, 3, 0xfe, 2, 2, 7})
	f.Fuzz(func(t *testing.T, data []byte) {
		const n = 16
		g := graph{n: n}
		for ; len(data) >= 3 && len(g.pairs)+len(g.links) < 200; data = data[3:] {
			l, r, weight := 1+int(data[0]%n), 1+int(data[1]%n), int8(data[2])
			switch {
			case l == r:
			case weight == -128 || weight == 127:
				g.link(l, r, weight > 0)
			default:
				g.add(l, r, float64(weight)/4)
			}
		}
		labels, cuts := g.solved(t, nil)
		rng := rand.New(rand.NewPCG(uint64(len(g.pairs)), 7))
		again, _ := g.shuffled(rng).solved(t, nil)
		if diff := cmp.Diff(labels, again); diff != "" {
			t.Fatalf("another order gives other clusters: %s", diff)
		}
		told := map[[2]uint32]bool{}
		for _, c := range cuts {
			told[slots(c.left, c.right)] = true
		}
		reach := components(n, slices.DeleteFunc(slices.Concat(g.pairs, g.links), func(p weighedPair) bool { return p.weight <= 0 }))
		for id := uint32(1); id <= n; id++ {
			if name := labels[id]; name > id || labels[name] != name || reach[name] != reach[id] {
				t.Fatalf("record %d is in cluster %d of component %d", id, name, reach[id])
			}
		}
		for _, p := range slices.Concat(g.pairs, g.links) {
			isTogether := labels[p.left] == labels[p.right]
			if p.weight == neverLink && isTogether {
				t.Fatalf("%d and %d are together against a never-link", p.left, p.right)
			}
			if isCut := p.weight > 0 && !isTogether; isCut && !told[slots(p.left, p.right)] {
				t.Fatalf("nobody is told that %d and %d were cut", p.left, p.right)
			}
		}
	})
}
