package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

// previewFlags are the flags of resolve that ask what another threshold or
// model would give.
type previewFlags struct {
	what     string
	campaign string
	pairs    string
	samples  int
	apply    bool
}

func (f *previewFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.what, "preview", "", "what another model would give: threshold=0.9 (a probability) or MODEL.json")
	cmd.Flags().StringVar(&f.campaign, "campaign", "", "preview on the last run of this campaign")
	cmd.Flags().StringVar(&f.pairs, "pairs", "", "labelled pairs for the preview's precision and recall, beside what people linked")
	cmd.Flags().IntVar(&f.samples, "samples", 5, "how many won and how many lost pairs the preview shows")
	cmd.Flags().BoolVar(&f.apply, "apply", false, "let the previewed model hold from now on")
}

// parse reads what is to be previewed.
func (f *previewFlags) parse() (transforms.Preview, error) {
	p := transforms.Preview{Pairs: f.pairs, Samples: f.samples, Apply: f.apply}
	if text, ok := strings.CutPrefix(f.what, "threshold="); ok {
		threshold, err := strconv.ParseFloat(text, 64)
		if err != nil || threshold <= 0 || threshold >= 1 {
			return p, leadlake.Errorf(leadlake.Invalid, "preview %s: no probability", f.what).WithFix("give one between 0 and 1, such as threshold=0.9")
		}
		p.Threshold = threshold
		return p, nil
	}
	var err error
	if p.Model, err = os.ReadFile(f.what); err != nil {
		return p, leadlake.Errorf(leadlake.NotFound, "preview %s: %w", f.what, err).
			WithFix("say threshold=0.9, or name a model that `leadlake eval train` wrote")
	}
	return p, nil
}

// previewByFlags previews on the state of a file or of a campaign.
func (a *app) previewByFlags(ctx context.Context, f previewFlags, by byState) error {
	p, err := f.parse()
	if err != nil {
		return err
	}
	if (f.campaign == "") == (by.path == "") {
		return leadlake.Errorf(leadlake.Invalid, "a preview is of one state").WithFix("say either --state FILE or --campaign ID")
	}
	show := func(ctx context.Context, state transforms.MatchState) error {
		return a.withScratchLake(ctx, func(ctx context.Context, s *lake.Session) error {
			result, err := state.Preview(ctx, s, p)
			if err != nil {
				return err
			}
			return a.out.result(result, func(w io.Writer) { printPreview(w, result) })
		})
	}
	if by.path != "" {
		return show(ctx, transforms.MatchState{Path: by.path})
	}
	state := transforms.MatchState{Path: a.cfg.matchState(f.campaign)}
	if state.Path == "" {
		return leadlake.Errorf(leadlake.Invalid, "campaigns keep no match state here").
			WithFix("set incremental: true in the configuration, run the campaign once, and preview")
	}
	ws, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	if state.Links, err = ws.store.Links(ctx, f.campaign, false); err != nil {
		return err
	}
	// A run changes the state, too.
	return ws.withCampaign(ctx, f.campaign, func(ctx context.Context) error { return show(ctx, state) })
}

func printPreview(w io.Writer, p transforms.Previewed) {
	fmt.Fprintf(w, "model %s, match from probability %g on\n", p.Model, p.Threshold)
	fmt.Fprintf(w, "%s leads now, %s then: %s merged of several, %s taken apart; %s pairs of records won, %s lost\n",
		count(p.LeadsNow), count(p.LeadsThen), count(p.LeadsMerged), count(p.LeadsSplit), count(p.PairsWon), count(p.PairsLost))
	if p.Now.Matches+p.Now.Others > 0 {
		fmt.Fprintf(w, "by %s labelled matches and %s labelled others: precision %.3f now, %.3f then; recall %.3f now, %.3f then\n",
			count(p.Now.Matches), count(p.Now.Others), p.Now.Precision, p.Then.Precision, p.Now.Recall, p.Then.Recall)
	} else {
		fmt.Fprintln(w, "no labelled pairs: nobody linked or parted records, so precision and recall are unknown")
	}
	for _, c := range p.Samples {
		how := "lost"
		if c.IsWon {
			how = "won"
		}
		fmt.Fprintf(w, "%-4s %+.1f bits now, %+.1f then: %s\n  %s %s: %s\n  %s %s: %s\n",
			how, c.WeightNow, c.WeightThen, c.Evidence, c.Left.Provider, c.Left.Key, c.LeftValues, c.Right.Provider, c.Right.Key, c.RightValues)
	}
	if p.IsApplied {
		fmt.Fprintln(w, "it holds from now on; what is published changes with the next run")
		return
	}
	fmt.Fprintln(w, "nothing was changed; the same with --apply lets it hold")
}
