package learned

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models"
)

// The files of a version in the registry.
const (
	ScorerFile = "scorer.json" // the Artefact
	ModelFile  = "model.json"  // the trained model in its own form
	GoldenFile = "golden.json" // rows with their scores, to hold a replay to
)

// format is raised when the meaning of an Artefact changes.
const format = 1

// Artefact is all of a scorer but the trained model itself.
type Artefact struct {
	Format      int                  `json:"format"`
	Name        string               `json:"name"`
	Vertical    string               `json:"vertical"`
	Kind        string               `json:"kind"` // of the model: logistic, xgboost
	Encoding    Encoding             `json:"encoding"`
	Calibration json.RawMessage      `json:"calibration"`
	Tiers       []Tier               `json:"tiers"`
	Ranks       map[string][]float64 `json:"ranks"`   // by feature: the value at each hundredth of the training leads
	Profile     Profile              `json:"profile"` // how the training leads lay
	Scores      Distribution         `json:"scores"`  // of the probabilities of held-out leads
	Rules       *RulesShare          `json:"rules,omitempty"`
}

// RulesShare blends the rules in while there is little evidence.
type RulesShare struct {
	Weight      float64         `json:"weight"` // of the rules' probability; 1 less the model's
	Calibration json.RawMessage `json:"calibration"`
}

// ReadArtefact reads an Artefact strictly.
func ReadArtefact(text []byte) (a Artefact, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&a); err != nil {
		return a, leadlake.Errorf(leadlake.Invalid, "read model: %w", err).WithFix("roll back to an earlier version")
	}
	switch {
	case a.Format != format:
		return a, leadlake.Errorf(leadlake.Invalid, "read model %s: format %d, this program reads %d", a.Name, a.Format, format).
			WithFix("train it again with this version of leadlake")
	case len(a.Encoding.Columns) == 0:
		return a, leadlake.Errorf(leadlake.Invalid, "read model %s: it has no columns", a.Name)
	case a.Encoding.check() != nil:
		return a, leadlake.Errorf(leadlake.Invalid, "read model %s: %w", a.Name, a.Encoding.check())
	case len(a.Tiers) == 0 || a.Tiers[len(a.Tiers)-1].Min != 0:
		return a, leadlake.Errorf(leadlake.Invalid, "read model %s: its last tier does not begin at 0", a.Name)
	case a.Rules != nil && (a.Rules.Weight < 0 || a.Rules.Weight > 1):
		return a, leadlake.Errorf(leadlake.Invalid, "read model %s: the rules have a weight of %g, want 0 to 1", a.Name, a.Rules.Weight)
	}
	return a, nil
}

// Files is what the registry keeps of a scorer.
func (a Artefact) Files(m models.Model, g Golden) (map[string][]byte, error) {
	a.Format = format
	a.Name = "" // the registry's version names it
	text, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write model: %w", err)
	}
	var model bytes.Buffer
	if err := m.Save(&model); err != nil {
		return nil, fmt.Errorf("write model: %w", err)
	}
	golden, err := json.Marshal(g)
	if err != nil {
		return nil, fmt.Errorf("write golden rows: %w", err)
	}
	return map[string][]byte{ScorerFile: text, ModelFile: model.Bytes(), GoldenFile: golden}, nil
}
