package transforms

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Truth says what is known about the records of a file.
type Truth struct {
	// Path is a Parquet file of labelled pairs, or, with ByID, the file of the
	// records: those with one truth_id are one business, and no other pair is.
	Path string
	ByID bool

	Complete bool // every pair that is not listed is a non-match
	Across   bool // only pairs of two sources count
}

func (t Truth) complete() bool { return t.Complete || t.ByID }

// Quality is how clusters compare to the truth.
type Quality struct {
	Found
	Precision      float64 `json:"precision"`
	F1             float64 `json:"f1"`
	FalsePositives int64   `json:"false_positives"`
	*BCubed                // nil unless the truth is complete
}

// Found is the part of Quality that holds where the truth is only some of the
// matches, too.
type Found struct {
	Recall         float64 `json:"recall"`
	BlockingRecall float64 `json:"blocking_recall"` // share of the true pairs that were compared: no model finds more
	TruePositives  int64   `json:"true_positives"`
	FalseNegatives int64   `json:"false_negatives"`
}

// BCubed is the mean over records of how much of a record's cluster is right
// (precision) and how much of its business is in it (recall), the record
// itself included. Pairs weigh a cluster by the square of its size, this by
// its size (Bagga and Baldwin, "Algorithms for Scoring Coreference Chains",
// 1998).
type BCubed struct {
	BCubedPrecision float64 `json:"b_cubed_precision"`
	BCubedRecall    float64 `json:"b_cubed_recall"`
	BCubedF1        float64 `json:"b_cubed_f1"`
}

// Evaluate compares scratch.eval.clusters to the truth. Ratios without a
// denominator are 0. It never lists the pairs of a cluster: it counts them, so
// that a cluster of 100,000 costs no more than its records.
func Evaluate(ctx context.Context, s *lake.Session, t Truth) (Quality, error) {
	var q Quality
	if err := countTruth(ctx, s, t); err != nil {
		return q, fmt.Errorf("evaluate: %w", err)
	}
	text, err := fs.ReadFile(leadlake.SQL, "sql/eval/quality.sql")
	if err != nil {
		return q, fmt.Errorf("evaluate: %w", err)
	}
	var blocked int64
	var precision, recall sql.NullFloat64
	err = s.QueryRow(ctx, string(text)).Scan(&q.TruePositives, &q.FalsePositives, &q.FalseNegatives, &blocked, &precision, &recall)
	if err != nil {
		return q, fmt.Errorf("evaluate: count pairs: %w", err)
	}
	q.Precision = ratio(q.TruePositives, q.TruePositives+q.FalsePositives)
	q.Recall = ratio(q.TruePositives, q.TruePositives+q.FalseNegatives)
	q.F1 = ratio(2*q.TruePositives, 2*q.TruePositives+q.FalsePositives+q.FalseNegatives)
	q.BlockingRecall = ratio(blocked, q.TruePositives+q.FalseNegatives)
	if t.complete() && precision.Valid { // there are records
		p, r := precision.Float64, recall.Float64
		q.BCubed = &BCubed{BCubedPrecision: p, BCubedRecall: r, BCubedF1: 2 * p * r / (p + r)}
	}
	return q, nil
}

// countTruth makes eval.degrees and eval.counted for a truth.
func countTruth(ctx context.Context, s *lake.Session, t Truth) error {
	variable, scripts := "pairs_file", []string{"records", "pairs", "by_pairs"}
	if t.ByID {
		variable, scripts = "records_file", []string{"records", "by_truth_id"}
	}
	if err := readable(t.Path); err != nil {
		return err
	}
	options := fmt.Sprintf("create or replace table scratch.eval.options as select %t as is_complete, %t as is_across", t.complete(), t.Across)
	for _, statement := range []string{"set variable " + variable + " = " + lake.Quote(t.Path), options} {
		if err := s.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if t.ByID {
		var found int
		const column = "select count(*) from parquet_schema(getvariable('records_file')) where name = 'truth_id'"
		if err := s.QueryRow(ctx, column).Scan(&found); err != nil {
			return fmt.Errorf("read columns of %s: %w", t.Path, err)
		}
		if found == 0 {
			return leadlake.Errorf(leadlake.Invalid, "%s has no column truth_id", t.Path).
				WithFix("add the column, or give a file of pairs with --pairs")
		}
	}
	for _, script := range scripts {
		if err := evalScript(ctx, s, script); err != nil {
			return err
		}
	}
	return nil
}

// ResolveSet resolves a labelled set, a folder with records.parquet and
// pairs.parquet, by the shipped model. A set that lists no non-match is
// complete: every other pair is one.
func ResolveSet(ctx context.Context, s *lake.Session, dir string, across bool) (SetQuality, error) {
	set := SetQuality{Set: filepath.Base(dir)}
	truth := Truth{Path: filepath.Join(dir, "pairs.parquet"), Across: across}
	err := readable(truth.Path)
	if err != nil {
		return set, fmt.Errorf("resolve %s: %w", set.Set, err)
	}
	if set.Resolution, err = Resolve(ctx, s, filepath.Join(dir, "records.parquet"), nil); err != nil {
		return set, err
	}
	const complete = "select coalesce(bool_and(is_match), true) from read_parquet("
	if err := s.QueryRow(ctx, complete+lake.Quote(truth.Path)+")").Scan(&truth.Complete); err != nil {
		return set, fmt.Errorf("read %s: %w", truth.Path, err)
	}
	set.Quality, err = Evaluate(ctx, s, truth)
	return set, err
}

func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
