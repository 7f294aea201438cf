package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// legalForms are dropped from names that are to be normalised.
var legalForms = []string{"llc", "inc", "co", "corp", "ltd", "company", "corporation", "incorporated", "limited"}

// registerWords are the words of a name: "L.L.C." is one, and "&" is "and".
func registerWords(name string) []string {
	return tokens(strings.NewReplacer("&", " and ", "'", "", ".", "").Replace(name))
}

// nameQuery is what the name of a company is searched for.
type nameQuery struct {
	words     []string // whole
	start     string   // of one more word; "" for none
	normalise bool     // legal forms do not count
}

func parseNameQuery(text string, normalise bool) nameQuery {
	text = strings.TrimSpace(text)
	q := nameQuery{words: registerWords(text), normalise: normalise}
	if n := len(q.words); n > 0 && strings.HasSuffix(text, "*") {
		q.words, q.start = q.words[:n-1], q.words[n-1]
	}
	if normalise {
		q.words = slices.DeleteFunc(q.words, isLegalForm)
	}
	return q
}

func isLegalForm(word string) bool { return slices.Contains(legalForms, word) }

// candidates are those that can match at all: for a whole word of the query
// those that have its rarest.
func (o *openCorporates) candidates(q nameQuery) []*registered {
	best := o.all
	for _, w := range q.words {
		if have := o.names[w]; len(have) < len(best) {
			best = have
		}
	}
	return best
}

// score says how well a name fits: 0 unless it has every word that was asked
// for, and 1 where it has no other.
func (q nameQuery) score(c *registered) float64 {
	asked := len(q.words)
	for _, w := range q.words {
		if !slices.Contains(c.words, w) {
			return 0
		}
	}
	if q.start != "" {
		asked++
		if !slices.ContainsFunc(c.words, func(w string) bool { return strings.HasPrefix(w, q.start) }) {
			return 0
		}
	}
	have := len(c.words)
	if q.normalise {
		have -= len(slices.DeleteFunc(slices.Clone(c.words), func(w string) bool { return !isLegalForm(w) }))
	}
	return min(1, float64(asked)/float64(max(have, 1)))
}

func (o *openCorporates) searchCompanies(r *http.Request) registerReply {
	q := r.URL.Query()
	text := q.Get("q")
	if text == "" && q.Get("jurisdiction_code") == "" && q.Get("country_code") == "" {
		return registerFault(http.StatusBadRequest, "Please supply a search term")
	}
	o.calls.add(registerToken(r), 1)
	name := parseNameQuery(text, q.Get("normalise_company_name") == "true")
	everything := strings.Trim(text, "* ") == ""
	type match struct {
		*registered
		score float64
	}
	var found []match
	for _, c := range o.candidates(name) {
		score := 1.0
		if !everything {
			score = name.score(c)
		}
		if score > 0 && o.admits(q.Get, c.firm) {
			found = append(found, match{c, score})
		}
	}
	byScore := q.Get("order") == "score"
	slices.SortFunc(found, func(a, b match) int {
		if byScore {
			return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.Key, b.Key))
		}
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Key, b.Key))
	})
	return listed(r, "companies", "company", found, func(m match) object { return o.renderCompany(m.firm) })
}

// admits applies the filters of a search. Several values are joined by "|".
func (o *openCorporates) admits(param func(string) string, f *firm) bool {
	oneOf := func(name string, have func() string) bool {
		want := param(name)
		return want == "" || slices.ContainsFunc(strings.Split(want, "|"), func(w string) bool { return strings.EqualFold(w, have()) })
	}
	if !oneOf("jurisdiction_code", func() string { j, _, _ := strings.Cut(f.Key, "/"); return j }) ||
		!oneOf("country_code", func() string { return o.world.Metro.Country }) ||
		!oneOf("current_status", func() string { return registerStatus(f) }) ||
		!oneOf("company_type", func() string { return registerType(f) }) ||
		!oneOf("inactive", func() string { return strconv.FormatBool(f.Status == world.ClosedForGood) }) {
		return false
	}
	from, to, _ := strings.Cut(param("incorporation_date"), ":")
	if from != "" && f.Issued < from || to != "" && f.Issued > to {
		return false
	}
	address := param("registered_address")
	return address == "" || strings.Contains(registerAddress(o.world.Metro, f), strings.ToUpper(address))
}

// redacted says whether a company's details are out of sight for now.
func redacted(f *firm) bool { return roll("redacted", f.Key, 60) == 0 }

// one finds the company that a path names.
func (o *openCorporates) one(r *http.Request) (*firm, registerReply) {
	o.calls.add(registerToken(r), 1)
	f := o.byKey[strings.ToLower(r.PathValue("jurisdiction"))+"/"+r.PathValue("number")]
	switch {
	case f == nil:
		return nil, registerFault(http.StatusNotFound, "Company not found")
	case redacted(f):
		return nil, registerRedacted()
	}
	return f, registerReply{}
}

func (o *openCorporates) company(r *http.Request) registerReply {
	f, fault := o.one(r)
	if f == nil {
		return fault
	}
	out := o.renderCompany(f)
	if r.URL.Query().Get("sparse") != "true" {
		o.addRelations(out, f)
	}
	return registerReply{results: object{"company": out}}
}

func (o *openCorporates) companyOfficers(r *http.Request) registerReply {
	f, fault := o.one(r)
	if f == nil {
		return fault
	}
	people := registerOfficers(f)
	return listed(r, "officers", "officer", people, func(e *employee) object { return o.renderOfficer(e, true) })
}

func (o *openCorporates) searchOfficers(r *http.Request) registerReply {
	q := r.URL.Query()
	name := tokens(q.Get("q"))
	if len(name) == 0 {
		return registerFault(http.StatusBadRequest, "Please supply a search term")
	}
	o.calls.add(registerToken(r), 1)
	var found []*employee
	where := func(param string) string {
		if param == "jurisdiction_code" {
			return q.Get(param)
		}
		return ""
	}
	for _, c := range o.all {
		for _, e := range registerOfficers(c.firm) {
			has := tokens(e.First + " " + e.Last)
			if !slices.ContainsFunc(name, func(w string) bool { return !slices.Contains(has, w) }) &&
				(q.Get("position") == "" || strings.EqualFold(q.Get("position"), registerPosition(e))) &&
				!redacted(c.firm) && o.admits(where, c.firm) {
				found = append(found, e)
			}
		}
	}
	return listed(r, "officers", "officer", found, func(e *employee) object { return o.renderOfficer(e, true) })
}
