package googleplaces

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

func (b box) contains(lat, lon float64) bool {
	if lat < b.lowLat || lat > b.highLat {
		return false
	}
	if b.lowLon > b.highLon {
		return lon >= b.lowLon || lon <= b.highLon
	}
	return lon >= b.lowLon && lon <= b.highLon
}

func TestBoxes_cover_the_circle_everywhere(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, a := range []area{
		{39.7392, -104.9903, 50}, {39.7392, -104.9903, 1}, {0, 0, 500}, {64.1, -21.9, 30},
		{-41.3, 174.8, 25}, {-16.5, 179.99, 40}, {52.5, -179.9, 100},
	} {
		cells := a.boxes()
		if len(cells) == 0 || len(cells) > maxCells {
			t.Errorf("%+v: %d boxes", a, len(cells))
		}
		for range 2000 {
			// A point of the circle, by bearing and distance on the sphere.
			bearing, d := rng.Float64()*2*math.Pi, a.radiusKM*math.Sqrt(rng.Float64())/6371.0088
			lat1 := a.lat * math.Pi / 180
			lat2 := math.Asin(math.Sin(lat1)*math.Cos(d) + math.Cos(lat1)*math.Sin(d)*math.Cos(bearing))
			dLon := math.Atan2(math.Sin(bearing)*math.Sin(d)*math.Cos(lat1), math.Cos(d)-math.Sin(lat1)*math.Sin(lat2))
			lat, lon := lat2*180/math.Pi, wrap(a.lon+dLon*180/math.Pi)
			inside := 0
			for _, b := range cells {
				if b.contains(lat, lon) {
					inside++
				}
			}
			if inside == 0 {
				t.Fatalf("%+v: no box holds %g, %g", a, lat, lon)
			}
			if inside > 2 { // an edge may belong to two
				t.Fatalf("%+v: %d boxes hold %g, %g", a, inside, lat, lon)
			}
		}
	}
}

func TestBoxes_small_circle_is_one_search(t *testing.T) {
	t.Parallel()
	if n := len((area{39.7, -105, 3.5}).boxes()); n != 1 {
		t.Errorf("%d boxes for 3.5 km, want 1", n)
	}
	if n := len((area{39.7, -105, 25}).boxes()); n < 40 || n > maxCells {
		t.Errorf("%d boxes for 25 km, want 40 to 60", n)
	}
}

func TestAddCircle_holds_its_box(t *testing.T) {
	t.Parallel()
	const slack = 1.001 // for the earth that is taken as flat within a box
	for _, b := range (area{39.7392, -104.9903, 50}).boxes() {
		params := map[string]string{}
		b.addCircle(params)
		q, err := nearbyBody(ingest.Query{Params: params})
		if err != nil {
			t.Fatal(err)
		}
		c := q.LocationRestriction.Circle
		farthest := 0.0
		for _, lat := range []float64{b.lowLat, b.highLat} {
			for _, lon := range []float64{b.lowLon, b.highLon} {
				farthest = max(farthest, world.DistanceKM(c.Center.Latitude, c.Center.Longitude, lat, lon)*1000)
			}
		}
		if farthest > c.Radius*slack || c.Radius > farthest*1.05 {
			t.Errorf("radius %.0f m, but the corners lie %.0f m out", c.Radius, farthest)
		}
	}
}
