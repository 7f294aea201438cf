package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// pdlMost is how many results can be reached by from and size; beyond it there
// is only the scroll token.
const pdlMost = 10_000

// search answers records of a kind. A record that is sent is a credit, so that
// the default size is 1; nothing found is status 404 and free.
func (p *pdl) search(kind string) pdlCall {
	return func(q pdlParams) (any, int, *pdlError) {
		fits, asked, err := q.condition(kind)
		if err != nil {
			return nil, 0, err
		}
		size, err := q.number("size", 1, 1, 100)
		if err != nil {
			return nil, 0, err
		}
		offset, err := q.number("from", 0, 0, pdlMost-1)
		if err != nil {
			return nil, 0, err
		}
		if token, _ := q["scroll_token"].(string); token != "" {
			at, of, _ := strings.Cut(token, "$")
			n, e := strconv.Atoi(at)
			if e != nil || of != hash(kind + asked)[:12] || n < 0 {
				return nil, 0, invalidPDL("scroll_token is not valid for this query")
			}
			offset = n
		} else if offset+size > pdlMost {
			return nil, 0, invalidPDL("from and size together reach %d records; use scroll_token", pdlMost)
		}
		found := []object{}
		for _, record := range p.records(kind) {
			if fits(record) {
				found = append(found, record)
			}
		}
		if offset >= len(found) {
			return nil, 0, &pdlError{status: http.StatusNotFound}
		}
		end := min(len(found), offset+size)
		page := []object{}
		for _, record := range found[offset:end] {
			page = append(page, q.shaped(record))
		}
		out := object{"status": http.StatusOK, "data": page, "total": len(found)}
		if end < len(found) { // the last page has none
			out["scroll_token"] = fmt.Sprint(end, "$", hash(kind + asked)[:12])
		}
		return out, len(page), nil
	}
}

func (p *pdl) records(kind string) []object {
	if kind == "person" {
		return p.people
	}
	return p.companies
}

// pdlCondition says whether a record is wanted.
type pdlCondition func(object) bool

// condition reads the query, in SQL or in Elasticsearch's form, and its text.
func (q pdlParams) condition(kind string) (pdlCondition, string, *pdlError) {
	statement, _ := q["sql"].(string)
	query := q["query"]
	switch {
	case (statement == "") == (query == nil || query == ""):
		return nil, "", invalidPDL("Request must have either a query or a sql parameter")
	case statement != "":
		fits, err := parsePDLSQL(statement, kind)
		return fits, statement, err
	}
	if s, ok := query.(string); ok && json.Unmarshal([]byte(s), &query) != nil {
		return nil, "", invalidPDL("query is not valid JSON")
	}
	asked, _ := json.Marshal(query) // it came as JSON
	clause, _ := query.(map[string]any)
	if inner, ok := clause["query"].(map[string]any); ok && len(clause) == 1 {
		clause = inner
	}
	fits, err := pdlClause(kind, clause)
	return fits, string(asked), err
}

// pdlClause reads the part of Elasticsearch's query language that is played.
func pdlClause(kind string, clause map[string]any) (pdlCondition, *pdlError) {
	if len(clause) != 1 {
		return nil, invalidPDL("a query clause has one key, not %d", len(clause))
	}
	for name, v := range clause {
		if name == "match_all" {
			return func(object) bool { return true }, nil
		}
		body, ok := v.(map[string]any)
		if !ok || len(body) == 0 {
			return nil, invalidPDL("query clause %q is not an object", name)
		}
		switch name {
		case "bool":
			return pdlBool(kind, body)
		case "exists":
			field, _ := body["field"].(string)
			return pdlCompare(kind, field, func(v any) bool { return v != nil })
		}
		for field, want := range body {
			return pdlLeaf(kind, name, field, want)
		}
	}
	return nil, invalidPDL("query is empty")
}

func pdlBool(kind string, body map[string]any) (pdlCondition, *pdlError) {
	parts := map[string][]pdlCondition{}
	for name, v := range body {
		if !slices.Contains([]string{"must", "filter", "should", "must_not"}, name) {
			return nil, invalidPDL("query clause bool.%s is not supported", name)
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, item := range list {
			clause, _ := item.(map[string]any)
			fits, err := pdlClause(kind, clause)
			if err != nil {
				return nil, err
			}
			parts[name] = append(parts[name], fits)
		}
	}
	return func(r object) bool {
		holds := func(c pdlCondition) bool { return c(r) }
		fails := func(c pdlCondition) bool { return !c(r) }
		// Beside must or filter, should only ranks.
		optional := len(parts["must"])+len(parts["filter"]) > 0 || len(parts["should"]) == 0
		return !slices.ContainsFunc(parts["must"], fails) && !slices.ContainsFunc(parts["filter"], fails) &&
			!slices.ContainsFunc(parts["must_not"], holds) && (optional || slices.ContainsFunc(parts["should"], holds))
	}, nil
}

// pdlLeaf compares a field. A term is compared as it stands: "Denver" never
// equals "denver". A match ignores case and asks for any of its words.
func pdlLeaf(kind, name, field string, want any) (pdlCondition, *pdlError) {
	if wrapped, ok := want.(map[string]any); ok && name != "range" {
		for _, key := range []string{"value", "query"} {
			if wrapped[key] != nil {
				want = wrapped[key]
			}
		}
	}
	switch name {
	case "term":
		return pdlCompare(kind, field, func(v any) bool { return text(v) == text(want) })
	case "terms":
		list, ok := want.([]any)
		if !ok {
			return nil, invalidPDL("terms of %s is not a list", field)
		}
		return pdlCompare(kind, field, func(v any) bool {
			return slices.ContainsFunc(list, func(w any) bool { return text(v) == text(w) })
		})
	case "match":
		words := pdlWords(text(want))
		return pdlCompare(kind, field, func(v any) bool {
			have := pdlWords(text(v))
			return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(have, w) })
		})
	case "match_phrase":
		words := " " + strings.Join(pdlWords(text(want)), " ") + " "
		return pdlCompare(kind, field, func(v any) bool { return strings.Contains(" "+strings.Join(pdlWords(text(v)), " ")+" ", words) })
	case "prefix":
		return pdlCompare(kind, field, func(v any) bool { return strings.HasPrefix(text(v), text(want)) })
	case "wildcard":
		return pdlCompare(kind, field, func(v any) bool { return like(text(v), text(want), '*', '?') })
	case "range":
		bounds, _ := want.(map[string]any)
		return pdlCompare(kind, field, func(v any) bool {
			for op, bound := range bounds {
				if !orders(v, map[string]string{"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}[op], bound) {
					return false
				}
			}
			return true
		})
	}
	return nil, invalidPDL("query clause %q is not supported", name)
}

// pdlWords splits text as a standard analyzer does.
func pdlWords(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '\''
	})
}

// pdlKnown says whether a field of a kind can be asked for.
func pdlKnown(kind, field string) bool {
	names := pdlCompanyFields
	if kind == "person" {
		names = pdlPersonFields
	}
	return slices.Contains(names, field)
}

var (
	pdlCompanyFields = []string{
		"id", "name", "display_name", "size", "employee_count", "founded", "industry", "naics.naics_code", "sic.sic_code", "location.name",
		"location.locality", "location.region", "location.metro", "location.country", "location.continent", "location.street_address",
		"location.postal_code", "location.geo", "linkedin_id", "linkedin_url", "facebook_url", "twitter_url", "profiles", "website", "ticker",
		"type", "tags", "alternative_names", "summary", "inferred_revenue", "total_funding_raised",
	}
	pdlPersonFields = []string{
		"id", "full_name", "first_name", "last_name", "linkedin_url", "linkedin_username", "industry", "work_email", "emails.address",
		"mobile_phone", "phone_numbers", "job_title", "job_title_role", "job_title_levels", "job_company_id", "job_company_name",
		"job_company_website", "job_company_size", "job_company_industry", "job_company_linkedin_url", "job_company_location_locality",
		"job_company_location_region", "job_company_location_country", "location_name", "location_locality", "location_region",
		"location_country", "location_continent", "skills",
	}
)

// pdlCompare looks a field up. A list fits where one of its elements does.
func pdlCompare(kind, field string, fits func(any) bool) (pdlCondition, *pdlError) {
	if !pdlKnown(kind, field) {
		return nil, invalidPDL("field %q is not a field of %s", field, kind)
	}
	path := strings.Split(field, ".")
	return func(r object) bool { return slices.ContainsFunc(pdlValues(r, path), fits) }, nil
}

func pdlValues(v any, path []string) []any {
	switch v := v.(type) {
	case object:
		if len(path) > 0 {
			return pdlValues(v[path[0]], path[1:])
		}
	case []object:
		var all []any
		for _, e := range v {
			all = append(all, pdlValues(e, path)...)
		}
		return all
	case []string:
		var all []any
		for _, e := range v {
			all = append(all, e)
		}
		return all
	}
	return []any{v}
}

// orders compares numbers as numbers and all else as text; nothing compares to
// null.
func orders(v any, op string, bound any) bool {
	if v == nil {
		return false
	}
	c := compareScalars(scalar(v), scalar(bound))
	switch op {
	case "=":
		return c == 0
	case "<>", "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	}
	return false
}

// like matches a pattern in which many stands for any text and one for a
// letter.
func like(s, pattern string, many, one byte) bool {
	if pattern == "" {
		return s == ""
	}
	switch {
	case pattern[0] == many:
		return like(s, pattern[1:], many, one) || s != "" && like(s[1:], pattern, many, one)
	case s == "":
		return false
	case pattern[0] == one || pattern[0] == s[0]:
		return like(s[1:], pattern[1:], many, one)
	}
	return false
}
