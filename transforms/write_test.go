package transforms

import (
	"strings"
	"testing"
	"testing/fstest"
)

// history is the pipeline with a model that appends.
func history() fstest.MapFS {
	models := pipeline()
	models["marts.gone"] = "select p.campaign_id, p.run_id, t.id from marts.things as t inner join runtime.params as p on p.campaign_id = t.campaign_id where t.run_id <> p.run_id"
	fsys := sources(models)
	file := fsys["sql/marts/gone.sql"]
	file.Data = []byte(strings.Replace(string(file.Data), "materialize: table", "materialize: append", 1))
	return fsys
}

func TestAModelThatAppendsReadsWhatWasPublishedBefore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gone := func() string {
		return b.text("select string_agg(campaign_id || run_id || id, ' ' order by id) from marts.gone")
	}
	b.mustRun(history(), everything)
	if got := gone(); got != "null" {
		t.Errorf("the first publish finds %s", got)
	}
	b.setRun("r2", "c1")
	b.mustRun(history(), everything)
	if got := gone(); got != "c1r21 c1r22" {
		t.Errorf("the second publish finds %s", got)
	}
	b.mustRun(history(), everything) // finds nothing new, and replaces nothing
	if got := gone(); got != "c1r21 c1r22" {
		t.Errorf("a repeated publish finds %s", got)
	}
}

func TestAFailedPublishAppendsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mustRun(history(), everything)
	b.setRun("r2", "c1")
	fsys := history()
	failing := sources(map[string]string{"checks.things__none": "select * from marts.things"})
	fsys["sql/checks/things__none.sql"] = failing["sql/checks/things__none.sql"]
	if _, err := b.run(fsys, everything); err == nil || !strings.Contains(err.Error(), "things__none") {
		t.Fatalf("got %v", err)
	}
	if got := b.text("select count(*) from marts.gone"); got != "0" {
		t.Errorf("%s rows were appended", got)
	}
}

func TestOnlyAModelOfTheLakeMayAppend(t *testing.T) {
	t.Parallel()
	text := strings.Replace(string(sources(map[string]string{"staging.stg_a": "select 1 as id"})["sql/staging/stg_a.sql"].Data), "materialize: table", "materialize: append", 1)
	_, err := parseModel("staging", "sql/staging/stg_a.sql", text)
	if err == nil || !strings.Contains(err.Error(), "a model of staging cannot append") {
		t.Errorf("got %v", err)
	}
}
