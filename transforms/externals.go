package transforms

import (
	"context"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Externals is the list of the tables that Go makes between models. The links
// are those that stand in the run's campaign.
func Externals(links ...leadlake.Link) []External {
	return []External{
		{
			Table:   "intermediate.int_contacts",
			Columns: "record_id bigint, phone varchar, phone_type varchar, is_phone_toll_free boolean, phone_tail varchar, website varchar, domain varchar, email varchar, email_domain varchar, page varchar",
			Reads:   []string{"intermediate.int_records_kept"},
			Build:   Contacts,
		},
		{
			Table:   "intermediate.int_name_tokens",
			Columns: "record_id bigint, name_key varchar, words varchar[], tokens bigint[], rare_tokens bigint[], name_weight bigint, initials varchar, letters varchar",
			Reads:   []string{"intermediate.int_names", "intermediate.int_records_kept"},
			Build:   NameTokens,
		},
		{
			Table:   "intermediate.int_match_weights",
			Columns: "comparison varchar, level integer, weight double, default_weight double, meaning varchar",
			Reads:   []string{"intermediate.int_patterns"},
			Build:   MatchWeights,
		},
		matchModelTable(unchosenModel),
		{
			Table:   "intermediate.int_links",
			Columns: "left_id bigint, right_id bigint, is_match boolean, link_id varchar, who varchar, why varchar, made_at timestamptz",
			Reads:   []string{"intermediate.int_records_kept"},
			Build:   func(ctx context.Context, s *lake.Session) error { return buildLinks(ctx, s, links) },
		},
		{
			Table:   "intermediate.int_clusters",
			Columns: "record_id bigint, cluster_id bigint",
			Reads:   []string{"intermediate.int_edges", "intermediate.int_links", "intermediate.int_records_kept"},
			Build:   Cluster,
		},
		cutsTable(),
		{
			Table:   "intermediate.int_published_records",
			Columns: "lead_id varchar, provider varchar, provider_key varchar, home_id varchar, own_records bigint",
			Build:   func(ctx context.Context, s *lake.Session) error { return buildPublished(ctx, s, "published_records") },
		},
		{
			Table:   "intermediate.int_published_leads",
			Columns: "lead_id varchar, is_living boolean, created_at timestamptz, updated_at timestamptz, content_hash ubigint, to_lead_id varchar, reason varchar, run_id varchar, ended_at timestamptz",
			Build:   func(ctx context.Context, s *lake.Session) error { return buildPublished(ctx, s, "published_leads") },
		},
	}
}
