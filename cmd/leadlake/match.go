package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/transforms"
)

// matchFlags are a record by flags, and what to return.
type matchFlags struct {
	campaign string
	lat, lon float64
	record   leadlake.MatchRecord
	options  transforms.MatchOptions
	explain  bool
	measure  int
}

// matchChunk is how many records of a stream are matched at a time.
const matchChunk = 100

func matchCmd(a *app) *cobra.Command {
	var f matchFlags
	cmd := &cobra.Command{
		Use:   "match --campaign ID",
		Short: "Find the published leads that one record may be, with probability and explanation",
		Long: `Find the published leads that a record may be, by the same comparisons and
weights as the run that published them.

The record is given by flags, or as JSON on stdin: one object, or many, one a
line, which are answered one a line with --json. Fields are name, street, city,
postal, country, lat, lon, phone, website, email; provider and key say which
record it is, and change nothing else.

The first time after a publish an index is made from the published records, in
match/ of the workspace.`,
		Example: `  leadlake match --campaign plumbers --name "Ace Plumbing" --phone 303-555-0100
  leadlake match --campaign plumbers --json < records.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.match(cmd, f) },
	}
	campaignFlag(cmd, &f.campaign)
	for _, field := range []struct {
		to         *string
		name, help string
	}{
		{&f.record.Name, "name", "name of the business"},
		{&f.record.Street, "street", "street with its number"},
		{&f.record.City, "city", "city"},
		{&f.record.Postal, "postal", "postal code"},
		{&f.record.Country, "country", "country (default the campaign's)"},
		{&f.record.Phone, "phone", "phone number, as written"},
		{&f.record.Website, "website", "website"},
		{&f.record.Email, "email", "e-mail address"},
	} {
		cmd.Flags().StringVar(field.to, field.name, "", field.help)
	}
	cmd.Flags().Float64Var(&f.lat, "lat", 0, "latitude")
	cmd.Flags().Float64Var(&f.lon, "lon", 0, "longitude")
	cmd.Flags().IntVar(&f.options.Candidates, "candidates", 5, "leads to return at most")
	cmd.Flags().Float64Var(&f.options.Least, "least", 0.01, "smallest probability of a lead to return")
	cmd.Flags().BoolVar(&f.explain, "explain", false, "show the waterfall of each lead")
	cmd.Flags().IntVar(&f.measure, "measure", 0, "match so many of the published records instead, one at a time, and say how long it takes")
	cmd.MarkFlagsRequiredTogether("lat", "lon")
	return cmd
}

// match answers a record of the flags, or all of stdin.
func (a *app) match(cmd *cobra.Command, f matchFlags) error {
	if err := f.options.Check(); err != nil {
		return err
	}
	ctx := cmd.Context()
	ws, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	campaign, err := a.onlyCampaign(ctx, ws, f.campaign)
	if err != nil {
		return err
	}
	matcher, err := a.currentMatcher(ctx, ws, campaign)
	if err != nil {
		return err
	}
	defer matcher.Close() // it was only read
	if f.measure > 0 {
		return a.measureMatches(ctx, matcher, f.measure, f.options)
	}
	byFlags := false
	for _, name := range []string{"name", "street", "city", "postal", "country", "phone", "website", "email", "lat"} {
		byFlags = byFlags || cmd.Flags().Changed(name)
	}
	if byFlags {
		if cmd.Flags().Changed("lat") {
			f.record.Lat, f.record.Lon = &f.lat, &f.lon
		}
		results, err := matcher.Match(ctx, []leadlake.MatchRecord{f.record}, f.options)
		if err != nil {
			return err
		}
		return a.out.result(results[0], func(w io.Writer) { printMatched(w, results[0], f.explain) })
	}
	return a.matchStream(ctx, matcher, f)
}

// matchStream answers the records on stdin, in order.
func (a *app) matchStream(ctx context.Context, matcher *transforms.Matcher, f matchFlags) error {
	decoder := json.NewDecoder(a.stdin)
	decoder.DisallowUnknownFields()
	read := 0
	for isEnd := false; !isEnd; {
		var chunk []leadlake.MatchRecord
		for len(chunk) < matchChunk && !isEnd {
			var r leadlake.MatchRecord
			err := decoder.Decode(&r)
			switch {
			case errors.Is(err, io.EOF):
				isEnd = true
			case err != nil:
				return leadlake.Errorf(leadlake.Invalid, "read record %d: %w", read+len(chunk)+1, err).WithFix("leadlake match --help names the fields")
			default:
				chunk = append(chunk, r)
			}
		}
		if len(chunk) == 0 {
			break
		}
		results, err := matcher.Match(ctx, chunk, f.options)
		if err != nil {
			return fmt.Errorf("records from %d on: %w", read+1, err)
		}
		read += len(chunk)
		for _, r := range results {
			if err := a.printStreamed(r, f.explain); err != nil {
				return err
			}
		}
	}
	if read == 0 {
		return leadlake.Errorf(leadlake.Invalid, "there is no record to match").WithFix("give one by flags such as --name, or as JSON on stdin")
	}
	return nil
}

// printStreamed prints one of many results, with --json as one line.
func (a *app) printStreamed(r leadlake.MatchResult, explain bool) error {
	a.out.endProgress()
	a.out.wrote = true
	if !a.out.json {
		printMatched(a.out.stdout, r, explain)
		return nil
	}
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return err
	}
	_, err := a.out.stdout.Write(line.Bytes())
	return err
}

func printMatched(w io.Writer, r leadlake.MatchResult, explain bool) {
	if len(r.Candidates) == 0 {
		fmt.Fprintf(w, "no lead; %d records were compared\n", r.Compared)
		return
	}
	rows := make([][]string, len(r.Candidates))
	for i, c := range r.Candidates {
		lead := c.LeadID
		if lead == "" {
			lead = "(not published)"
		}
		match := "no"
		if c.Pair.IsMatch {
			match = "yes"
		}
		rows[i] = []string{lead, oneLine(c.Name), fmt.Sprintf("%.4f", c.Pair.Probability), fmt.Sprintf("%+.2f", c.Pair.Weight), match, strings.Join(strongest(c.Pair), ", ")}
	}
	table(w, []string{"lead", "name", "probability", "bits", "match", "because"}, rows)
	if !explain {
		return
	}
	for _, c := range r.Candidates {
		fmt.Fprintf(w, "\n%s %s\n", c.LeadID, oneLine(c.Name))
		printParts(w, c.Pair)
	}
}

// strongest names the three comparisons that weigh most.
func strongest(x leadlake.PairExplanation) []string {
	var out []string
	taken := map[int]bool{}
	for range 3 {
		best := -1
		for i, p := range x.Parts {
			if i == 0 || taken[i] || p.Comparison == "threshold" || p.Comparison == "rounding" {
				continue
			}
			if best < 0 || abs(p.Weight) > abs(x.Parts[best].Weight) {
				best = i
			}
		}
		if best < 0 || abs(x.Parts[best].Weight) < 0.5 {
			break
		}
		taken[best] = true
		out = append(out, fmt.Sprintf("%s %+.1f", x.Parts[best].Comparison, x.Parts[best].Weight))
	}
	return out
}

func abs(f float64) float64 { return max(f, -f) }

// matchIndex is the file by which single records are matched.
func (c Config) matchIndex(campaignID string) string {
	return filepath.Join(c.Home, "match", campaignID+".index")
}

// currentMatcher opens the matcher of a campaign, whose index it makes where
// that is due.
func (a *app) currentMatcher(ctx context.Context, ws *workspace, campaignID string) (*transforms.Matcher, error) {
	params := func(ctx context.Context, runID string) (transforms.Params, error) {
		run, err := ws.store.Run(ctx, runID)
		if err != nil {
			return transforms.Params{}, err
		}
		return (&job{app: a, ws: ws, run: run}).params(ctx)
	}
	return transforms.CurrentMatcher(ctx, ws.lake, campaignID, a.cfg.matchIndex(campaignID), params, func(e transforms.Event) {
		a.out.progress("index      %d/%d %s: %s rows in %.1f s", e.Step, e.Steps, e.Table, count(e.Rows), e.Duration.Seconds())
	})
}

// onlyCampaign is the campaign, or the one of the workspace where none is
// named.
func (a *app) onlyCampaign(ctx context.Context, ws *workspace, campaign string) (string, error) {
	if campaign != "" {
		return campaign, nil
	}
	runs, err := ws.store.Runs(ctx, "", 1000)
	if err != nil {
		return "", err
	}
	var found []string
	seen := map[string]bool{}
	for _, r := range runs {
		if r.State == leadlake.RunPublished && !seen[r.CampaignID] {
			seen[r.CampaignID] = true
			found = append(found, r.CampaignID)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", leadlake.Errorf(leadlake.NotFound, "no campaign has published leads").WithFix("leadlake run CAMPAIGN.yaml publishes some")
	}
	return "", leadlake.Errorf(leadlake.Invalid, "several campaigns have leads: %s", strings.Join(found, ", ")).WithFix("say which with --campaign")
}
