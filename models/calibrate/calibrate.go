// Package calibrate learns the curve from a model's margin (log-odds) to the
// probability that held-out rows bear out.
package calibrate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models/metrics"
)

// Kinds of curves.
const (
	Platt    = "platt"
	Isotonic = "isotonic"
)

// Curve turns margins into probabilities. It never falls.
type Curve struct {
	Kind string `json:"kind"`
	// Of Platt's: probability = 1 / (1 + exp(-(slope*margin + intercept))).
	Slope     float64 `json:"slope,omitempty"`
	Intercept float64 `json:"intercept,omitempty"`
	// Of the isotonic one: straight lines between these points, level beyond.
	Margins       []float64 `json:"margins,omitempty"`
	Probabilities []float64 `json:"probabilities,omitempty"`
	// LogLoss of each kind on rows that the curve was not learnt from.
	LogLoss map[string]float64 `json:"log_loss,omitempty"`
}

// Probability of a margin.
func (c *Curve) Probability(margin float64) float64 {
	if c.Kind == Platt {
		return sigmoid(c.Slope*margin + c.Intercept)
	}
	last := len(c.Margins) - 1
	i := sort.SearchFloat64s(c.Margins, margin)
	switch {
	case i == 0:
		return c.Probabilities[0]
	case i > last:
		return c.Probabilities[last]
	}
	part := (margin - c.Margins[i-1]) / (c.Margins[i] - c.Margins[i-1])
	return c.Probabilities[i-1] + part*(c.Probabilities[i]-c.Probabilities[i-1])
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// folds of the rows that choose between the kinds.
const folds = 5

// Learn fits both kinds and keeps the one with the smaller log loss on folds
// that it was not fitted on. The rows must not be those that the model was
// trained on. An Invalid error says where one class is missing.
func Learn(margins []float64, labels []bool) (*Curve, error) {
	if err := check(margins, labels); err != nil {
		return nil, err
	}
	loss := map[string]float64{}
	for kind, fit := range map[string]func([]float64, []bool) *Curve{Platt: fitPlatt, Isotonic: fitIsotonic} {
		var held []float64
		var truth []bool
		for fold := range folds {
			var m []float64
			var l []bool
			for i := range margins {
				if i%folds != fold {
					m, l = append(m, margins[i]), append(l, labels[i])
				}
			}
			if check(m, l) != nil {
				continue // a fold without one of the classes decides nothing
			}
			curve := fit(m, l)
			for i := fold; i < len(margins); i += folds {
				held, truth = append(held, curve.Probability(margins[i])), append(truth, labels[i])
			}
		}
		loss[kind] = metrics.LogLoss(held, truth)
	}
	curve := fitPlatt(margins, labels)
	if loss[Isotonic] < loss[Platt] { // NaN, of too few rows, keeps Platt's
		curve = fitIsotonic(margins, labels)
	}
	if !math.IsNaN(loss[Platt]) && !math.IsNaN(loss[Isotonic]) {
		curve.LogLoss = loss
	}
	return curve, nil
}

func check(margins []float64, labels []bool) error {
	positives := 0
	for i, l := range labels {
		if math.IsNaN(margins[i]) || math.IsInf(margins[i], 0) {
			return leadlake.Errorf(leadlake.Invalid, "calibrate: margin %d is %g", i+1, margins[i])
		}
		if l {
			positives++
		}
	}
	if positives == 0 || positives == len(labels) {
		return leadlake.Errorf(leadlake.Invalid, "calibrate: %d of %d rows are positive, both kinds are needed", positives, len(labels)).
			WithFix("give more rows: a longer window of outcomes")
	}
	return nil
}

// fitPlatt is Platt's (1999) sigmoid with his targets, by Newton's method as
// Lin, Lin and Weng (2007) put it. A falling curve becomes a level one.
func fitPlatt(margins []float64, labels []bool) *Curve {
	positives := 0.0
	for _, l := range labels {
		if l {
			positives++
		}
	}
	negatives := float64(len(labels)) - positives
	high, low := (positives+1)/(positives+2), 1/(negatives+2)
	a, b := 0.0, math.Log((positives+1)/(negatives+1))
	loss := func(a, b float64) float64 {
		sum := 0.0
		for i, m := range margins {
			t := low
			if labels[i] {
				t = high
			}
			z := a*m + b
			sum += math.Max(z, 0) - t*z + math.Log1p(math.Exp(-math.Abs(z)))
		}
		return sum
	}
	now := loss(a, b)
	for range 100 {
		haa, hab, hbb, ga, gb := 1e-12, 0.0, 1e-12, 0.0, 0.0
		for i, m := range margins {
			t := low
			if labels[i] {
				t = high
			}
			p := sigmoid(a*m + b)
			w := p * (1 - p)
			haa, hab, hbb = haa+w*m*m, hab+w*m, hbb+w
			ga, gb = ga+(p-t)*m, gb+p-t
		}
		if math.Abs(ga) < 1e-9 && math.Abs(gb) < 1e-9 {
			break
		}
		det := haa*hbb - hab*hab
		da, db := -(hbb*ga-hab*gb)/det, -(haa*gb-hab*ga)/det
		step := 1.0
		for ; step > 1e-10; step /= 2 {
			if next := loss(a+step*da, b+step*db); next < now {
				a, b, now = a+step*da, b+step*db, next
				break
			}
		}
		if step <= 1e-10 {
			break
		}
	}
	if a < 0 {
		a, b = 0, math.Log(positives/negatives)
	}
	return &Curve{Kind: Platt, Slope: a, Intercept: b}
}

// block is a run of rows that share a probability.
type block struct{ weight, margin, hits float64 }

func (b block) rate() float64 { return b.hits / b.weight }

// fitIsotonic is the rising step curve of least squares, by pooling adjacent
// violators (Ayer et al. 1955), drawn straight between the middles of its
// steps. One row of the base rate is added to each step, because a step of
// few rows would be certain.
func fitIsotonic(margins []float64, labels []bool) *Curve {
	order := make([]int, len(margins))
	base := 0.0
	for i := range order {
		order[i] = i
		if labels[i] {
			base++
		}
	}
	base /= float64(len(margins))
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case margins[a] < margins[b]:
			return -1
		case margins[a] > margins[b]:
			return 1
		}
		return 0
	})
	var blocks []block
	for i, row := range order {
		one := block{weight: 1, margin: margins[row]}
		if labels[row] {
			one.hits = 1
		}
		if i > 0 && margins[row] == margins[order[i-1]] { // equal margins are one step
			last := &blocks[len(blocks)-1]
			*last = join(*last, one)
			continue
		}
		blocks = append(blocks, one)
	}
	blocks = pool(blocks)
	for i := range blocks {
		b := &blocks[i]
		b.margin *= (b.weight + 1) / b.weight // the row added stands at the step's middle
		b.weight, b.hits = b.weight+1, b.hits+base
	}
	blocks = pool(blocks)
	c := &Curve{Kind: Isotonic}
	for _, b := range blocks {
		c.Margins = append(c.Margins, b.margin/b.weight)
		c.Probabilities = append(c.Probabilities, b.rate())
	}
	return c
}

// join adds up two blocks; margin is a sum until the curve is drawn.
func join(a, b block) block {
	return block{weight: a.weight + b.weight, margin: a.margin + b.margin, hits: a.hits + b.hits}
}

func pool(in []block) []block {
	var out []block
	for _, b := range in {
		for len(out) > 0 && out[len(out)-1].rate() >= b.rate() {
			b = join(out[len(out)-1], b)
			out = out[:len(out)-1]
		}
		out = append(out, b)
	}
	return out
}

// Parse reads a curve strictly: one that falls or leaves 0 to 1 is refused.
func Parse(text []byte) (*Curve, error) {
	var c Curve
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return nil, leadlake.Errorf(leadlake.Invalid, "read calibration: %w", err)
	}
	if err := c.check(); err != nil {
		return nil, leadlake.Errorf(leadlake.Invalid, "read calibration: %w", err)
	}
	return &c, nil
}

func (c *Curve) check() error {
	switch {
	case c.Kind == Platt && c.Slope >= 0:
		return nil
	case c.Kind == Platt:
		return fmt.Errorf("its slope is %g, want none below 0", c.Slope)
	case c.Kind != Isotonic:
		return fmt.Errorf("kind %q is unknown", c.Kind)
	case len(c.Margins) == 0 || len(c.Margins) != len(c.Probabilities):
		return fmt.Errorf("%d margins for %d probabilities", len(c.Margins), len(c.Probabilities))
	}
	for i, p := range c.Probabilities {
		if p < 0 || p > 1 || i > 0 && (p < c.Probabilities[i-1] || c.Margins[i] <= c.Margins[i-1]) {
			return fmt.Errorf("point %d does not rise", i+1)
		}
	}
	return nil
}
