package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

// explainedLeads is what `leadlake lead explain` prints.
type explainedLeads struct {
	CampaignID string          `json:"campaign_id"`
	RunID      string          `json:"run_id"`
	Pairs      []explainedPair `json:"pairs"` // the strongest first
}

// explainedPair is two records, with what became of them.
type explainedPair struct {
	transforms.RecordExplanation
	IsOneLead bool           `json:"is_one_lead"`
	Link      *leadlake.Link `json:"link,omitempty"` // what a person said last, and stands: it wins
	Cut       string         `json:"cut,omitempty"`  // why the run kept them apart although they were to merge
	Outcome   string         `json:"outcome"`
}

func leadExplainCmd(a *app) *cobra.Command {
	var campaign string
	var all bool
	cmd := &cobra.Command{
		Use:   "explain A B",
		Short: "Show why two leads or records are one business or not: every comparison with its weight",
		Long: `Show what two leads, or two records as provider:key, weigh as one business, in
bits: each bit doubles the odds. The prior, every comparison and the threshold
sum to the weight that the published run gave the pair; above 0 records match.
Of two leads the strongest pair of records is shown in full. With one lead
twice, its own records are compared with each other.`,
		Example: `  leadlake lead explain 8a8d13be-fe05-374d-85e3-2ae2cd2aa2f7 1f3870be-274f-3c6b-8a4e-6f1d5b2f7c11
  leadlake lead explain shops:17 maps:abc --campaign plumbers`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withLeads(cmd.Context(), func(ws *workspace, s *lake.Session) error {
				x, err := a.explainLeads(cmd.Context(), ws, s, campaign, args)
				if err != nil {
					return err
				}
				return a.out.result(x, func(w io.Writer) { printExplained(w, x, all) })
			})
		},
	}
	campaignFlag(cmd, &campaign)
	cmd.Flags().BoolVar(&all, "all", false, "show every pair of records in full")
	return cmd
}

// explainLeads compares the records that two arguments name.
func (a *app) explainLeads(ctx context.Context, ws *workspace, s *lake.Session, campaign string, args []string) (explainedLeads, error) {
	var sides [2][]leadlake.RecordKey
	for i, arg := range args {
		if provider, key, isRecord := strings.Cut(arg, ":"); isRecord {
			sides[i] = []leadlake.RecordKey{{Provider: provider, Key: key}}
			continue
		}
		lead, err := livingLead(ctx, s, campaign, arg)
		if err != nil {
			return explainedLeads{}, err
		}
		if campaign != "" && lead.CampaignID != campaign {
			return explainedLeads{}, leadlake.Errorf(leadlake.Invalid, "lead %s is of campaign %s, not %s", arg, lead.CampaignID, campaign).WithFix("name two leads of one campaign")
		}
		campaign, sides[i] = lead.CampaignID, lead.Own()
	}
	campaign, err := a.onlyCampaign(ctx, ws, campaign)
	if err != nil {
		return explainedLeads{}, err
	}
	matcher, err := a.currentMatcher(ctx, ws, campaign)
	if err != nil {
		return explainedLeads{}, err
	}
	defer matcher.Close() // it was only read
	found, err := matcher.Explain(ctx, sides[0], sides[1])
	if err != nil {
		return explainedLeads{}, err
	}
	if len(found) == 0 {
		return explainedLeads{}, leadlake.Errorf(leadlake.Invalid, "there is no pair of records in %s and %s", args[0], args[1]).WithFix("name two leads, or two records as provider:key")
	}
	links, err := ws.store.Links(ctx, campaign, false)
	if err != nil {
		return explainedLeads{}, err
	}
	x := explainedLeads{CampaignID: campaign, RunID: matcher.RunID()}
	for _, f := range found {
		pair := explainedPair{RecordExplanation: f, IsOneLead: f.LeftLead != "" && f.LeftLead == f.RightLead, Link: lastLink(links, f.Left, f.Right)}
		if !pair.IsOneLead && len(x.Pairs) < tableRows {
			if pair.Cut, err = transforms.ReadCut(ctx, s, x.RunID, f.Left, f.Right); err != nil {
				return explainedLeads{}, err
			}
		}
		pair.Outcome = pair.outcome()
		x.Pairs = append(x.Pairs, pair)
	}
	return x, nil
}

// lastLink is what people said last of two records, and stands.
func lastLink(links []leadlake.Link, left, right leadlake.RecordKey) *leadlake.Link {
	var last *leadlake.Link
	for _, l := range links {
		if l.Left == left && l.Right == right || l.Left == right && l.Right == left {
			last = &l
		}
	}
	return last
}

// outcome says in a sentence what became of the pair, and by what.
func (p explainedPair) outcome() string {
	became := "they are in two leads"
	if p.IsOneLead {
		became = "they are in one lead"
	}
	switch {
	case p.Link != nil && p.Link.Kind == leadlake.LinkMust && p.Cut == "contradicting_links":
		return fmt.Sprintf("%s said on %s that they are one business, but somebody keeps them apart by other records, and never-link wins: leadlake lead links lists what was said; %s", p.Link.Who, p.Link.At.Format(time.DateOnly), became)
	case p.Link != nil && p.Link.Kind == leadlake.LinkMust:
		return fmt.Sprintf("%s said on %s that they are one business, which wins; %s", p.Link.Who, p.Link.At.Format(time.DateOnly), became)
	case p.Link != nil:
		return fmt.Sprintf("%s said on %s that they are two businesses, which wins; %s", p.Link.Who, p.Link.At.Format(time.DateOnly), became)
	case !p.IsCompared && p.IsOneLead:
		return "they were never compared, because they share no blocking key; " + became + " by other records between them"
	case !p.IsCompared:
		return "they were never compared, because they share no blocking key; this is what they would weigh; " + became
	case p.Cut == "weak_bridge":
		return "they match, but " + became + ": on average the records of these leads speak against each other"
	case p.Cut == "never_link":
		return "they match, but " + became + ": somebody keeps records of these leads apart"
	case p.Cut == "too_large":
		return "they match, but " + became + ": too many records hung together, and this pair is not among the surest"
	case p.IsMatch && !p.IsOneLead:
		return "they match, but " + became + ": the other records of these leads speak against it, or somebody keeps them apart, or one of the records was rejected"
	case !p.IsMatch && p.IsOneLead:
		return "by themselves they do not match; " + became + " because on average its records do"
	case p.IsMatch:
		return "they match; " + became
	}
	return "they do not match; " + became
}

func printExplained(w io.Writer, x explainedLeads, all bool) {
	for i, p := range x.Pairs {
		if i > 0 && !all {
			break
		}
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s and %s: %s\n", oneLine(p.Left.String()), oneLine(p.Right.String()), oneLine(p.Outcome))
		fmt.Fprintf(w, "weight %+.2f bits, probability %.4f; records match from %g; model %s, run %s\n\n", p.Weight, p.Probability, p.Threshold, p.Model, x.RunID)
		printParts(w, p.PairExplanation)
	}
	if len(x.Pairs) < 2 || all {
		return
	}
	fmt.Fprintln(w)
	var rows [][]string
	for _, p := range x.Pairs[1:min(len(x.Pairs), tableRows)] {
		rows = append(rows, []string{oneLine(p.Left.String()), oneLine(p.Right.String()), fmt.Sprintf("%+.2f", p.Weight), oneLine(p.Outcome)})
	}
	table(w, []string{"record", "record", "bits", "outcome"}, rows)
	if more := len(x.Pairs) - 1 - len(rows); more > 0 {
		fmt.Fprintf(w, "and %s pairs more; --json has all\n", count(int64(more)))
	}
}

// printParts shows the waterfall: what each part adds, and the sum so far.
func printParts(w io.Writer, x leadlake.PairExplanation) {
	rows := make([][]string, 0, len(x.Parts))
	sum := 0.0
	for _, p := range x.Parts {
		sum += p.Weight
		learnt := ""
		switch {
		case p.IsRule:
			learnt = "set by rule"
		case p.M > 0 || p.U > 0:
			learnt = fmt.Sprintf("%.2g / %.2g", p.M, p.U)
		}
		adapted := ""
		if p.Adapted != 0 {
			adapted = fmt.Sprintf("%+.2f", p.Adapted)
		}
		rows = append(rows, []string{
			p.Comparison, p.Meaning, oneLine(p.Left), oneLine(p.Right), fmt.Sprintf("%+.2f", p.Weight), fmt.Sprintf("%+.2f", sum), learnt, adapted, oneLine(p.Frequency),
		})
	}
	table(w, []string{"what", "level", "left", "right", "bits", "sum", "m / u", "adapted", "frequency"}, rows)
}
