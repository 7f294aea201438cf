package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/snapshot"
)

// deliverFlags narrow one delivery.
type deliverFlags struct {
	campaign string
	tiers    []string
	minScore int
	limit    int64
	lead     string
	dryRun   bool
	force    bool
}

func deliverCmd(a *app) *cobra.Command {
	var f deliverFlags
	cmd := &cobra.Command{
		Use:   "deliver DESTINATION",
		Short: "Send published leads to a CRM, a webhook or files: each change once",
		Long: `Send what has changed about the published leads of a campaign since DESTINATION
last accepted it. Destinations stand in the configuration; sandbox-salesforce,
sandbox-hubspot and so on are always there, beside a running leadlake sandbox.

What an earlier delivery left unfinished is ended first. After any failure, also
a kill, start the same command again: nothing is sent twice. In the mode sync,
leads that are not selected any more are removed where we created them and nobody
has edited them since. With --tier, --min-score, --limit or --lead only those
are looked at, and nothing is removed.`,
		Example: `  leadlake deliver crm --dry-run --limit 20
  leadlake deliver crm
  leadlake prove DELIVERY
  leadlake deliver undo DELIVERY`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onDestination(cmd.Context(), args[0], func(c *courier) error {
				if f.dryRun {
					return c.dryRun(cmd.Context(), f)
				}
				return c.deliver(cmd.Context(), f)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.campaign, "campaign", "", "campaign to deliver (default the destination's, or the only one)")
	flags.StringSliceVar(&f.tiers, "tier", nil, "only these tiers: A,B,C or hot,warm,cold")
	flags.IntVar(&f.minScore, "min-score", 0, "only leads with at least this score")
	flags.Int64Var(&f.limit, "limit", 0, "only so many leads, the best first")
	flags.StringVar(&f.lead, "lead", "", "only this lead")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would be created, updated, skipped and rejected; send nothing")
	flags.BoolVar(&f.force, "force", false, "also where the destination was disabled after days without a success")
	cmd.AddCommand(
		deliverResumeCmd(a), deliverUndoCmd(a), deliverListCmd(a), deliverShowCmd(a), deliverTestCmd(a), deliverReplayCmd(a), deliverDestinationsCmd(a),
	)
	return cmd
}

// narrowed says that flags leave out leads that the destination is meant to
// have.
func (f deliverFlags) narrowed() bool {
	return len(f.tiers) > 0 || f.minScore > 0 || f.limit > 0 || f.lead != ""
}

// order is what the flags and the destination's selection come to.
func (c *courier) order(ctx context.Context, f deliverFlags, read func(n int64)) (deliver.Order, error) {
	sel := snapshot.Selection{MinScore: max(f.minScore, c.set.Select.MinScore), Limit: f.limit, LeadID: f.lead}
	theirs, err := tiers(c.set.Select.Tiers)
	if err != nil {
		return deliver.Order{}, err
	}
	ours, err := tiers(f.tiers)
	if err != nil {
		return deliver.Order{}, err
	}
	switch {
	case f.limit < 0 || f.minScore < 0 || f.minScore > 100:
		return deliver.Order{}, leadlake.Errorf(leadlake.Invalid, "--limit %d --min-score %d: a limit is not negative, a score between 0 and 100", f.limit, f.minScore)
	case len(ours) == 0:
		sel.Tiers = theirs
	case len(theirs) == 0:
		sel.Tiers = ours
	default:
		sel.Tiers = slices.DeleteFunc(slices.Clone(ours), func(t leadlake.Tier) bool { return !slices.Contains(theirs, t) })
		if len(sel.Tiers) == 0 {
			return deliver.Order{}, leadlake.Errorf(leadlake.Invalid, "--tier %s: %s gets the tiers %s alone", strings.Join(f.tiers, ","), c.name, strings.Join(c.set.Select.Tiers, ", ")).
				WithFix("change select.tiers of the destination, or leave --tier out")
		}
	}
	run, err := c.published(ctx, cmp.Or(f.campaign, c.set.Select.Campaign))
	if err != nil {
		return deliver.Order{}, err
	}
	sel.Campaign = run.campaign
	leads := snapshot.Stream(ctx, c.ws.lake, filepath.Join(c.cfg.Home, "deliveries", "work"), sel)
	return deliver.Order{
		Destination: c.name, To: c.to, Mapping: c.mapping, Mode: modes[c.set.Mode], Scope: run.campaign, RunID: run.run, Force: f.force,
		Partial: f.narrowed(),
		Leads: func(yield func([]byte, error) bool) {
			n := int64(0)
			for lead, err := range leads {
				n++
				read(n)
				if !yield(lead, err) {
					return
				}
			}
		},
	}, nil
}

// publishedRun is what a campaign has published.
type publishedRun struct{ campaign, run string }

// published finds the published run of a campaign, or of the only one that
// there is.
func (c *courier) published(ctx context.Context, campaign string) (publishedRun, error) {
	var all []publishedRun
	s, err := c.ws.lake.Session(ctx)
	if err != nil {
		return publishedRun{}, err
	}
	defer s.Close()
	if _, err := snapshot.Version(ctx, c.ws.lake); err != nil {
		return publishedRun{}, err
	}
	rows, err := s.Query(ctx, "select campaign_id, run_id from lake.marts.runs where $1 in ('', campaign_id) order by campaign_id", campaign)
	if err != nil {
		return publishedRun{}, fmt.Errorf("look for published campaigns: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r publishedRun
		if err := rows.Scan(&r.campaign, &r.run); err != nil {
			return r, fmt.Errorf("look for published campaigns: %w", err)
		}
		all = append(all, r)
	}
	switch {
	case rows.Err() != nil:
		return publishedRun{}, fmt.Errorf("look for published campaigns: %w", rows.Err())
	case len(all) == 0:
		return publishedRun{}, leadlake.Errorf(leadlake.NotFound, "campaign %q has published nothing", campaign).WithFix("leadlake runs lists what was run; run and approve it first")
	case len(all) > 1:
		var names []string
		for _, r := range all {
			names = append(names, r.campaign)
		}
		return publishedRun{}, leadlake.Errorf(leadlake.Invalid, "%d campaigns are published", len(all)).
			WithFix("name one with --campaign, or as select.campaign of the destination: %s", strings.Join(names, ", "))
	}
	return all[0], nil
}

// report is a delivery as the commands print it.
type report struct {
	deliver.Summary
	Balanced bool `json:"balanced"`
}

func reportOf(s deliver.Summary) report { return report{s, s.Balanced()} }

// deliver ends what is unfinished, and sends what has changed.
func (c *courier) deliver(ctx context.Context, f deliverFlags) error {
	if err := c.takeOver(ctx); err != nil {
		return err
	}
	began := time.Now()
	watch := c.watch(ctx)
	earlier, err := c.resume(ctx, watch)
	result := struct {
		report
		Resumed []report `json:"resumed,omitempty"`
		Seconds float64  `json:"seconds"`
	}{Resumed: earlier}
	if err == nil {
		var o deliver.Order
		if o, err = c.order(ctx, f, watch.read); err == nil {
			var sum deliver.Summary
			sum, err = c.engine.Deliver(ctx, o)
			result.report = reportOf(sum)
		}
	}
	watch.stop()
	err = c.ended(ctx, result.Summary, err)
	if err != nil && result.DeliveryID == "" && len(earlier) == 0 {
		return err
	}
	result.Seconds = time.Since(began).Seconds()
	return c.printed(result, err, func(w io.Writer) {
		for _, r := range earlier {
			fmt.Fprintf(w, "went on with delivery %s\n", r.DeliveryID)
			printSummary(w, r.Summary)
		}
		if err == nil || result.DeliveryID != "" {
			printSummary(w, result.Summary)
		}
	})
}

// resume goes on with deliveries that are unfinished.
func (c *courier) resume(ctx context.Context, w *watch) ([]report, error) {
	open, err := c.ws.store.OpenDeliveries(ctx, c.name)
	if err != nil {
		return nil, err
	}
	if len(open) > 0 {
		w.say("going on with what is unfinished")
	}
	sums, err := c.engine.Resume(ctx, c.name, c.to)
	var all []report
	for _, s := range sums {
		all = append(all, reportOf(s))
		if mirrorErr := c.mirror(context.WithoutCancel(ctx), s.DeliveryID); mirrorErr != nil && err == nil {
			err = mirrorErr
		}
	}
	return all, err
}

// ended mirrors a delivery, and makes an error of rows that do not add up.
func (c *courier) ended(ctx context.Context, s deliver.Summary, err error) error {
	if s.DeliveryID == "" {
		return err
	}
	if mirrorErr := c.mirror(context.WithoutCancel(ctx), s.DeliveryID); mirrorErr != nil && err == nil {
		err = mirrorErr
	}
	if err == nil && !s.Balanced() {
		err = leadlake.Errorf(leadlake.Internal, "delivery %s: %d leads came in and not as many are accounted for", s.DeliveryID, s.Given)
	}
	return err
}

// printed prints a result, and then why it is not the whole: an error, or rows
// that are due later.
func (c *courier) printed(result any, err error, human func(w io.Writer)) error {
	if printErr := c.out.result(result, human); printErr != nil {
		return printErr
	}
	return err
}

// unfinished says how a delivery that is not done goes on.
func unfinished(s deliver.Summary) string {
	if s.Done || s.DeliveryID == "" {
		return ""
	}
	when := "now"
	if wait := time.Until(s.Due); wait > 0 {
		when = "from " + s.Due.Local().Format(time.DateTime)
	}
	return fmt.Sprintf("not finished: go on %s with leadlake deliver resume %s", when, s.Destination)
}

func (c *courier) dryRun(ctx context.Context, f deliverFlags) error {
	watch := c.watch(ctx)
	defer watch.stop()
	o, err := c.order(ctx, f, watch.read)
	if err != nil {
		return err
	}
	p := newChangePrinter(c.out, o.Mode)
	sum, err := c.engine.DryRun(ctx, o, func(change deliver.Change) error {
		watch.stop() // rows follow on the same terminal
		return p.change(change)
	})
	watch.stop()
	return p.end(sum, err)
}

// leadAsJSON is one published lead.
func (c *courier) leadAsJSON(ctx context.Context, campaign, id string) ([]byte, error) {
	run, err := c.published(ctx, cmp.Or(campaign, c.set.Select.Campaign))
	if err != nil {
		return nil, err
	}
	return firstLead(ctx, c.ws.lake, filepath.Join(c.cfg.Home, "deliveries", "work"), snapshot.Selection{Campaign: run.campaign, LeadID: id, Limit: 1})
}

func firstLead(ctx context.Context, l *lake.Lake, dir string, sel snapshot.Selection) ([]byte, error) {
	for lead, err := range snapshot.Stream(ctx, l, dir, sel) {
		return lead, err
	}
	return nil, leadlake.Errorf(leadlake.NotFound, "campaign %s has no published lead %s", sel.Campaign, sel.LeadID).WithFix("leadlake export lists the leads of a campaign")
}
