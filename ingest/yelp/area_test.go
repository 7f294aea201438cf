package yelp

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// kmBetween is the great-circle distance.
func kmBetween(a, b ingest.Point) float64 {
	const rad = math.Pi / 180
	dLat, dLon := (b.Lat-a.Lat)*rad, (b.Lon-a.Lon)*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * 6371 * math.Asin(math.Min(1, math.Sqrt(h)))
}

func TestRoots_cover_the_circle_with_searches_that_are_allowed(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 7))
	for _, tt := range []struct{ lat, lon, radius float64 }{
		{39.7392, -104.9903, 3}, {39.7392, -104.9903, 25}, {39.7392, -104.9903, 500}, {0.1, 10, 120},
		{-16.5, 179.9, 100}, {52, -179.95, 60}, {64.8, -147.7, 300},
	} {
		lat, lon := tt.lat, tt.lon
		boxes, err := rootsOf(leadlake.GeoSpec{Lat: &lat, Lon: &lon, RadiusKM: tt.radius})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range boxes {
			if !(b.South < b.North && b.West < b.East && b.West >= -180 && b.East <= 180) {
				t.Fatalf("box %+v", b)
			}
			midLat, midLon, radius := circle(b)
			mid := ingest.Point{Lat: midLat, Lon: midLon}
			for _, corner := range []ingest.Point{{Lat: b.South, Lon: b.West}, {Lat: b.South, Lon: b.East}, {Lat: b.North, Lon: b.West}, {Lat: b.North, Lon: b.East}} {
				if km := kmBetween(mid, corner); km*1000 > float64(radius)*1.001 {
					t.Fatalf("the circle of %d m round %+v leaves out a corner at %.1f km", radius, b, km)
				}
			}
		}
		for range 2000 {
			angle, r := random.Float64()*2*math.Pi, tt.radius*math.Sqrt(random.Float64())
			at := ingest.Point{Lat: tt.lat + r*math.Sin(angle)/kmPerDegree}
			at.Lon = tt.lon + r*math.Cos(angle)/kmOfDegree(at.Lat)
			at.Lon = math.Mod(at.Lon+540, 360) - 180
			if kmBetween(ingest.Point{Lat: tt.lat, Lon: tt.lon}, at) > tt.radius {
				continue
			}
			in := false
			for _, b := range boxes {
				in = in || at.Lat >= b.South && at.Lat <= b.North && at.Lon >= b.West && at.Lon <= b.East
			}
			if !in {
				t.Fatalf("radius %g km: %+v lies in none of %d boxes", tt.radius, at, len(boxes))
			}
		}
		t.Logf("%+v: %d boxes", tt, len(boxes))
	}
}

func TestCircle_stays_below_the_largest_radius(t *testing.T) {
	t.Parallel()
	_, _, radius := circle(ingest.Box{South: 30, West: -110, North: 40, East: -100})
	if radius != maxRadius {
		t.Errorf("radius %d, want %d", radius, maxRadius)
	}
}
