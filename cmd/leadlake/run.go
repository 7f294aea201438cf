package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/transforms"
)

// Ways to approve a run.
const (
	approveAuto   = "auto"
	approveManual = "manual"
)

func runCmd(a *app) *cobra.Command {
	var inputs []string
	var approve string
	cmd := &cobra.Command{
		Use:   "run CAMPAIGN.yaml",
		Short: "Run a campaign: ingest, transform, score and publish",
		Long: `Run a campaign from its sources to published leads, in this process.

A run that was cut off goes on where it stopped: start the same campaign again.
With --approve manual the run stops before publishing; leadlake publish --run ID
approves it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if approve != approveAuto && approve != approveManual {
				return leadlake.Errorf(leadlake.Invalid, "--approve %q is unknown", approve).WithFix("use auto or manual")
			}
			spec, err := loadCampaign(args[0], inputs)
			if err != nil {
				return err
			}
			began := time.Now()
			run, err := a.runCampaign(cmd.Context(), spec, approve)
			if err != nil {
				return err
			}
			result := struct {
				leadlake.Run
				Seconds float64 `json:"seconds"`
				PeakMiB int64   `json:"peak_mib"`
			}{run, time.Since(began).Seconds(), peakMiB()}
			return a.out.result(result, func(w io.Writer) {
				printRun(w, run)
				fmt.Fprintf(w, "in %.1f s and %s MiB\n", result.Seconds, count(result.PeakMiB))
				if run.State == leadlake.RunAwaiting {
					io.WriteString(w, "approve it with: leadlake publish --run "+run.RunID+"\n") //nolint:errcheck // stdout
				}
			})
		},
	}
	cmd.Flags().StringArrayVar(&inputs, "input", nil, "file of a list source, as name=path; may be repeated")
	acceptMergesFlag(cmd, a)
	cmd.Flags().StringVar(&approve, "approve", approveAuto, "auto publishes at the end, manual waits for you")
	return cmd
}

// runCampaign takes a campaign through all steps that are not done yet.
func (a *app) runCampaign(ctx context.Context, spec leadlake.CampaignSpec, approve string) (leadlake.Run, error) {
	ws, err := a.openWorkspace(ctx)
	if err != nil {
		return leadlake.Run{}, err
	}
	defer ws.Close()
	var run leadlake.Run
	err = ws.withCampaign(ctx, spec.ID(), func(ctx context.Context) error {
		j, err := a.begin(ctx, ws, spec)
		if err != nil {
			return err
		}
		if done, err := j.unchanged(ctx); err != nil || done {
			run = j.run
			return err
		}
		next := slices.Index(leadlake.Steps, j.run.DoneStep) + 1
		for _, step := range leadlake.Steps[next:] {
			if step == leadlake.StepPublish && approve == approveManual {
				run, err = j.await(ctx)
				return err
			}
			if err := j.do(ctx, step); err != nil {
				return j.failed(ctx, err)
			}
		}
		run = j.run
		return nil
	})
	return run, a.explainNoSpace(err)
}

// unchanged lands the records of a run and ends it there if they are those that
// its campaign has published: an unchanged record costs no transform. A run
// that looks leads up has to go on to know.
func (j *job) unchanged(ctx context.Context) (bool, error) {
	if j.run.DoneStep != "" || len(j.run.Spec.Enrichment) > 0 {
		return false, nil
	}
	if err := j.do(ctx, leadlake.StepIngest); err != nil {
		return false, j.failed(ctx, err)
	}
	params, err := j.params(ctx)
	if err != nil {
		return false, err
	}
	same, published, err := transforms.Unchanged(ctx, j.ws.lake, params)
	if err != nil || !same {
		return false, err
	}
	funnel, err := transforms.ReadFunnel(ctx, j.ws.lake, published)
	if err != nil {
		return false, err
	}
	j.out.note("nothing has changed since run %s: its leads stay published", published)
	j.run.Funnel, j.run.State, j.run.DoneStep = funnel, leadlake.RunPublished, leadlake.StepPublish
	j.run.UpdatedAt = time.Now().UTC()
	return true, j.ws.store.UpdateRun(ctx, j.run)
}

// begin resumes the campaign's unfinished run, or creates one. A run that
// began with another campaign text is given up: its rows would mix.
func (a *app) begin(ctx context.Context, ws *workspace, spec leadlake.CampaignSpec) (*job, error) {
	if _, _, err := centre(spec); err != nil {
		return nil, err
	}
	stored, err := ws.store.Campaign(ctx, spec.ID())
	switch {
	case err == nil && stored.Name != spec.Name:
		return nil, leadlake.Errorf(leadlake.Conflict, "campaign %q has the same id as %q: %s", spec.Name, stored.Name, spec.ID()).
			WithFix("give it a name that differs in letters or digits; it would replace the other's leads")
	case err != nil && leadlake.ErrorCode(err) != leadlake.NotFound:
		return nil, err
	}
	if err := ws.store.SaveCampaign(ctx, spec); err != nil {
		return nil, err
	}
	if spec.Schedule != nil || len(spec.Destinations) > 0 {
		a.out.note("note: schedule and destinations of a campaign are kept but not acted on yet")
	}
	old, found, err := ws.store.UnfinishedRun(ctx, spec.ID())
	if err != nil {
		return nil, err
	}
	if found && sameSpec(old.Spec, spec) {
		a.out.note("going on with run %s, which stopped after %s", old.RunID, orNothing(old.DoneStep))
		return &job{app: a, ws: ws, run: old}, nil
	}
	if found {
		old.State, old.Error = leadlake.RunFailed, "the campaign was changed before the run ended"
		old.UpdatedAt = time.Now().UTC()
		if err := ws.store.UpdateRun(ctx, old); err != nil {
			return nil, err
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Internal, "make run id: %w", err)
	}
	now := time.Now().UTC()
	run := leadlake.Run{
		RunID: id.String(), CampaignID: spec.ID(), Spec: spec, State: leadlake.RunRunning, StartedAt: now, UpdatedAt: now,
	}
	return &job{app: a, ws: ws, run: run}, ws.store.CreateRun(ctx, run)
}

// await leaves the run for a person to approve.
func (j *job) await(ctx context.Context) (leadlake.Run, error) {
	j.run.State, j.run.UpdatedAt = leadlake.RunAwaiting, time.Now().UTC()
	return j.run, j.ws.store.UpdateRun(ctx, j.run)
}

// failed records why a run stopped. What may go better next time leaves the
// run unfinished, so that the same command goes on with it.
func (j *job) failed(ctx context.Context, cause error) error {
	if ctx.Err() != nil || leadlake.ErrorCode(cause).Retryable() || leadlake.ErrorCode(cause) == leadlake.Internal {
		return cause
	}
	if refused := (*transforms.MergesRefusedError)(nil); errors.As(cause, &refused) {
		_, err := j.await(ctx) // a person decides
		return errors.Join(cause, err)
	}
	j.run.State, j.run.Error, j.run.UpdatedAt = leadlake.RunFailed, leadlake.ErrorMessage(cause), time.Now().UTC()
	if err := j.ws.store.UpdateRun(ctx, j.run); err != nil {
		j.log.Error("run not marked as failed", "run_id", j.run.RunID, "err", err)
	}
	return cause
}

func sameSpec(a, b leadlake.CampaignSpec) bool {
	left, errLeft := json.Marshal(a)
	right, errRight := json.Marshal(b)
	return errLeft == nil && errRight == nil && string(left) == string(right)
}

func orNothing(step leadlake.Step) string {
	if step == "" {
		return "nothing"
	}
	return string(step)
}
