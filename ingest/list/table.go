package list

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// maxColumns bounds what a hostile file can make every row cost.
const maxColumns = 5000

// table turns the rows of one file into records, whatever the format.
type table struct {
	file string
	src  leadlake.SourceSpec
	emit func(ingest.Record) error

	columns []string
	slots   []slot  // the mapped fields and constants, in canonical order
	other   []other // the columns without a field, by name
	key     int     // column of the key, -1 for none
	where   []filter
	buf     []byte // JSON of the last record

	rows    int64 // that were read
	matched int64 // of these, not filtered out
}

// slot is one canonical field of every record.
type slot struct {
	prefix   string // `"name":`
	column   int    // -1 for a constant
	constant string
	number   float64 // largest absolute value, for coordinates; 0 for text
}

type other struct {
	name   string
	prefix string // as JSON with its colon
	column int
}

type filter struct {
	column int
	value  string
}

// setColumns maps the columns of the file: as the user says, then by guess.
func (t *table) setColumns(columns []string) error {
	if len(columns) > maxColumns {
		return leadlake.Errorf(leadlake.Invalid, "list %s: the file has %d columns, more than %d", t.file, len(columns), maxColumns).
			WithFix("check the delimiter, or cut the file down to the columns that matter")
	}
	byField, err := t.mapFields(columns)
	if err != nil {
		return err
	}
	t.columns = columns
	t.slots, t.key = nil, -1
	used := map[int]bool{}
	for _, f := range fields {
		column, mapped := byField[f.name]
		if mapped {
			used[column] = true
		}
		switch constant := t.src.Defaults[f.name]; {
		case f.name == keyField:
			if mapped {
				t.key = column
			}
		case mapped:
			t.slots = append(t.slots, slot{prefix: jsonKey(f.name), column: column, number: numberBounds[f.name]})
		case constant != "":
			t.slots = append(t.slots, slot{prefix: jsonKey(f.name), column: -1, constant: constant})
		}
	}
	t.other = nil
	for i, name := range columns {
		// A coordinate that is no number moves to other, so its column is there too.
		if !used[i] || i == coordinate(byField, "lat") || i == coordinate(byField, "lon") {
			t.other = append(t.other, other{name, jsonKey(name), i})
		}
	}
	t.sortOther()
	return t.setFilters()
}

// numberBounds are the fields whose values must be numbers, with the largest
// absolute value.
var numberBounds = map[string]float64{"lat": 90, "lon": 180}

func coordinate(byField map[string]int, field string) int {
	if i, ok := byField[field]; ok {
		return i
	}
	return -1
}

// mapFields gives the column of each field that has one.
func (t *table) mapFields(columns []string) (map[string]int, error) {
	byField := map[string]int{}
	taken := map[int]bool{}
	for _, field := range sortedKeys(t.src.Mapping) {
		want := t.src.Mapping[field]
		if want == "" { // the user says that the file has no such column
			continue
		}
		i, err := t.findColumn(columns, want, "mapping."+field)
		if err != nil {
			return nil, err
		}
		byField[field] = i
		taken[i] = true
	}
	folded := make([]string, len(columns))
	for i, c := range columns {
		folded[i] = fold(c)
	}
	for _, f := range fields {
		if _, said := t.src.Mapping[f.name]; said {
			continue
		}
		for _, guess := range f.columns {
			if i := slices.Index(folded, guess); i >= 0 && !taken[i] {
				byField[f.name] = i
				taken[i] = true
				break
			}
		}
	}
	if _, ok := byField["name"]; !ok && t.src.Defaults["name"] == "" {
		return nil, leadlake.Errorf(leadlake.Invalid, "list %s: no column holds the name of the business", t.file).
			WithFix(`add mapping: {name: "..."} with one of its columns: %s`, listColumns(columns))
	}
	return byField, nil
}

// findColumn finds a column by its name, or by another spelling of it.
func (t *table) findColumn(columns []string, want, setting string) (int, error) {
	if i := slices.Index(columns, want); i >= 0 {
		return i, nil
	}
	if i := slices.IndexFunc(columns, func(c string) bool { return fold(c) == fold(want) && fold(c) != "" }); i >= 0 {
		return i, nil
	}
	return 0, unknownColumnError{leadlake.Errorf(leadlake.Invalid, "list %s: %s names the column %q, which the file does not have", t.file, setting, want).
		WithFix("%sits columns are: %s", didYouMean(want, columns), listColumns(columns))}
}

// unknownColumnError lets the JSON lines reader look for columns that begin late.
type unknownColumnError struct{ error }

func (e unknownColumnError) Unwrap() error { return e.error }

func (t *table) setFilters() error {
	t.where = nil
	for _, name := range sortedKeys(t.src.Where) {
		i, err := t.findColumn(t.columns, name, "where")
		if err != nil {
			return err
		}
		t.where = append(t.where, filter{i, strings.TrimSpace(t.src.Where[name])})
	}
	return nil
}

// addColumn adds a column that only later rows have.
func (t *table) addColumn(name string) int {
	i := len(t.columns)
	t.columns = append(t.columns, name)
	t.other = append(t.other, other{name, jsonKey(name), i})
	t.sortOther()
	return i
}

// sortOther makes a record independent of the order of its columns.
func (t *table) sortOther() {
	slices.SortFunc(t.other, func(a, b other) int { return strings.Compare(a.name, b.name) })
}

// add emits one row. Text is the row as it came, kept where it is bad; nil
// where the format has no text, then it is put together from the values.
func (t *table) add(num int64, values []string, text []byte, problem *ingest.Problem) error {
	t.rows++
	if problem == nil {
		for _, f := range t.where {
			if strings.TrimSpace(values[f.column]) != f.value {
				return nil
			}
		}
		problem = t.check(values)
	}
	t.matched++
	rec := ingest.Record{EntityKind: ingest.EntityBusiness, RowNumber: num, Problem: problem}
	switch {
	case problem == nil:
		t.buf = t.appendRecord(t.buf[:0], values)
		rec.Raw = t.buf
		if t.key >= 0 {
			rec.Key = strings.TrimSpace(values[t.key])
		}
	case text != nil:
		rec.Raw = text
	default:
		t.buf = t.appendColumns(t.buf[:0], values)
		rec.Raw = t.buf
	}
	return t.emit(rec)
}

// check finds what makes the whole row unusable.
func (t *table) check(values []string) *ingest.Problem {
	for i, v := range values {
		switch {
		case strings.IndexByte(v, 0) >= 0:
			return &ingest.Problem{Column: t.columns[i], Code: "nul_byte",
				Reason: "the value has a NUL byte; export the file again, or set encoding if it is UTF-16"}
		case !utf8.ValidString(v):
			return &ingest.Problem{Column: t.columns[i], Code: "bad_encoding",
				Reason: "the value is not valid in the file's encoding; set encoding, or export the file as UTF-8"}
		}
	}
	s := t.slots[0] // name is the first field and always there
	if s.column >= 0 && strings.TrimSpace(values[s.column]) == "" {
		return &ingest.Problem{Column: t.columns[s.column], Code: "missing_name",
			Reason: "the row has no business name; fill it in, or map another column to name"}
	}
	return nil
}

// appendRecord appends the row as JSON: the fields in canonical order, then
// other.
func (t *table) appendRecord(dst []byte, values []string) []byte {
	dst = append(dst, '{')
	for _, s := range t.slots {
		v := s.constant
		if s.column >= 0 {
			v = values[s.column]
		}
		if strings.TrimSpace(v) == "" || s.number > 0 && s.column >= 0 && !isNumber(v, s.number) {
			continue
		}
		dst = appendMember(dst, s.prefix, v)
	}
	start := len(dst)
	for _, o := range t.other {
		v := values[o.column]
		if strings.TrimSpace(v) == "" || t.isPlaced(o.column, v) {
			continue
		}
		if len(dst) == start {
			dst = append(dst, `,"other":{`...)
		}
		dst = appendMember(dst, o.prefix, v)
	}
	if len(dst) > start {
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// isPlaced says whether a value of an other column already stands in a field,
// which is so for coordinates that are numbers.
func (t *table) isPlaced(column int, v string) bool {
	for _, s := range t.slots {
		if s.number > 0 && s.column == column && isNumber(v, s.number) {
			return true
		}
	}
	return false
}

func isNumber(v string, bound float64) bool {
	f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	return err == nil && math.Abs(f) <= bound // false for NaN
}

// appendColumns appends the row as JSON under its own column names.
func (t *table) appendColumns(dst []byte, values []string) []byte {
	dst = append(dst, '{')
	for i, v := range values {
		if v != "" {
			dst = appendMember(dst, jsonKey(t.columns[i]), v)
		}
	}
	return append(dst, '}')
}

// finish reports a file that had nothing to read.
func (t *table) finish() error {
	switch {
	case t.rows == 0:
		return leadlake.Errorf(leadlake.Invalid, "list %s: the file has column names but no row", t.file).
			WithFix("export it again with its rows, or give another path")
	case t.matched == 0:
		var wanted []string
		for _, name := range sortedKeys(t.src.Where) {
			wanted = append(wanted, fmt.Sprintf("%s = %q", name, t.src.Where[name]))
		}
		return leadlake.Errorf(leadlake.Invalid, "list %s: of %d rows none has %s", t.file, t.rows, strings.Join(wanted, " and ")).
			WithFix("check the values under where: they must be spelt as in the file")
	}
	return nil
}

// uniqueColumns names nameless columns and tells equal names apart.
func uniqueColumns(header []string) []string {
	columns := make([]string, len(header))
	seen := map[string]bool{}
	for i, name := range header {
		name = strings.ToValidUTF8(strings.TrimSpace(strings.ReplaceAll(name, "\x00", "")), "?")
		if name == "" {
			name = fmt.Sprintf("column %d", i+1)
		}
		base := name
		for n := 2; seen[name]; n++ {
			name = fmt.Sprintf("%s (%d)", base, n)
		}
		seen[name] = true
		columns[i] = name
	}
	return columns
}

// listColumns names at most so many columns as a message can hold.
func listColumns(columns []string) string {
	const most = 40
	quoted := make([]string, 0, most)
	for _, c := range columns[:min(len(columns), most)] {
		quoted = append(quoted, strconv.Quote(shorten(c)))
	}
	text := strings.Join(quoted, ", ")
	if len(columns) > most {
		text += fmt.Sprintf(" and %d more", len(columns)-most)
	}
	return text
}

func shorten(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

func didYouMean(want string, candidates []string) string {
	if n := nearest(want, candidates); n != "" {
		return fmt.Sprintf("did you mean %q? ", shorten(n))
	}
	return ""
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
