package models

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leadlake/leadlake"
)

// ScoreBuilder makes the scores of a batch of features, row by row.
type ScoreBuilder struct {
	features      arrow.RecordBatch
	score         *array.Int32Builder
	tier, model   *array.StringBuilder
	probability   *array.Float64Builder
	reasons       *array.ListBuilder
	reason        *array.StringBuilder
	contributions *array.ListBuilder
	contribution  *array.StructBuilder
	feature       *array.StringBuilder
	points        *array.Float64Builder
}

// NewScoreBuilder makes scores for the rows of features, which it does not
// keep longer than the builder lives.
func NewScoreBuilder(mem memory.Allocator, features arrow.RecordBatch) *ScoreBuilder {
	b := &ScoreBuilder{
		features: features,
		score:    array.NewInt32Builder(mem), tier: array.NewStringBuilder(mem), model: array.NewStringBuilder(mem),
		probability:   array.NewFloat64Builder(mem),
		reasons:       array.NewListBuilder(mem, arrow.BinaryTypes.String),
		contributions: array.NewListBuilder(mem, contributionType()),
	}
	b.reason = b.reasons.ValueBuilder().(*array.StringBuilder)
	b.contribution = b.contributions.ValueBuilder().(*array.StructBuilder)
	b.feature = b.contribution.FieldBuilder(0).(*array.StringBuilder)
	b.points = b.contribution.FieldBuilder(1).(*array.Float64Builder)
	rows := int(features.NumRows())
	for _, column := range []array.Builder{b.score, b.tier, b.model, b.probability, b.reasons, b.contributions} {
		column.Reserve(rows)
	}
	return b
}

// Append begins the next row. A probability of NaN is unknown.
func (b *ScoreBuilder) Append(score int32, tier, model string, probability float64) {
	b.score.Append(score)
	b.tier.Append(tier)
	b.model.Append(model)
	if math.IsNaN(probability) {
		b.probability.AppendNull()
	} else {
		b.probability.Append(probability)
	}
	b.reasons.Append(true)
	b.contributions.Append(true)
}

// Contribution adds to the row what one feature, or rule, does to its score.
func (b *ScoreBuilder) Contribution(feature string, points float64) {
	b.contribution.Append(true)
	b.feature.Append(feature)
	b.points.Append(points)
}

// Reason adds a line to the row's reasons. The text may be reused after it.
func (b *ScoreBuilder) Reason(text []byte) { b.reason.BinaryBuilder.Append(text) }

// NewBatch returns the scores. The caller releases them.
func (b *ScoreBuilder) NewBatch() arrow.RecordBatch {
	made := []arrow.Array{
		b.score.NewArray(), b.tier.NewArray(), b.reasons.NewArray(), b.model.NewArray(), b.probability.NewArray(), b.contributions.NewArray(),
	}
	// The batch holds its own references; the two keys belong to the features.
	columns := append([]arrow.Array{column(b.features, colRunID), column(b.features, colLeadID)}, made...)
	batch := array.NewRecordBatch(Scores(), columns, b.features.NumRows())
	for _, c := range made {
		c.Release()
	}
	return batch
}

// Release frees what the builder holds.
func (b *ScoreBuilder) Release() {
	for _, column := range []array.Builder{b.score, b.tier, b.model, b.probability, b.reasons, b.contributions} {
		column.Release()
	}
}

// CheckKeys is an Invalid error where a batch lacks the run and lead of a row.
func CheckKeys(features arrow.RecordBatch) error {
	for _, key := range []string{colRunID, colLeadID} {
		if len(features.Schema().FieldIndices(key)) != 1 {
			return leadlake.Errorf(leadlake.Invalid, "read lead features: column %s is missing", key)
		}
		if n := column(features, key).NullN(); n > 0 {
			return leadlake.Errorf(leadlake.Invalid, "read lead features: column %s is null in %d rows", key, n)
		}
	}
	return nil
}
