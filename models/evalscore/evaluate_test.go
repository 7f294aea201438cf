package evalscore

import (
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models/xgbtrain"
)

func evaluate(t *testing.T, table *Table, o Options) Report {
	t.Helper()
	r, err := Evaluate(t.Context(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEvaluate_probabilities_come_true_and_the_gate_opens(t *testing.T) {
	t.Parallel()
	r := evaluate(t, made(5000, 1), Options{Seed: 1})
	m := r.Models[0]
	if m.AUC < 0.65 || m.AUC > 0.85 || m.CalibrationError > 0.03 || m.AveragePrecision < float64(r.Positives)/5000 {
		t.Errorf("AUC %.3f, calibration error %.3f, average precision %.3f", m.AUC, m.CalibrationError, m.AveragePrecision)
	}
	if len(r.Gates) != 1 || !r.Gates[0].Promote || r.Gates[0].Champion != Constant || r.Gates[0].Low <= 0 {
		t.Errorf("gates %+v", r.Gates)
	}
	inside := 0
	for _, b := range m.Reliability {
		if b.Low <= b.Predicted && b.Predicted <= b.High {
			inside++
		}
	}
	if inside < 8 {
		t.Errorf("only %d of 10 intervals hold what was predicted", inside)
	}
	if len(r.Leaks) != 0 || len(r.Drift) != 0 || r.Label != nil {
		t.Errorf("leaks %v, drift %v", r.Leaks, r.Drift)
	}
}

func TestEvaluate_equal_tables_give_equal_reports(t *testing.T) {
	t.Parallel()
	table := made(1500, 2)
	for _, split := range []float64{0, 0.3} {
		one, two := evaluate(t, table, Options{Seed: 3, TimeSplit: split}), evaluate(t, table, Options{Seed: 3, TimeSplit: split})
		if diff := cmp.Diff(one, two, cmp.Comparer(func(a, b Result) bool { return a.LogLoss == b.LogLoss && a.AUC == b.AUC })); diff != "" {
			t.Errorf("split %g: %s", split, diff)
		}
	}
}

// By chance alone, the 90% interval lies above nothing one time in twenty.
func TestEvaluate_noise_hardly_ever_takes_over(t *testing.T) {
	t.Parallel()
	var taken []string
	for seed := range uint64(4) {
		table := made(1000, 30+seed)
		r := rand.New(rand.NewPCG(seed, 9))
		r.Shuffle(len(table.Labels), func(i, j int) { table.Labels[i], table.Labels[j] = table.Labels[j], table.Labels[i] })
		for _, split := range []float64{0, 0.3} {
			if g := evaluate(t, table, Options{Seed: seed, TimeSplit: split}).Gates[0]; g.Promote {
				taken = append(taken, g.Why)
			}
		}
	}
	if len(taken) > 1 {
		t.Errorf("%d of 8 times: %q", len(taken), taken)
	}
}

func TestEvaluate_names_what_drifts_and_learns_without_what_does_not_carry_over(t *testing.T) {
	t.Parallel()
	table := made(6000, 4, plant{"season", func(_ *rand.Rand, row int, _ bool) (float64, string) {
		return math.Floor(float64(row) / 500), "" // only ever rises: what it means later nobody knows
	}})
	r := evaluate(t, table, Options{Seed: 1, TimeSplit: 0.3})
	if r.Drift[0].Feature != "season" || r.Drift[0].Verdict != "drifted" || r.Drift[1].Verdict != "stable" || len(r.Drift) != 5 {
		t.Errorf("drift %+v", r.Drift)
	}
	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "learnt without columns that change over time") || !strings.Contains(notes, ": season") {
		t.Errorf("notes %s", notes)
	}
	if r.Split.Learn != 4200 || r.Split.Test != 1800 || r.Models[0].AUC < 0.65 || !r.Gates[0].Promote {
		t.Errorf("split %+v, AUC %.3f, %s", r.Split, r.Models[0].AUC, r.Gates[0].Why)
	}
}

func TestEvaluate_learns_without_leaks_when_asked(t *testing.T) {
	t.Parallel()
	leaky := plant{"won_at", func(r *rand.Rand, _ int, label bool) (float64, string) {
		return choose(label, r.Float64(), missing), ""
	}}
	with := evaluate(t, made(2000, 5, leaky), Options{Seed: 1})
	without := evaluate(t, made(2000, 5, leaky), Options{Seed: 1, DropLeaks: true})
	if with.Models[0].AUC < 0.99 || without.Models[0].AUC > 0.85 || with.Flagged() != "won_at" || len(without.Left) != 1 {
		t.Errorf("AUC %.3f with %q, %.3f without %q", with.Models[0].AUC, with.Flagged(), without.Models[0].AUC, without.Left)
	}
}

func TestEvaluate_says_when_there_is_too_little(t *testing.T) {
	t.Parallel()
	table := made(2000, 6)
	few := made(30, 6)
	late := made(2000, 6)
	for i := range late.Labels {
		late.Labels[i] = i > 1500
	}
	for name, tc := range map[string]struct {
		table *Table
		split float64
	}{"few rows": {few, 0}, "no outcome early": {late, 0.3}, "nothing before": {table, 0.9999}} {
		_, err := Evaluate(t.Context(), tc.table, Options{TimeSplit: tc.split})
		if leadlake.ErrorCode(err) != leadlake.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEvaluate_tries_trees_where_they_are_installed also where they are not:
// then it says so and goes on.
func TestEvaluate_tries_trees_where_they_are_installed(t *testing.T) {
	t.Parallel()
	python, err := xgbtrain.FindPython(t.Context(), os.Getenv)
	r := evaluate(t, made(1500, 9), Options{Seed: 1, Python: python, Folds: 2})
	if err != nil {
		if len(r.Models) != 1 || !strings.Contains(strings.Join(r.Notes, "\n"), "without XGBoost") {
			t.Errorf("%d models, notes %q", len(r.Models), r.Notes)
		}
		return
	}
	if len(r.Models) != 2 || r.Models[1].Kind != XGBoost || r.Models[1].AUC < 0.65 || len(r.Gates) != 2 || r.Gates[1].Champion != Logistic {
		t.Errorf("models %+v, gates %+v", r.Models, r.Gates)
	}
}
