// Package googleplaces asks the Places API of Google, version 1, for the
// businesses of an area and for one business by its name; and the service that
// came before it, for projects that still have it.
package googleplaces

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// Source is the adapter. The zero value is ready.
type Source struct{}

var (
	_ ingest.Tiled    = Source{}
	_ ingest.Enricher = Source{}
	_ ingest.Judge    = Source{}
)

// Limits of the provider: 20 places a page, 60 a text search, and 20 a nearby
// search, which has no second page.
const (
	pageSize  = 20
	resultCap = 60
	nearbyCap = 20
)

// costMicros is the list price of a search with a field of the Enterprise tier
// in its mask, of which the phone number and the website are two: 35 dollars a
// thousand calls (Google's price list of 2026-09-28, up to 100,000 a month; the
// first 1,000 of a month are free, which this does not know).
const costMicros = 35_000

// Spec describes the source.
func (Source) Spec() ingest.Spec {
	return ingest.Spec{
		Name:             "google_places",
		Licence:          "google_places",
		BaseURL:          "https://places.googleapis.com",
		CredentialEnv:    "LEADLAKE_GOOGLE_PLACES_KEY",
		CredentialHeader: "X-Goog-Api-Key",
		Limits: []ingest.Limit{
			{Endpoint: searchText, Calls: 600, Per: ingest.PerMinute},
			{Endpoint: searchNearby, Calls: 600, Per: ingest.PerMinute},
			{Endpoint: searchText, Calls: 75_000, Per: ingest.PerDay, Reset: ingest.PacificMidnight},
			{Endpoint: searchNearby, Calls: 75_000, Per: ingest.PerDay, Reset: ingest.PacificMidnight},
		},
		PageSize:  pageSize,
		ResultCap: resultCap,
		Gives: []ingest.Gift{
			{Field: ingest.FieldReviews, HitRate: 0.8},
			{Field: ingest.FieldPhone, HitRate: 0.8},
			{Field: ingest.FieldWebsite, HitRate: 0.6},
			{Field: ingest.FieldHours, HitRate: 0.7},
			{Field: ingest.FieldAddress, HitRate: 0.85},
			{Field: ingest.FieldGeo, HitRate: 0.85},
			{Field: ingest.FieldCategory, HitRate: 0.9},
		},
		BillsMisses:       true,
		CostMicrosPerCall: costMicros,
		PersonalFields:    []string{"nationalPhoneNumber", "internationalPhoneNumber"},
	}
}

// The two methods, as the parameter "method" of a query names them.
const (
	searchText   = "searchText"
	searchNearby = "searchNearby"
)

// typePrefix makes keywords a place type of Google's: "type:plumber" asks for
// the places around the middle of each tile instead of a text search.
const typePrefix = "type:"

// Plan asks for the campaign's circle. Keywords are the text of the search;
// without them the campaign's name or its vertical is. Keywords such as
// "type:plumber" search by place type.
func (s Source) Plan(c leadlake.CampaignSpec, src leadlake.SourceSpec) ([]ingest.Query, error) {
	area, err := ingest.AreaOf(c.Geo)
	if err != nil {
		return nil, err
	}
	text := searchWords(c)
	placeType, byType := strings.CutPrefix(text, typePrefix)
	placeType = strings.TrimSpace(placeType)
	if byType && placeType == "" {
		return nil, leadlake.Errorf(leadlake.Invalid, "campaign: keywords %q name no place type", c.Keywords).
			WithFix("write type:plumber, or plain words")
	}
	root := ingest.Query{Provider: src.Provider(), EstimatedCalls: resultCap / pageSize}
	boxes := area.Boxes()
	if byType {
		root.Params = map[string]string{"method": searchNearby, "type": placeType}
		root.EstimatedCalls, root.Circle, root.Cap = 1, true, nearbyCap
		boxes = small(boxes)
	} else {
		root.Params = map[string]string{"method": searchText, "text": text}
	}
	if c.Geo.Country != "" {
		root.Params["region_code"] = strings.ToUpper(c.Geo.Country)
	}
	return rooted(s, root, boxes), nil
}

// rooted is a question about each of the boxes.
func rooted(s ingest.Tiled, root ingest.Query, boxes []ingest.Box) []ingest.Query {
	queries := make([]ingest.Query, len(boxes))
	for i, b := range boxes {
		queries[i] = s.At(root, b)
	}
	return queries
}

// At asks the same in another box, or in the circle around it.
func (Source) At(q ingest.Query, tile ingest.Box) ingest.Query {
	if q.Params["method"] == searchNearby {
		return at(q, tile, circleAround(tile))
	}
	return at(q, tile, map[string]string{
		"low_lat": ingest.Degrees(tile.South), "low_lon": ingest.Degrees(tile.West),
		"high_lat": ingest.Degrees(tile.North), "high_lon": ingest.Degrees(tile.East),
	})
}

// at moves a question to a tile that the parameters describe.
func at(q ingest.Query, tile ingest.Box, place map[string]string) ingest.Query {
	params := maps.Clone(q.Params)
	maps.Copy(params, place)
	q.Params, q.Tile, q.ID = params, &tile, ingest.QueryID(q.Provider, params)
	return q
}

// Lookup searches for a lead by its name and where it is. The provider's first
// answer is the one it takes for the lead; others would be other businesses.
func (Source) Lookup(lead ingest.Subject) []ingest.Query {
	known := lead.Lat != nil && lead.Lon != nil
	if lead.Name == "" || lead.Street == "" && lead.City == "" && !known {
		return nil
	}
	var words []string
	for _, w := range []string{lead.Name, lead.Street, lead.City, lead.Region, lead.Postal} {
		if w = strings.Join(strings.Fields(w), " "); w != "" {
			words = append(words, w)
		}
	}
	params := map[string]string{"method": searchText, "text": strings.Join(words, ", "), "rows": "1"}
	if known {
		params["lat"], params["lon"], params["radius_m"] = ingest.Degrees(*lead.Lat), ingest.Degrees(*lead.Lon), biasMetres
	}
	if len(lead.Country) == 2 {
		params["region_code"] = strings.ToUpper(lead.Country)
	}
	name := Source{}.Spec().Name
	return []ingest.Query{{ID: ingest.QueryID(name, params), Provider: name, Params: params, EstimatedCalls: 1}}
}

// biasMetres is the circle in which a lead with a point is looked for first.
const biasMetres = "2000"

// searchWords is what to search for.
func searchWords(c leadlake.CampaignSpec) string {
	if words := strings.Join(strings.Fields(c.Keywords), " "); words != "" {
		return words
	}
	// "Denver Plumbers Q4 2026" is about plumbers: the box says where, and the
	// quarter nothing.
	place := strings.Fields(strings.ToLower(c.Geo.City + " " + c.Geo.Region))
	var words []string
	for _, w := range strings.Fields(c.Name) {
		if !isNoise(strings.ToLower(w), place) {
			words = append(words, w)
		}
	}
	if len(words) > 0 {
		return strings.Join(words, " ")
	}
	return strings.ReplaceAll(string(c.Vertical), "_", " ")
}

func isNoise(word string, place []string) bool {
	word = strings.Trim(word, ",.:;()-")
	for _, p := range place {
		if word == strings.Trim(p, ",") {
			return true
		}
	}
	if len(word) == 2 && word[0] == 'q' && word[1] >= '1' && word[1] <= '4' {
		return true
	}
	_, err := strconv.Atoi(word)
	return err == nil || word == "" || word == "leads" || word == "campaign"
}

// fields are the parts of a place that are asked for. Those of the Enterprise
// tier set the price of a call; the Atmosphere tier (reviews, menus) would cost
// more and is left out.
var fields = []string{
	"id", "displayName", "formattedAddress", "postalAddress", "addressComponents", "location", "types", "primaryType",
	"primaryTypeDisplayName", "businessStatus", "movedPlaceId", "pureServiceAreaBusiness", "googleMapsUri", "attributions",
	"nationalPhoneNumber", "internationalPhoneNumber", "websiteUri", "rating", "userRatingCount", "priceLevel",
	"regularOpeningHours.periods",
}

// fieldMask has no spaces: the provider refuses them.
func fieldMask(method string) string {
	mask := "places." + strings.Join(fields, ",places.")
	if method == searchText {
		mask += ",nextPageToken" // given only where it is asked for
	}
	return mask
}

// Request builds a search. All parameters but the page token stay the same from
// page to page, as the provider demands.
func (Source) Request(q ingest.Query, cursor string) (ingest.Request, error) {
	method := q.Params["method"]
	var body any
	var err error
	switch method {
	case searchText:
		body, err = textBody(q, cursor)
	case searchNearby:
		body, err = nearbyBody(q)
	default:
		err = fmt.Errorf("method %q is unknown", method)
	}
	if err != nil {
		return ingest.Request{}, leadlake.Errorf(leadlake.Internal, "query %s of %s: %w", q.ID, q.Provider, err)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return ingest.Request{}, leadlake.Errorf(leadlake.Internal, "query %s of %s: %w", q.ID, q.Provider, err)
	}
	return ingest.Request{
		Method: http.MethodPost,
		URL:    "/v1/places:" + method,
		Header: http.Header{
			"Content-Type":     {"application/json"},
			"X-Goog-Fieldmask": {fieldMask(method)},
		},
		Body:       text,
		Endpoint:   method,
		CostMicros: costMicros,
	}, nil
}
