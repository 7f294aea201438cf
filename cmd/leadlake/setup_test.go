package main

import (
	"archive/zip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lake"
)

// wheelsOf packs the extensions that this machine has into wheels, so that
// setup is tested with signed files and without a network.
func wheelsOf(t *testing.T) (folder string) {
	t.Helper()
	set, err := openExtensions(t.Context(), lake.DefaultExtensions())
	if err != nil {
		t.Fatal(err)
	}
	defer set.close()
	folder = t.TempDir()
	for _, e := range extensions {
		src, err := os.Open(filepath.Join(set.dir, e.file+".duckdb_extension"))
		if err != nil {
			t.Fatalf("%v; `make setup` installs it", err)
		}
		defer src.Close()
		name := "duckdb_extension_" + e.wheel + "-" + set.version + "-py3-none-any.whl"
		pack(t, filepath.Join(folder, name), "pkg/extensions/v"+set.version+"/"+e.wheel+".duckdb_extension", src)
	}
	return folder
}

func pack(t *testing.T, archive, name string, content io.Reader) {
	t.Helper()
	out, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(out)
	f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err == nil {
		_, err = io.Copy(f, content)
	}
	if err := errors.Join(err, w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestSetup(t *testing.T) {
	t.Parallel()
	wheels, target := wheelsOf(t), t.TempDir()
	env := map[string]string{"LEADLAKE_EXTENSIONS": target}
	setup := func(want setupReport) {
		t.Helper()
		got := invoke(t, env, "setup", "--wheels", wheels, "--json")
		if got.code != exitOK {
			t.Fatalf("exit %d: %s", got.code, got.stdout)
		}
		var report setupReport
		mustDecode(t, got.stdout, &report)
		want.Folder, want.Version = report.Folder, report.Version
		if diff := cmp.Diff(want, report); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	all := []string{"ducklake", "sqlite", "postgres", "httpfs", "fts"}

	setup(setupReport{Present: []string{}, Installed: all})
	setup(setupReport{Present: all, Installed: []string{}}) // a second time does nothing

	// A file that was cut is replaced, and it alone. The whole one is mapped
	// into this process, so the cut one takes its place instead of its bytes.
	cut, err := filepath.Glob(filepath.Join(target, "*", "*", "fts.duckdb_extension"))
	if err != nil || len(cut) != 1 {
		t.Fatalf("fts is in %v: %v", cut, err)
	}
	if err := os.Remove(cut[0]); err != nil {
		t.Fatal(err)
	}
	write(t, cut[0], "cut")
	setup(setupReport{Present: all[:4], Installed: all[4:]})

	left, err := filepath.Glob(filepath.Join(filepath.Dir(cut[0]), ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files stay behind: %v %v", left, err)
	}
}

func TestSetupNamesTheWheelThatIsMissing(t *testing.T) {
	t.Parallel()
	env := map[string]string{"LEADLAKE_EXTENSIONS": t.TempDir()}
	got := invoke(t, env, "setup", "--wheels", t.TempDir())
	if got.code != exitNotFound || !strings.Contains(got.stderr, "duckdb_extension_ducklake-1.") {
		t.Errorf("exit %d: %s", got.code, got.stderr)
	}
}

func TestUnpackRefusesADamagedArchiveAndKeepsTheOldFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	archive, target := filepath.Join(dir, "a.whl"), filepath.Join(dir, "x.duckdb_extension")
	pack(t, archive, "pkg/x.duckdb_extension", strings.NewReader(strings.Repeat("content ", 100)))
	b, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	write(t, archive, strings.Replace(string(b), "content content", "content CONTENT", 1))
	write(t, target, "old")
	if err := unpack(archive, "x.duckdb_extension", target); !errors.Is(err, zip.ErrChecksum) {
		t.Errorf("got %v, want a checksum error", err)
	}
	if kept, err := os.ReadFile(target); err != nil || string(kept) != "old" {
		t.Errorf("the old file is now %q, %v", kept, err)
	}
}
