package delivertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// suiteLeads is how many leads most claims are tried with.
const suiteLeads = 25

// Run holds a destination to the suite. Each claim gets a bench of its own,
// with an empty counterpart.
func Run(t *testing.T, bench func(*testing.T) Bench) {
	for name, claim := range map[string]func(*testing.T, *stand){
		"every row arrives once and an unchanged run calls nobody": arrives,
		"a change and a removal arrive":                            changes,
		"one bad row fails alone":                                  badAlone,
		"lost answers have one effect":                             lostAnswers,
		"a storm of refusals loses nothing":                        storm,
		"undo restores and keeps what people changed":              undoRestores,
		"a dry run calls nothing that writes and foretells":        dryRun,
		"a suppressed person gets nothing":                         suppressed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claim(t, newStand(t, bench(t)))
		})
	}
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed at every call, made %v, it has one effect", after), func(t *testing.T) {
			t.Parallel()
			killedEverywhere(t, bench, after)
		})
		t.Run(fmt.Sprintf("changes that are killed at every call, made %v, come to the same", after), func(t *testing.T) {
			t.Parallel()
			changesKilled(t, bench, after)
		})
	}
}

func (s *stand) sleep(ctx context.Context, d time.Duration) error {
	s.clock.Advance(d)
	return ctx.Err()
}

func rename(n int, l *leadlake.CanonicalLead) { l.Name = fmt.Sprintf("Firm %d Ltd", n) }

func arrives(t *testing.T, s *stand) {
	leads := Leads(suiteLeads, nil)
	sum := s.deliver(leads)
	if sum.Rows[deliver.Accepted] != suiteLeads || sum.Ops[deliver.Create] != suiteLeads {
		t.Fatalf("delivered %+v, want %d created", sum, suiteLeads)
	}
	s.proved(sum.DeliveryID, suiteLeads, leads)
	counts := s.calls.Load()
	sum = s.deliver(leads)
	if sum.Unchanged != suiteLeads || len(sum.Rows) > 0 {
		t.Errorf("an unchanged delivery came to %+v", sum)
	}
	if calls := s.calls.Load() - counts; calls > 0 {
		t.Errorf("an unchanged delivery made %d calls", calls)
	}
}

func changes(t *testing.T, s *stand) {
	s.deliver(Leads(suiteLeads, nil))
	leads := Leads(suiteLeads-5, func(n int, l *leadlake.CanonicalLead) {
		if n <= 5 {
			rename(n, l)
		}
	})
	sum := s.deliver(leads)
	removed := map[bool]int64{true: 5}[s.To.Spec().Removes]
	if sum.Ops[deliver.Update] != 5 || sum.Ops[deliver.Remove] != removed || sum.Unchanged != suiteLeads-10 {
		t.Fatalf("delivered %+v, want 5 updated, %d removed", sum, removed)
	}
	var lapses []deliver.Lapse
	proof, err := s.engine(nil).Prove(t.Context(), sum.DeliveryID, s.To, func(l deliver.Lapse) error { lapses = append(lapses, l); return nil })
	if err != nil || !proof.OK() || proof.Changed > 0 {
		t.Errorf("proof %+v, %v, lapses %+v", proof, err, lapses)
	}
}

func badAlone(t *testing.T, s *stand) {
	if s.Bad == nil {
		return
	}
	leads := Leads(suiteLeads, func(n int, l *leadlake.CanonicalLead) {
		if n == 7 {
			s.Bad(l)
		}
	})
	sum := s.deliver(leads)
	if sum.Rows[deliver.Accepted] != suiteLeads-1 || sum.Rows[deliver.Rejected] != 1 {
		t.Fatalf("delivered %+v, want one rejected", sum)
	}
	letters, err := deliver.DeadLetters(t.Context(), s.store, "it", "", 10)
	if err != nil || len(letters) != 1 || letters[0].Code == "" || letters[0].Reason == "" || letters[0].Fix == "" {
		t.Errorf("dead letters %+v, %v, want one with code, reason and fix", letters, err)
	}
	s.proved(sum.DeliveryID, suiteLeads-1, slices.Delete(slices.Clone(leads), 6, 7))
}

// lostAnswers lets a fifth of all calls be carried out and lose their answer.
func lostAnswers(t *testing.T, s *stand) {
	r := rand.New(rand.NewPCG(6, 9)) //nolint:gosec // a seed
	next := s.HTTP
	if next != nil {
		lossy := newLossy(next, r, 0.2)
		s.HTTP = lossy
	}
	leads := Leads(suiteLeads*2, nil)
	id := s.persist(leads)
	s.HTTP = next
	s.proved(id, suiteLeads*2, leads)
}

// persist delivers again until all is done, and returns the first delivery.
func (s *stand) persist(leads [][]byte) (id string) {
	s.t.Helper()
	var last error
	for range 50 {
		sum, err := s.engine(nil).Deliver(s.t.Context(), s.order(leads))
		if sum.DeliveryID != "" && id == "" {
			id = sum.DeliveryID
		}
		if err == nil && sum.Done {
			open, err := s.store.OpenDeliveries(s.t.Context(), "it")
			if err != nil {
				s.t.Fatal(err)
			}
			if len(open) == 0 {
				return s.firstDelivery()
			}
		}
		last = err
		s.clock.Advance(10 * time.Minute)
	}
	s.t.Fatalf("it is not done after 50 runs: %v", last)
	return ""
}

// firstDelivery is the one that had rows.
func (s *stand) firstDelivery() string {
	s.t.Helper()
	all, err := s.store.Deliveries(s.t.Context(), "it", 100)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range slices.Backward(all) {
		counts, err := s.store.CountDelivery(s.t.Context(), d.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(counts) > 0 {
			return d.ID
		}
	}
	s.t.Fatal("no delivery has rows")
	return ""
}

func storm(t *testing.T, s *stand) {
	if s.Storm == nil {
		return
	}
	s.Storm(4)
	leads := Leads(suiteLeads, nil)
	s.proved(s.persist(leads), suiteLeads, leads)
}

func undoRestores(t *testing.T, s *stand) {
	if s.Edit == nil || s.To.Spec().ProbeRows == 0 {
		return
	}
	leads := Leads(10, nil)
	keys := make([]string, len(leads))
	for n, l := range leads {
		keys[n] = s.Mapping.Check(l, deliver.Schema{}).Key
	}
	for _, key := range keys[:3] { // somebody had them before
		s.Edit(key, s.Field, "Old Name")
	}
	before := s.found(leads)
	sum := s.deliver(leads)
	if sum.Ops[deliver.Create] != 7 || sum.Ops[deliver.Update] != 3 {
		t.Fatalf("delivered %+v, want 7 created and 3 updated", sum)
	}
	s.Edit(keys[0], s.Field, "Their Name") // and people go on working
	s.Edit(keys[9], s.Field, "Their Own")
	back, err := s.engine(nil).Undo(t.Context(), sum.DeliveryID, s.To)
	if err != nil {
		t.Fatal(err)
	}
	s.balanced(back)
	after := s.found(leads)
	for n, key := range keys {
		want := before[key]
		if n == 9 || n == 0 { // kept
			got := after[key]
			if name := map[int]string{0: "Their Name", 9: "Their Own"}[n]; got.Matches != 1 || got.Fields.Text(s.Field) != name {
				t.Errorf("the edit %q of %s was not kept: %+v", name, key, got)
			}
			continue
		}
		if after[key].Matches != want.Matches {
			t.Errorf("%s: %d records after undo, %d before", key, after[key].Matches, want.Matches)
			continue
		}
		for _, name := range s.Mapping.Check(leads[n], deliver.Schema{}).Payload.Names() {
			if want.Fields.Text(name) != after[key].Fields.Text(name) {
				t.Errorf("%s: %s is %s after undo, was %s", key, name, after[key].Fields[name], want.Fields[name])
			}
		}
	}
}

func dryRun(t *testing.T, s *stand) {
	leads := Leads(suiteLeads, nil)
	shown := 0
	sum, err := s.engine(nil).DryRun(t.Context(), s.order(leads), func(c deliver.Change) error {
		shown++
		if c.State == deliver.Planned && len(c.Fields) == 0 {
			t.Errorf("the change of %s has no fields", c.Key)
		}
		return nil
	})
	if err != nil || shown != suiteLeads || sum.Ops[deliver.Create] != suiteLeads {
		t.Fatalf("foretold %+v, %d rows, %v", sum, shown, err)
	}
	for _, l := range leads {
		if key := s.Mapping.Check(l, deliver.Schema{}).Key; s.Effects != nil && s.Effects(key) != 0 {
			t.Fatalf("a dry run had an effect on %s", key)
		}
	}
}

func suppressed(t *testing.T, s *stand) {
	leads := Leads(suiteLeads, nil)
	e := s.engine(nil)
	e.Suppressed = func(_ context.Context, who deliver.Subject) (string, bool, error) {
		return "opted out", slices.Contains(who.Emails, "office@firm3.example"), nil
	}
	sum, err := e.Deliver(t.Context(), s.order(leads))
	if err != nil || sum.Rows[deliver.Suppressed] != 1 || sum.Rows[deliver.Accepted] != suiteLeads-1 {
		t.Fatalf("delivered %+v, %v", sum, err)
	}
	s.balanced(sum)
	if key := s.Mapping.Check(leads[2], deliver.Schema{}).Key; s.Effects != nil && s.Effects(key) != 0 {
		t.Errorf("a suppressed person has %d effects", s.Effects(key))
	}
}

// killedEverywhere ends a process at each of its calls in turn, and has
// another one go on.
func killedEverywhere(t *testing.T, bench func(*testing.T) Bench, after bool) {
	leads := Leads(6, nil)
	for n := int64(1); ; n++ {
		s := newStand(t, bench(t))
		m := &mortal{dieAt: n, after: after}
		e := s.engine(m)
		e.BatchRows, e.Workers = 3, 1
		_, err := e.Deliver(t.Context(), s.order(leads))
		if !m.died() {
			t.Logf("%d calls, each killed once", n-1)
			if err != nil || n < 10 {
				t.Fatalf("a delivery of %d calls ended with %v", n, err)
			}
			return
		}
		s.clock.Advance(10 * time.Minute) // its claims run out
		id := s.persist(leads)
		s.proved(id, int64(len(leads)), leads)
		if t.Failed() {
			t.Fatalf("killed at call %d", n)
		}
	}
}

// second are leads of which one is as before, one has changed, one is new and
// one is gone, after a first delivery of three.
func second() [][]byte {
	return slices.Delete(Leads(4, func(n int, l *leadlake.CanonicalLead) {
		if n == 2 {
			rename(n, l)
		}
	}), 2, 3)
}

// holds is what a destination has of the first leads: records, their fields, and
// how often each came to be.
func (s *stand) holds() string {
	s.t.Helper()
	var b strings.Builder
	all := Leads(4, nil)
	found := s.found(all)
	for _, l := range all {
		key := s.Mapping.Check(l, deliver.Schema{}).Key
		fmt.Fprintln(&b, key, found[key].Matches, string(deliver.Value(found[key].Fields)))
		if s.Effects != nil {
			fmt.Fprintln(&b, s.Effects(key), "effects")
		}
	}
	return b.String()
}

// changesKilled is killedEverywhere for a delivery that also changes and
// removes: it has to come to what an undisturbed one comes to.
func changesKilled(t *testing.T, bench func(*testing.T) Bench, after bool) {
	begun := func() *stand {
		s := newStand(t, bench(t))
		s.deliver(Leads(3, nil))
		return s
	}
	calm := begun()
	calm.deliver(second())
	want := calm.holds()
	for n := int64(1); ; n++ {
		s := begun()
		m := &mortal{dieAt: n, after: after}
		e := s.engine(m)
		e.Workers = 1
		_, err := e.Deliver(t.Context(), s.order(second()))
		if !m.died() {
			t.Logf("%d calls, each killed once", n-1)
			if err != nil || n < 10 {
				t.Fatalf("a delivery of %d calls ended with %v", n, err)
			}
			return
		}
		s.clock.Advance(10 * time.Minute)
		s.persist(second())
		if got := s.holds(); got != want {
			t.Fatalf("killed at call %d:\n%s\nwant\n%s", n, got, want)
		}
	}
}

// lossy carries calls out and loses some answers.
type lossy struct {
	next deliver.Doer
	lose func() bool
}

func newLossy(next deliver.Doer, r *rand.Rand, share float64) *lossy {
	dice := make(chan bool, 1024)
	for range cap(dice) {
		dice <- r.Float64() < share
	}
	return &lossy{next, func() bool {
		select {
		case d := <-dice:
			return d
		default:
			return false
		}
	}}
}

func (l *lossy) Do(r *http.Request) (*http.Response, error) {
	resp, err := l.next.Do(r)
	if err == nil && l.lose() {
		resp.Body.Close()
		return nil, leadlake.Errorf(leadlake.Unavailable, "call %s: no full answer", r.URL.Host)
	}
	return resp, err
}
