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
	Compared int64   `json:"pairs_compared"`
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
	model, err := DefaultMatchModel()
	if err != nil {
		return Resolution{}, err
	}
	return resolveBy(ctx, s, path, model, progress)
}

// resolveBy is Resolve by a model.
func resolveBy(ctx context.Context, s *lake.Session, path string, model MatchModel, progress func(Event)) (Resolution, error) {
	var r Resolution
	began := time.Now()
	targets := []string{"intermediate.int_clusters", "intermediate.int_edges", "intermediate.int_records_kept"}
	if err := buildMatching(ctx, s, path, model, targets, progress); err != nil {
		return r, err
	}
	if err := s.Exec(ctx, "create schema if not exists scratch.eval"); err != nil {
		return r, fmt.Errorf("resolve %s: %w", path, err)
	}
	if err := evalScript(ctx, s, "clusters"); err != nil {
		return r, err
	}
	const counts = "select count(*), count(distinct cluster_id), any_value(e.pairs), any_value(e.matched) from scratch.eval.clusters cross join (select count(*) as pairs, count(*) filter (where match_weight > 0) as matched from intermediate.int_edges) as e"
	err := s.QueryRow(ctx, counts).
		Scan(&r.Records, &r.Clusters, &r.Compared, &r.Pairs)
	if err != nil {
		return r, fmt.Errorf("resolve %s: count clusters: %w", path, err)
	}
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// buildMatching builds tables of the matching models over the records of a
// Parquet file.
func buildMatching(ctx context.Context, s *lake.Session, path string, model MatchModel, targets []string, progress func(Event)) error {
	if err := readable(path); err != nil {
		return fmt.Errorf("resolve: %w", err)
	}
	externals := append(Externals(), recordsKept(path))
	for i, e := range externals {
		if e.Table == "intermediate.int_match_weights" {
			externals[i].Build = func(ctx context.Context, s *lake.Session) error { return writeMatchWeights(ctx, s, model) }
		}
	}
	project, err := Load(ctx, withoutRuns{leadlake.SQL}, s, externals...)
	if err != nil {
		return err
	}
	run := leadlake.Run{RunID: "resolve", CampaignID: "resolve", StartedAt: time.Now()}
	if err := setParams(ctx, s, Params{Run: run}); err != nil {
		return err
	}
	runner := Runner{Project: project}
	if _, err := runner.Run(ctx, s, Plan{Targets: targets}, progress); err != nil {
		return fmt.Errorf("resolve %s: %w", path, err)
	}
	return nil
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
	if strings.HasPrefix(model, "int_keys_") || strings.HasPrefix(model, "int_pairs_") {
		return true
	}
	return slices.Contains([]string{
		"int_names", "int_shared_contacts", "int_records_normalised", "int_block_keys", "int_blocks", "int_patterns",
		"int_pattern_weights", "int_edges",
	}, model)
}
