// Package googlegeocoding asks Google's Geocoding API, version 3, where an
// address lies, or what the address of a point is.
package googlegeocoding

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/leadlake/leadlake/ingest"
)

// Source is the adapter. The zero value is ready.
type Source struct{}

var (
	_ ingest.Enricher = Source{}
	_ ingest.Judge    = Source{}
)

const (
	name    = "google_geocoding"
	geocode = "geocode" // the method, in limits and the ledger
)

// costMicros is the list price: 5 dollars a thousand calls, where the first
// 10,000 of a month are free, which this does not know. A call that finds
// nothing is billed, too.
const costMicros = 5_000

// Spec describes the source. The limit of 3,000 a minute holds for a project.
func (Source) Spec() ingest.Spec {
	return ingest.Spec{
		Name:            name,
		Licence:         name,
		BaseURL:         "https://maps.googleapis.com",
		CredentialEnv:   "LEADLAKE_GOOGLE_GEOCODING_KEY",
		CredentialQuery: "key",
		Limits:          []ingest.Limit{{Endpoint: geocode, Calls: 3_000, Per: ingest.PerMinute}},
		MaxPages:        1,
		Gives: []ingest.Gift{
			{Field: ingest.FieldGeo, HitRate: 0.95},
			{Field: ingest.FieldAddress, HitRate: 0.9},
		},
		BillsMisses:       true,
		CostMicrosPerCall: costMicros,
		PersonalFields:    []string{"formatted_address", "address_components"}, // a company of one may be at home
	}
}

// Parameters of a query; it has the first two or the last.
const (
	addressParam = "address"
	regionParam  = "region"
	latlngParam  = "latlng"
)

// Lookup asks for the point of a lead whose street and city are known, or for
// the address of one whose point is. It does not ask for what is known.
func (Source) Lookup(s ingest.Subject) []ingest.Query {
	params := map[string]string{}
	hasPoint := s.Lat != nil && s.Lon != nil
	switch {
	case !hasPoint && s.Street != "" && s.City != "":
		params[addressParam] = address(s)
		if code := regionCode(s.Country); code != "" {
			params[regionParam] = code
		}
	case hasPoint && s.Street == "":
		params[latlngParam] = ingest.Degrees(*s.Lat) + "," + ingest.Degrees(*s.Lon)
	default:
		return nil
	}
	return []ingest.Query{{
		ID:             ingest.QueryID(name, params),
		Provider:       name,
		Params:         params,
		EstimatedCalls: 1,
	}}
}

// address writes an address on one line, as one would on an envelope.
func address(s ingest.Subject) string {
	var parts []string
	for _, part := range []string{s.Street, s.City, s.Region + " " + s.Postal, s.Country} {
		if part = strings.Join(strings.Fields(part), " "); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

// regionCode is a country as the parameter region has it: the domain of the
// country, which is its ISO code but for the United Kingdom.
func regionCode(country string) string {
	code := strings.ToLower(strings.TrimSpace(country))
	if code == "gb" {
		return "uk"
	}
	return code
}

// Request builds the call. A point is asked for its address alone, so that no
// town comes in its place.
func (Source) Request(q ingest.Query, _ string) (ingest.Request, error) {
	values := url.Values{"language": {"en"}}
	for _, param := range []string{addressParam, regionParam, latlngParam} {
		if v := q.Params[param]; v != "" {
			values.Set(param, v)
		}
	}
	if q.Params[latlngParam] != "" {
		values.Set("result_type", "street_address|premise|subpremise")
	}
	return ingest.Request{
		Method:     http.MethodGet,
		URL:        "/maps/api/geocode/json?" + values.Encode(),
		Endpoint:   geocode,
		CostMicros: costMicros,
	}, nil
}
