package transforms

import (
	"context"
	"fmt"
	"slices"

	"github.com/leadlake/leadlake/lake"
)

// writeOrder lists the models of one lake schema in the order in which they
// are written: those that append come first, so that they find the tables of
// their schema as they were. Tables that they read and that no run has made
// yet are made, empty.
func (r *run) writeOrder(ctx context.Context, tables []string) ([]*Model, error) {
	var appending, replacing []*Model
	for _, table := range tables {
		if m, _ := r.Project.Model(table); m.Append {
			appending = append(appending, m)
		} else {
			replacing = append(replacing, m)
		}
	}
	for _, m := range replacing {
		isRead := func(a *Model) bool { return slices.Contains(a.Reads, m.Table()) }
		if !slices.ContainsFunc(appending, isRead) {
			continue
		}
		if err := r.fit(ctx, m); err != nil {
			return nil, err
		}
	}
	return append(appending, replacing...), nil
}

// fit makes the lake table of a model, or adapts it to the model's columns.
func (r *run) fit(ctx context.Context, m *Model) error {
	columns, err := describe(ctx, r.session, m)
	if err != nil {
		return err
	}
	return adapt(ctx, r.session, m, columns, partitionKeys[m.Schema])
}

// writeRows puts the rows of the current run or campaign in place of those
// that a lake table has of it; a model that appends leaves those.
func (r *run) writeRows(ctx context.Context, m *Model) (int64, error) {
	key := partitionKeys[m.Schema]
	if err := r.fit(ctx, m); err != nil {
		return 0, err
	}
	current := fmt.Sprintf(" where %s = %s", key, lake.Quote(r.params[key]))
	count := func() (n int64, err error) {
		if err = r.session.QueryRow(ctx, "select count(*) from "+qualified(m.Table())+current).Scan(&n); err != nil {
			err = fmt.Errorf("count %s: %w", m.Table(), err)
		}
		return n, err
	}
	var before int64
	var err error
	if m.Append {
		before, err = count()
	} else if err = r.session.Exec(ctx, "delete from "+qualified(m.Table())+current); err != nil {
		err = fmt.Errorf("delete old rows of %s: %w", m.Table(), err)
	}
	if err != nil {
		return 0, err
	}
	var inserted int64
	if err := r.session.QueryRow(ctx, "insert into "+qualified(m.Table())+" by name select * from ("+m.SQL+"\n)").Scan(&inserted); err != nil {
		return 0, SQLError("write "+m.Table(), m.File, err)
	}
	held, err := count()
	if err != nil {
		return 0, err
	}
	if held != before+inserted {
		return 0, fault(m.File, 1, "%d of %d rows are not of the current %s, and would be written again by every run", before+inserted-held, inserted, key).
			WithFix("join runtime.params on %s", key)
	}
	return inserted, nil
}
