package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

const crunchbaseSpec = "crunchbase-data-firmographic-openapi.yml"

// correctCrunchbase mends the document where recorded answers differ from it:
// errors are no {"value"}, but an object for 404 and arrays for 400 and 401,
// which it does not know; deleted entities are a bare array; autocompletion has
// a count; and keys of wider packages get money and revenue.
func correctCrunchbase(s *spec) {
	badRequest := schemaOf(`{"type":"array","minItems":1,"items":{"type":"object","required":["message","code"],"properties":{
		"message":{"type":"string"},"code":{"type":"string"},"entity_def_id":{"type":"string"},"field_id":{"type":"string"},
		"entitlement_ids":{"type":"array","items":{"type":"string"}}}}}`)
	unauthorized := schemaOf(`{"type":"array","minItems":1,"items":{"type":"object","required":["status","code","message"],"properties":{
		"status":{"type":"integer"},"code":{"type":"string","enum":["LA401"]},"message":{"type":"string"}}}}`)
	notFound := schemaOf(`{"type":"object","required":["error","code"],"properties":{"error":{"type":"string"},"code":{"type":"string","enum":["CS404"]}}}`)
	for path, item := range s.doc.Paths.Map() {
		for method := range item.Operations() {
			s.answers(method, path, http.StatusBadRequest, badRequest)
			s.answers(method, path, http.StatusUnauthorized, unauthorized)
			s.answers(method, path, http.StatusNotFound, notFound)
		}
	}
	deleted := schemaOf(`{"type":"array","items":{"type":"object","required":["uuid","entity_def_id","deleted_at"],"properties":{
		"uuid":{"type":"string","format":"uuid"},"entity_def_id":{"type":"string"},"deleted_at":{"type":"string","format":"date-time"}}}}`)
	s.answers(http.MethodGet, "/data/deleted_entities", http.StatusOK, deleted)
	s.answers(http.MethodGet, "/data/deleted_entities/{collection_id}", http.StatusOK, deleted)
	auto := s.doc.Components.Responses["AutocompleteResult"].Value.Content["application/json"].Schema.Value
	auto.Properties["count"] = schemaOf(`{"type":"integer"}`)
	organization := s.schema("Organization").Properties
	organization["revenue_range"] = schemaOf(`{"type":"string","pattern":"^r_[0-9]{8}$"}`)
	organization["last_funding_type"] = schemaOf(`{"type":"string"}`)
	organization["last_funding_at"] = schemaOf(`{"type":"string","format":"date"}`)
	organization["funding_total"] = schemaOf(`{"type":"object","required":["value","currency","value_usd"],"properties":{
		"value":{"type":"number"},"currency":{"type":"string"},"value_usd":{"type":"number"}}}`)
}

func TestCrunchbase_answers_keep_to_the_providers_document(t *testing.T) {
	t.Parallel()
	s := readSpec(t, crunchbaseSpec, strictness{}, correctCrunchbase)
	root, w := start(t)
	base := root + "/crunchbase/v4"
	var fields []string
	for _, kind := range crunchbaseFields {
		for _, f := range kind {
			fields = append(fields, fmt.Sprintf("%q", f))
		}
	}
	const search, entity, card = "/data/searches/organizations", "/data/entities/organizations/{entity_id}", "/data/entities/organizations/{entity_id}/cards/{card_id}"
	one := "/data/entities/organizations/" + w.Listings(world.Crunchbase)[0].Key
	everything := `{"field_ids":[` + strings.Join(fields, ",") + `],"limit":1000}`
	calls := []exchange{
		{method: "POST", path: search, body: everything, status: 200},
		{method: "POST", path: search, body: `{"field_ids":["name"],"query":[{"type":"predicate","field_id":"location_identifiers","operator_id":"includes","values":["nowhere"]}]}`, status: 200},
		{method: "POST", path: search, body: `{"field_ids":["nope"]}`, status: 400},
		{method: "POST", path: search, body: `{"field_ids":["name"],"order":[{"field_id":"name","sort":"asc"}]}`, status: 400},
		{method: "POST", path: search, body: everything, key: keyInvalid, status: 401},
		{method: "POST", path: search, body: everything, key: keyNoContract, status: 400},
		{method: "GET", path: entity, url: one + "?field_ids=name,website,founded_on&card_ids=headquarters_address,founders,fields,parent_organization", status: 200},
		{method: "GET", path: entity, url: "/data/entities/organizations/nobody", status: 404},
		{method: "GET", path: entity, url: one + "?card_ids=nope", status: 400},
		{method: "GET", path: card, url: one + "/cards/founders", status: 200},
		{method: "GET", path: card, url: one + "/cards/headquarters_address?card_field_ids=postal_code", status: 200},
		{method: "GET", path: "/data/autocompletes", url: "/data/autocompletes?query=den&limit=25", status: 200},
		{method: "GET", path: "/data/autocompletes", url: "/data/autocompletes?query=den&limit=26", status: 400},
		{method: "GET", path: "/data/deleted_entities", status: 200},
		{method: "GET", path: "/data/deleted_entities/{collection_id}", url: "/data/deleted_entities/organizations?limit=1", status: 200},
	}
	verify(t, s, base, calls)
	refutes(t, s, base, calls[0], [][2]string{
		{`"entity_def_id": "location"`, `"entity_def_id": 7`},
		{`"precision": "year"`, `"precision": "century"`},
		{`"count": \d+`, `"count": "many"`},
		{`"company_type": "for_profit"`, `"company_type": null`},
		{`"company_type": "for_profit"`, `"company_kind": "for_profit"`},
		{`"uuid": "[0-9a-f]{8}-`, `"uuid": "x-`},
		{`"updated_at": "\d{4}`, `"updated_at": "`},
	})
}

const apolloSpec = "apollo-openapi.json"

// correctApollo mends the document. Its types are guessed from one example
// each, and its own examples have null where it says integer
// (total_requested_records) or string (employment_history.organization_id), so
// that any field may be null. industry_tag_hash lists the one industry of the
// example and is a map. 403 and 422 are described for some methods only, and for
// some with no more than an example, of which one is broken JSON.
func correctApollo(s *spec) {
	forbidden := schemaOf(`{"type":"object","required":["error","error_code"],"properties":{"error":{"type":"string"},"error_code":{"type":"string","enum":["API_INACCESSIBLE"]}}}`)
	unprocessable := schemaOf(`{"type":"object","required":["error"],"properties":{"error":{"type":"string"}}}`)
	for path, item := range s.doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status, schema := range map[int]*openapi3.SchemaRef{http.StatusForbidden: forbidden, http.StatusUnprocessableEntity: unprocessable} {
				resp := op.Responses.Value(fmt.Sprint(status))
				if resp == nil || !formed(resp.Value.Content["application/json"]) {
					s.answers(method, path, status, schema)
				}
			}
			if ok := op.Responses.Value("200"); ok != nil {
				for _, media := range ok.Value.Content {
					openMaps(media.Schema)
				}
			}
		}
	}
}

// openMaps lets industry_tag_hash have any industry.
func openMaps(ref *openapi3.SchemaRef) {
	if ref == nil || ref.Value == nil {
		return
	}
	if tags := ref.Value.Properties["industry_tag_hash"]; tags != nil {
		tags.Value.Properties, tags.Value.AdditionalProperties.Schema = nil, schemaOf(`{"type":"string"}`)
	}
	for _, sub := range ref.Value.Properties {
		openMaps(sub)
	}
	openMaps(ref.Value.Items)
}

func TestApollo_answers_keep_to_the_providers_document(t *testing.T) {
	t.Parallel()
	s := readSpec(t, apolloSpec, strictness{nulls: true}, correctApollo)
	root, w := start(t)
	base := root + "/apollo/api/v1"
	all := firms(w, world.Apollo)
	known := all[0]
	var details, domains []string
	for _, f := range all[:9] {
		details = append(details, fmt.Sprintf(`{"id":%q}`, f.people[0].id))
		domains = append(domains, "domains[]="+f.Domain)
	}
	const find, people, match, matches, enrich, enriches = "/mixed_companies/search", "/mixed_people/api_search", "/people/match", "/people/bulk_match", "/organizations/enrich", "/organizations/bulk_enrich"
	calls := []exchange{
		{method: "POST", path: find, url: find + "?per_page=100&organization_locations[]=Denver", status: 200},
		{method: "POST", path: find, url: find + "?organization_locations[]=Oslo", status: 200},
		{method: "POST", path: find, url: find + "?per_page=101", status: 422},
		{method: "POST", path: find, key: keyInvalid, status: 401},
		{method: "POST", path: find, key: keyNoContract, status: 403},
		{method: "POST", path: people, url: people + "?per_page=100", status: 200},
		{method: "POST", path: people, url: people + "?page=501", status: 422},
		{method: "POST", path: people, key: keyInvalid, status: 401},
		{method: "POST", path: people, key: keyNoContract, status: 403},
		{method: "POST", path: match, url: match + "?id=" + known.people[0].id, status: 200},
		{method: "POST", path: match, url: match + "?email=nobody@nowhere.example", status: 200},
		{method: "POST", path: match, url: match + "?id=x&reveal_phone_number=true", status: 422},
		{method: "POST", path: match, key: keyInvalid, status: 401},
		{method: "POST", path: match, key: keyNoCredit, status: 422},
		{method: "POST", path: matches, body: `{"details":[` + strings.Join(details, ",") + `,{"id":"nobody"}]}`, status: 200},
		{method: "POST", path: matches, body: `{"details":[{},{},{},{},{},{},{},{},{},{},{}]}`, status: 400},
		{method: "POST", path: matches, body: `{"details":7}`, status: 422},
		{method: "GET", path: enrich, url: enrich + "?domain=" + known.Domain, status: 200},
		{method: "GET", path: enrich, url: enrich + "?domain=nowhere.example", status: 200},
		{method: "GET", path: enrich, status: 422},
		{method: "GET", path: enrich, key: keyInvalid, status: 401},
		{method: "GET", path: enrich, key: keyNoContract, status: 403},
		{method: "POST", path: enriches, url: enriches + "?" + strings.Join(domains, "&") + "&domains[]=nowhere.example", status: 200},
		{method: "POST", path: enriches, status: 400},
		{method: "POST", path: enriches, url: enriches + "?domains[]=x" + strings.Repeat("&domains[]=x", 10), status: 400},
		{method: "GET", path: "/organizations/{id}", url: "/organizations/" + known.Key, status: 200, silent: true},
		{method: "GET", path: "/organizations/{id}", url: "/organizations/nobody", status: 422},
		{method: "GET", path: "/people/{id}", url: "/people/nobody", status: 422},
		{method: "POST", path: "/usage_stats/credit_usage_stats", status: 200},
		{method: "POST", path: "/usage_stats/credit_usage_stats", key: keyNoContract, status: 403},
		{method: "POST", path: "/usage_stats/api_usage_stats", status: 200, silent: true},
	}
	verify(t, s, base, calls)
	refutes(t, s, base, calls[0], [][2]string{
		{`"total_entries": \d+`, `"total_entries": 1.5`},
		{`"primary_domain":`, `"domain_name":`},
		{`"website_url": "[^"]*"`, `"website_url": []`},
		{`"accounts": \[`, `"account_list": [`},
	})
	refutes(t, s, base, calls[5], [][2]string{
		{`"last_name_obfuscated"`, `"last_name"`},
		{`"has_email": (true|false)`, `"has_email": "yes"`},
	})
}

const pdlSpec = "peopledatalabs-docs-openapi.json"

// correctPDL mends the document. It describes the records of every method, not
// what wraps them: a search answers {status, data, total, scroll_token}, a
// person comes in data, a company flat beside status and likelihood (the
// provider's Go client). It gives errors no form and does not know bulk. Its
// company lacks display_name, naics, sic, inferred_revenue and
// total_funding_raised, its person the last lines here; job_title_levels is a
// list, dates may be partial. Every field that has no value is null.
func correctPDL(s *spec) {
	company, person := s.schema("Company").Properties, s.schema("Person").Properties
	for name, text := range map[string]string{
		"display_name": `{"type":"string"}`, "inferred_revenue": `{"type":"string"}`, "total_funding_raised": `{"type":"number"}`,
		"naics": `{"type":"array","items":{"type":"object","properties":{"naics_code":{"type":"string"}}}}`,
		"sic":   `{"type":"array","items":{"type":"object","properties":{"sic_code":{"type":"string"}}}}`,
	} {
		company[name] = schemaOf(text)
	}
	for name, text := range map[string]string{
		"recommended_personal_email": `{"type":"string"}`, "inferred_years_experience": `{"type":"integer"}`,
		"job_title_levels": `{"type":"array","items":{"type":"string"}}`,
		"job_start_date":   `{"type":"string","pattern":"^[0-9]{4}(-[0-9]{2}){0,2}$"}`,
	} {
		person[name] = schemaOf(text)
	}
	wrap := func(text string, more map[string]*openapi3.SchemaRef) *openapi3.SchemaRef {
		out := schemaOf(text)
		for k, v := range more {
			out.Value.Properties[k] = v
		}
		return out
	}
	list := func(items *openapi3.SchemaRef) *openapi3.SchemaRef {
		out := schemaOf(`{"type":"array","minItems":1}`)
		out.Value.Items = items
		return out
	}
	personRef, companyRef := s.doc.Components.Schemas["Person"], s.doc.Components.Schemas["Company"]
	const found = `{"type":"object","required":["status","data","total"],"properties":{"status":{"type":"integer"},"total":{"type":"integer"},"scroll_token":{"type":"string","minLength":1}}}`
	const enriched = `{"type":"object","required":["status","likelihood","data"],"properties":{"status":{"type":"integer"},"likelihood":{"type":"integer","minimum":0,"maximum":10},"matched":{"type":"array","items":{"type":"string"}},"metadata":{"type":"object"}}}`
	onePerson := wrap(enriched, map[string]*openapi3.SchemaRef{"data": personRef})
	oneCompany := wrap(`{"type":"object","required":["status","likelihood","id"],"properties":{"status":{"type":"integer"},"likelihood":{"type":"integer"},"metadata":{"type":"object"}}}`, company)
	kinds := func(kind string) *openapi3.SchemaRef {
		return schemaOf(`{"type":"object","required":["status","error"],"properties":{"status":{"type":"integer"},"metadata":{"type":"object"},"error":{"type":"object","required":["type","message"],
			"properties":{"type":` + kind + `,"message":{"type":"string"}}}}}`)
	}
	miss := kinds(`{"type":"string","enum":["not_found"]}`)
	either := func(right *openapi3.SchemaRef) *openapi3.SchemaRef {
		return &openapi3.SchemaRef{Value: &openapi3.Schema{AnyOf: openapi3.SchemaRefs{right, miss}}}
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		s.answers(method, "/v5/person/enrich", http.StatusOK, onePerson)
		s.answers(method, "/v5/company/enrich", http.StatusOK, oneCompany)
		s.answers(method, "/v5/person/search", http.StatusOK, wrap(found, map[string]*openapi3.SchemaRef{"data": list(personRef)}))
		s.answers(method, "/v5/company/search", http.StatusOK, wrap(found, map[string]*openapi3.SchemaRef{"data": list(companyRef)}))
	}
	s.answers(http.MethodPost, "/v5/person/bulk", http.StatusOK, list(either(onePerson)))
	s.answers(http.MethodPost, "/v5/company/bulk", http.StatusOK, list(either(oneCompany)))
	for path, item := range s.doc.Paths.Map() {
		for method := range item.Operations() {
			for _, status := range []int{400, 401, 402, 405, 429, 500} {
				s.answers(method, path, status, kinds(`{"type":"array","minItems":1,"items":{"type":"string"}}`))
			}
			s.answers(method, path, http.StatusNotFound, miss)
		}
	}
}

func TestPDL_answers_keep_to_the_providers_document(t *testing.T) {
	t.Parallel()
	s := readSpec(t, pdlSpec, strictness{nulls: true}, correctPDL)
	root, w := start(t)
	base := root + "/pdl"
	known := firms(w, world.PDL)[0]
	who := pdlPerson(pdlCompany(w.Metro, known), known.people[0])
	sql := func(of string) string { return url.QueryEscape(of) }
	const enrich, search, person, people = "/v5/company/enrich", "/v5/company/search", "/v5/person/enrich", "/v5/person/search"
	calls := []exchange{
		{method: "GET", path: enrich, url: enrich + "?website=" + known.Domain, status: 200},
		{method: "GET", path: enrich, url: enrich + "?website=nowhere.example", status: 404},
		{method: "GET", path: enrich, status: 400},
		{method: "GET", path: enrich, key: keyInvalid, status: 401},
		{method: "GET", path: enrich, key: keyNoCredit, status: 402},
		{method: "POST", path: search, body: `{"size":100,"query":{"bool":{"must":[{"term":{"location.country":"united states"}}]}}}`, status: 200},
		{method: "GET", path: search, url: search + "?sql=" + sql("SELECT * FROM company WHERE location.locality='boulder'"), status: 200},
		{method: "POST", path: search, body: `{"query":{"term":{"location.locality":"oslo"}}}`, status: 404},
		{method: "POST", path: search, body: `{"size":101,"query":{"match_all":{}}}`, status: 400},
		{method: "POST", path: person, body: `{"pdl_id":"` + who["id"].(string) + `","include_if_matched":true}`, status: 200},
		{method: "GET", path: person, url: person + "?name=jane", status: 400},
		{method: "GET", path: person, url: person + "?email=nobody@nowhere.example", status: 404},
		{method: "POST", path: people, body: `{"size":100,"sql":"SELECT * FROM person WHERE location_country = 'united states'"}`, status: 200},
		{method: "POST", path: "/v5/person/bulk", body: `{"requests":[{"params":{"pdl_id":"` + who["id"].(string) + `"},"metadata":{"row":1}},{"params":{"email":"nobody@nowhere.example"},"metadata":{"row":2}}]}`, status: 200},
		{method: "POST", path: "/v5/company/bulk", body: `{"requests":[{"params":{"website":"` + known.Domain + `"},"metadata":{"row":1}}]}`, status: 200},
	}
	verify(t, s, base, calls)
	refutes(t, s, base, calls[0], [][2]string{
		{`"likelihood": \d+`, `"likelihood": "high"`}, {`"locality"`, `"town"`}, {`"founded": \d+`, `"founded": "old"`}, {`"headline"`, `"slogan"`},
	})
	refutes(t, s, base, calls[12], [][2]string{
		{`"total": \d+`, `"total": null, "page": 1`}, {`"full_name"`, `"complete_name"`}, {`"type": "current_professional"`, `"kind": "current"`},
		{`"job_title_levels": \[[^]]*\]`, `"job_title_levels": "owner"`},
	})
	refutes(t, s, base, calls[1], [][2]string{{`"type": "not_found"`, `"type": ["not_found"]`}})
}
