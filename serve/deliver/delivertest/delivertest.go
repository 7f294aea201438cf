// Package delivertest is the suite that every destination passes, against a
// counterpart that keeps state: rows are equal there, one bad row fails alone,
// lost answers and killed processes have one effect, limits are waited for,
// undo restores.
package delivertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
)

// Bench is a destination beside its counterpart.
type Bench struct {
	To      deliver.Destination
	Mapping deliver.Mapping
	HTTP    deliver.Doer // leads to the counterpart
	Bucket  *lake.Bucket // where objects are kept
	Getenv  func(string) string
	Clock   *Clock // where the counterpart goes by one; a new one by default

	// Effects is how often the record or event of a key came to be.
	Effects func(key string) int

	// Bad makes a lead one that the destination, not the mapping, rejects. Nil
	// where nothing is ever rejected.
	Bad func(*leadlake.CanonicalLead)

	// Edit does what a person there does: it makes a record with the key, or
	// changes the field of one. Field is one that the mapping fills. Nil where
	// there are no people.
	Edit  func(key, field, value string)
	Field string

	// Storm makes the next n calls too many. Nil where there are no limits.
	Storm func(n int)
}

// Clock is a time that moves when somebody sleeps.
type Clock struct{ micros atomic.Int64 }

// NewClock begins now: signatures of webhooks have to be of today.
func NewClock() *Clock {
	c := &Clock{}
	c.micros.Store(time.Now().UnixMicro())
	return c
}

// Now is the time.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.micros.Load()).UTC() }

// Advance moves it.
func (c *Clock) Advance(d time.Duration) { c.micros.Add(max(1, d.Microseconds())) }

// Lead is a made-up lead by its number, with all that default mappings use.
func Lead(n int) leadlake.CanonicalLead {
	site, line2, linked := fmt.Sprintf("https://firm%d.example", n), "Suite 5", fmt.Sprintf("https://linkedin.example/firm%d", n)
	score := 40 + n%50
	return leadlake.CanonicalLead{
		LeadID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n), CampaignID: "c1", RunID: "r1", Name: fmt.Sprintf("Firm %d", n),
		Vertical: leadlake.LocalServices, Website: &site, Domains: []string{fmt.Sprintf("firm%d.example", n)},
		Emails:  []leadlake.Email{{Value: fmt.Sprintf("office@firm%d.example", n), Type: "role"}},
		Phones:  []leadlake.Phone{{Value: fmt.Sprintf("+1501555%04d", n%10000), Type: "main"}},
		Address: &leadlake.Address{Line1: fmt.Sprintf("%d Main St", n), Line2: &line2, City: "Little Rock", Region: "AR", Postal: "72201", Country: "US"},
		Social:  leadlake.Social{LinkedIn: &linked}, LeadScore: &score, PriorityTier: leadlake.TierB, ScoreExplanations: []string{"well rated"},
		Sources:    []string{"yelp"},
		Provenance: []leadlake.ProvenanceEntry{{Field: "name", Provider: "yelp", Confidence: 0.9}},
		CreatedAt:  time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC),
	}
}

// Leads are n of them, each changed where change is not nil.
func Leads(n int, change func(n int, l *leadlake.CanonicalLead)) [][]byte {
	var all [][]byte
	for i := 1; i <= n; i++ {
		l := Lead(i)
		if change != nil {
			change(i, &l)
		}
		text, err := json.Marshal(l)
		if err != nil {
			panic(err) // it has nothing that JSON lacks
		}
		all = append(all, text)
	}
	return all
}

// Each gives leads as an Order wants them.
func Each(leads [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, l := range leads {
			if !yield(l, nil) {
				return
			}
		}
	}
}

// stand is a bench with an engine and a ledger of its own.
type stand struct {
	Bench
	t     *testing.T
	clock *Clock
	store *store.Store
	calls atomic.Int64
}

func newStand(t *testing.T, b Bench) *stand {
	t.Helper()
	s := &stand{Bench: b, t: t, clock: b.Clock}
	if s.clock == nil {
		s.clock = NewClock()
	}
	var err error
	s.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "control.sqlite"), store.Options{Now: s.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	return s
}

type doerFunc func(*http.Request) (*http.Response, error)

func (f doerFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// engine is a process. Its calls and writes go through io, where that is not
// nil.
func (s *stand) engine(io *mortal) *deliver.Engine {
	e := &deliver.Engine{
		Ledger: s.store, Bucket: s.Bucket, Getenv: s.Getenv, Now: s.clock.Now, Rand: func() float64 { return 0.5 }, Lease: time.Minute,
		Patience: 10 * 24 * time.Hour, Sleep: s.sleep,
		HTTP: doerFunc(func(r *http.Request) (*http.Response, error) { s.calls.Add(1); return s.HTTP.Do(r) }),
	}
	if io != nil {
		e.HTTP, e.Ledger = io.doer(e.HTTP), &mortalLedger{s.store, io}
		if s.Bucket != nil {
			e.Bucket = io.bucket(s.Bucket)
		}
	}
	return e
}

func (s *stand) order(leads [][]byte) deliver.Order {
	return deliver.Order{Destination: "it", To: s.To, Mapping: s.Mapping, Mode: deliver.Sync, Scope: "c1", RunID: "r1", Leads: Each(leads)}
}

func (s *stand) deliver(leads [][]byte) deliver.Summary {
	s.t.Helper()
	sum, err := s.engine(nil).Deliver(s.t.Context(), s.order(leads))
	if err != nil {
		s.t.Fatal(err)
	}
	s.balanced(sum)
	return sum
}

func (s *stand) balanced(sum deliver.Summary) {
	s.t.Helper()
	if !sum.Done || !sum.Balanced() {
		s.t.Errorf("the delivery is not done, or its rows do not add up: %+v", sum)
	}
}

// proved reads everything back, and holds the destination to one effect a key.
func (s *stand) proved(id string, want int64, leads [][]byte) {
	s.t.Helper()
	var lapses []deliver.Lapse
	proof, err := s.engine(nil).Prove(s.t.Context(), id, s.To, func(l deliver.Lapse) error { lapses = append(lapses, l); return nil })
	if err != nil {
		s.t.Fatal(err)
	}
	if !proof.OK() || proof.Expected != want || proof.Found != want || proof.Changed > 0 {
		s.t.Errorf("proof: %+v, want %d found; lapses %+v", proof, want, lapses)
	}
	for _, l := range leads {
		if key := s.Mapping.Check(l, deliver.Schema{}).Key; s.Effects != nil && s.Effects(key) != 1 {
			s.t.Errorf("key %s has %d effects, want 1", key, s.Effects(key))
		}
	}
}

// found reads records back through the destination.
func (s *stand) found(leads [][]byte) map[string]deliver.Found {
	s.t.Helper()
	all := map[string]deliver.Found{}
	rows := make([]deliver.Row, 0, len(leads))
	for _, l := range leads {
		c := s.Mapping.Check(l, deliver.Schema{})
		rows = append(rows, deliver.Row{Key: c.Key, Fields: c.Payload, Op: deliver.Update})
	}
	size := max(1, s.To.Spec().ProbeRows)
	for first := 0; first < len(rows); first += size {
		part := rows[first:min(len(rows), first+size)]
		found, err := s.engine(nil).Read(s.t.Context(), s.To, part)
		if err != nil {
			s.t.Fatal(err)
		}
		for n, f := range found {
			all[part[n].Key] = f
		}
	}
	return all
}

var errDied = errors.New("the process has died")
