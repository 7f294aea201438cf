package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/leadlake/leadlake"
)

// AddLinks stores links that one command made, all or none. Their ids are the
// caller's; their time is the store's where it is zero.
func (s *Store) AddLinks(ctx context.Context, links []leadlake.Link) error {
	now := s.now()
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, l := range links {
			at := l.At
			if at.IsZero() {
				at = now
			}
			_, err := tx.ExecContext(ctx, s.queries["add_link"], l.ID, l.ChangeID, l.CampaignID, l.Left.Provider, l.Left.Key,
				l.Right.Provider, l.Right.Key, string(l.Kind), l.Who, l.Why, toMicros(at))
			if err != nil {
				return fmt.Errorf("link %s to %s: %w", l.Left, l.Right, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add links: %w", err)
	}
	return nil
}

// Links lists the links that hold in a campaign, those of every campaign
// included, the oldest first; all where campaignID is empty. With undone it
// lists those that were taken back, too.
func (s *Store) Links(ctx context.Context, campaignID string, undone bool) ([]leadlake.Link, error) {
	links, err := s.listLinks(ctx, "links", campaignID, undone)
	if err != nil {
		return nil, fmt.Errorf("list links of %q: %w", campaignID, err)
	}
	return links, nil
}

// UndoLinks ends one link, or all of one change, and returns what it ended. It
// is a NotFound where there is no such link, and a Conflict where all of them
// are taken back already.
func (s *Store) UndoLinks(ctx context.Context, id, who, why string) ([]leadlake.Link, error) {
	found, err := s.listLinks(ctx, "links_of", id)
	if err != nil {
		return nil, fmt.Errorf("undo link %s: %w", id, err)
	}
	if len(found) == 0 {
		return nil, leadlake.Errorf(leadlake.NotFound, "undo link %s: there is none of that id", id).
			WithFix("leadlake lead links lists them")
	}
	now := fromMicros(toMicros(s.now()))
	var ended []leadlake.Link
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		ended = nil // it may run twice
		for _, l := range found {
			result, err := tx.ExecContext(ctx, s.queries["undo_link"], l.ID, who, why, toMicros(now))
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil {
				return err
			} else if n == 1 {
				l.UndoneBy, l.UndoneWhy, l.UndoneAt = who, why, now
				ended = append(ended, l)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("undo link %s: %w", id, err)
	}
	if len(ended) == 0 {
		return nil, leadlake.Errorf(leadlake.Conflict, "undo link %s: %s has taken it back already", id, found[0].UndoneBy).
			WithFix("say it anew with leadlake lead merge or never-link")
	}
	return ended, nil
}

func (s *Store) listLinks(ctx context.Context, query string, args ...any) ([]leadlake.Link, error) {
	var links []leadlake.Link
	err := s.each(ctx, query, func(rows *sql.Rows) error {
		var l leadlake.Link
		var made, undone int64
		err := rows.Scan(&l.ID, &l.ChangeID, &l.CampaignID, &l.Left.Provider, &l.Left.Key, &l.Right.Provider, &l.Right.Key,
			&l.Kind, &l.Who, &l.Why, &made, &l.UndoneBy, &l.UndoneWhy, &undone)
		l.At, l.UndoneAt = fromMicros(made), fromMicros(undone)
		links = append(links, l)
		return err
	}, args...)
	return links, err
}
