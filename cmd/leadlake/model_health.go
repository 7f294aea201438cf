package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/models/learned"
	"github.com/leadlake/leadlake/models/registry"
	"github.com/leadlake/leadlake/models/train"
)

func modelHealthCmd(a *app) *cobra.Command {
	var run string
	cmd := &cobra.Command{
		Use:   "health VERTICAL",
		Short: "Measure the model in charge on the leads of a run: drift, expected quality, calibration",
		Long: `Measure the model in charge on the leads of a run, the latest by default.

Drift is the population stability index of each feature against the leads that the
model learnt from; over 0.25 they are others. Expected quality needs no outcome.
The calibration gap is of leads that were delivered after the training. What is
measured is kept in marts.model_health; a limit that is passed ends with exit code 1.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkVertical(args[0]); err != nil {
				return err
			}
			measures, err := a.modelHealth(cmd.Context(), args[0], run)
			if err != nil {
				return err
			}
			alerts := 0
			var rows [][]string
			for _, m := range measures {
				alert := ""
				if m.Alert {
					alert = "over the limit"
					alerts++
				}
				rows = append(rows, []string{m.Metric, m.Feature, fmt.Sprintf("%.3f", m.Value), alert})
			}
			if err := a.out.result(measures, func(w io.Writer) { table(w, []string{"MEASURE", "FEATURE", "VALUE", ""}, rows) }); err != nil {
				return err
			}
			if alerts > 0 {
				return errReported
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&run, "run", "", "whose leads (default the latest run of the vertical)")
	return cmd
}

func (a *app) modelHealth(ctx context.Context, vertical, run string) ([]train.Measure, error) {
	ws, err := a.openExisting(ctx)
	if err != nil {
		return nil, err
	}
	defer ws.Close()
	r := a.registry(ws)
	version, err := r.Champion(ctx, vertical)
	if err != nil {
		return nil, err
	}
	if version == registry.Baseline {
		return nil, leadlake.Errorf(leadlake.NotFound, "the rules score %s leads: they learnt from nothing, so nothing can drift", vertical).
			WithFix("train a model: leadlake train --vertical %s", vertical)
	}
	card, files, err := r.Get(ctx, vertical, version)
	if err != nil {
		return nil, err
	}
	scorer, err := learned.Load(version, files)
	if err != nil {
		return nil, err
	}
	if run == "" {
		if run, err = latestScored(ctx, ws.lake, vertical); err != nil {
			return nil, err
		}
	}
	return train.Health(ctx, ws.lake, scorer, run, card.To, time.Now())
}

// latestScored is the last run of a vertical that has features. Ids of runs
// rise with time.
func latestScored(ctx context.Context, l *lake.Lake, vertical string) (run string, err error) {
	s, err := l.Session(ctx)
	if err != nil {
		return "", err
	}
	defer s.Close()
	err = s.QueryRow(ctx, "select run_id from lake.candidates.lead_features where vertical = $1 order by run_id desc limit 1", vertical).Scan(&run)
	if errors.Is(err, sql.ErrNoRows) {
		return "", leadlake.Errorf(leadlake.NotFound, "no run of a campaign of the vertical %s has leads", vertical)
	}
	if err != nil {
		return "", fmt.Errorf("look for the latest run: %w", err)
	}
	return run, nil
}
