package overture

import (
	"slices"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/internal/taxonomy"
)

// boxesOf covers the campaign's circle. What lies in the corners, outside the
// circle, is for the pipeline to drop.
func boxesOf(g leadlake.GeoSpec) ([]ingest.Box, error) {
	area, err := ingest.AreaOf(g)
	if err != nil {
		return nil, err
	}
	return area.Boxes(), nil
}

// subjectOf says what the campaign looks for: categories where the taxonomy
// knows its words, else the keywords as part of the name, else the categories
// of its vertical.
func subjectOf(c leadlake.CampaignSpec) (categories []string, word string) {
	word = strings.Join(strings.Fields(c.Keywords), " ")
	text := word
	if text == "" {
		text = c.Name
	}
	categories = categoriesOf(taxonomy.Find(text))
	if len(categories) == 0 && word == "" {
		categories = categoriesOf(slices.DeleteFunc(slices.Clone(taxonomy.All()), func(concept taxonomy.Concept) bool {
			return concept.Vertical != string(c.Vertical)
		}))
	}
	return categories, word
}

func categoriesOf(concepts []taxonomy.Concept) []string {
	var all []string
	for _, c := range concepts {
		all = append(all, c.Overture...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
