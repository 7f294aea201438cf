package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

func feedbackCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "feedback [DESTINATION]",
		Short: "Pull what became of delivered leads: replies, sales, bounces, opt-outs",
		Long: `Pull what became of delivered leads since the last pull, from one destination or
from all that there were deliveries to. Outcomes go to marts.outcomes with the
score that the lead had when it was delivered; who has opted out is suppressed at
once. Leads whose two weeks to convert are over go to marts.lead_labels, which
leadlake train learns from.

It may be repeated after any failure: an outcome is written once.`,
		Example: `  leadlake feedback
  leadlake feedback crm
  leadlake sql "select kind, count(*) from marts.outcomes group by kind"`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.feedback(cmd.Context(), args) },
	}
}

// pulled is what `leadlake feedback` prints of one destination.
type pulled struct {
	deliver.Pulled
	Error string `json:"error,omitempty"`
	Fix   string `json:"fix,omitempty"`
}

func (a *app) feedback(ctx context.Context, names []string) error {
	for _, name := range names {
		if _, err := a.cfg.destination(name); err != nil { // before anything is opened
			return err
		}
	}
	ws, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	if len(names) == 0 {
		if names, err = ws.store.DeliveredTo(ctx); err != nil {
			return err
		}
		if len(names) == 0 {
			return leadlake.Errorf(leadlake.NotFound, "nothing was delivered yet").WithFix("leadlake deliver DESTINATION")
		}
	}
	var all []pulled
	var first error
	for _, name := range names {
		sum, err := a.pull(ctx, ws, name)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p := pulled{Pulled: sum}
		if err != nil {
			p.Destination = name
			p.Error, p.Fix = describe(err)
			first = orFirst(first, err)
		}
		all = append(all, p)
	}
	if len(all) == 1 && first != nil {
		return first
	}
	if err := a.out.result(all, func(w io.Writer) { printPulled(w, all) }); err != nil {
		return err
	}
	if first != nil { // the result names it
		return errReported
	}
	return nil
}

func orFirst(first, err error) error {
	if first != nil {
		return first
	}
	return err
}

// pull pulls one destination.
func (a *app) pull(ctx context.Context, ws *workspace, name string) (deliver.Pulled, error) {
	c, err := a.courier(ctx, ws, name)
	if err != nil {
		return deliver.Pulled{}, err
	}
	defer c.close()
	if held, ok, err := ws.store.Held(ctx, "feedback"); err != nil {
		return deliver.Pulled{}, err
	} else if ok && isDead(held.Holder) { // it died: nobody has to wait for its lease
		if err := ws.store.Release(ctx, held); err != nil {
			return deliver.Pulled{}, err
		}
	}
	list, err := a.suppressions(ctx, ws)
	if err != nil {
		return deliver.Pulled{}, err
	}
	s, err := ws.lake.Session(ctx)
	if err != nil {
		return deliver.Pulled{}, err
	}
	defer s.Close()
	return c.engine.Pull(ctx, deliver.Pull{
		Destination: name, To: c.to, Inbox: ws.store, Lake: s, Suppressions: list,
		Progress: func(p deliver.Pulled) {
			a.out.progress("feedback   %s: %s events, %s new", p.Destination, count(p.Events), count(p.Added))
		},
	})
}

func printPulled(w io.Writer, all []pulled) {
	kinds := deliver.OutcomeKinds()
	head := []string{"destination", "events", "new"}
	for _, k := range kinds {
		head = append(head, string(k))
	}
	var rows [][]string
	var labels, unmapped, suppressed int64
	for _, p := range all {
		row := []string{p.Destination, count(p.Events), count(p.Added)}
		for _, k := range kinds {
			row = append(row, count(p.Kinds[k]))
		}
		rows = append(rows, row)
		labels, unmapped, suppressed = labels+p.Labels, unmapped+p.Unmapped, suppressed+p.Suppressed
	}
	table(w, head, rows)
	for _, p := range all {
		if p.Error != "" {
			fmt.Fprintf(w, "\n%s: %s\n", p.Destination, p.Error)
			if p.Fix != "" {
				fmt.Fprintf(w, "fix: %s\n", p.Fix)
			}
			continue
		}
		if !p.ObservedAt.IsZero() {
			fmt.Fprintf(w, "\n%s is known until %s", p.Destination, p.ObservedAt.UTC().Format(time.RFC3339))
		}
	}
	var notes []string
	if suppressed > 0 {
		notes = append(notes, count(suppressed)+" addresses, numbers and leads are suppressed now")
	}
	if unmapped > 0 {
		notes = append(notes, count(unmapped)+" events are about records that no delivery is known of; they are kept and tried again")
	}
	if labels > 0 {
		notes = append(notes, count(labels)+" leads have a label now: leadlake train")
	}
	if len(notes) > 0 {
		fmt.Fprintf(w, "\n%s", strings.Join(notes, "\n"))
	}
	fmt.Fprintln(w)
}
