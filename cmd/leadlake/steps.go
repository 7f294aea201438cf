package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/internal/gazetteer"
	"github.com/leadlake/leadlake/models"
	"github.com/leadlake/leadlake/transforms"
)

// job carries one run through its steps. Every step may be repeated: it
// replaces what an earlier try left.
type job struct {
	*app
	ws       *workspace
	run      leadlake.Run
	ingested ingest.Summary
	enriched ingest.Summary
}

// do runs one step and records that it is done.
func (j *job) do(ctx context.Context, step leadlake.Step) error {
	began := time.Now()
	j.log.Info("step begins", "run_id", j.run.RunID, "step", step)
	var err error
	switch step {
	case leadlake.StepIngest:
		err = j.ingest(ctx)
	case leadlake.StepTransform:
		err = j.transform(ctx)
	case leadlake.StepEnrich:
		err = j.enrich(ctx)
	case leadlake.StepScore:
		err = j.score(ctx)
	case leadlake.StepPublish:
		err = j.publish(ctx)
	default:
		err = leadlake.Errorf(leadlake.Invalid, "step %q is unknown", step)
	}
	if err != nil {
		return fmt.Errorf("%s run %s: %w", step, j.run.RunID, j.explainNoSpace(err))
	}
	if slices.Index(leadlake.Steps, step) > slices.Index(leadlake.Steps, j.run.DoneStep) {
		j.run.DoneStep = step
	}
	j.run.UpdatedAt = time.Now().UTC()
	if err := j.ws.store.UpdateRun(ctx, j.run); err != nil {
		return err
	}
	j.log.Info("step done", "run_id", j.run.RunID, "step", step, "dur_ms", time.Since(began).Milliseconds())
	return nil
}

func (j *job) ingest(ctx context.Context) error {
	engine, done, err := j.engine(ctx)
	if err != nil {
		return err
	}
	defer done()
	j.ingested, err = engine.Run(ctx, j.run, func(p ingest.Progress) {
		j.out.progress("ingest     %s: %s rows, %d pages, %s rows/s", p.Provider, count(p.Rows), p.Pages, count(int64(p.RowsPerSecond)))
	})
	if err != nil { // it says itself what failed
		return err
	}
	j.noteSources(j.ingested)
	return nil
}

// noteSources says in one line each what went less than well.
func (j *job) noteSources(s ingest.Summary) {
	if s.Stopped != "" {
		j.out.note("the run stopped asking: %s", s.Stopped)
	}
	for _, one := range s.Sources {
		if one.Failed != "" {
			j.out.note("source %s failed, the others go on: %s", one.Provider, one.Failed)
		}
		if one.Stopped != "" {
			j.out.note("source %s is left alone: %s", one.Provider, one.Stopped)
		}
		if one.Quarantined > 0 {
			j.out.note("source %s: %s rows in quarantine", one.Provider, count(one.Quarantined))
		}
		if one.Capped > 0 {
			j.out.note("source %s: %d searches were cut off by the provider and cannot be cut smaller", one.Provider, one.Capped)
		}
		if len(one.Unknown) > 0 {
			j.out.note("source %s: fields that are new to leadlake, kept in raw: %s", one.Provider, strings.Join(one.Unknown, ", "))
		}
	}
}

// centre is the point that a campaign's distances count from: nil where it
// names no place. A radius around nowhere is an error, and so is one around a
// city that is not known: leads from anywhere would pass.
func centre(spec leadlake.CampaignSpec) (lat, lon *float64, err error) {
	geo := spec.Geo
	if geo.Lat != nil {
		return geo.Lat, geo.Lon, nil
	}
	if geo.City == "" && geo.RadiusKM == 0 {
		return nil, nil, nil
	}
	place, err := gazetteer.Lookup(geo.City, geo.Region, geo.Country)
	switch {
	case err == nil:
		return &place.Lat, &place.Lon, nil
	case geo.RadiusKM > 0:
		return nil, nil, err
	}
	return nil, nil, nil // distances stay unknown, and nothing asks for them
}

func (j *job) params(ctx context.Context) (transforms.Params, error) {
	lat, lon, err := centre(j.run.Spec)
	if err != nil {
		return transforms.Params{}, err
	}
	scorer, err := j.champion(ctx, j.ws, string(j.run.Spec.Vertical))
	if err != nil {
		return transforms.Params{}, err
	}
	links, err := j.ws.store.Links(ctx, j.run.CampaignID, false)
	if err != nil {
		return transforms.Params{}, err
	}
	return transforms.Params{Run: j.run, Lat: lat, Lon: lon, Scorer: scorer.Name(), Links: links, MatchState: j.cfg.matchState(j.run.CampaignID)}, nil
}

func (j *job) tables(e transforms.Event) {
	j.out.progress("transform  %d/%d %s: %s rows in %.1f s", e.Step, e.Steps, e.Table, count(e.Rows), e.Duration.Seconds())
}

func (j *job) transform(ctx context.Context) error {
	params, err := j.params(ctx)
	if err != nil {
		return err
	}
	report, err := transforms.Candidates(ctx, j.ws.lake, params, j.tables)
	j.warn(report)
	return err
}

func (j *job) score(ctx context.Context) error {
	scorer, err := j.champion(ctx, j.ws, string(j.run.Spec.Vertical))
	if err != nil {
		return err
	}
	_, err = models.ScoreRun(ctx, j.ws.lake, j.run.RunID, scorer, func(rows int64) {
		j.out.progress("score      %s leads", count(rows))
	})
	return err
}

func (j *job) publish(ctx context.Context) error {
	if err := j.isNewest(ctx); err != nil {
		return err
	}
	params, err := j.params(ctx)
	if err != nil {
		return err
	}
	if err := j.checkMerges(ctx, params); err != nil {
		return err
	}
	funnel, report, err := transforms.Publish(ctx, j.ws.lake, params, j.tables)
	j.warn(report)
	if err != nil {
		return err
	}
	j.run.Funnel, j.run.State = funnel, leadlake.RunPublished
	return nil
}

// isNewest refuses to publish a run over a younger one: its leads are older.
func (j *job) isNewest(ctx context.Context) error {
	runs, err := j.ws.store.Runs(ctx, j.run.CampaignID, 100)
	if err != nil {
		return err
	}
	for _, other := range runs {
		if other.State == leadlake.RunPublished && other.StartedAt.After(j.run.StartedAt) {
			return leadlake.Errorf(leadlake.Conflict, "run %s is younger and published", other.RunID).
				WithFix("run the campaign again for newer leads")
		}
	}
	return nil
}

// warn shows what checks found that do not stop a run.
func (j *job) warn(report transforms.Report) {
	for _, c := range report.Warnings() {
		j.out.note("warning: %s", c)
	}
}

// count writes a number with thousands apart.
func count(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// printRun shows a run with its funnel.
func printRun(w io.Writer, run leadlake.Run) {
	fmt.Fprintf(w, "run %s of %s: %s\n", run.RunID, run.Spec.Name, run.State)
	f := run.Funnel
	if f.Read == 0 {
		return
	}
	rows := [][]string{{"read", count(f.Read), ""}}
	for _, part := range []struct {
		name string
		n    int64
	}{{"published", f.Published}, {"merged", f.Merged}, {"rejected", f.Rejected}, {"suppressed", f.Suppressed}, {"expired", f.Expired}} {
		rows = append(rows, []string{"  " + part.name, count(part.n), fmt.Sprintf("%.1f%%", 100*float64(part.n)/float64(f.Read))})
	}
	table(w, nil, rows)
}
