package metrics

import (
	"math/rand/v2"
	"slices"
)

// resamples of the rows give the interval of a gain.
const resamples = 1000

// GainInterval is the 90% interval of the AUC of a less that of b on the same
// rows, by resampling rows (Efron 1979). It is 0 to 0 where one class is
// missing, which no one may take for a gain.
func GainInterval(a, b []float64, labels []bool, seed uint64) (low, high float64) {
	r := rand.New(rand.NewPCG(seed, 0x6c656164))
	n := len(labels)
	first, second, times := NewRanking(a), NewRanking(b), make([]int, n)
	var gains []float64
	for range resamples {
		clear(times)
		for range n {
			times[r.IntN(n)]++
		}
		if gain := first.AUC(labels, times) - second.AUC(labels, times); gain == gain { // NaN: one class only
			gains = append(gains, gain)
		}
	}
	if len(gains) == 0 {
		return 0, 0
	}
	slices.Sort(gains)
	return gains[len(gains)/20], gains[len(gains)-1-len(gains)/20]
}
