package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

const recordsShape = `The records are a Parquet file with source, source_key and any of name, street,
city, region, postal, country, lat, lon, phone, website, email, category.`

func resolveCmd(a *app) *cobra.Command {
	var records, out string
	var by byState
	var preview previewFlags
	cmd := &cobra.Command{
		Use:   "resolve --records RECORDS.parquet --out CLUSTERS.parquet",
		Short: "Find which records of a table are the same business",
		Long: `Match and cluster the records of a Parquet file, without a campaign.

` + recordsShape + `
The result has source, source_key and cluster_id.

With --state, a file that this command makes and keeps, the next resolution
works on what changed alone: its result is that of resolving all records with
the same word and match weights. A cluster keeps its id from one to the next.
All records are resolved, and the weights adapted to them, the first time, with
--full, after an upgrade, and when more than a tenth of the records changed.
With --part the records are only those that are new or changed.

With --preview nothing is resolved: it shows what another threshold or model
would make of the state of a file or campaign, against what holds now, with
precision and recall on the pairs that people linked or kept apart. With
--apply it holds from now on; what is published changes with the next run.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if preview.what != "" {
				return a.previewByFlags(cmd.Context(), preview, by)
			}
			if err := by.check(); err != nil {
				return err
			}
			return a.withScratchLake(cmd.Context(), func(ctx context.Context, s *lake.Session) error {
				if by.path != "" {
					return a.resolveByState(ctx, s, records, out, by)
				}
				r, err := transforms.Resolve(ctx, s, records, a.resolving)
				if err != nil {
					return err
				}
				if err := transforms.WriteClusters(ctx, s, out); err != nil {
					return err
				}
				result := resolved{Resolution: r, PeakMiB: peakMiB()}
				return a.out.result(result, func(w io.Writer) {
					result.print(w)
					fmt.Fprintf(w, "clusters are in %s\n", out)
				})
			})
		},
	}
	cmd.Flags().StringVar(&records, "records", "", "Parquet file of records")
	cmd.Flags().StringVar(&out, "out", "", "Parquet file to write")
	cmd.Flags().StringVar(&by.path, "state", "", "file that keeps what the next resolution needs to work on changes alone")
	cmd.Flags().BoolVar(&by.isPart, "part", false, "the records are only those that are new or changed")
	cmd.Flags().BoolVar(&by.isFull, "full", false, "resolve all records whatever the state says")
	cmd.Flags().BoolVar(&by.verify, "verify", false, "resolve all records as well, and compare")
	preview.register(cmd)
	cmd.MarkFlagsOneRequired("records", "preview")
	cmd.MarkFlagsMutuallyExclusive("records", "preview")
	cmd.MarkFlagsRequiredTogether("records", "out")
	return cmd
}

// resolved is a resolution with what it took.
type resolved struct {
	transforms.Resolution
	PeakMiB int64 `json:"peak_mib"`
}

func (r resolved) print(w io.Writer) {
	fmt.Fprintf(w, "%s records are %s businesses by %s matched pairs, in %.1f s and %s MiB\n",
		count(r.Records), count(r.Clusters), count(r.Pairs), r.Seconds, count(r.PeakMiB))
}

func (a *app) resolving(e transforms.Event) {
	a.out.progress("resolve  %d/%d %s: %s rows in %.1f s", e.Step, e.Steps, e.Table, count(e.Rows), e.Duration.Seconds())
}

// withScratchLake runs fn on a lake of its own that is removed afterwards, so
// that looking at a file leaves no trace in the workspace.
func (a *app) withScratchLake(ctx context.Context, fn func(context.Context, *lake.Session) error) (err error) {
	home, err := os.MkdirTemp("", "leadlake-resolve-")
	if err != nil {
		return leadlake.Errorf(leadlake.Invalid, "make scratch folder: %w", err).WithFix("point TMPDIR at a folder that you may write to")
	}
	defer os.RemoveAll(home)
	cfg := a.cfg.lakeConfig(false)
	l, err := lake.Open(ctx, lake.Config{Home: home, Extensions: cfg.Extensions, Threads: cfg.Threads, MemoryLimit: cfg.MemoryLimit})
	if err != nil {
		return err
	}
	defer l.Close()
	s, err := l.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	return fn(ctx, s)
}

// peakMiB is the largest resident size of this process so far, in MiB.
func peakMiB() int64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return usage.Maxrss >> 20 // bytes there, KiB elsewhere
	}
	return usage.Maxrss >> 10
}
