// Package apollo asks the API of Apollo.io, version 1: for the companies of a
// place, and for the company of a domain.
package apollo

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
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
	companies = "mixed_companies/search"
	enrich    = "organizations/enrich"
)

// Apollo shows 50,000 companies of a search: 500 pages of 100.
const (
	pageSize = 100
	maxPages = 500
)

// creditMicros is what a credit costs: 2.5 cents, by the formula of Apollo's
// fair-use policy (credits = what was paid / 0.025, seen in August 2026). A
// page of a search is a credit, and so is a company that an enrichment finds.
const creditMicros = 25_000

// Spec describes the source. The limits are those of a paid plan; a free one
// allows a quarter of it. They hold for a team and each endpoint.
func (Source) Spec() ingest.Spec {
	return ingest.Spec{
		Name:             "apollo",
		Licence:          "apollo",
		BaseURL:          "https://api.apollo.io",
		CredentialEnv:    "LEADLAKE_APOLLO_KEY",
		CredentialHeader: "X-Api-Key",
		Limits: []ingest.Limit{
			{Endpoint: companies, Calls: 200, Per: ingest.PerMinute},
			{Endpoint: companies, Calls: 6_000, Per: ingest.PerHour},
			{Endpoint: companies, Calls: 50_000, Per: ingest.PerDay},
			{Endpoint: enrich, Calls: 1_000, Per: ingest.PerMinute},
		},
		PageSize:  pageSize,
		Totals:    true,
		MaxPages:  maxPages,
		ResultCap: pageSize * maxPages,
		Gives: []ingest.Gift{
			{Field: ingest.FieldEmployees, HitRate: 0.6},
			{Field: ingest.FieldRevenue, HitRate: 0.5},
			{Field: ingest.FieldFounded, HitRate: 0.5},
			{Field: ingest.FieldPhone, HitRate: 0.45},
			{Field: ingest.FieldSocial, HitRate: 0.5},
			{Field: ingest.FieldTech, HitRate: 0.5},
			{Field: ingest.FieldCategory, HitRate: 0.55},
		},
		CostMicrosPerCall: creditMicros,
		PersonalFields: []string{
			"phone", "sanitized_phone", "primary_phone.number", "primary_phone.sanitized_number", "account",
		},
	}
}

// Plan asks for the companies of the campaign's place that have one of its
// words among their keywords.
func (Source) Plan(c leadlake.CampaignSpec, src leadlake.SourceSpec) ([]ingest.Query, error) {
	place := placeOf(c.Geo)
	if place == "" {
		return nil, leadlake.Errorf(leadlake.Invalid, "campaign: Apollo knows places by name, and geo does not name one").
			WithFix("give geo.city with geo.region, or geo.country")
	}
	tags := tagsOf(c)
	if len(tags) == 0 {
		return nil, leadlake.Errorf(leadlake.Invalid, "campaign: nothing says what to search for").
			WithFix("add keywords, such as software")
	}
	params := map[string]string{"location": place, "tags": strings.Join(tags, "\n")}
	return []ingest.Query{{
		ID: ingest.QueryID(src.Provider(), params), Provider: src.Provider(), Params: params, EstimatedCalls: 1,
	}}, nil
}

// placeOf is a place as Apollo prints it: Denver, Colorado, United States.
func placeOf(g leadlake.GeoSpec) string {
	var parts []string
	for _, name := range []string{strings.TrimSpace(g.City), gazetteer.RegionName(g), gazetteer.CountryName(g.Country)} {
		if name != "" {
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, ", ")
}

// tagsOf are the words that the companies of a campaign may have among their
// keywords: those of the concepts that its keywords, or without them its name
// or its vertical, are about. Keywords that name no concept stand for
// themselves.
func tagsOf(c leadlake.CampaignSpec) []string {
	concepts := taxonomy.Find(c.Keywords)
	text := strings.Join(strings.Fields(strings.ToLower(c.Keywords)), " ")
	if text == "" {
		concepts = taxonomy.Find(c.Name)
		for _, each := range taxonomy.All() {
			if len(taxonomy.Find(c.Name)) == 0 && each.Vertical == string(c.Vertical) {
				concepts = append(concepts, each)
			}
		}
	}
	var tags []string
	for _, each := range concepts {
		tags = append(tags, each.Words...)
	}
	if len(tags) == 0 && text != "" {
		tags = append(tags, text)
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// Lookup asks for the company of a domain.
func (s Source) Lookup(lead ingest.Subject) []ingest.Query {
	domain := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(lead.Domain)), "www.")
	if domain == "" {
		return nil
	}
	name, params := s.Spec().Name, map[string]string{"domain": domain}
	return []ingest.Query{{ID: ingest.QueryID(name, params), Provider: name, Params: params, EstimatedCalls: 1}}
}

// Request builds a call; the cursor is the number of a page. Though a search is
// a POST, Apollo reads its filters from the query of the address.
func (Source) Request(q ingest.Query, cursor string) (ingest.Request, error) {
	if domain := q.Params["domain"]; domain != "" {
		return ingest.Request{
			Method:     http.MethodGet,
			URL:        "/api/v1/organizations/enrich?" + url.Values{"domain": {domain}}.Encode(),
			Endpoint:   enrich,
			CostMicros: creditMicros,
		}, nil
	}
	page := 1
	if cursor != "" {
		page, _ = strconv.Atoi(cursor) // no number is no page, as is said below
	}
	if q.Params["location"] == "" || page < 1 || page > maxPages {
		return ingest.Request{}, leadlake.Errorf(leadlake.Internal, "query %s of %s: neither a domain nor page %q of a location", q.ID, q.Provider, cursor)
	}
	query := url.Values{
		"organization_locations[]":      {q.Params["location"]},
		"q_organization_keyword_tags[]": strings.Split(q.Params["tags"], "\n"),
		"page":                          {strconv.Itoa(page)},
		"per_page":                      {strconv.Itoa(pageSize)},
	}
	return ingest.Request{
		Method:     http.MethodPost,
		URL:        "/api/v1/mixed_companies/search?" + query.Encode(),
		Header:     http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Endpoint:   companies,
		CostMicros: creditMicros,
	}, nil
}
