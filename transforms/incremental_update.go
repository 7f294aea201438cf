package transforms

import (
	"context"
	"errors"
	"fmt"

	"github.com/leadlake/leadlake/lake"
)

// update resolves what changed. Up to the last step it writes to scratch alone;
// that step is one transaction of the state.
func (p stateRun) update(ctx context.Context, u *Updated) (err error) {
	detach, err := p.attach(ctx, p.session)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, detach()) }()
	links := newLinkReader(p.Links)
	defer links.Release()
	if err := p.session.Load(ctx, "scratch.runtime.links", links); err != nil {
		return fmt.Errorf("load links: %w", err)
	}
	var changes int64
	const counts = "select (select count(*) from scratch.incremental.fresh) + (select count(*) from scratch.incremental.gone) + (select count(*) from scratch.runtime.links as l full outer join matchstate.links as k on k.link_id = l.link_id where k.link_id is null or l.link_id is null), any_value(records) from matchstate.about"
	if err := p.session.QueryRow(ctx, counts).Scan(&changes, &u.Records); err != nil {
		return fmt.Errorf("count changes: %w", err)
	}
	if changes == 0 {
		return nil
	}
	if err := setAside(ctx, p.session, "table_name = 'int_records_kept'"); err != nil {
		return err
	}
	if err := p.work(ctx, u); err != nil {
		return err
	}
	return inTransaction(ctx, p.session, "store")
}

// work leaves in scratch.incremental what store.sql writes.
func (p stateRun) work(ctx context.Context, u *Updated) error {
	if err := incrementalScript(ctx, p.session, "delta"); err != nil {
		return err
	}
	frozen := frozenTables()
	kept := given("int_records_kept", "record_id bigint")
	// The keys of the delta, by the models of the pipeline.
	err := p.build(ctx, substituted(Externals(), append(frozen, kept)...), []string{
		"intermediate.int_records_kept", "intermediate.int_block_keys", "intermediate.int_records_normalised",
	})
	if err != nil {
		return err
	}
	for _, script := range []string{"blocks", "pairs"} {
		if err := incrementalScript(ctx, p.session, script); err != nil {
			return err
		}
	}
	// The weights of the new pairs.
	frozen = append(frozen, kept, given("int_records_normalised", "record_id bigint"), given("int_pairs_blocked", "left_id bigint, right_id bigint"))
	err = p.build(ctx, substituted(Externals(), frozen...), []string{
		"intermediate.int_records_kept", "intermediate.int_pairs_compared", "intermediate.int_patterns", "intermediate.int_pattern_weights",
	})
	if err != nil {
		return err
	}
	if err := incrementalScript(ctx, p.session, "edges"); err != nil {
		return err
	}
	if err := p.cluster(ctx); err != nil {
		return err
	}
	return p.count(ctx, u)
}

// cluster clusters int_edges by scratch.runtime.links.
func (p stateRun) cluster(ctx context.Context) error {
	if err := runQuery(ctx, p.session, "links"); err != nil {
		return err
	}
	if err := Cluster(ctx, p.session); err != nil {
		return err
	}
	return connectComponents(ctx, p.session)
}

// count says what the step changes.
func (p stateRun) count(ctx context.Context, u *Updated) error {
	text, err := readScript("counts")
	if err != nil {
		return err
	}
	err = p.session.QueryRow(ctx, text).Scan(&u.Records, &u.Fresh, &u.Gone, &u.Repaired, &u.Compared, &u.Within, &u.Leads)
	if err != nil {
		return fmt.Errorf("count changes: %w", err)
	}
	return nil
}

// inTransaction runs a script of sql/incremental that writes to the state.
func inTransaction(ctx context.Context, s *lake.Session, name string) error {
	if err := s.Exec(ctx, "begin"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	err := incrementalScript(ctx, s, name)
	if err == nil {
		err = s.Exec(ctx, "commit")
	}
	if err != nil {
		// An error here means that DuckDB has already ended it.
		_ = s.Exec(context.WithoutCancel(ctx), "rollback")
	}
	return err
}

// connectComponents makes scratch.incremental.components (record_id,
// component_id): the records that positive edges and must-links connect, before
// the clusterer looks at what may belong together.
func connectComponents(ctx context.Context, s *lake.Session) error {
	var records int64
	if err := s.QueryRow(ctx, "select coalesce(max(record_id), 0) from intermediate.int_records_kept").Scan(&records); err != nil {
		return fmt.Errorf("count records: %w", err)
	}
	links, err := readClusterLinks(ctx, s, records)
	if err != nil {
		return err
	}
	c := newClusterer(records)
	err = c.connect(links, func(fn func(weighedPair)) error {
		return readPairs(ctx, s, "select left_id, right_id, match_weight::double from intermediate.int_edges where match_weight > 0", records, fn)
	})
	if err != nil {
		return err
	}
	reader := newClusterReader(c.sets)
	defer reader.Release()
	if err := s.Load(ctx, "scratch.incremental.found", reader); err != nil {
		return fmt.Errorf("write components: %w", err)
	}
	return s.Exec(ctx, "create or replace table scratch.incremental.components as select record_id, cluster_id as component_id from scratch.incremental.found")
}

// clearMatching drops what a resolution left in scratch: all tables of the
// schema but the records, or those that are set aside, and the views of the
// matching models.
func clearMatching(ctx context.Context, s *lake.Session) error {
	const leftovers = "select table_name, 'table' from duckdb_tables() where database_name = 'scratch' and schema_name = 'intermediate' and table_name <> 'int_records_kept' and not starts_with(table_name, 'run_int_') union all select view_name, 'view' from duckdb_views() where database_name = 'scratch' and schema_name = 'intermediate'"
	found, err := readColumns(ctx, s, leftovers)
	if err != nil {
		return fmt.Errorf("find old tables: %w", err)
	}
	for _, f := range found {
		if f.typ == "view" && !isMatching(f.name) {
			continue
		}
		if err := s.Exec(ctx, "drop "+f.typ+" scratch.intermediate."+quoteName(f.name)); err != nil {
			return fmt.Errorf("drop %s: %w", f.name, err)
		}
	}
	return nil
}

// setAside puts tables of scratch.intermediate out of the way of a resolution
// that makes tables of the same names.
func setAside(ctx context.Context, s *lake.Session, where string) error {
	return rename(ctx, s, "not starts_with(table_name, 'run_int_') and "+where, func(name string) string { return "run_" + name })
}

// putBack undoes setAside, and drops what was made meanwhile.
func putBack(ctx context.Context, s *lake.Session) error {
	if err := clearMatching(ctx, s); err != nil {
		return err
	}
	var aside int
	const kept = "select count(*) from duckdb_tables() where database_name = 'scratch' and schema_name = 'intermediate' and table_name = 'run_int_records_kept'"
	if err := s.QueryRow(ctx, kept).Scan(&aside); err != nil {
		return fmt.Errorf("find records: %w", err)
	}
	if aside > 0 {
		if err := s.Exec(ctx, "drop table if exists scratch.intermediate.int_records_kept"); err != nil {
			return fmt.Errorf("drop records: %w", err)
		}
	}
	return rename(ctx, s, "starts_with(table_name, 'run_int_')", func(name string) string { return name[len("run_"):] })
}

func rename(ctx context.Context, s *lake.Session, where string, to func(string) string) error {
	found, err := readColumns(ctx, s, "select table_name, '' from duckdb_tables() where database_name = 'scratch' and schema_name = 'intermediate' and "+where)
	if err != nil {
		return fmt.Errorf("find tables: %w", err)
	}
	for _, f := range found {
		if err := s.Exec(ctx, "alter table scratch.intermediate."+quoteName(f.name)+" rename to "+quoteName(to(f.name))); err != nil {
			return fmt.Errorf("rename %s: %w", f.name, err)
		}
	}
	return nil
}
