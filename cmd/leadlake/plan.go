package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/all"
	"github.com/leadlake/leadlake/lake/store"
)

// planResult is what `leadlake plan --json` prints.
type planResult struct {
	Campaign string `json:"campaign_id"`
	ingest.Estimate
	Budget  float64 `json:"budget_usd,omitempty"`
	Within  bool    `json:"within_budget"`
	Refused string  `json:"refused,omitempty"` // why a run would not start
}

func planCmd(a *app) *cobra.Command {
	var inputs []string
	var explain bool
	cmd := &cobra.Command{
		Use:   "plan CAMPAIGN.yaml",
		Short: "Show what a campaign would ask its sources, and what that costs, without asking",
		Long: `Show what a campaign would ask, what that costs, how long it takes and how many
leads to expect. Nobody is called. The figures come from what earlier runs of
this workspace found in the same area; without any they are rules of thumb with
a wide interval. --explain lists the tiles that searches would be cut into.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := loadCampaign(args[0], inputs)
			if err != nil {
				return err
			}
			if _, _, err := centre(spec); err != nil {
				return err
			}
			result, err := a.plan(cmd.Context(), spec)
			if err != nil {
				return err
			}
			if !explain {
				for i := range result.Sources {
					result.Sources[i].Tiles = nil
				}
			}
			return a.out.result(result, func(w io.Writer) { printPlan(w, result) })
		},
	}
	cmd.Flags().StringArrayVar(&inputs, "input", nil, "file of a list source, as name=path; may be repeated")
	cmd.Flags().BoolVar(&explain, "explain", false, "show the tiles of each search, with what is expected in them")
	return cmd
}

func (a *app) plan(ctx context.Context, spec leadlake.CampaignSpec) (planResult, error) {
	result := planResult{Campaign: spec.ID(), Budget: spec.Budget.MaxCostUSD}
	engine := &ingest.Engine{Sources: all.Sources(), Getenv: a.getenv}
	ledger, done, err := a.ledger(ctx)
	if err != nil {
		return result, err
	}
	defer done()
	engine.Ledger = ledger
	if result.Estimate, err = engine.Estimate(ctx, spec); err != nil {
		return result, err
	}
	result.Within = result.Budget == 0 || result.CostUSD.Mid <= result.Budget
	if err := engine.Preflight(spec); err != nil {
		result.Refused = leadlake.ErrorMessage(err)
	}
	return result, nil
}

// ledger is the control state of the workspace, or an empty one where there is
// none yet: a plan makes no workspace.
func (a *app) ledger(ctx context.Context) (*store.Store, func(), error) {
	address, cleanup := a.cfg.storeAddress(), func() {}
	if _, err := os.Stat(address); err != nil && !isPostgres(address) {
		folder, err := os.MkdirTemp("", "leadlake-plan-")
		if err != nil {
			return nil, nil, fmt.Errorf("plan: %w", err)
		}
		address, cleanup = filepath.Join(folder, "control.sqlite"), func() { os.RemoveAll(folder) }
	}
	s, err := store.Open(ctx, address, store.Options{Now: time.Now})
	if err != nil {
		cleanup()
		return nil, nil, err
	}
	return s, func() { s.Close(); cleanup() }, nil
}

func printPlan(w io.Writer, r planResult) {
	var rows [][]string
	for _, s := range r.Sources {
		kind := "finds"
		if s.Lookup {
			kind = "looks up"
		}
		rows = append(rows, []string{
			s.Provider, kind, interval(s.Calls, "%.0f"), interval(s.CostUSD, "$%.2f"), interval(s.Records, "%.0f"), minutes(s.Seconds), s.Basis,
		})
	}
	table(w, []string{"source", "", "calls", "cost", "records", "time", "from"}, rows)
	for _, s := range r.Sources {
		for _, t := range s.Tiles {
			fmt.Fprintf(w, "%s tile %.5f,%.5f to %.5f,%.5f: %d rows, %d calls\n", s.Provider, t.Box.South, t.Box.West, t.Box.North, t.Box.East, t.Rows, t.Calls)
		}
	}
	fmt.Fprintf(w, "in all %s, %s leads, in about %s\n", interval(r.CostUSD, "$%.2f"), interval(r.Leads, "%.0f"), minutes(r.Seconds))
	if !r.Within {
		fmt.Fprintf(w, "the budget of $%.2f will stop the run before that\n", r.Budget)
	}
	if r.Refused != "" {
		fmt.Fprintf(w, "a run would be refused: %s\n", r.Refused)
	}
}

// interval shows the expected value with what is likely around it.
func interval(i ingest.Interval, format string) string {
	mid := fmt.Sprintf(format, i.Mid)
	low, high := fmt.Sprintf(format, i.Low), fmt.Sprintf(format, i.High)
	if low == high {
		return mid
	}
	return fmt.Sprintf("%s (%s to %s)", mid, low, high)
}

func minutes(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}
