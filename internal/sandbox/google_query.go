package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

const (
	pageCap    = 20 // places of one answer
	maxResults = 60 // places of one text search, over all pages
)

type latLng struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

func (p *latLng) valid() bool {
	return p != nil && math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180
}

type circle struct {
	Center *latLng `json:"center"`
	Radius float64 `json:"radius"` // metres
}

type rectangle struct {
	Low  *latLng `json:"low"`
	High *latLng `json:"high"`
}

func (r *rectangle) check() *googleError {
	if !r.Low.valid() || !r.High.valid() {
		return invalidArgument("Invalid rectangle: low and high must be valid points.")
	}
	if r.Low.Latitude > r.High.Latitude {
		return invalidArgument("Invalid rectangle: low.latitude is larger than high.latitude.")
	}
	return nil
}

func (r *rectangle) box() *world.Box {
	return &world.Box{South: r.Low.Latitude, West: r.Low.Longitude, North: r.High.Latitude, East: r.High.Longitude}
}

// textQuery is the body of searchText.
type textQuery struct {
	TextQuery           string   `json:"textQuery"`
	LanguageCode        string   `json:"languageCode"`
	RegionCode          string   `json:"regionCode"`
	RankPreference      string   `json:"rankPreference"`
	IncludedType        string   `json:"includedType"`
	OpenNow             bool     `json:"openNow"`
	MinRating           float64  `json:"minRating"`
	PriceLevels         []string `json:"priceLevels"`
	StrictTypeFiltering bool     `json:"strictTypeFiltering"`
	LocationBias        *struct {
		Circle    *circle    `json:"circle"`
		Rectangle *rectangle `json:"rectangle"`
	} `json:"locationBias"`
	LocationRestriction *struct {
		Rectangle *rectangle `json:"rectangle"`
	} `json:"locationRestriction"`
	IncludePureServiceAreaBusinesses bool            `json:"includePureServiceAreaBusinesses"`
	IncludeFutureOpeningBusinesses   bool            `json:"includeFutureOpeningBusinesses"`
	EvOptions                        json.RawMessage `json:"evOptions,omitempty"`
	RoutingParameters                json.RawMessage `json:"routingParameters,omitempty"`
	SearchAlongRouteParameters       json.RawMessage `json:"searchAlongRouteParameters,omitempty"`

	PageSize       int    `json:"pageSize"`
	PageToken      string `json:"pageToken"`
	MaxResultCount int    `json:"maxResultCount"`
}

func (q *textQuery) check() *googleError {
	switch {
	case strings.TrimSpace(q.TextQuery) == "":
		return invalidArgument("Empty text_query.")
	case q.PageSize < 0 || q.MaxResultCount < 0:
		return invalidArgument("page_size must not be negative.")
	case q.MinRating < 0 || q.MinRating > 5:
		return invalidArgument("min_rating must be between 0 and 5.")
	case !slices.Contains([]string{"", "RANK_PREFERENCE_UNSPECIFIED", "RELEVANCE", "DISTANCE"}, q.RankPreference):
		return invalidArgument("Invalid value at 'rank_preference'.")
	case q.LocationBias != nil && q.LocationRestriction != nil:
		return invalidArgument("location_bias and location_restriction cannot both be set.")
	}
	if b := q.LocationBias; b != nil {
		switch {
		case (b.Circle == nil) == (b.Rectangle == nil):
			return invalidArgument("location_bias needs a circle or a rectangle.")
		case b.Circle != nil && (!b.Circle.Center.valid() || b.Circle.Radius < 0 || b.Circle.Radius > 50_000):
			return invalidArgument("Invalid circle: the radius must be between 0 and 50000.")
		case b.Rectangle != nil:
			return b.Rectangle.check()
		}
	}
	if r := q.LocationRestriction; r != nil {
		if r.Rectangle == nil {
			return invalidArgument("location_restriction needs a rectangle.")
		}
		return r.Rectangle.check()
	}
	return nil
}

// size is the page size; the deprecated name counts where the other is absent.
func (q *textQuery) size() int {
	n := q.PageSize
	if n == 0 {
		n = q.MaxResultCount
	}
	if n == 0 || n > pageCap {
		return pageCap
	}
	return n
}

// digest identifies everything that must not change between pages.
func (q *textQuery) digest() string {
	c := *q
	c.PageSize, c.PageToken, c.MaxResultCount = 0, "", 0
	text, _ := json.Marshal(c) // a struct of plain fields always marshals
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// A page token carries its place and the digest of its query, so that the
// sandbox needs no memory of it.
const tokenPrefix = "AeSbx"

func (q *textQuery) token(offset int) string {
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s.%d", q.digest(), offset))
}

func (q *textQuery) offset() (int, *googleError) {
	if q.PageToken == "" {
		return 0, nil
	}
	var digest string
	var offset int
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(q.PageToken, tokenPrefix))
	if err == nil {
		_, err = fmt.Sscanf(strings.ReplaceAll(string(text), ".", " "), "%s %d", &digest, &offset)
	}
	if err != nil || !strings.HasPrefix(q.PageToken, tokenPrefix) || offset <= 0 || offset > maxResults {
		return 0, invalidArgument("Invalid page token.")
	}
	if digest != q.digest() {
		return 0, invalidArgument("Request parameters for paging requests must match the initial SearchText request.")
	}
	return offset, nil
}

// nearbyQuery is the body of searchNearby.
type nearbyQuery struct {
	LanguageCode         string   `json:"languageCode"`
	RegionCode           string   `json:"regionCode"`
	IncludedTypes        []string `json:"includedTypes"`
	ExcludedTypes        []string `json:"excludedTypes"`
	IncludedPrimaryTypes []string `json:"includedPrimaryTypes"`
	ExcludedPrimaryTypes []string `json:"excludedPrimaryTypes"`
	MaxResultCount       *int     `json:"maxResultCount"`
	RankPreference       string   `json:"rankPreference"`
	LocationRestriction  *struct {
		Circle *circle `json:"circle"`
	} `json:"locationRestriction"`
	IncludeFutureOpeningBusinesses bool            `json:"includeFutureOpeningBusinesses"`
	RoutingParameters              json.RawMessage `json:"routingParameters"`
}

func (q *nearbyQuery) check() *googleError {
	for _, list := range [][]string{q.IncludedTypes, q.ExcludedTypes, q.IncludedPrimaryTypes, q.ExcludedPrimaryTypes} {
		if len(list) > 50 {
			return invalidArgument("At most 50 types may be specified.")
		}
	}
	for _, pair := range [][2][]string{{q.IncludedTypes, q.ExcludedTypes}, {q.IncludedPrimaryTypes, q.ExcludedPrimaryTypes}} {
		for _, t := range pair[0] {
			if slices.Contains(pair[1], t) {
				return invalidArgument("Conflicting types: " + t + " is both included and excluded.")
			}
		}
	}
	switch {
	case q.LocationRestriction == nil || q.LocationRestriction.Circle == nil || !q.LocationRestriction.Circle.Center.valid():
		return invalidArgument("location_restriction.circle is required.")
	case q.LocationRestriction.Circle.Radius <= 0 || q.LocationRestriction.Circle.Radius > 50_000:
		return invalidArgument("The radius must be larger than 0 and at most 50000.")
	case q.MaxResultCount != nil && (*q.MaxResultCount < 1 || *q.MaxResultCount > pageCap):
		return invalidArgument("max_result_count must be between 1 and 20.")
	case !slices.Contains([]string{"", "RANK_PREFERENCE_UNSPECIFIED", "POPULARITY", "DISTANCE"}, q.RankPreference):
		return invalidArgument("Invalid value at 'rank_preference'.")
	}
	return nil
}
