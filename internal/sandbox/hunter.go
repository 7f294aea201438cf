package sandbox

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// hunter plays version 2 of Hunter's API as its reference and PyHunter
// describe it. It is mounted twice, because the company lookup is a source of
// its own.
type hunter struct {
	as        string
	world     *world.World
	book      *firmBook
	verifying firstTimes
}

var _ limited = (*hunter)(nil)

func newHunter(w *world.World, _ func() time.Time) *hunter {
	return &hunter{as: world.Hunter, world: w, book: newFirmBook(w, world.Hunter)}
}

// hunterCompanies is the name of the second mount.
const hunterCompanies = "hunter_companies"

func newHunterCompanies(w *world.World, now func() time.Time) *hunter {
	h := newHunter(w, now)
	h.as = hunterCompanies
	return h
}

func (h *hunter) name() string { return h.as }

func (h *hunter) routes() []route {
	return []route{
		{"GET /v2/domain-search", "domain-search", h.method(h.domainSearch)},
		{"GET /v2/email-finder", "email-finder", h.method(h.emailFinder)},
		{"GET /v2/email-verifier", "email-verifier", h.method(h.emailVerifier)},
		{"GET /v2/email-count", "email-count", h.open(h.emailCount)},
		{"GET /v2/people/find", "people/find", h.method(h.findPerson)},
		{"GET /v2/companies/find", "companies/find", h.method(h.findCompany)},
		{"GET /v2/combined/find", "combined/find", h.method(h.findBoth)},
		{"GET /v2/account", "account", h.open(h.account)},
		{"POST /v2/discover", "discover", h.method(h.discover)},
	}
}

// hunterReply is an answer: data with meta, or an error.
type hunterReply struct {
	status  int
	data    any
	meta    object
	free    bool   // takes no credit
	id      string // of an error
	details string
}

func hunterFault(status int, id, details string) hunterReply {
	return hunterReply{status: status, id: id, details: details}
}

// What Hunter says. A 403 is the limit of a second or a minute and passes; a
// 429 is the end of the plan's credits: the reverse of what others mean.
func hunterWrong(details string) hunterReply {
	return hunterFault(http.StatusBadRequest, "wrong_params", details)
}

func hunterBadPage() hunterReply {
	return hunterFault(http.StatusBadRequest, "pagination_error", "The supplied limit or offset is invalid")
}

func hunterNoKey() hunterReply {
	return hunterFault(http.StatusUnauthorized, "authentication_failed", "No user found for the API key supplied")
}

func hunterTooFast() hunterReply {
	return hunterFault(http.StatusForbidden, "too_many_requests", "You've reached the rate limit of this endpoint")
}

func hunterSpent() hunterReply {
	return hunterFault(http.StatusTooManyRequests, "too_many_requests",
		"You've reached the limit for the number of searches per billing period included in your plan.")
}

func hunterUnknown() hunterReply {
	return hunterFault(http.StatusNotFound, "not_found", "The requested resource couldn't be found.")
}

func hunterErased() hunterReply {
	return hunterFault(http.StatusUnavailableForLegalReasons, "claimed_email",
		"The person owning this email address asked us directly or indirectly to stop the processing of their personal data.")
}

func (r hunterReply) body() object {
	if r.id != "" {
		return object{"errors": []object{{"id": r.id, "code": r.status, "details": r.details}}}
	}
	return object{"data": r.data, "meta": r.meta}
}

// limits are those of one key: 403 beyond them, and no word about when to come
// back.
func (h *hunter) limits() []limit {
	window := func(most int, per time.Duration, methods ...string) limit {
		return limit{Methods: methods, Max: most, Per: per, Status: http.StatusForbidden}
	}
	data := []string{"domain-search", "email-finder", "people/find", "companies/find", "combined/find"}
	return []limit{
		window(15, time.Second, data...), window(500, time.Minute, data...),
		window(10, time.Second, "email-verifier"), window(300, time.Minute, "email-verifier"),
		window(5, time.Second, "discover"), window(50, time.Minute, "discover"),
	}
}

func (h *hunter) refuse(f Fault) (string, []byte) {
	known := map[int]hunterReply{
		http.StatusBadRequest: hunterWrong("Injected by the sandbox."), http.StatusUnauthorized: hunterNoKey(),
		http.StatusForbidden: hunterTooFast(), http.StatusNotFound: hunterUnknown(),
		http.StatusTooManyRequests: hunterSpent(), http.StatusUnavailableForLegalReasons: hunterErased(),
	}
	r, ok := known[f.Status]
	if !ok {
		r = hunterFault(f.Status, "internal_error", "Injected by the sandbox.")
	}
	if f.Reason != "" && !strings.HasPrefix(f.Reason, "per_") {
		r.id = f.Reason
	}
	body, _ := json.Marshal(r.body()) // strings and maps always marshal
	return "application/json; charset=utf-8", body
}

// hunterKey reads the credential from the three places where it may stand.
func hunterKey(r *http.Request) string {
	if key := r.URL.Query().Get("api_key"); key != "" {
		return key
	}
	if key := r.Header.Get("X-API-KEY"); key != "" {
		return key
	}
	key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return key
}

// method is what a credit pays for.
func (h *hunter) method(call func(*http.Request) hunterReply) http.HandlerFunc {
	return h.open(func(r *http.Request) hunterReply {
		switch hunterKey(r) {
		case "", keyInvalid:
			return hunterNoKey()
		case keyNoCredit:
			return hunterSpent()
		case keyNoContract:
			return hunterFault(http.StatusForbidden, "forbidden", "Your plan does not include this endpoint. Please upgrade.")
		}
		return call(r)
	})
}

// open is what needs no key, or looks at it itself.
func (h *hunter) open(call func(*http.Request) hunterReply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		reply := call(r)
		if reply.status == 0 {
			reply.status = http.StatusOK
		}
		if reply.free || reply.status != http.StatusOK {
			bill(w, 0)
		}
		writeJSON(w, reply.status, reply.body())
	}
}

// hunterMaxOffset is how far a list can be paged.
const hunterMaxOffset = 10_000

// hunterPage reads limit and offset of a query.
func hunterPage(r *http.Request, byDefault int) (limit, offset int, ok bool) {
	limit, offset = byDefault, 0
	q := r.URL.Query()
	var err error
	if s := q.Get("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > 100 {
			return 0, 0, false
		}
	}
	if s := q.Get("offset"); s != "" {
		if offset, err = strconv.Atoi(s); err != nil || offset < 0 || offset > hunterMaxOffset {
			return 0, 0, false
		}
	}
	return limit, offset, true
}

// params echoes the named parameters of a query, null where absent.
func params(r *http.Request, names ...string) object {
	out := object{}
	for _, n := range names {
		out[n] = orNull(r.URL.Query().Get(n))
	}
	return out
}

func (h *hunter) account(r *http.Request) hunterReply {
	key := hunterKey(r)
	if key == "" || key == keyInvalid {
		return hunterNoKey()
	}
	plan, available, used := "Starter", 2000, 0
	switch key {
	case keyNoCredit:
		used = available
	case keyNoContract:
		plan, available = "Free", 50
	}
	quota := object{"used": used, "available": available}
	return hunterReply{free: true, data: object{
		"first_name": "Ada", "last_name": "Sandbox", "email": "ada@sandbox.example", "plan_name": plan, "plan_level": 1,
		"team_id": 1, "reset_date": "2026-12-01",
		"calls":    quota,
		"requests": object{"credits": quota, "searches": quota, "verifications": quota},
	}, meta: object{}}
}
