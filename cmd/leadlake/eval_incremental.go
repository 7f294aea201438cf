package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

func evalIncrementalCmd(a *app) *cobra.Command {
	var records, state string
	var changes int64
	cmd := &cobra.Command{
		Use:   "incremental --records RECORDS.parquet --changes N",
		Short: "Change some records, resolve what changed, and compare with a full resolution",
		Long: `Resolve a table, change N of its records, and resolve only what changed: a half
gets another name, phone or street, a quarter is new, a quarter goes. Then
resolve all records by the same frozen model and compare all that comes of it,
and resolve the same records once more, which must change nothing.

` + recordsShape,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withScratchLake(cmd.Context(), func(ctx context.Context, s *lake.Session) error {
				result, err := a.evalIncremental(ctx, s, records, state, changes)
				if err != nil {
					return err
				}
				if err := a.out.result(result, result.print); err != nil {
					return err
				}
				return result.fault()
			})
		},
	}
	cmd.Flags().StringVar(&records, "records", "", "Parquet file of records (required)")
	cmd.Flags().StringVar(&state, "state", "", "folder for the state and the changed records; it must exist (required)")
	cmd.Flags().Int64Var(&changes, "changes", 10_000, "how many records change")
	for _, flag := range []string{"records", "state"} {
		_ = cmd.MarkFlagRequired(flag) // the flag exists
	}
	return cmd
}

// incremental is what eval incremental measures.
type incremental struct {
	Full    transforms.Updated    `json:"full"`
	Update  transforms.Updated    `json:"update"`
	Rerun   transforms.Updated    `json:"rerun"` // of the same records
	Tables  []transforms.Compared `json:"tables"`
	CPU     float64               `json:"update_cpu_seconds"` // of this process, on all cores
	PeakMiB int64                 `json:"peak_mib"`
}

func (r incremental) print(w io.Writer) {
	for _, u := range []transforms.Updated{r.Full, r.Update, r.Rerun} {
		printUpdated(w, u)
	}
	fmt.Fprintf(w, "the update took %.1f seconds of all cores together\n", r.CPU)
	fmt.Fprintf(w, "peak memory of these: %s MiB\n", count(r.PeakMiB))
	printVerified(w, r.Tables)
}

func (r incremental) fault() error {
	if err := verified(r.Tables); err != nil {
		return err
	}
	if r.Rerun.Leads+r.Rerun.Fresh+r.Rerun.Gone > 0 {
		return leadlake.Errorf(leadlake.Internal, "resolving the same records again changed %d leads", r.Rerun.Leads)
	}
	return nil
}

func (a *app) evalIncremental(ctx context.Context, s *lake.Session, records, folder string, changes int64) (r incremental, err error) {
	state := transforms.MatchState{Path: filepath.Join(folder, "match.duckdb")}
	changed := filepath.Join(folder, "changed.parquet")
	if r.Full, err = state.Resolve(ctx, s, transforms.Changes{Records: records}, a.resolving); err != nil {
		return r, err
	}
	if err := transforms.ChangeRecords(ctx, s, records, changed, changes); err != nil {
		return r, err
	}
	began := cpuSeconds()
	if r.Update, err = state.Resolve(ctx, s, transforms.Changes{Records: changed}, a.resolving); err != nil {
		return r, err
	}
	r.CPU = cpuSeconds() - began
	if r.Rerun, err = state.Resolve(ctx, s, transforms.Changes{Records: changed}, a.resolving); err != nil {
		return r, err
	}
	r.PeakMiB = peakMiB()
	r.Tables, err = state.Verify(ctx, s, changed, a.resolving)
	return r, err
}

// cpuSeconds is what this process has used of all cores so far.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
