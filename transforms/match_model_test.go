package transforms

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func shippedModel(t *testing.T) MatchModel {
	t.Helper()
	m, err := DefaultMatchModel()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// planted draws pairs whose levels follow the model's shares, but for the
// comparisons named, which follow others.
func planted(m MatchModel, d *rand.Rand, n int, matches float64, other map[string][2][]float64) []pattern {
	out := make([]pattern, n)
	for k := range out {
		side := 1
		if d.Float64() < matches {
			side = 0
		}
		out[k].pairs = 1
		for _, c := range m.Comparisons {
			shares := shares(c, 1, side)
			if planted, ok := other[c.Name]; ok {
				shares = planted[side]
			}
			level, x := max(c.Null, 0), d.Float64()
			for l, p := range shares {
				if x -= p; x < 0 {
					level = l
					break
				}
			}
			out[k].levels = append(out[k].levels, level)
		}
	}
	return out
}

func TestEM_recovers_what_is_planted(t *testing.T) {
	t.Parallel()
	m := shippedModel(t)
	// Phones that mean nothing, as in a mall with one switchboard.
	useless := []float64{0, 0.5, 0, 0, 0, 0.5, 0, 0}[:len(m.Comparisons[7].Levels)]
	patterns := planted(m, rand.New(rand.NewPCG(1, 1)), 40_000, 0.2, map[string][2][]float64{"phone": {useless, useless}})
	before, after := m.Comparisons[7].Levels, m.adapt(patterns).Comparisons[7].Levels
	if before[5].Weight-after[5].Weight < emReach/2-0.01 {
		t.Errorf("a shared phone that tells nothing weighs %.2f, by default %.2f: it did not lose what EM may take", after[5].Weight, before[5].Weight)
	}
	// Data like those that the model was trained on leave it about as it is.
	same := m.adapt(planted(m, rand.New(rand.NewPCG(2, 2)), 40_000, 0.2, nil))
	for i, c := range same.Comparisons {
		for l, level := range c.Levels {
			if moved := math.Abs(level.Weight - m.Comparisons[i].Levels[l].Weight); moved > emReach/2+1e-9 || !c.Adapts && moved != 0 {
				t.Errorf("%s %d moved by %.2f", c.Name, l, moved)
			}
		}
	}
}

func TestAdapt_is_independent_of_earlier_use(t *testing.T) {
	t.Parallel()
	m := shippedModel(t)
	patterns := planted(m, rand.New(rand.NewPCG(3, 3)), 2_000, 0.3, nil)
	first, second := m.adapt(patterns), m.adapt(patterns)
	if string(first.JSON()) != string(second.JSON()) {
		t.Error("the same patterns gave two models")
	}
	if string(m.JSON()) != string(shippedModel(t).JSON()) {
		t.Error("adapting changed the model it started from")
	}
}

func TestTraining_recovers_planted_weights(t *testing.T) {
	t.Parallel()
	d := rand.New(rand.NewPCG(4, 4))
	want := []float64{2, -1.5, 0.5, -1} // the last is the intercept
	var rows []trainingRow
	for range 20_000 {
		row := trainingRow{features: []int{3}}
		z := want[3]
		for f := range 3 {
			if d.IntN(2) == 0 {
				row.features = append(row.features, f)
				z += want[f]
			}
		}
		if d.Float64() < 1/(1+math.Exp(-z)) {
			row.matches = 1
		} else {
			row.others = 1
		}
		rows = append(rows, row)
	}
	for f, w := range logistic(rows, make([]float64, 4)) {
		if math.Abs(w-want[f]) > 0.1 {
			t.Errorf("weight %d is %.3f, planted %.3f", f, w, want[f])
		}
	}
}

func TestTraining_keeps_what_is_expected_where_it_sees_nothing(t *testing.T) {
	t.Parallel()
	want := []float64{3, -2, 0}
	for f, w := range logistic(nil, want) {
		if math.Abs(w-want[f]) > 1e-6 {
			t.Errorf("weight %d is %.3f, expected %.3f", f, w, want[f])
		}
	}
}

func TestShippedModel_is_sane(t *testing.T) {
	t.Parallel()
	m := shippedModel(t)
	at := map[string][]MatchLevel{}
	for _, c := range m.Comparisons {
		at[c.Name] = c.Levels
		if c.Null >= 0 && c.Levels[c.Null].Weight != 0 {
			t.Errorf("%s: what is missing weighs %.2f", c.Name, c.Levels[c.Null].Weight)
		}
	}
	for _, claim := range []struct {
		what       string
		more, less float64
	}{
		{"an equal name against another", at["name"][29].Weight, at["name"][0].Weight},
		{"a rare name against a common one", at["name"][29].Weight, at["name"][27].Weight},
		{"25 m against 2 km", at["distance"][1].Weight, at["distance"][7].Weight},
		{"the same address against another street", at["address"][6].Weight, at["address"][1].Weight},
		{"the same phone against another", at["phone"][5].Weight, at["phone"][1].Weight},
		{"one's own phone against a switchboard's", at["phone"][5].Weight, at["phone"][6].Weight},
		{"the same domain against another", at["web"][7].Weight, at["web"][1].Weight},
	} {
		if claim.more <= claim.less {
			t.Errorf("%s: %.2f is not more than %.2f", claim.what, claim.more, claim.less)
		}
	}
	// Neighbours: nothing but the place in common.
	if w := m.Prior + at["name"][0].Weight + at["rest"][3].Weight + at["distance"][8].Weight + at["address"][7].Weight; w > -2 {
		t.Errorf("unlike names at one address weigh %.2f", w)
	}
}

func TestParseMatchModel_refuses_another_shape(t *testing.T) {
	t.Parallel()
	text := string(shippedModel(t).JSON())
	for _, bad := range []string{"{", "{}", strings.Replace(text, `"name": "phone"`, `"name": "fax"`, 1)} {
		if _, err := ParseMatchModel([]byte(bad)); err == nil {
			t.Errorf("a model that begins %.20q was read", bad)
		}
	}
}
