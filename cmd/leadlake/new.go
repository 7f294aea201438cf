package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
)

// scaffold holds what a new source begins with.
//
//go:embed scaffold/*.tmpl
var scaffold embed.FS

// sourceShape is how a source may be called: it becomes a Go package, a table
// and a variable of the environment.
var sourceShape = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

func newCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "new", Short: "Start something new in a checkout of leadlake", Args: cobra.NoArgs}
	var dir string
	source := &cobra.Command{
		Use:   "source NAME",
		Short: "Write a new source: adapter, fixtures, staging model and tests that pass",
		Long: `Write a new source into a checkout of leadlake: an adapter with fixtures and
tests, and a staging model with its test. All of it passes as it is; three
places marked FILL IN make it a source of your provider.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			written, err := newSource(dir, args[0])
			if err != nil {
				return err
			}
			return a.out.result(written, func(w io.Writer) { printNewSource(w, args[0], written) })
		},
	}
	source.Flags().StringVar(&dir, "dir", ".", "root of the checkout")
	cmd.AddCommand(source)
	return cmd
}

// newName is what the templates know.
type newName struct{ Name, Package, Host, Env string }

// newSource writes the files and registers the source. It changes nothing where
// the source exists already.
func newSource(dir, name string) ([]string, error) {
	if !sourceShape.MatchString(name) {
		return nil, leadlake.Errorf(leadlake.Invalid, "new source: %q cannot be its name", name).
			WithFix("use lower-case letters, digits and underscores, such as acme_data")
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !bytes.Contains(mod, []byte("module github.com/leadlake/leadlake\n")) {
		return nil, leadlake.Errorf(leadlake.Invalid, "new source: %s is no checkout of leadlake", dir).
			WithFix("run it in the root of one, or name that with --dir")
	}
	n := newName{Name: name, Package: strings.ReplaceAll(name, "_", ""), Host: strings.ReplaceAll(name, "_", "-"), Env: strings.ToUpper(name)}
	files := map[string]string{
		filepath.Join("ingest", n.Package, n.Package+".go"):                       "source.go",
		filepath.Join("ingest", n.Package, n.Package+"_test.go"):                  "source_test.go",
		filepath.Join("ingest", n.Package, "testdata", "page_1.json"):             "page_1.json",
		filepath.Join("ingest", n.Package, "testdata", "page_2.json"):             "page_2.json",
		filepath.Join("sql", "staging", name, "stg_"+name+"__business.sql"):       "staging.sql",
		filepath.Join("sql", "staging", name, "stg_"+name+"__business_test.yaml"): "staging_test.yaml",
	}
	for file := range files {
		if _, err := os.Stat(filepath.Join(dir, file)); !errors.Is(err, fs.ErrNotExist) {
			return nil, leadlake.Errorf(leadlake.Conflict, "new source: %s is there already", file).WithFix("choose another name")
		}
	}
	var written []string
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if err := writeTemplate(filepath.Join(dir, file), files[file], n); err != nil {
			return written, err
		}
		written = append(written, file)
	}
	return written, n.register(dir)
}

func writeTemplate(path, name string, n newName) error {
	t, err := template.ParseFS(scaffold, "scaffold/"+name+".tmpl")
	if err != nil {
		return fmt.Errorf("new source: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, n); err != nil {
		return fmt.Errorf("new source: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return leadlake.Errorf(leadlake.Invalid, "new source: %w", err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		return leadlake.Errorf(leadlake.Invalid, "new source: %w", err)
	}
	return nil
}

// register adds the source to the list of sources and to the union of staging
// models.
func (n newName) register(dir string) error {
	edits := []struct{ file, before, text string }{
		{"ingest/all/all.go", "\t\"github.com/leadlake/leadlake/ingest/yelp\"\n", "\t\"github.com/leadlake/leadlake/ingest/" + n.Package + "\"\n"},
		{"ingest/all/all.go", "\t}\n}\n", "\t\t" + n.Package + ".Source{},\n"},
	}
	for _, e := range edits {
		path := filepath.Join(dir, e.file)
		text, err := os.ReadFile(path)
		if err != nil {
			return leadlake.Errorf(leadlake.Invalid, "register source: %w", err)
		}
		at := bytes.LastIndex(text, []byte(e.before))
		if at < 0 {
			return leadlake.Errorf(leadlake.Invalid, "register source: %s has no place for it", e.file).
				WithFix("add %s there by hand", n.Package)
		}
		text = append(text[:at:at], append([]byte(e.text), text[at:]...)...)
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return leadlake.Errorf(leadlake.Invalid, "register source: %w", err)
		}
	}
	union := filepath.Join(dir, "sql", "intermediate", "int_records_united.sql")
	f, err := os.OpenFile(union, os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return leadlake.Errorf(leadlake.Invalid, "register source: %w", err)
	}
	_, err = fmt.Fprintf(f, "union all by name\nselect '%[1]s' as adapter, * from staging.stg_%[1]s__business\n", n.Name)
	return errors.Join(err, f.Close())
}

func printNewSource(w io.Writer, name string, files []string) {
	fmt.Fprintf(w, "source %s is written, and listed in ingest/all and int_records_united:\n", name)
	for _, f := range files {
		fmt.Fprintln(w, " ", f)
	}
	fmt.Fprintf(w, `fill in what is marked FILL IN, 1 to 3, and try it:
  go test ./ingest/%s
  go test ./transforms -run TestSQLModels/staging/%s
then say how far its fields are to be trusted in sql/intermediate/int_field_confidence.sql,
and give it to the sandbox (internal/sandbox/README.md)
`, strings.ReplaceAll(name, "_", ""), name)
}
