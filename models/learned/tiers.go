package learned

import "github.com/leadlake/leadlake/models/metrics"

// Of the odds of a conversion among all leads: from how many times on a lead
// is in tier A, and in tier B.
const (
	tierA = 2.5
	tierB = 1
)

// TiersOf cuts scores where the expected conversion is well above that of all
// leads, or at least as high, and says what the leads of each tier came to.
func TiersOf(scores []int32, labels []bool) []Tier {
	hits := 0
	for _, l := range labels {
		if l {
			hits++
		}
	}
	odds := float64(hits) / max(1, float64(len(labels)-hits))
	tiers := []Tier{
		{Name: "A", Min: toScore(tierA * odds / (1 + tierA*odds))},
		{Name: "B", Min: toScore(tierB * odds / (1 + tierB*odds))},
		{Name: "C"},
	}
	// Scores are whole: the steps must stay apart, and above 0.
	tiers[1].Min = min(max(tiers[1].Min, 1), 98)
	tiers[0].Min = max(tiers[0].Min, tiers[1].Min+1)
	for i := range tiers {
		t := &tiers[i]
		converted := 0
		for row, score := range scores {
			if score >= t.Min && (i == 0 || score < tiers[i-1].Min) {
				t.Leads++
				if labels[row] {
					converted++
				}
			}
		}
		if t.Leads > 0 {
			t.Rate = float64(converted) / float64(t.Leads)
		}
		t.Low, t.High = metrics.Wilson(converted, t.Leads)
	}
	return tiers
}
