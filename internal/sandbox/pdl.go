package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// pdl plays the People Data Labs API, version 5: enrichment and search of
// people and companies.
type pdl struct {
	metro     *world.Metro
	companies []object // in the order of their ids
	people    []object // in the order of their companies
	spent     spent
}

func newPDL(w *world.World, _ func() time.Time) *pdl {
	p := &pdl{metro: w.Metro}
	for _, f := range firms(w, world.PDL) {
		c := pdlCompany(w.Metro, f)
		p.companies = append(p.companies, c)
		for _, e := range f.people {
			p.people = append(p.people, pdlPerson(c, e))
		}
	}
	return p
}

func (p *pdl) name() string { return world.PDL }

func (p *pdl) routes() []route {
	var all []route
	add := func(path, method string, verbs string, call pdlCall) {
		for verb := range strings.FieldsSeq(verbs) {
			all = append(all, route{verb + " /v5/" + path, method, p.method(method, call)})
		}
		all = append(all, route{"/v5/" + path, method, func(w http.ResponseWriter, _ *http.Request) {
			(&pdlError{status: http.StatusMethodNotAllowed}).write(w)
		}})
	}
	add("person/enrich", "enrichPerson", "GET POST", p.enrichPerson)
	add("person/search", "searchPeople", "GET POST", p.search("person"))
	add("person/bulk", "enrichPeople", "POST", p.bulk(p.enrichPerson))
	add("company/enrich", "enrichCompany", "GET POST", p.enrichCompany)
	add("company/search", "searchCompanies", "GET POST", p.search("company"))
	for _, path := range []string{"company/bulk", "company/enrich/bulk"} { // the clients use either
		add(path, "enrichCompanies", "POST", p.bulk(p.enrichCompany))
	}
	return all
}

// limits of a paid plan, for each method apart and in fixed windows of a minute.
func (p *pdl) limits() []limit {
	return []limit{
		{Methods: []string{"enrichPerson", "enrichPeople", "enrichCompany", "enrichCompanies"}, Max: 1000, Per: time.Minute},
		{Methods: []string{"searchPeople", "searchCompanies"}, Max: 10, Per: time.Minute},
	}
}

// limitHeaders prints limits as JSON, and when they end as a time of day. There
// is no Retry-After.
func (p *pdl) limitHeaders(h http.Header, states []limitState) {
	for _, s := range states {
		h.Set("X-RateLimit-Limit", fmt.Sprintf(`{"minute": %d, "day": null, "month": null}`, s.Max))
		h.Set("X-RateLimit-Remaining", fmt.Sprintf(`{"minute": %d, "day": null, "month": null}`, s.Left))
		h.Set("X-RateLimit-Limit.Minute", fmt.Sprint(s.Max))
		h.Set("X-RateLimit-Remaining.Minute", fmt.Sprint(s.Left))
		h.Set("X-RateLimit-Reset", s.Resets.UTC().Format(time.RFC3339))
	}
}

// pdlError is an answer other than 200. The type is a string for 404 and a list
// for all else, as the two structs of the provider's Go client have it.
type pdlError struct {
	status  int
	message string // the usual one of the status where empty
}

func (e *pdlError) body() object {
	kinds := map[int][2]string{
		http.StatusBadRequest:       {"invalid_request_error", "Request contained either missing or invalid parameters"},
		http.StatusUnauthorized:     {"authentication_error", "Request contained a missing or invalid key"},
		http.StatusPaymentRequired:  {"payment_required", "You have reached your account maximum (all matches have been used)"},
		http.StatusNotFound:         {"not_found", "No records were found matching your request"},
		http.StatusMethodNotAllowed: {"invalid_request_error", "Request method is not allowed on the requested resource"},
		http.StatusTooManyRequests:  {"rate_limit_error", "An error occurred due to requests hitting the API too quick"},
	}
	kind, ok := kinds[e.status]
	if !ok {
		kind = [2]string{"api_error", "The server encountered an unexpected condition which prevented it from fulfilling the request"}
	}
	message := e.message
	if message == "" {
		message = kind[1]
	}
	if e.status == http.StatusNotFound {
		return object{"status": e.status, "error": object{"type": kind[0], "message": message}}
	}
	return object{"status": e.status, "error": object{"type": []string{kind[0]}, "message": message}}
}

func (e *pdlError) write(w http.ResponseWriter) { writeJSON(w, e.status, e.body()) }

func invalidPDL(format string, args ...any) *pdlError {
	return &pdlError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func (p *pdl) refuse(f Fault) (string, []byte) {
	body, _ := json.Marshal((&pdlError{status: f.Status}).body()) // strings and maps always marshal
	return "application/json", body
}

// pdlParams are the parameters of a request: those of the body win over those
// of the query.
type pdlParams map[string]any

func readPDLParams(r *http.Request) (pdlParams, *pdlError) {
	out := pdlParams{}
	for k, v := range r.URL.Query() {
		out[k] = v[0]
	}
	body, _ := io.ReadAll(r.Body) // it is in memory
	if len(body) == 0 || r.Method == http.MethodGet {
		return out, nil
	}
	var in map[string]any
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, invalidPDL("Request body is not a JSON object")
	}
	for k, v := range in {
		out[k] = v
	}
	return out, nil
}

func (q pdlParams) str(name string) string {
	s, _ := q[name].(string)
	return strings.ToLower(strings.TrimSpace(s))
}

func (q pdlParams) flag(name string) bool { return q[name] == true || q.str(name) == "true" }

// number reads an integer in a range.
func (q pdlParams) number(name string, usual, least, most int) (int, *pdlError) {
	v, ok := q[name]
	if !ok {
		return usual, nil
	}
	n, err := strconv.Atoi(text(v))
	if err != nil || n < least || n > most {
		return 0, invalidPDL("%s must be an integer between %d and %d", name, least, most)
	}
	return n, nil
}

// pdlCall answers a request and says how many credits it takes.
type pdlCall func(q pdlParams) (result any, credits int, err *pdlError)

// What a key buys, for the headers.
const pdlBought = 10_000

// keyNoContacts is a plan without contact fields, in which they say only
// whether there is something.
const keyNoContacts = "nocontacts"

// method wraps what all methods share: the key, which is a header or a
// parameter, and the headers about credits.
func (p *pdl) method(name string, call pdlCall) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := readPDLParams(r)
		key := r.Header.Get("X-Api-Key")
		if key == "" {
			key = r.URL.Query().Get("api_key")
		}
		var result any
		credits := 0
		switch {
		case key == "" || key == keyInvalid:
			for h := range w.Header() {
				w.Header().Del(h)
			}
			err = &pdlError{status: http.StatusUnauthorized}
		case key == keyNoCredit:
			err = &pdlError{status: http.StatusPaymentRequired}
		case key == keyNoContract:
			// No status of its own is documented for what a plan lacks.
			err = &pdlError{http.StatusPaymentRequired, "Your plan does not include access to this API"}
		case err == nil:
			result, credits, err = call(q)
		}
		if key != "" && key != keyInvalid {
			p.bill(w.Header(), key, name, credits)
		}
		if err != nil {
			err.write(w)
			return
		}
		if key == keyNoContacts {
			result = withoutContacts(result)
		}
		writeJSON(w, http.StatusOK, result)
	}
}

// bill counts credits and tells of them.
func (p *pdl) bill(h http.Header, key, method string, credits int) {
	used := p.spent.add(key, credits)
	left := max(0, pdlBought-used)
	if key == keyNoCredit {
		left = 0
	}
	kind := "enrich"
	if strings.HasPrefix(method, "search") {
		kind = "search"
	}
	if strings.Contains(strings.ToLower(method), "compan") {
		kind = "company_" + kind
	}
	for name, v := range map[string]any{
		"X-Call-Credits-Spent": credits, "X-Call-Credits-Type": kind, "X-Lifetime-Used": used,
		"X-TotalLimit-Remaining": left, "X-TotalLimit-Purchased-Remaining": left, "X-TotalLimit-Overages-Remaining": 0,
	} {
		h.Set(name, fmt.Sprint(v))
	}
}

// withoutContacts replaces the contact fields of people by whether they have a
// value.
func withoutContacts(v any) any {
	switch v := v.(type) {
	case []object:
		out := make([]object, len(v))
		for i := range v {
			out[i] = withoutContacts(v[i]).(object)
		}
		return out
	case object:
		out := object{}
		for k, field := range v {
			switch k {
			case "work_email", "personal_emails", "emails", "mobile_phone", "phone_numbers", "recommended_personal_email":
				list, isList := field.([]object)
				none, isNone := field.([]string)
				out[k] = field != nil && (!isList || len(list) > 0) && (!isNone || len(none) > 0)
			default:
				out[k] = withoutContacts(field)
			}
		}
		return out
	}
	return v
}
