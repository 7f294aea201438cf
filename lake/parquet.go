package lake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/leadlake/leadlake"
)

// A row group is what the writer holds in memory and what DuckDB reads as one
// piece; it ends at whichever limit comes first.
const (
	rowGroupRows  = 122_880  // DuckDB's own
	rowGroupBytes = 64 << 20 // encoded

	zstdLevel = 1 // the fastest; the default makes a list a sixth slower to import, for 1% less
)

// WriteParquet stores batches as one Parquet object (zstd) and returns its
// number of rows. Every batch must have the given schema. Meta becomes the
// file's key-value metadata. Unique names columns whose values do not repeat:
// no dictionary is tried on them. Each batch is released by whoever made it,
// after it was yielded; an error in the sequence, or of the bucket, leaves no
// object.
func WriteParquet(
	ctx context.Context, b *Bucket, key string, schema *arrow.Schema,
	batches iter.Seq2[arrow.RecordBatch, error], meta map[string]string, unique ...string,
) (rows int64, err error) {
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := b.Put(ctx, key, r)
		r.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // ends a writer that still waits
		written <- err
	}()
	rows, err = encodeParquet(ctx, w, schema, batches, meta, unique)
	w.CloseWithError(err) // nil means the end of the object
	if putErr := <-written; err == nil || errors.Is(err, io.ErrClosedPipe) {
		err = putErr
	}
	if err != nil {
		return 0, fmt.Errorf("write parquet %s: %w", key, err)
	}
	return rows, nil
}

func encodeParquet(
	ctx context.Context, w io.Writer, schema *arrow.Schema,
	batches iter.Seq2[arrow.RecordBatch, error], meta map[string]string, unique []string,
) (rows int64, err error) {
	options := []parquet.WriterProperty{
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithCompressionLevel(zstdLevel),
		parquet.WithMaxRowGroupLength(rowGroupRows),
		parquet.WithCreatedBy("leadlake " + leadlake.Version),
	}
	for _, column := range unique {
		options = append(options, parquet.WithDictionaryFor(column, false))
	}
	properties := parquet.NewWriterProperties(options...)
	// The Parquet writer closes what it can close, and a closed pipe would pass
	// a cut file for a whole one: it gets to see a plain io.Writer only.
	out, err := pqarrow.NewFileWriter(schema, struct{ io.Writer }{w}, properties, pqarrow.DefaultWriterProps())
	if err != nil {
		return 0, err
	}
	// Close writes the footer; after an error it only frees what is buffered.
	defer func() { err = errors.Join(err, out.Close()) }()
	for batch, err := range batches {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return 0, err
		}
		if !batch.Schema().Equal(schema) {
			return 0, fmt.Errorf("batch has schema %s, not %s", batch.Schema(), schema)
		}
		if err := out.WriteBuffered(batch); err != nil {
			return 0, err
		}
		rows += batch.NumRows()
		if out.RowGroupTotalBytesWritten() >= rowGroupBytes {
			if err := out.NewBufferedRowGroupChecked(); err != nil {
				return 0, err
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		if err := out.AppendKeyValueMetadata(k, meta[k]); err != nil {
			return 0, err
		}
	}
	return rows, nil
}

// ParquetMetadata reads the key-value metadata and the number of rows of a
// Parquet object, from its footer alone.
func ParquetMetadata(ctx context.Context, b *Bucket, key string) (meta map[string]string, rows int64, err error) {
	o, err := b.open(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	defer o.Close()
	reader, err := openParquet(o)
	if err != nil {
		return nil, 0, leadlake.Errorf(leadlake.Invalid, "read parquet %s: %w", key, err).
			WithFix("the object is cut or is not Parquet; write it again")
	}
	footer := reader.MetaData()
	meta = map[string]string{}
	for _, kv := range footer.KeyValueMetadata() {
		if kv.Value != nil {
			meta[kv.Key] = *kv.Value
		}
	}
	return meta, footer.NumRows, nil
}

// openParquet turns the reader's panics into errors: its Thrift decoder is not
// safe on bytes that are not Parquet.
func openParquet(o object) (reader *file.Reader, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("bad footer: %v", p)
		}
	}()
	reader, err = file.NewParquetReader(o)
	if err == nil && reader.MetaData().NumRows < 0 {
		err = errors.New("bad footer: a negative number of rows")
	}
	return reader, err
}
