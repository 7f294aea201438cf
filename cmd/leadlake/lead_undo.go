package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
)

func leadUndoCmd(a *app) *cobra.Command {
	var as, why string
	cmd := &cobra.Command{
		Use:   "undo LINK",
		Short: "Take back what a person said of leads: one link, or all of one command",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			who, err := a.person(as)
			if err != nil {
				return err
			}
			ws, err := a.openExisting(cmd.Context())
			if err != nil {
				return err
			}
			defer ws.Close()
			links, err := ws.store.UndoLinks(cmd.Context(), args[0], who, why)
			if err != nil {
				return err
			}
			next, err := nextSteps(cmd.Context(), ws, links[0].CampaignID)
			if err != nil {
				return err
			}
			return a.printChange(linkResult{links[0].ChangeID, links, next}, "%d links taken back")
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who says so (default the user who is logged in)")
	cmd.Flags().StringVar(&why, "why", "", "why, for those who read it later")
	return cmd
}

// nextSteps are the commands that publish the newest published run of a
// campaign again, with what people said since; none for every campaign.
func nextSteps(ctx context.Context, ws *workspace, campaign string) ([]string, error) {
	steps := []string{}
	runs, err := ws.store.Runs(ctx, campaign, 100)
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		if r.State == leadlake.RunPublished {
			for _, step := range []leadlake.Step{leadlake.StepTransform, leadlake.StepScore, leadlake.StepPublish} {
				steps = append(steps, "leadlake "+string(step)+" --run "+r.RunID)
			}
			break
		}
	}
	return steps, nil
}

func leadLinksCmd(a *app) *cobra.Command {
	var campaign string
	var all bool
	cmd := &cobra.Command{
		Use:   "links",
		Short: "List what people said of leads: who, when and why",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ws, err := a.openExisting(cmd.Context())
			if err != nil {
				return err
			}
			defer ws.Close()
			links, err := ws.store.Links(cmd.Context(), campaign, all)
			if err != nil {
				return err
			}
			if links == nil {
				links = []leadlake.Link{} // an empty list, not null
			}
			return a.out.result(links, func(w io.Writer) { printLinks(w, links) })
		},
	}
	cmd.Flags().StringVar(&campaign, "campaign", "", "only those that hold in this campaign")
	cmd.Flags().BoolVar(&all, "all", false, "also those that were taken back")
	return cmd
}
