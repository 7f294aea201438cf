package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
)

func ingestCmd(a *app) *cobra.Command {
	var inputs []string
	var runID string
	cmd := &cobra.Command{
		Use:   "ingest [CAMPAIGN.yaml] [--run ID]",
		Short: "Land the raw records of a campaign: a new run, or an existing one again",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case runID != "" && len(args) == 0:
				run, err := a.repeatStep(cmd.Context(), runID, leadlake.StepIngest)
				if err != nil {
					return err
				}
				return a.out.result(run, func(w io.Writer) { printRun(w, run) })
			case runID == "" && len(args) == 1:
				return a.ingestNew(cmd.Context(), args[0], inputs)
			}
			return leadlake.Errorf(leadlake.Invalid, "ingest takes a campaign file or --run, not both")
		},
	}
	cmd.Flags().StringArrayVar(&inputs, "input", nil, "file of a list source, as name=path; may be repeated")
	cmd.Flags().StringVar(&runID, "run", "", "land this run again; pages that are durable are not fetched again")
	return cmd
}

func (a *app) ingestNew(ctx context.Context, path string, inputs []string) error {
	spec, err := loadCampaign(path, inputs)
	if err != nil {
		return err
	}
	ws, err := a.openWorkspace(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	var j *job
	err = ws.withCampaign(ctx, spec.ID(), func(ctx context.Context) error {
		if j, err = a.begin(ctx, ws, spec); err != nil {
			return err
		}
		if err := j.do(ctx, leadlake.StepIngest); err != nil {
			return j.failed(ctx, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	result := struct {
		leadlake.Run
		Ingested any `json:"ingested"`
	}{j.run, j.ingested}
	return a.out.result(result, func(w io.Writer) {
		fmt.Fprintf(w, "run %s: %s records, %s rows in quarantine\n", j.run.RunID, count(j.ingested.Records), count(j.ingested.Quarantined))
		fmt.Fprintf(w, "next: leadlake transform --run %s\n", j.run.RunID)
	})
}
