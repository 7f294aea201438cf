package crm

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// hsFilter is one condition of a search.
type hsFilter struct {
	Property string   `json:"propertyName"`
	Operator string   `json:"operator"`
	Value    string   `json:"value"`
	Values   []string `json:"values"`
	High     string   `json:"highValue"`

	set map[string]bool // of Values, folded
}

type hsGroup struct{ Filters []hsFilter }

// hsSort is an order; a search gives it as an object or as a name.
type hsSort struct {
	Property  string `json:"propertyName"`
	Direction string `json:"direction"`
}

// UnmarshalJSON reads both forms; a name with - before it descends.
func (s *hsSort) UnmarshalJSON(text []byte) error {
	var name string
	if json.Unmarshal(text, &name) == nil {
		if rest, down := strings.CutPrefix(name, "-"); down {
			s.Property, s.Direction = rest, "DESCENDING"
			return nil
		}
		s.Property = name
		return nil
	}
	type plain hsSort
	return json.Unmarshal(text, (*plain)(s))
}

// What a search may ask for.
const (
	hsMaxLimit   = 200
	hsMaxGroups  = 6
	hsMaxFilters = 10 // in a group
	hsMaxAll     = 25
	hsMaxQuery   = 3_000
	hsMaxFound   = 10_000
)

type hsSearch struct {
	Groups     []hsGroup `json:"filterGroups"`
	Sorts      []hsSort  `json:"sorts"`
	Query      string    `json:"query"`
	Properties []string  `json:"properties"`
	Limit      int       `json:"limit"`
	After      any       `json:"after"`
}

func (a *hubspot) search(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	var in hsSearch
	if e := hsBody(r, &in); e != nil {
		return e
	}
	from, e := in.check(o)
	if e != nil {
		return e
	}
	type hit struct {
		r     *hsRecord
		props map[string]string
	}
	now := a.s.now()
	var hits []hit
	for _, rec := range o.records {
		if props := rec.known(now, a.lag); props != nil && !rec.archived && in.fits(o, props) {
			hits = append(hits, hit{rec, props})
		}
	}
	slices.SortFunc(hits, func(x, y hit) int {
		for _, s := range in.Sorts {
			c := hsCompare(o, s.Property, x.props[s.Property], y.props[s.Property])
			if strings.HasPrefix(strings.ToUpper(s.Direction), "DESC") {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		m, _ := strconv.Atoi(x.r.id)
		n, _ := strconv.Atoi(y.r.id)
		return cmp.Compare(m, n)
	})
	body := map[string]any{"total": len(hits)}
	to := min(from+in.Limit, len(hits))
	results := []hsView{}
	for _, h := range hits[min(from, to):to] {
		results = append(results, o.view(h.r, o.asked(in.Properties)))
	}
	if to < len(hits) {
		body["paging"] = map[string]any{"next": map[string]string{"after": strconv.Itoa(to)}}
	}
	body["results"] = results
	writeJSON(w, http.StatusOK, body)
	return nil
}

// check says what a search may not ask for, and where its page starts.
func (s *hsSearch) check(o *hsObject) (from int, e *hsError) {
	switch after := s.After.(type) {
	case nil:
	case string:
		if after != "" {
			n, err := strconv.Atoi(after)
			if err != nil || n < 0 {
				return 0, hsInvalid("Invalid input: after %s", after)
			}
			from = n
		}
	case json.Number:
		n, _ := after.Int64()
		from = int(n)
	}
	if s.Limit == 0 {
		s.Limit = 10
	}
	all := 0
	for _, g := range s.Groups {
		all += len(g.Filters)
		if len(g.Filters) > hsMaxFilters {
			return 0, hsInvalid("A filter group holds at most %d filters", hsMaxFilters)
		}
	}
	switch {
	case s.Limit < 0 || s.Limit > hsMaxLimit:
		return 0, hsInvalid("Invalid input: limit must be at most %d", hsMaxLimit)
	case len(s.Groups) > hsMaxGroups || all > hsMaxAll:
		return 0, hsInvalid("At most %d filter groups and %d filters are supported", hsMaxGroups, hsMaxAll)
	case len(s.Query) > hsMaxQuery:
		return 0, hsInvalid("query must be at most %d characters", hsMaxQuery)
	case from+s.Limit > hsMaxFound:
		return 0, hsInvalid("Paging through more than %d results is not supported", hsMaxFound)
	}
	for _, g := range s.Groups {
		for i := range g.Filters {
			f := &g.Filters[i]
			if o.byName[f.Property] == nil {
				return 0, hsInvalid("Property %s does not exist", f.Property)
			}
			f.set = map[string]bool{}
			for _, v := range f.Values {
				f.set[hsFold(v)] = true
			}
		}
	}
	return from, nil
}

// fits says whether all filters of a group hold, in any group, and the words
// of the query are in the record.
func (s *hsSearch) fits(o *hsObject, props map[string]string) bool {
	if s.Query != "" && !slices.ContainsFunc([]string{"email", "firstname", "lastname", "company", "phone", "name", "domain", "website"}, func(name string) bool {
		return strings.Contains(strings.ToLower(props[name]), strings.ToLower(s.Query))
	}) {
		return false
	}
	if len(s.Groups) == 0 {
		return true
	}
	return slices.ContainsFunc(s.Groups, func(g hsGroup) bool {
		return !slices.ContainsFunc(g.Filters, func(f hsFilter) bool { return !f.fits(o, props) })
	})
}

func (f *hsFilter) fits(o *hsObject, props map[string]string) bool {
	got, has := props[f.Property]
	order := func(want string) int { return hsCompare(o, f.Property, got, want) }
	switch f.Operator {
	case "HAS_PROPERTY":
		return has
	case "NOT_HAS_PROPERTY":
		return !has
	case "NEQ":
		return !has || order(f.Value) != 0
	case "NOT_IN":
		return has && !f.set[hsFold(got)]
	}
	if !has {
		return false
	}
	switch f.Operator {
	case "EQ":
		return order(f.Value) == 0
	case "IN":
		return f.set[hsFold(got)]
	case "LT":
		return order(f.Value) < 0
	case "LTE":
		return order(f.Value) <= 0
	case "GT":
		return order(f.Value) > 0
	case "GTE":
		return order(f.Value) >= 0
	case "BETWEEN":
		return order(f.Value) >= 0 && order(f.High) <= 0
	case "CONTAINS_TOKEN":
		return strings.Contains(strings.ToLower(got), strings.ToLower(strings.Trim(f.Value, "*")))
	case "NOT_CONTAINS_TOKEN":
		return !strings.Contains(strings.ToLower(got), strings.ToLower(strings.Trim(f.Value, "*")))
	}
	return false
}

// hsCompare orders values as their property's type does; nothing comes first.
func hsCompare(o *hsObject, property, x, y string) int {
	if x == "" || y == "" {
		return cmp.Compare(x, y)
	}
	switch o.byName[property].kind() {
	case "number":
		m, err1 := strconv.ParseFloat(x, 64)
		n, err2 := strconv.ParseFloat(y, 64)
		if err1 == nil && err2 == nil {
			return cmp.Compare(m, n)
		}
	case "date", "datetime":
		m, ok1 := hsInstant(x)
		n, ok2 := hsInstant(y)
		if ok1 && ok2 {
			return m.Compare(n)
		}
	}
	return cmp.Compare(strings.ToLower(x), strings.ToLower(y))
}

func (p *hsProperty) kind() string {
	if p == nil {
		return ""
	}
	return p.Type
}
