package sqltest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/leadlake/leadlake/transforms"
)

// updated returns the test file with every expect replaced by what comes out
// now. All else, comments too, stays as it is.
func (s *suite) updated(ctx context.Context, x subject, f testFile) (string, error) {
	text := strings.Split(f.text, "\n")
	for _, c := range slices.Backward(f.cases) {
		if c.expect != nil && s.run(ctx, x, c) == nil {
			continue
		}
		expect, err := s.freshExpect(ctx, x, c)
		if err != nil {
			return "", err
		}
		fresh, span, err := rewritten(c, expect)
		if err != nil {
			return "", err
		}
		first, last := span.first-1, span.last-1
		// blank lines and comments before the next test belong to that
		for last > first+1 && isFiller(text[last-1]) {
			last--
		}
		text = slices.Replace(text, first, last, fresh...)
	}
	return strings.Join(text, "\n"), nil
}

func isFiller(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "#")
}

// rewritten renders a new expect and says which lines it takes the place of: a
// test in braces is written anew as a whole.
func rewritten(c testCase, expect *yaml.Node) ([]string, lines, error) {
	if c.item.Style&yaml.FlowStyle != 0 {
		item := *c.item
		item.Content = slices.Clone(item.Content)
		at := slices.Index(item.Content, c.expect)
		if at < 0 {
			item.Content = append(item.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "expect"}, nil)
			at = len(item.Content) - 1
		}
		item.Content[at] = expect
		text, err := oneLine(&item)
		return []string{"- " + text}, lines{c.line, c.next}, err
	}
	span := c.span
	if c.expect == nil {
		span = lines{c.line + 1, c.line + 1} // below the line that starts the test
	}
	if expect.Kind != yaml.SequenceNode || len(expect.Content) == 0 || c.expr != "" {
		text, err := oneLine(expect)
		return []string{"  expect: " + text}, span, err
	}
	out := []string{"  expect:"}
	for _, r := range expect.Content {
		text, err := oneLine(r)
		if err != nil {
			return nil, span, err
		}
		out = append(out, "    - "+text)
	}
	return out, span, nil
}

func oneLine(n *yaml.Node) (string, error) {
	out, err := yaml.Marshal(n)
	return strings.TrimSuffix(string(out), "\n"), err
}

// freshExpect is what comes out now: a list of rows, or a macro's value.
func (s *suite) freshExpect(ctx context.Context, x subject, c testCase) (*yaml.Node, error) {
	if x.kind == macroFile {
		got, _, err := s.evaluate(ctx, c)
		if err != nil {
			return nil, err
		}
		return jsonNode(got[0])
	}
	got, err := s.results(ctx, x, c)
	if err != nil {
		return nil, err
	}
	rows := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, r := range got {
		node, err := jsonNode(r)
		if err != nil {
			return nil, err
		}
		rows.Content = append(rows.Content, node)
	}
	return rows, nil
}

// results runs a test for its rows: the columns that the old expect names, or
// else those that hold a value in some row.
func (s *suite) results(ctx context.Context, x subject, c testCase) ([]string, error) {
	if err := s.fill(ctx, x, c); err != nil {
		return nil, err
	}
	defer s.empty(ctx, c)
	columns, err := s.db.describe(ctx, x.sql)
	if err != nil {
		return nil, transforms.SQLError("run model", x.file, err)
	}
	var expect []row
	if c.expect != nil {
		if expect, err = parseRows(c.file, c.expect); err != nil {
			return nil, err
		}
	}
	isNamed := map[string]bool{}
	for _, r := range expect {
		for name := range r.cells {
			isNamed[name] = true
		}
	}
	named := slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return !isNamed[c.name] })
	if len(named) == 0 {
		if named, err = s.filled(ctx, x, columns); err != nil {
			return nil, err
		}
	}
	got, err := s.db.texts(ctx, rowsAsJSON(named, x.sql))
	if err != nil {
		return nil, transforms.SQLError("run model", x.file, err)
	}
	if !c.ordered {
		slices.Sort(got)
	}
	return got, nil
}

// filled are the columns with a value in some row; all where there is none.
func (s *suite) filled(ctx context.Context, x subject, columns []column) ([]column, error) {
	counts := make([]string, len(columns))
	for i, c := range columns {
		counts[i] = "count(" + quoteName(c.name) + ") > 0"
	}
	var flags string
	query := "select cast(to_json([" + strings.Join(counts, ", ") + "]) as varchar) from (" + x.sql + "\n)"
	if err := s.db.QueryRow(ctx, query).Scan(&flags); err != nil {
		return nil, transforms.SQLError("run model", x.file, err)
	}
	var isFilled []bool
	if err := json.Unmarshal([]byte(flags), &isFilled); err != nil {
		return nil, err
	}
	var out []column
	for i, c := range columns {
		if isFilled[i] {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return columns, nil
	}
	return out, nil
}

// jsonNode reads a JSON text as YAML in braces, keys in order.
func jsonNode(text string) (*yaml.Node, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return decodeNode(decoder)
}

// decodeNode reads one JSON value as a YAML node; keys keep their order.
func decodeNode(d *json.Decoder) (*yaml.Node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		node := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		if t == '{' {
			node.Kind = yaml.MappingNode
		}
		for d.More() {
			child, err := decodeNode(d) // keys come as tokens of their own
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, child)
		}
		_, err := d.Token()
		return node, err
	case json.Number:
		number, _ := rounded(t).(json.Number)
		return &yaml.Node{Kind: yaml.ScalarNode, Value: number.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprint(t)}, nil
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	}
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: fmt.Sprint(token)}
	if strings.Contains(node.Value, "\n") {
		node.Style = yaml.DoubleQuotedStyle // a block would need lines of its own
	}
	return node, nil
}
