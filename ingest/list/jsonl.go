package list

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

const (
	// sampleObjects is how many lines tell the columns of a file. Columns
	// that begin later are kept under other.
	sampleObjects = 10_000
	// maxNesting is how deep objects are taken apart into dotted columns.
	maxNesting = 8
)

// jsonlReader takes one object a line apart into values.
type jsonlReader struct {
	t       *table
	columns map[string]int
	values  []string
	tooMany bool // the row has more columns than a table may
}

// readJSONL reads one object a line. Nested objects become dotted columns,
// arrays stay JSON.
func (t *table) readJSONL(in file) error {
	names, err := t.jsonColumns(in, sampleObjects)
	if err != nil {
		return err
	}
	err = t.setColumns(names)
	if unknown := (unknownColumnError{}); errors.As(err, &unknown) {
		// The column that the user names may begin late: look at all lines.
		if names, err = t.jsonColumns(in, -1); err != nil {
			return err
		}
		err = t.setColumns(names)
	}
	if err != nil {
		return err
	}
	r := jsonlReader{t: t, columns: map[string]int{}, values: make([]string, len(names))}
	for i, name := range names {
		r.columns[name] = i
	}
	return t.eachLine(in, func(num int64, text []byte) error {
		object, problem := parseObject(text)
		if problem == nil {
			r.tooMany = false
			clear(r.values)
			r.take("", object, 0)
			if r.tooMany {
				problem = &ingest.Problem{Code: "too_many_columns", Reason: "the file has more different keys than a table may have; put varying keys into an array"}
			}
		}
		return t.add(num, r.values, text, problem)
	})
}

// take puts the members of an object into their columns.
func (r *jsonlReader) take(prefix string, object gjson.Result, depth int) {
	eachMember(prefix, object, depth, func(name, value string) {
		i, ok := r.columns[name]
		if !ok {
			if len(r.columns) >= maxColumns {
				r.tooMany = true
				return
			}
			i = r.t.addColumn(name)
			r.columns[name] = i
			r.values = append(r.values, "")
		}
		r.values[i] = value
	})
}

// eachMember calls fn with the dotted name and the text of every member.
func eachMember(prefix string, object gjson.Result, depth int, fn func(name, value string)) {
	object.ForEach(func(key, value gjson.Result) bool {
		name := prefix + key.Str
		switch {
		case value.Type == gjson.Null:
			fn(name, "")
		case value.IsObject() && depth < maxNesting:
			eachMember(name+".", value, depth+1, fn)
		case value.Type == gjson.String:
			fn(name, value.Str)
		default:
			fn(name, value.Raw)
		}
		return true
	})
}

// parseObject checks the line as a whole: gjson itself trusts its input.
func parseObject(text []byte) (gjson.Result, *ingest.Problem) {
	var problem *ingest.Problem
	switch trimmed := bytes.TrimSpace(text); {
	case len(text) > maxLine:
		problem = tooLong(len(text))
	case bytes.IndexByte(text, 0) >= 0:
		problem = &ingest.Problem{Code: "nul_byte", Reason: "the line has a NUL byte; export the file again, or set encoding if it is UTF-16"}
	case !json.Valid(text):
		problem = &ingest.Problem{Code: "bad_json", Reason: "the line is not JSON; write one whole object a line"}
	case trimmed[0] != '{':
		problem = &ingest.Problem{Code: "bad_json", Reason: "the line is JSON but no object; write one object a line"}
	default:
		return gjson.Parse(string(text)), nil
	}
	return gjson.Result{}, problem
}

// jsonColumns collects the columns of the first lines, of all for most < 0.
func (t *table) jsonColumns(in file, most int) ([]string, error) {
	var names []string
	seen := map[string]bool{}
	objects, lines := 0, 0
	enough := errors.New("enough lines")
	err := t.eachLine(in, func(num int64, text []byte) error {
		lines++
		if lines == 1 && bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
			return leadlake.Errorf(leadlake.Invalid, "list %s, line %d: the file is a JSON array", t.file, num).
				WithFix("write one object a line, for example with: jq -c '.[]'")
		}
		object, problem := parseObject(text)
		if problem == nil {
			objects++
			eachMember("", object, 0, func(name, _ string) {
				if !seen[name] && len(names) < maxColumns {
					seen[strings.Clone(name)] = true
					names = append(names, strings.Clone(name))
				}
			})
		}
		if most >= 0 && lines >= most {
			return enough
		}
		return nil
	})
	switch {
	case err != nil && !errors.Is(err, enough):
		return nil, err
	case lines == 0:
		return nil, leadlake.Errorf(leadlake.Invalid, "list %s: the file has only blank lines", t.file).
			WithFix("write one JSON object a line")
	case objects == 0:
		return nil, leadlake.Errorf(leadlake.Invalid, "list %s: none of the first %d lines is a JSON object", t.file, lines).
			WithFix("write one JSON object a line, or set format if the file is no jsonl")
	}
	return names, nil
}

// eachLine calls fn with every line that is not blank.
func (t *table) eachLine(in file, fn func(num int64, text []byte) error) error {
	text, err := t.text(in)
	if err != nil {
		return err
	}
	l := newLines(t.file, text)
	for {
		line, err := l.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		line = trimEnd(line)
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := fn(l.num, line); err != nil {
			return err
		}
	}
}
