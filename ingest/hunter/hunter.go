// Package hunter asks Hunter for the e-mail addresses that are published of a
// domain, and for what it knows of the company.
package hunter

import (
	"net/url"
	"strings"

	"github.com/leadlake/leadlake/ingest"
)

// Source is Hunter's Domain Search, version 2. The zero value is ready.
type Source struct{}

var (
	_ ingest.Enricher = Source{}
	_ ingest.Judge    = Source{}
)

const (
	name         = "hunter"
	domainSearch = "domain-search" // the method, in limits and the ledger
)

// creditMicros is the price of a credit, which is that of a search with
// results: 49 dollars for the 2,000 of the Starter plan (Hunter's price list,
// read in May 2026).
const creditMicros = 24_500

// addresses is how many a search asks for: ten cost one credit, and more than
// ten are of no use to find the one to write to.
const addresses = "10"

// Spec describes the source: 15 calls a second and 500 a minute, as the
// documentation of the API says. A domain is one record, so there is no paging.
func (Source) Spec() ingest.Spec {
	return ingest.Spec{
		Name:             name,
		Licence:          name,
		BaseURL:          "https://api.hunter.io",
		CredentialEnv:    "LEADLAKE_HUNTER_KEY",
		CredentialHeader: "X-API-KEY",
		Limits: []ingest.Limit{
			{Endpoint: domainSearch, Calls: 15, Per: ingest.PerSecond},
			{Endpoint: domainSearch, Calls: 500, Per: ingest.PerMinute},
		},
		MaxPages:          1,
		Gives:             gives(),
		CostMicrosPerCall: creditMicros,
		PersonalFields:    []string{"emails"},
	}
}

const domainParam = "domain"

// Lookup asks by the domain; a lead without one cannot be asked about.
func (Source) Lookup(s ingest.Subject) []ingest.Query {
	domain := strings.ToLower(strings.TrimSpace(s.Domain))
	if domain == "" {
		return nil
	}
	params := map[string]string{domainParam: domain}
	return []ingest.Query{{
		ID:             ingest.QueryID(name, params),
		Provider:       name,
		Params:         params,
		EstimatedCalls: 1,
	}}
}

// Request asks for the addresses of the domain.
func (Source) Request(q ingest.Query, _ string) (ingest.Request, error) {
	values := url.Values{"domain": {q.Params[domainParam]}, "limit": {addresses}}
	return ingest.Request{URL: "/v2/domain-search?" + values.Encode(), Endpoint: domainSearch, CostMicros: creditMicros}, nil
}
