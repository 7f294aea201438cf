package models

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
)

// lead is a row of features: a column that is absent is null.
type lead map[string]any

func batchOf(t testing.TB, mem memory.Allocator, leads ...lead) arrow.RecordBatch {
	t.Helper()
	b := array.NewRecordBuilder(mem, Features())
	defer b.Release()
	for i, l := range leads {
		for c, f := range Features().Fields() {
			v, ok := l[f.Name]
			switch builder := b.Field(c).(type) {
			case *array.StringBuilder:
				switch {
				case ok:
					builder.Append(v.(string))
				case f.Nullable:
					builder.AppendNull()
				default:
					builder.Append(fmt.Sprintf("%s-%d", f.Name, i))
				}
				continue
			}
			if !ok {
				b.Field(c).AppendNull()
				continue
			}
			switch builder := b.Field(c).(type) {
			case *array.Float64Builder:
				builder.Append(v.(float64))
			case *array.Int64Builder:
				builder.Append(int64(v.(int)))
			case *array.BooleanBuilder:
				builder.Append(v.(bool))
			case *array.ListBuilder:
				builder.Append(true)
				builder.ValueBuilder().(*array.StringBuilder).AppendValues(v.([]string), nil)
			}
		}
	}
	return b.NewRecordBatch()
}

type scored struct {
	ID      string
	Score   int32
	Tier    string
	Reasons []string
}

func read(t testing.TB, batch arrow.RecordBatch, model string) []scored {
	t.Helper()
	var all []scored
	lists := batch.Column(4).(*array.List)
	texts := lists.ListValues().(*array.String)
	for i := range int(batch.NumRows()) {
		s := scored{
			ID:    batch.Column(1).(*array.String).Value(i),
			Score: batch.Column(2).(*array.Int32).Value(i),
			Tier:  batch.Column(3).(*array.String).Value(i),
		}
		from, to := lists.ValueOffsets(i)
		for j := from; j < to; j++ {
			s.Reasons = append(s.Reasons, texts.Value(int(j)))
		}
		if got := batch.Column(5).(*array.String).Value(i); got != model {
			t.Errorf("score_model = %q, want %q", got, model)
		}
		all = append(all, s)
	}
	return all
}

func baseline(t testing.TB, mem memory.Allocator) *Rules {
	t.Helper()
	r, err := Baseline()
	if err != nil {
		t.Fatal(err)
	}
	return r.WithAllocator(mem)
}

// score runs rules over leads with an allocator that finds every leak.
func score(t *testing.T, leads ...lead) []scored {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	r := baseline(t, mem)
	features := batchOf(t, mem, leads...)
	defer features.Release()
	out, err := r.Score(t.Context(), features)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	if !out.Schema().Equal(Scores()) || int(out.NumRows()) != len(leads) {
		t.Fatalf("%d rows of %s for %d leads", out.NumRows(), out.Schema(), len(leads))
	}
	return read(t, out, r.Name())
}

func TestEachRule(t *testing.T) {
	t.Parallel()
	const reviews, shop, phone = "152 reviews at 4.6 (+25)", "shop runs on Shopify (+10)", "direct phone number, not toll-free (+10)"
	for _, tc := range []struct {
		name   string
		lead   lead
		points int32
		reason string
	}{
		{"reviews", lead{"rating": 4.6, "review_count": 152}, 25, reviews},
		{"reviews at both limits", lead{"rating": 4.3, "review_count": 50}, 25, "50 reviews at 4.3 (+25)"},
		{"rating just below", lead{"rating": 4.29, "review_count": 152}, 0, ""},
		{"one review short", lead{"rating": 4.6, "review_count": 49}, 0, ""},
		{"rating unknown", lead{"review_count": 152}, 0, ""},
		{"review count unknown", lead{"rating": 4.6}, 0, ""},
		{"own website", lead{"has_website": true, "is_domain_verified": true}, 15, "website on its own domain, confirmed by e-mail or a second source (+15)"},
		{"domain not verified", lead{"has_website": true, "is_domain_verified": false}, 0, ""},
		{"domain check unknown", lead{"has_website": true}, 0, ""},
		{"no website", lead{"has_website": false, "is_domain_verified": true}, 0, ""},
		{"Shopify in ecommerce", lead{"vertical": "ecommerce", "tech_signals": []string{"React", "shopify"}}, 10, shop},
		{"no Shopify", lead{"vertical": "ecommerce", "tech_signals": []string{"Shopify Plus partner"}}, 0, ""},
		{"no signal at all", lead{"vertical": "ecommerce", "tech_signals": []string{}}, 0, ""},
		{"signals unknown", lead{"vertical": "ecommerce"}, 0, ""},
		{"Shopify, vertical unknown", lead{"tech_signals": []string{"Shopify"}}, 0, ""},
		{"small company", lead{"vertical": "b2b_saas", "employees_range": "11-50"}, 10, "11-50 employees (+10)"},
		{"middle company", lead{"vertical": "b2b_saas", "employees_range": "51-200"}, 10, "51-200 employees (+10)"},
		{"large company", lead{"vertical": "b2b_saas", "employees_range": "201-500"}, 0, ""},
		{"near", lead{"distance_km": 7.31}, 10, "within 25 km of the target: 7.3 km (+10)"},
		{"at the radius", lead{"distance_km": 25.0}, 10, "within 25 km of the target: 25.0 km (+10)"},
		{"just outside", lead{"distance_km": 25.0001}, 0, ""},
		{"e-mail on domain", lead{"has_email_on_domain": true}, 15, "e-mail address on its own domain (+15)"},
		{"e-mail elsewhere", lead{"has_email_on_domain": false}, 0, ""},
		{"direct phone", lead{"has_phone": true, "is_phone_toll_free": false}, 10, phone},
		{"toll-free phone", lead{"has_phone": true, "is_phone_toll_free": true}, 0, ""},
		{"kind of phone unknown", lead{"has_phone": true}, 0, ""},
		{"nothing known", lead{}, 0, ""},
	} {
		want := scored{ID: "lead_id-0", Score: tc.points, Tier: "C"}
		if tc.reason != "" {
			want.Reasons = []string{tc.reason}
		}
		if diff := cmp.Diff([]scored{want}, score(t, tc.lead)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// perfect meets every rule.
func perfect(vertical string) lead {
	return lead{
		"vertical": vertical, "rating": 4.6, "review_count": 152, "has_website": true, "is_domain_verified": true,
		"tech_signals": []string{"Shopify"}, "employees_range": "11-50", "distance_km": 1.0,
		"has_email_on_domain": true, "has_phone": true, "is_phone_toll_free": false,
	}
}

func TestVerticalsLimitRules(t *testing.T) {
	t.Parallel()
	for _, v := range leadlake.Verticals {
		want := int32(75)
		if v == leadlake.Ecommerce || v == leadlake.B2BSaaS {
			want = 85
		}
		got := score(t, perfect(string(v)))[0]
		if got.Score != want || got.Tier != "A" || got.Reasons[0] != "152 reviews at 4.6 (+25)" {
			t.Errorf("%s: %+v, want %d, tier A, reviews first", v, got, want)
		}
	}
}

func randomLead(r *rand.Rand) lead {
	full := perfect(string(leadlake.Verticals[r.IntN(len(leadlake.Verticals))]))
	full["rating"], full["review_count"], full["distance_km"] = r.Float64()*5, r.IntN(100), r.Float64()*50
	for name, v := range full {
		if flag, ok := v.(bool); ok {
			full[name] = flag != (r.IntN(2) == 0)
		}
	}
	for _, f := range Features().Fields() {
		if r.IntN(4) == 0 {
			delete(full, f.Name)
		}
	}
	return full
}

func TestMeetingOneMoreRuleNeverLowersTheScore(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	rules := [][]string{
		{"rating", "review_count"}, {"has_website", "is_domain_verified"}, {"tech_signals"}, {"employees_range"},
		{"distance_km"}, {"has_email_on_domain"}, {"has_phone", "is_phone_toll_free"},
	}
	for range 50 {
		before := randomLead(r)
		leads := []lead{before}
		best := perfect("")
		for _, features := range rules {
			after := lead{}
			for name, v := range before {
				after[name] = v
			}
			for _, name := range features {
				after[name] = best[name]
			}
			leads = append(leads, after)
		}
		got := score(t, leads...)
		for i, s := range got[1:] {
			if s.Score < got[0].Score || s.Tier > got[0].Tier {
				t.Errorf("%v: %d became %d with %v", before, got[0].Score, s.Score, rules[i])
			}
		}
	}
}

func TestSameRowsInSameOrderWhateverTheBatches(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	var leads []lead
	var apart []scored
	for i := range 200 {
		l := randomLead(r)
		l["lead_id"] = fmt.Sprint(i)
		leads = append(leads, l)
		apart = append(apart, score(t, l)...)
	}
	if diff := cmp.Diff(apart, score(t, leads...)); diff != "" {
		t.Errorf("one batch differs from single rows:\n%s", diff)
	}
	if got := score(t); len(got) != 0 {
		t.Errorf("empty batch gave %d rows", len(got))
	}
}

func TestSliceOfABatchScoresItsOwnRows(t *testing.T) {
	t.Parallel()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	whole := batchOf(t, mem, lead{}, perfect("ecommerce"), lead{})
	defer whole.Release()
	part := whole.NewSlice(1, 2)
	defer part.Release()
	r := baseline(t, mem)
	out, err := r.Score(t.Context(), part)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	if got := read(t, out, r.Name()); len(got) != 1 || got[0].Score != 85 || got[0].ID != "lead_id-1" {
		t.Errorf("slice scored %+v", got)
	}
}

func TestWrongColumnsAreNamed(t *testing.T) {
	t.Parallel()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	full := batchOf(t, mem, perfect("ecommerce"))
	defer full.Release()
	r := baseline(t, mem)
	for i, f := range Features().Fields() {
		fields := slices.Clone(Features().Fields())
		columns := slices.Clone(full.Columns())
		check := func(want string) {
			batch := array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, 1)
			defer batch.Release()
			out, err := r.Score(t.Context(), batch)
			if out != nil || leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want Invalid with %q", f.Name, err, want)
			}
		}
		other := array.MakeArrayOfNull(mem, arrow.PrimitiveTypes.Int16, 1)
		fields[i].Type, columns[i] = arrow.PrimitiveTypes.Int16, other
		check("column " + f.Name + " is int16")
		other.Release()
		fields, columns = slices.Delete(fields, i, i+1), slices.Delete(columns, i, i+1)
		check("column " + f.Name + " is missing")
	}
}

func BenchmarkScore(b *testing.B) {
	const rows = 100_000
	r := rand.New(rand.NewPCG(5, 6))
	leads := make([]lead, rows)
	for i := range leads {
		leads[i] = randomLead(r)
	}
	rules := baseline(b, memory.DefaultAllocator)
	features := batchOf(b, memory.DefaultAllocator, leads...)
	defer features.Release()
	b.ReportAllocs()
	for b.Loop() {
		out, err := rules.Score(b.Context(), features)
		if err != nil {
			b.Fatal(err)
		}
		out.Release()
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
}
