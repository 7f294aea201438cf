// Package sqltest tests SQL models, checks and macros with the YAML files that
// stand beside them: given rows in, expected rows out.
package sqltest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/transforms"
)

// Options of a test run.
type Options struct {
	Externals []transforms.External
	Dir       string // folder on disk that holds sql/; needed by Update only
	Update    bool   // rewrite what the tests expect instead of comparing
}

// Run tests everything below sql/ of fsys: each model has a test file, each
// test passes, each check and header fits its tables.
func Run(t *testing.T, fsys fs.FS, opts Options) {
	t.Helper()
	ctx := context.Background()
	s, err := newSuite(ctx, fsys, opts.Externals)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for _, subject := range s.subjects {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(subject.file, "sql/"), ".sql"), func(t *testing.T) {
			if err := s.compile(ctx, subject); err != nil {
				t.Fatal(err)
			}
			tests, err := s.load(subject)
			if err != nil {
				t.Fatal(err)
			}
			if opts.Update {
				update(t, ctx, s, subject, tests, opts.Dir)
				return
			}
			for _, test := range tests.cases {
				t.Run(test.name, func(t *testing.T) {
					if err := s.run(ctx, subject, test); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

func update(t *testing.T, ctx context.Context, s *suite, subject subject, tests testFile, dir string) {
	t.Helper()
	text, err := s.updated(ctx, subject, tests)
	if err != nil {
		t.Fatal(err)
	}
	if text == tests.text {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(tests.file)), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("wrote %s", tests.file)
}

// kind of a file under test.
type kind int

const (
	modelFile kind = iota
	checkFile
	macroFile
)

// subject is a file under test.
type subject struct {
	kind  kind
	file  string
	table string // schema.table, of a model
	sql   string
	reads []string
}

func (s subject) testFile() string { return strings.TrimSuffix(s.file, ".sql") + "_test.yaml" }

// suite holds one database with every table of the project, empty. Tests fill
// the tables they name and empty them again.
type suite struct {
	fsys     fs.FS
	db       *database
	project  *transforms.Project
	subjects []subject
	broken   map[string]error // models that do not build
}

func newSuite(ctx context.Context, fsys fs.FS, externals []transforms.External) (*suite, error) {
	db, err := openDatabase(ctx)
	if err != nil {
		return nil, err
	}
	s := &suite{fsys: fsys, db: db, broken: map[string]error{}}
	s.project, err = transforms.Load(ctx, fsys, db, externals...)
	if err == nil {
		err = s.project.Prepare(ctx, db)
	}
	if err == nil {
		err = s.find()
	}
	if err != nil {
		db.close()
		return nil, err
	}
	for _, table := range s.project.Order() {
		s.buildEmpty(ctx, table)
	}
	return s, nil
}

func (s *suite) close() { s.db.close() }

// find lists the files under test, and refuses test files of nothing.
func (s *suite) find() error {
	tested := map[string]bool{}
	add := func(x subject) {
		s.subjects = append(s.subjects, x)
		tested[x.testFile()] = true
	}
	for _, table := range s.project.Order() {
		if m, ok := s.project.Model(table); ok {
			add(subject{kind: modelFile, file: m.File, table: table, sql: m.SQL, reads: m.Reads})
		}
	}
	for _, c := range s.project.Checks() {
		add(subject{kind: checkFile, file: c.File, sql: c.SQL, reads: c.Reads})
	}
	macros, err := fs.Glob(s.fsys, "sql/macros/*.sql")
	if err != nil {
		return err
	}
	for _, file := range macros {
		add(subject{kind: macroFile, file: file})
	}
	return fs.WalkDir(s.fsys, "sql", func(file string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(file, "_test.yaml") && !tested[file] {
			return fmt.Errorf("%s:1: there is no %s.sql that it could test; rename or remove it", file, strings.TrimSuffix(file, "_test.yaml"))
		}
		return err
	})
}

// buildEmpty makes a table with the types it has in a run, without rows. Views
// become tables too: a test gives rows to what its model reads, not to what
// lies behind.
func (s *suite) buildEmpty(ctx context.Context, table string) {
	if e, ok := s.project.External(table); ok {
		if err := s.db.Exec(ctx, "create table "+qualified(table)+" ("+e.Columns+")"); err != nil {
			s.broken[table] = fmt.Errorf("external %s: its Columns are no column list: %w", table, err)
		}
		return
	}
	m, _ := s.project.Model(table)
	for _, upstream := range m.Reads {
		if err := s.broken[upstream]; err != nil {
			s.broken[table] = fmt.Errorf("%s: it reads %s, which does not build", m.File, upstream)
			return
		}
	}
	// the header comment ends the first line, so DuckDB's line numbers are the file's
	if err := s.db.Exec(ctx, "create table "+qualified(table)+" as select * from ("+m.SQL+"\n) limit 0"); err != nil {
		s.broken[table] = transforms.SQLError("build model", m.File, err)
	}
}

// compile says whether a file fits the tables it reads and what its header
// promises.
func (s *suite) compile(ctx context.Context, x subject) error {
	switch x.kind {
	case modelFile:
		if err := s.broken[x.table]; err != nil {
			return err
		}
		return s.checkHeader(ctx, x)
	case checkFile:
		for _, table := range x.reads {
			if err := s.broken[table]; err != nil {
				return fmt.Errorf("%s: it reads %s, which does not build", x.file, table)
			}
		}
		if err := s.db.Exec(ctx, "select * from ("+x.sql+"\n) limit 0"); err != nil {
			return transforms.SQLError("run check", x.file, err)
		}
	}
	return nil
}

// checkHeader compares the columns that a header names with those there are.
func (s *suite) checkHeader(ctx context.Context, x subject) error {
	m, _ := s.project.Model(x.table)
	var faults []error
	has := func(table, key, column string) {
		columns, err := s.db.columns(ctx, table)
		if err != nil {
			faults = append(faults, err)
		} else if _, ok := find(columns, column); !ok {
			faults = append(faults, fmt.Errorf("%s:1: %s names %s, and %s has no such column; the nearest are %s",
				m.File, key, column, table, nearest(column, columns)))
		}
	}
	for _, column := range m.Grain {
		has(x.table, "grain", column)
	}
	for _, column := range m.PII {
		has(x.table, "pii", column)
	}
	for _, k := range m.Keys {
		has(x.table, "keys", k.Column)
		if s.broken[k.Table] == nil {
			has(k.Table, "keys", k.Target)
		}
	}
	return errors.Join(faults...)
}
