package transforms

import (
	"context"
	"errors"
	"fmt"

	"github.com/leadlake/leadlake/lake"
)

// stateExternals are the externals of a run whose records are resolved by a
// match state: the clusters come from it, and so do the weights and the pairs,
// of which only those that match are there. Everything between records and
// clusters is not in the run's own graph then.
func stateExternals(m MatchState, progress func(Event)) []External {
	const run = "create or replace table scratch.intermediate."
	query := func(q string) func(context.Context, *lake.Session) error {
		return func(ctx context.Context, s *lake.Session) error { return s.Exec(ctx, q) }
	}
	after := []string{"intermediate.int_clusters"}
	return substituted(Externals(m.Links...), []External{
		{
			Table:   "intermediate.int_clusters",
			Columns: "record_id bigint, cluster_id bigint",
			Reads:   []string{"intermediate.int_links", "intermediate.int_records_kept"},
			Build:   func(ctx context.Context, s *lake.Session) error { return m.resolveRun(ctx, s, progress) },
		},
		{
			Table:   "intermediate.int_edges",
			Columns: "left_id bigint, right_id bigint, match_weight double",
			Reads:   after,
			Build:   query(run + "int_edges as select left_id, right_id, match_weight from scratch.incremental.run_edges"),
		},
		{
			Table:   "intermediate.int_pairs_weighed",
			Columns: "left_id bigint, right_id bigint, pattern bigint, match_weight double, probability double, evidence varchar[]",
			Reads:   after,
			Build:   query(run + "int_pairs_weighed as select left_id, right_id, pattern, match_weight, 1 / (1 + power(2, -match_weight)) as probability, evidence from scratch.incremental.run_edges"),
		},
		{
			Table:   "intermediate.int_match_weights",
			Columns: "comparison varchar, level integer, weight double, default_weight double, meaning varchar",
			Reads:   after,
			Build:   query(run + "int_match_weights as select * from scratch.incremental.run_weights"),
		},
		matchModelTable(m.chosen),
	}...)
}

// resolveRun builds int_clusters of a run by the state, which it brings to the
// run's records.
func (m MatchState) resolveRun(ctx context.Context, s *lake.Session, progress func(Event)) (err error) {
	p := stateRun{MatchState: m, session: s, progress: progress}
	_, err = p.resolve(ctx, Changes{})
	// A step that failed may be tried again in this lake.
	err = errors.Join(err, putBack(context.WithoutCancel(ctx), s))
	if err != nil {
		return fmt.Errorf("resolve by match state %s: %w", m.Path, err)
	}
	detach, err := m.attach(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, detach()) }()
	if err := incrementalScript(ctx, s, "results"); err != nil {
		return fmt.Errorf("read match state: %w", err)
	}
	return nil
}
