package transforms

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// runOn takes a run through transform and publish that began on a day of 2026.
func (c *campaign) runOn(day int, run string, records ...source) {
	c.Helper()
	c.ingest(run, records...)
	params := c.params(run)
	params.Run.StartedAt = time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC)
	if _, err := Candidates(c.Context(), c.lake, params, nil); err != nil {
		c.Fatal(err)
	}
	c.publish(run)
}

// leadTimes are the leads by the key of their representative: id, and the days
// of January since when they are, and since when they are as they are.
func (c *campaign) leadTimes() string {
	c.Helper()
	return c.text("select string_agg(concat_ws(' ', r.provider_key, l.lead_id, date_diff('day', timestamptz '2026-01-01 00:00:00Z', l.created_at) + 1, date_diff('day', timestamptz '2026-01-01 00:00:00Z', l.updated_at) + 1), ', ' order by r.provider_key) from marts.leads as l inner join marts.lead_records as r on r.lead_id = l.lead_id and r.is_representative")
}

func TestIdentity_times_of_a_lead_change_only_when_it_does(t *testing.T) {
	t.Parallel()
	c := newCampaign(t)
	answers := []source{{"pdl", "ace", "b1", chain}, {"pdl", "ace", "b2", chain}}
	c.runOn(1, "r1", denver, boulder, answers[0], answers[1])
	b1, b2 := c.text("select lead_uuid('list', 'b1')"), c.text("select lead_uuid('list', 'b2')")
	want := "b1 " + b1 + " 1 1, b2 " + b2 + " 1 1"
	if diff := cmp.Diff(want, c.leadTimes()); diff != "" {
		t.Fatalf("first run: %s", diff)
	}
	c.runOn(2, "r2", answers[1], boulder, answers[0], denver)
	if diff := cmp.Diff(want, c.leadTimes()); diff != "" {
		t.Errorf("the same again: %s", diff)
	}
	moved := denver
	moved.raw = `{"name": "Ace Plumbing", "street": "7 Main St", "city": "Denver", "region": "CO", "postal": "80202", "phone": "303-555-0100", "website": "https://ace.example"}`
	c.runOn(3, "r3", moved, boulder, answers[0], answers[1])
	if diff := cmp.Diff("b1 "+b1+" 1 3, b2 "+b2+" 1 1", c.leadTimes()); diff != "" {
		t.Errorf("one moved: %s", diff)
	}
	c.runOn(4, "r4", moved)
	c.runOn(5, "r5", moved, boulder)
	if diff := cmp.Diff("b1 "+b1+" 1 4, b2 "+b2+" 1 5", c.leadTimes()); diff != "" {
		t.Errorf("without answers, one gone for a run: %s", diff)
	}
}

func TestIdentity_of_a_lake_of_an_earlier_release_stays(t *testing.T) {
	t.Parallel()
	c := newCampaign(t)
	records := []source{denver, boulder, {"pdl", "ace", "b1", chain}, {"pdl", "ace", "b2", chain}}
	c.runOn(1, "r1", records...)
	const members = "select string_agg(concat_ws(' ', lead_id, provider, provider_key), ', ' order by lead_id, provider, provider_key) from marts.lead_records"
	want := c.text(members)
	for _, change := range []string{
		"drop table lake.marts.entity_redirects",
		"alter table lake.marts.leads drop column content_hash",
		"alter table lake.marts.lead_records drop column is_answer",
		"alter table lake.marts.lead_records drop column home_id",
		"alter table lake.marts.lead_records drop column own_records",
	} {
		c.exec(change)
	}
	c.runOn(2, "r2", records...)
	if diff := cmp.Diff(want, c.text(members)); diff != "" {
		t.Error(diff)
	}
	if got := c.text("select count(*) from marts.entity_redirects"); got != "0" {
		t.Errorf("%s ids lead elsewhere", got)
	}
}
