package deliver

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// query runs one of the texts in sql/queries.
func (f *puller) query(ctx context.Context, name string, args ...any) error {
	text, err := leadlake.SQL.ReadFile("sql/queries/" + name + ".sql")
	if err == nil {
		err = f.Lake.Exec(ctx, string(text), args...)
	}
	if err != nil {
		return fmt.Errorf("query %s: %w", name, err)
	}
	return nil
}

// texts reads a column of texts.
func (f *puller) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := f.Lake.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

// publish adds to marts.outcomes what it does not have of some events, in one
// commit, and says which events belong to leads.
func (f *puller) publish(ctx context.Context, group []happened) (mapped map[string]bool, added int64, err error) {
	if err := f.mirror(ctx, group); err != nil {
		return nil, 0, err
	}
	if err := f.load(ctx, group); err != nil {
		return nil, 0, fmt.Errorf("load events: %w", err)
	}
	if err := f.query(ctx, "feedback_matched"); err != nil {
		return nil, 0, err
	}
	ids, err := f.texts(ctx, "select event_id from scratch.runtime.feedback_matched")
	if err != nil {
		return nil, 0, fmt.Errorf("match events: %w", err)
	}
	mapped = make(map[string]bool, len(ids))
	for _, id := range ids {
		mapped[id] = true
	}
	if err := f.scores(ctx); err != nil {
		return nil, 0, err
	}
	if err := f.optOutContacts(ctx); err != nil {
		return nil, 0, err
	}
	var fresh int64
	const missing = "select count(*) from scratch.runtime.feedback_matched as m anti join lake.marts.outcomes as o on o.outcome_id = m.outcome_id"
	if err := f.Lake.QueryRow(ctx, missing).Scan(&fresh); err != nil {
		return nil, 0, fmt.Errorf("compare outcomes: %w", err)
	}
	if fresh == 0 {
		return mapped, 0, nil
	}
	if err := f.alive(ctx); err != nil {
		return nil, 0, err
	}
	err = f.Lake.Commit(ctx, func(ctx context.Context) error { return f.query(ctx, "feedback_publish", f.cursor.PulledAt) })
	return mapped, fresh, err
}

// mirror makes sure that marts.deliveries knows the deliveries that the events
// are about: the process that made one may have died before it could tell.
func (f *puller) mirror(ctx context.Context, group []happened) error {
	known, err := f.texts(ctx, "select distinct delivery_id from lake.marts.deliveries where destination = $1", f.Destination)
	if err != nil {
		return fmt.Errorf("list deliveries: %w", err)
	}
	done := map[string]bool{}
	for _, id := range known {
		done[id] = true
	}
	for _, h := range group {
		if h.held == nil || done[h.held.DeliveryID] {
			continue
		}
		done[h.held.DeliveryID] = true
		if _, err := Mirror(ctx, f.Lake, f.Inbox, h.held.DeliveryID); err != nil {
			return err
		}
	}
	return nil
}

// load puts the events into a scratch table.
func (f *puller) load(ctx context.Context, group []happened) error {
	text := arrow.BinaryTypes.String
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "event_id", Type: text}, {Name: "destination", Type: text}, {Name: "kind", Type: text}, {Name: "detail", Type: text},
		{Name: "row_key", Type: text}, {Name: "remote_id", Type: text}, {Name: "lead_id", Type: text}, {Name: "campaign_id", Type: text},
		{Name: "occurred_at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, h := range group {
		leadID, campaignID := "", ""
		if h.held != nil {
			leadID, campaignID = h.held.LeadID, h.held.Scope
		}
		for n, value := range []string{h.ID, f.Destination, string(h.Kind), h.Detail, h.Key, h.RemoteID, leadID, campaignID} {
			if value == "" {
				b.Field(n).AppendNull()
				continue
			}
			b.Field(n).(*array.StringBuilder).Append(strings.ToValidUTF8(value, "\uFFFD"))
		}
		b.Field(8).(*array.TimestampBuilder).Append(arrow.Timestamp(h.At.UnixMicro()))
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	reader, err := array.NewRecordReader(schema, []arrow.RecordBatch{batch})
	if err != nil {
		return err
	}
	defer reader.Release()
	return f.Lake.Load(ctx, "scratch.runtime.feedback_events", reader)
}

// scores reads what the leads of the matched events were when they were
// delivered: a run may have been scored again since.
func (f *puller) scores(ctx context.Context) error {
	const table = "create or replace table scratch.runtime.feedback_scores (delivery_id varchar, campaign_id varchar, lead_id varchar, lead_score integer, tier varchar, score_model varchar, emails varchar[], phones varchar[])"
	if err := f.Lake.Exec(ctx, table); err != nil {
		return fmt.Errorf("make table of scores: %w", err)
	}
	ids, err := f.texts(ctx, "select distinct delivery_id from scratch.runtime.feedback_matched")
	if err != nil {
		return fmt.Errorf("list deliveries: %w", err)
	}
	for _, id := range ids {
		found, err := f.setVersion(ctx, id)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if err := f.query(ctx, "feedback_scores", id); err != nil {
			return err
		}
	}
	return nil
}

// setVersion sets the variable feedback_version to the snapshot of the lake
// that a delivery saw: the last one before its first row was sent. It is false
// where that is no longer kept; nothing later may stand in for it.
func (f *puller) setVersion(ctx context.Context, deliveryID string) (bool, error) {
	var version sql.NullInt64
	const query = "select max(snapshot_id) from ducklake_snapshots('lake') where snapshot_time <= (select min(coalesce(sent_at, accepted_at)) from lake.marts.deliveries where delivery_id = $1)"
	if err := f.Lake.QueryRow(ctx, query, deliveryID).Scan(&version); err != nil {
		return false, fmt.Errorf("find snapshot of delivery %s: %w", deliveryID, err)
	}
	if !version.Valid {
		f.Log.Warn("the lake of a delivery is no longer kept", "delivery_id", deliveryID)
		return false, nil
	}
	err := f.Lake.Exec(ctx, fmt.Sprintf("set variable feedback_version = %d", version.Int64))
	if err == nil {
		err = f.Lake.Exec(ctx, "set variable feedback_delivery = "+lake.Quote(deliveryID))
	}
	if err != nil {
		return false, fmt.Errorf("set snapshot of delivery %s: %w", deliveryID, err)
	}
	return true, nil
}

// optOutContacts suppresses every address and number of leads that have opted
// out, so that none of them comes back as another lead.
func (f *puller) optOutContacts(ctx context.Context) error {
	var any bool
	if err := f.Lake.QueryRow(ctx, "select exists (from scratch.runtime.feedback_matched where kind = 'opted_out')").Scan(&any); err != nil || !any {
		return err
	}
	text, err := leadlake.SQL.ReadFile("sql/queries/feedback_contacts.sql")
	if err != nil {
		return err
	}
	rows, err := f.Lake.Query(ctx, string(text))
	if err != nil {
		return fmt.Errorf("read contacts: %w", err)
	}
	defer rows.Close()
	var all []Refusal
	for rows.Next() {
		var emails, phones string
		var at time.Time
		r := Refusal{Reason: "opted out at " + f.Destination, Source: f.Destination}
		err := rows.Scan(&r.Subject.LeadID, &emails, &phones, &at)
		if err == nil {
			err = json.Unmarshal([]byte(emails), &r.Subject.Emails)
		}
		if err == nil {
			err = json.Unmarshal([]byte(phones), &r.Subject.Phones)
		}
		if err != nil {
			return fmt.Errorf("read contacts: %w", err)
		}
		r.At = at.UTC()
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read contacts: %w", err)
	}
	return f.refuse(ctx, all)
}
