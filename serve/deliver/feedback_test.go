package deliver_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/testservers"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/delivertest"
)

// teller is a toy that tells what became of its records, a page at a time.
type teller struct {
	toy
	events []deliver.Event
}

const tellerPage = 1000

func (d *teller) Feedback(s deliver.Session, cursor string) (deliver.Feedback, error) {
	from, _ := strconv.Atoi(cursor)
	if _, err := s.Call(deliver.Request{Method: http.MethodPost, URL: "/read", Body: []byte("[]")}); err != nil {
		return deliver.Feedback{}, err
	}
	to := min(len(d.events), from+tellerPage)
	return deliver.Feedback{Events: d.events[from:to], Next: strconv.Itoa(to), More: to < len(d.events)}, nil
}

// told is one workspace with a destination that tells.
type told struct {
	t       *testing.T
	session *lake.Session
	store   *store.Store
	engine  *deliver.Engine
	list    *deliver.Suppressions
	to      *teller
	ahead   atomic.Int64 // of the real clock, which the lake goes by
}

func (w *told) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// date has answers say what time it is there.
func (w *told) date(next deliver.Doer) deliver.Doer {
	return doer(func(r *http.Request) (*http.Response, error) {
		resp, err := next.Do(r)
		if err == nil {
			resp.Header.Set("Date", w.now().UTC().Format(http.TimeFormat))
		}
		return resp, err
	})
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

const martsOfTest = "create table lake.marts.leads (campaign_id varchar, lead_id varchar, run_id varchar, lead_score integer, tier varchar, score_model varchar, emails struct(value varchar)[], phones struct(value varchar)[]); create table lake.candidates.lead_features (run_id varchar, lead_id varchar, vertical varchar, rating double)"

func newTold(t *testing.T, dsn string) *told {
	t.Helper()
	l, err := lake.Open(t.Context(), lake.Config{Home: t.TempDir(), Threads: 1, MemoryLimit: "500MB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w := &told{t: t, to: &teller{toy: toy{100}}}
	if w.session, err = l.Session(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.session.Close() })
	if w.store, err = store.Open(t.Context(), dsn, store.Options{Now: w.now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	w.list, err = deliver.NewSuppressions(t.Context(), w.store, []byte("a key of thirty-two characters.."))
	if err != nil {
		t.Fatal(err)
	}
	w.engine = &deliver.Engine{Ledger: w.store, HTTP: w.date(newToyServer()), Now: w.now, BatchRows: 1000, Suppressed: w.list.Check}
	w.exec(martsOfTest)
	return w
}

func (w *told) exec(query string) {
	w.t.Helper()
	if err := w.session.Exec(w.t.Context(), query); err != nil {
		w.t.Fatal(err)
	}
}

// run publishes n leads in a run, with a rating and a score, and delivers them.
func (w *told) run(id string, n, score int) {
	w.t.Helper()
	w.build(id, n, score)
	leads := delivertest.Leads(n, func(_ int, l *leadlake.CanonicalLead) { l.LeadScore = &score })
	sum, err := w.engine.Deliver(w.t.Context(), deliver.Order{
		Destination: "it", To: w.to, Mapping: toyMapping, Mode: deliver.Add, Scope: "c1", RunID: id, Leads: delivertest.Each(leads),
	})
	if err != nil || !sum.Done {
		w.t.Fatalf("%+v, %v", sum, err)
	}
}

// build makes the tables of a run, in place of what they have of it.
func (w *told) build(id string, n, score int) {
	w.t.Helper()
	w.exec(fmt.Sprintf("delete from lake.marts.leads; delete from lake.candidates.lead_features where run_id = '%s'", id))
	// ids and contacts are those of delivertest.Lead
	const leadID = "format('00000000-0000-4000-8000-{:012d}', i)"
	w.exec(fmt.Sprintf("insert into lake.candidates.lead_features select '%s', %s, 'other', %d from range(1, %d) t(i)", id, leadID, score, n+1))
	w.exec(fmt.Sprintf("insert into lake.marts.leads select 'c1', %s, '%s', %d, 'B', 'rules-%s', [{'value': 'office@firm' || i || '.example'}], [{'value': '+1501555' || format('{:04d}', i)}] from range(1, %d) t(i)", leadID, id, score, id, n+1))
}

func (w *told) pull() deliver.Pulled {
	w.t.Helper()
	sum, err := w.engine.Pull(w.t.Context(), deliver.Pull{Destination: "it", To: w.to, Inbox: w.store, Lake: w.session, Suppressions: w.list})
	if err != nil {
		w.t.Fatal(err)
	}
	return sum
}

// text is the one value of a query.
func (w *told) text(query string) string {
	w.t.Helper()
	var got string
	if err := w.session.QueryRow(w.t.Context(), query).Scan(&got); err != nil {
		w.t.Fatal(err)
	}
	return got
}

func TestPull_ten_thousand_outcomes_twice_are_ten_thousand_rows_on_SQLite(t *testing.T) {
	t.Parallel()
	pullTwice(t, newTold(t, filepath.Join(t.TempDir(), "control.sqlite")))
}

func TestPull_ten_thousand_outcomes_twice_are_ten_thousand_rows_on_Postgres(t *testing.T) {
	t.Parallel()
	pullTwice(t, newTold(t, testservers.StartPostgres(t).Database(t)))
}

// steps are what happens to a lead in these tests, in this order.
var steps = []deliver.Kind{deliver.Replied, deliver.Qualified, deliver.Opportunity, deliver.Won}

func pullTwice(t *testing.T, w *told) {
	const leads = 2_500
	w.run("r1", leads, 40)
	for n := range leads {
		for i, kind := range steps {
			w.to.events = append(w.to.events, deliver.Event{
				ID: fmt.Sprintf("%d:%s", n+1, kind), Key: delivertest.Lead(n + 1).LeadID, Kind: kind, At: w.now().Add(time.Duration(i+1) * time.Hour), Detail: "as they say",
			})
		}
	}
	first := w.pull()
	if first.Events != 10_000 || first.Added != 10_000 || first.Unmapped != 0 {
		t.Errorf("%+v", first)
	}
	const count = "select format('{} rows, {} of them different, {} with the score of the delivery', count(*), count(distinct outcome_id), count(*) filter (where lead_score = 40 and tier = 'B' and score_model = 'rules-r1' and run_id = 'r1' and delivery_id is not null)) from lake.marts.outcomes"
	const want = "10000 rows, 10000 of them different, 10000 with the score of the delivery"
	if diff := cmp.Diff(want, w.text(count)); diff != "" {
		t.Error(diff)
	}
	// From where it stands nothing comes, and from the beginning nothing new.
	if again := w.pull(); again.Events != 0 || again.Added != 0 {
		t.Errorf("%+v", again)
	}
	if err := w.store.SaveFeedback(t.Context(), store.FeedbackChange{Cursor: store.FeedbackCursor{Destination: "it"}}); err != nil {
		t.Fatal(err)
	}
	if again := w.pull(); again.Events != 10_000 || again.Added != 0 {
		t.Errorf("%+v", again)
	}
	if diff := cmp.Diff(want, w.text(count)); diff != "" {
		t.Error(diff)
	}
}

func TestPull_keeps_an_outcome_that_it_cannot_map_until_it_can(t *testing.T) {
	t.Parallel()
	w := newTold(t, filepath.Join(t.TempDir(), "control.sqlite"))
	w.build("r1", 3, 40)
	w.to.events = []deliver.Event{{ID: "e1", Key: delivertest.Lead(2).LeadID, Kind: deliver.Replied, At: w.now().Add(time.Hour)}}
	if sum := w.pull(); sum.Unmapped != 1 || sum.Added != 0 {
		t.Errorf("before the delivery: %+v", sum)
	}
	if sum := w.pull(); sum.Unmapped != 1 || sum.Added != 0 {
		t.Errorf("again: %+v", sum)
	}
	w.run("r1", 3, 40)
	if sum := w.pull(); sum.Unmapped != 0 || sum.Added != 1 {
		t.Errorf("after it: %+v", sum)
	}
}

func TestPull_suppresses_who_opts_out_and_the_engine_refuses_them(t *testing.T) {
	t.Parallel()
	w := newTold(t, filepath.Join(t.TempDir(), "control.sqlite"))
	w.run("r1", 3, 40)
	who := delivertest.Lead(2)
	w.to.events = []deliver.Event{{ID: "e1", Key: who.LeadID, Kind: deliver.OptedOut, At: w.now().Add(time.Hour)}}
	if sum := w.pull(); sum.Suppressed != 3 { // lead, address, number
		t.Errorf("%+v", sum)
	}
	if sum := w.pull(); sum.Suppressed != 0 {
		t.Errorf("again: %+v", sum)
	}
	// The same person as another lead, with another name.
	other := delivertest.Lead(9)
	other.Emails = []leadlake.Email{{Value: "OFFICE+news@firm2.example"}}
	sum, err := w.engine.Deliver(t.Context(), deliver.Order{
		Destination: "it", To: w.to, Mapping: toyMapping, Mode: deliver.Sync, Scope: "c1", RunID: "r1",
		Leads: delivertest.Each([][]byte{deliver.Value(other)}),
	})
	if err != nil || sum.Rows[deliver.Suppressed] != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
	// Somebody takes the address off, and an older event does not put it back.
	email, err := deliver.ParseIdentity("office@firm2.example")
	if err != nil {
		t.Fatal(err)
	}
	w.ahead.Add(int64(2 * time.Hour))
	if was, err := w.list.Remove(t.Context(), email, "ann"); err != nil || !was {
		t.Errorf("%t, %v", was, err)
	}
	if err := w.store.SaveFeedback(t.Context(), store.FeedbackChange{Cursor: store.FeedbackCursor{Destination: "it"}}); err != nil {
		t.Fatal(err)
	}
	w.pull()
	if _, on, err := w.list.Find(t.Context(), email); err != nil || on {
		t.Errorf("%t, %v", on, err)
	}
}

// TestPull_labels_hold_nothing_from_after_the_delivery plants what a label and
// its features must not know: a later run, the same run built and scored again,
// outcomes of before the delivery and of after the window.
func TestPull_labels_hold_nothing_from_after_the_delivery(t *testing.T) {
	t.Parallel()
	w := newTold(t, filepath.Join(t.TempDir(), "control.sqlite"))
	w.run("r1", 5, 1)
	delivered := w.now()
	tell := func(lead int, kind deliver.Kind, after time.Duration) {
		w.to.events = append(w.to.events, deliver.Event{ID: fmt.Sprintf("%d:%s", lead, kind), Key: delivertest.Lead(lead).LeadID, Kind: kind, At: delivered.Add(after)})
	}
	const day = 24 * time.Hour
	tell(1, deliver.Qualified, 5*day)
	tell(2, deliver.Qualified, -time.Hour) // it was theirs before
	tell(3, deliver.Won, 20*day)           // too late
	tell(4, deliver.Replied, day)
	w.build("r1", 5, 99) // the same run, with what is known since
	if labels := w.pull().Labels; labels != 0 {
		t.Errorf("%d labels while the window is open", labels)
	}
	w.ahead.Add(int64(15 * day))
	w.run("r2", 6, 50) // five again, and one that is new
	w.pull()
	const table = "select string_agg(format('{} {} {} rated {} label {} {}', cast(lead_id[-1:] as integer), run_id, vertical, rating, label, label_at is not null), '; ' order by lead_id) from lake.marts.lead_labels where label_at is null or (label_at >= delivered_at and label_at < delivered_at + interval 14 days)"
	want := "1 r1 other rated 1.0 label 1 true; 2 r1 other rated 1.0 label 0 false; 3 r1 other rated 1.0 label 0 false; 4 r1 other rated 1.0 label 0 false; 5 r1 other rated 1.0 label 0 false"
	if diff := cmp.Diff(want, w.text(table)); diff != "" {
		t.Error(diff)
	}
	const leaks = "select format('{} {}', count(*), count(*) filter (where lead_score <> 1)) from lake.marts.outcomes"
	if got := w.text(leaks); got != "4 0" {
		t.Errorf("outcomes, and those with a score of later: %s", got)
	}
	// What happened within the window may be told late; features stay.
	w.ahead.Add(int64(day))
	tell(5, deliver.Qualified, 10*day)
	if labels := w.pull().Labels; labels != 1 {
		t.Errorf("%d labels changed", labels)
	}
	want = want[:len(want)-len("label 0 false")] + "label 1 true"
	if diff := cmp.Diff(want, w.text(table)); diff != "" {
		t.Error(diff)
	}
}
