package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// parsePDLSQL reads `SELECT * FROM company WHERE ...`: comparisons, LIKE, IN and
// IS NULL under AND, OR, NOT and brackets. The API takes neither columns nor
// LIMIT.
func parsePDLSQL(statement, kind string) (pdlCondition, *pdlError) {
	p := &pdlParser{kind: kind, tokens: pdlTokens(statement)}
	if !p.words("select", "*", "from", kind) {
		return nil, invalidPDL("sql must begin with SELECT * FROM %s", kind)
	}
	if !p.words("where") {
		return nil, invalidPDL("sql must have a WHERE clause")
	}
	fits, err := p.either()
	if err != nil {
		return nil, err
	}
	p.words(";")
	if len(p.tokens) > 0 {
		return nil, invalidPDL("sql has %q behind its condition", p.tokens[0])
	}
	return fits, nil
}

// pdlTokens splits a statement; texts keep their first quote.
func pdlTokens(s string) []string {
	var out []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		n := 1
		switch c := s[0]; {
		case c == '\'' || c == '"':
			token, rest := quoted(s)
			out, s = append(out, token), rest
			continue
		case strings.HasPrefix(s, "<=") || strings.HasPrefix(s, ">=") || strings.HasPrefix(s, "<>") || strings.HasPrefix(s, "!="):
			n = 2
		case isPDLWord(rune(c)):
			for n < len(s) && isPDLWord(rune(s[n])) {
				n++
			}
		}
		out, s = append(out, s[:n]), s[n:]
	}
	return out
}

func isPDLWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '.' || r == '-'
}

// quoted takes a text off, in which a doubled quote stands for one.
func quoted(s string) (token, rest string) {
	quote, out := s[:1], "'"
	for s = s[1:]; s != ""; {
		before, after, found := strings.Cut(s, quote)
		out += before
		if !found || !strings.HasPrefix(after, quote) {
			return out, after
		}
		out, s = out+quote, after[1:]
	}
	return out, ""
}

type pdlParser struct {
	kind   string
	tokens []string
}

// words takes words off where all of them come next.
func (p *pdlParser) words(want ...string) bool {
	if len(p.tokens) < len(want) {
		return false
	}
	for i, w := range want {
		if !strings.EqualFold(p.tokens[i], w) {
			return false
		}
	}
	p.tokens = p.tokens[len(want):]
	return true
}

func (p *pdlParser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *pdlParser) either() (pdlCondition, *pdlError) {
	left, err := p.both()
	for err == nil && p.words("or") {
		var right pdlCondition
		if right, err = p.both(); err == nil {
			l := left
			left = func(r object) bool { return l(r) || right(r) }
		}
	}
	return left, err
}

func (p *pdlParser) both() (pdlCondition, *pdlError) {
	left, err := p.one()
	for err == nil && p.words("and") {
		var right pdlCondition
		if right, err = p.one(); err == nil {
			l := left
			left = func(r object) bool { return l(r) && right(r) }
		}
	}
	return left, err
}

func (p *pdlParser) one() (pdlCondition, *pdlError) {
	switch {
	case p.words("not"):
		return not(p.one())
	case p.words("("):
		inner, err := p.either()
		if err == nil && !p.words(")") {
			err = invalidPDL("sql lacks a closing bracket")
		}
		return inner, err
	}
	return p.comparison()
}

func not(inner pdlCondition, err *pdlError) (pdlCondition, *pdlError) {
	return func(r object) bool { return !inner(r) }, err
}

func (p *pdlParser) comparison() (pdlCondition, *pdlError) {
	field := strings.TrimPrefix(p.next(), "'")
	switch {
	case p.words("is", "not", "null"):
		return pdlCompare(p.kind, field, func(v any) bool { return v != nil })
	case p.words("is", "null"):
		return pdlCompare(p.kind, field, func(v any) bool { return v == nil })
	case p.words("not", "in"):
		return not(p.in(field))
	case p.words("in"):
		return p.in(field)
	case p.words("not", "like"):
		return not(p.like(field))
	case p.words("like"):
		return p.like(field)
	}
	op := p.next()
	if !slices.Contains([]string{"=", "<>", "!=", "<", "<=", ">", ">="}, op) {
		return nil, invalidPDL("sql has no comparison at %q", field+" "+op)
	}
	want, err := p.value()
	if err != nil {
		return nil, err
	}
	return pdlCompare(p.kind, field, func(v any) bool { return orders(v, op, want) })
}

func (p *pdlParser) like(field string) (pdlCondition, *pdlError) {
	pattern, err := p.value()
	if err != nil {
		return nil, err
	}
	return pdlCompare(p.kind, field, func(v any) bool { return v != nil && like(text(v), text(pattern), '%', '_') })
}

func (p *pdlParser) in(field string) (pdlCondition, *pdlError) {
	if !p.words("(") {
		return nil, invalidPDL("sql lacks the list of IN")
	}
	var list []any
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if p.words(")") {
			break
		}
		if !p.words(",") {
			return nil, invalidPDL("sql lacks a comma in the list of IN")
		}
	}
	return pdlCompare(p.kind, field, func(v any) bool {
		return slices.ContainsFunc(list, func(w any) bool { return orders(v, "=", w) })
	})
}

// value is a text in quotes or a number.
func (p *pdlParser) value() (any, *pdlError) {
	token := p.next()
	if s, ok := strings.CutPrefix(token, "'"); ok {
		return s, nil
	}
	n, err := strconv.ParseFloat(token, 64)
	if err != nil {
		return nil, invalidPDL("sql has %q where a value is due", token)
	}
	return n, nil
}
