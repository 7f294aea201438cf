package gbtree

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake"
)

// BatchMargins is Margins of the batch's columns that are named like the
// model's features. They are numbers or booleans, and a null is missing;
// further columns are allowed.
func (m *Model) BatchMargins(dst []float64, batch arrow.RecordBatch) error {
	src, err := m.batch(len(dst), batch, len(m.base))
	if err != nil {
		return err
	}
	return m.margins(dst, src)
}

// BatchProbabilities is Probabilities of columns as of BatchMargins.
func (m *Model) BatchProbabilities(dst []float64, batch arrow.RecordBatch) error {
	src, err := m.batch(len(dst), batch, len(m.base))
	if err != nil {
		return err
	}
	return m.probabilities(dst, src)
}

// BatchContributions is Contributions of columns as of BatchMargins.
func (m *Model) BatchContributions(dst []float64, batch arrow.RecordBatch) error {
	src, err := m.batch(len(dst), batch, len(m.base)*(len(m.names)+1))
	if err != nil {
		return err
	}
	return m.contributions(dst, src)
}

type batch struct {
	length  int
	columns []column
}

// column writes values from a row on as float32, and NaN for nulls.
type column func(out []float32, from int)

func (b batch) rows() int { return b.length }

func (b batch) fill(out []float32, from, n int) error {
	for f, column := range b.columns {
		column(out[f*blockRows:][:n], from)
	}
	return nil
}

func (m *Model) batch(want int, rb arrow.RecordBatch, perRow int) (source, error) {
	b := batch{length: int(rb.NumRows()), columns: make([]column, len(m.names))}
	if want != b.length*perRow {
		return nil, leadlake.Errorf(leadlake.Invalid,
			"score by trees: %d rows have %d results each, and there is room for %d", b.length, perRow, want)
	}
	var faults []string
	for f, name := range m.names {
		at := rb.Schema().FieldIndices(name)
		if len(at) != 1 {
			what := "is missing"
			if len(at) > 1 {
				what = fmt.Sprintf("is there %d times", len(at))
			}
			faults = append(faults, fmt.Sprintf("column %s %s", name, what))
			continue
		}
		values := rb.Column(at[0])
		if b.columns[f] = columnOf(values); b.columns[f] == nil {
			faults = append(faults, fmt.Sprintf("column %s is %s, want numbers or booleans", name, values.DataType()))
		}
	}
	if len(faults) > 0 {
		return nil, leadlake.Errorf(leadlake.Invalid, "score by trees: %s", summary(faults)).
			WithFix("give the columns that the model was trained on, or train a new model on these")
	}
	return b, nil
}

// columnOf is nil for a type that is no number.
func columnOf(values arrow.Array) column {
	switch a := values.(type) {
	case *array.Float32:
		return numbers(a, a.Float32Values())
	case *array.Float64:
		return numbers(a, a.Float64Values())
	case *array.Int8:
		return numbers(a, a.Int8Values())
	case *array.Int16:
		return numbers(a, a.Int16Values())
	case *array.Int32:
		return numbers(a, a.Int32Values())
	case *array.Int64:
		return numbers(a, a.Int64Values())
	case *array.Uint8:
		return numbers(a, a.Uint8Values())
	case *array.Uint16:
		return numbers(a, a.Uint16Values())
	case *array.Uint32:
		return numbers(a, a.Uint32Values())
	case *array.Uint64:
		return numbers(a, a.Uint64Values())
	case *array.Boolean:
		return func(out []float32, from int) {
			for r := range out {
				switch {
				case a.IsNull(from + r):
					out[r] = missing
				case a.Value(from + r):
					out[r] = 1
				default:
					out[r] = 0
				}
			}
		}
	}
	return nil
}

func numbers[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64](a arrow.Array, values []T) column {
	nulls := a.NullN() > 0
	return func(out []float32, from int) {
		for r, v := range values[from:][:len(out)] {
			out[r] = float32(v)
		}
		if nulls {
			for r := range out {
				if a.IsNull(from + r) {
					out[r] = missing
				}
			}
		}
	}
}
