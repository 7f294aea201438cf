package evalscore

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// plant adds a column to a table of made-up leads, by row, label and chance.
type plant struct {
	name string
	of   func(r *rand.Rand, row int, label bool) (number float64, text string)
}

var missing = math.NaN()

// made is leads whose outcome four honest columns tell in part.
func made(rows int, seed uint64, plants ...plant) *Table {
	r := rand.New(rand.NewPCG(seed, 3))
	t := &Table{}
	number := func(name string) *Column {
		c := &Column{Name: name, Numbers: make([]float64, rows)}
		t.Columns = append(t.Columns, c)
		return c
	}
	visits, pages, age := number("visits"), number("pages seen"), number("company age")
	source := &Column{Name: "source", Codes: make([]int32, rows), Levels: []string{"search", "referral", "fair"}}
	t.Columns = append(t.Columns, source)
	for row := range rows {
		visits.Numbers[row], pages.Numbers[row], age.Numbers[row] = float64(r.IntN(20)), r.ExpFloat64()*5, float64(r.IntN(50))
		source.Codes[row] = int32(r.IntN(3))
		z := -2 + visits.Numbers[row]/10 + pages.Numbers[row]/8 - age.Numbers[row]/60
		if source.Codes[row] == 1 {
			z += 1.2
		}
		if r.IntN(4) == 0 {
			pages.Numbers[row] = missing
		}
		t.Labels = append(t.Labels, r.Float64() < 1/(1+math.Exp(-z)))
	}
	for _, p := range plants {
		c := &Column{Name: p.name}
		codes := map[string]int32{}
		for row, label := range t.Labels {
			number, text := p.of(r, row, label)
			if text == "" {
				c.Numbers = append(c.Numbers, number)
				continue
			}
			if text == "none" {
				c.Codes = append(c.Codes, -1)
				continue
			}
			code, ok := codes[text]
			if !ok {
				code = int32(len(codes))
				codes[text], c.Levels = code, append(c.Levels, text)
			}
			c.Codes = append(c.Codes, code)
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

func choose(label bool, yes, no float64) float64 {
	if label {
		return yes
	}
	return no
}

func TestFindLeaks_finds_each_kind_of_planted_leak_and_nothing_else(t *testing.T) {
	t.Parallel()
	sometimes := func(r *rand.Rand, p float64) bool { return r.Float64() < p }
	for _, tc := range []struct {
		severity string
		plant
	}{
		{SeverityLeak, plant{"x1", func(r *rand.Rand, _ int, label bool) (float64, string) { // the label, mistyped now and then
			return choose(label != sometimes(r, 0.03), 1, 0), ""
		}}},
		{SeverityLeak, plant{"x2", func(r *rand.Rand, _ int, label bool) (float64, string) { // a day that only buyers have
			return choose(label && sometimes(r, 0.7), 19_000+r.Float64()*100, missing), ""
		}}},
		{SeverityLeak, plant{"x3", func(r *rand.Rand, _ int, label bool) (float64, string) { // why it came to nothing
			if !label && sometimes(r, 0.6) {
				return 0, []string{"price", "timing", "rival"}[r.IntN(3)]
			}
			return 0, "none"
		}}},
		{SeverityLeak, plant{"x4", func(r *rand.Rand, _ int, label bool) (float64, string) { // one value is of buyers alone
			if label && sometimes(r, 0.4) {
				return 0, "green"
			}
			return 0, []string{"blue", "red"}[r.IntN(2)]
		}}},
		{SeverityCheck, plant{"x5", func(r *rand.Rand, _ int, label bool) (float64, string) { // grows while a buyer is spoken to
			return choose(label, 300, 100) * r.ExpFloat64() * (1 + choose(label, 1, 0)), ""
		}}},
		{SeverityLeak, plant{"call_duration", func(r *rand.Rand, _ int, label bool) (float64, string) {
			return choose(label, 300, 100) * r.ExpFloat64() * (1 + choose(label, 1, 0)), ""
		}}},
		{SeverityCheck, plant{"x6", func(r *rand.Rand, _ int, label bool) (float64, string) { // asked of those who stay on the line
			return choose(sometimes(r, choose(label, 0.9, 0.5)), float64(r.IntN(9)), missing), ""
		}}},
		{SeverityLeak, plant{"step", func(r *rand.Rand, _ int, label bool) (float64, string) { // what was done last
			if sometimes(r, choose(label, 0.5, 0.2)) {
				return 0, "SMS sent"
			}
			return 0, []string{"Email opened", "Voicemail", "Form filled in"}[r.IntN(3)]
		}}},
		{SeverityLeak, plant{"leadScoreOfVendor", func(r *rand.Rand, _ int, label bool) (float64, string) {
			return choose(label, 0.5, 0) + r.NormFloat64(), ""
		}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			leaks, err := FindLeaks(made(4000, 7, tc.plant), 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(leaks) != 1 || leaks[0].Column != tc.name || leaks[0].Severity != tc.severity || len(leaks[0].Why) == 0 {
				t.Errorf("found %+v, want one %s", leaks, tc.severity)
			}
		})
	}
}

func TestFindLeaks_two_copies_of_the_answer_do_not_hide_one_another(t *testing.T) {
	t.Parallel()
	copyOf := func(name string) plant {
		return plant{name, func(r *rand.Rand, _ int, label bool) (float64, string) {
			return choose(label != (r.Float64() < 0.05), 3, 1), ""
		}}
	}
	leaks, err := FindLeaks(made(4000, 8, copyOf("x1"), copyOf("x2")), 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(leaks) != 2 {
		t.Errorf("found %+v", leaks)
	}
}

func TestFindLeaks_is_silent_on_honest_tables(t *testing.T) {
	t.Parallel()
	// Names that look like an aftermath, of columns that know nothing.
	noise := func(name string) plant {
		return plant{name, func(r *rand.Rand, _ int, _ bool) (float64, string) { return r.NormFloat64(), "" }}
	}
	for seed := range uint64(5) {
		table := made(1500, 20+seed, noise("last activity"), noise("duration"), noise("marital status"))
		leaks, err := FindLeaks(table, seed)
		if err != nil {
			t.Fatal(err)
		}
		if len(leaks) != 0 {
			t.Errorf("seed %d: found %+v", seed, leaks)
		}
	}
}

func TestWords_are_the_parts_of_a_name(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"Last Notable-Activity": {"last", "notable", "activity"},
		"hs_lead_status":        {"hs", "lead", "status"},
		"LastActivityDate":      {"last", "activity", "date"},
		"emp.var.rate":          {"emp", "var", "rate"},
	} {
		if got := words(name); !slices.Equal(got, want) {
			t.Errorf("%s: %s", name, fmt.Sprint(got))
		}
	}
}
