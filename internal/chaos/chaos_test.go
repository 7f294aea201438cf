package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lake"
)

// publish makes a workspace whose marts hold the given rows of run_id, value.
func publish(t *testing.T, home, leads string) {
	t.Helper()
	l, err := lake.Open(t.Context(), lake.Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := l.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, table := range marts {
		rows := leads
		if table != "leads" {
			rows = "('a', 1)"
		}
		if err := s.Exec(t.Context(), "create or replace table lake.marts."+table+" as select * from (values "+rows+") as v (run_id, value)"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDifferencesInWhatIsPublishedAreFound(t *testing.T) {
	t.Parallel()
	ref := filepath.Join(t.TempDir(), "ref")
	publish(t, ref, "('a', 1), ('a', 2)")
	want, err := readPublished(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ leads, complaint string }{
		"the same rows in another order": {"('a', 2), ('a', 1)", ""},
		"a row less":                     {"('a', 1)", "1 rows only in undisturbed\n  {'value': 2}"},
		"a row twice":                    {"('a', 1), ('a', 2), ('a', 2)", "1 rows only in this run\n  {'value': 2}"},
		"another value":                  {"('a', 1), ('a', 3)", "{'value': 3}"},
		"rows of two runs":               {"('a', 1), ('b', 2)", "rows of the runs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := filepath.Join(t.TempDir(), "home")
			publish(t, home, tc.leads)
			trial := trial{ref: ref, home: home, want: want}
			err := trial.checkReader(t.Context())
			switch {
			case tc.complaint == "":
				if err != nil {
					t.Error(err)
				}
			case err == nil || !strings.Contains(err.Error(), tc.complaint):
				t.Errorf("complaint %v lacks %q", err, tc.complaint)
			}
		})
	}
}

func TestWorkspaceBeforeItsFirstPublicationShowsNothing(t *testing.T) {
	t.Parallel()
	trial := trial{home: filepath.Join(t.TempDir(), "none")}
	if err := trial.checkReader(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLastStepSaysWhereAKillHit(t *testing.T) {
	t.Parallel()
	const begins = `level=INFO msg="step begins" run_id=x step=ingest` + "\n"
	for log, want := range map[string]string{
		"": "before the first step", "other lines\n" + begins: "in ingest",
		begins + `level=INFO msg="step done" run_id=x step=ingest dur_ms=1` + "\n": "after ingest",
	} {
		if got := lastStep(log); got != want {
			t.Errorf("lastStep(%q) = %q, want %q", log, got, want)
		}
	}
}
