package main

import (
	"path/filepath"
	"testing"

	"github.com/leadlake/leadlake/lake"
)

// writeParquet writes what a select gives.
func writeParquet(t *testing.T, path, query string) {
	t.Helper()
	l, err := lake.Open(t.Context(), lake.Config{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := l.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Exec(t.Context(), "copy ("+query+") to "+lake.Quote(path)+" (format parquet)"); err != nil {
		t.Fatal(err)
	}
}

func TestEvalResolve_tells_what_each_kind_of_truth_allows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	records, pairs := filepath.Join(dir, "records.parquet"), filepath.Join(dir, "pairs.parquet")
	writeParquet(t, records, `select * from (values
		('a', '1', 'Ace Plumbing LLC', '12 Main St', 'Denver', '80202', '303-555-0147', 7),
		('b', '1', 'ACE PLUMBING', '12 Main Street', 'Denver', '80202', '(303) 555-0147', 7),
		('b', '2', 'Bluebird Bakery', '9 Elm Ave', 'Denver', '80203', null, 8)
	) as t(source, source_key, name, street, city, postal, phone, truth_id)`)
	writeParquet(t, pairs, "select 'a' as left_source, '1' as left_key, 'b' as right_source, '1' as right_key, true as is_match")
	always := []string{"records", "clusters", "pairs_compared", "seconds", "peak_mib", "recall", "blocking_recall", "true_positives", "false_negatives"}
	for name, tc := range map[string]struct {
		args      []string
		precision bool
		bCubed    bool
	}{
		"truth ids":    {[]string{"--truth-id"}, true, true},
		"complete":     {[]string{"--pairs", pairs, "--complete"}, true, true},
		"labelled":     {[]string{"--pairs", pairs}, true, false},
		"some matches": {[]string{"--pairs", pairs, "--positives"}, false, false},
	} {
		args := append([]string{"--json", "eval", "resolve", "--records", records}, tc.args...)
		got := invoke(t, nil, args...)
		if got.code != 0 {
			t.Fatalf("%s: exit %d: %s", name, got.code, got.stderr)
		}
		var result map[string]float64
		mustDecode(t, got.stdout, &result)
		for _, key := range always {
			if _, ok := result[key]; !ok {
				t.Errorf("%s: no %s in %s", name, key, got.stdout)
			}
		}
		_, precision := result["precision"]
		_, bCubed := result["b_cubed_f1"]
		if precision != tc.precision || bCubed != tc.bCubed || result["recall"] != 1 || result["blocking_recall"] != 1 {
			t.Errorf("%s: got %s", name, got.stdout)
		}
	}
}

func TestEvalResolve_asks_for_one_kind_of_truth(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{},
		{"--truth-id", "--pairs", "p.parquet"},
		{"--truth-id", "--positives"},
		{"--pairs", "p.parquet", "--complete", "--positives"},
	} {
		got := invoke(t, nil, append([]string{"eval", "resolve", "--records", "r.parquet"}, args...)...)
		assertFails(t, got, exitUsage, "flags in the group")
	}
	assertFails(t, invoke(t, nil, "eval", "sets", "one"), exitUsage, "no others to learn from")
}
