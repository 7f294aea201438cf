package train

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/models"
	"github.com/leadlake/leadlake/models/learned"
)

// Table is delivered leads with what became of them, in the order of their
// delivery. Release it.
type Table struct {
	batches []arrow.RecordBatch
	Labels  []bool // whether the lead converted
	Times   []time.Time
}

// Read reads marts.lead_labels of a vertical: features are as they were when
// the lead was delivered. Leads that were delivered at one time come in an
// order that says nothing about them.
func Read(ctx context.Context, l *lake.Lake, vertical string) (*Table, error) {
	s, err := l.Session(ctx)
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	defer s.Close()
	// The columns of features come with the first labels.
	const known = "select count(*) from duckdb_columns() where database_name = 'lake' and schema_name = 'marts' and table_name = 'lead_labels' and column_name = 'vertical'"
	var found int
	if err := s.QueryRow(ctx, known).Scan(&found); err != nil {
		return nil, fmt.Errorf("look for labels: %w", err)
	}
	none := leadlake.Errorf(leadlake.NotFound, "no %s lead was delivered and judged yet", vertical).
		WithFix("deliver leads, then pull what became of them: leadlake feedback")
	if found == 0 {
		return nil, none
	}
	var names []string
	for _, f := range models.Features().Fields() {
		names = append(names, f.Name)
	}
	query := "select " + strings.Join(names, ", ") + ", label = 1 as label, delivered_at::timestamptz as delivered_at from lake.marts.lead_labels where vertical = " +
		lake.Quote(vertical) + " order by delivered_at, md5(lead_id), run_id"
	t := &Table{}
	err = s.Batches(ctx, query, func(b arrow.RecordBatch) error {
		b.Retain()
		return t.add(b)
	})
	if err != nil {
		t.Release()
		return nil, fmt.Errorf("read labels: %w", err)
	}
	if t.Rows() == 0 {
		return nil, none
	}
	return t, nil
}

// add takes over a batch with the columns label and delivered_at.
func (t *Table) add(b arrow.RecordBatch) error {
	t.batches = append(t.batches, b)
	labels, ok := b.Column(b.Schema().FieldIndices("label")[0]).(*array.Boolean)
	times, fine := b.Column(b.Schema().FieldIndices("delivered_at")[0]).(*array.Timestamp)
	if !ok || !fine {
		return leadlake.Errorf(leadlake.Internal, "read labels: columns are of %s", b.Schema())
	}
	unit := times.DataType().(*arrow.TimestampType).Unit
	for row := range int(b.NumRows()) {
		t.Labels = append(t.Labels, labels.Value(row))
		t.Times = append(t.Times, times.Value(row).ToTime(unit))
	}
	return nil
}

// Release frees the rows.
func (t *Table) Release() {
	for _, b := range t.batches {
		b.Release()
	}
	t.batches = nil
}

// Rows is how many leads there are.
func (t *Table) Rows() int { return len(t.Labels) }

// Positives is how many of them converted.
func (t *Table) Positives() int {
	n := 0
	for _, l := range t.Labels {
		if l {
			n++
		}
	}
	return n
}

// part is the rows from one to before another.
func (t *Table) part(from, to int) *Table {
	p := &Table{Labels: t.Labels[from:to], Times: t.Times[from:to]}
	start := 0
	for _, b := range t.batches {
		end := start + int(b.NumRows())
		if low, high := max(from, start), min(to, end); low < high {
			p.batches = append(p.batches, b.NewSlice(int64(low-start), int64(high-start)))
		}
		start = end
	}
	return p
}

// matrix is the rows as a model sees them.
func (t *Table) matrix(e learned.Encoding) ([]float32, error) {
	x := make([]float32, t.Rows()*len(e.Columns))
	at := 0
	for _, b := range t.batches {
		size := int(b.NumRows()) * len(e.Columns)
		if err := e.Fill(x[at:at+size], b); err != nil {
			return nil, err
		}
		at += size
	}
	return x, nil
}

// score runs a scorer over the rows. Where it gives no probability the score
// stands in, and isProbability is false.
func (t *Table) score(ctx context.Context, s models.Scorer) (scores []float64, points []int32, isProbability bool, err error) {
	isProbability = true
	for _, b := range t.batches {
		out, err := s.Score(ctx, b)
		if err != nil {
			return nil, nil, false, err
		}
		given := out.Column(out.Schema().FieldIndices("probability")[0]).(*array.Float64)
		whole := out.Column(out.Schema().FieldIndices("lead_score")[0]).(*array.Int32)
		for row := range int(out.NumRows()) {
			points = append(points, whole.Value(row))
			if given.IsValid(row) {
				scores = append(scores, given.Value(row))
			} else {
				scores, isProbability = append(scores, float64(whole.Value(row))), false
			}
		}
		out.Release()
	}
	return scores, points, isProbability, nil
}

// split cuts the rows in three, the latest last: to learn, to calibrate and
// choose, and to test. Cuts are moved to where a new delivery begins, where
// one does near enough; byTime says whether both are.
func (t *Table) split() (learn, tune, test *Table, byTime bool) {
	n := t.Rows()
	cut := func(share float64) (int, bool) {
		want := int(share * float64(n))
		best, near := want, n/8
		moved := false
		for i := 1; i < n; i++ {
			if distance := max(i-want, want-i); !t.Times[i].Equal(t.Times[i-1]) && distance <= near {
				best, near, moved = i, distance, true
			}
		}
		return best, moved
	}
	first, one := cut(0.6)
	second, two := cut(0.8)
	return t.part(0, first), t.part(first, second), t.part(second, n), one && two
}
