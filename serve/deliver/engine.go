package deliver

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
)

// Ledger remembers what is to be sent, what was, and what became of it.
// *store.Store is one.
type Ledger interface {
	CreateDelivery(ctx context.Context, d store.Delivery) error
	UpdateDelivery(ctx context.Context, d store.Delivery) error
	Delivery(ctx context.Context, id string) (store.Delivery, error)
	Deliveries(ctx context.Context, destination string, limit int) ([]store.Delivery, error)
	OpenDeliveries(ctx context.Context, destination string) ([]store.Delivery, error)
	CountDelivery(ctx context.Context, id string) ([]store.DeliveryCount, error)
	LastAccepted(ctx context.Context, destination string) (time.Time, error)
	ReplaySince(ctx context.Context, destination string, since time.Time) (rows int64, err error)

	PlanRows(ctx context.Context, deliveryID string, rows []store.DeliveryRow, batches []store.BatchPlan) error
	ForgetPlan(ctx context.Context, deliveryID string) error
	OpenKeys(ctx context.Context, destination string) ([]string, error)

	ClaimBatch(ctx context.Context, deliveryID, holder string, ttl time.Duration) (store.BatchClaim, bool, error)
	RenewBatch(ctx context.Context, c store.BatchClaim, ttl time.Duration) (store.BatchClaim, error)
	NoteBatch(ctx context.Context, c store.BatchClaim, note string) error
	SaveRows(ctx context.Context, c store.BatchClaim, change store.BatchChange) error
	ReleaseBatch(ctx context.Context, c store.BatchClaim) error
	NextBatch(ctx context.Context, deliveryID string) (open int64, due time.Time, err error)

	RowsOfDelivery(ctx context.Context, deliveryID string, first, last int64) ([]store.DeliveryRow, error)
	DeliveredOf(ctx context.Context, destination string, keys []string) (map[string]store.Delivered, error)
	DeliveredOfScope(ctx context.Context, destination, scope, after string, limit int) ([]store.Delivered, error)

	Acquire(ctx context.Context, name, holder string, ttl time.Duration) (store.Lease, error)
	Renew(ctx context.Context, lease store.Lease, ttl time.Duration) (store.Lease, error)
	Release(ctx context.Context, lease store.Lease) error
}

// Doer sends one request. Retries of what was certainly not carried out, and
// rate limits, are behind it; wire.Client is one.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Subject is whom a row is about, for suppression.
type Subject struct {
	LeadID  string   `json:"lead_id"`
	Emails  []string `json:"emails,omitempty"`
	Phones  []string `json:"phones,omitempty"`
	Domains []string `json:"domains,omitempty"`
}

// Engine delivers. Ledger is required, HTTP where a destination is called, and
// Bucket where one keeps objects.
type Engine struct {
	Ledger Ledger
	HTTP   Doer
	Bucket *lake.Bucket
	Getenv func(name string) string // where secrets are; os.Getenv by default

	// Suppressed is asked about every row each time before it is sent. Nil:
	// nobody is suppressed.
	Suppressed func(ctx context.Context, s Subject) (reason string, yes bool, err error)

	Holder    string        // names this process in claims; a new id by default
	Workers   int           // batches at once; by default as many as fill Spec.Parallel
	BatchRows int           // rows of a claim, beyond the destination's own; 200 by default
	Lease     time.Duration // of a claim, which is renewed; 1 minute by default
	Patience  time.Duration // waits for rows that are due later end here; 2 minutes by default
	Now       func() time.Time
	Sleep     func(context.Context, time.Duration) error
	Rand      func() float64 // in [0, 1)
	NewID     func() string
	Log       *slog.Logger

	gate *gate // of one call of a method, which is about one destination
}

// Mode says what a delivery may do.
type Mode string

// The modes.
const (
	Sync   Mode = "sync"   // create, update, and remove what is no longer among the leads
	Add    Mode = "add"    // create only
	Enrich Mode = "enrich" // update only
	undo   Mode = "undo"   // see Engine.Undo
)

// Modes lists what a delivery may be asked for.
var Modes = []Mode{Sync, Add, Enrich}

// Order is what to deliver, and where.
type Order struct {
	Destination string // the name that the workspace gave it
	To          Destination
	Mapping     Mapping
	Mode        Mode
	Scope       string // what Leads are all of, such as a campaign; Sync removes within it
	RunID       string // of the leads
	Force       bool   // also where the destination is disabled after days without a success
	Partial     bool   // Leads are some of the scope's: nothing is removed

	// Leads are canonical leads as JSON. Of two with one key the first counts.
	// They are gone through again where the destination's fields have changed.
	Leads iter.Seq2[[]byte, error]
}

// Summary is what a delivery came to. Given equals Unchanged and all of Rows
// but the removals.
type Summary struct {
	DeliveryID  string          `json:"delivery_id"`
	Destination string          `json:"destination"`
	Mode        Mode            `json:"mode"`
	Undoes      string          `json:"undoes,omitempty"`
	Done        bool            `json:"done"`              // every row has its end
	Given       int64           `json:"given"`             // leads
	Unchanged   int64           `json:"unchanged"`         // of which the destination had all
	Rows        map[State]int64 `json:"rows"`              // the others, and removals, by how they ended
	Ops         map[Op]int64    `json:"ops"`               // accepted, by what was done
	Removals    int64           `json:"removals"`          // rows that were not among Given
	Due         time.Time       `json:"due,omitzero"`      // not Done: when it can go on
	Stopped     string          `json:"stopped,omitempty"` // not Done: why
}

// Balanced says whether every lead is accounted for.
func (s Summary) Balanced() bool {
	total := s.Unchanged - s.Removals
	for _, n := range s.Rows {
		total += n
	}
	return total == s.Given
}

// Deliver sends what has changed since the destination last accepted it. It may
// be repeated after any failure, also of the process: it first ends what an
// earlier call began, and nothing is sent twice. Processes that deliver to one
// destination at once help each other.
//
// A Summary that is not Done says when rows are due again; an error says why
// the delivery stopped, and the Summary what it had come to by then.
func (e *Engine) Deliver(ctx context.Context, o Order) (Summary, error) {
	e = e.withDefaults()
	if err := e.checkOrder(o); err != nil {
		return Summary{}, err
	}
	if err := e.checkHealth(ctx, o); err != nil {
		return Summary{}, err
	}
	if err := e.endOpen(ctx, o); err != nil {
		return Summary{}, err
	}
	d, err := e.plan(ctx, o)
	if err != nil {
		return Summary{}, err
	}
	return e.run(ctx, d, o.To)
}

// Resume goes on with the deliveries to a destination that are unfinished, and
// plans nothing new.
func (e *Engine) Resume(ctx context.Context, destination string, to Destination) ([]Summary, error) {
	return e.withDefaults().resume(ctx, destination, to)
}

func (e *Engine) resume(ctx context.Context, destination string, to Destination) ([]Summary, error) {
	open, err := e.Ledger.OpenDeliveries(ctx, destination)
	if err != nil {
		return nil, err
	}
	var all []Summary
	for _, d := range open {
		if d.State != store.DeliverySending {
			continue // somebody is planning it, or the next Deliver plans anew
		}
		s, err := e.run(ctx, d, to)
		all = append(all, s)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// ReplaySince sends again, with the ids that they had, all events that a
// destination has accepted since a time: for a receiver that has lost them. One
// that has not knows the ids. It is for destinations that cannot be read; where
// they can, Deliver and Prove say what is missing.
func (e *Engine) ReplaySince(ctx context.Context, destination string, to Destination, since time.Time) ([]Summary, error) {
	if spec := to.Spec(); spec.ProbeRows > 0 || !spec.Repeatable {
		return nil, leadlake.Errorf(leadlake.Invalid, "replay to %s: it keeps records, not events", destination).
			WithFix("look at what is missing: leadlake prove")
	}
	if _, err := e.Ledger.ReplaySince(ctx, destination, since); err != nil {
		return nil, err
	}
	return e.Resume(ctx, destination, to)
}

func (e *Engine) checkOrder(o Order) error {
	switch {
	case o.Destination == "":
		return leadlake.Errorf(leadlake.Invalid, "deliver: the destination has no name")
	case o.Mode != Sync && o.Mode != Add && o.Mode != Enrich:
		return leadlake.Errorf(leadlake.Invalid, "deliver to %s: mode %q: want one of %v", o.Destination, o.Mode, Modes)
	}
	return o.Mapping.check()
}

// checkHealth refuses a destination that has been failing for days.
func (e *Engine) checkHealth(ctx context.Context, o Order) error {
	after := o.To.Spec().DisableAfter
	if after == 0 || o.Force {
		return nil
	}
	open, err := e.Ledger.OpenDeliveries(ctx, o.Destination)
	open = slices.DeleteFunc(open, func(d store.Delivery) bool { return d.State != store.DeliverySending }) // nothing of a plan was tried
	if err != nil || len(open) == 0 {
		return err
	}
	last, err := e.Ledger.LastAccepted(ctx, o.Destination)
	if err != nil {
		return err
	}
	since := open[0].StartedAt
	if last.After(since) {
		since = last
	}
	if e.Now().Sub(since) < after {
		return nil
	}
	return leadlake.Errorf(leadlake.Forbidden, "deliver to %s: it has accepted nothing since %s and is disabled", o.Destination, since.Format(time.RFC3339)).
		WithFix("mend the receiver, then deliver once with --force")
}

// endOpen ends what earlier calls began.
func (e *Engine) endOpen(ctx context.Context, o Order) error {
	_, err := e.resume(ctx, o.Destination, o.To)
	return err
}

// run sends the rows of a planned delivery and sums it up.
func (e *Engine) run(ctx context.Context, d store.Delivery, to Destination) (Summary, error) {
	w, err := e.sender(d, to)
	if err != nil {
		return Summary{}, err
	}
	sendErr := w.send(ctx)
	sum, err := e.summarise(context.WithoutCancel(ctx), d)
	if err != nil {
		return sum, cmp.Or(sendErr, err)
	}
	if sendErr != nil {
		sum.Stopped = leadlake.ErrorMessage(sendErr)
		return sum, sendErr
	}
	if !sum.Done {
		return sum, nil
	}
	if f, ok := to.(Finisher); ok {
		if err := f.Finish(w.session(ctx, nil), sum); err != nil {
			return sum, err
		}
	}
	d.State, d.EndedAt, d.Error = store.DeliveryDone, e.Now(), ""
	return sum, e.Ledger.UpdateDelivery(ctx, d)
}

func (e *Engine) summarise(ctx context.Context, d store.Delivery) (Summary, error) {
	sum := Summary{
		DeliveryID: d.ID, Destination: d.Destination, Mode: Mode(d.Mode), Undoes: d.Undoes, Given: d.Given, Unchanged: d.Unchanged,
		Rows: map[State]int64{}, Ops: map[Op]int64{},
	}
	counts, err := e.Ledger.CountDelivery(ctx, d.ID)
	if err != nil {
		return sum, err
	}
	for _, c := range counts {
		sum.Rows[State(c.State)] += c.Rows
		if State(c.State) == Accepted {
			sum.Ops[Op(c.Op)] += c.Rows
		}
		if Op(c.Op) == Remove && Mode(d.Mode) != undo {
			sum.Removals += c.Rows
		}
	}
	open, due, err := e.Ledger.NextBatch(ctx, d.ID)
	sum.Done, sum.Due = open == 0, due
	return sum, err
}

func (e *Engine) withDefaults() *Engine {
	c := *e
	c.gate = c.newGate()
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	if c.NewID == nil {
		c.NewID = func() string { return uuid.Must(uuid.NewV7()).String() }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Holder = cmp.Or(c.Holder, c.NewID())
	c.BatchRows = cmp.Or(c.BatchRows, 200)
	c.Lease = cmp.Or(c.Lease, time.Minute)
	c.Patience = cmp.Or(c.Patience, 2*time.Minute)
	return &c
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
