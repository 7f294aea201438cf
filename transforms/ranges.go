package transforms

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"golang.org/x/sync/errgroup"

	"github.com/leadlake/leadlake/lake"
)

// rangeRows is how many record ids are read at a time where Go works on rows:
// enough to keep every core busy, few enough for memory to stay bounded.
const rangeRows = 4 * batchRows

// eachRange reads a query in ranges of record_id and hands the batches of each
// range to convert, a batch a goroutine. The query holds two %d, for the first
// id of the range and for the first after it. Outputs come back in the order
// of the inputs; done gets them range by range and need not release them.
func eachRange(ctx context.Context, s *lake.Session, query string, convert func(arrow.RecordBatch) arrow.RecordBatch, done func([]arrow.RecordBatch) error) error {
	var records int64
	if err := s.QueryRow(ctx, "select coalesce(max(record_id), 0) from intermediate.int_records_kept").Scan(&records); err != nil {
		return fmt.Errorf("count records: %w", err)
	}
	for low := int64(1); low <= records; low += rangeRows {
		outputs, err := convertRange(ctx, s, fmt.Sprintf(query, low, low+rangeRows), convert)
		if err != nil {
			return err
		}
		err = done(outputs)
		for _, b := range outputs {
			b.Release()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func convertRange(ctx context.Context, s *lake.Session, query string, convert func(arrow.RecordBatch) arrow.RecordBatch) ([]arrow.RecordBatch, error) {
	var inputs []arrow.RecordBatch
	err := s.Batches(ctx, query, func(b arrow.RecordBatch) error {
		b.Retain()
		inputs = append(inputs, b)
		return nil
	})
	defer func() {
		for _, b := range inputs {
			b.Release()
		}
	}()
	if err != nil {
		if short := memoryError("read records", err); short != nil {
			return nil, short
		}
		return nil, err
	}
	outputs := make([]arrow.RecordBatch, len(inputs))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, b := range inputs {
		group.Go(func() error {
			outputs[i] = convert(b)
			return nil
		})
	}
	return outputs, group.Wait()
}

// convertTable makes a table of the scratch database out of a query over the
// records.
func convertTable(ctx context.Context, s *lake.Session, table, query string, schema *arrow.Schema, convert func(arrow.RecordBatch) arrow.RecordBatch) error {
	if err := s.Load(ctx, table, newBatchReader(schema, func(*array.RecordBuilder) bool { return false })); err != nil {
		return fmt.Errorf("create %s: %w", table, err)
	}
	// What comes next is SQL: without this, its memory and ours add up.
	defer debug.FreeOSMemory()
	return eachRange(ctx, s, query, convert, func(batches []arrow.RecordBatch) error {
		out, err := array.NewRecordReader(schema, batches)
		if err != nil {
			return fmt.Errorf("write %s: %w", table, err)
		}
		defer out.Release()
		if err := s.Append(ctx, table, out); err != nil {
			if short := memoryError("write "+table, err); short != nil {
				return short
			}
			return fmt.Errorf("write %s: %w", table, err)
		}
		return nil
	})
}
