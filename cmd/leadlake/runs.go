package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
)

func runsCmd(a *app) *cobra.Command {
	var campaign string
	var limit int
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List runs, newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ws, err := a.openExisting(cmd.Context())
			if err != nil {
				return err
			}
			defer ws.Close()
			runs, err := ws.store.Runs(cmd.Context(), campaign, limit)
			if err != nil {
				return err
			}
			if runs == nil {
				runs = []leadlake.Run{} // an empty list, not null
			}
			return a.out.result(runs, func(w io.Writer) {
				rows := make([][]string, len(runs))
				for i, r := range runs {
					rows[i] = []string{r.RunID, r.CampaignID, string(r.State), orNothing(r.DoneStep), count(r.Funnel.Read), count(r.Funnel.Published), r.StartedAt.Format(time.DateTime), r.Error}
				}
				table(w, []string{"run", "campaign", "state", "done", "read", "published", "started", "error"}, rows)
			})
		},
	}
	cmd.Flags().StringVar(&campaign, "campaign", "", "only runs of this campaign")
	cmd.Flags().IntVar(&limit, "limit", 20, "at most this many")
	return cmd
}
