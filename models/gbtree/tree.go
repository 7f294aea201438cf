package gbtree

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Bounds of what a trainer would write. They keep a hostile file from taking
// memory or stack that its size does not explain.
const (
	maxDepth    = 512
	maxFeatures = 1 << 16
	maxOutputs  = 1 << 12
	maxResults  = 1 << 17   // contributions of a row
	maxCategory = 1<<24 - 1 // the last that float32 tells from its neighbours
)

// node is a split or, where left is 0, a leaf. Children lie side by side:
// right is left + 1.
type node struct {
	left        int32
	feature     int32
	condition   float32 // less goes left; of a leaf: its value
	cover       float32 // sum of the hessian of its training rows
	defaultLeft bool    // where a missing value goes
	categories  []int32 // sorted; these go right. nil: a numeric split
}

// goesLeft is XGBoost's decision, by float32 and with NaN for missing.
func (n *node) goesLeft(v float32) bool {
	switch {
	case v != v:
		return n.defaultLeft
	case n.categories == nil:
		return v < n.condition
	case v < 0 || v >= maxCategory:
		return true
	}
	_, found := slices.BinarySearch(n.categories, int32(v))
	return !found
}

// tree has its nodes level by level, the root first.
type tree struct {
	nodes []node
	group int // the output that it adds to
	depth int // splits on the longest way down
}

// leaves is how many there are: each split has two children.
func (t *tree) leaves() int { return (len(t.nodes) + 1) / 2 }

// leaf is the node where a row ends; value is that of a feature.
func (t *tree) leaf(value func(feature int32) float32) *node {
	at := &t.nodes[0]
	for at.left != 0 {
		next := at.left
		if !at.goesLeft(value(at.feature)) {
			next++
		}
		at = &t.nodes[next]
	}
	return at
}

// build checks a tree of the file and lays its nodes out anew. Nodes that
// cannot be reached were pruned and are left out.
func (f *fileTree) build(features int, weight float32) (tree, error) {
	var t tree
	n := len(f.Left)
	if n == 0 {
		return t, errors.New("it has no nodes")
	}
	if f.Param.NumNodes != "" {
		want, err := count("num_nodes", f.Param.NumNodes, math.MaxInt32)
		if err != nil {
			return t, err
		}
		if want != n {
			return t, fmt.Errorf("it has %d nodes and says %d", n, want)
		}
	}
	if f.Param.LeafValues != "" && f.Param.LeafValues != "0" && f.Param.LeafValues != "1" {
		return t, fmt.Errorf("its leaves are vectors of %.10s values; train with multi_strategy one_output_per_tree", f.Param.LeafValues)
	}
	for _, column := range [...]struct {
		name string
		len  int
	}{
		{"right_children", len(f.Right)}, {"split_indices", len(f.Feature)},
		{"split_conditions", len(f.Condition)}, {"sum_hessian", len(f.Cover)}, {"default_left", len(f.DefaultLeft)},
	} {
		if column.len != n {
			return t, fmt.Errorf("%s has %d values for %d nodes", column.name, column.len, n)
		}
	}
	categories, err := f.categories()
	if err != nil {
		return t, err
	}
	seen := make([]bool, n)
	order := make([]int32, 1, n) // the old number of each new node
	seen[0] = true
	t.nodes = make([]node, 0, n)
	levelEnd := 1
	for at := 0; at < len(order); at++ {
		if at == levelEnd {
			levelEnd = len(order)
			if t.depth++; t.depth > maxDepth {
				return t, fmt.Errorf("it is deeper than %d levels", maxDepth)
			}
		}
		old := order[at]
		left, right := f.Left[old], f.Right[old]
		made := node{condition: float32(f.Condition[old]), cover: f.Cover[old], defaultLeft: f.DefaultLeft[old] == 1}
		if !(made.cover >= 0) || math.IsInf(float64(made.cover), 0) {
			return t, fmt.Errorf("node %d has the sum_hessian %v", old, made.cover)
		}
		if left == -1 && right == -1 {
			made.condition *= weight
			if v := float64(made.condition); math.IsNaN(v) || math.IsInf(v, 0) {
				return t, fmt.Errorf("leaf %d has the value %v", old, v)
			}
			made.defaultLeft = false
			t.nodes = append(t.nodes, made)
			continue
		}
		for _, child := range [...]int32{left, right} {
			if child <= 0 || int(child) >= n {
				return t, fmt.Errorf("node %d has the child %d of %d nodes", old, child, n)
			}
			if seen[child] {
				return t, fmt.Errorf("node %d is reached twice", child)
			}
			seen[child] = true
		}
		if made.feature = f.Feature[old]; made.feature < 0 || int(made.feature) >= features {
			return t, fmt.Errorf("node %d splits on feature %d of %d", old, made.feature, features)
		}
		if len(f.Type) > 0 && len(f.Type) != n {
			return t, fmt.Errorf("split_type has %d values for %d nodes", len(f.Type), n)
		}
		if len(f.Type) > 0 && f.Type[old] == 1 {
			if made.categories = categories[old]; made.categories == nil {
				return t, fmt.Errorf("node %d splits by categories and has none", old)
			}
		} else if made.condition != made.condition {
			return t, fmt.Errorf("node %d splits at no number", old)
		}
		made.left = int32(len(order))
		order = append(order, left, right)
		t.nodes = append(t.nodes, made)
	}
	return t, nil
}

// categories gives the sorted categories of each node that has some.
func (f *fileTree) categories() (map[int32][]int32, error) {
	n := len(f.CategoryNodes)
	if len(f.CategorySegments) != n || len(f.CategorySizes) != n {
		return nil, errors.New("categories_nodes, categories_segments and categories_sizes differ in length")
	}
	of := make(map[int32][]int32, n)
	var total int64
	all := int64(len(f.Categories))
	for i, at := range f.CategoryNodes {
		from, size := f.CategorySegments[i], f.CategorySizes[i]
		if from < 0 || size <= 0 || from > all || size > all-from {
			return nil, fmt.Errorf("node %d has the categories from %d on, %d of them, of %d", at, from, size, all)
		}
		// Segments that overlap would multiply what the file holds.
		if total += size; total > all {
			return nil, errors.New("nodes share their categories")
		}
		sorted := slices.Clone(f.Categories[from : from+size])
		slices.Sort(sorted)
		if sorted[0] < 0 || sorted[len(sorted)-1] >= maxCategory {
			return nil, fmt.Errorf("node %d has a category outside 0 to %d", at, maxCategory-1)
		}
		of[at] = sorted
	}
	return of, nil
}
