package crunchbase

import (
	"strings"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
)

// lookupSize is how many companies a lookup asks for: one domain may belong to
// a company and to its products, and the first one of that very domain counts.
const lookupSize = 5

// rows says what a company looks like. A field without a value is absent, so
// that hardly anything is required.
func rows() *ingest.Rows {
	return &ingest.Rows{
		Key:      "uuid",
		Required: map[string]gjson.Type{"properties": gjson.JSON},
		Typed: map[string]gjson.Type{
			"properties.identifier": gjson.JSON, "properties.name": gjson.String, "properties.website": gjson.JSON,
			"properties.website_url": gjson.String, "properties.location_identifiers": gjson.JSON,
			"properties.categories": gjson.JSON, "properties.num_employees_enum": gjson.String,
			"properties.founded_on": gjson.JSON, "properties.funding_total": gjson.JSON,
			"properties.phone_number": gjson.String, "properties.contact_email": gjson.String,
		},
		Known: []string{"uuid", "properties"},
	}
}

// Parse reads a page of a search, or the company that a lookup found.
func (Source) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	answer, err := ingest.ReadJSON(q, resp)
	if err != nil {
		return ingest.Page{}, err
	}
	var found []gjson.Result
	if list := answer.Get("entities"); list.IsArray() {
		found = list.Array()
	}
	page := ingest.Page{Total: max(answer.Get("count").Int(), 0)}
	domain := q.Params["domain"]
	if domain != "" {
		found, page.Total = ofDomain(found, domain), 0
	} else if len(found) > 0 && int64(len(found)) < page.Total {
		// The count is that of all pages, so a page that is the last one is
		// known only by the empty one behind it.
		page.Next = found[len(found)-1].Get("uuid").String()
	}
	known := rows()
	for _, row := range found {
		r := known.Record(row)
		if domain != "" && r.Problem == nil {
			r.Gives = gives(row.Get("properties"))
		}
		if err := emit(r); err != nil {
			return ingest.Page{}, err
		}
	}
	page.Unknown = known.Unknown()
	return page, nil
}

// ofDomain keeps the first company whose website has the domain.
func ofDomain(found []gjson.Result, domain string) []gjson.Result {
	for _, row := range found {
		for _, path := range []string{"properties.website_url", "properties.website.value"} {
			if hostOf(row.Get(path).String()) == domain {
				return []gjson.Result{row}
			}
		}
	}
	return nil
}

// hostOf is the host of an address, without "www.".
func hostOf(address string) string {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		rest = address
	}
	if i := strings.IndexAny(rest, "/?#:"); i >= 0 {
		rest = rest[:i]
	}
	return strings.TrimPrefix(strings.ToLower(rest), "www.")
}

// gives lists what the properties of a company hold.
func gives(p gjson.Result) []ingest.Field {
	var out []ingest.Field
	add := func(field ingest.Field, has bool) {
		if has {
			out = append(out, field)
		}
	}
	add(ingest.FieldFunding, p.Get("funding_total.value_usd").Int() > 0)
	precision := p.Get("founded_on.precision").String()
	add(ingest.FieldFounded, p.Get("founded_on.value").Exists() && precision != "none")
	add(ingest.FieldEmployees, p.Get("num_employees_enum").String() != "")
	add(ingest.FieldSocial, p.Get("linkedin.value").Exists() || p.Get("facebook.value").Exists() || p.Get("twitter.value").Exists())
	add(ingest.FieldPhone, p.Get("phone_number").String() != "")
	add(ingest.FieldEmail, p.Get("contact_email").String() != "")
	add(ingest.FieldRevenue, p.Get("revenue_range").String() != "")
	add(ingest.FieldLegalName, p.Get("legal_name").String() != "")
	add(ingest.FieldCategory, p.Get("categories.0.value").String() != "")
	return out
}
