package learned

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models"
)

// Kinds of a column.
const (
	number = "number" // as it is
	flag   = "flag"   // 1 or 0
	span   = "range"  // "11-50": the logarithm of its middle
	level  = "level"  // 1 where a text is the column's level
	token  = "token"  // 1 where a list holds the column's level
)

// Bounds of what is learnt of texts: a level that few leads have says more
// about these leads than about the level.
const (
	minLevelRows = 20
	maxLevels    = 30
)

// Column is one number that a model sees. All columns of a feature are
// explained together. An unknown number is NaN; of a text that is unknown, or
// none of the known levels, each level is 0: the unknown bucket.
type Column struct {
	Feature string `json:"feature"`
	Kind    string `json:"kind"`
	Level   string `json:"level,omitempty"`
}

// Name is the column's name in the model: rating, category=gym.
func (c Column) Name() string {
	if c.Level == "" {
		return c.Feature
	}
	return c.Feature + "=" + c.Level
}

// Encoding says how features become numbers. It is learnt from the training
// rows and kept with the model.
type Encoding struct {
	Columns []Column `json:"columns"`
}

// keyColumns are not features; a model is of one vertical.
var keyColumns = [...]string{"run_id", "lead_id", "vertical"}

// LearnEncoding looks at the features that batches have, which are of one
// schema: texts and lists get a column for each frequent level. What does not
// vary is left out.
func LearnEncoding(batches []arrow.RecordBatch) Encoding {
	var e Encoding
	if len(batches) == 0 {
		return e
	}
	for i, field := range batches[0].Schema().Fields() {
		if slices.Contains(keyColumns[:], field.Name) || !models.Features().HasField(field.Name) {
			continue
		}
		switch field.Type.ID() {
		case arrow.STRING:
			kind := level
			if strings.HasSuffix(field.Name, "_range") {
				kind = span
			}
			if kind == level {
				e.Columns = append(e.Columns, levels(field.Name, level, batches, i)...)
			} else {
				e.Columns = append(e.Columns, Column{Feature: field.Name, Kind: span})
			}
		case arrow.LIST:
			e.Columns = append(e.Columns, levels(field.Name, token, batches, i)...)
		case arrow.BOOL:
			e.Columns = append(e.Columns, Column{Feature: field.Name, Kind: flag})
		default:
			e.Columns = append(e.Columns, Column{Feature: field.Name, Kind: number})
		}
	}
	e.Columns = slices.DeleteFunc(e.Columns, func(c Column) bool { return isConstant(c, batches) })
	return e
}

// levels are the frequent values of a text or list column, by their names.
func levels(feature, kind string, batches []arrow.RecordBatch, at int) []Column {
	counts := map[string]int{}
	for _, b := range batches {
		each := texts(b.Column(at))
		for row := range int(b.NumRows()) {
			each(row, func(v string) {
				if n, ok := counts[v]; ok {
					counts[v] = n + 1
				} else {
					counts[strings.Clone(v)] = 1 // Arrow's memory is reused
				}
			})
		}
	}
	var frequent []string
	for v, n := range counts {
		if n >= minLevelRows {
			frequent = append(frequent, v)
		}
	}
	slices.SortFunc(frequent, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	frequent = frequent[:min(len(frequent), maxLevels)]
	slices.Sort(frequent)
	columns := make([]Column, len(frequent))
	for i, v := range frequent {
		columns[i] = Column{Feature: feature, Kind: kind, Level: v}
	}
	return columns
}

// texts calls back with each text of a row: one of a string column, all of a
// list, none of a null.
func texts(col arrow.Array) func(row int, visit func(string)) {
	switch values := col.(type) {
	case *array.String:
		return func(row int, visit func(string)) {
			if values.IsValid(row) {
				visit(values.Value(row))
			}
		}
	case *array.List:
		items, ok := values.ListValues().(*array.String)
		if !ok {
			break
		}
		return func(row int, visit func(string)) {
			if values.IsNull(row) {
				return
			}
			from, to := values.ValueOffsets(row)
			for i := from; i < to; i++ {
				if items.IsValid(int(i)) {
					visit(items.Value(int(i)))
				}
			}
		}
	}
	return func(int, func(string)) {}
}

func isConstant(c Column, batches []arrow.RecordBatch) bool {
	e := Encoding{Columns: []Column{c}}
	first := math.NaN()
	seen := false
	for _, b := range batches {
		x := make([]float32, b.NumRows())
		if e.Fill(x, b) != nil {
			return true
		}
		for _, v := range x {
			switch f := float64(v); {
			case !seen:
				first, seen = f, true
			case f != first && !(math.IsNaN(f) && math.IsNaN(first)):
				return false
			}
		}
	}
	return true
}

// check refuses what Fill would leave unfilled, and so score as zero: a
// feature has one column, or its levels side by side, each once.
func (e Encoding) check() error {
	seen := map[string]bool{}
	for i, c := range e.Columns {
		first := i == 0 || e.Columns[i-1].Feature != c.Feature
		switch {
		case c.Kind != number && c.Kind != flag && c.Kind != span && c.Kind != level && c.Kind != token:
			return fmt.Errorf("column %s has the unknown kind %q", c.Name(), c.Kind)
		case !first && (c.Kind != e.Columns[i-1].Kind || c.Kind != level && c.Kind != token), first && seen[c.Feature], seen[c.Feature+"="+c.Level] && c.Level != "":
			return fmt.Errorf("column %s does not stand once beside the others of its feature", c.Name())
		}
		seen[c.Feature], seen[c.Feature+"="+c.Level] = true, true
	}
	return nil
}

// Names are the names of the columns, in their order.
func (e Encoding) Names() []string {
	names := make([]string, len(e.Columns))
	for i, c := range e.Columns {
		names[i] = c.Name()
	}
	return names
}

// Fill writes the columns of a batch row by row into x, which has rows times
// columns values. A column that is missing or has another type is an error
// that names it, and so is an infinite number.
func (e Encoding) Fill(x []float32, b arrow.RecordBatch) error {
	width := len(e.Columns)
	filled := map[string]bool{}
	for at, c := range e.Columns {
		if filled[c.Feature] {
			continue
		}
		filled[c.Feature] = true
		found := b.Schema().FieldIndices(c.Feature)
		if len(found) != 1 {
			return leadlake.Errorf(leadlake.Invalid, "read features: column %s is there %d times, want once", c.Feature, len(found)).
				WithFix("transform the run again with this version, or roll back to a model that was trained on the columns at hand")
		}
		if err := e.fill(x[at:], width, c, b.Column(found[0])); err != nil {
			return err
		}
	}
	return nil
}

// fill writes the columns of one feature; c is the first of them.
func (e Encoding) fill(x []float32, width int, c Column, col arrow.Array) error {
	rows := col.Len()
	unfit := func() error {
		return leadlake.Errorf(leadlake.Invalid, "read features: column %s is %s, and the model was trained on a %s", c.Feature, col.DataType(), c.Kind).
			WithFix("transform the run again with this version, or train a new model")
	}
	switch c.Kind {
	case number:
		var value func(int) float64
		switch values := col.(type) {
		case *array.Float64:
			value = values.Value
		case *array.Int64:
			value = func(i int) float64 { return float64(values.Value(i)) }
		case *array.Int32:
			value = func(i int) float64 { return float64(values.Value(i)) }
		default:
			return unfit()
		}
		for row := range rows {
			v := math.NaN()
			if col.IsValid(row) {
				if v = value(row); math.IsInf(v, 0) {
					return leadlake.Errorf(leadlake.Invalid, "read features: column %s is infinite in row %d", c.Feature, row+1)
				}
			}
			x[row*width] = float32(v)
		}
	case flag:
		values, ok := col.(*array.Boolean)
		if !ok {
			return unfit()
		}
		for row := range rows {
			switch {
			case values.IsNull(row):
				x[row*width] = nan32()
			case values.Value(row):
				x[row*width] = 1
			default:
				x[row*width] = 0
			}
		}
	case span:
		values, ok := col.(*array.String)
		if !ok {
			return unfit()
		}
		for row := range rows {
			x[row*width] = nan32()
			if values.IsValid(row) {
				x[row*width] = middle(values.Value(row))
			}
		}
	case level, token:
		if (c.Kind == level) != (col.DataType().ID() == arrow.STRING) || c.Kind == token && col.DataType().ID() != arrow.LIST {
			return unfit()
		}
		e.fillLevels(x, width, c, col)
	default:
		return leadlake.Errorf(leadlake.Invalid, "read model: column %s has the unknown kind %q", c.Name(), c.Kind)
	}
	return nil
}

// fillLevels writes all levels of a feature, which stand side by side.
func (e Encoding) fillLevels(x []float32, width int, c Column, col arrow.Array) {
	first := slices.Index(e.Columns, c)
	at := map[string]int{}
	count := 0
	for _, other := range e.Columns[first:] {
		if other.Feature != c.Feature {
			break
		}
		at[other.Level] = count
		count++
	}
	each := texts(col)
	for row := range col.Len() {
		for i := range count {
			x[row*width+i] = 0
		}
		each(row, func(v string) {
			if i, ok := at[v]; ok {
				x[row*width+i] = 1
			}
		})
	}
}

func nan32() float32 { return float32(math.NaN()) }

// middle is the logarithm of the geometric middle of a range such as 11-50,
// 1M-10M or 10001+; NaN for what is none.
func middle(text string) float32 {
	low, high, found := strings.Cut(strings.TrimSuffix(text, "+"), "-")
	from, ok := amount(low)
	if !ok {
		return nan32()
	}
	to := from
	if found {
		if to, ok = amount(high); !ok {
			return nan32()
		}
	}
	return float32((math.Log1p(from) + math.Log1p(to)) / 2)
}

func amount(text string) (float64, bool) {
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune("$ ,", r) {
			return -1
		}
		return r
	}, strings.ToUpper(text))
	scale := 1.0
	for suffix, by := range map[string]float64{"K": 1e3, "M": 1e6, "B": 1e9} {
		if rest, cut := strings.CutSuffix(text, suffix); cut {
			text, scale = rest, by
			break
		}
	}
	v, err := strconv.ParseFloat(text, 64)
	return v * scale, err == nil && v >= 0 && !math.IsInf(v, 0)
}
