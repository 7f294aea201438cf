package export

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// manifestName is the file that is written last and says what the rest is.
const manifestName = "manifest.json"

// manifestKind marks a folder as ours to replace.
const manifestKind = "leadlake-export/1"

// Manifest describes an export.
type Manifest struct {
	Kind       string    `json:"kind"` // leadlake-export/1
	CampaignID string    `json:"campaign_id"`
	Campaign   string    `json:"campaign,omitempty"`
	RunID      string    `json:"run_id,omitempty"` // the run that was published last
	Snapshot   int64     `json:"snapshot"`         // DuckLake snapshot of all rows
	Format     Format    `json:"format"`
	Filters    Filters   `json:"filters"`
	SortedBy   []string  `json:"sorted_by"`
	Rows       int64     `json:"rows"`
	Bytes      int64     `json:"bytes"`
	Columns    []Column  `json:"columns"`
	Files      []File    `json:"files"`
	CreatedAt  time.Time `json:"created_at"`
}

// Filters repeats what the request asked for.
type Filters struct {
	Tier     leadlake.Tier     `json:"tier,omitempty"`
	Vertical leadlake.Vertical `json:"vertical,omitempty"`
	Region   string            `json:"region,omitempty"`
	MinScore int               `json:"min_score,omitempty"`
}

// Column is a column of every file, with its DuckDB type.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// File is one data file; Path is relative to the manifest, with slashes.
type File struct {
	Path   string `json:"path"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hex
}

// write ends an export.
func (m Manifest) write(dir string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	path := filepath.Join(dir, manifestName)
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	_, _, err = seal(path)
	return err
}

// describe fills what is known before rows are written. It fails with NotFound
// where the campaign has never been published.
func describe(ctx context.Context, s *lake.Session, r Request) (Manifest, error) {
	m := Manifest{
		Kind: manifestKind, CampaignID: r.CampaignID, Format: r.Format,
		Filters:   Filters{r.Tier, r.Vertical, r.Region, r.MinScore},
		SortedBy:  []string{"lead_score desc", "lead_id"},
		CreatedAt: r.Now().UTC(),
	}
	if found, err := hasTable(ctx, s, "leads"); err != nil {
		return m, err
	} else if !found {
		return m, leadlake.Errorf(leadlake.NotFound, "no campaign has been published yet").
			WithFix("publish a run first")
	}
	const query = "select any_value(campaign), max(run_id) from lake.marts.leads where campaign_id = ? having count(*) > 0"
	var campaign, run sql.NullString
	err := s.QueryRow(ctx, query, r.CampaignID).Scan(&campaign, &run)
	unseen := errors.Is(err, sql.ErrNoRows)
	if err != nil && !unseen {
		return m, fmt.Errorf("find campaign: %w", err)
	}
	m.Campaign, m.RunID = campaign.String, run.String
	// A run may have published no lead at all; only marts.runs knows it then.
	published, err := lastRun(ctx, s, r.CampaignID)
	if err != nil {
		return m, err
	}
	if published != "" {
		m.RunID = published
	} else if unseen {
		return m, unknownCampaign(ctx, s, r.CampaignID)
	}
	if err := s.QueryRow(ctx, "select id from lake.current_snapshot()").Scan(&m.Snapshot); err != nil {
		return m, fmt.Errorf("read snapshot: %w", err)
	}
	return m, nil
}

func hasTable(ctx context.Context, s *lake.Session, name string) (bool, error) {
	const query = "select count(*) > 0 from duckdb_tables() where database_name = 'lake' and schema_name = 'marts' and table_name = ?"
	var found bool
	if err := s.QueryRow(ctx, query, name).Scan(&found); err != nil {
		return false, fmt.Errorf("look for marts.%s: %w", name, err)
	}
	return found, nil
}

// lastRun is the run that the campaign published last; empty for none.
func lastRun(ctx context.Context, s *lake.Session, campaignID string) (string, error) {
	if found, err := hasTable(ctx, s, "runs"); err != nil || !found {
		return "", err
	}
	const query = "select run_id from lake.marts.runs where campaign_id = ? order by published_at desc, run_id desc limit 1"
	var run string
	if err := s.QueryRow(ctx, query, campaignID).Scan(&run); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("find last run: %w", err)
	}
	return run, nil
}

func unknownCampaign(ctx context.Context, s *lake.Session, id string) error {
	rows, err := s.Query(ctx, selectCampaigns)
	if err != nil {
		return fmt.Errorf("list campaigns: %w", err)
	}
	defer rows.Close()
	var known []string
	for rows.Next() {
		var other, name sql.NullString
		if err := rows.Scan(&other, &name); err != nil {
			return fmt.Errorf("list campaigns: %w", err)
		}
		known = append(known, fmt.Sprintf("%s (%s)", other.String, name.String))
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list campaigns: %w", err)
	}
	e := leadlake.Errorf(leadlake.NotFound, "campaign %s has no published leads", id)
	if len(known) == 0 {
		return e.WithFix("publish a run first")
	}
	return e.WithFix("published are %s", strings.Join(known, ", "))
}

func columns(ctx context.Context, s *lake.Session) ([]Column, error) {
	rows, err := s.Query(ctx, "select column_name, column_type from (describe export_rows)")
	if err != nil {
		return nil, fmt.Errorf("describe columns: %w", err)
	}
	defer rows.Close()
	var all []Column
	for rows.Next() {
		var c Column
		if err := rows.Scan(&c.Name, &c.Type); err != nil {
			return nil, fmt.Errorf("describe columns: %w", err)
		}
		all = append(all, c)
	}
	return all, rows.Err()
}
