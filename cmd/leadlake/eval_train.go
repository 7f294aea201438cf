package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

func evalTrainCmd(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "train SET... --out MODEL.json",
		Short: "Train a match model on labelled sets",
		Long: `Train a match model on labelled sets: folders with records.parquet and
pairs.parquet, of the shapes in the help of eval resolve.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			return a.withScratchLake(cmd.Context(), func(ctx context.Context, s *lake.Session) error {
				model, err := transforms.TrainMatchModel(ctx, s, dirs, "")
				if err != nil {
					return err
				}
				if err := os.WriteFile(out, model.JSON(), 0o644); err != nil {
					return fmt.Errorf("write model: %w", err)
				}
				return a.out.result(model, func(w io.Writer) { fmt.Fprintf(w, "the model is in %s\n", out) })
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to write (required)")
	_ = cmd.MarkFlagRequired("out") // the flag exists
	return cmd
}

func evalSetsCmd(a *app) *cobra.Command {
	var across []string
	var shipped bool
	cmd := &cobra.Command{
		Use:   "sets SET...",
		Short: "Resolve each labelled set by a model trained on the others",
		Long: `Resolve labelled sets, folders of the shape in the help of eval train, each by a
model trained on the others, or all by the model that leadlake ships. A set
that lists no non-match is complete: every other pair is one.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if len(dirs) < 2 && !shipped {
				return leadlake.Errorf(leadlake.Invalid, "one set has no others to learn from").WithFix("name more sets, or say --shipped")
			}
			return a.withScratchLake(cmd.Context(), func(ctx context.Context, s *lake.Session) error {
				rows, err := a.setQualities(ctx, s, dirs, across, shipped)
				if err != nil {
					return err
				}
				title := "set, by the others"
				if shipped {
					title = "set, as shipped"
				}
				return a.out.result(rows, func(w io.Writer) { printSets(w, title, rows) })
			})
		},
	}
	cmd.Flags().StringSliceVar(&across, "across", nil, "sets of which only pairs between different sources count")
	cmd.Flags().BoolVar(&shipped, "shipped", false, "by the model that leadlake ships")
	return cmd
}

func (a *app) setQualities(ctx context.Context, s *lake.Session, dirs, across []string, shipped bool) ([]transforms.SetQuality, error) {
	var rows []transforms.SetQuality
	isAcross := func(set string) bool { return slices.Contains(across, set) }
	report := func(q transforms.SetQuality) {
		a.out.progress("evaluate %d/%d %s in %.1f s", len(rows)+1, len(dirs), q.Set, q.Seconds)
		rows = append(rows, q)
	}
	if !shipped {
		err := transforms.LeaveOneOut(ctx, s, dirs, isAcross, report)
		return rows, err
	}
	for _, dir := range dirs {
		q, err := transforms.ResolveSet(ctx, s, dir, isAcross(filepath.Base(dir)))
		if err != nil {
			return nil, err
		}
		report(q)
	}
	return rows, nil
}

func printSets(w io.Writer, title string, rows []transforms.SetQuality) {
	fmt.Fprintf(w, "%-26s %9s %9s %9s %9s %9s %9s %12s %8s\n", title, "records", "precision", "recall", "F1", "B-cubed", "blocking", "pairs", "seconds")
	for _, q := range rows {
		bCubed := "-"
		if q.BCubed != nil {
			bCubed = fmt.Sprintf("%.4f", q.BCubedF1)
		}
		fmt.Fprintf(w, "%-26s %9s %9.4f %9.4f %9.4f %9s %9.4f %12s %8.1f\n",
			q.Set, count(q.Records), q.Precision, q.Recall, q.F1, bCubed, q.BlockingRecall, count(q.Compared), q.Seconds)
	}
}
