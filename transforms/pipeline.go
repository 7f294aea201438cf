package transforms

import (
	"context"
	"fmt"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Params is the one row of runtime.params: what a run is about.
type Params struct {
	Run      leadlake.Run
	Lat, Lon *float64        // centre of the campaign; nil where it has none
	Scorer   string          // name of what scores the run, for Unchanged
	Links    []leadlake.Link // what people said about records of the campaign, and stands

	// MatchState is the file in which the campaign keeps what its next
	// resolution needs to work on changes alone. Empty: all records are resolved
	// anew each time.
	MatchState string
}

// setParams writes runtime.params.
func setParams(ctx context.Context, s *lake.Session, p Params) error {
	spec := p.Run.Spec
	country := spec.Geo.Country
	if country == "" {
		country = "US"
	}
	if err := s.Exec(ctx, "delete from scratch.runtime.params"); err != nil {
		return fmt.Errorf("set parameters of run %s: %w", p.Run.RunID, err)
	}
	hash, err := fingerprint(leadlake.SQL, p)
	if err != nil {
		return err
	}
	err = s.Exec(ctx,
		"insert into scratch.runtime.params values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
		p.Run.RunID, p.Run.CampaignID, spec.Name, string(spec.Vertical), country, p.Lat, p.Lon, spec.Geo.RadiusKM,
		spec.Filters.MinRating, spec.Filters.ReviewCountMin, p.Run.StartedAt.UTC().Truncate(time.Microsecond),
		len(spec.Enrichment) > 0, hash)
	if err != nil {
		return fmt.Errorf("set parameters of run %s: %w", p.Run.RunID, err)
	}
	return nil
}

// Candidates builds everything from staging to the candidates of a run: its
// leads before scoring and approval. It may run again at any time.
func Candidates(ctx context.Context, l *lake.Lake, p Params, progress func(Event)) (Report, error) {
	return build(ctx, l, p, Plan{Schemas: []string{"candidates"}}, progress)
}

// Publish replaces the campaign's published rows by the scored candidates of a
// run, in one transaction with the checks. It returns the run's funnel.
func Publish(ctx context.Context, l *lake.Lake, p Params, progress func(Event)) (leadlake.Funnel, Report, error) {
	report, err := build(ctx, l, p, Plan{Schemas: []string{"marts"}}, progress)
	if err != nil {
		return leadlake.Funnel{}, report, err
	}
	funnel, err := ReadFunnel(ctx, l, p.Run.RunID)
	return funnel, report, err
}

func build(ctx context.Context, l *lake.Lake, p Params, plan Plan, progress func(Event)) (Report, error) {
	session, err := l.Session(ctx)
	if err != nil {
		return Report{}, err
	}
	defer session.Close()
	externals := Externals(p.Links...)
	if p.MatchState != "" {
		externals = stateExternals(MatchState{Path: p.MatchState, Links: p.Links}, progress)
	}
	project, err := Load(ctx, without{leadlake.SQL, externals}, session, externals...)
	if err != nil {
		return Report{}, err
	}
	if err := setParams(ctx, session, p); err != nil {
		return Report{}, err
	}
	runner := Runner{Project: project}
	return runner.Run(ctx, session, plan, progress)
}

// ReadFunnel says where the rows of a run went, once its candidates are built.
func ReadFunnel(ctx context.Context, l *lake.Lake, runID string) (leadlake.Funnel, error) {
	var f leadlake.Funnel
	session, err := l.Session(ctx)
	if err != nil {
		return f, err
	}
	defer session.Close()
	err = session.QueryRow(ctx,
		"select read, published, rejected, suppressed, merged, expired from candidates.funnel where run_id = $1", runID,
	).Scan(&f.Read, &f.Published, &f.Rejected, &f.Suppressed, &f.Merged, &f.Expired)
	if err != nil {
		return f, fmt.Errorf("read funnel of run %s: %w", runID, err)
	}
	return f, nil
}
