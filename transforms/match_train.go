package transforms

import (
	"math"
)

// trainingSet is what one labelled set says: how many matches and non-matches
// each pattern has. Pairs of a set count for trainingPairs at most on either
// side, so that no set drowns the others.
type trainingSet struct {
	patterns        []pattern // pairs is unused
	matches, others []float64
}

const (
	trainingPairs = 1500
	ridge         = 1.0 // variance of a weight around what is expected, in nats squared
)

// trainMatchModel fits a logistic regression on the levels, which is the
// discriminative way to Fellegi-Sunter weights, and counts the shares that EM
// starts from. Comparisons that adapt keep the weights of the regression;
// those that do not get the mean of both.
func trainMatchModel(sets []trainingSet) MatchModel {
	offsets, n := make([]int, len(comparisons)), 0
	for i, c := range comparisons {
		offsets[i] = n
		n += len(c.Levels)
	}
	want := make([]float64, n+1)
	for i, c := range comparisons {
		copy(want[offsets[i]:offsets[i]+len(c.Levels)], expected[c.Name])
	}
	want[n] = emPrior
	for i := range want {
		want[i] *= math.Ln2
	}
	rows, m, u := trainingRows(sets, offsets, n)
	fitted := logistic(rows, want)

	model := MatchModel{Prior: (fitted[n]/math.Ln2 + emPrior) / 2}
	for i, c := range comparisons {
		c.Levels = append([]MatchLevel(nil), c.Levels...)
		mine, others := m[offsets[i]:offsets[i]+len(c.Levels)], u[offsets[i]:offsets[i]+len(c.Levels)]
		inEM := c.Adapts || c.Name == "name" || c.Name == "number"
		for l := range c.Levels {
			if !inEM {
				break
			}
			c.Levels[l].M, c.Levels[l].U = share(mine, l, c.Null), share(others, l, c.Null)
		}
		counted := ratios(c, shares(c, emDefault, 0), shares(c, emDefault, 1))
		for l := range c.Levels {
			if c.Levels[l].Set || l == c.Null {
				continue
			}
			w := fitted[offsets[i]+l] / math.Ln2
			if inEM && !c.Adapts {
				w = (w + counted[l]) / 2
			}
			c.Levels[l].Weight = math.Round(w*1000) / 1000
		}
		model.Comparisons = append(model.Comparisons, c)
	}
	model.Prior = math.Round(model.Prior*1000) / 1000
	return model
}

func share(counts []float64, l, null int) float64 {
	sum := 0.0
	for i, n := range counts {
		if i != null {
			sum += n
		}
	}
	if l == null || sum == 0 {
		return 0
	}
	return math.Round(counts[l]/sum*1e6) / 1e6
}

// trainingRow is one pattern: its active features, and the weight of matches
// and non-matches.
type trainingRow struct {
	features        []int
	matches, others float64
}

func trainingRows(sets []trainingSet, offsets []int, n int) (rows []trainingRow, m, u []float64) {
	m, u = make([]float64, n), make([]float64, n)
	for _, set := range sets {
		positives, negatives := 0.0, 0.0
		for i := range set.patterns {
			positives += set.matches[i]
			negatives += set.others[i]
		}
		a, b := math.Min(1, trainingPairs/math.Max(positives, 1)), math.Min(1, trainingPairs/math.Max(negatives, 1))
		for i, p := range set.patterns {
			row := trainingRow{matches: a * set.matches[i], others: b * set.others[i]}
			if row.matches+row.others == 0 {
				continue
			}
			for k, l := range p.levels {
				if l != comparisons[k].Null {
					row.features = append(row.features, offsets[k]+l)
					m[offsets[k]+l] += row.matches
					u[offsets[k]+l] += row.others
				}
			}
			row.features = append(row.features, n)
			rows = append(rows, row)
		}
	}
	return rows, m, u
}

// logistic is a maximum a posteriori logistic regression by Newton's method,
// with a normal prior around want for all but the last feature, the intercept.
func logistic(rows []trainingRow, want []float64) []float64 {
	n := len(want)
	w := append([]float64(nil), want...)
	for range 50 {
		gradient, hessian := make([]float64, n), make([][]float64, n)
		for i := range hessian {
			hessian[i] = make([]float64, n)
			if i < n-1 {
				gradient[i] = (w[i] - want[i]) / ridge
				hessian[i][i] = 1 / ridge
			} else {
				hessian[i][i] = 1e-9
			}
		}
		for _, r := range rows {
			z := 0.0
			for _, f := range r.features {
				z += w[f]
			}
			p := 1 / (1 + math.Exp(-z))
			total := r.matches + r.others
			g, h := total*p-r.matches, total*p*(1-p)
			for _, f := range r.features {
				gradient[f] += g
				for _, k := range r.features {
					hessian[f][k] += h
				}
			}
		}
		step, moved := solve(hessian, gradient), 0.0
		for i := range w {
			d := math.Max(-2, math.Min(2, step[i]))
			w[i] -= d
			moved = math.Max(moved, math.Abs(d))
		}
		if moved < 1e-8 {
			break
		}
	}
	return w
}

// solve solves a x = b for a symmetric positive definite a, by Cholesky. It
// overwrites a.
func solve(a [][]float64, b []float64) []float64 {
	n := len(b)
	for i := range n {
		for j := range i + 1 {
			sum := a[i][j]
			for k := range j {
				sum -= a[i][k] * a[j][k]
			}
			if i == j {
				a[i][i] = math.Sqrt(math.Max(sum, 1e-12))
			} else {
				a[i][j] = sum / a[j][j]
			}
		}
	}
	x := append([]float64(nil), b...)
	for i := range n {
		for k := range i {
			x[i] -= a[i][k] * x[k]
		}
		x[i] /= a[i][i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= a[k][i] * x[k]
		}
		x[i] /= a[i][i]
	}
	return x
}
