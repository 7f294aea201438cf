// Package yelp asks the Fusion API of Yelp, version 3: for the businesses in a
// circle, and for one business by its telephone number or its address.
//
// Yelp lets nobody keep more than the id of a business for longer than a day,
// which is what the licence rule of its name says.
package yelp

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/internal/taxonomy"
)

// Source is the adapter. The zero value is ready.
type Source struct{}

var (
	_ ingest.Tiled    = Source{}
	_ ingest.Enricher = Source{}
	_ ingest.Judge    = Source{}
)

// Limits of a search: 50 rows a page, and no row beyond the 240th, though the
// total may be thousands. Asking for one is an error of status 400.
const (
	pageSize  = 50
	resultCap = 240
	maxRadius = 40_000 // metres
)

// costMicros is the price of a call in the smallest plan after the trial: 7.99
// dollars a thousand (Yelp's public price list of 2025, not verified since).
const costMicros = 7_990

// Spec describes the source. The calls a day are those of a trial; how many a
// second are allowed Yelp does not publish.
func (Source) Spec() ingest.Spec {
	return ingest.Spec{
		Name:             "yelp",
		Licence:          "yelp",
		BaseURL:          "https://api.yelp.com",
		CredentialEnv:    "LEADLAKE_YELP_KEY",
		CredentialHeader: "Authorization",
		CredentialPrefix: "Bearer ",
		Limits: []ingest.Limit{
			{Calls: 5, Per: ingest.PerSecond},
			{Calls: 300, Per: ingest.PerDay, Reset: ingest.UTCMidnight},
		},
		PageSize:    pageSize,
		Totals:      true,
		ResultCap:   resultCap,
		MaxPages:    pages,
		BillsMisses: true,
		Gives: []ingest.Gift{
			{Field: ingest.FieldReviews, HitRate: 0.6},
			{Field: ingest.FieldCategory, HitRate: 0.7},
		},
		CostMicrosPerCall: costMicros,
		PersonalFields:    []string{"phone", "display_phone"},
	}
}

// The methods, as the parameter "method" of a query names them. A match is
// thin, so its second page is the details of the business it found.
const (
	search  = "search"
	phone   = "phone"
	match   = "matches"
	details = "details"
)

// Plan asks for the businesses of a category around the campaign's place, or
// for the words of the campaign where no category is known by them.
func (s Source) Plan(c leadlake.CampaignSpec, src leadlake.SourceSpec) ([]ingest.Query, error) {
	roots, err := rootsOf(c.Geo)
	if err != nil {
		return nil, err
	}
	params := map[string]string{"method": search}
	if categories := categoriesOf(c); len(categories) > 0 {
		params["categories"] = strings.Join(categories, ",")
	} else if params["term"] = strings.Join(strings.Fields(c.Keywords), " "); params["term"] == "" {
		return nil, leadlake.Errorf(leadlake.Invalid, "campaign: nothing says what to search for").
			WithFix("add keywords, such as plumber")
	}
	base := ingest.Query{Provider: src.Provider(), Params: params, EstimatedCalls: pages, Circle: true}
	queries := make([]ingest.Query, 0, len(roots))
	for _, box := range roots {
		queries = append(queries, s.At(base, box))
	}
	return queries, nil
}

// categoriesOf are the aliases of Yelp's categories that a campaign is about:
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
	var aliases []string
	for _, each := range concepts {
		aliases = append(aliases, each.Yelp...)
	}
	slices.Sort(aliases)
	return slices.Compact(aliases)
}

// At asks the same about the circle around a box.
func (Source) At(q ingest.Query, box ingest.Box) ingest.Query {
	params := maps.Clone(q.Params)
	lat, lon, radius := circle(box)
	params["latitude"], params["longitude"] = ingest.Degrees(lat), ingest.Degrees(lon)
	params["radius"] = strconv.Itoa(radius)
	q.Params, q.Tile = params, &box
	q.ID = ingest.QueryID(q.Provider, params)
	return q
}

// Lookup asks by the telephone number, else by name and address. A lead with
// neither cannot be asked about.
func (s Source) Lookup(lead ingest.Subject) []ingest.Query {
	params := map[string]string{"postal": lead.Postal}
	calls := 1
	switch {
	case strings.HasPrefix(lead.Phone, "+"):
		params["method"], params["phone"] = phone, lead.Phone
	case lead.Name != "" && lead.Street != "" && lead.City != "" && len(lead.Country) == 2 && isState(lead.Region):
		params["method"], calls = match, 2
		// The lengths are the provider's: a longer value is a VALIDATION_ERROR.
		params["name"], params["address1"], params["city"] = cut(lead.Name, 64), cut(lead.Street, 64), cut(lead.City, 64)
		params["state"], params["country"] = strings.ToUpper(lead.Region), strings.ToUpper(lead.Country)
	default:
		return nil
	}
	name := s.Spec().Name
	return []ingest.Query{{ID: ingest.QueryID(name, params), Provider: name, Params: params, EstimatedCalls: calls}}
}

// isState says whether a region is the short code that a match demands.
func isState(region string) bool { return len(region) > 0 && len(region) <= 3 }

// cut keeps the first n runes.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return strings.TrimSpace(string(r[:n]))
	}
	return s
}

// Request builds the call for a page.
func (Source) Request(q ingest.Query, cursor string) (ingest.Request, error) {
	method, path, query := q.Params["method"], "", url.Values{}
	pass := func(names ...string) {
		for _, n := range names {
			if v := q.Params[n]; v != "" {
				query.Set(n, v)
			}
		}
	}
	switch {
	case method == search:
		offset, limit, ok := window(cursor)
		if !ok || q.Params["latitude"] == "" {
			return ingest.Request{}, wrongQuery(q, cursor)
		}
		path = "/v3/businesses/search"
		pass("latitude", "longitude", "radius", "categories", "term")
		query.Set("limit", strconv.Itoa(limit))
		query.Set("offset", strconv.Itoa(offset))
		// The default order is a ranking that changes between pages.
		query.Set("sort_by", "review_count")
	case method == phone && cursor == "":
		path = "/v3/businesses/search/phone"
		pass("phone")
	case method == match && cursor == "":
		path = "/v3/businesses/matches"
		pass("name", "address1", "city", "state", "country")
		query.Set("limit", "1")
	case method == match:
		method, path = details, "/v3/businesses/"+url.PathEscape(cursor)
	default:
		return ingest.Request{}, wrongQuery(q, cursor)
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return ingest.Request{Method: http.MethodGet, URL: path, Endpoint: method, CostMicros: costMicros}, nil
}

func wrongQuery(q ingest.Query, cursor string) error {
	return leadlake.Errorf(leadlake.Internal, "query %s of %s: method %q has no page %q", q.ID, q.Provider, q.Params["method"], cursor)
}
