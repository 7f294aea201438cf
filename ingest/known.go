package ingest

import (
	"math"

	"github.com/leadlake/leadlake/internal/tiling"
	"github.com/leadlake/leadlake/lake/store"
)

// minKnownShare is the share of an area that must be known before what is
// known says something about the rest.
const minKnownShare = 0.2

// known is where the rows of a question were found by earlier runs.
type known struct {
	points []Point
	inArea int     // points in the part of the campaign's area that is asked about
	share  float64 // of that area that earlier runs covered, 0 to 1
}

func newKnown(pages []store.LandedPage, area Area, part Box) known {
	var k known
	seen := map[[2]float64]bool{}
	areas := map[[3]float64]bool{}
	for _, p := range pages {
		if p.Notes.Area != nil {
			areas[*p.Notes.Area] = true
		}
		for _, at := range p.Notes.Points {
			if !seen[at] { // neighbouring searches give the same place
				seen[at] = true
				k.points = append(k.points, Point{Lat: at[0], Lon: at[1]})
				if inBox(part, Point{Lat: at[0], Lon: at[1]}) && kilometres(area.Lat, area.Lon, at[0], at[1]) <= area.RadiusKM {
					k.inArea++
				}
			}
		}
	}
	k.share = covered(area, areas)
	return k
}

// covered is the share of an area that lies in others, by a grid of points.
func covered(area Area, others map[[3]float64]bool) float64 {
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
			for o := range others {
				if kilometres(o[0], o[1], lat, lon) <= o[2]*1.001 {
					hit++
					break
				}
			}
		}
	}
	return float64(hit) / float64(inside)
}

// ask answers a search from what is known, and says how many calls it takes.
func (k known) ask(cfg tiling.Config, tile tiling.Tile) (tiling.Result, int) {
	var in []Point
	for _, p := range k.points {
		if cfg.Circle && inCircle(tile.Box, p) || !cfg.Circle && inBox(tile.Box, p) {
			in = append(in, p)
		}
	}
	most := cfg.Cap
	if tile.Pages > 0 {
		most = min(most, tile.Pages*cfg.PageSize)
	}
	if cfg.Totals && len(in) > cfg.Cap { // one page says that it is to be cut
		most = cfg.PageSize
	}
	out := tiling.Result{Rows: min(len(in), most), More: len(in) > most}
	out.Points = in[:out.Rows]
	if cfg.Totals {
		out.Total = int64(len(in))
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
