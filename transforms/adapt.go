package transforms

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/leadlake/leadlake"
)

// tableColumn is a column of a model or of a lake table.
type tableColumn struct{ name, typ string }

// describe returns the columns that a model gives.
func describe(ctx context.Context, q Querier, m *Model) ([]tableColumn, error) {
	columns, err := readColumns(ctx, q, "select column_name, column_type from (describe "+m.SQL+"\n)")
	if err != nil {
		return nil, SQLError("describe "+m.Table(), m.File, err)
	}
	return columns, nil
}

// adapt gives a lake table the columns of its model: it makes the table where
// there is none and adds columns that are new. Columns that the model no longer
// gives stay, and are null in new rows. A changed type is an error, for rows of
// other runs hold the old one.
func adapt(ctx context.Context, q Querier, m *Model, columns []tableColumn, key string) error {
	if !slices.ContainsFunc(columns, func(c tableColumn) bool { return c.name == key && c.typ == "VARCHAR" }) {
		return fault(m.File, 1, "no column %s of type varchar, by which models of %s are written", key, m.Schema).WithFix("select it from runtime.params")
	}
	existing, err := readColumns(ctx, q, "select column_name, data_type from duckdb_columns() where database_name = 'lake' and schema_name = ? and table_name = ? order by column_index", m.Schema, m.Name)
	if err != nil {
		return fmt.Errorf("read columns of %s: %w", m.Table(), err)
	}
	if len(existing) == 0 {
		list := make([]string, len(columns))
		for i, c := range columns {
			list[i] = quoteName(c.name) + " " + c.typ
		}
		if err := q.Exec(ctx, "create table "+qualified(m.Table())+" ("+strings.Join(list, ", ")+")"); err != nil {
			return fmt.Errorf("create %s: %w", m.Table(), err)
		}
		return nil
	}
	for _, c := range columns {
		i := slices.IndexFunc(existing, func(e tableColumn) bool { return strings.EqualFold(e.name, c.name) })
		if i < 0 {
			if err := q.Exec(ctx, "alter table "+qualified(m.Table())+" add column "+quoteName(c.name)+" "+c.typ); err != nil {
				return fmt.Errorf("add column %s to %s: %w", c.name, m.Table(), err)
			}
		} else if existing[i].typ != c.typ {
			return leadlake.Errorf(leadlake.Conflict, "%s:1: column %s is %s, and %s in the lake's %s", m.File, c.name, c.typ, existing[i].typ, m.Table()).
				WithFix("cast it to %s in the model, or give the new column another name", existing[i].typ)
		}
	}
	return nil
}

func readColumns(ctx context.Context, q Querier, query string, args ...any) ([]tableColumn, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []tableColumn
	for rows.Next() {
		var c tableColumn
		if err := rows.Scan(&c.name, &c.typ); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
