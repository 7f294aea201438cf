package gbtree

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// handMade has two trees by hand: reviews and rating, then the category.
//
//	reviews < 10 (missing: right) ? -0.5 : rating < 4.2 (missing: left) ? 0.25 : 0.75
//	category in {1, 3} (missing: left) ? goes right 1 : left -1
const handMade = `{"version": [3, 2, 0], "learner": {
  "attributes": {}, "feature_names": ["reviews", "rating", "category"], "feature_types": ["int", "float", "c"],
  "gradient_booster": {"name": "gbtree", "model": {
    "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": "2"},
    "iteration_indptr": [0, 1, 2], "tree_info": [0, 0], "trees": [
    {"base_weights": [0, 0, 0, 0, 0], "categories": [], "categories_nodes": [], "categories_segments": [], "categories_sizes": [],
     "default_left": [0, 0, 1, 0, 0], "id": 0, "left_children": [1, -1, 3, -1, -1], "right_children": [2, -1, 4, -1, -1],
     "loss_changes": [1, 0, 1, 0, 0], "parents": [2147483647, 0, 0, 2, 2], "split_conditions": [10, -0.5, 4.2, 0.25, 0.75],
     "split_indices": [0, 0, 1, 0, 0], "split_type": [0, 0, 0, 0, 0], "sum_hessian": [8, 4, 4, 3, 1],
     "tree_param": {"num_deleted": "0", "num_feature": "3", "num_nodes": "5", "size_leaf_vector": "1"}},
    {"base_weights": [0, 0, 0], "categories": [1, 3], "categories_nodes": [0], "categories_segments": [0], "categories_sizes": [2],
     "default_left": [1, 0, 0], "id": 1, "left_children": [1, -1, -1], "right_children": [2, -1, -1],
     "loss_changes": [1, 0, 0], "parents": [2147483647, 0, 0], "split_conditions": [NaN, -1, 1],
     "split_indices": [2, 0, 0], "split_type": [1, 0, 0], "sum_hessian": [4, 3, 1],
     "tree_param": {"num_deleted": "0", "num_feature": "3", "num_nodes": "3", "size_leaf_vector": "1"}}]}},
  "learner_model_param": {"base_score": "[5E-1]", "boost_from_average": "1", "num_class": "0", "num_feature": "3", "num_target": "1"},
  "objective": {"name": "binary:logistic", "reg_loss_param": {"scale_pos_weight": "1"}}}}`

// ubj writes JSON as XGBoost does: lengths of eight bytes, arrays of numbers
// with one type.
func ubj(t testing.TB, text string) []byte {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(strings.ReplaceAll(text, "NaN", "null")))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return appendUBJ(nil, "", v)
}

func appendUBJ(out []byte, key string, v any) []byte {
	length := func(n int) { out = binary.BigEndian.AppendUint64(append(out, 'L'), uint64(n)) }
	float := func(v any) float64 {
		if v == nil {
			return math.NaN()
		}
		n, _ := v.(json.Number)
		f, _ := n.Float64()
		return f
	}
	switch v := v.(type) {
	case string:
		out = append(out, 'S')
		length(len(v))
		return append(out, v...)
	case json.Number:
		n, _ := v.Int64()
		return binary.BigEndian.AppendUint64(append(out, 'L'), uint64(n))
	case map[string]any:
		out = append(out, '{')
		for k, item := range v {
			length(len(k))
			out = appendUBJ(append(out, k...), k, item)
		}
		return append(out, '}')
	case []any:
		kind := byte('l')
		switch {
		case len(v) == 0 || slices.Contains([]string{"feature_names", "feature_types", "trees", "version"}, key):
			kind = 0
		case slices.Contains([]string{"split_conditions", "sum_hessian", "base_weights", "loss_changes"}, key):
			kind = 'd'
		case key == "default_left" || key == "split_type":
			kind = 'U'
		}
		out = append(out, '[')
		if kind != 0 {
			out = append(out, '$', kind)
		}
		out = append(out, '#')
		length(len(v))
		for _, item := range v {
			switch kind {
			case 0:
				out = appendUBJ(out, "", item)
			case 'd':
				out = binary.BigEndian.AppendUint32(out, math.Float32bits(float32(float(item))))
			case 'l':
				out = binary.BigEndian.AppendUint32(out, uint32(int32(float(item))))
			case 'U':
				out = append(out, byte(float(item)))
			}
		}
		return out
	}
	return append(out, 'Z')
}

func mustLoad(t testing.TB, file []byte) *Model {
	t.Helper()
	m, err := Load(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestModel_by_hand_scores_as_worked_out_in_both_formats(t *testing.T) {
	t.Parallel()
	nan := missing
	x := []float32{
		9, 5, 0, // -0.5 - 1
		10, 4.2, 1, // 0.75 + 1
		10, 4.1999, 3, // 0.25 + 1
		nan, nan, nan, // 0.25 - 1
		-1, 5, 2, // -0.5 - 1
		11, 5, -1, // an impossible category goes left: 0.75 - 1
		11, 5, 3.9, // a category is cut to a whole number: 0.75 + 1
		11, 5, 1e9, // 0.75 - 1
	}
	want := []float64{-1.5, 1.75, 1.25, -0.75, -1.5, -0.25, 1.75, -0.25}
	for format, file := range map[string][]byte{"json": []byte(handMade), "ubj": ubj(t, handMade)} {
		m := mustLoad(t, file)
		got := make([]float64, len(want))
		if err := m.Margins(got, x); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: margins are %v, %v, want %v", format, got, err, want)
		}
		if err := m.Probabilities(got, x); err != nil || math.Abs(got[0]-1/(1+math.Exp(1.5))) > 1e-7 {
			t.Errorf("%s: probabilities are %v, %v", format, got, err)
		}
		var saved bytes.Buffer
		if err := m.Save(&saved); err != nil || !bytes.Equal(saved.Bytes(), file) {
			t.Errorf("%s: %v, %d bytes saved of %d", format, err, saved.Len(), len(file))
		}
	}
}

// randomTree has ties of features on its ways, and leaves at any depth.
func randomTree(random *rand.Rand, features, depth int) tree {
	var t tree
	var grow func(at, level int)
	grow = func(at, level int) {
		if level == depth || level > 1 && random.Float64() < 0.2 {
			t.nodes[at] = node{condition: float32(random.NormFloat64()), cover: float32(random.IntN(50) + 1)}
			t.depth = max(t.depth, level)
			return
		}
		left := len(t.nodes)
		t.nodes = append(t.nodes, node{}, node{})
		t.nodes[at] = node{
			left: int32(left), feature: int32(random.IntN(features)), condition: float32(random.NormFloat64()),
			defaultLeft: random.IntN(2) == 0,
		}
		if random.IntN(5) == 0 {
			t.nodes[at].categories = []int32{0, int32(random.IntN(3) + 1)}
		}
		grow(left, level+1)
		grow(left+1, level+1)
		t.nodes[at].cover = t.nodes[left].cover + t.nodes[left+1].cover
	}
	t.nodes = make([]node, 1)
	grow(0, 0)
	return t
}

// expected is the mean of a tree where only some features are known.
func expected(t *tree, at int32, row []float32, known uint) float64 {
	n := &t.nodes[at]
	if n.left == 0 {
		return float64(n.condition)
	}
	if known>>n.feature&1 == 1 {
		if n.goesLeft(row[n.feature]) {
			return expected(t, n.left, row, known)
		}
		return expected(t, n.left+1, row, known)
	}
	left, right := t.shares(n)
	return left*expected(t, n.left, row, known) + right*expected(t, n.left+1, row, known)
}

// shapley is the definition: the mean over all orders of what a feature adds.
func shapley(t *tree, row []float32) []float64 {
	n := len(row)
	factorial := func(k int) float64 { return math.Gamma(float64(k + 1)) }
	phi := make([]float64, n)
	for known := range uint(1) << n {
		size := 0
		for f := range n {
			size += int(known >> f & 1)
		}
		for f := range n {
			if known>>f&1 == 0 {
				weight := factorial(size) * factorial(n-size-1) / factorial(n)
				phi[f] += weight * (expected(t, 0, row, known|1<<f) - expected(t, 0, row, known))
			}
		}
	}
	return phi
}

func TestContributions_are_Shapley_values_by_their_definition(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	const features, rows = 6, 70
	layouts := map[string]int{}
	for _, depth := range []int{0, 1, 3, 6, 8, 9, 14} {
		m := finish(&Model{names: strings.Split("abcdef", ""), base: []float32{0.25}, trees: []tree{
			randomTree(random, features, depth), randomTree(random, features, depth), randomTree(random, features, min(depth, 2)),
		}})
		for _, w := range m.plan.trees {
			switch {
			case w.loose != nil:
				layouts["loose"]++
			case w.asked != nil:
				layouts["perfect"]++
			default:
				layouts["walked"]++
			}
		}
		x := make([]float32, rows*features)
		for i := range x {
			if x[i] = float32(math.Round(2 * random.NormFloat64())); random.IntN(8) == 0 {
				x[i] = missing
			}
		}
		got := make([]float64, rows*(features+1))
		if err := m.Contributions(got, x); err != nil {
			t.Fatal(err)
		}
		margins := make([]float64, rows)
		if err := m.Margins(margins, x); err != nil {
			t.Fatal(err)
		}
		for r := range rows {
			row, phi := x[r*features:][:features], got[r*(features+1):][:features+1]
			want, margin, sum := make([]float64, features), m.base[0], phi[features]
			for i := range m.trees {
				for f, v := range shapley(&m.trees[i], row) {
					want[f] += v
				}
				margin += m.trees[i].leaf(func(f int32) float32 { return row[f] }).condition
			}
			if float64(margin) != margins[r] {
				t.Fatalf("depth %d: the margin of row %d is %v by walking and %v by words", depth, r, margin, margins[r])
			}
			for f, v := range want {
				sum += phi[f]
				if math.Abs(phi[f]-v) > 2e-7 {
					t.Fatalf("depth %d: feature %d of row %d contributes %v, want %v", depth, f, r, phi[f], v)
				}
			}
			if math.Abs(sum-margins[r]) > 1e-6 {
				t.Fatalf("depth %d: contributions of row %d add up to %v, the margin is %v", depth, r, sum, margins[r])
			}
		}
	}
	if layouts["loose"] == 0 || layouts["perfect"] == 0 || layouts["walked"] == 0 {
		t.Errorf("the layouts are %v, want each to be tried", layouts)
	}
}

func TestOrder_is_that_of_the_numbers_with_one_zero(t *testing.T) {
	t.Parallel()
	inf := float32(math.Inf(1))
	ascending := []float32{-inf, -math.MaxFloat32, -1, -math.SmallestNonzeroFloat32, 0, math.SmallestNonzeroFloat32, 1, math.MaxFloat32, inf}
	for i := 1; i < len(ascending); i++ {
		if order(ascending[i-1]) >= order(ascending[i]) {
			t.Errorf("%v is not before %v", ascending[i-1], ascending[i])
		}
	}
	if order(float32(math.Copysign(0, -1))) != order(0) {
		t.Error("the zeros differ")
	}
}
