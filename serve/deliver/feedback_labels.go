package deliver

import (
	"context"
	"fmt"
	"strings"
)

// label adds to marts.lead_labels the leads whose LabelWindow has passed, as
// far as the destinations tell. Features are those of the lake when the lead was
// delivered. Only a destination that has told of a sale, or of a lost one, is
// taken to tell of all: where nobody reports, silence says nothing.
func (f *puller) label(ctx context.Context) (int64, error) {
	n, err := f.findDue(ctx)
	if err != nil || n == 0 {
		return 0, err
	}
	deliveries, err := f.texts(ctx, "select distinct delivery_id from scratch.runtime.feedback_due where is_new")
	if err != nil {
		return 0, fmt.Errorf("list what is to be labelled: %w", err)
	}
	var parts []string
	for i, id := range deliveries {
		found, err := f.setVersion(ctx, id)
		if err != nil {
			return 0, err
		}
		if !found {
			n -= f.dueOf(ctx, id)
			continue
		}
		if err := f.query(ctx, "feedback_features"); err != nil {
			return 0, err
		}
		part := fmt.Sprintf("scratch.runtime.feedback_features_%d", i)
		if err := f.Lake.Exec(ctx, "create or replace table "+part+" as from scratch.runtime.feedback_features"); err != nil {
			return 0, fmt.Errorf("keep features of delivery %s: %w", id, err)
		}
		parts = append(parts, part)
	}
	// Tables left are no harm: the scratch database ends with the process.
	defer func() {
		for _, part := range parts {
			_ = f.Lake.Exec(context.WithoutCancel(ctx), "drop table if exists "+part)
		}
	}()
	if err := f.alive(ctx); err != nil {
		return 0, err
	}
	err = f.Lake.Commit(ctx, func(ctx context.Context) error {
		for _, part := range parts {
			if err := f.addLabels(ctx, part); err != nil {
				return fmt.Errorf("add labels: %w", err)
			}
		}
		has, err := f.hasLabels(ctx)
		if err != nil || !has {
			return err
		}
		return f.query(ctx, "feedback_relabel")
	})
	return n, err
}

// dueOf is how many leads of a delivery cannot be labelled: what was known of
// them then is no longer kept.
func (f *puller) dueOf(ctx context.Context, deliveryID string) (n int64) {
	const query = "select count(*) from scratch.runtime.feedback_due where is_new and delivery_id = $1"
	if err := f.Lake.QueryRow(ctx, query, deliveryID).Scan(&n); err != nil {
		f.Log.Warn("cannot count leads without a label", "delivery_id", deliveryID, "err", err)
	}
	return n
}

// findDue collects what is to be labelled, and says how much that is.
func (f *puller) findDue(ctx context.Context) (n int64, err error) {
	cursors, err := f.Inbox.FeedbackCursors(ctx)
	if err != nil {
		return 0, err
	}
	const sales = "select distinct destination from lake.marts.outcomes where kind in ('qualified', 'opportunity', 'won', 'lost')"
	tell, err := f.texts(ctx, sales)
	if err != nil {
		return 0, fmt.Errorf("list destinations that tell: %w", err)
	}
	if err := f.Lake.Exec(ctx, "create or replace table scratch.runtime.feedback_observed (destination varchar, observed_at timestamptz)"); err != nil {
		return 0, fmt.Errorf("make table of destinations: %w", err)
	}
	for _, c := range cursors {
		for _, name := range tell {
			if name != c.Destination || c.ObservedAt.IsZero() {
				continue
			}
			if err := f.Lake.Exec(ctx, "insert into scratch.runtime.feedback_observed values ($1, $2)", name, c.ObservedAt); err != nil {
				return 0, fmt.Errorf("note destination %s: %w", name, err)
			}
		}
	}
	has, err := f.hasLabels(ctx)
	if err != nil {
		return 0, err
	}
	known := "select null::varchar as campaign_id, null::varchar as lead_id, null::integer as label where false"
	if has {
		known = "select campaign_id, lead_id, label from lake.marts.lead_labels"
	}
	err = f.Lake.Exec(ctx, "create or replace temp view known_labels as "+known)
	if err == nil {
		err = f.Lake.Exec(ctx, fmt.Sprintf("set variable feedback_window = %d", int64(LabelWindow.Hours())))
	}
	if err != nil {
		return 0, fmt.Errorf("prepare labels: %w", err)
	}
	if err := f.query(ctx, "feedback_due"); err != nil {
		return 0, err
	}
	if err := f.Lake.QueryRow(ctx, "select count(*) from scratch.runtime.feedback_due").Scan(&n); err != nil {
		return 0, fmt.Errorf("count what is to be labelled: %w", err)
	}
	return n, nil
}

func (f *puller) hasLabels(ctx context.Context) (has bool, err error) {
	const query = "select exists (from duckdb_tables() where database_name = 'lake' and schema_name = 'marts' and table_name = 'lead_labels')"
	if err := f.Lake.QueryRow(ctx, query).Scan(&has); err != nil {
		return false, fmt.Errorf("look for labels: %w", err)
	}
	return has, nil
}

// addLabels copies rows into marts.lead_labels, which it makes, or widens by
// features that are new.
func (f *puller) addLabels(ctx context.Context, part string) error {
	if err := f.Lake.Exec(ctx, "create table if not exists lake.marts.lead_labels as from "+part+" limit 0"); err != nil {
		return err
	}
	columns, err := f.texts(ctx, "select column_name || ' ' || data_type from duckdb_columns() where database_name = 'scratch' and schema_name = 'runtime' and table_name = $1",
		part[strings.LastIndex(part, ".")+1:])
	if err != nil {
		return err
	}
	for _, column := range columns {
		if err := f.Lake.Exec(ctx, "alter table lake.marts.lead_labels add column if not exists "+column); err != nil {
			return err
		}
	}
	return f.Lake.Exec(ctx, "insert into lake.marts.lead_labels by name from "+part+" order by lead_id")
}
