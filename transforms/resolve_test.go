package transforms_test

import (
	"path/filepath"
	"testing"

	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

// people writes Parquet files of five records in two lists, and of what is
// known about them: a1 is b1, a2 is b2, and nothing else.
func people(t *testing.T, s *lake.Session) (records, pairs string) {
	t.Helper()
	records, pairs = filepath.Join(t.TempDir(), "records.parquet"), filepath.Join(t.TempDir(), "pairs.parquet")
	for _, statement := range []string{
		"create table scratch.main.r as select * from (values ('a', 1, 'Ace Plumbing LLC', '12 Main St', 'Denver', '80202', '303-555-0147'), ('a', 2, 'Bluebird Bakery', '9 Elm Ave', 'Denver', '80203', null), ('a', 3, 'Bluebird Motors', '77 Oak Rd', 'Denver', '80210', null), ('b', 1, 'ACE PLUMBING', '12 Main Street', 'Denver', '80202', '(303) 555-0147'), ('b', 2, 'Bluebird Bakery Inc', '9 Elm Avenue', 'Denver', '80203', null)) as t(source, source_key, name, street, city, postal, phone)",
		"copy scratch.main.r to " + lake.Quote(records) + " (format parquet)",
		"create table scratch.main.p as select * from (values ('a', 1, 'b', 1, true), ('b', 2, 'a', 2, true), ('a', 2, 'a', 3, false)) as t(left_source, left_key, right_source, right_key, is_match)",
		"copy scratch.main.p to " + lake.Quote(pairs) + " (format parquet)",
	} {
		if err := s.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return records, pairs
}

func TestResolveFindsWhatIsKnown(t *testing.T) {
	t.Parallel()
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
	records, pairs := people(t, s)
	got, err := transforms.Resolve(t.Context(), s, records, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Records != 5 || got.Clusters != 3 || got.Pairs != 2 {
		t.Errorf("got %d records in %d clusters by %d pairs, want 5, 3, 2", got.Records, got.Clusters, got.Pairs)
	}
	for _, truth := range []transforms.Truth{{}, {Complete: true}, {Across: true}, {Complete: true, Across: true}} {
		truth.Path = pairs
		quality, err := transforms.Evaluate(t.Context(), s, truth)
		if err != nil {
			t.Fatal(err)
		}
		if quality.TruePositives != 2 || quality.FalsePositives != 0 || quality.FalseNegatives != 0 || quality.F1 != 1 {
			t.Errorf("%+v: got %+v, want two right pairs alone", truth, quality)
		}
	}
	// A cluster too large costs precision only where every pair is known.
	if err := s.Exec(t.Context(), "update scratch.eval.clusters set cluster_id = 1"); err != nil {
		t.Fatal(err)
	}
	for complete, wrong := range map[bool]int64{false: 1, true: 8} {
		quality, err := transforms.Evaluate(t.Context(), s, transforms.Truth{Path: pairs, Complete: complete})
		if err != nil {
			t.Fatal(err)
		}
		if quality.FalsePositives != wrong {
			t.Errorf("complete %t: %d wrong pairs, want %d", complete, quality.FalsePositives, wrong)
		}
	}
}
