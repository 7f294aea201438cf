package transforms

import (
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// batchRows is how many rows a batch made by this package holds.
const batchRows = 64 << 10

// batchReader is an Arrow record reader over a function. Arrow's own
// ReaderFromIter rests on coroutines, which must not be resumed from the
// foreign threads that DuckDB reads on.
type batchReader struct {
	refs    atomic.Int64
	builder *array.RecordBuilder
	fill    func(*array.RecordBuilder) bool
	current arrow.RecordBatch
}

// newBatchReader makes a reader from a function that fills the builder with
// the next batch and says whether there was one.
func newBatchReader(schema *arrow.Schema, fill func(*array.RecordBuilder) bool) array.RecordReader {
	r := &batchReader{builder: array.NewRecordBuilder(memory.DefaultAllocator, schema), fill: fill}
	r.refs.Store(1)
	return r
}

func (r *batchReader) Schema() *arrow.Schema          { return r.builder.Schema() }
func (r *batchReader) RecordBatch() arrow.RecordBatch { return r.current }
func (r *batchReader) Record() arrow.RecordBatch      { return r.current }
func (r *batchReader) Err() error                     { return nil }
func (r *batchReader) Retain()                        { r.refs.Add(1) }

func (r *batchReader) Next() bool {
	r.drop()
	if !r.fill(r.builder) {
		return false
	}
	r.current = r.builder.NewRecordBatch()
	return true
}

func (r *batchReader) Release() {
	if r.refs.Add(-1) == 0 {
		r.drop()
		r.builder.Release()
	}
}

func (r *batchReader) drop() {
	if r.current != nil {
		r.current.Release()
		r.current = nil
	}
}
