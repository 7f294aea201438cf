package evalscore

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/leadlake/leadlake/models"
	"github.com/leadlake/leadlake/models/calibrate"
	"github.com/leadlake/leadlake/models/metrics"
)

// score returns the margins of rows and adds up what each feature did to them.
func (r *Result) score(m models.Model, e *encoder, rows []int) ([]float64, error) {
	x, width := e.matrix(rows), len(e.names)
	all := make([]float64, len(rows)*(width+1))
	if err := m.Contributions(all, x); err != nil {
		return nil, err
	}
	if r.weights == nil {
		r.weights = map[string]float64{}
	}
	for i := range rows {
		for feature, v := range e.byFeature(all[i*(width+1):][:width]) {
			r.weights[feature] += math.Abs(v)
		}
	}
	return margins(m, x)
}

// levelSlope of Platt's curve is where scores as good as do not matter any more.
const levelSlope = 0.1

// calibrate learns a curve from held-out margins and fills p by it.
func (r *Result) calibrate(held []float64, labels []bool, margins, p []float64) error {
	curve, err := calibrate.Learn(held, labels)
	if err != nil {
		return err
	}
	for i, m := range margins {
		p[i] = curve.Probability(m)
	}
	if r.curves == nil {
		r.curves, r.curveLoss = map[string]int{}, map[string][]float64{}
	}
	r.curves[curve.Kind]++
	r.isLevel = curve.Kind == calibrate.Platt && curve.Slope < levelSlope
	for kind, loss := range curve.LogLoss {
		r.curveLoss[kind] = append(r.curveLoss[kind], loss)
	}
	return nil
}

// measure holds the probabilities to what came true.
func (r *Result) measure(truth []bool) {
	p := r.probabilities
	// The order of rows is the margins': curves keep it, but make ties.
	r.AUC, r.AveragePrecision = metrics.AUC(r.margins, truth), metrics.AveragePrecision(r.margins, truth)
	r.LogLoss, r.Brier = metrics.LogLoss(p, truth), metrics.Brier(p, truth)
	r.CalibrationError, r.Reliability = metrics.CalibrationError(p, truth), metrics.Reliability(p, truth, 10)
	r.Curve = calibrate.Platt
	if r.curves[calibrate.Isotonic] > r.curves[calibrate.Platt] {
		r.Curve = calibrate.Isotonic
	}
	if len(r.curveLoss) > 0 {
		r.CurveLogLoss = map[string]float64{}
	}
	for kind, losses := range r.curveLoss {
		for _, loss := range losses {
			r.CurveLogLoss[kind] += loss / float64(len(losses))
		}
	}
	base := 0.0
	for _, l := range truth {
		if l {
			base++
		}
	}
	base /= float64(len(truth))
	ks := []int{50, 100, 500, len(truth) / 10}
	slices.Sort(ks)
	for _, k := range slices.Compact(ks) {
		if k > 0 && k <= len(truth)/2 {
			at := metrics.PrecisionAt(r.margins, truth, k)
			r.PrecisionAt = append(r.PrecisionAt, PrecisionAt{K: k, Precision: at, Lift: at / base})
		}
	}
	for feature, sum := range r.weights {
		if sum > 0 {
			r.Weights = append(r.Weights, Weight{Feature: feature, Moves: sum / float64(len(truth))})
		}
	}
	slices.SortFunc(r.Weights, func(a, b Weight) int { return cmp.Or(cmp.Compare(b.Moves, a.Moves), cmp.Compare(a.Feature, b.Feature)) })
	r.Weights = r.Weights[:min(len(r.Weights), 10)]
}

// driftBins cuts numbers at the tenths of the earlier rows; of texts, so many
// frequent ones have a bin.
const driftBins = 10

// Of the stability index, after Siddiqi.
const (
	moved   = 0.1
	drifted = 0.25
)

// drift compares each feature of the earlier rows with that of the tested ones.
func (r *Report) drift(t *Table, before, after []int) {
	share := func(rows []int) float64 {
		n := 0
		for _, row := range rows {
			if t.Labels[row] {
				n++
			}
		}
		return float64(n) / float64(len(rows))
	}
	r.Label = &RateShift{Before: share(before), After: share(after)}
	for _, c := range t.Columns {
		d := Drift{Feature: c.Name, PSI: c.drift(before, after), Verdict: "stable"}
		switch {
		case d.PSI > drifted:
			d.Verdict = "drifted"
		case d.PSI > moved:
			d.Verdict = "moved"
		}
		r.Drift = append(r.Drift, d)
	}
	slices.SortStableFunc(r.Drift, func(a, b Drift) int { return cmp.Compare(b.PSI, a.PSI) })
}

// drift is the stability index of a column between rows.
func (c *Column) drift(before, after []int) float64 {
	bin, bins := c.bins(before)
	counts := func(rows []int) []int {
		out := make([]int, bins)
		for _, row := range rows {
			out[bin(row)]++
		}
		return out
	}
	return metrics.StabilityIndex(counts(before), counts(after))
}

// bins cuts a column by what rows have; bin 0 is what is missing.
func (c *Column) bins(rows []int) (bin func(row int) int, bins int) {
	if c.Codes != nil {
		counts, order := make([]int, len(c.Levels)), make([]int, len(c.Levels))
		for i := range order {
			order[i] = i
		}
		for _, row := range rows {
			if code := c.Codes[row]; code >= 0 {
				counts[code]++
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(counts[b], counts[a]) })
		at := make([]int, len(counts))
		for rank, code := range order {
			at[code] = 1 + min(rank, driftBins)
		}
		return func(row int) int {
			if c.Codes[row] < 0 {
				return 0
			}
			return at[c.Codes[row]]
		}, driftBins + 2
	}
	var values, edges []float64
	for _, row := range rows {
		if v := c.Numbers[row]; !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	for i := 1; i < driftBins && len(values) > 0; i++ {
		edges = append(edges, values[i*(len(values)-1)/driftBins])
	}
	edges = slices.Compact(edges)
	return func(row int) int {
		if math.IsNaN(c.Numbers[row]) {
			return 0
		}
		return 1 + sort.SearchFloat64s(edges, c.Numbers[row])
	}, len(edges) + 2
}
