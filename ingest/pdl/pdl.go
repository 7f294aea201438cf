// Package pdl asks the API of People Data Labs, version 5: for the companies of
// a place, and for one company by its website or its name and place.
package pdl

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/internal/gazetteer"
	"github.com/leadlake/leadlake/internal/taxonomy"
)

// Source is the adapter. The zero value is ready.
type Source struct{}

var (
	_ ingest.Discoverer = Source{}
	_ ingest.Enricher   = Source{}
	_ ingest.Judge      = Source{}
)

// The two methods, as limits and the ledger name them.
const (
	search = "company/search"
	enrich = "company/enrich"
)

// pageSize is the most records that a search gives at once.
const pageSize = 100

// creditMicros is what a record costs, in a search as in an enrichment: 98
// dollars a month are 350 of them (the Pro plan of August 2026).
const creditMicros = 280_000

// Spec describes the source. The limits are those of a new account; they hold
// for a key and each endpoint.
func (Source) Spec() ingest.Spec {
	return ingest.Spec{
		Name:             "pdl",
		Licence:          "pdl",
		BaseURL:          "https://api.peopledatalabs.com",
		CredentialEnv:    "LEADLAKE_PDL_KEY",
		CredentialHeader: "X-Api-Key",
		Limits: []ingest.Limit{
			{Endpoint: search, Calls: 10, Per: ingest.PerMinute},
			{Endpoint: enrich, Calls: 100, Per: ingest.PerMinute},
		},
		PageSize: pageSize,
		Totals:   true,
		Gives: []ingest.Gift{
			{Field: ingest.FieldEmployees, HitRate: 0.55},
			{Field: ingest.FieldFounded, HitRate: 0.45},
			{Field: ingest.FieldSocial, HitRate: 0.5},
			{Field: ingest.FieldCategory, HitRate: 0.5},
			{Field: ingest.FieldRevenue, HitRate: 0.3},
		},
		CostMicrosPerCall: creditMicros,
		PersonalFields:    []string{"phone", "phone_numbers", "emails"},
	}
}

// Plan asks for the companies of the campaign's place whose industry code is
// one of the lines of business that the campaign is about. The codes are
// narrower than the industries that PDL has beside them, and every record of an
// answer costs.
func (Source) Plan(c leadlake.CampaignSpec, src leadlake.SourceSpec) ([]ingest.Query, error) {
	params := map[string]string{
		"locality": strings.ToLower(strings.TrimSpace(c.Geo.City)),
		"region":   strings.ToLower(gazetteer.RegionName(c.Geo)),
		"country":  strings.ToLower(gazetteer.CountryName(c.Geo.Country)),
	}
	if params["locality"]+params["region"]+params["country"] == "" {
		return nil, leadlake.Errorf(leadlake.Invalid, "campaign: People Data Labs knows places by name, and geo does not name one").
			WithFix("give geo.city with geo.region, or geo.country")
	}
	if concepts := conceptsOf(c); len(concepts) > 0 {
		params["naics"] = codes(concepts, func(c taxonomy.Concept) string { return c.NAICS })
		params["sic"] = codes(concepts, func(c taxonomy.Concept) string { return c.SIC })
	} else if params["text"] = strings.ToLower(strings.Join(strings.Fields(c.Keywords), " ")); params["text"] == "" {
		return nil, leadlake.Errorf(leadlake.Invalid, "campaign: nothing says what to search for").
			WithFix("add keywords, such as software")
	}
	return []ingest.Query{{
		ID: ingest.QueryID(src.Provider(), params), Provider: src.Provider(), Params: params, EstimatedCalls: 1,
	}}, nil
}

// conceptsOf are the lines of business of a campaign: by its keywords, without
// them by its name or its vertical.
func conceptsOf(c leadlake.CampaignSpec) []taxonomy.Concept {
	if strings.TrimSpace(c.Keywords) != "" {
		return taxonomy.Find(c.Keywords)
	}
	if named := taxonomy.Find(c.Name); len(named) > 0 {
		return named
	}
	var all []taxonomy.Concept
	for _, each := range taxonomy.All() {
		if each.Vertical == string(c.Vertical) {
			all = append(all, each)
		}
	}
	return all
}

func codes(concepts []taxonomy.Concept, of func(taxonomy.Concept) string) string {
	var all []string
	for _, c := range concepts {
		if code := of(c); code != "" {
			all = append(all, code)
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ",")
}

// Lookup asks by the website, else by name and place: a name alone fits too
// many.
func (s Source) Lookup(lead ingest.Subject) []ingest.Query {
	params := map[string]string{}
	switch domain := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(lead.Domain)), "www."); {
	case domain != "":
		params["website"] = domain
	case lead.Name != "" && lead.City != "":
		params["name"], params["locality"], params["region"] = lead.Name, lead.City, lead.Region
		params["country"] = gazetteer.CountryName(lead.Country)
	default:
		return nil
	}
	name := s.Spec().Name
	return []ingest.Query{{ID: ingest.QueryID(name, params), Provider: name, Params: params, EstimatedCalls: 1}}
}

// Request builds a call; the cursor is the scroll token of the page before.
func (Source) Request(q ingest.Query, cursor string) (ingest.Request, error) {
	if isLookup(q) {
		query := url.Values{}
		for _, name := range []string{"website", "name", "locality", "region", "country"} {
			if v := q.Params[name]; v != "" {
				query.Set(name, v)
			}
		}
		return ingest.Request{
			Method: http.MethodGet, URL: "/v5/company/enrich?" + query.Encode(), Endpoint: enrich, CostMicros: creditMicros,
		}, nil
	}
	body, err := json.Marshal(searchBody{Query: condition(q.Params), Size: pageSize, ScrollToken: cursor})
	if err != nil {
		return ingest.Request{}, leadlake.Errorf(leadlake.Internal, "query %s of %s: %w", q.ID, q.Provider, err)
	}
	return ingest.Request{
		Method:     http.MethodPost,
		URL:        "/v5/company/search",
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       body,
		Endpoint:   search,
		CostMicros: pageSize * creditMicros,
	}, nil
}

// isLookup tells a question about one company from a search.
func isLookup(q ingest.Query) bool { return q.Params["website"] != "" || q.Params["name"] != "" }
