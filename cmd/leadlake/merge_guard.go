package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake/transforms"
)

// MergeConfig is how much a run may merge before a person has to accept it.
type MergeConfig struct {
	LeadRecords int     `yaml:"lead_records"`
	LeadsEnded  float64 `yaml:"leads_ended"`
	ShareGrowth float64 `yaml:"share_growth"`
}

func acceptMergesFlag(cmd *cobra.Command, a *app) {
	cmd.Flags().BoolVar(&a.acceptMerges, "accept-merges", false, "publish also what merges more than merge_limits of the configuration allow")
}

// checkMerges refuses a run that merges more than it may, unless a person
// accepted it.
func (j *job) checkMerges(ctx context.Context, params transforms.Params) error {
	if j.acceptMerges {
		return nil
	}
	c := j.cfg.Merges
	return transforms.CheckMerges(ctx, j.ws.lake, params, transforms.MergeLimits{
		LeadRecords: int64(c.LeadRecords), LeadsEnded: c.LeadsEnded, ShareGrowth: c.ShareGrowth,
	})
}
