// Package learned scores leads by a model that was trained on outcomes: an
// encoding of features, margins from a logistic regression or boosted trees,
// a calibration that turns margins into probabilities, and tiers by what such
// leads came to.
package learned

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models"
)

// Calibration turns a margin into a probability. It never falls.
type Calibration interface {
	Probability(margin float64) float64
}

// Tier is what leads of at least a score came to on held-out leads.
type Tier struct {
	Name  string  `json:"name"`
	Min   int32   `json:"min"`  // score
	Rate  float64 `json:"rate"` // share that converted
	Low   float64 `json:"low"`  // 95% interval of the share
	High  float64 `json:"high"`
	Leads int     `json:"leads"` // how many the share is of
}

// Scorer is a models.Scorer of a trained model. It never changes.
type Scorer struct {
	artefact    Artefact
	name        string
	kind        string // how reasons call the leads it learnt from: fitness leads
	encoding    Encoding
	model       models.Model
	calibration Calibration
	tiers       []Tier               // best first, the last from 0
	ranks       map[string][]float64 // by feature, sorted: values of the training leads
	features    []string             // of the encoding, each once
	group       []int                // column to place in features
	docs        map[string]models.Feature
	mem         memory.Allocator

	// While there is little evidence the rules have a say, too.
	rules            models.Scorer
	rulesWeight      float64
	rulesCalibration Calibration
}

func newScorer(a Artefact, m models.Model, c Calibration) (*Scorer, error) {
	if !slices.Equal(m.FeatureNames(), a.Encoding.Names()) {
		return nil, leadlake.Errorf(leadlake.Invalid, "read model %s: it was trained on other columns than its encoding makes", a.Name).
			WithFix("roll back to an earlier version")
	}
	if m.Outputs() != 1 {
		return nil, leadlake.Errorf(leadlake.Invalid, "read model %s: it tells %d classes apart, a lead score is about one", a.Name, m.Outputs())
	}
	docs, err := models.FeatureDocs()
	if err != nil {
		return nil, err
	}
	s := &Scorer{
		artefact: a, name: a.Name, kind: a.Vertical + " leads", encoding: a.Encoding, model: m, calibration: c,
		tiers: a.Tiers, ranks: a.Ranks, docs: docs, mem: memory.DefaultAllocator,
	}
	for _, column := range a.Encoding.Columns {
		at := slices.Index(s.features, column.Feature)
		if at < 0 {
			at = len(s.features)
			s.features = append(s.features, column.Feature)
		}
		s.group = append(s.group, at)
	}
	return s, nil
}

// Name implements models.Scorer.
func (s *Scorer) Name() string { return s.name }

// Artefact is what the scorer was made of.
func (s *Scorer) Artefact() Artefact { return s.artefact }

// Score implements models.Scorer.
func (s *Scorer) Score(ctx context.Context, features arrow.RecordBatch) (arrow.RecordBatch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := models.CheckKeys(features); err != nil {
		return nil, err
	}
	rows, width := int(features.NumRows()), len(s.encoding.Columns)
	x := make([]float32, rows*width)
	if err := s.encoding.Fill(x, features); err != nil {
		return nil, err
	}
	by := make([]float64, rows*(width+1))
	if err := s.model.Contributions(by, x); err != nil {
		return nil, err
	}
	points, err := s.rulePoints(ctx, features)
	if err != nil {
		return nil, err
	}
	out := models.NewScoreBuilder(s.mem, features)
	defer out.Release()
	facts := append(sentences(s.features, features, s.docs, s.ranks, s.kind), func(b []byte, row int) []byte {
		return fmt.Appendf(b, "%d points by the rules", points[row])
	})
	var (
		shares []share
		line   []byte
		sums   = make([]float64, len(s.features))
	)
	for row := range rows {
		base := s.grouped(sums, by[row*(width+1):][:width+1])
		var from float64
		shares, from = spread(shares, sums, base, s.calibration.Probability)
		if points != nil {
			shares, from = s.blend(shares, from, float64(points[row]))
		}
		probability := from / 100
		for _, sh := range shares {
			probability += sh.points / 100
		}
		score := toScore(probability)
		out.Append(score, s.tier(score).Name, s.name, probability)
		for _, sh := range shares {
			out.Contribution(s.featureName(sh.feature), sh.points)
		}
		reasons(line, shares, score, row, facts, out.Reason)
	}
	return out.NewBatch(), nil
}

// rulePoints are the rows' points by the rules; nil where they have no say.
func (s *Scorer) rulePoints(ctx context.Context, features arrow.RecordBatch) ([]int32, error) {
	if s.rules == nil {
		return nil, nil
	}
	scored, err := s.rules.Score(ctx, features)
	if err != nil {
		return nil, err
	}
	defer scored.Release()
	return slices.Clone(scored.Column(scored.Schema().FieldIndices("lead_score")[0]).(*array.Int32).Int32Values()), nil
}

// blend takes the mean of the model's probability and the rules', by weight.
// The rules count as one more feature, whose place is after the others.
func (s *Scorer) blend(shares []share, from, points float64) ([]share, float64) {
	for i := range shares {
		shares[i].points *= 1 - s.rulesWeight
	}
	none := s.rulesCalibration.Probability(0)
	if gain := 100 * s.rulesWeight * (s.rulesCalibration.Probability(points) - none); gain != 0 {
		shares = append(shares, share{feature: len(s.features), points: gain})
		sortShares(shares)
	}
	return shares, (1-s.rulesWeight)*from + 100*s.rulesWeight*none
}

func (s *Scorer) featureName(i int) string {
	if i == len(s.features) {
		return "rules"
	}
	return s.features[i]
}

// grouped adds the contributions of a feature's columns and returns the base.
func (s *Scorer) grouped(sums, by []float64) float64 {
	clear(sums)
	last := len(by) - 1
	for i, c := range by[:last] {
		sums[s.group[i]] += c
	}
	return by[last]
}

func (s *Scorer) tier(score int32) Tier {
	for _, t := range s.tiers {
		if score >= t.Min {
			return t
		}
	}
	return s.tiers[len(s.tiers)-1]
}

// toScore is the probability in points, never outside 0 to 100.
func toScore(p float64) int32 { return int32(math.Round(100 * min(max(p, 0), 1))) }

var _ models.Scorer = (*Scorer)(nil)
