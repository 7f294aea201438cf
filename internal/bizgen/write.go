package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// groupRows is the size of a row group: DuckDB's own.
const groupRows = 122_880

func schema() *arrow.Schema {
	var fields []arrow.Field
	for _, name := range []string{"source", "source_key", "name", "street", "city", "region", "postal", "country"} {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	return arrow.NewSchema(append(fields,
		arrow.Field{Name: "lat", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		arrow.Field{Name: "lon", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		arrow.Field{Name: "phone", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "website", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "truth_id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	), nil)
}

// write writes one record for each owner, a row group at a time.
func (w *world) write(out io.Writer, owners []uint32) (err error) {
	options := []parquet.WriterProperty{
		parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(1),
		parquet.WithCreatedBy("leadlake bizgen"), parquet.WithDictionaryDefault(false),
	}
	for _, repeated := range []string{"source", "city", "region", "country"} {
		options = append(options, parquet.WithDictionaryFor(repeated, true))
	}
	file, err := pqarrow.NewFileWriter(schema(), out, parquet.NewWriterProperties(options...), pqarrow.DefaultWriterProps())
	if err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema())
	defer b.Release()
	for n, owner := range owners {
		add(b, n, w.record(n, int(owner)))
		if (n+1)%groupRows == 0 || n+1 == len(owners) {
			batch := b.NewRecordBatch()
			err := file.Write(batch)
			batch.Release()
			if err != nil {
				return fmt.Errorf("write Parquet: %w", err)
			}
		}
	}
	return nil
}

func add(b *array.RecordBuilder, n int, r row) {
	text := func(column int, s string) {
		if field := b.Field(column).(*array.StringBuilder); s == "" {
			field.AppendNull()
		} else {
			field.Append(s)
		}
	}
	number := func(column int, x float64) {
		if field := b.Field(column).(*array.Float64Builder); math.IsNaN(x) {
			field.AppendNull()
		} else {
			field.Append(x)
		}
	}
	text(0, r.source)
	text(1, strconv.Itoa(n))
	text(2, r.name)
	text(3, r.street)
	text(4, r.city)
	text(5, r.state)
	text(6, r.postal)
	text(7, "US")
	number(8, r.lat)
	number(9, r.lon)
	text(10, r.phone)
	text(11, r.website)
	b.Field(12).(*array.Int64Builder).Append(int64(r.truth))
}
