package models

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// fact is something that may be learnt about a lead, as features see it.
type fact struct {
	name     string   // as sources call what they give
	unknown  string   // SQL: when a lead lacks it
	features []string // what changes with it
}

// facts lists what can be bought. An example is a lead of the run that has the
// fact; what it says of the fact takes the place of what is unknown.
var facts = [...]fact{
	{"website", "not has_website", []string{"has_website", "is_domain_verified"}},
	{"phone", "not has_phone", []string{"has_phone", "is_phone_toll_free"}},
	{"email", "email_count = 0", []string{"email_count", "has_email_on_domain", "has_verified_email"}},
	{"reviews", "review_count is null", []string{"review_count", "rating"}},
	{"employees", "employees_range is null", []string{"employees_range"}},
	{"revenue", "revenue_range is null", []string{"revenue_range"}},
	{"founded_year", "age_years is null", []string{"age_years"}},
	{"funding", "funding_usd is null", []string{"funding_usd"}},
	{"tech", "tech_count = 0", []string{"tech_count", "tech_signals"}},
	{"social", "social_count = 0", []string{"social_count"}},
	{"hours", "not has_hours", []string{"has_hours"}},
	{"address", "not has_address", []string{"has_address"}},
	{"category", "category is null", []string{"category"}},
}

// examples of a fact that a lead is rescored with.
const examples = 40

// Move is what learning one fact would do to a lead's score. The fact's likely
// values are those that other leads of the run have.
type Move struct {
	Fact       string   `json:"fact"`
	Examples   int      `json:"examples"`
	Change     float64  `json:"change"`      // of the score, on average
	TierChange float64  `json:"tier_change"` // share of likely values that change the tier
	Best       int32    `json:"best"`        // score with the best of them
	Features   []string `json:"features"`
}

// Moves says which unknown facts would change the score of a lead most: the
// lead is scored again with the values that other leads have in their place.
// Tier and score are those that it has now.
func Moves(ctx context.Context, l *lake.Lake, s Scorer, runID, leadID string) (moves []Move, score int32, tier string, err error) {
	session, err := l.Session(ctx)
	if err != nil {
		return nil, 0, "", fmt.Errorf("look for moves: %w", err)
	}
	defer session.Close()
	of := fmt.Sprintf("run_id = %s and lead_id = %s", lake.Quote(runID), lake.Quote(leadID))
	now, err := scoresOf(ctx, session, s, "select * from lake.candidates.lead_features where "+of)
	if err != nil {
		return nil, 0, "", err
	}
	if len(now) == 0 {
		return nil, 0, "", leadlake.Errorf(leadlake.NotFound, "run %s has no lead %s with features", runID, leadID)
	}
	score, tier = now[0].score, now[0].tier
	for _, f := range facts {
		then, err := scoresOf(ctx, session, s, f.query(runID, of))
		if err != nil {
			return nil, 0, "", err
		}
		if len(then) == 0 {
			continue
		}
		m := Move{Fact: f.name, Examples: len(then), Features: f.features}
		for _, one := range then {
			m.Change += float64(one.score-score) / float64(len(then))
			if one.tier != tier {
				m.TierChange += 1 / float64(len(then))
			}
			m.Best = max(m.Best, one.score)
		}
		moves = append(moves, m)
	}
	slices.SortStableFunc(moves, func(a, b Move) int {
		return cmp.Or(cmp.Compare(b.TierChange, a.TierChange), cmp.Compare(math.Abs(b.Change), math.Abs(a.Change)))
	})
	return moves, score, tier, nil
}

// query gives the lead once for each example of the fact, as it would be with
// it; nothing where the lead has the fact already. Which leads are examples
// follows from their ids, so that the answer stays the same.
func (f fact) query(runID, of string) string {
	var replaced []string
	for _, feature := range f.features {
		replaced = append(replaced, "e."+feature+" as "+feature)
	}
	return fmt.Sprintf(`with lead as (select * from lake.candidates.lead_features where %s and (%s)),
		examples as (select * from lake.candidates.lead_features where run_id = %s and not (%s) order by md5(lead_id) limit %d)
		select l.* replace (%s) from lead as l cross join examples as e`,
		of, f.unknown, lake.Quote(runID), f.unknown, examples, strings.Join(replaced, ", "))
}

type scoredRow struct {
	score int32
	tier  string
}

func scoresOf(ctx context.Context, session *lake.Session, s Scorer, query string) (rows []scoredRow, err error) {
	err = session.Batches(ctx, query, func(b arrow.RecordBatch) error {
		out, err := s.Score(ctx, b)
		if err != nil {
			return err
		}
		defer out.Release()
		scores, tiers := column(out, "lead_score").(*array.Int32), column(out, "tier").(*array.String)
		for i := range int(out.NumRows()) {
			rows = append(rows, scoredRow{scores.Value(i), strings.Clone(tiers.Value(i))})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for moves: %w", err)
	}
	return rows, nil
}
