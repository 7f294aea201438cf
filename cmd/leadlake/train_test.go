package main

import (
	"context"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/models/train"
)

// labels makes what feedback keeps: a lead a row, whose outcome follows from
// whether it has a street address, a hundred delivered a day.
const labels = `create or replace table lake.marts.lead_labels as
	select f.* exclude (lead_id, run_id, vertical, has_address, review_count), 'r' as run_id, 'l' || i as lead_id, 'other' as vertical,
		i % 2 = 0 as has_address, cast(i % 97 as bigint) as review_count,
		cast(hash(i) % 100 < case when i % 2 = 0 then 5 else 40 end as integer) as label,
		timestamptz '2026-10-01 08:00:00+00' + to_days(cast(i // 100 as integer)) as delivered_at
	from range(%ROWS%) as r(i), (select * from lake.candidates.lead_features limit 1) as f`

func (s shop) label(t *testing.T, rows string) {
	t.Helper()
	l, err := lake.Open(t.Context(), lake.Config{Home: s.env["LEADLAKE_HOME"]})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	session, err := l.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := session.Commit(t.Context(), func(ctx context.Context) error {
		return session.Exec(ctx, strings.ReplaceAll(labels, "%ROWS%", rows))
	}); err != nil {
		t.Fatal(err)
	}
}

func (s shop) scoredBy(t *testing.T) string {
	t.Helper()
	rows := s.rows(t, "select distinct score_model from marts.leads")
	if len(rows) != 1 {
		t.Fatalf("scored by %v", rows)
	}
	return rows[0]["score_model"].(string)
}

func TestTrain_a_model_that_wins_scores_the_next_run_and_can_be_rolled_back(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	list := s.write(t, "shops.csv", shopList)
	s.runList(t, list)

	got := invoke(t, s.env, "train", "--vertical", "other")
	if got.code != exitNotFound || !strings.Contains(got.stderr, "leadlake feedback") {
		t.Fatalf("without outcomes: exit %d, %s", got.code, got.stderr)
	}
	s.label(t, "60")
	if got = invoke(t, s.env, "train", "--vertical", "other"); got.code != exitUsage || !strings.Contains(got.stderr, "are missing") {
		t.Fatalf("with few outcomes: exit %d, %s", got.code, got.stderr)
	}

	s.label(t, "3000")
	var out trained
	mustDecode(t, s.do(t, "train", "--vertical", "other", "--as", "jo", "--no-xgboost", "--json").stdout, &out)
	if !out.Promoted || out.Gain < 0.1 || out.Version == "" {
		t.Fatalf("%+v", out.Report)
	}
	s.runList(t, list)
	if got := s.scoredBy(t); got != "logistic@"+out.Version {
		t.Errorf("scored by %s after the training of %s", got, out.Version)
	}
	reasons := s.rows(t, "select unnest(score_explanations) as reason from marts.leads")
	if last := reasons[len(reasons)-1]["reason"].(string); !strings.HasPrefix(last, "where every lead starts (") {
		t.Errorf("reasons %v", reasons)
	}

	var measures []train.Measure
	mustDecode(t, s.do(t, "model", "health", "other", "--json").stdout, &measures)
	if kept := s.rows(t, "select count(*) as n from marts.model_health"); len(measures) < 4 || int(kept[0]["n"].(float64)) != len(measures) {
		t.Errorf("measured %+v, kept %v", measures, kept)
	}

	s.do(t, "model", "rollback", "other", "--as", "jo", "--why", "a test")
	s.runList(t, list)
	if got := s.scoredBy(t); !strings.HasPrefix(got, "rules@") {
		t.Errorf("scored by %s after rolling back", got)
	}
	var versions []modelVersion
	mustDecode(t, s.do(t, "model", "list", "--json").stdout, &versions)
	if len(versions) != 2 || !versions[0].Champion || versions[1].Version != out.Version || versions[1].CreatedBy != "jo" {
		t.Errorf("%+v", versions)
	}
	s.do(t, "model", "promote", "other", out.Version, "--as", "jo")
	var shown modelShown
	mustDecode(t, s.do(t, "model", "show", "other", out.Version, "--json").stdout, &shown)
	if len(shown.Promotions) != 2 || len(shown.Tiers) != 3 {
		t.Errorf("%+v", shown)
	}
}
