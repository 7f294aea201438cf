package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

// tableRows is how many rows `leadlake sql` shows a person by default.
const tableRows = 100

func sqlCmd(a *app) *cobra.Command {
	var asCSV bool
	var limit int
	var attach bool
	cmd := &cobra.Command{
		Use:   `sql "select ..."`,
		Short: "Ask the lake a question in SQL, read-only",
		Long: `Runs one query over the lake and prints its rows. Schemas: marts (published
leads and their evidence), candidates (runs under way), raw (what sources said).
The lake cannot be changed this way. A query of - is read from standard input.`,
		Example: `  leadlake sql "select tier, count(*) from marts.leads group by all"
  leadlake sql "from marts.leads limit 10" --csv
  leadlake sql --attach > lake.sql; duckdb -init lake.sql`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if attach {
				return a.printAttach()
			}
			if len(args) == 0 {
				return leadlake.Errorf(leadlake.Invalid, "sql: there is no query").WithFix(`write it after the command: leadlake sql "from marts.leads limit 10"`)
			}
			query, err := a.queryText(args[0])
			if err != nil {
				return err
			}
			return a.query(cmd.Context(), query, func(rows *sql.Rows) error {
				switch {
				case a.out.json:
					return a.printJSON(rows)
				case asCSV:
					return a.printCSV(rows)
				}
				return a.printTable(rows, limit)
			})
		},
	}
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print CSV")
	cmd.Flags().IntVar(&limit, "limit", tableRows, "rows to show as a table; 0 for all")
	cmd.Flags().BoolVar(&attach, "attach", false, "print the statements by which any DuckDB shell attaches this lake")
	cmd.MarkFlagsMutuallyExclusive("csv", "limit")
	return cmd
}

func (a *app) queryText(arg string) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	b, err := io.ReadAll(a.stdin)
	if err != nil {
		return "", fmt.Errorf("read query: %w", err)
	}
	return string(b), nil
}

var (
	sqlComment = regexp.MustCompile(`(?s)^\s*(--[^\n]*(\n|$)|/\*.*?\*/)`)
	firstWord  = regexp.MustCompile(`^[\s(]*([A-Za-z]+)`)

	// readers are the words that a query may begin with. The lake is attached
	// read-only whatever they are; this is for a message that one understands,
	// and against writes to tables that vanish when the command ends.
	readers = []string{"select", "with", "from", "values", "table", "describe", "desc", "show", "summarize", "explain", "pivot", "unpivot"}
)

// explained is what stands before the statement that EXPLAIN would run.
var explained = regexp.MustCompile(`(?is)^\s*explain\s+(analyze\s+)?(\([^)]*\)\s*)?`)

// mustRead refuses what is not one query: of several statements the later
// ones could write.
func mustRead(query string) error {
	if transforms.Statements(query) > 1 {
		return leadlake.Errorf(leadlake.Invalid, "sql: there are several statements").WithFix("ask one question at a time")
	}
	rest := query
	for sqlComment.MatchString(rest) {
		rest = sqlComment.ReplaceAllString(rest, "")
	}
	if statement := explained.ReplaceAllString(rest, ""); statement != rest {
		return mustRead(statement)
	}
	m := firstWord.FindStringSubmatch(rest)
	if m == nil {
		return leadlake.Errorf(leadlake.Invalid, "sql: there is no query").
			WithFix(`try leadlake sql "select count(*) from marts.leads"`)
	}
	if !slices.Contains(readers, strings.ToLower(m[1])) {
		return leadlake.Errorf(leadlake.Invalid, "sql: %s is no query, and this command only reads", strings.ToUpper(m[1])).
			WithFix("begin with one of %s; `leadlake export` writes files", strings.Join(readers, ", "))
	}
	return nil
}

// query runs one query on the lake as it stands and hands its rows to print.
func (a *app) query(ctx context.Context, query string, print func(*sql.Rows) error) error {
	if err := mustRead(query); err != nil {
		return err
	}
	if !a.cfg.hasLake() {
		return leadlake.Errorf(leadlake.NotFound, "sql: there is no lake in %s yet", a.cfg.Home).
			WithFix("make one with `leadlake demo` or `leadlake run CAMPAIGN.yaml`, or name another directory with --home")
	}
	l, err := lake.Open(ctx, a.cfg.lakeConfig(true))
	if err != nil {
		return err
	}
	defer l.Close()
	s, err := l.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	rows, err := s.Query(ctx, query)
	if err != nil {
		return a.queryError(ctx, s, query, err)
	}
	defer rows.Close()
	if err := print(rows); err != nil {
		return err
	}
	if err := rows.Err(); err != nil {
		return queryError(err)
	}
	return nil
}

// queryError is queryError, but for a question about published leads before
// there are any.
func (a *app) queryError(ctx context.Context, s *lake.Session, query string, err error) error {
	var marts int
	const count = "select count(*) from duckdb_tables() where database_name = 'lake' and schema_name = 'marts'"
	if strings.Contains(query, "marts.") && s.QueryRow(ctx, count).Scan(&marts) == nil && marts == 0 {
		return leadlake.Errorf(leadlake.NotFound, "sql: nothing is published in %s yet", a.cfg.Home).
			WithFix("publish a run first: leadlake run CAMPAIGN.yaml")
	}
	return queryError(err)
}

// queryError makes DuckDB's complaint about the user's text an error of the
// user.
func queryError(err error) error {
	if strings.Contains(err.Error(), "read-only") {
		return leadlake.Errorf(leadlake.Invalid, "sql: the lake is open for reading only").
			WithFix("change leads through the pipeline: `leadlake run CAMPAIGN.yaml`")
	}
	return leadlake.Errorf(leadlake.Invalid, "sql: %w", err)
}

// eachRow calls fn with the values of every row. The slice is used again.
func eachRow(rows *sql.Rows, width int, fn func([]any) (more bool, err error)) error {
	values := make([]any, width)
	targets := make([]any, width)
	for i := range values {
		targets[i] = &values[i]
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		return queryError(err)
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return queryError(err)
		}
		for i, t := range types {
			// The driver gives a UUID as its bytes, like a blob.
			if b, isBytes := values[i].([]byte); isBytes && t.DatabaseTypeName() == "UUID" {
				values[i] = duckdb.UUID(b)
			}
		}
		if more, err := fn(values); err != nil || !more {
			return err
		}
	}
	return nil
}

func (a *app) printTable(rows *sql.Rows, limit int) error {
	columns, err := rows.Columns()
	if err != nil {
		return queryError(err)
	}
	var cells [][]string
	cut := false
	err = eachRow(rows, len(columns), func(values []any) (bool, error) {
		if cut = limit > 0 && len(cells) == limit; cut {
			return false, nil
		}
		cells = append(cells, texts(values, oneLine))
		return true, nil
	})
	if err != nil {
		return err
	}
	table(a.out.stdout, columns, cells)
	if cut {
		a.out.note("(the first %d rows; --limit 0, --csv or --json shows all)", limit)
	}
	return nil
}

func (a *app) printCSV(rows *sql.Rows) error {
	columns, err := rows.Columns()
	if err != nil {
		return queryError(err)
	}
	w := csv.NewWriter(a.out.stdout)
	if err := w.Write(columns); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	err = eachRow(rows, len(columns), func(values []any) (bool, error) {
		return true, w.Write(texts(values, func(s string) string { return s }))
	})
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	return err
}

// printJSON streams {"columns": [...], "rows": [{...}]}, with the columns of
// each row in the query's order.
func (a *app) printJSON(rows *sql.Rows) error {
	columns, err := rows.Columns()
	if err != nil {
		return queryError(err)
	}
	a.out.wrote = true
	w := bufio.NewWriter(a.out.stdout)
	defer w.Flush()
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = encode(c)
	}
	fmt.Fprintf(w, `{"columns":[%s],"rows":[`, strings.Join(names, ","))
	separator := "\n"
	err = eachRow(rows, len(columns), func(values []any) (bool, error) {
		fields := make([]string, len(values))
		for i, v := range values {
			fields[i] = names[i] + ":" + encode(plain(v))
		}
		_, err := fmt.Fprintf(w, "%s{%s}", separator, strings.Join(fields, ","))
		separator = ",\n"
		return true, err
	})
	fmt.Fprint(w, "\n]}\n")
	return err
}

// encode renders a value that plain has made fit for JSON.
func encode(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return encode(fmt.Sprint(v))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func texts(values []any, clean func(string) string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = clean(text(v))
	}
	return out
}

// oneLine keeps a cell from breaking the table.
func oneLine(s string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(s)
}

// text renders a value for a person; NULL is empty, nested values are JSON.
func text(v any) string {
	switch v := plain(v).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return encode(v)
	}
}

// plain turns DuckDB's values into those that JSON knows.
func plain(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
	case duckdb.Decimal:
		return json.Number(v.String())
	case duckdb.UUID:
		return v.String()
	case duckdb.Map:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[text(key)] = plain(value)
		}
		return out
	case map[string]any:
		for key, value := range v {
			v[key] = plain(value)
		}
	case []any:
		for i, value := range v {
			v[i] = plain(value)
		}
	}
	return v
}

// printAttach prints what an analyst's own DuckDB needs to see the lake.
func (a *app) printAttach() error {
	cfg := a.cfg.lakeConfig(true)
	home, err := filepath.Abs(cfg.Home)
	if err != nil {
		return fmt.Errorf("print attach statements: %w", err)
	}
	cfg.Home = home
	statements, err := lake.AttachSQL(cfg)
	if err != nil {
		return err
	}
	result := struct {
		SQL string `json:"sql"`
	}{statements}
	return a.out.result(result, func(w io.Writer) { fmt.Fprint(w, statements) })
}
