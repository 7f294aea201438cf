package googleplaces

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// Legacy is the Places service as it was before 2025, which only older projects
// of Google's may still call. The zero value is ready.
//
// It asks the nearby search with a keyword: that one keeps to its circle, while
// the text search takes its circle for a hint and answers from all the world,
// so that no tile of it would ever be covered.
type Legacy struct{}

var (
	_ ingest.Tiled = Legacy{}
	_ ingest.Judge = Legacy{}
)

const (
	legacyCostMicros = 40_000 // 32 dollars a thousand, and what the data of the answer costs; not verified since 2025
	nearbySearch     = "nearbysearch"
	// A page token is good only about two seconds after it was handed out.
	tokenDelay = 2 * time.Second
)

// Spec describes the source. Google publishes no limit for it; 600 a minute is
// that of its successor.
func (Legacy) Spec() ingest.Spec {
	return ingest.Spec{
		Name:              "google_places_legacy",
		Licence:           "google_places",
		BaseURL:           "https://maps.googleapis.com",
		CredentialEnv:     "LEADLAKE_GOOGLE_PLACES_KEY",
		CredentialQuery:   "key",
		Limits:            []ingest.Limit{{Calls: 600, Per: ingest.PerMinute}},
		PageSize:          pageSize,
		ResultCap:         resultCap,
		CostMicrosPerCall: legacyCostMicros,
		PersonalFields:    []string{"name", "formatted_address", "vicinity"},
	}
}

// Plan asks for the campaign's circle, by keyword or, with "type:plumber", by
// place type.
func (s Legacy) Plan(c leadlake.CampaignSpec, src leadlake.SourceSpec) ([]ingest.Query, error) {
	area, err := ingest.AreaOf(c.Geo)
	if err != nil {
		return nil, err
	}
	root := ingest.Query{Provider: src.Provider(), EstimatedCalls: resultCap / pageSize, Circle: true}
	words := searchWords(c)
	if placeType, ok := strings.CutPrefix(words, typePrefix); !ok {
		root.Params = map[string]string{"keyword": words}
	} else if placeType = strings.TrimSpace(placeType); placeType != "" {
		root.Params = map[string]string{"type": placeType}
	} else {
		return nil, leadlake.Errorf(leadlake.Invalid, "campaign: keywords %q name no place type", c.Keywords).
			WithFix("write type:plumber, or plain words")
	}
	return rooted(s, root, small(area.Boxes())), nil
}

// At asks the same in the circle around another box.
func (Legacy) At(q ingest.Query, tile ingest.Box) ingest.Query {
	return at(q, tile, circleAround(tile))
}

// Request builds a search. A page token stands for all that the first page was
// asked with.
func (Legacy) Request(q ingest.Query, cursor string) (ingest.Request, error) {
	query := url.Values{"pagetoken": {cursor}}
	if cursor == "" {
		if q.Params["lat"] == "" || q.Params["lon"] == "" || q.Params["radius_m"] == "" {
			return ingest.Request{}, leadlake.Errorf(leadlake.Internal, "query %s of %s: it has no circle", q.ID, q.Provider)
		}
		query = url.Values{
			"location": {q.Params["lat"] + "," + q.Params["lon"]},
			"radius":   {q.Params["radius_m"]},
			"language": {language},
		}
		for _, name := range []string{"keyword", "type"} {
			if v := q.Params[name]; v != "" {
				query.Set(name, v)
			}
		}
	}
	return ingest.Request{
		Method:     http.MethodGet,
		URL:        "/maps/api/place/" + nearbySearch + "/json?" + query.Encode(),
		Endpoint:   nearbySearch,
		CostMicros: legacyCostMicros,
	}, nil
}

// Parse reads an answer. Each place is a record under its id, as it was given.
func (Legacy) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	answer, err := ingest.ReadJSON(q, resp)
	if err != nil {
		return ingest.Page{}, err
	}
	if status := answer.Get("status").String(); status != "OK" && status != "ZERO_RESULTS" {
		return ingest.Page{}, leadlake.Errorf(leadlake.Unavailable, "read the answer of %s: its status is %q", q.Provider, status).
			WithFix("run it again; if it stays, the provider's format has changed")
	}
	rows := ingest.Rows{
		Key:      "place_id",
		Required: map[string]gjson.Type{"place_id": gjson.String},
		Typed: map[string]gjson.Type{
			"name": gjson.String, "geometry.location.lat": gjson.Number, "geometry.location.lng": gjson.Number,
			"rating": gjson.Number, "user_ratings_total": gjson.Number, "business_status": gjson.String,
			"formatted_address": gjson.String, "vicinity": gjson.String,
		},
		Known: strings.Fields(`business_status formatted_address geometry icon icon_background_color icon_mask_base_uri id name
			opening_hours permanently_closed photos place_id plus_code price_level rating reference scope types
			user_ratings_total vicinity`),
	}
	err = each(q, answer, "results", func(place gjson.Result) error {
		r := rows.Record(place)
		if r.Problem == nil {
			r.Point = pointOf(place.Get("geometry.location.lat"), place.Get("geometry.location.lng"))
		}
		return emit(r)
	})
	if err != nil {
		return ingest.Page{}, err
	}
	return ingest.Page{Next: answer.Get("next_page_token").String(), Unknown: rows.Unknown()}, nil
}

// Judge reads the outcome from the body: the status of HTTP is always 200.
func (Legacy) Judge(status int, _ http.Header, body []byte) ingest.Judgement {
	if status >= 300 || !gjson.ValidBytes(body) {
		return ingest.Judgement{}
	}
	answer := gjson.ParseBytes(body)
	message := answer.Get("error_message").String()
	j := ingest.Judgement{Message: message}
	switch answer.Get("status").String() {
	case "INVALID_REQUEST":
		// So far the page token was too young, which is all that can be wrong
		// with a request of ours.
		j.Verdict, j.Wait = ingest.Slow, tokenDelay
	case "OVER_QUERY_LIMIT":
		j.Verdict = ingest.Slow
		if strings.Contains(message, "daily") {
			j.Verdict = ingest.Spent
		}
	case "OVER_DAILY_LIMIT":
		j.Verdict = ingest.Spent
	case "REQUEST_DENIED":
		j.Verdict = ingest.Denied
		if strings.Contains(message, "legacy API") || strings.Contains(message, "not authorized") || strings.Contains(message, "Billing") {
			j.Verdict = ingest.Refused
		}
	case "NOT_FOUND":
		j.Verdict = ingest.Miss
	case "UNKNOWN_ERROR":
		j.Verdict = ingest.Broken
	default:
		return ingest.Judgement{}
	}
	return j
}
