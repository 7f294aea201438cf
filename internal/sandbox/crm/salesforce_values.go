package crm

import (
	"encoding/json"
	"math"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
)

// canonical gives the fields of a JSON record their own names. What it refuses
// spoils the whole call, because Salesforce reads all records before it writes
// the first.
func (o *sfObject) canonical(raw map[string]any, but string) (map[string]any, *sfError) {
	out := make(map[string]any, len(raw))
	for name, v := range raw {
		if name == "attributes" {
			continue
		}
		f := o.field(name)
		if f == nil {
			return nil, sfFail(0, "INVALID_FIELD", "No such column '%s' on sobject of type %s", name, o.name)
		}
		if f.name == "Id" || f.name == but {
			return nil, sfFail(0, "INVALID_FIELD", "The %s field should not be specified in the sobject data.", f.name)
		}
		if want, got := f.json(), jsonKind(v); v != nil && want != got {
			return nil, sfFail(0, "JSON_PARSER_ERROR", "Cannot deserialize instance of %s from %s value %v or request may be missing a required field", f.kind, got, v)
		}
		out[f.name] = v
	}
	return out, nil
}

// json is the JSON form of a field's values.
func (f *sfField) json() string {
	switch f.kind {
	case "int", "double", "currency", "percent":
		return "VALUE_NUMBER"
	case "boolean":
		return "VALUE_BOOLEAN"
	}
	return "VALUE_STRING"
}

func jsonKind(v any) string {
	switch v.(type) {
	case json.Number, float64, int, int64:
		return "VALUE_NUMBER"
	case bool:
		return "VALUE_BOOLEAN"
	case string, time.Time:
		return "VALUE_STRING"
	case []any:
		return "START_ARRAY"
	}
	return "START_OBJECT"
}

// fromCSV reads the cells of a Bulk upload: an empty one changes nothing, and
// #N/A takes a value away.
func (o *sfObject) fromCSV(header []*sfField, cells []string) (map[string]any, *sfError) {
	out := map[string]any{}
	for i, f := range header {
		cell := cells[i]
		switch {
		case cell == "":
		case cell == "#N/A":
			out[f.name] = nil
		case f.json() == "VALUE_NUMBER":
			if _, err := strconv.ParseFloat(cell, 64); err != nil {
				return nil, sfFail(0, "INVALID_TYPE_ON_FIELD_IN_RECORD", "%s: value not of required type: %s", f.name, cell).on(f.name)
			}
			out[f.name] = json.Number(cell)
		case f.kind == "boolean":
			out[f.name] = strings.EqualFold(cell, "true") || cell == "1"
		default:
			out[f.name] = cell
		}
	}
	return out, nil
}

// check makes values what is stored: texts trimmed, instants of whole seconds.
func (o *sfObject) check(values map[string]any) (map[string]any, *sfError) {
	out := make(map[string]any, len(values))
	for _, f := range o.fields {
		v, given := values[f.name]
		if !given {
			continue
		}
		if f.fixed {
			return nil, sfFail(0, "INVALID_FIELD_FOR_INSERT_UPDATE",
				"Unable to create/update fields: %s. Please check the security settings of this field and verify that it is read/write for your profile or permission set.", f.name).on(f.name)
		}
		stored, fail := f.check(v)
		if fail != nil {
			return nil, fail
		}
		out[f.name] = stored
	}
	return out, nil
}

func (f *sfField) check(v any) (any, *sfError) {
	if v == nil {
		if f.kind == "boolean" {
			return nil, sfFail(0, "INVALID_TYPE_ON_FIELD_IN_RECORD", "%s: value not of required type: null", f.name).on(f.name)
		}
		return nil, nil
	}
	switch f.kind {
	case "boolean":
		return v, nil
	case "int", "double", "currency", "percent":
		return f.number(v)
	}
	if t, ok := v.(time.Time); ok {
		return t.UTC().Truncate(time.Second), nil
	}
	text, ok := v.(string)
	if !ok {
		return nil, sfFail(0, "INVALID_TYPE_ON_FIELD_IN_RECORD", "%s: value not of required type: %v", f.name, v).on(f.name)
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	if f.length > 0 && len([]rune(text)) > f.length {
		return nil, sfFail(0, "STRING_TOO_LONG", "%s: data value too large: %s (max length=%d)", f.name, text, f.length).on(f.name)
	}
	switch f.kind {
	case "picklist":
		for _, value := range f.values {
			if strings.EqualFold(value, text) {
				return value, nil
			}
		}
		if f.strict {
			return nil, sfFail(0, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "%s: bad value for restricted picklist field: %s", f.name, text).on(f.name)
		}
	case "email":
		if at, err := mail.ParseAddress(text); err != nil || at.Address != text || !strings.Contains(text[strings.LastIndex(text, "@"):], ".") {
			return nil, sfFail(0, "INVALID_EMAIL_ADDRESS", "%s: invalid email address: %s", f.name, text).on(f.name)
		}
	case "datetime":
		t, ok := sfParseTime(text)
		if !ok {
			return nil, sfFail(0, "INVALID_TYPE_ON_FIELD_IN_RECORD", "%s: value not of required type: %s", f.name, text).on(f.name)
		}
		return t.Truncate(time.Second), nil
	case "date":
		if len(text) < 10 {
			return nil, sfFail(0, "INVALID_TYPE_ON_FIELD_IN_RECORD", "%s: value not of required type: %s", f.name, text).on(f.name)
		}
		if _, err := time.Parse(time.DateOnly, text[:10]); err != nil {
			return nil, sfFail(0, "INVALID_TYPE_ON_FIELD_IN_RECORD", "%s: value not of required type: %s", f.name, text).on(f.name)
		}
		return text[:10], nil
	case "reference":
		if n := len(text); n != 15 && n != 18 {
			return nil, sfFail(0, "MALFORMED_ID", "%s: id value of incorrect type: %s", f.name, text).on(f.name)
		}
		return longID(text), nil
	}
	return text, nil
}

func (f *sfField) number(v any) (any, *sfError) {
	text := ""
	switch n := v.(type) {
	case json.Number:
		text = n.String()
	case float64:
		text = strconv.FormatFloat(n, 'f', -1, 64)
	case int64:
		text = strconv.FormatInt(n, 10)
	case int:
		text = strconv.Itoa(n)
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(x) > 1e18 || f.kind == "int" && (x != math.Trunc(x) || math.Abs(x) > math.MaxInt32) {
		return nil, sfFail(0, "NUMBER_OUTSIDE_VALID_RANGE", "%s: value outside of valid range on numeric field: %s", f.name, text).on(f.name)
	}
	if f.kind == "int" {
		return int64(x), nil
	}
	return x, nil
}

// sfParseTime reads the forms that Salesforce takes.
func sfParseTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// sfRow is a record as it is printed: attributes, then fields in their order.
type sfRow struct {
	object *sfObject
	id     string
	names  []string
	values []any
}

// row prints some fields of a record.
func (o *sfObject) row(r *sfRecord, fields []*sfField) sfRow {
	out := sfRow{object: o, id: r.id}
	for _, f := range fields {
		out.names = append(out.names, f.name)
		out.values = append(out.values, r.values[f.name])
	}
	return out
}

// MarshalJSON keeps the order of the fields.
func (r sfRow) MarshalJSON() ([]byte, error) {
	out := []byte(`{"attributes":{"type":"` + r.object.name + `","url":"/services/data/v62.0/sobjects/` + r.object.name + "/" + r.id + `"}`)
	for i, name := range r.names {
		v := r.values[i]
		if t, ok := v.(time.Time); ok {
			v = sfTime(t)
		}
		text, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		out = append(out, `,"`+name+`":`...)
		out = append(out, text...)
	}
	return append(out, '}'), nil
}

// cell prints a value as CSV.
func sfCell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	text, _ := json.Marshal(v) // numbers and booleans
	return string(text)
}

// byID is the order of records where none is asked for.
func byID(a, b *sfRecord) int { return strings.Compare(a.id, b.id) }

// sorted lists the records of an object.
func (o *sfObject) sorted(deleted bool) []*sfRecord {
	out := make([]*sfRecord, 0, len(o.records))
	for _, r := range o.records {
		if deleted || !r.deleted {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, byID)
	return out
}
