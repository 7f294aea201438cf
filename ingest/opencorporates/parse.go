package opencorporates

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// Judge reads the statuses. 403 means that the account may not, or that it has
// asked too often, in a minute or for today; the words tell which (error table
// of the API reference). 503 means that the server has too much to do, or that
// the company's entry is withheld for now, which is not worth asking again.
func (Source) Judge(status int, _ http.Header, body []byte) ingest.Judgement {
	j := ingest.Judgement{Message: message(body)}
	switch status {
	case http.StatusBadRequest, http.StatusNotAcceptable, http.StatusUnprocessableEntity:
		j.Verdict = ingest.Wrong
	case http.StatusUnauthorized:
		j.Verdict = ingest.Denied
	case http.StatusForbidden:
		j.Verdict = ingest.Refused
		j = limitOf(j)
	case http.StatusTooManyRequests:
		j.Verdict = ingest.Slow
		j = limitOf(j)
	case http.StatusNotFound:
		j.Verdict = ingest.Miss
	case http.StatusServiceUnavailable:
		j.Verdict = ingest.Broken
		if strings.Contains(strings.ToLower(j.Message), "redact") {
			j.Verdict = ingest.Miss
		}
	case http.StatusInternalServerError, http.StatusBadGateway:
		j.Verdict = ingest.Broken
	default:
		return ingest.Judgement{}
	}
	return j
}

// limitOf finds in the provider's words which limit was reached; where they
// speak of none, the verdict stays. The limits of its contracts are those of a
// day and a month, so one that is not named is taken for one of these.
func limitOf(j ingest.Judgement) ingest.Judgement {
	text := strings.ToLower(j.Message)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	switch {
	case has("per second", "per minute", "too many requests", "slow down"):
		j.Verdict = ingest.Slow
	case has("today", "daily", "per day", "month", "quota"):
		j.Verdict = ingest.Spent
	case has("rate limit", "rate-limit", "throttl"):
		j.Verdict = ingest.Slow
	case has("limit", "exceeded", "calls remaining", "usage"):
		j.Verdict = ingest.Spent
	}
	return j
}

// maxMessage is as much as a person wants to read.
const maxMessage = 300

func message(body []byte) string {
	if !json.Valid(body) {
		return ""
	}
	answer := gjson.ParseBytes(body)
	s := ""
	for _, path := range []string{"error.message", "error", "message"} {
		if v := answer.Get(path); v.Type == gjson.String && s == "" {
			s = v.Str
		}
	}
	if len(s) > maxMessage {
		s = s[:maxMessage] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}

// known are the fields of a company, those of a single one and of a search.
var known = []string{
	"name", "company_number", "jurisdiction_code", "incorporation_date", "dissolution_date", "company_type", "registry_url",
	"branch", "branch_status", "inactive", "current_status", "created_at", "updated_at", "retrieved_at", "opencorporates_url",
	"previous_names", "alternative_names", "source", "agent_name", "agent_address", "registered_address",
	"registered_address_in_full", "industry_codes", "identifiers", "trademark_registrations", "number_of_employees",
	"native_company_number", "home_company", "controlling_entity", "officers", "filings", "data", "corporate_groupings",
	"restricted_for_marketing", "financial_summary", "ultimate_beneficial_owners",
}

// Parse reads a search. Each item is wrapped in the singular of its name, and
// the record is what is inside. A lookup gives one record at most: the company
// whose name is the lead's.
func (Source) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	answer, err := ingest.ReadJSON(q, resp)
	if err != nil {
		return ingest.Page{}, err
	}
	results := answer.Get("results")
	companies := results.Get("companies")
	if !companies.IsArray() {
		return ingest.Page{}, leadlake.Errorf(leadlake.Unavailable, "read the answer of %s: it has no list of companies", q.Provider).
			WithFix("run it again; if it stays, the provider's format has changed")
	}
	items := companies.Array()
	rows := ingest.Rows{
		Key:      "company_number",
		Required: map[string]gjson.Type{"jurisdiction_code": gjson.String, "name": gjson.String},
		Typed: map[string]gjson.Type{
			"inactive": gjson.True, "industry_codes": gjson.JSON, "registered_address": gjson.JSON, "previous_names": gjson.JSON,
		},
		Known: known,
	}
	if asked := q.Params[nameParam]; asked != "" {
		if best, ok := choose(asked, postals(q.Subjects), items); ok {
			r := record(&rows, best)
			if r.Problem == nil {
				r.Gives = found(best)
			}
			if err := emit(r); err != nil {
				return ingest.Page{}, err
			}
		}
		return ingest.Page{Unknown: rows.Unknown()}, nil
	}
	for _, item := range items {
		if err := emit(record(&rows, inner(item))); err != nil {
			return ingest.Page{}, err
		}
	}
	return ingest.Page{Next: next(results, len(items)), Total: results.Get("total_count").Int(), Unknown: rows.Unknown()}, nil
}

// inner unwraps an item; one that is not wrapped is taken as it is.
func inner(item gjson.Result) gjson.Result {
	if company := item.Get("company"); item.IsObject() && company.Exists() {
		return company
	}
	return item
}

// record names a company by its register and its number there, which alone is
// not unique.
func record(rows *ingest.Rows, company gjson.Result) ingest.Record {
	r := rows.Record(company)
	if r.Problem == nil {
		r.Key = company.Get("jurisdiction_code").Str + "/" + r.Key
	}
	return r
}

// next is the number of the page after this one, "" after the last.
func next(results gjson.Result, items int) string {
	page := max(1, results.Get("page").Int())
	if items == 0 || page >= maxPages || page >= results.Get("total_pages").Int() {
		return ""
	}
	return strconv.FormatInt(page+1, 10)
}

// choose finds the company that was asked for: the one whose name fits best, of
// these one that is registered where a lead of that name is, of these one that still
// exists, of these one that is at home in the register and not a branch of a
// company elsewhere, of these the provider's first. A name that only holds the
// other is believed where the postal code agrees: "Bishop Plumbing" is not
// "Talbot & Bishop Plumbing".
func choose(asked string, postals []string, items []gjson.Result) (gjson.Result, bool) {
	var best gjson.Result
	most := -1
	for _, item := range items {
		company := inner(item)
		f, isHere := bestFit(asked, company), isAt(company, postals)
		if f == noFit || f == holdsFit && !isHere {
			continue
		}
		points := 1000 * f
		if isHere {
			points += 100
		}
		if company.Get("inactive").Type != gjson.True {
			points += 10
		}
		if company.Get("branch").String() != "F" {
			points++
		}
		if points > most {
			best, most = company, points
		}
	}
	return best, most >= 0
}

// postals are the postal codes of leads, without the four of ZIP+4.
func postals(leads []ingest.Subject) []string {
	var codes []string
	for _, lead := range leads {
		if code, _, _ := strings.Cut(strings.ToUpper(lead.Postal), "-"); code != "" {
			codes = append(codes, code)
		}
	}
	return codes
}

// isAt says whether a company's address has one of the postal codes.
func isAt(company gjson.Result, postals []string) bool {
	code := company.Get("registered_address.postal_code").String()
	line := company.Get("registered_address_in_full").String()
	return slices.ContainsFunc(postals, func(postal string) bool {
		return strings.HasPrefix(code, postal) || strings.Contains(line, postal)
	})
}

// bestFit compares with the company's name, and with those it trades under or
// had before.
func bestFit(asked string, company gjson.Result) int {
	best := fit(asked, company.Get("name").String())
	for _, list := range []string{"alternative_names", "previous_names"} {
		for _, other := range company.Get(list).Array() {
			best = max(best, fit(asked, other.Get("company_name").String()))
		}
	}
	return best
}

// found lists what the entry tells. The date of a branch is the one of its
// coming to this register, not of the company's founding.
func found(company gjson.Result) []ingest.Field {
	fields := []ingest.Field{ingest.FieldRegistration, ingest.FieldLegalName}
	if company.Get("incorporation_date").String() != "" && company.Get("branch").String() != "F" {
		fields = append(fields, ingest.FieldFounded)
	}
	return fields
}
