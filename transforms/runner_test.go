package transforms

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// everything is a plan of all schemas.
var everything = Plan{Schemas: []string{"staging", "intermediate", "candidates", "marts"}}

// openSession opens an empty lake of its own.
func openSession(t *testing.T) *lake.Session {
	t.Helper()
	l, err := lake.Open(t.Context(), lake.Config{Home: t.TempDir(), Threads: 1, MemoryLimit: "500MB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s, err := l.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// bundle is a lake with a run of its own.
type bundle struct {
	*testing.T
	session *lake.Session
}

func setup(t *testing.T) bundle {
	t.Helper()
	b := bundle{t, openSession(t)}
	b.exec(testTables)
	b.exec("insert into lake.raw.things values ('r1', 1, 'a'), ('r1', 2, 'b'), ('r2', 3, 'c')")
	b.setRun("r1", "c1")
	return b
}

func (b bundle) exec(query string) {
	b.Helper()
	if err := b.session.Exec(b.Context(), query); err != nil {
		b.Fatalf("%s: %v", query, err)
	}
}

func (b bundle) setRun(runID, campaignID string) {
	b.Helper()
	b.exec("delete from scratch.runtime.params")
	b.exec(fmt.Sprintf("insert into scratch.runtime.params (run_id, campaign_id) values ('%s', '%s')", runID, campaignID))
}

// text returns a query's one value.
func (b bundle) text(query string) string {
	b.Helper()
	var out string
	if err := b.session.QueryRow(b.Context(), "select coalesce(cast(("+query+") as varchar), 'null')").Scan(&out); err != nil {
		b.Fatalf("%s: %v", query, err)
	}
	return out
}

func (b bundle) exists(table string) bool {
	schema, name, _ := strings.Cut(table, ".")
	return b.text(fmt.Sprintf("select count(*) from information_schema.tables where table_schema = '%s' and table_name = '%s'", schema, name)) == "1"
}

func (b bundle) run(fsys fstest.MapFS, plan Plan, externals ...External) (Report, error) {
	b.Helper()
	p, err := Load(b.Context(), fsys, b.session, externals...)
	if err != nil {
		b.Fatal(err)
	}
	r := Runner{Project: p}
	return r.Run(b.Context(), b.session, plan, nil)
}

func (b bundle) mustRun(fsys fstest.MapFS, plan Plan, externals ...External) Report {
	b.Helper()
	report, err := b.run(fsys, plan, externals...)
	if err != nil {
		b.Fatal(err)
	}
	return report
}

// pipeline is a small project over all schemas.
func pipeline() map[string]string {
	return map[string]string{
		"staging.stg_thing":      "select r.id, r.name from raw.things as r inner join runtime.params as p on p.run_id = r.run_id",
		"intermediate.int_thing": "select * from staging.stg_thing",
		"candidates.things":      "select p.run_id, p.campaign_id, t.id, t.name from intermediate.int_thing as t cross join runtime.params as p",
		"candidates.totals":      "select t.run_id, t.campaign_id, count(*) as things from candidates.things as t inner join runtime.params as p on p.run_id = t.run_id group by all",
		"marts.things":           "select t.* from candidates.things as t inner join runtime.params as p on p.run_id = t.run_id",
		"marts.totals":           "select t.campaign_id, count(*) as things from marts.things as t inner join runtime.params as p on p.campaign_id = t.campaign_id group by all",
	}
}

func TestRunBuildsEachTableOnceAndTellsOfIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fsys := sources(pipeline())
	fsys["sql/staging/stg_thing.sql"].Data = []byte(strings.Replace(string(fsys["sql/staging/stg_thing.sql"].Data), "materialize: table", "materialize: view", 1))
	p, err := Load(t.Context(), fsys, b.session)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	r := Runner{Project: p}
	report, err := r.Run(t.Context(), b.session, everything, func(e Event) {
		seen = append(seen, fmt.Sprintf("%d/%d %s %d", e.Step, e.Steps, e.Table, e.Rows))
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"1/6 staging.stg_thing -1", "2/6 intermediate.int_thing 2", "3/6 candidates.things 2",
		"4/6 candidates.totals 1", "5/6 marts.things 2", "6/6 marts.totals 1",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	if len(report.Tables) != len(want) {
		t.Errorf("report has %d tables", len(report.Tables))
	}
}

func TestRunReplacesOnlyItsOwnRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fsys := sources(pipeline())
	b.mustRun(fsys, everything)
	b.mustRun(fsys, everything) // a run may be repeated
	b.setRun("r2", "c2")
	b.mustRun(fsys, everything)
	if got := b.text("select string_agg(run_id || id, ' ' order by id) from candidates.things"); got != "r11 r12 r23" {
		t.Errorf("candidates hold %s", got)
	}
	if got := b.text("select string_agg(campaign_id || things, ' ' order by campaign_id) from marts.totals"); got != "c12 c21" {
		t.Errorf("marts hold %s", got)
	}
	b.setRun("r2", "c1") // the next run of a campaign takes the place of the last
	b.mustRun(fsys, everything)
	if got := b.text("select string_agg(campaign_id || run_id || id, ' ' order by campaign_id) from marts.things"); got != "c1r23 c2r23" {
		t.Errorf("marts hold %s", got)
	}
}

func TestEachLakeSchemaIsOneSnapshot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	count := func() string { return b.text("select count(*) from ducklake_snapshots('lake')") }
	fsys := sources(pipeline())
	before := count()
	b.mustRun(fsys, everything)
	if got := b.text("select count(*) - " + before + " from ducklake_snapshots('lake')"); got != "2" {
		t.Errorf("a run made %s snapshots, want one for candidates and one for marts", got)
	}
}

func TestSchemasMayRunInProcessesOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	models := pipeline()
	models["intermediate.int_extra"] = "select 7 as extra"
	models["marts.extras"] = "select p.campaign_id, e.extra from intermediate.int_extra as e cross join runtime.params as p"
	fsys := sources(models)
	b.mustRun(fsys, Plan{Schemas: []string{"candidates"}})
	report := b.mustRun(fsys, Plan{Schemas: []string{"marts"}})
	var built []string
	for _, e := range report.Tables {
		built = append(built, e.Table)
	}
	slices.Sort(built)
	// the scratch table behind a mart is built again, the candidates are not
	if diff := cmp.Diff([]string{"intermediate.int_extra", "marts.extras", "marts.things", "marts.totals"}, built); diff != "" {
		t.Error(diff)
	}
}

func TestFailureLeavesTheLakeUnchanged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, table, query string
		want               []string
	}{
		{"failed check", "checks.totals__few", "select * from marts.totals where things > 1",
			[]string{"publish marts: sql/checks/totals__few.sql: totals__few: \"the claim\" does not hold for 1 rows: {", `"things":2`, "nothing was written"}},
		{"check with a conflict in its rows is not tried again", "checks.totals__few", "select *, 'conflict' as word from marts.totals where things > 1", []string{"conflict"}},
		{"check that does not run", "checks.totals__few", "select error('broken') from marts.totals", []string{"run check totals__few: sql/checks/totals__few.sql", "broken"}},
		{"model that does not run", "marts.zz", "select\np.campaign_id, error('broken') as e from runtime.params as p", []string{"sql/marts/zz.sql", "broken"}},
		{"model that does not bind", "marts.zz", "select\nnothing from runtime.params", []string{"sql/marts/zz.sql:8:"}},
		{"rows of another campaign", "marts.zz", "select 'c9' as campaign_id from runtime.params", []string{"sql/marts/zz.sql:1: 1 of 1 rows are not of the current campaign_id", "join runtime.params"}},
		{"no key column", "marts.zz", "select 1 as id", []string{"sql/marts/zz.sql:1: no column campaign_id of type varchar"}},
	}
	b := setup(t)
	b.mustRun(sources(pipeline()), Plan{Schemas: []string{"candidates"}})
	snapshots := b.text("select count(*) from ducklake_snapshots('lake')")
	for _, test := range tests {
		models := pipeline()
		models[test.table] = test.query
		_, err := b.run(sources(models), Plan{Schemas: []string{"marts"}})
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s:\ngot  %v\nwant %s", test.name, err, want)
			}
		}
		if leadlake.ErrorCode(err) == leadlake.Conflict {
			t.Errorf("%s: the transaction was tried again: %v", test.name, err)
		}
		if got := b.text("select count(*) from ducklake_snapshots('lake')"); got != snapshots {
			t.Errorf("%s: the lake has %s snapshots, and had %s", test.name, got, snapshots)
		}
		if b.exists("marts.things") {
			t.Errorf("%s: marts.things was made by a run that failed", test.name)
		}
	}
	b.mustRun(sources(pipeline()), Plan{Schemas: []string{"marts"}})
}

func TestCancelledRunLeavesTheLakeUnchanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	p, err := Load(ctx, sources(pipeline()), b.session)
	if err != nil {
		t.Fatal(err)
	}
	r := Runner{Project: p}
	_, err = r.Run(ctx, b.session, everything, func(e Event) {
		if e.Table == "intermediate.int_thing" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if b.exists("candidates.things") {
		t.Error("candidates.things was made by a run that was cancelled")
	}
	b.mustRun(sources(pipeline()), everything)
}

func TestHeaderGivesChecks(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, header, query, want string }{
		{"grain is unique", "grain: id", "select unnest([1, 1, 2, 2, 3]) as id", `grain: "there is one row per id" does not hold for 2 rows`},
		{"grain of several columns", "grain: id, kind", "select unnest([1, 1]) as id, unnest(['a', 'b']) as kind", ""},
		{"grain is not null", "grain: id", "select unnest([1, null]) as id", `not_null: "id are never null" does not hold for 1 rows: {"id":null}`},
		{"key is there", "keys: id -> staging.stg_other.other_id", "select unnest([1, 2, null]) as id", ""},
		{"key is not there", "keys: id -> staging.stg_other.other_id", "select unnest([1, 9]) as id", `keys: "every id stands in staging.stg_other.other_id" does not hold for 1 rows: {"id":9}`},
	}
	b := setup(t)
	for _, test := range tests {
		fsys := sources(map[string]string{"intermediate.int_a": test.query}, test.header)
		maps.Copy(fsys, sources(map[string]string{"staging.stg_other": "select unnest([1, 2]) as other_id"}))
		_, err := b.run(fsys, everything)
		if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", test.name, err, test.want)
		}
	}
}

func TestHeaderChecksOfTheLakeSeeTheCurrentRowsOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	models := map[string]string{"candidates.things": "select p.run_id, 1 as id from runtime.params as p"}
	b.mustRun(sources(models, "grain: run_id, id"), everything)
	b.exec("insert into lake.candidates.things values ('old', 5), ('old', 5)")
	b.mustRun(sources(models, "grain: run_id, id"), everything)
	models["candidates.things"] += " union all select p.run_id, 1 as id from runtime.params as p"
	if _, err := b.run(sources(models, "grain: run_id, id"), everything); err == nil {
		t.Error("two equal rows of the current run passed the grain check")
	}
}

func TestWarningIsReportedWithFiveRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fsys := sources(map[string]string{"staging.stg_a": "select range as id from range(20)", "checks.stg_a__small": "select * from staging.stg_a where id >= 10"})
	check := fsys["sql/checks/stg_a__small.sql"]
	check.Data = []byte(strings.Replace(string(check.Data), "error", "warn", 1))
	report := b.mustRun(fsys, everything)
	warnings := report.Warnings()
	if len(warnings) != 1 || warnings[0].Bad != 10 || len(warnings[0].Sample) != 5 {
		t.Errorf("got %+v", warnings)
	}
}

func TestNewColumnIsAdded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	models := pipeline()
	b.mustRun(sources(models), everything)
	b.setRun("r2", "c2")
	models["candidates.things"] = strings.Replace(models["candidates.things"], "t.name", "[{'Tag no': t.id, 'b': ['x']}] as tags", 1)
	b.mustRun(sources(models), everything)
	if got := b.text("select string_agg(concat_ws('/', id, name, tags), ' ' order by id) from marts.things"); got != "1/a 2/b 3/[{'Tag no': 3, 'b': [x]}]" {
		t.Errorf("marts hold %s", got)
	}
}

func TestChangedTypeIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	models := pipeline()
	b.mustRun(sources(models), everything)
	models["candidates.things"] = strings.Replace(models["candidates.things"], "t.name", "1.5::double as name", 1)
	_, err := b.run(sources(models), everything)
	want := "sql/candidates/things.sql:1: column name is DOUBLE, and VARCHAR in the lake's candidates.things; cast it to VARCHAR"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestRunNeedsItsParameters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, change := range []string{
		"delete from scratch.runtime.params",
		"insert into scratch.runtime.params (run_id, campaign_id) values ('r1', null)",
		"insert into scratch.runtime.params (run_id, campaign_id) values ('r2', 'c1')",
	} {
		b.exec(change)
		if _, err := b.run(sources(pipeline()), everything); err == nil || !strings.Contains(err.Error(), "insert the one row of the current run") {
			t.Errorf("after %s: got %v", change, err)
		}
	}
}

func TestExternalIsBuiltBetweenModels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := External{
		Table: "intermediate.int_made", Columns: "id bigint", Reads: []string{"staging.stg_thing"},
		Build: func(ctx context.Context, s *lake.Session) error {
			return s.Exec(ctx, "create or replace table scratch.intermediate.int_made as select id * 10 as id from staging.stg_thing")
		},
	}
	models := pipeline()
	models["intermediate.int_thing"] = "select m.id, 'made' as name from intermediate.int_made as m"
	b.mustRun(sources(models), everything, made)
	if got := b.text("select string_agg(id, ' ' order by id) from marts.things"); got != "10 20" {
		t.Errorf("marts hold %s", got)
	}
	made.Build = func(context.Context, *lake.Session) error { return errors.New("no luck") }
	if _, err := b.run(sources(models), everything, made); err == nil || !strings.Contains(err.Error(), "build intermediate.int_made: no luck") {
		t.Errorf("got %v", err)
	}
}
