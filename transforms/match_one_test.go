package transforms

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

// matched is a campaign with a published run of many alike businesses, and the
// matcher of its leads.
type matched struct {
	*campaign
	matcher *Matcher
	given   map[string]leadlake.MatchRecord // by key
	batch   map[string]float64              // stored weight of each compared pair, by keys
}

// newMatched publishes n businesses and some answers. The state is a file of
// the match state, or empty.
func newMatched(t *testing.T, n int, state string) *matched {
	t.Helper()
	m := &matched{campaign: newCampaign(t), given: map[string]leadlake.MatchRecord{}, batch: map[string]float64{}}
	w := &town{rand: rand.New(rand.NewPCG(7, 1)), rows: map[string][]string{}}
	w.add(n)
	var records []source
	for i, key := range w.keys() {
		row := w.rows[key]
		fields := map[string]string{}
		for j, name := range []string{"name", "street", "city", "postal", "phone", "website", "lat", "lon"} {
			fields[name] = row[j]
		}
		raw, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, source{"list", key, "", string(raw)})
		g := leadlake.MatchRecord{Provider: "list", Key: key, Name: row[0], Street: row[1], City: row[2], Postal: row[3], Phone: row[4], Website: row[5]}
		if lat, err := strconv.ParseFloat(row[6], 64); err == nil {
			lon, _ := strconv.ParseFloat(row[7], 64)
			g.Lat, g.Lon = &lat, &lon
		}
		m.given[key] = g
		if i%40 == 0 {
			records = append(records, source{"pdl", "about " + key, key, chain})
		}
	}
	m.ingest("r1", records...)
	params := m.params("r1")
	params.MatchState = state
	if _, err := Candidates(t.Context(), m.lake, params, nil); err != nil {
		t.Fatal(err)
	}
	m.publish("r1")
	path := filepath.Join(t.TempDir(), "match.index")
	if err := BuildMatchIndex(t.Context(), m.lake, params, path, nil); err != nil {
		t.Fatal(err)
	}
	var err error
	if m.matcher, err = OpenMatcher(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.matcher.Close(); err != nil {
			t.Error(err)
		}
	})
	m.readBatch(params)
	return m
}

// readBatch weighs the run's pairs as its transform did.
func (m *matched) readBatch(params Params) {
	m.Helper()
	s, err := m.lake.Session(m.Context())
	if err != nil {
		m.Fatal(err)
	}
	defer s.Close()
	project, err := Load(m.Context(), leadlake.SQL, s, Externals()...)
	if err != nil {
		m.Fatal(err)
	}
	params.MatchState = ""
	if err := setParams(m.Context(), s, params); err != nil {
		m.Fatal(err)
	}
	runner := Runner{Project: project}
	if _, err := runner.Run(m.Context(), s, Plan{Targets: []string{"intermediate.int_pairs_weighed", "intermediate.int_records_kept"}}, nil); err != nil {
		m.Fatal(err)
	}
	rows, err := s.Query(m.Context(), "select l.provider_key, r.provider_key, w.match_weight from intermediate.int_pairs_weighed as w inner join intermediate.int_records_kept as l on l.record_id = w.left_id inner join intermediate.int_records_kept as r on r.record_id = w.right_id")
	if err != nil {
		m.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var left, right string
		var weight float64
		if err := rows.Scan(&left, &right, &weight); err != nil {
			m.Fatal(err)
		}
		m.batch[left+" "+right] = weight
	}
	if err := rows.Err(); err != nil {
		m.Fatal(err)
	}
}

// One lake serves all claims, because making it takes most of the time.
func TestMatcher(t *testing.T) {
	t.Parallel()
	m := newMatched(t, 300, "")
	t.Run("weighs a single record as the batch did", m.checkSingles)
	t.Run("explains every pair by parts that sum to the stored weight", m.checkParts)
	t.Run("names leads best first", m.checkLeads)
}

func TestMatcher_weighs_by_the_state_that_the_run_was_resolved_by(t *testing.T) {
	t.Parallel()
	m := newMatched(t, 40, filepath.Join(t.TempDir(), "state.duckdb"))
	m.checkSingles(t)
}

func (m *matched) checkParts(t *testing.T) {
	var keys []leadlake.RecordKey
	wanted := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(m.given))[:90] {
		keys = append(keys, leadlake.RecordKey{Provider: "list", Key: key})
		wanted[key] = true
		if _, asked := m.batch[key+" about "+key]; asked {
			keys = append(keys, leadlake.RecordKey{Provider: "pdl", Key: "about " + key})
			wanted["about "+key] = true
		}
	}
	stored := 0
	for pair := range m.batch {
		left, right, _ := strings.Cut(pair, " ")
		if wanted[left] && wanted[right] {
			stored++
		}
	}
	all, err := m.matcher.Explain(t.Context(), keys, keys)
	if err != nil {
		t.Fatal(err)
	}
	compared, others := 0, 0
	for _, x := range all {
		sum := 0.0
		for _, p := range x.Parts {
			sum += p.Weight
			if math.Abs(p.Default+p.Adapted-p.Weight) > 2*weightUnit {
				t.Errorf("%s %s: %s weighs %v, by default %v and adapted %v", x.Left, x.Right, p.Comparison, p.Weight, p.Default, p.Adapted)
			}
		}
		if math.Abs(sum-x.Weight) > 1e-9 {
			t.Errorf("%s and %s weigh %v, their parts %v", x.Left, x.Right, x.Weight, sum)
		}
		want, wasCompared := m.batch[x.Left.Key+" "+x.Right.Key]
		if wasCompared != x.IsCompared {
			t.Errorf("%s and %s: compared is %t, and was %t", x.Left, x.Right, x.IsCompared, wasCompared)
		}
		if !wasCompared {
			others++
			continue
		}
		compared++
		if math.Abs(x.Weight-want) > 1e-9 {
			t.Errorf("%s and %s weigh %v, stored is %v", x.Left, x.Right, x.Weight, want)
		}
	}
	if compared != stored || compared == 0 || others == 0 {
		t.Errorf("%d of %d compared pairs are explained, and %d others", compared, stored, others)
	}
	// What is stored beside a pair that matched is the same.
	var left, right string
	var graph float64
	if err := m.session.QueryRow(t.Context(), "select left_key, right_key, match_weight from marts.merge_graph where model is not null and pattern is not null order by all limit 1").Scan(&left, &right, &graph); err != nil {
		t.Fatal(err)
	}
	if math.Abs(m.batch[left+" "+right]-graph) > 1e-9 {
		t.Errorf("merge_graph has %v for %s and %s, the run %v", graph, left, right, m.batch[left+" "+right])
	}
}

// checkSingles matches each record, and looks for every pair of it.
func (m *matched) checkSingles(t *testing.T) {
	var given []leadlake.MatchRecord
	for _, g := range m.given {
		given = append(given, g)
	}
	for _, pool := range []enginePool{m.matcher.engines, m.matcher.plain} {
		m.checkPool(t, pool, given)
	}
}

func (m *matched) checkPool(t *testing.T, pool enginePool, given []leadlake.MatchRecord) {
	found := map[string]float64{}
	err := m.matcher.with(t.Context(), pool, func(e *matchEngine) error {
		return m.matcher.each(t.Context(), e, given, func(_ int, pair foundPair, rows map[int64]record) {
			left, right := m.matcher.index.key(rows[pair.left]), m.matcher.index.key(rows[pair.right])
			if left != right { // itself, as it is stored
				found[left.Key+" "+right.Key] = pair.weight
			}
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	pairs := 0
	for pair, want := range m.batch {
		if strings.Contains(pair, " about ") {
			continue // an answer meets its subject alone
		}
		pairs++
		got, ok := found[pair]
		if !ok || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %v (found: %t), the batch has %v", pair, got, ok, want)
		}
	}
	if len(found) != pairs || pairs == 0 {
		t.Errorf("%d pairs, the batch has %d", len(found), pairs)
	}
}

func (m *matched) checkLeads(t *testing.T) {
	for key, g := range m.given {
		g.Provider, g.Key = "", ""
		results, err := m.matcher.Match(t.Context(), []leadlake.MatchRecord{g}, MatchOptions{Candidates: 3})
		if err != nil {
			t.Fatal(err)
		}
		r := results[0]
		lead := m.text(fmt.Sprintf("select lead_id from marts.lead_records where provider = 'list' and provider_key = '%s'", key))
		if len(r.Candidates) == 0 || len(r.Candidates) > 3 || r.RunID != "r1" || r.Compared == 0 {
			t.Fatalf("%s: %+v", key, r)
		}
		isThere := false
		for i, c := range r.Candidates {
			isThere = isThere || c.LeadID == lead && c.Pair.IsMatch && c.Name != ""
			if i > 0 && c.Pair.Weight > r.Candidates[i-1].Pair.Weight {
				t.Errorf("%s: candidates are out of order", key)
			}
		}
		if !isThere {
			t.Errorf("%s: its own lead %s is no match: %+v", key, lead, r.Candidates)
		}
		break
	}
}
