package evalscore

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Bounds of what is learnt of texts: a level that few rows have says more
// about these rows than about the level.
const (
	maxMinLevelRows = 20 // of small tables a hundredth of the rows
	maxLevels       = 30
	clipShare       = 0.001 // of the numbers, at each end, are taken for outliers
)

// encoder turns columns into numbers as it learnt from the training rows. A
// text has a column for each frequent level, one for all other texts and one
// for none; a text that is new at scoring time counts as other.
type encoder struct {
	parts []part
	names []string
}

type part struct {
	column    *Column
	low, high float64 // of numbers: values beyond are drawn in
	at        []int32 // of texts: by code, place among the part's columns; -1: none
	missing   int32   // of texts: place of what is missing; -1: none
	width     int
}

func learnEncoder(columns []*Column, rows []int) *encoder {
	e := &encoder{}
	minRows := min(maxMinLevelRows, max(3, len(rows)/100))
	for _, c := range columns {
		p := part{column: c}
		if c.Codes == nil {
			if !p.learnNumber(rows) {
				continue
			}
			e.names = append(e.names, c.Name)
		} else if e.names = append(e.names, p.learnText(rows, minRows)...); p.width == 0 {
			continue
		}
		e.parts = append(e.parts, p)
	}
	return e
}

func (p *part) learnNumber(rows []int) bool {
	var values []float64
	for _, row := range rows {
		if v := p.column.Numbers[row]; !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return false
	}
	slices.Sort(values)
	p.width = 1
	cut := int(clipShare * float64(len(values)))
	p.low, p.high = values[cut], values[len(values)-1-cut]
	if p.low == p.high { // a rare flag
		p.low, p.high = values[0], values[len(values)-1]
	}
	return p.low < p.high || len(values) < len(rows)
}

func (p *part) learnText(rows []int, minRows int) (names []string) {
	c := p.column
	counts, missing := make([]int, len(c.Levels)), 0
	for _, row := range rows {
		if code := c.Codes[row]; code >= 0 {
			counts[code]++
		} else {
			missing++
		}
	}
	order := make([]int, len(counts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(c.Levels[a], c.Levels[b]))
	})
	place := func(name string) int32 {
		names = append(names, c.Name+"="+name)
		p.width++
		return int32(p.width - 1)
	}
	p.at = make([]int32, len(counts))
	p.missing = -1
	others := 0
	for rank, code := range order {
		p.at[code] = -1
		switch n := counts[code]; {
		case n == len(rows): // all the same in these rows
		case n >= minRows && rank < maxLevels:
			p.at[code] = place(c.Levels[code])
		default:
			others += n
		}
	}
	if others >= minRows {
		other := place("(other)")
		for code, at := range p.at {
			if at < 0 {
				p.at[code] = other
			}
		}
	}
	if missing >= minRows && missing < len(rows) {
		p.missing = place("(none)")
	}
	return names
}

// matrix encodes rows, row by row.
func (e *encoder) matrix(rows []int) []float32 {
	width, from := len(e.names), 0
	x := make([]float32, len(rows)*width)
	for _, p := range e.parts {
		for i, row := range rows {
			p.fill(x[i*width+from:][:p.width], row)
		}
		from += p.width
	}
	return x
}

func (p *part) fill(x []float32, row int) {
	if p.at == nil {
		x[0] = float32(min(max(p.column.Numbers[row], p.low), p.high)) // NaN stays NaN
		return
	}
	at := p.missing
	if code := p.column.Codes[row]; code >= 0 {
		at = p.at[code]
	}
	if at >= 0 {
		x[at] = 1
	}
}

// byFeature adds up values of encoded columns to those of the table's.
func (e *encoder) byFeature(values []float64) map[string]float64 {
	sums, at := map[string]float64{}, 0
	for _, p := range e.parts {
		for range p.width {
			sums[p.column.Name] += values[at]
			at++
		}
	}
	return sums
}

func (e *encoder) check() error {
	if len(e.names) == 0 {
		return fmt.Errorf("no column varies among the rows to learn from")
	}
	return nil
}
