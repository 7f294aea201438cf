package evalscore

import (
	"context"
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

func read(t *testing.T, src Source) *Table {
	t.Helper()
	table, err := tryRead(t.Context(), t.TempDir(), src)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func tryRead(ctx context.Context, home string, src Source) (*Table, error) {
	l, err := lake.Open(ctx, lake.Config{Home: home})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	s, err := l.Session(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return Read(ctx, s, src)
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
