package crm

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// soql is a query of the part of SOQL that leadlake and its judges use: one
// object, conditions with AND, OR, NOT and parentheses, ORDER BY, LIMIT, OFFSET
// and COUNT(). There are no joins.
type soql struct {
	object *sfObject
	fields []*sfField
	count  bool
	where  func(*sfRecord) bool
	among  []*sfRecord // where an index narrows the records down
	narrow bool
	order  []soqlOrder
	limit  int // -1 for none
	offset int
}

type soqlOrder struct {
	field *sfField
	desc  bool
	last  bool // nulls last
}

var soqlTokens = regexp.MustCompile(`'(?:[^'\\]|\\.)*'|[A-Za-z_][A-Za-z0-9_.]*|\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?|[-+]?\d+(?:\.\d+)?|[<>!]=|[=<>(),]|\S`)

type soqlParser struct {
	a     *salesforce
	words []string
	at    int
	q     *soql
	fail  *sfError
}

func (p *soqlParser) peek() string {
	if p.at < len(p.words) {
		return p.words[p.at]
	}
	return ""
}

func (p *soqlParser) next() string {
	w := p.peek()
	p.at++
	return w
}

// is takes the word where it is the next one.
func (p *soqlParser) is(words ...string) bool {
	for i, w := range words {
		if p.at+i >= len(p.words) || !strings.EqualFold(p.words[p.at+i], w) {
			return false
		}
	}
	p.at += len(words)
	return true
}

func (p *soqlParser) bad() {
	if p.fail == nil {
		p.fail = sfFail(0, "MALFORMED_QUERY", "unexpected token: %s", cmp.Or(p.peek(), "<EOF>"))
	}
}

func (p *soqlParser) want(word string) {
	if !p.is(word) {
		p.bad()
	}
}

func (p *soqlParser) field() *sfField {
	name := p.next()
	f := p.q.object.field(name)
	if f == nil {
		if p.fail == nil {
			p.fail = sfFail(0, "INVALID_FIELD", "No such column '%s' on entity '%s'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name.", name, p.q.object.name)
		}
		return p.q.object.field("Id")
	}
	return f
}

// parse reads a query.
func (a *salesforce) parse(text string) (*soql, *sfError) {
	p := &soqlParser{a: a, words: soqlTokens.FindAllString(text, -1), q: &soql{limit: -1, where: func(*sfRecord) bool { return true }}}
	p.want("SELECT")
	from := slices.IndexFunc(p.words, func(w string) bool { return strings.EqualFold(w, "FROM") })
	if p.fail != nil || from < 0 || from+1 >= len(p.words) {
		p.bad()
		return nil, p.fail
	}
	name := p.words[from+1]
	if p.q.object = a.objects[strings.ToLower(name)]; p.q.object == nil {
		return nil, sfFail(0, "INVALID_TYPE", "sObject type '%s' is not supported.", name)
	}
	if p.is("COUNT", "(", ")") {
		p.q.count = true
	} else if p.is("FIELDS", "(", "ALL", ")") {
		p.q.fields = p.q.object.fields
	} else {
		p.q.fields = append(p.q.fields, p.field())
		for p.is(",") {
			p.q.fields = append(p.q.fields, p.field())
		}
	}
	p.want("FROM")
	p.next()
	if p.is("WHERE") {
		p.q.where = p.any(true)
	}
	p.tail()
	if p.fail == nil && p.at < len(p.words) {
		p.bad()
	}
	return p.q, p.fail
}

// tail reads what follows the conditions.
func (p *soqlParser) tail() {
	if p.is("ORDER", "BY") {
		for {
			o := soqlOrder{field: p.field()}
			if p.is("DESC") {
				o.desc = true
			} else {
				p.is("ASC")
			}
			if p.is("NULLS", "LAST") {
				o.last = true
			} else {
				p.is("NULLS", "FIRST")
			}
			p.q.order = append(p.q.order, o)
			if !p.is(",") {
				break
			}
		}
	}
	for _, part := range []struct {
		word string
		to   *int
	}{{"LIMIT", &p.q.limit}, {"OFFSET", &p.q.offset}} {
		if p.is(part.word) {
			n, err := strconv.Atoi(p.next())
			if err != nil || n < 0 {
				p.at--
				p.bad()
			}
			*part.to = n
		}
	}
}

// any reads conditions. At the top, and as long as all of them must hold, an
// index may narrow the records down.
func (p *soqlParser) any(top bool) func(*sfRecord) bool {
	before := p.q.narrow
	test := p.all(top)
	if !strings.EqualFold(p.peek(), "OR") {
		return test
	}
	if !before {
		p.q.narrow, p.q.among = false, nil
	}
	tests := []func(*sfRecord) bool{test}
	for p.is("OR") {
		tests = append(tests, p.all(false))
	}
	return func(r *sfRecord) bool {
		return slices.ContainsFunc(tests, func(t func(*sfRecord) bool) bool { return t(r) })
	}
}

func (p *soqlParser) all(top bool) func(*sfRecord) bool {
	tests := []func(*sfRecord) bool{p.one(top)}
	for p.is("AND") {
		tests = append(tests, p.one(top))
	}
	if len(tests) == 1 {
		return tests[0]
	}
	return func(r *sfRecord) bool {
		return !slices.ContainsFunc(tests, func(t func(*sfRecord) bool) bool { return !t(r) })
	}
}

func (p *soqlParser) one(top bool) func(*sfRecord) bool {
	never := func(*sfRecord) bool { return false }
	if p.fail != nil {
		return never
	}
	if p.is("NOT") {
		test := p.one(false)
		return func(r *sfRecord) bool { return !test(r) }
	}
	if p.is("(") {
		test := p.any(top)
		p.want(")")
		return test
	}
	f := p.field()
	switch {
	case p.is("IN"):
		values := p.values(f)
		if top {
			p.lookup(f, values)
		}
		return func(r *sfRecord) bool { return soqlIn(r.values[f.name], values) }
	case p.is("NOT", "IN"):
		values := p.values(f)
		return func(r *sfRecord) bool { return !soqlIn(r.values[f.name], values) }
	case p.is("LIKE"):
		pattern, _ := p.value(f).(string)
		like := soqlLike(pattern)
		return func(r *sfRecord) bool {
			text, ok := r.values[f.name].(string)
			return ok && like.MatchString(text)
		}
	}
	op := p.next()
	if !slices.Contains([]string{"=", "!=", "<", "<=", ">", ">="}, op) {
		p.at--
		p.bad()
		return never
	}
	want := p.value(f)
	if top && op == "=" {
		p.lookup(f, []any{want})
	}
	return func(r *sfRecord) bool {
		got := r.values[f.name]
		switch op {
		case "=":
			return soqlCompare(got, want) == 0
		case "!=":
			return soqlCompare(got, want) != 0
		}
		if got == nil || want == nil {
			return false
		}
		c := soqlCompare(got, want)
		return op == "<" && c < 0 || op == "<=" && c <= 0 || op == ">" && c > 0 || op == ">=" && c >= 0
	}
}

// lookup narrows the records down to those with one of the values.
func (p *soqlParser) lookup(f *sfField, values []any) {
	if p.q.narrow || !f.indexed() && f.name != "Id" {
		return
	}
	seen := map[*sfRecord]bool{}
	for _, v := range values {
		text, ok := v.(string)
		if !ok {
			return
		}
		found := p.q.object.find(f, text)
		if r := p.q.object.get(text); f.name == "Id" && r != nil {
			found = []*sfRecord{r}
		}
		for _, r := range found {
			seen[r] = true
		}
	}
	p.q.narrow, p.q.among = true, nil
	for r := range seen {
		p.q.among = append(p.q.among, r)
	}
	slices.SortFunc(p.q.among, byID)
}

func (p *soqlParser) values(f *sfField) []any {
	p.want("(")
	list := []any{p.value(f)}
	for p.is(",") {
		list = append(list, p.value(f))
	}
	p.want(")")
	return list
}

// value reads a literal; it must fit the field.
func (p *soqlParser) value(f *sfField) any {
	w := p.next()
	mismatch := func() any {
		if p.fail == nil {
			p.fail = sfFail(0, "INVALID_FIELD", "value of filter criterion for field '%s' must be of type %s and should not be enclosed in quotes, or the other way round: %s", f.name, f.kind, w)
		}
		return nil
	}
	switch {
	case strings.EqualFold(w, "null"):
		return nil
	case strings.EqualFold(w, "true"), strings.EqualFold(w, "false"):
		if f.kind != "boolean" {
			return mismatch()
		}
		return strings.EqualFold(w, "true")
	case strings.HasPrefix(w, "'") && len(w) > 1:
		if f.json() != "VALUE_STRING" || f.kind == "datetime" || f.kind == "date" {
			return mismatch()
		}
		text := soqlUnquote(w[1 : len(w)-1])
		if f.kind == "id" || f.kind == "reference" {
			text = longID(text)
		}
		return text
	}
	if f.kind == "datetime" {
		if t, ok := sfParseTime(w); ok && strings.Contains(w, "T") {
			return t
		}
		return mismatch()
	}
	if f.kind == "date" {
		if _, ok := sfParseTime(w); ok {
			return w
		}
		return mismatch()
	}
	n, err := strconv.ParseFloat(w, 64)
	if err != nil {
		p.at--
		p.bad()
		return nil
	}
	if f.json() != "VALUE_NUMBER" {
		return mismatch()
	}
	return n
}

func soqlUnquote(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch text[i] {
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

func soqlLike(pattern string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, "%", ".*"), "_", ".")
	return regexp.MustCompile("(?is)^" + quoted + "$")
}

func soqlIn(got any, values []any) bool {
	return slices.ContainsFunc(values, func(v any) bool { return soqlCompare(got, v) == 0 })
}

// soqlCompare orders values as SOQL does: null first, texts without their case.
func soqlCompare(a, b any) int {
	if a == nil || b == nil {
		return cmp.Compare(soqlRank(a), soqlRank(b))
	}
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(strings.ToLower(a), strings.ToLower(b))
		}
	case bool:
		if b, ok := b.(bool); ok {
			return cmp.Compare(soqlRank(a), soqlRank(b))
		}
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return a.Compare(b)
		}
	case int64:
		return soqlCompare(float64(a), b)
	case float64:
		switch b := b.(type) {
		case float64:
			return cmp.Compare(a, b)
		case int64:
			return cmp.Compare(a, float64(b))
		}
	}
	return -1
}

func soqlRank(v any) int {
	switch v {
	case nil:
		return 0
	case true:
		return 2
	}
	return 1
}

// run gives the records of a query in their order.
func (q *soql) run(deleted bool) []*sfRecord {
	var out []*sfRecord
	list := q.among
	if !q.narrow || deleted {
		list = q.object.sorted(deleted)
	}
	for _, r := range list {
		if (deleted || !r.deleted) && q.where(r) {
			out = append(out, r)
		}
	}
	if len(q.order) > 0 {
		slices.SortStableFunc(out, func(a, b *sfRecord) int {
			for _, o := range q.order {
				x, y := a.values[o.field.name], b.values[o.field.name]
				c := soqlCompare(x, y)
				if (x == nil) != (y == nil) {
					if o.last {
						c = -c
					}
				} else if o.desc {
					c = -c
				}
				if c != 0 {
					return c
				}
			}
			return 0
		})
	}
	out = out[min(q.offset, len(out)):]
	if q.limit >= 0 {
		out = out[:min(q.limit, len(out))]
	}
	return out
}
