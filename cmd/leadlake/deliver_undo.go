package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake/serve/deliver"
)

func deliverUndoCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "undo DELIVERY",
		Short: "Take a delivery back: remove what it created, restore what it changed, keep what people edited since",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.onDelivery(ctx, args[0], func(c *courier) error {
				return c.alone(ctx, func() (deliver.Summary, error) { return c.engine.Undo(ctx, args[0], c.to) })
			})
		},
	}
}

func deliverResumeCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "resume DESTINATION",
		Short: "Go on with what is unfinished, and with dead letters that are to be sent again; plan nothing new",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onDestination(cmd.Context(), args[0], func(c *courier) error {
				return c.several(cmd.Context(), c.resume)
			})
		},
	}
}

func deliverReplayCmd(a *app) *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use:   "replay DESTINATION --since TIME",
		Short: "Send events again, with the ids that they had, to a receiver that has lost them",
		Long: `Send again every event that DESTINATION has accepted since a time, with the id
that it had: a receiver that knows it does nothing. It is for webhooks and files;
for a CRM, leadlake prove says what is missing.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := parseSince(since, time.Now())
			if err != nil {
				return err
			}
			return a.onDestination(cmd.Context(), args[0], func(c *courier) error {
				return c.several(cmd.Context(), func(ctx context.Context, _ *watch) (all []report, err error) {
					sums, err := c.engine.ReplaySince(ctx, c.name, c.to, from)
					for _, s := range sums {
						all = append(all, reportOf(s))
						err = c.ended(ctx, s, err)
					}
					return all, err
				})
			})
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "a time such as 2026-11-25T08:00:00Z, or a duration back from now such as 36h (required)")
	// The flag exists, so this cannot fail.
	_ = cmd.MarkFlagRequired("since")
	return cmd
}

// alone runs what is one delivery, and prints it.
func (c *courier) alone(ctx context.Context, do func() (deliver.Summary, error)) error {
	if err := c.takeOver(ctx); err != nil {
		return err
	}
	watch := c.watch(ctx)
	sum, err := do()
	watch.stop()
	err = c.ended(ctx, sum, err)
	if sum.DeliveryID == "" {
		return err
	}
	return c.printed(reportOf(sum), err, func(w io.Writer) { printSummary(w, sum) })
}

// several runs what may be many deliveries, and prints them.
func (c *courier) several(ctx context.Context, do func(context.Context, *watch) ([]report, error)) error {
	if err := c.takeOver(ctx); err != nil {
		return err
	}
	watch := c.watch(ctx)
	all, err := do(ctx, watch)
	watch.stop()
	if len(all) == 0 && err != nil {
		return err
	}
	return c.printed(append([]report{}, all...), err, func(w io.Writer) {
		if len(all) == 0 {
			fmt.Fprintln(w, "nothing is unfinished")
		}
		for _, r := range all {
			printSummary(w, r.Summary)
		}
	})
}

func deliverTestCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "test DESTINATION",
		Short: "Log in, ask for the fields, and hold the mapping to them; send nothing",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if _, err := a.cfg.destination(args[0]); err != nil {
				return err
			}
			ws, err := a.openWorkspace(ctx)
			if err != nil {
				return err
			}
			defer ws.Close()
			c, err := a.courier(ctx, ws, args[0])
			if err != nil {
				return err
			}
			defer c.close()
			return c.test(ctx)
		},
	}
}

func (c *courier) test(ctx context.Context) error {
	schema, err := c.engine.Describe(ctx, c.to)
	if err != nil {
		return fmt.Errorf("test %s: %w", c.name, err)
	}
	if c.engine.Bucket != nil {
		for _, err := range c.engine.Bucket.List(ctx, "") {
			if err != nil {
				return fmt.Errorf("test %s: %w", c.name, err)
			}
			break
		}
	}
	problems := c.mapping.Fits(schema)
	result := struct {
		Destination string            `json:"destination"`
		Kind        string            `json:"kind"`
		Fields      int               `json:"fields"` // that the destination has; 0: any
		Mapped      int               `json:"mapped"`
		Effect      string            `json:"effect"`
		Problems    []deliver.Problem `json:"problems,omitempty"`
		OK          bool              `json:"ok"`
	}{c.name, c.set.Kind, len(schema.Fields), len(c.mapping.Fields), c.to.Spec().Effect, problems, len(problems) == 0}
	err = c.out.result(result, func(w io.Writer) {
		fields := "any field"
		if len(schema.Fields) > 0 {
			fields = count(int64(len(schema.Fields))) + " fields"
		}
		fmt.Fprintf(w, "%s lets us in and has %s; %d are mapped\n", c.name, fields, len(c.mapping.Fields))
		fmt.Fprintf(w, "one effect a lead, because of %s\n", c.to.Spec().Effect)
		if len(problems) > 0 {
			printProblems(w, problems)
		}
	})
	if err == nil && len(problems) > 0 {
		return errReported
	}
	return err
}

func printProblems(w io.Writer, problems []deliver.Problem) {
	var rows [][]string
	for _, p := range problems {
		rows = append(rows, []string{p.Field, p.Code, p.Reason, p.Fix})
	}
	table(w, []string{"field", "problem", "reason", "fix"}, rows)
}
