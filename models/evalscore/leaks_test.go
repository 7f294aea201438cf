package evalscore

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/leadlake/leadlake/lake"
)

// public reads a table of the public data sets.
func public(t *testing.T, src Source) *Table {
	t.Helper()
	dir := os.Getenv("LEADLAKE_TESTDATA")
	if dir == "" {
		t.Skip("LEADLAKE_TESTDATA names no folder of public data")
	}
	src.Path = filepath.Join(dir, "scoring", src.Path)
	return read(t, src)
}

// session is of a lake of its own.
func session(t *testing.T) *lake.Session {
	t.Helper()
	l, err := lake.Open(t.Context(), lake.Config{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s, err := l.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func read(t *testing.T, src Source) *Table {
	t.Helper()
	table, err := Read(t.Context(), session(t), src)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// flagged are the columns of a severity, in alphabetical order.
func flagged(t *testing.T, table *Table, severity string) []string {
	t.Helper()
	leaks, err := FindLeaks(table, 1)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range leaks {
		t.Logf("%s %s: AUC %.3f, knows %.3f %q %q", l.Severity, l.Column, l.AUC, l.Knows, l.Why, l.With)
		if l.Severity == severity {
			names = append(names, l.Column)
		}
	}
	slices.Sort(names)
	return names
}

func TestFindLeaks_finds_what_sales_wrote_afterwards(t *testing.T) {
	t.Parallel()
	table := public(t, Source{Path: "x_education_leads.csv", Label: "Converted"})
	want := []string{
		"Asymmetrique Activity Index", "Asymmetrique Activity Score", "Asymmetrique Profile Index", "Asymmetrique Profile Score",
		"Last Activity", "Last Notable Activity", "Lead Profile", "Lead Quality", "Tags",
	}
	if got := flagged(t, table, SeverityLeak); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestFindLeaks_finds_how_long_the_deciding_call_took(t *testing.T) {
	t.Parallel()
	table := public(t, Source{Path: "uci_bank_additional_full.csv", Label: "y"})
	if got := flagged(t, table, SeverityLeak); !slices.Equal(got, []string{"duration"}) {
		t.Errorf("found %q", got)
	}
	for i, c := range table.Columns { // names out of sight
		c.Name = fmt.Sprint("c", i)
	}
	t.Log(flagged(t, table, SeverityCheck))
}
