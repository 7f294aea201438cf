package transforms

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// campaign is a lake with the real models, in which runs of one campaign are
// made from records written by hand.
type campaign struct {
	*testing.T
	lake    *lake.Lake
	session *lake.Session
	spec    leadlake.CampaignSpec
	scorer  string
}

func newCampaign(t *testing.T) *campaign {
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
	p, err := Load(t.Context(), leadlake.SQL, s, Externals()...)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return &campaign{T: t, lake: l, session: s, spec: leadlake.CampaignSpec{
		Name: "Plumbers", Vertical: leadlake.LocalServices, Enrichment: []string{"pdl"},
		Sources: []leadlake.SourceSpec{{Source: "list"}},
	}}
}

func (c *campaign) exec(query string) {
	c.Helper()
	if err := c.session.Exec(c.Context(), query); err != nil {
		c.Fatalf("%s: %v", query, err)
	}
}

func (c *campaign) text(query string) string {
	c.Helper()
	var out string
	if err := c.session.QueryRow(c.Context(), "select coalesce(cast(("+query+") as varchar), 'null')").Scan(&out); err != nil {
		c.Fatalf("%s: %v", query, err)
	}
	return out
}

// source is a record of a run. Subject is a key of the list, for an answer.
type source struct{ adapter, key, subject, raw string }

func (c *campaign) params(run string) Params {
	return Params{Scorer: c.scorer, Run: leadlake.Run{
		RunID: run, CampaignID: c.spec.ID(), Spec: c.spec, StartedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}}
}

func (c *campaign) ingest(run string, records ...source) {
	c.Helper()
	for i, r := range records {
		subject := "null, null"
		if r.subject != "" {
			subject = "'list', " + lake.Quote(r.subject)
		}
		c.exec(fmt.Sprintf("insert into lake.raw.source_records (run_id, campaign_id, adapter, provider, provider_key, row_number, raw, content_hash, fetched_at, subject_provider, subject_key) values (%s, %s, '%s', '%s', %s, %d, %s, md5(%s), '2026-01-01 00:00:00Z', %s)",
			lake.Quote(run), lake.Quote(c.spec.ID()), r.adapter, r.adapter, lake.Quote(r.key), i, lake.Quote(r.raw), lake.Quote(r.raw), subject))
	}
}

func (c *campaign) transform(run string) {
	c.Helper()
	if _, err := Candidates(c.Context(), c.lake, c.params(run), nil); err != nil {
		c.Fatal(err)
	}
}

func (c *campaign) publish(run string) leadlake.Funnel {
	c.Helper()
	c.exec("delete from lake.candidates.lead_scores where run_id = " + lake.Quote(run))
	c.exec("insert into lake.candidates.lead_scores by name select run_id, lead_id, 50 as lead_score, 'B' as tier from lake.candidates.leads where run_id = " + lake.Quote(run))
	funnel, _, err := Publish(c.Context(), c.lake, c.params(run), nil)
	if err != nil {
		c.Fatal(err)
	}
	return funnel
}

// Two branches of a chain, with one website.
var (
	denver  = source{"list", "b1", "", `{"name": "Ace Plumbing", "street": "1 Main St", "city": "Denver", "region": "CO", "postal": "80202", "lat": "39.75", "lon": "-105.0", "phone": "303-555-0100", "website": "https://ace.example"}`}
	boulder = source{"list", "b2", "", `{"name": "Ace Plumbing", "street": "9 Pearl St", "city": "Boulder", "region": "CO", "postal": "80302", "lat": "40.02", "lon": "-105.28", "phone": "303-555-0199", "website": "https://ace.example", "rating": "4.5", "review_count": "12"}`}
	chain   = `{"id": "ace", "name": "ace plumbing", "display_name": "Ace Plumbing", "website": "ace.example", "size": "51-200", "employee_count": 80, "founded": "1999", "likelihood": 9}`
)

func TestAnAnswerAboutAChainDoesNotJoinItsBranches(t *testing.T) {
	t.Parallel()
	c := newCampaign(t)
	c.ingest("r1", denver, boulder)
	c.transform("r1")
	const ids = "select string_agg(lead_id, ' ' order by lead_id) from candidates.leads"
	before := c.text(ids)
	c.ingest("r1",
		source{"pdl", "ace", "b1", chain},
		source{"pdl", "ace", "b2", chain},
		source{"pdl", "zed", "b1", `{"id": "zed", "name": "zed bakery", "display_name": "Zed Bakery", "website": "zed.example", "location": {"locality": "paris", "country": "france"}, "likelihood": 3}`},
	)
	c.transform("r1")
	if got := c.text(ids); got != before {
		t.Errorf("leads were %s, and are %s", before, got)
	}
	want := "b1: list+pdl 51-200 1999, b2: list+pdl 51-200 1999"
	const leads = "select string_agg(r.provider_key || ': ' || concat_ws(' ', array_to_string(l.sources, '+'), l.employees_range, l.founded_year), ', ' order by r.provider_key) from candidates.leads as l inner join candidates.lead_records as r on r.lead_id = l.lead_id and r.is_representative"
	if got := c.text(leads); got != want {
		t.Errorf("leads are %s\nwant      %s", got, want)
	}
	if got := c.text("select string_agg(provider_key || ' ' || code, ', ') from candidates.rejected_records"); got != "zed unlinked_enrichment" {
		t.Errorf("rejected are %s", got)
	}
	funnel := c.publish("r1")
	if !funnel.Balanced() || funnel != (leadlake.Funnel{Read: 5, Published: 2, Merged: 2, Rejected: 1}) {
		t.Errorf("the funnel is %+v", funnel)
	}
}

func TestLeadsToEnrichComeBestFirstWithWhatIsKnown(t *testing.T) {
	t.Parallel()
	c := newCampaign(t)
	c.spec.Filters.MinRating = 4
	c.ingest("r1", denver, boulder, source{"list", "b3", "", `{"name": "Bad Pipes", "rating": "2"}`})
	c.transform("r1")
	got, err := LeadsToEnrich(t.Context(), c.lake, "r1")
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i].LeadID == "" {
			t.Error("a lead has no id")
		}
		got[i].LeadID = ""
	}
	lat, lon, lat2, lon2 := 40.02, -105.28, 39.75, -105.0
	want := []EnrichLead{
		{
			Provider: "list", Key: "b2", Name: "Ace Plumbing", Domain: "ace.example", Phone: "+13035550199", Street: "9 Pearl St",
			City: "Boulder", Region: "CO", Postal: "80302", Country: "US", Lat: &lat, Lon: &lon,
			Known: []string{"website", "phone", "address", "geo", "reviews"},
		},
		{
			Provider: "list", Key: "b1", Name: "Ace Plumbing", Domain: "ace.example", Phone: "+13035550100", Street: "1 Main St",
			City: "Denver", Region: "CO", Postal: "80202", Country: "US", Lat: &lat2, Lon: &lon2,
			Known: []string{"website", "phone", "address", "geo"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPublishNotesEachChangeOnce(t *testing.T) {
	t.Parallel()
	c := newCampaign(t)
	changes := func() string {
		return c.text("select string_agg(concat_ws(' ', run_id, field, coalesce(old_value, 'none'), coalesce(new_value, 'none')), ', ' order by run_id, field, new_value) from marts.lead_changes")
	}
	c.ingest("r1", denver, boulder)
	c.transform("r1")
	c.publish("r1")
	if got := changes(); got != "null" {
		t.Errorf("the first publish notes %s", got)
	}
	moved := denver
	moved.raw = strings.Replace(moved.raw, "0100", "0101", 1)
	c.ingest("r2", moved, source{"list", "b3", "", `{"name": "New Pipes"}`})
	c.transform("r2")
	c.publish("r2")
	want := "r2 lead none appeared, r2 lead none vanished, r2 phone +13035550100 +13035550101"
	if got := changes(); got != want {
		t.Errorf("the second publish notes %s\nwant %s", got, want)
	}
	c.publish("r2")
	if got := changes(); got != want {
		t.Errorf("publishing again notes %s\nwant %s", got, want)
	}
	c.ingest("r3", denver, source{"list", "b3", "", `{"name": "New Pipes"}`})
	c.transform("r3")
	c.publish("r3")
	if got, want := changes(), want+", r3 phone +13035550101 +13035550100"; got != want {
		t.Errorf("the third publish notes %s\nwant %s", got, want)
	}
}

func TestARunIsUnchangedOnlyIfRecordsAndCampaignAre(t *testing.T) {
	t.Parallel()
	c := newCampaign(t)
	check := func(name, run string, want bool) {
		t.Helper()
		got, published, err := Unchanged(t.Context(), c.lake, c.params(run))
		if err != nil {
			t.Fatal(err)
		}
		if got != want || got && published != "r1" {
			t.Errorf("%s: unchanged is %t, by run %q", name, got, published)
		}
	}
	c.ingest("r1", denver, boulder, source{"pdl", "ace", "b1", chain})
	check("nothing is published", "r1", false)
	c.transform("r1")
	c.publish("r1")
	check("the published run itself", "r1", false)
	c.ingest("same", source{"pdl", "ace", "b1", chain}, boulder, denver)
	check("the same records in another order", "same", true)
	c.ingest("fewer", denver, boulder)
	check("one record less", "fewer", false)
	c.ingest("asked", denver, boulder, source{"pdl", "ace", "b2", chain})
	check("the answer about another lead", "asked", false)
	c.ingest("twice", denver, boulder, boulder, source{"pdl", "ace", "b1", chain})
	check("a record twice", "twice", false)
	other := boulder
	other.raw = strings.Replace(other.raw, "4.5", "4.0", 1)
	c.ingest("other", denver, other, source{"pdl", "ace", "b1", chain})
	check("another rating", "other", false)
	c.exec("insert into lake.raw.quarantine (run_id, provider, raw) values ('same', 'list', 'x')")
	check("a row that cannot be read", "same", false)
	c.exec("delete from lake.raw.quarantine")
	c.spec.Budget.MaxCostUSD = 5
	check("another budget", "same", true)
	c.scorer = "rules@2"
	check("another scorer", "same", false)
	c.scorer = ""
	c.spec.Filters.MinRating = 3
	check("another filter", "same", false)
}
