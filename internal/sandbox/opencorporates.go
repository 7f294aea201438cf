package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// openCorporates plays version 0.4 of the API, which answers 0.4.8.
type openCorporates struct {
	world *world.World
	all   []*registered
	byKey map[string]*firm         // jurisdiction/number
	names map[string][]*registered // by each word of the name
	calls spent
}

var _ limited = (*openCorporates)(nil)

// registered is a company with the words of its name.
type registered struct {
	*firm
	words []string
}

func newOpenCorporates(w *world.World, _ func() time.Time) *openCorporates {
	o := &openCorporates{world: w, byKey: map[string]*firm{}, names: map[string][]*registered{}}
	for _, f := range firms(w, world.OpenCorporates) {
		c := &registered{f, registerWords(f.Name)}
		o.all, o.byKey[f.Key] = append(o.all, c), f
		for i, word := range c.words {
			if !slices.Contains(c.words[:i], word) {
				o.names[word] = append(o.names[word], c)
			}
		}
	}
	return o
}

func (o *openCorporates) name() string { return world.OpenCorporates }

func (o *openCorporates) routes() []route {
	return []route{
		{"GET /v0.4/companies/search", "companies/search", o.method(o.searchCompanies)},
		{"GET /v0.4/companies/{jurisdiction}/{number}", "companies", o.method(o.company)},
		{"GET /v0.4/companies/{jurisdiction}/{number}/officers", "officers", o.method(o.companyOfficers)},
		{"GET /v0.4/officers/search", "officers/search", o.method(o.searchOfficers)},
		{"GET /v0.4/account_status", "account_status", o.method(o.accountStatus)},
	}
}

// registerReply is an answer: results, or an error with a message.
type registerReply struct {
	status  int
	results object
	message string
}

func registerFault(status int, message string) registerReply {
	return registerReply{status: status, message: message}
}

func registerDenied() registerReply {
	return registerFault(http.StatusUnauthorized, "Invalid Api Token. Please check your OpenCorporates account.")
}

// A 403 is for limits as well as for what a plan lacks.
func registerSpent() registerReply {
	return registerFault(http.StatusForbidden, "Usage limit exceeded. You have used all API calls of your plan.")
}

// A 503 is for a busy server as well as for a company that was taken out of
// sight for a while.
func registerBusy() registerReply {
	return registerFault(http.StatusServiceUnavailable, "Service temporarily unavailable. Please try again later.")
}

func registerRedacted() registerReply {
	return registerFault(http.StatusServiceUnavailable, "The details of this company have been temporarily redacted.")
}

const registerVersion = "0.4.8"

func (r registerReply) body() object {
	if r.message != "" {
		return object{"api_version": registerVersion, "error": object{"message": r.message}}
	}
	return object{"api_version": registerVersion, "results": r.results}
}

// registerDown is what stands before the API when it does not answer: a page.
const registerDown = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"

func (o *openCorporates) refuse(f Fault) (string, []byte) {
	if f.Status == http.StatusBadGateway {
		return "text/html", []byte(registerDown)
	}
	r, ok := map[int]registerReply{
		http.StatusUnauthorized: registerDenied(), http.StatusForbidden: registerSpent(), http.StatusServiceUnavailable: registerBusy(),
		http.StatusNotFound: registerFault(http.StatusNotFound, "Company not found"),
	}[f.Status]
	if !ok {
		r = registerFault(f.Status, "Injected by the sandbox.")
	}
	if f.Reason == "redacted" {
		r = registerRedacted()
	}
	body, _ := json.Marshal(r.body()) // strings and maps always marshal
	return "application/json", body
}

// Calls of the free plan. It has no headers; account_status tells them.
const (
	registerADay   = 50
	registerAMonth = 200
)

func (o *openCorporates) limits() []limit {
	paid := []string{"companies/search", "companies", "officers", "officers/search"}
	return []limit{
		{Methods: paid, Shared: true, Max: registerADay, Per: 24 * time.Hour, Status: http.StatusForbidden},
		{Methods: paid, Shared: true, Max: registerAMonth, Per: 30 * 24 * time.Hour, Opens: FirstRequest, Status: http.StatusForbidden},
	}
}

// registerToken reads the credential from either place.
func registerToken(r *http.Request) string {
	if t := r.URL.Query().Get("api_token"); t != "" {
		return t
	}
	return r.Header.Get("X-API-TOKEN")
}

func (o *openCorporates) method(call func(*http.Request) registerReply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var reply registerReply
		switch token := registerToken(r); token {
		case "", keyInvalid:
			reply = registerDenied()
		case keyNoCredit:
			reply = registerSpent()
		case keyNoContract:
			reply = registerFault(http.StatusForbidden, "Your account does not have permission to use this method. Please upgrade your plan.")
		default:
			reply = call(r)
		}
		if reply.status == 0 {
			reply.status = http.StatusOK
		}
		if strings.HasSuffix(r.URL.Path, "/account_status") {
			bill(w, 0)
		}
		writeJSON(w, reply.status, reply.body())
	}
}

// registerPages is how deep a list can be paged.
const registerPages = 100

// page reads page and per_page; per_page has a ceiling.
func registerPage(r *http.Request) (page, size int, fault *registerReply) {
	number := func(name string, byDefault int) int {
		s := r.URL.Query().Get(name)
		if s == "" {
			return byDefault
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			wrong := registerFault(http.StatusBadRequest, "Invalid "+name)
			fault = &wrong
		}
		return n
	}
	page, size = number("page", 1), min(number("per_page", 30), 100)
	if page > registerPages && fault == nil {
		deep := registerFault(http.StatusBadRequest, "Only the first 100 pages of a list can be read")
		fault = &deep
	}
	return page, size, fault
}

// listed prints one page of a list, each item wrapped in its singular name.
func listed[T any](r *http.Request, plural, singular string, all []T, render func(T) object) registerReply {
	page, size, fault := registerPage(r)
	if fault != nil {
		return *fault
	}
	end := min(len(all), page*size)
	items := []object{}
	for _, one := range all[min((page-1)*size, end):end] {
		items = append(items, object{singular: render(one)})
	}
	return registerReply{results: object{
		plural: items, "page": page, "per_page": size,
		"total_pages": (len(all) + size - 1) / size, "total_count": len(all),
	}}
}

func (o *openCorporates) accountStatus(r *http.Request) registerReply {
	used := o.calls.add(registerToken(r), 0)
	return registerReply{results: object{"account_status": object{
		"plan": "open_data", "status": "approved",
		"usage":           object{"today": used, "this_month": used},
		"calls_remaining": object{"today": max(0, registerADay-used), "this_month": max(0, registerAMonth-used)},
	}}}
}
