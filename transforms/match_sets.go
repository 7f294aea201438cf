package transforms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// SetQuality is how one labelled set is resolved by a model.
type SetQuality struct {
	Set string `json:"set"`
	Resolution
	Quality
}

// TrainMatchModel trains a match model on the labelled sets below a folder,
// each a folder with records.parquet and pairs.parquet. A set that lists no
// non-match is complete: every other pair is one. With leaveOut, that set is
// not learnt from.
func TrainMatchModel(ctx context.Context, s *lake.Session, dirs []string, leaveOut string) (MatchModel, error) {
	t, err := newTrainer(ctx, s, dirs)
	if err != nil {
		return MatchModel{}, err
	}
	return t.train(leaveOut), nil
}

// LeaveOneOut resolves each set by a model that has not seen it.
func LeaveOneOut(ctx context.Context, s *lake.Session, dirs []string, across func(set string) bool, report func(SetQuality)) error {
	t, err := newTrainer(ctx, s, dirs)
	if err != nil {
		return err
	}
	for i, name := range t.names {
		r, err := resolveBy(ctx, s, filepath.Join(t.dirs[i], "records.parquet"), t.train(name), nil)
		if err != nil {
			return err
		}
		q, err := Evaluate(ctx, s, Truth{Path: filepath.Join(t.dirs[i], "pairs.parquet"), Complete: t.complete[i], Across: across(name)})
		if err != nil {
			return err
		}
		report(SetQuality{name, r, q})
	}
	return nil
}

// trainer holds the counts of all sets, so that models without one set are
// made fast.
type trainer struct {
	dirs, names []string
	complete    []bool
	sets        []trainingSet
}

func newTrainer(ctx context.Context, s *lake.Session, dirs []string) (*trainer, error) {
	t := &trainer{}
	model, err := DefaultMatchModel() // its weights are not used
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "pairs.parquet")); errors.Is(err, fs.ErrNotExist) {
			return nil, leadlake.Errorf(leadlake.NotFound, "train: %s has no pairs.parquet", dir).WithFix("name folders with records.parquet and pairs.parquet")
		}
		targets := []string{"intermediate.int_pairs_compared", "intermediate.int_patterns", "intermediate.int_records_kept"}
		if err := buildMatching(ctx, s, filepath.Join(dir, "records.parquet"), model, targets, nil); err != nil {
			return nil, err
		}
		set, complete, err := labelledPatterns(ctx, s, filepath.Join(dir, "pairs.parquet"))
		if err != nil {
			return nil, err
		}
		t.dirs, t.names = append(t.dirs, dir), append(t.names, filepath.Base(dir))
		t.sets, t.complete = append(t.sets, set), append(t.complete, complete)
	}
	return t, nil
}

func (t *trainer) train(leaveOut string) MatchModel {
	var sets []trainingSet
	var used []string
	for i, set := range t.sets {
		if t.names[i] != leaveOut {
			sets, used = append(sets, set), append(used, t.names[i])
		}
	}
	model := trainMatchModel(sets)
	model.Version = "1"
	model.Card = []string{
		"Weights in bits. Learnt from the labelled pairs of: " + strings.Join(used, ", ") + ".",
		fmt.Sprintf("Logistic regression on the levels, at most %d matches and %d non-matches of a set, ridge around transforms/comparisons.go.", trainingPairs, trainingPairs),
		"Made by: leadlake eval train. EM adapts the comparisons marked adapts to the data of each run.",
	}
	return model
}

// labelledPatterns counts the patterns of int_pairs_compared by label.
func labelledPatterns(ctx context.Context, s *lake.Session, pairs string) (set trainingSet, complete bool, err error) {
	for _, statement := range []string{"create schema if not exists scratch.eval", "set variable pairs_file = " + lake.Quote(pairs)} {
		if err := s.Exec(ctx, statement); err != nil {
			return set, false, fmt.Errorf("count labelled pairs: %w", err)
		}
	}
	if err := evalScript(ctx, s, "pairs"); err != nil {
		return set, false, err
	}
	if err := s.QueryRow(ctx, "select bool_and(is_match) from scratch.eval.pairs").Scan(&complete); err != nil {
		return set, false, fmt.Errorf("count labelled pairs: %w", err)
	}
	text, err := fs.ReadFile(leadlake.SQL, "sql/eval/labelled_patterns.sql")
	if err != nil {
		return set, false, err
	}
	if err := s.Exec(ctx, "create or replace table scratch.eval.labelled_patterns as "+string(text)); err != nil {
		return set, false, SQLError("run script", "sql/eval/labelled_patterns.sql", err)
	}
	query := "select " + levelColumns() + "l.matches, l.others from scratch.eval.labelled_patterns as l inner join intermediate.int_patterns as p on p.pattern = l.pattern order by p.pattern"
	n := len(comparisons)
	err = s.Batches(ctx, query, func(b arrow.RecordBatch) error {
		for row := range int(b.NumRows()) {
			set.patterns = append(set.patterns, pattern{levels: readLevels(b, row)})
			set.matches = append(set.matches, b.Column(n).(*array.Float64).Value(row))
			set.others = append(set.others, b.Column(n+1).(*array.Float64).Value(row))
		}
		return nil
	})
	return set, complete, err
}

// JSON is the model as match_model.json holds it.
func (m MatchModel) JSON() []byte {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		panic(err) // it holds numbers and texts only
	}
	return append(text, '\n')
}
