package models

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leadlake/leadlake"
)

func TestMoves_the_fact_that_changes_the_tier_comes_first_and_what_is_known_is_not_listed(t *testing.T) {
	t.Parallel()
	l, s := setup(t)
	r := baseline(t, memory.DefaultAllocator)
	exec(t, s, features) // every second lead has a rating, all have reviews and a phone
	exec(t, s, "insert into lake.candidates.lead_features by name select * replace ('bare' as lead_id, false as has_phone, null as review_count, null as rating, null as is_phone_toll_free) from lake.candidates.lead_features where run_id = 'r1' and lead_id = 'lead-1'")
	moves, score, tier, err := Moves(t.Context(), l, r, "r1", "bare")
	if err != nil {
		t.Fatal(err)
	}
	if score != 20 || tier != "C" {
		t.Errorf("now %d, %s", score, tier)
	}
	if len(moves) != 2 || moves[0].Fact != "reviews" || moves[0].TierChange <= 0.2 || moves[0].Best != 45 || moves[1].Fact != "phone" || moves[1].Change != 10 || moves[1].TierChange != 0 {
		t.Errorf("%+v", moves)
	}
	again, _, _, err := Moves(t.Context(), l, r, "r1", "bare")
	if err != nil || len(again) != 2 || again[0].Change != moves[0].Change {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	if _, _, _, err := Moves(t.Context(), l, r, "r1", "nobody"); leadlake.ErrorCode(err) != leadlake.NotFound {
		t.Errorf("no such lead: %v", err)
	}
}
