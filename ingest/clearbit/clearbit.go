// Package clearbit asks for the company behind a domain in Clearbit's format:
// at Clearbit itself, for those who still have a contract, and at Hunter,
// which gives the same shape to everyone. Clearbit takes no new customers
// since HubSpot bought it in December 2023.
package clearbit

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/leadlake/leadlake/ingest"
)

// Source is Clearbit's Company API, version 2. The zero value is ready.
type Source struct{}

// ViaHunter is Hunter's Company Enrichment with clearbit_format=true, which
// answers as Clearbit does. The zero value is ready.
type ViaHunter struct{}

var (
	_ ingest.Enricher = Source{}
	_ ingest.Judge    = Source{}
	_ ingest.Enricher = ViaHunter{}
	_ ingest.Judge    = ViaHunter{}
)

const (
	name          = "clearbit"
	nameViaHunter = "hunter_companies"
	findCompany   = "companies/find" // the method, in limits and the ledger
)

const (
	// contractMicros stands for the price of a lookup. Clearbit has no price
	// list any more, each old customer has a contract: this is a thousand
	// dollars a month for 20,000 lookups.
	contractMicros = 50_000

	// creditMicros is the price of a credit of Hunter: 49 dollars for the 2,000
	// of the Starter plan (its price list, read in May 2026).
	creditMicros = 24_500
)

// Spec describes Clearbit. The limit of 600 a minute is from memory of its
// documentation, which is gone.
func (Source) Spec() ingest.Spec {
	return ingest.Spec{
		Name:              name,
		Licence:           name,
		BaseURL:           "https://company.clearbit.com",
		CredentialEnv:     "LEADLAKE_CLEARBIT_KEY",
		CredentialBasic:   true,
		Limits:            []ingest.Limit{{Endpoint: findCompany, Calls: 600, Per: ingest.PerMinute}},
		MaxPages:          1,
		Gives:             gives(),
		CostMicrosPerCall: contractMicros,
		PersonalFields:    personalFields(),
	}
}

// Spec describes the way by Hunter: 15 calls a second and 500 a minute, as its
// documentation of the API says.
func (ViaHunter) Spec() ingest.Spec {
	return ingest.Spec{
		Name:             nameViaHunter,
		Licence:          "hunter",
		BaseURL:          "https://api.hunter.io",
		CredentialEnv:    "LEADLAKE_HUNTER_KEY",
		CredentialHeader: "X-API-KEY",
		Limits: []ingest.Limit{
			{Endpoint: findCompany, Calls: 15, Per: ingest.PerSecond},
			{Endpoint: findCompany, Calls: 500, Per: ingest.PerMinute},
		},
		MaxPages:          1,
		Gives:             gives(),
		CostMicrosPerCall: creditMicros,
		PersonalFields:    personalFields(),
	}
}

// personalFields may hold a person's own number or mailbox, above all in a
// company of one.
func personalFields() []string {
	return []string{"phone", "site.phoneNumbers", "site.emailAddresses"}
}

const domainParam = "domain"

// Lookup asks by the domain; a lead without one cannot be asked about.
func (Source) Lookup(s ingest.Subject) []ingest.Query { return lookup(name, s) }

// Lookup asks by the domain; a lead without one cannot be asked about.
func (ViaHunter) Lookup(s ingest.Subject) []ingest.Query { return lookup(nameViaHunter, s) }

func lookup(provider string, s ingest.Subject) []ingest.Query {
	domain := strings.ToLower(strings.TrimSpace(s.Domain))
	if domain == "" {
		return nil
	}
	params := map[string]string{domainParam: domain}
	return []ingest.Query{{
		ID:             ingest.QueryID(provider, params),
		Provider:       provider,
		Params:         params,
		EstimatedCalls: 1,
	}}
}

// Request asks for the company. The header pins the version whose fields the
// parser knows; without it the account's own setting would decide.
func (Source) Request(q ingest.Query, _ string) (ingest.Request, error) {
	r := request(q, url.Values{}, contractMicros)
	r.Header = http.Header{"Api-Version": {"2019-12-19"}}
	return r, nil
}

// Request asks for the company in Clearbit's format.
func (ViaHunter) Request(q ingest.Query, _ string) (ingest.Request, error) {
	return request(q, url.Values{"clearbit_format": {"true"}}, creditMicros), nil
}

func request(q ingest.Query, values url.Values, cost int64) ingest.Request {
	values.Set("domain", q.Params[domainParam])
	return ingest.Request{URL: "/v2/companies/find?" + values.Encode(), Endpoint: findCompany, CostMicros: cost}
}

// Parse reads a company. One that is an e-mail provider, such as Gmail, gives
// no record: its domain says nothing about who uses it.
func (Source) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	return parse(q, resp, contractMicros, emit)
}

// Parse reads a company, as Source.Parse does.
func (ViaHunter) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	return parse(q, resp, creditMicros, emit)
}
