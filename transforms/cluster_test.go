package transforms

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// graph is what clustering reads: n records, 1 to n.
type graph struct {
	n     int
	pairs []weighedPair
	links []weighedPair
}

// solved clusters a graph as Cluster does and returns the cluster of each
// record, the place 0 unused, and the cuts.
func (g graph) solved(t *testing.T, change func(*clusterer)) ([]uint32, []cut) {
	t.Helper()
	c := newClusterer(int64(g.n))
	if change != nil {
		change(c)
	}
	edges := func(fn func(weighedPair)) error {
		for _, p := range g.pairs {
			fn(p)
		}
		return nil
	}
	if err := c.connect(g.links, edges); err != nil {
		t.Fatal(err)
	}
	doubtful, err := c.doubtful(g.links, edges)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.solve(t.Context(), doubtful, oneBit); err != nil {
		t.Fatal(err)
	}
	labels := make([]uint32, g.n+1)
	for id := range labels {
		labels[id] = c.sets.find(uint32(id))
	}
	return labels, c.cutsOfPairs()
}

func (g graph) labels(t *testing.T) []uint32 {
	t.Helper()
	labels, _ := g.solved(t, nil)
	return labels
}

// add adds a pair of so many bits.
func (g *graph) add(left, right int, bits float64) {
	g.pairs = append(g.pairs, weighedPair{uint32(min(left, right)), uint32(max(left, right)), fixedWeight(bits)})
}

func (g *graph) link(left, right int, isMatch bool) {
	weight := int32(neverLink)
	if isMatch {
		weight = mustLink
	}
	g.links = append(g.links, weighedPair{uint32(min(left, right)), uint32(max(left, right)), weight})
}

// randomGraph has pairs of random weights, few of them alike, and links.
func randomGraph(rng *rand.Rand, n int, density, mean float64, links int) graph {
	g := graph{n: n}
	for l := 1; l <= n; l++ {
		for r := l + 1; r <= n; r++ {
			if rng.Float64() < density {
				g.add(l, r, mean+6*rng.NormFloat64())
			}
		}
	}
	for range links {
		if l, r := 1+rng.IntN(n), 1+rng.IntN(n); l != r {
			g.link(l, r, rng.IntN(3) > 0)
		}
	}
	return g
}

func (g graph) shuffled(rng *rand.Rand) graph {
	g.pairs, g.links = slices.Clone(g.pairs), slices.Clone(g.links)
	rng.Shuffle(len(g.pairs), func(i, j int) { g.pairs[i], g.pairs[j] = g.pairs[j], g.pairs[i] })
	rng.Shuffle(len(g.links), func(i, j int) { g.links[i], g.links[j] = g.links[j], g.links[i] })
	return g
}

// relabelled gives record id the id by[id].
func (g graph) relabelled(n int, by []int) graph {
	out := graph{n: n}
	swap := func(p weighedPair) weighedPair {
		l, r := uint32(by[p.left]), uint32(by[p.right])
		return weighedPair{min(l, r), max(l, r), p.weight}
	}
	for _, p := range g.pairs {
		out.pairs = append(out.pairs, swap(p))
	}
	for _, p := range g.links {
		out.links = append(out.links, swap(p))
	}
	return out
}

// components labels every node with the smallest node that it can reach, by
// repeated relaxation: slow, and plainly right.
func components(n int, edges []weighedPair) []uint32 {
	label := make([]uint32, n+1)
	for i := range label {
		label[i] = uint32(i)
	}
	for changed := true; changed; {
		changed = false
		for _, e := range edges {
			low := min(label[e.left], label[e.right])
			if label[e.left] != low || label[e.right] != low {
				label[e.left], label[e.right], changed = low, low, true
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
		g := randomGraph(rng, n, 1/float64(n), 0, 0)
		want := components(n, g.pairs)
		for range 3 {
			sets := newDisjointSets(int64(n))
			for _, e := range g.shuffled(rng).pairs {
				sets.union(e.left, e.right)
			}
			size := map[uint32]uint32{}
			for node := 1; node <= n; node++ {
				if got := sets.find(uint32(node)); got != want[node] {
					t.Fatalf("seed %d: node %d is in %d, want %d", seed, node, got, want[node])
				}
				size[want[node]]++
			}
			for root, want := range size {
				if got := sets.size[root]; got != want {
					t.Fatalf("seed %d: the set of %d has size %d, want %d", seed, root, got, want)
				}
			}
		}
	}
}

func TestCluster_is_the_connected_components_where_all_pairs_agree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 2))
		n := 1 + rng.IntN(40)
		groups := make([]int, n+1)
		for i := range groups {
			groups[i] = rng.IntN(1 + n/4)
		}
		g := graph{n: n}
		for l := 1; l <= n; l++ {
			for r := l + 1; r <= n; r++ {
				if groups[l] == groups[r] {
					g.add(l, r, 0.001+20*rng.Float64())
				} else if rng.IntN(3) == 0 {
					g.add(l, r, -20*rng.Float64())
				}
			}
		}
		positive := slices.DeleteFunc(slices.Clone(g.pairs), func(p weighedPair) bool { return p.weight <= 0 })
		got, cuts := g.shuffled(rng).solved(t, nil)
		if diff := cmp.Diff(components(n, positive), got); diff != "" || len(cuts) > 0 {
			t.Fatalf("seed %d: %d cuts, %s", seed, len(cuts), diff)
		}
	}
}

func TestCluster_does_not_depend_on_the_order_of_pairs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 3))
		g := randomGraph(rng, 2+rng.IntN(40), 0.3, 0, rng.IntN(6))
		for i := range g.pairs { // many ties
			g.pairs[i].weight = g.pairs[i].weight / (4 * oneBit) * oneBit
		}
		change := func(c *clusterer) { c.largest = 10 }
		want, wantCuts := g.solved(t, change)
		for range 4 {
			got, cuts := g.shuffled(rng).solved(t, change)
			if diff := cmp.Diff(want, got) + cmp.Diff(fmt.Sprint(wantCuts), fmt.Sprint(cuts)); diff != "" {
				t.Fatalf("seed %d: %s", seed, diff)
			}
		}
	}
}

func TestCluster_follows_its_records_when_they_get_other_ids(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, seed uint64, g, other graph, by []int) {
		t.Helper()
		before, after := g.labels(t), other.labels(t)
		for l := 1; l <= g.n; l++ {
			for r := l + 1; r <= g.n; r++ {
				if (before[l] == before[r]) != (after[by[l]] == after[by[r]]) {
					t.Fatalf("seed %d: %d and %d are together under one numbering only", seed, l, r)
				}
			}
		}
	}
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 4))
		// Weights that are all different have one best join: any numbering will do.
		g := randomGraph(rng, 2+rng.IntN(40), 0.4, 0, 0)
		by := append([]int{0}, rng.Perm(g.n)...)
		for i := 1; i <= g.n; i++ {
			by[i]++
		}
		check(t, seed, g, g.relabelled(g.n, by), by)
		// Ties and links go by the order of ids: a numbering with gaps keeps it.
		g = randomGraph(rng, 2+rng.IntN(40), 0.4, 0, 4)
		for i := range g.pairs {
			g.pairs[i].weight = g.pairs[i].weight / (4 * oneBit) * oneBit
		}
		last := 0
		for i := 1; i <= g.n; i++ {
			last += 1 + rng.IntN(3)
			by[0], by = 0, append(by[:i], last)
		}
		check(t, seed, g, g.relabelled(last, by), by)
	}
}

func TestCluster_cuts_a_weak_bridge_between_tight_groups(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		bridge, across float64 // across: what the other pairs of both groups weigh, 0 if nobody compared them
	}{
		{"that is weaker than the groups", 7, 0},
		{"that is weaker than the groups and alone against all", 7, -2},
		{"that is the strongest pair of all, yet all others speak against it", 12, -9},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := graph{n: 10}
			for l := 1; l <= g.n; l++ {
				for r := l + 1; r <= g.n; r++ {
					switch isInside := (l <= 5) == (r <= 5); {
					case l == 5 && r == 6:
						g.add(l, r, test.bridge)
					case isInside:
						g.add(l, r, 8)
					case test.across != 0:
						g.add(l, r, test.across)
					}
				}
			}
			labels, cuts := g.solved(t, nil)
			if labels[1] == labels[10] || len(cuts) == 0 {
				t.Fatalf("clusters are %v, cuts %v", labels, cuts)
			}
			for _, c := range cuts {
				if c.reason != cutWeakBridge {
					t.Errorf("%d and %d are cut for %s", c.left, c.right, c.reason)
				}
			}
			want := []uint32{0, 1, 1, 1, 1, 1, 6, 6, 6, 6, 6}
			if diff := cmp.Diff(want, labels); diff != "" && test.bridge < 8 {
				t.Error(diff)
			}
		})
	}
}

func TestCluster_keeps_people_s_word(t *testing.T) {
	t.Parallel()
	contradictions := 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 5))
		g := randomGraph(rng, 2+rng.IntN(30), 0.3, 1, rng.IntN(12))
		largest := uint32(5 + rng.IntN(40))
		labels, cuts := g.solved(t, func(c *clusterer) { c.largest = largest })
		reasons := map[[2]uint32]cutReason{}
		for _, c := range cuts {
			reasons[[2]uint32{c.left, c.right}] = c.reason
		}
		var musts, nevers []weighedPair
		for _, l := range g.links {
			switch isTogether := labels[l.left] == labels[l.right]; {
			case l.weight == neverLink && isTogether:
				t.Fatalf("seed %d: %d and %d are together against a never-link", seed, l.left, l.right)
			case l.weight == neverLink:
				nevers = append(nevers, l)
			case !isTogether:
				contradictions++
				if reason, ok := reasons[[2]uint32{l.left, l.right}]; !ok || reason != cutContradictingLinks {
					t.Fatalf("seed %d: the must-link of %d and %d is cut without a word", seed, l.left, l.right)
				}
				musts = append(musts, l)
			default:
				musts = append(musts, l)
			}
		}
		// What all must-links together connect holds, unless a never-link lies in it.
		reach := components(g.n, musts)
		contradicted := map[uint32]bool{}
		for _, l := range nevers {
			if reach[l.left] == reach[l.right] {
				contradicted[reach[l.left]] = true
			}
		}
		for _, l := range musts {
			if labels[l.left] != labels[l.right] && !contradicted[reach[l.left]] {
				t.Fatalf("seed %d: the must-link of %d and %d is cut, and nothing contradicts it", seed, l.left, l.right)
			}
		}
	}
	if contradictions == 0 {
		t.Error("no graph had links that contradict each other")
	}
}

func TestCluster_reports_links_that_contradict_each_other(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		graph  func(*graph)
		labels []uint32
		cuts   string
	}{
		{"on one pair", func(g *graph) {
			g.link(1, 2, true)
			g.link(1, 2, false)
		}, []uint32{0, 1, 2, 3, 4}, "1 2 contradicting_links"},
		{"on one pair that matches", func(g *graph) {
			g.link(1, 2, true)
			g.link(1, 2, false)
			g.add(1, 2, 5)
		}, []uint32{0, 1, 2, 3, 4}, "1 2 contradicting_links 5"},
		{"over a third record", func(g *graph) {
			g.link(1, 2, true)
			g.link(2, 3, true)
			g.link(1, 3, false)
		}, []uint32{0, 1, 1, 3, 4}, "2 3 contradicting_links"},
		{"around a ring", func(g *graph) {
			for i := range 4 {
				g.link(1+i, 1+(i+1)%4, true)
			}
			g.link(1, 3, false)
			g.link(2, 4, false)
		}, []uint32{0, 1, 1, 3, 3}, "1 4 contradicting_links, 2 3 contradicting_links"},
		{"not, where a never-link parts a match", func(g *graph) {
			g.add(1, 2, 9)
			g.link(1, 2, false)
		}, []uint32{0, 1, 2, 3, 4}, "1 2 never_link 9"},
		{"not, where a never-link parts clusters", func(g *graph) {
			g.add(1, 2, 9)
			g.add(2, 3, 8)
			g.link(1, 3, false)
		}, []uint32{0, 1, 1, 3, 4}, "2 3 never_link 8"},
		{"not, where a must-link joins what does not match", func(g *graph) {
			g.add(1, 2, -20)
			g.link(1, 2, true)
			g.add(2, 3, 30)
		}, []uint32{0, 1, 1, 1, 4}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := graph{n: 4}
			test.graph(&g)
			labels, cuts := g.solved(t, nil)
			var told []string
			for _, c := range cuts {
				text := fmt.Sprint(c.left, c.right, " ", c.reason)
				if c.weight != mustLink {
					text += fmt.Sprint(" ", c.weight/oneBit)
				}
				told = append(told, text)
			}
			if diff := cmp.Diff(test.labels, labels) + cmp.Diff(test.cuts, strings.Join(told, ", ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCluster_takes_a_component_apart_that_is_too_large(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*clusterer){
		"by its members": func(c *clusterer) { c.largest = 50 },
		"by its pairs":   func(c *clusterer) { c.most = 50 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Groups of ten hang in a ring by edges of 1.5 bits.
			g := graph{n: 200}
			want := make([]uint32, g.n+1)
			for first := 1; first <= g.n; first += 10 {
				for l := first; l < first+10; l++ {
					for r := l + 1; r < first+10; r++ {
						g.add(l, r, 9)
					}
					want[l] = uint32(first)
				}
				g.add(first, 1+(first+9)%g.n, 1.5)
			}
			labels, cuts := g.solved(t, change)
			if diff := cmp.Diff(want, labels); diff != "" {
				t.Error(diff)
			}
			if len(cuts) != 20 {
				t.Errorf("%d cuts, want 20", len(cuts))
			}
			for _, c := range cuts {
				if c.reason != cutTooLarge || c.weight != oneBit*3/2 {
					t.Errorf("%d and %d: %s", c.left, c.right, c.reason)
				}
			}
		})
	}
}

func TestCluster_is_as_large_as_people_say(t *testing.T) {
	t.Parallel()
	g := graph{n: 100}
	for i := 1; i < g.n; i++ {
		g.link(i, i+1, true)
		g.add(i, i+1, -math.MaxFloat64)
	}
	g.add(1, 100, math.Inf(1))
	labels, cuts := g.solved(t, func(c *clusterer) { c.largest = 10 })
	if slices.Max(labels) != 1 || len(cuts) > 0 {
		t.Errorf("clusters are %v, cuts %v", labels, cuts)
	}
}

func TestClusterReader_gives_matched_records_only(t *testing.T) {
	t.Parallel()
	const n = 3 * batchRows
	sets := newDisjointSets(n)
	for i := uint32(2); i <= n; i += 2 {
		sets.union(2, i)
	}
	reader := newClusterReader(sets)
	defer reader.Release()
	rows := 0
	for reader.Next() {
		rows += int(reader.RecordBatch().NumRows())
	}
	if rows != n/2 {
		t.Fatalf("got %d rows, want %d", rows, n/2)
	}
}
