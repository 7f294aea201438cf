package transforms

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// rowColumn is a column of the records in a match index.
type rowColumn struct {
	Name string `json:"name"`
	Type string `json:"type"` // as DuckDB writes it
}

// rowTypes are the types that a column may have.
var rowTypes = [...]string{"VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "VARCHAR[]", "BIGINT[]"}

// arrowValue is a cell as an appender of DuckDB takes it: nil, string, int64,
// int32, float64, []string or []int64. Texts are copied.
func arrowValue(column arrow.Array, row int) (driver.Value, error) {
	if column.IsNull(row) {
		return nil, nil
	}
	switch c := column.(type) {
	case *array.String:
		return string([]byte(c.Value(row))), nil
	case *array.Int64:
		return c.Value(row), nil
	case *array.Int32:
		return c.Value(row), nil
	case *array.Float64:
		return c.Value(row), nil
	case *array.Boolean: // of tables that a request makes; no row has one
		return c.Value(row), nil
	case *array.List:
		start, end := c.ValueOffsets(row)
		switch items := c.ListValues().(type) {
		case *array.String:
			out := make([]string, 0, end-start)
			for i := start; i < end; i++ {
				out = append(out, string([]byte(items.Value(int(i)))))
			}
			return out, nil
		case *array.Int64:
			out := make([]int64, 0, end-start)
			for i := start; i < end; i++ {
				out = append(out, items.Value(int(i)))
			}
			return out, nil
		}
	}
	return nil, fmt.Errorf("a match index holds no %s", column.DataType())
}

// appendRow encodes a row: a cell is a mark, 0 for null, and its value.
func appendRow(out []byte, row []driver.Value) []byte {
	text := func(s string) {
		out = binary.AppendUvarint(out, uint64(len(s)))
		out = append(out, s...)
	}
	for _, cell := range row {
		if cell == nil {
			out = append(out, 0)
			continue
		}
		out = append(out, 1)
		switch v := cell.(type) {
		case string:
			text(v)
		case int64:
			out = binary.AppendVarint(out, v)
		case int32:
			out = binary.AppendVarint(out, int64(v))
		case float64:
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
		case []string:
			out = binary.AppendUvarint(out, uint64(len(v)))
			for _, s := range v {
				text(s)
			}
		case []int64:
			out = binary.AppendUvarint(out, uint64(len(v)))
			for _, n := range v {
				out = binary.AppendVarint(out, n)
			}
		}
	}
	return out
}

// rowReader decodes a row. Damage makes it bad, not panic.
type rowReader struct {
	b   []byte
	bad bool
}

func (r *rowReader) uvarint() int {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return int(n)
}

func (r *rowReader) varint() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *rowReader) take(n int) []byte {
	if n > len(r.b) {
		r.bad = true
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *rowReader) cell(kind string) driver.Value {
	if r.take(1)[0] == 0 {
		return nil
	}
	switch kind {
	case "VARCHAR":
		return string(r.take(r.uvarint()))
	case "BIGINT":
		return r.varint()
	case "INTEGER":
		return int32(r.varint())
	case "DOUBLE":
		return math.Float64frombits(binary.LittleEndian.Uint64(r.take(8)))
	case "VARCHAR[]":
		out := make([]string, r.uvarint())
		for i := range out {
			out[i] = string(r.take(r.uvarint()))
		}
		return out
	case "BIGINT[]":
		out := make([]int64, r.uvarint())
		for i := range out {
			out[i] = r.varint()
		}
		return out
	}
	r.bad = true
	return nil
}

func decodeRow(b []byte, columns []rowColumn) ([]driver.Value, error) {
	r := rowReader{b: b}
	row := make([]driver.Value, len(columns))
	for i, c := range columns {
		row[i] = r.cell(c.Type)
	}
	if r.bad || len(r.b) > 0 {
		return nil, fmt.Errorf("read match index: a damaged row")
	}
	return row, nil
}
