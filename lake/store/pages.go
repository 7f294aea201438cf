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
	Notes       Notes
	Question    string // what its query asks, wherever it looks: same question, same text
}

// Notes is what an answer said that decides what is asked next. A resumed run
// reads it in place of the answer.
type Notes struct {
	Miss    bool         `json:"miss,omitempty"`    // the provider knows nothing
	Erased  bool         `json:"erased,omitempty"`  // the subject asked not to be processed
	Total   int64        `json:"total,omitempty"`   // rows that the provider has
	Points  [][2]float64 `json:"points,omitempty"`  // latitude and longitude of the rows
	Area    *[3]float64  `json:"area,omitempty"`    // of a tile: latitude, longitude and radius in kilometres of all that its run covers
	Gives   []string     `json:"gives,omitempty"`   // fields that a lookup brought
	About   [][2]float64 `json:"about,omitempty"`   // latitude and longitude of the leads that a lookup was about
	Unknown []string     `json:"unknown,omitempty"` // fields that the adapter does not know
}

// LandPage records a page, together with the call that brought it where that
// is not nil. Doing so again replaces the record. At is set where it is zero.
func (s *Store) LandPage(ctx context.Context, p LandedPage, call *Call) error {
	if p.At.IsZero() {
		p.At = s.now()
	}
	fail := func(err error) error {
		return fmt.Errorf("land page %d of query %s: %w", p.Page, p.QueryID, err)
	}
	keys, err := json.Marshal(p.ObjectKeys)
	if err != nil {
		return fail(err)
	}
	notes, err := json.Marshal(p.Notes)
	if err != nil {
		return fail(err)
	}
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, s.queries["land_page"], p.RunID, p.Provider, p.QueryID, p.Page, string(keys), p.Records,
			p.Quarantined, p.CostMicros, p.NextCursor, p.Done, toMicros(p.At), string(notes), p.Question)
		if err == nil && call != nil {
			_, err = tx.ExecContext(ctx, s.queries["save_call"], call.args()...)
		}
		return err
	})
	if err != nil {
		return fail(err)
	}
	return nil
}

// LandedPages returns the pages of a run in order of provider, query and page.
func (s *Store) LandedPages(ctx context.Context, runID string) ([]LandedPage, error) {
	pages, err := s.landedPages(ctx, "landed_pages", runID)
	if err != nil {
		return nil, fmt.Errorf("list landed pages of run %s: %w", runID, err)
	}
	return pages, nil
}

// PagesOfQuestion returns the pages of all runs that asked a provider the same
// question, since a time, the oldest first.
func (s *Store) PagesOfQuestion(ctx context.Context, provider, question string, since time.Time) ([]LandedPage, error) {
	pages, err := s.landedPages(ctx, "pages_of_question", provider, question, toMicros(since))
	if err != nil {
		return nil, fmt.Errorf("list pages of a question to %s: %w", provider, err)
	}
	return pages, nil
}

// EarlierLookups returns the one-page answers that a provider gave to other
// runs since a time, the oldest first.
func (s *Store) EarlierLookups(ctx context.Context, provider, exceptRunID string, since time.Time) ([]LandedPage, error) {
	pages, err := s.landedPages(ctx, "earlier_lookups", provider, exceptRunID, toMicros(since))
	if err != nil {
		return nil, fmt.Errorf("list earlier lookups at %s: %w", provider, err)
	}
	return pages, nil
}

func (s *Store) landedPages(ctx context.Context, query string, args ...any) ([]LandedPage, error) {
	var pages []LandedPage
	err := s.each(ctx, query, func(rows *sql.Rows) error {
		var p LandedPage
		var keys, notes string
		var at int64
		err := rows.Scan(&p.RunID, &p.Provider, &p.QueryID, &p.Page, &keys, &p.Records, &p.Quarantined,
			&p.CostMicros, &p.NextCursor, &p.Done, &at, &notes, &p.Question)
		if err != nil {
			return err
		}
		p.At = fromMicros(at)
		if err := json.Unmarshal([]byte(keys), &p.ObjectKeys); err != nil {
			return fmt.Errorf("object keys of page %d of query %s: %w", p.Page, p.QueryID, err)
		}
		if notes != "" {
			if err := json.Unmarshal([]byte(notes), &p.Notes); err != nil {
				return fmt.Errorf("notes of page %d of query %s: %w", p.Page, p.QueryID, err)
			}
		}
		pages = append(pages, p)
		return nil
	}, args...)
	return pages, err
}
