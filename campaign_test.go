package leadlake_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

const denver = `{
	"name": "Denver Plumbers Q4", "vertical": "local_services",
	"geo": {"city": "Denver", "region": "CO", "country": "US", "radius_km": 50},
	"filters": {"min_rating": 4.0, "review_count_min": 20},
	"sources": ["google_places", {"source": "list", "name": "licenses", "where": {"TYPE": "PLUMBER"}}],
	"enrichment": ["clearbit", "hunter"],
	"budget": {"max_cost_usd": 500},
	"schedule": {"cron": "0 2 * * *"},
	"destinations": [{"type": "salesforce", "config_id": "sf-01"}]
}`

func TestParseCampaignTakesTheExampleOfTheSpecification(t *testing.T) {
	t.Parallel()
	c, err := leadlake.ParseCampaign([]byte(denver))
	if err != nil {
		t.Fatal(err)
	}
	if c.ID() != "denver-plumbers-q4" {
		t.Errorf("id %q", c.ID())
	}
	if got := []string{c.Sources[0].Provider(), c.Sources[1].Provider()}; got[0] != "google_places" || got[1] != "licenses" {
		t.Errorf("providers %v", got)
	}
	// What is stored of a campaign has to come back the same.
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := leadlake.ParseCampaign(text)
	if err != nil {
		t.Fatal(err)
	}
	if twice, err := json.Marshal(again); err != nil || string(twice) != string(text) {
		t.Errorf("%s became %s (%v)", text, twice, err)
	}
}

func TestParseCampaignNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for change, want := range map[[2]string]string{
		{`"Denver Plumbers Q4"`, `" "`}:                  "name is missing",
		{`"local_services"`, `"plumbers"`}:               `vertical "plumbers" is unknown; use one of local_services, b2b_saas`,
		{`"radius_km": 50`, `"radius_km": -1`}:           "geo.radius_km is -1",
		{`"radius_km": 50`, `"radius": 50`}:              `unknown field "radius"`,
		{`"radius_km": 50`, `"lat": 39.7`}:               "both lat and lon",
		{`"radius_km": 50`, `"lat": 139.7, "lon": 0`}:    "not on the globe",
		{`"min_rating": 4.0`, `"min_rating": 6`}:         "ratings go from 1 to 5",
		{`"name": "licenses"`, `"name":"google_places"`}: `two sources are called "google_places"`,
		{`"where"`, `"were"`}:                            `unknown field "were"`,
		{`"source": "list", `, ``}:                       "sources[1] has no source",
		{`500`, `-1`}:                                    "max_cost_usd is negative",
		{`500`, `"much"`}:                                "cannot unmarshal string",
	} {
		_, err := leadlake.ParseCampaign([]byte(strings.Replace(denver, change[0], change[1], 1)))
		if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s for %s: got %v, want %q", change[1], change[0], err, want)
		}
	}
	if _, err := leadlake.ParseCampaign([]byte(`{"name": "x", "vertical": "other"}`)); err == nil || !strings.Contains(err.Error(), "no sources") {
		t.Errorf("without sources: %v", err)
	}
}

func TestCampaignIDIsAName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Denver Plumbers Q4":   "denver-plumbers-q4",
		"  A & B -- c  ":       "a-b-c",
		"Café São Paulo":       "caf-s-o-paulo",
		"東京の歯医者":               "campaign-",
		"../../etc/passwd; rm": "etc-passwd-rm",
	} {
		got := leadlake.CampaignSpec{Name: name}.ID()
		if !strings.HasPrefix(got, want) || strings.ContainsAny(got, "./ ") {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func FuzzParseCampaign(f *testing.F) {
	f.Add(denver)
	f.Add(`{"sources":[""]}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := leadlake.ParseCampaign([]byte(text))
		if err == nil && (c.ID() == "" || c.Validate() != nil) {
			t.Errorf("%q was accepted as %+v", text, c)
		}
	})
}
