package xgbtrain

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

// python skips where there is no XGBoost: `make test` installs it.
func python(t *testing.T) string {
	t.Helper()
	python, err := FindPython(t.Context(), os.Getenv)
	if err != nil {
		t.Skip(err)
	}
	return python
}

// rows are labelled by their first feature and some noise; a tenth of the
// values is missing.
func rows(n int) Options {
	random := rand.New(rand.NewPCG(7, 7))
	o := Options{FeatureNames: []string{"rating", "reviews", "size=[1,5<"}, Rounds: 30, MaxDepth: 3, Seed: 5, Threads: 1}
	for range n {
		first := random.NormFloat64()
		y := float32(0)
		if first+random.NormFloat64() > 0.5 {
			y = 1
		}
		o.Y = append(o.Y, y)
		for _, v := range [...]float64{first, random.NormFloat64(), random.NormFloat64()} {
			if random.Float64() < 0.1 {
				v = math.NaN()
			}
			o.X = append(o.X, float32(v))
		}
	}
	return o
}

func TestTrain_gives_a_model_that_we_score_as_XGBoost_does_and_the_same_again(t *testing.T) {
	t.Parallel()
	o := rows(1000)
	o.Python = python(t)
	o.ValidRows, o.EarlyStopping = 300, 5
	o.Monotone = map[string]int{"rating": 1}
	o.BalanceClasses = true
	first, err := Train(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if first.Rounds >= o.Rounds || first.Model.Trees() != first.Rounds {
		t.Errorf("%d rounds and %d trees of %d, want it to stop early", first.Rounds, first.Model.Trees(), o.Rounds)
	}
	if loss := first.Metrics["valid_logloss"]; loss <= 0 || loss > 0.7 {
		t.Errorf("metrics are %v", first.Metrics)
	}
	if len(first.Predictions) != o.ValidRows {
		t.Errorf("%d predictions of %d rows held out", len(first.Predictions), o.ValidRows)
	}
	second, err := Train(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.File, second.File) {
		t.Error("training again gave another file")
	}
	x := make([]float32, 0, 50*3)
	for i := range 50 {
		x = append(x, float32(i)/10-2.5, 0.3, -1)
	}
	p := make([]float64, 50)
	if err := first.Model.Probabilities(p, x); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(p); i++ {
		if p[i] < p[i-1] {
			t.Errorf("the probability falls from %v to %v as the rating rises", p[i-1], p[i])
		}
	}
}

func TestTrain_refuses_what_cannot_be_learnt_from_by_name(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*Options){
		"all labels to learn from are 0":            func(o *Options) { clear(o.Y) },
		"feature reviews is infinite in row 2":      func(o *Options) { o.X[4] = float32(math.Inf(1)) },
		"the label of row 3 is 0.5, want 0 or 1":    func(o *Options) { o.Y[2] = 0.5 },
		"the label of row 1 is NaN":                 func(o *Options) { o.Y[0] = float32(math.NaN()) },
		"are not 100 rows of 3 features":            func(o *Options) { o.X = o.X[1:] },
		"the constraint on colour":                  func(o *Options) { o.Monotone = map[string]int{"colour": 1} },
		"two features are called rating":            func(o *Options) { o.FeatureNames[2] = "rating" },
		"classes are balanced for count:poisson":    func(o *Options) { o.Objective, o.BalanceClasses = "count:poisson", true },
		"feature 3 has no name":                     func(o *Options) { o.FeatureNames[2] = "" },
		"100 of 100 rows are held out":              func(o *Options) { o.ValidRows = 100 },
		"stopping early needs rows":                 func(o *Options) { o.EarlyStopping = 3 },
		"rank:pairwise with 0 groups":               func(o *Options) { o.Objective = "rank:pairwise" },
		"there are 1 weights, want 100":             func(o *Options) { o.Weights = []float32{1} },
		"want a class from 0 to 0":                  func(o *Options) { o.Objective, o.Classes = "multi:softprob", 1 },
		"there are no features":                     func(o *Options) { o.FeatureNames = nil },
		"weight 4 is -1":                            func(o *Options) { o.Weights = make([]float32, 100); o.Weights[3] = -1 },
		"groups of 90 rows for 100 rows, of which":  func(o *Options) { o.Objective, o.Groups = "rank:ndcg", []int{90} },
		"the objective binary:logistic with 1 grou": func(o *Options) { o.Groups = []int{100} },
	} {
		o := rows(100)
		o.Python = "python3"
		spoil(&o)
		_, err := Train(t.Context(), o)
		if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestTrain_says_what_XGBoost_refuses(t *testing.T) {
	t.Parallel()
	o := rows(100)
	o.Python, o.Objective = python(t), "reg:nonsense"
	_, err := Train(t.Context(), o)
	if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), "reg:nonsense") {
		t.Errorf("got %v", err)
	}
}

func TestTrain_names_the_fix_where_XGBoost_is_missing(t *testing.T) {
	t.Parallel()
	// A Python that cannot import it, and none at all.
	bare := filepath.Join(t.TempDir(), "python3")
	if err := os.WriteFile(bare, []byte("#!/bin/sh\necho \"No module named 'xgboost'\" >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, python := range []string{bare, bare + ".gone"} {
		o := rows(100)
		o.Python = python
		_, err := Train(t.Context(), o)
		if leadlake.ErrorCode(err) != leadlake.NotFound || !strings.Contains(err.Error(), "make deps") {
			t.Errorf("got %v", err)
		}
	}
	getenv := func(string) string { return bare }
	if _, err := FindPython(t.Context(), getenv); leadlake.ErrorCode(err) != leadlake.NotFound || !strings.Contains(err.Error(), EnvPython) {
		t.Errorf("got %v", err)
	}
}

func TestTrain_ends_with_its_context(t *testing.T) {
	t.Parallel()
	o := rows(100)
	o.Python = python(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Train(ctx, o); leadlake.ErrorCode(err) != leadlake.Unavailable {
		t.Errorf("got %v", err)
	}
}
