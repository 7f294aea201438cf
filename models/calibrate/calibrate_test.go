package calibrate

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models/metrics"
)

// rows makes margins whose true probability is what truth says.
func rows(n int, seed uint64, truth func(float64) float64) ([]float64, []bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	margins, labels := make([]float64, n), make([]bool, n)
	for i := range margins {
		margins[i] = 3 * r.NormFloat64()
		labels[i] = r.Float64() < truth(margins[i])
	}
	return margins, labels
}

func TestLearn_finds_the_true_curve_whatever_its_form(t *testing.T) {
	t.Parallel()
	for name, truth := range map[string]func(float64) float64{
		"sigmoid": func(m float64) float64 { return 1 / (1 + math.Exp(-(0.5*m - 1))) },
		"steps": func(m float64) float64 {
			switch {
			case m < -1:
				return 0.05
			case m < 2:
				return 0.3
			}
			return 0.6
		},
	} {
		margins, labels := rows(20_000, 1, truth)
		c, err := Learn(margins, labels)
		if err != nil {
			t.Fatal(err)
		}
		margins, labels = rows(20_000, 2, truth)
		p := make([]float64, len(margins))
		for i, m := range margins {
			p[i] = c.Probability(m)
		}
		// A jump is drawn as a slope, so that leads keep their order.
		if got := metrics.CalibrationError(p, labels); got > map[string]float64{"sigmoid": 0.015, "steps": 0.025}[name] {
			t.Errorf("%s: error %g with %s", name, got, c.Kind)
		}
		if want := map[string]string{"sigmoid": Platt, "steps": Isotonic}[name]; c.Kind != want {
			t.Errorf("%s: took %s, log loss %v", name, c.Kind, c.LogLoss)
		}
	}
}

func TestLearn_a_curve_never_falls_and_survives_being_written(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		slope := r.NormFloat64()
		margins, labels := rows(10+r.IntN(300), seed, func(m float64) float64 { return sigmoid(slope * m) })
		labels[0], labels[1] = true, false
		for _, c := range []*Curve{fitPlatt(margins, labels), fitIsotonic(margins, labels)} {
			text, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			read, err := Parse(text)
			if err != nil {
				t.Fatalf("seed %d, %s: %v", seed, c.Kind, err)
			}
			last := 0.0
			for m := -12.0; m < 12; m += 0.05 {
				p := c.Probability(m)
				if p < last-1e-15 || p < 0 || p > 1 || math.IsNaN(p) {
					t.Fatalf("seed %d, %s: %g at %g after %g", seed, c.Kind, p, m, last)
				}
				if read.Probability(m) != p {
					t.Fatalf("seed %d, %s: another value when read", seed, c.Kind)
				}
				last = p
			}
		}
	}
}

func TestLearn_one_class_or_an_infinite_margin_is_said(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		margins []float64
		labels  []bool
	}{
		{[]float64{1, 2}, []bool{true, true}},
		{nil, nil},
		{[]float64{1, math.Inf(1)}, []bool{true, false}},
	} {
		if _, err := Learn(one.margins, one.labels); leadlake.ErrorCode(err) != leadlake.Invalid {
			t.Errorf("%v, %v: %v", one.margins, one.labels, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"kind":"platt","slope":1,"intercept":0}`)
	f.Add(`{"kind":"isotonic","margins":[0,1],"probabilities":[0.1,0.2]}`)
	f.Add(`{"kind":"isotonic","margins":[1,0],"probabilities":[0.1,0.2]}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse([]byte(text))
		if err != nil {
			return
		}
		for _, m := range []float64{-1e300, -1, 0, 1, 1e300} {
			if p := c.Probability(m); p < 0 || p > 1 {
				t.Errorf("%s: %g at %g", text, p, m)
			}
		}
	})
}
