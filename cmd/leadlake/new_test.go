package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkout is the part of a checkout that a new source changes.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"go.mod", "ingest/all/all.go", "sql/intermediate/int_records_united.sql"} {
		text, err := os.ReadFile(filepath.Join("..", "..", file))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestNewSource_writes_and_registers_it(t *testing.T) {
	t.Parallel()
	dir := checkout(t)
	files, err := newSource(dir, "acme_data")
	if err != nil || len(files) != 6 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	marks := 0
	for _, file := range append(files, "ingest/all/all.go") {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		marks += strings.Count(string(text), "FILL IN")
		if filepath.Ext(file) == ".go" {
			if _, err := parser.ParseFile(token.NewFileSet(), file, text, parser.AllErrors); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		if strings.HasSuffix(file, "all.go") && (!strings.Contains(string(text), "acmedata.Source{},\n\t}\n}") || !strings.Contains(string(text), `leadlake/ingest/acmedata"`)) {
			t.Errorf("the source is not in %s:\n%s", file, text)
		}
	}
	if marks != 3 {
		t.Errorf("%d places to fill in, want 3", marks)
	}
	union, err := os.ReadFile(filepath.Join(dir, "sql/intermediate/int_records_united.sql"))
	if err != nil || !strings.HasSuffix(string(union), "select 'acme_data' as adapter, * from staging.stg_acme_data__business\n") {
		t.Errorf("the union ends in %q, error %v", union[max(0, len(union)-120):], err)
	}
}

func TestNewSource_refuses_what_would_break_a_checkout(t *testing.T) {
	t.Parallel()
	dir := checkout(t)
	if _, err := newSource(dir, "acme"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ dir, name, want string }{
		{dir, "acme", "is there already"},
		{dir, "Acme Data", "cannot be its name"},
		{dir, "../acme", "cannot be its name"},
		{t.TempDir(), "other", "is no checkout of leadlake"},
	} {
		if _, err := newSource(c.dir, c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("new source %s: error %v, want %q", c.name, err, c.want)
		}
	}
}
