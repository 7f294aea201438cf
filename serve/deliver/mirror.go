package deliver

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
)

// Outbox is what Mirror reads. *store.Store is one.
type Outbox interface {
	Delivery(ctx context.Context, id string) (store.Delivery, error)
	BatchesOfDelivery(ctx context.Context, id string) ([]store.BatchPlan, error)
	RowsOfDelivery(ctx context.Context, deliveryID string, first, last int64) ([]store.DeliveryRow, error)
}

// mirrorChunk is how many rows are held in Go before they go to scratch.
const mirrorChunk = 10 * planChunk

// Mirror makes marts.deliveries say of a delivery what the outbox says, in one
// commit; in none where it does already. Analysts read it, and nothing that
// delivers. No natural key and no field goes there.
func Mirror(ctx context.Context, s *lake.Session, o Outbox, deliveryID string) (rows int64, err error) {
	m := mirror{session: s, outbox: o, table: "scratch.runtime.mirror_" + strings.ReplaceAll(deliveryID, "-", "")}
	if m.delivery, err = o.Delivery(ctx, deliveryID); err == nil {
		m.batches, err = o.BatchesOfDelivery(ctx, deliveryID)
	}
	if err == nil {
		// A table left is no harm: the scratch database ends with the process.
		defer func() { _ = s.Exec(context.WithoutCancel(ctx), "drop table if exists "+m.table) }()
		rows, err = m.collect(ctx)
	}
	if err == nil {
		err = m.publish(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("mirror delivery %s: %w", deliveryID, err)
	}
	return rows, nil
}

type mirror struct {
	session  *lake.Session
	outbox   Outbox
	delivery store.Delivery
	batches  []store.BatchPlan
	table    string
}

// collect copies the rows into a scratch table, some at a time.
func (m *mirror) collect(ctx context.Context) (rows int64, err error) {
	if err := m.session.Exec(ctx, "create or replace table "+m.table+" as from lake.marts.deliveries limit 0"); err != nil {
		return 0, err
	}
	for first := int64(1); ; first += mirrorChunk {
		page, err := m.outbox.RowsOfDelivery(ctx, m.delivery.ID, first, first+mirrorChunk-1)
		if err != nil || len(page) == 0 {
			return rows, err
		}
		if err := m.load(ctx, page); err != nil {
			return rows, err
		}
		rows += int64(len(page))
	}
}

func (m *mirror) load(ctx context.Context, page []store.DeliveryRow) error {
	when := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	text, number := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "position", Type: number}, {Name: "attempts", Type: number}, {Name: "lead_id", Type: text}, {Name: "op", Type: text},
		{Name: "state", Type: text}, {Name: "code", Type: text}, {Name: "batch_id", Type: text}, {Name: "remote_id", Type: text},
		{Name: "sent_at", Type: when}, {Name: "accepted_at", Type: when},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, r := range page {
		b.Field(0).(*array.Int64Builder).Append(r.Position)
		b.Field(1).(*array.Int64Builder).Append(int64(r.Attempts))
		for n, value := range []string{r.LeadID, r.Op, r.State, r.Code, m.batchOf(r), remoteID(r)} {
			if value == "" {
				b.Field(2 + n).AppendNull()
				continue
			}
			b.Field(2 + n).(*array.StringBuilder).Append(value)
		}
		accepted := r.EndedAt
		if State(r.State) != Accepted {
			accepted = time.Time{}
		}
		for n, at := range []time.Time{r.SentAt, accepted} {
			if at.IsZero() {
				b.Field(8 + n).AppendNull()
				continue
			}
			b.Field(8 + n).(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMicro()))
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	reader, err := array.NewRecordReader(schema, []arrow.RecordBatch{batch})
	if err != nil {
		return err
	}
	defer reader.Release()
	if err := m.session.Append(ctx, m.table, reader); err != nil {
		return err
	}
	d := m.delivery
	return m.session.Exec(ctx, "update "+m.table+" set destination = $1, kind = $2, delivery_id = $3, campaign_id = $4, run_id = $5, mode = $6 where delivery_id is null",
		d.Destination, d.Kind, d.ID, d.Scope, d.RunID, d.Mode)
}

// batchOf is the id of the batch that a row was sent with, as the destination
// knows it.
func (m *mirror) batchOf(r store.DeliveryRow) string {
	if r.SentAt.IsZero() {
		return ""
	}
	for len(m.batches) > 1 && m.batches[0].Last < r.Position {
		m.batches = m.batches[1:] // rows come in their order
	}
	if len(m.batches) == 0 {
		return ""
	}
	return fmt.Sprintf("%s-%d", m.delivery.ID, m.batches[0].Batch)
}

// remoteID is a record's id at the destination, unless it says who it is about:
// Mailchimp names a member by the MD5 of the address.
func remoteID(r store.DeliveryRow) string {
	sum := md5.Sum([]byte(r.Key)) //nolint:gosec // it is Mailchimp's choice, and no secret
	if strings.Contains(r.RemoteID, "@") || r.RemoteID == hex.EncodeToString(sum[:]) {
		return ""
	}
	return r.RemoteID
}

// publish replaces the delivery's rows where they differ.
func (m *mirror) publish(ctx context.Context) error {
	there := "(from lake.marts.deliveries where delivery_id = " + lake.Quote(m.delivery.ID) + ")"
	var differs bool
	err := m.session.QueryRow(ctx, "select exists (from "+m.table+" except all "+there+") or exists ("+there+" except all from "+m.table+")").Scan(&differs)
	if err != nil || !differs {
		return err
	}
	return m.session.Commit(ctx, func(ctx context.Context) error {
		err := m.session.Exec(ctx, "delete from lake.marts.deliveries where delivery_id = $1", m.delivery.ID)
		if err == nil {
			err = m.session.Exec(ctx, "insert into lake.marts.deliveries by name from "+m.table+" order by position")
		}
		return err
	})
}
