package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/delivertest"
)

// chaos carries calls out or not, and loses answers or not, as a seed says.
// Now and then it kills the process.
type chaos struct {
	next deliver.Doer
	mu   sync.Mutex
	rand *rand.Rand
	kill context.CancelFunc
}

func (c *chaos) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	fate, kill := c.rand.IntN(100), c.rand.IntN(100) < 3
	c.mu.Unlock()
	lost := leadlake.Errorf(leadlake.Unavailable, "no answer")
	if fate < 5 { // it never arrives, though nobody can know
		return nil, lost
	}
	resp, err := c.next.Do(r)
	if kill {
		c.kill()
		return nil, errors.New("killed")
	}
	if fate < 25 {
		return nil, lost
	}
	return resp, err
}

// TestEngine_loses_and_doubles_nothing_whatever_happens runs deliveries of
// random sizes through random faults and kills, until each row has its end.
func TestEngine_loses_and_doubles_nothing_whatever_happens(t *testing.T) {
	t.Parallel()
	seeds := 30
	if testing.Short() {
		seeds = 6
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 6)) //nolint:gosec // a seed
			clock := delivertest.NewClock()
			ledger := openStore(t, filepath.Join(t.TempDir(), "control.sqlite"), clock)
			server := newToyServer()
			n := 20 + r.IntN(60)
			leads := delivertest.Leads(n, nil)
			to := toy{1 + r.IntN(12)}
			for try := 0; ; try++ {
				if try == 200 {
					t.Fatal("it never ends")
				}
				ctx, cancel := context.WithCancel(t.Context())
				e := &deliver.Engine{
					Ledger: ledger, HTTP: &chaos{next: server, rand: r, kill: cancel}, BatchRows: 1 + r.IntN(30), Workers: 1 + r.IntN(3),
					Now: clock.Now, Sleep: func(ctx context.Context, d time.Duration) error { clock.Advance(d); return ctx.Err() },
				}
				sum, err := e.Deliver(ctx, deliver.Order{Destination: "it", To: to, Mapping: toyMapping, Mode: deliver.Sync, Scope: "c1", Leads: delivertest.Each(leads)})
				cancel()
				if err == nil && sum.Done && sum.Unchanged == int64(n) {
					break
				}
				clock.Advance(10 * time.Minute)
			}
			server.mu.Lock()
			defer server.mu.Unlock()
			for key, creates := range server.creates {
				if creates != 1 {
					t.Errorf("key %s was created %d times", key, creates)
				}
			}
			if len(server.creates) != n {
				t.Errorf("%d of %d rows arrived", len(server.creates), n)
			}
		})
	}
}

// one is an engine on a toy, for tests of single claims.
type one struct {
	*deliver.Engine
	t      *testing.T
	clock  *delivertest.Clock
	server *toyServer
}

func newOne(t *testing.T) *one {
	clock := delivertest.NewClock()
	server := newToyServer()
	return &one{t: t, clock: clock, server: server, Engine: &deliver.Engine{
		Ledger: openStore(t, filepath.Join(t.TempDir(), "control.sqlite"), clock), HTTP: server, Now: clock.Now,
		Sleep: func(ctx context.Context, d time.Duration) error { clock.Advance(d); return ctx.Err() },
	}}
}

func (o *one) deliver(m deliver.Mapping, mode deliver.Mode, leads [][]byte) deliver.Summary {
	o.t.Helper()
	sum, err := o.Deliver(o.t.Context(), deliver.Order{Destination: "it", To: toy{10}, Mapping: m, Mode: mode, Scope: "c1", Leads: delivertest.Each(leads)})
	if err != nil {
		o.t.Fatal(err)
	}
	if !sum.Balanced() || !sum.Done {
		o.t.Errorf("rows do not add up: %+v", sum)
	}
	return sum
}

// value is what the counterpart has in a field.
func (o *one) value(n int, field string) string {
	o.server.mu.Lock()
	defer o.server.mu.Unlock()
	for _, r := range o.server.records {
		if r.Key == delivertest.Lead(n).LeadID {
			return r.Fields.Text(field)
		}
	}
	return "no record"
}

func TestEngine_modes_do_what_they_say(t *testing.T) {
	t.Parallel()
	o := newOne(t)
	o.server.edit(delivertest.Lead(1).LeadID, "name", "Theirs")
	leads := delivertest.Leads(3, nil)
	if sum := o.deliver(toyMapping, deliver.Add, leads); sum.Ops[deliver.Create] != 2 || sum.Rows[deliver.Skipped] != 1 || o.value(1, "name") != "Theirs" {
		t.Errorf("add came to %+v", sum)
	}
	if sum := o.deliver(toyMapping, deliver.Enrich, delivertest.Leads(5, nil)); sum.Ops[deliver.Update] != 1 || sum.Ops[deliver.Create] != 0 || sum.Rows[deliver.Skipped] != 2 {
		t.Errorf("enrich came to %+v", sum)
	}
	if o.value(1, "name") != "Firm 1" || o.value(4, "name") != "no record" {
		t.Errorf("enrich left %s and %s", o.value(1, "name"), o.value(4, "name"))
	}
	if sum := o.deliver(toyMapping, deliver.Sync, leads[1:]); sum.Rows[deliver.Skipped] != 1 || o.value(1, "name") == "no record" {
		t.Errorf("sync removed a record that was there before us: %+v", sum)
	}
	if sum := o.deliver(toyMapping, deliver.Sync, leads[2:]); sum.Ops[deliver.Remove] != 1 || o.value(2, "name") != "no record" {
		t.Errorf("sync did not remove a record: %+v", sum)
	}
}

func TestEngine_overwrites_as_the_mapping_says(t *testing.T) {
	t.Parallel()
	for policy, want := range map[deliver.Policy]struct{ theirs, edited string }{
		deliver.Always:            {"Firm 1", "New 2"},
		deliver.IfEmpty:           {"Theirs", "Edited"},
		deliver.Never:             {"Theirs", "Edited"},
		deliver.IfLowerConfidence: {"Theirs", "Edited"},
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			o := newOne(t)
			m := deliver.Mapping{Version: 1, Key: "lead_id", Fields: []deliver.FieldMapping{
				{To: "name", From: "name", Overwrite: policy}, {To: "score", From: "lead_score"}, {To: "city", From: "address.city"},
			}}
			o.server.edit(delivertest.Lead(1).LeadID, "name", "Theirs")
			o.deliver(m, deliver.Sync, delivertest.Leads(3, nil))
			o.server.edit(delivertest.Lead(2).LeadID, "name", "Edited")
			o.deliver(m, deliver.Sync, delivertest.Leads(3, func(n int, l *leadlake.CanonicalLead) {
				if n > 1 {
					l.Name = fmt.Sprint("New ", n)
					l.Provenance[0].Confidence = 0.95
				}
			}))
			if o.value(1, "name") != want.theirs || o.value(2, "name") != want.edited {
				t.Errorf("names are %s and %s, want %s and %s", o.value(1, "name"), o.value(2, "name"), want.theirs, want.edited)
			}
			if o.value(1, "city") != "Little Rock" {
				t.Error("a field of another policy was not filled")
			}
			surer := map[bool]string{true: "New 3", false: "Firm 3"}[policy == deliver.Always || policy == deliver.IfLowerConfidence]
			if o.value(3, "name") != surer {
				t.Errorf("the name that we wrote ourselves is %s, want %s", o.value(3, "name"), surer)
			}
			sum := o.deliver(m, deliver.Sync, delivertest.Leads(3, func(n int, l *leadlake.CanonicalLead) {
				if n > 1 {
					l.Name = fmt.Sprint("New ", n)
				}
			}))
			if sum.Unchanged != 3 {
				t.Errorf("what may not be written counts as a change: %+v", sum)
			}
		})
	}
}

func TestLetters_are_edited_replayed_and_dropped(t *testing.T) {
	t.Parallel()
	o := newOne(t)
	ledger := o.Ledger.(deliver.Letters)
	leads := delivertest.Leads(4, func(n int, l *leadlake.CanonicalLead) {
		if n > 2 {
			l.Name = "bad name"
		}
	})
	o.deliver(toyMapping, deliver.Sync, leads)
	letters, err := deliver.DeadLetters(t.Context(), ledger, "it", "", 10)
	if err != nil || len(letters) != 2 {
		t.Fatalf("dead letters %+v, %v", letters, err)
	}
	first, second := letters[0], letters[1]
	if err := deliver.Replay(t.Context(), ledger, first.DeliveryID, first.Position, "ada", deliver.Payload{"name": deliver.Value("Good")}); err != nil {
		t.Fatal(err)
	}
	if err := deliver.Drop(t.Context(), ledger, second.DeliveryID, second.Position, "ada"); err != nil {
		t.Fatal(err)
	}
	sums, err := o.Resume(t.Context(), "it", toy{10})
	if err != nil || len(sums) != 1 || !sums[0].Done || sums[0].Rows[deliver.Accepted] != 3 || sums[0].Rows[deliver.Dropped] != 1 {
		t.Fatalf("resumed to %+v, %v", sums, err)
	}
	if o.value(3, "name") != "Good" {
		t.Errorf("the name is %s", o.value(3, "name"))
	}
	letter, err := deliver.DeadLetter(t.Context(), ledger, first.DeliveryID, first.Position)
	if err != nil || letter.State != deliver.Accepted || len(letter.Edits) != 1 || letter.Edits[0].Action != "edit" || letter.Edits[0].Actor != "ada" {
		t.Errorf("the letter is %+v, %v", letter, err)
	}
	if err := deliver.Drop(t.Context(), ledger, first.DeliveryID, first.Position, "ada"); leadlake.ErrorCode(err) != leadlake.Conflict {
		t.Errorf("an accepted row was dropped: %v", err)
	}
}

func TestEngine_what_was_deleted_there_comes_back_only_when_asked(t *testing.T) {
	t.Parallel()
	o := newOne(t)
	o.deliver(toyMapping, deliver.Sync, delivertest.Leads(1, nil))
	o.server.mu.Lock()
	o.server.records = nil
	o.server.mu.Unlock()
	sum := o.deliver(toyMapping, deliver.Sync, delivertest.Leads(1, func(_ int, l *leadlake.CanonicalLead) { l.Name = "New" }))
	if sum.Rows[deliver.Rejected] != 1 || o.value(1, "name") != "no record" {
		t.Fatalf("delivered %+v", sum)
	}
	if err := deliver.Replay(t.Context(), o.Ledger.(deliver.Letters), sum.DeliveryID, 1, "ada", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Resume(t.Context(), "it", toy{10}); err != nil || o.value(1, "name") != "New" {
		t.Errorf("the record has the name %s, %v", o.value(1, "name"), err)
	}
}

func TestEngine_a_schema_that_changed_stops_before_anything_is_sent(t *testing.T) {
	t.Parallel()
	o := newOne(t)
	m := toyMapping
	m.Fields = append([]deliver.FieldMapping{{To: "gone", From: "website"}, {To: "City", From: "address.city"}, {To: "id", From: "lead_id"}}, m.Fields[:2]...)
	_, err := o.Deliver(t.Context(), deliver.Order{Destination: "it", To: toy{1}, Mapping: m, Mode: deliver.Sync, Leads: delivertest.Each(delivertest.Leads(1, nil))})
	for _, want := range []string{"gone", "no such field", "writes it city", "field id", "does not let us write"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error %v does not say %q", err, want)
		}
	}
}
