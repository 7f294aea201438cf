package deliver

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/leadlake/leadlake"
)

//go:embed mappings
var mappings embed.FS

// Mapping says which fields of a lead go to which fields of a destination. It
// is kept with each delivery, so that a delivery ends as it began.
type Mapping struct {
	Version int            `yaml:"version" json:"version"`
	Key     string         `yaml:"key" json:"key"` // path of the natural key: lead_id, or emails[0].value
	Fields  []FieldMapping `yaml:"fields" json:"fields"`
}

// FieldMapping fills one field of a destination. One of From, First, Join,
// Format and Constant says with what. A path is that of a lead's JSON:
// address.city, phones[0].value, phones[*].value, emails[type=role].value.
type FieldMapping struct {
	To        string            `yaml:"to" json:"to"`
	From      string            `yaml:"from,omitempty" json:"from,omitempty"`         // a path
	First     []string          `yaml:"first,omitempty" json:"first,omitempty"`       // paths: the first that has a value
	Join      []string          `yaml:"join,omitempty" json:"join,omitempty"`         // paths: all that have a value
	With      string            `yaml:"with,omitempty" json:"with,omitempty"`         // what stands between what is joined; ", " by default
	Format    string            `yaml:"format,omitempty" json:"format,omitempty"`     // text with {path} in it; no value where one of the paths has none
	Constant  any               `yaml:"constant,omitempty" json:"constant,omitempty"` // the same for all leads
	Lookup    map[string]string `yaml:"lookup,omitempty" json:"lookup,omitempty"`     // their word for ours
	Else      string            `yaml:"else,omitempty" json:"else,omitempty"`         // what a Lookup gives for a word that it lacks; "": no value
	Default   string            `yaml:"default,omitempty" json:"default,omitempty"`   // where there is no value
	Required  bool              `yaml:"required,omitempty" json:"required,omitempty"` // a lead without a value is not delivered
	Truncate  bool              `yaml:"truncate,omitempty" json:"truncate,omitempty"` // a text that is too long is cut, rather than refused
	Overwrite Policy            `yaml:"overwrite,omitempty" json:"overwrite,omitempty"`
	Null      NullPolicy        `yaml:"no_value,omitempty" json:"no_value,omitempty"`
}

// Policy says when a value that the destination has is replaced.
type Policy string

// The policies. A value that somebody changed at the destination counts as
// sure: IfLowerConfidence leaves it alone.
const (
	Always            Policy = "always" // by default
	IfEmpty           Policy = "if_empty"
	IfOlder           Policy = "if_older"            // their record was changed before our lead
	IfLowerConfidence Policy = "if_lower_confidence" // what we wrote before was less sure
	Never             Policy = "never"               // only new records get a value
)

var policies = []Policy{Always, IfEmpty, IfOlder, IfLowerConfidence, Never}

// NullPolicy says what a lead without a value does to a field.
type NullPolicy string

// The policies for no value.
const (
	Keep  NullPolicy = "keep"  // nothing; by default
	Clear NullPolicy = "clear" // it is emptied
)

// ParseMapping reads a mapping in YAML. A key that does not exist is an error.
func ParseMapping(text []byte) (Mapping, error) {
	var m Mapping
	if err := yaml.UnmarshalWithOptions(text, &m, yaml.Strict()); err != nil {
		return m, leadlake.Errorf(leadlake.Invalid, "read mapping: %w", err).WithFix("compare it with a default mapping, in serve/deliver/mappings")
	}
	return m, m.check()
}

// DefaultMapping is the mapping that a kind of destination begins with.
func DefaultMapping(kind string) (Mapping, error) {
	text, err := fs.ReadFile(mappings, "mappings/"+kind+".yaml")
	if err != nil {
		return Mapping{}, leadlake.Errorf(leadlake.NotFound, "no default mapping for %s", kind).WithFix("name one of %s", strings.Join(mapped(), ", "))
	}
	return ParseMapping(text)
}

// mapped are the kinds that have a default mapping.
func mapped() []string {
	entries, _ := fs.ReadDir(mappings, "mappings") // it is embedded
	kinds := make([]string, len(entries))
	for i, e := range entries {
		kinds[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return kinds
}

// check finds what is wrong with a mapping by itself.
func (m Mapping) check() error {
	fault := func(format string, args ...any) *leadlake.Error {
		return leadlake.Errorf(leadlake.Invalid, "mapping: "+format, args...)
	}
	if m.Key == "" {
		return fault("key is missing").WithFix("name the path of the natural key, such as lead_id")
	}
	if err := checkPath(m.Key); err != nil {
		return fault("key: %w", err)
	}
	if len(m.Fields) == 0 {
		return fault("it has no fields")
	}
	seen := map[string]bool{}
	for i, f := range m.Fields {
		if f.To == "" {
			return fault("field %d: to is missing", i+1)
		}
		if seen[f.To] {
			return fault("field %s: it is filled twice", f.To)
		}
		seen[f.To] = true
		if err := f.check(); err != nil {
			return fault("field %s: %w", f.To, err)
		}
	}
	return nil
}

func (f FieldMapping) check() error {
	ways := 0
	for _, has := range []bool{f.From != "", len(f.First) > 0, len(f.Join) > 0, f.Format != "", f.Constant != nil} {
		if has {
			ways++
		}
	}
	if ways != 1 {
		return fmt.Errorf("it has %d of from, first, join, format and constant; it needs one", ways)
	}
	if f.Overwrite != "" && !slices.Contains(policies, f.Overwrite) {
		return fmt.Errorf("overwrite %q: want one of %v", f.Overwrite, policies)
	}
	if f.Null != "" && f.Null != Keep && f.Null != Clear {
		return fmt.Errorf("no_value %q: want %s or %s", f.Null, Keep, Clear)
	}
	for _, path := range f.paths() {
		if err := checkPath(path); err != nil {
			return err
		}
	}
	return nil
}

// paths lists what a field is made of.
func (f FieldMapping) paths() []string {
	paths := slices.Concat(f.First, f.Join)
	if f.From != "" {
		paths = append(paths, f.From)
	}
	for _, p := range formatParts(f.Format) {
		if p.path != "" {
			paths = append(paths, p.path)
		}
	}
	return paths
}

// policy of the field of that name.
func (m Mapping) policy(to string) Policy {
	for _, f := range m.Fields {
		if f.To == to && f.Overwrite != "" {
			return f.Overwrite
		}
	}
	return Always
}

// has says whether any field has a policy.
func (m Mapping) has(p Policy) bool {
	return slices.ContainsFunc(m.Fields, func(f FieldMapping) bool { return f.Overwrite == p })
}

func (m Mapping) json() string {
	text, err := json.Marshal(m)
	if err != nil { // constants come from YAML
		return "{}"
	}
	return string(text)
}

// planned is a mapping as a delivery keeps it: with what was known of the fields
// that it fills.
type planned struct {
	Mapping
	Schema *Schema `json:"schema,omitempty"`
}

func (m Mapping) planned(s Schema) string {
	of := m.fieldsOf(s)
	return string(Value(planned{m, &of}))
}

// fieldsOf is the part of a schema that a mapping has to do with.
func (m Mapping) fieldsOf(s Schema) Schema {
	var part Schema
	for _, f := range s.Fields {
		if f.Required || slices.ContainsFunc(m.Fields, func(mine FieldMapping) bool { return mine.To == f.Name }) {
			part.Fields = append(part.Fields, f)
		}
	}
	return part
}

func (m Mapping) sameFields(a, b Schema) bool {
	return string(Value(m.fieldsOf(a))) == string(Value(m.fieldsOf(b)))
}

// formatPart is a piece of a format: text, or a path.
type formatPart struct{ text, path string }

func formatParts(format string) (parts []formatPart) {
	for format != "" {
		text, rest, found := strings.Cut(format, "{")
		if text != "" {
			parts = append(parts, formatPart{text: text})
		}
		if !found {
			break
		}
		path, after, _ := strings.Cut(rest, "}")
		parts = append(parts, formatPart{path: path})
		format = after
	}
	return parts
}
