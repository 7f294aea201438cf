package crm

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// sold is a business of the sandbox's city, whether it would qualify within two
// weeks, and what two ways of scoring make of it.
type sold struct {
	yes          bool
	seen, byRule float64
}

// auc is the chance that one that qualifies has a higher score than one that
// does not; half where they are equal.
func auc(all []sold, score func(sold) float64) float64 {
	all = slices.SortedFunc(slices.Values(all), func(a, b sold) int { return cmp.Compare(score(a), score(b)) })
	var wins, below, yes float64
	for i := 0; i < len(all); {
		j, ties := i, 0.0
		for ; j < len(all) && score(all[j]) == score(all[i]); j++ {
			if !all[j].yes {
				ties++
			}
		}
		for _, s := range all[i:j] {
			if s.yes {
				wins, yes = wins+below+ties/2, yes+1
			}
		}
		below, i = below+ties, j
	}
	return wins / (yes * below)
}

// top is how many of the best hundred qualify.
func top(all []sold, score func(sold) float64) float64 {
	all = slices.SortedStableFunc(slices.Values(all), func(a, b sold) int { return cmp.Compare(score(b), score(a)) })
	yes := 0.0
	for _, s := range all[:100] {
		if s.yes {
			yes++
		}
	}
	return yes / 100
}

// TestFate_can_be_learnt_and_the_rules_do_not_know_it holds the hidden truth to
// what a rehearsal of training needs: enough conversions, a signal in what
// leadlake sees of a business, and baseline rules that miss most of it.
func TestFate_can_be_learnt_and_the_rules_do_not_know_it(t *testing.T) {
	t.Parallel()
	w, err := world.New(world.Config{Size: 12_000})
	if err != nil {
		t.Fatal(err)
	}
	var all []sold
	for i := range w.Businesses {
		b := &w.Businesses[i]
		if b.Rating < 4 || b.Reviews < 20 || b.Status != world.Open { // as the demo's campaign asks
			continue
		}
		tr := traits{key: "business " + b.ID, reachable: true, Traits: Traits{
			ID: b.ID, Rating: b.Rating, Reviews: b.Reviews, Employees: b.Company.Employees, Tech: len(b.Company.Tech), Founded: b.Company.Founded,
		}}
		for _, profile := range []string{b.Company.LinkedIn, b.Company.Twitter, b.Company.Facebook} {
			if profile != "" {
				tr.Social++
			}
		}
		f := fateOf(tr)
		s := sold{yes: f.qualified > 0 && f.qualified < 14*24*time.Hour}
		// What a lead says: employees in classes, and of every third business nothing
		// but what reviews say.
		known := tr
		for _, class := range []struct{ below, as int }{{11, 4}, {51, 23}, {201, 101}, {math.MaxInt, 317}} {
			if b.Company.Employees < class.below {
				known.Employees = class.as
				break
			}
		}
		if i%3 == 0 {
			known.Employees, known.Tech, known.Founded, known.Social = 8, 1, 0, 1
		}
		s.seen = odds(known)
		// models/rules/baseline.yaml; nearly all are nearby and have a telephone.
		if b.Rating >= 4.3 && b.Reviews >= 50 {
			s.byRule += 25
		}
		if b.Domain != "" {
			s.byRule += 30
		}
		all = append(all, s)
	}
	rate := 0.0
	for _, s := range all {
		if s.yes {
			rate += 1 / float64(len(all))
		}
	}
	seen, byRule := func(s sold) float64 { return s.seen }, func(s sold) float64 { return s.byRule }
	t.Logf("%d businesses, %.1f%% qualify; what is seen: AUC %.3f, top hundred %.2f; the rules: AUC %.3f, top hundred %.2f",
		len(all), 100*rate, auc(all, seen), top(all, seen), auc(all, byRule), top(all, byRule))
	if rate < 0.15 || rate > 0.3 {
		t.Errorf("%.3f of the businesses qualify", rate)
	}
	if a := auc(all, seen); a < 0.75 || a > 0.87 {
		t.Errorf("AUC %.3f by what is seen", a)
	}
	if auc(all, seen) < auc(all, byRule)+0.1 || top(all, seen) < 0.75 || top(all, seen) < top(all, byRule)+0.2 {
		t.Error("the rules are not clearly worse")
	}
}
