package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/models/evalscore"
)

func TestEvalScore_measures_any_labelled_table_and_names_leaks(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "leads.parquet")
	writeParquet(t, file, `select i as lead_id, hash(i) % 50 as employees, ['web', 'fair', 'call'][1 + (hash(i, 1) % 3)::integer] as source,
		hash(i) % 50 + hash(i, 2) % 60 > 60 as won,
		case when hash(i) % 50 + hash(i, 2) % 60 > 60 then date '2026-01-01' + (i % 90)::integer end as signed_on
		from range(1500) as t(i)`)
	got := invoke(t, nil, "--json", "eval", "score", "--data", file, "--label", "won", "--drop-leaks", "--no-xgboost")
	if got.code != 0 {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	var r evalscore.Report
	mustDecode(t, got.stdout, &r)
	if len(r.Models) != 1 || r.Models[0].AUC < 0.8 || r.Models[0].AUC > 0.95 || r.Rows != 1500 || len(r.Gates) != 1 || !r.Gates[0].Promote {
		t.Errorf("report %s", got.stdout)
	}
	if len(r.Left) != 1 || r.Left[0] != "signed_on" || len(r.Models[0].Reliability) != 10 {
		t.Errorf("learnt without %q; leaks %+v", r.Left, r.Leaks)
	}
	got = invoke(t, nil, "eval", "score", "--data", file, "--label", "won", "--time-split", "0.3", "--no-xgboost")
	for _, want := range []string{"1,500 rows", "learnt from the earliest 1,050", "CAME TRUE", "signed_on", "--drop-leaks", "drift:", "logistic takes over from constant"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in %s", want, got.stdout)
		}
	}
}

func TestEvalScore_bad_flags_and_tables_are_named(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "leads.parquet")
	writeParquet(t, file, "select i as a, true as won from range(100) as t(i)")
	for args, want := range map[string]string{
		"--label won":                    "one outcome",
		"--label lost":                   "no column lost",
		"--label won --time-split 3":     "no share",
		"--label won --time a":           "--time without --time-split",
		"--label won --folds 1":          "want 2 to 20",
		"--label won --drop b":           "no column b",
		"--label won --positive perhaps": "both outcomes",
	} {
		got := invoke(t, nil, append([]string{"eval", "score", "--data", file}, strings.Fields(args)...)...)
		if got.code != exitUsage || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: exit %d, %s", args, got.code, got.stderr)
		}
	}
}
