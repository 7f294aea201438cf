// Package opencorporates asks OpenCorporates, version 0.4, for companies in the
// registers of states and countries.
package opencorporates

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// Source is the adapter. The zero value is ready.
type Source struct{}

var (
	_ ingest.Discoverer = Source{}
	_ ingest.Enricher   = Source{}
	_ ingest.Judge      = Source{}
)

const (
	name            = "opencorporates"
	companiesSearch = "companies/search" // the method, in limits and the ledger
)

// Limits of the provider's paging. That it ends after a hundred pages is from
// memory.
const (
	pageSize = 100
	maxPages = 100
)

// candidates is how many companies a lookup chooses from.
const candidates = 3

// Spec describes the source on the open-data tier, which is free and allows
// fifty calls a day and two hundred a month. A paid account has a contract of
// its own, so calls have no price here; its limits are set in the configuration.
func (Source) Spec() ingest.Spec {
	return ingest.Spec{
		Name:            name,
		Licence:         name,
		BaseURL:         "https://api.opencorporates.com",
		CredentialEnv:   "LEADLAKE_OPENCORPORATES_KEY",
		CredentialQuery: "api_token",
		Limits: []ingest.Limit{
			{Calls: 50, Per: ingest.PerDay},
			{Calls: 200, Per: ingest.PerMonth},
		},
		MaxPages:  maxPages,
		PageSize:  pageSize,
		Totals:    true,
		ResultCap: maxPages * pageSize,
		Gives: []ingest.Gift{
			{Field: ingest.FieldRegistration, HitRate: 0.5},
			{Field: ingest.FieldLegalName, HitRate: 0.5},
			{Field: ingest.FieldFounded, HitRate: 0.45},
		},
		PersonalFields: []string{"agent_name", "agent_address", "officers", "registered_address", "registered_address_in_full"},
	}
}

// Parameters of a query. One with a name is a lookup.
const (
	wordParam         = "q"
	nameParam         = "name"
	jurisdictionParam = "jurisdiction"
	countryParam      = "country"
)

// estimatedPages is what a plan reckons with: a register does not say before
// how many companies begin with a word.
const estimatedPages = 5

// Plan searches the register of the campaign's state for names that begin with
// a word of its line of business.
func (Source) Plan(c leadlake.CampaignSpec, src leadlake.SourceSpec) ([]ingest.Query, error) {
	place, err := registerOf(c.Geo)
	if err != nil {
		return nil, err
	}
	var queries []ingest.Query
	for _, word := range searchWords(c) {
		params := map[string]string{wordParam: word + "*"}
		place.addTo(params)
		queries = append(queries, query(src.Provider(), params, estimatedPages))
	}
	if len(queries) == 0 {
		return nil, leadlake.Errorf(leadlake.Invalid, "campaign: no keyword to search the companies' names for").
			WithFix("add keywords: plumber")
	}
	return queries, nil
}

// Lookup searches the lead's register for its name. Without the register a name
// says too little. Branches of a chain share the search: where a lead lies is
// not asked, Parse has it from the query's subjects.
func (Source) Lookup(s ingest.Subject) []ingest.Query {
	asked := strings.Join(strings.Fields(s.Name), " ")
	jurisdiction := jurisdictionOf(s)
	if nameKey(asked) == "" || jurisdiction == "" {
		return nil
	}
	params := map[string]string{nameParam: asked, jurisdictionParam: jurisdiction}
	return []ingest.Query{query(name, params, 1)}
}

func query(provider string, params map[string]string, calls int) ingest.Query {
	return ingest.Query{ID: ingest.QueryID(provider, params), Provider: provider, Params: params, EstimatedCalls: calls}
}

// Request builds a search. The cursor is the number of the page.
func (Source) Request(q ingest.Query, cursor string) (ingest.Request, error) {
	values := url.Values{"order": {"score"}}
	if asked := q.Params[nameParam]; asked != "" {
		values.Set("q", asked)
		values.Set("normalise_company_name", "true")
		values.Set("per_page", strconv.Itoa(candidates))
	} else {
		values.Set("q", q.Params[wordParam])
		values.Set("per_page", strconv.Itoa(pageSize))
		page, err := pageNumber(cursor)
		if err != nil {
			return ingest.Request{}, leadlake.Errorf(leadlake.Internal, "query %s of %s: %w", q.ID, q.Provider, err)
		}
		values.Set("page", strconv.Itoa(page))
	}
	if v := q.Params[jurisdictionParam]; v != "" {
		values.Set("jurisdiction_code", v)
	}
	if v := q.Params[countryParam]; v != "" {
		values.Set("country_code", v)
	}
	return ingest.Request{URL: "/v0.4/companies/search?" + values.Encode(), Endpoint: companiesSearch}, nil
}

func pageNumber(cursor string) (int, error) {
	if cursor == "" {
		return 1, nil
	}
	return strconv.Atoi(cursor)
}
