package tiling_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/internal/tiling"
)

// scenes are worlds as they are: cities with suburbs, heaps, roads, deserts.
var scenes = []scene{
	{name: "even", sprinkle: 1},
	{name: "one city", towns: []town{{0, 0, 12, 1}}},
	{name: "towns", towns: []town{{0, 0, 8, .4}, {25, 20, 4, .2}, {-30, 10, 3, .2}, {10, -35, 5, .2}}, sprinkle: .1},
	{name: "off centre", towns: []town{{30, 25, 6, 1}}, sprinkle: .05},
	{name: "malls", towns: []town{{0, 0, 12, .7}, {-25, -20, 6, .3}}, sprinkle: .1, malls: .15},
	{name: "streets", towns: []town{{0, 0, 15, 1}}, sprinkle: .1, streets: .25},
	{name: "hidden", towns: []town{{0, 0, 10, .6}, {20, -20, 5, .4}}, sprinkle: .1, placeless: .15},
}

var (
	google = provider{pageSize: 20, cap: 60}
	nearby = provider{pageSize: 20, cap: 20, circle: true}
	yelp   = provider{pageSize: 50, cap: 240, circle: true, totals: true}
)

func plan(v provider) *tiling.Planner {
	return tiling.New(tiling.Config{Area: middle, PageSize: v.pageSize, Cap: v.cap, Circle: v.circle, Totals: v.totals})
}

// The bounds are what was measured, with a little air: they keep a change from
// making it worse. Worlds of heaps and of roads cost most, since no neighbour
// foretells them.
func TestPlanner_needs_few_more_calls_than_a_plan_that_knows_every_place(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		provider    provider
		sizes       []int
		mean, worst float64
	}{
		{"google", google, []int{300, 1000, 3000}, 1.60, 1.85},
		{"nearby", nearby, []int{300, 1000}, 2.1, 2.6},
		{"yelp", yelp, []int{300, 3000}, 1.30, 1.7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			total, runs := 0.0, 0.0
			for _, size := range tt.sizes {
				line, sum := "", 0.0
				for i, s := range scenes {
					v := tt.provider
					v.places = s.build(size, uint64(i))
					tiles, waves := v.run(plan(v))
					ratio := float64(v.calls) / float64(v.best())
					if ratio > tt.worst {
						t.Errorf("%d places, %s: %.2f times the calls of the best plan", size, s.name, ratio)
					}
					if c := v.coverage(); c < .995 {
						t.Errorf("%d places, %s: %.4f found", size, s.name, c)
					}
					line += fmt.Sprintf(" %s %.2f (%d tiles, %d waves)", s.name, ratio, tiles, waves)
					sum += ratio
				}
				t.Logf("%d places: mean %.2f:%s", size, sum/float64(len(scenes)), line)
				total += sum
				runs += float64(len(scenes))
			}
			t.Logf("mean %.3f", total/runs)
			if total/runs > tt.mean {
				t.Errorf("%.3f times the calls of the best plan in the mean, want at most %.2f", total/runs, tt.mean)
			}
		})
	}
}

func TestPlanner_order_of_results_never_matters(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	v := google
	v.places = scenes[2].build(1000, 1)
	v.found = map[tiling.Point]bool{}
	a, b := plan(v), plan(v)
	for {
		wave, again := a.Next(), b.Next()
		if diff := cmp.Diff(wave, again); diff != "" {
			t.Fatalf("tiles differ:\n%s", diff)
		}
		if wave == nil {
			return
		}
		for _, tile := range wave {
			a.Report(tile, v.search(tile))
		}
		for _, i := range rng.Perm(len(wave)) {
			b.Report(wave[i], v.search(wave[i]))
		}
	}
}

func TestPlanner_asks_a_tile_again_that_has_no_result(t *testing.T) {
	t.Parallel()
	p := plan(google)
	first, second := p.Next(), p.Next()
	if len(first) != 1 || len(second) != 1 || first[0].Box != second[0].Box {
		t.Errorf("tiles %v, then %v", first, second)
	}
	p.Report(first[0], tiling.Result{}) // of a wave that is over
	p.Report(second[0], tiling.Result{Rows: 3})
	if next := p.Next(); next != nil {
		t.Errorf("an area without overflow goes on with %v", next)
	}
}

func TestPlanner_keeps_to_its_root(t *testing.T) {
	t.Parallel()
	v := google
	v.places = scenes[1].build(500, 9)
	whole := middle.Boxes()[0]
	halves := []tiling.Box{whole, whole}
	halves[0].East, halves[1].West = middle.Lon, middle.Lon
	v.found = map[tiling.Point]bool{}
	for _, root := range halves {
		p := tiling.New(tiling.Config{Area: middle, Root: root, PageSize: v.pageSize, Cap: v.cap})
		for wave := p.Next(); wave != nil; wave = p.Next() {
			for _, tile := range wave {
				if tile.Box.West < root.West-1e-5 || tile.Box.East > root.East+1e-5 {
					t.Errorf("tile %v of the root %v", tile.Box, root)
				}
				p.Report(tile, v.search(tile))
			}
		}
	}
	if c := v.coverage(); c < .995 {
		t.Errorf("%.4f found", c)
	}
}

func TestPlanner_gives_up_where_all_stand_in_one_spot(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]provider{"google": google, "nearby": nearby, "yelp": yelp} {
		for range 1000 {
			v.places = append(v.places, place{x: 1, y: 1, Point: tiling.Point{Lat: middle.Lat + .01, Lon: middle.Lon + .01}})
		}
		p := plan(v)
		tiles, _ := v.run(p)
		full := p.Exhausted()
		if len(full) == 0 || tiles > 150 {
			t.Errorf("%s: %d tiles, exhausted %v", name, tiles, full)
		}
		for _, b := range full {
			if (b.North-b.South)*kmPerDegree > .051 || (b.East-b.West)*kmPerDegree > .08 {
				t.Errorf("%s: box %v is not of the smallest size", name, b)
			}
		}
	}
}

func TestPlanner_survives_points_that_lie_elsewhere(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for _, circle := range []bool{false, true} {
		p := tiling.New(tiling.Config{Area: middle, PageSize: 20, Cap: 60, Circle: circle})
		tiles := 0
		for wave := p.Next(); wave != nil && tiles < 3000; wave = p.Next() {
			for _, tile := range wave {
				tiles++
				r := evenly(tile.Box, 600)
				for range rng.IntN(61) {
					r.Points = append(r.Points, tiling.Point{Lat: rng.Float64()*200 - 100, Lon: math.Inf(1)})
				}
				p.Report(tile, r)
			}
		}
		if tiles >= 3000 {
			t.Errorf("circle %v: no end after %d tiles", circle, tiles)
		}
	}
}

// evenly is the answer of a world with so many places in a square degree,
// none of which says where it is.
func evenly(b tiling.Box, density float64) tiling.Result {
	rows := int((b.North - b.South) * (b.East - b.West) * density)
	return tiling.Result{Rows: min(60, rows), More: rows > 60}
}

func TestArea_boxes_cover_the_circle_everywhere(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, a := range []tiling.Area{
		{Lat: 39.7392, Lon: -104.9903, RadiusKM: 50}, {Lat: 39.7392, Lon: -104.9903, RadiusKM: 1}, {RadiusKM: 500},
		{Lat: 64.1, Lon: -21.9, RadiusKM: 30}, {Lat: -16.5, Lon: 179.99, RadiusKM: 40}, {Lat: 52.5, Lon: -179.9, RadiusKM: 100},
	} {
		boxes := a.Boxes()
		whole := boxes[0]
		p := tiling.New(tiling.Config{Area: a, PageSize: 20, Cap: 60})
		var tiles []tiling.Box // those that do not overflow
		for wave := p.Next(); wave != nil; wave = p.Next() {
			for _, tile := range wave {
				r := evenly(tile.Box, 500/(whole.North-whole.South)/(whole.East-whole.West))
				p.Report(tile, r)
				if !r.More {
					tiles = append(tiles, tile.Box)
				}
			}
		}
		for range 1000 {
			pt := within(a, rng)
			if !held(boxes, pt) || !held(tiles, pt) {
				t.Fatalf("%+v: boxes hold %v is %v, tiles %v", a, pt, held(boxes, pt), held(tiles, pt))
			}
		}
		for _, b := range append(tiles, boxes...) {
			if b.West > b.East || b.West < -180 || b.East > 180 {
				t.Errorf("%+v: box %v crosses the antimeridian", a, b)
			}
		}
	}
}

func held(boxes []tiling.Box, p tiling.Point) bool {
	for _, b := range boxes {
		if p.Lat >= b.South && p.Lat <= b.North && p.Lon >= b.West && p.Lon <= b.East {
			return true
		}
	}
	return false
}

// within is a point of the circle, by bearing and distance on the sphere.
func within(a tiling.Area, rng *rand.Rand) tiling.Point {
	bearing, d := rng.Float64()*2*math.Pi, .999*a.RadiusKM*math.Sqrt(rng.Float64())/6371.0088
	lat1 := a.Lat * math.Pi / 180
	lat2 := math.Asin(math.Sin(lat1)*math.Cos(d) + math.Cos(lat1)*math.Sin(d)*math.Cos(bearing))
	dLon := math.Atan2(math.Sin(bearing)*math.Sin(d)*math.Cos(lat1), math.Cos(d)-math.Sin(lat1)*math.Sin(lat2))
	lon := a.Lon + dLon*180/math.Pi
	return tiling.Point{Lat: lat2 * 180 / math.Pi, Lon: math.Mod(lon+540, 360) - 180}
}

func TestArea_boxes_at_a_pole_have_every_longitude(t *testing.T) {
	t.Parallel()
	for _, area := range []tiling.Area{{Lat: 88.8, Lon: -34.7, RadiusKM: 185}, {Lat: -89.9, Lon: 170, RadiusKM: 25}} {
		boxes := area.Boxes()
		if len(boxes) != 1 || boxes[0].West != -180 || boxes[0].East != 180 {
			t.Errorf("%+v has %+v", area, boxes)
		}
		planner := tiling.New(tiling.Config{Area: area, Root: boxes[0], PageSize: 20, Cap: 60})
		for range 10_000 {
			wave := planner.Next()
			if len(wave) == 0 {
				break
			}
			for _, tile := range wave {
				planner.Report(tile, tiling.Result{})
			}
		}
		if wave := planner.Next(); len(wave) > 0 {
			t.Errorf("%+v: an empty pole is never covered", area)
		}
	}
}
