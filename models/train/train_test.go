package train

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models"
	"github.com/leadlake/leadlake/models/learned"
)

// outcome is the hidden truth of a made-up lead.
type outcome func(reviews int64, employees string, random float64) bool

// follows: many reviews speak against a purchase, a middling size for it;
// the rules believe in reviews.
func follows(reviews int64, employees string, random float64) bool {
	z := -1.5 - float64(reviews)/100
	if employees == "11-50" {
		z += 2.5
	}
	return random < 1/(1+math.Exp(-z))
}

func coin(_ int64, _ string, random float64) bool { return random < 0.2 }

// made is a table of leads, a hundred delivered a day.
func made(t *testing.T, rows int, seed uint64, truth outcome) *Table {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	fields := append(models.Features().Fields(),
		arrow.Field{Name: "label", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		arrow.Field{Name: "delivered_at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}})
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for row := range rows {
		reviews, employees := r.Int64N(300), []string{"1-10", "11-50", "51-200"}[r.IntN(3)]
		for i, f := range fields {
			switch f.Name {
			case "run_id", "lead_id":
				b.Field(i).(*array.StringBuilder).Append(fmt.Sprint(f.Name, row))
			case "review_count":
				b.Field(i).(*array.Int64Builder).Append(reviews)
			case "rating":
				b.Field(i).(*array.Float64Builder).Append(4.5)
			case "employees_range":
				b.Field(i).(*array.StringBuilder).Append(employees)
			case "has_website", "has_phone":
				b.Field(i).(*array.BooleanBuilder).Append(r.IntN(2) == 0)
			case "label":
				b.Field(i).(*array.BooleanBuilder).Append(truth(reviews, employees, r.Float64()))
			case "delivered_at":
				at := time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC).AddDate(0, 0, row/100)
				b.Field(i).(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMicro()))
			default:
				b.Field(i).AppendNull()
			}
		}
	}
	table := &Table{}
	if err := table.add(b.NewRecordBatch()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(table.Release)
	return table
}

func options(t *testing.T) Options {
	t.Helper()
	rules, err := models.Baseline()
	if err != nil {
		t.Fatal(err)
	}
	return Options{Vertical: "fitness", Champion: rules, Seed: 1}
}

func TestFit_a_model_that_learnt_the_truth_takes_over_from_rules_that_miss_it(t *testing.T) {
	t.Parallel()
	r, best, err := Fit(t.Context(), made(t, 3000, 1, follows), options(t))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Promote || r.Gain < 0.2 || r.GainLow > r.Gain || r.GainHigh < r.Gain || !r.ByTime {
		t.Errorf("%s; gain %.3f (%.3f to %.3f), by time: %t", r.Why, r.Gain, r.GainLow, r.GainHigh, r.ByTime)
	}
	if line := r.Others[0]; *line.Calibration > 0.06 || line.PrecisionTop < 1.7*float64(r.Positives)/float64(r.Rows) {
		t.Errorf("calibration error %.3f, precision %.2f", *line.Calibration, line.PrecisionTop)
	}
	// What the registry keeps scores as what was tested.
	loaded, err := learned.Load("1", best.Files)
	if err != nil {
		t.Fatal(err)
	}
	table := made(t, 50, 2, follows)
	want, _, _, err := table.score(t.Context(), best.Scorer)
	if err != nil {
		t.Fatal(err)
	}
	got, _, _, err := table.score(t.Context(), loaded)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("row %d: %g when loaded, %g when tested", i, got[i], want[i])
		}
	}
}

func TestFit_a_model_of_noise_does_not_take_over(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		r, _, err := Fit(t.Context(), made(t, 1500, seed, coin), options(t))
		if err != nil {
			t.Fatal(err)
		}
		if r.Promote {
			t.Errorf("seed %d: %s", seed, r.Why)
		}
	}
}

func TestFit_says_how_many_labels_are_missing(t *testing.T) {
	t.Parallel()
	_, _, err := Fit(t.Context(), made(t, 60, 1, coin), options(t))
	if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), "are missing") || !strings.Contains(err.Error(), "50 of each") {
		t.Errorf("too few labels: %v", err)
	}
	_, _, err = Fit(t.Context(), made(t, 500, 1, func(int64, string, float64) bool { return true }), options(t))
	if leadlake.ErrorCode(err) != leadlake.Invalid {
		t.Errorf("one outcome only: %v", err)
	}
}

func TestFit_the_same_labels_give_the_same_files(t *testing.T) {
	t.Parallel()
	table := made(t, 1200, 4, follows)
	_, one, err := Fit(t.Context(), table, options(t))
	if err != nil {
		t.Fatal(err)
	}
	_, two, err := Fit(t.Context(), table, options(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range one.Files {
		if !bytes.Equal(data, two.Files[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestFit_the_rules_have_a_say_that_shrinks_with_evidence(t *testing.T) {
	t.Parallel()
	weight := func(rows int) float64 {
		_, best, err := Fit(t.Context(), made(t, rows, 5, follows), options(t))
		if err != nil {
			t.Fatal(err)
		}
		a, err := learned.ReadArtefact(best.Files[learned.ScorerFile])
		if err != nil {
			t.Fatal(err)
		}
		if a.Rules == nil {
			return 0
		}
		return a.Rules.Weight
	}
	few, many, most := weight(600), weight(2000), weight(12_000)
	if !(few > many && many > most) || most != 0 || few > 0.8 {
		t.Errorf("weights of the rules: %g, %g, %g", few, many, most)
	}
}

func TestTable_the_latest_deliveries_are_the_test(t *testing.T) {
	t.Parallel()
	table := made(t, 1000, 6, coin)
	learn, tune, test, byTime := table.split()
	for _, part := range []*Table{learn, tune, test} {
		defer part.Release()
	}
	if !byTime || learn.Rows()+tune.Rows()+test.Rows() != 1000 {
		t.Fatalf("%d, %d and %d rows, by time: %t", learn.Rows(), tune.Rows(), test.Rows(), byTime)
	}
	for _, pair := range [][2]*Table{{learn, tune}, {tune, test}} {
		if last, first := pair[0].Times[pair[0].Rows()-1], pair[1].Times[0]; !last.Before(first) {
			t.Errorf("a part ends at %s, the next begins at %s", last, first)
		}
	}
}
