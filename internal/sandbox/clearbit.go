package sandbox

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// clearbit plays the Enrichment API that Clearbit's clients call. Its hosts
// (person, company) share no path, so that one mount serves both.
type clearbit struct {
	world   *world.World
	book    *firmBook
	now     func() time.Time
	queued  firstTimes
	windows *meter
}

var _ headed = (*clearbit)(nil)

func newClearbit(w *world.World, now func() time.Time) *clearbit {
	return &clearbit{world: w, now: now, book: newFirmBook(w, world.Clearbit), windows: newMeter()}
}

func (c *clearbit) name() string { return world.Clearbit }

func (c *clearbit) routes() []route {
	return []route{
		{"GET /v2/companies/find", "companies/find", c.method("companies/find", c.findCompany)},
		{"GET /v1/domains/find", "domains/find", c.method("domains/find", c.findDomain)},
		{"GET /v2/people/find", "people/find", c.method("people/find", c.findPerson)},
		{"GET /v2/combined/find", "combined/find", c.method("combined/find", c.findBoth)},
	}
}

// clearbitReply is an answer: a body, or an error of a type.
type clearbitReply struct {
	status  int
	data    any
	kind    string // of an error
	message string
}

func clearbitFault(status int, kind, message string) clearbitReply {
	return clearbitReply{status: status, kind: kind, message: message}
}

// What Clearbit says. Its clients take 202 for "ask again" and 404 for nothing
// known; the queued answer looks like an error, but is none.
func clearbitQueued() clearbitReply {
	return clearbitFault(http.StatusAccepted, "queued", "Lookup queued. Ask again in a moment.")
}

func clearbitUnknown(what string) clearbitReply {
	return clearbitFault(http.StatusNotFound, "unknown_record", "Unknown "+what+".")
}

func clearbitTooFast() clearbitReply {
	return clearbitFault(http.StatusTooManyRequests, "rate_limit", "You have gone over the rate limit.")
}

func clearbitDenied() clearbitReply {
	return clearbitFault(http.StatusUnauthorized, "auth_invalid", "Invalid API key provided.")
}

func clearbitSpent() clearbitReply {
	return clearbitFault(http.StatusPaymentRequired, "over_plan_limit", "You have gone over your plan's limit.")
}

func clearbitForbidden() clearbitReply {
	return clearbitFault(http.StatusForbidden, "forbidden", "Your plan does not include this API.")
}

// body prints an error as an object, and what is wrong with parameters as a
// list: clients have to read both.
func (r clearbitReply) body() any {
	if r.kind == "" {
		return r.data
	}
	e := object{"type": r.kind, "message": r.message}
	if r.status == http.StatusUnprocessableEntity {
		return object{"error": []object{e}}
	}
	return object{"error": e}
}

func (c *clearbit) refuse(f Fault) (string, []byte) {
	r, ok := map[int]clearbitReply{
		http.StatusAccepted: clearbitQueued(), http.StatusUnauthorized: clearbitDenied(), http.StatusForbidden: clearbitForbidden(),
		http.StatusPaymentRequired: clearbitSpent(), http.StatusNotFound: clearbitUnknown("company"), http.StatusTooManyRequests: clearbitTooFast(),
	}[f.Status]
	if !ok {
		r = clearbitFault(f.Status, "internal_error", "Injected by the sandbox.")
	}
	if f.Reason != "" && !strings.HasPrefix(f.Reason, "per_") {
		r.kind = f.Reason
	}
	body, _ := json.Marshal(r.body()) // strings and maps always marshal
	return "application/json; charset=utf-8", body
}

// limits are 600 a minute for each product.
func (c *clearbit) limits() []limit {
	return []limit{{Max: 600, Per: time.Minute, Opens: FirstRequest}}
}

// limitHeaders prints them. Reset is in seconds from now.
func (c *clearbit) limitHeaders(h http.Header, states []limitState) {
	for _, s := range states {
		h.Set("X-RateLimit-Limit", strconv.Itoa(s.Max))
		h.Set("X-RateLimit-Remaining", strconv.Itoa(s.Left))
		h.Set("X-RateLimit-Reset", strconv.Itoa(int(s.Resets.Sub(c.now()).Seconds()+0.999)))
	}
}

// clearbitKey is the user of a Basic credential, whose password is empty, or a
// bearer's token.
func clearbitKey(r *http.Request) string {
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return key
}

// clearbitVersion is the last version of the API.
const clearbitVersion = "2019-12-19"

func (c *clearbit) method(name string, call func(*http.Request) clearbitReply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var reply clearbitReply
		switch clearbitKey(r) {
		case "":
			reply = clearbitFault(http.StatusUnauthorized, "auth_required", "You must provide an API key.")
		case keyInvalid:
			reply = clearbitDenied()
		case keyNoCredit:
			reply = clearbitSpent()
		case keyNoContract:
			reply = clearbitForbidden()
		default:
			reply = call(r)
		}
		version := r.Header.Get("API-Version")
		if version == "" {
			version = clearbitVersion
			w.Header().Set("X-API-Warn", "Pass an API-Version header to pin the version.")
		}
		w.Header().Set("X-API-Version", version)
		if w.Header().Get("X-RateLimit-Limit") == "" { // limits are not enforced, but still told
			states, _ := c.windows.take(c, name, clearbitKey(r), c.now())
			for i := range states {
				states[i].Left = max(states[i].Left, 1)
			}
			c.limitHeaders(w.Header(), states)
		}
		if reply.status == 0 {
			reply.status = http.StatusOK
		}
		writeJSON(w, reply.status, reply.body())
	}
}

// busy says whether a lookup has to be asked for twice: one in six has.
func (c *clearbit) busy(r *http.Request, what, key string) bool {
	return roll("queued "+what, key, 6) == 0 && c.queued.first(clearbitKey(r), what, key)
}

func clearbitWrong(kind, message string) clearbitReply {
	return clearbitFault(http.StatusUnprocessableEntity, kind, message)
}

func (c *clearbit) findCompany(r *http.Request) clearbitReply {
	domain := domainOf(r.URL.Query().Get("domain"))
	if !strings.Contains(domain, ".") {
		return clearbitWrong("domain_invalid", "Invalid domain.")
	}
	if c.busy(r, "company", domain) {
		return clearbitQueued()
	}
	f := c.book.find(domain, "")
	if f == nil {
		return clearbitUnknown("company")
	}
	return clearbitReply{data: clearbitCompany(c.world.Metro, f)}
}

func (c *clearbit) findDomain(r *http.Request) clearbitReply {
	name := r.URL.Query().Get("name")
	if name == "" {
		return clearbitWrong("name_invalid", "Invalid name.")
	}
	f := c.book.find("", name)
	if f == nil {
		return clearbitUnknown("company")
	}
	return clearbitReply{data: object{"name": f.Name, "domain": f.Domain, "logo": nil}}
}

// email reads the address that a lookup is about, and its domain.
func clearbitEmail(r *http.Request) (email, domain string, ok bool) {
	email = strings.ToLower(strings.TrimSpace(r.URL.Query().Get("email")))
	local, domain, ok := strings.Cut(email, "@")
	return email, domain, ok && local != "" && strings.Contains(domain, ".")
}

func (c *clearbit) findPerson(r *http.Request) clearbitReply {
	email, _, ok := clearbitEmail(r)
	if !ok {
		return clearbitWrong("email_invalid", "Invalid email.")
	}
	if c.busy(r, "person", email) {
		return clearbitQueued()
	}
	e := c.book.byEmail[email]
	if e == nil {
		return clearbitUnknown("person")
	}
	return clearbitReply{data: clearbitPerson(c.world.Metro, e)}
}

// findBoth gives null for the half that is unknown.
func (c *clearbit) findBoth(r *http.Request) clearbitReply {
	email, domain, ok := clearbitEmail(r)
	if !ok {
		return clearbitWrong("email_invalid", "Invalid email.")
	}
	if c.busy(r, "person", email) {
		return clearbitQueued()
	}
	e, f := c.book.byEmail[email], c.book.byDomain[domain]
	if e == nil && f == nil {
		return clearbitUnknown("person")
	}
	out := object{"person": nil, "company": nil}
	if e != nil {
		out["person"] = clearbitPerson(c.world.Metro, e)
	}
	if f != nil {
		out["company"] = clearbitCompany(c.world.Metro, f)
	}
	return clearbitReply{data: out}
}
