package xgbtrain

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/leadlake/leadlake"
)

// venv is where `make deps` installs XGBoost, below the folder of the checkout.
const venv = ".tools/venv-xgboost/bin/python"

// EnvPython names the environment variable that points at a Python with
// XGBoost.
const EnvPython = "LEADLAKE_XGBOOST_PYTHON"

// FindPython is the Python to train with: the one that the environment names,
// the one of `make deps` in the working folder, one of its parents or above the
// program, and else the first python3 of the PATH that can import xgboost.
func FindPython(ctx context.Context, getenv func(string) string) (string, error) {
	if named := getenv(EnvPython); named != "" {
		if usable(ctx, named) {
			return named, nil
		}
		return "", leadlake.Errorf(leadlake.NotFound, "find XGBoost: %s, which %s names, cannot import xgboost", named, EnvPython).
			WithFix("install xgboost-cpu there, or unset %s and run: make deps", EnvPython)
	}
	var folders []string
	if dir, err := os.Getwd(); err == nil {
		folders = append(folders, dir)
	}
	if program, err := os.Executable(); err == nil {
		folders = append(folders, filepath.Dir(program))
	}
	for _, dir := range folders {
		for ; ; dir = filepath.Dir(dir) {
			if python := filepath.Join(dir, venv); usable(ctx, python) {
				return python, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	if python, err := exec.LookPath("python3"); err == nil && usable(ctx, python) {
		return python, nil
	}
	return "", missing("there is no Python that can import xgboost")
}

func usable(ctx context.Context, python string) bool {
	if _, err := exec.LookPath(python); err != nil {
		return false
	}
	// Finding a module is a hundred times faster than importing it.
	return exec.CommandContext(ctx, python, "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('xgboost') is None)").Run() == nil
}

func missing(what string) error {
	return leadlake.Errorf(leadlake.NotFound, "find XGBoost: %s", what).
		WithFix("run: make deps (or: pip install xgboost-cpu==3.2.0, and set %s to that Python)", EnvPython)
}
