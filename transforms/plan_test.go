package transforms

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScratchTablesGoAfterTheirLastReader(t *testing.T) {
	t.Parallel()
	b := setup(t)
	models := map[string]string{
		"staging.stg_a":       "select 1 as id",
		"intermediate.int_v":  "select * from staging.stg_a",
		"intermediate.int_b":  "select * from intermediate.int_v",
		"intermediate.int_c":  "select * from intermediate.int_b",
		"candidates.things":   "select p.run_id, b.id from intermediate.int_b as b cross join runtime.params as p",
		"checks.int_v__holds": "select * from intermediate.int_v where id is null",
	}
	fsys := sources(models)
	view := fsys["sql/intermediate/int_v.sql"]
	view.Data = []byte(strings.Replace(string(view.Data), "materialize: table", "materialize: view", 1))
	p, err := Load(t.Context(), fsys, b.session)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := p.steps(everything)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, s := range steps {
		if len(s.drops) > 0 {
			got[s.tables[0]] = s.drops
		}
	}
	// the view's table lives as long as the view; int_c, which nothing reads, stays
	want := map[string][]string{
		"intermediate.int_b": {"staging.stg_a", "intermediate.int_v"},
		"candidates.things":  {"intermediate.int_b"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b.mustRun(fsys, everything)
	for table, isThere := range map[string]bool{
		"staging.stg_a": false, "intermediate.int_v": false, "intermediate.int_b": false, "intermediate.int_c": true, "candidates.things": true,
	} {
		if b.exists(table) != isThere {
			t.Errorf("%s: there is %v", table, !isThere)
		}
	}
	b.mustRun(fsys, Plan{Schemas: everything.Schemas, Keep: []string{"intermediate.int_v"}})
	if !b.exists("staging.stg_a") || !b.exists("intermediate.int_v") {
		t.Error("a table that the plan keeps, or one behind it, was dropped")
	}
}

func TestTargetIsBuiltWithWhatIsBehindIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	report := b.mustRun(sources(pipeline()), Plan{Targets: []string{"intermediate.int_thing"}})
	var built []string
	for _, e := range report.Tables {
		built = append(built, e.Table)
	}
	if diff := cmp.Diff([]string{"staging.stg_thing", "intermediate.int_thing"}, built); diff != "" {
		t.Error(diff)
	}
	if !b.exists("intermediate.int_thing") {
		t.Error("the target was dropped")
	}
}

func TestBadPlansAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	behind := map[string]string{
		"candidates.a":         "select p.run_id from runtime.params as p",
		"intermediate.int_b":   "select * from candidates.a",
		"candidates.c":         "select * from intermediate.int_b",
		"marts.d":              "select p.campaign_id from runtime.params as p",
		"checks.a__waits":      "select a.run_id from candidates.a as a, marts.d as d",
		"intermediate.int_old": "select * from marts.d",
	}
	onlyCheck := map[string]string{"candidates.a": behind["candidates.a"], "marts.d": behind["marts.d"], "checks.a__waits": behind["checks.a__waits"]}
	tests := []struct {
		name   string
		models map[string]string
		plan   Plan
		want   string
	}{
		{"unknown schema", pipeline(), Plan{Schemas: []string{"mart"}}, `no models in schema "mart"; use candidates, intermediate, marts, staging`},
		{"unknown target", pipeline(), Plan{Targets: []string{"marts.thing"}}, "nothing makes marts.thing; the nearest names are marts.things"},
		{"unknown table to keep", pipeline(), Plan{Keep: []string{"marts.thing"}}, "nothing makes marts.thing"},
		{"lake schema that is not one transaction", behind, everything, "candidates.c reads intermediate.int_b, which is made after the transaction that writes all candidates models"},
		{"check of what is committed later", onlyCheck, everything, "sql/checks/a__waits.sql:1: the check a__waits of candidates.a reads marts.d, which is made after candidates.a is committed"},
	}
	for _, test := range tests {
		if _, err := b.run(sources(test.models), test.plan); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", test.name, err, test.want)
		}
	}
}
