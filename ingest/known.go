package ingest

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/leadlake/leadlake/internal/tiling"
	"github.com/leadlake/leadlake/lake/store"
)

// minKnownShare is the share of an area that must be known before what is
// known says something about the rest.
const minKnownShare = 0.2

// known is where earlier runs found something, with what is supposed where
// none of them looked.
type known struct {
	points   []Point // found, and mirrored
	perPoint float64 // rows that a point stands for: businesses that go to their customers have no place
	found    int     // in the part of the campaign's area that is asked about
	expected float64 // there, with what is supposed
	share    float64 // of the area that earlier runs covered, 0 to 1
	reach    float64 // of the area that the points speak of, 0 to 1
}

// circles are areas that earlier runs covered; none lies in another one.
type circles []Area

func (c circles) with(a Area) circles {
	holds := func(large, small Area) bool {
		return kilometres(large.Lat, large.Lon, small.Lat, small.Lon)+small.RadiusKM <= large.RadiusKM
	}
	if slices.ContainsFunc(c, func(b Area) bool { return holds(b, a) }) {
		return c
	}
	return append(slices.DeleteFunc(c, func(b Area) bool { return holds(a, b) }), a)
}

// covers says whether a point lies in one of the circles, each made larger by a
// factor.
func (c circles) covers(p Point, scale float64) bool {
	for _, o := range c {
		if kilometres(o.Lat, o.Lon, p.Lat, p.Lon) <= o.RadiusKM*scale*1.001 {
			return true
		}
	}
	return false
}

// newKnown looks at one part of an area. Beyond the edge of what is covered it
// supposes a mirror image of what lies before it: businesses come in towns, and
// they thin out in the same way on both sides of a line that nobody drew for
// them. What was found outside of all circles is part of the picture only by
// chance, and left out.
func newKnown(found []Point, asked circles, area Area, part Box) known {
	k := known{perPoint: 1}
	in := func(p Point) bool {
		return inBox(part, p) && kilometres(area.Lat, area.Lon, p.Lat, p.Lon) <= area.RadiusKM
	}
	for _, p := range found {
		if !asked.covers(p, 1) {
			continue
		}
		k.points = append(k.points, p)
		if in(p) {
			k.found++
		}
	}
	supposed := asked.mirror(k.points)
	k.points = append(k.points, supposed...)
	k.expected = float64(k.found)
	for _, p := range supposed {
		if in(p) {
			k.expected++
		}
	}
	k.share, k.reach = asked.share(area, 1), asked.share(area, mirrored)
	if k.reach > 0 {
		k.expected /= k.reach
	}
	return k
}

// shuffle puts the points in another order. A search that ends early gives the
// first: some of all, not those of one corner.
func (k known) shuffle(d *rand.Rand) {
	d.Shuffle(len(k.points), func(i, j int) { k.points[i], k.points[j] = k.points[j], k.points[i] })
}

// mirrored is how far the mirror image reaches, in radii of its circle.
const mirrored = 2

// mirror reflects points over the edges of the circles that they lie in, and
// thins the image out as the density of a city falls with the distance from its
// middle: exponentially (C. Clark, Urban Population Densities, 1951), as steep
// as within the circle. Each image counts once, by the circle whose edge is the
// nearest.
func (c circles) mirror(points []Point) []Point {
	var out []Point
	chance := rand.New(rand.NewPCG(1, 1))
	for _, o := range c {
		falls := slope(o, points)
		for _, p := range points {
			d := kilometres(o.Lat, o.Lon, p.Lat, p.Lon)
			if d == 0 || d > o.RadiusKM {
				continue
			}
			far := (mirrored*o.RadiusKM - d) / d
			// The image of a ring is a longer one, so it is thinner already.
			if chance.Float64() > far*math.Exp(-falls*2*(o.RadiusKM-d)) {
				continue
			}
			image := Point{Lat: o.Lat + far*(p.Lat-o.Lat), Lon: o.Lon + far*(p.Lon-o.Lon)}
			if math.Abs(image.Lat) < 90 && math.Abs(image.Lon) < 180 && !c.covers(image, 1) && c.nearest(image) == o {
				out = append(out, image)
			}
		}
	}
	return out
}

// slope is by how much the logarithm of the density falls in a kilometre
// outwards: from the inner half of the circle to the outer half, which has the
// same area.
func slope(a Area, points []Point) float64 {
	const apart = 0.862 - 0.471 // mean distances from the middle of an even spread in the two halves, in radii
	inner, outer := 1.0, 1.0
	for _, p := range points {
		switch d := kilometres(a.Lat, a.Lon, p.Lat, p.Lon); {
		case d <= a.RadiusKM/math.Sqrt2:
			inner++
		case d <= a.RadiusKM:
			outer++
		}
	}
	return max(0, math.Log(inner/outer)) / (apart * a.RadiusKM)
}

// nearest is the circle whose edge is the nearest to a point outside of all.
func (c circles) nearest(p Point) Area {
	return slices.MinFunc(c, func(a, b Area) int {
		return cmp.Compare(kilometres(a.Lat, a.Lon, p.Lat, p.Lon)-a.RadiusKM, kilometres(b.Lat, b.Lon, p.Lat, p.Lon)-b.RadiusKM)
	})
}

// share is the share of an area that lies in the circles, each made larger by
// a factor; by a grid of points.
func (c circles) share(area Area, scale float64) float64 {
	const steps = 12
	inside, hit := 0, 0
	for i := -steps; i <= steps; i++ {
		for j := -steps; j <= steps; j++ {
			north, east := float64(i)/steps*area.RadiusKM, float64(j)/steps*area.RadiusKM
			if math.Hypot(north, east) > area.RadiusKM {
				continue
			}
			inside++
			lat := area.Lat + north/kmPerDegree
			lon := area.Lon + east/(kmPerDegree*max(0.01, math.Cos(lat*math.Pi/180)))
			if c.covers(Point{Lat: lat, Lon: lon}, scale) {
				hit++
			}
		}
	}
	return float64(hit) / float64(inside)
}

// rowsPerPoint is how many rows of tiled searches come to one that has a place.
func rowsPerPoint(pages []store.LandedPage) float64 {
	rows, points := int64(0), 0
	for _, p := range pages {
		if p.Notes.Area != nil {
			rows, points = rows+p.Records, points+len(p.Notes.Points)
		}
	}
	return float64(rows) / float64(max(1, points))
}

// placesOf are the rows of tiled searches, and the areas that those of whole
// runs covered: a run that its budget ended has not seen all of its area.
// Neighbouring searches give the same row; rows of one search at the same spot
// are businesses of one house.
func placesOf(pages []store.LandedPage, whole map[string]bool) (found []Point, asked circles) {
	type search struct{ run, query string }
	most, here := map[[2]float64]int{}, map[[2]float64]map[search]int{}
	for _, p := range pages {
		if a := p.Notes.Area; a != nil && whole[p.RunID] {
			asked = asked.with(Area{Lat: a[0], Lon: a[1], RadiusKM: a[2]})
		}
		for _, at := range p.Notes.Points {
			if here[at] == nil {
				here[at] = map[search]int{}
			}
			by := search{p.RunID, p.QueryID}
			if here[at][by]++; here[at][by] > most[at] {
				most[at]++
				found = append(found, Point{Lat: at[0], Lon: at[1]})
			}
		}
	}
	return found, asked
}

// ask answers a search from what is known, and says how many calls it takes.
func (k known) ask(cfg tiling.Config, tile tiling.Tile) (tiling.Result, int) {
	var in []Point
	for _, p := range k.points {
		if cfg.Circle && inCircle(tile.Box, p) || !cfg.Circle && inBox(tile.Box, p) {
			in = append(in, p)
		}
	}
	rows, most := int(float64(len(in))*k.perPoint+0.5), cfg.Cap
	if tile.Pages > 0 {
		most = min(most, tile.Pages*cfg.PageSize)
	}
	if cfg.Totals && rows > cfg.Cap { // one page says that it is to be cut
		most = cfg.PageSize
	}
	out := tiling.Result{Rows: min(rows, most), More: rows > most}
	out.Points = in[:min(len(in), int(float64(out.Rows)/k.perPoint+0.5))]
	if cfg.Totals {
		out.Total = int64(rows)
	}
	return out, max(1, (out.Rows+cfg.PageSize-1)/cfg.PageSize)
}

func inBox(b Box, p Point) bool {
	return p.Lat >= b.South && p.Lat < b.North && p.Lon >= b.West && p.Lon < b.East
}

func inCircle(b Box, p Point) bool {
	lat, lon := (b.South+b.North)/2, (b.West+b.East)/2
	return kilometres(lat, lon, p.Lat, p.Lon) <= kilometres(lat, lon, b.North, b.East)
}

const kmPerDegree = 111.195 // of latitude

// kilometres between two points on the globe, by the haversine formula.
func kilometres(lat1, lon1, lat2, lon2 float64) float64 {
	const rad, radius = math.Pi / 180, 6371.0088
	dLat, dLon := (lat2-lat1)*rad, (lon2-lon1)*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(lat1*rad)*math.Cos(lat2*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * radius * math.Asin(math.Min(1, math.Sqrt(h)))
}
