// Package metrics says how good probabilities are against what came true.
// Labels are true for what happened; scores and probabilities stand beside
// them, one a row.
package metrics

import (
	"math"
	"slices"
)

// AUC is the area under the ROC curve: the share of pairs of a positive and a
// negative row in which the positive one scores higher, ties counting half
// (Hanley and McNeil 1982). It is NaN where one class is missing.
func AUC(scores []float64, labels []bool) float64 { return NewRanking(scores).AUC(labels, nil) }

// Ranking is an order of rows by their scores, kept to measure many samples of
// the same rows.
type Ranking struct {
	order []int
	ends  []int // where in order each run of equal scores ends
}

// NewRanking orders the rows of scores.
func NewRanking(scores []float64) Ranking {
	r := Ranking{order: byScore(scores)}
	for i, row := range r.order {
		if i+1 == len(r.order) || scores[r.order[i+1]] != scores[row] {
			r.ends = append(r.ends, i+1)
		}
	}
	return r
}

// AUC of a sample that has each row so many times; nil: once.
func (r Ranking) AUC(labels []bool, times []int) float64 {
	positives, negatives, won, from := 0.0, 0.0, 0.0, 0
	for _, to := range r.ends {
		p, n := 0.0, 0.0
		for _, row := range r.order[from:to] {
			weight := 1.0
			if times != nil {
				weight = float64(times[row])
			}
			if labels[row] {
				p += weight
			} else {
				n += weight
			}
		}
		won += p * (negatives + n/2)
		positives, negatives, from = positives+p, negatives+n, to
	}
	if positives == 0 || negatives == 0 {
		return math.NaN()
	}
	return won / (positives * negatives)
}

// byScore is the order of the rows by score, lowest first.
func byScore(scores []float64) []int {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case scores[a] < scores[b]:
			return -1
		case scores[a] > scores[b]:
			return 1
		}
		return 0
	})
	return order
}

// AveragePrecision is the area under the precision-recall curve, by steps;
// rows of equal scores come in together.
func AveragePrecision(scores []float64, labels []bool) float64 {
	order := byScore(scores)
	slices.Reverse(order)
	total := count(labels)
	if total == 0 {
		return math.NaN()
	}
	hits, sum := 0, 0.0
	for from := 0; from < len(order); {
		to, before := from, hits
		for to < len(order) && scores[order[to]] == scores[order[from]] {
			if labels[order[to]] {
				hits++
			}
			to++
		}
		sum += float64(hits-before) / float64(total) * float64(hits) / float64(to)
		from = to
	}
	return sum
}

// PrecisionAt is the share of positives among the k rows of the highest
// scores. Where the k-th place is a tie, the tied rows share the places left,
// so that the order of rows does not matter.
func PrecisionAt(scores []float64, labels []bool, k int) float64 {
	k = min(k, len(scores))
	if k <= 0 {
		return math.NaN()
	}
	order := byScore(scores)
	slices.Reverse(order)
	hits := 0.0
	for from := 0; from < k; {
		to, positives := from, 0
		for to < len(order) && scores[order[to]] == scores[order[from]] {
			if labels[order[to]] {
				positives++
			}
			to++
		}
		places := min(to, k) - from
		hits += float64(positives) * float64(places) / float64(to-from)
		from = to
	}
	return hits / float64(k)
}

// LogLoss is the mean negative log-likelihood, in nats. Probabilities are kept
// a trillionth from 0 and 1.
func LogLoss(probabilities []float64, labels []bool) float64 {
	const edge = 1e-12
	sum := 0.0
	for i, p := range probabilities {
		p = min(max(p, edge), 1-edge)
		if labels[i] {
			sum -= math.Log(p)
		} else {
			sum -= math.Log1p(-p)
		}
	}
	return sum / float64(len(labels))
}

// Brier is the mean squared difference of probability and outcome.
func Brier(probabilities []float64, labels []bool) float64 {
	sum := 0.0
	for i, p := range probabilities {
		if labels[i] {
			p = 1 - p
		}
		sum += p * p
	}
	return sum / float64(len(labels))
}

// Bin is one line of a reliability table.
type Bin struct {
	Rows      int     `json:"rows"`
	From, To  float64 `json:"-"`
	Predicted float64 `json:"predicted"` // mean probability
	Observed  float64 `json:"observed"`  // share of positives
	Low       float64 `json:"low"`       // 95% interval of Observed, after Wilson
	High      float64 `json:"high"`
}

// Reliability cuts the rows into bins of equal size by probability.
func Reliability(probabilities []float64, labels []bool, bins int) []Bin {
	order := byScore(probabilities)
	var out []Bin
	for i := range bins {
		from, to := i*len(order)/bins, (i+1)*len(order)/bins
		if from == to {
			continue
		}
		b := Bin{Rows: to - from, From: probabilities[order[from]], To: probabilities[order[to-1]]}
		hits := 0
		for _, row := range order[from:to] {
			b.Predicted += probabilities[row]
			if labels[row] {
				hits++
			}
		}
		b.Predicted /= float64(b.Rows)
		b.Observed = float64(hits) / float64(b.Rows)
		b.Low, b.High = Wilson(hits, b.Rows)
		out = append(out, b)
	}
	return out
}

// CalibrationError is the expected calibration error: the mean distance of
// what was predicted and what was seen, over ten bins of equal size.
func CalibrationError(probabilities []float64, labels []bool) float64 {
	sum := 0.0
	for _, b := range Reliability(probabilities, labels, 10) {
		sum += math.Abs(b.Predicted-b.Observed) * float64(b.Rows)
	}
	return sum / float64(len(labels))
}

// Wilson is the 95% interval of a share of hits in n (Wilson 1927).
func Wilson(hits, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959963984540054
	size, p := float64(n), float64(hits)/float64(n)
	centre := p + z*z/(2*size)
	spread := z * math.Sqrt(p*(1-p)/size+z*z/(4*size*size))
	scale := 1 + z*z/size
	return max(0, (centre-spread)/scale), min(1, (centre+spread)/scale)
}

// StabilityIndex is the population stability index of two distributions over
// the same bins: sum of (a-b) ln(a/b). Under 0.1 little has changed, over
// 0.25 much (Siddiqi 2006). Empty bins count as half a row.
func StabilityIndex(before, after []int) float64 {
	total := func(counts []int) float64 {
		sum := 0.0
		for _, n := range counts {
			sum += max(float64(n), 0.5)
		}
		return sum
	}
	all, sum := [2]float64{total(before), total(after)}, 0.0
	if len(before) == 0 || all[0] == 0 || all[1] == 0 {
		return 0
	}
	for i := range before {
		a, b := max(float64(before[i]), 0.5)/all[0], max(float64(after[i]), 0.5)/all[1]
		sum += (a - b) * math.Log(a/b)
	}
	return sum
}

func count(labels []bool) int {
	n := 0
	for _, l := range labels {
		if l {
			n++
		}
	}
	return n
}
