package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

// historySnapshots is how many changes of the lake a history looks back by
// default.
const historySnapshots = 100

// historyResult is what `leadlake lead history` prints.
type historyResult struct {
	LeadID     string                 `json:"lead_id"`
	CampaignID string                 `json:"campaign_id"`
	Name       string                 `json:"name,omitempty"`
	Ended      *transforms.Ending     `json:"ended,omitempty"`
	LedTo      string                 `json:"led_to,omitempty"`
	Redirects  []transforms.Ending    `json:"redirects"`
	Events     []transforms.LeadEvent `json:"events"`
	Links      []leadlake.Link        `json:"links"` // also those that were taken back
}

func leadHistoryCmd(a *app) *cobra.Command {
	var campaign string
	var limit int
	cmd := &cobra.Command{
		Use:   "history ID",
		Short: "Show how a lead came to be: records gained and lost, merges, splits, and what people said",
		Long: `Show how the records of a lead changed with each publish, as far as the lake
keeps snapshots. Each line names its snapshot: any table can be asked about as
it was then, with at (version => N) after its name.`,
		Example: `  leadlake lead history 8a8d13be-fe05-374d-85e3-2ae2cd2aa2f7
  leadlake sql "from marts.leads at (version => 12) where lead_id = '...'"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit <= 0 {
				return leadlake.Errorf(leadlake.Invalid, "--limit is %d", limit).WithFix("give 1 or more")
			}
			return a.withLeads(cmd.Context(), func(ws *workspace, s *lake.Session) error {
				lead, err := transforms.ReadIdentity(cmd.Context(), s, campaign, args[0])
				if err != nil {
					return err
				}
				result := historyResult{LeadID: args[0], CampaignID: lead.CampaignID, Ended: lead.Ended, Redirects: []transforms.Ending{}}
				if lead.Ended == nil {
					result.Name, result.Redirects = lead.Name, lead.Redirects
				} else {
					result.LedTo = lead.LeadID
				}
				if result.Events, err = transforms.ReadHistory(cmd.Context(), s, lead.CampaignID, args[0], limit); err != nil {
					return err
				}
				links, err := ws.store.Links(cmd.Context(), lead.CampaignID, true)
				if err != nil {
					return err
				}
				var ever []leadlake.RecordKey
				for _, e := range result.Events {
					ever = append(ever, e.Records...)
				}
				result.Links = linksAbout(links, ever)
				return a.out.result(result, func(w io.Writer) { printHistory(w, result) })
			})
		},
	}
	campaignFlag(cmd, &campaign)
	cmd.Flags().IntVar(&limit, "limit", historySnapshots, "snapshots to look back")
	return cmd
}

func printHistory(w io.Writer, h historyResult) {
	fmt.Fprintf(w, "%s of %s  %s\n", h.LeadID, h.CampaignID, oneLine(h.Name))
	switch {
	case h.Ended == nil:
	case h.LedTo == "":
		fmt.Fprintf(w, "gone since run %s\n", h.Ended.RunID)
	default:
		fmt.Fprintf(w, "merged into %s by run %s\n", h.LedTo, h.Ended.RunID)
	}
	rows := make([][]string, len(h.Events))
	for i, e := range h.Events {
		records := make([]string, len(e.Records))
		for j, r := range e.Records {
			records[j] = r.String()
		}
		rows[i] = []string{e.At.Format(time.DateTime), fmt.Sprint(e.Version), orDash(e.RunID), e.Kind, orDash(e.LeadID), oneLine(strings.Join(records, ", "))}
	}
	fmt.Fprintln(w)
	table(w, []string{"at", "snapshot", "run", "what", "other lead", "records"}, rows)
	printRedirects(w, h.Redirects)
	if len(h.Links) > 0 {
		fmt.Fprintln(w)
		printLinks(w, h.Links)
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
