package gbtree_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/leadlake/leadlake/models/gbtree"
	"github.com/leadlake/leadlake/models/xgbtrain"
)

// floats reads a file of little-endian float32.
func floats(t *testing.T, path string) []float32 {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, len(raw)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return values
}

func load(t *testing.T, path string) *gbtree.Model {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	m, err := gbtree.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// worst is the largest difference between ours and theirs, relative to theirs
// where it is above 1.
func worst(ours []float64, theirs []float32) float64 {
	if len(ours) != len(theirs) {
		return math.Inf(1)
	}
	most := 0.0
	for i, v := range ours {
		want := float64(theirs[i])
		if diff := math.Abs(v-want) / max(1, math.Abs(want)); !(diff <= most) {
			most = diff
		}
	}
	return most
}

// The models are made by the library that is there, so none is kept as a file.
// A tenth of the values is missing.
func TestModel_scores_and_explains_as_XGBoost_itself_does(t *testing.T) {
	t.Parallel()
	python, err := xgbtrain.FindPython(t.Context(), os.Getenv)
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), python, "testdata/parity.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "models.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Models []struct {
			Name, Objective, File string
			Number                json.Number
		}
		Version string
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	x := floats(t, filepath.Join(dir, "x"))
	for _, made := range list.Models {
		m := load(t, filepath.Join(dir, made.File))
		if m.Objective() != made.Objective {
			t.Errorf("%s: objective is %s", made.Name, m.Objective())
		}
		theirs := func(kind string) []float32 {
			return floats(t, filepath.Join(dir, made.Number.String()+"."+kind))
		}
		width, outputs := len(m.FeatureNames()), m.Outputs()
		rows := len(x) / width
		margins, predictions := make([]float64, rows*outputs), make([]float64, rows*outputs)
		if err := m.Margins(margins, x); err != nil {
			t.Fatal(err)
		}
		if err := m.Probabilities(predictions, x); err != nil {
			t.Fatal(err)
		}
		wanted := theirs("contributions")
		each := outputs * (width + 1)
		contributions := make([]float64, len(wanted))
		if err := m.Contributions(contributions, x[:len(wanted)/each*width]); err != nil {
			t.Fatal(err)
		}
		unequal := 0.0
		for i := 0; i < len(contributions); i += width + 1 {
			sum := 0.0
			for _, v := range contributions[i : i+width+1] {
				sum += v
			}
			margin := margins[i/(width+1)]
			unequal = max(unequal, math.Abs(sum-margin)/max(1, math.Abs(margin)))
		}
		byMargin, byPrediction := worst(margins, theirs("margins")), worst(predictions, theirs("predictions"))
		byContribution := worst(contributions, wanted)
		t.Logf("XGBoost %s, %-24s margin %.1e, prediction %.1e, contribution %.1e, sum %.1e",
			list.Version, made.Name, byMargin, byPrediction, byContribution, unequal)
		if byMargin > 3e-7 || byPrediction > 1e-6 || byContribution > 1e-4 || unequal > 5e-6 {
			t.Errorf("%s is off", made.Name)
		}
	}
}
