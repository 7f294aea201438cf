package evalscore

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/leadlake/leadlake/models/logistic"
	"github.com/leadlake/leadlake/models/metrics"
)

// sample is the rows that leaks are looked for in, and what each column says
// of the label there by itself.
type sample struct {
	table   *Table
	rows    []int
	fold    []int // of each row
	columns []*view
	labels  []bool
	entropy float64 // of the labels, a row
}

// view is a column cut into keys.
type view struct {
	*Column
	key       []int // of each row of the sample
	keys      int
	keyName   []string  // what a key is, where it is one value
	logOdds   []float64 // of each row, learnt from rows of other folds
	auc, info float64
}

const (
	leakFolds  = 5
	viewBins   = 20
	minKeyRows = 10
	priorRows  = 5 // of the base rate, that a key starts from
)

func newSample(t *Table, seed uint64) *sample {
	s := &sample{table: t}
	every := max(1, (t.Rows()+sampleRows-1)/sampleRows)
	r := rand.New(rand.NewPCG(seed, 2))
	for row := 0; row < t.Rows(); row += every {
		s.rows = append(s.rows, row)
		s.fold = append(s.fold, r.IntN(leakFolds))
		s.labels = append(s.labels, t.Labels[row])
	}
	positives := 0
	for _, l := range s.labels {
		if l {
			positives++
		}
	}
	base := float64(positives) / float64(len(s.labels))
	s.entropy = -base*math.Log(base) - (1-base)*math.Log(1-base)
	for _, c := range t.Columns {
		v := &view{Column: c}
		v.cut(s.rows)
		s.learn(v, base)
		s.columns = append(s.columns, v)
	}
	return s
}

func (s *sample) class(row int) int {
	if s.table.Labels[row] {
		return 1
	}
	return 0
}

// cut gives each row a key: a level, a value, or a twentieth of many values.
// Key 0 is what is missing.
func (v *view) cut(rows []int) {
	v.key = make([]int, len(rows))
	if v.Codes != nil {
		counts := make([]int, len(v.Levels))
		for _, row := range rows {
			if code := v.Codes[row]; code >= 0 {
				counts[code]++
			}
		}
		at := make([]int, len(counts))
		v.keyName = []string{"", ""} // none, rare ones
		for code, n := range counts {
			at[code] = 1
			if n >= minKeyRows {
				at[code] = len(v.keyName)
				v.keyName = append(v.keyName, fmt.Sprintf("%q", v.Levels[code]))
			}
		}
		for i, row := range rows {
			if code := v.Codes[row]; code >= 0 {
				v.key[i] = at[code]
			}
		}
		v.keys = len(v.keyName)
		return
	}
	var values []float64
	for _, row := range rows {
		if x := v.Numbers[row]; !math.IsNaN(x) {
			values = append(values, x)
		}
	}
	slices.Sort(values)
	edges := slices.Compact(slices.Clone(values))
	isSmall := len(edges) <= viewBins
	if !isSmall {
		edges = edges[:0]
		for i := range viewBins {
			edges = append(edges, values[(i+1)*(len(values)-1)/viewBins])
		}
		edges = slices.Compact(edges)
	}
	v.keys = len(edges) + 2
	v.keyName = make([]string, v.keys)
	for i, e := range edges {
		if isSmall {
			v.keyName[i+1] = fmt.Sprint(e)
		}
	}
	for i, row := range rows {
		if x := v.Numbers[row]; !math.IsNaN(x) {
			v.key[i] = 1 + sort.SearchFloat64s(edges, x)
		}
	}
}

// learn finds the log-odds of each key from the rows of other folds, so that
// what a column seems to know is not what it has seen.
func (s *sample) learn(v *view, base float64) {
	type tally struct{ rows, hits float64 }
	all, folds := make([]tally, v.keys), [leakFolds][]tally{}
	for f := range folds {
		folds[f] = make([]tally, v.keys)
	}
	for i, key := range v.key {
		hit := 0.0
		if s.labels[i] {
			hit = 1
		}
		of := &folds[s.fold[i]][key]
		of.rows, of.hits = of.rows+1, of.hits+hit
		all[key].rows, all[key].hits = all[key].rows+1, all[key].hits+hit
	}
	v.logOdds = make([]float64, len(v.key))
	p := make([]float64, len(v.key))
	for i, key := range v.key {
		own := folds[s.fold[i]][key]
		p[i] = (all[key].hits - own.hits + priorRows*base) / (all[key].rows - own.rows + priorRows)
		v.logOdds[i] = math.Log(p[i] / (1 - p[i]))
	}
	v.auc = metrics.AUC(p, s.labels)
	v.info = 1 - metrics.LogLoss(p, s.labels)/s.entropy
}

// Bounds of the comparison with all other columns.
const (
	maxCompared   = 40
	maxCandidates = 8
	minOthers     = 3 // that say something, to compare with
	maxRounds     = 4
)

// compare asks which columns know more than all others together, or far more
// on top of them. The worst is taken out and the rest asked again, because one
// leak hides another.
func (s *sample) compare(suspects []*suspect) error {
	for range maxRounds {
		var in []*suspect
		for _, x := range suspects {
			if x.severity() != SeverityLeak && !x.rest && x.view.info > someInfo {
				in = append(in, x)
			}
		}
		slices.SortStableFunc(in, func(a, b *suspect) int {
			if a.view.info > b.view.info {
				return -1
			}
			return 1
		})
		in = in[:min(len(in), maxCompared)]
		if len(in) <= minOthers {
			return nil
		}
		worst, all, err := s.worst(in)
		if err != nil {
			return err
		}
		if worst.of == nil {
			return nil
		}
		x := worst.of
		x.rest = true
		x.most = x.view.info >= mostInfo
		x.say("alone it removes %.0f%% of the uncertainty, all %d others together %.0f%%, with it %.0f%%",
			100*x.view.info, len(in)-1, 100*worst.without, 100*all)
	}
	return nil
}

type without struct {
	of      *suspect
	without float64
}

func (s *sample) worst(in []*suspect) (worst without, all float64, err error) {
	if all, err = s.knows(in); err != nil {
		return worst, 0, err
	}
	most := 0.0
	for i, x := range in[:min(len(in), maxCandidates)] {
		if x.view.info < candidateInfo {
			break
		}
		rest, err := s.knows(slices.Concat(in[:i], in[i+1:]))
		if err != nil {
			return worst, 0, err
		}
		if adds := all - rest; (x.view.info >= rest || adds >= addsInfo) && adds > most {
			most, worst = adds, without{of: x, without: rest}
		}
	}
	return worst, all, nil
}

// knows is the share of the uncertainty that columns remove together: half of
// the rows are scored by a logistic regression over the log-odds of each
// column that was learnt from the other half, and the reverse.
func (s *sample) knows(in []*suspect) (float64, error) {
	names := make([]string, len(in))
	var x [2][]float32
	var labels [2][]bool
	for i, one := range in {
		names[i] = one.view.Name
	}
	for row := range s.rows {
		half := row % 2
		for _, one := range in {
			x[half] = append(x[half], float32(one.view.logOdds[row]))
		}
		labels[half] = append(labels[half], s.labels[row])
	}
	loss := 0.0
	for half := range 2 {
		m, err := logistic.Train(names, x[1-half], labels[1-half], logistic.Options{})
		if err != nil {
			return 0, err
		}
		p := make([]float64, len(labels[half]))
		if err := m.Probabilities(p, x[half]); err != nil {
			return 0, err
		}
		loss += metrics.LogLoss(p, labels[half]) * float64(len(p))
	}
	return 1 - loss/float64(len(s.rows))/s.entropy, nil
}
