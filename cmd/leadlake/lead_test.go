package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
)

// leadIDs are the published ids by the key of their records.
func (s shop) leadIDs(t *testing.T) map[string]string {
	t.Helper()
	ids := map[string]string{}
	for _, row := range s.rows(t, "select provider_key, lead_id from marts.lead_records") {
		ids[row["provider_key"].(string)] = row["lead_id"].(string)
	}
	return ids
}

// keys are the keys of the shops by their names.
func (s shop) keys(t *testing.T) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for _, row := range s.rows(t, "select l.name, r.provider_key from marts.leads as l inner join marts.lead_records as r using (lead_id)") {
		keys[row["name"].(string)] = row["provider_key"].(string)
	}
	return keys
}

// created are the times of leads.
func (s shop) created(t *testing.T) []map[string]any {
	t.Helper()
	return s.rows(t, "select lead_id, created_at, updated_at from marts.leads order by lead_id")
}

// history is the kinds of what happened to a lead.
func (s shop) history(t *testing.T, id string) (historyResult, []string) {
	t.Helper()
	var h historyResult
	mustDecode(t, s.do(t, "lead", "history", id, "--json").stdout, &h)
	var kinds []string
	for _, e := range h.Events {
		kinds = append(kinds, e.Kind)
	}
	return h, kinds
}

func TestLead_that_people_merge_and_take_apart_again_is_as_before(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	list := s.write(t, "shops.csv", shopList)
	s.runList(t, list)
	keys, before, times := s.keys(t), s.leadIDs(t), s.created(t)
	bakery, hardware := before[keys["Harbour Bakery"]], before[keys["Elm Hardware"]]

	var merged linkResult
	said := s.do(t, "lead", "merge", bakery, hardware, "--as", "jo", "--why", "one owner", "--json")
	mustDecode(t, said.stdout, &merged)
	if len(merged.Links) != 1 || merged.Links[0].Who != "jo" || merged.Links[0].Kind != leadlake.LinkMust {
		t.Fatalf("the merge made %+v", merged.Links)
	}
	run := s.runList(t, list)
	if run.Funnel.Published != 2 || run.Funnel.Merged != 1 {
		t.Fatalf("after the merge the funnel is %+v", run.Funnel)
	}
	old, young := bakery, hardware // of leads of one age the smaller id lives
	if hardware < bakery {
		old, young = hardware, bakery
	}
	var shown leadResult
	mustDecode(t, s.do(t, "lead", "show", young, "--json").stdout, &shown)
	if shown.LeadID != old || len(shown.Records) != 2 || shown.Ended == nil || len(shown.Redirects) != 1 || len(shown.Links) != 1 {
		t.Errorf("the id that ended shows %+v", shown)
	}
	graph := s.rows(t, "select decided_by, why, link_id from marts.merge_graph")
	if diff := cmp.Diff([]map[string]any{{"decided_by": "person:jo", "why": "one owner", "link_id": merged.Links[0].ID}}, graph); diff != "" {
		t.Errorf("the graph of merges (-want +got):\n%s", diff)
	}
	again := s.runList(t, list)
	if published := s.rows(t, "select run_id from marts.runs"); published[0]["run_id"] != run.RunID {
		t.Errorf("run %s changed what is published although nothing is new", again.RunID)
	}

	s.do(t, "lead", "undo", merged.ChangeID, "--as", "sam")
	s.runList(t, list)
	if diff := cmp.Diff(before, s.leadIDs(t)); diff != "" {
		t.Errorf("ids after the undo (-before +after):\n%s", diff)
	}
	after := s.created(t)
	for i := range times {
		if times[i]["created_at"] != after[i]["created_at"] {
			t.Errorf("lead %s is since %s, was since %s", times[i]["lead_id"], after[i]["created_at"], times[i]["created_at"])
		}
	}
	if n := s.rows(t, "select count(*) as n from marts.entity_redirects")[0]["n"]; n != 0.0 {
		t.Errorf("%v ids lead elsewhere", n)
	}
	h, kinds := s.history(t, old)
	if diff := cmp.Diff([]string{"appeared", "merge", "split"}, kinds); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if len(h.Links) != 1 || h.Links[0].UndoneBy != "sam" {
		t.Errorf("history names the links %+v", h.Links)
	}
	if _, kinds := s.history(t, young); !slices.Equal(kinds, []string{"appeared", "ended", "merge"}) {
		t.Errorf("history of the other lead is %v", kinds)
	}
	if got := s.do(t, "lead", "history", old).stdout; !strings.Contains(got, "merge") || !strings.Contains(got, "undone") {
		t.Errorf("history reads\n%s", got)
	}
	var links []leadlake.Link
	mustDecode(t, s.do(t, "lead", "links", "--json").stdout, &links)
	if len(links) != 0 {
		t.Errorf("links that stand: %+v", links)
	}
}

func TestLead_that_people_split_stays_apart_over_reruns_until_they_take_it_back(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	twins := s.write(t, "twins.csv", shopList+"4,Harbour Bakery,1 Main St,Springfield\n")
	if run := s.runList(t, twins); run.Funnel.Merged != 1 {
		t.Fatalf("the funnel is %+v", run.Funnel)
	}
	before := s.leadIDs(t)
	rows := s.rows(t, "select lead_id, provider || ':' || provider_key as record, is_representative from marts.lead_records qualify count(*) over (partition by lead_id) > 1 order by is_representative")
	id, record := rows[0]["lead_id"].(string), rows[0]["record"].(string)
	var split linkResult
	mustDecode(t, s.do(t, "lead", "split", id, "--record", record, "--json").stdout, &split)
	for _, list := range []string{twins, s.write(t, "more.csv", shopList+"4,Harbour Bakery,1 Main St,Springfield\n5,Corner Cafe,9 Elm Ave,Springfield\n")} {
		if run := s.runList(t, list); run.Funnel.Merged != 0 {
			t.Errorf("after the split the funnel is %+v", run.Funnel)
		}
	}
	if n := s.rows(t, "select count(distinct lead_id) as n from marts.lead_records")[0]["n"]; n != 5.0 {
		t.Errorf("%v leads after the split", n)
	}
	s.do(t, "lead", "undo", split.Links[0].ID)
	s.runList(t, twins)
	if diff := cmp.Diff(before, s.leadIDs(t)); diff != "" {
		t.Errorf("ids after the undo (-before +after):\n%s", diff)
	}
}

func TestLead_changes_act_on_the_records_at_hand_by_the_commands_they_name(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	list := s.write(t, "shops.csv", shopList)
	s.runList(t, list)
	s.runList(t, list) // changes nothing, and is the newest
	keys, ids := s.keys(t), s.leadIDs(t)
	apply := func(args ...string) {
		t.Helper()
		var change linkResult
		mustDecode(t, s.do(t, append(append([]string{"lead"}, args...), "--json")...).stdout, &change)
		for _, next := range change.Next {
			s.do(t, strings.Fields(next)[1:]...)
		}
	}
	a, b := ids[keys["Harbour Bakery"]], ids[keys["Elm Hardware"]]
	apply("merge", a, b)
	if got := s.leadIDs(t); got[keys["Harbour Bakery"]] != got[keys["Elm Hardware"]] {
		t.Errorf("ids are %v", got)
	}
	apply("split", min(a, b), "--record", "shops:"+keys["Elm Hardware"])
	if diff := cmp.Diff(ids, s.leadIDs(t)); diff != "" {
		t.Errorf("after the split (-before +after):\n%s", diff)
	}
	apply("merge", a, b)
	if got := s.leadIDs(t); got[keys["Harbour Bakery"]] != got[keys["Elm Hardware"]] {
		t.Errorf("the later word does not hold: %v", got)
	}
}

func TestLead_commands_say_what_is_wrong(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.runList(t, s.write(t, "shops.csv", shopList))
	ids := s.leadIDs(t)
	var all []string
	for _, id := range ids {
		all = append(all, id)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"an id that is none":             {[]string{"show", "nobody"}, exitNotFound, "never was"},
		"a lead with itself":             {[]string{"merge", all[0], all[0]}, exitConflict, "one lead already"},
		"apart from itself":              {[]string{"never-link", all[0], all[0]}, exitConflict, "lead split"},
		"a record of another lead":       {[]string{"split", all[0], "--record", "shops:nothing"}, exitNotFound, "it has shops:"},
		"all records of a lead":          {[]string{"split", all[0], "--record", recordOf(ids, all[0])}, exitUsage, "leave the others"},
		"no record":                      {[]string{"split", all[0]}, exitUsage, "record"},
		"a link that is none":            {[]string{"undo", "nothing"}, exitNotFound, "lead links"},
		"history of an id that is none":  {[]string{"history", "nobody"}, exitNotFound, "marts.leads"},
		"a campaign that lacks the lead": {[]string{"show", all[0], "--campaign", "none"}, exitNotFound, "never was"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, s.env, append([]string{"lead"}, c.args...)...)
			if got.code != c.code || !strings.Contains(got.stderr, c.want) {
				t.Errorf("exit %d, want %d with %q:\n%s", got.code, c.code, c.want, got.stderr)
			}
		})
	}
}

func recordOf(ids map[string]string, id string) string {
	for key, other := range ids {
		if other == id {
			return "shops:" + key
		}
	}
	return ""
}
