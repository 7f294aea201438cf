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
		p[name] = newDistribution(column(x, at, len(e.Columns)))
	}
	return p.count(e, x)
}

// newDistribution has the edges of values, and no counts.
func newDistribution(values []float64) Distribution {
	var edges []float64
	for i, v := range quantiles(values, profileBins) {
		if i > 0 && i < profileBins && !slices.Contains(edges, v) {
			edges = append(edges, v)
		}
	}
	return Distribution{Edges: edges, Counts: make([]int, len(edges)+2)}
}

// NewDistribution cuts values at their tenths and counts them.
func NewDistribution(values []float64) Distribution {
	return newDistribution(slices.Clone(values)).Count(values)
}

// Count returns the same bins with the counts of other values.
func (d Distribution) Count(values []float64) Distribution {
	c := Distribution{Edges: d.Edges, Counts: make([]int, len(d.Edges)+2)}
	for _, v := range values {
		c.add(v)
	}
	return c
}

func (d Distribution) add(v float64) {
	if math.IsNaN(v) {
		d.Counts[len(d.Counts)-1]++
	} else {
		d.Counts[sort.SearchFloat64s(d.Edges, v)]++
	}
}

// Drift is the stability index against other counts of the same bins.
func (d Distribution) Drift(now Distribution) float64 {
	return metrics.StabilityIndex(d.Counts, now.Counts)
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
			d.add(float64(x[i]))
		}
	}
	return p
}

// Drift is the stability index of each column against other counts.
func (p Profile) Drift(now Profile) map[string]float64 {
	drift := map[string]float64{}
	for name, d := range p {
		if other, ok := now[name]; ok && len(other.Counts) == len(d.Counts) {
			drift[name] = d.Drift(other)
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
