package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

const previewRecords = `select * from (values
	('a', '1', 'Ace Plumbing LLC', '12 Main St', 'Denver', '80202', '303-555-0147'),
	('b', '1', 'ACE PLUMBING', '12 Main Street', 'Denver', '80202', '(303) 555-0147'),
	('b', '2', 'Bluebird Bakery', '9 Elm Ave', 'Denver', '80203', null)
) as t(source, source_key, name, street, city, postal, phone)`

func TestResolve_by_a_state_works_on_what_changed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	records, state, out := filepath.Join(dir, "records.parquet"), filepath.Join(dir, "match.duckdb"), filepath.Join(dir, "out.parquet")
	resolve := func(flags ...string) (u updated) {
		t.Helper()
		got := invoke(t, nil, append([]string{"--json", "resolve", "--records", records, "--state", state, "--out", out}, flags...)...)
		if got.code != 0 {
			t.Fatalf("exit %d: %s", got.code, got.stderr)
		}
		mustDecode(t, got.stdout, &u)
		return u
	}
	writeParquet(t, records, previewRecords)
	if u := resolve(); !u.IsFull || u.Records != 3 || u.Leads != 2 {
		t.Errorf("first: %+v", u)
	}
	if u := resolve(); u.IsFull || u.Fresh+u.Gone+u.Leads != 0 {
		t.Errorf("the same again: %+v", u)
	}
	writeParquet(t, records, previewRecords+" where source_key = '1' union all select 'c', '1', 'Ace Plumbing', '12 Main St', 'Denver', '80202', '303-555-0147'")
	u := resolve("--verify")
	if u.IsFull || u.Fresh != 1 || u.Gone != 1 || len(u.Tables) == 0 {
		t.Errorf("one more, one less: %+v", u)
	}
	for _, table := range u.Tables {
		if !table.IsSame {
			t.Errorf("%+v", table)
		}
	}
	// A preview of no match at all, dropped and applied.
	preview := []string{"resolve", "--state", state, "--preview", "threshold=0.999999999999"}
	for _, flags := range [][]string{nil, {"--apply"}} {
		got := invoke(t, nil, append(preview, flags...)...)
		if got.code != 0 || !strings.Contains(got.stdout, "1 leads now, 3 then: 0 merged of several, 1 taken apart; 0 pairs of records won, 3 lost") {
			t.Errorf("exit %d: %s%s", got.code, got.stdout, got.stderr)
		}
	}
	if u := resolve("--verify"); u.IsFull || u.Leads != 0 {
		t.Errorf("after it was applied: %+v", u)
	}
	if got := invoke(t, nil, preview...); !strings.Contains(got.stdout, "3 leads now, 3 then") {
		t.Errorf("it does not hold: %s%s", got.stdout, got.stderr)
	}
}

func TestResolve_refuses_flags_that_do_not_fit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "model.json")
	if err := os.WriteFile(bad, []byte(`{"comparisons": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--records", "r", "--out", "o", "--part"}, "--state"},
		{[]string{"--records", "r", "--out", "o", "--state", "s", "--part", "--full"}, "all records"},
		{[]string{"--preview", "threshold=2", "--state", "s"}, "between 0 and 1"},
		{[]string{"--preview", "threshold=0.9"}, "--state FILE or --campaign"},
		{[]string{"--preview", "threshold=0.9", "--state", filepath.Join(dir, "none.duckdb")}, "no match state"},
		{[]string{"--preview", bad, "--state", "s"}, "missing"},
		{[]string{"--preview", filepath.Join(dir, "none.json"), "--state", "s"}, "threshold=0.9"},
	} {
		got := invoke(t, nil, append([]string{"resolve"}, tc.args...)...)
		if got.code == 0 || !strings.Contains(got.stderr, tc.want) {
			t.Errorf("%v: exit %d: %s", tc.args, got.code, got.stderr)
		}
	}
}

func TestCampaign_that_keeps_its_resolution_publishes_what_a_preview_applied(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.env["LEADLAKE_INCREMENTAL"] = "true"
	const twin = "4,Harbour Bakery Inc,1 Main Street,Springfield\n"
	leads := func(list string) int {
		t.Helper()
		s.runList(t, s.write(t, "shops.csv", list))
		return len(s.leads(t))
	}
	if n := leads(shopList); n != 3 {
		t.Errorf("%d leads of three shops", n)
	}
	before := s.leadIDs(t)
	if n := leads(shopList + twin); n != 3 {
		t.Errorf("%d leads with a twin of one", n)
	}
	campaign := s.rows(t, "select any_value(campaign_id) as id from marts.leads")[0]["id"].(string)
	if _, err := os.Stat(filepath.Join(s.folder, "home", "match", campaign+".duckdb")); err != nil {
		t.Error(err)
	}
	strict := []string{"resolve", "--campaign", campaign, "--preview", "threshold=0.999999999999"}
	said := s.do(t, strict...).stdout
	if !strings.Contains(said, "3 leads now, 4 then") || !strings.Contains(said, "precision and recall are unknown") {
		t.Errorf("preview: %s", said)
	}
	if run := s.runList(t, filepath.Join(s.folder, "shops.csv")); run.State != leadlake.RunPublished || len(s.leads(t)) != 3 {
		t.Errorf("a preview changed what a run publishes: %+v", run)
	}
	s.do(t, append(strict, "--apply")...)
	if n := len(s.leads(t)); n != 3 {
		t.Errorf("applying published %d leads", n)
	}
	if n := leads(shopList + twin); n != 4 {
		t.Errorf("%d leads by the stricter threshold", n)
	}
	for key, id := range before {
		if after := s.leadIDs(t)[key]; after != id {
			t.Errorf("shop %s was lead %s and is %s", key, id, after)
		}
	}
}
