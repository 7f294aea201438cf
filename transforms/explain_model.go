package transforms

import (
	"context"
	"math"

	"github.com/leadlake/leadlake/lake"
)

// unchosenModel is the model that leadlake ships, at even odds.
func unchosenModel() (chosenModel, error) {
	model, err := DefaultMatchModel()
	return chosenModel{Threshold: 0.5, Model: model}, err
}

// matchModelTable is intermediate.int_match_model: the one row that names the
// model by which a run weighs pairs.
func matchModelTable(model func() (chosenModel, error)) External {
	return External{
		Table:   "intermediate.int_match_model",
		Columns: "version varchar, threshold double",
		Build: func(ctx context.Context, s *lake.Session) error {
			m, err := model()
			if err != nil {
				return err
			}
			return s.Exec(ctx, "create or replace table scratch.intermediate.int_match_model as select cast($1 as varchar) as version, cast($2 as double) as threshold", m.Model.Version, m.Threshold)
		},
	}
}

// cutsTable is intermediate.int_cuts, which is made with the clusters.
func cutsTable() External {
	return External{
		Table:   "intermediate.int_cuts",
		Columns: "left_id bigint, right_id bigint, match_weight double, reason varchar",
		Reads:   []string{"intermediate.int_clusters"},
		Build:   func(context.Context, *lake.Session) error { return nil },
	}
}

// weightUnit is how exactly weights are kept, in bits. A pair's weight is their
// sum, so it has no more digits than they.
const weightUnit = 1e-6

func storedWeight(bits float64) float64 { return math.Round(bits/weightUnit) * weightUnit }
