package export

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

//go:embed testdata/leads.sql
var fixture string

func now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func setup(t *testing.T) (*lake.Lake, *lake.Session) {
	t.Helper()
	l, err := lake.Open(t.Context(), lake.Config{Home: t.TempDir(), Threads: 2, MemoryLimit: "500MB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s, err := l.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	err = s.Commit(t.Context(), func(ctx context.Context) error { return s.Exec(ctx, fixture) })
	if err != nil {
		t.Fatal(err)
	}
	return l, s
}

func mustExport(t *testing.T, l *lake.Lake, r Request, dir string) Manifest {
	t.Helper()
	if r.CampaignID == "" {
		r.CampaignID = "c1"
	}
	r.Now = now
	m, err := Export(t.Context(), l, r, dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func count(t *testing.T, s *lake.Session, query string) int {
	t.Helper()
	var n int
	if err := s.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// verify holds the files of dir against its manifest.
func verify(t *testing.T, dir string, returned Manifest) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(returned, m); diff != "" {
		t.Errorf("manifest on disk differs from the one returned:\n%s", diff)
	}
	var rows, bytes int64
	for _, f := range m.Files {
		data, err := os.ReadFile(filepath.Join(dir, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if hex.EncodeToString(sum[:]) != f.SHA256 || int64(len(data)) != f.Bytes {
			t.Errorf("%s: checksum or size is not the manifest's", f.Path)
		}
		rows, bytes = rows+f.Rows, bytes+f.Bytes
	}
	if rows != m.Rows || bytes != m.Bytes || m.RunID == "" || m.Snapshot <= 0 || len(m.Columns) == 0 {
		t.Errorf("manifest does not add up: %+v", m)
	}
}

func TestParquet(t *testing.T) {
	t.Parallel()
	l, s := setup(t)
	dir := filepath.Join(t.TempDir(), "out")
	m := mustExport(t, l, Request{Format: Parquet, RowsPerFile: 100}, dir)
	verify(t, dir, m)
	if m.Rows != 1003 || len(m.Files) < 11 {
		t.Fatalf("%d rows in %d files, want 1003 in files of at most 100", m.Rows, len(m.Files))
	}
	glob := "read_parquet(" + lake.Quote(dir+"/**/*.parquet") + ", hive_partitioning = false)"
	marts := "(select * from lake.marts.leads where campaign_id = 'c1')"
	for _, query := range []string{
		"select count(*) from (from " + glob + " except all from " + marts + ")",
		"select count(*) from (from " + marts + " except all from " + glob + ")",
	} {
		if n := count(t, s, query); n != 0 {
			t.Errorf("%d rows differ from marts.leads: %s", n, query)
		}
	}
	for _, f := range m.Files {
		sorted := "select count(*) from (select (-coalesce(lead_score, -1), lead_id) < lag((-coalesce(lead_score, -1), lead_id)) over (order by file_row_number) as bad from read_parquet(" + lake.Quote(filepath.Join(dir, f.Path)) + ", file_row_number = true, hive_partitioning = false)) where bad"
		if n := count(t, s, sorted); n != 0 || f.Rows > 100 {
			t.Errorf("%s: %d rows out of order, %d rows", f.Path, n, f.Rows)
		}
	}
}

func TestSameDataGivesSameBytes(t *testing.T) {
	t.Parallel()
	l, _ := setup(t)
	for _, format := range Formats {
		dir := filepath.Join(t.TempDir(), "out")
		first := mustExport(t, l, Request{Format: format}, dir)
		verify(t, dir, first)
		again := mustExport(t, l, Request{Format: format}, dir)
		if diff := cmp.Diff(first.Files, again.Files); diff != "" {
			t.Errorf("%s: second export differs:\n%s", format, diff)
		}
		left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*"))
		if err != nil || len(left) > 0 {
			t.Errorf("%s: left behind %v, %v", format, left, err)
		}
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	l, s := setup(t)
	dir := filepath.Join(t.TempDir(), "out")
	m := mustExport(t, l, Request{Format: CSV}, dir)
	f, err := os.Open(filepath.Join(dir, "leads.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1004 || len(rows[0]) != len(m.Columns) {
		t.Fatalf("%d lines of %d columns, want 1004 of %d", len(rows), len(rows[0]), len(m.Columns))
	}
	byID := map[string]map[string]string{}
	for _, row := range rows[1:] {
		cells := map[string]string{}
		for i, cell := range row {
			cells[rows[0][i]] = cell
		}
		byID[cells["lead_id"]] = cells
	}
	for _, tc := range []struct{ lead, column, want string }{
		{"evil", "name", `'=HYPERLINK("http://x","a")`},
		{"evil", "phone", "+15015550100"},
		{"evil", "other_phones", "+15015550101; +15015550102"},
		{"evil", "line1", "'@SUM(1)"},
		{"evil", "city", "'\tx"},
		{"evil", "region", "'-2+3"},
		{"evil", "postal", "-72201"},
		{"evil", "website", "'+cmd|' /C calc'!A0"},
		{"evil", "line2", "'＝1+1"},
		{"evil", "lon", "-92.3"},
		{"quoted", "name", "Smith, \"Bob\" & Söhne\nPlumbing"},
		{"quoted", "why", "152 reviews at 4.6; within 25 km"},
		{"quoted", "updated_at", "2026-01-02T03:04:05Z"},
	} {
		if got := byID[tc.lead][tc.column]; got != tc.want {
			t.Errorf("%s of %s = %q, want %q", tc.column, tc.lead, got, tc.want)
		}
	}
	back := "read_csv(" + lake.Quote(f.Name()) + ", header = true, quote = '\"', escape = '\"', delim = ',')"
	plain := "select count(*) from " + back + " as c inner join lake.marts.leads as l using (lead_id) where c.lead_score is not distinct from l.lead_score and (c.name = l.name or lead_id = 'evil') and c.lat is not distinct from l.lat"
	if n := count(t, s, plain); n != 1003 {
		t.Errorf("DuckDB reads %d rows back as they are in marts.leads, want 1003", n)
	}
}

func TestJSONL(t *testing.T) {
	t.Parallel()
	l, s := setup(t)
	dir := filepath.Join(t.TempDir(), "out")
	mustExport(t, l, Request{Format: JSONL, Tier: leadlake.TierA, MinScore: 80}, dir)
	want := count(t, s, "select count(*) from lake.marts.leads where campaign_id = 'c1' and tier = 'A' and lead_score >= 80")
	text, err := os.ReadFile(filepath.Join(dir, "leads.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != want || want == 0 {
		t.Fatalf("%d lines, want %d", len(lines), want)
	}
	for _, line := range lines {
		var lead struct {
			Tier  string `json:"tier"`
			Score int    `json:"lead_score"`
		}
		if err := json.Unmarshal([]byte(line), &lead); err != nil || lead.Tier != "A" || lead.Score < 80 {
			t.Fatalf("line %s: %v", line, err)
		}
	}
}

func TestNothingSelected(t *testing.T) {
	t.Parallel()
	l, s := setup(t)
	for _, format := range Formats {
		dir := filepath.Join(t.TempDir(), "out")
		m := mustExport(t, l, Request{Format: format, Region: "nowhere"}, dir)
		verify(t, dir, m)
		if m.Rows != 0 || len(m.Files) != 1 {
			t.Errorf("%s: %d rows in %d files, want 0 in 1", format, m.Rows, len(m.Files))
		}
		if format == Parquet {
			n := count(t, s, "select count(*) from (describe from read_parquet("+lake.Quote(dir+"/*.parquet")+"))")
			if n != len(m.Columns) {
				t.Errorf("empty Parquet file has %d columns, want %d", n, len(m.Columns))
			}
		}
	}
}

func TestPublishedRunWithoutLeadsIsEmptyNotUnknown(t *testing.T) {
	t.Parallel()
	l, _ := setup(t)
	m := mustExport(t, l, Request{CampaignID: "c-empty", Format: CSV}, filepath.Join(t.TempDir(), "out"))
	if m.Rows != 0 || m.RunID != "r9" {
		t.Errorf("rows %d run %q, want 0 and r9", m.Rows, m.RunID)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	l, _ := setup(t)
	file := filepath.Join(t.TempDir(), "file")
	foreign := t.TempDir()
	for _, path := range []string{file, filepath.Join(foreign, "diary.txt")} {
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Root may write anywhere, so there the read-only folder is one that no
	// user can write to.
	readOnly := "/proc/leadlake"
	if os.Geteuid() != 0 {
		readOnly = filepath.Join(t.TempDir(), "locked")
		if err := os.Mkdir(readOnly, 0o500); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		request Request
		dir     string
		code    leadlake.Code
		text    string
	}{
		"unknown campaign names the known": {Request{CampaignID: "nope", Format: CSV}, "", leadlake.NotFound, "c1 (Denver)"},
		"no campaign":                      {Request{Format: CSV}, "", leadlake.Invalid, "campaign is missing"},
		"unknown format":                   {Request{CampaignID: "c1", Format: "xls"}, "", leadlake.Invalid, `"xls"`},
		"unknown tier":                     {Request{CampaignID: "c1", Format: CSV, Tier: "D"}, "", leadlake.Invalid, `"D"`},
		"score out of range":               {Request{CampaignID: "c1", Format: CSV, MinScore: 101}, "", leadlake.Invalid, "101"},
		"foreign folder stays":             {Request{CampaignID: "c1", Format: CSV}, foreign, leadlake.Conflict, "diary.txt"},
		"a file as folder":                 {Request{CampaignID: "c1", Format: CSV}, file, leadlake.Conflict, "not a folder"},
		"a file as parent":                 {Request{CampaignID: "c1", Format: CSV}, filepath.Join(file, "out"), leadlake.Invalid, "cannot write"},
		"read-only folder":                 {Request{CampaignID: "c1", Format: CSV}, filepath.Join(readOnly, "out"), leadlake.Invalid, "cannot write"},
	} {
		if tc.dir == "" {
			tc.dir = filepath.Join(t.TempDir(), "out")
		}
		_, err := Export(t.Context(), l, tc.request, tc.dir)
		if leadlake.ErrorCode(err) != tc.code || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v (%s), want %s with %q", name, err, leadlake.ErrorCode(err), tc.code, tc.text)
		}
	}
	if text, err := os.ReadFile(filepath.Join(foreign, "diary.txt")); err != nil || string(text) != "mine" {
		t.Errorf("foreign file was touched: %q, %v", text, err)
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	l, _ := setup(t)
	dir := filepath.Join(t.TempDir(), "out")
	mustExport(t, l, Request{Format: Parquet}, dir)
	m := mustExport(t, l, Request{Format: CSV}, dir)
	verify(t, dir, m)
	if old, err := filepath.Glob(dir + "/*/*.parquet"); err != nil || len(old) > 0 {
		t.Errorf("files of the replaced export are still there: %v, %v", old, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Export(ctx, l, Request{CampaignID: "c1", Format: CSV}, dir); err == nil {
		t.Fatal("cancelled export succeeded")
	}
	verify(t, dir, m)
	for _, exchange := range []func(a, b string) error{swap, swapByRename} {
		a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
		for _, d := range []string{a, b} {
			if err := os.MkdirAll(filepath.Join(d, filepath.Base(d)), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := exchange(a, b); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(b, "a")); err != nil {
			t.Errorf("new folder is not in place: %v", err)
		}
	}
}
