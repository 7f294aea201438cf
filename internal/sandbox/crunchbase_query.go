package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// crunchbaseQuery is the body of a search.
type crunchbaseQuery struct {
	FieldIDs []string              `json:"field_ids"`
	Query    []crunchbasePredicate `json:"query"`
	Order    []struct {
		FieldID string `json:"field_id"`
		Sort    string `json:"sort"`
		Nulls   string `json:"nulls"`
	} `json:"order"`
	Limit    *int   `json:"limit"`
	AfterID  string `json:"after_id"`
	BeforeID string `json:"before_id"`
}

type crunchbasePredicate struct {
	Type     string `json:"type"`
	FieldID  string `json:"field_id"`
	Operator string `json:"operator_id"`
	Values   []any  `json:"values"`
}

// fieldKind says how a field can be asked for.
type fieldKind string

// operatorsOf lists the operators of each kind, as the provider's document
// gives them for each field (x-cb-search-operators).
var operatorsOf = map[fieldKind][]string{
	"identifier":  {"blank", "contains", "eq", "includes", "not_contains", "not_eq", "not_includes", "starts"},
	"identifiers": {"blank", "includes", "includes_all", "not_includes", "not_includes_all"},
	"enum":        {"blank", "eq", "includes", "not_eq", "not_includes"},
	"enums":       {"blank", "includes", "includes_all", "not_includes", "not_includes_all"},
	"text":        {"blank", "contains", "not_contains"},
	"short text":  {"blank", "contains", "eq", "not_contains", "not_eq", "starts"},
	"date":        {"between", "blank", "eq", "gte", "lte"},
	"number":      {"between", "blank", "eq", "gt", "gte", "lt", "lte", "not_eq"},
	"money":       {"between", "blank", "eq", "gt", "gte", "lt", "lte", "not_eq"},
	"domain":      {"domain_blank", "domain_eq", "domain_includes", "not_domain_eq", "not_domain_includes"},
	"shown only":  {},
}

// crunchbaseFields are those of an organization. The name is shown only, a
// search by name asks for the identifier; so is the website, a search by
// domain asks for website_url. The last line is not of the Firmographic
// package, but of keys with more.
var crunchbaseFields = map[fieldKind][]string{
	"identifier":  {"identifier", "acquirer_identifier", "owner_identifier", "stock_symbol"},
	"identifiers": {"categories", "category_groups", "diversity_spotlights", "founder_identifiers", "location_identifiers", "location_group_identifiers"},
	"enum": {
		"company_type", "entity_def_id", "layout_id", "num_employees_enum", "num_enrollments", "operating_status", "phone_number", "program_type",
		"school_method", "school_program", "school_type", "status", "stock_exchange_symbol", "uuid", "revenue_range", "last_funding_type",
	},
	"enums":      {"facet_ids", "hub_tags", "permalink_aliases"},
	"text":       {"description", "short_description"},
	"short text": {"aliases", "legal_name"},
	"date": {
		"closed_on", "created_at", "delisted_on", "exited_on", "founded_on", "program_application_deadline", "updated_at", "went_public_on",
		"last_funding_at",
	},
	"number": {
		"num_alumni", "num_current_advisor_positions", "num_current_positions", "num_event_appearances", "num_portfolio_organizations",
		"num_sub_organizations", "program_duration", "rank", "rank_org",
	},
	"money":      {"funding_total"},
	"domain":     {"website_url"},
	"shown only": {"contact_email", "demo_days", "facebook", "image_id", "image_url", "linkedin", "listed_stock_symbol", "name", "permalink", "twitter", "website"},
}

func kindOf(field string) (fieldKind, bool) {
	for kind, fields := range crunchbaseFields {
		if slices.Contains(fields, field) {
			return kind, true
		}
	}
	return "", false
}

func knownFields(fields []string) *crunchbaseError {
	for _, f := range fields {
		if _, ok := kindOf(f); !ok {
			e := badQuery("field_id %q is not a field of entity organization", f)
			e.fieldID = f
			return e
		}
	}
	return nil
}

func readCrunchbaseQuery(r *http.Request) (*crunchbaseQuery, *crunchbaseError) {
	body, _ := io.ReadAll(r.Body) // it is in memory
	var q crunchbaseQuery
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, badQuery("request body is not valid: %v", err)
	}
	if len(q.FieldIDs) == 0 {
		return nil, badQuery("field_ids is required")
	}
	if err := knownFields(q.FieldIDs); err != nil {
		return nil, err
	}
	if q.Limit == nil {
		usual := 50
		q.Limit = &usual
	}
	if *q.Limit < 1 || *q.Limit > 1000 {
		return nil, badQuery("limit must be between 1 and 1000")
	}
	if q.AfterID != "" && q.BeforeID != "" {
		return nil, badQuery("after_id and before_id exclude each other")
	}
	for _, p := range q.Query {
		if err := p.check(); err != nil {
			return nil, err
		}
	}
	for _, o := range q.Order {
		if err := knownFields([]string{o.FieldID}); err != nil {
			return nil, err
		}
		if kind, _ := kindOf(o.FieldID); kind == "shown only" {
			return nil, forbiddenField("sort", o.FieldID)
		}
		if o.Sort != "asc" && o.Sort != "desc" {
			return nil, badQuery("sort must be asc or desc")
		}
	}
	return &q, nil
}

func (p *crunchbasePredicate) check() *crunchbaseError {
	if p.Type != "predicate" {
		return badQuery("query type %q is not played by the sandbox", p.Type)
	}
	if err := knownFields([]string{p.FieldID}); err != nil {
		return err
	}
	kind, _ := kindOf(p.FieldID)
	if kind == "shown only" {
		return forbiddenField("search", p.FieldID)
	}
	if !slices.Contains(operatorsOf[kind], p.Operator) {
		e := badQuery("operator %q does not apply to field %s", p.Operator, p.FieldID)
		e.fieldID = p.FieldID
		return e
	}
	want := 1
	if p.Operator == "between" {
		want = 2
	}
	if len(p.Values) < want || len(p.Values) > 200 {
		return badQuery("operator %s of field %s takes %d to 200 values", p.Operator, p.FieldID, want)
	}
	return nil
}

// fits says whether an organization meets every predicate.
func (q *crunchbaseQuery) fits(props object) bool {
	for _, p := range q.Query {
		if !p.holds(props[p.FieldID]) {
			return false
		}
	}
	return true
}

// holds compares a field with the values. A value that names nothing is no
// error: a display name where a permalink is due finds nothing.
func (p *crunchbasePredicate) holds(v any) bool {
	if op, negated := strings.CutPrefix(p.Operator, "not_"); negated {
		positive := *p
		positive.Operator = op
		return !positive.holds(v)
	}
	switch p.Operator {
	case "blank", "domain_blank":
		return (v == nil) == (text(p.Values[0]) == "true")
	}
	if v == nil {
		return false
	}
	kind, _ := kindOf(p.FieldID)
	switch p.Operator {
	case "contains", "starts":
		return p.reads(v)
	case "domain_eq", "domain_includes":
		return slices.ContainsFunc(p.Values, func(want any) bool { return domainOf(text(want)) == domainOf(text(v)) })
	case "includes_all":
		return !slices.ContainsFunc(p.Values, func(want any) bool { return !slices.Contains(names(v), text(want)) })
	case "includes":
		return slices.ContainsFunc(p.Values, func(want any) bool { return slices.Contains(names(v), text(want)) })
	case "eq":
		if kind == "identifier" || kind == "enum" || kind == "short text" {
			return slices.Contains(names(v), text(p.Values[0]))
		}
		return between(v, p.Values[0], p.Values[0])
	case "between":
		return between(v, p.Values[0], p.Values[1])
	case "gte":
		return between(v, p.Values[0], nil)
	case "lte":
		return between(v, nil, p.Values[0])
	case "gt":
		return !between(v, nil, p.Values[0])
	}
	return !between(v, p.Values[0], nil) // lt
}

// reads looks for text in a field, whatever the case.
func (p *crunchbasePredicate) reads(v any) bool {
	if id, ok := v.(object); ok {
		v = id["value"]
	}
	have, want := strings.ToLower(text(v)), strings.ToLower(text(p.Values[0]))
	if p.Operator == "starts" {
		return strings.HasPrefix(have, want)
	}
	return strings.Contains(have, want)
}

// names are what values of a field are compared with: permalinks and uuids of
// identifiers, other values themselves.
func names(v any) []string {
	switch v := v.(type) {
	case object:
		return []string{text(v["permalink"]), text(v["uuid"])}
	case []object:
		var all []string
		for _, id := range v {
			all = append(all, names(id)...)
		}
		return all
	case []string:
		return v
	}
	return []string{text(v)}
}

// between compares dates as text and all else as numbers; nil is no bound.
func between(v, low, high any) bool {
	have, bounds := scalar(v), [2]any{scalar(low), scalar(high)}
	if have == nil {
		return false
	}
	if bounds[1] != nil && compareScalars(have, bounds[1]) > 0 {
		// A day as upper bound does not cut off its hours.
		day, isText := bounds[1].(string)
		if !isText || !strings.HasPrefix(text(have), day) {
			return false
		}
	}
	return bounds[0] == nil || compareScalars(have, bounds[0]) >= 0
}

// scalar is what a value is ordered by: text or a number.
func scalar(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case map[string]any: // money of a query
		return scalar(v["value"])
	case object:
		for _, field := range []string{"value_usd", "value"} {
			if v[field] != nil {
				return scalar(v[field])
			}
		}
		return nil
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case float64, string:
		return v
	case []object:
		if len(v) > 0 {
			return scalar(v[0])
		}
		return nil
	}
	return fmt.Sprint(v)
}

func compareScalars(a, b any) int {
	if x, ok := a.(float64); ok {
		if y, ok := b.(float64); ok {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(text(a), text(b))
}

// compare orders two organizations: as asked, then by rank and uuid.
func (q *crunchbaseQuery) compare(a, b object) int {
	for _, o := range q.Order {
		x, y := scalar(a[o.FieldID]), scalar(b[o.FieldID])
		switch {
		case x == nil && y == nil:
			continue
		case x == nil || y == nil:
			nullsFirst := o.Nulls == "first" || o.Nulls == "" && o.Sort == "desc"
			if (x == nil) == nullsFirst {
				return -1
			}
			return 1
		}
		c := compareScalars(x, y)
		if o.Sort == "desc" {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	if len(q.Order) == 0 {
		if c := cmp.Compare(a["rank_org"].(int), b["rank_org"].(int)); c != 0 {
			return c
		}
	}
	return cmp.Compare(text(a["uuid"]), text(b["uuid"]))
}

// text is a value as text; numbers without an exponent.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%f", v), "0"), ".")
	}
	return fmt.Sprint(v)
}
