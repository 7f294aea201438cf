package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/list"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
)

// numbers is a paid source: a query has pages of two rows each, a row is
// {"n": i}, and one that is negative is bad.
type numbers struct{ spec ingest.Spec }

func (s numbers) Spec() ingest.Spec { return s.spec }

func (s numbers) Plan(c leadlake.CampaignSpec, src leadlake.SourceSpec) ([]ingest.Query, error) {
	var queries []ingest.Query
	for _, word := range strings.Fields(c.Keywords) {
		params := map[string]string{"word": word}
		queries = append(queries, ingest.Query{ID: ingest.QueryID(src.Provider(), params), Provider: src.Provider(), Params: params, EstimatedCalls: 3})
	}
	return queries, nil
}

func (s numbers) Request(q ingest.Query, cursor string) (ingest.Request, error) {
	return ingest.Request{URL: "/" + q.Params["word"] + "/" + cursor, CostMicros: 10_000}, nil
}

func (s numbers) Parse(_ ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	var body struct {
		Rows []int
		Next string
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return ingest.Page{}, leadlake.Errorf(leadlake.Unavailable, "read numbers: %w", err)
	}
	for _, n := range body.Rows {
		r := ingest.Record{EntityKind: ingest.EntityBusiness, Key: fmt.Sprint(n), Raw: fmt.Appendf(nil, `{"n":%d}`, n)}
		if n < 0 {
			r.Problem = &ingest.Problem{Code: "negative", Reason: "it is negative"}
		}
		if err := emit(r); err != nil {
			return ingest.Page{}, err
		}
	}
	return ingest.Page{Next: body.Next}, nil
}

// provider answers numbers and counts the calls of each page.
type provider struct {
	mu      sync.Mutex
	calls   map[string]int
	headers []string
	answer  func(path string) (status int, body string)
}

func (p *provider) Do(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[r.URL.Path]++
	p.headers = append(p.headers, r.Header.Get("X-Key"))
	status, body := p.answer(r.URL.Path)
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func threePages(path string) (int, string) {
	base := int(path[1]) * 10 // the word's first letter
	switch path[strings.LastIndexByte(path, '/')+1:] {
	case "":
		return 200, fmt.Sprintf(`{"rows":[%d,%d],"next":"b"}`, base+1, base+2)
	case "b":
		return 200, fmt.Sprintf(`{"rows":[%d,-%d],"next":"c"}`, base+3, base)
	}
	return 200, fmt.Sprintf(`{"rows":[%d]}`, base+5)
}

type bundle struct {
	engine   *ingest.Engine
	lake     *lake.Lake
	ledger   *store.Store
	provider *provider
	dir      string
}

func setup(t testing.TB) *bundle {
	t.Helper()
	ctx := t.Context()
	b := &bundle{dir: t.TempDir(), provider: &provider{calls: map[string]int{}, answer: threePages}}
	var err error
	if b.lake, err = lake.Open(ctx, lake.Config{Home: filepath.Join(b.dir, "home"), Threads: 1, MemoryLimit: "512MB"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.lake.Close() })
	if b.ledger, err = store.Open(ctx, filepath.Join(b.dir, "state.sqlite"), store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.ledger.Close() })
	spec := ingest.Spec{Name: "numbers", Licence: "test", BaseURL: "https://numbers.example", CredentialEnv: "NUMBERS_KEY", CredentialHeader: "X-Key"}
	b.engine = &ingest.Engine{
		Lake: b.lake, Ledger: b.ledger, HTTP: b.provider,
		Sources: []ingest.Source{numbers{spec}, list.Source{}},
		Getenv:  func(string) string { return "s3cret" },
		Now:     func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) },
	}
	return b
}

func (b *bundle) rows(t *testing.T, query string) []string {
	t.Helper()
	s, err := b.lake.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	result, err := s.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	var out []string
	for result.Next() {
		var line string
		if err := result.Scan(&line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line)
	}
	if err := result.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	allRecords    = "select concat_ws(' ', provider, provider_key, page, row_number, raw, content_hash, request_id, fetched_at) from raw.source_records order by all"
	allQuarantine = "select concat_ws(' ', provider, page, row_number, code, raw) from raw.quarantine order by all"
)

func run(sources ...leadlake.SourceSpec) leadlake.Run {
	return leadlake.Run{
		RunID: "run-1", CampaignID: "c",
		Spec:      leadlake.CampaignSpec{Name: "c", Keywords: "ab cd", Sources: sources},
		StartedAt: time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC),
	}
}

var paid = leadlake.SourceSpec{Source: "numbers"}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (b *bundle) file(t *testing.T, name, content string) leadlake.SourceSpec {
	t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return leadlake.SourceSpec{Source: "list", Path: path}
}

func TestRun_lands_each_row_once_however_often(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := run(paid, b.file(t, "a.csv", "name,city\nBolt,Boulder\nAda\n"))
	var last ingest.Progress
	first, err := b.engine.Run(t.Context(), r, func(p ingest.Progress) { last = p })
	if err != nil {
		t.Fatal(err)
	}
	if first.Records != 9 || first.Quarantined != 3 || first.CostMicros != 60_000 || last.Rows == 0 {
		t.Errorf("summary %+v, last progress %+v", first, last)
	}
	records := b.rows(t, allRecords)
	second, err := b.engine.Run(t.Context(), r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(records, b.rows(t, allRecords)); diff != "" {
		t.Error(diff)
	}
	if got := b.rows(t, allQuarantine); len(records) != 9 || len(got) != 3 || got[0] != "list 1 3 too_few_columns Ada" {
		t.Errorf("%d records, quarantine %q", len(records), got)
	}
	for path, n := range b.provider.calls {
		if n != 1 {
			t.Errorf("%s was fetched %d times", path, n)
		}
	}
	for _, line := range append(records, fmt.Sprint(first)) {
		if strings.Contains(line, "s3cret") {
			t.Errorf("the key is in %s", line)
		}
	}
	if b.provider.headers[0] != "s3cret" {
		t.Errorf("the provider got the key %q", b.provider.headers[0])
	}
}

// dying is a ledger that fails from its n-th page on, as a process that is
// killed after a page is durable and before it is recorded.
type dying struct {
	ingest.Ledger
	left int
}

func (d *dying) LandPage(ctx context.Context, p store.LandedPage, call *store.Call) error {
	if d.left--; d.left < 0 {
		return errors.New("killed")
	}
	return d.Ledger.LandPage(ctx, p, call)
}

func TestRun_goes_on_after_a_crash_and_pays_no_page_twice(t *testing.T) {
	t.Parallel()
	whole := setup(t)
	if _, err := whole.engine.Run(t.Context(), run(paid), nil); err != nil {
		t.Fatal(err)
	}
	want := whole.rows(t, allRecords)
	for _, n := range []int{0, 2, 5} {
		b := setup(t)
		b.engine.Parallel = 1
		b.engine.Ledger = &dying{b.ledger, n}
		if _, err := b.engine.Run(t.Context(), run(paid), nil); err == nil {
			t.Fatalf("killed at page %d: no error", n)
		}
		if got := b.rows(t, allRecords); len(got) != 0 {
			t.Errorf("killed at page %d: %d rows are visible", n, len(got))
		}
		b.engine.Ledger = b.ledger
		s, err := b.engine.Run(t.Context(), run(paid), nil)
		if err != nil || s.CostMicros != 60_000 {
			t.Fatalf("rerun: %+v, %v", s, err)
		}
		if diff := cmp.Diff(want, b.rows(t, allRecords)); diff != "" {
			t.Errorf("killed at page %d:\n%s", n, diff)
		}
		for path, calls := range b.provider.calls {
			if calls != 1 {
				t.Errorf("killed at page %d: %s was fetched %d times", n, path, calls)
			}
		}
	}
}

// cutFile fails after some bytes.
type cutFile struct {
	ingest.File
	left int
}

func (f *cutFile) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, errors.New("input/output error")
	}
	n, err := f.File.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

func TestRun_reads_a_list_again_after_a_crash(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var text bytes.Buffer
	text.WriteString("name,city\n")
	for i := range 120_001 {
		fmt.Fprintf(&text, "Bolt %d,Boulder\n", i)
	}
	src := b.file(t, "a.csv", text.String())
	src.Encoding = "utf-8" // no guess: the cut is in the reading itself
	b.engine.Files = func(path string) (ingest.File, error) {
		f, err := ingest.OpenFile(path)
		return &cutFile{f, text.Len() * 9 / 10}, err
	}
	_, err := b.engine.Run(t.Context(), run(src), nil)
	if leadlake.ErrorCode(err) != leadlake.Unavailable || !strings.Contains(err.Error(), "a.csv, line 1") {
		t.Fatalf("error %v", err)
	}
	if n := b.rows(t, "select count(*)::varchar from raw.source_records")[0]; n != "0" {
		t.Fatalf("%s rows are visible", n)
	}
	b.engine.Files = nil
	if _, err := b.engine.Run(t.Context(), run(src), nil); err != nil {
		t.Fatal(err)
	}
	got := b.rows(t, "select concat_ws(' ', count(*), count(distinct provider_key), min(row_number), max(row_number)) from raw.source_records")[0]
	if got != "120001 120001 2 120002" {
		t.Errorf("rows, keys, first and last line are %s", got)
	}
}

func TestRun_stops_at_the_budget_and_goes_on_when_it_is_raised(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := run(paid)
	r.Spec.Budget.MaxCostUSD = 0.04
	s, err := b.engine.Run(t.Context(), r, nil)
	if err != nil || s.CostMicros != 40_000 || !strings.Contains(s.Stopped, "budget.max_cost_usd") || len(b.rows(t, allRecords)) == 0 {
		t.Fatalf("summary %+v, error %v", s, err)
	}
	r.Spec.Budget.MaxCostUSD = 1
	s, err = b.engine.Run(t.Context(), r, nil)
	if err != nil || s.CostMicros != 60_000 || s.Stopped != "" || len(b.rows(t, allRecords)) != 8 {
		t.Errorf("summary %+v, error %v", s, err)
	}
	small := run(paid)
	small.RunID, small.Spec.Budget.MaxCostUSD = "run-2", 0.001
	if _, err = b.engine.Run(t.Context(), small, nil); leadlake.ErrorCode(err) != leadlake.Budget {
		t.Errorf("error %v, want one of the budget", err)
	}
}

func TestRun_maps_what_providers_refuse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status int
		body   string
		code   leadlake.Code
		want   string
	}{
		{400, `{"error":{"message":"bad field mask"}}`, leadlake.Invalid, "bad field mask"},
		{401, `{"error":"key s3cret is wrong"}`, leadlake.Unauthorized, "key *** is wrong; check the key in NUMBERS_KEY"},
		{403, `{"message":"not enabled"}`, leadlake.Forbidden, "not enabled"},
		{429, `slow down`, leadlake.RateLimited, "slow down"},
		{503, `<html>s3cret`, leadlake.Unavailable, "<html>***"},
		{200, `{"rows":[1],"nex`, leadlake.Unavailable, "unexpected EOF"},
		{200, `{"rows":[]}`, leadlake.Invalid, "no row"},
		{200, `{"rows":[-1]}`, leadlake.Invalid, "none of its 2 rows"},
		{200, `{"rows":[1],"next":"b"}`, leadlake.Unavailable, "leads to itself"},
	} {
		b := setup(t)
		b.provider.answer = func(string) (int, string) { return tc.status, tc.body }
		_, err := b.engine.Run(t.Context(), run(paid), nil)
		text := leadlake.ErrorMessage(err)
		if leadlake.ErrorCode(err) != tc.code || !strings.Contains(text, tc.want) || strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("%d %s: code %s, %v", tc.status, tc.body, leadlake.ErrorCode(err), err)
		}
	}
}

func TestRun_names_what_a_campaign_gets_wrong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.engine.Getenv = func(string) string { return "" }
	for _, tc := range []struct {
		src  leadlake.SourceSpec
		want string
	}{
		{leadlake.SourceSpec{Source: "numberz"}, "use one of numbers, list"},
		{leadlake.SourceSpec{Source: "list", Path: filepath.Join(b.dir, "none.csv")}, "none.csv: there is no such file"},
		{leadlake.SourceSpec{Source: "list", Path: b.dir}, "directory"},
		{b.file(t, "empty.csv", ""), "empty.csv: the file is empty"},
		{paid, "set the environment variable NUMBERS_KEY"},
	} {
		if _, err := b.engine.Run(t.Context(), run(tc.src), nil); !strings.Contains(leadlake.ErrorMessage(err), tc.want) {
			t.Errorf("error %v, want %q in it", err, tc.want)
		}
	}
}
