// Package transforms runs the SQL of the project: it loads the models, knows
// what they read, builds and checks them, and makes the tables between them
// that Go makes better.
package transforms

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Querier is what loading and testing models need of a session. *lake.Session
// is one.
type Querier interface {
	Exec(ctx context.Context, query string, args ...any) error
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

// Model is one file below sql/<schema>/: a plain SELECT with a header.
type Model struct {
	Schema  string       // staging, intermediate, candidates or marts
	Name    string       // table name and file name
	File    string       // path in the file system, for messages
	SQL     string       // the whole file, so that line numbers are the file's
	Summary string       // "one row per ..."
	Grain   []string     // columns that identify a row; empty for "none"
	Keys    []ForeignKey // columns whose values stand in another table
	View    bool         // materialize: view
	Append  bool         // materialize: append
	PII     []string     // columns with personal data
	Why     string       // what is not obvious
	Reads   []string     // tables as schema.table, sorted
}

// ForeignKey says that every value of Column stands in Table.Target.
type ForeignKey struct {
	Column string
	Table  string // schema.table
	Target string // column of Table
}

// Table is the model's name as other models write it: schema.table.
func (m *Model) Table() string { return m.Schema + "." + m.Name }

// Check is one file sql/checks/<model>__<claim>.sql: a SELECT that returns the
// rows that break the claim.
type Check struct {
	Model string // owner as schema.table
	Name  string // <model>__<claim>, the file name
	Claim string // the claim in words
	File  string
	SQL   string
	Warn  bool     // severity: warn; an error otherwise
	Reads []string // tables as schema.table, sorted
}

// Script is a file of statements that runs before any model.
type Script struct {
	File string
	SQL  string
}

// External is a table that Go makes between models.
type External struct {
	Table   string   // schema.table in the scratch database
	Columns string   // column list as in CREATE TABLE, which tests build it from
	Reads   []string // tables it is made from, as schema.table
	Build   func(ctx context.Context, s *lake.Session) error
}

// Schemas that models may live in, with the key column of those whose rows a
// run replaces. Schemas without one belong to the scratch database.
var partitionKeys = map[string]string{
	"staging": "", "intermediate": "", "candidates": "run_id", "marts": "campaign_id",
}

// otherFolders below sql/ hold SQL that is not a model of the graph.
var otherFolders = []string{"prelude", "macros", "checks", "eval", "queries", "incremental"}

// Database names the DuckDB database that holds a schema: lake for what stays,
// scratch for what one process works with, "" for an unknown schema.
func Database(schema string) string {
	switch schema {
	case "raw", "candidates", "marts":
		return "lake"
	case "runtime", "staging", "intermediate":
		return "scratch"
	}
	return ""
}

// qualified is schema.table with its database in front.
func qualified(table string) string {
	schema, _, _ := strings.Cut(table, ".")
	return Database(schema) + "." + table
}

// files are the parsed files of a project before its graph is known.
type files struct {
	models  []*Model
	checks  []*Check
	scripts []Script
	base    map[string]string // schema.table to the file that makes it
}

// sparkPrelude defines for Spark what duckdb.sql defines for DuckDB.
const sparkPrelude = "spark.sql"

// readFiles parses every .sql file below sql/ and reports all faults at once.
func readFiles(fsys fs.FS) (files, error) {
	f := files{base: map[string]string{}}
	var faults []error
	err := fs.WalkDir(fsys, "sql", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() || path.Ext(file) != ".sql" {
			return nil
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return err
		}
		if err := f.add(file, string(text)); err != nil {
			faults = append(faults, err)
		}
		return nil
	})
	if err != nil {
		return files{}, leadlake.Errorf(leadlake.Invalid, "read models: %w", err).
			WithFix("the file system must hold a folder sql/")
	}
	// prelude before macros, which is also the order of the alphabet reversed
	slices.SortStableFunc(f.scripts, func(a, b Script) int {
		return strings.Compare(path.Dir(b.File), path.Dir(a.File))
	})
	return f, errors.Join(faults...)
}

func (f *files) add(file, text string) error {
	folder, rest, _ := strings.Cut(strings.TrimPrefix(file, "sql/"), "/")
	switch {
	case rest == "":
		return fault(file, 1, "a file cannot stand in sql/ itself").WithFix("move it to sql/staging, sql/intermediate, sql/candidates or sql/marts")
	case folder == "prelude" || folder == "macros":
		if path.Base(file) == sparkPrelude {
			return nil
		}
		for _, match := range createTable.FindAllStringSubmatch(text, -1) {
			f.base[strings.ToLower(match[1])] = file
		}
		if !isBlank(text) {
			f.scripts = append(f.scripts, Script{File: file, SQL: text})
		}
		return nil
	case folder == "checks":
		check, err := parseCheck(file, text)
		if err == nil {
			f.checks = append(f.checks, check)
		}
		return err
	case slices.Contains(otherFolders, folder):
		return nil
	}
	if _, ok := partitionKeys[folder]; !ok {
		return fault(file, 1, "folder sql/%s is no schema of models", folder).WithFix("move it to sql/staging, sql/intermediate, sql/candidates or sql/marts")
	}
	model, err := parseModel(folder, file, text)
	if err == nil {
		f.models = append(f.models, model)
	}
	return err
}

// createTable finds the tables that the prelude makes.
var createTable = regexp.MustCompile(`(?im)^\s*create\s+table\s+if\s+not\s+exists\s+(?:lake|scratch)\.(\w+\.\w+)`)

// fault is an error about a place in a file.
func fault(file string, line int, format string, args ...any) *leadlake.Error {
	return leadlake.Errorf(leadlake.Invalid, "%s:%d: "+format, append([]any{file, line}, args...)...)
}
