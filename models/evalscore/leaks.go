package evalscore

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/models/metrics"
)

// Severities of a Leak.
const (
	SeverityLeak  = "leak"  // it was written when the answer was known, or as good as that
	SeverityCheck = "check" // it may have been: find out when it is filled in
)

// Leak is a column that knows more than can be known when a lead comes in.
//
// What is looked for follows Kaufman, Rosset, Perlich and Stitelman, "Leakage
// in data mining: formulation, detection, and avoidance" (2012): columns that
// are surprisingly good alone, columns whose being filled in depends on the
// outcome, and what the name and the values say of the time of writing.
type Leak struct {
	Column   string   `json:"column"`
	Severity string   `json:"severity"`
	AUC      float64  `json:"auc"`  // of this column alone
	Knows    float64  `json:"info"` // share of the uncertainty about the label that it removes alone
	Why      []string `json:"why"`
	With     []string `json:"filled_with,omitempty"` // columns that are filled in in the same rows
}

// Thresholds. Information is a share of the label's entropy.
const (
	sampleRows    = 10_000
	someInfo      = 0.005 // a column says something at all
	wordsInfo     = 0.02  // enough to suspect by the words in its values
	doubtfulInfo  = 0.15  // by a doubtful name alone
	presenceInfo  = 0.06  // by being filled in or not
	mostInfo      = 0.5   // more than honest columns know, unless many do
	allInfo       = 0.8   // whatever the others know
	candidateInfo = 0.08  // worth a fit without it
	addsInfo      = 0.2   // on top of all others
	pureShare     = 0.95  // of the rows with a value are of one outcome
	pureCover     = 0.2   // of that outcome have the value
	wordsShare    = 0.1   // of filled rows are of words of an aftermath
	sameRows      = 0.99  // of two columns that are filled in together
)

// FindLeaks looks through all columns. The worst come first.
func FindLeaks(t *Table, seed uint64) ([]Leak, error) {
	s := newSample(t, seed)
	var suspects []*suspect
	for _, c := range s.columns {
		suspects = append(suspects, s.look(c))
	}
	if err := s.compare(suspects); err != nil {
		return nil, err
	}
	leaks := []Leak{}
	for _, x := range suspects {
		severity := x.severity()
		column := x.view.source()
		isKnown := slices.ContainsFunc(leaks, func(l Leak) bool { return l.Column == column }) // by the date itself
		if severity == "" || isKnown {
			continue
		}
		leaks = append(leaks, Leak{Column: column, Severity: severity, AUC: x.view.auc, Knows: x.view.info, Why: x.why})
	}
	slices.SortStableFunc(leaks, func(a, b Leak) int {
		switch {
		case a.Severity != b.Severity:
			return strings.Compare(b.Severity, a.Severity) // leak before check
		case a.Knows > b.Knows:
			return -1
		}
		return 1
	})
	return s.together(leaks), nil
}

// suspect is what speaks against a column.
type suspect struct {
	view                                 *view
	name, doubtful, values, pure, filled bool
	most                                 bool // knows most by itself
	rest                                 bool // more than all the others, or far more on top of them
	why                                  []string
}

func (x *suspect) severity() string {
	switch {
	case x.name, x.values, x.pure, x.most, x.rest && x.doubtful:
		return SeverityLeak
	case x.rest, x.filled, x.doubtful && x.view.info >= doubtfulInfo:
		return SeverityCheck
	}
	return ""
}

func (x *suspect) say(format string, args ...any) {
	x.why = append(x.why, fmt.Sprintf(format, args...))
}

// look gathers what a column says for itself.
func (s *sample) look(c *view) *suspect {
	x := &suspect{view: c}
	x.most = c.info >= allInfo
	if x.most {
		x.say("alone it removes %.0f%% of the uncertainty", 100*c.info)
	}
	s.lookAtPresence(x)
	s.lookAtLevels(x)
	if c.info < someInfo {
		return x
	}
	found, strong := meaning(c.Name)
	switch {
	case strong:
		x.name = true
		x.say("its name (%s) is of what comes after a contact", found)
	case found != "":
		x.doubtful = true
		if c.info >= doubtfulInfo {
			x.say("its name (%s) may be of what comes after a contact", found)
		}
	}
	if share, example := s.aftermathShare(c); share >= wordsShare && c.info >= wordsInfo {
		x.values = true
		x.say("%.0f%% of its values are of what comes after a contact, such as %q", 100*share, example)
	}
	return x
}

// meaning finds the words of a name that tell of the time after a contact.
func meaning(name string) (found string, strong bool) {
	w := words(name)
	first := func(of []string, but string) string {
		for _, v := range w {
			if v != but && slices.Contains(of, v) {
				return v
			}
		}
		return ""
	}
	if a := first(latestWords(), ""); a != "" {
		if b := first(happeningWords(), a); b != "" {
			return a + " " + b, true
		}
	}
	for _, a := range w {
		if slices.Contains(subjectWords(), a) {
			if b := first(judgementWords(), a); b != "" {
				return a + " " + b, true
			}
		}
	}
	if a := first(outcomeWords(), ""); a != "" {
		return a, true
	}
	return first(doubtfulWords(), ""), false
}

// aftermathShare is the share of filled rows whose text is of an aftermath.
func (s *sample) aftermathShare(c *view) (share float64, example string) {
	if c.Codes == nil {
		return 0, ""
	}
	hits, most := 0, 0
	phrases := aftermath()
	filled := 0
	counts := make([]int, len(c.Levels))
	for _, row := range s.rows {
		if code := c.Codes[row]; code >= 0 {
			filled++
			counts[code]++
		}
	}
	for code, n := range counts {
		text := " " + strings.Join(words(c.Levels[code]), " ") + " "
		if n > 0 && slices.ContainsFunc(phrases, func(p string) bool { return strings.Contains(text, " "+p+" ") }) {
			hits += n
			if n > most {
				most, example = n, c.Levels[code]
			}
		}
	}
	if filled == 0 {
		return 0, ""
	}
	return float64(hits) / float64(filled), example
}

// lookAtPresence asks whether being filled in depends on the outcome.
func (s *sample) lookAtPresence(x *suspect) {
	var filled, all [2]int // by label
	for _, row := range s.rows {
		at := s.class(row)
		all[at]++
		if !x.view.isMissing(row) {
			filled[at]++
		}
	}
	have, total := filled[0]+filled[1], all[0]+all[1]
	if have == 0 || have == total {
		return
	}
	if outcome := s.pure(filled, all); outcome >= 0 {
		x.pure = true
		x.say("it is filled in almost only where the label is %t: %d of %d rows", outcome == 1, filled[outcome], have)
		return
	}
	gone := [2]int{all[0] - filled[0], all[1] - filled[1]}
	if mutual(filled, gone) >= presenceInfo {
		x.filled = true
		x.say("it is filled in for %.0f%% of the positives and %.0f%% of the others", 100*float64(filled[1])/float64(all[1]), 100*float64(filled[0])/float64(all[0]))
	}
}

// pure says of which outcome alone rows with a value are: 1 and 0 for true and
// false, -1 for none. Where an outcome is common anyhow, no row may be of the
// rare one that ought to have been there twenty times.
func (s *sample) pure(have, all [2]int) int {
	n, base := have[0]+have[1], float64(all[1])/float64(all[0]+all[1])
	for outcome, share := range [2]float64{1 - base, base} {
		low, _ := metrics.Wilson(have[outcome], n)
		covers := float64(have[outcome]) >= pureCover*float64(all[outcome]) || share < 0.5 && have[outcome] >= 30 && low >= 0.98
		if covers && low >= max(pureShare, 1-(1-share)/20) {
			return outcome
		}
	}
	return -1
}

// lookAtLevels asks whether one value gives the answer away.
func (s *sample) lookAtLevels(x *suspect) {
	c := x.view
	counts, all := make([][2]int, c.keys), [2]int{}
	for i, row := range s.rows {
		counts[c.key[i]][s.class(row)]++
		all[s.class(row)]++
	}
	for key, n := range counts {
		if c.keyName[key] == "" || s.pure(n, all) != 1 {
			continue
		}
		if float64(n[1]) >= pureCover*float64(all[1]) {
			x.pure = true
			x.say("of %d rows with %s, %d are positive", n[0]+n[1], c.keyName[key], n[1])
			return
		}
	}
}

// mutual is the information that a yes or no gives of the label, as a share
// of the label's entropy. Counts are by label.
func mutual(yes, no [2]int) float64 {
	h := func(n [2]int) float64 {
		total, sum := float64(n[0]+n[1]), 0.0
		for _, k := range n {
			if k > 0 {
				sum -= float64(k) * math.Log(float64(k)/total)
			}
		}
		return sum
	}
	all := h([2]int{yes[0] + no[0], yes[1] + no[1]})
	if all == 0 {
		return 0
	}
	return 1 - (h(yes)+h(no))/all
}

// together names for each leak the other leaks of equal severity that are
// filled in in the same rows, and keeps one of those that are only checked for
// that: it is one question to ask.
func (s *sample) together(leaks []Leak) []Leak {
	byName := map[string]*view{}
	for _, c := range s.columns {
		if byName[c.source()] == nil {
			byName[c.source()] = c
		}
	}
	var out []Leak
	for _, l := range leaks {
		at := -1
		if l.Severity == SeverityCheck && len(l.Why) == 1 {
			at = slices.IndexFunc(out, func(o Leak) bool {
				return o.Severity == SeverityCheck && len(o.Why) == 1 && s.sameRows(byName[o.Column], byName[l.Column])
			})
		}
		if at >= 0 {
			out[at].With = append(out[at].With, l.Column)
			continue
		}
		out = append(out, l)
	}
	if out == nil {
		out = []Leak{}
	}
	return out
}

func (s *sample) sameRows(a, b *view) bool {
	same, missing := 0, 0
	for _, row := range s.rows {
		if a.isMissing(row) == b.isMissing(row) {
			same++
		}
		if a.isMissing(row) {
			missing++
		}
	}
	return missing > 0 && float64(same) >= sameRows*float64(len(s.rows))
}
