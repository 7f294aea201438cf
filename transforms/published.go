package transforms

import (
	"context"
	"fmt"

	"github.com/leadlake/leadlake/lake"
)

// publishedTable is a table of marts that may not be there yet, or may be of a
// release that did not have all of its columns.
type publishedTable struct{ name, columns string }

// publishedTables are those that tell who a lead is.
var publishedTables = [...]publishedTable{
	{"leads", "campaign_id varchar, lead_id varchar, run_id varchar, name varchar, created_at timestamptz, updated_at timestamptz, content_hash ubigint"},
	{"lead_records", "campaign_id varchar, lead_id varchar, run_id varchar, provider varchar, provider_key varchar, fetched_at timestamptz, is_representative boolean, is_answer boolean, home_id varchar, own_records bigint"},
	{"entity_redirects", "campaign_id varchar, from_lead_id varchar, to_lead_id varchar, reason varchar, run_id varchar, ended_at timestamptz, created_at timestamptz, records struct(provider varchar, provider_key varchar)[]"},
	{"runs", "campaign_id varchar, run_id varchar, published_at timestamptz"},
}

// viewPublished makes a view temp.published_<table> over each of these, which
// has at least the columns named above.
func viewPublished(ctx context.Context, s *lake.Session) error {
	for _, table := range publishedTables {
		empty := "temp.no_" + table.name
		view := "create or replace temp view published_" + table.name + " as select * from " + empty
		var found int
		const known = "select count(*) from duckdb_tables() where database_name = 'lake' and schema_name = 'marts' and table_name = $1"
		err := s.QueryRow(ctx, known, table.name).Scan(&found)
		if found > 0 {
			view += " union all by name select * from lake.marts." + table.name
		}
		for _, statement := range []string{"create or replace temp table no_" + table.name + " (" + table.columns + ")", view} {
			if err == nil {
				err = s.Exec(ctx, statement)
			}
		}
		if err != nil {
			return fmt.Errorf("view marts.%s: %w", table.name, err)
		}
	}
	return nil
}

// buildPublished makes a table of what the campaign's published state knows of
// its leads. It reads the marts as they are, outside the graph of models: they
// are made from what this run makes of it.
func buildPublished(ctx context.Context, s *lake.Session, query string) error {
	if err := viewPublished(ctx, s); err != nil {
		return err
	}
	return runQuery(ctx, s, query)
}
