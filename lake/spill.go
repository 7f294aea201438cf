package lake

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lake/internal/filelock"
)

// claimSpill makes the folder into which this process's DuckDB spills, and
// removes those of processes that died. It runs under lockHome. The lock file
// beside a folder says that its process lives.
func claimSpill(home string) (dir string, release func() error, err error) {
	parent := filepath.Join(home, "tmp")
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return "", nil, homeError(parent, err)
	}
	if err := sweepSpill(parent); err != nil {
		return "", nil, fmt.Errorf("open lake: sweep %s: %w", parent, err)
	}
	dir, err = os.MkdirTemp(parent, fmt.Sprintf("duckdb-%d-", os.Getpid()))
	if err != nil {
		return "", nil, homeError(parent, err)
	}
	unlock, ok, err := filelock.Try(dir + lockSuffix)
	if err != nil || !ok {
		return "", nil, homeError(parent, errors.Join(err, os.Remove(dir)))
	}
	release = func() error {
		err := errors.Join(os.RemoveAll(dir), os.Remove(dir+lockSuffix))
		unlock()
		return err
	}
	return dir, release, nil
}

const lockSuffix = ".lock"

func sweepSpill(parent string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, isLock := strings.CutSuffix(e.Name(), lockSuffix)
		if !isLock && !e.IsDir() {
			continue
		}
		dir := filepath.Join(parent, name)
		unlock, dead, err := filelock.Try(dir + lockSuffix)
		if err != nil {
			return err
		}
		if !dead {
			continue
		}
		err = errors.Join(os.RemoveAll(dir), os.RemoveAll(dir+lockSuffix))
		unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// abandonedAfter is the age at which a file that a put was writing counts as
// left behind by a crash; no put takes so long.
const abandonedAfter = 24 * time.Hour

// sweepTemp removes the files of puts that a crash cut off.
func sweepTemp(objects string, now time.Time) error {
	folder := filepath.Join(objects, tempFolder)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open lake: sweep %s: %w", folder, err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || now.Sub(info.ModTime()) < abandonedAfter {
			continue // finished meanwhile, or in use
		}
		if err := os.Remove(filepath.Join(folder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("open lake: sweep %s: %w", folder, err)
		}
	}
	return nil
}

// readerSpill is claimSpill for a lake that is only read: nothing is written
// beside it.
func readerSpill() (dir string, release func() error, err error) {
	dir, err = os.MkdirTemp("", "leadlake-")
	if err != nil {
		return "", nil, fmt.Errorf("open lake: make a temporary folder: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}
