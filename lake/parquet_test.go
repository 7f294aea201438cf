package lake

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
)

var testSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "raw", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "fetched_at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
	{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
}, nil)

// batchOf makes n rows; every third has no raw and no tags.
func batchOf(mem memory.Allocator, first, n int64, text func() string) arrow.RecordBatch {
	b := array.NewRecordBuilder(mem, testSchema)
	defer b.Release()
	tags := b.Field(3).(*array.ListBuilder)
	for i := first; i < first+n; i++ {
		b.Field(0).(*array.Int64Builder).Append(i)
		b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(time.Unix(i, 0).UnixMicro()))
		if i%3 == 0 {
			b.Field(1).AppendNull()
			tags.AppendNull()
			continue
		}
		b.Field(1).(*array.StringBuilder).Append(text())
		tags.Append(true)
		tags.ValueBuilder().(*array.StringBuilder).Append("x")
	}
	return b.NewRecordBatch()
}

// batches yields count batches of n rows and then end, where it is not nil.
func batches(mem memory.Allocator, count, n int64, text func() string, end error) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for i := range count {
			batch := batchOf(mem, i*n, n, text)
			ok := yield(batch, nil)
			batch.Release()
			if !ok {
				return
			}
		}
		if end != nil {
			yield(nil, end)
		}
	}
}

func plain() string { return `{"name": "Ünal & Söhne"}` }

func checkedAllocator(t *testing.T) memory.Allocator {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return mem
}

func parquetRoundTrip(t *testing.T, b *Bucket) {
	mem := checkedAllocator(t)
	meta := map[string]string{"next_cursor": "abc==", "done": "", "unicode": "“ü”"}
	rows, err := WriteParquet(t.Context(), b, "raw/a.parquet", testSchema, batches(mem, 3, 1000, plain, nil), meta)
	must(t, err)
	gotMeta, gotRows, err := ParquetMetadata(t.Context(), b, "raw/a.parquet")
	must(t, err)
	if rows != 3000 || gotRows != 3000 {
		t.Errorf("wrote %d rows, read %d", rows, gotRows)
	}
	if diff := cmp.Diff(meta, gotMeta); diff != "" {
		t.Error(diff)
	}
	want := batchOf(mem, 0, 3000, plain)
	defer want.Release()
	if diff := cmp.Diff(jsonRows(t, want), readParquet(t, mem, []byte(read(t, b, "raw/a.parquet")))); diff != "" {
		t.Error(diff)
	}
}

// readParquet gives the rows as JSON lines.
func readParquet(t *testing.T, mem memory.Allocator, data []byte) string {
	t.Helper()
	f, err := file.NewParquetReader(bytes.NewReader(data))
	must(t, err)
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: 1 << 20}, mem)
	must(t, err)
	reader, err := r.GetRecordReader(t.Context(), nil, nil)
	must(t, err)
	defer reader.Release()
	var text strings.Builder
	for reader.Next() {
		text.WriteString(jsonRows(t, reader.RecordBatch()))
	}
	if err := reader.Err(); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return text.String()
}

func jsonRows(t *testing.T, batch arrow.RecordBatch) string {
	t.Helper()
	var text strings.Builder
	must(t, array.RecordToJSON(batch, &text))
	return text.String()
}

func parquetBroken(t *testing.T, b *Bucket) {
	mem := checkedAllocator(t)
	broken := errors.New("source is broken")
	_, err := WriteParquet(t.Context(), b, "a.parquet", testSchema, batches(mem, 2, 100, plain, broken), nil)
	if !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
	other := arrow.NewSchema([]arrow.Field{{Name: "other", Type: arrow.PrimitiveTypes.Int64}}, nil)
	if _, err := WriteParquet(t.Context(), b, "a.parquet", other, batches(mem, 1, 100, plain, nil), nil); err == nil {
		t.Error("batches of another schema are taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := WriteParquet(ctx, b, "a.parquet", testSchema, batches(mem, 1, 100, plain, nil), nil); err == nil {
		t.Error("a cancelled write has no error")
	}
	if got := keys(t, b, ""); len(got) > 0 {
		t.Errorf("left %v", got)
	}
}

func TestWriteParquetOfNothingIsAFileWithoutRows(t *testing.T) {
	t.Parallel()
	b := NewMemBucket()
	meta := map[string]string{"next_cursor": "x"}
	_, err := WriteParquet(t.Context(), b, "a", testSchema, batches(memory.DefaultAllocator, 0, 0, plain, nil), meta)
	must(t, err)
	got, rows, err := ParquetMetadata(t.Context(), b, "a")
	must(t, err)
	if rows != 0 || got["next_cursor"] != "x" {
		t.Errorf("%d rows, %v", rows, got)
	}
}

func TestWriteParquetReportsTheBucketsError(t *testing.T) {
	t.Parallel()
	mem := checkedAllocator(t)
	full := leadlake.Errorf(leadlake.Unavailable, "full")
	for name, fault := range map[string]Fault{"at once": {Err: full}, "after some bytes": {CutAfter: 1000}} {
		b := Faulty(NewMemBucket(), func(int64, string, string) Fault { return fault })
		_, err := WriteParquet(t.Context(), b, "a", testSchema, batches(mem, 400, 1000, randomText(), nil), nil)
		if !errors.Is(err, full) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

// randomText gives texts of 200 bytes that do not compress.
func randomText() func() string {
	source := rand.NewChaCha8([32]byte{7})
	return func() string {
		text := make([]byte, 200)
		_, _ = source.Read(text) // never fails
		return strings.ToValidUTF8(string(text), "?")
	}
}

// discard counts what is put and keeps nothing, so that memory is the
// writer's alone.
type discard struct{ backend }

func (discard) put(_ context.Context, _ string, r io.Reader, _ bool) (bool, error) {
	_, err := io.Copy(io.Discard, r)
	return true, err
}

func TestWriteParquetMemoryIsBounded(t *testing.T) {
	// Not parallel: it measures the heap of the process.
	const batchRows, count = 1000, 1500 // about 400 MB of text
	b := &Bucket{driver: discard{}, url: func(string) string { return "" }}
	var peak uint64
	text := randomText()
	seq := batches(memory.DefaultAllocator, count, batchRows, text, nil)
	watched := func(yield func(arrow.RecordBatch, error) bool) {
		n := 0
		for batch, err := range seq {
			if n++; n%100 == 0 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			}
			if !yield(batch, err) {
				return
			}
		}
	}
	rows, err := WriteParquet(t.Context(), b, "a", testSchema, watched, nil)
	must(t, err)
	if limit := uint64(200 << 20); rows != batchRows*count || peak > limit {
		t.Errorf("%d rows with %d MiB of heap, limit %d MiB", rows, peak>>20, limit>>20)
	}
}

func TestParquetMetadataOfDamagedObject(t *testing.T) {
	t.Parallel()
	b := NewMemBucket()
	_, err := WriteParquet(t.Context(), b, "whole", testSchema, batches(memory.DefaultAllocator, 1, 100, plain, nil), nil)
	must(t, err)
	whole := read(t, b, "whole")
	for name, data := range map[string]string{
		"empty": "", "text": "id,name\n1,x\n", "half": whole[:len(whole)/2], "no head": whole[len(whole)/2:],
		"bad footer": whole[:len(whole)-60] + strings.Repeat("\xff", 52) + whole[len(whole)-8:],
	} {
		must(t, b.Put(t.Context(), "damaged", strings.NewReader(data)))
		if _, _, err := ParquetMetadata(t.Context(), b, "damaged"); name != "no head" {
			wantCode(t, err, leadlake.Invalid)
		}
	}
	_, _, err = ParquetMetadata(t.Context(), b, "missing")
	wantCode(t, err, leadlake.NotFound)
}

func FuzzParquetMetadata(f *testing.F) {
	b := NewMemBucket()
	ctx := context.Background()
	if _, err := WriteParquet(ctx, b, "a", testSchema, batches(memory.DefaultAllocator, 1, 3, plain, nil), map[string]string{"k": "v"}); err != nil {
		f.Fatal(err)
	}
	o, err := b.open(ctx, "a")
	if err != nil {
		f.Fatal(err)
	}
	seed, err := io.ReadAll(o)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := NewMemBucket()
		must(t, b.Put(t.Context(), "a", bytes.NewReader(data)))
		if _, rows, err := ParquetMetadata(t.Context(), b, "a"); err == nil && rows < 0 {
			t.Errorf("%d rows", rows)
		}
	})
}
