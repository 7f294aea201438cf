package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
)

// shop is a workspace with a campaign over one list.
type shop struct {
	env      map[string]string
	folder   string
	campaign string
}

const shopCampaign = `name: Shops
vertical: other
geo: {country: US}
sources:
  - source: list
    name: shops
    mapping: {name: Name, street: Street, city: City}
`

const shopList = "id,Name,Street,City\n" +
	"1,Harbour Bakery,1 Main St,Springfield\n2,Elm Hardware,22 Elm Ave,Springfield\n3,Oak Street Books,7 Oak St,Shelbyville\n"

func newShop(t *testing.T) shop {
	t.Helper()
	folder := t.TempDir()
	s := shop{map[string]string{"LEADLAKE_HOME": filepath.Join(folder, "home")}, folder, filepath.Join(folder, "shops.yaml")}
	s.write(t, "shops.yaml", shopCampaign)
	return s
}

// write makes a file and returns its path.
func (s shop) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(s.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// do runs a command that must succeed.
func (s shop) do(t *testing.T, args ...string) outcome {
	t.Helper()
	got := invoke(t, s.env, args...)
	if got.code != exitOK {
		t.Fatalf("leadlake %s: exit %d\n%s%s", strings.Join(args, " "), got.code, got.stdout, got.stderr)
	}
	return got
}

// run is do for commands that print a run.
func (s shop) run(t *testing.T, args ...string) leadlake.Run {
	t.Helper()
	var run leadlake.Run
	mustDecode(t, s.do(t, append(args, "--json")...).stdout, &run)
	return run
}

// runList runs the campaign over a list.
func (s shop) runList(t *testing.T, path string, flags ...string) leadlake.Run {
	t.Helper()
	return s.run(t, append([]string{"run", s.campaign, "--input", "shops=" + path}, flags...)...)
}

// rows are the rows of a query, each as its JSON values by column.
func (s shop) rows(t *testing.T, query string) []map[string]any {
	t.Helper()
	var answer struct {
		Rows []map[string]any `json:"rows"`
	}
	mustDecode(t, s.do(t, "sql", "--json", query).stdout, &answer)
	return answer.Rows
}

// leads are the published leads but for what each run has of its own.
func (s shop) leads(t *testing.T) []map[string]any {
	t.Helper()
	return s.rows(t, "select * exclude (run_id, created_at, updated_at) from marts.leads order by campaign_id, lead_id")
}

func TestDemoPublishesTheSameLeadsEachTime(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first := s.run(t, "demo")
	if first.State != leadlake.RunPublished || !first.Funnel.Balanced() || first.Funnel.Merged == 0 {
		t.Fatalf("run ended as %s with the funnel %+v", first.State, first.Funnel)
	}
	want := s.leads(t)
	if int64(len(want)) != first.Funnel.Published {
		t.Errorf("%d leads, the funnel says %d", len(want), first.Funnel.Published)
	}
	second := s.run(t, "demo")
	if second.RunID == first.RunID || second.Funnel != first.Funnel {
		t.Errorf("run %s after %s, funnel %+v after %+v", second.RunID, first.RunID, second.Funnel, first.Funnel)
	}
	// The second buys no answer again, so that answers are older than lists
	// there: of equal values another record may stand first.
	if diff := cmp.Diff(withoutEvidence(want), withoutEvidence(s.leads(t))); diff != "" {
		t.Errorf("leads of the second demo (-first +second):\n%s", diff)
	}
	want = s.leads(t)

	// The sandbox is gone by now: a landed page is not asked for again.
	for _, step := range leadlake.Steps {
		if run := s.run(t, string(step), "--run", second.RunID); run.Funnel != second.Funnel {
			t.Errorf("%s again: funnel %+v, was %+v", step, run.Funnel, second.Funnel)
		}
	}
	if diff := cmp.Diff(want, s.leads(t)); diff != "" {
		t.Errorf("leads after each step was repeated (-want +got):\n%s", diff)
	}
	assertExport(t, s, second)
}

// withoutEvidence leaves out which record each value comes from.
func withoutEvidence(leads []map[string]any) []map[string]any {
	out := make([]map[string]any, len(leads))
	for i, l := range leads {
		out[i] = maps.Clone(l)
		delete(out[i], "provenance")
		delete(out[i], "losing_values")
	}
	return out
}

// assertExport checks the commands that read what a run has published.
func assertExport(t *testing.T, s shop, run leadlake.Run) {
	t.Helper()
	out := filepath.Join(s.folder, "out")
	var export struct {
		Rows  int64 `json:"rows"`
		Files []struct {
			Name string `json:"name"`
		} `json:"files"`
	}
	mustDecode(t, s.do(t, "export", "--campaign", run.CampaignID, "--out", out, "--json").stdout, &export)
	if export.Rows != run.Funnel.Published || len(export.Files) != 1 {
		t.Fatalf("export has %d rows in %d files, want %d in 1", export.Rows, len(export.Files), run.Funnel.Published)
	}
	file := filepath.Join(out, export.Files[0].Name)
	counted := s.rows(t, fmt.Sprintf("select count(*) as n, count(distinct lead_id) as leads from read_csv('%s', header = true)", file))
	if n := float64(export.Rows); counted[0]["n"] != n || counted[0]["leads"] != n {
		t.Errorf("the exported CSV has %v, want %v rows, each another lead", counted[0], n)
	}
	var runs []leadlake.Run
	mustDecode(t, s.do(t, "runs", "--json").stdout, &runs)
	if len(runs) != 2 || runs[0].RunID != run.RunID || runs[0].State != leadlake.RunPublished {
		t.Errorf("runs lists %d runs, newest %s", len(runs), runs[0].RunID)
	}
	var plan planResult
	campaign := filepath.Join(s.env["LEADLAKE_HOME"], "demo", filepath.Base(demoCampaign))
	list := filepath.Join(s.env["LEADLAKE_HOME"], "demo", demoList+".csv")
	mustDecode(t, s.do(t, "plan", campaign, "--input", demoList+"="+list, "--json").stdout, &plan)
	if len(plan.Sources) != 9 || !plan.Within || plan.Sources[0].CostUSD.Mid <= 0 || plan.Sources[3].Calls.Mid != 1 {
		t.Errorf("plan %+v", plan)
	}
}

func TestStepsAsCommandsPublishWhatARunPublishes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	list := s.write(t, "shops.csv", shopList)
	run := s.run(t, "ingest", s.campaign, "--input", "shops="+list)
	if run.DoneStep != leadlake.StepIngest {
		t.Fatalf("after ingest the run is done with %q", run.DoneStep)
	}
	if got := invoke(t, s.env, "score", "--run", run.RunID); got.code != exitUsage || !strings.Contains(got.stderr, "leadlake transform --run "+run.RunID) {
		t.Errorf("score before transform: exit %d, %s", got.code, got.stderr)
	}
	for _, step := range leadlake.Steps[1:] {
		s.run(t, string(step), "--run", run.RunID)
	}
	want := s.leads(t)
	if len(want) != 3 {
		t.Fatalf("%d leads, want 3", len(want))
	}
	whole := s.runList(t, list)
	if diff := cmp.Diff(want, s.leads(t)); diff != "" {
		t.Errorf("leads of run, against those of the steps:\n%s", diff)
	}
	if whole.Funnel != (leadlake.Funnel{Read: 3, Published: 3}) {
		t.Errorf("funnel %+v", whole.Funnel)
	}
}

func TestManualApprovalPublishesNothingUntilItIsGiven(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first := s.runList(t, s.write(t, "shops.csv", shopList))
	more := s.write(t, "more.csv", shopList+"4,Corner Cafe,9 Elm Ave,Springfield\n")
	run := s.runList(t, more, "--approve", "manual")
	if run.State != leadlake.RunAwaiting || run.DoneStep != leadlake.StepScore {
		t.Fatalf("run is %s after %s", run.State, run.DoneStep)
	}
	const published = "select distinct run_id as run from marts.leads"
	if diff := cmp.Diff([]map[string]any{{"run": first.RunID}}, s.rows(t, published)); diff != "" {
		t.Errorf("before the approval (-want +got):\n%s", diff)
	}
	approved := s.run(t, "publish", "--run", run.RunID)
	if approved.State != leadlake.RunPublished || approved.Funnel.Published != 4 {
		t.Errorf("run is %s with the funnel %+v", approved.State, approved.Funnel)
	}
	if diff := cmp.Diff([]map[string]any{{"run": run.RunID}}, s.rows(t, published)); diff != "" {
		t.Errorf("after the approval (-want +got):\n%s", diff)
	}
}

// runs lists the runs, newest first.
func (s shop) runs(t *testing.T) (runs []leadlake.Run) {
	t.Helper()
	if err := json.Unmarshal([]byte(s.do(t, "runs", "--json").stdout), &runs); err != nil {
		t.Fatal(err)
	}
	return runs
}

func TestFailedRunIsNotPublished(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	list := s.write(t, "shops.csv", shopList)
	s.do(t, "ingest", s.campaign, "--input", "shops="+list)
	runs := s.runs(t)
	abandoned := runs[0].RunID
	for _, step := range []string{"transform", "enrich", "score"} {
		s.do(t, step, "--run", abandoned)
	}
	s.write(t, "shops.yaml", shopCampaign+"keywords: changed\n")
	s.do(t, "run", s.campaign, "--input", "shops="+list)
	got := invoke(t, s.env, "publish", "--run", abandoned)
	if got.code != exitConflict || !strings.Contains(got.stderr, "has failed") {
		t.Errorf("exit %d, %s", got.code, got.stderr)
	}
	if out := s.do(t, "sql", "--csv", "select distinct run_id from marts.leads").stdout; strings.Contains(out, abandoned) {
		t.Error("the failed run's leads are published")
	}
}

func TestOlderRunIsNotPublishedOverAYoungerOne(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	list := "shops=" + s.write(t, "shops.csv", shopList)
	s.do(t, "run", s.campaign, "--input", list, "--approve", "manual")
	runs := s.runs(t)
	s.do(t, "run", s.campaign, "--input", list)
	if got := invoke(t, s.env, "publish", "--run", runs[0].RunID); got.code != exitConflict || !strings.Contains(got.stderr, "younger") {
		t.Errorf("exit %d, %s", got.code, got.stderr)
	}
}

func TestCampaignsThatWouldMixAreRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	list := "shops=" + s.write(t, "shops.csv", shopList)
	s.do(t, "run", s.campaign, "--input", list)
	s.write(t, "shops.yaml", strings.Replace(shopCampaign, "name: Shops", "name: Shops!", 1))
	if got := invoke(t, s.env, "run", s.campaign, "--input", list); got.code != exitConflict || !strings.Contains(got.stderr, "same id") {
		t.Errorf("another name, same id: exit %d, %s", got.code, got.stderr)
	}
	s.write(t, "shops.yaml", strings.Replace(shopCampaign, "{country: US}", "{city: Litle Rock, region: AR, country: US, radius_km: 5}", 1))
	if got := invoke(t, s.env, "run", s.campaign, "--input", list); got.code == exitOK || !strings.Contains(got.stderr, "geo") {
		t.Errorf("radius around an unknown city: exit %d, %s", got.code, got.stderr)
	}
}
