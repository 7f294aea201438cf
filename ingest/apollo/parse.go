package apollo

import (
	"strconv"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
)

// rows says what a company looks like; key names the one whose answer it is.
func rows(key string) *ingest.Rows {
	return &ingest.Rows{
		Key:      key,
		Required: map[string]gjson.Type{"name": gjson.String},
		Typed: map[string]gjson.Type{
			"website_url": gjson.String, "primary_domain": gjson.String, "linkedin_url": gjson.String,
			"twitter_url": gjson.String, "facebook_url": gjson.String, "phone": gjson.String,
			"sanitized_phone": gjson.String, "primary_phone": gjson.JSON, "founded_year": gjson.Number,
			"industry": gjson.String, "industries": gjson.JSON, "keywords": gjson.JSON,
			"estimated_num_employees": gjson.Number, "annual_revenue": gjson.Number, "total_funding": gjson.Number,
			"technology_names": gjson.JSON, "street_address": gjson.String, "city": gjson.String, "state": gjson.String,
			"postal_code": gjson.String, "country": gjson.String,
		},
		Known: known,
	}
}

// known are the fields of a company in a search, of one that the team has
// saved, and of an enrichment.
var known = []string{
	"id", "name", "website_url", "blog_url", "angellist_url", "linkedin_url", "twitter_url", "facebook_url",
	"primary_phone", "languages", "num_languages", "alexa_ranking", "phone", "linkedin_uid", "founded_year",
	"publicly_traded_symbol", "publicly_traded_exchange", "logo_url", "crunchbase_url", "primary_domain",
	"sanitized_phone", "owned_by_organization_id", "owned_by_organization", "owned_by_chain",
	"ultimate_parent_organization", "show_intent", "has_intent_signal_account", "intent_signal_account",
	"intent_strength", "industry", "industries", "secondary_industries", "keywords", "estimated_num_employees",
	"snippets_loaded", "industry_tag_id", "industry_tag_hash", "retail_location_count", "num_retail_locations",
	"raw_address", "street_address", "city", "state", "postal_code", "country", "seo_description",
	"short_description", "suborganizations", "num_suborganizations", "annual_revenue_printed", "annual_revenue",
	"organization_revenue", "organization_revenue_printed", "market_cap", "sic_codes", "naics_codes",
	"total_funding", "total_funding_printed", "latest_funding_round_date", "latest_funding_stage", "funding_events",
	"technology_names", "current_technologies", "org_chart_root_people_ids", "org_chart_sector",
	"org_chart_removed", "org_chart_show_department_filter", "account_id", "account", "departmental_head_count",
	"organization_headcount_six_month_growth", "organization_headcount_twelve_month_growth",
	"organization_headcount_twenty_four_month_growth", "linkedin_followers",
	// of saved ones
	"domain", "team_id", "organization_id", "account_stage_id", "source", "original_source", "creator_id", "owner_id",
	"created_at", "phone_status", "hubspot_id", "salesforce_id", "crm_owner_id", "parent_account_id",
	"account_playbook_statuses", "account_rule_config_statuses", "existence_level", "label_ids",
	"typed_custom_fields", "custom_field_errors", "modality", "source_display_name", "crm_record_url",
	"last_activity_date", "num_contacts", "organization_raw_address", "organization_street_address",
	"organization_city", "organization_state", "organization_postal_code", "organization_country",
	"contact_emailer_campaign_ids", "contact_campaign_status_tally", "domain_status_cd",
}

// Parse reads a page of a search, or the company that a lookup found. What the
// team has saved already comes apart from the other companies, as accounts.
func (Source) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	answer, err := ingest.ReadJSON(q, resp)
	if err != nil {
		return ingest.Page{}, err
	}
	companies := rows("id")
	if q.Params["domain"] != "" {
		company := answer.Get("organization")
		if !company.IsObject() {
			return ingest.Page{Refund: creditMicros}, nil // a credit is for an organization
		}
		r := companies.Record(company)
		if r.Problem == nil {
			r.Gives = gives(company)
		}
		return ingest.Page{Unknown: companies.Unknown()}, emit(r)
	}
	accounts := rows("organization_id") // the id of an account is of the team's own list
	for _, part := range []struct {
		name string
		rows *ingest.Rows
	}{{"organizations", companies}, {"accounts", accounts}} {
		list := answer.Get(part.name)
		if !list.IsArray() {
			continue
		}
		for _, row := range list.Array() {
			if part.rows == accounts && row.Get("organization_id").String() == "" {
				continue // the team typed it in: Apollo knows nothing of it
			}
			if err := emit(part.rows.Record(row)); err != nil {
				return ingest.Page{}, err
			}
		}
	}
	page := pageOf(answer.Get("pagination"))
	page.Unknown = append(companies.Unknown(), accounts.Unknown()...)
	return page, nil
}

// pageOf reads where an answer stands. The numbers may be text.
func pageOf(p gjson.Result) ingest.Page {
	page := ingest.Page{Total: max(p.Get("total_entries").Int(), 0)}
	if at := p.Get("page").Int(); at >= 1 && at < maxPages && at < p.Get("total_pages").Int() {
		page.Next = strconv.FormatInt(at+1, 10)
	}
	return page
}

// gives lists what a company's answer holds. A phone may be an empty object.
func gives(c gjson.Result) []ingest.Field {
	var out []ingest.Field
	add := func(field ingest.Field, has bool) {
		if has {
			out = append(out, field)
		}
	}
	add(ingest.FieldEmployees, c.Get("estimated_num_employees").Int() > 0)
	add(ingest.FieldRevenue, c.Get("annual_revenue").Float() > 0)
	add(ingest.FieldFounded, c.Get("founded_year").Int() > 0)
	add(ingest.FieldPhone, c.Get("sanitized_phone").String() != "" || c.Get("primary_phone.sanitized_number").String() != "" || c.Get("phone").String() != "")
	add(ingest.FieldSocial, c.Get("linkedin_url").String() != "" || c.Get("twitter_url").String() != "" || c.Get("facebook_url").String() != "")
	add(ingest.FieldTech, c.Get("technology_names.0").String() != "")
	add(ingest.FieldCategory, c.Get("industry").String() != "")
	add(ingest.FieldFunding, c.Get("total_funding").Float() > 0)
	add(ingest.FieldAddress, c.Get("street_address").String() != "")
	add(ingest.FieldWebsite, c.Get("website_url").String() != "")
	return out
}
