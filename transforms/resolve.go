package transforms

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Resolution is what resolving a table of records gave.
type Resolution struct {
	Records  int64   `json:"records"`
	Clusters int64   `json:"clusters"`
	Pairs    int64   `json:"pairs"` // matched pairs, before the clusters close them
	Seconds  float64 `json:"seconds"`
}

// recordsKept stands in for the model of the same name where records come
// from a file and not from a run.
func recordsKept(path string) External {
	return External{
		Table:   "intermediate.int_records_kept",
		Columns: "record_id bigint",
		Build: func(ctx context.Context, s *lake.Session) error {
			if err := s.Exec(ctx, "set variable records_file = "+lake.Quote(path)); err != nil {
				return err
			}
			var found int
			const columns = "select count(distinct name) from parquet_schema(getvariable('records_file')) where name in ('source', 'source_key', 'name')"
			if err := s.QueryRow(ctx, columns).Scan(&found); err != nil {
				return fmt.Errorf("read columns of %s: %w", path, err)
			}
			if found < 3 {
				return leadlake.Errorf(leadlake.Invalid, "%s lacks source, source_key or name", path).WithFix("name its columns so")
			}
			return evalScript(ctx, s, "records_kept")
		},
	}
}

// Resolve matches and clusters the records of a Parquet file by the models of
// the pipeline. The clusters stay in scratch.eval.clusters (source,
// source_key, cluster_id).
func Resolve(ctx context.Context, s *lake.Session, path string, progress func(Event)) (Resolution, error) {
	var r Resolution
	began := time.Now()
	if err := readable(path); err != nil {
		return r, fmt.Errorf("resolve: %w", err)
	}
	project, err := Load(ctx, withoutRuns{leadlake.SQL}, s, append(Externals(), recordsKept(path))...)
	if err != nil {
		return r, err
	}
	run := leadlake.Run{RunID: "resolve", CampaignID: "resolve", StartedAt: began}
	if err := setParams(ctx, s, Params{Run: run}); err != nil {
		return r, err
	}
	runner := Runner{Project: project}
	plan := Plan{Targets: []string{"intermediate.int_clusters", "intermediate.int_edges", "intermediate.int_records_kept"}}
	if _, err := runner.Run(ctx, s, plan, progress); err != nil {
		return r, fmt.Errorf("resolve %s: %w", path, err)
	}
	if err := s.Exec(ctx, "create schema if not exists scratch.eval"); err != nil {
		return r, fmt.Errorf("resolve %s: %w", path, err)
	}
	if err := evalScript(ctx, s, "clusters"); err != nil {
		return r, err
	}
	err = s.QueryRow(ctx, "select count(*), count(distinct cluster_id), (select count(*) from intermediate.int_edges) from scratch.eval.clusters").
		Scan(&r.Records, &r.Clusters, &r.Pairs)
	if err != nil {
		return r, fmt.Errorf("resolve %s: count clusters: %w", path, err)
	}
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// WriteClusters writes scratch.eval.clusters as Parquet.
func WriteClusters(ctx context.Context, s *lake.Session, path string) error {
	temp := path + ".partial"
	err := s.Exec(ctx, "copy scratch.eval.clusters to "+lake.Quote(temp)+" (format parquet, compression zstd)")
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write clusters: %w", err), os.RemoveAll(temp))
	}
	return nil
}

// Quality is how clusters compare to known pairs.
type Quality struct {
	Precision      float64 `json:"precision"`
	Recall         float64 `json:"recall"`
	F1             float64 `json:"f1"`
	TruePositives  int64   `json:"true_positives"`
	FalsePositives int64   `json:"false_positives"`
	FalseNegatives int64   `json:"false_negatives"`
}

// Truth says how a file of pairs is to be read. Complete: every pair that is
// not listed is a non-match. Across: only pairs of two sources count.
type Truth struct {
	Path             string
	Complete, Across bool
}

// Evaluate compares scratch.eval.clusters to the truth. Ratios without a
// denominator are 0.
func Evaluate(ctx context.Context, s *lake.Session, t Truth) (Quality, error) {
	var q Quality
	if err := readable(t.Path); err != nil {
		return q, fmt.Errorf("evaluate: %w", err)
	}
	options := fmt.Sprintf("create or replace table scratch.eval.options as select %t as is_complete, %t as is_across", t.Complete, t.Across)
	for _, statement := range []string{"set variable pairs_file = " + lake.Quote(t.Path), options} {
		if err := s.Exec(ctx, statement); err != nil {
			return q, fmt.Errorf("evaluate: %w", err)
		}
	}
	if err := evalScript(ctx, s, "pairs"); err != nil {
		return q, err
	}
	count, err := fs.ReadFile(leadlake.SQL, "sql/eval/pair_counts.sql")
	if err != nil {
		return q, fmt.Errorf("evaluate: %w", err)
	}
	err = s.QueryRow(ctx, string(count)).Scan(&q.TruePositives, &q.FalsePositives, &q.FalseNegatives)
	if err != nil {
		return q, fmt.Errorf("evaluate: count pairs: %w", err)
	}
	q.Precision = ratio(q.TruePositives, q.TruePositives+q.FalsePositives)
	q.Recall = ratio(q.TruePositives, q.TruePositives+q.FalseNegatives)
	q.F1 = ratio(2*q.TruePositives, 2*q.TruePositives+q.FalsePositives+q.FalseNegatives)
	return q, nil
}

func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func evalScript(ctx context.Context, s *lake.Session, name string) error {
	file := "sql/eval/" + name + ".sql"
	text, err := fs.ReadFile(leadlake.SQL, file)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if err := s.Exec(ctx, string(text)); err != nil {
		return SQLError("run script", file, err)
	}
	return nil
}

// readable says in plain words what is wrong with a Parquet file's path.
func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return leadlake.Errorf(leadlake.NotFound, "read %s: %w", path, err)
	}
	defer f.Close()
	magic := make([]byte, 4)
	if n, _ := f.ReadAt(magic, 0); n < 4 || string(magic) != "PAR1" {
		return leadlake.Errorf(leadlake.Invalid, "read %s: it is no Parquet file", path).WithFix("give a file of the shape in the help of this command")
	}
	return nil
}

// withoutRuns hides the models that need a run's raw records or make leads of
// them: what is left matches and clusters any int_records_kept.
type withoutRuns struct{ fs.FS }

// ReadDir implements fs.ReadDirFS.
func (w withoutRuns) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		switch name {
		case "sql":
			return slices.Contains([]string{"staging", "candidates", "marts", "checks"}, e.Name())
		case "sql/intermediate":
			return !isMatching(strings.TrimSuffix(e.Name(), ".sql"))
		}
		return false
	}), err
}

// isMatching says whether a model stands between records and clusters.
func isMatching(model string) bool {
	return slices.Contains([]string{
		"int_records_normalised", "int_block_keys", "int_pairs_blocked", "int_pairs_compared",
		"int_match_weights", "int_pairs_weighed", "int_edges",
	}, model)
}
