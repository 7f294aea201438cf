package sqltest

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"go.yaml.in/yaml/v3"
)

// testFile is a parsed <name>_test.yaml.
type testFile struct {
	file, text string
	cases      []testCase
}

// testCase is one item of a test file: a model's or a check's rows, or a
// macro's expression.
type testCase struct {
	file    string
	line    int
	name    string
	ordered bool
	expr    string
	given   []givenTable
	expect  *yaml.Node // nil where absent
	span    lines      // of "expect: ..." in the file; empty where absent
	item    *yaml.Node // the whole test
	next    int        // line after the test
}

// lines is a range of lines from 1, last excluded.
type lines struct{ first, last int }

type givenTable struct {
	table string
	line  int
	rows  []row
}

// row is one mapping of column names to values.
type row struct {
	line  int
	names []*yaml.Node
	cells map[string]*yaml.Node
}

// load reads the tests of a file. Models must have some; checks are compiled
// in any case, and macros are run by the models.
func (s *suite) load(x subject) (testFile, error) {
	f := testFile{file: x.testFile()}
	text, err := fs.ReadFile(s.fsys, f.file)
	if errors.Is(err, fs.ErrNotExist) {
		if x.kind == modelFile {
			return f, fmt.Errorf("%s has no test; write %s: see transforms/README.md", x.file, f.file)
		}
		return f, nil
	}
	if err != nil {
		return f, err
	}
	f.text = string(text)
	f.cases, err = parseCases(f.file, f.text, x.kind)
	return f, err
}

func parseCases(file, text string, k kind) ([]testCase, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.SequenceNode || len(doc.Content[0].Content) == 0 {
		return nil, fmt.Errorf("%s:1: it holds no list of tests; start with `- name: claim`, given and expect", file)
	}
	end := 1 + strings.Count(text, "\n")
	if !strings.HasSuffix(text, "\n") {
		end++
	}
	items := doc.Content[0].Content
	cases := make([]testCase, 0, len(items))
	names := map[string]bool{}
	for i, item := range items {
		next := end
		if i+1 < len(items) {
			next = items[i+1].Line
		}
		c, err := parseCase(file, item, next, k)
		if err != nil {
			return nil, err
		}
		if names[c.name] {
			return nil, fmt.Errorf("%s:%d: two tests are named %q; a name is a claim of its own", file, c.line, c.name)
		}
		names[c.name] = true
		cases = append(cases, c)
	}
	return cases, nil
}

// parseCase reads one item that ends before line next.
func parseCase(file string, item *yaml.Node, next int, k kind) (testCase, error) {
	c := testCase{file: file, line: item.Line, item: item, next: next}
	if item.Kind != yaml.MappingNode {
		return c, fmt.Errorf("%s:%d: a test is a mapping; write `- name: claim`", file, item.Line)
	}
	for i := 0; i < len(item.Content); i += 2 {
		key, value := item.Content[i], item.Content[i+1]
		err := error(nil)
		switch {
		case key.Value == "expect":
			c.expect, c.span = value, lines{key.Line, next}
			if i+2 < len(item.Content) {
				c.span.last = item.Content[i+2].Line
			}
		case key.Value == "name" && k != macroFile:
			c.name = value.Value
		case key.Value == "given" && k != macroFile:
			c.given, err = parseGiven(file, value)
		case key.Value == "ordered" && k != macroFile:
			err = value.Decode(&c.ordered)
		case key.Value == "expr" && k == macroFile:
			c.expr, c.name = value.Value, value.Value
		default:
			allowed := "name, given, expect and ordered"
			if k == macroFile {
				allowed = "expr and expect"
			}
			err = fmt.Errorf("unknown key %q; the keys are %s", key.Value, allowed)
		}
		if err != nil {
			return c, fmt.Errorf("%s:%d: %w", file, key.Line, err)
		}
	}
	if c.name == "" {
		key := "name"
		if k == macroFile {
			key = "expr"
		}
		return c, fmt.Errorf("%s:%d: the test has no %s; add it", file, item.Line, key)
	}
	return c, nil
}

func parseGiven(file string, node *yaml.Node) ([]givenTable, error) {
	if node.Kind != yaml.MappingNode {
		return nil, errors.New("given is a mapping of schema.table to rows")
	}
	var out []givenTable
	for i := 0; i < len(node.Content); i += 2 {
		rows, err := parseRows(file, node.Content[i+1])
		if err != nil {
			return nil, err
		}
		out = append(out, givenTable{table: node.Content[i].Value, line: node.Content[i].Line, rows: rows})
	}
	return out, nil
}

// parseRows reads a list of mappings.
func parseRows(file string, node *yaml.Node) ([]row, error) {
	node = resolve(node)
	if node.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("%s:%d: rows are a list; write [] for none", file, node.Line)
	}
	rows := make([]row, 0, len(node.Content))
	for _, item := range node.Content {
		item = resolve(item)
		if item.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("%s:%d: a row is a mapping of columns to values", file, item.Line)
		}
		r := row{line: item.Line, cells: map[string]*yaml.Node{}}
		for i := 0; i < len(item.Content); i += 2 {
			name := item.Content[i]
			if _, twice := r.cells[name.Value]; twice {
				return nil, fmt.Errorf("%s:%d: column %s stands twice in a row; keep one", file, name.Line, name.Value)
			}
			r.names = append(r.names, name)
			r.cells[name.Value] = resolve(item.Content[i+1])
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
