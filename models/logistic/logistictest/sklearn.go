// Package logistictest asks scikit-learn what it would come to.
package logistictest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// EnvPython names a Python that can import scikit-learn.
const EnvPython = "LEADLAKE_SKLEARN_PYTHON"

// Fitted is what scikit-learn learnt from standardised columns.
type Fitted struct {
	Weights   []float64 `json:"weights"`
	Missing   []float64 `json:"missing"` // of rows that lack a column
	Intercept float64   `json:"intercept"`
	AUC       float64   `json:"auc"` // on the rows after the training rows, if any
}

// Sklearn trains on the first rows of x, where the environment names a Python
// to do it; ran says whether it does.
func Sklearn(t *testing.T, script string, x []float32, labels []bool, train int) (f Fitted, ran bool) {
	t.Helper()
	python := os.Getenv(EnvPython)
	if python == "" {
		return f, false
	}
	dir := t.TempDir()
	var values bytes.Buffer
	if err := binary.Write(&values, binary.LittleEndian, x); err != nil {
		t.Fatal(err)
	}
	y := make([]byte, len(labels))
	for i, l := range labels {
		if l {
			y[i] = 1
		}
	}
	for name, data := range map[string][]byte{"x.bin": values.Bytes(), "y.bin": y} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python, script, dir, strconv.Itoa(len(x)/len(labels)), strconv.Itoa(train))
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return f, true
}
