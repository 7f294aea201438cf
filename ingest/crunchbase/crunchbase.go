// Package crunchbase asks the API of Crunchbase, version 4: for the companies
// of a city, and for the company of a domain.
package crunchbase

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/internal/taxonomy"
)

// Source is the adapter. The zero value is ready.
type Source struct{}

var (
	_ ingest.Discoverer = Source{}
	_ ingest.Enricher   = Source{}
	_ ingest.Judge      = Source{}
)

// prefix of all paths. Keys from before the packages (Fundamentals, Insights,
// Predictions) know the same methods below /api/v4; Crunchbase ends them one
// customer at a time.
const prefix = "/v4/data"

// pageSize is the most that a search gives at once.
const pageSize = 1000

// searchOrganizations is the one method, and the name of its endpoint.
const searchOrganizations = "searches/organizations"

// Spec describes the source. A licence pays for all calls, so that none has a
// price of its own.
func (Source) Spec() ingest.Spec {
	return ingest.Spec{
		Name:             "crunchbase",
		Licence:          "crunchbase",
		BaseURL:          "https://api.crunchbase.com",
		CredentialEnv:    "LEADLAKE_CRUNCHBASE_KEY",
		CredentialHeader: "X-Cb-User-Key",
		Limits:           []ingest.Limit{{Calls: 200, Per: ingest.PerMinute}},
		PageSize:         pageSize,
		Totals:           true,
		Gives: []ingest.Gift{
			{Field: ingest.FieldFunding, HitRate: 0.15},
			{Field: ingest.FieldFounded, HitRate: 0.3},
			{Field: ingest.FieldEmployees, HitRate: 0.3},
			{Field: ingest.FieldSocial, HitRate: 0.25},
		},
		PersonalFields: []string{"properties.phone_number", "properties.contact_email"},
	}
}

// fields are those of the smallest package. Only what is asked for comes back,
// and a field that the licence lacks refuses the whole search.
var fields = []string{
	"uuid", "identifier", "name", "legal_name", "short_description", "website", "website_url", "linkedin", "facebook",
	"twitter", "phone_number", "contact_email", "location_identifiers", "categories", "category_groups",
	"num_employees_enum", "operating_status", "status", "company_type", "founded_on", "updated_at",
}

// moneyFields come with the larger packages. A lookup asks for them, since
// money is what Crunchbase knows better than others.
var moneyFields = []string{"funding_total", "last_funding_type", "revenue_range"}

// predicate is one condition of a search; all of them hold.
type predicate struct {
	Type     string   `json:"type"`
	FieldID  string   `json:"field_id"`
	Operator string   `json:"operator_id"`
	Values   []string `json:"values"`
}

type order struct {
	FieldID string `json:"field_id"`
	Sort    string `json:"sort"`
}

type searchBody struct {
	FieldIDs []string    `json:"field_ids"`
	Query    []predicate `json:"query"`
	Order    []order     `json:"order"`
	Limit    int         `json:"limit"`
	AfterID  string      `json:"after_id,omitempty"`
}

// Plan asks for the companies of a category that have their seat in the
// campaign's city; in its region or country where no city is named.
func (Source) Plan(c leadlake.CampaignSpec, src leadlake.SourceSpec) ([]ingest.Query, error) {
	place, err := placeOf(c.Geo)
	if err != nil {
		return nil, err
	}
	params := map[string]string{"location": place}
	if links := categoriesOf(c); len(links) > 0 {
		params["categories"] = strings.Join(links, ",")
	} else if params["text"] = strings.Join(strings.Fields(c.Keywords), " "); params["text"] == "" {
		return nil, leadlake.Errorf(leadlake.Invalid, "campaign: nothing says what to search for").
			WithFix("add keywords, such as software")
	}
	return []ingest.Query{{
		ID: ingest.QueryID(src.Provider(), params), Provider: src.Provider(), Params: params, EstimatedCalls: 1,
	}}, nil
}

// categoriesOf are the permalinks of the categories that a campaign is about:
// by its keywords, without them by its name or its vertical.
func categoriesOf(c leadlake.CampaignSpec) []string {
	concepts := taxonomy.Find(c.Keywords)
	if strings.TrimSpace(c.Keywords) == "" {
		concepts = taxonomy.Find(c.Name)
		for _, each := range taxonomy.All() {
			if len(taxonomy.Find(c.Name)) == 0 && each.Vertical == string(c.Vertical) {
				concepts = append(concepts, each)
			}
		}
	}
	var links []string
	for _, each := range concepts {
		links = append(links, each.Crunchbase...)
	}
	slices.Sort(links)
	return slices.Compact(links)
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

// Request builds a search; the cursor is the uuid of the last company of the
// page before.
func (Source) Request(q ingest.Query, cursor string) (ingest.Request, error) {
	body := searchBody{FieldIDs: fields, Limit: pageSize, AfterID: cursor}
	// The order is one that changes only for a company that is written anew:
	// that one comes twice, and none is passed over.
	body.Order = []order{{"updated_at", "asc"}}
	where := func(field, operator string, values ...string) {
		body.Query = append(body.Query, predicate{"predicate", field, operator, values})
	}
	switch {
	case q.Params["domain"] != "":
		body.FieldIDs = slices.Concat(fields, moneyFields)
		body.Limit = lookupSize
		where("website_url", "domain_eq", q.Params["domain"])
	case q.Params["location"] == "":
		return ingest.Request{}, leadlake.Errorf(leadlake.Internal, "query %s of %s: it has neither a domain nor a location", q.ID, q.Provider)
	default:
		where("facet_ids", "includes", "company") // not investors, schools and events
		where("location_identifiers", "includes", q.Params["location"])
		if links := q.Params["categories"]; links != "" {
			where("categories", "includes", strings.Split(links, ",")...)
		} else {
			where("short_description", "contains", q.Params["text"])
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return ingest.Request{}, leadlake.Errorf(leadlake.Internal, "query %s of %s: %w", q.ID, q.Provider, err)
	}
	return ingest.Request{
		Method:   http.MethodPost,
		URL:      prefix + "/searches/organizations",
		Header:   http.Header{"Content-Type": {"application/json"}},
		Body:     text,
		Endpoint: searchOrganizations,
	}, nil
}
