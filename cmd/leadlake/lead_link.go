package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

// maxLinks is how many links one command makes at most: leads of more records
// are kept apart by better sources, not by hand.
const maxLinks = 10_000

// linkFlags are common to the commands that make links.
type linkFlags struct {
	campaign, as, why string
	everywhere        bool
}

func (f *linkFlags) add(cmd *cobra.Command) {
	campaignFlag(cmd, &f.campaign)
	cmd.Flags().StringVar(&f.as, "as", "", "who says so (default the user who is logged in)")
	cmd.Flags().StringVar(&f.why, "why", "", "why, for those who read it later")
	cmd.Flags().BoolVar(&f.everywhere, "everywhere", false, "in every campaign that has these records")
}

// linkResult is what a command that makes or ends links prints.
type linkResult struct {
	ChangeID string          `json:"change_id"`
	Links    []leadlake.Link `json:"links"`
	Next     []string        `json:"next"` // commands that apply the change to the data at hand
}

const linksActLater = "it acts at the next run of the campaign: leadlake run CAMPAIGN.yaml"

func leadMergeCmd(a *app) *cobra.Command {
	var f linkFlags
	cmd := &cobra.Command{
		Use:   "merge A B",
		Short: "Say that two leads are one business",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.link(cmd.Context(), f, args, func(leads []transforms.Identity, standing []leadlake.Link) ([]leadlake.Link, error) {
				left, right := leads[0].Own(), leads[1].Own()
				links := pairs(leadlake.LinkMust, left[:1], right[:1])
				for _, l := range pairs(leadlake.LinkMust, left, right)[1:] {
					if kind, said := lastWord(standing, l.Left, l.Right); said && kind == leadlake.LinkNever {
						links = append(links, l) // the later word holds
					}
				}
				return links, nil
			})
		},
	}
	f.add(cmd)
	return cmd
}

func leadNeverCmd(a *app) *cobra.Command {
	var f linkFlags
	cmd := &cobra.Command{
		Use:   "never-link A B",
		Short: "Say that two leads are not one business, whatever later runs find",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.link(cmd.Context(), f, args, func(leads []transforms.Identity, _ []leadlake.Link) ([]leadlake.Link, error) {
				return pairs(leadlake.LinkNever, leads[0].Own(), leads[1].Own()), nil
			})
		},
	}
	f.add(cmd)
	return cmd
}

func leadSplitCmd(a *app) *cobra.Command {
	var f linkFlags
	var records []string
	cmd := &cobra.Command{
		Use:     "split ID --record provider:key",
		Short:   "Say that records of a lead are another business than the rest of it",
		Example: "  leadlake lead split 8a8d13be-fe05-374d-85e3-2ae2cd2aa2f7 --record shops:17 --record maps:abc",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.link(cmd.Context(), f, args, func(leads []transforms.Identity, _ []leadlake.Link) ([]leadlake.Link, error) {
				out, rest, err := divide(leads[0], records)
				return pairs(leadlake.LinkNever, out, rest), err
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringArrayVar(&records, "record", nil, "record that is another business, as provider:key (required); may be repeated")
	// The flag exists, so this cannot fail.
	_ = cmd.MarkFlagRequired("record")
	return cmd
}

// link reads the leads of the ids, makes links of them, and stores those.
func (a *app) link(ctx context.Context, f linkFlags, ids []string, linksOf func([]transforms.Identity, []leadlake.Link) ([]leadlake.Link, error)) error {
	who, err := a.person(f.as)
	if err != nil {
		return err
	}
	return a.withLeads(ctx, func(ws *workspace, s *lake.Session) error {
		leads, err := readLeads(ctx, s, f.campaign, ids)
		if err != nil {
			return err
		}
		campaign := leads[0].CampaignID
		standing, err := ws.store.Links(ctx, campaign, false)
		if err != nil {
			return err
		}
		links, err := linksOf(leads, standing)
		if err != nil {
			return err
		}
		if len(links) > maxLinks {
			return leadlake.Errorf(leadlake.Invalid, "these leads have %s pairs of records, more than %s", count(int64(len(links))), count(maxLinks)).
				WithFix("split off fewer records at a time")
		}
		change, err := uuid.NewV7()
		if err != nil {
			return leadlake.Errorf(leadlake.Internal, "make id of change: %w", err)
		}
		if f.everywhere {
			campaign = leadlake.EveryCampaign
		}
		now := time.Now().UTC().Truncate(time.Microsecond)
		for i := range links {
			l := &links[i]
			l.ID, l.ChangeID, l.CampaignID, l.Who, l.Why, l.At = fmt.Sprintf("%s.%d", change, i+1), change.String(), campaign, who, f.why, now
		}
		if err := ws.store.AddLinks(ctx, links); err != nil {
			return err
		}
		next, err := nextSteps(ctx, ws, leads[0].CampaignID)
		if err != nil {
			return err
		}
		return a.printChange(linkResult{change.String(), links, next}, "said of %d pairs of records; take it back with: leadlake lead undo "+change.String())
	})
}

// printChange shows what changed, and when it acts.
func (a *app) printChange(r linkResult, format string) error {
	return a.out.result(r, func(w io.Writer) {
		printLinks(w, r.Links[:min(len(r.Links), tableRows)])
		fmt.Fprintf(w, "\n"+format+"\n%s\n", len(r.Links), linksActLater)
		if len(r.Next) > 0 {
			fmt.Fprintln(w, "or now, to the records at hand: "+strings.Join(r.Next, " && "))
		}
	})
}

// readLeads reads one lead, or two that differ.
func readLeads(ctx context.Context, s *lake.Session, campaign string, ids []string) ([]transforms.Identity, error) {
	var leads []transforms.Identity
	for _, id := range ids {
		lead, err := livingLead(ctx, s, campaign, id)
		if err != nil {
			return nil, err
		}
		if len(lead.Own()) == 0 {
			return nil, leadlake.Errorf(leadlake.Internal, "lead %s has no record", id)
		}
		leads = append(leads, lead)
	}
	if len(leads) < 2 {
		return leads, nil
	}
	switch a, b := leads[0], leads[1]; {
	case a.CampaignID != b.CampaignID:
		return nil, leadlake.Errorf(leadlake.Invalid, "%s is a lead of campaign %s, %s of %s", ids[0], a.CampaignID, ids[1], b.CampaignID).
			WithFix("leads are merged within a campaign; name two leads of one")
	case a.LeadID == b.LeadID:
		return nil, leadlake.Errorf(leadlake.Conflict, "%s and %s are one lead already: %s", ids[0], ids[1], a.LeadID).
			WithFix("leadlake lead split %s --record provider:key takes records out of it", a.LeadID)
	}
	return leads, nil
}

// divide parts the records of a lead into those that are named and the rest.
func divide(lead transforms.Identity, names []string) (out, rest []leadlake.RecordKey, err error) {
	known := map[string]leadlake.RecordKey{}
	var all []string
	for _, r := range lead.Own() {
		known[r.String()] = r
		all = append(all, r.String())
	}
	for _, name := range names {
		if _, ok := known[name]; !ok {
			return nil, nil, leadlake.Errorf(leadlake.NotFound, "lead %s has no record %s", lead.LeadID, name).
				WithFix("it has %s", strings.Join(all[:min(len(all), 20)], ", "))
		}
	}
	for _, name := range all {
		if slices.Contains(names, name) {
			out = append(out, known[name])
		} else {
			rest = append(rest, known[name])
		}
	}
	if len(rest) == 0 {
		return nil, nil, leadlake.Errorf(leadlake.Invalid, "these are all records of lead %s", lead.LeadID).
			WithFix("name those that are another business and leave the others")
	}
	return out, rest, nil
}

// pairs says the same of each record on the left with each on the right.
func pairs(kind leadlake.LinkKind, left, right []leadlake.RecordKey) []leadlake.Link {
	var links []leadlake.Link
	for _, l := range left {
		for _, r := range right {
			links = append(links, leadlake.Link{Kind: kind, Left: l, Right: r})
		}
	}
	return links
}

// lastWord is the latest that people said of two records. Links come in the
// order in which they were made.
func lastWord(links []leadlake.Link, a, b leadlake.RecordKey) (kind leadlake.LinkKind, said bool) {
	for _, l := range slices.Backward(links) {
		if (l.Left == a && l.Right == b) || (l.Left == b && l.Right == a) {
			return l.Kind, true
		}
	}
	return "", false
}
