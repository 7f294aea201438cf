package pdl

import (
	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
)

// rows says what a company looks like. The answer of an enrichment is flat: its
// status and likelihood stand among the fields of the company. Few types are
// held to, since a plan without a field may print true in its place.
func rows() *ingest.Rows {
	return &ingest.Rows{
		Key:      "id",
		Required: map[string]gjson.Type{"name": gjson.String},
		Typed: map[string]gjson.Type{
			"website": gjson.String, "linkedin_url": gjson.String, "industry": gjson.String, "size": gjson.String,
			"employee_count": gjson.Number, "founded": gjson.Number, "location": gjson.JSON, "tags": gjson.JSON,
			"likelihood": gjson.Number,
		},
		Known: []string{
			"status", "likelihood", "matched", "id", "name", "display_name", "display_name_history", "size", "employee_count",
			"employee_count_by_country", "founded", "industry", "industry_v2", "naics", "sic", "location", "linkedin_url",
			"linkedin_id", "linkedin_slug", "linkedin_follower_count", "facebook_url", "twitter_url", "profiles", "website",
			"ticker", "gics_sector", "mic_exchange", "type", "summary", "tags", "headline", "alternative_names",
			"alternative_domains", "affiliated_profiles", "inferred_revenue", "total_funding_raised",
			"latest_funding_stage", "last_funding_date", "number_funding_rounds", "funding_stages", "funding_details",
			"average_employee_tenure", "direct_phone_numbers", "phone", "dataset_version", "ultimate_parent",
			"immediate_parent",
		},
	}
}

// Parse reads a page of a search, or the company that a lookup found.
func (Source) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	answer, err := ingest.ReadJSON(q, resp)
	if err != nil {
		return ingest.Page{}, err
	}
	known := rows()
	if isLookup(q) {
		company := answer
		if data := answer.Get("data"); data.IsObject() {
			company = data // as enrichments of people are
		}
		if !company.Get("id").Exists() {
			return ingest.Page{Refund: creditMicros}, nil
		}
		r := known.Record(company)
		if r.Problem == nil {
			r.Gives = gives(company)
		}
		return ingest.Page{Unknown: known.Unknown()}, emit(r)
	}
	var found []gjson.Result
	if list := answer.Get("data"); list.IsArray() {
		found = list.Array()
	}
	for _, row := range found {
		if err := emit(known.Record(row)); err != nil {
			return ingest.Page{}, err
		}
	}
	page := ingest.Page{
		Total:   max(answer.Get("total").Int(), 0),
		Refund:  int64(max(pageSize-len(found), 0)) * creditMicros,
		Unknown: known.Unknown(),
	}
	if token := answer.Get("scroll_token"); len(found) > 0 && token.Type == gjson.String {
		page.Next = token.String()
	}
	return page, nil
}

// gives lists what a company's answer holds. true in the place of a value says
// that a larger plan would show it.
func gives(c gjson.Result) []ingest.Field {
	var out []ingest.Field
	add := func(field ingest.Field, paths ...string) {
		for _, path := range paths {
			v := c.Get(path)
			if v.Type == gjson.String && v.Str != "" || v.Type == gjson.Number && v.Num > 0 {
				out = append(out, field)
				return
			}
		}
	}
	add(ingest.FieldEmployees, "employee_count", "size")
	add(ingest.FieldFounded, "founded")
	add(ingest.FieldSocial, "linkedin_url", "twitter_url", "facebook_url")
	add(ingest.FieldCategory, "industry")
	add(ingest.FieldRevenue, "inferred_revenue")
	add(ingest.FieldFunding, "total_funding_raised")
	add(ingest.FieldWebsite, "website")
	add(ingest.FieldAddress, "location.street_address")
	add(ingest.FieldGeo, "location.geo")
	return out
}
