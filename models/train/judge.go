package train

import (
	"context"
	"fmt"
	"slices"

	"github.com/leadlake/leadlake/models"
	"github.com/leadlake/leadlake/models/metrics"
)

// topLeads is how many of the best leads a week of sales work takes; of a
// small back-test it is a fifth.
const topLeads = 100

// judge runs champion and challengers over the back-test and says whether the
// best challenger may take over: it has to win by the margin, and by more than
// chance. Which challenger is the best was seen while tuning, so that the
// back-test stays a test.
func (r *Report) judge(ctx context.Context, test *Table, candidates []*Candidate, o Options) (*Candidate, error) {
	r.Top = min(topLeads, max(1, test.Rows()/5))
	line, champion, err := r.line(ctx, test, o.Champion, "champion")
	if err != nil {
		return nil, err
	}
	r.Champion = line
	best := slices.MinFunc(candidates, func(a, b *Candidate) int {
		switch {
		case a.tuneLoss < b.tuneLoss:
			return -1
		case a.tuneLoss > b.tuneLoss:
			return 1
		}
		return 0
	})
	r.Best = best.Kind
	var challenger []float64
	for _, c := range candidates {
		line, scores, err := r.line(ctx, test, c.Scorer, c.Kind)
		if err != nil {
			return nil, err
		}
		r.Others = append(r.Others, line)
		if c == best {
			challenger = scores
			r.Gain = line.AUC - r.Champion.AUC
		}
	}
	r.Reliability = metrics.Reliability(challenger, test.Labels, 10)
	r.GainLow, r.GainHigh = metrics.GainInterval(challenger, champion, test.Labels, uint64(o.Seed))
	switch {
	case r.Gain < r.Margin:
		r.Why = fmt.Sprintf("%s stays: %s is %+.3f of AUC against it, and a challenger has to win by %.3f", o.Champion.Name(), r.Best, r.Gain, r.Margin)
	case r.GainLow <= 0:
		r.Why = fmt.Sprintf("%s stays: %s is %+.3f of AUC against it, which may be chance (90%% interval %+.3f to %+.3f)", o.Champion.Name(), r.Best, r.Gain, r.GainLow, r.GainHigh)
	default:
		r.Promote = true
		r.Why = fmt.Sprintf("%s takes over from %s: %+.3f of AUC on the latest %d deliveries (90%% interval %+.3f to %+.3f; it had to win by %.3f)",
			r.Best, o.Champion.Name(), r.Gain, r.Test, r.GainLow, r.GainHigh, r.Margin)
	}
	return best, nil
}

func (r *Report) line(ctx context.Context, test *Table, s models.Scorer, kind string) (Line, []float64, error) {
	scores, _, isProbability, err := test.score(ctx, s)
	if err != nil {
		return Line{}, nil, err
	}
	l := Line{Name: s.Name(), Kind: kind, AUC: metrics.AUC(scores, test.Labels), PrecisionTop: metrics.PrecisionAt(scores, test.Labels, r.Top)}
	if isProbability {
		l.LogLoss = finite(metrics.LogLoss(scores, test.Labels))
		l.Brier = finite(metrics.Brier(scores, test.Labels))
		l.Calibration = finite(metrics.CalibrationError(scores, test.Labels))
	}
	return l, scores, nil
}
