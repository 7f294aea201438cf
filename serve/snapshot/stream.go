package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Selection says which published leads are wanted. Zero values mean all.
type Selection struct {
	Campaign string // required
	Tiers    []leadlake.Tier
	MinScore int
	Limit    int64 // the best so many
	LeadID   string
}

// errStop ends a read whose caller has enough.
var errStop = errors.New("stop")

// streamPartRows bounds the leads that are sorted in memory at once.
const streamPartRows = 20_000

// Stream gives published leads as a leadlake.CanonicalLead in JSON, the best
// first, all of one version of the lake. Memory is bounded: they are written to
// a folder in dir first.
func Stream(ctx context.Context, l *lake.Lake, dir string, sel Selection) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		err := stream(ctx, l, dir, sel, func(lead []byte) error {
			if !yield(lead, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, fmt.Errorf("read leads of campaign %s: %w", sel.Campaign, err))
		}
	}
}

func stream(ctx context.Context, l *lake.Lake, dir string, sel Selection, emit func([]byte) error) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return leadlake.Errorf(leadlake.Invalid, "make work folder: %w", err)
	}
	work, err := os.MkdirTemp(dir, workPrefix)
	if err != nil {
		return leadlake.Errorf(leadlake.Invalid, "make work folder: %w", err)
	}
	defer os.RemoveAll(work)
	version, err := Version(ctx, l)
	if err != nil {
		return err
	}
	s, err := l.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	var rows int64
	for _, statement := range []string{
		fmt.Sprintf("set variable serving_version = %d", version),
		fmt.Sprintf("set variable serving_part_rows = %d", streamPartRows),
		"create or replace temp table serving_ranks as (" + sel.sql() + ")",
		"copy (" + query("split_leads") + ") to " + lake.Quote(filepath.Join(work, "leads")) + " (format parquet, partition_by (part), overwrite_or_ignore)",
		"set variable serving_records = " + lake.Quote(filepath.Join(work, "none.parquet")),
		"copy (from lake.marts.lead_records select 0 as rank, provider, provider_key, content_hash, fetched_at limit 0) to " + lake.Quote(filepath.Join(work, "none.parquet")),
	} {
		if err := s.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if err := s.QueryRow(ctx, "select count(*) from temp.serving_ranks").Scan(&rows); err != nil {
		return err
	}
	for part := int64(0); part*streamPartRows < rows; part++ {
		files := filepath.Join(work, "leads", fmt.Sprintf("part=%d", part), "*.parquet")
		if err := s.Exec(ctx, "set variable serving_leads = "+lake.Quote(files)); err != nil {
			return err
		}
		err := s.Batches(ctx, query("part"), func(batch arrow.RecordBatch) error {
			c := columnsOf(batch.Schema().Fields(), batch.Column)
			for i := range int(batch.NumRows()) {
				lead := c.lead(i)
				text, err := json.Marshal(&lead)
				if err != nil {
					return fmt.Errorf("encode lead %s: %w", lead.LeadID, err)
				}
				if err := emit(text); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sql ranks the leads that are wanted, as rank.sql does with all.
func (sel Selection) sql() string {
	where := []string{"campaign_id = " + lake.Quote(sel.Campaign)}
	if len(sel.Tiers) > 0 {
		var tiers []string
		for _, t := range sel.Tiers {
			tiers = append(tiers, lake.Quote(string(t)))
		}
		where = append(where, "tier in ("+strings.Join(tiers, ", ")+")")
	}
	if sel.MinScore > 0 {
		where = append(where, fmt.Sprintf("lead_score >= %d", sel.MinScore))
	}
	if sel.LeadID != "" {
		where = append(where, "lead_id = "+lake.Quote(sel.LeadID))
	}
	limit := ""
	if sel.Limit > 0 {
		limit = fmt.Sprintf(" limit %d", sel.Limit)
	}
	return "select campaign_id, lead_id, row_number() over (order by lead_score desc nulls last, lead_id) as rank" +
		" from lake.marts.leads at (version => getvariable('serving_version')) where " + strings.Join(where, " and ") + " order by rank" + limit
}
