package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

func dlqCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Look at rows that a destination rejected or that were given up, and mend them",
	}
	cmd.AddCommand(dlqListCmd(a), dlqShowCmd(a), dlqEditCmd(a), dlqReplayCmd(a), dlqDropCmd(a))
	return cmd
}

// dlqLimit is how many rows a list has at most.
const dlqLimit = 1000

func dlqListCmd(a *app) *cobra.Command {
	var destination, delivery string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List dead letters by cause",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ws, err := a.openExisting(cmd.Context())
			if err != nil {
				return err
			}
			defer ws.Close()
			letters, err := deliver.DeadLetters(cmd.Context(), ws.store, destination, delivery, dlqLimit)
			if err != nil {
				return err
			}
			return a.out.result(letters, func(w io.Writer) {
				if len(letters) == 0 {
					fmt.Fprintln(w, "no dead letters")
					return
				}
				rows := make([][]string, 0, len(letters))
				for _, l := range letters {
					rows = append(rows, []string{l.Code, l.DeliveryID, strconv.FormatInt(l.Position, 10), l.Destination, l.Key, l.Reason, l.Fix})
				}
				table(w, []string{"cause", "delivery", "row", "destination", "key", "reason", "fix"}, rows)
			})
		},
	}
	cmd.Flags().StringVar(&destination, "destination", "", "only of this destination")
	cmd.Flags().StringVar(&delivery, "delivery", "", "only of this delivery")
	return cmd
}

func dlqShowCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show DELIVERY ROW",
		Short: "Show a dead letter, its fields, and what people did to it",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onLetter(cmd.Context(), args, func(context.Context, *workspace, string, int64) error { return nil })
		},
	}
}

func dlqEditCmd(a *app) *cobra.Command {
	var as string
	var set []string
	cmd := &cobra.Command{
		Use:   "edit DELIVERY ROW --set FIELD=VALUE",
		Short: "Change fields of a dead letter, and have it sent again",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			who, err := a.person(as)
			if err != nil {
				return err
			}
			fields := deliver.Payload{}
			for _, one := range set {
				name, text, ok := strings.Cut(one, "=")
				if !ok || name == "" {
					return leadlake.Errorf(leadlake.Invalid, "edit dead letter: %q is not FIELD=VALUE", one)
				}
				fields[name] = fieldValue(text)
			}
			if len(fields) == 0 {
				return leadlake.Errorf(leadlake.Invalid, "edit dead letter: nothing to change").WithFix("name what to change: --set FIELD=VALUE")
			}
			return a.onLetter(cmd.Context(), args, func(ctx context.Context, ws *workspace, id string, row int64) error {
				return deliver.Replay(ctx, ws.store, id, row, who, fields)
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who does so (default the user who is logged in)")
	cmd.Flags().StringArrayVar(&set, "set", nil, "FIELD=VALUE; the value is text, or JSON such as 7, null or [\"a\"]")
	return cmd
}

// fieldValue is what was typed as JSON where it is some, else as text.
func fieldValue(text string) json.RawMessage {
	if json.Valid([]byte(text)) {
		return deliver.Value(json.RawMessage(text))
	}
	return deliver.Value(text)
}

func dlqReplayCmd(a *app) *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "replay DELIVERY ROW",
		Short: "Have a dead letter sent again by the next delivery",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			who, err := a.person(as)
			if err != nil {
				return err
			}
			return a.onLetter(cmd.Context(), args, func(ctx context.Context, ws *workspace, id string, row int64) error {
				return deliver.Replay(ctx, ws.store, id, row, who, nil)
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who does so (default the user who is logged in)")
	return cmd
}

func dlqDropCmd(a *app) *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "drop DELIVERY ROW",
		Short: "Give a dead letter up for good",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			who, err := a.person(as)
			if err != nil {
				return err
			}
			return a.onLetter(cmd.Context(), args, func(ctx context.Context, ws *workspace, id string, row int64) error {
				return deliver.Drop(ctx, ws.store, id, row, who)
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who does so (default the user who is logged in)")
	return cmd
}

// onLetter does something to a dead letter, and shows what has become of it.
func (a *app) onLetter(ctx context.Context, args []string, do func(context.Context, *workspace, string, int64) error) error {
	row, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return leadlake.Errorf(leadlake.Invalid, "dead letter: %q is not the number of a row", args[1]).WithFix("list them: leadlake dlq list")
	}
	ws, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	if err := do(ctx, ws, args[0], row); err != nil {
		return err
	}
	letter, err := deliver.DeadLetter(ctx, ws.store, args[0], row)
	if err != nil {
		return err
	}
	return a.out.result(letter, func(w io.Writer) { printLetter(w, letter) })
}

func printLetter(w io.Writer, l deliver.Letter) {
	rows := [][]string{
		{"state", string(l.State)}, {"destination", l.Destination}, {"key", l.Key}, {"lead", l.LeadID}, {"operation", string(l.Op)},
		{"attempts", strconv.Itoa(l.Attempts)}, {"cause", l.Code}, {"reason", l.Reason}, {"fix", l.Fix},
	}
	for _, name := range l.Fields.Names() {
		rows = append(rows, []string{name, string(l.Fields[name])})
	}
	for _, e := range l.Edits {
		rows = append(rows, []string{e.Action, "by " + e.Actor + " at " + e.At.Format(time.RFC3339)})
	}
	table(w, []string{"field", "value"}, rows)
}
