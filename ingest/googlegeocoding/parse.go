package googlegeocoding

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// The statuses of an answer, which come in its body under HTTP 200 (Google's
// reference of the Geocoding API, "Status codes").
const (
	statusOK          = "OK"
	statusZeroResults = "ZERO_RESULTS"
)

var judgements = map[string]ingest.Judgement{
	statusZeroResults:  {Verdict: ingest.Miss},
	"OVER_QUERY_LIMIT": {Verdict: ingest.Slow},
	"OVER_DAILY_LIMIT": {Verdict: ingest.Spent},
	"REQUEST_DENIED":   {Verdict: ingest.Denied},
	"INVALID_REQUEST":  {Verdict: ingest.Wrong},
	"UNKNOWN_ERROR":    {Verdict: ingest.Broken},
}

// Judge reads the status in the body, whatever HTTP's is. An answer without one
// that is known is left to HTTP.
func (Source) Judge(_ int, _ http.Header, body []byte) ingest.Judgement {
	if !json.Valid(body) {
		return ingest.Judgement{}
	}
	answer := gjson.ParseBytes(body)
	j, ok := judgements[text(answer.Get("status"))]
	if ok {
		j.Message = cut(text(answer.Get("error_message")))
	}
	return j
}

// maxMessage is as much as a person wants to read.
const maxMessage = 300

func cut(s string) string {
	if len(s) > maxMessage {
		s = s[:maxMessage] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}

// known are the fields of a result.
var known = []string{
	"address_components", "formatted_address", "geometry", "partial_match", "place_id", "plus_code", "postcode_localities",
	"types", "navigation_points",
}

// Parse reads an answer. Its first result is the record: the provider puts the
// likeliest first. A call that found nothing is no row, and not refunded.
func (Source) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	answer, err := ingest.ReadJSON(q, resp)
	if err != nil {
		return ingest.Page{}, err
	}
	status := text(answer.Get("status"))
	results := answer.Get("results")
	switch {
	case status == statusZeroResults:
		return ingest.Page{}, nil
	case status != statusOK || !results.IsArray():
		return ingest.Page{}, leadlake.Errorf(leadlake.Unavailable, "read the answer of %s: its status is %q", q.Provider, cut(status)).
			WithFix("run it again; if it stays, the provider's format has changed")
	}
	rows := ingest.Rows{
		Key:      "place_id",
		Required: map[string]gjson.Type{"geometry.location.lat": gjson.Number, "geometry.location.lng": gjson.Number},
		Typed:    map[string]gjson.Type{"place_id": gjson.String, "address_components": gjson.JSON, "partial_match": gjson.True},
		Known:    known,
	}
	first := results.Get("0")
	if !first.Exists() {
		return ingest.Page{}, nil
	}
	r := rows.Record(first)
	if r.Problem == nil && isExact(first) {
		r.Gives = found(q, first)
	}
	if err := emit(r); err != nil {
		return ingest.Page{}, err
	}
	return ingest.Page{Unknown: rows.Unknown()}, nil
}

// isExact says whether the result is what was asked for. A partial match may
// be another street of the same name, and an approximate location is the middle
// of a town. The staging model gives both a low likelihood.
func isExact(result gjson.Result) bool {
	return result.Get("partial_match").Type != gjson.True && text(result.Get("geometry.location_type")) != "APPROXIMATE"
}

// found is the half of the answer that was not in the question.
func found(q ingest.Query, result gjson.Result) []ingest.Field {
	if q.Params[latlngParam] == "" {
		return []ingest.Field{ingest.FieldGeo}
	}
	hasStreet := false
	result.Get("address_components").ForEach(func(_, component gjson.Result) bool {
		hasStreet = slices.ContainsFunc(component.Get("types").Array(), func(t gjson.Result) bool { return text(t) == "route" })
		return !hasStreet
	})
	if !hasStreet {
		return nil
	}
	return []ingest.Field{ingest.FieldAddress}
}

// text is a value that is a text, or "".
func text(v gjson.Result) string {
	if v.Type != gjson.String {
		return ""
	}
	return v.Str
}
