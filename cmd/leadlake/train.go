package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models"
	"github.com/leadlake/leadlake/models/learned"
	"github.com/leadlake/leadlake/models/registry"
	"github.com/leadlake/leadlake/models/train"
	"github.com/leadlake/leadlake/models/xgbtrain"
)

func (a *app) registry(ws *workspace) *registry.Registry {
	return registry.New(ws.lake.Bucket(), time.Now)
}

// champion is what scores the leads of a vertical: the model that was put in
// charge last, else the rules.
func (a *app) champion(ctx context.Context, ws *workspace, vertical string) (models.Scorer, error) {
	r := a.registry(ws)
	version, err := r.Champion(ctx, vertical)
	if err != nil {
		return nil, err
	}
	if version == registry.Baseline {
		return models.Baseline()
	}
	_, files, err := r.Get(ctx, vertical, version)
	if err != nil {
		return nil, err
	}
	return learned.Load(version, files)
}

// trained is what `leadlake train` prints.
type trained struct {
	train.Report
	Version  string `json:"version"` // of the best challenger in the registry
	Promoted bool   `json:"promoted"`
}

func trainCmd(a *app) *cobra.Command {
	var o train.Options
	var as, licence string
	var keep, noTrees bool
	cmd := &cobra.Command{
		Use:   "train --vertical VERTICAL",
		Short: "Learn to score from what became of delivered leads",
		Long: `Learn to score from what became of delivered leads (leadlake feedback pulls it).

The earliest deliveries are learnt from, later ones calibrate, the latest test.
Logistic regression and, where it is installed, XGBoost are tried. The better of
them takes over only if it beats what scores now by the margin and by more than
chance. Every model that was trained stays in the registry: leadlake model list.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkVertical(o.Vertical); err != nil {
				return err
			}
			return a.train(cmd.Context(), o, as, licence, keep, noTrees)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Vertical, "vertical", "", "whose leads (required)")
	f.IntVar(&o.Positives, "min-labels", train.DefaultPositives, "how many leads of each outcome have to be there")
	f.Float64Var(&o.Margin, "margin", train.DefaultMargin, "by how much AUC a model has to win to take over")
	f.Int64Var(&o.Seed, "seed", 1, "of what is drawn at random")
	f.BoolVar(&keep, "no-promote", false, "train and compare, but change nothing that scores")
	f.BoolVar(&noTrees, "no-xgboost", false, "try logistic regression alone")
	f.StringVar(&licence, "licence", "", "of the data, for the model's card")
	f.StringVar(&as, "as", "", "who trains (default the user who is logged in)")
	_ = cmd.MarkFlagRequired("vertical") // the flag exists
	return cmd
}

func checkVertical(name string) error {
	for _, v := range leadlake.Verticals {
		if string(v) == name {
			return nil
		}
	}
	return leadlake.Errorf(leadlake.Invalid, "vertical %q is unknown", name).WithFix("use one of %v", leadlake.Verticals)
}

func (a *app) train(ctx context.Context, o train.Options, as, licence string, keep, noTrees bool) error {
	ws, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	if o.Champion, err = a.champion(ctx, ws, o.Vertical); err != nil {
		return err
	}
	if !noTrees {
		python, err := xgbtrain.FindPython(ctx, a.getenv)
		if err != nil && leadlake.ErrorCode(err) != leadlake.NotFound {
			return err
		}
		o.Python = python
	}
	a.out.progress("train      reading labels")
	table, err := train.Read(ctx, ws.lake, o.Vertical)
	if err != nil {
		return err
	}
	defer table.Release()
	a.out.progress("train      %s deliveries, %s conversions", count(int64(table.Rows())), count(int64(table.Positives())))
	report, best, err := train.Fit(ctx, table, o)
	if err != nil {
		return err
	}
	who, err := a.person(as)
	if err != nil {
		return err
	}
	card, err := a.registry(ws).Add(ctx, cardOf(report, best, who, licence), best.Files)
	if err != nil {
		return err
	}
	out := trained{Report: report, Version: card.Version, Promoted: report.Promote && !keep}
	if out.Promoted {
		if err := a.registry(ws).Promote(ctx, o.Vertical, card.Version, who, report.Why); err != nil {
			return err
		}
	}
	return a.out.result(out, func(w io.Writer) { printTrained(w, out) })
}

func cardOf(r train.Report, best *train.Candidate, who, licence string) registry.Card {
	c := registry.Card{
		Name: r.Vertical, Kind: best.Kind, CreatedBy: who, Program: leadlake.Version, Licence: licence,
		From: r.From, To: r.To, Rows: r.Rows, Positives: r.Positives, Features: best.Features,
		Metrics: map[string]float64{"gain": r.Gain}, Note: r.Why,
	}
	for _, l := range r.Others {
		if l.Kind != best.Kind {
			continue
		}
		c.Metrics["auc"], c.Metrics["precision_top"] = l.AUC, l.PrecisionTop
		for name, v := range map[string]*float64{"log_loss": l.LogLoss, "brier": l.Brier, "calibration_error": l.Calibration} {
			if v != nil {
				c.Metrics[name] = *v
			}
		}
	}
	return c
}

func printTrained(w io.Writer, t trained) {
	fmt.Fprintf(w, "%s: %s leads delivered from %s to %s, %s converted (%.1f%%)\n", t.Vertical, count(int64(t.Rows)),
		t.From.Format(time.DateOnly), t.To.Format(time.DateOnly), count(int64(t.Positives)), 100*float64(t.Positives)/float64(t.Rows))
	fmt.Fprintf(w, "learnt from %s, calibrated on %s, tested on the latest %s\n\n", count(int64(t.Learn)), count(int64(t.Tune)), count(int64(t.Test)))
	var rows [][]string
	for _, l := range append([]train.Line{t.Champion}, t.Others...) {
		rows = append(rows, []string{l.Kind, l.Name, fmt.Sprintf("%.3f", l.AUC), fmt.Sprintf("%.2f", l.PrecisionTop), optional(l.LogLoss), optional(l.Brier), optional(l.Calibration)})
	}
	table(w, []string{"", "MODEL", "AUC", fmt.Sprintf("PRECISION@%d", t.Top), "LOG LOSS", "BRIER", "CALIBRATION ERROR"}, rows)
	fmt.Fprintln(w)
	for _, n := range t.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	fmt.Fprintln(w, t.Why)
	switch {
	case t.Promoted:
		fmt.Fprintf(w, "version %s scores from the next run on; to go back: leadlake model rollback %s\n", t.Version, t.Vertical)
	case t.Promote:
		fmt.Fprintf(w, "nothing was changed; to put it in charge: leadlake model promote %s %s\n", t.Vertical, t.Version)
	default:
		fmt.Fprintf(w, "the model is kept as version %s\n", t.Version)
	}
}

func optional(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f", *v)
}
