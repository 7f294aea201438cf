package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

func evalCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Measure quality against known answers",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(evalResolveCmd(a))
	return cmd
}

func evalResolveCmd(a *app) *cobra.Command {
	var records string
	var truth transforms.Truth
	cmd := &cobra.Command{
		Use:   "resolve --records RECORDS.parquet --pairs PAIRS.parquet",
		Short: "Resolve a table and compare with labelled pairs",
		Long: `Resolve a table and compare its clusters with labelled pairs.

` + recordsShape + `
The pairs have left_source, left_key, right_source, right_key, is_match. Only
they count, unless --complete says that every other pair is a non-match.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withScratchLake(cmd.Context(), func(ctx context.Context, s *lake.Session) error {
				r, err := transforms.Resolve(ctx, s, records, a.resolving)
				if err != nil {
					return err
				}
				q, err := transforms.Evaluate(ctx, s, truth)
				if err != nil {
					return err
				}
				result := struct {
					resolved
					transforms.Quality
				}{resolved{r, peakMiB()}, q}
				return a.out.result(result, func(w io.Writer) {
					result.print(w)
					fmt.Fprintf(w, "precision %.4f, recall %.4f, F1 %.4f (%s right, %s wrong, %s missed)\n",
						q.Precision, q.Recall, q.F1, count(q.TruePositives), count(q.FalsePositives), count(q.FalseNegatives))
				})
			})
		},
	}
	cmd.Flags().StringVar(&records, "records", "", "Parquet file of records (required)")
	cmd.Flags().StringVar(&truth.Path, "pairs", "", "Parquet file of labelled pairs (required)")
	cmd.Flags().BoolVar(&truth.Complete, "complete", false, "every unlisted pair is a non-match")
	cmd.Flags().BoolVar(&truth.Across, "across", false, "only pairs between different sources count")
	// The flags exist, so these cannot fail.
	_ = cmd.MarkFlagRequired("records")
	_ = cmd.MarkFlagRequired("pairs")
	return cmd
}
