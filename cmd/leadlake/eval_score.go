package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/models/evalscore"
	"github.com/leadlake/leadlake/models/xgbtrain"
)

func evalScoreCmd(a *app) *cobra.Command {
	var src evalscore.Source
	var o evalscore.Options
	var noTrees bool
	cmd := &cobra.Command{
		Use:   "score --data FILE --label COLUMN",
		Short: "Train, calibrate and test scorers on a labelled table",
		Long: `Train, calibrate and test scorers on any labelled table: CSV, TSV, JSON or
Parquet. Texts, numbers, booleans, dates and gaps are taken as they are; keys of
rows and columns of one value are left out.

Each row is scored by models that have not seen it: by folds, or with
--time-split by models of the earlier rows, the order of the file (or --time)
being that of time. Columns that seem to know the answer are named; --drop-leaks
learns without those that surely do. A model takes over from a simpler one only
by a margin and beyond chance, as in leadlake train.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.TimeSplit < 0 || o.TimeSplit > 0.9:
				return leadlake.Errorf(leadlake.Invalid, "--time-split %g: no share of the rows", o.TimeSplit).WithFix("give one up to 0.9, such as 0.3")
			case o.TimeSplit == 0 && src.Time != "":
				return leadlake.Errorf(leadlake.Invalid, "--time without --time-split").WithFix("say which share of the latest rows to test on: --time-split 0.3")
			case o.Folds < 2 || o.Folds > 20:
				return leadlake.Errorf(leadlake.Invalid, "--folds %d: want 2 to 20", o.Folds).WithFix("give another number, such as 5")
			}
			return a.evalScore(cmd.Context(), src, o, noTrees)
		},
	}
	f := cmd.Flags()
	f.StringVar(&src.Path, "data", "", "file of the table (required)")
	f.StringVar(&src.Label, "label", "", "column of what is predicted (required)")
	f.StringVar(&src.Positive, "positive", "", "value of the label that counts as true (default: yes, true, 1, won, converted)")
	f.StringSliceVar(&src.Drop, "drop", nil, "columns to leave out, by comma; * stands for any part of a name")
	f.Float64Var(&o.TimeSplit, "time-split", 0, "test on this share of the latest rows, such as 0.3")
	f.StringVar(&src.Time, "time", "", "column that orders the rows in time (default: they are in order)")
	f.IntVar(&o.Folds, "folds", evalscore.DefaultFolds, "without --time-split: how many parts are tested in turn")
	f.Float64Var(&o.Margin, "margin", evalscore.DefaultMargin, "by how much AUC a model has to win to take over")
	f.BoolVar(&o.DropLeaks, "drop-leaks", false, "learn without the columns that surely know the answer")
	f.BoolVar(&noTrees, "no-xgboost", false, "try logistic regression alone")
	f.Uint64Var(&o.Seed, "seed", 1, "of what is drawn at random")
	for _, flag := range []string{"data", "label"} {
		_ = cmd.MarkFlagRequired(flag) // the flag exists
	}
	return cmd
}

func (a *app) evalScore(ctx context.Context, src evalscore.Source, o evalscore.Options, noTrees bool) error {
	if !noTrees {
		python, err := xgbtrain.FindPython(ctx, a.getenv)
		if err != nil && leadlake.ErrorCode(err) != leadlake.NotFound {
			return err
		}
		o.Python = python
	}
	o.Progress = a.out.progress
	return a.withScratchLake(ctx, func(ctx context.Context, s *lake.Session) error {
		a.out.progress("score      reading %s", src.Path)
		table, err := evalscore.Read(ctx, s, src)
		if err != nil {
			return err
		}
		report, err := evalscore.Evaluate(ctx, table, o)
		if err != nil {
			return err
		}
		return a.out.result(report, func(w io.Writer) { printScored(w, report) })
	})
}

func printScored(w io.Writer, r evalscore.Report) {
	fmt.Fprintf(w, "%s rows, %s positive (%.1f%%), %d features\n", count(int64(r.Rows)), count(int64(r.Positives)), 100*float64(r.Positives)/float64(r.Rows), r.Features)
	if r.Split.Kind == "time" {
		fmt.Fprintf(w, "learnt from the earliest %s, calibrated on the next %s, tested on the latest %s\n", count(int64(r.Split.Learn)), count(int64(r.Split.Calibrate)), count(int64(r.Split.Test)))
	} else {
		fmt.Fprintf(w, "tested on all rows in %d folds, each by models of the others\n", r.Split.Folds)
	}
	if len(r.Left) > 0 {
		fmt.Fprintf(w, "learnt without the leaks: %s\n", strings.Join(r.Left, ", "))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	fmt.Fprintln(w)
	printScorers(w, r)
	for _, m := range r.Models {
		if m.Kind != r.Best {
			continue
		}
		fmt.Fprintf(w, "\n%s, by tenths of the rows (calibrated by %s)\n", m.Kind, m.Curve)
		var rows [][]string
		for _, b := range m.Reliability {
			rows = append(rows, []string{count(int64(b.Rows)), fmt.Sprintf("%.3f", b.Predicted), fmt.Sprintf("%.3f", b.Observed), fmt.Sprintf("%.3f to %.3f", b.Low, b.High)})
		}
		table(w, []string{"ROWS", "PREDICTED", "CAME TRUE", "95% INTERVAL"}, rows)
		fmt.Fprintln(w, "\nwhat moves its scores (mean log-odds of a row)")
		rows = nil
		for _, x := range m.Weights {
			rows = append(rows, []string{x.Feature, fmt.Sprintf("%.3f", x.Moves)})
		}
		table(w, nil, rows)
	}
	printLeaks(w, r)
	printDrift(w, r)
	fmt.Fprintln(w)
	for _, g := range r.Gates {
		fmt.Fprintln(w, g.Why)
	}
}

func printScorers(w io.Writer, r evalscore.Report) {
	var rows [][]string
	headings := []string{"MODEL", "AUC", "AVERAGE PRECISION", "LOG LOSS", "BRIER", "CALIBRATION ERROR"}
	for i, m := range r.Models {
		row := []string{m.Kind}
		for _, v := range []float64{m.AUC, m.AveragePrecision, m.LogLoss, m.Brier, m.CalibrationError} {
			row = append(row, fmt.Sprintf("%.4f", v))
		}
		for _, at := range m.PrecisionAt {
			if i == 0 {
				headings = append(headings, fmt.Sprintf("PRECISION@%d", at.K))
			}
			row = append(row, fmt.Sprintf("%.3f (x%.2f)", at.Precision, at.Lift))
		}
		rows = append(rows, row)
	}
	table(w, headings, rows)
}

func printLeaks(w io.Writer, r evalscore.Report) {
	if len(r.Leaks) == 0 {
		fmt.Fprintln(w, "\nno column seems to know the answer")
		return
	}
	fmt.Fprintln(w, "\ncolumns that seem to know the answer (leak: surely; check: find out when it is filled in)")
	var rows [][]string
	for _, l := range r.Leaks {
		name := l.Column
		if len(l.With) > 0 {
			name += " (and, filled in with it: " + strings.Join(l.With, ", ") + ")"
		}
		rows = append(rows, []string{l.Severity, name, fmt.Sprintf("AUC %.3f", l.AUC), strings.Join(l.Why, "; ")})
	}
	table(w, nil, rows)
	if names := r.Flagged(); names != "" && len(r.Left) == 0 {
		fmt.Fprintln(w, "they make the figures above better than they will be; to learn without the leaks: --drop-leaks")
	}
}

func printDrift(w io.Writer, r evalscore.Report) {
	if r.Label == nil {
		return
	}
	fmt.Fprintf(w, "\ndrift: %.1f%% were positive before, %.1f%% are in the tested rows\n", 100*r.Label.Before, 100*r.Label.After)
	var rows [][]string
	stable := 0
	for _, d := range r.Drift {
		if d.Verdict == "stable" {
			stable++
			continue
		}
		rows = append(rows, []string{d.Verdict, d.Feature, fmt.Sprintf("PSI %.2f", d.PSI)})
	}
	table(w, nil, rows)
	fmt.Fprintf(w, "%d of %d features are stable\n", stable, len(r.Drift))
}
