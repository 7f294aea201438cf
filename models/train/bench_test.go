package train

import (
	"context"
	"os"
	"testing"

	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/models"
	"github.com/leadlake/leadlake/models/learned"
	"github.com/leadlake/leadlake/models/xgbtrain"
)

// cityLeads is a run of features as they come out of a campaign.
const cityLeads = `create table lake.candidates.lead_features as
	select 'r1' as run_id, md5('a' || i) as lead_id, 'local_services' as vertical,
		case when i % 4 > 0 then 3 + (hash(i, 1) % 20) / 10.0 end::double as rating,
		case when i % 4 > 0 then cast(hash(i, 2) % 400 as bigint) end as review_count,
		hash(i, 3) % 3 > 0 as has_website, hash(i, 4) % 2 = 0 as is_domain_verified,
		list_slice(['Shopify', 'Stripe', 'WordPress', 'React'], 1, cast(hash(i, 5) % 4 as bigint)) as tech_signals,
		['1-10', '11-50', '51-200', null][cast(1 + hash(i, 6) % 4 as bigint)] as employees_range, (hash(i, 7) % 400) / 10.0::double as distance_km,
		hash(i, 8) % 3 = 0 as has_email_on_domain, hash(i, 9) % 5 > 0 as has_phone, hash(i, 10) % 9 = 0 as is_phone_toll_free,
		cast(1 + hash(i, 11) % 4 as bigint) as source_count, true as has_address, hash(i, 12) % 2 = 0 as has_hours,
		['plumber', 'electrician', 'roofer', 'gym', null][cast(1 + hash(i, 13) % 5 as bigint)] as category, null::varchar as revenue_range,
		null::bigint as funding_usd, cast(hash(i, 14) % 60 as bigint) as age_years, cast(hash(i, 5) % 4 as bigint) as tech_count,
		cast(hash(i, 15) % 3 as bigint) as email_count, hash(i, 16) % 4 = 0 as has_verified_email, cast(hash(i, 17) % 4 as bigint) as social_count,
		cast(hash(i, 18) % 50 as bigint) as leads_nearby, null::boolean as is_changed_lately
	from range(300000) as r(i)`

const cityLabels = `create or replace table lake.marts.lead_labels as
	select *, cast(hash(lead_id) % 100 < 8 + review_count / 20 + case when has_website then 0 else 15 end as integer) as label,
		timestamptz '2026-10-01 08:00:00+00' + to_days(cast(row_number() over () // 500 as integer)) as delivered_at
	from (select * from lake.candidates.lead_features limit 20000)`

// BenchmarkScoreRun goes from features in the lake to scores with reasons in
// the lake, by each kind of model.
func BenchmarkScoreRun(b *testing.B) {
	l, err := lake.Open(b.Context(), lake.Config{Home: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	s, err := l.Session(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for _, statement := range []string{cityLeads, cityLabels} {
		if err := s.Commit(b.Context(), func(ctx context.Context) error { return s.Exec(ctx, statement) }); err != nil {
			b.Fatal(err)
		}
	}
	table, err := Read(b.Context(), l, "local_services")
	if err != nil {
		b.Fatal(err)
	}
	defer table.Release()
	rules, err := models.Baseline()
	if err != nil {
		b.Fatal(err)
	}
	python, err := xgbtrain.FindPython(b.Context(), os.Getenv)
	if err != nil {
		b.Log(err)
	}
	learn, tune, test, _ := table.split()
	for _, part := range []*Table{learn, tune, test} {
		defer part.Release()
	}
	candidates, err := fitAll(b.Context(), learn, tune, Options{Vertical: "local_services", Champion: rules, Python: python}, &Report{})
	if err != nil {
		b.Fatal(err)
	}
	scorers := map[string]models.Scorer{"rules": rules}
	for _, c := range candidates {
		scorers[c.Kind] = c.Scorer
	}
	for _, kind := range []string{"rules", learned.Logistic, learned.XGBoost} {
		if scorers[kind] == nil {
			continue
		}
		b.Run(kind, func(b *testing.B) {
			leads := int64(0)
			for b.Loop() {
				n, err := models.ScoreRun(b.Context(), l, "r1", scorers[kind], nil)
				if err != nil {
					b.Fatal(err)
				}
				leads += n
			}
			b.ReportMetric(float64(leads)/b.Elapsed().Seconds(), "leads/s")
		})
	}
}
