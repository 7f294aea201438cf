package deliver

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
)

// Problem says why a lead, or a mapping, does not fit a destination.
type Problem struct {
	Field  string `json:"field"`
	Code   string `json:"code"` // required_missing, too_long, not_in_picklist, wrong_type, unknown_field, ambiguous_field, read_only
	Reason string `json:"reason"`
	Fix    string `json:"fix"`
}

// Checked is what a mapping makes of one lead.
type Checked struct {
	LeadID   string    `json:"lead_id"`
	Key      string    `json:"key"`
	Payload  Payload   `json:"payload"`
	Problems []Problem `json:"problems,omitempty"` // not empty: the lead is not delivered
}

// Fits compares a mapping with what a destination says about its fields.
func (m Mapping) Fits(s Schema) []Problem {
	var problems []Problem
	for _, f := range m.Fields {
		var like []string
		known := false
		for _, field := range s.Fields {
			known = known || field.Name == f.To
			if strings.EqualFold(field.Name, f.To) {
				like = append(like, field.Name)
			}
		}
		field, _ := s.field(f.To)
		switch {
		case len(s.Fields) == 0:
		case !known && len(like) > 1:
			problems = append(problems, Problem{f.To, "ambiguous_field", fmt.Sprintf("it may be any of %s", strings.Join(like, ", ")), "write it as the destination does"})
		case !known && len(like) == 1:
			problems = append(problems, Problem{f.To, "unknown_field", "the destination writes it " + like[0], "write it the same way"})
		case !known:
			problems = append(problems, Problem{f.To, "unknown_field", "the destination has no such field", "create it there, or remove it from the mapping"})
		case field.ReadOnly:
			problems = append(problems, Problem{f.To, "read_only", "the destination does not let us write it", "remove it from the mapping, or give our user the right to edit it"})
		case f.Constant != nil:
			if _, p := field.coerce(Value(f.Constant), false); p != nil {
				problems = append(problems, *p)
			}
		}
	}
	for _, field := range s.Fields {
		if field.Required && !slices.ContainsFunc(m.Fields, func(f FieldMapping) bool { return f.To == field.Name }) {
			problems = append(problems, Problem{field.Name, "required_missing", "new records need it, and the mapping does not fill it", "map it"})
		}
	}
	return problems
}

func (s Schema) field(name string) (Field, bool) {
	i := slices.IndexFunc(s.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{Name: name}, false
	}
	return s.Fields[i], true
}

// Check makes the payload of a lead, given as JSON. The schema may be empty:
// then types and lengths are not looked at.
func (m Mapping) Check(lead []byte, s Schema) Checked { return m.checker(s).check(lead) }

// checker is a mapping made ready for many leads.
type checker struct {
	Mapping
	fields  []Field           // of the destination, in the order of the mapping
	queries map[string]string // of gjson, by path
}

func (m Mapping) checker(s Schema) *checker {
	k := &checker{Mapping: m, queries: map[string]string{m.Key: query(m.Key)}}
	for _, f := range m.Fields {
		field, _ := s.field(f.To)
		k.fields = append(k.fields, field)
		for _, path := range f.paths() {
			k.queries[path] = query(path)
		}
	}
	return k
}

// at is a lead's value at a path, as compact JSON; nil where there is none.
func (k *checker) at(lead gjson.Result, path string) json.RawMessage {
	v := lead.Get(k.queries[path])
	if !v.Exists() || isEmpty(json.RawMessage(v.Raw)) {
		return nil
	}
	if v.IsObject() || v.IsArray() {
		return Value(json.RawMessage(v.Raw)) // as compact as the others
	}
	if v.Type == gjson.String {
		return Value(v.Str)
	}
	return json.RawMessage(v.Raw)
}

func (k *checker) check(lead []byte) Checked {
	doc := gjson.ParseBytes(lead)
	m := k.Mapping
	c := Checked{LeadID: doc.Get("lead_id").String(), Payload: make(Payload, len(m.Fields))}
	c.Key = naturalKey(textOf(k.at(doc, m.Key)))
	if c.Key == "" {
		c.Problems = append(c.Problems, Problem{m.Key, "key_missing", "the lead has no value for the natural key", "enrich the lead, or choose another key"})
	}
	for i, f := range m.Fields {
		field := k.fields[i]
		value := k.value(f, doc)
		if isEmpty(value) {
			switch {
			case f.Required || field.Required:
				c.Problems = append(c.Problems, Problem{f.To, "required_missing", "the lead has no value for it", "enrich the lead, or give the mapping a default"})
			case f.Null == Clear:
				c.Payload[f.To] = null
			}
			continue
		}
		value, problem := field.coerce(value, f.Truncate)
		if problem != nil {
			c.Problems = append(c.Problems, *problem)
			continue
		}
		c.Payload[f.To] = value
	}
	return c
}

// naturalKey is a key as destinations compare it: addresses without case.
func naturalKey(text string) string {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "@") {
		text = strings.ToLower(text)
	}
	return text
}

// value is what a lead gives a field.
func (k *checker) value(f FieldMapping, lead gjson.Result) json.RawMessage {
	value := k.source(f, lead)
	if f.Lookup != nil && !isEmpty(value) {
		theirs, ok := f.Lookup[textOf(value)]
		if !ok {
			theirs = f.Else
		}
		value = Value(theirs)
	}
	if isEmpty(value) && f.Default != "" {
		return Value(f.Default)
	}
	return value
}

func (k *checker) source(f FieldMapping, lead gjson.Result) json.RawMessage {
	switch {
	case f.Constant != nil:
		return Value(f.Constant)
	case f.From != "":
		return k.at(lead, f.From)
	case f.Format != "":
		var text strings.Builder
		for _, part := range formatParts(f.Format) {
			value := part.text
			if part.path != "" {
				if value = textOf(k.at(lead, part.path)); value == "" {
					return nil
				}
			}
			text.WriteString(value)
		}
		return Value(text.String())
	}
	var texts []string
	for _, path := range slices.Concat(f.First, f.Join) {
		value := k.at(lead, path)
		if isEmpty(value) {
			continue
		}
		if len(f.First) > 0 {
			return value
		}
		texts = append(texts, textOf(value))
	}
	if len(texts) == 0 {
		return nil
	}
	with := f.With
	if with == "" {
		with = ", "
	}
	return Value(strings.Join(texts, with))
}

// coerce gives a value the type of the field, or says why that cannot be.
func (f Field) coerce(value json.RawMessage, truncate bool) (json.RawMessage, *Problem) {
	wrong := func(want string) (json.RawMessage, *Problem) {
		return nil, &Problem{f.Name, "wrong_type", fmt.Sprintf("%.60s is not %s", textOf(value), want), "map another field to it, or change its type at the destination"}
	}
	text := textOf(value)
	switch f.Type {
	case Text:
		if value[0] == '{' || strings.HasPrefix(string(value), "[{") {
			text = string(value) // a structure as its JSON
		}
		if f.MaxLen > 0 && utf8.RuneCountInString(text) > f.MaxLen {
			if !truncate {
				return nil, &Problem{f.Name, "too_long", fmt.Sprintf("it has %d characters, the field takes %d", utf8.RuneCountInString(text), f.MaxLen),
					"set truncate in the mapping, or make the field longer"}
			}
			text = string([]rune(text)[:f.MaxLen])
		} else if value[0] == '"' {
			return value, nil
		}
		return Value(text), nil
	case Number, Integer:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(n, 0) || math.IsNaN(n) || f.Type == Integer && n != math.Trunc(n) {
			return wrong("a " + map[Type]string{Number: "number", Integer: "whole number"}[f.Type])
		}
		return json.RawMessage(strconv.FormatFloat(n, 'f', -1, 64)), nil
	case Boolean:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return wrong("true or false")
		}
		return Value(b), nil
	case Date, DateTime:
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			if when, err = time.Parse(time.DateOnly, text); err != nil {
				return wrong("a date")
			}
		}
		if f.Type == Date {
			return Value(when.UTC().Format(time.DateOnly)), nil
		}
		return Value(when.UTC().Format(time.RFC3339)), nil
	case Picklist:
		if len(f.Values) == 0 {
			return Value(text), nil
		}
		i := slices.IndexFunc(f.Values, func(v string) bool { return strings.EqualFold(v, text) })
		if i < 0 {
			return nil, &Problem{f.Name, "not_in_picklist", fmt.Sprintf("%.60q is none of its values", text), "add it there, or give the mapping a lookup"}
		}
		return Value(f.Values[i]), nil
	case List:
		return Value(Payload{"": value}.Texts("")), nil
	}
	return value, nil
}

// problemsError makes one error of many problems.
func problemsError(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	var texts []string
	for _, p := range problems {
		texts = append(texts, fmt.Sprintf("field %s: %s (%s)", p.Field, p.Reason, p.Fix))
	}
	return leadlake.Errorf(leadlake.Invalid, "mapping does not fit the destination: %s", strings.Join(texts, "; ")).
		WithFix("mend the mapping, then look at it with leadlake mapping check")
}
