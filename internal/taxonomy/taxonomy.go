// Package taxonomy knows what providers call a line of business, so that a
// campaign for "plumbers" asks each of them in its own words.
package taxonomy

import (
	_ "embed" // for the table
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/goccy/go-yaml"
)

// taxonomy.yaml has an entry for each concept.
//
//go:embed taxonomy.yaml
var table []byte

// Concept is a line of business. Its ID is Google's type where there is one.
type Concept struct {
	ID           string   `yaml:"-"`
	Vertical     string   `yaml:"vertical"`
	Words        []string `yaml:"words"`         // singular, lower case; the first is the plainest
	GooglePlaces []string `yaml:"google_places"` // place types, Table A
	Yelp         []string `yaml:"yelp"`          // category aliases
	Overture     []string `yaml:"overture"`      // primary categories
	Crunchbase   []string `yaml:"crunchbase"`    // category permalinks
	Industry     string   `yaml:"industry"`      // LinkedIn's industry, as PDL and Apollo use it
	NAICS        string   `yaml:"naics"`
	SIC          string   `yaml:"sic"`
}

// Find returns the concepts that a word of text names, in order of their ids;
// none where no word is known.
func Find(text string) []Concept {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && r != '_' })
	var found []Concept
	for _, c := range All() {
		if slices.ContainsFunc(words, c.isNamedBy) {
			found = append(found, c)
		}
	}
	return found
}

func (c Concept) isNamedBy(word string) bool {
	return word == c.ID || slices.ContainsFunc(c.Words, func(w string) bool {
		return word == w || word == w+"s" || strings.HasSuffix(w, "y") && word == strings.TrimSuffix(w, "y")+"ies"
	})
}

// All returns every concept in order of its id. The caller must not change
// them.
var All = sync.OnceValue(func() []Concept {
	byID := map[string]Concept{}
	if err := yaml.UnmarshalWithOptions(table, &byID, yaml.DisallowUnknownField()); err != nil {
		panic("taxonomy.yaml: " + err.Error()) // it is part of the program; a test reads it
	}
	all := make([]Concept, 0, len(byID))
	for id, c := range byID {
		c.ID = id
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Concept) int { return strings.Compare(a.ID, b.ID) })
	return all
})
