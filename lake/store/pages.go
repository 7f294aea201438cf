package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// LandedPage records that one page of a query is durable in the object store,
// so that it is never fetched, and paid for, again.
type LandedPage struct {
	RunID       string
	Provider    string
	QueryID     string
	Page        int // from 1
	ObjectKeys  []string
	Records     int64
	Quarantined int64
	CostMicros  int64  // millionths of a US dollar
	NextCursor  string // where the next page begins
	Done        bool   // this was the last page of the query
	At          time.Time
}

// LandPage records a page. Doing so again replaces the record. At is set where
// it is zero.
func (s *Store) LandPage(ctx context.Context, p LandedPage) error {
	if p.At.IsZero() {
		p.At = s.now()
	}
	keys, err := json.Marshal(p.ObjectKeys)
	if err != nil {
		return fmt.Errorf("land page %d of query %s: %w", p.Page, p.QueryID, err)
	}
	_, err = s.exec(ctx, "land_page", p.RunID, p.Provider, p.QueryID, p.Page, string(keys), p.Records, p.Quarantined,
		p.CostMicros, p.NextCursor, p.Done, toMicros(p.At))
	if err != nil {
		return fmt.Errorf("land page %d of query %s: %w", p.Page, p.QueryID, err)
	}
	return nil
}

// LandedPages returns the pages of a run in order of provider, query and page.
func (s *Store) LandedPages(ctx context.Context, runID string) ([]LandedPage, error) {
	var pages []LandedPage
	err := s.each(ctx, "landed_pages", func(rows *sql.Rows) error {
		var p LandedPage
		var keys string
		var at int64
		err := rows.Scan(&p.RunID, &p.Provider, &p.QueryID, &p.Page, &keys, &p.Records, &p.Quarantined,
			&p.CostMicros, &p.NextCursor, &p.Done, &at)
		if err != nil {
			return err
		}
		p.At = fromMicros(at)
		if err := json.Unmarshal([]byte(keys), &p.ObjectKeys); err != nil {
			return fmt.Errorf("object keys of page %d of query %s: %w", p.Page, p.QueryID, err)
		}
		pages = append(pages, p)
		return nil
	}, runID)
	if err != nil {
		return nil, fmt.Errorf("list landed pages of run %s: %w", runID, err)
	}
	return pages, nil
}
