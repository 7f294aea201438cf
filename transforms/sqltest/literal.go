package sqltest

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

// literal renders a YAML value as a SQL value of a DuckDB type. Scalars keep
// their text (a postal code 02134 stays one); a mapping or a list for a text
// column becomes JSON text.
func literal(file string, n *yaml.Node, typ string) (string, error) {
	n = resolve(n)
	if n.Tag == "!!null" {
		return "null", nil
	}
	text, err := value(file, n, typ)
	if err != nil {
		return "", err
	}
	return "cast(" + text + " as " + typ + ")", nil
}

func value(file string, n *yaml.Node, typ string) (string, error) {
	if n.Kind == yaml.ScalarNode {
		return lake.Quote(n.Value), nil
	}
	if typ == "VARCHAR" || typ == "JSON" {
		return jsonText(file, n)
	}
	if element, ok := elementType(typ); ok && n.Kind == yaml.SequenceNode {
		parts := make([]string, len(n.Content))
		for i, child := range n.Content {
			var err error
			if parts[i], err = literal(file, child, element); err != nil {
				return "", err
			}
		}
		return "[" + strings.Join(parts, ", ") + "]", nil
	}
	if members, ok := structMembers(typ); ok && n.Kind == yaml.MappingNode {
		return structLiteral(file, n, members)
	}
	if args, ok := arguments(typ, "MAP"); ok && len(args) == 2 && n.Kind == yaml.MappingNode {
		parts := make([]string, 0, len(n.Content)/2)
		for i := 0; i < len(n.Content); i += 2 {
			k, err := literal(file, n.Content[i], args[0])
			if err != nil {
				return "", err
			}
			v, err := literal(file, n.Content[i+1], args[1])
			if err != nil {
				return "", err
			}
			parts = append(parts, k+": "+v)
		}
		return "map {" + strings.Join(parts, ", ") + "}", nil
	}
	return "", fmt.Errorf("%s:%d: the value does not fit type %s", file, n.Line, typ)
}

func jsonText(file string, n *yaml.Node) (string, error) {
	var v any
	if err := n.Decode(&v); err != nil {
		return "", fmt.Errorf("%s:%d: %w", file, n.Line, err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("%s:%d: %w", file, n.Line, err)
	}
	return lake.Quote(string(text)), nil
}

// structLiteral names every member: absent ones are null, unknown ones an
// error, which a cast between structs would pass over.
func structLiteral(file string, n *yaml.Node, members []column) (string, error) {
	given := map[string]*yaml.Node{}
	for i := 0; i < len(n.Content); i += 2 {
		name := n.Content[i]
		if _, ok := find(members, name.Value); !ok {
			return "", fmt.Errorf("%s:%d: the struct has no member %s; the nearest are %s", file, name.Line, name.Value, nearest(name.Value, members))
		}
		given[name.Value] = n.Content[i+1]
	}
	parts := make([]string, len(members))
	for i, m := range members {
		text := "null"
		if child, ok := given[m.name]; ok {
			var err error
			if text, err = literal(file, child, m.typ); err != nil {
				return "", err
			}
		}
		parts[i] = quoteName(m.name) + " := " + text
	}
	return "struct_pack(" + strings.Join(parts, ", ") + ")", nil
}

// elementType is the type of a list's or an array's elements.
func elementType(typ string) (string, bool) {
	open := strings.LastIndexByte(typ, '[')
	if !strings.HasSuffix(typ, "]") || open < 0 {
		return "", false
	}
	return typ[:open], true
}

// structMembers splits "STRUCT(a INTEGER, "b c" VARCHAR[])".
func structMembers(typ string) ([]column, bool) {
	args, ok := arguments(typ, "STRUCT")
	if !ok {
		return nil, false
	}
	members := make([]column, 0, len(args))
	for _, arg := range args {
		end := nameEnd(arg)
		name := arg[:end]
		if strings.HasPrefix(name, `"`) {
			name = strings.ReplaceAll(strings.Trim(name, `"`), `""`, `"`)
		}
		members = append(members, column{name: name, typ: strings.TrimSpace(arg[end:])})
	}
	return members, true
}

// nameEnd is where the member name at the start of a text ends.
func nameEnd(arg string) int {
	isQuoted := false
	for i, r := range arg {
		switch {
		case r == '"':
			isQuoted = !isQuoted
		case r == ' ' && !isQuoted:
			return i
		}
	}
	return len(arg)
}

// arguments splits "NAME(a, b)" at the commas that are in no inner brackets.
func arguments(typ, name string) ([]string, bool) {
	body, ok := strings.CutPrefix(typ, name+"(")
	if !ok || !strings.HasSuffix(body, ")") {
		return nil, false
	}
	body = body[:len(body)-1]
	var out []string
	depth, start, isQuoted := 0, 0, false
	for i, r := range body {
		switch {
		case r == '"':
			isQuoted = !isQuoted
		case isQuoted:
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			out = append(out, strings.TrimSpace(body[start:i]))
			start = i + 1
		}
	}
	return append(out, strings.TrimSpace(body[start:])), true
}

// near lists up to three names like the one given.
func near(name string, names []string) string {
	return strings.Join(transforms.Nearest(name, names), ", ")
}
