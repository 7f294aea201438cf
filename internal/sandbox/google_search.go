package sandbox

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// hit is a listing with what it is ranked by.
type hit struct {
	*world.Listing
	relevance  float64
	distanceKM float64
}

// findText returns every match in its order. A query may end in a place:
// "plumber in Aurora, CO".
func (g *googlePlaces) findText(q *textQuery) []*world.Listing {
	words, town := splitQuery(q.TextQuery)
	center, known := q.center()
	if !known {
		center = latLng{g.world.Metro.Lat, g.world.Metro.Lon}
	}
	var hits []hit
	all := g.world.Listings(world.GooglePlaces)
	for i := range all {
		l := &all[i]
		h := hit{Listing: l, relevance: relevance(l, words)}
		if h.relevance == 0 || !g.admits(q, l) {
			continue
		}
		if town != "" && q.LocationRestriction == nil && !strings.EqualFold(l.City, town) {
			continue
		}
		if q.IncludedType == l.Category.Type {
			h.relevance += 2
		}
		if l.Status == world.ClosedForGood {
			h.relevance /= 4
		}
		h.distanceKM = world.DistanceKM(center.Latitude, center.Longitude, l.Lat, l.Lon)
		if q.LocationBias != nil {
			h.relevance /= 1 + h.distanceKM/25
		}
		hits = append(hits, h)
	}
	return rank(hits, q.RankPreference == "DISTANCE", func(h hit) float64 { return h.relevance + popularity(h.Listing)/100 })
}

// admits applies the filters of a text search.
func (g *googlePlaces) admits(q *textQuery, l *world.Listing) bool {
	switch {
	case l.Area && !q.IncludePureServiceAreaBusinesses,
		len(q.PriceLevels) > 0, // no business of this world has a price level
		q.OpenNow && !openNow(l, g.now()),
		q.MinRating > 0 && l.Rating < math.Ceil(q.MinRating*2)/2,
		q.StrictTypeFiltering && q.IncludedType != "" && !slices.Contains(placeTypes(l), q.IncludedType):
		return false
	}
	return q.LocationRestriction == nil || q.LocationRestriction.Rectangle.contains(l.Lat, l.Lon)
}

// center is the middle of the area that the query names.
func (q *textQuery) center() (latLng, bool) {
	var r *rectangle
	switch {
	case q.LocationBias != nil && q.LocationBias.Circle != nil:
		return *q.LocationBias.Circle.Center, true
	case q.LocationBias != nil:
		r = q.LocationBias.Rectangle
	case q.LocationRestriction != nil:
		r = q.LocationRestriction.Rectangle
	default:
		return latLng{}, false
	}
	return latLng{(r.Low.Latitude + r.High.Latitude) / 2, (r.Low.Longitude + r.High.Longitude) / 2}, true
}

// splitQuery separates what is looked for from where.
func splitQuery(text string) (words []string, town string) {
	text = strings.ToLower(text)
	for _, sep := range []string{" in ", " near "} {
		if what, where, ok := strings.Cut(text, sep); ok {
			text = what
			town, _, _ = strings.Cut(where, ",")
			town = strings.TrimSpace(town)
		}
	}
	return tokens(text), town
}

func tokens(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// relevance is 0 where no word of the query fits.
func relevance(l *world.Listing, words []string) float64 {
	score := 0.0
	name := tokens(l.Name)
	for _, w := range words {
		w = strings.TrimSuffix(w, "s")
		fits := func(other string) bool { return strings.TrimSuffix(other, "s") == w }
		if slices.ContainsFunc(l.Category.Keywords, fits) || slices.ContainsFunc(tokens(l.Category.Type), fits) {
			score += 2
		}
		if slices.ContainsFunc(name, fits) {
			score++
		}
	}
	return score
}

func popularity(l *world.Listing) float64 { return l.Rating * math.Log1p(float64(l.Reviews)) }

// findNearby returns every place within the circle. Service-area businesses
// have no point to be near to.
func (g *googlePlaces) findNearby(q *nearbyQuery) []*world.Listing {
	c := q.LocationRestriction.Circle
	var hits []hit
	all := g.world.Listings(world.GooglePlaces)
	for i := range all {
		l := &all[i]
		km := world.DistanceKM(c.Center.Latitude, c.Center.Longitude, l.Lat, l.Lon)
		if l.Area || l.Status == world.ClosedForGood || km*1000 > c.Radius || !q.wants(l) {
			continue
		}
		hits = append(hits, hit{Listing: l, distanceKM: km})
	}
	return rank(hits, q.RankPreference == "DISTANCE", func(h hit) float64 { return popularity(h.Listing) })
}

func (q *nearbyQuery) wants(l *world.Listing) bool {
	types := placeTypes(l)
	any := func(list []string) bool {
		return slices.ContainsFunc(list, func(t string) bool { return slices.Contains(types, t) })
	}
	switch {
	case len(q.IncludedTypes) > 0 && !any(q.IncludedTypes),
		any(q.ExcludedTypes),
		len(q.IncludedPrimaryTypes) > 0 && !slices.Contains(q.IncludedPrimaryTypes, l.Category.Type),
		slices.Contains(q.ExcludedPrimaryTypes, l.Category.Type):
		return false
	}
	return true
}

// rank orders hits by distance or by falling weight; the key breaks ties, so
// that pages never overlap.
func rank(hits []hit, byDistance bool, weight func(hit) float64) []*world.Listing {
	slices.SortFunc(hits, func(a, b hit) int {
		if byDistance {
			return cmp.Or(cmp.Compare(a.distanceKM, b.distanceKM), cmp.Compare(a.Key, b.Key))
		}
		return cmp.Or(cmp.Compare(weight(b), weight(a)), cmp.Compare(a.Key, b.Key))
	})
	out := make([]*world.Listing, len(hits))
	for i, h := range hits {
		out[i] = h.Listing
	}
	return out
}
