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
			if destination != "" {
				if err := a.knowsDestination(cmd.Context(), ws, destination); err != nil {
					return err
				}
			}
			if delivery != "" {
				if _, err := ws.store.Delivery(cmd.Context(), delivery); err != nil {
					return err
				}
			}
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
	return dlqBulkCmd(a, "replay", "Have dead letters sent again by the next delivery: one, or all of a cause", func(ctx context.Context, ws *workspace, id string, row int64, who string) error {
		return deliver.Replay(ctx, ws.store, id, row, who, nil)
	})
}

func dlqDropCmd(a *app) *cobra.Command {
	return dlqBulkCmd(a, "drop", "Give dead letters up for good: one, or all of a cause", func(ctx context.Context, ws *workspace, id string, row int64, who string) error {
		return deliver.Drop(ctx, ws.store, id, row, who)
	})
}

// dlqBulkCmd does something to one dead letter of a delivery, or to all that
// share a cause.
func dlqBulkCmd(a *app, verb, short string, do func(ctx context.Context, ws *workspace, id string, row int64, who string) error) *cobra.Command {
	var as, code string
	cmd := &cobra.Command{
		Use:   verb + " DELIVERY ROW | DELIVERY --code CAUSE",
		Short: short,
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			who, err := a.person(as)
			if err != nil {
				return err
			}
			if (len(args) == 1) != (code != "") {
				return leadlake.Errorf(leadlake.Invalid, "%s dead letters: which ones?", verb).WithFix("name a row, or a cause with --code; leadlake dlq list has both")
			}
			if code != "" {
				return a.onLettersOf(cmd.Context(), args[0], code, verb, func(ctx context.Context, ws *workspace, row int64) error {
					return do(ctx, ws, args[0], row, who)
				})
			}
			return a.onLetter(cmd.Context(), args, func(ctx context.Context, ws *workspace, id string, row int64) error {
				return do(ctx, ws, id, row, who)
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who does so (default the user who is logged in)")
	cmd.Flags().StringVar(&code, "code", "", "all of the delivery that have this cause")
	return cmd
}

// onLettersOf does something to all dead letters of a delivery with one cause.
func (a *app) onLettersOf(ctx context.Context, id, code, verb string, do func(context.Context, *workspace, int64) error) error {
	ws, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	d, err := ws.store.Delivery(ctx, id)
	if err != nil {
		return err
	}
	var rows []int64
	err = deliver.Rows(ctx, ws.store, id, func(l deliver.Letter) error {
		if l.Code == code && (l.State == deliver.Rejected || l.State == deliver.Dead) {
			rows = append(rows, l.Position)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return leadlake.Errorf(leadlake.NotFound, "delivery %s has no dead letter with the cause %q", id, code).WithFix("leadlake deliver show %s lists its causes", id)
	}
	for _, row := range rows {
		if err := do(ctx, ws, row); err != nil {
			return err
		}
	}
	result := struct {
		DeliveryID string `json:"delivery_id"`
		Code       string `json:"code"`
		Rows       int    `json:"rows"`
	}{id, code, len(rows)}
	return a.out.result(result, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s rows with the cause %s\n", verb, count(int64(len(rows))), code)
		if verb == "replay" {
			fmt.Fprintf(w, "send them: leadlake deliver resume %s\n", d.Destination)
		}
	})
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
	return a.out.result(letter, func(w io.Writer) {
		printLetter(w, letter)
		if letter.State == deliver.Planned {
			fmt.Fprintf(w, "send it: leadlake deliver resume %s\n", letter.Destination)
		}
	})
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
