package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake/models/learned"
	"github.com/leadlake/leadlake/models/registry"
)

func modelCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "model",
		Short: "Models that score leads: versions, who scores, rolling back",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(modelListCmd(a), modelShowCmd(a), modelPromoteCmd(a), modelRollbackCmd(a), modelHealthCmd(a))
	return cmd
}

// withRegistry runs a command's body on the registry of the workspace.
func (a *app) withRegistry(ctx context.Context, do func(*registry.Registry) error) error {
	ws, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	return do(a.registry(ws))
}

// modelVersion is a line of `model list`.
type modelVersion struct {
	registry.Card
	Champion bool `json:"champion"`
}

func modelListCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list [VERTICAL]",
		Short: "List every version that was trained, and which scores",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRegistry(cmd.Context(), func(r *registry.Registry) error {
				names := args
				if len(names) == 0 {
					var err error
					if names, err = r.Names(cmd.Context()); err != nil {
						return err
					}
				}
				versions := []modelVersion{}
				for _, name := range names {
					champion, err := r.Champion(cmd.Context(), name)
					if err != nil {
						return err
					}
					cards, err := r.Versions(cmd.Context(), name)
					if err != nil {
						return err
					}
					versions = append(versions, modelVersion{Card: registry.Card{Name: name, Version: registry.Baseline, Kind: registry.Baseline}, Champion: champion == registry.Baseline})
					for _, c := range cards {
						versions = append(versions, modelVersion{Card: c, Champion: c.Version == champion})
					}
				}
				return a.out.result(versions, func(w io.Writer) { printVersions(w, versions) })
			})
		},
	}
}

func printVersions(w io.Writer, versions []modelVersion) {
	if len(versions) == 0 {
		fmt.Fprintln(w, "no model was trained yet: the rules score (leadlake train)")
		return
	}
	var rows [][]string
	for _, v := range versions {
		scores, auc, learnt := "", "-", "-"
		if v.Champion {
			scores = "scores"
		}
		if v.Rows > 0 {
			auc = fmt.Sprintf("%.3f", v.Metrics["auc"])
			learnt = fmt.Sprintf("%s of %s leads", count(int64(v.Positives)), count(int64(v.Rows)))
		}
		rows = append(rows, []string{v.Name, v.Version, v.Kind, scores, auc, learnt, v.CreatedBy})
	}
	table(w, []string{"VERTICAL", "VERSION", "KIND", "", "AUC", "CONVERTED", "BY"}, rows)
}

// modelShown is what `model show` prints.
type modelShown struct {
	registry.Card
	Tiers      []learned.Tier       `json:"tiers"`
	Promotions []registry.Promotion `json:"promotions"`
}

func modelShowCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show VERTICAL VERSION",
		Short: "Show the card of a version: data, metrics, tiers, who promoted it and why",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRegistry(cmd.Context(), func(r *registry.Registry) error {
				card, files, err := r.Get(cmd.Context(), args[0], args[1])
				if err != nil {
					return err
				}
				artefact, err := learned.ReadArtefact(files[learned.ScorerFile])
				if err != nil {
					return err
				}
				all, err := r.Promotions(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				all = slices.DeleteFunc(all, func(p registry.Promotion) bool { return p.Version != card.Version })
				shown := modelShown{Card: card, Tiers: artefact.Tiers, Promotions: all}
				return a.out.result(shown, func(w io.Writer) { printModel(w, shown) })
			})
		},
	}
}

func printModel(w io.Writer, m modelShown) {
	fmt.Fprintf(w, "%s %s, %s, trained %s by %s\n", m.Name, m.Version, m.Kind, m.CreatedAt.Format(time.DateTime), m.CreatedBy)
	fmt.Fprintf(w, "from %s deliveries of %s to %s, %s converted\n", count(int64(m.Rows)), m.From.Format(time.DateOnly), m.To.Format(time.DateOnly), count(int64(m.Positives)))
	fmt.Fprintf(w, "features: %s\n\n", strings.Join(m.Features, ", "))
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(m.Metrics)) {
		rows = append(rows, []string{strings.ReplaceAll(name, "_", " "), fmt.Sprintf("%.3f", m.Metrics[name])})
	}
	table(w, nil, rows)
	rows = nil
	for _, t := range m.Tiers {
		rows = append(rows, []string{t.Name, fmt.Sprintf("from %d", t.Min), fmt.Sprintf("%.0f%% converted (%.0f to %.0f%%) of %s", 100*t.Rate, 100*t.Low, 100*t.High, count(int64(t.Leads)))})
	}
	fmt.Fprintln(w)
	table(w, []string{"TIER", "SCORE", "EXPECTED"}, rows)
	fmt.Fprintf(w, "\n%s\n", m.Note)
	for _, p := range m.Promotions {
		fmt.Fprintf(w, "put in charge %s by %s: %s\n", p.At.Format(time.DateTime), p.Who, p.Why)
	}
}

func modelPromoteCmd(a *app) *cobra.Command {
	var as, why string
	cmd := &cobra.Command{
		Use:   "promote VERTICAL VERSION",
		Short: "Put a version in charge from the next run on; `rules` puts the rules back",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkVertical(args[0]); err != nil {
				return err
			}
			return a.withRegistry(cmd.Context(), func(r *registry.Registry) error {
				who, err := a.person(as)
				if err != nil {
					return err
				}
				if err := r.Promote(cmd.Context(), args[0], args[1], who, why); err != nil {
					return err
				}
				return a.out.result(map[string]string{"vertical": args[0], "version": args[1]}, func(w io.Writer) {
					fmt.Fprintf(w, "%s scores %s leads from the next run on\n", args[1], args[0])
				})
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who says so (default the user who is logged in)")
	cmd.Flags().StringVar(&why, "why", "", "why, for those who read it later")
	return cmd
}

func modelRollbackCmd(a *app) *cobra.Command {
	var as, why string
	cmd := &cobra.Command{
		Use:   "rollback VERTICAL",
		Short: "Put the version in charge that scored before the present one",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRegistry(cmd.Context(), func(r *registry.Registry) error {
				who, err := a.person(as)
				if err != nil {
					return err
				}
				version, err := r.Rollback(cmd.Context(), args[0], who, why)
				if err != nil {
					return err
				}
				return a.out.result(map[string]string{"vertical": args[0], "version": version}, func(w io.Writer) {
					fmt.Fprintf(w, "%s scores %s leads from the next run on\n", version, args[0])
				})
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who says so (default the user who is logged in)")
	cmd.Flags().StringVar(&why, "why", "", "why, for those who read it later")
	return cmd
}
