package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/all"
)

// listed is a delivery with what became of its rows.
type listed struct {
	ID          string                  `json:"delivery_id"`
	Destination string                  `json:"destination"`
	Kind        string                  `json:"kind"`
	Campaign    string                  `json:"campaign_id"`
	RunID       string                  `json:"run_id"`
	Mode        string                  `json:"mode"`
	Undoes      string                  `json:"undoes,omitempty"`
	State       string                  `json:"state"`
	Error       string                  `json:"error,omitempty"`
	Given       int64                   `json:"given"`
	Unchanged   int64                   `json:"unchanged"`
	Rows        map[deliver.State]int64 `json:"rows"`
	StartedAt   time.Time               `json:"started_at"`
	EndedAt     time.Time               `json:"ended_at,omitzero"`
}

func (w *workspace) listed(ctx context.Context, d store.Delivery) (listed, error) {
	l := listed{
		ID: d.ID, Destination: d.Destination, Kind: d.Kind, Campaign: d.Scope, RunID: d.RunID, Mode: d.Mode, Undoes: d.Undoes, State: d.State, Error: d.Error,
		Given: d.Given, Unchanged: d.Unchanged, Rows: map[deliver.State]int64{}, StartedAt: d.StartedAt, EndedAt: d.EndedAt,
	}
	counts, err := w.store.CountDelivery(ctx, d.ID)
	for _, c := range counts {
		l.Rows[deliver.State(c.State)] += c.Rows
	}
	return l, err
}

func (l listed) rows() string {
	var parts []string
	for _, state := range append([]deliver.State{deliver.Accepted}, endStates...) {
		if n := l.Rows[state]; n > 0 {
			parts = append(parts, count(n)+" "+string(state))
		}
	}
	if l.Unchanged > 0 {
		parts = append(parts, count(l.Unchanged)+" unchanged")
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}

func deliverListCmd(a *app) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "list [DESTINATION]",
		Short: "List deliveries, the newest first",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ws, err := a.openExisting(cmd.Context())
			if err != nil {
				return err
			}
			defer ws.Close()
			destination := ""
			if len(args) == 1 {
				if destination = args[0]; a.knowsDestination(cmd.Context(), ws, destination) != nil {
					return a.knowsDestination(cmd.Context(), ws, destination)
				}
			}
			deliveries, err := ws.store.Deliveries(cmd.Context(), destination, limit)
			if err != nil {
				return err
			}
			list := make([]listed, len(deliveries))
			for i, d := range deliveries {
				if list[i], err = ws.listed(cmd.Context(), d); err != nil {
					return err
				}
			}
			return a.out.result(list, func(w io.Writer) {
				if len(list) == 0 {
					fmt.Fprintln(w, "nothing was delivered yet")
					return
				}
				var rows [][]string
				for _, l := range list {
					mode := l.Mode
					if l.Undoes != "" {
						mode = "undo of " + l.Undoes
					}
					rows = append(rows, []string{l.StartedAt.Local().Format(time.DateTime), l.ID, l.Destination, l.Campaign, mode, l.State, l.rows()})
				}
				table(w, []string{"started", "delivery", "destination", "campaign", "mode", "state", "rows"}, rows)
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many")
	return cmd
}

// knowsDestination is an error where a name is neither configured nor in the
// ledger: a mistyped one is not one without deliveries.
func (a *app) knowsDestination(ctx context.Context, ws *workspace, name string) error {
	_, err := a.cfg.destination(name)
	if err == nil {
		return nil
	}
	known, listErr := ws.store.Deliveries(ctx, name, 1)
	if listErr != nil {
		return listErr
	}
	if len(known) > 0 {
		return nil
	}
	return err
}

func deliverShowCmd(a *app) *cobra.Command {
	var state, code string
	var limit int
	cmd := &cobra.Command{
		Use:   "show DELIVERY",
		Short: "Show what became of the rows of a delivery: by cause, with what to do, and row by row",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			ws, err := a.openExisting(ctx)
			if err != nil {
				return err
			}
			defer ws.Close()
			d, err := ws.store.Delivery(ctx, args[0])
			if err != nil {
				return err
			}
			l, err := ws.listed(ctx, d)
			if err != nil {
				return err
			}
			var rows []deliver.Letter
			causes, err := causesOf(func(use func(deliver.Letter) error) error {
				return deliver.Rows(ctx, ws.store, d.ID, func(r deliver.Letter) error {
					if wanted := state != "" || code != ""; wanted && (state == "" || string(r.State) == state) && (code == "" || r.Code == code) && len(rows) < limit {
						rows = append(rows, r)
					}
					return use(r)
				})
			})
			if err != nil {
				return err
			}
			result := struct {
				listed
				Causes []cause          `json:"causes"`
				Listed []deliver.Letter `json:"listed,omitempty"`
			}{l, causes, rows}
			return a.out.result(result, func(w io.Writer) {
				printListed(w, l)
				printCauses(w, causes)
				if len(rows) > 0 {
					fmt.Fprintln(w)
					printRows(w, rows)
				}
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "list rows in this state: accepted, rejected, dead, skipped, suppressed, ...")
	cmd.Flags().StringVar(&code, "code", "", "list rows with this code")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many rows to list")
	return cmd
}

func printListed(w io.Writer, l listed) {
	rows := [][]string{
		{"delivery", l.ID}, {"destination", l.Destination + " (" + l.Kind + ")"}, {"campaign", l.Campaign}, {"run", l.RunID}, {"mode", l.Mode},
		{"state", l.State}, {"leads", count(l.Given)}, {"rows", l.rows()}, {"started", l.StartedAt.Local().Format(time.DateTime)},
	}
	if l.Undoes != "" {
		rows = append(rows, []string{"undoes", l.Undoes})
	}
	if !l.EndedAt.IsZero() {
		rows = append(rows, []string{"ended", l.EndedAt.Local().Format(time.DateTime)})
	}
	if l.Error != "" {
		rows = append(rows, []string{"error", l.Error})
	}
	table(w, nil, rows)
}

func printCauses(w io.Writer, causes []cause) {
	var rows [][]string
	for _, c := range causes {
		if c.Code == "" && c.State == deliver.Accepted {
			continue
		}
		rows = append(rows, []string{count(c.Rows), string(c.State), string(c.Op), c.Code, strconv.FormatInt(c.Row, 10), oneLine(c.Why), c.Fix})
	}
	if len(rows) > 0 {
		fmt.Fprintln(w)
		table(w, []string{"rows", "state", "operation", "cause", "first row", "reason", "fix"}, rows)
	}
}

func printRows(w io.Writer, all []deliver.Letter) {
	var rows [][]string
	for _, r := range all {
		rows = append(rows, []string{strconv.FormatInt(r.Position, 10), string(r.State), string(r.Op), r.Key, r.LeadID, r.Code, oneLine(r.Reason)})
	}
	table(w, []string{"row", "state", "operation", "key", "lead", "cause", "reason"}, rows)
}

func deliverDestinationsCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "destinations",
		Short: "List where leads can be delivered to",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			type place struct {
				Name    string   `json:"name"`
				Kind    string   `json:"kind"`
				Mode    string   `json:"mode"`
				Effect  string   `json:"effect"`
				Secrets []string `json:"secrets"`
				Missing []string `json:"missing,omitempty"`
			}
			var places []place
			names := slices.Sorted(maps.Keys(a.cfg.Destinations))
			for _, kind := range all.Kinds() {
				names = append(names, sandboxPrefix+kind)
			}
			for _, name := range names {
				d, err := a.cfg.destination(name)
				if err != nil {
					return err
				}
				to, err := d.make(a.cfg, name, deliver.Mapping{})
				if err != nil {
					return err
				}
				p := place{Name: name, Kind: d.Kind, Mode: cmp.Or(d.Mode, "sync"), Effect: to.Spec().Effect, Secrets: to.Spec().Secrets}
				if len(p.Secrets) > 0 && d.secrets(name, a.getenv)(p.Secrets[0]) == "" {
					p.Missing = p.Secrets[:1]
				}
				places = append(places, p)
			}
			return a.out.result(places, func(w io.Writer) {
				var rows [][]string
				for _, p := range places {
					ready := "yes"
					if len(p.Missing) > 0 {
						ready = "set " + strings.Join(p.Missing, ", ")
					}
					rows = append(rows, []string{p.Name, p.Kind, p.Mode, ready, p.Effect})
				}
				table(w, []string{"destination", "kind", "mode", "secrets", "one effect a lead, because of"}, rows)
			})
		},
	}
}

// parseSince reads a time, or a duration back from now.
func parseSince(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, leadlake.Errorf(leadlake.Invalid, "--since: %q is no time", text).WithFix("write it like 2026-11-25T08:00:00Z, or as a duration back from now such as 36h")
}
