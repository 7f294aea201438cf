// Package evalscore says how well leads of any labelled table can be scored:
// it reads the table, warns of columns that know the answer, trains on one
// part, calibrates, and tests on the rest.
package evalscore

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Table is a labelled table, column by column, its rows in the order of time
// where that is known.
type Table struct {
	Labels  []bool // whether what is predicted came true
	Columns []*Column
	Notes   []string // what was left out or read otherwise than it stands there
}

// Column is a feature: numbers, or texts by their code.
type Column struct {
	Name    string
	Numbers []float64 // NaN: missing; nil of a text
	Codes   []int32   // into Levels, -1: missing; nil of a number
	Levels  []string
	isDate  bool   // Numbers are days since 1970
	of      string // of a part of a date: its column in the file
}

// source is the name of the column in the file.
func (c *Column) source() string { return cmp.Or(c.of, c.Name) }

func (c *Column) isMissing(row int) bool {
	if c.Codes != nil {
		return c.Codes[row] < 0
	}
	return math.IsNaN(c.Numbers[row])
}

// Rows is how many rows have a label.
func (t *Table) Rows() int { return len(t.Labels) }

// Positives is how many rows are positive.
func (t *Table) Positives() int {
	n := 0
	for _, l := range t.Labels {
		if l {
			n++
		}
	}
	return n
}

func (t *Table) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

// drop leaves columns out, by their names in the file.
func (t *Table) drop(names []string) {
	t.Columns = slices.DeleteFunc(t.Columns, func(c *Column) bool { return slices.Contains(names, c.source()) })
}

// reorder puts the rows into another order.
func (t *Table) reorder(order []int) {
	t.Labels = pick(t.Labels, order)
	for _, c := range t.Columns {
		if c.Codes != nil {
			c.Codes = pick(c.Codes, order)
		} else {
			c.Numbers = pick(c.Numbers, order)
		}
	}
}

func pick[T any](values []T, order []int) []T {
	out := make([]T, len(order))
	for i, row := range order {
		out[i] = values[row]
	}
	return out
}

// Bounds of what is taken for a name of a row instead of a feature.
const (
	nameShare  = 0.9 // distinct texts in the rows that have one
	minForName = 50  // rows
)

// dropUseless leaves out what cannot be learnt from: columns of one value, and
// names of rows, which are known of these rows only.
func (t *Table) dropUseless() {
	var constant, names []string
	t.Columns = slices.DeleteFunc(t.Columns, func(c *Column) bool {
		switch {
		case c.isConstant():
			constant = append(constant, c.Name)
		case c.isName():
			names = append(names, c.Name)
		default:
			return false
		}
		return true
	})
	if len(constant) > 0 {
		t.note("left out, because they have one value: %s", strings.Join(constant, ", "))
	}
	if len(names) > 0 {
		t.note("left out, because they name rows: %s", strings.Join(names, ", "))
	}
}

func (c *Column) isConstant() bool {
	if c.Codes != nil {
		return !slices.ContainsFunc(c.Codes, func(v int32) bool { return v != c.Codes[0] })
	}
	first := c.Numbers[0]
	return !slices.ContainsFunc(c.Numbers, func(v float64) bool {
		return v != first && !(math.IsNaN(v) && math.IsNaN(first))
	})
}

// isName tells keys and free text by how rarely a value comes twice. Of
// numbers, only whole ones that never do, and that are called a key or only
// rise or fall with the rows, are keys: a measure may be distinct, too.
func (c *Column) isName() bool {
	if c.Codes != nil {
		seen, filled := make([]bool, len(c.Levels)), 0
		distinct := 0
		for _, code := range c.Codes {
			if code < 0 {
				continue
			}
			filled++
			if !seen[code] {
				seen[code] = true
				distinct++
			}
		}
		return filled >= minForName && float64(distinct) >= nameShare*float64(filled)
	}
	if len(c.Numbers) < minForName || c.isDate {
		return false
	}
	seen := make(map[float64]bool, len(c.Numbers))
	rises, falls := true, true
	for i, v := range c.Numbers {
		if v != math.Trunc(v) || seen[v] { // NaN is not its own truncation
			return false
		}
		seen[v] = true
		rises = rises && (i == 0 || v > c.Numbers[i-1])
		falls = falls && (i == 0 || v < c.Numbers[i-1])
	}
	return rises || falls || slices.ContainsFunc(words(c.Name), func(w string) bool {
		return slices.Contains([]string{"id", "key", "number", "no", "nr", "uuid", "code", "index", "row"}, w)
	})
}
