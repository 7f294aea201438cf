package world

import (
	"math/rand/v2"
	"testing"
)

func TestNear_has_all_that_lie_in_a_box(t *testing.T) {
	t.Parallel()
	w := generate(t, Config{})
	all := w.Listings(GooglePlaces)
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		lat, lon := 39.2+r.Float64(), -105.6+r.Float64()*1.2
		km := r.Float64() * 30
		box := Around(lat, lon, km)
		if r.IntN(10) == 0 {
			box.West, box.East = box.East, box.West
		}
		near := map[int32]bool{}
		for _, list := range w.Near(GooglePlaces, box) {
			for _, i := range list {
				near[i] = true
			}
		}
		for i := range all {
			if box.Contains(all[i].Lat, all[i].Lon) && !near[int32(i)] {
				t.Fatalf("%+v leaves %s out", box, all[i].Key)
			}
			if box.West < box.East && DistanceKM(lat, lon, all[i].Lat, all[i].Lon) <= km && !box.Contains(all[i].Lat, all[i].Lon) {
				t.Fatalf("the box around %f,%f leaves %s out", lat, lon, all[i].Key)
			}
		}
	}
	for _, b := range []Box{Around(0, 179.99, 50), Around(89.9, 0, 50)} {
		if !b.Contains(b.North, 180) || !b.Contains(b.South, -180) {
			t.Errorf("%+v does not go round", b)
		}
	}
}
