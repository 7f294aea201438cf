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

// leadResult is what `leadlake lead show` prints.
type leadResult struct {
	transforms.Identity
	Links []leadlake.Link `json:"links"`
}

func leadShowCmd(a *app) *cobra.Command {
	var campaign string
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a lead: its records, the ids that lead to it, and what people said",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withLeads(cmd.Context(), func(ws *workspace, s *lake.Session) error {
				lead, err := livingLead(cmd.Context(), s, campaign, args[0])
				if err != nil {
					return err
				}
				links, err := ws.store.Links(cmd.Context(), lead.CampaignID, false)
				if err != nil {
					return err
				}
				result := leadResult{lead, linksAbout(links, lead.Own())}
				return a.out.result(result, func(w io.Writer) { printLead(w, result) })
			})
		},
	}
	campaignFlag(cmd, &campaign)
	return cmd
}

// linksAbout are the links that name one of the records at least.
func linksAbout(links []leadlake.Link, records []leadlake.RecordKey) []leadlake.Link {
	known := map[leadlake.RecordKey]bool{}
	for _, r := range records {
		known[r] = true
	}
	about := []leadlake.Link{}
	for _, l := range links {
		if known[l.Left] || known[l.Right] {
			about = append(about, l)
		}
	}
	return about
}

func printLead(w io.Writer, lead leadResult) {
	if lead.Ended != nil {
		fmt.Fprintf(w, "%s was merged into %s by run %s\n", lead.Ended.LeadID, lead.LeadID, lead.Ended.RunID)
	}
	fmt.Fprintf(w, "%s\nid        %s\ncampaign  %s\nrun       %s\ncreated   %s\nupdated   %s\n", oneLine(lead.Name), lead.LeadID, lead.CampaignID,
		lead.RunID, lead.CreatedAt.Format(time.DateTime), lead.UpdatedAt.Format(time.DateTime))
	rows := make([][]string, len(lead.Records))
	for i, m := range lead.Records {
		note := ""
		switch {
		case m.IsRepresentative:
			note = "stands for the lead"
		case m.IsAnswer:
			note = "answer"
		}
		rows[i] = []string{oneLine(m.String()), m.FetchedAt.Format(time.DateTime), note}
	}
	fmt.Fprintln(w)
	table(w, []string{"record", "fetched", ""}, rows)
	printRedirects(w, lead.Redirects)
	if len(lead.Links) > 0 {
		fmt.Fprintln(w)
		printLinks(w, lead.Links)
	}
}

func printRedirects(w io.Writer, redirects []transforms.Ending) {
	if len(redirects) == 0 {
		return
	}
	rows := make([][]string, len(redirects))
	for i, r := range redirects {
		rows[i] = []string{r.LeadID, r.Reason, r.RunID, r.At.Format(time.DateTime)}
	}
	fmt.Fprintln(w)
	table(w, []string{"id that leads here", "reason", "run", "since"}, rows)
}

// printLinks shows links, those that were taken back with who did.
func printLinks(w io.Writer, links []leadlake.Link) {
	rows := make([][]string, len(links))
	for i, l := range links {
		undone := ""
		if !l.Stands() {
			undone = strings.TrimSpace(l.UndoneBy + " " + l.UndoneAt.Format(time.DateTime) + " " + l.UndoneWhy)
		}
		rows[i] = []string{l.ID, l.CampaignID, string(l.Kind), l.Left.String(), l.Right.String(), l.Who, l.At.Format(time.DateTime), l.Why, undone}
		for j, cell := range rows[i] {
			rows[i][j] = oneLine(cell)
		}
	}
	table(w, []string{"link", "campaign", "kind", "record", "record", "by", "at", "why", "undone"}, rows)
}
