package learned

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models"
	"github.com/leadlake/leadlake/models/calibrate"
	"github.com/leadlake/leadlake/models/gbtree"
	"github.com/leadlake/leadlake/models/logistic"
)

// Kinds of models.
const (
	Logistic = "logistic"
	XGBoost  = "xgboost"
)

// Golden rows are encoded leads with the margins that the model gave them when
// it was trained: a program that reads the model otherwise is found out.
type Golden struct {
	X       [][]*float32 `json:"x"` // null: unknown
	Margins []float64    `json:"margins"`
}

// goldenTolerance is room for a processor that fuses multiply and add.
const goldenTolerance = 1e-9

// NewGolden takes the first rows of a matrix.
func NewGolden(m models.Model, x []float32, rows int) (g Golden, err error) {
	width := len(m.FeatureNames())
	rows = min(rows, len(x)/width)
	g.Margins = make([]float64, rows)
	if err := m.Margins(g.Margins, x[:rows*width]); err != nil {
		return g, err
	}
	for row := range rows {
		line := make([]*float32, width)
		for i := range line {
			if v := x[row*width+i]; v == v {
				line[i] = &v
			}
		}
		g.X = append(g.X, line)
	}
	return g, nil
}

func (g Golden) check(m models.Model) error {
	width := len(m.FeatureNames())
	x := make([]float32, 0, len(g.X)*width)
	for row, line := range g.X {
		if len(line) != width {
			return fmt.Errorf("golden row %d has %d columns, want %d", row+1, len(line), width)
		}
		for _, v := range line {
			if v == nil {
				x = append(x, nan32())
			} else {
				x = append(x, *v)
			}
		}
	}
	if len(g.Margins) != len(g.X) {
		return fmt.Errorf("%d golden rows with %d margins", len(g.X), len(g.Margins))
	}
	got := make([]float64, len(g.X))
	if err := m.Margins(got, x); err != nil {
		return err
	}
	for row, want := range g.Margins {
		if math.Abs(got[row]-want) > goldenTolerance*max(1, math.Abs(want)) {
			return fmt.Errorf("golden row %d comes to %g, when trained to %g", row+1, got[row], want)
		}
	}
	return nil
}

// Load makes the scorer of a version's files and holds it to its golden rows.
func Load(version string, files map[string][]byte) (*Scorer, error) {
	a, err := ReadArtefact(files[ScorerFile])
	if err != nil {
		return nil, err
	}
	a.Name = a.Kind + "@" + version
	var m models.Model
	switch a.Kind {
	case Logistic:
		m, err = logistic.Load(bytes.NewReader(files[ModelFile]))
	case XGBoost:
		m, err = gbtree.Load(bytes.NewReader(files[ModelFile]))
	default:
		return nil, leadlake.Errorf(leadlake.Invalid, "read model %s: kind %q is unknown", a.Name, a.Kind)
	}
	if err != nil {
		return nil, fmt.Errorf("read model %s: %w", a.Name, err)
	}
	s, err := NewScorer(a, m)
	if err != nil {
		return nil, err
	}
	var g Golden
	if err := json.Unmarshal(files[GoldenFile], &g); err != nil {
		return nil, leadlake.Errorf(leadlake.Invalid, "read golden rows of model %s: %w", a.Name, err)
	}
	if err := g.check(m); err != nil {
		return nil, leadlake.Errorf(leadlake.Invalid, "model %s does not score as when it was trained: %w", a.Name, err).
			WithFix("roll back: leadlake model rollback %s", strings.ToLower(a.Vertical))
	}
	return s, nil
}

// NewScorer puts a trained model behind its encoding and calibration.
func NewScorer(a Artefact, m models.Model) (*Scorer, error) {
	curve, err := calibrate.Parse(a.Calibration)
	if err != nil {
		return nil, err
	}
	s, err := newScorer(a, m, curve)
	if err != nil || a.Rules == nil || a.Rules.Weight == 0 {
		return s, err
	}
	s.rulesWeight = a.Rules.Weight
	if s.rulesCalibration, err = calibrate.Parse(a.Rules.Calibration); err != nil {
		return nil, err
	}
	if s.rules, err = models.Baseline(); err != nil {
		return nil, err
	}
	return s, nil
}
