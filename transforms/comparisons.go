package transforms

import "fmt"

// comparisons are what int_pairs_compared compares, in the order of its
// pattern, with what each level means. Weights are in match_model.json.
//
// Name and number take part in EM with the shares of the training pairs; rest, unit
// and web repeat what these say in other words, so EM, which takes comparisons
// for independent, leaves them out.
//
// A weight that is set here is not learnt. A word for a part of a business on
// one side only outweighs all else: an ATM has its bank's name, address, phone
// and site, and those four are one piece of evidence. What an answer of a
// provider weighs depends on how sure the provider is.
var comparisons = []Comparison{
	{Name: "name", Null: 30, Levels: nameLevels()},
	{Name: "rest", Null: -1, Levels: meanings("all words of the shorter name are in the other", "little of it is not", "a word of it is not", "much of it is not")},
	{Name: "number", Null: -1, Levels: meanings("no number on one side alone", "another number", "a number on one side")},
	{Name: "unit", Null: -1, Levels: []MatchLevel{
		{Meaning: "no part of a business on one side alone"},
		{Meaning: "a part of the business on one side", Weight: -12, Set: true},
		{Meaning: "another part of the business", Weight: -12, Set: true},
	}},
	{Name: "distance", Adapts: true, Levels: meanings("unknown", "under 25 m", "under 60 m", "under 120 m", "under 250 m", "under 600 m", "under 2 km", "2 km and more", "near, of an unlike name")},
	{Name: "address", Adapts: true, Levels: meanings("unknown", "another street", "the street, a number missing", "the street, another number", "number and nearly the street", "the number, the street unclear", "the same", "the same, of an unlike name")},
	{Name: "area", Adapts: true, Levels: meanings("unknown, or places are known", "another postal code", "the postal district", "the postal code", "another city", "nearly the city", "the city")},
	{Name: "phone", Adapts: true, Levels: meanings("unknown", "another", "all but the last three digits", "a digit off", "the last seven digits", "the same", "the same, which many have")},
	{Name: "web", Levels: meanings("unknown", "another domain", "nearly the domain", "the same page", "a chain's domain, another page", "a chain's domain", "the domain, another page", "the same domain")},
	{Name: "asked", Levels: []MatchLevel{
		{Meaning: "not asked about"},
		{Meaning: "asked about, unlikely", Weight: 0, Set: true},
		{Meaning: "asked about, possible", Weight: 4, Set: true},
		{Meaning: "asked about, likely", Weight: 7, Set: true},
		{Meaning: "asked about, sure", Weight: 9, Set: true},
	}},
}

// expected are the weights that training starts from and returns to where it
// sees few pairs, in bits; 0 where none is given.
var expected = map[string][]float64{
	"unit": {0, -3, -3},
	"web":  {0, -2, 1, 4, -2, 0.5, 0.5, 3},
}

func meanings(texts ...string) []MatchLevel {
	out := make([]MatchLevel, len(texts))
	for i, t := range texts {
		out[i].Meaning = t
	}
	return out
}

// nameLevels cross ten levels of likeness with three of how rare the shared
// words are, which is the adjustment for term frequency.
func nameLevels() []MatchLevel {
	likeness := []string{
		"another", "hardly alike", "somewhat alike", "mostly alike", "within the longer", "its initials",
		"within it or nearly the same", "nearly the same", "the same words", "the same",
	}
	rarity := []string{"common words", "ordinary words", "rare words"}
	var out []MatchLevel
	for _, l := range likeness {
		for _, r := range rarity {
			out = append(out, MatchLevel{Meaning: fmt.Sprintf("%s, %s", l, r)})
		}
	}
	return append(out, MatchLevel{Meaning: "unknown"})
}
