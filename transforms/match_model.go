package transforms

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// MatchModel says what each level of agreement weighs. It is a Fellegi-Sunter
// model (1969): the match weight of a pair is the prior plus one weight a
// comparison, all in bits (log2 odds).
type MatchModel struct {
	Version string   `json:"version"`
	Card    []string `json:"card"` // what it was trained on, and how
	// Prior is the weight of a blocked pair of which nothing else is known.
	Prior       float64      `json:"prior"`
	Comparisons []Comparison `json:"comparisons"`
}

// Comparison is one thing that two records agree on or not.
type Comparison struct {
	Name string `json:"name"`
	// Null is the level at which a side is missing; -1 where there is none.
	Null int `json:"null"`
	// Adapts says that EM on the user's own data moves the weights: what a
	// shared address or number means differs from one set of data to another,
	// what a shared name means does not.
	Adapts bool         `json:"adapts"`
	Levels []MatchLevel `json:"levels"` // the level is the index
}

// MatchLevel is one level of a comparison.
type MatchLevel struct {
	Meaning string  `json:"meaning,omitempty"`
	Weight  float64 `json:"weight"`
	// M and U are the shares of the level among matches and non-matches of the
	// training pairs, where both sides have a value.
	M float64 `json:"m"`
	U float64 `json:"u"`
	// Set marks a weight that is not learnt, and says why the others are.
	Set bool `json:"set,omitempty"`
}

//go:embed match_model.json
var defaultMatchModel []byte

// DefaultMatchModel is the model that leadlake ships.
func DefaultMatchModel() (MatchModel, error) { return ParseMatchModel(defaultMatchModel) }

// ParseMatchModel reads a model and checks that it has all comparisons.
func ParseMatchModel(text []byte) (MatchModel, error) {
	var m MatchModel
	if err := json.Unmarshal(text, &m); err != nil {
		return m, leadlake.Errorf(leadlake.Invalid, "read match model: %w", err)
	}
	want := map[string]int{}
	for _, c := range comparisons {
		want[c.Name] = len(c.Levels)
	}
	for _, c := range m.Comparisons {
		if want[c.Name] != len(c.Levels) {
			return m, leadlake.Errorf(leadlake.Invalid, "read match model: comparison %q has %d levels, want %d", c.Name, len(c.Levels), want[c.Name]).
				WithFix("train it again with this version of leadlake")
		}
		delete(want, c.Name)
	}
	for name := range want {
		return m, leadlake.Errorf(leadlake.Invalid, "read match model: comparison %q is missing", name).
			WithFix("train it again with this version of leadlake")
	}
	return m, nil
}

// pattern is a combination of levels, in the order of comparisons, and how
// many pairs have it.
type pattern struct {
	levels []int
	pairs  float64
}

// How the default model is adapted. A comparison that adapts weighs the mean of
// its default weight and of the weight that EM finds, so that a set of data
// may move a weight, not turn it round.
const (
	emRounds    = 15
	emPrior     = -2.0 // bits
	emDefault   = 2000 // pairs that the default counts for in EM
	emOwn       = 3000 // pairs that the data count for, at most
	emSmoothing = 5    // pairs
	emReach     = 1.5  // bits of difference that EM is heard for: a class of pairs that is no match, such as branches of chains, may be larger than that of matches
)

// adapt returns the model fitted to the patterns of a set of data by
// expectation maximisation (Dempster, Laird, Rubin 1977; for record linkage
// Winkler 1988). It is deterministic. Comparisons that do not adapt keep their
// shares in it.
func (m *MatchModel) adapt(patterns []pattern) MatchModel {
	found := make([][]float64, len(m.Comparisons)) // weights that EM finds
	for i, c := range m.Comparisons {
		found[i] = ratios(c, shares(c, emDefault, 0), shares(c, emDefault, 1))
	}
	for range emRounds {
		matches, others := emptyCounts(m.Comparisons), emptyCounts(m.Comparisons)
		for _, p := range patterns {
			w := emPrior
			for i, l := range p.levels {
				w += found[i][l]
			}
			probability := probabilityOf(w)
			for i, l := range p.levels {
				if m.Comparisons[i].Adapts && l != m.Comparisons[i].Null {
					matches[i][l] += p.pairs * probability
					others[i][l] += p.pairs * (1 - probability)
				}
			}
		}
		for i, c := range m.Comparisons {
			if c.Adapts {
				found[i] = ratios(c, plus(scaled(matches[i], emOwn), shares(c, emDefault, 0)), plus(scaled(others[i], emOwn), shares(c, emDefault, 1)))
			}
		}
	}
	out := *m
	out.Comparisons = make([]Comparison, len(m.Comparisons))
	for i, c := range m.Comparisons {
		c.Levels = append([]MatchLevel(nil), c.Levels...)
		for l := range c.Levels {
			if c.Adapts && !c.Levels[l].Set {
				moved := math.Max(-emReach, math.Min(emReach, found[i][l]-c.Levels[l].Weight))
				c.Levels[l].Weight += moved / 2
			}
		}
		out.Comparisons[i] = c
	}
	return out
}

func emptyCounts(comparisons []Comparison) [][]float64 {
	out := make([][]float64, len(comparisons))
	for i, c := range comparisons {
		out[i] = make([]float64, len(c.Levels))
	}
	return out
}

// shares are the model's own counts, scaled to a number of pairs: those of
// matches (side 0) or of non-matches.
func shares(c Comparison, total float64, side int) []float64 {
	out := make([]float64, len(c.Levels))
	for l, level := range c.Levels {
		out[l] = level.M * total
		if side == 1 {
			out[l] = level.U * total
		}
	}
	return out
}

// scaled brings counts down to a total, if they are above it.
func scaled(counts []float64, most float64) []float64 {
	sum := 0.0
	for _, n := range counts {
		sum += n
	}
	if sum > most {
		for l := range counts {
			counts[l] *= most / sum
		}
	}
	return counts
}

func plus(a, b []float64) []float64 {
	for i := range a {
		a[i] += b[i]
	}
	return a
}

// ratios are log2(m/u) a level, smoothed towards no evidence where pairs are few.
func ratios(c Comparison, matches, others []float64) []float64 {
	m, u := 0.0, 0.0
	for l := range c.Levels {
		m += matches[l]
		u += others[l]
	}
	out := make([]float64, len(c.Levels))
	for l := range c.Levels {
		base := (matches[l] + others[l]) / math.Max(m+u, 1e-9)
		if l == c.Null || base == 0 {
			continue
		}
		out[l] = math.Log2((matches[l] + emSmoothing*base) / (m + emSmoothing) * (u + emSmoothing) / (others[l] + emSmoothing*base))
	}
	return out
}

// probabilityOf a match weight, which is log2 odds.
func probabilityOf(weight float64) float64 { return 1 / (1 + math.Exp2(-weight)) }

// MatchWeights builds intermediate.int_match_weights: the default model, adapted
// to the patterns of the run.
func MatchWeights(ctx context.Context, s *lake.Session) error {
	model, err := DefaultMatchModel()
	if err != nil {
		return err
	}
	return writeMatchWeights(ctx, s, model)
}

func writeMatchWeights(ctx context.Context, s *lake.Session, model MatchModel) error {
	patterns, err := readPatterns(ctx, s)
	if err != nil {
		return err
	}
	adapted := model.adapt(patterns)
	rows := []weightRow{{"prior", 0, storedWeight(adapted.Prior), model.Prior, "a blocked pair of which nothing else is known"}}
	for i, c := range adapted.Comparisons {
		for l, level := range c.Levels {
			rows = append(rows, weightRow{c.Name, l, storedWeight(level.Weight), model.Comparisons[i].Levels[l].Weight, level.Meaning})
		}
	}
	reader := newBatchReader(weightSchema, func(b *array.RecordBuilder) bool {
		for _, r := range rows {
			b.Field(0).(*array.StringBuilder).Append(r.comparison)
			b.Field(1).(*array.Int32Builder).Append(int32(r.level))
			b.Field(2).(*array.Float64Builder).Append(r.weight)
			b.Field(3).(*array.Float64Builder).Append(r.byDefault)
			b.Field(4).(*array.StringBuilder).Append(r.meaning)
		}
		filled := len(rows) > 0
		rows = nil
		return filled
	})
	defer reader.Release()
	if err := s.Load(ctx, "scratch.intermediate.int_match_weights", reader); err != nil {
		return fmt.Errorf("write match weights: %w", err)
	}
	return nil
}

type weightRow struct {
	comparison        string
	level             int
	weight, byDefault float64
	meaning           string
}

var weightSchema = arrow.NewSchema([]arrow.Field{
	{Name: "comparison", Type: arrow.BinaryTypes.String},
	{Name: "level", Type: arrow.PrimitiveTypes.Int32},
	{Name: "weight", Type: arrow.PrimitiveTypes.Float64},
	{Name: "default_weight", Type: arrow.PrimitiveTypes.Float64},
	{Name: "meaning", Type: arrow.BinaryTypes.String},
}, nil)

// levelColumns are the columns of int_patterns in the order of comparisons.
func levelColumns() string {
	out := ""
	for _, c := range comparisons {
		out += "cast(" + c.Name + "_level as integer), "
	}
	return out
}

func readPatterns(ctx context.Context, s *lake.Session) ([]pattern, error) {
	var out []pattern
	query := "select " + levelColumns() + "cast(pairs as double) from intermediate.int_patterns order by pattern"
	err := s.Batches(ctx, query, func(b arrow.RecordBatch) error {
		for row := range int(b.NumRows()) {
			out = append(out, pattern{readLevels(b, row), b.Column(len(comparisons)).(*array.Float64).Value(row)})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read patterns: %w", err)
	}
	return out, nil
}

func readLevels(b arrow.RecordBatch, row int) []int {
	levels := make([]int, len(comparisons))
	for i := range levels {
		levels[i] = int(b.Column(i).(*array.Int32).Value(row))
	}
	return levels
}
