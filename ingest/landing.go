package ingest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"golang.org/x/sync/errgroup"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
)

const (
	// A part ends at whichever limit comes first; two parts are in memory at
	// once, one being filled and one being written.
	partRows  = 50_000
	partBytes = 32 << 20

	recordsTable     = "raw.source_records"
	quarantineTable  = "raw.quarantine"
	recordsPrefix    = "raw/source_records/"
	quarantinePrefix = "raw/quarantine/"

	// pageMeta is the metadata entry of a page's last object: the LandedPage.
	pageMeta = "leadlake.page"
)

var timestamp = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}

// The columns of raw.source_records and raw.quarantine, as sql/prelude has
// them.
var (
	recordsSchema = arrow.NewSchema([]arrow.Field{
		text("run_id"), text("campaign_id"), text("adapter"), text("provider"), text("entity_kind"),
		text("provider_key"), text("request_id"), text("query_id"),
		{Name: "page", Type: arrow.PrimitiveTypes.Int32}, {Name: "row_number", Type: arrow.PrimitiveTypes.Int64},
		text("raw"), text("content_hash"), {Name: "fetched_at", Type: timestamp},
		{Name: "cost_micros", Type: arrow.PrimitiveTypes.Int64}, text("licence"),
		text("subject_provider"), text("subject_key"),
	}, nil)
	quarantineSchema = arrow.NewSchema([]arrow.Field{
		text("run_id"), text("campaign_id"), text("adapter"), text("provider"), text("query_id"),
		{Name: "page", Type: arrow.PrimitiveTypes.Int32}, {Name: "row_number", Type: arrow.PrimitiveTypes.Int64},
		text("column_name"), text("code"), text("reason"), text("raw"), {Name: "fetched_at", Type: timestamp},
	}, nil)
)

// unique are the columns of both whose values do not repeat.
var unique = []string{"provider_key", "row_number", "raw", "content_hash"}

func text(name string) arrow.Field {
	return arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
}

// landing writes the rows of one page to objects. The keys follow from the
// run, the query and the page, so a page that is read again overwrites itself.
// The page counts as landed once its last object is durable: that object
// carries the LandedPage, and is written after all others.
type landing struct {
	parent  context.Context // the caller's
	ctx     context.Context // ends also when a write fails
	bucket  *lake.Bucket
	origin  origin
	page    store.LandedPage
	good    *part
	bad     *part
	writing *errgroup.Group
	onFlush func()
}

// origin is what all rows of a page have in common.
type origin struct {
	run       leadlake.Run
	spec      Spec
	query     Query
	requestID string
	page      int
	fetchedAt time.Time
	cost      int64
}

// part is an object being filled.
type part struct {
	table string // below raw/
	b     *array.RecordBuilder
	rows  int
	bytes int
	count int // parts written before
}

func newPart(prefix string, schema *arrow.Schema) *part {
	return &part{table: prefix, b: array.NewRecordBuilder(memory.DefaultAllocator, schema)}
}

func newLanding(parent context.Context, bucket *lake.Bucket, o origin, onFlush func()) *landing {
	writing, ctx := errgroup.WithContext(parent)
	writing.SetLimit(1)
	return &landing{
		parent: parent, ctx: ctx, bucket: bucket, origin: o, writing: writing, onFlush: onFlush,
		page: store.LandedPage{
			RunID: o.run.RunID, Provider: o.query.Provider, QueryID: o.query.ID,
			Page: o.page, CostMicros: o.cost, At: o.fetchedAt, Question: cmp.Or(o.query.Question, o.query.ID),
			Notes: store.Notes{Area: o.query.circle()},
		},
		good: newPart(recordsPrefix, recordsSchema),
		bad:  newPart(quarantinePrefix, quarantineSchema),
	}
}

// circle is the whole area of a tile's plan.
func (q Query) circle() *[3]float64 {
	if q.Tile == nil || q.Area == nil {
		return nil
	}
	return &[3]float64{q.Area.Lat, q.Area.Lon, q.Area.RadiusKM}
}

// about lists the subjects of a query; one that names nobody for discovery.
func (q Query) about() []Subject {
	if len(q.Subjects) == 0 {
		return []Subject{{}}
	}
	return q.Subjects
}

// where lists the places of the leads that a lookup is about.
func (q Query) where() [][2]float64 {
	var out [][2]float64
	for _, s := range q.Subjects {
		if s.Lat != nil && s.Lon != nil {
			out = append(out, [2]float64{*s.Lat, *s.Lon})
		}
	}
	return out
}

// note keeps what the engine has to know of a row after this process.
func (l *landing) note(r Record) {
	notes := &l.page.Notes
	if r.Point != nil {
		notes.Points = append(notes.Points, [2]float64{r.Point.Lat, r.Point.Lon})
	}
	for _, f := range r.Gives {
		if !slices.Contains(notes.Gives, string(f)) {
			notes.Gives = append(notes.Gives, string(f))
		}
	}
}

// release frees the rows that were not written.
func (l *landing) release() {
	l.good.b.Release()
	l.bad.b.Release()
}

// add takes one row; it is the emit of Source.Parse.
func (l *landing) add(r Record) error {
	num := r.RowNumber
	if num == 0 {
		num = l.page.Records + l.page.Quarantined + 1
	}
	if r.Problem != nil {
		l.page.Quarantined++
		l.origin.appendBad(l.bad.b, num, r)
		return l.grow(l.bad, r)
	}
	l.note(r)
	// An answer about several leads, the branches of a chain, is a record of each.
	for _, about := range l.origin.query.about() {
		l.page.Records++
		l.origin.appendGood(l.good.b, num, r, about)
		if err := l.grow(l.good, r); err != nil {
			return err
		}
	}
	return nil
}

// grow counts a row of a part and flushes the part where it is full.
func (l *landing) grow(p *part, r Record) error {
	p.rows++
	p.bytes += len(r.Raw)
	if p.rows < partRows && p.bytes < partBytes {
		return nil
	}
	return l.flush(p)
}

func (o *origin) appendGood(b *array.RecordBuilder, num int64, r Record, about Subject) {
	sum := sha256.Sum256(r.Raw)
	var digest [2 * sha256.Size]byte
	hex.Encode(digest[:], sum[:])
	hash := string(digest[:])
	key := r.Key
	if key == "" {
		key = hash
	}
	appendText(b, 0, o.run.RunID, o.run.CampaignID, o.spec.Name, o.query.Provider, r.EntityKind, key, o.requestID, o.query.ID)
	b.Field(8).(*array.Int32Builder).Append(int32(o.page))
	b.Field(9).(*array.Int64Builder).Append(num)
	b.Field(10).(*array.StringBuilder).BinaryBuilder.Append(r.Raw)
	appendText(b, 11, hash)
	b.Field(12).(*array.TimestampBuilder).AppendTime(o.fetchedAt)
	b.Field(13).(*array.Int64Builder).Append(o.cost)
	appendText(b, 14, o.spec.Licence)
	if about.Key != "" {
		appendText(b, 15, about.Provider, about.Key)
		return
	}
	b.Field(15).AppendNull()
	b.Field(16).AppendNull()
}

func (o *origin) appendBad(b *array.RecordBuilder, num int64, r Record) {
	appendText(b, 0, o.run.RunID, o.run.CampaignID, o.spec.Name, o.query.Provider, o.query.ID)
	b.Field(5).(*array.Int32Builder).Append(int32(o.page))
	b.Field(6).(*array.Int64Builder).Append(num)
	appendText(b, 7, r.Problem.Column, r.Problem.Code, r.Problem.Reason, wholeText(r.Raw))
	b.Field(11).(*array.TimestampBuilder).AppendTime(o.fetchedAt)
}

func appendText(b *array.RecordBuilder, from int, values ...string) {
	for i, v := range values {
		b.Field(from + i).(*array.StringBuilder).Append(v)
	}
}

// wholeText is raw as a column of text can hold it: bytes that are no text are
// kept as a quoted Go string, which strconv.Unquote turns back exactly.
func wholeText(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	return strconv.Quote(string(raw))
}

// flush hands a full part to the writer and begins the next.
func (l *landing) flush(p *part) error {
	if p.rows == 0 {
		return l.ctx.Err()
	}
	if err := l.ctx.Err(); err != nil { // a write before this one failed
		return l.wait(err)
	}
	key := fmt.Sprintf("%spart-%04d.parquet", l.origin.folder(p.table), p.count)
	batch := p.take()
	l.page.ObjectKeys = append(l.page.ObjectKeys, key)
	l.writing.Go(func() error {
		defer batch.Release()
		return l.write(l.ctx, key, batch, nil)
	})
	l.onFlush()
	return nil
}

// take ends the part and begins the next.
func (p *part) take() arrow.RecordBatch {
	p.rows, p.bytes = 0, 0
	p.count++
	return p.b.NewRecordBatch()
}

func (l *landing) wait(cause error) error {
	if err := l.writing.Wait(); err != nil {
		return err
	}
	return cause
}

func (l *landing) write(ctx context.Context, key string, batch arrow.RecordBatch, meta map[string]string) error {
	one := iter.Seq2[arrow.RecordBatch, error](func(yield func(arrow.RecordBatch, error) bool) { yield(batch, nil) })
	if _, err := lake.WriteParquet(ctx, l.bucket, key, batch.Schema(), one, meta, unique...); err != nil {
		return fmt.Errorf("land page %d of query %s: %w", l.origin.page, l.origin.query.ID, err)
	}
	return nil
}

// finish makes the page durable. The last object may have no row; then it is
// not registered and only tells that the page is whole.
func (l *landing) finish(answer Page) (store.LandedPage, error) {
	if err := l.flush(l.bad); err != nil {
		return l.page, l.wait(err)
	}
	if err := l.writing.Wait(); err != nil {
		return l.page, err
	}
	l.page.NextCursor, l.page.Done = answer.Next, answer.Next == ""
	l.page.CostMicros = max(0, l.page.CostMicros-answer.Refund)
	l.page.Notes.Total, l.page.Notes.Unknown = answer.Total, answer.Unknown
	key := l.origin.lastKey()
	if l.good.rows > 0 {
		l.page.ObjectKeys = append(l.page.ObjectKeys, key)
	}
	meta, err := json.Marshal(l.page)
	if err != nil {
		return l.page, fmt.Errorf("land page %d of query %s: %w", l.origin.page, l.origin.query.ID, err)
	}
	batch := l.good.take()
	defer batch.Release()
	return l.page, l.write(l.parent, key, batch, map[string]string{pageMeta: string(meta)})
}

// folder holds the objects of one page.
func (o *origin) folder(table string) string {
	return fmt.Sprintf("%s%s/%s/%06d/", table, o.run.RunID, o.query.ID, o.page)
}

func (o *origin) lastKey() string { return o.folder(recordsPrefix) + "last.parquet" }

// adopt finds a page that became durable but was not recorded, because the
// process died between the two.
func (o *origin) adopt(ctx context.Context, bucket *lake.Bucket) (store.LandedPage, bool, error) {
	var page store.LandedPage
	meta, _, err := lake.ParquetMetadata(ctx, bucket, o.lastKey())
	switch {
	case leadlake.ErrorCode(err) == leadlake.NotFound:
		return page, false, nil
	case err != nil:
		return page, false, fmt.Errorf("adopt page %d of query %s: %w", o.page, o.query.ID, err)
	}
	if err := json.Unmarshal([]byte(meta[pageMeta]), &page); err != nil {
		return page, false, leadlake.Errorf(leadlake.Internal, "adopt page %s: %w", o.lastKey(), err)
	}
	return page, true, nil
}

// register makes all landed pages of the run visible in one commit.
func (e *Engine) register(ctx context.Context, pages []store.LandedPage) error {
	var records, quarantine []string
	for _, p := range pages {
		for _, key := range p.ObjectKeys {
			if strings.HasPrefix(key, quarantinePrefix) {
				quarantine = append(quarantine, key)
			} else {
				records = append(records, key)
			}
		}
	}
	session, err := e.Lake.Session(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	return session.Commit(ctx, func(ctx context.Context) error {
		if err := e.Lake.AddFiles(ctx, session, recordsTable, records...); err != nil {
			return err
		}
		return e.Lake.AddFiles(ctx, session, quarantineTable, quarantine...)
	})
}
