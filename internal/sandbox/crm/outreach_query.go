package crm

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// outreachQuery is what a list is asked for.
type outreachQuery struct {
	filters []func(*outreachRecord) bool
	ids     []int // the only candidates, where a filter has an index
	indexed bool
	sort    string // a field; "" for the id
	down    bool
	size    int
	offset  int // of the older way of paging; -1 for pages by cursor
	after   *outreachCursor
	before  *outreachCursor
}

// outreachCursor is a place in a list: beside the record that has these.
type outreachCursor struct {
	Value any `json:"v,omitempty"`
	ID    int `json:"id"`
}

const (
	outreachPage      = 50
	outreachMaxPage   = 1000
	outreachMaxOffset = 10_000
)

// unsupported refuses a parameter; how Outreach words it is of no source.
func unsupported(name string) *outreachError {
	return &outreachError{422, "validationError", "Validation Error", fmt.Sprintf("'%s' is not supported here.", name), ""}
}

// outreachQueryOf reads the parameters of a list. Only what the document marks
// as filterable or sortable is: externalId of a prospect, for one, is not.
func (o *outreach) outreachQueryOf(k *outreachKind, params url.Values) (*outreachQuery, *outreachError) {
	q := &outreachQuery{size: outreachPage, offset: -1}
	for name, values := range params {
		value := values[len(values)-1]
		parts := strings.Split(strings.TrimSuffix(name, "]"), "[")
		for i := range parts {
			parts[i] = strings.TrimSuffix(parts[i], "]")
		}
		var refused *outreachError
		switch parts[0] {
		case "filter":
			refused = o.filter(k, q, name, parts[1:], value)
		case "page":
			if len(parts) == 2 {
				refused = q.page(parts[1], value)
			}
		case "sort":
			q.sort, q.down = strings.TrimPrefix(value, "-"), strings.HasPrefix(value, "-")
			if f := k.field(q.sort); q.sort == "id" {
				q.sort = ""
			} else if f == nil || !f.sortable {
				refused = unsupported("sort=" + value)
			}
		case "include":
			// Related records are left out of the answer, which JSON:API calls
			// included; nobody here reads them.
		case "fields", "count", "newFilterSyntax", "provider", "actionParams":
		default:
			refused = unsupported(name)
		}
		if refused != nil {
			return nil, refused
		}
	}
	// Lists of accounts show only named ones, and nothing is shown that is trashed.
	if _, asked := params["filter[named]"]; k.path == "accounts" && !asked {
		q.filters = append(q.filters, func(r *outreachRecord) bool { return r.attrs["named"] == true })
	}
	q.filters = append(q.filters, func(r *outreachRecord) bool { return r.attrs["trashedAt"] == nil })
	return q, nil
}

func (q *outreachQuery) page(name, value string) *outreachError {
	n, err := strconv.Atoi(value)
	switch name {
	case "size", "limit":
		if err != nil || n < 1 || n > outreachMaxPage {
			return unsupported("page[" + name + "]=" + value)
		}
		q.size = n
		if name == "limit" {
			q.offset = max(0, q.offset)
		}
	case "offset":
		if err != nil || n < 0 || n > outreachMaxOffset {
			return unsupported("page[offset]=" + value)
		}
		q.offset = n
	case "after", "before":
		var c outreachCursor
		text, err := base64.URLEncoding.DecodeString(value)
		if err != nil || json.Unmarshal(text, &c) != nil {
			return unsupported("page[" + name + "]")
		}
		if name == "after" {
			q.after = &c
		} else {
			q.before = &c
		}
	default:
		return unsupported("page[" + name + "]")
	}
	return nil
}

// filter adds one filter. Values with commas between them are alternatives, and
// a..b is a range, which inf and neginf leave open.
func (o *outreach) filter(k *outreachKind, q *outreachQuery, name string, path []string, value string) *outreachError {
	wanted := strings.Split(value, ",")
	from, to, isRange := strings.Cut(value, "..")
	switch {
	case len(path) == 1 && path[0] == "id":
		q.indexed = true
		for _, w := range wanted {
			if id, err := strconv.Atoi(w); err == nil {
				q.ids = append(q.ids, id)
			}
		}
		return nil
	case len(path) == 1 && path[0] == "emails" && k.field("emails") != nil:
		o.narrow(k, q, "emails", lowered(wanted))
		return nil
	case len(path) == 2 && k.ref(path[0]) != nil:
		return o.filterByRef(k, q, name, path, wanted)
	case len(path) != 1:
		return unsupported(name)
	}
	f := k.field(path[0])
	if f == nil || !f.filterable {
		return unsupported(name)
	}
	if !isRange && (f.name == "customId" || f.name == "domain" || f.name == "email") {
		o.narrow(k, q, f.name, wanted)
		return nil
	}
	if isRange {
		low, high, err := bounds(f, from, to)
		if err != nil {
			return unsupported(name + "=" + value)
		}
		q.filters = append(q.filters, func(r *outreachRecord) bool {
			v := r.attrs[f.name]
			return v != nil && (low == nil || compareAny(v, low) >= 0) && (high == nil || compareAny(v, high) <= 0)
		})
		return nil
	}
	q.filters = append(q.filters, func(r *outreachRecord) bool {
		v, set := r.attrs[f.name]
		return slices.Contains(wanted, fmt.Sprint(v)) && set
	})
	return nil
}

func (o *outreach) filterByRef(k *outreachKind, q *outreachQuery, name string, path, wanted []string) *outreachError {
	switch {
	case path[1] == "id" && (path[0] == "prospect" || path[0] == "account"):
		o.narrow(k, q, path[0], wanted)
	case path[1] == "id":
		q.filters = append(q.filters, func(r *outreachRecord) bool { return slices.Contains(wanted, itoa(r.refs[path[0]])) })
	case path[0] == "prospect" && path[1] == "emails":
		var ids []string
		for _, e := range lowered(wanted) {
			for _, id := range o.kinds["prospects"].index["emails\x00"+e] {
				ids = append(ids, itoa(id))
			}
		}
		o.narrow(k, q, "prospect", ids)
	default:
		return unsupported(name)
	}
	return nil
}

// narrow takes the candidates from an index.
func (o *outreach) narrow(k *outreachKind, q *outreachQuery, name string, values []string) {
	var ids []int
	for _, v := range values {
		ids = append(ids, k.index[name+"\x00"+v]...)
	}
	if q.indexed {
		ids = slices.DeleteFunc(ids, func(id int) bool { return !slices.Contains(q.ids, id) })
	}
	q.ids, q.indexed = ids, true
}

func lowered(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.ToLower(s)
	}
	return out
}

// bounds reads the ends of a range in the form in which the field is kept.
func bounds(f *outreachField, from, to string) (low, high any, err error) {
	read := func(s, open string) (any, error) {
		switch {
		case s == open:
			return nil, nil
		case f.typ == 't':
			for _, layout := range []string{time.RFC3339, time.DateOnly} {
				if at, err := time.Parse(layout, s); err == nil {
					return at.UTC().Format(outreachTime), nil
				}
			}
			return nil, fmt.Errorf("no time: %q", s)
		case f.typ == 'i' || f.typ == 'n':
			return strconv.ParseFloat(s, 64)
		}
		return s, nil
	}
	if low, err = read(from, "neginf"); err != nil {
		return nil, nil, err
	}
	high, err = read(to, "inf")
	return low, high, err
}

// compareAny orders two values of one field; what is not set comes first.
func compareAny(a, b any) int {
	as, aText := a.(string)
	bs, bText := b.(string)
	if aText && bText {
		return strings.Compare(as, bs)
	}
	return cmp.Compare(number(a, -1e300), number(b, -1e300))
}

// list answers one page.
func (o *outreach) list(c *outreachCall) (int, []byte, *outreachError) {
	q, refused := o.outreachQueryOf(c.kind, c.URL.Query())
	if refused != nil {
		return 0, nil, refused
	}
	rows, all, more := q.run(c.kind)
	out := []byte(`{"data":[`)
	for i, r := range rows {
		if i > 0 {
			out = append(out, ',')
		}
		out = o.render(out, c, r)
	}
	links := map[string]string{"first": q.link(c.Request, "", nil, 0)}
	switch {
	case q.offset >= 0:
		if more {
			links["next"] = q.link(c.Request, "offset", nil, q.offset+q.size)
		}
	case len(rows) > 0:
		if more || q.before != nil {
			links["next"] = q.link(c.Request, "after", q.cursor(rows[len(rows)-1]), 0)
		}
		if q.after != nil || q.before != nil && more {
			links["prev"] = q.link(c.Request, "before", q.cursor(rows[0]), 0)
		}
	}
	meta := map[string]any{"count": nil, "count_truncated": false}
	if c.URL.Query().Get("count") == "true" { // new applications get null unless they ask
		meta["count"] = all
	}
	tail, err := json.Marshal(map[string]any{"links": links, "meta": meta})
	if err != nil {
		return 0, nil, invalidData(err.Error())
	}
	return http.StatusOK, append(append(out, "],"...), tail[1:]...), nil
}

// run finds the rows of a page, how many there are in all, and whether more
// come behind them (before them, where the page is before a cursor).
func (q *outreachQuery) run(k *outreachKind) (rows []*outreachRecord, all int, more bool) {
	candidates := k.records
	if q.indexed {
		candidates = nil
		slices.Sort(q.ids)
		for _, id := range slices.Compact(q.ids) {
			candidates = append(candidates, k.get(id))
		}
	}
	order := func(a, b *outreachRecord) int {
		n := cmp.Compare(a.id, b.id)
		if q.sort != "" {
			n = cmp.Or(compareAny(a.attrs[q.sort], b.attrs[q.sort]), n)
		}
		if q.down {
			n = -n
		}
		return n
	}
	beside := func(c *outreachCursor) *outreachRecord {
		if c == nil {
			return nil
		}
		return &outreachRecord{id: c.ID, attrs: map[string]any{q.sort: c.Value}}
	}
	after, before := beside(q.after), beside(q.before)
	best := order // before a cursor, the last rows are wanted
	if before != nil {
		best = func(a, b *outreachRecord) int { return -order(a, b) }
	}
	keep := max(0, q.offset) + q.size + 1
	for _, r := range candidates {
		if r == nil || slices.ContainsFunc(q.filters, func(ok func(*outreachRecord) bool) bool { return !ok(r) }) {
			continue
		}
		all++
		if after != nil && order(r, after) <= 0 || before != nil && order(r, before) >= 0 {
			continue
		}
		if len(rows) == keep && best(r, rows[keep-1]) > 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(rows, r, best)
		rows = slices.Insert(rows, at, r)
		if len(rows) > keep {
			rows = rows[:keep]
		}
	}
	if more = len(rows) == keep; more {
		rows = rows[:keep-1]
	}
	rows = rows[min(len(rows), max(0, q.offset)):]
	if before != nil {
		slices.Reverse(rows)
	}
	return rows, all, more
}

func (q *outreachQuery) cursor(r *outreachRecord) *outreachCursor {
	c := &outreachCursor{ID: r.id}
	if q.sort != "" {
		c.Value = r.attrs[q.sort]
	}
	return c
}

// link is the whole address of another page of the same list.
func (q *outreachQuery) link(r *http.Request, name string, at *outreachCursor, offset int) string {
	params := r.URL.Query()
	for _, other := range []string{"after", "before", "offset"} {
		params.Del("page[" + other + "]")
	}
	switch {
	case at != nil:
		text, _ := json.Marshal(at) // texts and numbers
		params.Set("page["+name+"]", base64.URLEncoding.EncodeToString(text))
	case name == "offset":
		params.Set("page[offset]", itoa(offset))
	}
	path := strings.TrimPrefix(r.URL.Path, "/api/v2")
	return outreachBase(r) + path + "?" + params.Encode()
}
