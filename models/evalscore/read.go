package evalscore

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Source says which table to read.
type Source struct {
	Path     string   // CSV, TSV, JSON or Parquet, as DuckDB reads them
	Label    string   // column of what is predicted
	Positive string   // value of Label that counts as true; "": yes, true, 1 and the like
	Drop     []string // columns to leave out; * stands for any part of a name
	Time     string   // column that orders the rows; "": they are in order
}

// MaxRows are read; of a larger table, rows at even distances.
const MaxRows = 200_000

// parts of a date that are features of their own, beside the day itself.
var dateParts = [...]struct{ suffix, sql string }{
	{"weekday", "dayname(%s)"}, {"month", "monthname(%s)"},
}

// Read reads a labelled table. Columns of texts that are numbers, dates and
// booleans become numbers. It is Invalid where a column is missing, is
// infinite, or the label is not one of two.
func Read(ctx context.Context, s *lake.Session, src Source) (*Table, error) {
	if _, err := os.Stat(src.Path); err != nil {
		return nil, leadlake.Errorf(leadlake.NotFound, "read %s: %w", src.Path, err).WithFix("name a file that is there")
	}
	// Without a time column the order of the file is the order of time.
	if err := s.Exec(ctx, "set preserve_insertion_order = true"); err != nil {
		return nil, fmt.Errorf("read %s: %w", src.Path, err)
	}
	from, fields, err := describe(ctx, s, src.Path)
	if err != nil {
		return nil, err
	}
	if err := src.find(fields); err != nil {
		return nil, err
	}
	t := &Table{}
	every, err := thin(ctx, s, from, t)
	if err != nil {
		return nil, err
	}
	query, columns, labels := selection(fields, src)
	query += " from (select *, row_number() over () as leadlake_row from " + from + ")"
	if every > 1 {
		query += fmt.Sprintf(" where leadlake_row %% %d = 0", every)
	}
	query += " order by leadlake_row"
	t.Columns = columns
	codes := make([]map[string]int32, len(columns))
	err = s.Batches(ctx, query, func(b arrow.RecordBatch) error { return t.add(b, labels, codes) })
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", src.Path, err)
	}
	return t, t.settle(src, labels)
}

type field struct{ name, kind string }

// find checks that all columns are there that are spoken of, and puts names in
// the place of patterns.
func (s *Source) find(fields []field) error {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	missing := func(name string) error {
		return leadlake.Errorf(leadlake.Invalid, "read %s: there is no column %s", s.Path, name).WithFix("it has %s", strings.Join(names, ", "))
	}
	for _, name := range []string{s.Label, s.Time} {
		if name != "" && !slices.Contains(names, name) {
			return missing(name)
		}
	}
	var drop []string
	for _, pattern := range s.Drop {
		before := len(drop)
		for _, name := range names {
			if ok, err := path.Match(pattern, name); name == pattern || ok && err == nil {
				drop = append(drop, name)
			}
		}
		if len(drop) == before {
			return missing(pattern)
		}
	}
	s.Drop = drop
	return nil
}

// csvReaders are ways to read a CSV file, the strictest first: as DuckDB finds
// out, in the old encoding of spreadsheets, and with lines of too few values.
func csvReaders() []string {
	return []string{
		"read_csv(%s, sample_size = -1)",
		"read_csv(%s, sample_size = -1, encoding = 'latin-1')",
		"read_csv(%s, sample_size = -1, null_padding = true)",
		"read_csv(%s, all_varchar = true, null_padding = true, strict_mode = false)",
	}
}

// describe finds how DuckDB reads a file, and its columns.
func describe(ctx context.Context, s *lake.Session, file string) (from string, fields []field, err error) {
	name := strings.TrimSuffix(strings.ToLower(file), ".gz")
	readers := csvReaders()
	switch {
	case strings.HasSuffix(name, ".parquet"):
		readers = []string{"read_parquet(%s)"}
	case strings.HasSuffix(name, ".json"), strings.HasSuffix(name, ".jsonl"), strings.HasSuffix(name, ".ndjson"):
		readers = []string{"read_json(%s)"}
	}
	var first error
	for _, reader := range readers {
		from = fmt.Sprintf(reader, lake.Quote(file))
		fields, err = columnsOf(ctx, s, from)
		if err == nil && len(fields) > 1 {
			return from, fields, nil
		}
		if ctx.Err() != nil {
			return "", nil, ctx.Err()
		}
		if err == nil { // lines that differ in length are taken for one column
			err = fmt.Errorf("it has one column, %s", fields[0].name)
		}
		first = cmp.Or(first, err)
	}
	return "", nil, leadlake.Errorf(leadlake.Invalid, "read %s: %w", file, first).WithFix("give a CSV, TSV, JSON or Parquet file with a line of names")
}

// columnsOf reads all of a file once, because the types of a CSV file are found
// out by reading.
func columnsOf(ctx context.Context, s *lake.Session, from string) ([]field, error) {
	if err := s.Exec(ctx, "select count(columns(*)) from "+from); err != nil {
		return nil, err
	}
	rows, err := s.Query(ctx, "select column_name, column_type from (describe select * from "+from+")")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var fields []field
	for rows.Next() {
		var f field
		if err := rows.Scan(&f.name, &f.kind); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, rows.Err()
}

// thin says to read each so-manieth row of a large table.
func thin(ctx context.Context, s *lake.Session, from string, t *Table) (every int64, err error) {
	var rows int64
	if err := s.QueryRow(ctx, "select count(*) from "+from).Scan(&rows); err != nil {
		return 0, fmt.Errorf("count rows: %w", err)
	}
	every = (rows + MaxRows - 1) / MaxRows
	if every > 1 {
		t.note("of %d rows, one in %d was read", rows, every)
	}
	return every, nil
}

// selection is the select list: the label as text first, then the time as a
// number, then each feature as a number or text.
func selection(fields []field, src Source) (query string, columns []*Column, labels *labelColumn) {
	labels = &labelColumn{hasTime: src.Time != ""}
	list := []string{ident(src.Label) + "::varchar"}
	if src.Time != "" {
		for _, f := range fields {
			if f.name == src.Time {
				list = append(list, orderable(f))
			}
		}
	}
	add := func(name, sql string, c Column) {
		c.Name = name
		columns = append(columns, &c)
		list = append(list, sql)
	}
	for _, f := range fields {
		if f.name == src.Label || f.name == src.Time || slices.Contains(src.Drop, f.name) {
			continue
		}
		id := ident(f.name)
		switch kind := f.kind; {
		case kind == "BOOLEAN":
			add(f.name, id+"::integer::double", Column{Numbers: []float64{}})
		case kind == "DATE" || strings.HasPrefix(kind, "TIMESTAMP"):
			add(f.name, orderable(f), Column{Numbers: []float64{}, isDate: true})
			for _, part := range dateParts {
				add(f.name+" "+part.suffix, fmt.Sprintf(part.sql, id), Column{Codes: []int32{}, of: f.name})
			}
		case kind == "TIME" || kind == "INTERVAL":
			add(f.name, "epoch("+id+")::double", Column{Numbers: []float64{}})
		case isNumeric(kind):
			add(f.name, id+"::double", Column{Numbers: []float64{}})
		case strings.HasSuffix(kind, "]"): // how many things a list has
			add(f.name, "len("+id+")::double", Column{Numbers: []float64{}})
		default:
			add(f.name, id+"::varchar", Column{Codes: []int32{}})
		}
	}
	return "select " + strings.Join(list, ", "), columns, labels
}

func isNumeric(kind string) bool {
	kind, _, _ = strings.Cut(kind, "(")
	return slices.Contains([]string{"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL"}, kind)
}

// orderable is a number that rises with the value: days of a date.
func orderable(f field) string {
	id := ident(f.name)
	if f.kind == "DATE" || strings.HasPrefix(f.kind, "TIMESTAMP") {
		return "(epoch(" + id + ") / 86400)::double"
	}
	if isNumeric(f.kind) {
		return id + "::double"
	}
	return "(epoch(try_cast(" + id + " as timestamp)) / 86400)::double"
}

// labelColumn is what stands in the label column, and when.
type labelColumn struct {
	values  []string
	known   []bool
	hasTime bool
	times   []float64
}

// add takes the rows of a batch. Arrow's memory is reused, so texts are copied.
func (t *Table) add(b arrow.RecordBatch, l *labelColumn, codes []map[string]int32) error {
	label, ok := b.Column(0).(*array.String)
	if !ok {
		return leadlake.Errorf(leadlake.Internal, "the label is %s", b.Column(0).DataType())
	}
	at := 1
	for row := range label.Len() {
		l.known = append(l.known, label.IsValid(row))
		l.values = append(l.values, strings.Clone(label.Value(row)))
	}
	if l.hasTime {
		times, err := numbers(b.Column(at))
		if err != nil {
			return err
		}
		l.times = append(l.times, times...)
		at++
	}
	for i, c := range t.Columns {
		if c.Codes == nil {
			values, err := numbers(b.Column(at + i))
			if err != nil {
				return err
			}
			if bad := slices.IndexFunc(values, func(v float64) bool { return math.IsInf(v, 0) }); bad >= 0 {
				return leadlake.Errorf(leadlake.Invalid, "column %s is infinite in row %d", c.Name, len(c.Numbers)+bad+1).
					WithFix("mend the value or leave it empty, or drop the column: --drop %q", c.Name)
			}
			c.Numbers = append(c.Numbers, values...)
			continue
		}
		texts, ok := b.Column(at + i).(*array.String)
		if !ok {
			return leadlake.Errorf(leadlake.Internal, "column %s is %s", c.Name, b.Column(at+i).DataType())
		}
		if codes[i] == nil {
			codes[i] = map[string]int32{}
		}
		for row := range texts.Len() {
			c.Codes = append(c.Codes, c.code(codes[i], texts, row))
		}
	}
	return nil
}

func (c *Column) code(codes map[string]int32, texts *array.String, row int) int32 {
	if texts.IsNull(row) {
		return -1
	}
	text := strings.TrimSpace(texts.Value(row))
	if text == "" {
		return -1
	}
	code, ok := codes[text]
	if !ok {
		code, text = int32(len(c.Levels)), strings.Clone(text)
		codes[text] = code
		c.Levels = append(c.Levels, text)
	}
	return code
}

func numbers(col arrow.Array) ([]float64, error) {
	values, ok := col.(*array.Float64)
	if !ok {
		return nil, leadlake.Errorf(leadlake.Internal, "a number is %s", col.DataType())
	}
	out := make([]float64, values.Len())
	for i := range out {
		out[i] = math.NaN()
		if values.IsValid(i) {
			out[i] = values.Value(i)
		}
	}
	return out, nil
}

// settle makes labels of what stood there, orders the rows and looks again at
// texts that are numbers.
func (t *Table) settle(src Source, l *labelColumn) error {
	var kept []int
	for row, known := range l.known {
		if known && (!l.hasTime || !math.IsNaN(l.times[row])) {
			kept = append(kept, row)
		}
	}
	if left := len(l.known) - len(kept); left > 0 {
		t.note("%d rows without a label or time were left out", left)
	}
	isTrue, err := positive(src, l, kept)
	if err != nil {
		return err
	}
	t.Labels = make([]bool, len(l.values))
	for row, v := range l.values {
		t.Labels[row] = isTrue(v)
	}
	if l.hasTime {
		slices.SortStableFunc(kept, func(a, b int) int { return cmp.Compare(l.times[a], l.times[b]) })
	}
	t.reorder(kept)
	for _, c := range t.Columns {
		if others, ok := c.parse(); ok && others > 0 {
			t.note("column %s is read as a number; %d texts in it count as missing", c.Name, others)
		}
	}
	t.dropUseless()
	if len(t.Columns) == 0 {
		return leadlake.Errorf(leadlake.Invalid, "read %s: no column is left to learn from", src.Path).WithFix("drop fewer columns")
	}
	return nil
}

func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
