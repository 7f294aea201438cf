package sqltest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

const tables = `
create table if not exists lake.raw.source_records (run_id varchar, raw varchar, cost_micros bigint);
create table if not exists scratch.runtime.params (run_id varchar, as_of timestamptz);
`

const staging = `-- stg_a: one row per record of the run
-- grain: name
-- keys: none
-- materialize: view
-- pii: phones

select
    r.raw ->> 'name' as name,
    r.cost_micros / 3 as cost,
    [{'value': r.raw ->> 'phone', 'rank': 1}] as phones,
    p.as_of,
    shout(r.raw ->> 'name') as loud,
from raw.source_records as r
inner join runtime.params as p on p.run_id = r.run_id
order by r.cost_micros
`

const stagingTest = `# what the model does
- name: a record of the run is a row   # a claim
  given:
    raw.source_records:
      - {run_id: r1, raw: {name: Ace, phone: "02134"}, cost_micros: 1}
      - {run_id: r2, raw: '{"name": "Other"}'}
    runtime.params: [{run_id: r1, as_of: 2026-01-02 03:04:05+00}]
  expect:
    - {name: Ace, cost: 0.333333333333, phones: [{value: 02134, rank: 1}], as_of: 2026-01-02 04:04:05+01, loud: ACE!}

# the next
- name: the cheapest comes first
  ordered: true
  given:
    raw.source_records: [{run_id: r1, raw: {name: B}, cost_micros: 2}, {run_id: r1, raw: {name: A}, cost_micros: 1}]
    runtime.params: [{run_id: r1}]
  expect: [{name: A}, {name: B}]
- name: without parameters there are no rows
  given:
    raw.source_records: [{run_id: r1, raw: {name: B}}]
  expect: []
`

const joined = `-- int_a: one row per name that was made
-- grain: id
-- keys: name -> staging.stg_a.name
-- materialize: table
-- pii: none

select m.id, a.name, m.tags, a.phones
from intermediate.int_made as m
inner join staging.stg_a as a on a.name = m.tags['name']
`

const joinedTest = `- name: names are joined by tag
  given:
    intermediate.int_made: [{id: 7, tags: {name: Ace}}, {id: 8, tags: {}}]
    staging.stg_a:
      - {name: Ace, phones: [{value: x}]}
      - {}
  expect:
    - {id: 7, name: Ace, tags: {name: Ace}, phones: [{value: x, rank: null}]}
`

const check = `-- int_a__named: every row has a name
-- severity: error

select * from intermediate.int_a where name is null
`

const checkTest = `- name: a row without a name is found
  given:
    intermediate.int_a: [{id: 1, name: x}, {id: 2}]
  expect: [{id: 2}]
`

const macro = "create or replace macro shout(s) as upper(s) || '!';\n"

const macroTest = `- {expr: shout('é'), expect: É!}
- {expr: shout(null), expect: null}
- {expr: "[1, 2]", expect: [1, 2]}
`

// project is a file system in which every test passes. changes replace old by
// new in a file, in pairs; they may empty it, which takes it out.
func project(t *testing.T, changes ...string) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for file, text := range map[string]string{
		"sql/prelude/tables.sql": tables, "sql/macros/text.sql": macro, "sql/macros/text_test.yaml": macroTest,
		"sql/staging/a/stg_a.sql": staging, "sql/staging/a/stg_a_test.yaml": stagingTest,
		"sql/intermediate/int_a.sql": joined, "sql/intermediate/int_a_test.yaml": joinedTest,
		"sql/checks/int_a__named.sql": check, "sql/checks/int_a__named_test.yaml": checkTest,
	} {
		for i := 0; i < len(changes); i += 3 {
			if changes[i] != file {
				continue
			}
			if !strings.Contains(text, changes[i+1]) {
				t.Fatalf("%s has no %q to replace", file, changes[i+1])
			}
			text = strings.Replace(text, changes[i+1], changes[i+2], 1)
		}
		if text != "" {
			fsys[file] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return fsys
}

func externals() []transforms.External {
	return []transforms.External{{
		Table: "intermediate.int_made", Columns: "id bigint, tags map(varchar, varchar)", Reads: []string{"staging.stg_a"},
		Build: func(context.Context, *lake.Session) error { return nil },
	}}
}

// failures runs a project's tests and joins what they say.
func failures(ctx context.Context, fsys fstest.MapFS) string {
	s, err := newSuite(ctx, fsys, externals())
	if err != nil {
		return err.Error()
	}
	defer s.close()
	var out []string
	note := func(err error) {
		if err != nil {
			out = append(out, err.Error())
		}
	}
	for _, x := range s.subjects {
		if err := s.compile(ctx, x); err != nil {
			note(err)
			continue
		}
		tests, err := s.load(x)
		note(err)
		for _, c := range tests.cases {
			note(s.run(ctx, x, c))
		}
	}
	return strings.Join(out, "\n")
}

func TestGoodProjectPasses(t *testing.T) {
	t.Parallel()
	Run(t, project(t), Options{Externals: externals()})
	if got := failures(t.Context(), project(t)); got != "" {
		t.Error(got)
	}
}

func TestFaultsAreFoundWithTheirPlace(t *testing.T) {
	t.Parallel()
	const (
		model, modelTest = "sql/staging/a/stg_a.sql", "sql/staging/a/stg_a_test.yaml"
		join, joinTest   = "sql/intermediate/int_a.sql", "sql/intermediate/int_a_test.yaml"
		macros, macTest  = "sql/macros/text.sql", "sql/macros/text_test.yaml"
		checks, chkTest  = "sql/checks/int_a__named.sql", "sql/checks/int_a__named_test.yaml"
	)
	tests := []struct{ name, file, old, new, want string }{
		{"a value that differs", modelTest, "loud: ACE!", "loud: Ace!", modelTest + ":2: a record of the run is a row: rows differ"},
		{"a fraction that differs", modelTest, "0.333333333333,", "0.33333333,", "rows differ"},
		{"a struct member that differs", modelTest, "rank: 1", "rank: 2", "rows differ"},
		{"a row too few", modelTest, "expect: [{name: A}, {name: B}]", "expect: [{name: A}]", modelTest + ":12: the cheapest comes first: rows differ"},
		{"a row too many", modelTest, "expect: []", "expect: [{name: C}]", "without parameters there are no rows: rows differ"},
		{"another order", modelTest, "expect: [{name: A}, {name: B}]", "expect: [{name: B}, {name: A}]", "rows differ"},
		{"a misspelt given column", modelTest, "{run_id: r2,", "{runid: r2,", modelTest + ":6: raw.source_records has no column runid; the nearest are run_id"},
		{"a misspelt expected column", modelTest, "loud: ACE!", "lout: ACE!", modelTest + ":9: the model has no column lout; the nearest are loud"},
		{"a misspelt struct member", joinTest, "phones: [{value: x}]", "phones: [{valu: x}]", joinTest + ":5: the struct has no member valu; the nearest are value"},
		{"a misspelt table", modelTest, "raw.source_records:", "raw.source_record:", modelTest + ":4: sql/staging/a/stg_a.sql does not read raw.source_record; it reads raw.source_records"},
		{"a table that the model does not read", joinTest, "staging.stg_a:", "raw.source_records:", "does not read raw.source_records"},
		{"a value of another type", modelTest, "cost_micros: 1}\n", "cost_micros: one}\n", modelTest + ":5: insert into raw.source_records: "},
		{"a list for a number", modelTest, "cost_micros: 1}\n", "cost_micros: [1]}\n", modelTest + ":5: the value does not fit type BIGINT"},
		{"an expected value of another type", modelTest, "cost: 0.333333333333", "cost: x", modelTest + ":9: an expected value does not fit its column"},
		{"a column twice", modelTest, "{run_id: r2,", "{run_id: r2, run_id: r1,", modelTest + ":"},
		{"an unknown key", modelTest, "ordered: true", "order: true", modelTest + `:13: unknown key "order"; the keys are name, given, expect and ordered`},
		{"no name", modelTest, "- name: the cheapest comes first\n  ordered: true", "- ordered: true", modelTest + ":12: the test has no name; add it"},
		{"a name twice", modelTest, "- name: without parameters there are no rows", "- name: the cheapest comes first", modelTest + `:18: two tests are named "the cheapest comes first"`},
		{"no expect", modelTest, "  expect: []\n", "", modelTest + ":18: the test has no expect; write one, or run go test with -update"},
		{"rows that are no list", modelTest, "expect: []", "expect: {name: A}", ":21: rows are a list; write [] for none"},
		{"no list of tests", chkTest, checkTest, "name: x\n", chkTest + ":1: it holds no list of tests"},
		{"broken yaml", chkTest, "expect: [", "expect: ]", chkTest + ": yaml"},
		{"a model without a test", modelTest, stagingTest, "", model + " has no test; write " + modelTest},
		{"a test without a model", join, joined, "", ""},
		{"a model that does not build", model, "r.cost_micros / 3", "r.cost / 3", "build model: " + model + ":9: "},
		{"a model behind one that does not build", model, "r.cost_micros / 3", "r.cost / 3", join + ": it reads staging.stg_a, which does not build"},
		{"a grain that is no column", model, "grain: name", "grain: nam", model + ":1: grain names nam, and staging.stg_a has no such column; the nearest are name"},
		{"personal data that is no column", model, "pii: phones", "pii: phone", model + ":1: pii names phone, and staging.stg_a has no such column; the nearest are phones"},
		{"a key to no column", join, "staging.stg_a.name", "staging.stg_a.title", join + ":1: keys names title, and staging.stg_a has no such column"},
		{"a check that does not run", checks, "name is null", "title is null", "run check: " + checks + ":4: "},
		{"a check that finds nothing", checks, "name is null", "name = 'y'", chkTest + ":1: a row without a name is found: rows differ"},
		{"a macro that answers something else", macTest, "expect: É!", "expect: é!", macTest + ":1: shout('é'): rows differ"},
		{"a macro that is null", macTest, "expect: null", "expect: ''", macTest + ":2: shout(null): rows differ"},
		{"a macro that is not there", macTest, "[1, 2]\"", "whisper(1)\"", macTest + ":3: whisper(1): "},
		{"a macro that does not parse", macros, "upper(s)", "upper(s", macros + ":1: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			changes := []string{test.file, test.old, test.new}
			if test.want == "" { // the check of the model would be a fault first
				changes = append(changes, checks, check, "", chkTest, checkTest, "")
				test.want = joinTest + ":1: there is no sql/intermediate/int_a.sql that it could test"
			}
			if got := failures(t.Context(), project(t, changes...)); !strings.Contains(got, test.want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestUpdateRewritesOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	const file = "sql/staging/a/stg_a_test.yaml"
	fsys := project(t,
		file, "loud: ACE!", "loud: wrong",
		file, "  expect: [{name: A}, {name: B}]\n", "  expect:\n    - {name: B}\n    # why B\n\n# before the last\n",
		file, "  expect: []\n", "",
		"sql/macros/text_test.yaml", "expect: É!", "expect: x",
	)
	dir := t.TempDir()
	if err := os.CopyFS(dir, fsys); err != nil {
		t.Fatal(err)
	}
	Run(t, fsys, Options{Externals: externals(), Dir: dir, Update: true})
	got, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer(
		"  expect:\n    - {name: Ace, cost: 0.333333333333, phones: [{value: 02134, rank: 1}], as_of: 2026-01-02 04:04:05+01, loud: ACE!}\n",
		"  expect:\n    - {name: Ace, cost: 0.333333333333, phones: [{value: \"02134\", rank: 1}], as_of: '2026-01-02 03:04:05+00', loud: ACE!}\n",
		"  expect: [{name: A}, {name: B}]\n", "  expect:\n    - {name: A}\n    - {name: B}\n    # why B\n\n# before the last\n",
		"- name: without parameters there are no rows\n", "- name: without parameters there are no rows\n  expect: []\n",
		"  expect: []\n", "",
	).Replace(stagingTest)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if got := failures(t.Context(), fstest.MapFS{}); got == "" {
		t.Error("an empty file system is no project")
	}
	for name, f := range fsys {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		f.Data = text
	}
	if got := failures(t.Context(), fsys); got != "" {
		t.Errorf("after an update tests fail: %s", got)
	}
}

func TestTypesAreTakenApart(t *testing.T) {
	t.Parallel()
	members, ok := structMembers(`STRUCT(a INTEGER, "b, c" DECIMAL(4,2)[], d STRUCT(e VARCHAR, "f""g" MAP(VARCHAR, INTEGER))[3])`)
	want := []column{{"a", "INTEGER"}, {"b, c", "DECIMAL(4,2)[]"}, {"d", `STRUCT(e VARCHAR, "f""g" MAP(VARCHAR, INTEGER))[3]`}}
	if diff := cmp.Diff(want, members, cmp.AllowUnexported(column{})); !ok || diff != "" {
		t.Error(diff)
	}
	element, ok := elementType(want[2].typ)
	if !ok || element != `STRUCT(e VARCHAR, "f""g" MAP(VARCHAR, INTEGER))` {
		t.Errorf("element is %s", element)
	}
	inner, ok := structMembers(element)
	if !ok || len(inner) != 2 || inner[1].name != `f"g` || inner[1].typ != "MAP(VARCHAR, INTEGER)" {
		t.Errorf("inner members are %v", inner)
	}
	for _, typ := range []string{"INTEGER", "STRUCT(a INTEGER)[]", "", "STRUCT("} {
		if _, ok := structMembers(typ); ok {
			t.Errorf("%q is taken for a struct", typ)
		}
	}
}

func FuzzParseCases(f *testing.F) {
	f.Add(stagingTest)
	f.Add("- name: a\n  given: {a.b: [{c: &x [1]}, {c: *x}]}\n  expect: [{c: [1]}]\n")
	f.Add("- name: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		cases, err := parseCases("f.yaml", text, modelFile)
		if err != nil && !strings.HasPrefix(err.Error(), "f.yaml:") {
			t.Errorf("error without a place: %v", err)
		}
		for _, c := range cases {
			if c.name == "" || c.line < 1 {
				t.Errorf("case without name or line: %+v", c)
			}
		}
	})
}
