package ingest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leadlake/leadlake/lake/store"
)

// sprinkle lays points evenly over a square around a place.
func sprinkle(n int, lat, lon, halfKM float64) []Point {
	d := rand.New(rand.NewPCG(7, 7))
	points := make([]Point, n)
	for i := range points {
		points[i] = Point{
			Lat: lat + (2*d.Float64()-1)*halfKM/kmPerDegree,
			Lon: lon + (2*d.Float64()-1)*halfKM/(kmPerDegree*math.Cos(lat*math.Pi/180)),
		}
	}
	return points
}

// within counts points of an area.
func within(points []Point, a Area) float64 {
	n := 0.0
	for _, p := range points {
		if kilometres(a.Lat, a.Lon, p.Lat, p.Lon) <= a.RadiusKM {
			n++
		}
	}
	return n
}

func TestKnown_supposes_beyond_the_edge_what_lies_before_it(t *testing.T) {
	t.Parallel()
	world := sprinkle(20_000, 40, -100, 60)
	asked := circles{{Lat: 40, Lon: -100, RadiusKM: 20}}
	for name, area := range map[string]Area{
		"all of it is known":           {Lat: 40.05, Lon: -100, RadiusKM: 10},
		"it sticks out":                {Lat: 40.15, Lon: -100, RadiusKM: 10},
		"the known part is the middle": {Lat: 40, Lon: -100, RadiusKM: 30},
	} {
		k := newKnown(world, asked, area, everywhere)
		want := within(world, area)
		if k.expected < 0.75*want || k.expected > 1.15*want {
			t.Errorf("%s: %.0f of %.0f are expected, %d are known", name, k.expected, want, k.found)
		}
		if got := float64(k.found); got > want || k.share > 0.99 && got != want {
			t.Errorf("%s: %.0f of %.0f are known, share %.2f", name, got, want, k.share)
		}
	}
}

func TestKnown_supposes_less_the_farther_it_is_from_the_middle_of_a_city(t *testing.T) {
	t.Parallel()
	d := rand.New(rand.NewPCG(9, 9))
	var city []Point
	for _, p := range sprinkle(60_000, 40, -100, 60) {
		if d.Float64() < math.Exp(-kilometres(40, -100, p.Lat, p.Lon)/12) {
			city = append(city, p)
		}
	}
	area := Area{Lat: 40.2, Lon: -100, RadiusKM: 15}
	k := newKnown(city, circles{{Lat: 40, Lon: -100, RadiusKM: 20}}, area, everywhere)
	if want := within(city, area); k.share > 0.6 || k.expected < 0.85*want || k.expected > 1.15*want {
		t.Errorf("%.0f of %.0f are expected, %d are known, share %.2f", k.expected, want, k.found, k.share)
	}
}

func TestKnown_supposes_nothing_in_what_is_covered(t *testing.T) {
	t.Parallel()
	p := Point{Lat: 40, Lon: -100.01}
	two := circles{{Lat: 40, Lon: -100, RadiusKM: 5}, {Lat: 40, Lon: -100.02, RadiusKM: 5}}
	k := newKnown([]Point{p, {Lat: 50, Lon: -100}}, two, Area{Lat: 40, Lon: -100.01, RadiusKM: 3}, everywhere)
	if k.found != 1 || k.expected != 1 || k.share != 1 {
		t.Errorf("known %+v", k)
	}
	for _, image := range k.points[1:] {
		if two.covers(image, 1) {
			t.Errorf("%+v is supposed where a run has looked", image)
		}
	}
}

func TestPlacesOf_does_not_take_an_area_as_covered_that_a_budget_cut(t *testing.T) {
	t.Parallel()
	page := func(run string, lat, radius float64) store.LandedPage {
		return store.LandedPage{RunID: run, Notes: store.Notes{Area: &[3]float64{lat, 2, radius}}}
	}
	_, asked := placesOf([]store.LandedPage{page("whole", 1.001, 1), page("whole", 1, 3), page("cut", 5, 3), page("whole", 1, 3)}, map[string]bool{"whole": true})
	if len(asked) != 1 || asked[0] != (Area{Lat: 1, Lon: 2, RadiusKM: 3}) {
		t.Errorf("asked %v", asked)
	}
}

func TestPlacesOf_counts_a_row_once_and_the_businesses_of_a_house_each(t *testing.T) {
	t.Parallel()
	page := func(run, query string, points ...[2]float64) store.LandedPage {
		return store.LandedPage{RunID: run, QueryID: query, Notes: store.Notes{Points: points}}
	}
	house, shed := [2]float64{1, 2}, [2]float64{3, 4}
	found, _ := placesOf([]store.LandedPage{
		page("r", "a", house), page("r", "b", house, shed), page("r", "b", house), page("s", "a", house, house),
	}, nil)
	if want := []Point{{Lat: 1, Lon: 2}, {Lat: 3, Lon: 4}, {Lat: 1, Lon: 2}}; !slices.Equal(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
}
