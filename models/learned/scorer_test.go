package learned

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models"
)

// sum is a model that adds up weighted columns; unknown ones add nothing.
type sum struct {
	names   []string
	weights []float64
	bias    float64
}

func (m sum) FeatureNames() []string { return m.names }
func (m sum) Outputs() int           { return 1 }
func (m sum) Save(w io.Writer) error { _, err := fmt.Fprint(w, "sum"); return err }

func (m sum) Contributions(dst []float64, x []float32) error {
	width := len(m.names)
	for row := range len(x) / width {
		for i, w := range m.weights {
			v := 0.0
			if f := float64(x[row*width+i]); !math.IsNaN(f) {
				v = w * f
			}
			dst[row*(width+1)+i] = v
		}
		dst[row*(width+1)+width] = m.bias
	}
	return nil
}

func (m sum) Margins([]float64, []float32) error       { panic("not asked for") }
func (m sum) Probabilities([]float64, []float32) error { panic("not asked for") }

// logit is the plain link.
type logit struct{}

func (logit) Probability(margin float64) float64 { return 1 / (1 + math.Exp(-margin)) }

// leads makes random features, a third of them unknown.
func leads(rows int, seed uint64) arrow.RecordBatch {
	r := rand.New(rand.NewPCG(seed, 1))
	b := array.NewRecordBuilder(memory.DefaultAllocator, models.Features())
	defer b.Release()
	for row := range rows {
		for i, f := range models.Features().Fields() {
			if f.Nullable && r.IntN(3) == 0 {
				b.Field(i).AppendNull()
				continue
			}
			switch builder := b.Field(i).(type) {
			case *array.StringBuilder:
				switch {
				case strings.HasSuffix(f.Name, "_range"):
					builder.Append([]string{"1-10", "11-50", "1M-10M", "10001+", "odd"}[r.IntN(5)])
				case f.Name == "category":
					builder.Append([]string{"gym", "spa", "pool"}[r.IntN(3)])
				default:
					builder.Append(f.Name + strconv.Itoa(row))
				}
			case *array.Float64Builder:
				builder.Append(5 * r.Float64())
			case *array.Int64Builder:
				builder.Append(r.Int64N(1000))
			case *array.BooleanBuilder:
				builder.Append(r.IntN(2) == 0)
			case *array.ListBuilder:
				builder.Append(true)
				for range r.IntN(3) {
					builder.ValueBuilder().(*array.StringBuilder).Append([]string{"shopify", "stripe", "react"}[r.IntN(3)])
				}
			}
		}
	}
	return b.NewRecordBatch()
}

func scorer(t testing.TB, seed uint64) *Scorer {
	t.Helper()
	training := leads(500, seed)
	defer training.Release()
	e := LearnEncoding([]arrow.RecordBatch{training})
	m := sum{names: e.Names(), bias: -1}
	r := rand.New(rand.NewPCG(seed, 2))
	for range m.names {
		m.weights = append(m.weights, r.NormFloat64()/100)
	}
	s, err := newScorer(Artefact{
		Name: "sum@1", Vertical: "fitness", Encoding: e,
		Tiers: []Tier{{Name: "A", Min: 50}, {Name: "C"}},
		Ranks: map[string][]float64{"review_count": {0, 100, 200, 300, 400, 500, 600, 700, 800, 900}},
	}, m, logit{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var points = regexp.MustCompile(` \(([+-]?)(\d+)\.(\d)\)$`)

func TestScorer_the_lines_of_a_reason_add_up_to_the_score(t *testing.T) {
	t.Parallel()
	s := scorer(t, 7)
	in := leads(1000, 8)
	defer in.Release()
	out, err := s.Score(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	if !out.Schema().Equal(models.Scores()) || out.NumRows() != 1000 {
		t.Fatalf("%d rows of %s", out.NumRows(), out.Schema())
	}
	scores := out.Column(2).(*array.Int32)
	lists := out.Column(4).(*array.List)
	lines := lists.ListValues().(*array.String)
	for row := range 1000 {
		from, to := lists.ValueOffsets(row)
		total := 0
		for i := from; i < to; i++ {
			m := points.FindStringSubmatch(lines.Value(int(i)))
			if m == nil {
				t.Fatalf("line without points: %q", lines.Value(int(i)))
			}
			tenths, _ := strconv.Atoi(m[2] + m[3])
			if tenths == 0 && i < to-1 {
				t.Errorf("a fact that adds nothing is shown: %q", lines.Value(int(i)))
			}
			if m[1] == "-" {
				tenths = -tenths
			}
			total += tenths
		}
		if want := int(scores.Value(row)) * 10; total != want {
			t.Fatalf("row %d: lines add up to %d tenths, the score is %d", row, total, want)
		}
	}
}

func TestScorer_contributions_sum_to_the_probability(t *testing.T) {
	t.Parallel()
	s := scorer(t, 3)
	in := leads(500, 4)
	defer in.Release()
	out, err := s.Score(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	probability := out.Column(6).(*array.Float64)
	lists := out.Column(7).(*array.List)
	each := lists.ListValues().(*array.Struct).Field(1).(*array.Float64)
	base := 100 * logit{}.Probability(-1)
	for row := range 500 {
		from, to := lists.ValueOffsets(row)
		total := base
		for i := from; i < to; i++ {
			if each.Value(int(i)) == 0 {
				t.Error("a feature that contributes nothing is listed")
			}
			total += each.Value(int(i))
		}
		if math.Abs(total-100*probability.Value(row)) > 1e-9 {
			t.Fatalf("row %d: contributions come to %g, the probability is %g", row, total, probability.Value(row))
		}
	}
}

func TestScorer_the_same_leads_get_the_same_bits_however_they_are_cut(t *testing.T) {
	t.Parallel()
	s := scorer(t, 5)
	in := leads(64, 6)
	defer in.Release()
	whole, err := s.Score(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Release()
	for row := range in.NumRows() {
		part := in.NewSlice(row, row+1)
		one, err := s.Score(t.Context(), part)
		if err != nil {
			t.Fatal(err)
		}
		same := whole.NewSlice(row, row+1)
		if !array.RecordEqual(one, same) {
			t.Errorf("row %d: %s alone, %s with the others", row, one, same)
		}
		for _, b := range []arrow.RecordBatch{part, one, same} {
			b.Release()
		}
	}
}

func TestScorer_a_column_that_is_missing_or_retyped_is_named(t *testing.T) {
	t.Parallel()
	s := scorer(t, 9)
	in := leads(8, 9)
	defer in.Release()
	var fields []arrow.Field
	var columns []arrow.Array
	for i, f := range in.Schema().Fields() {
		if f.Name != "review_count" {
			fields, columns = append(fields, f), append(columns, in.Column(i))
		}
	}
	without := array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, in.NumRows())
	defer without.Release()
	retyped := array.NewRecordBatch(arrow.NewSchema(append(fields, arrow.Field{Name: "review_count", Type: arrow.BinaryTypes.String, Nullable: true}), nil),
		append(columns, in.Column(0)), in.NumRows())
	defer retyped.Release()
	for _, b := range []arrow.RecordBatch{without, retyped} {
		if _, err := s.Score(t.Context(), b); leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), "review_count") {
			t.Errorf("error %v, want one that names review_count", err)
		}
	}
}

func TestEncoding_reads_ranges_by_their_middle(t *testing.T) {
	t.Parallel()
	order := []string{"1-10", "11-50", "51-200", "10001+", "1M-10M", "$1B+"}
	for i := range order[1:] {
		if !(middle(order[i]) < middle(order[i+1])) {
			t.Errorf("%s is not below %s", order[i], order[i+1])
		}
	}
	for _, odd := range []string{"", "odd", "-", "5-odd", "-5"} {
		if v := middle(odd); !math.IsNaN(float64(v)) {
			t.Errorf("%q is %g, want unknown", odd, v)
		}
	}
}

func TestEncoding_a_level_that_was_not_seen_is_the_unknown_bucket(t *testing.T) {
	t.Parallel()
	training := leads(500, 1)
	defer training.Release()
	e := LearnEncoding([]arrow.RecordBatch{training})
	e.Columns = e.Columns[:0:0]
	for _, level := range []string{"gym", "spa"} {
		e.Columns = append(e.Columns, Column{Feature: "category", Kind: "level", Level: level})
	}
	x := make([]float32, 2*training.NumRows())
	if err := e.Fill(x, training); err != nil {
		t.Fatal(err)
	}
	category := training.Column(training.Schema().FieldIndices("category")[0]).(*array.String)
	for row := range int(training.NumRows()) {
		want := [2]float32{}
		if category.IsValid(row) {
			switch category.Value(row) {
			case "gym":
				want[0] = 1
			case "spa":
				want[1] = 1
			}
		}
		if got := [2]float32(x[2*row : 2*row+2]); got != want {
			t.Fatalf("row %d: %v, want %v", row, got, want)
		}
	}
}
