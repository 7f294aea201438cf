package transforms

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// explain is the waterfall of a pair that was compared.
func (m *Matcher) explain(p comparedPair, left, right record) leadlake.PairExplanation {
	weight := m.weigh(p.levels)
	x := leadlake.PairExplanation{
		Left: m.index.key(left), Right: m.index.key(right), Model: m.index.Model, Threshold: m.index.Threshold,
		Weight: weight, Probability: probabilityOf(weight + m.bits()), IsMatch: weight > 0,
	}
	prior, bits := m.weights["prior"][0], m.bits()
	x.Parts = append(x.Parts, leadlake.WeightPart{
		Comparison: "prior", Meaning: prior.Meaning, Weight: prior.Weight + bits, Default: prior.Default + bits, Adapted: tidy(prior.Weight - prior.Default),
	})
	sum := prior.Weight
	for i, c := range comparisons {
		w := m.weights[c.Name][p.levels[i]]
		part := leadlake.WeightPart{
			Comparison: c.Name, Level: w.Level, Meaning: w.Meaning, Weight: w.Weight, Default: w.Default, Adapted: tidy(w.Weight - w.Default),
		}
		if part.Meaning == "" {
			part.Meaning = c.Levels[w.Level].Meaning
		}
		if known, ok := m.model[c.Name]; ok {
			level := known.Levels[w.Level]
			part.M, part.U, part.IsRule = level.M, level.U, level.Set
		}
		part.Left, part.Right = m.shown(c.Name, left, right), m.shown(c.Name, right, left)
		part.Frequency = m.frequency(c.Name, left, right)
		if c.Name == "distance" && p.metres != nil {
			part.Frequency = fmt.Sprintf("%.0f m apart", *p.metres)
		}
		x.Parts = append(x.Parts, part)
		sum += w.Weight
	}
	if bits != 0 {
		x.Parts = append(x.Parts, leadlake.WeightPart{Comparison: "threshold", Meaning: fmt.Sprintf("records match from a probability of %g", m.index.Threshold), Weight: -bits, Default: -bits})
	}
	if rest := weight - sum; math.Abs(rest) > weightUnit/1000 {
		x.Parts = append(x.Parts, leadlake.WeightPart{Comparison: "rounding", Meaning: "weights are kept to a millionth of a bit", Weight: rest, Default: rest})
	}
	return x
}

// tidy is a difference of two weights without the noise of floating point.
func tidy(bits float64) float64 {
	if math.Abs(bits) <= weightUnit {
		return 0
	}
	return bits
}

// shown is what of one record a comparison looks at, in standard form.
func (m *Matcher) shown(comparison string, r, other record) string {
	text := func(column string) string { return m.index.text(r, column) }
	switch comparison {
	case "name":
		return text("name_key")
	case "rest", "number", "unit":
		only := onlyIn(m.words(r), m.words(other))
		return strings.Join(slices.DeleteFunc(only, func(w string) bool {
			return comparison == "number" && !isNumber(w) || comparison == "unit" && !m.book.unit[w]
		}), " ")
	case "distance":
		lat, ok := r[m.index.at["lat"]].(float64)
		if !ok {
			return ""
		}
		lon, _ := r[m.index.at["lon"]].(float64)
		return fmt.Sprintf("%.6f, %.6f", lat, lon)
	case "address":
		return strings.TrimSpace(text("house") + " " + text("street"))
	case "area":
		return strings.TrimSpace(text("postal") + " " + text("city"))
	case "phone":
		if phone := text("phone"); phone != "" {
			return phone
		}
		return text("phone_tail")
	case "web":
		if page := text("page"); page != "" {
			return page
		}
		return text("domain")
	case "asked":
		if !m.index.isAnswer(r) {
			return ""
		}
		if likelihood, ok := r[m.index.at["likelihood"]].(float64); ok {
			return fmt.Sprintf("likelihood %g", likelihood)
		}
		return "answer"
	}
	return ""
}

func (m *Matcher) words(r record) []string {
	words, _ := r[m.index.at["words"]].([]string)
	return words
}

func onlyIn(words, others []string) []string {
	var out []string
	for _, w := range words {
		if !slices.Contains(others, w) {
			out = append(out, w)
		}
	}
	return out
}

// frequency says how the rarity of what two records share came into a level.
func (m *Matcher) frequency(comparison string, left, right record) string {
	switch comparison {
	case "name":
		return m.sharedWords(left, right)
	case "phone":
		if phone := m.index.text(left, "phone"); phone != "" && phone == m.index.text(right, "phone") {
			return had("this number", m.most("phone_records", left, right))
		}
	case "web":
		if domain := m.index.text(left, "domain"); domain != "" && domain == m.index.text(right, "domain") {
			return had(domain, m.most("domain_records", left, right))
		}
	}
	return ""
}

func had(what string, records int64) string {
	if records <= 1 {
		return "few records have " + what
	}
	return fmt.Sprintf("%d records have %s", records, what)
}

// most is the larger of two counts.
func (m *Matcher) most(column string, left, right record) int64 {
	l, _ := left[m.index.at[column]].(int64)
	r, _ := right[m.index.at[column]].(int64)
	return max(l, r)
}

// sharedWords lists the words that two names share, with how many of the
// records' names have them, as their weights tell.
func (m *Matcher) sharedWords(left, right record) string {
	tokens, _ := left[m.index.at["tokens"]].([]int64)
	words := m.words(left)
	if len(tokens) != len(words) {
		return ""
	}
	var out []string
	for i, w := range words {
		if slices.Contains(m.words(right), w) {
			weight := tokens[i] >> tokenWeightBit
			// The inverse of tokenWeight.
			df := float64(m.index.Names+1) * math.Exp(-float64(weight)/2)
			out = append(out, fmt.Sprintf("%s (about %.0f of %d names, weighs %d)", w, max(1, df), m.index.Names, weight))
		}
	}
	return strings.Join(out, ", ")
}

// RecordExplanation is two records of a campaign, compared.
type RecordExplanation struct {
	leadlake.PairExplanation
	// IsCompared says whether blocking proposed the pair, so that the run weighed
	// it. A pair that it did not is no edge, whatever it would weigh.
	IsCompared bool   `json:"is_compared"`
	LeftLead   string `json:"left_lead,omitempty"` // of the published leads; empty for an answer or a rejected record
	RightLead  string `json:"right_lead,omitempty"`
}

// Explain compares each record of the left with each of the right. Keys that
// the published run has not are an error.
func (m *Matcher) Explain(ctx context.Context, left, right []leadlake.RecordKey) ([]RecordExplanation, error) {
	rows := map[int64]record{}
	read := func(keys []leadlake.RecordKey) ([]int64, error) {
		var out []int64
		for _, key := range keys {
			ids, err := m.index.find(key)
			if err != nil {
				return nil, err
			}
			if len(ids) == 0 {
				return nil, leadlake.Errorf(leadlake.NotFound, "run %s has no record %s", m.index.RunID, key).WithFix("leadlake lead show ID lists the records of a lead")
			}
			for _, id := range ids {
				if rows[id], err = m.index.row(id); err != nil {
					return nil, err
				}
			}
			out = append(out, ids...)
		}
		return out, nil
	}
	lefts, err := read(left)
	if err != nil {
		return nil, err
	}
	rights, err := read(right)
	if err != nil {
		return nil, err
	}
	var pairs [][2]int64
	for _, l := range lefts {
		for _, r := range rights {
			if l == r || m.index.isAnswer(rows[l]) && m.index.isAnswer(rows[r]) {
				continue // answers meet their subjects alone
			}
			pair := [2]int64{min(l, r), max(l, r)}
			if !slices.Contains(pairs, pair) {
				pairs = append(pairs, pair)
			}
		}
	}
	if len(pairs) > mostExplained {
		return nil, leadlake.Errorf(leadlake.Invalid, "these are %d pairs of records, more than %d", len(pairs), mostExplained).WithFix("name records as provider:key in place of leads")
	}
	var out []RecordExplanation
	err = m.with(ctx, m.plain, func(e *matchEngine) error {
		out, err = m.explainPairs(ctx, e, rows, pairs)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	return out, nil
}

// mostExplained is how many pairs one explanation has at most.
const mostExplained = 10_000

func (m *Matcher) explainPairs(ctx context.Context, e *matchEngine, rows map[int64]record, pairs [][2]int64) ([]RecordExplanation, error) {
	var records []record
	for _, r := range rows {
		records = append(records, r)
	}
	if err := e.addRecords(records); err != nil {
		return nil, err
	}
	keys, err := e.blockKeys(ctx)
	if err != nil {
		return nil, err
	}
	compared, err := e.compared(ctx, pairs)
	if err != nil {
		return nil, err
	}
	blocked := map[int64][]int64{}
	for _, p := range compared {
		if _, known := blocked[p.left]; !known {
			if blocked[p.left], err = m.index.blocked(keys[p.left]); err != nil {
				return nil, err
			}
		}
	}
	out := make([]RecordExplanation, 0, len(compared))
	for _, p := range compared {
		left, right := rows[p.left], rows[p.right]
		_, isBlocked := slices.BinarySearch(blocked[p.left], p.right)
		if m.index.isAnswer(right) {
			isBlocked = m.isSubject(left, right)
		}
		x := RecordExplanation{
			PairExplanation: m.explain(p, left, right), IsCompared: isBlocked,
			LeftLead: m.index.text(left, "lead_id"), RightLead: m.index.text(right, "lead_id"),
		}
		if m.index.isAnswer(right) && isBlocked && x.IsMatch {
			x.RightLead = x.LeftLead // it follows its subject
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b RecordExplanation) int {
		switch {
		case a.Weight > b.Weight:
			return -1
		case a.Weight < b.Weight:
			return 1
		}
		return strings.Compare(a.Left.String()+" "+a.Right.String(), b.Left.String()+" "+b.Right.String())
	})
	return out, nil
}

// isSubject says whether an answer is about a record.
func (m *Matcher) isSubject(r, answer record) bool {
	subject := leadlake.RecordKey{Provider: m.index.text(answer, "subject_provider"), Key: m.index.text(answer, "subject_key")}
	return m.index.key(r) == subject
}

// ReadCut says why a run kept two records apart that were to merge; empty where
// it did not, or did not keep why.
func ReadCut(ctx context.Context, s *lake.Session, runID string, left, right leadlake.RecordKey) (reason string, err error) {
	var found int
	const known = "select count(*) from duckdb_tables() where database_name = 'lake' and schema_name = 'candidates' and table_name = 'cuts'"
	if err := s.QueryRow(ctx, known).Scan(&found); err != nil || found == 0 {
		return "", err
	}
	err = eachOf(ctx, s, "cut", func(rows *sql.Rows) error { return rows.Scan(&reason) }, runID, left.Provider, left.Key, right.Provider, right.Key)
	return reason, err
}
