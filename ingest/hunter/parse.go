package hunter

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// gifts are what a domain may tell beside its addresses, with the paths of
// which one is enough. The shares are guesses; the ledger corrects them.
var gifts = []struct {
	field   ingest.Field
	hitRate float64
	paths   []string
}{
	{ingest.FieldAddress, 0.2, []string{"street"}},
	{ingest.FieldCategory, 0.5, []string{"industry"}},
	{ingest.FieldEmployees, 0.5, []string{"headcount"}},
	{ingest.FieldSocial, 0.5, []string{"linkedin", "facebook", "twitter"}},
	{ingest.FieldTech, 0.4, []string{"technologies.0"}},
}

const emailHitRate = 0.6

func gives() []ingest.Gift {
	all := []ingest.Gift{{Field: ingest.FieldEmail, HitRate: emailHitRate}}
	for _, g := range gifts {
		all = append(all, ingest.Gift{Field: g.field, HitRate: g.hitRate})
	}
	return all
}

var known = []string{
	"domain", "disposable", "webmail", "accept_all", "pattern", "organization", "description", "industry", "twitter", "facebook",
	"linkedin", "instagram", "youtube", "country", "state", "city", "street", "postal_code", "headcount", "company_type",
	"technologies", "emails", "linked_domains",
}

// Parse reads what is known of a domain: one record, with its addresses inside.
// A domain where anybody may have an address gives none, since it belongs to no
// company. A search without an address costs nothing.
func (Source) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	answer, err := ingest.ReadJSON(q, resp)
	if err != nil {
		return ingest.Page{}, err
	}
	data := answer.Get("data")
	switch {
	case data.Type == gjson.Null && !answer.Get("errors").Exists():
		return ingest.Page{Refund: creditMicros}, nil
	case !data.IsObject():
		return ingest.Page{}, leadlake.Errorf(leadlake.Unavailable, "read the answer of %s: it has no data", q.Provider).
			WithFix("run it again; if it stays, the provider's format has changed")
	}
	page := ingest.Page{}
	if len(data.Get("emails").Array()) == 0 {
		page.Refund = creditMicros
	}
	if data.Get("webmail").Type == gjson.True || data.Get("disposable").Type == gjson.True || isEmpty(data) {
		return page, nil
	}
	rows := ingest.Rows{
		Key: "domain",
		Typed: map[string]gjson.Type{
			"domain": gjson.String, "organization": gjson.String, "emails": gjson.JSON, "technologies": gjson.JSON,
		},
		Known: known,
	}
	r := rows.Record(data)
	if r.Problem == nil {
		r.Gives = found(data)
	}
	if err := emit(r); err != nil {
		return ingest.Page{}, err
	}
	page.Unknown = rows.Unknown()
	return page, nil
}

// isEmpty says whether the provider only repeats the question, which is its
// way to say that it knows nothing.
func isEmpty(data gjson.Result) bool {
	for _, path := range []string{"emails.0", "organization", "industry", "street", "city", "headcount", "linkedin", "facebook", "twitter", "technologies.0"} {
		if data.Get(path).Type != gjson.Null {
			return false
		}
	}
	return true
}

func found(data gjson.Result) []ingest.Field {
	var fields []ingest.Field
	if slices.ContainsFunc(data.Get("emails").Array(), isUsable) {
		fields = append(fields, ingest.FieldEmail)
	}
	for _, g := range gifts {
		if slices.ContainsFunc(g.paths, func(path string) bool { return strings.TrimSpace(text(data.Get(path))) != "" }) {
			fields = append(fields, g.field)
		}
	}
	return fields
}

// leastConfidence is where an address that was not verified begins to be worth
// a try. The staging model has the same number.
const leastConfidence = 70

// isUsable says whether one may write to an address: Hunter reached it, or did
// not find it wrong and is confident all the same. A domain that accepts every
// address (accept_all) tells nothing by accepting this one.
func isUsable(address gjson.Result) bool {
	if strings.TrimSpace(text(address.Get("value"))) == "" {
		return false
	}
	switch text(address.Get("verification.status")) {
	case "valid":
		return true
	case "invalid", "disposable", "blocked":
		return false
	}
	confidence := address.Get("confidence")
	return confidence.Type == gjson.Number && confidence.Num >= leastConfidence
}

// text is a value that is a text, or "".
func text(v gjson.Result) string {
	if v.Type != gjson.String {
		return ""
	}
	return v.Str
}
