package evalscore

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake"
)

// positive finds the value of the label that is true.
func positive(src Source, l *labelColumn, rows []int) (func(string) bool, error) {
	counts := map[string]int{}
	for _, row := range rows {
		counts[l.values[row]]++
	}
	var values []string
	for v := range counts {
		values = append(values, v)
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	if src.Positive != "" {
		if counts[src.Positive] == 0 || len(values) < 2 {
			return nil, leadlake.Errorf(leadlake.Invalid, "label %s: %d of %d rows are %q; both outcomes are needed", src.Label, counts[src.Positive], len(rows), src.Positive).
				WithFix("it has %s", list(values))
		}
		return func(v string) bool { return v == src.Positive }, nil
	}
	truths := map[string]bool{}
	for _, v := range values {
		truth, ok := truth(v)
		if !ok || len(values) > 2 {
			return nil, leadlake.Errorf(leadlake.Invalid, "label %s has %d values: %s", src.Label, len(values), list(values)).
				WithFix("say which counts as true: --positive VALUE")
		}
		truths[v] = truth
	}
	if len(values) < 2 || truths[values[0]] == truths[values[1]] {
		return nil, leadlake.Errorf(leadlake.Invalid, "label %s has one outcome: %s", src.Label, list(values)).WithFix("give rows of both outcomes")
	}
	return func(v string) bool { return truths[v] }, nil
}

func list(values []string) string {
	if len(values) > 8 {
		return strings.Join(values[:8], ", ") + ", ..."
	}
	return strings.Join(values, ", ")
}

func truth(text string) (value, ok bool) {
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return v == 1, v == 0 || v == 1
	}
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "t", "yes", "y", "won", "converted", "positive", "success":
		return true, true
	case "false", "f", "no", "n", "lost", "not converted", "negative", "failure":
		return false, true
	}
	return false, false
}

// numberShare of the texts have to be numbers for a column to be one; the
// others, such as n/a, are then missing.
const numberShare = 0.95

// parse turns a column of texts that are numbers into numbers. A leading zero
// makes a code of it: 02134 is a place.
func (c *Column) parse() (others int, ok bool) {
	if c.Codes == nil || len(c.Levels) < 3 {
		return 0, false
	}
	values := make([]float64, len(c.Levels))
	for i, text := range c.Levels {
		v, ok := amount(text)
		if !ok {
			v = math.NaN()
		}
		values[i] = v
	}
	filled, numeric := 0, 0
	for _, code := range c.Codes {
		if code >= 0 {
			filled++
			if !math.IsNaN(values[code]) {
				numeric++
			}
		}
	}
	if filled == 0 || float64(numeric) < numberShare*float64(filled) {
		return 0, false
	}
	c.Numbers = make([]float64, len(c.Codes))
	for row, code := range c.Codes {
		c.Numbers[row] = math.NaN()
		if code >= 0 {
			c.Numbers[row] = values[code]
		}
	}
	c.Codes, c.Levels = nil, nil
	return filled - numeric, true
}

// amount reads 1,234.50, $12, 3.5% and the like.
func amount(text string) (float64, bool) {
	text = strings.TrimRight(strings.TrimLeft(strings.TrimSpace(text), "$€£ "), "% ")
	text = strings.ReplaceAll(text, ",", "")
	if len(text) > 1 && text[0] == '0' && text[1] != '.' {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil && !math.IsInf(v, 0) && !math.IsNaN(v)
}
