package evalscore

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

// write writes a table of some lines, a line for each number.
func write(t *testing.T, name, header string, rows int, line func(i int) string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	text := header + "\n"
	for i := range rows {
		text += line(i) + "\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func column(t *testing.T, table *Table, name string) *Column {
	t.Helper()
	for _, c := range table.Columns {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no column %s; notes: %q", name, table.Notes)
	return nil
}

func TestRead_takes_mixed_columns_as_they_are(t *testing.T) {
	t.Parallel()
	file := write(t, "leads.csv", "id;won;employees;revenue;is_new;joined;city;zip;note;same;", 120, func(i int) string {
		revenue := fmt.Sprintf("$%d,%03d.50", i+1, i%1000)
		if i%40 == 7 {
			revenue = "n/a"
		}
		return fmt.Sprintf("%d;%s;%d;%s;%t;2026-0%d-1%d;City %d;0%04d;text no. %d;x;", i+100, []string{"yes", "no"}[i%2], i%9, revenue, i%3 == 0, i%9+1, i%9, i%4, i%30, i)
	})
	table := read(t, Source{Path: file, Label: "won"})
	if table.Rows() != 120 || table.Positives() != 60 || !table.Labels[0] {
		t.Errorf("%d rows, %d positive", table.Rows(), table.Positives())
	}
	var names []string
	for _, c := range table.Columns {
		names = append(names, c.Name)
	}
	if want := []string{"employees", "revenue", "is_new", "joined", "joined weekday", "joined month", "city", "zip"}; !slices.Equal(names, want) {
		t.Errorf("columns %q, want %q; notes %q", names, want, table.Notes)
	}
	if c := column(t, table, "revenue"); c.Numbers == nil || c.Numbers[1] != 2001.5 || !math.IsNaN(c.Numbers[7]) {
		t.Errorf("revenue %v", c)
	}
	if c := column(t, table, "zip"); c.Codes == nil {
		t.Error("a code with a leading zero became a number")
	}
	if c := column(t, table, "joined"); c.Numbers[1]-c.Numbers[0] != 32 { // 10 January, 11 February
		t.Errorf("days %v", c.Numbers[:2])
	}
	if notes := strings.Join(table.Notes, "\n"); !strings.Contains(notes, "name rows: id, note") || !strings.Contains(notes, "one value: same") || !strings.Contains(notes, "3 texts in it count as missing") {
		t.Errorf("notes %s", notes)
	}
}

func TestRead_orders_by_a_time_column_and_drops_by_pattern(t *testing.T) {
	t.Parallel()
	file := write(t, "leads.csv", "at,label,size,Vendor A,Vendor B", 60, func(i int) string {
		return fmt.Sprintf("2026-01-01 00:%02d:00,%d,%d,1,%d", 59-i, i%2, i%7, i%3)
	})
	table := read(t, Source{Path: file, Label: "label", Time: "at", Drop: []string{"Vendor*"}})
	if len(table.Columns) != 1 || table.Columns[0].Numbers[0] != 59%7 || table.Columns[0].Numbers[59] != 0 || !table.Labels[0] {
		t.Errorf("columns %+v", table.Columns)
	}
}

func TestRead_bad_tables_are_named(t *testing.T) {
	t.Parallel()
	line := func(i int) string { return fmt.Sprintf("%s,%d,%d", []string{"good", "bad"}[i%2], i%7, i%3) }
	file := write(t, "leads.csv", "outcome,a,b", 60, line)
	infinite := write(t, "leads.csv", "outcome,a", 60, func(i int) string {
		if i == 41 {
			return "1,inf"
		}
		return fmt.Sprintf("%d,%d.5", i%2, i)
	})
	s := session(t)
	for name, tc := range map[string]struct {
		src        Source
		says, code string
	}{
		"no file":         {Source{Path: "nowhere.csv", Label: "x"}, "nowhere.csv", string(leadlake.NotFound)},
		"no label":        {Source{Path: file, Label: "won"}, "there is no column won", string(leadlake.Invalid)},
		"no dropped":      {Source{Path: file, Label: "outcome", Positive: "good", Drop: []string{"z*"}}, "there is no column z*", string(leadlake.Invalid)},
		"unclear label":   {Source{Path: file, Label: "outcome"}, "--positive", string(leadlake.Invalid)},
		"unknown outcome": {Source{Path: file, Label: "outcome", Positive: "best"}, "0 of 60 rows", string(leadlake.Invalid)},
		"many outcomes":   {Source{Path: file, Label: "a"}, "7 values", string(leadlake.Invalid)},
		"infinite":        {Source{Path: infinite, Label: "outcome"}, "column a is infinite in row 42", string(leadlake.Invalid)},
		"nothing left":    {Source{Path: file, Label: "outcome", Positive: "good", Drop: []string{"a", "b"}}, "no column is left", string(leadlake.Invalid)},
	} {
		_, err := Read(t.Context(), s, tc.src)
		if string(leadlake.ErrorCode(err)) != tc.code || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error %v, want %s that says %s", name, err, tc.code, tc.says)
		}
	}
}

func TestRead_positive_names_the_outcome_of_any_label(t *testing.T) {
	t.Parallel()
	file := write(t, "leads.tsv", "outcome\ta", 60, func(i int) string { return fmt.Sprintf("%s\t%d", []string{"gold", "silver", "dust"}[i%3], i%7) })
	if table := read(t, Source{Path: file, Label: "outcome", Positive: "gold"}); table.Positives() != 20 {
		t.Errorf("%d positive", table.Positives())
	}
}

func TestRead_takes_files_that_are_not_quite_CSV(t *testing.T) {
	t.Parallel()
	s := session(t)
	for name, line := range map[string]func(i int) string{
		"a short line":    func(i int) string { return fmt.Sprintf("Bonn,%d,%d", i%7, i%2) },
		"an old encoding": func(i int) string { return fmt.Sprintf("K\xf6ln,%d,%d", i%7, i%2) },
	} {
		file := write(t, "leads.csv", "city,size,won", 60, func(i int) string {
			if name == "a short line" && i == 33 {
				return "Bonn"
			}
			return line(i)
		})
		table, err := Read(t.Context(), s, Source{Path: file, Label: "won"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if table.Rows() < 59 || len(column(t, table, "size").Numbers) != table.Rows() {
			t.Errorf("%s: %d rows", name, table.Rows())
		}
	}
}
