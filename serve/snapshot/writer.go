package snapshot

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"
)

// writer fills a new serving file inside one transaction.
type writer struct {
	path          string
	db            *sql.DB
	tx            *sql.Tx
	lead, posting *sql.Stmt
	last          *storedRow // of the part before, to hold the order
}

// A file that is not whole is thrown away, so it needs no journal. The cache
// is in KiB where negative.
const writerOptions = "_pragma=page_size(8192)&_pragma=journal_mode(off)&_pragma=synchronous(off)&_pragma=cache_size(-65536)"

func newWriter(ctx context.Context, path string) (_ *writer, err error) {
	w := &writer{path: path}
	defer func() {
		if err != nil {
			w.close()
			err = fmt.Errorf("create serving file: %w", err)
		}
	}()
	if w.db, err = sql.Open("sqlite", address(path, writerOptions)); err != nil {
		return nil, err
	}
	if _, err = w.db.ExecContext(ctx, query("schema")); err != nil {
		return nil, err
	}
	if w.tx, err = w.db.BeginTx(ctx, nil); err != nil {
		return nil, err
	}
	if w.lead, err = w.tx.PrepareContext(ctx, "insert into leads values (?, ?, ?, ?, ?, ?)"); err != nil {
		return nil, err
	}
	w.posting, err = w.tx.PrepareContext(ctx, "insert into postings values (?, ?, ?)")
	return w, err
}

// part stores the rows of one part and then its posting lists.
// The first of them has the given rank.
func (w *writer) part(ctx context.Context, part int64, next uint32, batches <-chan []storedRow) error {
	lists := map[string][]uint32{}
	for rows := range batches {
		for i := range rows {
			r := &rows[i]
			if r.rank != next || w.last != nil && w.last.key.Compare(r.key) >= 0 {
				return fmt.Errorf("lead %s of campaign %s is at rank %d out of order or twice", r.key.LeadID, r.key.CampaignID, r.rank)
			}
			next, w.last = next+1, r
			if _, err := w.lead.ExecContext(ctx, r.rank, r.key.LeadID, r.key.CampaignID, r.key.Score, r.body, r.records); err != nil {
				return fmt.Errorf("store lead %s: %w", r.key.LeadID, err)
			}
			for _, term := range r.terms {
				if list := lists[term]; len(list) == 0 || list[len(list)-1] != r.rank {
					lists[term] = append(list, r.rank)
				}
			}
		}
	}
	for _, term := range slices.Sorted(maps.Keys(lists)) {
		blob, err := roaring.BitmapOf(lists[term]...).ToBytes()
		if err != nil {
			return fmt.Errorf("encode postings of %s: %w", term, err)
		}
		if _, err := w.posting.ExecContext(ctx, part, term, blob); err != nil {
			return fmt.Errorf("store postings of %s: %w", term, err)
		}
	}
	return nil
}

func (w *writer) campaign(ctx context.Context, values ...any) error {
	if _, err := w.tx.ExecContext(ctx, "insert into campaigns values (?, ?, ?, ?, ?, ?, ?)", values...); err != nil {
		return fmt.Errorf("store campaign: %w", err)
	}
	return nil
}

// finish makes the file whole and forces it to disk.
func (w *writer) finish(ctx context.Context, meta map[string]int64) error {
	for key, value := range meta {
		if _, err := w.tx.ExecContext(ctx, "insert into meta values (?, ?)", key, strconv.FormatInt(value, 10)); err != nil {
			return fmt.Errorf("store meta: %w", err)
		}
	}
	if _, err := w.tx.ExecContext(ctx, "create index leads_by_id on leads (lead_id)"); err != nil {
		return fmt.Errorf("index leads: %w", err)
	}
	if err := w.tx.Commit(); err != nil {
		return fmt.Errorf("commit serving file: %w", err)
	}
	w.tx = nil
	file, err := os.Open(w.path)
	if err != nil {
		return fmt.Errorf("sync serving file: %w", err)
	}
	defer file.Close()
	return file.Sync()
}

// close gives the file up; after finish it only lets go of it.
func (w *writer) close() {
	if w.tx != nil {
		_ = w.tx.Rollback() // the file is thrown away
	}
	if w.db != nil {
		_ = w.db.Close()
	}
}
