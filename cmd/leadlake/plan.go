package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// planned is what a campaign would ask one source.
type planned struct {
	Source  string  `json:"source"`
	Adapter string  `json:"adapter"`
	Queries int     `json:"queries"`
	Calls   int     `json:"calls"`
	CostUSD float64 `json:"cost_usd"`
}

func planCmd(a *app) *cobra.Command {
	var inputs []string
	cmd := &cobra.Command{
		Use:   "plan CAMPAIGN.yaml",
		Short: "Show what a campaign would ask its sources, and what that costs, without asking",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			spec, err := loadCampaign(args[0], inputs)
			if err != nil {
				return err
			}
			if _, _, err := centre(spec); err != nil {
				return err
			}
			engine, err := a.engine(nil)
			if err != nil {
				return err
			}
			plans, err := engine.Plan(spec)
			if err != nil {
				return err
			}
			result := struct {
				Campaign string    `json:"campaign_id"`
				Sources  []planned `json:"sources"`
				CostUSD  float64   `json:"cost_usd"`
				Budget   float64   `json:"budget_usd,omitempty"`
				Within   bool      `json:"within_budget"`
			}{Campaign: spec.ID(), Budget: spec.Budget.MaxCostUSD}
			for _, p := range plans {
				cost := float64(p.CostMicros) / 1e6
				result.Sources = append(result.Sources, planned{
					Source: p.Provider, Adapter: p.Source.Spec().Name, Queries: len(p.Queries), Calls: p.Calls, CostUSD: cost,
				})
				result.CostUSD += cost
			}
			result.Within = result.Budget == 0 || result.CostUSD <= result.Budget
			return a.out.result(result, func(w io.Writer) {
				var rows [][]string
				for _, s := range result.Sources {
					rows = append(rows, []string{s.Source, s.Adapter, count(int64(s.Queries)), count(int64(s.Calls)), fmt.Sprintf("$%.2f", s.CostUSD)})
				}
				table(w, []string{"source", "adapter", "queries", "calls at most", "cost at most"}, rows)
				if !result.Within {
					fmt.Fprintf(w, "the budget of $%.2f stops the run before that\n", result.Budget)
				}
			})
		},
	}
	cmd.Flags().StringArrayVar(&inputs, "input", nil, "file of a list source, as name=path; may be repeated")
	return cmd
}
