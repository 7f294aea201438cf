package models

import (
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

const goodRules = `version: 1.0.0
tiers: [{tier: A, min: 60}, {tier: B, min: 35}, {tier: C, min: 0}]
rules:
  - id: near
    points: 10
    verticals: [ecommerce]
    when:
      - {feature: distance_km, op: lte, value: 25}
    because: "{distance_km} km away"
`

func TestBadRuleFileNamesFileAndLine(t *testing.T) {
	t.Parallel()
	if _, err := ParseRules("good.yaml", []byte(goodRules)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ old, new, want string }{
		{"points: 10", "point: 10", "line 5"},
		{"points: 10", "points: 0", "line 5: points 0"},
		{"points: 10", "points: -5", "line 5: points -5"},
		{"points: 10", "points: ten", `line 5: want a whole number, not "ten"`},
		{"id: near", "id: ''", "line 4: rule id"},
		{"distance_km, op", "distance, op", `line 8: feature "distance" is unknown`},
		{"distance_km, op", "lead_id, op", `line 8: feature "lead_id" is unknown`},
		{"op: lte", "op: has", `line 8: op "has" does not fit distance_km, which is double`},
		{"value: 25", "value: far", "line 8: distance_km lte: want a number"},
		{"value: 25", "value: null", "want a number"},
		{", value: 25", "", "line 8: distance_km lte: want a number"},
		{"distance_km, op: lte, value: 25", "has_phone, op: is, value: 1", "line 8: has_phone is: want true or false"},
		{"distance_km, op: lte, value: 25", "vertical, op: in, value: other", "line 8: vertical in: want a list"},
		{"distance_km, op: lte, value: 25", "tech_signals, op: has, value: [a]", "line 8: tech_signals has: want a text"},
		{"[ecommerce]", "[shops]", `line 6: vertical "shops"`},
		{"{distance_km} km", "{km} km", `line 9: because: feature "km" is unknown`},
		{"{distance_km} km", "{has_phone} km", "line 9: because: has_phone is boolean"},
		{"{distance_km} km", "{distance_km km", "line 9: because: a brace"},
		{"min: 60", "min: 30", "line 2: tier B: min 35: want 0 to 29"},
		{"min: 0}", "min: 1}", "line 2: tier C: min 1: want 0"},
		{"tier: B", "tier: D", `line 2: tier "D": want B here`},
		{"version: 1.0.0\n", "", "version"},
		{goodRules, "", "the file is empty"},
		{goodRules, goodRules + "---\na: b\n", "one YAML document"},
		{goodRules, goodRules + goodRules[strings.Index(goodRules, "  - id"):], `line 10: rule id "near"`},
	} {
		text := strings.Replace(goodRules, tc.old, tc.new, 1)
		_, err := ParseRules("bad.yaml", []byte(text))
		if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "bad.yaml") {
			t.Errorf("%q for %q: %v, want Invalid with bad.yaml and %q", tc.new, tc.old, err, tc.want)
		}
	}
}

func TestAnotherFileIsAnotherVersion(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, text := range []string{goodRules, strings.Replace(goodRules, "10", "11", 1), strings.Replace(goodRules, "1.0.0", "1.0.1", 1)} {
		r, err := ParseRules("r.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		names[r.Name()] = true
		if !strings.HasPrefix(r.Name(), "rules@1.0.") {
			t.Errorf("name %q", r.Name())
		}
	}
	if len(names) != 3 {
		t.Errorf("three files have names %v", names)
	}
}

func TestTierLimits(t *testing.T) {
	t.Parallel()
	r := baseline(t, nil)
	for score, want := range map[int32]string{100: "A", 60: "A", 59: "B", 35: "B", 34: "C", 0: "C"} {
		if got := r.tier(score); got != want {
			t.Errorf("tier of %d = %s, want %s", score, got, want)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add([]byte(goodRules))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseRules("fuzz.yaml", text)
		if (r == nil) == (err == nil) {
			t.Errorf("rules %v with error %v", r, err)
		}
	})
}
