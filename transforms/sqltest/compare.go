package sqltest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/transforms"
)

// run runs one test and says how its result differs.
func (s *suite) run(ctx context.Context, x subject, c testCase) error {
	if c.expect == nil {
		return fmt.Errorf("%s:%d: the test has no expect; write one, or run go test with -update", c.file, c.line)
	}
	if x.kind == macroFile {
		return s.runMacro(ctx, c)
	}
	expect, err := parseRows(c.file, c.expect)
	if err != nil {
		return err
	}
	if err := s.fill(ctx, x, c); err != nil {
		return err
	}
	defer s.empty(ctx, c)
	columns, err := s.db.describe(ctx, x.sql)
	if err != nil {
		return transforms.SQLError("run model", x.file, err)
	}
	named, err := namedColumns(c, expect, columns)
	if err != nil {
		return err
	}
	got, err := s.db.texts(ctx, rowsAsJSON(named, x.sql))
	if err != nil {
		return transforms.SQLError("run model", x.file, err)
	}
	want := make([]string, 0, len(expect))
	for _, r := range expect {
		text, err := s.expected(ctx, c, r, named)
		if err != nil {
			return err
		}
		want = append(want, text)
	}
	return difference(c, want, got)
}

func (s *suite) runMacro(ctx context.Context, c testCase) error {
	got, typ, err := s.evaluate(ctx, c)
	if err != nil {
		return err
	}
	if got[0] == "null" { // a null has a type only by chance
		want := "null"
		if resolve(c.expect).Tag != "!!null" {
			want = "a value on line " + fmt.Sprint(c.expect.Line)
		}
		return difference(c, []string{want}, got)
	}
	value, err := literal(c.file, c.expect, typ)
	if err != nil {
		return err
	}
	want, err := s.db.texts(ctx, "select cast(to_json("+value+") as varchar)")
	if err != nil {
		return fmt.Errorf("%s:%d: the expected value is no %s: %w", c.file, c.expect.Line, typ, err)
	}
	return difference(c, want, got)
}

// evaluate runs an expression, once, for its value as JSON and its type.
func (s *suite) evaluate(ctx context.Context, c testCase) (value []string, typ string, err error) {
	err = s.db.Exec(ctx, "create or replace temp table evaluated as select "+c.expr+" as value")
	if err == nil {
		value, err = s.db.texts(ctx, "select cast(to_json(value) as varchar) from temp.evaluated")
	}
	var columns []column
	if err == nil {
		columns, err = s.db.describe(ctx, "select value from temp.evaluated")
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s:%d: %s: %w", c.file, c.line, c.expr, err)
	}
	return value, columns[0].typ, nil
}

// fill inserts the given rows.
func (s *suite) fill(ctx context.Context, x subject, c testCase) error {
	for _, g := range c.given {
		if !slices.Contains(x.reads, g.table) {
			return fmt.Errorf("%s:%d: %s does not read %s; it reads %s", c.file, g.line, x.file, g.table, near(g.table, x.reads))
		}
		columns, err := s.db.columns(ctx, g.table)
		if err != nil {
			return err
		}
		for _, r := range g.rows {
			if err := s.insert(ctx, c.file, g.table, r, columns); err != nil {
				s.empty(ctx, c)
				return err
			}
		}
	}
	return nil
}

func (s *suite) insert(ctx context.Context, file, table string, r row, columns []column) error {
	values := make([]string, 0, len(r.names))
	for _, name := range r.names {
		column, ok := find(columns, name.Value)
		if !ok {
			return fmt.Errorf("%s:%d: %s has no column %s; the nearest are %s", file, name.Line, table, name.Value, nearest(name.Value, columns))
		}
		text, err := literal(file, r.cells[name.Value], column.typ)
		if err != nil {
			return err
		}
		values = append(values, text+" as "+quoteName(column.name))
	}
	query := "insert into " + qualified(table) + " by name select " + strings.Join(values, ", ")
	if len(values) == 0 {
		query = "insert into " + qualified(table) + " (" + quoteName(columns[0].name) + ") values (null)"
	}
	if err := s.db.Exec(ctx, query); err != nil {
		return fmt.Errorf("%s:%d: insert into %s: %w", file, r.line, table, err)
	}
	return nil
}

// empty takes the given rows out again. A failure shows in the next test, which
// cannot fill the tables either.
func (s *suite) empty(ctx context.Context, c testCase) {
	for _, g := range c.given {
		_ = s.db.Exec(ctx, "truncate "+qualified(g.table))
	}
}

// namedColumns are the columns that any expected row names, in the order of
// the model; a row that does not name one of them expects null there.
func namedColumns(c testCase, expect []row, columns []column) ([]column, error) {
	isNamed := map[string]bool{}
	for _, r := range expect {
		for _, name := range r.names {
			if _, ok := find(columns, name.Value); !ok {
				return nil, fmt.Errorf("%s:%d: the model has no column %s; the nearest are %s", c.file, name.Line, name.Value, nearest(name.Value, columns))
			}
			isNamed[name.Value] = true
		}
	}
	var named []column
	for _, column := range columns {
		if isNamed[column.name] {
			named = append(named, column)
		}
	}
	if len(named) == 0 {
		named = columns // expect: [] shows whole rows where there are some
	}
	return named, nil
}

// rowsAsJSON makes one JSON text of each row of a query.
func rowsAsJSON(columns []column, query string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = quoteName(c.name) + " := " + quoteName(c.name)
	}
	return "select cast(to_json(struct_pack(" + strings.Join(parts, ", ") + ")) as varchar) from (" + query + "\n)"
}

// expected renders an expected row as the model's row of the same values is.
func (s *suite) expected(ctx context.Context, c testCase, r row, columns []column) (string, error) {
	parts := make([]string, len(columns))
	for i, column := range columns {
		text := "null"
		if cell, ok := r.cells[column.name]; ok {
			var err error
			if text, err = literal(c.file, cell, column.typ); err != nil {
				return "", err
			}
		}
		parts[i] = quoteName(column.name) + " := " + text
	}
	texts, err := s.db.texts(ctx, "select cast(to_json(struct_pack("+strings.Join(parts, ", ")+")) as varchar)")
	if err != nil {
		return "", fmt.Errorf("%s:%d: an expected value does not fit its column: %w", c.file, r.line, err)
	}
	return texts[0], nil
}

// difference compares rows written as JSON.
func difference(c testCase, want, got []string) error {
	want, got = canonical(want), canonical(got)
	if !c.ordered {
		sort.Strings(want)
		sort.Strings(got)
	}
	if slices.Equal(want, got) {
		return nil
	}
	return fmt.Errorf("%s:%d: %s: rows differ (- expected, + got):\n%s", c.file, c.line, c.name, cmp.Diff(want, got))
}

// canonical rounds fractions to twelve digits, so that a sum may be taken in
// any order, and gives equal rows equal texts.
func canonical(rows []string) []string {
	out := make([]string, len(rows))
	for i, text := range rows {
		out[i] = text
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		var v any
		if decoder.Decode(&v) != nil {
			continue // nan and infinity are no JSON: compared as they are
		}
		var buffer bytes.Buffer
		encoder := json.NewEncoder(&buffer)
		encoder.SetEscapeHTML(false)
		if encoder.Encode(rounded(v)) == nil {
			out[i] = strings.TrimSuffix(buffer.String(), "\n")
		}
	}
	return out
}

func rounded(v any) any {
	switch v := v.(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			return json.Number(strconv.FormatFloat(f, 'g', 12, 64))
		}
	case []any:
		for i := range v {
			v[i] = rounded(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = rounded(v[k])
		}
	}
	return v
}
