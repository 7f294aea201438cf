package train

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/models"
	"github.com/leadlake/leadlake/models/learned"
	"github.com/leadlake/leadlake/models/metrics"
)

// Limits beyond which a Measure alerts.
const (
	driftLimit       = 0.25 // stability index: the leads are others than those learnt from
	calibrationLimit = 0.10 // predicted against seen conversion
	fewLabels        = 50   // under which what was seen says nothing
	fewLeads         = 200  // under which drift is chance
)

// Measure is one line of marts.model_health.
type Measure struct {
	Vertical string    `json:"vertical"`
	Model    string    `json:"model"`
	RunID    string    `json:"run_id"`
	Metric   string    `json:"metric"`  // feature_drift, score_drift, expected_auc, expected_conversion, calibration_gap
	Feature  string    `json:"feature"` // of feature_drift
	Value    float64   `json:"value"`
	Limit    float64   `json:"limit"` // 0: there is none
	Alert    bool      `json:"alert"`
	At       time.Time `json:"at"`
}

// Health measures a model on the leads of a run, before any of them has an
// outcome, and on the outcomes of leads that were delivered after it was
// trained. It replaces what marts.model_health has of this model and run.
func Health(ctx context.Context, l *lake.Lake, s *learned.Scorer, runID string, trainedTo, now time.Time) ([]Measure, error) {
	session, err := l.Session(ctx)
	if err != nil {
		return nil, fmt.Errorf("measure model: %w", err)
	}
	defer session.Close()
	a := s.Artefact()
	var x []float32
	var probabilities []float64
	query := "select * from lake.candidates.lead_features where run_id = " + lake.Quote(runID)
	err = session.Batches(ctx, query, func(b arrow.RecordBatch) error {
		rows := make([]float32, int(b.NumRows())*len(a.Encoding.Columns))
		if err := a.Encoding.Fill(rows, b); err != nil {
			return err
		}
		x = append(x, rows...)
		p, err := probabilitiesOf(ctx, s, b)
		probabilities = append(probabilities, p...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("measure model: %w", err)
	}
	if len(probabilities) == 0 {
		return nil, leadlake.Errorf(leadlake.NotFound, "measure model: run %s has no leads", runID)
	}
	h := health{Measure{Vertical: a.Vertical, Model: s.Name(), RunID: runID, At: now.UTC()}, nil}
	limit := driftLimit
	if len(probabilities) < fewLeads {
		limit = 0
	}
	drift := a.Profile.Drift(a.Profile.Count(a.Encoding, x))
	for _, name := range slices.Sorted(maps.Keys(drift)) {
		h.add("feature_drift", name, drift[name], limit)
	}
	h.add("score_drift", "", a.Scores.Drift(a.Scores.Count(probabilities)), limit)
	h.add("expected_conversion", "", mean(probabilities), 0)
	if auc := expectedAUC(probabilities); auc == auc {
		h.add("expected_auc", "", auc, 0)
	}
	if err := h.calibration(ctx, l, s, trainedTo); err != nil {
		return nil, err
	}
	return h.all, h.save(ctx, session)
}

type health struct {
	base Measure
	all  []Measure
}

func (h *health) add(metric, feature string, value, limit float64) {
	m := h.base
	m.Metric, m.Feature, m.Value, m.Limit = metric, feature, value, limit
	m.Alert = limit > 0 && math.Abs(value) > limit
	h.all = append(h.all, m)
}

// calibration compares what the model foretells of leads that were delivered
// after its training with what became of them.
func (h *health) calibration(ctx context.Context, l *lake.Lake, s *learned.Scorer, after time.Time) error {
	t, err := Read(ctx, l, h.base.Vertical)
	if leadlake.ErrorCode(err) == leadlake.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	defer t.Release()
	from := slices.IndexFunc(t.Times, func(at time.Time) bool { return at.After(after) })
	if from < 0 || t.Rows()-from < fewLabels {
		return nil
	}
	late := t.part(from, t.Rows())
	defer late.Release()
	p, _, _, err := late.score(ctx, s)
	if err != nil {
		return err
	}
	h.add("calibration_gap", "", float64(late.Positives())/float64(late.Rows())-mean(p), calibrationLimit)
	if auc := metrics.AUC(p, late.Labels); auc == auc {
		h.add("seen_auc", "", auc, 0)
	}
	return nil
}

func probabilitiesOf(ctx context.Context, s models.Scorer, b arrow.RecordBatch) ([]float64, error) {
	out, err := s.Score(ctx, b)
	if err != nil {
		return nil, err
	}
	defer out.Release()
	return slices.Clone(out.Column(out.Schema().FieldIndices("probability")[0]).(*array.Float64).Float64Values()), nil
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// expectedAUC is the AUC that calibrated probabilities foretell of themselves:
// each row is a positive to the part p and a negative to the rest.
func expectedAUC(probabilities []float64) float64 {
	sorted := slices.Clone(probabilities)
	slices.Sort(sorted)
	won, positives, negatives := 0.0, 0.0, 0.0
	for from := 0; from < len(sorted); {
		to := from
		p, n := 0.0, 0.0
		for to < len(sorted) && sorted[to] == sorted[from] {
			p, n = p+sorted[to], n+1-sorted[to]
			to++
		}
		won += p * (negatives + n/2)
		positives, negatives, from = positives+p, negatives+n, to
	}
	return won / (positives * negatives)
}

// save replaces the measures of a model and run.
func (h *health) save(ctx context.Context, s *lake.Session) error {
	var rows []string
	for _, m := range h.all {
		rows = append(rows, fmt.Sprintf("(%s, %s, %s, %s, %s, %g, %g, %t, timestamptz %s)", lake.Quote(m.Vertical), lake.Quote(m.Model), lake.Quote(m.RunID),
			lake.Quote(m.Metric), lake.Quote(m.Feature), m.Value, m.Limit, m.Alert, lake.Quote(m.At.Format(time.RFC3339Nano))))
	}
	err := s.Commit(ctx, func(ctx context.Context) error {
		for _, statement := range []string{
			"create table if not exists lake.marts.model_health (vertical varchar, model varchar, run_id varchar, metric varchar, feature varchar, value double, metric_limit double, alert boolean, measured_at timestamptz)",
			"delete from lake.marts.model_health where model = " + lake.Quote(h.base.Model) + " and run_id = " + lake.Quote(h.base.RunID),
			"insert into lake.marts.model_health values " + strings.Join(rows, ", "),
		} {
			if err := s.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep measures of model: %w", err)
	}
	return nil
}
