package opencorporates

import (
	"slices"
	"strings"
	"unicode"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/internal/gazetteer"
	"github.com/leadlake/leadlake/internal/taxonomy"
)

// register is where to search: a jurisdiction such as us_co or gb, or all of a
// country's.
type register struct{ jurisdiction, country string }

func (r register) addTo(params map[string]string) {
	if r.jurisdiction != "" {
		params[jurisdictionParam] = r.jurisdiction
	}
	if r.country != "" {
		params[countryParam] = r.country
	}
}

// registerOf finds the register of a campaign's place. In the United States
// each state has its own.
func registerOf(g leadlake.GeoSpec) (register, error) {
	country := strings.ToLower(strings.TrimSpace(g.Country))
	region := strings.ToLower(strings.TrimSpace(g.Region))
	switch {
	case country != "" && country != "us":
		return register{jurisdiction: country}, nil
	case isCode(region):
		return register{jurisdiction: "us_" + region}, nil
	case g.City != "":
		place, err := gazetteer.Lookup(g.City, g.Region, g.Country)
		if err != nil {
			return register{}, leadlake.Errorf(leadlake.Invalid, "campaign: %s does not know the state of %s: %w", name, g.City, err).
				WithFix("write geo.region as two letters, such as CO")
		}
		return register{jurisdiction: "us_" + strings.ToLower(place.Region)}, nil
	case region != "":
		return register{}, leadlake.Errorf(leadlake.Invalid, "campaign: geo.region %q is no code of a state", g.Region).
			WithFix("write geo.region as two letters, such as CO")
	case country == "us":
		return register{country: "us"}, nil
	}
	return register{}, leadlake.Errorf(leadlake.Invalid, "campaign: %s does not know in which register to search", name).
		WithFix("add geo.region and geo.country")
}

// jurisdictionOf finds the register of a lead; "" where it is not known.
func jurisdictionOf(s ingest.Subject) string {
	if s.Jurisdiction != "" {
		return strings.ToLower(strings.ReplaceAll(s.Jurisdiction, "-", "_"))
	}
	country, region := strings.ToLower(s.Country), strings.ToLower(s.Region)
	switch {
	case country == "us" && isCode(region):
		return "us_" + region
	case country != "us" && isCode(country):
		return country
	}
	return ""
}

func isCode(s string) bool {
	return len(s) == 2 && s[0] >= 'a' && s[0] <= 'z' && s[1] >= 'a' && s[1] <= 'z'
}

// shortestStem is the least that a prefix says something with.
const shortestStem = 4

// searchWords are the beginnings of names to search for. Each costs a search,
// of which there are few, so "plumber" and "plumbing" are asked for as "plumb".
func searchWords(c leadlake.CampaignSpec) []string {
	text := c.Keywords
	if strings.TrimSpace(text) == "" {
		text = c.Name
	}
	var stems []string
	for _, concept := range taxonomy.Find(text) {
		for _, word := range concept.Words[:min(2, len(concept.Words))] {
			stems = addStem(stems, word)
		}
	}
	if len(stems) == 0 {
		for _, word := range strings.FieldsFunc(strings.ToLower(c.Keywords), isNoLetter) {
			stems = addStem(stems, word)
		}
	}
	return stems
}

func isNoLetter(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// addStem adds a word, or shortens the last one to what both begin with.
func addStem(stems []string, word string) []string {
	if n := len(stems); n > 0 {
		if stem := commonPrefix(stems[n-1], word); len(stem) >= shortestStem || stem == word {
			stems[n-1] = stem
			return stems
		}
	}
	if slices.Contains(stems, word) {
		return stems
	}
	return append(stems, word)
}

func commonPrefix(a, b string) string {
	n := 0
	for _, r := range a {
		if !strings.HasPrefix(b[n:], string(r)) {
			break
		}
		n += len(string(r))
	}
	return a[:n]
}

// legalForms are the words of a name that say what kind of company it is.
var legalForms = []string{
	"llc", "inc", "incorporated", "corp", "corporation", "co", "company", "ltd", "limited", "plc", "pllc", "pc", "llp", "lp",
	"gmbh", "ag", "sa", "sarl", "bv", "nv", "the", "and",
}

// nameWords are the words of a company's name that tell it from others.
func nameWords(s string) []string {
	s = strings.ToLower(s)
	for _, mark := range []string{"'", "’", "."} { // "L.L.C." is "LLC"
		s = strings.ReplaceAll(s, mark, "")
	}
	var words []string
	for _, word := range strings.FieldsFunc(s, isNoLetter) {
		if !slices.Contains(legalForms, word) {
			words = append(words, word)
		}
	}
	return words
}

func nameKey(s string) string { return strings.Join(nameWords(s), " ") }

// How well a company's name is the one that was asked for.
const (
	noFit    = iota
	holdsFit // all words of one are among the other's: "Ace Plumbing of Aurora" and "Ace Plumbing"
	exactFit
)

// fit compares two names. One word in common is no fit: too many companies are
// called Ace something.
func fit(asked, got string) int {
	a, best := nameWords(asked), noFit
	for _, b := range tradeNames(got) {
		switch {
		case len(a) == 0 || len(b) == 0:
		case slices.Equal(a, b):
			return exactFit
		case len(a) >= 2 && holds(b, a), len(b) >= 2 && holds(a, b):
			best = holdsFit
		}
	}
	return best
}

// tradeNames are the names in a registered one: "Lopez Enterprises LLC DBA Ace
// Plumbing" is also Ace Plumbing.
func tradeNames(s string) [][]string {
	words := nameWords(strings.ReplaceAll(strings.ToLower(s), "d/b/a", "dba"))
	names := [][]string{words}
	if i := slices.Index(words, "dba"); i >= 0 {
		names = append(names, words[:i], words[i+1:])
	}
	return names
}

func holds(words, part []string) bool {
	for _, word := range part {
		if !slices.Contains(words, word) {
			return false
		}
	}
	return true
}
