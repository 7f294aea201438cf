package xgbtrain

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models/gbtree"
)

//go:embed train.py
var program []byte

// exitMissing is the status of a Python without a usable xgboost.
const exitMissing = 3

// write puts the job and the rows into a folder.
func (o *Options) write(dir string, j *job) error {
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	errs := []error{
		os.WriteFile(filepath.Join(dir, "job.json"), text, 0o600),
		os.WriteFile(filepath.Join(dir, "train.py"), program, 0o600),
		writeNPY(filepath.Join(dir, "x.npy"), o.X, fmt.Sprintf("(%d, %d)", len(o.Y), len(o.FeatureNames))),
		writeNPY(filepath.Join(dir, "y.npy"), o.Y, fmt.Sprintf("(%d,)", len(o.Y))),
	}
	if o.Weights != nil {
		errs = append(errs, writeNPY(filepath.Join(dir, "w.npy"), o.Weights, fmt.Sprintf("(%d,)", len(o.Weights))))
	}
	return errors.Join(errs...)
}

// run runs the program in a folder.
func run(ctx context.Context, python, dir string) error {
	cmd := exec.CommandContext(ctx, python, "-s", filepath.Join(dir, "train.py"), dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	said := cmp.Or(lines[len(lines)-1], err.Error())
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return leadlake.Errorf(leadlake.Unavailable, "train XGBoost model: %w", ctx.Err())
	case !errors.As(err, &exit):
		return missing(err.Error())
	case exit.ExitCode() == exitMissing:
		return missing(fmt.Sprintf("%s says: %s", python, said))
	case exit.ExitCode() < 0:
		return leadlake.Errorf(leadlake.Unavailable, "train XGBoost model: its process was ended: %s", said).
			WithFix("give it more memory, or fewer rows")
	}
	return leadlake.Errorf(leadlake.Invalid, "train XGBoost model: %s", said)
}

// read takes from a folder what the program left there.
func read(dir string) (*Result, error) {
	text, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil {
		return nil, err
	}
	var left struct {
		Rounds  int                `json:"rounds"`
		Metrics map[string]float64 `json:"metrics"`
		Version string             `json:"version"`
	}
	if err := json.Unmarshal(text, &left); err != nil {
		return nil, err
	}
	r := &Result{Rounds: left.Rounds, Metrics: left.Metrics, Version: left.Version}
	if r.File, err = os.ReadFile(filepath.Join(dir, "model.ubj")); err != nil {
		return nil, err
	}
	if r.Model, err = gbtree.Load(bytes.NewReader(r.File)); err != nil {
		return nil, err
	}
	r.Predictions, err = readNPY(filepath.Join(dir, "predictions.npy"))
	return r, err
}
