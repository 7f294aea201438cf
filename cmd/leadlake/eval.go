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
	cmd.AddCommand(evalResolveCmd(a), evalTrainCmd(a), evalSetsCmd(a), evalIncrementalCmd(a), evalScoreCmd(a))
	return cmd
}

func evalResolveCmd(a *app) *cobra.Command {
	var records string
	var truth transforms.Truth
	var positives bool
	cmd := &cobra.Command{
		Use:   "resolve --records RECORDS.parquet (--pairs PAIRS.parquet | --truth-id)",
		Short: "Resolve a table and compare with known answers",
		Long: `Resolve a table and compare its clusters with known answers.

` + recordsShape + `
The pairs have left_source, left_key, right_source, right_key, is_match. Only
they count, unless --complete says that every other pair is a non-match, or
--positives that they are but some of the matches. With --truth-id the
records have a column truth_id, and those with the same one are one business.

B-cubed needs all answers. Blocking recall is the share of the true pairs that
were compared at all.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withScratchLake(cmd.Context(), func(ctx context.Context, s *lake.Session) error {
				r, err := transforms.Resolve(ctx, s, records, a.resolving)
				if err != nil {
					return err
				}
				took := resolved{r, peakMiB()} // before the truth takes memory, too
				if truth.ByID {
					truth.Path = records
				}
				q, err := transforms.Evaluate(ctx, s, truth)
				if err != nil {
					return err
				}
				if positives {
					return a.out.result(struct {
						resolved
						transforms.Found
					}{took, q.Found}, func(w io.Writer) {
						took.print(w)
						fmt.Fprintf(w, "recall %.4f (%s found, %s missed), blocking recall %.4f of %s pairs\n", q.Recall, count(q.TruePositives), count(q.FalseNegatives), q.BlockingRecall, count(r.Compared))
					})
				}
				return a.out.result(struct {
					resolved
					transforms.Quality
				}{took, q}, func(w io.Writer) {
					took.print(w)
					printQuality(w, r, q)
				})
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&records, "records", "", "Parquet file of records (required)")
	flags.StringVar(&truth.Path, "pairs", "", "Parquet file of labelled pairs")
	flags.BoolVar(&truth.ByID, "truth-id", false, "the records say themselves which are one business")
	flags.BoolVar(&truth.Complete, "complete", false, "every unlisted pair is a non-match")
	flags.BoolVar(&truth.Across, "across", false, "only pairs between different sources count")
	flags.BoolVar(&positives, "positives", false, "the pairs are only some of the matches")
	_ = cmd.MarkFlagRequired("records") // the flag exists
	cmd.MarkFlagsOneRequired("pairs", "truth-id")
	cmd.MarkFlagsMutuallyExclusive("pairs", "truth-id")
	cmd.MarkFlagsMutuallyExclusive("complete", "positives")
	cmd.MarkFlagsMutuallyExclusive("truth-id", "positives")
	return cmd
}

func printQuality(w io.Writer, r transforms.Resolution, q transforms.Quality) {
	fmt.Fprintf(w, "precision %.4f, recall %.4f, F1 %.4f (%s right, %s wrong, %s missed)\n",
		q.Precision, q.Recall, q.F1, count(q.TruePositives), count(q.FalsePositives), count(q.FalseNegatives))
	if q.BCubed != nil {
		fmt.Fprintf(w, "B-cubed precision %.4f, recall %.4f, F1 %.4f\n", q.BCubedPrecision, q.BCubedRecall, q.BCubedF1)
	}
	fmt.Fprintf(w, "blocking recall %.4f by %s compared pairs\n", q.BlockingRecall, count(r.Compared))
}
