package main

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
)

func transformCmd(a *app) *cobra.Command {
	return stepCmd(a, leadlake.StepTransform, "Normalise, match and merge the records of a run into candidate leads")
}

func enrichCmd(a *app) *cobra.Command {
	return stepCmd(a, leadlake.StepEnrich, "Ask the campaign's enrichment sources for what the candidate leads lack")
}

func scoreCmd(a *app) *cobra.Command {
	return stepCmd(a, leadlake.StepScore, "Score the candidate leads of a run")
}

func publishCmd(a *app) *cobra.Command {
	return stepCmd(a, leadlake.StepPublish, "Approve a run: check its leads and publish them in one transaction")
}

// stepCmd is one step of a run as a command. It may be repeated without harm.
func stepCmd(a *app, step leadlake.Step, short string) *cobra.Command {
	var runID string
	cmd := &cobra.Command{
		Use:   string(step) + " --run ID",
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			run, err := a.repeatStep(cmd.Context(), runID, step)
			if err != nil {
				return err
			}
			return a.out.result(run, func(w io.Writer) { printRun(w, run) })
		},
	}
	if step == leadlake.StepPublish {
		acceptMergesFlag(cmd, a)
	}
	cmd.Flags().StringVar(&runID, "run", "", "the run (required); leadlake runs lists them")
	// The flag exists, so this cannot fail.
	_ = cmd.MarkFlagRequired("run")
	return cmd
}

// repeatStep runs one step of an existing run.
func (a *app) repeatStep(ctx context.Context, runID string, step leadlake.Step) (leadlake.Run, error) {
	ws, err := a.openExisting(ctx)
	if err != nil {
		return leadlake.Run{}, err
	}
	defer ws.Close()
	run, err := ws.store.Run(ctx, runID)
	if err != nil {
		return run, err
	}
	if at, done := slices.Index(leadlake.Steps, step), slices.Index(leadlake.Steps, run.DoneStep); at > done+1 {
		return run, leadlake.Errorf(leadlake.Invalid, "run %s: %s comes after %s", runID, step, leadlake.Steps[at-1]).
			WithFix("run leadlake %s --run %s first", leadlake.Steps[done+1], runID)
	}
	err = ws.withCampaign(ctx, run.CampaignID, func(ctx context.Context) error {
		if run, err = ws.store.Run(ctx, runID); err != nil { // it may have moved on
			return err
		}
		if run.State == leadlake.RunFailed {
			return leadlake.Errorf(leadlake.Conflict, "run %s has failed: %s", runID, run.Error).
				WithFix("start its campaign again with leadlake run")
		}
		j := &job{app: a, ws: ws, run: run}
		err := j.do(ctx, step)
		run = j.run
		return err
	})
	return run, err
}
