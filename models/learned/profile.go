package learned

import (
	"math"
	"slices"
	"sort"

	"github.com/leadlake/leadlake/models/metrics"
)

// Profile is how leads lie in each column of an encoding: what drift is
// measured against.
type Profile map[string]Distribution

// Distribution counts the values of a column between edges, and those that
// are missing last.
type Distribution struct {
	Edges  []float64 `json:"edges"`  // rising; a value belongs before the first edge that is not below it
	Counts []int     `json:"counts"` // len(Edges) + 2
}

// profileBins is how finely a column is cut: tenths, as the index is usually taken.
const profileBins = 10

// NewProfile cuts each column of a matrix at its tenths.
func NewProfile(e Encoding, x []float32) Profile {
	p := Profile{}
	for at, name := range e.Names() {
		var edges []float64
		for i, v := range quantiles(column(x, at, len(e.Columns)), profileBins) {
			if i > 0 && i < profileBins && !slices.Contains(edges, v) {
				edges = append(edges, v)
			}
		}
		p[name] = Distribution{Edges: edges, Counts: make([]int, len(edges)+2)}
	}
	return p.count(e, x)
}

// Count returns the same bins with the counts of other leads.
func (p Profile) Count(e Encoding, x []float32) Profile {
	empty := Profile{}
	for name, d := range p {
		empty[name] = Distribution{Edges: d.Edges, Counts: make([]int, len(d.Counts))}
	}
	return empty.count(e, x)
}

func (p Profile) count(e Encoding, x []float32) Profile {
	width := len(e.Columns)
	for at, name := range e.Names() {
		d, ok := p[name]
		if !ok || len(d.Counts) != len(d.Edges)+2 {
			continue
		}
		for i := at; i < len(x); i += width {
			v := float64(x[i])
			if math.IsNaN(v) {
				d.Counts[len(d.Counts)-1]++
			} else {
				d.Counts[sort.SearchFloat64s(d.Edges, v)]++
			}
		}
	}
	return p
}

// Drift is the stability index of each column against other counts.
func (p Profile) Drift(now Profile) map[string]float64 {
	drift := map[string]float64{}
	for name, d := range p {
		if other, ok := now[name]; ok && len(other.Counts) == len(d.Counts) {
			drift[name] = metrics.StabilityIndex(d.Counts, other.Counts)
		}
	}
	return drift
}

// Ranks are the values at each hundredth of the number columns.
func Ranks(e Encoding, x []float32) map[string][]float64 {
	ranks := map[string][]float64{}
	for at, c := range e.Columns {
		if c.Kind != number {
			continue
		}
		if q := quantiles(column(x, at, len(e.Columns)), 100); len(q) > 0 {
			ranks[c.Feature] = q
		}
	}
	return ranks
}

// column is the values of a column that are there.
func column(x []float32, at, width int) []float64 {
	var values []float64
	for i := at; i < len(x); i += width {
		if v := float64(x[i]); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	return values
}

// quantiles are the values at 0, 1/n, ... 1; none of no values.
func quantiles(values []float64, n int) []float64 {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	q := make([]float64, n+1)
	for i := range q {
		q[i] = values[i*(len(values)-1)/n]
	}
	return q
}
