// Package models scores leads over Arrow record batches. It knows the columns
// of candidates.lead_features and candidates.lead_scores and nothing of how
// either is made.
package models

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/leadlake/leadlake"
)

// Scorer turns features into scores. An implementation is safe for concurrent
// use, returns one row for each row given, in the same order, and refuses a
// batch that it cannot read instead of scoring it zero.
type Scorer interface {
	// Name is the kind and version, such as "rules@1.0.0-3f9a2c11". Two
	// scorers of one name give the same scores.
	Name() string
	// Score reads the columns of Features and returns the columns of Scores.
	// The caller releases the result.
	Score(ctx context.Context, features arrow.RecordBatch) (arrow.RecordBatch, error)
}

// The columns that scorers and the tables around them share by name.
const (
	colRunID    = "run_id"
	colLeadID   = "lead_id"
	colVertical = "vertical"
)

// Features is the schema of candidates.lead_features: one row per run and
// lead. All but run_id and lead_id may be null, which means unknown.
func Features() *arrow.Schema {
	fields := []arrow.Field{
		{Name: colRunID, Type: arrow.BinaryTypes.String},
		{Name: colLeadID, Type: arrow.BinaryTypes.String},
		{Name: colVertical, Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "rating", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "review_count", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "has_website", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "is_domain_verified", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "tech_signals", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: "employees_range", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "distance_km", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "has_email_on_domain", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "has_phone", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "is_phone_toll_free", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "source_count", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "has_address", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "has_hours", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "category", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "revenue_range", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "funding_usd", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "age_years", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "tech_count", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "email_count", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "has_verified_email", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "social_count", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "leads_nearby", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "is_changed_lately", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	}
	return arrow.NewSchema(fields, nil)
}

// Scores is the schema of candidates.lead_scores: one row per run and lead,
// lead_score from 0 to 100, the strongest reason first. The probability is
// that of a conversion, unknown to rules; contributions are in points of the
// score and, with what every lead starts from, sum to it.
func Scores() *arrow.Schema {
	return arrow.NewSchema([]arrow.Field{
		{Name: colRunID, Type: arrow.BinaryTypes.String},
		{Name: colLeadID, Type: arrow.BinaryTypes.String},
		{Name: "lead_score", Type: arrow.PrimitiveTypes.Int32},
		{Name: "tier", Type: arrow.BinaryTypes.String},
		{Name: "score_explanations", Type: arrow.ListOf(arrow.BinaryTypes.String)},
		{Name: "score_model", Type: arrow.BinaryTypes.String},
		{Name: "probability", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "contributions", Type: arrow.ListOf(contributionType())},
	}, nil)
}

// contributionType is what one feature, or rule, does to a score.
func contributionType() arrow.DataType {
	return arrow.StructOf(
		arrow.Field{Name: "feature", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "points", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	)
}

// CheckSchema returns an Invalid error that names every column of want which
// got lacks, has twice or has with another type. Further columns are allowed.
func CheckSchema(what string, got, want *arrow.Schema) error {
	var faults []string
	for _, field := range want.Fields() {
		if fault := columnFault(got, field); fault != "" {
			faults = append(faults, fault)
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return leadlake.Errorf(leadlake.Invalid, "read %s: %s", what, strings.Join(faults, ", ")).
		WithFix("build the table with the columns of candidates.lead_features and run the step again")
}

func columnFault(got *arrow.Schema, want arrow.Field) string {
	switch at := got.FieldIndices(want.Name); {
	case len(at) == 0:
		return fmt.Sprintf("column %s is missing", want.Name)
	case len(at) > 1:
		return fmt.Sprintf("column %s is there %d times", want.Name, len(at))
	case typeName(got.Field(at[0]).Type) != typeName(want.Type):
		return fmt.Sprintf("column %s is %s, want %s", want.Name, typeName(got.Field(at[0]).Type), typeName(want.Type))
	}
	return ""
}

// typeName is the SQL name of an Arrow type. Lists are compared by what they
// hold, because each writer has its own name for the element field.
func typeName(t arrow.DataType) string {
	switch t.ID() {
	case arrow.STRING:
		return "varchar"
	case arrow.FLOAT64:
		return "double"
	case arrow.INT64:
		return "bigint"
	case arrow.INT32:
		return "integer"
	case arrow.BOOL:
		return "boolean"
	case arrow.LIST:
		if list, ok := t.(*arrow.ListType); ok {
			return "list of " + typeName(list.Elem())
		}
	}
	return t.String()
}

// column returns the column of that name. The schema has been checked.
func column(batch arrow.RecordBatch, name string) arrow.Array {
	return batch.Column(batch.Schema().FieldIndices(name)[0])
}
