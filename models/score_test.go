package models

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

func setup(t *testing.T) (*lake.Lake, *lake.Session) {
	t.Helper()
	l, err := lake.Open(t.Context(), lake.Config{Home: t.TempDir(), Threads: 2, MemoryLimit: "500MB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s, err := l.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return l, s
}

func exec(t *testing.T, s *lake.Session, query string) {
	t.Helper()
	if err := s.Commit(t.Context(), func(ctx context.Context) error { return s.Exec(ctx, query) }); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func text(t *testing.T, s *lake.Session, query string) string {
	t.Helper()
	var got string
	if err := s.QueryRow(t.Context(), query).Scan(&got); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return got
}

// features makes lead_features with 250,000 leads of run r1, every second one
// well reviewed, and one of run r2.
const features = "create table lake.candidates.lead_features as select case when i < 250000 then 'r1' else 'r2' end as run_id, 'lead-' || i as lead_id, 'ecommerce' as vertical, case when i % 2 = 0 then 4.6 end::double as rating, 152::bigint as review_count, true as has_website, false as is_domain_verified, ['Shopify'] as tech_signals, null::varchar as employees_range, 7.3::double as distance_km, false as has_email_on_domain, true as has_phone, false as is_phone_toll_free, 1::bigint as source_count, true as has_address, false as has_hours, null::varchar as category, null::varchar as revenue_range, null::bigint as funding_usd, null::bigint as age_years, 0::bigint as tech_count, 0::bigint as email_count, false as has_verified_email, 0::bigint as social_count, null::bigint as leads_nearby, null::boolean as is_changed_lately from range(250001) as r(i)"

const digest = "select md5(string_agg(s::varchar, '|' order by lead_id)) from lake.candidates.lead_scores as s where run_id = 'r1'"

func TestScoreRun(t *testing.T) {
	t.Parallel()
	l, s := setup(t)
	r := baseline(t, memory.DefaultAllocator)
	if _, err := ScoreRun(t.Context(), l, "r1", r, nil); leadlake.ErrorCode(err) != leadlake.NotFound {
		t.Fatalf("without features: %v, want NotFound", err)
	}
	exec(t, s, features)
	for _, run := range []string{"r1", "r2", "no such run"} {
		var last int64
		rows, err := ScoreRun(t.Context(), l, run, r, func(n int64) { last = n })
		want := map[string]int64{"r1": 250_000, "r2": 1}[run]
		if err != nil || rows != want || last != want {
			t.Fatalf("%s: %d rows, progress %d, error %v, want %d", run, rows, last, err, want)
		}
	}
	const summary = "select string_agg(run_id || ' ' || lead_score || ' ' || tier || ' ' || score_explanations[1] || ' ' || n, ', ' order by run_id, lead_score) from (select run_id, lead_score, tier, score_explanations, count(*) as n from lake.candidates.lead_scores group by all)"
	want := "r1 30 C shop runs on Shopify (+10) 125000, r1 55 B 152 reviews at 4.6 (+25) 125000, r2 55 B 152 reviews at 4.6 (+25) 1"
	if got := text(t, s, summary); got != want {
		t.Errorf("scores: %s\nwant:   %s", got, want)
	}
	before := text(t, s, digest)
	if rows, err := ScoreRun(t.Context(), l, "r1", r, nil); err != nil || rows != 250_000 {
		t.Fatalf("again: %d rows, %v", rows, err)
	}
	if after := text(t, s, digest); after != before {
		t.Error("a second run changed the scores")
	}
	if left := text(t, s, "select count(*)::varchar from duckdb_tables() where table_name like 'scored_%'"); left != "0" {
		t.Errorf("%s scratch tables are left", left)
	}
}

// short is a scorer that loses rows.
type short struct{ *Rules }

func (s short) Score(ctx context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error) {
	part := in.NewSlice(0, in.NumRows()-1)
	defer part.Release()
	return s.Rules.Score(ctx, part)
}

func TestScoreRunKeepsOldScoresWhereItFails(t *testing.T) {
	t.Parallel()
	l, s := setup(t)
	r := baseline(t, memory.DefaultAllocator)
	exec(t, s, features)
	if _, err := ScoreRun(t.Context(), l, "r1", r, nil); err != nil {
		t.Fatal(err)
	}
	before := text(t, s, digest)
	if _, err := ScoreRun(t.Context(), l, "r1", short{r}, nil); err == nil || !strings.Contains(err.Error(), "rows for") {
		t.Errorf("scorer that loses rows: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := ScoreRun(ctx, l, "r1", r, func(int64) { cancel() }); err == nil {
		t.Error("cancelled in the middle, yet no error")
	}
	exec(t, s, "alter table lake.candidates.lead_features rename column rating to stars")
	_, err := ScoreRun(t.Context(), l, "r1", r, nil)
	if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(fmt.Sprint(err), "column rating is missing") {
		t.Errorf("renamed column: %v", err)
	}
	if after := text(t, s, digest); after != before {
		t.Error("a failed run changed the scores")
	}
}
