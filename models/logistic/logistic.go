// Package logistic is logistic regression with a ridge over a matrix of
// features, NaN being a missing value. What was done to the columns to learn
// (standardising, filling in, indicators of what is missing) is part of the
// model, so that it is read and scored without its training data.
package logistic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/leadlake/leadlake"
)

const format = 1

// Options of Train. The zero Options are sensible.
type Options struct {
	Ridge         float64 // penalty of the squared weights of standardised columns, against the summed log loss; 1 by default
	PositiveScale float64 // weight of a positive row against a negative one; 1 by default
	MinMissing    int     // rows that lack a column before that gets a weight of its own; 20 by default
}

// Model is a trained model. It never changes.
type Model struct {
	Format    int      `json:"format"`
	Intercept float64  `json:"intercept"`
	Columns   []Column `json:"columns"`
	Dropped   []string `json:"dropped,omitempty"` // columns that had one value in training: they add nothing
}

// Column is what the model learnt of one column: its margin is
// weight * (value - mean) / deviation, or missing where there is no value.
type Column struct {
	Name      string  `json:"name"`
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"`
	Weight    float64 `json:"weight"`
	Missing   float64 `json:"missing"`
}

// Train learns by Newton's method, which for this convex loss comes to the
// same minimum from the same rows on every machine. x has a value for each row
// and name, row by row. It is Invalid where a value is infinite or one class
// is missing.
func Train(names []string, x []float32, labels []bool, o Options) (*Model, error) {
	if o.Ridge == 0 {
		o.Ridge = 1
	}
	if o.PositiveScale == 0 {
		o.PositiveScale = 1
	}
	if o.MinMissing == 0 {
		o.MinMissing = 20
	}
	if err := checkTraining(names, x, labels); err != nil {
		return nil, err
	}
	m := &Model{Format: format, Columns: make([]Column, len(names))}
	d := design{rows: len(labels)}
	var targets []func(float64) // where each weight goes
	for c, name := range names {
		m.Columns[c] = describe(name, x[c:], len(names), len(labels))
		column := &m.Columns[c]
		if column.Deviation > 0 {
			d.add(func(row int) float64 {
				if v := float64(x[row*len(names)+c]); v == v {
					return (v - column.Mean) / column.Deviation
				}
				return 0
			})
			targets = append(targets, func(w float64) { column.Weight = w })
		}
		missing := 0
		for row := range labels {
			if isNaN(x[row*len(names)+c]) {
				missing++
			}
		}
		if missing >= o.MinMissing && len(labels)-missing >= o.MinMissing {
			d.add(func(row int) float64 {
				if isNaN(x[row*len(names)+c]) {
					return 1
				}
				return 0
			})
			targets = append(targets, func(w float64) { column.Missing = w })
		} else if column.Deviation == 0 {
			m.Dropped = append(m.Dropped, name)
		}
	}
	weights, intercept, err := newton(d, labels, o)
	if err != nil {
		return nil, err
	}
	for i, set := range targets {
		set(weights[i])
	}
	m.Intercept = intercept
	return m, nil
}

func checkTraining(names []string, x []float32, labels []bool) error {
	if len(names) == 0 || len(x) != len(names)*len(labels) {
		return leadlake.Errorf(leadlake.Invalid, "train: %d values for %d rows of %d columns", len(x), len(labels), len(names))
	}
	positives := 0
	for _, l := range labels {
		if l {
			positives++
		}
	}
	if positives == 0 || positives == len(labels) {
		return leadlake.Errorf(leadlake.Invalid, "train: %d of %d rows are positive, both kinds are needed", positives, len(labels)).
			WithFix("give rows of both outcomes")
	}
	for i, v := range x {
		if math.IsInf(float64(v), 0) {
			return leadlake.Errorf(leadlake.Invalid, "train: column %s is infinite in row %d", names[i%len(names)], i/len(names)+1).
				WithFix("mend the value, or leave it empty where it is unknown")
		}
	}
	return nil
}

func isNaN(v float32) bool { return v != v }

// describe finds mean and deviation of the values that are there.
func describe(name string, x []float32, width, rows int) Column {
	n, mean, squares := 0.0, 0.0, 0.0
	for row := range rows {
		if v := float64(x[row*width]); v == v {
			n++
			delta := v - mean
			mean += delta / n
			squares += delta * (v - mean)
		}
	}
	c := Column{Name: name, Mean: mean}
	if n > 1 {
		c.Deviation = math.Sqrt(squares / n)
	}
	if c.Deviation <= 1e-12*math.Abs(mean) {
		c.Deviation = 0
	}
	return c
}

// design is the matrix that is learnt from, column by column.
type design struct {
	rows    int
	columns [][]float64
}

func (d *design) add(value func(row int) float64) {
	column := make([]float64, d.rows)
	for row := range column {
		column[row] = value(row)
	}
	d.columns = append(d.columns, column)
}

// newton minimises the weighted log loss plus ridge/2 |weights|^2. The
// intercept is not penalised. Steps that do not help are halved.
func newton(d design, labels []bool, o Options) (weights []float64, intercept float64, err error) {
	n := len(d.columns) + 1 // the intercept comes last
	at := make([]float64, n)
	margins := make([]float64, d.rows)
	toMargins := func(at []float64) {
		for row := range margins {
			margins[row] = at[n-1]
		}
		for c, column := range d.columns {
			if w := at[c]; w != 0 {
				for row, v := range column {
					margins[row] += w * v
				}
			}
		}
	}
	scale := func(row int) float64 {
		if labels[row] {
			return o.PositiveScale
		}
		return 1
	}
	loss := func(at []float64) float64 {
		toMargins(at)
		sum := 0.0
		for row, z := range margins {
			if labels[row] {
				z = -z
			}
			sum += scale(row) * (math.Max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))))
		}
		for _, w := range at[:n-1] {
			sum += o.Ridge / 2 * w * w
		}
		return sum
	}
	now := loss(at)
	slope, curve := make([]float64, n), make([]float64, d.rows)
	for range 100 {
		toMargins(at)
		errs := make([]float64, d.rows)
		for row, z := range margins {
			p := 1 / (1 + math.Exp(-z))
			y := 0.0
			if labels[row] {
				y = 1
			}
			errs[row], curve[row] = scale(row)*(p-y), scale(row)*p*(1-p)
		}
		hessian := mat.NewSymDense(n, nil)
		for i := range n {
			for j := i; j < n; j++ {
				hessian.SetSym(i, j, d.inner(i, j, curve))
			}
			slope[i] = d.dot(i, errs)
			if i < n-1 {
				hessian.SetSym(i, i, hessian.At(i, i)+o.Ridge)
				slope[i] += o.Ridge * at[i]
			}
		}
		if largest := slices.MaxFunc(slope, func(a, b float64) int { return compareAbs(a, b) }); math.Abs(largest) < 1e-8*float64(d.rows) {
			break
		}
		var factor mat.Cholesky
		if !factor.Factorize(hessian) {
			return nil, 0, leadlake.Errorf(leadlake.Internal, "train: the columns cannot be told apart").WithFix("raise the ridge")
		}
		var step mat.VecDense
		if err := factor.SolveVecTo(&step, mat.NewVecDense(n, slope)); err != nil {
			return nil, 0, fmt.Errorf("train: solve a step: %w", err)
		}
		next := make([]float64, n)
		length := 1.0
		for ; length > 1e-10; length /= 2 {
			for i := range next {
				next[i] = at[i] - length*step.AtVec(i)
			}
			if l := loss(next); l < now {
				now = l
				break
			}
		}
		if length <= 1e-10 {
			break
		}
		copy(at, next)
	}
	return at[:n-1], at[n-1], nil
}

func compareAbs(a, b float64) int {
	switch a, b := math.Abs(a), math.Abs(b); {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// inner is the sum over rows of columns i and j under weights; a column past
// the last is the intercept's ones.
func (d design) inner(i, j int, weights []float64) float64 {
	sum := 0.0
	switch last := len(d.columns); {
	case i == last && j == last:
		for _, w := range weights {
			sum += w
		}
	case j == last:
		for row, v := range d.columns[i] {
			sum += v * weights[row]
		}
	default:
		a, b := d.columns[i], d.columns[j]
		for row, w := range weights {
			sum += a[row] * b[row] * w
		}
	}
	return sum
}

func (d design) dot(i int, values []float64) float64 {
	sum := 0.0
	if i == len(d.columns) {
		for _, v := range values {
			sum += v
		}
		return sum
	}
	for row, v := range d.columns[i] {
		sum += v * values[row]
	}
	return sum
}

// Load reads what Save wrote, strictly.
func Load(r io.Reader) (*Model, error) {
	var m Model
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return nil, leadlake.Errorf(leadlake.Invalid, "read logistic model: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, leadlake.Errorf(leadlake.Invalid, "read logistic model: something follows it")
	}
	if m.Format != format {
		return nil, leadlake.Errorf(leadlake.Invalid, "read logistic model: format %d, this program reads %d", m.Format, format)
	}
	seen := map[string]bool{}
	for _, c := range m.Columns {
		if c.Name == "" || seen[c.Name] || c.Deviation < 0 || c.Deviation == 0 && c.Weight != 0 {
			return nil, leadlake.Errorf(leadlake.Invalid, "read logistic model: column %q is there twice, has no name or no deviation", c.Name)
		}
		seen[c.Name] = true
	}
	if len(m.Columns) == 0 {
		return nil, leadlake.Errorf(leadlake.Invalid, "read logistic model: it has no columns")
	}
	return &m, nil
}

// Save writes the model as JSON that a person can read.
func (m *Model) Save(w io.Writer) error {
	text, err := json.MarshalIndent(m, "", " ")
	if err == nil {
		_, err = io.Copy(w, bytes.NewReader(append(text, '\n')))
	}
	if err != nil {
		return fmt.Errorf("write logistic model: %w", err)
	}
	return nil
}

// FeatureNames implements models.Model.
func (m *Model) FeatureNames() []string {
	names := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		names[i] = c.Name
	}
	return names
}

// Outputs implements models.Model.
func (m *Model) Outputs() int { return 1 }

// contribution of a value, less what the column adds on average.
func (c *Column) contribution(v float32) float64 {
	switch {
	case isNaN(v):
		return c.Missing
	case c.Deviation == 0:
		return 0
	}
	return c.Weight * (float64(v) - c.Mean) / c.Deviation
}

// Contributions implements models.Model.
func (m *Model) Contributions(dst []float64, x []float32) error {
	width := len(m.Columns)
	if err := m.checkSize(len(dst), len(x), width+1); err != nil {
		return err
	}
	for row := range len(x) / width {
		out := dst[row*(width+1):][:width+1]
		for i := range m.Columns {
			out[i] = m.Columns[i].contribution(x[row*width+i])
		}
		out[width] = m.Intercept
	}
	return nil
}

// Margins implements models.Model.
func (m *Model) Margins(dst []float64, x []float32) error {
	width := len(m.Columns)
	if err := m.checkSize(len(dst), len(x), 1); err != nil {
		return err
	}
	for row := range dst {
		sum := m.Intercept
		for i := range m.Columns {
			sum += m.Columns[i].contribution(x[row*width+i])
		}
		dst[row] = sum
	}
	return nil
}

// Probabilities implements models.Model.
func (m *Model) Probabilities(dst []float64, x []float32) error {
	if err := m.Margins(dst, x); err != nil {
		return err
	}
	for i, z := range dst {
		dst[i] = 1 / (1 + math.Exp(-z))
	}
	return nil
}

func (m *Model) checkSize(out, in, each int) error {
	width := len(m.Columns)
	if in%width != 0 || out != in/width*each {
		return leadlake.Errorf(leadlake.Internal, "score: %d values for %d of %s", out, in, strings.Join(m.FeatureNames(), ", "))
	}
	return nil
}
