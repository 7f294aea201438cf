package main

import (
	"archive/zip"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// extension is one DuckDB extension that leadlake loads.
type extension struct {
	wheel string // name in its wheel and for INSTALL
	file  string // name of its file: DuckDB derives the entry point from it
}

var extensions = []extension{
	{"ducklake", "ducklake"},
	{"sqlite", "sqlite_scanner"},
	{"postgres", "postgres_scanner"},
	{"httpfs", "httpfs"},
	{"fts", "fts"},
}

// extensionSet is the extensions of one DuckDB version on one platform, in a
// folder laid out as DuckDB expects it.
type extensionSet struct {
	db      *sql.DB
	root    string // DuckDB's extension_directory
	dir     string // where the files lie below it
	version string // 1.5.5
}

// openExtensions asks the linked DuckDB which files it wants.
func openExtensions(ctx context.Context, root string) (*extensionSet, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("open duckdb: %w", err)
	}
	s := &extensionSet{db: sql.OpenDB(connector), root: root}
	var version, platform string
	row := s.db.QueryRowContext(ctx, "select v.library_version, p.platform from pragma_version() v, pragma_platform() p")
	if err := row.Scan(&version, &platform); err != nil {
		s.db.Close()
		return nil, fmt.Errorf("ask duckdb for its version: %w", err)
	}
	for _, setting := range []string{"extension_directory = " + lake.Quote(root), "autoinstall_known_extensions = false"} {
		if _, err := s.db.ExecContext(ctx, "set "+setting); err != nil {
			s.db.Close()
			return nil, fmt.Errorf("set up duckdb: %w", err)
		}
	}
	s.version = strings.TrimPrefix(version, "v")
	s.dir = filepath.Join(root, version, platform)
	return s, nil
}

func (s *extensionSet) close() { s.db.Close() }

// load proves that an extension is there, whole, signed and of this version.
func (s *extensionSet) load(ctx context.Context, e extension) error {
	_, err := s.db.ExecContext(ctx, "load "+e.file)
	return err
}

// broken lists the extensions that do not load.
func (s *extensionSet) broken(ctx context.Context) []extension {
	var out []extension
	for _, e := range extensions {
		if s.load(ctx, e) != nil {
			out = append(out, e)
		}
	}
	return out
}

// setupReport is the result of `leadlake setup`.
type setupReport struct {
	Folder    string   `json:"folder"`
	Version   string   `json:"duckdb_version"`
	Present   []string `json:"present"`
	Installed []string `json:"installed"`
}

func setupCmd(a *app) *cobra.Command {
	var wheels string
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Install the DuckDB extensions that leadlake needs",
		Long: `Installs the signed DuckDB extensions, once for each user and DuckDB version.
They come from a folder of wheels (--wheels), from PyPI by pip, or from DuckDB's
own repository, whichever is there first.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := a.setup(cmd.Context(), wheels)
			if err != nil {
				return err
			}
			return a.out.result(report, func(w io.Writer) {
				if len(report.Installed) == 0 {
					fmt.Fprintf(w, "DuckDB %s extensions are in place: %s\n", report.Version, report.Folder)
					return
				}
				fmt.Fprintf(w, "installed %s for DuckDB %s in %s\n", strings.Join(report.Installed, ", "), report.Version, report.Folder)
			})
		},
	}
	cmd.Flags().StringVar(&wheels, "wheels", "", "folder of duckdb-extension-* wheels, for a machine without a network")
	return cmd
}

func (a *app) setup(ctx context.Context, wheels string) (setupReport, error) {
	set, err := openExtensions(ctx, a.cfg.extensionFolder())
	if err != nil {
		return setupReport{}, err
	}
	defer set.close()
	report := setupReport{Folder: set.dir, Version: set.version, Present: []string{}, Installed: []string{}}
	missing := set.broken(ctx)
	for _, e := range extensions {
		if !slices.Contains(missing, e) {
			report.Present = append(report.Present, e.wheel)
		}
	}
	if len(missing) == 0 {
		return report, nil
	}
	if err := os.MkdirAll(set.dir, 0o755); err != nil {
		return report, leadlake.Errorf(leadlake.Invalid, "set up extensions: %w", err).
			WithFix("set LEADLAKE_EXTENSIONS to a folder that you may write to")
	}
	if err := a.install(ctx, set, missing, wheels); err != nil {
		return report, err
	}
	for _, e := range missing {
		if err := set.load(ctx, e); err != nil {
			return report, leadlake.Errorf(leadlake.Unavailable, "set up extensions: %s was installed but does not load: %w", e.wheel, err)
		}
		report.Installed = append(report.Installed, e.wheel)
	}
	return report, nil
}

// install tries the ways to get extensions, best first, and reports why each
// failed when all do.
func (a *app) install(ctx context.Context, set *extensionSet, missing []extension, wheels string) error {
	if wheels != "" {
		return set.fromWheels(wheels, missing)
	}
	pipErr := set.fromPip(ctx, missing, a.out)
	if pipErr == nil {
		return nil
	}
	duckErr := set.fromDuckDB(ctx, missing, a.out)
	if duckErr == nil {
		return nil
	}
	return leadlake.Errorf(leadlake.Unavailable, "set up extensions: by pip: %w; from DuckDB's repository: %w", pipErr, duckErr).
		WithFix("install Python with pip, or copy the wheels duckdb-extension-*==%s here and run `leadlake setup --wheels FOLDER`", set.version)
}

// fromPip downloads wheels into a temporary folder and unpacks them.
func (s *extensionSet) fromPip(ctx context.Context, missing []extension, out *printer) error {
	python, err := pythonWithPip(ctx)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "leadlake-setup-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	args := []string{"-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--dest", tmp}
	for _, e := range missing {
		args = append(args, "duckdb-extension-"+e.wheel+"=="+s.version)
	}
	out.note("downloading %d DuckDB extensions by pip ...", len(missing))
	if text, err := exec.CommandContext(ctx, python, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("pip download: %w: %s", err, lastLine(text))
	}
	return s.fromWheels(tmp, missing)
}

// pythonWithPip finds an interpreter that has pip.
func pythonWithPip(ctx context.Context) (string, error) {
	for _, name := range []string{"python3", "python"} {
		if exec.CommandContext(ctx, name, "-m", "pip", "--version").Run() == nil {
			return name, nil
		}
	}
	return "", errors.New("there is no Python with pip on the PATH")
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// fromWheels unpacks the extensions from the wheels of a folder.
func (s *extensionSet) fromWheels(folder string, missing []extension) error {
	for _, e := range missing {
		pattern := filepath.Join(folder, "duckdb_extension_"+e.wheel+"-"+s.version+"-*.whl")
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			return leadlake.Errorf(leadlake.NotFound, "set up extensions: no wheel %s", pattern)
		}
		if err := unpack(found[0], e.wheel+".duckdb_extension", filepath.Join(s.dir, e.file+".duckdb_extension")); err != nil {
			return fmt.Errorf("unpack %s: %w", found[0], err)
		}
	}
	return nil
}

// unpack copies the file called name, in whatever folder of the archive, to
// target. Another process sees the old file or the new one, whole.
func unpack(archive, name, target string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer r.Close()
	for _, f := range r.File {
		if path.Base(f.Name) != name {
			continue
		}
		src, err := f.Open()
		if err != nil {
			return err
		}
		defer src.Close()
		return replaceFile(target, src)
	}
	return fmt.Errorf("it holds no %s", name)
}

func replaceFile(target string, src io.Reader) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(target), ".incoming-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	// The archive's checksum is compared at the end of the copy.
	_, err = io.Copy(tmp, src)
	if err = errors.Join(err, tmp.Sync(), tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), target)
}

// fromDuckDB lets DuckDB fetch the extensions from its own repository.
func (s *extensionSet) fromDuckDB(ctx context.Context, missing []extension, out *printer) error {
	out.note("downloading %d extensions from DuckDB's repository ...", len(missing))
	for _, e := range missing {
		// FORCE replaces a file that is there but does not load.
		if _, err := s.db.ExecContext(ctx, "force install "+e.wheel); err != nil {
			return err
		}
	}
	return nil
}
