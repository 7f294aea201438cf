package sandbox

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/internal/sandbox/world"
	"github.com/leadlake/leadlake/internal/taxonomy"
)

const (
	yelpCap      = 240    // businesses of one search, over all pages
	yelpPage     = 50     // businesses of one answer
	yelpFarthest = 40_000 // metres
	yelpUsual    = 25_000 // metres, where the caller gives no radius
	// The radius is a suggestion: what lies a little further out comes too.
	yelpSlack = 1.1
)

// yelpQuery is a search that was found valid.
type yelpQuery struct {
	words      []string
	categories []string // aliases
	center     latLng
	radiusKM   float64
	openNow    bool
	openAt     bool
	price      bool
	sortBy     string
	limit      int
	offset     int
}

func (y *yelp) parse(v url.Values) (q yelpQuery, err *yelpError) {
	q.words = tokens(v.Get("term"))
	if v.Get("categories") != "" {
		q.categories = strings.Split(v.Get("categories"), ",")
	}
	if q.limit, err = yelpInt(v.Get("limit"), "limit", 20, 0, yelpPage); err != nil {
		return q, err
	}
	if q.offset, err = yelpInt(v.Get("offset"), "offset", 0, 0, 1000); err != nil {
		return q, err
	}
	if q.offset+q.limit > yelpCap {
		return q, &yelpError{status: http.StatusBadRequest, code: "VALIDATION_ERROR",
			description: fmt.Sprintf("Too many results requested, limit+offset must be <= %d.", yelpCap)}
	}
	radius, err := yelpInt(v.Get("radius"), "radius", 0, 0, yelpFarthest)
	if err != nil {
		return q, err
	}
	q.radiusKM = float64(radius) / 1000
	if radius == 0 {
		q.radiusKM = yelpUsual / 1000
	}
	q.sortBy = v.Get("sort_by")
	if orders := []string{"best_match", "rating", "review_count", "distance"}; q.sortBy != "" && !slices.Contains(orders, q.sortBy) {
		return q, yelpInvalid("sort_by", q.sortBy, fmt.Sprintf("'%s' is not one of ['%s']", q.sortBy, strings.Join(orders, "', '")))
	}
	q.openNow, q.openAt, q.price = v.Get("open_now") == "true", v.Get("open_at") != "", v.Get("price") != ""
	if q.openNow && q.openAt {
		return q, yelpInvalid("open_at", v.Get("open_at"), "open_at cannot be used in conjunction with open_now")
	}
	return q, y.locate(v, &q)
}

// locate finds the middle of a search: a point, or a place of this world.
func (y *yelp) locate(v url.Values, q *yelpQuery) *yelpError {
	if v.Get("latitude") != "" || v.Get("longitude") != "" {
		for name, into := range map[string]*float64{"latitude": &q.center.Latitude, "longitude": &q.center.Longitude} {
			var err error
			if *into, err = strconv.ParseFloat(v.Get(name), 64); err != nil {
				return yelpInvalid(name, v.Get(name), fmt.Sprintf("'%s' is not of type 'number'", v.Get(name)))
			}
		}
		if !q.center.valid() {
			return yelpInvalid("latitude", q.center.Latitude, "The point is not on this planet.")
		}
		return nil
	}
	location := v.Get("location")
	switch {
	case strings.TrimSpace(location) == "":
		return &yelpError{status: http.StatusBadRequest, code: "VALIDATION_ERROR", description: "Please specify a location or a latitude and longitude"}
	case len(location) > 250:
		return yelpInvalid("location", location, fmt.Sprintf("'%s' is too long", location))
	}
	town, ok := y.town(location)
	if !ok {
		return &yelpError{status: http.StatusBadRequest, code: "LOCATION_NOT_FOUND",
			description: "Could not execute search, try specifying a more exact location."}
	}
	q.center = latLng{town.Lat, town.Lon}
	return nil
}

// town is the one that a text names by its name or postal code; a text that
// names the region alone is about the city.
func (y *yelp) town(location string) (world.Town, bool) {
	m := y.world.Metro
	words := tokens(location)
	padded := " " + strings.Join(words, " ") + " "
	for _, t := range m.Towns {
		if strings.Contains(padded, " "+strings.ToLower(t.Name)+" ") {
			return t, true
		}
		for _, postal := range t.Postals {
			if slices.Contains(words, postal) {
				return t, true
			}
		}
	}
	if slices.Contains(words, strings.ToLower(m.Region)) || slices.Contains(words, strings.ToLower(m.RegionName)) {
		return m.Towns[0], true
	}
	return world.Town{}, false
}

// yelpInt reads a whole number within bounds.
func yelpInt(text, field string, otherwise, least, most int) (int, *yelpError) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, yelpInvalid(field, text, fmt.Sprintf("'%s' is not of type 'integer'", text))
	case n < least:
		return 0, yelpInvalid(field, n, fmt.Sprintf("%d is less than the minimum of %d", n, least))
	case n > most:
		return 0, yelpInvalid(field, n, fmt.Sprintf("%d is greater than the maximum of %d", n, most))
	}
	return n, nil
}

func (y *yelp) search(r *http.Request) (object, *yelpError) {
	q, err := y.parse(r.URL.Query())
	if err != nil {
		return nil, err
	}
	found := best{keep: q.offset + max(q.limit, 1)}
	if !q.openAt && !q.price { // nobody has a price here, and the future is not known
		y.find(&q, &found)
	}
	list := found.list(y.index)
	end := min(len(list), q.offset+q.limit)
	businesses := []object{}
	for _, l := range list[min(q.offset, end):end] {
		b := y.render(l)
		b["distance"] = world.DistanceKM(q.center.Latitude, q.center.Longitude, l.Lat, l.Lon) * 1000
		businesses = append(businesses, b)
	}
	return object{
		"businesses": businesses, "total": found.seen,
		"region": object{"center": object{"latitude": q.center.Latitude, "longitude": q.center.Longitude}},
	}, nil
}

func (y *yelp) find(q *yelpQuery, found *best) {
	area := world.Around(q.center.Latitude, q.center.Longitude, q.radiusKM*yelpSlack)
	wanted := map[*world.Category]bool{}
	for c := range y.index.byCategory {
		for _, alias := range concept(c).Yelp {
			if q.categories == nil || slices.Contains(q.categories, alias) {
				wanted[c] = true
			}
		}
	}
	flat := flatKM(q.center)
	visit := func(i int32, relevance float64) {
		l := &y.index.all[i]
		if l.MovedTo != "" || !wanted[l.Category] || q.openNow && !openNow(l, y.now()) {
			return
		}
		km := flat(l.Lat, l.Lon)
		if km > q.radiusKM*yelpSlack {
			return
		}
		if l.Status == world.ClosedForGood {
			relevance /= 4
		}
		switch q.sortBy {
		case "distance":
			found.offer(i, -world.DistanceKM(q.center.Latitude, q.center.Longitude, l.Lat, l.Lon))
		case "rating": // few reviews say little
			found.offer(i, l.Rating*math.Min(1, float64(l.Reviews)/10))
		case "review_count":
			found.offer(i, float64(l.Reviews))
		default:
			found.offer(i, relevance+y.index.fame[i]/20-km/100)
		}
	}
	if len(q.words) > 0 {
		y.index.words(q.words, &area, visit)
		return
	}
	lists := [][]int32{}
	for c := range wanted {
		lists = append(lists, y.index.byCategory[c])
	}
	y.index.each(lists, &area, func(i int32) { visit(i, 1) })
}

// flatKM measures distances from a point as on a plane: quick, and wrong by
// less than a hundredth within a metro area.
func flatKM(from latLng) func(lat, lon float64) float64 {
	perDegree := world.DistanceKM(0, 0, 0, 1)
	perMeridian := perDegree * math.Cos(from.Latitude*math.Pi/180)
	return func(lat, lon float64) float64 {
		return math.Hypot((lat-from.Latitude)*perDegree, (lon-from.Longitude)*perMeridian)
	}
}

// concept is how providers call a category.
func concept(c *world.Category) taxonomy.Concept {
	for _, known := range taxonomy.All() {
		if known.ID == c.Type {
			return known
		}
	}
	return taxonomy.Concept{}
}
