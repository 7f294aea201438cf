package logistic

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models"
)

var _ models.Model = (*Model)(nil)

var names = []string{"a", "b", "c"}

// table makes rows whose log-odds are a - 2 b + 0.5; c says nothing. Some of b
// is missing, and such rows are likelier to be positive.
func table(rows int, seed uint64, missing float64) ([]float32, []bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	x, labels := make([]float32, 0, 3*rows), make([]bool, rows)
	for i := range labels {
		a, b, c := r.NormFloat64(), 3+2*r.NormFloat64(), r.Float64()
		z := a - 2*(b-3)/2 + 0.5
		if r.Float64() < missing {
			z, b = a+2, math.NaN()
		}
		labels[i] = r.Float64() < 1/(1+math.Exp(-z))
		x = append(x, float32(a), float32(b), float32(c))
	}
	return x, labels
}

func train(t *testing.T, x []float32, labels []bool) *Model {
	t.Helper()
	m, err := Train(names, x, labels, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTrain_finds_the_weights_that_made_the_rows(t *testing.T) {
	t.Parallel()
	x, labels := table(50_000, 1, 0.2)
	m := train(t, x, labels)
	for i, want := range []float64{1, -2, 0} {
		if got := m.Columns[i].Weight; math.Abs(got-want) > 0.06 {
			t.Errorf("weight of %s is %g, want %g", names[i], got, want)
		}
	}
	if got := m.Columns[1].Missing + m.Intercept; math.Abs(got-2) > 0.1 {
		t.Errorf("a missing b stands at %g, want 2", got)
	}
}

func TestTrain_the_same_rows_give_the_same_bytes(t *testing.T) {
	t.Parallel()
	x, labels := table(2000, 2, 0.1)
	var one, two bytes.Buffer
	for _, b := range []*bytes.Buffer{&one, &two} {
		if err := train(t, x, labels).Save(b); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two trainings on one table differ")
	}
}

func TestTrain_stands_at_the_minimum_also_where_columns_repeat(t *testing.T) {
	t.Parallel()
	x, labels := table(1000, 3, 0)
	for i := 0; i < len(x); i += 3 {
		x[i+2] = x[i] // c repeats a
	}
	m := train(t, x, labels)
	if a, c := m.Columns[0].Weight, m.Columns[2].Weight; math.Abs(a-c) > 1e-6 {
		t.Errorf("columns that are equal weigh %g and %g: the ridge shares evenly", a, c)
	}
	separable := make([]bool, len(labels))
	for i := range separable {
		separable[i] = x[3*i] > 0
	}
	if w := train(t, x, separable).Columns[0].Weight; math.IsNaN(w) || w <= 0 || w > 100 {
		t.Errorf("classes that part cleanly: weight %g", w)
	}
}

func TestModel_contributions_sum_to_the_margin_and_reading_changes_nothing(t *testing.T) {
	t.Parallel()
	x, labels := table(500, 4, 0.3)
	m := train(t, x, labels)
	var text bytes.Buffer
	if err := m.Save(&text); err != nil {
		t.Fatal(err)
	}
	read, err := Load(&text)
	if err != nil {
		t.Fatal(err)
	}
	margins, again, by := make([]float64, 500), make([]float64, 500), make([]float64, 2000)
	for _, err := range []error{m.Margins(margins, x), read.Margins(again, x), m.Contributions(by, x)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(margins, again) {
		t.Error("the model that was read scores otherwise")
	}
	for row, want := range margins {
		sum := 0.0
		for _, v := range by[4*row : 4*row+4] {
			sum += v
		}
		if math.Abs(sum-want) > 1e-12 {
			t.Fatalf("row %d: contributions sum to %g, the margin is %g", row, sum, want)
		}
	}
}

func TestTrain_bad_tables_are_named(t *testing.T) {
	t.Parallel()
	x, labels := table(100, 5, 0)
	infinite := slices.Clone(x)
	infinite[3*7+1] = float32(math.Inf(1))
	for name, one := range map[string]struct {
		x      []float32
		labels []bool
		says   string
	}{
		"infinite":  {infinite, labels, "column b is infinite in row 8"},
		"one class": {x, make([]bool, 100), "0 of 100 rows are positive"},
		"short":     {x[:50], labels, "50 values"},
	} {
		_, err := Train(names, one.x, one.labels, Options{})
		if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), one.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := 2; i < len(x); i += 3 {
		x[i] = 7
	}
	m := train(t, x, labels)
	if !slices.Equal(m.Dropped, []string{"c"}) {
		t.Errorf("dropped %v, want c, which is constant", m.Dropped)
	}
}

func TestLoad_refuses_what_is_no_model_of_its_own(t *testing.T) {
	t.Parallel()
	const good = `{"format":1,"intercept":1,"columns":[{"name":"a","mean":0,"deviation":1,"weight":1,"missing":0}]}`
	if _, err := Load(strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", good[:40], good + "x", good + good, `{"trees":[]}`, `{"format":2,"columns":[{"name":"a"}]}`,
		`{"format":1,"columns":[]}`, `{"format":1,"columns":[{"name":"a"},{"name":"a"}]}`, `{"format":1,"columns":[{"name":"a","weight":1}]}`,
	} {
		if _, err := Load(strings.NewReader(text)); leadlake.ErrorCode(err) != leadlake.Invalid {
			t.Errorf("%.50s: %v", text, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(`{"format":1,"intercept":1,"columns":[{"name":"a","mean":0,"deviation":1,"weight":1,"missing":0}]}`)
	f.Add(`{"format":1,"columns":[]}`)
	f.Add(`{"format":1,"columns":[{"name":"a"}]} {}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Load(strings.NewReader(text))
		if err != nil {
			return
		}
		x := make([]float32, len(m.Columns))
		if err := m.Margins(make([]float64, 1), x); err != nil {
			t.Error(err)
		}
	})
}
