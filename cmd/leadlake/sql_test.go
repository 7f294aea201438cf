package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lake"
)

// lakeHome makes a home with a lake in it and returns the environment for it.
func lakeHome(t *testing.T) map[string]string {
	t.Helper()
	home := t.TempDir()
	l, err := lake.Open(t.Context(), lake.Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := l.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Exec(t.Context(), "create table lake.marts.things as select unnest([1, 2, 3]) as id, 'a' || chr(10) || 'b' as name"); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"LEADLAKE_HOME": home}
}

func TestSQLPrintsRows(t *testing.T) {
	t.Parallel()
	env := lakeHome(t)
	const values = `select 1 as b, null as a, [1, 2] as l, {'x': date '2026-01-02'} as s, 2.50::decimal(5,2) as d, ` +
		`'00000000-0000-0000-0000-000000000001'::uuid as u, timestamptz '2026-01-02 03:04:05+00' as t, map {'k': 'v'} as m, 'x"y' as q, 'nan'::double as n`
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"as a table": {
			[]string{"select id, name from marts.things order by id"},
			"id  name\n--  ----\n1   a b\n2   a b\n3   a b\n",
		},
		"as CSV": {
			[]string{"--csv", values},
			"b,a,l,s,d,u,t,m,q,n\n" + `1,,"[1,2]","{""x"":""2026-01-02T00:00:00Z""}",2.5,00000000-0000-0000-0000-000000000001,2026-01-02T03:04:05Z,"{""k"":""v""}","x""y",NaN` + "\n",
		},
		"as JSON in the order of the query": {
			[]string{"--json", values},
			`{"columns":["b","a","l","s","d","u","t","m","q","n"],"rows":[` + "\n" +
				`{"b":1,"a":null,"l":[1,2],"s":{"x":"2026-01-02T00:00:00Z"},"d":2.5,"u":"00000000-0000-0000-0000-000000000001","t":"2026-01-02T03:04:05Z","m":{"k":"v"},"q":"x\"y","n":"NaN"}` + "\n]}\n",
		},
		"as JSON without rows": {[]string{"--json", "select 1 as a where false"}, `{"columns":["a"],"rows":[` + "\n]}\n"},
		"after a comment":      {[]string{"/* why */ -- and\n/* and\nhow */ (select 1 as a)"}, "a\n-\n1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, env, append([]string{"sql"}, tc.args...)...)
			if got.code != exitOK || got.stdout != tc.want {
				t.Errorf("exit %d, got:\n%s\nwant:\n%s\n%s", got.code, got.stdout, tc.want, got.stderr)
			}
			if strings.Contains(name, "JSON") {
				mustDecode(t, got.stdout, new(map[string]any))
			}
		})
	}
}

func TestSQLReadsTheQueryFromStandardInput(t *testing.T) {
	t.Parallel()
	got := invokeIn(t, t.Context(), "select count(*) as n from marts.things", lakeHome(t), "sql", "-", "--csv")
	if got.code != exitOK || got.stdout != "n\n3\n" {
		t.Errorf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
}

func TestSQLSaysThatATableIsCut(t *testing.T) {
	t.Parallel()
	got := invoke(t, lakeHome(t), "sql", "from marts.things", "--limit", "2")
	if lines := strings.Count(got.stdout, "\n"); got.code != exitOK || lines != 4 || !strings.Contains(got.stderr, "first 2 rows") {
		t.Errorf("exit %d, %d lines: %s%s", got.code, lines, got.stdout, got.stderr)
	}
}

func TestSQLRefuses(t *testing.T) {
	t.Parallel()
	env := lakeHome(t)
	for name, tc := range map[string]struct{ query, want string }{
		"a write":                   {"delete from marts.things", "DELETE is no query"},
		"a write behind a comment":  {"/* x */ drop table marts.things", "DROP is no query"},
		"a write after a query":     {"select 1; delete from lake.marts.things", "several statements"},
		"a write behind a CTE":      {"with x as (select 9 as id) insert into lake.marts.things by name select * from x", "for reading only"},
		"nothing":                   {" -- nothing", "there is no query"},
		"a table that is not there": {"from marts.nothing", "does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, env, "sql", tc.query)
			if got.code != exitUsage || !strings.Contains(got.stderr, tc.want) {
				t.Errorf("exit %d, want %q in %s", got.code, tc.want, got.stderr)
			}
			if count := invoke(t, env, "sql", "--csv", "select count(*) as n from marts.things"); count.stdout != "n\n3\n" {
				t.Errorf("the table was changed: %s%s", count.stdout, count.stderr)
			}
		})
	}
}

func TestSQLWithoutALakeSaysHowToMakeOne(t *testing.T) {
	t.Parallel()
	got := invoke(t, nil, "sql", "select 1")
	if got.code != exitNotFound || !strings.Contains(got.stderr, "leadlake demo") {
		t.Errorf("exit %d: %s", got.code, got.stderr)
	}
}

func TestSQLAttachLetsAnyDuckDBReadTheLake(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.do(t, "run", s.campaign, "--input", "shops="+s.write(t, "shops.csv", shopList))
	statements := s.do(t, "sql", "--attach").stdout
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range []string{"set extension_directory = " + lake.Quote(lake.DefaultExtensions()), statements} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	var leads int
	if err := db.QueryRowContext(t.Context(), "select count(*) from lake.marts.leads").Scan(&leads); err != nil || leads != 3 {
		t.Errorf("%d leads, %v, want 3", leads, err)
	}
	if _, err := db.ExecContext(t.Context(), "delete from lake.marts.leads"); err == nil {
		t.Error("an analyst could delete leads")
	}
}

func TestSQLRefusesToWriteInDisguise(t *testing.T) {
	t.Parallel()
	env := lakeHome(t)
	target := filepath.Join(t.TempDir(), "written.csv")
	for _, query := range []string{
		"select 1; copy (select 1) to '" + target + "'",
		"explain analyze copy (select 1) to '" + target + "'",
		"select 1; attach '" + target + "' as other",
		"explain analyze select 1; drop table lake.marts.things",
		"copy (select 1) to '" + target + "'",
	} {
		if got := invoke(t, env, "sql", query); got.code != exitUsage {
			t.Errorf("%s: exit %d, %s", query, got.code, got.stdout)
		}
	}
	if _, err := os.Stat(target); err == nil {
		t.Error("a query wrote a file")
	}
	if got := invoke(t, env, "sql", "explain analyze select 1;"); got.code != exitOK {
		t.Errorf("explain: exit %d, %s", got.code, got.stderr)
	}
}
