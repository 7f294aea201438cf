package transforms_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

// judged is a lake in which records are already resolved, as Resolve leaves it.
type judged struct {
	*lake.Session
	dir string
}

func newJudged(t *testing.T) judged {
	t.Helper()
	l, err := lake.Open(t.Context(), lake.Config{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s, err := l.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	j := judged{s, t.TempDir()}
	j.exec(t, "create schema if not exists scratch.eval")
	j.exec(t, "create schema if not exists scratch.intermediate")
	j.exec(t, "create table scratch.intermediate.int_records_kept (record_id bigint, provider varchar, provider_key varchar)")
	j.exec(t, "create table scratch.intermediate.int_edges (left_id bigint, right_id bigint, match_weight double)")
	j.exec(t, "create table scratch.eval.clusters (source varchar, source_key varchar, cluster_id bigint)")
	return j
}

func (j judged) exec(t *testing.T, query string) {
	t.Helper()
	if err := j.Exec(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// file writes rows, each a tuple of SQL, as Parquet.
func (j judged) file(t *testing.T, name, columns string, rows []string) string {
	t.Helper()
	path := filepath.Join(j.dir, name+".parquet")
	j.exec(t, fmt.Sprintf("create or replace table scratch.main.f (%s)", columns))
	j.exec(t, "insert into scratch.main.f values "+strings.Join(rows, ", "))
	j.exec(t, "copy scratch.main.f to "+lake.Quote(path)+" (format parquet)")
	return path
}

const (
	pairColumns  = "left_source varchar, left_key varchar, right_source varchar, right_key varchar, is_match boolean"
	truthColumns = "source varchar, source_key varchar, truth_id bigint"
)

// thing is a record of a drawn case; its key is its number.
type thing struct {
	source         string
	cluster, truth int
}

// draw makes records with clusters that are wrong here and there, and says
// which pairs were compared.
func draw(rng *rand.Rand, n int) (things []thing, compared map[[2]int]bool) {
	compared = map[[2]int]bool{}
	for i := range n {
		truth := rng.IntN(n / 3)
		cluster := truth
		if rng.IntN(4) == 0 {
			cluster = rng.IntN(n / 3)
		}
		things = append(things, thing{string(rune('a' + rng.IntN(3))), cluster, truth})
		for other := range i {
			if things[other].cluster == cluster || rng.IntN(3) == 0 {
				compared[[2]int{other, i}] = true
			}
		}
	}
	return things, compared
}

func (j judged) resolve(t *testing.T, things []thing, compared map[[2]int]bool) {
	t.Helper()
	var records, clusters, edges []string
	for i, r := range things {
		records = append(records, fmt.Sprintf("(%d, '%s', '%d')", i, r.source, i))
		clusters = append(clusters, fmt.Sprintf("('%s', '%d', %d)", r.source, i, r.cluster))
	}
	for pair := range compared {
		edges = append(edges, fmt.Sprintf("(%d, %d, -1.5)", pair[0], pair[1]))
	}
	for table, rows := range map[string][]string{"intermediate.int_records_kept": records, "eval.clusters": clusters, "intermediate.int_edges": edges} {
		j.exec(t, "delete from scratch."+table)
		j.exec(t, "insert into scratch."+table+" values "+strings.Join(rows, ", "))
	}
}

// expected counts pair by pair what Evaluate counts by sums. listed says which
// pairs the truth lists; nil means that it is complete.
func expected(things []thing, compared, listed map[[2]int]bool, across bool) transforms.Quality {
	var q transforms.Quality
	blocked := 0
	ratio := func(a, b float64) float64 {
		if b == 0 {
			return 0
		}
		return a / b
	}
	found, predicted, matches := make([]float64, len(things)), make([]float64, len(things)), make([]float64, len(things))
	for j, right := range things {
		for i, left := range things[:j] {
			if across && left.source == right.source {
				continue
			}
			isPredicted, isTrue := left.cluster == right.cluster, left.truth == right.truth
			for _, end := range []int{i, j} {
				if isPredicted && isTrue {
					found[end]++
				}
				if isPredicted {
					predicted[end]++
				}
				if isTrue {
					matches[end]++
				}
			}
			if listed != nil && !listed[[2]int{i, j}] {
				continue
			}
			switch {
			case isPredicted && isTrue:
				q.TruePositives++
			case isPredicted:
				q.FalsePositives++
			case isTrue:
				q.FalseNegatives++
			}
			if isTrue && compared[[2]int{i, j}] {
				blocked++
			}
		}
	}
	tp, fp, fn := float64(q.TruePositives), float64(q.FalsePositives), float64(q.FalseNegatives)
	q.Precision, q.Recall, q.F1 = ratio(tp, tp+fp), ratio(tp, tp+fn), ratio(2*tp, 2*tp+fp+fn)
	q.BlockingRecall = ratio(float64(blocked), tp+fn)
	if listed == nil {
		q.BCubed = &transforms.BCubed{}
		for i := range things {
			q.BCubedPrecision += (1 + found[i]) / (1 + predicted[i]) / float64(len(things))
			q.BCubedRecall += (1 + found[i]) / (1 + matches[i]) / float64(len(things))
		}
		q.BCubedF1 = 2 * q.BCubedPrecision * q.BCubedRecall / (q.BCubedPrecision + q.BCubedRecall)
	}
	return q
}

func TestEvaluate_counts_what_counting_pair_by_pair_gives(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 7))
		things, compared := draw(rng, 36)
		j.resolve(t, things, compared)
		listed := map[[2]int]bool{}
		var ids, matches, some []string
		for b, right := range things {
			ids = append(ids, fmt.Sprintf("('%s', '%d', %d)", right.source, b, right.truth))
			for a, left := range things[:b] {
				row := fmt.Sprintf("('%s', '%d', '%s', '%d', %t)", left.source, a, right.source, b, left.truth == right.truth)
				if left.truth == right.truth {
					matches = append(matches, row)
				}
				if rng.IntN(2) == 0 {
					some, listed[[2]int{a, b}] = append(some, row), true
				}
			}
		}
		some = append(some, "('a', 'nobody', 'b', '1', true)") // not among the records
		for _, across := range []bool{false, true} {
			for name, truth := range map[string]transforms.Truth{
				"some pairs":  {Path: j.file(t, "some", pairColumns, some)},
				"all matches": {Path: j.file(t, "matches", pairColumns, matches), Complete: true},
				"truth ids":   {Path: j.file(t, "ids", truthColumns, ids), ByID: true},
			} {
				known := listed
				if name != "some pairs" {
					known = nil
				}
				truth.Across = across
				got, err := transforms.Evaluate(t.Context(), j.Session, truth)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(expected(things, compared, known, across), got, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
					t.Errorf("seed %d, %s, across %t:\n%s", seed, name, across, diff)
				}
			}
		}
	}
}

func TestEvaluate_counts_a_cluster_of_100_000_without_listing_its_pairs(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	const n = 100_000
	j.exec(t, fmt.Sprintf("insert into scratch.intermediate.int_records_kept select range, 'a', range::varchar from range(%d)", n))
	j.exec(t, fmt.Sprintf("insert into scratch.eval.clusters select 'a', range::varchar, 1 from range(%d)", n))
	ids := filepath.Join(j.dir, "ids.parquet")
	j.exec(t, fmt.Sprintf("copy (select 'a' as source, range as source_key, range // 2 as truth_id from range(%d)) to %s (format parquet)", n, lake.Quote(ids)))
	pairs := j.file(t, "pairs", pairColumns, []string{"('a', '1', 'a', '0', true)"})
	began := time.Now()
	for _, c := range []struct {
		truth transforms.Truth
		right int64
	}{{transforms.Truth{Path: ids, ByID: true}, n / 2}, {transforms.Truth{Path: pairs, Complete: true}, 1}} {
		q, err := transforms.Evaluate(t.Context(), j.Session, c.truth)
		if err != nil {
			t.Fatal(err)
		}
		if q.TruePositives != c.right || q.FalsePositives != n*(n-1)/2-c.right || q.FalseNegatives != 0 {
			t.Errorf("%+v: got %+v", c.truth, q)
		}
		if q.BCubed == nil || math.Abs(q.BCubedPrecision-float64(n+2*c.right)/n/n) > 1e-9 || q.BCubedRecall != 1 {
			t.Errorf("%+v: got B-cubed %+v", c.truth, q.BCubed)
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestEvaluate_takes_a_record_without_truth_for_one_alone(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	j.resolve(t, []thing{{"a", 1, 0}, {"a", 1, 0}, {"b", 2, 0}}, map[[2]int]bool{{0, 1}: true})
	path := j.file(t, "ids", truthColumns, []string{"('a', '0', null)", "('a', '1', null)", "('b', '2', 5)"})
	q, err := transforms.Evaluate(t.Context(), j.Session, transforms.Truth{Path: path, ByID: true})
	if err != nil {
		t.Fatal(err)
	}
	if q.TruePositives != 0 || q.FalsePositives != 1 || q.FalseNegatives != 0 || q.BlockingRecall != 0 {
		t.Errorf("got %+v, want one wrong pair", q)
	}
}

func TestEvaluate_says_that_records_have_no_truth_id(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	path := j.file(t, "records", "source varchar, source_key varchar", []string{"('a', '1')"})
	_, err := transforms.Evaluate(t.Context(), j.Session, transforms.Truth{Path: path, ByID: true})
	var fault *leadlake.Error
	if !errors.As(err, &fault) || fault.Code != leadlake.Invalid {
		t.Errorf("got %v, want an error that says what is wrong with the file", err)
	}
}

func TestResolveSet_finds_out_whether_a_set_is_complete(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	j.exec(t, "drop table scratch.intermediate.int_edges") // it will be a view
	records, pairs := people(t, j.Session)
	for complete, columns := range map[bool]string{false: "*", true: "* replace (true as is_match)"} {
		dir := filepath.Join(t.TempDir(), "set")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		j.exec(t, "copy (from read_parquet("+lake.Quote(records)+")) to "+lake.Quote(filepath.Join(dir, "records.parquet"))+" (format parquet)")
		j.exec(t, "copy (select "+columns+" from read_parquet("+lake.Quote(pairs)+")) to "+lake.Quote(filepath.Join(dir, "pairs.parquet"))+" (format parquet)")
		got, err := transforms.ResolveSet(t.Context(), j.Session, dir, false)
		if err != nil {
			t.Fatal(err)
		}
		if got.Set != "set" || got.Records != 5 || got.TruePositives != 2 || (got.BCubed != nil) != complete {
			t.Errorf("complete %t: got %+v", complete, got)
		}
	}
}
