package sqltest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/leadlake/leadlake/transforms"
)

// schemas of the databases, in the order in which a lake session looks them up.
var schemas = []string{"runtime", "staging", "intermediate", "raw", "candidates", "marts"}

// database is one in-memory DuckDB with the databases and schemas of a lake
// session, without the lake behind: nothing here is to be kept.
type database struct {
	db   *sql.DB
	conn *sql.Conn
}

func openDatabase(ctx context.Context) (*database, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("open duckdb: %w", err)
	}
	d := &database{db: sql.OpenDB(connector)}
	if d.conn, err = d.db.Conn(ctx); err != nil {
		d.db.Close()
		return nil, fmt.Errorf("open duckdb: %w", err)
	}
	statements := []string{"set TimeZone = 'UTC'", "attach ':memory:' as lake", "attach ':memory:' as scratch"}
	path := []string{"scratch.main"}
	for _, schema := range schemas {
		name := transforms.Database(schema) + "." + schema
		statements = append(statements, "create schema "+name)
		path = append(path, name)
	}
	statements = append(statements, "set search_path = '"+strings.Join(path, ",")+"'")
	for _, s := range statements {
		if err := d.Exec(ctx, s); err != nil {
			d.close()
			return nil, fmt.Errorf("prepare duckdb: %s: %w", s, err)
		}
	}
	return d, nil
}

func (d *database) close() {
	d.conn.Close()
	d.db.Close()
}

func (d *database) Exec(ctx context.Context, query string, args ...any) error {
	_, err := d.conn.ExecContext(ctx, query, args...)
	return err
}

func (d *database) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return d.conn.QueryContext(ctx, query, args...)
}

func (d *database) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return d.conn.QueryRowContext(ctx, query, args...)
}

// texts returns the values of a query with one text column.
func (d *database) texts(ctx context.Context, query string) ([]string, error) {
	rows, err := d.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var text sql.NullString
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if !text.Valid {
			text.String = "null"
		}
		out = append(out, text.String)
	}
	return out, rows.Err()
}

// column of a table or a query.
type column struct{ name, typ string }

// columns of a table, given as schema.table.
func (d *database) columns(ctx context.Context, table string) ([]column, error) {
	return d.describe(ctx, "select * from "+qualified(table))
}

// describe returns the columns of a query.
func (d *database) describe(ctx context.Context, query string) ([]column, error) {
	rows, err := d.Query(ctx, "select column_name, column_type from (describe "+query+"\n)")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []column
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.name, &c.typ); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func qualified(table string) string {
	schema, _, _ := strings.Cut(table, ".")
	return transforms.Database(schema) + "." + table
}

// find looks a column up by name.
func find(columns []column, name string) (column, bool) {
	for _, c := range columns {
		if c.name == name {
			return c, true
		}
	}
	return column{}, false
}

func nearest(name string, columns []column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return strings.Join(transforms.Nearest(name, names), ", ")
}

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
