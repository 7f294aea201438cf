package models

import (
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"go.yaml.in/yaml/v3"
)

// A test clears the rows of keep where the column does not meet it. A null
// never does. The column's type was settled when the rules were read.
type test func(col arrow.Array, keep []bool)

// operator is one member of the closed set that a rule file may use.
type operator struct {
	name    string
	compile func(value *yaml.Node) (test, error)
}

// operators lists what may be asked of a column of this type.
func operators(kind arrow.DataType) []operator {
	switch kind.ID() {
	case arrow.FLOAT64:
		return numeric(func(col arrow.Array) []float64 { return col.(*array.Float64).Float64Values() })
	case arrow.INT64:
		return numeric(func(col arrow.Array) []int64 { return col.(*array.Int64).Int64Values() })
	case arrow.BOOL:
		return []operator{{"is", compileIs}}
	case arrow.STRING:
		return []operator{{"in", compileIn}}
	case arrow.LIST:
		return []operator{{"has", compileHas}}
	}
	return nil
}

func numeric[T int64 | float64](values func(arrow.Array) []T) []operator {
	compare := func(name string, holds func(x, limit float64) bool) operator {
		return operator{name, func(node *yaml.Node) (test, error) {
			var limit float64
			if node.Kind != yaml.ScalarNode || node.Tag == "!!null" || node.Decode(&limit) != nil || math.IsNaN(limit) {
				return nil, errors.New("want a number as value")
			}
			return func(col arrow.Array, keep []bool) {
				for i, x := range values(col) {
					keep[i] = keep[i] && holds(float64(x), limit) && col.IsValid(i)
				}
			}, nil
		}}
	}
	return []operator{
		compare("gte", func(x, limit float64) bool { return x >= limit }),
		compare("gt", func(x, limit float64) bool { return x > limit }),
		compare("lte", func(x, limit float64) bool { return x <= limit }),
		compare("lt", func(x, limit float64) bool { return x < limit }),
	}
}

func compileIs(node *yaml.Node) (test, error) {
	var want bool
	if node.Tag != "!!bool" || node.Decode(&want) != nil {
		return nil, errors.New("want true or false as value")
	}
	return func(col arrow.Array, keep []bool) {
		flags := col.(*array.Boolean)
		for i := range keep {
			keep[i] = keep[i] && flags.IsValid(i) && flags.Value(i) == want
		}
	}, nil
}

func compileIn(node *yaml.Node) (test, error) {
	var names []string
	if node.Kind != yaml.SequenceNode || node.Decode(&names) != nil || len(names) == 0 {
		return nil, errors.New("want a list of texts as value")
	}
	return oneOf(names), nil
}

// oneOf holds where the text is one of names.
func oneOf(names []string) test {
	return func(col arrow.Array, keep []bool) {
		texts := col.(*array.String)
		for i := range keep {
			keep[i] = keep[i] && texts.IsValid(i) && slices.Contains(names, texts.Value(i))
		}
	}
}

// compileHas ignores case, because every provider spells a product its own way.
func compileHas(node *yaml.Node) (test, error) {
	if node.Kind != yaml.ScalarNode || node.Tag != "!!str" || node.Value == "" {
		return nil, errors.New("want a text as value")
	}
	want := node.Value
	return func(col arrow.Array, keep []bool) {
		lists := col.(*array.List)
		texts := lists.ListValues().(*array.String)
		for i := range keep {
			keep[i] = keep[i] && lists.IsValid(i) && holdsText(lists, texts, i, want)
		}
	}, nil
}

func holdsText(lists *array.List, texts *array.String, row int, want string) bool {
	from, to := lists.ValueOffsets(row)
	for j := int(from); j < int(to); j++ {
		if texts.IsValid(j) && strings.EqualFold(texts.Value(j), want) {
			return true
		}
	}
	return false
}
