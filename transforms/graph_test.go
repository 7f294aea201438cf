package transforms

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lake"
)

// parser is a DuckDB without a lake: all that loading a project needs.
type parser struct{ db *sql.DB }

func (p parser) Exec(ctx context.Context, query string, args ...any) error {
	_, err := p.db.ExecContext(ctx, query, args...)
	return err
}

func (p parser) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.db.QueryContext(ctx, query, args...)
}

func (p parser) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return p.db.QueryRowContext(ctx, query, args...)
}

func newParser(t *testing.T) parser {
	t.Helper()
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		t.Fatal(err)
	}
	p := parser{sql.OpenDB(connector)}
	t.Cleanup(func() { p.db.Close() })
	return p
}

// testTables is a prelude like the project's.
const testTables = `
create table if not exists lake.raw.source_records (run_id varchar);
create table if not exists lake.raw.things (run_id varchar, id bigint, name varchar);
create table if not exists scratch.runtime.params (run_id varchar, campaign_id varchar);
`

// sources makes a file system of a prelude and of models given as
// "schema.name" to a query; more headers replace the usual ones.
func sources(models map[string]string, headers ...string) fstest.MapFS {
	fsys := fstest.MapFS{"sql/prelude/tables.sql": {Data: []byte(testTables)}}
	for table, query := range models {
		schema, name, _ := strings.Cut(table, ".")
		lines := []string{"-- " + name + ": one row per thing", "-- grain: none", "-- keys: none", "-- materialize: table", "-- pii: none"}
		if schema == "checks" {
			lines = []string{"-- " + name + ": the claim", "-- severity: error"}
		}
		for _, h := range headers {
			key, _, _ := strings.Cut(h, ":")
			for i, line := range lines {
				if i > 0 && schema != "checks" && strings.HasPrefix(line, "-- "+key+":") {
					lines[i] = "-- " + h
				}
			}
		}
		fsys["sql/"+schema+"/"+name+".sql"] = &fstest.MapFile{Data: []byte(strings.Join(lines, "\n") + "\n\n" + query + "\n")}
	}
	return fsys
}

func TestReferencesAreReadFromTheText(t *testing.T) {
	t.Parallel()
	s := newParser(t)
	tests := []struct {
		name, query string
		want        []string
	}{
		{"join with using", "select * from raw.a inner join staging.b using (id)", []string{"raw.a", "staging.b"}},
		{"unknown function", "select no_such_function(id) from raw.a", []string{"raw.a"}},
		{"cte", "with a as (select * from raw.x), b as (select * from a) select * from b", []string{"raw.x"}},
		{"cte in a subquery", "select (with a as (select * from raw.x) select max(i) from a) from raw.y", []string{"raw.x", "raw.y"}},
		{"recursive cte", "with recursive a as (select 1 as i union all select i + 1 from a) select * from a", []string{}},
		{"table named like a cte", "with leads as (select * from marts.leads) select * from leads", []string{"marts.leads"}},
		{"set operation", "select * from raw.a union all select * from raw.b except select * from raw.a", []string{"raw.a", "raw.b"}},
		{"exists", "select 1 where not exists (select 1 from raw.a)", []string{"raw.a"}},
		{"no table", "select * from range(3)", []string{}},
		{"upper case", "SELECT * FROM Raw.A", []string{"raw.a"}},
		{"name in a string and a comment", "select 'from raw.b' -- from raw.c\nfrom raw.a", []string{"raw.a"}},
	}
	for _, test := range tests {
		refs, err := readTables(t.Context(), s, "f.sql", test.query)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if diff := cmp.Diff(test.want, tableNames(refs)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

func TestBadProjectsNameFileLineAndFix(t *testing.T) {
	t.Parallel()
	s := newParser(t)
	tests := []struct {
		name   string
		models map[string]string
		want   []string
	}{
		{"syntax error", map[string]string{"staging.stg_a": "select 1 as i\nfrom 1 1"}, []string{`sql/staging/stg_a.sql:8: syntax error at or near "1"`}},
		{"no select", map[string]string{"staging.stg_a": "create table x (i int)"}, []string{"sql/staging/stg_a.sql:1: Only SELECT", "a model is one plain SELECT"}},
		{"pivot", map[string]string{"staging.stg_a": "pivot raw.source_records on id"}, []string{"sql/staging/stg_a.sql:1:", "PIVOT"}},
		{"table without schema", map[string]string{"staging.stg_a": "select 1\nfrom source_records"}, []string{"sql/staging/stg_a.sql:8: reads source_records without a schema", "write schema.source_records"}},
		{"cte out of sight", map[string]string{"staging.stg_a": "select (with params as (select 1 as i) select i from params) from params"}, []string{"reads params without a schema"}},
		{"table with database", map[string]string{"staging.stg_a": "select 1 from lake.raw.source_records"}, []string{"write raw.source_records"}},
		{"unknown table", map[string]string{"staging.stg_a": "select 1\n\nfrom raw.source_record"}, []string{"sql/staging/stg_a.sql:9: reads raw.source_record, which nothing makes; the nearest names are raw.source_records"}},
		{"cycle", map[string]string{
			"intermediate.int_a": "select * from intermediate.int_b", "intermediate.int_b": "select * from intermediate.int_c",
			"intermediate.int_c": "select * from intermediate.int_b", "intermediate.int_d": "select * from intermediate.int_a",
		}, []string{"intermediate.int_b -> intermediate.int_c -> intermediate.int_b; take one of the references out"}},
		{"itself", map[string]string{"intermediate.int_a": "select * from intermediate.int_a"}, []string{"intermediate.int_a -> intermediate.int_a"}},
		{"model named like an external", map[string]string{"intermediate.int_made": "select 1"}, []string{"sql/intermediate/int_made.sql:1: intermediate.int_made is made by an external table as well"}},
		{"check of no model", map[string]string{"checks.int_z__holds": "select 1 from raw.source_records"}, []string{"sql/checks/int_z__holds.sql:1: there is no model int_z"}},
		{"check that does not read its model", map[string]string{"staging.stg_a": "select 1", "checks.stg_a__holds": "select 1"}, []string{"the check does not read staging.stg_a, which it is named after"}},
	}
	made := External{Table: "intermediate.int_made", Columns: "id bigint", Build: func(context.Context, *lake.Session) error { return nil }}
	for _, test := range tests {
		_, err := Load(t.Context(), sources(test.models), s, made)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s:\ngot  %v\nwant %s", test.name, err, want)
			}
		}
	}
}

func TestBadExternalsAreRefused(t *testing.T) {
	t.Parallel()
	s := newParser(t)
	build := func(context.Context, *lake.Session) error { return nil }
	tests := []struct {
		want string
		ext  []External
	}{
		{"is not in the scratch database", []External{{Table: "candidates.scores", Columns: "a int", Build: build}}},
		{"lacks Columns or Build", []External{{Table: "staging.a", Columns: "a int"}}},
		{"is declared twice", []External{{Table: "staging.a", Columns: "a int", Build: build}, {Table: "staging.a", Columns: "a int", Build: build}}},
		{"external staging.a:1: reads raw.nothing", []External{{Table: "staging.a", Columns: "a int", Reads: []string{"raw.nothing"}, Build: build}}},
	}
	for _, test := range tests {
		if _, err := Load(t.Context(), sources(nil), s, test.ext...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestOrderPutsEveryTableAfterWhatItReads(t *testing.T) {
	t.Parallel()
	s := newParser(t)
	models := map[string]string{
		"staging.stg_z":      "select * from raw.source_records",
		"intermediate.int_b": "select * from staging.stg_z",
		"intermediate.int_a": "select * from intermediate.int_made inner join intermediate.int_b using (id)",
		"candidates.leads":   "select * from intermediate.int_a, runtime.params",
		"marts.leads":        "select * from candidates.leads",
		"marts.counts":       "select count(*) from marts.leads",
	}
	made := External{
		Table: "intermediate.int_made", Columns: "id bigint", Reads: []string{"intermediate.int_b"},
		Build: func(context.Context, *lake.Session) error { return nil },
	}
	p, err := Load(t.Context(), sources(models), s, made)
	if err != nil {
		t.Fatal(err)
	}
	order := p.Order()
	if len(order) != len(models)+1 {
		t.Errorf("order has %d tables: %v", len(order), order)
	}
	for i, table := range order {
		for _, r := range p.reads(table) {
			if at := slices.Index(order, r); at > i {
				t.Errorf("%s comes before %s", table, r)
			}
		}
	}
	again, err := Load(t.Context(), sources(models), s, made)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(order, again.Order()); diff != "" {
		t.Errorf("the order is not the same each time: %s", diff)
	}
}

func TestCheckBelongsToTheModelItReads(t *testing.T) {
	t.Parallel()
	s := newParser(t)
	p, err := Load(t.Context(), sources(map[string]string{
		"candidates.leads":        "select p.*, 1 as id from runtime.params as p",
		"marts.leads":             "select * from candidates.leads",
		"staging.stg_a__thing":    "select 1 as id",
		"checks.leads__offered":   "select * from candidates.leads where id is null",
		"checks.leads__published": "select * from marts.leads inner join candidates.leads using (id) where id is null",
		"checks.stg_a__thing__ok": "select * from staging.stg_a__thing where id is null",
	}), s)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range p.Checks() {
		got[c.Name] = c.Model
	}
	want := map[string]string{"leads__offered": "candidates.leads", "leads__published": "marts.leads", "stg_a__thing__ok": "staging.stg_a__thing"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMacrosMayUseMacrosOfLaterFiles(t *testing.T) {
	t.Parallel()
	s := newParser(t)
	fsys := sources(nil)
	delete(fsys, "sql/prelude/tables.sql") // its databases are not attached here
	fsys["sql/macros/a.sql"] = &fstest.MapFile{Data: []byte("create or replace macro twice(x) as 2 * once(x);")}
	fsys["sql/macros/b.sql"] = &fstest.MapFile{Data: []byte("create or replace macro once(x) as x;")}
	fsys["sql/prelude/duckdb.sql"] = &fstest.MapFile{Data: []byte("-- nothing yet\n")}
	fsys["sql/prelude/spark.sql"] = &fstest.MapFile{Data: []byte("not for duckdb")}
	p, err := Load(t.Context(), fsys, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	var got int
	if err := s.QueryRow(t.Context(), "select twice(21)").Scan(&got); err != nil || got != 42 {
		t.Errorf("got %d, %v", got, err)
	}
	fsys["sql/macros/a.sql"] = &fstest.MapFile{Data: []byte("\ncreate or replace macro twice(x) as 2 * never(x);")}
	if p, err = Load(t.Context(), fsys, s); err != nil {
		t.Fatal(err)
	}
	if err := p.Prepare(t.Context(), s); err == nil || !strings.Contains(err.Error(), "sql/macros/a.sql:2: ") {
		t.Errorf("got %v", err)
	}
}

func TestNearestNamesComeFirst(t *testing.T) {
	t.Parallel()
	names := []string{"marts.leads", "raw.source_records", "candidates.leads", "staging.stg_list__business", "raw.quarantine"}
	for given, want := range map[string]string{
		"raw.source_record": "raw.source_records", "staging.stg_lst__business": "staging.stg_list__business",
		"staging.quarantine": "raw.quarantine", "": "marts.leads",
	} {
		if got := Nearest(given, names); len(got) != 3 || got[0] != want {
			t.Errorf("%q: got %v, want %s first", given, got, want)
		}
	}
	if got := fmt.Sprint(editDistance("kitten", "sitting"), editDistance("", "abc"), editDistance("abc", "abc")); got != "3 3 0" {
		t.Errorf("distances are %s", got)
	}
}
