package transforms

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// town is a made-up list of businesses that changes.
type town struct {
	bundle
	rand    *rand.Rand
	rows    map[string][]string // by key: name, street, city, postal, phone, website, lat, lon
	links   []leadlake.Link
	made    int
	records string // the whole list, a file
}

func newTown(t *testing.T, seed uint64) *town {
	b := bundle{t, openSession(t)}
	return &town{bundle: b, rand: rand.New(rand.NewPCG(seed, 1)), rows: map[string][]string{}, records: filepath.Join(t.TempDir(), "records.parquet")}
}

func (w *town) pick(from ...string) string { return from[w.rand.IntN(len(from))] }

// business makes up a row. There are few names, streets and numbers, so that
// some blocks have about 50 records, where a block is cut by a second key, and
// one part of a block has about 200, above which a part is left out.
func (w *town) business() []string {
	name, postal := w.pick("Ace", "Bluebird", "Delta")+" "+w.pick("Plumbing", "Bakery", "Bakry"), w.pick("80202", "80203", "")
	if w.rand.IntN(2) == 0 {
		name, postal = "Cedar Dental", "80204"
	}
	if w.rand.IntN(3) == 0 {
		name += fmt.Sprintf(" %s%d", w.pick("Kiosk", "Annex"), w.rand.IntN(400))
	}
	street := fmt.Sprintf("%d %s", 1+w.rand.IntN(300), w.pick("Main St", "Elm Ave", "Oak Rd", "Oak Road", ""))
	phone := fmt.Sprintf("303-555-01%02d", w.rand.IntN(100))
	site := w.pick("", "", fmt.Sprintf("www.shop%d.example.com", w.rand.IntN(200)), fmt.Sprintf("shop%d.net/branch/%d", w.rand.IntN(5), w.rand.IntN(3)))
	lat, lon := fmt.Sprintf("%.4f", 39.7+w.rand.Float64()/10), fmt.Sprintf("%.4f", -104.9+w.rand.Float64()/10)
	if w.rand.IntN(3) == 0 {
		lat, lon = "", ""
	}
	return []string{name, street, "Denver", postal, w.pick(phone, "", ""), site, lat, lon}
}

func (w *town) add(n int) {
	for range n {
		w.made++ // keys come in any order, and none comes twice
		w.rows[fmt.Sprintf("%s|%03d-%d", w.pick("a", "b", "m"), w.rand.IntN(1000), w.made)] = w.business()
	}
}

func (w *town) keys() []string {
	var keys []string
	for k := range w.rows {
		keys = append(keys, k)
	}
	// The order of a map is not the test's.
	slices.Sort(keys)
	return keys
}

// answer adds answers about some records: they are rows, too, and are compared
// to their subject alone.
func (w *town) answer(n int) {
	keys := w.keys()
	for range n {
		subject := w.pick(keys...)
		if strings.Count(subject, "|") == 1 {
			w.made++
			w.rows[fmt.Sprintf("a-asked|%d|%s", w.made, subject)] = slices.Clone(w.rows[subject])
		}
	}
}

// link says something about some records, and takes something back.
func (w *town) link(n int) {
	keys := w.keys()
	for range n {
		w.made++
		left, right := strings.Split(w.pick(keys...), "|"), strings.Split(w.pick(keys...), "|")
		link := leadlake.Link{
			ID: fmt.Sprint(w.made), Kind: leadlake.LinkMust, Who: "ann", At: time.Unix(int64(w.made), 0),
			Left: leadlake.RecordKey{Provider: left[0], Key: left[1]}, Right: leadlake.RecordKey{Provider: right[0], Key: right[1]},
		}
		if w.rand.IntN(2) == 0 {
			link.Kind = leadlake.LinkNever
		}
		w.links = append(w.links, link)
	}
	for i := range w.links {
		if w.rand.IntN(4) == 0 {
			w.links[i].UndoneAt = time.Unix(1, 0)
		}
	}
}

// change adds, alters and removes up to n records each.
func (w *town) change(n int) {
	w.add(w.rand.IntN(n))
	keys := w.keys()
	for range w.rand.IntN(n) {
		key, other := w.pick(keys...), w.business()
		row := slices.Clone(w.rows[key])
		for range 1 + w.rand.IntN(3) {
			at := w.rand.IntN(len(row))
			row[at] = other[at]
		}
		w.rows[key] = row
	}
	for range w.rand.IntN(n) {
		delete(w.rows, w.pick(keys...))
	}
	w.answer(w.rand.IntN(n))
	w.link(w.rand.IntN(n))
}

// write writes the list as Parquet. A key with a third part is an answer about
// the record of the first two.
func (w *town) write() {
	w.Helper()
	var values []string
	for _, key := range w.keys() {
		part := append(strings.Split(key, "|"), "", "")
		row := append([]string{part[0], part[1], part[2], part[3]}, w.rows[key]...)
		for i := range row {
			row[i] = "nullif(" + lake.Quote(row[i]) + ", '')"
		}
		values = append(values, "("+strings.Join(row, ", ")+")")
	}
	w.exec("create or replace table scratch.main.listed as select * replace (lat::double as lat, lon::double as lon), if(subject_key is null, null, 0.9)::double as likelihood from (values " + strings.Join(values, ", ") + ") as t(source, source_key, subject_provider, subject_key, name, street, city, postal, phone, website, lat, lon)")
	w.exec("copy scratch.main.listed to " + lake.Quote(w.records) + " (format parquet)")
}

// rebuild resolves all records by the state's frozen model into scratch, with
// the components.
func (w *town) rebuild(m MatchState) {
	w.Helper()
	detach, err := m.attach(w.Context(), w.session)
	if err != nil {
		w.Fatal(err)
	}
	if err := (stateRun{MatchState: m, session: w.session}).rebuild(w.Context(), w.records); err != nil {
		w.Fatal(err)
	}
	w.exec("create or replace view scratch.main.named as select record_id, concat_ws('|', provider, provider_key, subject_provider, subject_key) as key from scratch.intermediate.int_records_kept")
	w.exec("create or replace view scratch.main.known as select record_id, concat_ws('|', provider, provider_key, subject_provider, subject_key) as key from matchstate.records")
	for what, queries := range map[string][2]string{
		"records":    {"select key from matchstate.records join known using (record_id)", "select key from named"},
		"normalised": {"select key, n.* exclude (record_id) from matchstate.normalised n join known using (record_id)", "select key, n.* exclude (record_id) from scratch.intermediate.int_records_normalised n join named using (record_id)"},
		"keys":       {"select key, block_key from matchstate.block_keys join known using (record_id)", "select key, block_key from scratch.intermediate.int_block_keys join named using (record_id)"},
		"pairs":      {"select l.key, r.key, pattern, match_weight from matchstate.pairs p join matchstate.patterns using (pattern) join known l on l.record_id = left_id join known r on r.record_id = right_id", "select l.key, r.key, p.pattern, match_weight from scratch.intermediate.int_pairs_compared p join scratch.intermediate.int_pattern_weights using (pattern) join named l on l.record_id = left_id join named r on r.record_id = right_id"},
		"components": {"select l.key, r.key from matchstate.components c join known l using (record_id) join known r on r.record_id = component_id", "select l.key, r.key from scratch.incremental.components c join named l using (record_id) join named r on r.record_id = component_id"},
		"clusters":   {"select l.key, r.key from matchstate.clusters c join known l using (record_id) join known r on r.record_id = cluster_id", "select l.key, r.key from scratch.intermediate.int_clusters c join named l using (record_id) join named r on r.record_id = cluster_id"},
		"cuts":       {"select l.key, r.key, match_weight, reason from matchstate.cuts c join known l on l.record_id = left_id join known r on r.record_id = right_id", "select l.key, r.key, match_weight, reason from scratch.intermediate.int_cuts c join named l on l.record_id = left_id join named r on r.record_id = right_id"},
	} {
		for i, names := range [2]string{"the state has and a rebuild has not", "a rebuild has and the state has not"} {
			var wrong int
			var first string
			query := "select count(*), coalesce(any_value(t::varchar), '') from (" + strings.NewReplacer("join known", "join scratch.main.known", "join named", "join scratch.main.named", "from named", "from scratch.main.named").Replace(queries[i]+" except all "+queries[1-i]) + ") as t"
			if err := w.session.QueryRow(w.Context(), query).Scan(&wrong, &first); err != nil {
				w.Fatalf("%s: %v", query, err)
			}
			if wrong > 0 {
				w.Errorf("%s: %s %d rows: %s", what, names, wrong, first)
			}
		}
	}
	if err := detach(); err != nil {
		w.Fatal(err)
	}
}

func TestMatchState_updates_equal_a_rebuild_by_the_same_model(t *testing.T) {
	t.Parallel()
	// More of both: LEADLAKE_SEEDS=20 LEADLAKE_ROUNDS=20.
	for seed := range number("LEADLAKE_SEEDS", 1) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newTown(t, uint64(seed))
			m := MatchState{Path: filepath.Join(t.TempDir(), "state.duckdb"), Drift: 100}
			w.add(410)
			w.answer(10)
			w.link(5)
			for round := range number("LEADLAKE_ROUNDS", 3) {
				w.write()
				m.Links = slices.Clone(w.links)
				u, err := m.Resolve(t.Context(), w.session, Changes{Records: w.records}, nil)
				if err != nil {
					t.Fatal(err)
				}
				if u.IsFull != (round == 0) || u.Records != int64(len(w.rows)) {
					t.Errorf("round %d: %+v, want %d records", round, u, len(w.rows))
				}
				w.rebuild(m)
				t.Logf("round %d: %+v", round, u)
				if t.Failed() {
					return
				}
				if round%3 == 2 {
					w.link(4) // people alone
				} else {
					w.change(30)
				}
			}
		})
	}
}

func number(name string, byDefault int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return byDefault
}

func TestMatchState_resolves_all_records_when_enough_of_them_have_changed(t *testing.T) {
	t.Parallel()
	w := newTown(t, 3)
	m := MatchState{Path: filepath.Join(t.TempDir(), "state.duckdb")}
	resolve := func(c Changes) Updated {
		t.Helper()
		w.write()
		u, err := m.Resolve(t.Context(), w.session, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	w.add(60)
	resolve(Changes{Records: w.records})
	for _, step := range []struct {
		add    int
		isFull bool
	}{{70, false}, {0, false}, {31, true}, {1, false}} {
		before := len(w.rows)
		w.add(step.add)
		u := resolve(Changes{Records: w.records})
		if u.IsFull != step.isFull || !u.IsFull && u.Fresh != int64(len(w.rows)-before) {
			t.Errorf("%d more: %+v", step.add, u)
		}
	}
	if u := resolve(Changes{Records: w.records, Full: true}); !u.IsFull {
		t.Errorf("asked for all: %+v", u)
	}
	// Only what is new: the others stay.
	all := w.rows
	w.rows = map[string][]string{}
	w.add(2)
	if u := resolve(Changes{Records: w.records, IsPart: true}); u.Fresh != 2 || u.Gone != 0 || u.Records != int64(len(all)+2) {
		t.Errorf("a part: %+v", u)
	}
	maps.Copy(w.rows, all)
	w.write()
	w.rebuild(m)
}
