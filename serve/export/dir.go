package export

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/leadlake/leadlake"
)

// replaceDir lets fill write a new folder beside dir and then puts it in dir's
// place in one step. Where fill fails, dir stays as it was.
func replaceDir(dir string, fill func(temp string) error) error {
	target, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find %s: %w", dir, err)
	}
	// A link keeps pointing where it does: its target is what is replaced.
	if real, err := filepath.EvalSymlinks(target); err == nil {
		target = real
	}
	exists, err := checkReplaceable(target)
	if err != nil {
		return err
	}
	parent := filepath.Dir(target)
	temp := ""
	if err = os.MkdirAll(parent, 0o755); err == nil {
		temp, err = os.MkdirTemp(parent, "."+filepath.Base(target)+".tmp-")
	}
	if err != nil {
		return leadlake.Errorf(leadlake.Invalid, "cannot write to %s: %w", parent, err).
			WithFix("choose a folder that you may write to")
	}
	// After the swap this is the old export.
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o700); err != nil {
		return fmt.Errorf("prepare %s: %w", temp, err)
	}
	if err := fill(temp); err != nil {
		return err
	}
	if !exists {
		err = os.Rename(temp, target)
	} else {
		err = swap(temp, target)
	}
	if err != nil {
		return fmt.Errorf("put export in place: %w", err)
	}
	return nil
}

// checkReplaceable refuses a target that holds anything but an export: what is
// replaced is deleted.
func checkReplaceable(target string) (exists bool, err error) {
	info, err := os.Lstat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, leadlake.Errorf(leadlake.Invalid, "cannot write to %s: %w", target, err).
			WithFix("choose a folder that you may write to")
	case !info.IsDir():
		return false, leadlake.Errorf(leadlake.Conflict, "%s is a file, not a folder", target)
	}
	ours, err := ownFiles(target)
	if err != nil {
		return false, err
	}
	err = filepath.WalkDir(target, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(target, path)
		if err != nil {
			return err
		}
		if !ours[filepath.ToSlash(name)] {
			return leadlake.Errorf(leadlake.Conflict, "%s holds %s, which is no part of an earlier export", target, name).
				WithFix("choose another folder, or move that file")
		}
		return nil
	})
	return true, err
}

// ownFiles lists the files of the export in dir; none where there is no
// manifest of ours.
func ownFiles(dir string) (map[string]bool, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	var m Manifest
	if parse := json.Unmarshal(text, &m); parse != nil || m.Kind != manifestKind {
		return nil, nil //nolint:nilerr // not our manifest, so nothing here is ours
	}
	ours := map[string]bool{manifestName: true}
	for _, file := range m.Files {
		ours[file.Path] = true
	}
	return ours, nil
}

// seal makes a finished file durable and measures it.
func seal(path string) (size int64, sum string, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, "", fmt.Errorf("seal %s: %w", filepath.Base(path), err)
	}
	defer f.Close()
	hash := sha256.New()
	if size, err = io.Copy(hash, f); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return 0, "", fmt.Errorf("seal %s: %w", filepath.Base(path), err)
	}
	return size, hex.EncodeToString(hash.Sum(nil)), nil
}

// swapByRename is for systems that cannot exchange two names at once: between
// its two steps the target is absent, never half written.
func swapByRename(temp, target string) error {
	old := temp + ".old"
	if err := os.Rename(target, old); err != nil {
		return err
	}
	if err := os.Rename(temp, target); err != nil {
		return errors.Join(err, os.Rename(old, target))
	}
	return os.RemoveAll(old)
}
