package deliver_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/delivertest"
)

var toyMapping = deliver.Mapping{Version: 1, Key: "lead_id", Fields: []deliver.FieldMapping{
	{To: "name", From: "name", Required: true}, {To: "score", From: "lead_score"}, {To: "city", From: "address.city"},
}}

func toyBench(batch int) func(t *testing.T) delivertest.Bench {
	return func(*testing.T) delivertest.Bench {
		server := newToyServer()
		return delivertest.Bench{
			To: toy{batch}, Mapping: toyMapping, HTTP: server, Effects: server.effects, Edit: server.edit, Field: "name",
			Bad:   func(l *leadlake.CanonicalLead) { l.Name = "bad one" },
			Storm: func(n int) { server.mu.Lock(); defer server.mu.Unlock(); server.storm = n },
		}
	}
}

func TestEngine_passes_the_suite_by_the_batch(t *testing.T) {
	t.Parallel()
	delivertest.Run(t, toyBench(10))
}

func TestEngine_passes_the_suite_row_by_row(t *testing.T) {
	t.Parallel()
	delivertest.Run(t, toyBench(1))
}

func openStore(t *testing.T, dsn string, clock *delivertest.Clock) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dsn, store.Options{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestEngine_two_workers_never_send_a_row_twice has two processes go for the
// same batches of one row at the same moments.
func TestEngine_two_workers_never_send_a_row_twice(t *testing.T) {
	t.Parallel()
	races := 2000
	if testing.Short() {
		races = 200
	}
	clock := delivertest.NewClock()
	dsn := filepath.Join(t.TempDir(), "control.sqlite")
	server := newToyServer()
	leads := delivertest.Leads(races, nil)
	order := deliver.Order{Destination: "it", To: toy{1}, Mapping: toyMapping, Mode: deliver.Sync, Scope: "c1", Leads: delivertest.Each(leads)}
	engine := func() *deliver.Engine {
		return &deliver.Engine{
			Ledger: openStore(t, dsn, clock), HTTP: server, BatchRows: 1, Workers: 2, Lease: time.Hour, Now: clock.Now,
			Sleep: func(ctx context.Context, d time.Duration) error {
				clock.Advance(d)
				time.Sleep(time.Millisecond)
				return ctx.Err()
			},
		}
	}
	first, second := engine(), engine()
	planned := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		first.Suppressed = func(context.Context, deliver.Subject) (string, bool, error) { // the first row is about to be sent
			select {
			case <-planned:
			default:
				close(planned)
			}
			return "", false, nil
		}
		first.Workers = 1
		if _, err := first.Deliver(t.Context(), order); err != nil {
			t.Error(err)
		}
	})
	<-planned
	wg.Go(func() {
		if _, err := second.Resume(t.Context(), "it", toy{1}); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	server.mu.Lock()
	defer server.mu.Unlock()
	if len(server.creates) != races || len(server.records) != races {
		t.Errorf("%d keys and %d records, want %d", len(server.creates), len(server.records), races)
	}
	for key, n := range server.creates {
		if n != 1 {
			t.Errorf("key %s was created %d times", key, n)
		}
	}
}

// TestEngine_measures is the rate of the durable ledger alone: a destination
// that answers at once.
func BenchmarkEngine_rows_a_second(b *testing.B) {
	for b.Loop() {
		clock := time.Now
		s, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "control.sqlite"), store.Options{Now: clock})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		leads := delivertest.Leads(20_000, nil)
		e := &deliver.Engine{Ledger: s, HTTP: newToyServer()}
		start := time.Now()
		sum, err := e.Deliver(b.Context(), deliver.Order{Destination: "it", To: blind{}, Mapping: toyMapping, Mode: deliver.Sync, Leads: delivertest.Each(leads)})
		if err != nil || sum.Rows[deliver.Accepted] != 20_000 {
			b.Fatal(sum, err)
		}
		b.ReportMetric(20_000/time.Since(start).Seconds(), "rows/s")
		start = time.Now()
		if sum, err = e.Deliver(b.Context(), deliver.Order{Destination: "it", To: blind{}, Mapping: toyMapping, Mode: deliver.Sync, Leads: delivertest.Each(leads)}); err != nil || sum.Unchanged != 20_000 {
			b.Fatal(sum, err)
		}
		b.ReportMetric(time.Since(start).Seconds()*5, "s/100k-unchanged")
	}
}

// blind accepts everything and cannot be read.
type blind struct{ toy }

func (blind) Spec() deliver.Spec {
	return deliver.Spec{Name: "blind", BatchRows: 1, Parallel: 8, Removes: true, Repeatable: true}
}

func (blind) Deliver(_ deliver.Session, b deliver.Batch) ([]deliver.Outcome, error) {
	return []deliver.Outcome{{State: deliver.Accepted, ID: fmt.Sprint("m", b.Rows[0].Key)}}, nil
}

// wider is a toy whose city takes more characters than it used to.
type wider struct {
	toy
	max   int
	asked *int
}

func (d wider) Describe(deliver.Session) (deliver.Schema, error) {
	*d.asked++
	return deliver.Schema{Fields: []deliver.Field{{Name: "name", Type: deliver.Text}, {Name: "city", Type: deliver.Text, MaxLen: d.max}}}, nil
}

func TestEngine_asks_for_fields_only_where_something_changed_and_then_heeds_them(t *testing.T) {
	t.Parallel()
	o := newOne(t)
	asked := 0
	m := deliver.Mapping{Version: 1, Key: "lead_id", Fields: []deliver.FieldMapping{{To: "name", From: "name"}, {To: "city", From: "address.city", Truncate: true}}}
	run := func(max int, leads [][]byte) deliver.Summary {
		t.Helper()
		sum, err := o.Deliver(t.Context(), deliver.Order{Destination: "it", To: wider{toy{10}, max, &asked}, Mapping: m, Mode: deliver.Sync, Scope: "c1", Leads: delivertest.Each(leads)})
		if err != nil || !sum.Done || !sum.Balanced() {
			t.Fatalf("%+v, %v", sum, err)
		}
		return sum
	}
	run(6, delivertest.Leads(3, nil))
	if o.value(1, "city") != "Little" || asked != 1 {
		t.Errorf("city %s, asked %d times", o.value(1, "city"), asked)
	}
	if sum := run(6, delivertest.Leads(3, nil)); sum.Unchanged != 3 || asked != 1 {
		t.Errorf("%+v, asked %d times", sum, asked)
	}
	sum := run(40, delivertest.Leads(3, func(n int, l *leadlake.CanonicalLead) {
		if n == 3 {
			l.Name = "New"
		}
	}))
	if sum.Ops[deliver.Update] != 3 || o.value(1, "city") != "Little Rock" || o.value(3, "name") != "New" {
		t.Errorf("%+v, city %s", sum, o.value(1, "city"))
	}
	before := asked
	if sum := run(40, delivertest.Leads(3, nil)); sum.Ops[deliver.Update] != 1 || asked != before+1 {
		t.Errorf("%+v, asked %d times more", sum, asked-before)
	}
}

// TestEngine_rows_that_failed_together_are_tried_again_together: apart, each
// would be a call of its own.
func TestEngine_rows_that_failed_together_are_tried_again_together(t *testing.T) {
	t.Parallel()
	o := newOne(t)
	o.server.storm = 3
	calls := 0
	o.HTTP = doerFunc(func(r *http.Request) (*http.Response, error) { calls++; return o.server.Do(r) })
	o.deliver(toyMapping, deliver.Sync, delivertest.Leads(10, nil))
	if calls != 5 { // three in vain, to read, to write
		t.Errorf("%d calls", calls)
	}
}

type doerFunc func(*http.Request) (*http.Response, error)

func (f doerFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// TestEngine_a_worker_that_lost_its_batch_while_it_stalled_sends_nothing stalls
// between the intent and the call, for longer than the claim lasts.
func TestEngine_a_worker_that_lost_its_batch_while_it_stalled_sends_nothing(t *testing.T) {
	t.Parallel()
	o := newOne(t)
	other := *o.Engine
	slow := &stalledLedger{Ledger: o.Ledger, stall: func() {
		o.clock.Advance(time.Hour)
		if _, err := other.Resume(t.Context(), "it", toy{10}); err != nil {
			t.Error(err)
		}
	}}
	o.Engine.Ledger = slow
	if _, err := o.Deliver(t.Context(), deliver.Order{Destination: "it", To: toy{10}, Mapping: toyMapping, Mode: deliver.Sync, Leads: delivertest.Each(delivertest.Leads(3, nil))}); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 3; n++ {
		if got := o.server.effects(delivertest.Lead(n).LeadID); got != 1 {
			t.Errorf("lead %d has %d effects", n, got)
		}
	}
}

// stalledLedger stalls once, after the first rows are saved.
type stalledLedger struct {
	deliver.Ledger
	once  sync.Once
	stall func()
}

func (l *stalledLedger) SaveRows(ctx context.Context, c store.BatchClaim, change store.BatchChange) error {
	err := l.Ledger.SaveRows(ctx, c, change)
	l.once.Do(l.stall)
	return err
}
