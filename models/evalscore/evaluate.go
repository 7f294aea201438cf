package evalscore

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models"
	"github.com/leadlake/leadlake/models/logistic"
	"github.com/leadlake/leadlake/models/metrics"
	"github.com/leadlake/leadlake/models/xgbtrain"
)

// Kinds of scorers. Constant gives every row the share of positives.
const (
	Constant = "constant"
	Logistic = "logistic"
	XGBoost  = "xgboost"
)

// Defaults of Options.
const (
	DefaultFolds  = 5
	DefaultMargin = 0.01 // of AUC
)

// minClass rows of each outcome are needed.
const minClass = 20

// Options of Evaluate.
type Options struct {
	TimeSplit float64 // share of the latest rows to test on; 0: folds
	Folds     int
	Python    string  // that can train XGBoost; "": logistic regression alone
	Margin    float64 // by how much AUC a challenger has to win
	DropLeaks bool    // learn without what is surely a leak
	Seed      uint64
	Progress  func(format string, args ...any)
}

// Evaluate looks for leaks, trains on some rows, calibrates, and tests on
// others. Equal tables and options give an equal report.
func Evaluate(ctx context.Context, t *Table, o Options) (Report, error) {
	o.Folds = cmp.Or(o.Folds, DefaultFolds)
	o.Margin = cmp.Or(o.Margin, DefaultMargin)
	if o.Progress == nil {
		o.Progress = func(string, ...any) {}
	}
	r := Report{Rows: t.Rows(), Positives: t.Positives()}
	if p := t.Positives(); min(p, t.Rows()-p) < minClass {
		return r, leadlake.Errorf(leadlake.Invalid, "evaluate: %d rows are positive and %d are not; %d of each are needed", p, t.Rows()-p, minClass).
			WithFix("give more rows")
	}
	o.Progress("score      looking for leaks in %d columns", len(t.Columns))
	var err error
	if r.Leaks, err = FindLeaks(t, o.Seed); err != nil {
		return r, err
	}
	if o.DropLeaks {
		for _, l := range r.Leaks {
			if l.Severity == SeverityLeak {
				r.Left = append(r.Left, l.Column)
			}
		}
		t.drop(r.Left)
	}
	r.Features, r.Notes = len(t.Columns), slices.Clone(t.Notes)
	if r.Features == 0 {
		return r, leadlake.Errorf(leadlake.Invalid, "evaluate: no column is left to learn from").WithFix("keep some")
	}
	if o.Python == "" {
		r.Notes = append(r.Notes, "without XGBoost: logistic regression alone (`make deps` installs it)")
	}
	e := evaluation{table: t, o: o}
	if err := e.run(ctx, &r); err != nil {
		return r, err
	}
	for i := range r.Models {
		r.Models[i].measure(e.truth)
	}
	best := slices.MinFunc(r.Models, func(a, b Result) int { return cmp.Compare(a.LogLoss, b.LogLoss) })
	r.Best = best.Kind
	r.gates(e, o)
	return r, nil
}

// evaluation is the tests so far.
type evaluation struct {
	table *Table
	o     Options
	truth []bool    // of the tested rows
	base  []float64 // share of positives in the rows that a tested row's model was learnt from
}

func (e *evaluation) run(ctx context.Context, r *Report) error {
	if e.o.TimeSplit > 0 {
		return e.byTime(ctx, r)
	}
	return e.byFolds(ctx, r)
}

// byFolds scores each row by a model of the other folds. The curve of a fold
// is learnt from the rows of the others, which were scored by models that had
// not seen them either.
func (e *evaluation) byFolds(ctx context.Context, r *Report) error {
	fold := e.folds()
	n := e.table.Rows()
	r.Split = Split{Kind: "folds", Folds: e.o.Folds, Learn: n - n/e.o.Folds, Calibrate: n - n/e.o.Folds, Test: n}
	e.truth, e.base = e.table.Labels, make([]float64, n)
	for k := range e.o.Folds {
		e.o.Progress("score      fold %d of %d", k+1, e.o.Folds)
		in, out := inFold(fold, k, false), inFold(fold, k, true)
		fitted, encoder, err := e.fit(ctx, e.table.Columns, in, r)
		if err != nil {
			return err
		}
		share := float64(e.positives(in)) / float64(len(in))
		for _, row := range out {
			e.base[row] = share
		}
		for i, f := range fitted {
			if k == 0 {
				r.Models = append(r.Models, Result{Kind: f.kind, probabilities: make([]float64, n), margins: make([]float64, n)})
			}
			m, err := r.Models[i].score(f.model, encoder, out)
			if err != nil {
				return err
			}
			for j, row := range out {
				r.Models[i].margins[row] = m[j]
			}
		}
	}
	for i := range r.Models {
		res := &r.Models[i]
		for k := range e.o.Folds {
			in, out := inFold(fold, k, false), inFold(fold, k, true)
			p := make([]float64, len(out))
			if err := res.calibrate(pick(res.margins, in), e.labels(in), pick(res.margins, out), p); err != nil {
				return err
			}
			for j, row := range out {
				res.probabilities[row] = p[j]
			}
		}
	}
	return nil
}

// folds deals the rows of each outcome out evenly.
func (e *evaluation) folds() []int {
	order := upTo(e.table.Rows())
	r := rand.New(rand.NewPCG(e.o.Seed, 1))
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	fold, seen := make([]int, len(order)), [2]int{}
	for _, row := range order {
		at := 0
		if e.table.Labels[row] {
			at = 1
		}
		fold[row] = seen[at] % e.o.Folds
		seen[at]++
	}
	return fold
}

func upTo(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

func inFold(fold []int, k int, inside bool) []int {
	var rows []int
	for row, f := range fold {
		if (f == k) == inside {
			rows = append(rows, row)
		}
	}
	return rows
}

func constant(n int, v float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func (e *evaluation) labels(rows []int) []bool { return pick(e.table.Labels, rows) }

func (e *evaluation) positives(rows []int) int {
	n := 0
	for _, row := range rows {
		if e.table.Labels[row] {
			n++
		}
	}
	return n
}

type fittedModel struct {
	kind  string
	model models.Model
}

// fit trains each kind on rows of columns.
func (e *evaluation) fit(ctx context.Context, columns []*Column, rows []int, r *Report) ([]fittedModel, *encoder, error) {
	encoder := learnEncoder(columns, rows)
	if err := encoder.check(); err != nil {
		return nil, nil, leadlake.Errorf(leadlake.Invalid, "evaluate: %w", err).WithFix("give columns that vary")
	}
	x, labels := encoder.matrix(rows), e.labels(rows)
	e.o.Progress("score      logistic regression on %d rows of %d columns", len(rows), len(encoder.names))
	linear, err := logistic.Train(encoder.names, x, labels, logistic.Options{})
	if err != nil {
		return nil, nil, err
	}
	fitted := []fittedModel{{Logistic, linear}}
	if e.o.Python == "" {
		return fitted, encoder, nil
	}
	e.o.Progress("score      XGBoost on %d rows of %d columns", len(rows), len(encoder.names))
	trees, err := trainTrees(ctx, e.o, encoder, x, labels)
	if leadlake.ErrorCode(err) == leadlake.NotFound {
		if note := err.Error(); !slices.Contains(r.Notes, note) {
			r.Notes = append(r.Notes, note)
		}
		e.o.Python = ""
		return fitted, encoder, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return append(fitted, fittedModel{XGBoost, trees}), encoder, nil
}

// trainTrees trains shallow trees slowly, as tables of some thousand rows want it.
// The names go by number, because XGBoost does not allow all that columns have.
func trainTrees(ctx context.Context, o Options, e *encoder, x []float32, labels []bool) (models.Model, error) {
	y, names := make([]float32, len(labels)), make([]string, len(e.names))
	for i, l := range labels {
		if l {
			y[i] = 1
		}
	}
	for i := range names {
		names[i] = fmt.Sprintf("f%d", i)
	}
	result, err := xgbtrain.Train(ctx, xgbtrain.Options{
		Python: o.Python, FeatureNames: names, X: x, Y: y, Seed: int64(o.Seed), Threads: 1,
		Rounds: 200, MaxDepth: 4, LearningRate: 0.05, MinChildWeight: 5, Subsample: 0.8, ColumnsPerTree: 0.6,
	})
	if err != nil {
		return nil, err
	}
	return result.Model, nil
}

func margins(m models.Model, x []float32) ([]float64, error) {
	out := make([]float64, len(x)/len(m.FeatureNames()))
	return out, m.Margins(out, x)
}

// gates asks of each model whether it might take over from the simpler one:
// by the margin, beyond chance, and not at the price of worse probabilities.
func (r *Report) gates(e evaluation, o Options) {
	// All rows stand equal; that the folds' shares differ by a hair is no skill.
	champion := Result{Kind: Constant, margins: make([]float64, len(e.truth)), AUC: 0.5, LogLoss: metrics.LogLoss(e.base, e.truth)}
	for _, m := range r.Models {
		g := Gate{Champion: champion.Kind, Challenger: m.Kind, Gain: m.AUC - champion.AUC, Margin: o.Margin}
		g.Low, g.High = metrics.GainInterval(m.margins, champion.margins, e.truth, o.Seed)
		interval := fmt.Sprintf("%+.4f of AUC (90%% interval %+.4f to %+.4f; it has to win by %g)", g.Gain, g.Low, g.High, o.Margin)
		switch {
		case g.Gain < o.Margin:
			g.Why = fmt.Sprintf("%s stays: %s is %s", champion.Kind, m.Kind, interval)
		case g.Low <= 0:
			g.Why = fmt.Sprintf("%s stays: %s is %s, which may be chance", champion.Kind, m.Kind, interval)
		case m.LogLoss > champion.LogLoss:
			g.Why = fmt.Sprintf("%s stays: %s is %s, but its probabilities are worse: log loss %.4f against %.4f", champion.Kind, m.Kind, interval, m.LogLoss, champion.LogLoss)
		default:
			g.Promote = true
			g.Why = fmt.Sprintf("%s takes over from %s: %s, log loss %.4f against %.4f", m.Kind, champion.Kind, interval, m.LogLoss, champion.LogLoss)
		}
		r.Gates = append(r.Gates, g)
		if g.Promote {
			champion = m
		}
	}
}

// Flagged are the names of the columns that are surely leaks, for a sentence.
func (r Report) Flagged() string {
	var names []string
	for _, l := range r.Leaks {
		if l.Severity == SeverityLeak {
			names = append(names, l.Column)
		}
	}
	return strings.Join(names, ", ")
}
