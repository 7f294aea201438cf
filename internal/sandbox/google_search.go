package sandbox

import (
	"math"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// findText returns the matches in their order, no more than can be paged to. A
// query may end in a place: "plumber in Aurora, CO".
func (g *googlePlaces) findText(q *textQuery) []*world.Listing {
	words, town := splitQuery(q.TextQuery)
	center, known := q.center()
	if !known {
		center = latLng{g.world.Metro.Lat, g.world.Metro.Lon}
	}
	var area *world.Box
	if q.LocationRestriction != nil {
		area, town = q.LocationRestriction.Rectangle.box(), ""
	}
	byDistance := q.RankPreference == "DISTANCE"
	found, flat := best{keep: maxResults}, flatKM(center)
	g.index.words(words, area, func(i int32, relevance float64) {
		l := &g.index.all[i]
		if !g.admits(q, l) || town != "" && !strings.EqualFold(l.City, town) {
			return
		}
		if q.IncludedType == l.Category.Type {
			relevance += 2
		}
		if l.Status == world.ClosedForGood {
			relevance /= 4
		}
		if byDistance {
			found.offer(i, -world.DistanceKM(center.Latitude, center.Longitude, l.Lat, l.Lon))
			return
		}
		if q.LocationBias != nil {
			relevance /= 1 + flat(l.Lat, l.Lon)/25
		}
		found.offer(i, relevance+g.index.fame[i]/100)
	})
	return found.list(g.index)
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
	return true
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

// findNearby returns the places within the circle, no more than one answer
// holds. Service-area businesses have no point to be near to.
func (g *googlePlaces) findNearby(q *nearbyQuery) []*world.Listing {
	c := q.LocationRestriction.Circle
	area := world.Around(c.Center.Latitude, c.Center.Longitude, c.Radius/1000)
	found := best{keep: pageCap}
	g.index.each(nil, &area, func(i int32) {
		l := &g.index.all[i]
		if l.Area || l.Status == world.ClosedForGood || !q.wants(l) {
			return
		}
		km := world.DistanceKM(c.Center.Latitude, c.Center.Longitude, l.Lat, l.Lon)
		switch {
		case km*1000 > c.Radius:
		case q.RankPreference == "DISTANCE":
			found.offer(i, -km)
		default:
			found.offer(i, g.index.fame[i])
		}
	})
	return found.list(g.index)
}

func (q *nearbyQuery) wants(l *world.Listing) bool {
	if len(q.IncludedTypes)+len(q.ExcludedTypes)+len(q.IncludedPrimaryTypes)+len(q.ExcludedPrimaryTypes) == 0 {
		return true
	}
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
