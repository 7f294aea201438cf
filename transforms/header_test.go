package transforms

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const goodModel = `-- int_things: one row per thing
-- grain: id, kind
-- keys: id -> staging.stg_a__thing.id, kind -> staging.stg_a__kind.name
-- materialize: view
-- pii: email
-- why: a thing is not obvious,
--   and takes: two lines

select 1 as id -- here; too
`

func TestHeaderIsRead(t *testing.T) {
	t.Parallel()
	got, err := parseModel("intermediate", "sql/intermediate/int_things.sql", goodModel)
	if err != nil {
		t.Fatal(err)
	}
	want := &Model{
		Schema: "intermediate", Name: "int_things", File: "sql/intermediate/int_things.sql", SQL: goodModel,
		Summary: "one row per thing",
		Grain:   []string{"id", "kind"},
		Keys: []ForeignKey{
			{Column: "id", Table: "staging.stg_a__thing", Target: "id"},
			{Column: "kind", Table: "staging.stg_a__kind", Target: "name"},
		},
		View: true,
		PII:  []string{"email"},
		Why:  "a thing is not obvious, and takes: two lines",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBadModelFilesNameLineAndFix(t *testing.T) {
	t.Parallel()
	replace := func(old, new string) string {
		if !strings.Contains(goodModel, old) {
			t.Fatalf("no %q to replace", old)
		}
		return strings.Replace(goodModel, old, new, 1)
	}
	tests := []struct{ name, file, text, want string }{
		{"no header", "", "select 1\n", `:1: no header; start the file with -- int_things: <what it is>`},
		{"empty file", "", "", `:1: no header`},
		{"another name", "", replace("-- int_things:", "-- int_thing:"), `:1: the first line is "-- int_thing: one row per thing"; write -- int_things:`},
		{"not a row", "", replace("one row per thing", "all things"), `:1: the first line does not say what a row is; write -- int_things: one row per ...`},
		{"unknown key", "", replace("-- grain:", "-- grane:"), `:2: unknown header "grane: id, kind"; the headers are why, grain, keys, materialize, pii`},
		{"missing key", "", replace("-- pii: email\n", ""), `:1: header "pii" is missing; add a line -- pii:`},
		{"key twice", "", replace("-- pii: email\n", "-- pii: email\n-- pii: none\n"), `:6: header "pii" stands twice; keep one`},
		{"empty key", "", replace("-- pii: email", "-- pii:"), `:5: header "pii" is empty; write none`},
		{"column that is none", "", replace("id, kind", "id, Kind of"), `:2: grain has "Kind of", which is no column name; write none, or`},
		{"column twice", "", replace("id, kind", "id, id"), `:2: grain names id twice`},
		{"key without target", "", replace("id -> staging.stg_a__thing.id", "id -> stg_a__thing"), `:3: keys has "id -> stg_a__thing"; write none, or column -> schema.table.column`},
		{"unknown materialization", "", replace("view", "incremental"), `:4: materialize is "incremental"; write table, view or append`},
		{"two statements", "", replace("select 1 as id", "select ';' as a, $$;$$ as b\n;select 1"), `:10: a semicolon; a model is one SELECT`},
		{"no statement", "", replace("select 1 as id ", ""), `:1: no SELECT after the header; write the query`},
		{"view in the lake", "sql/marts/int_things.sql", replace("id, kind", "none"), `:4: a model of marts cannot be a view; write -- materialize: table`},
		{"grain without the key of the lake", "sql/candidates/int_things.sql", replace("view", "table"), `:2: the grain lacks run_id, by which candidates is written; add run_id`},
		{"unknown folder", "sql/stagin/int_things.sql", goodModel, `:1: folder sql/stagin is no schema of models; move it`},
		{"no folder", "sql/int_things.sql", goodModel, `:1: a file cannot stand in sql/ itself; move it`},
		{"file that is no table name", "sql/marts/Int-Things.sql", goodModel, `:1: the file name is no table name; use lower case`},
		{"check without a model", "sql/checks/things.sql", goodModel, `:1: the file name does not say which model it checks; name it <model>__<claim>.sql`},
		{"check without severity", "sql/checks/a__b.sql", "-- a__b: a claim\nselect 1\n", `:1: header "severity" is missing`},
		{"check with another severity", "sql/checks/a__b.sql", "-- a__b: a claim\n-- severity: fatal\nselect 1\n", `:2: severity is "fatal"; write error or warn`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.file == "" {
				test.file = "sql/intermediate/int_things.sql"
			}
			_, err := readFiles(fstest.MapFS{test.file: {Data: []byte(test.text)}})
			if err == nil || !strings.Contains(err.Error(), test.file+test.want) {
				t.Errorf("got  %v\nwant %s", err, test.file+test.want)
			}
		})
	}
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := readFiles(fstest.MapFS{
		"sql/staging/stg_a.sql": {Data: []byte("select 1")},
		"sql/staging/stg_b.sql": {Data: []byte("select 1")},
	})
	for _, file := range []string{"stg_a.sql:1", "stg_b.sql:1"} {
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("no %s in %v", file, err)
		}
	}
}

func FuzzParseModel(f *testing.F) {
	f.Add(goodModel)
	f.Add("-- int_things: one row\n-- grain: none\n-- keys: none\n-- materialize: table\n-- pii: none\nselect '")
	f.Add("-- int_things:")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseModel("staging", "sql/staging/int_things.sql", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "sql/staging/int_things.sql:") {
				t.Errorf("error without a place: %v", err)
			}
			return
		}
		if m.SQL != text || !strings.HasPrefix(text, "-- int_things:") {
			t.Errorf("model of another text: %q", m.SQL)
		}
	})
}

func FuzzTokensKeepTheText(f *testing.F) {
	f.Add("select ';', \"a;b\" -- c;\n/* d; */ from $$;$$")
	f.Add("'")
	f.Add("/*")
	f.Fuzz(func(t *testing.T, text string) {
		var joined strings.Builder
		line := 1
		for _, token := range tokens(text) {
			if token.line != line {
				t.Errorf("token %q is on line %d, not %d", token.text, line, token.line)
			}
			line += strings.Count(token.text, "\n")
			joined.WriteString(token.text)
		}
		if joined.String() != text {
			t.Errorf("got %q, want %q", joined.String(), text)
		}
	})
}

func TestStatementsAreCountedOutsideQuotesAndComments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"select 1":                                 1,
		"select 1;":                                1,
		"select 1; -- done; really":                1,
		"select ';' as a; ; ":                      1,
		"select 1; attach 'x' as y":                2,
		"/* a; b */ select \";\" from t; select 2": 2,
		"select $$ ; $$":                           1,
		"-- nothing":                               0,
		"":                                         0,
	} {
		if got := Statements(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}
