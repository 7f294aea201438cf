package transforms

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// header is the comment block on top of a model or a check.
type header struct {
	file   string
	title  string // text after "<name>:" in the first line
	values map[string]headerValue
}

type headerValue struct {
	text string
	line int
}

// parseHeader reads the leading comment lines. The first is "-- <name>: text";
// the others are "-- key: text" with a key that is known, once each, and all
// of required are there. Lines after "-- why:" that start with no known key go
// on with it.
func parseHeader(file, text string, required []string) (header, error) {
	name := strings.TrimSuffix(path.Base(file), ".sql")
	h := header{file: file, values: map[string]headerValue{}}
	known := append([]string{"why"}, required...)
	last := ""
	for i, line := range strings.Split(text, "\n") {
		comment, ok := strings.CutPrefix(line, "--")
		if !ok {
			break
		}
		comment = strings.TrimSpace(comment)
		key, value, hasColon := strings.Cut(comment, ":")
		value = strings.TrimSpace(value)
		switch {
		case i == 0:
			if !hasColon || key != name || value == "" {
				return h, fault(file, 1, "the first line is %q", line).WithFix("write -- %s: <what it is>; the name is the file's", name)
			}
			h.title = value
		case hasColon && slices.Contains(known, key):
			if _, twice := h.values[key]; twice {
				return h, fault(file, i+1, "header %q stands twice", key).WithFix("keep one")
			}
			if value == "" {
				return h, fault(file, i+1, "header %q is empty", key).WithFix("write none where there is nothing to say")
			}
			h.values[key] = headerValue{text: value, line: i + 1}
			last = key
		case last == "why":
			v := h.values["why"]
			v.text += " " + comment
			h.values["why"] = v
		default:
			return h, fault(file, i+1, "unknown header %q", comment).WithFix("the headers are %s; prose goes after -- why:", strings.Join(known, ", "))
		}
	}
	if h.title == "" {
		return h, fault(file, 1, "no header").WithFix("start the file with -- %s: <what it is>", name)
	}
	for _, key := range required {
		if _, ok := h.values[key]; !ok {
			return h, fault(file, 1, "header %q is missing", key).WithFix("add a line -- %s: ... below the first", key)
		}
	}
	return h, nil
}

// columnName is a column or a table in a header: no quoting, lower case.
var columnName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// names reads "a, b" or "none".
func (h header) names(key string) ([]string, error) {
	v := h.values[key]
	if v.text == "none" {
		return nil, nil
	}
	var names []string
	for part := range strings.SplitSeq(v.text, ",") {
		part = strings.TrimSpace(part)
		if !columnName.MatchString(part) {
			return nil, fault(h.file, v.line, "%s has %q, which is no column name", key, part).WithFix("write none, or column names with commas between")
		}
		if slices.Contains(names, part) {
			return nil, fault(h.file, v.line, "%s names %s twice", key, part).WithFix("keep one")
		}
		names = append(names, part)
	}
	return names, nil
}

var foreignKey = regexp.MustCompile(`^([a-z_][a-z0-9_]*)\s*->\s*([a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*)\.([a-z_][a-z0-9_]*)$`)

// foreignKeys reads "col -> schema.table.col, ..." or "none".
func (h header) foreignKeys() ([]ForeignKey, error) {
	v := h.values["keys"]
	if v.text == "none" {
		return nil, nil
	}
	var keys []ForeignKey
	for part := range strings.SplitSeq(v.text, ",") {
		match := foreignKey.FindStringSubmatch(strings.TrimSpace(part))
		if match == nil {
			return nil, fault(h.file, v.line, "keys has %q", strings.TrimSpace(part)).WithFix("write none, or column -> schema.table.column with commas between")
		}
		keys = append(keys, ForeignKey{Column: match[1], Table: match[2], Target: match[3]})
	}
	return keys, nil
}

// choice reads a value that is one of a few words.
func (h header) choice(key string, words ...string) (string, error) {
	v := h.values[key]
	if !slices.Contains(words, v.text) {
		last := len(words) - 1
		return "", fault(h.file, v.line, "%s is %q", key, v.text).WithFix("write %s or %s", strings.Join(words[:last], ", "), words[last])
	}
	return v.text, nil
}

func parseModel(schema, file, text string) (*Model, error) {
	m := &Model{Schema: schema, Name: strings.TrimSuffix(path.Base(file), ".sql"), File: file, SQL: text}
	if !columnName.MatchString(m.Name) {
		return nil, fault(file, 1, "the file name is no table name").WithFix("use lower case letters, digits and _")
	}
	h, err := parseHeader(file, text, []string{"grain", "keys", "materialize", "pii"})
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(h.title, "one row") {
		return nil, fault(file, 1, "the first line does not say what a row is").WithFix("write -- %s: one row per ...", m.Name)
	}
	m.Summary, m.Why = h.title, h.values["why"].text
	if m.Grain, err = h.names("grain"); err != nil {
		return nil, err
	}
	if m.PII, err = h.names("pii"); err != nil {
		return nil, err
	}
	if m.Keys, err = h.foreignKeys(); err != nil {
		return nil, err
	}
	mode, err := h.choice("materialize", "table", "view", "append")
	if err != nil {
		return nil, err
	}
	m.View, m.Append = mode == "view", mode == "append"
	key := partitionKeys[schema]
	if m.Append && key == "" {
		return nil, fault(file, h.values["materialize"].line, "a model of %s cannot append", schema).
			WithFix("write -- materialize: table; a scratch table lives as long as one process")
	}
	if key != "" {
		if m.View {
			return nil, fault(file, h.values["materialize"].line, "a model of %s cannot be a view", schema).
				WithFix("write -- materialize: table; the lake keeps rows, not queries over a process's scratch tables")
		}
		if len(m.Grain) > 0 && !slices.Contains(m.Grain, key) {
			return nil, fault(file, h.values["grain"].line, "the grain lacks %s, by which %s is written", key, schema).WithFix("add %s to the grain", key)
		}
	}
	return m, oneStatement(file, text)
}

func parseCheck(file, text string) (*Check, error) {
	name := strings.TrimSuffix(path.Base(file), ".sql")
	if model, claim, ok := strings.Cut(name, "__"); !ok || model == "" || claim == "" {
		return nil, fault(file, 1, "the file name does not say which model it checks").WithFix("name it <model>__<claim>.sql")
	}
	h, err := parseHeader(file, text, []string{"severity"})
	if err != nil {
		return nil, err
	}
	c := &Check{Name: name, Claim: h.title, File: file, SQL: text}
	severity, err := h.choice("severity", "error", "warn")
	if err != nil {
		return nil, err
	}
	c.Warn = severity == "warn"
	return c, oneStatement(file, text)
}
