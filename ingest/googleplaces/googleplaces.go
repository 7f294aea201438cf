// Package googleplaces asks the Places API (New), version 1, of Google. A
// campaign's circle becomes boxes with a search each, since one search gives
// sixty places at most.
package googleplaces

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// Source is the adapter. The zero value is ready.
type Source struct{}

var _ ingest.Discoverer = Source{}

// Limits of the provider: 600 calls a minute and method, 20 places a page, 60
// a text search.
const (
	pageSize  = 20
	resultCap = 60
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
		PageSize:          pageSize,
		ResultCap:         resultCap,
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
// the places near the middle of each box instead of a text search.
const typePrefix = "type:"

// Plan covers the campaign's circle with boxes and makes a query for each.
// Keywords are the text of the search; without them the campaign's name or its
// vertical is. Keywords such as "type:plumber" search by place type.
func (Source) Plan(c leadlake.CampaignSpec, src leadlake.SourceSpec) ([]ingest.Query, error) {
	area, err := areaOf(c.Geo)
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
	var queries []ingest.Query
	for _, b := range area.boxes() {
		params := map[string]string{}
		calls := resultCap / pageSize
		if byType {
			params["method"], params["type"] = searchNearby, placeType
			calls = 1
			b.addCircle(params)
		} else {
			params["method"], params["text"] = searchText, text
			b.addRectangle(params)
		}
		if c.Geo.Country != "" {
			params["region_code"] = strings.ToUpper(c.Geo.Country)
		}
		queries = append(queries, ingest.Query{
			ID:             ingest.QueryID(src.Provider(), params),
			Provider:       src.Provider(),
			Params:         params,
			EstimatedCalls: calls,
		})
	}
	return queries, nil
}

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
