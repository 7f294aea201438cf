package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// sample makes scores with ties and labels that follow them.
func sample(rows int, seed uint64) ([]float64, []bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	scores, labels := make([]float64, rows), make([]bool, rows)
	for i := range scores {
		scores[i] = float64(r.IntN(20)) / 20
		labels[i] = r.Float64() < scores[i]
	}
	return scores, labels
}

func TestAUC_is_the_share_of_pairs_in_the_right_order(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		scores, labels := sample(60, seed)
		won, pairs := 0.0, 0.0
		for i := range scores {
			for j := range scores {
				if labels[i] && !labels[j] {
					pairs++
					switch {
					case scores[i] > scores[j]:
						won++
					case scores[i] == scores[j]:
						won += 0.5
					}
				}
			}
		}
		if got, want := AUC(scores, labels), won/pairs; math.Abs(got-want) > 1e-12 {
			t.Fatalf("seed %d: %g, want %g", seed, got, want)
		}
	}
	if !math.IsNaN(AUC([]float64{1, 2}, []bool{true, true})) {
		t.Error("one class has an AUC")
	}
}

func TestPrecisionAt_does_not_depend_on_the_order_of_tied_rows(t *testing.T) {
	t.Parallel()
	scores, labels := sample(200, 3)
	want := PrecisionAt(scores, labels, 25)
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 9))
		r.Shuffle(len(scores), func(i, j int) {
			scores[i], scores[j] = scores[j], scores[i]
			labels[i], labels[j] = labels[j], labels[i]
		})
		if got := PrecisionAt(scores, labels, 25); math.Abs(got-want) > 1e-12 {
			t.Fatalf("%g after a shuffle, %g before", got, want)
		}
	}
	if got := PrecisionAt([]float64{3, 2, 1}, []bool{true, false, true}, 2); got != 0.5 {
		t.Errorf("first of two: %g", got)
	}
}

func TestAveragePrecision_of_a_perfect_order_is_one(t *testing.T) {
	t.Parallel()
	if got := AveragePrecision([]float64{4, 3, 2, 1}, []bool{true, true, false, false}); got != 1 {
		t.Errorf("perfect: %g", got)
	}
	if got := AveragePrecision([]float64{1, 1, 1, 1}, []bool{true, true, false, false}); got != 0.5 {
		t.Errorf("all tied: %g, want the base rate", got)
	}
}

func TestLosses_of_known_rows(t *testing.T) {
	t.Parallel()
	p, l := []float64{0.9, 0.2}, []bool{true, false}
	if got, want := LogLoss(p, l), -(math.Log(0.9)+math.Log(0.8))/2; math.Abs(got-want) > 1e-12 {
		t.Errorf("log loss %g, want %g", got, want)
	}
	if got := Brier(p, l); math.Abs(got-0.025) > 1e-12 {
		t.Errorf("Brier %g", got)
	}
	if got := LogLoss([]float64{0}, []bool{true}); math.IsInf(got, 0) {
		t.Error("a wrong certainty is infinite")
	}
}

func TestCalibrationError_of_true_probabilities_is_small_and_of_shifted_ones_the_shift(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	p, shifted, labels := make([]float64, 50_000), make([]float64, 50_000), make([]bool, 50_000)
	for i := range p {
		p[i] = r.Float64() * 0.8
		shifted[i] = p[i] + 0.1
		labels[i] = r.Float64() < p[i]
	}
	if got := CalibrationError(p, labels); got > 0.01 {
		t.Errorf("true probabilities: %g", got)
	}
	if got := CalibrationError(shifted, labels); math.Abs(got-0.1) > 0.01 {
		t.Errorf("shifted by 0.1: %g", got)
	}
}

func TestWilson_holds_the_share_and_stays_between_0_and_1(t *testing.T) {
	t.Parallel()
	for n := 1; n < 40; n++ {
		for hits := 0; hits <= n; hits++ {
			low, high := Wilson(hits, n)
			if p := float64(hits) / float64(n); low > p+1e-9 || high < p-1e-9 || low < 0 || high > 1 {
				t.Fatalf("%d of %d: %g to %g", hits, n, low, high)
			}
		}
	}
	if low, high := Wilson(8, 10); math.Abs(low-0.4902) > 1e-3 || math.Abs(high-0.9433) > 1e-3 {
		t.Errorf("8 of 10: %g to %g", low, high)
	}
}

func TestStabilityIndex_is_zero_for_the_same_shares(t *testing.T) {
	t.Parallel()
	if got := StabilityIndex([]int{10, 20, 30}, []int{100, 200, 300}); got > 1e-12 {
		t.Errorf("same shares: %g", got)
	}
	if got := StabilityIndex([]int{100, 0}, []int{0, 100}); got < 1 {
		t.Errorf("all moved: %g", got)
	}
}
