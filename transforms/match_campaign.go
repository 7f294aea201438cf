package transforms

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"

	"github.com/leadlake/leadlake"
)

// chosenModel is the model that people chose for a state in a preview. It
// stands beside the state, so that it outlives it.
type chosenModel struct {
	// Threshold is the probability at which two records count as a match.
	Threshold float64    `json:"threshold"`
	Model     MatchModel `json:"model"`
}

// threshold as a match weight, in bits.
func (c chosenModel) bits() float64 { return math.Log2(c.Threshold / (1 - c.Threshold)) }

// shifted is the model with the threshold in its prior: weights above 0 match.
func (c chosenModel) shifted() MatchModel {
	m := c.Model
	m.Prior -= c.bits()
	return m
}

func (m MatchState) modelPath() string { return strings.TrimSuffix(m.Path, ".duckdb") + ".model.json" }

// chosen is the model beside the state, or the one that leadlake ships.
func (m MatchState) chosen() (chosenModel, error) {
	text, err := os.ReadFile(m.modelPath())
	if errors.Is(err, fs.ErrNotExist) {
		model, err := DefaultMatchModel()
		return chosenModel{Threshold: 0.5, Model: model}, err
	}
	if err != nil {
		return chosenModel{}, leadlake.Errorf(leadlake.Invalid, "read chosen model: %w", err).WithFix("make %s readable, or remove it to go back to the shipped model", m.modelPath())
	}
	var c chosenModel
	if err := json.Unmarshal(text, &c); err == nil && c.Threshold > 0 && c.Threshold < 1 {
		if raw, err := json.Marshal(c.Model); err == nil {
			c.Model, err = ParseMatchModel(raw)
			return c, err
		}
	}
	return c, leadlake.Errorf(leadlake.Invalid, "read %s: it is no chosen model", m.modelPath()).WithFix("remove it to go back to the shipped model")
}

// choose writes the model beside the state.
func (m MatchState) choose(c chosenModel) error {
	text, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return fmt.Errorf("write chosen model: %w", err)
	}
	temp := m.modelPath() + ".partial"
	if err := os.WriteFile(temp, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write chosen model: %w", err)
	}
	if err := os.Rename(temp, m.modelPath()); err != nil {
		return fmt.Errorf("write chosen model: %w", err)
	}
	return nil
}
