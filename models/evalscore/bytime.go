package evalscore

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models/metrics"
)

// forwardBlocks is into how many parts the rows before the tested ones are cut
// to look forward: each but the first two is scored by a model of those before.
const forwardBlocks = 5

// earlier is the rows before the tested ones.
type earlier struct {
	rows   []int
	labels []bool // of the rows that are scored looking forward
}

func (b earlier) block(k int) []int { return b.rows[b.cut(k):b.cut(k+1)] }
func (b earlier) cut(k int) int     { return k * len(b.rows) / forwardBlocks }

// forward is what a kind of model gives looking forward.
type forward struct {
	kind    string
	margins []float64
	auc     float64 // mean of the blocks
}

// byTime learns from the earlier rows and tests on the latest. What is decided
// before that, is decided as the model will be used, looking forward over
// blocks of the earlier rows: the curve, and whether columns that change over
// time are of use.
func (e *evaluation) byTime(ctx context.Context, r *Report) error {
	n := e.table.Rows()
	test := int(math.Round(e.o.TimeSplit * float64(n)))
	rows := upTo(n)
	b := earlier{rows: rows[:n-test]}
	testRows, tuneRows := rows[n-test:], b.rows[b.cut(2):]
	b.labels = e.labels(tuneRows)
	r.Split = Split{Kind: "time", Learn: len(b.rows), Calibrate: len(tuneRows), Test: test}
	for _, part := range []struct {
		what string
		rows []int
	}{{"to learn from", b.rows[:b.cut(2)]}, {"to calibrate on", tuneRows}, {"to test on", testRows}} {
		if p := e.positives(part.rows); min(p, len(part.rows)-p) < minClass/4 {
			return leadlake.Errorf(leadlake.Invalid, "evaluate: of %d rows %s, %d are positive; both outcomes are needed", len(part.rows), part.what, p).
				WithFix("test on another share, such as --time-split 0.2, or split by folds")
		}
	}
	e.truth = e.labels(testRows)
	e.base = constant(test, float64(e.positives(b.rows))/float64(len(b.rows)))
	r.drift(e.table, b.rows, testRows)

	all, err := e.lookForward(ctx, e.table.Columns, b, r)
	if err != nil {
		return err
	}
	steady, left := steadyColumns(e.table.Columns, b.rows)
	var without []forward
	if len(left) > 0 && len(steady) > 0 {
		if without, err = e.lookForward(ctx, steady, b, r); err != nil {
			return err
		}
	}
	for i, f := range all {
		columns := e.table.Columns
		// What changes over time has to earn its place, like a challenger.
		if i < len(without) && f.auc-without[i].auc < e.o.Margin {
			r.Notes = append(r.Notes, fmt.Sprintf("%s: learnt without columns that change over time and are of no use looking forward (AUC %.3f without, %.3f with): %s",
				f.kind, without[i].auc, f.auc, strings.Join(left, ", ")))
			columns, f = steady, without[i]
		}
		if err := e.testLatest(ctx, f, columns, b, testRows, r); err != nil {
			return err
		}
	}
	return nil
}

// lookForward scores each block but the first two by models of those before it.
func (e *evaluation) lookForward(ctx context.Context, columns []*Column, b earlier, r *Report) ([]forward, error) {
	var out []forward
	for k := 2; k < forwardBlocks; k++ {
		fitted, encoder, err := e.fit(ctx, columns, b.rows[:b.cut(k)], r)
		if err != nil {
			return nil, err
		}
		x, labels := encoder.matrix(b.block(k)), e.labels(b.block(k))
		for i, f := range fitted {
			m, err := margins(f.model, x)
			if err != nil {
				return nil, err
			}
			if k == 2 {
				out = append(out, forward{kind: f.kind})
			}
			out[i].margins = append(out[i].margins, m...)
			auc := metrics.AUC(m, labels)
			if math.IsNaN(auc) {
				auc = 0.5 // a block of one outcome says nothing
			}
			out[i].auc += auc / (forwardBlocks - 2)
		}
	}
	return out, nil
}

// testLatest trains one kind on all earlier rows and tests it.
func (e *evaluation) testLatest(ctx context.Context, f forward, columns []*Column, b earlier, testRows []int, r *Report) error {
	fitted, encoder, err := e.fit(ctx, columns, b.rows, r)
	if err != nil {
		return err
	}
	for _, m := range fitted {
		if m.kind != f.kind {
			continue
		}
		res := Result{Kind: f.kind, probabilities: make([]float64, len(testRows))}
		if res.margins, err = res.score(m.model, encoder, testRows); err != nil {
			return err
		}
		if err := res.calibrate(f.margins, b.labels, res.margins, res.probabilities); err != nil {
			return err
		}
		if res.isLevel {
			r.Notes = append(r.Notes, fmt.Sprintf("%s: looking forward, higher scores hardly converted more often, so that its probabilities say next to nothing", f.kind))
		}
		r.Models = append(r.Models, res)
	}
	return nil
}

// steadyColumns are those that lie alike in the first and the second half of
// rows, and the names of the others.
func steadyColumns(columns []*Column, rows []int) (steady []*Column, left []string) {
	half := len(rows) / 2
	for _, c := range columns {
		if c.drift(rows[:half], rows[half:]) > drifted {
			left = append(left, c.Name)
		} else {
			steady = append(steady, c)
		}
	}
	return steady, left
}
