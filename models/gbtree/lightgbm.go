package gbtree

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// LightGBM's text format, versions 3 and 4 (src/io/gbdt_model_text.cpp and
// tree.cpp in its repository): lines of key=value, a block for each tree.
// LightGBM sums in float64 and we in float32, so that predictions agree to
// some 1e-7.

// lightGBMStart is the first line of such a file.
const lightGBMStart = "tree\n"

// Bits of decision_type: by categories, missing goes left, and from bit 2 on
// what counts as missing.
const (
	lgbCategorical = 1 << 0
	lgbDefaultLeft = 1 << 1
	lgbMissing     = 2
	lgbMissingNone = 0 // NaN is read as 0
	lgbMissingZero = 1
	lgbMissingNaN  = 2
)

var lightGBMObjectives = map[string]link{
	"binary": logistic, "cross_entropy": logistic, "multiclass": softmax,
	"poisson": exponential, "gamma": exponential, "tweedie": exponential,
	"regression": identity, "regression_l1": identity, "huber": identity, "fair": identity,
	"quantile": identity, "mape": identity, "lambdarank": identity, "rank_xendcg": identity,
}

// lgbBlock is the lines up to the next tree.
type lgbBlock map[string]string

// lgbBlocks cuts a file at its trees; the first block is the header.
func lgbBlocks(text []byte) ([]lgbBlock, error) {
	blocks := []lgbBlock{{}}
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, "\r\n")
		if string(line) == "end of trees" {
			return blocks, nil
		}
		key, value, _ := strings.Cut(string(line), "=")
		if key == "Tree" {
			blocks = append(blocks, lgbBlock{})
		}
		if key != "" {
			blocks[len(blocks)-1][key] = value
		}
	}
	return nil, errEndsEarly
}

func (b lgbBlock) number(key string, limit int) (int, error) {
	return count(key, b[key], limit)
}

func buildLightGBM(raw []byte) (*Model, error) {
	blocks, err := lgbBlocks(raw)
	if err != nil {
		return nil, err
	}
	header := blocks[0]
	m := &Model{names: strings.Fields(header["feature_names"]), named: true}
	last, err := header.number("max_feature_idx", maxFeatures-1)
	if err != nil {
		return nil, err
	}
	if len(m.names) != last+1 {
		return nil, fmt.Errorf("it has %d names for %d features", len(m.names), last+1)
	}
	outputs, err := header.number("num_tree_per_iteration", maxOutputs)
	if err != nil {
		return nil, err
	}
	if outputs == 0 || outputs*(last+2) > maxResults {
		return nil, fmt.Errorf("it has %d outputs of %d features", outputs, last+1)
	}
	if _, averaged := header["average_output"]; averaged {
		return nil, errors.New("it is a random forest, whose trees are averaged; boosted trees can be read")
	}
	name, options, _ := strings.Cut(header["objective"], " ")
	l, known := lightGBMObjectives[name]
	if !known || l == logistic && options != "sigmoid:1" && name == "binary" || strings.Contains(options, "sqrt") {
		return nil, fmt.Errorf("its objective is %.60q, which cannot be read", header["objective"])
	}
	m.objective = objective{name: name, link: l}
	m.base = make([]float32, outputs)
	if (len(blocks)-1)%outputs != 0 {
		return nil, fmt.Errorf("it has %d trees for %d outputs", len(blocks)-1, outputs)
	}
	for i, block := range blocks[1:] {
		t, err := block.tree(len(m.names))
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		t.group = i % outputs
		m.trees = append(m.trees, t)
	}
	return finish(m), nil
}

// values reads a list of n numbers.
func lgbValues[T any](b lgbBlock, key string, n int, parse func(string) (T, error)) ([]T, error) {
	fields := strings.Fields(b[key])
	if len(fields) != n {
		return nil, fmt.Errorf("%s has %d values, want %d", key, len(fields), n)
	}
	values := make([]T, n)
	for i, f := range fields {
		var err error
		if values[i], err = parse(f); err != nil {
			return nil, fmt.Errorf("%s has the value %.40q", key, f)
		}
	}
	return values, nil
}

func lgbFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

// lgbTree is a tree as the file has it: splits from 0 on, and leaves as the
// complements of their numbers.
type lgbTree struct {
	feature, left, right, decision, counts, leafCounts []int
	threshold, leaf                                    []float64
	boundaries, sets                                   []int
	taken                                              []bool // sets that have their split
}

func (b lgbBlock) read() (*lgbTree, error) {
	leaves, err := b.number("num_leaves", math.MaxInt32)
	if err != nil {
		return nil, err
	}
	if leaves == 0 {
		return nil, errors.New("it has no leaves")
	}
	if linear := b["is_linear"]; linear != "" && linear != "0" {
		return nil, errors.New("its leaves are linear models, which cannot be read")
	}
	var t lgbTree
	if t.leaf, err = lgbValues(b, "leaf_value", leaves, lgbFloat); err != nil || leaves == 1 {
		t.leafCounts = []int{1}
		return &t, err
	}
	if t.threshold, err = lgbValues(b, "threshold", leaves-1, lgbFloat); err != nil {
		return nil, err
	}
	for _, list := range [...]struct {
		key string
		n   int
		to  *[]int
	}{
		{"split_feature", leaves - 1, &t.feature}, {"left_child", leaves - 1, &t.left}, {"right_child", leaves - 1, &t.right},
		{"decision_type", leaves - 1, &t.decision}, {"internal_count", leaves - 1, &t.counts}, {"leaf_count", leaves, &t.leafCounts},
	} {
		if *list.to, err = lgbValues(b, list.key, list.n, strconv.Atoi); err != nil {
			return nil, err
		}
	}
	sets := 0
	if b["num_cat"] != "" {
		if sets, err = b.number("num_cat", leaves); err != nil {
			return nil, err
		}
	}
	if sets > 0 {
		if t.boundaries, err = lgbValues(b, "cat_boundaries", sets+1, strconv.Atoi); err != nil {
			return nil, err
		}
		t.taken = make([]bool, sets)
		if t.sets, err = lgbValues(b, "cat_threshold", t.boundaries[sets], strconv.Atoi); err != nil {
			return nil, err
		}
	}
	return &t, nil
}

// tree turns LightGBM's tree into ours. There a value goes left that is not
// above the threshold, here one that is below the next float32.
func (b lgbBlock) tree(features int) (tree, error) {
	in, err := b.read()
	if err != nil {
		return tree{}, err
	}
	t := tree{nodes: make([]node, 1, 2*len(in.leaf)-1)}
	type job struct{ from, to, depth int }
	queue := []job{{0, 0, 0}}
	if len(in.leaf) == 1 {
		queue[0].from = -1
	}
	seen := make([]bool, len(in.leaf)-1)
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if t.depth = max(t.depth, at.depth); t.depth > maxDepth {
			return t, fmt.Errorf("it is deeper than %d levels", maxDepth)
		}
		if at.from < 0 {
			leaf := ^at.from
			if leaf >= len(in.leaf) {
				return t, fmt.Errorf("a split has the leaf %d of %d", leaf, len(in.leaf))
			}
			n := node{condition: float32(in.leaf[leaf]), cover: float32(in.leafCounts[leaf])}
			if v := float64(n.condition); math.IsNaN(v) || math.IsInf(v, 0) || n.cover < 0 {
				return t, fmt.Errorf("leaf %d has the value %v and %v rows", leaf, v, n.cover)
			}
			t.nodes[at.to] = n
			continue
		}
		if at.from >= len(seen) || seen[at.from] {
			return t, fmt.Errorf("split %d of %d is not there, or reached twice", at.from, len(seen))
		}
		seen[at.from] = true
		n, left, right, err := in.split(at.from, features)
		if err != nil {
			return t, err
		}
		n.left = int32(len(t.nodes))
		t.nodes[at.to] = n
		t.nodes = append(t.nodes, node{}, node{})
		queue = append(queue, job{left, int(n.left), at.depth + 1}, job{right, int(n.left) + 1, at.depth + 1})
		if len(t.nodes) > 2*len(in.leaf)-1 {
			return t, errors.New("leaves are reached twice")
		}
	}
	return t, nil
}

func (t *lgbTree) split(at, features int) (n node, left, right int, err error) {
	decision, threshold := t.decision[at], t.threshold[at]
	n = node{feature: int32(t.feature[at]), cover: float32(t.counts[at]), defaultLeft: decision&lgbDefaultLeft != 0}
	left, right = t.left[at], t.right[at]
	if t.feature[at] < 0 || t.feature[at] >= features {
		return n, 0, 0, fmt.Errorf("split %d is on feature %d of %d", at, t.feature[at], features)
	}
	if decision&lgbCategorical != 0 {
		// There the categories go left and missing values right.
		n.defaultLeft = true
		n.categories, err = t.categories(threshold)
		return n, right, left, err
	}
	if math.IsNaN(threshold) {
		return n, 0, 0, fmt.Errorf("split %d is at no number", at)
	}
	n.condition = above(threshold)
	switch decision >> lgbMissing {
	case lgbMissingNaN:
	case lgbMissingNone:
		n.defaultLeft = 0 < n.condition
	default:
		return n, 0, 0, fmt.Errorf("split %d takes zeros for missing; train with zero_as_missing=false", at)
	}
	return n, left, right, nil
}

// above is the least float32 above a float64.
func above(v float64) float32 {
	f := float32(v)
	if float64(f) > v {
		return f
	}
	return math.Nextafter32(f, float32(math.Inf(1)))
}

// categories are the bits of a set.
func (t *lgbTree) categories(set float64) ([]int32, error) {
	// A set that many splits share would multiply what the file holds.
	if !(set >= 0 && set < float64(len(t.taken))) || t.taken[int(set)] {
		return nil, fmt.Errorf("the set of categories %v is not there, or taken", set)
	}
	t.taken[int(set)] = true
	from, to := t.boundaries[int(set)], t.boundaries[int(set)+1]
	if from < 0 || to < from || to > len(t.sets) || to-from > maxCategory/32 {
		return nil, fmt.Errorf("the set of categories %v goes from %d to %d", set, from, to)
	}
	categories := []int32{}
	for i, word := range t.sets[from:to] {
		for bit := range 32 {
			if word>>bit&1 == 1 {
				categories = append(categories, int32(32*i+bit))
			}
		}
	}
	return categories, nil
}
