package deliver

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// Payload is what a record's fields hold, by name: each value as compact JSON,
// null for a field that is to be emptied. As JSON it has its fields sorted, so
// equal payloads give equal bytes.
type Payload map[string]json.RawMessage

// null empties a field.
var null = json.RawMessage("null")

// Value is a value as a Payload holds it. What JSON cannot express is null.
func Value(v any) json.RawMessage {
	if s, ok := v.(string); ok && isPlain(s) { // as most are
		return json.RawMessage(`"` + s + `"`)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // as its reader will see it
	if err := encoder.Encode(v); err != nil {
		return null
	}
	return bytes.TrimRight(text.Bytes(), "\n")
}

// isPlain says whether a text is the same in JSON, but for the quotes.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// Names lists the fields, sorted.
func (p Payload) Names() []string { return slices.Sorted(maps.Keys(p)) }

// Has says whether a field is there and not null.
func (p Payload) Has(name string) bool { return !isEmpty(p[name]) }

// Text is a field as text: a string without its quotes, a list joined by "; ",
// anything else as its JSON; "" for null and for a field that is not there.
func (p Payload) Text(name string) string { return textOf(p[name]) }

// Texts is a field that holds a list; of a single value a list of one.
func (p Payload) Texts(name string) []string {
	v := gjson.ParseBytes(p[name])
	if !v.IsArray() {
		if text := p.Text(name); text != "" {
			return []string{text}
		}
		return nil
	}
	var texts []string
	for _, one := range v.Array() {
		texts = append(texts, one.String())
	}
	return texts
}

// Without is p without a field.
func (p Payload) Without(name string) Payload {
	c := maps.Clone(p)
	delete(c, name)
	return c
}

func textOf(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	v := gjson.ParseBytes(raw)
	switch {
	case v.Type == gjson.Null:
		return ""
	case v.IsArray():
		var texts []string
		for _, one := range v.Array() {
			texts = append(texts, one.String())
		}
		return strings.Join(texts, "; ")
	}
	return v.String()
}

// isEmpty says whether a value is one that a destination shows for a field
// without a value: null, "", an empty list.
func isEmpty(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}

// json is the payload's one text.
func (p Payload) json() []byte {
	size := 2
	for name, value := range p {
		size += len(name) + len(value) + 6
	}
	text := append(make([]byte, 0, size), '{')
	for _, name := range p.Names() {
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(append(text, Value(name)...), ':')
		if len(p[name]) == 0 {
			text = append(text, null...)
			continue
		}
		text = append(text, p[name]...)
	}
	return append(text, '}')
}

func parsePayload(text string) (Payload, error) {
	if text == "" {
		return nil, nil
	}
	var p Payload
	err := json.Unmarshal([]byte(text), &p)
	return p, err
}

// hash names the payload: equal fields, equal hash.
func (p Payload) hash() string {
	sum := sha256.Sum256(p.json())
	return hex.EncodeToString(sum[:16])
}

// sameValue says whether two values mean the same to a destination: most keep
// numbers as text, or text for numbers, and know no difference between empty
// and absent.
func sameValue(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) || isEmpty(a) && isEmpty(b) {
		return true
	}
	if isEmpty(a) || isEmpty(b) {
		return false
	}
	x, y := textOf(a), textOf(b)
	if x == y {
		return true
	}
	if !isNumber(a) && !isNumber(b) { // "01234" is a postal code
		return false
	}
	m, errM := strconv.ParseFloat(x, 64)
	n, errN := strconv.ParseFloat(y, 64)
	return errM == nil && errN == nil && m == n
}

func isNumber(raw json.RawMessage) bool { return raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9' }

// diff lists the fields of want that have differs in, sorted.
func diff(want, have Payload) []string {
	var names []string
	for _, name := range want.Names() {
		if !sameValue(want[name], have[name]) {
			names = append(names, name)
		}
	}
	return names
}

// With is p with a field set.
func (p Payload) With(name string, value json.RawMessage) Payload {
	c := Payload{name: value}
	for other, v := range p {
		if other != name {
			c[other] = v
		}
	}
	return c
}
