// Package xgbtrain trains gradient-boosted trees by the real XGBoost, in a
// Python process of its own, and checks that package gbtree scores by the
// model as XGBoost does.
package xgbtrain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models/gbtree"
)

// Tolerance is how far our predictions may be from XGBoost's: the last bits
// of its exponential function, relative to the prediction where that is above 1.
const Tolerance = 1e-6

// Options says what to train on and how. Zero values of the parameters leave
// XGBoost's defaults but for those that are named.
type Options struct {
	Python    string // of FindPython
	Objective string // binary:logistic by default
	Classes   int    // of multi:softprob

	FeatureNames []string
	X            []float32 // row by row, NaN for missing
	Y            []float32
	Weights      []float32 // by row, of a ranking by group; nil: all 1
	Groups       []int     // of a ranking: rows of each group, in order
	// ValidRows is how many rows at the end are held out: the latest ones,
	// where the rows are in the order of time. EarlyStopping is after how many
	// rounds without a gain there training ends; 0: never.
	ValidRows, EarlyStopping int

	Rounds                    int     // 200 by default
	MaxDepth                  int     // 6 by default
	LearningRate              float64 // 0.1 by default
	MinChildWeight            float64
	Subsample, ColumnsPerTree float64
	PositiveWeight            float64        // weight of a positive; 0: 1
	BalanceClasses            bool           // PositiveWeight from the training rows
	Monotone                  map[string]int // 1: may only rise with the feature, -1: fall
	Seed                      int64
	Threads                   int // 2 by default; sums, and so the last bits, depend on it
}

// Result is a trained model and what is known of it.
type Result struct {
	File        []byte        // .ubj
	Model       *gbtree.Model // read from File
	Rounds      int
	Metrics     map[string]float64 // train_logloss, valid_logloss
	Version     string             // of XGBoost
	Predictions []float32          // XGBoost's own, of the held-out rows, else of all
}

type job struct {
	Params        map[string]any `json:"params"`
	Features      []string       `json:"features"`
	Groups        []int          `json:"groups"`
	Weighted      bool           `json:"weighted"`
	Rounds        int            `json:"rounds"`
	ValidRows     int            `json:"valid_rows"`
	EarlyStopping int            `json:"early_stopping"`
}

// Train trains a model. Equal options give an equal file. It fails where
// gbtree would not score as XGBoost does.
func Train(ctx context.Context, o Options) (*Result, error) {
	j, err := o.job()
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Invalid, "train XGBoost model: %w", err)
	}
	dir, err := os.MkdirTemp("", "leadlake-train-")
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Unavailable, "train XGBoost model: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := o.write(dir, j); err != nil {
		return nil, leadlake.Errorf(leadlake.Unavailable, "train XGBoost model: write its rows: %w", err)
	}
	if err := run(ctx, o.Python, dir); err != nil {
		return nil, err
	}
	r, err := read(dir)
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Internal, "train XGBoost model: read what XGBoost left: %w", err)
	}
	if err := o.check(r); err != nil {
		return nil, leadlake.Errorf(leadlake.Internal, "train XGBoost model: check it: %w", err)
	}
	return r, nil
}

// job checks the options and puts them in XGBoost's words.
func (o *Options) job() (*job, error) {
	width, rows := len(o.FeatureNames), len(o.Y)
	switch {
	case o.Python == "":
		return nil, errors.New("no Python is given")
	case width == 0:
		return nil, errors.New("there are no features")
	case rows == 0:
		return nil, errors.New("there are no rows")
	case len(o.X) != rows*width:
		return nil, fmt.Errorf("%d values are not %d rows of %d features", len(o.X), rows, width)
	case o.ValidRows < 0 || o.ValidRows >= rows:
		return nil, fmt.Errorf("%d of %d rows are held out", o.ValidRows, rows)
	case o.EarlyStopping > 0 && o.ValidRows == 0:
		return nil, errors.New("stopping early needs rows that are held out")
	}
	objective := orDefault(o.Objective, "binary:logistic")
	if err := o.checkValues(objective); err != nil {
		return nil, err
	}
	params := map[string]any{
		"objective":     objective,
		"tree_method":   "hist",
		"seed":          o.Seed,
		"nthread":       orDefault(o.Threads, 2),
		"max_depth":     orDefault(o.MaxDepth, 6),
		"learning_rate": orDefault(o.LearningRate, 0.1),
	}
	for name, v := range map[string]float64{
		"min_child_weight": o.MinChildWeight, "subsample": o.Subsample, "colsample_bytree": o.ColumnsPerTree,
		"scale_pos_weight": o.PositiveWeight,
	} {
		if v != 0 {
			params[name] = v
		}
	}
	if o.Classes > 0 {
		params["num_class"] = o.Classes
	}
	if o.BalanceClasses {
		if !strings.HasPrefix(objective, "binary:") {
			return nil, fmt.Errorf("classes are balanced for %s, which has none of two", objective)
		}
		positives := 0
		train := o.Y[:rows-o.ValidRows]
		for _, y := range train {
			if y > 0 {
				positives++
			}
		}
		params["scale_pos_weight"] = float64(len(train)-positives) / float64(positives)
	}
	if len(o.Monotone) > 0 {
		signs, err := o.monotone()
		if err != nil {
			return nil, err
		}
		params["monotone_constraints"] = signs
	}
	return &job{
		Params: params, Features: o.FeatureNames, Groups: o.Groups, Weighted: o.Weights != nil,
		Rounds: orDefault(o.Rounds, 200), ValidRows: o.ValidRows, EarlyStopping: o.EarlyStopping,
	}, nil
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
