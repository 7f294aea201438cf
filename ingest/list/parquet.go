package list

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	parquetfile "github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/leadlake/leadlake"
)

const parquetBatch = 8192

// readParquet reads every column as text.
func (t *table) readParquet(in file) error {
	var reader pqarrow.RecordReader
	var columns []string
	err := guard(func() (err error) {
		reader, columns, err = openParquet(in)
		return err
	})
	if err != nil {
		return leadlake.Errorf(leadlake.Invalid, "list %s: not a whole Parquet file: %w", t.file, err).
			WithFix("copy or export it again: it may be cut short; or set format if it is no Parquet")
	}
	defer reader.Release()
	if err := t.setColumns(uniqueColumns(columns)); err != nil {
		return err
	}
	values := make([]string, len(columns))
	for {
		var batch arrow.RecordBatch
		err := guard(func() (err error) {
			batch, err = reader.Read()
			return err
		})
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return leadlake.Errorf(leadlake.Invalid, "list %s, after row %d: the Parquet data is damaged: %w", t.file, t.rows, err).
				WithFix("copy or export the file again")
		}
		if err := t.addBatch(batch, values); err != nil {
			return err
		}
	}
}

func (t *table) addBatch(batch arrow.RecordBatch, values []string) error {
	texts := make([]func(int) string, batch.NumCols())
	for i, c := range batch.Columns() {
		texts[i] = textOf(c)
	}
	for row := range int(batch.NumRows()) {
		for i, text := range texts {
			values[i] = text(row)
		}
		if err := t.add(t.rows+1, values, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

func openParquet(in file) (pqarrow.RecordReader, []string, error) {
	file, err := parquetfile.NewParquetReader(in, parquetfile.WithReadProps(&parquet.ReaderProperties{
		BufferSize:            1 << 20,
		BufferedStreamEnabled: true,
	}))
	if err != nil {
		return nil, nil, err
	}
	// Columns are read one after the other: a panic over a damaged page can
	// be caught in this goroutine only.
	arrowReader, err := pqarrow.NewFileReader(file, pqarrow.ArrowReadProperties{BatchSize: parquetBatch}, memory.DefaultAllocator)
	if err != nil {
		return nil, nil, err
	}
	schema, err := arrowReader.Schema()
	if err != nil {
		return nil, nil, err
	}
	columns := make([]string, schema.NumFields())
	for i, f := range schema.Fields() {
		columns[i] = f.Name
	}
	reader, err := arrowReader.GetRecordReader(context.Background(), nil, nil)
	return reader, columns, err
}

// textOf returns a function that gives the value at a row as text, "" for
// null.
func textOf(column arrow.Array) func(int) string {
	var text func(int) string
	switch c := column.(type) {
	case *array.String:
		text = c.Value
	case *array.LargeString:
		text = c.Value
	case *array.Binary:
		text = c.ValueString
	case *array.Int64:
		text = func(i int) string { return strconv.FormatInt(c.Value(i), 10) }
	case *array.Int32:
		text = func(i int) string { return strconv.FormatInt(int64(c.Value(i)), 10) }
	case *array.Float64:
		text = func(i int) string { return strconv.FormatFloat(c.Value(i), 'f', -1, 64) }
	case *array.Float32:
		text = func(i int) string { return strconv.FormatFloat(float64(c.Value(i)), 'f', -1, 32) }
	default:
		text = column.ValueStr
	}
	if column.NullN() == 0 {
		return text
	}
	return func(i int) string {
		if column.IsNull(i) {
			return ""
		}
		return text(i)
	}
}

// guard turns a panic of the Parquet library, which damaged files can cause,
// into an error.
func guard(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("parquet library: %v", r)
		}
	}()
	return fn()
}
