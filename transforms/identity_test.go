package transforms

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// identities is a campaign of which only the models of identity are run, over
// clusters that the test decides.
type identities struct {
	*testing.T
	matcher
	records int // of the run, with the keys k01, k02, ...
	runs    int
}

const identityTables = `
create schema if not exists lake.marts;
create table lake.marts.leads (campaign_id varchar, lead_id varchar, created_at timestamptz, updated_at timestamptz, content_hash ubigint);
create table scratch.intermediate.int_records_kept (record_id bigint, provider varchar, provider_key varchar, subject_key varchar);
create table scratch.intermediate.int_record_leads (record_id bigint, lead_key bigint, is_representative boolean, lead_records bigint, own_records bigint);
create table lake.marts.lead_records (campaign_id varchar, run_id varchar, lead_id varchar, provider varchar, provider_key varchar, is_answer boolean, home_id varchar, own_records bigint);
create table lake.candidates.leads as select campaign_id, lead_id, created_at, updated_at, content_hash, '' as run_id from lake.marts.leads;
create table lake.candidates.lead_records as from lake.marts.lead_records;
create table lake.candidates.rejected_records (run_id varchar, lead_id varchar);
insert into scratch.runtime.params (campaign_id) values ('c');
`

func newIdentities(t *testing.T, records int) *identities {
	t.Helper()
	w := &identities{T: t, matcher: newMatcher(t), records: records}
	w.exec(t, identityTables)
	w.exec(t, "set search_path = 'scratch.main,scratch.intermediate,scratch.runtime,lake.candidates,lake.marts'")
	for _, table := range publishedTables {
		w.exec(t, "create temp table no_"+table.name+" ("+table.columns+")")
	}
	for _, table := range []string{"leads", "lead_records"} {
		w.exec(t, "create temp view published_"+table+" as select * from temp.no_"+table+" union all by name select * from lake.marts."+table)
	}
	for _, table := range []string{"published_leads", "published_records"} {
		e, _ := w.project.External("intermediate.int_" + table)
		w.exec(t, "create table scratch."+e.Table+" ("+e.Columns+")")
	}
	w.model("create table scratch", "intermediate.int_lead_ids_known")
	w.model("create table scratch", "intermediate.int_lead_ids_claimed")
	w.model("create table scratch", "intermediate.int_lead_ids")
	w.model("create table scratch", "intermediate.int_lead_ids_homed")
	w.model("create table lake", "marts.entity_redirects")
	w.exec(t, "create temp view published_entity_redirects as from lake.marts.entity_redirects")
	return w
}

// model makes the table of a model anew, by "create table" or "create or
// replace table" in a database.
func (w *identities) model(how, table string) {
	w.Helper()
	m, _ := w.project.Model(table)
	w.exec(w.T, how+"."+table+" as "+m.SQL)
}

// publish runs the campaign over a partition: the lead of each record as the
// smallest record of its cluster, 0 for a record that the sources do not have.
// Records of the leads in unwanted are not published.
func (w *identities) publish(clusters []int, unwanted ...int) {
	w.Helper()
	w.runs++
	run := fmt.Sprintf("r%d", w.runs)
	at := time.Date(2026, 1, w.runs, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
	w.exec(w.T, fmt.Sprintf("update scratch.runtime.params set run_id = '%s', as_of = '%s'", run, at))
	w.exec(w.T, "truncate scratch.intermediate.int_records_kept; truncate scratch.intermediate.int_record_leads")
	var kept, members []string
	for i, c := range clusters {
		if c > 0 {
			kept = append(kept, fmt.Sprintf("(%d, 'list', 'k%02d', null)", i+1, i+1))
			members = append(members, fmt.Sprintf("(%d, %d, %t, %d, %d)", i+1, c, c == i+1, count(clusters, c), count(clusters, c)))
		}
	}
	w.exec(w.T, "insert into scratch.intermediate.int_records_kept values "+strings.Join(kept, ", "))
	w.exec(w.T, "insert into scratch.intermediate.int_record_leads values "+strings.Join(members, ", "))
	for _, query := range []string{"published_records", "published_leads"} {
		text, err := readQuery(query)
		if err != nil {
			w.Fatal(err)
		}
		w.exec(w.T, text)
	}
	for _, name := range []string{"known", "claimed", "", "homed"} {
		w.model("create or replace table scratch", strings.TrimSuffix("intermediate.int_lead_ids_"+name, "_"))
	}
	rejected := "false"
	if len(unwanted) > 0 {
		rejected = "i.lead_key in (" + strings.Trim(fmt.Sprint(unwanted), "[]") + ")"
		rejected = strings.ReplaceAll(rejected, " ", ",")
		rejected = strings.Replace(rejected, ",in,", " in ", 1)
	}
	const lead = " from scratch.intermediate.int_lead_ids as i cross join scratch.runtime.params as p"
	w.exec(w.T, "truncate lake.candidates.leads; truncate lake.candidates.lead_records; truncate lake.candidates.rejected_records")
	w.exec(w.T, "insert into lake.candidates.leads by name select campaign_id, run_id, lead_id, created_at"+lead+" where not "+rejected)
	w.exec(w.T, "insert into lake.candidates.rejected_records by name select run_id, lead_id"+lead+" where "+rejected)
	w.exec(w.T, "insert into lake.candidates.lead_records by name select campaign_id, run_id, i.lead_id, r.provider, r.provider_key, false as is_answer, h.home_id, m.own_records"+lead+
		" inner join scratch.intermediate.int_record_leads as m on m.lead_key = i.lead_key inner join scratch.intermediate.int_records_kept as r on r.record_id = m.record_id left join scratch.intermediate.int_lead_ids_homed as h on h.record_id = m.record_id where not "+rejected)
	w.model("create or replace table lake", "marts.entity_redirects")
	w.exec(w.T, "create or replace table lake.marts.lead_records as from lake.candidates.lead_records")
	w.exec(w.T, "create or replace table lake.marts.leads as select * exclude (run_id) from lake.candidates.leads")
	w.check()
}

func count(clusters []int, c int) int {
	n := 0
	for _, other := range clusters {
		if other == c {
			n++
		}
	}
	return n
}

// check holds what is true of every publish.
func (w *identities) check() {
	w.Helper()
	c, _ := w.project.Model("marts.entity_redirects")
	for _, check := range w.project.checksOf(c) {
		result, err := check.run(w.Context(), w)
		if err != nil || result.Bad > 0 {
			w.Fatalf("run %d: %s, error %v", w.runs, result, err)
		}
	}
	m, _ := w.project.Model("intermediate.int_lead_ids_homed")
	n, _ := w.project.Model("intermediate.int_lead_ids")
	for _, check := range slices.Concat(w.project.checksOf(m), w.project.checksOf(n)) {
		if result, err := check.run(w.Context(), w); err != nil || result.Bad > 0 {
			w.Fatalf("run %d: %s, error %v", w.runs, result, err)
		}
	}
	if twice := w.list("select lead_id from scratch.intermediate.int_lead_ids group by lead_id having count(*) > 1 or lead_id is null"); len(twice) > 0 {
		w.Fatalf("run %d: ids %v are not one lead's", w.runs, twice)
	}
}

// ids are the published ids by record.
func (w *identities) ids() map[string]string {
	w.Helper()
	out := map[string]string{}
	for _, row := range w.list("select provider_key || ' ' || lead_id from lake.marts.lead_records order by all") {
		key, id, _ := strings.Cut(row, " ")
		out[key] = id
	}
	return out
}

// state is all that is published of identity, but for the runs.
func (w *identities) state() []string {
	w.Helper()
	return w.list("select concat_ws(' ', 'lead', l.lead_id, l.created_at, r.provider_key, r.home_id) from lake.marts.leads as l left join lake.marts.lead_records as r on r.lead_id = l.lead_id union all select concat_ws(' ', 'redirect', from_lead_id, to_lead_id, reason, run_id, ended_at, created_at, records) from lake.marts.entity_redirects order by all")
}

func (w *identities) list(query string) []string {
	w.Helper()
	rows, err := w.Query(w.Context(), query)
	if err != nil {
		w.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			w.Fatal(err)
		}
		out = append(out, text)
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
	return out
}

// redirect is where an id leads: itself while it lives, "" where its lead is
// gone, "unknown" where it was never published.
func (w *identities) redirect(id string) string {
	w.Helper()
	got := w.list("select lead_id from lake.marts.leads where lead_id = '" + id + "' union all select coalesce(to_lead_id, '') from lake.marts.entity_redirects where from_lead_id = '" + id + "'")
	if len(got) == 0 {
		return "unknown"
	}
	return got[0]
}

func TestIdentity_of_a_merge_the_oldest_id_lives_and_a_rerun_changes_nothing(t *testing.T) {
	t.Parallel()
	w := newIdentities(t, 5)
	w.publish([]int{0, 2, 2, 0, 0})
	old := w.ids()["k02"]
	w.publish([]int{1, 2, 2, 4, 4})
	before := w.ids()
	w.publish([]int{1, 2, 2, 2, 2})
	if got := w.ids(); got["k05"] != old || got["k02"] != old {
		t.Errorf("the merged lead is %s, the older one was %s", got["k05"], old)
	}
	if got := w.redirect(before["k04"]); got != old {
		t.Errorf("the younger id leads to %q", got)
	}
	w.publish([]int{1, 1, 1, 1, 1})
	if got := w.ids()["k01"]; got != old {
		t.Errorf("the oldest id did not live: %s", got)
	}
	for _, key := range []string{"k01", "k04"} {
		if got := w.redirect(before[key]); got != old {
			t.Errorf("the id of %s leads to %q", key, got)
		}
	}
	state := w.state()
	w.publish([]int{1, 1, 1, 1, 1})
	if got := w.state(); !slices.Equal(got, state) {
		t.Errorf("an identical run changed\n%s\nto\n%s", strings.Join(state, "\n"), strings.Join(got, "\n"))
	}
}

func TestIdentity_of_a_split_the_larger_part_keeps_the_id(t *testing.T) {
	t.Parallel()
	w := newIdentities(t, 5)
	w.publish([]int{1, 1, 1, 4, 4})
	before := w.ids()
	w.publish([]int{1, 2, 2, 4, 5})
	after := w.ids()
	if after["k02"] != before["k01"] || after["k01"] == before["k01"] {
		t.Errorf("the id of k01 and its two went to %v", after)
	}
	if after["k04"] != before["k04"] || after["k05"] == before["k04"] {
		t.Errorf("of two equal parts the one with the smaller key has %s", after["k04"])
	}
	if after["k01"] == after["k05"] {
		t.Error("two leads have one id")
	}
}

func TestIdentity_a_lead_that_was_gone_comes_back_under_its_id(t *testing.T) {
	t.Parallel()
	w := newIdentities(t, 4)
	w.publish([]int{0, 2, 0, 0})
	w.publish([]int{1, 1, 3, 4})
	before := w.ids()
	if before["k01"] != before["k02"] {
		t.Fatal(before)
	}
	for name, gone := range map[string]func(){
		"its records were missing":  func() { w.publish([]int{0, 0, 3, 4}) },
		"the campaign rejected it":  func() { w.publish([]int{1, 1, 3, 4}, 1) },
		"it was, for several runs":  func() { w.publish([]int{0, 0, 3, 4}); w.publish([]int{0, 0, 3, 0}) },
		"what it had merged with":   func() { w.publish([]int{1, 1, 1, 1}); w.publish([]int{0, 0, 0, 4}, 4) },
		"all at once, and all back": func() { w.publish([]int{1, 1, 3, 4}, 1, 3, 4) },
	} {
		gone()
		if got := w.redirect(before["k01"]); got != "" {
			t.Errorf("%s: the id leads to %q", name, got)
		}
		w.publish([]int{1, 1, 3, 4})
		if got := w.ids(); !maps.Equal(got, before) {
			t.Errorf("%s: ids are %v, were %v", name, got, before)
		}
	}
}

// split says which records are kept apart by what people said: each link joins
// two records or keeps two clusters apart, and may be taken back.
type people struct {
	start []int
	must  [][2]int
	never [][2]int
}

// clusters closes the natural partition under what stands: an edge of the
// start or of a must-link joins two clusters unless that would break a never.
func (p people) clusters() []int {
	out := make([]int, len(p.start))
	for i := range out {
		out[i] = i + 1
	}
	join := func(a, b int) {
		keep, drop := min(out[a], out[b]), max(out[a], out[b])
		for _, n := range p.never {
			if x, y := out[n[0]], out[n[1]]; (x == keep && y == drop) || (x == drop && y == keep) {
				return
			}
		}
		for i := range out {
			if out[i] == drop {
				out[i] = keep
			}
		}
	}
	for _, m := range p.must {
		join(m[0], m[1])
	}
	for i, a := range p.start {
		for j := range i {
			if p.start[j] == a {
				join(i, j)
			}
		}
	}
	return out
}

// TestIdentity_random_changes_of_people_can_all_be_taken_back draws merges,
// splits and undos in any order, with a publish after some of them.
func TestIdentity_random_changes_of_people_can_all_be_taken_back(t *testing.T) {
	t.Parallel()
	w := newIdentities(t, 9)
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 5))
		p := people{start: make([]int, w.records)}
		for i := range p.start {
			p.start[i] = i + 1
			if i > 0 && rng.IntN(2) == 0 {
				p.start[i] = p.start[rng.IntN(i)]
			}
		}
		w.exec(t, "truncate lake.marts.leads; truncate lake.marts.lead_records; truncate lake.marts.entity_redirects")
		for _, part := range []int{2, 1} { // so that some leads are older than others
			young := slices.Clone(p.start)
			for i := range young {
				if part == 2 && young[i]%2 == 0 {
					young[i] = 0
				}
			}
			w.publish(young)
		}
		start := w.ids()
		known := map[string]bool{}
		for range 4 + rng.IntN(12) {
			a, b := rng.IntN(w.records), rng.IntN(w.records)
			switch n := rng.IntN(5); {
			case a == b:
			case n < 2:
				p.must = append(p.must, [2]int{a, b})
			case n < 4:
				p.never = append(p.never, [2]int{a, b})
			case len(p.must) > 0 && rng.IntN(2) == 0:
				i := rng.IntN(len(p.must))
				p.must = slices.Delete(p.must, i, i+1)
			case len(p.never) > 0:
				i := rng.IntN(len(p.never))
				p.never = slices.Delete(p.never, i, i+1)
			}
			if rng.IntN(3) > 0 {
				w.publish(p.clusters())
				for _, id := range w.ids() {
					known[id] = true
				}
			}
			if rng.IntN(4) == 0 {
				w.publish(p.clusters())
				state := w.state()
				w.publish(p.clusters())
				if again := w.state(); !slices.Equal(again, state) {
					t.Fatalf("seed %d: an identical run changed\n%s\nto\n%s", seed, strings.Join(state, "\n"), strings.Join(again, "\n"))
				}
			}
		}
		p.must, p.never = nil, nil
		w.publish(p.clusters())
		if got := w.ids(); !maps.Equal(got, start) {
			t.Errorf("seed %d: ids are %v\nwere %v", seed, got, start)
		}
		for id := range known {
			if to := w.redirect(id); to == "unknown" || to == "" {
				t.Errorf("seed %d: %s, which was published, leads to %q", seed, id, to)
			}
		}
	}
}
