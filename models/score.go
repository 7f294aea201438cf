package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// chunkRows is how many scored rows are held in Go before they go to scratch.
const chunkRows = 100_000

// ScoreRun scores candidates.lead_features of a run and replaces the run's
// rows in candidates.lead_scores in one commit. It may run again at any time.
// It returns the number of leads scored; progress, which may be nil, is told
// the number so far.
func ScoreRun(ctx context.Context, l *lake.Lake, runID string, scorer Scorer, progress func(rows int64)) (int64, error) {
	reader, err := l.Session(ctx)
	if err != nil {
		return 0, fmt.Errorf("score run %s: %w", runID, err)
	}
	defer reader.Close()
	// A session that streams a result cannot write, so a second one does.
	writer, err := l.Session(ctx)
	if err != nil {
		return 0, fmt.Errorf("score run %s: %w", runID, err)
	}
	defer writer.Close()

	job := scoring{reader: reader, writer: writer, runID: runID, scorer: scorer, progress: progress}
	defer job.drop(ctx)
	if err := job.toScratch(ctx); err != nil {
		return 0, fmt.Errorf("score run %s: %w", runID, err)
	}
	if err := job.publish(ctx); err != nil {
		return 0, fmt.Errorf("score run %s: write lead scores: %w", runID, err)
	}
	return job.rows, nil
}

// scoring is one call of ScoreRun.
type scoring struct {
	reader, writer *lake.Session
	runID          string
	scorer         Scorer
	progress       func(rows int64)

	table   string // scratch table of the scored rows
	pending []arrow.RecordBatch
	held    int64 // rows in pending
	rows    int64 // rows in scratch
}

// toScratch streams features through the scorer into a scratch table, so that
// the run's leads need not fit into memory.
func (j *scoring) toScratch(ctx context.Context) error {
	if err := j.requireFeatures(ctx); err != nil {
		return err
	}
	// Two runs may be scored side by side in one process.
	sum := sha256.Sum256([]byte(j.runID))
	j.table = "scratch.runtime.scored_" + hex.EncodeToString(sum[:8])
	if err := j.load(ctx, nil); err != nil {
		return err
	}
	defer j.release()
	query := "select * from lake.candidates.lead_features where run_id = " + lake.Quote(j.runID)
	err := j.reader.Batches(ctx, query, func(features arrow.RecordBatch) error {
		scored, err := j.score(ctx, features)
		if err != nil {
			return err
		}
		j.pending = append(j.pending, scored)
		if j.held += scored.NumRows(); j.held < chunkRows {
			return nil
		}
		return j.flush(ctx)
	})
	if err != nil {
		return err
	}
	return j.flush(ctx)
}

func (j *scoring) requireFeatures(ctx context.Context) error {
	const query = "select count(*) from duckdb_tables() where database_name = 'lake' and schema_name = 'candidates' and table_name = 'lead_features'"
	var found int
	if err := j.reader.QueryRow(ctx, query).Scan(&found); err != nil {
		return fmt.Errorf("look for lead features: %w", err)
	}
	if found == 0 {
		return leadlake.Errorf(leadlake.NotFound, "no lead features yet").WithFix("transform the run first")
	}
	return nil
}

// score runs the scorer and holds it to its promise.
func (j *scoring) score(ctx context.Context, features arrow.RecordBatch) (arrow.RecordBatch, error) {
	scored, err := j.scorer.Score(ctx, features)
	if err != nil {
		return nil, err
	}
	if scored.NumRows() != features.NumRows() {
		defer scored.Release()
		return nil, fmt.Errorf("scorer %s gave %d rows for %d", j.scorer.Name(), scored.NumRows(), features.NumRows())
	}
	if !scored.Schema().Equal(Scores()) {
		defer scored.Release()
		return nil, fmt.Errorf("scorer %s gave columns %s", j.scorer.Name(), scored.Schema())
	}
	return scored, nil
}

// flush moves what is pending to the scratch table.
func (j *scoring) flush(ctx context.Context) error {
	if j.held == 0 {
		return nil
	}
	if err := j.load(ctx, j.pending); err != nil {
		return err
	}
	j.rows += j.held
	j.release()
	if j.progress != nil {
		j.progress(j.rows)
	}
	return nil
}

// load appends batches to the scratch table, or makes it empty for none.
func (j *scoring) load(ctx context.Context, batches []arrow.RecordBatch) error {
	reader, err := array.NewRecordReader(Scores(), batches)
	if err != nil {
		return fmt.Errorf("collect scores: %w", err)
	}
	defer reader.Release()
	write := j.writer.Append
	if len(batches) == 0 {
		write = j.writer.Load
	}
	if err := write(ctx, j.table, reader); err != nil {
		return fmt.Errorf("keep scores in scratch: %w", err)
	}
	return nil
}

func (j *scoring) release() {
	for _, batch := range j.pending {
		batch.Release()
	}
	j.pending, j.held = j.pending[:0], 0
}

// publish replaces the run's scores. Ordered rows give readers small ranges
// per file, and equal files for equal scores.
func (j *scoring) publish(ctx context.Context) error {
	return j.writer.Commit(ctx, func(ctx context.Context) error {
		for _, statement := range []string{
			"delete from lake.candidates.lead_scores where run_id = " + lake.Quote(j.runID),
			"insert into lake.candidates.lead_scores by name select * from " + j.table + " order by lead_id",
		} {
			if err := j.writer.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// drop frees the scratch table, also where the caller's context is over.
func (j *scoring) drop(ctx context.Context) {
	if j.table != "" {
		// The scratch database ends with the process: a table left is no harm.
		_ = j.writer.Exec(context.WithoutCancel(ctx), "drop table if exists "+j.table)
	}
}
