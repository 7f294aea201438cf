package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/all"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/models"
)

// advice is what `leadlake lead advise` prints.
type advice struct {
	LeadID string       `json:"lead_id"`
	Score  int32        `json:"lead_score"`
	Tier   string       `json:"tier"`
	Model  string       `json:"score_model"`
	Facts  []factAdvice `json:"facts"`
}

type factAdvice struct {
	models.Move
	Source     string `json:"source,omitempty"`      // the cheapest that may know it
	CostMicros int64  `json:"cost_micros,omitempty"` // of a lookup, over its hit rate: millionths of a dollar
}

func leadAdviseCmd(a *app) *cobra.Command {
	var campaign string
	cmd := &cobra.Command{
		Use:   "advise ID",
		Short: "Say which unknown fact would change a lead's score, and what it costs to ask",
		Long: `Say which unknown fact would change a lead's score most. The lead is scored again
with the values that other leads of its run have in that place. The price is that
of the cheapest source, divided by how often it knows an answer.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withLeads(cmd.Context(), func(ws *workspace, s *lake.Session) error {
				lead, err := livingLead(cmd.Context(), s, campaign, args[0])
				if err != nil {
					return err
				}
				out, err := a.advise(cmd.Context(), ws, s, lead.CampaignID, lead.LeadID)
				if err != nil {
					return err
				}
				return a.out.result(out, func(w io.Writer) { printAdvice(w, out) })
			})
		},
	}
	campaignFlag(cmd, &campaign)
	return cmd
}

func (a *app) advise(ctx context.Context, ws *workspace, s *lake.Session, campaign, lead string) (advice, error) {
	out := advice{LeadID: lead, Facts: []factAdvice{}}
	var run, vertical string
	const published = "select run_id, vertical from lake.marts.leads where campaign_id = $1 and lead_id = $2"
	if err := s.QueryRow(ctx, published, campaign, lead).Scan(&run, &vertical); err != nil {
		return out, fmt.Errorf("read lead %s: %w", lead, err)
	}
	scorer, err := a.champion(ctx, ws, vertical)
	if err != nil {
		return out, err
	}
	out.Model = scorer.Name()
	moves, score, tier, err := models.Moves(ctx, ws.lake, scorer, run, lead)
	if err != nil {
		return out, err
	}
	out.Score, out.Tier = score, tier
	for _, m := range moves {
		f := factAdvice{Move: m}
		f.Source, f.CostMicros = cheapest(ingest.Field(m.Fact))
		out.Facts = append(out.Facts, f)
	}
	return out, nil
}

// cheapest is the source whose expected price of an answer is the lowest.
func cheapest(field ingest.Field) (source string, costMicros int64) {
	for _, s := range all.Sources() {
		spec := s.Spec()
		at := slices.IndexFunc(spec.Gives, func(g ingest.Gift) bool { return g.Field == field })
		if at < 0 || spec.Gives[at].HitRate <= 0 {
			continue
		}
		cost := float64(spec.CostMicrosPerCall)
		if spec.BillsMisses {
			cost /= spec.Gives[at].HitRate
		}
		if source == "" || int64(cost) < costMicros {
			source, costMicros = spec.Name, int64(cost)
		}
	}
	return source, costMicros
}

func printAdvice(w io.Writer, out advice) {
	fmt.Fprintf(w, "lead %s: %d, tier %s, by %s\n", out.LeadID, out.Score, out.Tier, out.Model)
	if len(out.Facts) == 0 {
		fmt.Fprintln(w, "everything that counts is known of it")
		return
	}
	var rows [][]string
	for _, f := range out.Facts {
		source, price := "no source gives it", "-"
		if f.Source != "" {
			source, price = f.Source, fmt.Sprintf("$%.3f", float64(f.CostMicros)/1e6)
		}
		rows = append(rows, []string{f.Fact, fmt.Sprintf("%+.1f", f.Change), fmt.Sprintf("%.0f%%", 100*f.TierChange), fmt.Sprint(f.Best), source, price})
	}
	table(w, []string{"FACT", "SCORE", "CHANGES TIER", "AT BEST", "CHEAPEST SOURCE", "AN ANSWER"}, rows)
}
