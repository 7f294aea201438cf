package list

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// delimiters in the order in which a tie is decided.
var delimiters = []byte{',', ';', '\t', '|'}

// csvReader cuts lines into rows of values. Quotes follow RFC 4180; a quote
// inside an unquoted value is an ordinary character.
type csvReader struct {
	lines *lines
	delim byte

	row    splitter
	joined []byte   // the lines of a row that has line ends in quotes
	values []string // of the last row
}

// csvRow is one row, or what is wrong with it. Its parts are valid until the
// next read.
type csvRow struct {
	line    int64 // where it begins
	values  []string
	text    []byte // the row as it came, without the line end
	problem *ingest.Problem
}

// read returns the next row that is not blank, io.EOF after the last.
func (c *csvReader) read() (csvRow, error) {
	for {
		line, err := c.lines.next()
		if err != nil {
			return csvRow{}, err
		}
		text := trimEnd(line)
		row := csvRow{line: c.lines.num, text: text}
		switch {
		case len(bytes.TrimSpace(text)) == 0 && c.delim != '\t' || len(text) == 0:
			continue
		case len(text) > maxLine:
			row.problem = tooLong(len(text))
			return row, nil
		}
		c.row.reset(c.delim)
		switch c.row.run(text) {
		case splitDone:
			row.values = c.row.cut(string(text), &c.values)
		case splitBad:
			row.problem = badQuoting("a value goes on after its closing quote")
		case splitOpen:
			return c.readOn(row, line)
		}
		return row, nil
	}
}

// readOn reads the further lines of a row whose last value has an open quote.
// If the quote never ends well, only the first line is bad: the others are
// given back, so that one stray quote does not swallow the rows after it.
func (c *csvReader) readOn(row csvRow, line []byte) (csvRow, error) {
	c.joined = append(c.joined[:0], line...)
	first, count := len(line), int64(0)
	textLen := len(row.text)
	reason := ""
	for reason == "" {
		line, err := c.lines.next()
		if errors.Is(err, io.EOF) {
			reason = "a quote is opened and never closed"
			break
		}
		if err != nil {
			return csvRow{}, err
		}
		c.joined = append(c.joined, line...)
		count++
		text := trimEnd(c.joined)
		if len(text) > maxLine {
			reason = fmt.Sprintf("a quote is opened and not closed within %d MiB", maxLine>>20)
			break
		}
		switch c.row.run(text) {
		case splitDone:
			row.text = text
			row.values = c.row.cut(string(text), &c.values)
			return row, nil
		case splitBad:
			reason = "a value goes on after its closing quote"
		}
	}
	c.lines.unread(c.joined[first:], count)
	row.text = c.joined[:textLen]
	row.problem = badQuoting(reason)
	return row, nil
}

func tooLong(n int) *ingest.Problem {
	return &ingest.Problem{
		Code:   "line_too_long",
		Reason: fmt.Sprintf("the line has %d bytes, more than %d; check its line ends and quotes", n, maxLine),
	}
}

func badQuoting(what string) *ingest.Problem {
	return &ingest.Problem{
		Code:   "bad_quoting",
		Reason: what + `; write a quote inside a quoted value twice ("")`,
	}
}

// splitter finds the values of a row. It goes on where it stopped when the
// row turns out to have a further line.
type splitter struct {
	delim byte
	spans []span
	pos   int
	open  bool // pos is inside quotes
	cur   span // the value that is open
}

type span struct {
	start, end int
	escaped    bool // has doubled quotes
}

type splitResult int

const (
	splitDone splitResult = iota
	splitOpen             // a quote is open at the end of the text
	splitBad
)

func (s *splitter) reset(delim byte) {
	*s = splitter{delim: delim, spans: s.spans[:0]}
}

func (s *splitter) run(text []byte) splitResult {
	for {
		if !s.open && s.pos < len(text) && text[s.pos] == '"' {
			s.open = true
			s.pos++
			s.cur = span{start: s.pos}
		}
		if !s.open {
			end := len(text)
			if i := bytes.IndexByte(text[s.pos:], s.delim); i >= 0 {
				end = s.pos + i
			}
			s.spans = append(s.spans, span{start: s.pos, end: end})
			if end == len(text) {
				return splitDone
			}
			s.pos = end + 1
			continue
		}
		i := bytes.IndexByte(text[s.pos:], '"')
		if i < 0 {
			s.pos = len(text)
			return splitOpen
		}
		s.pos += i
		after := s.pos + 1
		if after < len(text) && text[after] == '"' {
			s.cur.escaped = true
			s.pos += 2
			continue
		}
		s.cur.end = s.pos
		s.spans = append(s.spans, s.cur)
		s.open = false
		switch {
		case after == len(text):
			return splitDone
		case text[after] != s.delim:
			return splitBad
		}
		s.pos = after + 1
	}
}

// cut returns the values as parts of text.
func (s *splitter) cut(text string, into *[]string) []string {
	values := (*into)[:0]
	for _, sp := range s.spans {
		v := text[sp.start:sp.end]
		if sp.escaped {
			v = strings.ReplaceAll(v, `""`, `"`)
		}
		values = append(values, v)
	}
	*into = values
	return values
}

// readCSV reads a file of delimited values with a header.
func (t *table) readCSV(in file, format string) error {
	text, err := t.text(in)
	if err != nil {
		return err
	}
	c := &csvReader{lines: newLines(t.file, text), delim: '\t'}
	if format == formatCSV {
		c.delim = guessDelimiter(c.lines)
	}
	header, err := c.read()
	switch {
	case errors.Is(err, io.EOF):
		return leadlake.Errorf(leadlake.Invalid, "list %s: the file has only blank lines", t.file).
			WithFix("the first line must hold the column names")
	case err != nil:
		return err
	case header.problem != nil:
		return leadlake.Errorf(leadlake.Invalid, "list %s, line %d: the column names cannot be read: %s", t.file, header.line, header.problem.Reason)
	}
	if err := t.setColumns(uniqueColumns(header.values)); err != nil {
		return t.explainOneColumn(err, header, format)
	}
	for {
		row, err := c.read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if row.problem == nil {
			row.values, row.problem = t.fit(row.values)
		}
		if err := t.add(row.line, row.values, row.text, row.problem); err != nil {
			return err
		}
	}
}

// explainOneColumn replaces a complaint about missing columns where the whole
// header was read as one: then the delimiter is at fault.
func (t *table) explainOneColumn(err error, header csvRow, format string) error {
	if len(header.values) > 1 {
		return err
	}
	expected := "comma, semicolon, tab and pipe"
	if format == formatTSV {
		expected = "tab"
	}
	return leadlake.Errorf(leadlake.Invalid, "list %s, line %d: the header is one column, %q; known delimiters are %s",
		t.file, header.line, shorten(string(header.text)), expected).
		WithFix("save the file with one of these delimiters, or set format if it is no %s", format)
}

// fit makes the row as wide as the header, or says why it cannot be. Empty
// values beyond the header are trailing delimiters and hold nothing.
func (t *table) fit(values []string) ([]string, *ingest.Problem) {
	want := len(t.columns)
	for len(values) > want && values[len(values)-1] == "" {
		values = values[:len(values)-1]
	}
	switch {
	case len(values) < want:
		return nil, &ingest.Problem{
			Column: t.columns[len(values)],
			Code:   "too_few_columns",
			Reason: fmt.Sprintf("the row has %d values and the header %d; add the missing delimiters", len(values), want),
		}
	case len(values) > want:
		return nil, &ingest.Problem{
			Column: t.columns[want-1],
			Code:   "too_many_columns",
			Reason: fmt.Sprintf("the row has %d values and the header %d; put values that contain the delimiter in quotes", len(values), want),
		}
	}
	return values, nil
}

// guessDelimiter looks at the first rows: the right delimiter cuts most of
// them into as many values as the first, and into more than one.
func guessDelimiter(l *lines) byte {
	head, _ := l.r.Peek(64 << 10) // an error comes again with the first read
	best, bestScore := delimiters[0], 0.0
	for _, d := range delimiters {
		if score := delimiterScore(head, l.end, d); score > bestScore {
			best, bestScore = d, score
		}
	}
	return best
}

const sampleRows = 50

func delimiterScore(head []byte, end, delim byte) float64 {
	c := &csvReader{lines: newLines("", bytes.NewReader(head)), delim: delim}
	c.lines.end = end
	columns, rows, same := 0, 0, 0
	for rows < sampleRows {
		row, err := c.read()
		if err != nil {
			break
		}
		if rows == 0 {
			columns = len(row.values)
		}
		rows++
		if row.problem == nil && len(row.values) == columns {
			same++
		}
	}
	if columns < 2 {
		return 0
	}
	return float64(same) / float64(rows) * float64(columns)
}
