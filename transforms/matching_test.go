package transforms

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

// matcher is a DuckDB with the project's macros, in which single models of
// resolution are built on made-up tables.
type matcher struct {
	parser
	project *Project
}

func newMatcher(t *testing.T) matcher {
	t.Helper()
	m := matcher{parser: newParser(t)}
	m.db.SetMaxOpenConns(1) // the search path is a connection's
	m.exec(t, "attach ':memory:' as lake")
	m.exec(t, "attach ':memory:' as scratch")
	for _, schema := range []string{"lake.raw", "lake.candidates", "scratch.runtime", "scratch.intermediate"} {
		m.exec(t, "create schema "+schema)
	}
	m.exec(t, "set search_path = 'scratch.main,scratch.intermediate'")
	var err error
	if m.project, err = Load(t.Context(), leadlake.SQL, m, Externals()...); err != nil {
		t.Fatal(err)
	}
	if err := m.project.Prepare(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m matcher) exec(t *testing.T, query string) {
	t.Helper()
	if err := m.Exec(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// build makes the tables of models, in the order given.
func (m matcher) build(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		model, ok := m.project.Model("intermediate." + name)
		if !ok {
			t.Fatalf("there is no model %s", name)
		}
		m.exec(t, "create table scratch.intermediate."+name+" as "+model.SQL)
	}
}

// agreement is one field of a pair: what two records may say.
type agreement struct {
	name   string
	levels []string // SQL: values of columns, from the plainest conflict to the plainest agreement
	apart  []string // those that are neither better nor worse
}

func (a agreement) all() []string { return slices.Concat(a.levels, a.apart) }

// agreements are the columns of int_pairs_compared. Half an address without
// the street (2) supports less than one without the house (1).
var agreements = []agreement{
	{"name", []string{"0 as name_level", "1 as name_level", "2 as name_level", "3 as name_level", "4 as name_level"}, nil},
	{"address", []string{"-2 as address_level", "-1 as address_level", "0 as address_level", "2 as address_level", "1 as address_level", "3 as address_level"}, nil},
	{"phone", []string{"false as same_phone, false as same_phone_tail", "null::boolean as same_phone, null::boolean as same_phone_tail", "false as same_phone, true as same_phone_tail", "true as same_phone, true as same_phone_tail"}, nil},
	{"domain", []string{"false as same_domain", "null::boolean as same_domain", "true as same_domain"}, nil},
	{"email domain", []string{"false as same_email_domain", "null::boolean as same_email_domain", "true as same_email_domain"}, nil},
	{"postal code", []string{"false as same_postal", "null::boolean as same_postal", "true as same_postal"}, nil},
	{"city", []string{"false as same_city", "null::boolean as same_city", "true as same_city"}, nil},
	{"distance", []string{"5000.0 as metres", "1000.0 as metres", "400.0 as metres", "150.0 as metres", "10.0 as metres"}, []string{"null::double as metres"}},
	{"containment", []string{"true as is_name_contained", "false as is_name_contained"}, nil},
}

// allLevels selects every combination of levels, of discovered pairs or of
// answers with their subjects. left_id is the combination's number: the level
// of the first field counts most.
func allLevels(isAsked bool) string {
	id, from := "0", make([]string, len(agreements))
	for i, a := range agreements {
		rows := make([]string, len(a.all()))
		for level, columns := range a.all() {
			rows[level] = fmt.Sprintf("select %d as level_%d, %s", level, i, columns)
		}
		from[i] = "(" + strings.Join(rows, " union all by name ") + ")"
		id = fmt.Sprintf("(%s) * %d + level_%d", id, len(rows), i)
	}
	asked := fmt.Sprintf("%t as is_asked, false as is_nameless, 0.8::double as likelihood", isAsked)
	return "select cast(" + id + " as bigint) as left_id, cast(-1 as bigint) as right_id, " + asked + ", * from " + strings.Join(from, " cross join ")
}

// weightsOfAllLevels returns the weight of each combination of levels.
func weightsOfAllLevels(t *testing.T, isAsked bool) []float64 {
	t.Helper()
	m := newMatcher(t)
	m.exec(t, "create table scratch.intermediate.int_pairs_compared as "+allLevels(isAsked))
	m.build(t, "int_match_weights", "int_pairs_weighed")
	rows, err := m.Query(t.Context(), "select weight from intermediate.int_pairs_weighed order by left_id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var weights []float64
	for rows.Next() {
		var weight float64
		if err := rows.Scan(&weight); err != nil {
			t.Fatal(err)
		}
		weights = append(weights, weight)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return weights
}

// levelsOf names the levels of a combination.
func levelsOf(combination int) string {
	parts := make([]string, len(agreements))
	for i := len(agreements) - 1; i >= 0; i-- {
		levels := agreements[i].all()
		parts[i] = levels[combination%len(levels)]
		combination /= len(levels)
	}
	return strings.Join(parts, ", ")
}

func TestPairWeights(t *testing.T) {
	t.Parallel()
	t.Run("of records", func(t *testing.T) { testPairWeights(t, false) })
	t.Run("of answers and their subjects", func(t *testing.T) { testPairWeights(t, true) })
}

func testPairWeights(t *testing.T, isAsked bool) {
	weights := weightsOfAllLevels(t, isAsked)
	stride := 1
	for _, a := range agreements {
		stride *= len(a.all())
	}
	if len(weights) != stride {
		t.Fatalf("%d combinations have %d weights", stride, len(weights))
	}
	t.Run("lie between 0 and 1", func(t *testing.T) {
		for i, weight := range weights {
			if !(weight >= 0 && weight <= 1) {
				t.Fatalf("%v: %s", weight, levelsOf(i))
			}
		}
	})
	for _, a := range agreements {
		stride /= len(a.all())
		t.Run("never fall when the "+a.name+" agrees better", func(t *testing.T) {
			for i, weight := range weights {
				if level := i / stride % len(a.all()); level+1 < len(a.levels) && weights[i+stride] < weight {
					t.Fatalf("%v falls to %v with %s: %s", weight, weights[i+stride], a.levels[level+1], levelsOf(i))
				}
			}
		})
	}
}

// madeUp draws records from few words, so that many pairs are alike.
func madeUp(rng *rand.Rand, id int) string {
	pick := func(values ...string) string { return values[rng.IntN(len(values))] }
	word := func() string {
		return pick("Ace", "Ace", "Plumbing", "Plumbin", "Heating", "Luna", "Lunar", "Hall", "Hal", "2", "3", "B", "of", "Services", "Svc", "The", "AP", "LH", "Society", "Site")
	}
	name := word()
	for range rng.IntN(4) {
		name += " " + word()
	}
	text := func(value string) string {
		if rng.IntN(4) == 0 {
			return "null"
		}
		return "'" + value + "'"
	}
	street := pick("1", "2", "10B") + " " + pick("Main St", "N Main Street", "Mains St", "Orchard Ave", "5th Ave")
	point := "null, null"
	if rng.IntN(3) > 0 {
		point = fmt.Sprintf("%v, %v", 40+float64(rng.IntN(100))/5000, -74+float64(rng.IntN(100))/5000)
	}
	return fmt.Sprintf("(%d, 'list', '%d', null, null, null, %s, %s, %s, %s, %s)",
		id, id, text(name), text(street), text(pick("New York", "York", "New York City", "Boston")), text(pick("10001", "10002-1234")), point)
}

// The columns that resolution reads of records, as madeUp writes them.
const (
	recordsKeptTable = "create table scratch.intermediate.int_records_kept (record_id bigint, provider varchar, provider_key varchar, subject_provider varchar, subject_key varchar, likelihood double, name varchar, street varchar, city varchar, postal varchar, lat double, lon double)"
	contactsTable    = "create table scratch.intermediate.int_contacts (record_id bigint, phone varchar, phone_tail varchar, domain varchar, email varchar, email_domain varchar)"
)

func TestPairWeightsAreTheSameFromBothSides(t *testing.T) {
	t.Parallel()
	m := newMatcher(t)
	const records = 300
	rng := rand.New(rand.NewPCG(1, 1))
	values, contacts := make([]string, records), make([]string, records)
	for i := range values {
		values[i] = madeUp(rng, i)
		contacts[i] = fmt.Sprintf("(%d, '%d', '%d', 'd%d', 'm%d', 'e%d')", i, rng.IntN(9), rng.IntN(3), rng.IntN(9), i, rng.IntN(9))
	}
	m.exec(t, recordsKeptTable)
	m.exec(t, contactsTable)
	m.exec(t, "insert into intermediate.int_records_kept values "+strings.Join(values, ", "))
	m.exec(t, "insert into intermediate.int_contacts values "+strings.Join(contacts, ", "))
	m.exec(t, fmt.Sprintf("create table scratch.intermediate.int_pairs_blocked as select l.range as left_id, r.range as right_id from range(%d) as l cross join range(%d) as r where l.range <> r.range", records, records))
	m.build(t, "int_records_normalised", "int_pairs_compared", "int_match_weights", "int_pairs_weighed")

	var pairs, matched int
	const both = "from int_pairs_weighed as a inner join int_pairs_weighed as b on b.left_id = a.right_id and b.right_id = a.left_id"
	if err := m.QueryRow(t.Context(), "select count(*), count(*) filter (where a.weight >= 0.7) "+both).Scan(&pairs, &matched); err != nil {
		t.Fatal(err)
	}
	if pairs != records*(records-1) || matched == 0 || matched == pairs {
		t.Fatalf("%d of %d pairs match: the records do not try the model", matched, pairs)
	}
	rows, err := m.Query(t.Context(), "select coalesce(l.name, ''), coalesce(r.name, ''), a.weight, b.weight "+both+" inner join int_records_kept as l on l.record_id = a.left_id inner join int_records_kept as r on r.record_id = a.right_id where a.weight <> b.weight and a.left_id < a.right_id order by all limit 5")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var left, right string
		var there, back float64
		if err := rows.Scan(&left, &right, &there, &back); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%q and %q weigh %v, and %v from the other side", left, right, there, back)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestAnswersAddNoEdgeBetweenRecords(t *testing.T) {
	t.Parallel()
	const records, answers = 200, 200
	edges := func(withAnswers bool) []string {
		m := newMatcher(t)
		m.exec(t, recordsKeptTable)
		m.exec(t, contactsTable)
		rng := rand.New(rand.NewPCG(2, 2))
		for i := range records + answers {
			record := madeUp(rng, i)
			contact := fmt.Sprintf("(%d, '%d', '%d', 'd%d', 'm%d', 'e%d')", i, rng.IntN(9), rng.IntN(3), rng.IntN(9), i, rng.IntN(9))
			if i >= records { // about any record, even with all its keys
				record = strings.Replace(record, "null, null, null", fmt.Sprintf("'list', '%d', 0.9", rng.IntN(records)), 1)
			}
			if i < records || withAnswers {
				m.exec(t, "insert into intermediate.int_records_kept values "+record)
				m.exec(t, "insert into intermediate.int_contacts values "+contact)
			}
		}
		m.build(t, "int_records_normalised", "int_block_keys", "int_pairs_blocked", "int_pairs_compared", "int_match_weights", "int_pairs_weighed", "int_edges")
		var astray int
		const wrong = "select count(*) from int_edges as e inner join int_records_kept as l on l.record_id = e.left_id inner join int_records_kept as r on r.record_id = e.right_id where l.subject_key is not null or r.subject_key <> l.provider_key"
		if err := m.QueryRow(t.Context(), wrong).Scan(&astray); err != nil || astray > 0 {
			t.Errorf("%d edges join an answer to another record than its subject: %v", astray, err)
		}
		var found []string
		rows, err := m.Query(t.Context(), "select e.left_id || ' ' || e.right_id, r.subject_key is not null from int_edges as e inner join int_records_kept as r on r.record_id = e.right_id order by all")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		linked := 0
		for rows.Next() {
			var edge string
			var isAnswer bool
			if err := rows.Scan(&edge, &isAnswer); err != nil {
				t.Fatal(err)
			}
			if isAnswer {
				linked++
			} else {
				found = append(found, edge)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if (linked > 0) != withAnswers || linked == answers {
			t.Fatalf("%d of %d answers are linked: they do not try the model", linked, answers)
		}
		return found
	}
	without, with := edges(false), edges(true)
	if len(without) == 0 || !slices.Equal(without, with) {
		t.Errorf("%d edges between records without answers, %d with them", len(without), len(with))
	}
}
