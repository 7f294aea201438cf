package transforms

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
)

// Two campaigns see the same lists, one resolves what changed alone.
func TestCandidates_by_a_match_state_are_those_of_all_records(t *testing.T) {
	t.Parallel()
	whole, state := newCampaign(t), newCampaign(t)
	path := filepath.Join(t.TempDir(), "match.duckdb")
	twin := source{"list", "b3", "", `{"name": "Ace Plumbing Inc", "street": "1 Main Street", "city": "Denver", "region": "CO", "postal": "80202", "phone": "(303) 555-0100", "website": "ace.example"}`}
	other := source{"list", "a9", "", `{"name": "Cedar Dental", "street": "9 Oak Rd", "city": "Boulder", "region": "CO", "postal": "80301", "phone": "303-555-0199"}`}
	answer := source{"pdl", "ace", "b1", chain}
	links := []leadlake.Link{told(1, leadlake.LinkMust, "b2", "a9")}
	for day, run := range []struct {
		name    string
		records []source
		links   []leadlake.Link
	}{
		{"first", []source{denver, boulder, answer}, nil},
		{"others come and people speak", []source{denver, boulder, answer, twin, other}, links},
		{"the subject goes", []source{boulder, twin, other}, links},
	} {
		for _, c := range []*campaign{whole, state} {
			c.ingest(run.name, run.records...)
			params := c.params(run.name)
			params.Links = run.links
			params.Run.StartedAt = time.Date(2026, 1, 1+day, 0, 0, 0, 0, time.UTC)
			if c == state {
				params.MatchState = path
			}
			if _, err := Candidates(t.Context(), c.lake, params, nil); err != nil {
				t.Fatalf("%s: %v", run.name, err)
			}
		}
		for _, query := range []string{
			"select string_agg(l::varchar, chr(10) order by lead_id) from (select * from candidates.leads where run_id = '" + run.name + "') as l",
			"select string_agg(l::varchar, chr(10) order by provider, provider_key, is_answer) from (select * from candidates.lead_records where run_id = '" + run.name + "') as l",
			"select string_agg(concat_ws(' ', left_key, right_key, decided_by, link_id), ', ' order by left_key, right_key) from candidates.merge_graph where run_id = '" + run.name + "'",
		} {
			want, got := whole.text(query), state.text(query)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s: %s", run.name, query, diff)
			}
		}
	}
	if got := state.text("select count(*) from candidates.merge_graph"); got == "0" {
		t.Error("nothing ever matched")
	}
}
