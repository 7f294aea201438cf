package clearbit

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
)

// gifts are what a company may tell, with the paths of which one is enough.
// The shares are guesses for small local companies; the ledger corrects them.
var gifts = []struct {
	field   ingest.Field
	hitRate float64
	paths   []string
}{
	{ingest.FieldPhone, 0.4, []string{"phone", "site.phoneNumbers.0"}},
	{ingest.FieldEmail, 0.3, []string{"site.emailAddresses.0"}},
	{ingest.FieldAddress, 0.5, []string{"geo.streetName"}},
	{ingest.FieldGeo, 0.5, []string{"geo.lat"}},
	{ingest.FieldCategory, 0.7, []string{"category.industry", "category.industryGroup", "category.sector"}},
	{ingest.FieldLegalName, 0.4, []string{"legalName"}},
	{ingest.FieldEmployees, 0.6, []string{"metrics.employees", "metrics.employeesRange"}},
	{ingest.FieldRevenue, 0.5, []string{"metrics.annualRevenue", "metrics.estimatedAnnualRevenue"}},
	{ingest.FieldFounded, 0.5, []string{"foundedYear"}},
	{ingest.FieldSocial, 0.6, []string{"linkedin.handle", "facebook.handle", "twitter.handle"}},
	{ingest.FieldTech, 0.6, []string{"tech.0"}},
	{ingest.FieldFunding, 0.05, []string{"metrics.raised"}},
}

func gives() []ingest.Gift {
	all := make([]ingest.Gift, len(gifts))
	for i, g := range gifts {
		all[i] = ingest.Gift{Field: g.field, HitRate: g.hitRate}
	}
	return all
}

// known are the fields of a company as clearbit-go has them, with those of
// older versions.
var known = []string{
	"id", "name", "legalName", "domain", "domainAliases", "url", "site", "category", "tags", "description", "foundedYear",
	"location", "timeZone", "utcOffset", "geo", "logo", "facebook", "linkedin", "twitter", "crunchbase", "emailProvider", "type",
	"ticker", "identifiers", "phone", "metrics", "indexedAt", "tech", "techCategories", "parent", "ultimateParent",
	"company_type", "ultimate_parent", "fundingRounds",
}

func parse(q ingest.Query, resp ingest.Response, cost int64, emit func(ingest.Record) error) (ingest.Page, error) {
	answer, err := ingest.ReadJSON(q, resp)
	if err != nil {
		return ingest.Page{}, err
	}
	company := answer
	// Hunter puts its answers into an envelope, this one included.
	if data := answer.Get("data"); data.Exists() && !answer.Get("domain").Exists() {
		company = data
	}
	if company.Type == gjson.Null || company.IsObject() && !hasFields(company) {
		return ingest.Page{Refund: cost}, nil
	}
	if company.Get("emailProvider").Type == gjson.True {
		return ingest.Page{}, nil
	}
	rows := ingest.Rows{
		Key: "domain",
		Typed: map[string]gjson.Type{
			"domain": gjson.String, "name": gjson.String, "site": gjson.JSON, "category": gjson.JSON, "geo": gjson.JSON,
			"metrics": gjson.JSON, "tags": gjson.JSON, "tech": gjson.JSON,
		},
		Known: known,
	}
	r := rows.Record(company)
	if r.Problem == nil && isAbout(company, q.Params[domainParam]) {
		r.Gives = found(company)
	}
	if err := emit(r); err != nil {
		return ingest.Page{}, err
	}
	return ingest.Page{Unknown: rows.Unknown()}, nil
}

func hasFields(v gjson.Result) bool {
	has := false
	v.ForEach(func(_, _ gjson.Result) bool { has = true; return false })
	return has
}

// isAbout says whether the company is the one that was asked for. The provider
// may answer with the company that a domain leads to; where neither its domain
// nor its aliases are the one of the lead, the record is kept but counts for
// nothing.
func isAbout(company gjson.Result, asked string) bool {
	if strings.EqualFold(company.Get("domain").String(), asked) {
		return true
	}
	return slices.ContainsFunc(company.Get("domainAliases").Array(), func(alias gjson.Result) bool {
		return strings.EqualFold(alias.String(), asked)
	})
}

// found lists what the company tells.
func found(company gjson.Result) []ingest.Field {
	var fields []ingest.Field
	for _, g := range gifts {
		if slices.ContainsFunc(g.paths, func(path string) bool { return isThere(company.Get(path)) }) {
			fields = append(fields, g.field)
		}
	}
	return fields
}

// isThere says whether a value is one: not null, no empty text, no structure.
func isThere(v gjson.Result) bool {
	return v.Type == gjson.Number || v.Type == gjson.String && strings.TrimSpace(v.Str) != ""
}
