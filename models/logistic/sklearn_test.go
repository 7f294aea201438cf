package logistic

import (
	"math"
	"testing"

	"github.com/leadlake/leadlake/models/logistic/logistictest"
	"github.com/leadlake/leadlake/models/metrics"
)

// fixed is 400 rows made without a random source, so that any program can
// make them: a wave, a ramp that is missing now and then, and a flag.
func fixed() (x []float32, labels []bool) {
	for i := range 400 {
		a := float32(math.Sin(float64(i)))
		b := float32(i%37) / 4
		if i%11 == 0 {
			b = float32(math.NaN())
		}
		c := float32(i % 5 / 4)
		x = append(x, a, b, c)
		labels = append(labels, float64(a)*2+float64(i%37)/10+3*math.Cos(float64(i*i)) > 2.5)
	}
	return x, labels
}

// TestTrain_comes_to_the_weights_of_scikit_learn runs scikit-learn where it is
// named, and else knows what version 1.9.1 came to.
func TestTrain_comes_to_the_weights_of_scikit_learn(t *testing.T) {
	t.Parallel()
	x, labels := fixed()
	want, ran := logistictest.Sklearn(t, "testdata/parity.py", x, labels, len(labels))
	if !ran {
		want = logistictest.Fitted{
			Weights:   []float64{0.870216033234836, 0.5756974970759124, -0.05769881401692901},
			Missing:   []float64{0, 0.8242090011517916, 0},
			Intercept: -0.6091848123241772,
			AUC:       0.7592582906161732,
		}
	}
	m := train(t, x, labels)
	close := func(what string, got, want float64) {
		if math.Abs(got-want) > 1e-6*max(1, math.Abs(want)) {
			t.Errorf("%s is %.9g, scikit-learn's %.9g", what, got, want)
		}
	}
	close("intercept", m.Intercept, want.Intercept)
	for i, c := range m.Columns {
		close("weight of "+c.Name, c.Weight, want.Weights[i])
		close("weight of a missing "+c.Name, c.Missing, want.Missing[i])
	}
	margins := make([]float64, len(labels))
	if err := m.Margins(margins, x); err != nil {
		t.Fatal(err)
	}
	close("AUC", metrics.AUC(margins, labels), want.AUC)
}
