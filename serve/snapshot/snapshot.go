// Package snapshot keeps the published leads in a form that pages can be read
// from in bounded time: one immutable SQLite file per version of the lake's
// marts, with every lead stored in the order in which the service lists them.
//
// A filter is an intersection of posting lists: for each campaign, tier,
// vertical, region and word the file holds the set of ranks that have it, as
// Roaring bitmaps cut into parts of 131,072 ranks. Any combination of filters
// therefore costs a few bitmap reads per part, however far down the order its
// matches lie, and a first page stops at the first parts that fill it.
package snapshot

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	_ "modernc.org/sqlite" // the driver of the serving file

	"github.com/leadlake/leadlake"
)

// format is the layout of the file; a file of another format is built anew.
const format = 1

// defaultPartRows is how many ranks share one set of posting lists. It bounds the
// memory of a build and the work of a page that is filled early.
const defaultPartRows = 1 << 17

// readers bounds the connections of one snapshot: more would only queue for
// the processors.
const readers = 8

// Campaign sums up the published leads of one campaign.
type Campaign struct {
	CampaignID string    `json:"campaign_id"`
	Name       string    `json:"name"`
	Leads      int64     `json:"leads"`
	TierA      int64     `json:"tier_a"`
	TierB      int64     `json:"tier_b"`
	TierC      int64     `json:"tier_c"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// Snapshot is one open serving file. It is safe for concurrent use.
type Snapshot struct {
	db        *sql.DB
	path      string
	version   int64
	rows      int64
	partRows  int64
	campaigns []Campaign

	keyAt, postings, bodies, byID *sql.Stmt
}

// Open opens a file that Build made.
func Open(ctx context.Context, path string) (*Snapshot, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, leadlake.Errorf(leadlake.NotFound, "open serving file: %w", err)
	}
	db, err := sql.Open("sqlite", address(path, "mode=ro&immutable=1&_pragma=query_only(1)"))
	if err != nil {
		return nil, fmt.Errorf("open serving file: %w", err)
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	s := &Snapshot{db: db, path: path}
	if err := s.load(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("open serving file %s: %w", filepath.Base(path), err)
	}
	return s, nil
}

func address(path, options string) string {
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: options}).String()
}

func (s *Snapshot) load(ctx context.Context) error {
	var made int64
	for key, to := range map[string]*int64{"format": &made, "version": &s.version, "rows": &s.rows, "part_rows": &s.partRows} {
		var text string
		err := s.db.QueryRowContext(ctx, "select value from meta where key = ?", key).Scan(&text)
		if err != nil {
			return fmt.Errorf("read meta %s: %w", key, err)
		}
		if *to, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("read meta %s: %w", key, err)
		}
	}
	if made != format {
		return leadlake.Errorf(leadlake.Invalid, "its format is %d, this program reads %d", made, format)
	}
	if err := s.loadCampaigns(ctx); err != nil {
		return err
	}
	for query, to := range map[string]**sql.Stmt{
		"select score, lead_id, campaign_id from leads where rank = ?":                                                                         &s.keyAt,
		"select ranks from postings where part = ? and term >= ? and term <= ?":                                                                &s.postings,
		"select score, lead_id, campaign_id, body from leads where rank in (select value from json_each(?)) order by rank":                     &s.bodies,
		"select score, lead_id, campaign_id, body, records from leads where lead_id = ? and (? = '' or campaign_id = ?) order by rank limit 1": &s.byID,
	} {
		stmt, err := s.db.PrepareContext(ctx, query) //nolint:sqlclosecheck // closed with the database
		if err != nil {
			return fmt.Errorf("prepare %q: %w", query, err)
		}
		*to = stmt
	}
	return nil
}

func (s *Snapshot) loadCampaigns(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, "select campaign_id, campaign, leads, tier_a, tier_b, tier_c, updated_at from campaigns")
	if err != nil {
		return fmt.Errorf("read campaigns: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c Campaign
		var updated int64
		if err := rows.Scan(&c.CampaignID, &c.Name, &c.Leads, &c.TierA, &c.TierB, &c.TierC, &updated); err != nil {
			return fmt.Errorf("read campaigns: %w", err)
		}
		c.UpdatedAt = time.UnixMicro(updated).UTC()
		s.campaigns = append(s.campaigns, c)
	}
	return rows.Err()
}

// Close ends all reads.
func (s *Snapshot) Close() error { return s.db.Close() }

// Version is the lake snapshot that the file was built from.
func (s *Snapshot) Version() int64 { return s.version }

// Rows is the number of leads.
func (s *Snapshot) Rows() int64 { return s.rows }

// Campaigns lists the published campaigns by id.
func (s *Snapshot) Campaigns() []Campaign { return s.campaigns }

// Lead returns one lead with its source records, without their raw text. A
// lead that several campaigns publish is given as the best ranked one shows
// it, unless campaign names one.
func (s *Snapshot) Lead(ctx context.Context, leadID, campaign string) (leadlake.CanonicalLead, error) {
	var lead leadlake.CanonicalLead
	var key Key
	var body, records []byte
	err := s.byID.QueryRowContext(ctx, leadID, campaign, campaign).
		Scan(&key.Score, &key.LeadID, &key.CampaignID, &body, &records)
	if errors.Is(err, sql.ErrNoRows) {
		return lead, leadlake.Errorf(leadlake.NotFound, "no published lead has the id %q", leadID).
			WithFix("take an id from GET /v1/leads; a lead leaves when its campaign is published without it")
	}
	if err != nil {
		return lead, fmt.Errorf("read lead %s: %w", leadID, err)
	}
	if err := json.Unmarshal(body, &lead); err != nil {
		return lead, fmt.Errorf("decode lead %s: %w", leadID, err)
	}
	if len(records) > 0 {
		if err := json.Unmarshal(records, &lead.SourceRecords); err != nil {
			return lead, fmt.Errorf("decode records of lead %s: %w", leadID, err)
		}
	}
	return lead, nil
}
