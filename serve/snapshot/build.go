package snapshot

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

//go:embed sql/*.sql
var queries embed.FS

func query(name string) string {
	b, err := queries.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err) // the file is part of the program
	}
	return string(b)
}

// Version returns the newest lake snapshot that changed what is served. It is
// leadlake.Unavailable until something is published.
func Version(ctx context.Context, l *lake.Lake) (int64, error) {
	s, err := l.Session(ctx)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	var version int64
	var published bool
	if err := s.QueryRow(ctx, query("version")).Scan(&version, &published); err != nil {
		return 0, fmt.Errorf("read version of marts: %w", err)
	}
	if !published {
		return 0, leadlake.Errorf(leadlake.Unavailable, "no leads are published yet").
			WithFix("run a campaign with `leadlake run CAMPAIGN.yaml` and approve it")
	}
	return version, nil
}

// Build writes the serving file of one lake version. The file appears at path
// only when it is whole. Work files lie beside it, and memory is bounded: the
// leads are ranked by their keys alone, split into parts on disk, and each
// part is sorted by itself.
func Build(ctx context.Context, l *lake.Lake, version int64, path string) error {
	return build(ctx, l, version, path, defaultPartRows)
}

func build(ctx context.Context, l *lake.Lake, version int64, path string, partRows int64) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return leadlake.Errorf(leadlake.Invalid, "build serving file: %w", err)
	}
	work, err := os.MkdirTemp(filepath.Dir(path), workPrefix)
	if err != nil {
		return leadlake.Errorf(leadlake.Invalid, "build serving file: %w", err)
	}
	defer os.RemoveAll(work)
	s, err := l.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	b := builder{session: s, work: work, version: version, partRows: partRows}
	made := filepath.Join(work, "leads.sqlite")
	if err := b.run(ctx, made); err != nil {
		return fmt.Errorf("build serving file of version %d: %w", version, err)
	}
	if err := os.Rename(made, path); err != nil {
		return fmt.Errorf("build serving file of version %d: %w", version, err)
	}
	return nil
}

type builder struct {
	session  *lake.Session
	work     string
	version  int64
	partRows int64
	rows     int64
}

func (b *builder) run(ctx context.Context, path string) error {
	if err := b.split(ctx); err != nil {
		return err
	}
	w, err := newWriter(ctx, path)
	if err != nil {
		return err
	}
	defer w.close()
	for part := int64(0); part*b.partRows < b.rows; part++ {
		if err := b.part(ctx, w, part); err != nil {
			return fmt.Errorf("part %d: %w", part, err)
		}
	}
	if err := b.campaigns(ctx, w); err != nil {
		return err
	}
	return w.finish(ctx, map[string]int64{"format": format, "version": b.version, "rows": b.rows, "part_rows": b.partRows})
}

// split ranks the leads and writes them and their records as one Parquet
// folder per part.
func (b *builder) split(ctx context.Context) error {
	leads, records := filepath.Join(b.work, "leads"), filepath.Join(b.work, "records")
	const asParts = " (format parquet, partition_by (part), overwrite_or_ignore)"
	for _, statement := range []string{
		fmt.Sprintf("set variable serving_version = %d", b.version),
		fmt.Sprintf("set variable serving_part_rows = %d", b.partRows),
		query("rank"),
		"copy (" + query("split_leads") + ") to " + lake.Quote(leads) + asParts,
		"copy (" + query("split_records") + ") to " + lake.Quote(records) + asParts,
	} {
		if err := b.session.Exec(ctx, statement); err != nil {
			return fmt.Errorf("split leads: %w", err)
		}
	}
	if err := b.session.QueryRow(ctx, "select count(*) from temp.serving_ranks").Scan(&b.rows); err != nil {
		return fmt.Errorf("count leads: %w", err)
	}
	return b.session.Exec(ctx, "drop table temp.serving_ranks")
}

// part moves one part into the file: this goroutine turns Arrow into rows, the
// writer's stores them.
func (b *builder) part(ctx context.Context, w *writer, part int64) error {
	for _, folder := range []string{"leads", "records"} {
		files, err := filepath.Glob(filepath.Join(b.work, folder, fmt.Sprintf("part=%d", part), "*.parquet"))
		if err != nil {
			return err
		}
		for i, f := range files {
			files[i] = lake.Quote(f)
		}
		if err := b.session.Exec(ctx, "set variable serving_"+folder+" = ["+strings.Join(files, ", ")+"]"); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	rows := make(chan []storedRow, 2)
	group.Go(func() error {
		defer close(rows)
		return b.session.Batches(ctx, query("part"), func(batch arrow.RecordBatch) error {
			stored, err := storedRows(batch)
			if err != nil {
				return err
			}
			select {
			case rows <- stored:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	group.Go(func() error { return w.part(ctx, part, uint32(part*b.partRows)+1, rows) })
	return group.Wait()
}

// storedRow is one row of the file's table leads, and its terms.
type storedRow struct {
	rank          uint32
	key           Key
	body, records []byte
	terms         []string
}

func storedRows(batch arrow.RecordBatch) ([]storedRow, error) {
	c := columnsOf(batch.Schema().Fields(), batch.Column)
	rows := make([]storedRow, batch.NumRows())
	for i := range rows {
		lead := c.lead(i)
		r := &rows[i]
		r.rank = uint32(c.whole("rank", i))
		// The cells' memory goes with the batch, and the writer outlives it.
		r.key = Key{Score: -1, LeadID: strings.Clone(lead.LeadID), CampaignID: strings.Clone(lead.CampaignID)}
		if lead.LeadScore != nil {
			r.key.Score = *lead.LeadScore
		}
		var err error
		if r.body, err = json.Marshal(&lead); err != nil {
			return nil, fmt.Errorf("encode lead %s: %w", lead.LeadID, err)
		}
		if records := structsOf(c, "records", i, columns.record); records != nil {
			if r.records, err = json.Marshal(records); err != nil {
				return nil, fmt.Errorf("encode records of lead %s: %w", lead.LeadID, err)
			}
		}
		leadTerms(&lead, func(term string) { r.terms = append(r.terms, term) })
	}
	return rows, nil
}

func (b *builder) campaigns(ctx context.Context, w *writer) error {
	rows, err := b.session.Query(ctx, query("campaigns"))
	if err != nil {
		return fmt.Errorf("read campaigns: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, name string
		var leads, tierA, tierB, tierC int64
		var updated sql.Null[time.Time]
		if err := rows.Scan(&id, &name, &leads, &tierA, &tierB, &tierC, &updated); err != nil {
			return fmt.Errorf("read campaigns: %w", err)
		}
		if err := w.campaign(ctx, id, name, leads, tierA, tierB, tierC, updated.V.UnixMicro()); err != nil {
			return err
		}
	}
	return rows.Err()
}
