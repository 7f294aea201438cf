// Package train learns scorers from what became of delivered leads, and
// decides by a back-test whether one of them may take over.
package train

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models"
	"github.com/leadlake/leadlake/models/calibrate"
	"github.com/leadlake/leadlake/models/learned"
	"github.com/leadlake/leadlake/models/logistic"
	"github.com/leadlake/leadlake/models/metrics"
	"github.com/leadlake/leadlake/models/xgbtrain"
)

// Defaults of Options.
const (
	DefaultPositives = 50   // also of the leads that did not convert
	DefaultMargin    = 0.01 // of AUC
)

// rulesEvidence is at how many conversions the rules and the model have an
// equal say; the rules' weight is this over this plus the conversions. Under
// rulesSilent of weight they have none.
const (
	rulesEvidence = 50
	rulesSilent   = 0.05
)

// goldenRows are kept with a version.
const goldenRows = 20

// Options of Fit.
type Options struct {
	Vertical  string
	Champion  models.Scorer // what scores now
	Python    string        // that can train XGBoost; "": logistic regression alone
	Positives int           // how many leads of each outcome have to be there to learn from
	Margin    float64       // by how much AUC a challenger has to win
	Seed      int64
}

// Line is one scorer on the back-test: the latest deliveries, which none of
// the challengers has seen.
type Line struct {
	Name         string   `json:"name"`
	Kind         string   `json:"kind"`
	AUC          float64  `json:"auc"`
	PrecisionTop float64  `json:"precision_top"` // of the Report.Top leads of the highest scores
	LogLoss      *float64 `json:"log_loss"`      // null where it gives no probability
	Brier        *float64 `json:"brier"`
	Calibration  *float64 `json:"calibration_error"`
}

// Report says what was learnt from what, and why a challenger takes over or not.
type Report struct {
	Vertical  string    `json:"vertical"`
	Rows      int       `json:"rows"`
	Positives int       `json:"positives"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Learn     int       `json:"learn_rows"`
	Tune      int       `json:"tune_rows"`
	Test      int       `json:"test_rows"`
	ByTime    bool      `json:"split_by_time"`
	Top       int       `json:"top"`
	Champion  Line      `json:"champion"`
	Others    []Line    `json:"challengers"`
	Best      string    `json:"best"` // kind of the challenger with the smaller log loss while tuning
	Gain      float64   `json:"gain"` // of the best one's AUC over the champion's
	GainLow   float64   `json:"gain_low"`
	GainHigh  float64   `json:"gain_high"` // 90% interval
	Margin    float64   `json:"margin"`
	Promote   bool      `json:"promote"`
	Why       string    `json:"why"`
	Notes     []string  `json:"notes,omitempty"`

	Reliability []metrics.Bin `json:"reliability"` // of the best one on the back-test
}

// Candidate is a trained scorer and what the registry keeps of it.
type Candidate struct {
	Kind     string
	Scorer   *learned.Scorer
	Features []string
	Files    map[string][]byte
	tuneLoss float64
}

// Fit trains every kind of model on the earlier deliveries, calibrates on
// later ones, and tests on the latest. The Candidate is the best challenger;
// whether it may take over is in the report. An Invalid error says how many
// labels are missing.
func Fit(ctx context.Context, t *Table, o Options) (Report, *Candidate, error) {
	if o.Positives == 0 {
		o.Positives = DefaultPositives
	}
	if o.Margin == 0 {
		o.Margin = DefaultMargin
	}
	r := Report{Vertical: o.Vertical, Rows: t.Rows(), Positives: t.Positives(), Margin: o.Margin}
	if err := enough(r, o.Positives); err != nil {
		return r, nil, err
	}
	r.From, r.To = t.Times[0], t.Times[t.Rows()-1]
	learn, tune, test, byTime := t.split()
	for _, part := range []*Table{learn, tune, test} {
		defer part.Release()
	}
	r.Learn, r.Tune, r.Test, r.ByTime = learn.Rows(), tune.Rows(), test.Rows(), byTime
	for name, part := range map[string]*Table{"learn from": learn, "tune on": tune, "test on": test} {
		if p := part.Positives(); p == 0 || p == part.Rows() {
			return r, nil, leadlake.Errorf(leadlake.Invalid, "train %s: of the %d deliveries to %s, %d converted; both outcomes are needed", o.Vertical, part.Rows(), name, p).
				WithFix("wait for more outcomes: the rules go on scoring")
		}
	}
	if !byTime {
		r.Notes = append(r.Notes, "too few deliveries at different times: split by lead, which is kinder than the future")
	}
	candidates, err := fitAll(ctx, learn, tune, o, &r)
	if err != nil {
		return r, nil, err
	}
	best, err := r.judge(ctx, test, candidates, o)
	return r, best, err
}

func enough(r Report, want int) error {
	negatives := r.Rows - r.Positives
	if r.Positives >= want && negatives >= want {
		return nil
	}
	return leadlake.Errorf(leadlake.Invalid, "train %s: %d leads converted and %d did not; %d of each are needed, so %d conversions and %d others are missing",
		r.Vertical, r.Positives, negatives, want, max(0, want-r.Positives), max(0, want-negatives)).
		WithFix("wait for more outcomes: the rules go on scoring")
}

// fitAll trains one candidate of each kind.
func fitAll(ctx context.Context, learn, tune *Table, o Options, r *Report) ([]*Candidate, error) {
	encoding := learned.LearnEncoding(learn.batches)
	if len(encoding.Columns) == 0 {
		return nil, leadlake.Errorf(leadlake.Invalid, "train %s: no feature varies among the leads", o.Vertical)
	}
	x, err := learn.matrix(encoding)
	if err != nil {
		return nil, err
	}
	fitted := map[string]models.Model{}
	if fitted[learned.Logistic], err = logistic.Train(encoding.Names(), x, learn.Labels, logistic.Options{}); err != nil {
		return nil, err
	}
	if o.Python == "" {
		r.Notes = append(r.Notes, "XGBoost is not installed: logistic regression alone (`make deps` installs it)")
	} else if fitted[learned.XGBoost], err = trees(ctx, encoding, x, learn.Labels, o); err != nil {
		return nil, err
	}
	var candidates []*Candidate
	for _, kind := range []string{learned.Logistic, learned.XGBoost} {
		if fitted[kind] == nil {
			continue
		}
		c, err := finish(ctx, kind, fitted[kind], encoding, x, learn, tune, o)
		if err != nil {
			return nil, err
		}
		candidates = append(candidates, c)
	}
	return candidates, nil
}

// trees trains small trees: the tables are of thousands of rows, not millions.
// The latest fifth of the rows says when to stop.
func trees(ctx context.Context, e learned.Encoding, x []float32, labels []bool, o Options) (models.Model, error) {
	y := make([]float32, len(labels))
	for i, l := range labels {
		if l {
			y[i] = 1
		}
	}
	result, err := xgbtrain.Train(ctx, xgbtrain.Options{
		Python: o.Python, FeatureNames: e.Names(), X: x, Y: y, Seed: o.Seed, Threads: 1,
		ValidRows: len(y) / 5, EarlyStopping: 30, Rounds: 400, MaxDepth: 4, LearningRate: 0.05, MinChildWeight: 5, Subsample: 0.8, ColumnsPerTree: 0.8,
	})
	if err != nil {
		return nil, err
	}
	return result.Model, nil
}

// finish calibrates a model on deliveries that it was not trained on, gives
// the rules their share, and sets the tiers.
func finish(ctx context.Context, kind string, m models.Model, e learned.Encoding, x []float32, learn, tune *Table, o Options) (*Candidate, error) {
	tx, err := tune.matrix(e)
	if err != nil {
		return nil, err
	}
	margins := make([]float64, tune.Rows())
	if err := m.Margins(margins, tx); err != nil {
		return nil, err
	}
	a := learned.Artefact{
		Name: kind, Vertical: o.Vertical, Kind: kind, Encoding: e,
		Ranks: learned.Ranks(e, x), Profile: learned.NewProfile(e, x), Tiers: []learned.Tier{{}},
	}
	if a.Calibration, err = curve(margins, tune.Labels); err != nil {
		return nil, err
	}
	if weight := rulesEvidence / (rulesEvidence + float64(learn.Positives())); weight >= rulesSilent {
		rules, err := models.Baseline()
		if err != nil {
			return nil, err
		}
		_, points, _, err := tune.score(ctx, rules)
		if err != nil {
			return nil, err
		}
		as := make([]float64, len(points))
		for i, p := range points {
			as[i] = float64(p)
		}
		a.Rules = &learned.RulesShare{Weight: weight}
		if a.Rules.Calibration, err = curve(as, tune.Labels); err != nil {
			return nil, err
		}
	}
	scorer, err := learned.NewScorer(a, m)
	if err != nil {
		return nil, err
	}
	probabilities, scores, _, err := tune.score(ctx, scorer)
	if err != nil {
		return nil, err
	}
	a.Tiers = learned.TiersOf(scores, tune.Labels)
	a.Scores = learned.NewDistribution(probabilities)
	if scorer, err = learned.NewScorer(a, m); err != nil {
		return nil, err
	}
	golden, err := learned.NewGolden(m, x, goldenRows)
	if err != nil {
		return nil, err
	}
	files, err := a.Files(m, golden)
	if err != nil {
		return nil, err
	}
	return &Candidate{Kind: kind, Scorer: scorer, Features: e.Names(), Files: files, tuneLoss: metrics.LogLoss(probabilities, tune.Labels)}, nil
}

func curve(margins []float64, labels []bool) (json.RawMessage, error) {
	c, err := calibrate.Learn(margins, labels)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write calibration: %w", err)
	}
	return text, nil
}

func finite(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}
