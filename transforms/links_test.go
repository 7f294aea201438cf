package transforms

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// told is a link between two records of the list.
func told(minute int, kind leadlake.LinkKind, left, right string) leadlake.Link {
	return leadlake.Link{
		ID: fmt.Sprintf("l%02d", minute), CampaignID: "c", Kind: kind, Who: "jo", At: time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC),
		Left: leadlake.RecordKey{Provider: "list", Key: left}, Right: leadlake.RecordKey{Provider: "list", Key: right},
	}
}

func TestLinks_of_one_pair_the_latest_that_stands_holds(t *testing.T) {
	t.Parallel()
	l, err := lake.Open(t.Context(), lake.Config{Home: t.TempDir(), Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s, err := l.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	const records = "create table scratch.intermediate.int_records_kept as select range + 1 as record_id, 'list' as provider, 'k' || (range % 4 + 1) as provider_key, case when range >= 4 then 'k1' end as subject_key from range(8)"
	if err := s.Exec(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	undone := told(9, leadlake.LinkNever, "k1", "k2")
	undone.UndoneAt = undone.At
	for name, c := range map[string]struct {
		links []leadlake.Link
		want  string
	}{
		"none":                      {nil, ""},
		"one":                       {[]leadlake.Link{told(1, leadlake.LinkMust, "k2", "k1")}, "1 2 true l01"},
		"the later, either way":     {[]leadlake.Link{told(2, leadlake.LinkNever, "k2", "k1"), told(1, leadlake.LinkMust, "k1", "k2")}, "1 2 false l02"},
		"one that was taken back":   {[]leadlake.Link{told(1, leadlake.LinkMust, "k1", "k2"), undone}, "1 2 true l01"},
		"records that are not here": {[]leadlake.Link{told(1, leadlake.LinkMust, "k1", "k9"), told(2, leadlake.LinkNever, "k9", "k8")}, ""},
		"a record with itself":      {[]leadlake.Link{told(1, leadlake.LinkMust, "k1", "k1")}, ""},
		"several pairs":             {[]leadlake.Link{told(1, leadlake.LinkMust, "k3", "k2"), told(2, leadlake.LinkNever, "k1", "k4")}, "1 4 false l02, 2 3 true l01"},
	} {
		if err := buildLinks(t.Context(), s, c.links); err != nil {
			t.Fatal(err)
		}
		var got string
		const all = "select coalesce(string_agg(concat_ws(' ', left_id, right_id, is_match, link_id), ', ' order by left_id), '') from intermediate.int_links"
		if err := s.QueryRow(t.Context(), all).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s: %q, want %q, error %v", name, got, c.want, err)
		}
	}
}

func TestLinks_make_a_run_changed_until_they_are_published(t *testing.T) {
	t.Parallel()
	c := newCampaign(t)
	check := func(name, run string, links []leadlake.Link, want bool) {
		t.Helper()
		params := c.params(run)
		params.Links = links
		if got, _, err := Unchanged(t.Context(), c.lake, params); err != nil || got != want {
			t.Errorf("%s: unchanged is %t, error %v", name, got, err)
		}
	}
	c.ingest("r1", denver, boulder)
	c.transform("r1")
	c.publish("r1")
	c.ingest("r2", denver, boulder)
	check("no link", "r2", nil, true)
	links := []leadlake.Link{told(1, leadlake.LinkMust, "b1", "b2")}
	check("a new link", "r2", links, false)
	params := c.params("r2")
	params.Links = links
	if _, err := Candidates(t.Context(), c.lake, params, nil); err != nil {
		t.Fatal(err)
	}
	c.publish("r2")
	c.ingest("r3", denver, boulder)
	check("the link that is published", "r3", links, true)
	check("the link taken back", "r3", nil, false)
	check("another link", "r3", []leadlake.Link{told(1, leadlake.LinkNever, "b1", "b2")}, false)
}

func TestLeadEvents_say_what_each_publish_did(t *testing.T) {
	t.Parallel()
	state := func(version int64, holders map[string]string) leadState {
		s := leadState{version: version, runID: fmt.Sprintf("r%d", version), holders: map[leadlake.RecordKey]string{}}
		for key, lead := range holders {
			s.holders[leadlake.RecordKey{Provider: "list", Key: key}] = lead
		}
		return s
	}
	events := leadEvents("a", []leadState{
		state(1, map[string]string{"k4": "b"}),
		state(2, map[string]string{"k1": "a", "k2": "a", "k4": "b"}),
		state(3, map[string]string{"k1": "a", "k2": "a", "k4": "b"}),
		state(4, map[string]string{"k1": "a", "k2": "a", "k3": "a", "k4": "a"}),
		state(5, map[string]string{"k1": "c", "k3": "a", "k4": "a"}),
		state(6, map[string]string{"k3": "d", "k4": "d"}),
		state(7, map[string]string{"k3": "a", "k4": "d"}),
		state(8, map[string]string{"k4": "d"}),
	})
	var got []string
	for _, e := range events {
		line := fmt.Sprintf("%d %s %s", e.Version, e.Kind, e.LeadID)
		for _, r := range e.Records {
			line += " " + r.Key
		}
		got = append(got, line)
	}
	want := []string{
		"2 appeared  k1 k2", "4 gained  k3", "4 merge b k4", "5 lost  k2", "5 split c k1", "6 ended d k3 k4", "7 merge d k3", "8 ended  k3",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
