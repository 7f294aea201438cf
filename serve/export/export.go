// Package export writes the published leads of a campaign to files that other
// tools read: CSV for a spreadsheet, Parquet and JSON lines for programs.
//
// CSV is flat: UTF-8 without a byte order mark, a header, quoting as in RFC
// 4180 with LF between lines, lists joined by "; ". A text cell that a
// spreadsheet would run as a formula gets a leading apostrophe; numbers and
// E.164 phones do not. Parquet and JSON lines carry every column of
// marts.leads, typed, untouched. Parquet is one folder per tier.
//
// All rows are of one snapshot, best score first, and equal data gives equal
// bytes. The folder appears whole or not at all, with a manifest.json that
// lists each file with its rows and SHA-256.
package export

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

//go:embed csv_text.sql
var createCSVText string

//go:embed flat.sql
var selectFlat string

//go:embed files.sql
var selectFiles string

//go:embed campaigns.sql
var selectCampaigns string

// Format is what the files are written as.
type Format string

// The formats.
const (
	CSV     Format = "csv"
	Parquet Format = "parquet"
	JSONL   Format = "jsonl"
)

// Formats lists every format.
var Formats = []Format{CSV, Parquet, JSONL}

// DefaultRowsPerFile is where a Parquet export starts another file.
const DefaultRowsPerFile = 500_000

// Request says which leads to write and how. The zero value of a filter means
// no filter.
type Request struct {
	CampaignID  string
	Format      Format
	Tier        leadlake.Tier
	Vertical    leadlake.Vertical
	Region      string
	MinScore    int              // leads without a score fail any minimum
	RowsPerFile int              // Parquet only; DefaultRowsPerFile by default
	Now         func() time.Time // time.Now by default
}

func (r Request) check() error {
	fault := func(format string, args ...any) error {
		return leadlake.Errorf(leadlake.Invalid, "export leads: "+format, args...)
	}
	tiers := []leadlake.Tier{"", leadlake.TierA, leadlake.TierB, leadlake.TierC}
	switch {
	case r.CampaignID == "":
		return fault("campaign is missing")
	case !slices.Contains(Formats, r.Format):
		return fault("format %q: want one of %v", r.Format, Formats)
	case !slices.Contains(tiers, r.Tier):
		return fault("tier %q: want one of %v", r.Tier, tiers[1:])
	case r.Vertical != "" && !slices.Contains(leadlake.Verticals, r.Vertical):
		return fault("vertical %q: want one of %v", r.Vertical, leadlake.Verticals)
	case r.MinScore < 0 || r.MinScore > 100:
		return fault("min score %d: want 0 to 100", r.MinScore)
	case r.RowsPerFile < 0:
		return fault("rows per file %d: want more than 0", r.RowsPerFile)
	}
	return nil
}

// where is the selection as a SQL condition on marts.leads.
func (r Request) where() string {
	terms := []string{"campaign_id = " + lake.Quote(r.CampaignID)}
	for _, f := range []struct{ column, value string }{
		{"tier", string(r.Tier)}, {"vertical", string(r.Vertical)}, {"region", r.Region},
	} {
		if f.value != "" {
			terms = append(terms, f.column+" = "+lake.Quote(f.value))
		}
	}
	if r.MinScore > 0 {
		terms = append(terms, fmt.Sprintf("lead_score >= %d", r.MinScore))
	}
	return strings.Join(terms, " and ")
}

// Export writes the selected leads and their manifest to the folder dir, in
// place of an earlier export there. A folder with anything else in it is a
// Conflict and stays as it is; an unknown campaign is NotFound.
func Export(ctx context.Context, l *lake.Lake, r Request, dir string) (Manifest, error) {
	if err := r.check(); err != nil {
		return Manifest{}, err
	}
	if r.RowsPerFile == 0 {
		r.RowsPerFile = DefaultRowsPerFile
	}
	if r.Now == nil {
		r.Now = time.Now
	}
	s, err := l.Session(ctx)
	if err != nil {
		return Manifest{}, fmt.Errorf("export campaign %s: %w", r.CampaignID, err)
	}
	defer s.Close()
	var manifest Manifest
	err = replaceDir(dir, func(temp string) error {
		manifest, err = writeAll(ctx, s, r, temp)
		return err
	})
	if err != nil {
		return Manifest{}, fmt.Errorf("export campaign %s: %w", r.CampaignID, err)
	}
	return manifest, nil
}

// writeAll fills temp. One transaction gives every query the same snapshot.
func writeAll(ctx context.Context, s *lake.Session, r Request, temp string) (Manifest, error) {
	if err := s.Exec(ctx, createCSVText); err != nil {
		return Manifest{}, fmt.Errorf("define csv_text: %w", err)
	}
	if err := s.Exec(ctx, "begin"); err != nil {
		return Manifest{}, fmt.Errorf("begin: %w", err)
	}
	// Nothing was written but temporary views.
	defer func() { _ = s.Exec(context.WithoutCancel(ctx), "rollback") }()
	m, err := describe(ctx, s, r)
	if err != nil {
		return Manifest{}, err
	}
	if err := prepare(ctx, s, r); err != nil {
		return Manifest{}, err
	}
	if m.Columns, err = columns(ctx, s); err != nil {
		return Manifest{}, err
	}
	parts := []part{{path: "leads." + string(r.Format)}}
	if r.Format == Parquet {
		if parts, err = parquetParts(ctx, s, r.RowsPerFile); err != nil {
			return Manifest{}, err
		}
	}
	for _, p := range parts {
		file, err := writePart(ctx, s, r.Format, p, temp)
		if err != nil {
			return Manifest{}, fmt.Errorf("write %s: %w", p.path, err)
		}
		m.Files = append(m.Files, file)
		m.Rows += file.Rows
		m.Bytes += file.Bytes
	}
	return m, m.write(temp)
}

// prepare makes the views export_selection, the leads, and export_rows, the
// columns that are written.
func prepare(ctx context.Context, s *lake.Session, r Request) error {
	rows := "select * from export_selection"
	if r.Format == CSV {
		rows = selectFlat
	}
	for _, statement := range []string{
		"create or replace temp view export_selection as select * from lake.marts.leads where " + r.where(),
		"create or replace temp view export_rows as " + rows,
	} {
		if err := s.Exec(ctx, statement); err != nil {
			return fmt.Errorf("select leads: %w", err)
		}
	}
	return nil
}

// part is one file: the leads of where, sorted.
type part struct {
	path  string
	where string
	rows  int64 // expected; checked where path is one of several
}

// cut is a place in the sorted selection: the last lead of a file.
type cut struct {
	score int64 // -1 for none
	lead  string
}

// later is the SQL condition for the leads after the cut. DuckDB has no BETWEEN
// over pairs and rewrites two comparisons of a pair into one.
func (c cut) later() string {
	return fmt.Sprintf("(coalesce(lead_score, -1) < %[1]d or (coalesce(lead_score, -1) = %[1]d and lead_id > %[2]s))", c.score, lake.Quote(c.lead))
}

// parquetParts cuts the sorted selection by tier and size.
func parquetParts(ctx context.Context, s *lake.Session, rowsPerFile int) ([]part, error) {
	rows, err := s.Query(ctx, selectFiles, rowsPerFile)
	if err != nil {
		return nil, fmt.Errorf("plan files: %w", err)
	}
	defer rows.Close()
	var parts []part
	var folder, after string
	var number int
	for rows.Next() {
		var tier *string
		var score, count int64
		var lead string
		if err := rows.Scan(&tier, &score, &lead, &count); err != nil {
			return nil, fmt.Errorf("plan files: %w", err)
		}
		name, inTier := "tier=__HIVE_DEFAULT_PARTITION__", "tier is null"
		if tier != nil {
			name, inTier = "tier="+*tier, "tier = "+lake.Quote(*tier)
		}
		if name != folder {
			folder, after, number = name, "true", 0
		}
		number++
		last := cut{score, lead}
		parts = append(parts, part{
			path:  fmt.Sprintf("%s/leads-%05d.parquet", folder, number),
			where: inTier + " and " + after + " and not (" + last.later() + ")",
			rows:  count,
		})
		after = last.later()
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("plan files: %w", err)
	}
	if len(parts) == 0 {
		// A reader of the folder still finds the columns.
		parts = append(parts, part{path: "leads-00001.parquet"})
	}
	return parts, nil
}

// writePart copies one file out of DuckDB and seals it.
func writePart(ctx context.Context, s *lake.Session, format Format, p part, temp string) (File, error) {
	path := filepath.Join(temp, filepath.FromSlash(p.path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return File{}, err
	}
	options := map[Format]string{
		CSV:     "format csv, header true",
		JSONL:   "format json",
		Parquet: "format parquet, compression zstd, row_group_size 122880",
	}[format]
	where := ""
	if p.where != "" {
		where = " where " + p.where
	}
	query := "copy (select * from export_rows" + where + " order by coalesce(lead_score, -1) desc, lead_id) to " + lake.Quote(path) + " (" + options + ")"
	file := File{Path: p.path}
	if err := s.QueryRow(ctx, query).Scan(&file.Rows); err != nil {
		return File{}, err
	}
	if p.where != "" && file.Rows != p.rows {
		return File{}, fmt.Errorf("wrote %d rows where %d were counted", file.Rows, p.rows)
	}
	var err error
	file.Bytes, file.SHA256, err = seal(path)
	return file, err
}
