package gbtree

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

// handMadeLightGBM has two trees by hand:
//
//	rating <= 4.1 (missing: right) ? (reviews <= 9 (missing as 0) ? -1 : 0.5) : 2
//	category in {1, 3} (missing: right) ? 0.25 : -0.25
const handMadeLightGBM = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=2
objective=binary sigmoid:1
feature_names=rating reviews category
feature_infos=[1:5] [0:900] 0:1:2:3
tree_sizes=300 250

Tree=0
num_leaves=3
num_cat=0
split_feature=0 1
split_gain=3 2
threshold=4.0999999999999996 9.0000000000000018
decision_type=8 2
left_child=1 -1
right_child=-3 -2
leaf_value=-1 0.5 2
leaf_weight=10 20 10
leaf_count=40 80 40
internal_value=0 0
internal_weight=40 30
internal_count=160 120
is_linear=0
shrinkage=1


Tree=1
num_leaves=2
num_cat=1
split_feature=2
split_gain=1
threshold=0
decision_type=1
left_child=-1
right_child=-2
leaf_value=0.25 -0.25
leaf_weight=20 20
leaf_count=80 80
internal_value=0
internal_weight=40
internal_count=160
cat_boundaries=0 1
cat_threshold=10
is_linear=0
shrinkage=0.1


end of trees

feature_importances:
rating=1

parameters:
[boosting: gbdt]
end of parameters
`

func TestLightGBM_by_hand_scores_as_worked_out(t *testing.T) {
	t.Parallel()
	m := mustLoad(t, []byte(handMadeLightGBM))
	nan := missing
	x := []float32{
		4.1, 9, 1, // float32 has 4.1 a little below, so left: -1 + 0.25
		math.Nextafter32(4.1, 5), 9, 3, // 2 + 0.25
		1, math.Nextafter32(9, 10), 0, // 0.5 - 0.25
		nan, nan, nan, // 2 - 0.25
		1, nan, 31, // -1 - 0.25
		1, 9, 64, // -1 - 0.25
	}
	want := []float64{-0.75, 2.25, 0.25, 1.75, -1.25, -1.25}
	got := make([]float64, len(want))
	if err := m.Margins(got, x); err != nil || !slices.Equal(got, want) {
		t.Errorf("margins are %v, %v, want %v", got, err, want)
	}
	phi := make([]float64, 4*len(want))
	if err := m.Contributions(phi, x); err != nil {
		t.Fatal(err)
	}
	// By the counts the trees give 0.5 and 0 on average; half of the rows have
	// the category.
	if phi[3] != 0.5 || phi[2] != 0.25 || math.Abs(phi[0]+phi[1]-(-1-0.5)) > 1e-6 {
		t.Errorf("contributions are %v", phi[:4])
	}
}

func TestLoad_names_what_is_wrong_with_a_LightGBM_file(t *testing.T) {
	t.Parallel()
	for want, change := range map[string][2]string{
		"the file ends early":                      {"end of trees", ""},
		"3 names for 10 features":                  {"max_feature_idx=2", "max_feature_idx=9"},
		`its objective is "binary sigmoid:2"`:      {"sigmoid:1", "sigmoid:2"},
		`its objective is "multiclassova"`:         {"binary sigmoid:1", "multiclassova"},
		"it is a random forest":                    {"label_index=0", "average_output"},
		"it has 2 trees for 3 outputs":             {"num_tree_per_iteration=1", "num_tree_per_iteration=3"},
		"tree 0: leaf_value has 3 values, want 4":  {"num_leaves=3", "num_leaves=4"},
		"tree 0: split 7 of 2 is not there":        {"left_child=1 -1", "left_child=7 -1"},
		"tree 0: split 0 of 2 is not there, or re": {"left_child=1 -1", "left_child=0 -1"},
		"tree 0: a split has the leaf 8":           {"right_child=-3 -2", "right_child=-9 -2"},
		"tree 0: split 0 is on feature 5 of 3":     {"split_feature=0 1", "split_feature=5 1"},
		"tree 0: split 1 takes zeros for missing":  {"decision_type=8 2", "decision_type=8 6"},
		"tree 0: leaf_count has the value \"x\"":   {"leaf_count=40 80 40", "leaf_count=40 x 40"},
		"tree 0: leaf 0 has the value NaN":         {"leaf_value=-1 0.5 2", "leaf_value=nan 0.5 2"},
		"tree 0: its leaves are linear models":     {"is_linear=0", "is_linear=1"},
		"tree 1: the set of categories 5 is not":   {"threshold=0\n", "threshold=5\n"},
		"tree 1: the set of categories 0 goes":     {"cat_boundaries=0 1", "cat_boundaries=3 1"},
	} {
		file := strings.Replace(handMadeLightGBM, change[0], change[1], 1)
		_, err := Load(bytes.NewReader([]byte(file)))
		if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
