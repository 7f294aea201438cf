package models

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"go.yaml.in/yaml/v3"

	"github.com/leadlake/leadlake"
)

//go:embed rules/*.yaml
var ruleFiles embed.FS

// Baseline returns the rules that ship with leadlake.
func Baseline() (*Rules, error) {
	const name = "rules/baseline.yaml"
	text, err := ruleFiles.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return ParseRules(name, text)
}

// ruleFile is the text of a rule file. Values are kept as nodes, so that an
// error names the line that it is about.
type ruleFile struct {
	Version scalar     `yaml:"version"`
	Tiers   []tierText `yaml:"tiers"`
	Rules   []ruleText `yaml:"rules"`
}

type tierText struct {
	Tier scalar `yaml:"tier"`
	Min  number `yaml:"min"`
}

type ruleText struct {
	ID        scalar     `yaml:"id"`
	Points    number     `yaml:"points"`
	Verticals []scalar   `yaml:"verticals"`
	When      []condText `yaml:"when"`
	Because   scalar     `yaml:"because"`
}

type condText struct {
	Feature scalar    `yaml:"feature"`
	Op      scalar    `yaml:"op"`
	Value   yaml.Node `yaml:"value"`
}

// scalar is a text with its line.
type scalar struct {
	text string
	line int
}

func (s *scalar) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: want a plain text", n.Line)
	}
	*s = scalar{text: n.Value, line: n.Line}
	return nil
}

// number is a whole number with its line.
type number struct {
	value int32
	line  int
}

func (m *number) UnmarshalYAML(n *yaml.Node) error {
	m.line = n.Line
	if err := n.Decode(&m.value); err != nil {
		return fmt.Errorf("line %d: want a whole number, not %q", n.Line, n.Value)
	}
	return nil
}

// ParseRules reads a rule file and checks it whole. An error is Invalid and
// names the file and, where there is one, the line.
func ParseRules(file string, text []byte) (*Rules, error) {
	fail := func(err error) (*Rules, error) {
		return nil, leadlake.Errorf(leadlake.Invalid, "read rules %s: %w", file, err)
	}
	var parsed ruleFile
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	switch err := decoder.Decode(&parsed); {
	case errors.Is(err, io.EOF):
		return fail(errors.New("the file is empty"))
	case err != nil:
		return fail(err)
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return fail(errors.New("want one YAML document and nothing after it"))
	}
	rules, err := compile(parsed)
	if err != nil {
		return fail(err)
	}
	sum := sha256.Sum256(text)
	rules.name = "rules@" + parsed.Version.text + "-" + hex.EncodeToString(sum[:4])
	return rules, nil
}

var versionForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.]*$`)

func compile(f ruleFile) (*Rules, error) {
	if !versionForm.MatchString(f.Version.text) {
		return nil, fmt.Errorf("line %d: version %q: want digits, letters and dots", f.Version.line, f.Version.text)
	}
	r := &Rules{mem: memory.DefaultAllocator}
	var err error
	if r.tiers, err = compileTiers(f.Tiers); err != nil {
		return nil, err
	}
	if len(f.Rules) == 0 {
		return nil, errors.New("rules: want at least one")
	}
	seen := map[string]bool{}
	for _, text := range f.Rules {
		if text.ID.text == "" || seen[text.ID.text] {
			return nil, fmt.Errorf("line %d: rule id %q: want one that no other rule has", ruleLine(text), text.ID.text)
		}
		seen[text.ID.text] = true
		compiled, err := compileRule(text)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", text.ID.text, err)
		}
		r.rules = append(r.rules, compiled)
	}
	// Reasons come strongest first; the file's order settles ties.
	slices.SortStableFunc(r.rules, func(a, b rule) int { return int(b.points - a.points) })
	return r, nil
}

// ruleLine is a line of a rule, also where its id is absent.
func ruleLine(text ruleText) int {
	if text.ID.line > 0 {
		return text.ID.line
	}
	return text.Points.line
}

func compileTiers(texts []tierText) ([]tier, error) {
	want := []leadlake.Tier{leadlake.TierA, leadlake.TierB, leadlake.TierC}
	if len(texts) != len(want) {
		return nil, fmt.Errorf("tiers: want %v in this order, each once", want)
	}
	var tiers []tier
	below := int32(maxScore) + 1
	for i, text := range texts {
		if text.Tier.text != string(want[i]) {
			return nil, fmt.Errorf("line %d: tier %q: want %s here", text.Tier.line, text.Tier.text, want[i])
		}
		if text.Min.value < 0 || text.Min.value >= below {
			return nil, fmt.Errorf("line %d: tier %s: min %d: want 0 to %d", text.Tier.line, want[i], text.Min.value, below-1)
		}
		below = text.Min.value
		tiers = append(tiers, tier{name: text.Tier.text, min: text.Min.value})
	}
	if below != 0 {
		return nil, fmt.Errorf("line %d: tier %s: min %d: want 0, so that every score has a tier", texts[2].Tier.line, want[2], below)
	}
	return tiers, nil
}

func compileRule(text ruleText) (rule, error) {
	r := rule{id: text.ID.text, points: text.Points.value}
	// Only positive points: more evidence never lowers a score.
	if r.points < 1 || r.points > maxScore {
		return rule{}, fmt.Errorf("line %d: points %d: want 1 to %d", max(text.Points.line, text.ID.line), r.points, maxScore)
	}
	if len(text.Verticals) > 0 {
		names := make([]string, len(text.Verticals))
		for i, v := range text.Verticals {
			if !slices.Contains(leadlake.Verticals, leadlake.Vertical(v.text)) {
				return rule{}, fmt.Errorf("line %d: vertical %q: want one of %v", v.line, v.text, leadlake.Verticals)
			}
			names[i] = v.text
		}
		r.when = append(r.when, condition{feature: colVertical, test: oneOf(names)})
	}
	if len(text.When) == 0 {
		return rule{}, fmt.Errorf("line %d: when: want at least one condition", ruleLine(text))
	}
	for _, c := range text.When {
		compiled, err := compileCondition(c)
		if err != nil {
			return rule{}, err
		}
		r.when = append(r.when, compiled)
	}
	var err error
	r.because, err = compileReason(text.Because, r.points)
	return r, err
}

func compileCondition(text condText) (condition, error) {
	line := max(text.Feature.line, text.Op.line, text.Value.Line)
	kind, err := featureType(text.Feature.text)
	if err != nil {
		return condition{}, fmt.Errorf("line %d: %w", line, err)
	}
	var names []string
	for _, op := range operators(kind) {
		if op.name != text.Op.text {
			names = append(names, op.name)
			continue
		}
		test, err := op.compile(&text.Value)
		if err != nil {
			return condition{}, fmt.Errorf("line %d: %s %s: %w", line, text.Feature.text, op.name, err)
		}
		return condition{feature: text.Feature.text, test: test}, nil
	}
	return condition{}, fmt.Errorf("line %d: op %q does not fit %s, which is %s: want one of %v",
		line, text.Op.text, text.Feature.text, typeName(kind), names)
}

// featureType looks a feature up. The keys are no features.
func featureType(name string) (arrow.DataType, error) {
	var names []string
	for _, f := range Features().Fields()[2:] {
		if f.Name == name {
			return f.Type, nil
		}
		names = append(names, f.Name)
	}
	return nil, fmt.Errorf("feature %q is unknown: want one of %s", name, strings.Join(names, ", "))
}

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// compileReason splits a template into constant text and features.
func compileReason(text scalar, points int32) ([]part, error) {
	if strings.TrimSpace(text.text) == "" {
		return nil, errors.New("because: want the reason that people read")
	}
	template := strings.ReplaceAll(text.text, "{points}", fmt.Sprint(points))
	var parts []part
	rest := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(template, -1) {
		name := template[at[2]:at[3]]
		kind, err := featureType(name)
		if err != nil {
			return nil, fmt.Errorf("line %d: because: %w", text.line, err)
		}
		if id := kind.ID(); id == arrow.LIST || id == arrow.BOOL {
			return nil, fmt.Errorf("line %d: because: %s is %s and cannot stand in a text", text.line, name, typeName(kind))
		}
		parts = append(parts, part{text: template[rest:at[0]]}, part{feature: name})
		rest = at[1]
	}
	if strings.ContainsAny(placeholder.ReplaceAllString(template, ""), "{}") {
		return nil, fmt.Errorf("line %d: because: a brace has no partner", text.line)
	}
	return append(parts, part{text: template[rest:]}), nil
}
