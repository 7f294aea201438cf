package models

import (
	"context"
	"math"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// maxScore is the highest score there is.
const maxScore = 100

// Rules is the Scorer that adds points for each rule of a file that a lead
// meets (product specification, 19.1). It never changes after ParseRules.
type Rules struct {
	name  string
	tiers []tier // best first
	rules []rule // most points first
	mem   memory.Allocator
}

type tier struct {
	name string
	min  int32
}

type rule struct {
	id      string
	points  int32
	when    []condition
	because []part
}

type condition struct {
	feature string
	test    test
}

// part is a piece of a reason: a constant text, or the value of a feature.
type part struct {
	text    string
	feature string
}

// WithAllocator returns a copy that takes its memory from mem.
func (r *Rules) WithAllocator(mem memory.Allocator) *Rules {
	c := *r
	c.mem = mem
	return &c
}

// Name is "rules@" with the file's version and a hash of its text.
func (r *Rules) Name() string { return r.name }

// Score applies every rule column by column, then writes the reasons row by
// row. It fails with Invalid where the columns are not those of Features or a
// key is null.
func (r *Rules) Score(ctx context.Context, features arrow.RecordBatch) (arrow.RecordBatch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := CheckSchema("lead features", features.Schema(), Features()); err != nil {
		return nil, err
	}
	if err := CheckKeys(features); err != nil {
		return nil, err
	}
	rows := int(features.NumRows())
	fired := make([][]bool, len(r.rules))
	total := make([]int32, rows)
	for i, rule := range r.rules {
		fired[i] = rule.rows(features)
		for row, hit := range fired[i] {
			if hit {
				total[row] = min(total[row]+rule.points, maxScore)
			}
		}
	}
	return r.assemble(features, total, fired), nil
}

// rows marks the rows that meet every condition.
func (r rule) rows(features arrow.RecordBatch) []bool {
	keep := make([]bool, features.NumRows())
	for i := range keep {
		keep[i] = true
	}
	for _, c := range r.when {
		c.test(column(features, c.feature), keep)
	}
	return keep
}

// assemble writes, for each row, its score and why each of its rules fired.
func (r *Rules) assemble(features arrow.RecordBatch, total []int32, fired [][]bool) arrow.RecordBatch {
	out := NewScoreBuilder(r.mem, features)
	defer out.Release()
	writers := make([][]writer, len(r.rules))
	for i, rule := range r.rules {
		writers[i] = rule.writers(features)
	}
	var buffer []byte
	for row, score := range total {
		out.Append(score, r.tier(score), r.name, math.NaN())
		left := score // a score ends at 100, whatever more there is to say
		for i, rule := range r.rules {
			if !fired[i][row] {
				continue
			}
			if points := min(rule.points, left); points > 0 {
				out.Contribution(rule.id, float64(points))
				left -= points
			}
			buffer = buffer[:0]
			for _, write := range writers[i] {
				buffer = write(buffer, row)
			}
			out.Reason(buffer)
		}
	}
	return out.NewBatch()
}

// tier is the best tier whose minimum the score reaches; the last has 0.
func (r *Rules) tier(score int32) string {
	for _, t := range r.tiers {
		if score >= t.min {
			return t.name
		}
	}
	return r.tiers[len(r.tiers)-1].name
}

// writer appends a part of a reason for one row.
type writer func(buffer []byte, row int) []byte

// writers binds the parts of the rule's reason to the columns of a batch.
func (r rule) writers(features arrow.RecordBatch) []writer {
	var all []writer
	for _, p := range r.because {
		if p.feature == "" {
			all = append(all, func(b []byte, _ int) []byte { return append(b, p.text...) })
			continue
		}
		all = append(all, valueWriter(column(features, p.feature)))
	}
	return all
}

// valueWriter writes the value as people read it: one decimal for a double,
// "unknown" for a null, which a reason may mention without a condition on it.
func valueWriter(col arrow.Array) writer {
	var write writer
	switch values := col.(type) {
	case *array.Float64:
		write = func(b []byte, row int) []byte { return strconv.AppendFloat(b, values.Value(row), 'f', 1, 64) }
	case *array.Int64:
		write = func(b []byte, row int) []byte { return strconv.AppendInt(b, values.Value(row), 10) }
	case *array.String:
		write = func(b []byte, row int) []byte { return append(b, values.Value(row)...) }
	}
	return func(b []byte, row int) []byte {
		if col.IsNull(row) {
			return append(b, "unknown"...)
		}
		return write(b, row)
	}
}
