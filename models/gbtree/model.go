package gbtree

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/leadlake/leadlake"
)

// Model is a trained model, ready to score. Its methods may be called at the
// same time.
type Model struct {
	names     []string
	named     bool // the file has names
	objective objective
	base      []float32 // margin of each output before any tree
	trees     []tree
	plan      plan
	explainer func() *explainer
	scratch   sync.Pool // of *scratch
	raw       []byte    // the file
}

func build(doc *document) (*Model, error) {
	learner := doc.Learner
	features, err := count("num_feature", learner.Param.NumFeatures, maxFeatures)
	if err != nil {
		return nil, err
	}
	if features == 0 {
		return nil, errors.New("it has no features")
	}
	m := &Model{names: learner.Names, named: len(learner.Names) > 0}
	if !m.named {
		for i := range features {
			m.names = append(m.names, fmt.Sprintf("f%d", i))
		}
	}
	if len(m.names) != features {
		return nil, fmt.Errorf("it has %d names for %d features", len(m.names), features)
	}
	if m.objective, err = objectiveOf(learner.Objective.Name); err != nil {
		return nil, err
	}
	outputs := 1
	for _, p := range [...]struct{ name, text string }{
		{"num_class", learner.Param.NumClass}, {"num_target", learner.Param.NumTargets},
	} {
		if p.text == "" {
			continue
		}
		n, err := count(p.name, p.text, maxOutputs)
		if err != nil {
			return nil, err
		}
		outputs = max(outputs, n)
	}
	if outputs*(features+1) > maxResults {
		return nil, fmt.Errorf("%d outputs of %d features are more than %d contributions a row", outputs, features, maxResults)
	}
	if m.base, err = m.objective.margins(learner.Param.BaseScore, outputs); err != nil {
		return nil, err
	}
	if err := m.buildTrees(&learner.Booster); err != nil {
		return nil, err
	}
	return finish(m), nil
}

// finish lays out the trees for scoring.
func finish(m *Model) *Model {
	m.plan = makePlan(m.trees)
	m.explainer = sync.OnceValue(m.makeExplainer)
	m.scratch.New = func() any { return m.newScratch() }
	return m
}

func (m *Model) buildTrees(b *booster) error {
	forest := b.Model
	switch b.Name {
	case "gbtree":
	case "dart":
		forest = b.GBTree.Model
	default:
		return fmt.Errorf("its booster is %.20q; known are gbtree and dart", b.Name)
	}
	if forest == nil {
		return errors.New("it has no trees")
	}
	n := len(forest.Trees)
	if len(forest.Groups) != n {
		return fmt.Errorf("tree_info has %d values for %d trees", len(forest.Groups), n)
	}
	if b.Name == "dart" && len(b.Weights) != n {
		return fmt.Errorf("weight_drop has %d values for %d trees", len(b.Weights), n)
	}
	if text := forest.Param.NumTrees; text != "" {
		if said, err := count("num_trees", text, 1<<30); err != nil || said != n {
			return errors.Join(err, fmt.Errorf("it has %d trees and says %.20s", n, text))
		}
	}
	m.trees = make([]tree, n)
	for i := range forest.Trees {
		weight := float32(1)
		if b.Name == "dart" {
			weight = b.Weights[i]
		}
		var inFile fileTree
		if err := json.Unmarshal(forest.Trees[i], &inFile); err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		made, err := inFile.build(len(m.names), weight)
		if err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		if made.group = int(forest.Groups[i]); made.group < 0 || made.group >= len(m.base) {
			return fmt.Errorf("tree %d adds to output %d of %d", i, made.group, len(m.base))
		}
		m.trees[i] = made
	}
	return nil
}

// FeatureNames are the columns in their order: f0, f1 and so on where the
// model was trained without names.
func (m *Model) FeatureNames() []string { return slices.Clone(m.names) }

// Outputs is how many values a row gets: 1, or one for each class.
func (m *Model) Outputs() int { return len(m.base) }

// Objective is the name of what the model was trained for.
func (m *Model) Objective() string { return m.objective.name }

// Trees is how many trees the model has.
func (m *Model) Trees() int { return len(m.trees) }

// Save writes the file as it was read.
func (m *Model) Save(w io.Writer) error {
	if _, err := w.Write(m.raw); err != nil {
		return leadlake.Errorf(leadlake.Unavailable, "write XGBoost model: %w", err)
	}
	return nil
}

// CheckFeatures refuses a matrix of other columns than the model was trained
// on, and names those that differ. A model without names can only be held to
// their number.
func (m *Model) CheckFeatures(names []string) error {
	var faults []string
	if m.named {
		for _, name := range m.names {
			if !slices.Contains(names, name) {
				faults = append(faults, name+" is missing")
			}
		}
		for _, name := range names {
			if !slices.Contains(m.names, name) {
				faults = append(faults, name+" is not the model's")
			}
		}
		for i := 0; len(faults) == 0 && i < min(len(names), len(m.names)); i++ {
			if names[i] != m.names[i] {
				faults = append(faults, fmt.Sprintf("column %d is %s, the model has %s there", i+1, names[i], m.names[i]))
			}
		}
	}
	if len(faults) == 0 && len(names) != len(m.names) {
		faults = append(faults, fmt.Sprintf("there are %d columns, the model was trained on %d", len(names), len(m.names)))
	}
	if len(faults) == 0 {
		return nil
	}
	return leadlake.Errorf(leadlake.Invalid, "score by trees: %s", summary(faults)).
		WithFix("give the columns that the model was trained on, or train a new model on these")
}

// summary joins the first faults, and counts the rest.
func summary(faults []string) string {
	const shown = 10
	if len(faults) <= shown {
		return strings.Join(faults, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(faults[:shown], ", "), len(faults)-shown)
}

// Margins fills rows x Outputs sums of leaves and base score.
func (m *Model) Margins(dst []float64, x []float32) error {
	src, err := m.matrix(len(dst), x, len(m.base))
	if err != nil {
		return err
	}
	return m.margins(dst, src)
}

// Probabilities fills rows x Outputs predictions: the probability of a
// logistic or multi-class model, the expected value of the others.
func (m *Model) Probabilities(dst []float64, x []float32) error {
	src, err := m.matrix(len(dst), x, len(m.base))
	if err != nil {
		return err
	}
	return m.probabilities(dst, src)
}

// Contributions fills rows x Outputs x (features + 1) values: what each
// feature adds to the margin by TreeSHAP (Lundberg et al. 2018), with the
// trees' own covers as background, and the bias last.
func (m *Model) Contributions(dst []float64, x []float32) error {
	src, err := m.matrix(len(dst), x, len(m.base)*(len(m.names)+1))
	if err != nil {
		return err
	}
	return m.contributions(dst, src)
}

func (m *Model) probabilities(dst []float64, src source) error {
	if err := m.margins(dst, src); err != nil {
		return err
	}
	for at := 0; at < len(dst); at += len(m.base) {
		m.objective.link.predict(dst[at : at+len(m.base)])
	}
	return nil
}

// source gives the rows of a block, column by column.
type source interface {
	rows() int
	// fill writes n rows from the given one on into out, blockRows apart for
	// each column. A missing value is NaN.
	fill(out []float32, from, n int) error
}

type matrix struct {
	x     []float32
	width int
}

// matrix checks that x and the values wanted have as many rows.
func (m *Model) matrix(want int, x []float32, perRow int) (source, error) {
	src := matrix{x: x, width: len(m.names)}
	if len(x)%src.width != 0 || want != src.rows()*perRow {
		return nil, leadlake.Errorf(leadlake.Invalid,
			"score by trees: %d values are no rows of %d features with %d results each in %d",
			len(x), src.width, perRow, want)
	}
	return src, nil
}

func (s matrix) rows() int { return len(s.x) / s.width }

func (s matrix) fill(out []float32, from, n int) error {
	for r := range n {
		row := s.x[(from+r)*s.width:][:s.width]
		for f, v := range row {
			out[f*blockRows+r] = v
		}
	}
	return nil
}
