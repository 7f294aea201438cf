package deliver

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/leadlake/leadlake"
)

// pathAliases are names of the product specification, section 19.4, for ours.
var pathAliases = map[string]string{"phone": "phones", "email": "emails", "score": "lead_score", "tier": "priority_tier"}

// pathSegment is a name with what may stand behind it: [0], [*], [type=role].
var pathSegment = regexp.MustCompile(`^([a-z][a-z0-9_]*)((?:\[(?:\d+|\*|[a-z_]+=[A-Za-z0-9_-]+)\])?)$`)

// query turns a path into one of gjson.
func query(path string) string {
	var parts []string
	for i, segment := range strings.Split(path, ".") {
		m := pathSegment.FindStringSubmatch(segment)
		if m == nil {
			return path
		}
		name := m[1]
		if alias, ok := pathAliases[name]; ok && i == 0 {
			name = alias
		}
		parts = append(parts, name)
		switch inner := strings.Trim(m[2], "[]"); {
		case inner == "":
		case inner == "*":
			parts = append(parts, "#")
		case strings.Contains(inner, "="):
			field, value, _ := strings.Cut(inner, "=")
			parts = append(parts, fmt.Sprintf(`#(%s==%q)`, field, value))
		default:
			parts = append(parts, inner)
		}
	}
	return strings.Join(parts, ".")
}

// checkPath finds paths that no lead has.
func checkPath(path string) error {
	t := reflect.TypeFor[leadlake.CanonicalLead]()
	for i, segment := range strings.Split(path, ".") {
		m := pathSegment.FindStringSubmatch(segment)
		if m == nil {
			return fmt.Errorf("path %q: %q is not like name, name[0], name[*] or name[type=role]", path, segment)
		}
		name := m[1]
		if alias, ok := pathAliases[name]; ok && i == 0 {
			name = alias
		}
		field, ok := fieldOf(t, name)
		if !ok {
			return fmt.Errorf("path %q: a lead has no %q there", path, name)
		}
		t = field
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		isList := t.Kind() == reflect.Slice && t != reflect.TypeFor[json.RawMessage]()
		if m[2] != "" && !isList {
			return fmt.Errorf("path %q: %s is not a list", path, name)
		}
		if m[2] != "" {
			t = t.Elem()
		} else if isList && i < strings.Count(path, ".") {
			return fmt.Errorf("path %q: %s is a list: write %s[0] or %s[*]", path, name, name, name)
		}
	}
	return nil
}

// fieldOf is the type of a field by its name in JSON.
func fieldOf(t reflect.Type, name string) (reflect.Type, bool) {
	if t.Kind() != reflect.Struct || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return nil, false
	}
	for i := range t.NumField() {
		tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if tag == name {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

// head is the first name of a path, in our words.
func head(path string) string {
	name := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' })[0]
	if alias, ok := pathAliases[name]; ok {
		return alias
	}
	return name
}
