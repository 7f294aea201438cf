package transforms

import (
	"testing"

	"github.com/leadlake/leadlake"
)

// matcher is a DuckDB with the project's macros, in which single models of
// resolution are built on made-up tables.
type matcher struct {
	parser
	project *Project
}

func newMatcher(t *testing.T) matcher {
	t.Helper()
	m := matcher{parser: newParser(t)}
	m.db.SetMaxOpenConns(1) // the search path is a connection's
	m.exec(t, "attach ':memory:' as lake")
	m.exec(t, "attach ':memory:' as scratch")
	for _, schema := range []string{"lake.raw", "lake.candidates", "lake.marts", "scratch.runtime", "scratch.intermediate"} {
		m.exec(t, "create schema "+schema)
	}
	m.exec(t, "set search_path = 'scratch.main,scratch.intermediate'")
	var err error
	if m.project, err = Load(t.Context(), leadlake.SQL, m, Externals()...); err != nil {
		t.Fatal(err)
	}
	if err := m.project.Prepare(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m matcher) exec(t *testing.T, query string) {
	t.Helper()
	if err := m.Exec(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}
