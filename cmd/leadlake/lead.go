package main

import (
	"context"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

func leadCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lead",
		Short: "Look at one lead, and merge or split leads by hand",
		Long: `Look at one published lead, its records and its history, and say which leads
are one business and which are not. What people say wins over what the records
look like, holds for every later run, and can be taken back.`,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		leadShowCmd(a),
		leadHistoryCmd(a),
		leadExplainCmd(a),
		leadMergeCmd(a),
		leadSplitCmd(a),
		leadNeverCmd(a),
		leadUndoCmd(a),
		leadLinksCmd(a),
		leadAdviseCmd(a),
	)
	return cmd
}

// campaignFlag says which campaign a lead is of, where several have it.
func campaignFlag(cmd *cobra.Command, campaign *string) {
	cmd.Flags().StringVar(campaign, "campaign", "", "campaign of the lead, where several have it")
}

// withLeads opens the workspace and a session on its lake for fn.
func (a *app) withLeads(ctx context.Context, fn func(ws *workspace, s *lake.Session) error) error {
	ws, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	s, err := ws.lake.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	return fn(ws, s)
}

// livingLead is the lead that an id names or leads to, where it is not gone.
func livingLead(ctx context.Context, s *lake.Session, campaign, id string) (transforms.Identity, error) {
	lead, err := transforms.ReadIdentity(ctx, s, campaign, id)
	if err == nil && lead.LeadID == "" {
		err = leadlake.Errorf(leadlake.NotFound, "lead %s is gone since run %s: no record of it is published any more", id, lead.Ended.RunID).
			WithFix("leadlake lead history %s shows what it had", id)
	}
	return lead, err
}

// person is who makes a change: what they say, or who is logged in.
func (a *app) person(as string) (string, error) {
	for _, name := range []string{as, a.getenv("USER"), a.getenv("USERNAME")} {
		if name != "" {
			return name, nil
		}
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username, nil
	}
	return "", leadlake.Errorf(leadlake.Invalid, "nobody knows who makes this change").WithFix("say it with --as NAME")
}
