package taxonomy_test

import (
	"testing"

	"github.com/leadlake/leadlake/internal/taxonomy"
)

func TestFind_knows_words_in_singular_and_plural(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plumber": "plumber", "Plumbers": "plumber", "emergency plumbing": "plumber", "auto repair": "car_repair", "properties": "real_estate_agency",
	} {
		if found := taxonomy.Find(text); len(found) != 1 || found[0].ID != want {
			t.Errorf("%q finds %v, want %s", text, found, want)
		}
	}
	if found := taxonomy.Find("zeppelins"); len(found) != 0 {
		t.Errorf("an unknown word finds %v", found)
	}
}

func TestAll_says_for_each_provider_what_a_concept_is_called(t *testing.T) {
	t.Parallel()
	for _, c := range taxonomy.All() {
		if c.Vertical == "" || len(c.Words) == 0 || len(c.GooglePlaces) == 0 || len(c.Yelp) == 0 || len(c.Overture) == 0 || len(c.Crunchbase) == 0 || c.Industry == "" || c.NAICS == "" || c.SIC == "" {
			t.Errorf("%s lacks a name: %+v", c.ID, c)
		}
	}
}
