package learned

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake/models"
)

// shownReasons is how many facts a rep reads before "other facts".
const shownReasons = 5

// share is what one feature adds to a score.
type share struct {
	feature int     // place in the list of features
	points  float64 // of a score of 0 to 100
}

// spread turns contributions to the margin into points of the score. Along the
// straight line from the base to the lead's margin each contribution earns its
// part of the way that the calibrated probability goes (Aumann and Shapley
// 1974; Sundararajan et al. 2017 call it integrated gradients), so all points
// together are the score less the base. Where the way has no length the slope
// of the calibration stands in for it.
func spread(dst []share, contributions []float64, base float64, probability func(margin float64) float64) ([]share, float64) {
	way := 0.0
	for _, c := range contributions {
		way += c
	}
	from, slope := probability(base), 0.0
	if math.Abs(way) > 1e-9 {
		slope = (probability(base+way) - from) / way
	} else {
		const step = 1e-4
		slope = (probability(base+step) - probability(base-step)) / (2 * step)
	}
	dst = dst[:0]
	for i, c := range contributions {
		if points := 100 * slope * c; points != 0 {
			dst = append(dst, share{feature: i, points: points})
		}
	}
	sortShares(dst)
	return dst, 100 * from
}

func sortShares(shares []share) {
	slices.SortFunc(shares, func(a, b share) int {
		return cmp.Or(cmp.Compare(math.Abs(b.points), math.Abs(a.points)), cmp.Compare(a.feature, b.feature))
	})
}

// sentence puts the value of a feature of a row as people read it.
type sentence func(b []byte, row int) []byte

// sentences binds the documents of features to the columns of a batch. ranks
// has, by feature, the values that training leads had at each hundredth.
func sentences(features []string, batch arrow.RecordBatch, docs map[string]models.Feature, ranks map[string][]float64, kind string) []sentence {
	all := make([]sentence, len(features))
	for i, name := range features {
		at := batch.Schema().FieldIndices(name)
		if len(at) == 0 {
			all[i] = func(b []byte, _ int) []byte { return append(b, name...) }
			continue
		}
		all[i] = sentenceOf(name, batch.Column(at[0]), docs[name].Reads, ranks[name], kind)
	}
	return all
}

func sentenceOf(name string, col arrow.Array, reads map[string]string, ranks []float64, kind string) sentence {
	before, after, _ := strings.Cut(cmp.Or(reads["value"], name+" {value}"), "{value}")
	none := cmp.Or(reads["none"], name+" unknown")
	withNull := func(write sentence) sentence {
		return func(b []byte, row int) []byte {
			if col.IsNull(row) {
				return append(b, none...)
			}
			return write(b, row)
		}
	}
	frame := func(value sentence) sentence {
		return withNull(func(b []byte, row int) []byte {
			return append(value(append(b, before...), row), after...)
		})
	}
	switch values := col.(type) {
	case *array.Boolean:
		yes, no := cmp.Or(reads["yes"], name), cmp.Or(reads["no"], "not "+name)
		return withNull(func(b []byte, row int) []byte {
			if values.Value(row) {
				return append(b, yes...)
			}
			return append(b, no...)
		})
	case *array.Float64:
		return frame(func(b []byte, row int) []byte { return strconv.AppendFloat(b, values.Value(row), 'f', 1, 64) }).ranked(func(row int) float64 { return values.Value(row) }, col, ranks, kind)
	case *array.Int64:
		return frame(func(b []byte, row int) []byte { return strconv.AppendInt(b, values.Value(row), 10) }).ranked(func(row int) float64 { return float64(values.Value(row)) }, col, ranks, kind)
	case *array.String:
		return frame(func(b []byte, row int) []byte { return append(b, values.Value(row)...) })
	case *array.List:
		each := texts(values)
		return func(b []byte, row int) []byte {
			first := true
			start := len(b)
			b = append(b, before...)
			each(row, func(v string) {
				if !first {
					b = append(b, ", "...)
				}
				b = append(b, v...)
				first = false
			})
			if first {
				return append(b[:start], none...)
			}
			return append(b, after...)
		}
	}
	return func(b []byte, _ int) []byte { return append(b, name...) }
}

// ranked adds how many of the leads that the model learnt from have less, or
// more: a rep knows no scale, but knows what beats the others.
func (s sentence) ranked(value func(row int) float64, col arrow.Array, ranks []float64, kind string) sentence {
	if len(ranks) < 3 {
		return s
	}
	return func(b []byte, row int) []byte {
		b = s(b, row)
		if col.IsNull(row) {
			return b
		}
		v := value(row)
		below := 100 * sort.SearchFloat64s(ranks, v) / len(ranks)
		above := 100 * (len(ranks) - sort.Search(len(ranks), func(i int) bool { return ranks[i] > v })) / len(ranks)
		switch {
		case below >= 50:
			return fmt.Appendf(b, ", more than %d%% of %s", below, kind)
		case above >= 50:
			return fmt.Appendf(b, ", less than %d%% of %s", above, kind)
		}
		return b
	}
}

// reasons writes why a row has its score: the strongest facts first, with the
// points of each in tenths, and last the base, which takes what rounding left
// over, so that the lines shown add up to the score exactly.
func reasons(b []byte, shares []share, score int32, row int, facts []sentence, emit func([]byte)) {
	rest := int64(score) * 10
	line := func(text func([]byte) []byte, tenths int64, sign bool) {
		b = append(text(b[:0]), " ("...)
		emit(append(appendTenths(b, tenths, sign), ')'))
	}
	others, othersTenths := 0, 0.0
	shown := 0
	for _, s := range shares {
		tenths := int64(math.Round(s.points * 10))
		if tenths == 0 || shown == shownReasons {
			others, othersTenths = others+1, othersTenths+s.points*10
			continue
		}
		shown++
		rest -= tenths
		line(func(b []byte) []byte { return facts[s.feature](b, row) }, tenths, true)
	}
	if t := int64(math.Round(othersTenths)); t != 0 {
		rest -= t
		line(func(b []byte) []byte { return fmt.Appendf(b, "%d other facts", others) }, t, true)
	}
	line(func(b []byte) []byte { return append(b, "where every lead starts"...) }, rest, false)
}

func appendTenths(b []byte, tenths int64, sign bool) []byte {
	if sign && tenths >= 0 {
		b = append(b, '+')
	}
	if tenths < 0 {
		b, tenths = append(b, '-'), -tenths
	}
	b = strconv.AppendInt(b, tenths/10, 10)
	b = append(b, '.')
	return strconv.AppendInt(b, tenths%10, 10)
}
