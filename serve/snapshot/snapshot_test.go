package snapshot

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/serve/snapshot/snapshottest"
)

// smallPart makes a few hundred leads span many parts.
const smallPart = 64

func built(t *testing.T, l *lake.Lake) *Snapshot {
	t.Helper()
	ctx := context.Background()
	version, err := Version(ctx, l)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "leads.sqlite")
	if err := build(ctx, l, version, path, smallPart); err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func walk(t *testing.T, s *Snapshot, f Filter, after *Key, limit int) []string {
	t.Helper()
	ids := []string{}
	for {
		rows, more, err := s.Page(context.Background(), f, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			ids = append(ids, r.Key.LeadID)
		}
		if !more {
			return ids
		}
		if len(rows) != limit {
			t.Fatalf("a page before the last has %d leads, want %d", len(rows), limit)
		}
		after = &rows[len(rows)-1].Key
	}
}

// expected lists by plain SQL what a filter without text gives.
func expected(t *testing.T, l *lake.Lake, f Filter) []string {
	t.Helper()
	s, err := l.Session(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	where := []string{"true"}
	for column, value := range map[string]string{
		"campaign_id": f.CampaignID, "tier": string(f.Tier), "vertical": string(f.Vertical), "region": f.Region,
	} {
		if value != "" {
			where = append(where, column+" = "+lake.Quote(value))
		}
	}
	if f.MinScore > 0 {
		where = append(where, fmt.Sprintf("lead_score >= %d", f.MinScore))
	}
	rows, err := s.Query(context.Background(), "select lead_id from marts.leads where "+strings.Join(where, " and ")+
		" order by lead_score desc nulls last, lead_id, campaign_id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	ids := []string{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestPagesOfAnyFilterAreWhatSQLSays(t *testing.T) {
	t.Parallel()
	l := snapshottest.Filled(t, 500)
	s := built(t, l)
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[rnd.IntN(len(from))] }
	for range 60 {
		f := Filter{
			CampaignID: pick("", "", "denver-plumbers-q4", "boise-bakers", "nobody"),
			Tier:       leadlake.Tier(pick("", "A", "B", "C")),
			Vertical:   leadlake.Vertical(pick("", "", "ecommerce", "local_services")),
			Region:     pick("", "", "CO", "WY", "XX"),
			MinScore:   rnd.IntN(3) * rnd.IntN(51),
		}
		want := expected(t, l, f)
		if diff := cmp.Diff(want, walk(t, s, f, nil, 1+rnd.IntN(80))); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", f, diff)
		}
		if got, err := s.Count(context.Background(), f); err != nil || got != int64(len(want)) {
			t.Errorf("%+v: count %d, %v, want %d", f, got, err, len(want))
		}
	}
}

func TestTextMatchesPlainWords(t *testing.T) {
	t.Parallel()
	s := built(t, snapshottest.Filled(t, 300))
	for text, want := range map[string]int64{
		"acme":             60,
		"ACME bakery":      20,
		"plumb":            200, // unfinished: plumbing and plumbers
		"plumb acme":       0,   // only the last word may be unfinished
		"acme plumb":       40,
		"pl":               0, // too short to be unfinished
		"zoes":             60,
		"Zoë's":            60,
		"zoe’s":            60,
		"cafe sao paulo":   20,
		"acme OR bakery":   0, // operators are words like any other
		`"acme" (bakery*)`: 20,
		"acme NOT bakery":  0,
		"title:acme":       0,
		"shop7.example":    1,
		"nothing of it":    0,
		"!!! ***":          0,
		"'; drop table":    0,
	} {
		got, err := s.Count(context.Background(), Filter{Text: text})
		if err != nil || got != want {
			t.Errorf("text %q matches %d, %v, want %d", text, got, err, want)
		}
	}
}

func TestTextAndFiltersMustBothHold(t *testing.T) {
	t.Parallel()
	l := snapshottest.Filled(t, 300)
	s := built(t, l)
	f := Filter{Region: "CO", MinScore: 30}
	want := slices.DeleteFunc(expected(t, l, f), func(id string) bool {
		lead, err := s.Lead(context.Background(), id, "")
		return err != nil || !strings.Contains(lead.Name, "Acme")
	})
	f.Text = "acme"
	if got := walk(t, s, f, nil, 3); len(got) == 0 || !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCursorGoesOnAfterAPublish(t *testing.T) {
	t.Parallel()
	l := snapshottest.Filled(t, 200)
	before := built(t, l)
	rows, _, err := before.Page(context.Background(), Filter{}, nil, 90)
	if err != nil {
		t.Fatal(err)
	}
	last := rows[len(rows)-1].Key
	// The lead of the cursor goes, and so do others; new ones come all over.
	snapshottest.Exec(t, l, "delete from lake.marts.leads where lead_id = "+lake.Quote(last.LeadID)+" or hash(lead_id) % 5 = 0")
	snapshottest.Fill(t, l, 200, 300)
	after := built(t, l)

	seen := map[string]int{}
	for _, r := range rows {
		seen[r.Key.LeadID]++
	}
	for _, id := range walk(t, after, Filter{}, &last, 20) {
		seen[id]++
	}
	still := expected(t, l, Filter{})
	for _, id := range expected(t, l, Filter{}) {
		if seen[id] > 1 {
			t.Errorf("lead %s came %d times", id, seen[id])
		}
	}
	for _, id := range walk(t, before, Filter{}, nil, 50) {
		if slices.Contains(still, id) && seen[id] != 1 {
			t.Errorf("lead %s was published throughout and came %d times", id, seen[id])
		}
	}
}

func TestEveryFieldOfALeadIsServed(t *testing.T) {
	t.Parallel()
	l := snapshottest.Filled(t, 1)
	snapshottest.Exec(t, l, fullLead)
	s := built(t, l)
	got, err := s.Lead(context.Background(), "l-1", "c")
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	text := func(s string) *string { return &s }
	score, year, rating, yes := 88, 1999, 4.5, true
	want := leadlake.CanonicalLead{
		LeadID: "l-1", CampaignID: "c", RunID: "r", Name: `A "quoted" <name>`,
		LegalEntity: leadlake.LegalEntity{Name: "A Inc", AltNames: []string{"B"}, RegistrationID: text("R1"), Jurisdictions: []string{"US-CO"}},
		Brand:       leadlake.Brand{Name: text("Brand")}, Vertical: leadlake.Healthcare, Website: text("https://a.example"), Domains: []string{"a.example"},
		Emails:        []leadlake.Email{{Value: "a@a.example", Type: "role", Verified: &yes, Provider: text("p")}, {Value: "b@a.example"}},
		Phones:        []leadlake.Phone{{Value: "+13035550100", Type: "main", Provider: text("p")}},
		Address:       &leadlake.Address{Line1: "1 St", Line2: text("Apt 2"), City: "Denver", Region: "CO", Postal: "80202", Country: "US"},
		Geo:           &leadlake.Geo{Lat: 1.5, Lon: -2.5},
		Social:        leadlake.Social{LinkedIn: text("li"), Twitter: text("tw"), Facebook: text("fb"), Instagram: text("ig")},
		Firmographics: leadlake.Firmographics{EmployeesRange: text("1-10"), RevenueRange: text("<1M"), FoundedYear: &year},
		TechSignals:   []string{"shopify"}, Reviews: leadlake.Reviews{Count: 12, Rating: &rating, LastReviewedAt: &day},
		Hours: []leadlake.BusinessHour{{DOW: 1, Open: "08:00", Close: "17:00"}}, Tags: []string{"t"},
		LeadScore: &score, PriorityTier: leadlake.TierA, ScoreExplanations: []string{"why"}, ScoreModel: "rules@1", Sources: []string{"p"},
		SourceRecords: []leadlake.SourceRecord{{Provider: "p", ProviderKey: "1", Hash: "h1", FetchedAt: day}, {Provider: "p", ProviderKey: "2", Hash: "h2", FetchedAt: day}},
		Provenance:    []leadlake.ProvenanceEntry{{Field: "name", Provider: "p", ProviderKey: "1", Confidence: 0.75, Note: "n"}},
		LosingValues:  []leadlake.LosingValue{{Field: "name", Value: "old", Provider: "p", ProviderKey: "2", Confidence: 0.5}},
		CreatedAt:     day, UpdatedAt: day,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lead (-want +got):\n%s", diff)
	}
}

func TestListedLeadsAreCanonicalJSON(t *testing.T) {
	t.Parallel()
	s := built(t, snapshottest.Filled(t, 40))
	rows, _, err := s.Page(context.Background(), Filter{}, nil, 100)
	if err != nil || len(rows) != 40 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, r := range rows {
		var lead leadlake.CanonicalLead
		if err := json.Unmarshal(r.Body, &lead); err != nil {
			t.Fatal(err)
		}
		if again, err := json.Marshal(lead); err != nil || string(again) != string(r.Body) {
			t.Errorf("body %s\nreads as %s, %v", r.Body, again, err)
		}
	}
}

func TestBuildRefusesALeadThatIsThereTwice(t *testing.T) {
	t.Parallel()
	l := snapshottest.Filled(t, 20)
	snapshottest.Exec(t, l, "insert into lake.marts.leads select * from lake.marts.leads limit 1")
	version, err := Version(context.Background(), l)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = Build(context.Background(), l, version, filepath.Join(dir, "leads.sqlite"))
	if err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("error %v, want one that says twice", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("the failed build left %v", left)
	}
}

const fullLead = `
insert into lake.marts.leads by name select
    'c' as campaign_id, 'C' as campaign, 'r' as run_id, 'l-1' as lead_id, 'healthcare' as vertical, 'A "quoted" <name>' as name,
    'A Inc' as legal_name, ['B'] as alt_names, 'R1' as registration_id, ['US-CO'] as jurisdictions, 'Brand' as brand_name,
    'https://a.example' as website, ['a.example'] as domains,
    [{'value': 'a@a.example', 'type': 'role', 'verified': true, 'provider': 'p'}, {'value': 'b@a.example', 'type': null, 'verified': null, 'provider': null}] as emails,
    [{'value': '+13035550100', 'type': 'main', 'provider': 'p'}] as phones,
    '1 St' as line1, 'Apt 2' as line2, 'Denver' as city, 'CO' as region, '80202' as postal, 'US' as country, 1.5 as lat, -2.5 as lon,
    'li' as linkedin, 'tw' as twitter, 'fb' as facebook, 'ig' as instagram, '1-10' as employees_range, '<1M' as revenue_range, 1999 as founded_year,
    ['shopify'] as tech_signals, 12 as review_count, 4.5 as rating, timestamptz '2026-01-02 03:04:05Z' as last_reviewed_at,
    [{'dow': 1, 'open': '08:00', 'close': '17:00'}] as hours, ['t'] as tags, ['p'] as sources, 2 as record_count, 88 as lead_score, 'A' as tier,
    ['why'] as score_explanations, 'rules@1' as score_model,
    [{'field': 'name', 'provider': 'p', 'provider_key': '1', 'confidence': 0.75, 'note': 'n'}] as provenance,
    [{'field': 'name', 'value': 'old', 'provider': 'p', 'provider_key': '2', 'confidence': 0.5}] as losing_values,
    timestamptz '2026-01-02 03:04:05Z' as created_at, timestamptz '2026-01-02 03:04:05Z' as updated_at;
insert into lake.marts.lead_records by name
    select 'c' as campaign_id, 'r' as run_id, 'l-1' as lead_id, 'p' as provider, k as provider_key, 'h' || k as content_hash, timestamptz '2026-01-02 03:04:05Z' as fetched_at
    from (values ('2'), ('1')) as records(k);
`
