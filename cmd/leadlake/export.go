package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/export"
)

func exportCmd(a *app) *cobra.Command {
	r := export.Request{}
	var out, format, tier, vertical string
	cmd := &cobra.Command{
		Use:   "export --campaign ID",
		Short: "Write the published leads of a campaign as CSV, Parquet or JSON lines, with a manifest",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r.Format, r.Tier, r.Vertical = export.Format(format), leadlake.Tier(strings.ToUpper(tier)), leadlake.Vertical(vertical)
			r.Region = strings.ToUpper(r.Region) // as leads have it
			if out == "" {
				out = filepath.Join(a.cfg.Home, "exports", r.CampaignID+"-"+format)
			}
			ws, err := a.openExisting(cmd.Context())
			if err != nil {
				return err
			}
			defer ws.Close()
			m, err := export.Export(cmd.Context(), ws.lake, r, out)
			if err != nil {
				return err
			}
			result := struct {
				Folder string `json:"folder"`
				export.Manifest
			}{out, m}
			return a.out.result(result, func(w io.Writer) {
				fmt.Fprintf(w, "%s leads in %d files, %s bytes: %s\n", count(m.Rows), len(m.Files), count(m.Bytes), out)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.CampaignID, "campaign", "", "campaign to export (required)")
	f.StringVar(&format, "format", string(export.CSV), "csv, parquet or jsonl")
	f.StringVar(&out, "out", "", "folder to write (default exports/ in the workspace)")
	f.StringVar(&tier, "tier", "", "only this tier: A, B or C")
	f.StringVar(&vertical, "vertical", "", "only this vertical")
	f.StringVar(&r.Region, "region", "", "only this region, such as CO")
	f.IntVar(&r.MinScore, "min-score", 0, "only leads with at least this score")
	// The flag exists, so this cannot fail.
	_ = cmd.MarkFlagRequired("campaign")
	return cmd
}
