package gbtree

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leadlake/leadlake"
)

func TestLoad_names_what_is_wrong_with_a_file(t *testing.T) {
	t.Parallel()
	replaced := func(old, with string) []byte {
		if !strings.Contains(handMade, old) {
			t.Fatalf("%s is not in the model", old)
		}
		return []byte(strings.Replace(handMade, old, with, 1))
	}
	whole := ubj(t, handMade)
	const key = "{U\x07learner"
	for want, file := range map[string][]byte{
		"the file is empty":                      nil,
		"the file ends early":                    []byte(handMade[:len(handMade)/2]),
		"as UBJSON: at byte ":                    whole[:len(whole)-3],
		"as UBJSON: at byte 21: the file ends":   []byte(key + "[#L\x7f\xff\xff\xff\xff\xff\xff\xff"),
		"as UBJSON: at byte 23: the file ends":   []byte(key + "[$d#L\x00\x00\x00\xff\xff\xff\xff\xff"),
		"as UBJSON: at byte 16: a length is -1":  []byte(key + "[$l#i\xff"),
		"items of the type 'Z' do not come":      []byte(key + "[$Z#L\x00\xff\xff\xff\xff\xff\xff\xff"),
		"more than 64 containers":                []byte(key + strings.Repeat("[", 100)),
		"a Python pickle":                        []byte("\x80\x04\x95model"),
		"read LightGBM model: the file ends":     []byte("tree\nversion=v4"),
		"dropped in version 3.1":                 []byte("binf\x00\x00\x00\x3f"),
		`it starts with "id,ratin"`:              []byte("id,rating,reviews"),
		"it has no learner":                      []byte(`{"format": "onnx"}`),
		"its booster is \"gblinear\"":            replaced(`"name": "gbtree"`, `"name": "gblinear"`),
		"its objective is \"survival:cox\"":      replaced("binary:logistic", "survival:cox"),
		"base_score is 1.5":                      replaced("5E-1", "1.5"),
		`base_score is "half"`:                   replaced("5E-1", "half"),
		"2 base scores for 1 outputs":            replaced("5E-1", "5E-1,5E-1"),
		"3 names for 4 features":                 replaced(`"num_class": "0", "num_feature": "3"`, `"num_class": "0", "num_feature": "4"`),
		"num_feature is \"3000000000\"":          replaced(`"num_class": "0", "num_feature": "3"`, `"num_class": "0", "num_feature": "3000000000"`),
		"it has 2 trees and says 3":              replaced(`"num_trees": "2"`, `"num_trees": "3"`),
		"tree 0: node 2 has the child 9":         replaced("[1, -1, 3, -1, -1]", "[1, -1, 9, -1, -1]"),
		"tree 0: node 1 is reached twice":        replaced("[1, -1, 3, -1, -1]", "[1, -1, 1, -1, -1]"),
		"tree 0: node 0 has the child 0":         replaced("[1, -1, 3, -1, -1]", "[0, -1, 3, -1, -1]"),
		"tree 0: node 2 splits on feature 7":     replaced("[0, 0, 1, 0, 0], \"split_type\"", "[0, 0, 7, 0, 0], \"split_type\""),
		"tree 0: sum_hessian has 4 values":       replaced("[8, 4, 4, 3, 1]", "[8, 4, 4, 3]"),
		"tree 0: node 1 has the sum_hessian -4":  replaced("[8, 4, 4, 3, 1]", "[8, -4, 4, 3, 1]"),
		"tree 0: leaf 1 has the value NaN":       replaced("[10, -0.5,", "[10, NaN,"),
		"tree 0: node 0 splits at no number":     replaced("[10, -0.5,", "[-Infinity, -0.5,"),
		"tree 0: want 0 or 1":                    replaced("[0, 0, 1, 0, 0], \"id\"", "[0, 0, 2, 0, 0], \"id\""),
		"tree 1: node 0 has the categories from": replaced(`"categories_sizes": [2]`, `"categories_sizes": [3]`),
		"tree 1: node 0 has a category outside":  replaced(`"categories": [1, 3]`, `"categories": [1, -3]`),
		"tree 1 adds to output 5 of 1":           replaced(`"tree_info": [0, 0]`, `"tree_info": [0, 5]`),
		"its leaves are vectors of 3 values":     replaced(`"size_leaf_vector": "1"`, `"size_leaf_vector": "3"`),
		"4096 outputs of 32":                     nil, // set below
	} {
		if strings.HasPrefix(want, "4096") {
			text := replaced(`"num_class": "0"`, `"num_class": "4096"`)
			text = bytes.Replace(text, []byte(`"feature_names": ["reviews", "rating", "category"]`), []byte(`"feature_names": []`), 1)
			file = bytes.Replace(text, []byte(`"4096", "num_feature": "3"`), []byte(`"4096", "num_feature": "32"`), 1)
		}
		_, err := Load(bytes.NewReader(file))
		if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestLoad_refuses_a_file_that_is_cut_anywhere(t *testing.T) {
	t.Parallel()
	light := handMadeLightGBM[:strings.Index(handMadeLightGBM, "end of trees")+len("end of trees")]
	for _, file := range [][]byte{[]byte(handMade), ubj(t, handMade), []byte(light)} {
		for n := range len(file) {
			if _, err := Load(bytes.NewReader(file[:n])); leadlake.ErrorCode(err) != leadlake.Invalid {
				t.Fatalf("the first %d of %d bytes of %.10q: %v", n, len(file), file, err)
			}
		}
	}
}

func TestModel_refuses_rows_that_it_cannot_read(t *testing.T) {
	t.Parallel()
	m := mustLoad(t, []byte(handMade))
	inf := float32(math.Inf(-1))
	for want, err := range map[string]error{
		"4 values are no rows of 3 features":   m.Margins(make([]float64, 1), make([]float32, 4)),
		"with 1 results each in 2":             m.Probabilities(make([]float64, 2), make([]float32, 3)),
		"with 4 results each in 1":             m.Contributions(make([]float64, 1), make([]float32, 3)),
		"feature rating is infinite in row 2":  m.Margins(make([]float64, 2), []float32{1, 2, 3, 4, inf, 6}),
		"feature reviews is infinite in row 1": m.Contributions(make([]float64, 4), []float32{-inf, 2, 3}),
	} {
		if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestCheckFeatures_names_the_columns_that_differ(t *testing.T) {
	t.Parallel()
	m := mustLoad(t, []byte(handMade))
	if err := m.CheckFeatures([]string{"reviews", "rating", "category"}); err != nil {
		t.Error(err)
	}
	for want, names := range map[string][]string{
		"category is missing, employees is not the model's":     {"reviews", "rating", "employees"},
		"column 1 is rating, the model has reviews there":       {"rating", "reviews", "category"},
		"there are 4 columns, the model was trained on 3":       {"reviews", "rating", "category", "rating"},
		"reviews is missing, rating is missing, category is mi": nil,
	} {
		if err := m.CheckFeatures(names); leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// record has 130 rows of the hand-made model's features, each column of
// another type, and a key that is no feature.
func record(mem memory.Allocator, rating arrow.Field, without string) arrow.RecordBatch {
	fields := []arrow.Field{
		{Name: "lead_id", Type: arrow.BinaryTypes.String},
		{Name: "category", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		rating,
		{Name: "reviews", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	}
	kept := fields[:0]
	for _, f := range fields {
		if f.Name != without {
			kept = append(kept, f)
		}
	}
	b := array.NewRecordBuilder(mem, arrow.NewSchema(kept, nil))
	defer b.Release()
	for i := range 130 {
		for f, column := range b.Fields() {
			switch column := column.(type) {
			case *array.StringBuilder:
				column.Append("lead")
			case *array.BooleanBuilder:
				column.Append(i%2 == 0)
			case *array.Float64Builder:
				column.Append(4 + float64(i%5)/10)
			case *array.Int32Builder:
				column.Append(int32(i % 4))
			case *array.Int64Builder:
				if i%7 == 0 {
					column.AppendNull()
				} else {
					column.Append(int64(i%20 + f))
				}
			}
		}
	}
	return b.NewRecordBatch()
}

func TestBatch_scores_as_the_matrix_of_its_columns_does(t *testing.T) {
	t.Parallel()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	m := mustLoad(t, []byte(handMade))
	batch := record(mem, arrow.Field{Name: "rating", Type: arrow.PrimitiveTypes.Float64}, "")
	defer batch.Release()
	slice := batch.NewSlice(3, 120)
	defer slice.Release()
	x := make([]float32, 0, 117*3)
	for r := 3; r < 120; r++ {
		reviews := missing
		if r%7 != 0 {
			reviews = float32(r%20 + 3)
		}
		x = append(x, reviews, float32(4+float64(r%5)/10), float32(r%4))
	}
	for name, each := range map[string]struct {
		perRow int
		batch  func([]float64, arrow.RecordBatch) error
		matrix func([]float64, []float32) error
	}{
		"margins":       {1, m.BatchMargins, m.Margins},
		"probabilities": {1, m.BatchProbabilities, m.Probabilities},
		"contributions": {4, m.BatchContributions, m.Contributions},
	} {
		got, want := make([]float64, 117*each.perRow), make([]float64, 117*each.perRow)
		if err := each.batch(got, slice); err != nil {
			t.Fatal(err)
		}
		if err := each.matrix(want, x); err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%s: value %d is %v, want %v", name, i, got[i], want[i])
			}
		}
	}
}

func TestBatch_refuses_columns_that_are_missing_or_of_another_type(t *testing.T) {
	t.Parallel()
	m := mustLoad(t, []byte(handMade))
	for want, batch := range map[string]arrow.RecordBatch{
		"column category is missing":                           record(memory.DefaultAllocator, arrow.Field{Name: "rating", Type: arrow.PrimitiveTypes.Float64}, "category"),
		"column rating is utf8, want numbers or booleans":      record(memory.DefaultAllocator, arrow.Field{Name: "rating", Type: arrow.BinaryTypes.String}, ""),
		"column rating is missing, column category is there 2": record(memory.DefaultAllocator, arrow.Field{Name: "category", Type: arrow.FixedWidthTypes.Boolean}, ""),
	} {
		err := m.BatchMargins(make([]float64, 130), batch)
		if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
