package ingest_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// at is a circle around a point of the plain.
func at(lat, radiusKM float64) leadlake.GeoSpec {
	lon := -100.0
	return leadlake.GeoSpec{Lat: &lat, Lon: &lon, RadiusKM: radiusKM, Country: "US"}
}

// learnt is a bundle whose ledger has a run over 50 km around 40 degrees north:
// a lead every kilometre to the north and as many to the south. Those in the
// south are known to mail; about those in the north it has nothing and takes
// nothing.
func learnt(t *testing.T) (*bundle, leadlake.Run) {
	b, r := enriching(t)
	r.Spec.Sources = []leadlake.SourceSpec{paid}
	r.Spec.Enrichment = []string{"mail"}
	r.Spec.Geo = at(40, 50)
	r.State = leadlake.RunRunning
	b.provider.answer = func(path string) (int, string) {
		if strings.Contains(path, "north") {
			return 404, `{}`
		}
		return 200, `{"id":"m","email":"info@a.example"}`
	}
	var all []ingest.Lead
	for i := range 45 {
		for _, side := range []string{"north", "south"} {
			lat := 40 + (float64(i)+0.5)/111.195
			if side == "south" {
				lat = 80 - lat
			}
			lead := leads(fmt.Sprintf("%s%d.example", side, i))[0]
			lead.Key, lead.Lat, lead.Lon = lead.Domain, &lat, r.Spec.Geo.Lon
			all = append(all, lead)
		}
	}
	if err := b.ledger.CreateRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine.Enrich(t.Context(), r, all, nil); err != nil {
		t.Fatal(err)
	}
	r.State, r.DoneStep, r.Funnel.Published = leadlake.RunPublished, leadlake.StepPublish, 90
	if err := b.ledger.UpdateRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return b, r
}

// lookups is what the estimate says of mail.
func lookups(t *testing.T, b *bundle, c leadlake.CampaignSpec) (ingest.SourceEstimate, ingest.Estimate) {
	t.Helper()
	all, err := b.engine.Estimate(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return all.Sources[len(all.Sources)-1], all
}

func later(b *bundle, days int) {
	now := b.engine.Now().Add(time.Duration(days) * 24 * time.Hour)
	b.engine.Now = func() time.Time { return now }
}

func TestEstimate_foretells_lookups_by_what_is_known_of_the_leads_of_the_area(t *testing.T) {
	t.Parallel()
	b, r := learnt(t)
	later(b, 31) // so that all is to be asked again
	c := r.Spec
	for name, want := range map[string]struct {
		geo   leadlake.GeoSpec
		calls float64
		usd   float64
	}{
		"all":           {at(40, 50), 90, 0.45},
		"in the south":  {at(39.8, 10), 20, 0.20},
		"in the north":  {at(40.2, 10), 20, 0},
		"in the middle": {at(40, 10), 20, 0.10},
	} {
		c.Geo = want.geo
		got, all := lookups(t, b, c)
		if math.Abs(got.Calls.Mid-want.calls) > 1 || math.Abs(got.CostUSD.Mid-want.usd) > 0.0101 || all.OwnedUSD != 0 {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	c.Geo = at(44, 10)
	if got, _ := lookups(t, b, c); !strings.Contains(got.Basis, "what 90 leads") {
		t.Errorf("where nobody asked: %+v", got)
	}
}

func TestEstimate_counts_answers_that_stand_as_free(t *testing.T) {
	t.Parallel()
	b, r := learnt(t)
	later(b, 29)
	c := r.Spec
	c.Geo = at(39.8, 10)
	got, all := lookups(t, b, c)
	if got.Calls.Mid != 0 || got.CostUSD.Mid != 0 || math.Abs(all.OwnedUSD-0.20) > 0.0101 || got.Records.Mid < 19 {
		t.Errorf("%+v, owned %v", got, all.OwnedUSD)
	}
	if !strings.Contains(got.Basis, "20 answers stand and cost nothing") {
		t.Errorf("basis %q", got.Basis)
	}
}

func TestEstimate_takes_rates_where_another_campaign_asks(t *testing.T) {
	t.Parallel()
	b, r := learnt(t)
	c := r.Spec
	c.Filters.MinRating = 4
	if got, _ := lookups(t, b, c); !strings.Contains(got.Basis, "what 90 leads of earlier runs took") {
		t.Errorf("with another filter: %+v", got)
	}
	c = r.Spec
	c.Name, c.Budget.MaxCostUSD = "another", 5
	if got, _ := lookups(t, b, c); !strings.Contains(got.Basis, "about 90 leads here") {
		t.Errorf("under another name and budget: %+v", got)
	}
}
