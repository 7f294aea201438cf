// Package deliver takes published leads to the places where they are worked
// on, with one effect per destination and natural key. Destinations only say
// what to ask and read the answers; the Engine owns everything else: what has
// changed, what was sent and what became of it, limits, attempts, doubts.
package deliver

import (
	"net/http"
	"time"

	"github.com/leadlake/leadlake/internal/wire"
)

// Destination is one place that leads are delivered to, set up with its
// settings (object, list, address). Its methods are pure but for what they do
// through the Session: no network, file, clock, log or random number of their
// own. They may be called from several goroutines at once.
//
// An error of a method says with its code what it means for the delivery:
// Unavailable, RateLimited and Budget end it until later, Unauthorized and
// Forbidden until somebody has mended the access.
type Destination interface {
	Spec() Spec

	// Authorize gets what the calls are signed with. The engine asks before the
	// first call, when Access.Until has passed, and once more when a call is
	// Denied. A destination that needs nothing returns the zero Access. Calls
	// of Authorize itself go out without an Access.
	Authorize(s Session) (Access, error)

	// Describe says which fields there are, so that a mapping can be checked.
	Describe(s Session) (Schema, error)

	// Deliver carries out a batch and says what became of each row, in the
	// order of the rows. At most Spec.BatchRows rows come at once, of distinct
	// keys. With an error the outcomes may be fewer, or have no State: the
	// engine then knows from Request.Rows which rows may have been changed.
	// An Invalid error before any row was changed makes the engine try again
	// with halves of the batch, until the bad row stands alone.
	Deliver(s Session, b Batch) ([]Outcome, error)

	// Probe reads the rows back: one Found for each row, in their order, with
	// the present values of at least the fields of Row.Fields. At most
	// Spec.ProbeRows rows come at once. It must see what was just written, or
	// Spec.Lag says how long that takes.
	Probe(s Session, rows []Row) ([]Found, error)

	// Feedback reads one page of what has happened to records since a cursor,
	// "" for the beginning. The same event has the same id each time.
	Feedback(s Session, cursor string) (Feedback, error)
}

// Judge is a destination that does not mean by a status, or by a body, what
// HTTP says: Salesforce refuses too many calls with 403. The zero Judgement
// leaves it to HTTP.
type Judge interface {
	Judge(status int, header http.Header, body []byte) Judgement
}

// Finisher is a destination that writes something when all rows of a delivery
// have their outcome, such as a manifest. Finish may be called again.
type Finisher interface {
	Finish(s Session, sum Summary) error
}

// Spec says what the engine has to know about a destination.
type Spec struct {
	Name    string // salesforce
	BaseURL string // where its paths begin, unless Access says; empty for objects

	Secrets []string // environment variables that Session.Secret may read; the first is required
	Limits  []Limit  // calls that it allows, per window and Request.Endpoint

	BatchRows int // rows of one Deliver
	ProbeRows int // rows of one Probe; 0: it cannot be read back
	Parallel  int // Delivers or Probes at once; 4 by default

	// Bulk is for destinations with a second way for many rows. It is used for
	// deliveries of more than BulkAbove rows, with Batch.Bulk; 0: there is none.
	BulkAbove, BulkRows int

	KeyField string // field that carries the natural key, such as Leadlake_Id__c; the mapping need not fill it
	Removes  bool   // it can remove a record
	Effect   string // in words: why a row has one effect, for the documents and for `prove`

	// Repeatable says that the same row sent twice has one effect (an upsert by
	// external id, the same webhook-id). Doubts are still probed where they can
	// be; where not, the row is sent again with the same Row.Idem.
	Repeatable bool
	Lag        time.Duration // a record shows up in Probe so late after it was written

	MaxAttempts  int             // sends of one row before it is a dead letter; 8 by default, len(Ladder)+1 where there is one
	Ladder       []time.Duration // waits after each attempt; nil: exponential with full jitter
	DisableAfter time.Duration   // so long without one success disables the destination; 0: never
}

// Session is how a method speaks with its destination: the engine's side of
// it. It must not be kept.
type Session interface {
	// Call sends one request through the one door, with the Access added. It
	// returns the answers that the method has to read: a success, a miss or a
	// refusal of what was sent (4xx). It is an error where the destination is
	// down, gave no answer, allows no more calls, or does not let us in;
	// methods pass that on as it is.
	Call(r Request) (Response, error)

	// Save keeps a note with the batch that a later attempt, also of another
	// process, finds as Batch.State: the id of a job. It is durable when Save
	// returns. Only Bulk batches have one. Save("") before Deliver returns when
	// the job is over: rows to Retry are then sent anew.
	Save(state string) error

	Sleep(d time.Duration) error // to wait for a job
	Now() time.Time              // for signatures
	Secret(name string) string   // one of Spec.Secrets
}

// Access is what calls carry to be let in.
type Access struct {
	BaseURL string      // in place of Spec.BaseURL: an instance_url, a data centre
	Header  http.Header // added to each call: Authorization
	Until   time.Time   // when it has to be renewed; zero: when a call is denied
}

// Request is one call. The engine adds the Access.
type Request struct {
	Method   string // GET by default
	URL      string // a path below the base URL, beginning with "/"; or a whole address below it (next page, upload)
	Header   http.Header
	Body     []byte
	Endpoint string // name of the method, for limits and counts: upsert_collection

	// Rows are the places in the batch that this call may change. A call
	// without any only reads. What is not known to have failed after such a
	// call is in doubt.
	Rows []int

	// Object, in place of a URL, is a key of the destination's bucket. PUT
	// stores Body if there is no such object, and answers 201, or 412 where
	// there is one; GET answers 200 or 404.
	Object string
}

// Response is the answer to a Request.
type Response struct {
	Status  int
	Header  http.Header
	Body    []byte
	Verdict Verdict // Fine, Miss, Pending, Erased or Wrong
}

// OK says whether the call succeeded.
func (r Response) OK() bool { return r.Verdict == Fine }

// Op is what is to be done with a record.
type Op string

// The operations. Which of Create and Update it is, is as of the last Probe;
// where there is none, as of what was accepted before.
const (
	Create Op = "create"
	Update Op = "update"
	Remove Op = "remove"
)

// Row is one record of a batch.
type Row struct {
	Key    string  // natural key: an external id, an e-mail in lower case
	LeadID string  // ours
	ID     string  // the record's id at the destination, where it is known
	Op     Op      //
	Fields Payload // what to write; of Remove, what was written last
	Idem   string  // idempotency key: the same for each attempt with the same fields; letters and digits
}

// Batch is what one Deliver carries out.
type Batch struct {
	ID       string    // same rows of the same delivery, same id; letters, digits and -
	Delivery string    // id of the delivery
	At       time.Time // when the delivery began: the same for each attempt
	Rows     []Row
	Bulk     bool   // the way for many rows
	State    string // what an earlier attempt at this batch has saved: go on from there, and send nothing twice
}

// State is how far a row is.
type State string

// The states. Deliver says Accepted, Rejected, Retry or InDoubt, the others
// are the engine's.
const (
	Accepted State = "accepted" // it has its effect
	Rejected State = "rejected" // it never will, as it is
	Retry    State = "retry"    // it had no effect, and may have one later
	InDoubt  State = "in_doubt" // nobody knows

	Planned    State = "planned"
	Sending    State = "sending"
	Dead       State = "dead"       // given up after so many attempts
	Skipped    State = "skipped"    // nothing to do, or the mode does not allow it
	Suppressed State = "suppressed" // the person does not want it
	Dropped    State = "dropped"    // a dead letter that somebody threw away
)

// Outcome is what became of one row.
type Outcome struct {
	State  State
	ID     string        // the record's id at the destination
	Op     Op            // Accepted: what happened, where it differs from what was asked
	Code   string        // not Accepted: short and stable: required_missing, duplicate_detected
	Reason string        // what is wrong, in the destination's words
	Fix    string        // what to do about it
	Wait   time.Duration // Retry: not before; 0 where it is not said
}

// Found is what there is at a destination for one row.
type Found struct {
	Matches   int       // records with the key: 0, 1, or more where it is not unique
	ID        string    // of the first
	Fields    Payload   // its values, in the form in which we would write them
	ChangedAt time.Time // when it was last changed; zero where that is not said
	Gone      string    // why a record that is there can no longer be changed: converted
}

// Schema is what a destination says about its fields.
type Schema struct {
	Fields []Field
}

// Type of a field's values.
type Type string

// The types. The zero Type takes anything.
const (
	Text     Type = "text"
	Number   Type = "number"
	Integer  Type = "integer"
	Boolean  Type = "boolean"
	Date     Type = "date"     // 2026-11-25
	DateTime Type = "datetime" // RFC 3339
	Picklist Type = "picklist"
	List     Type = "list"   // of texts
	Object   Type = "object" // any JSON
)

// Field is one field of a destination.
type Field struct {
	Name     string
	Type     Type
	Required bool     // a new record needs it
	ReadOnly bool     // it cannot be written
	MaxLen   int      // characters; 0: no limit
	Values   []string // of a Picklist; empty: any
}

// Feedback is one page of events.
type Feedback struct {
	Events []Event
	Next   string // cursor of what comes after; stays good for later pulls
	More   bool   // there is another page now
}

// Event is something that happened to a record that we delivered.
type Event struct {
	ID       string // same event, same id
	Key      string // natural key, where the event has it ...
	RemoteID string // ... or the record's id
	Kind     Kind   //
	At       time.Time
	Detail   string // in the destination's words: Closed Won
}

// Kind of an Event.
type Kind string

// The kinds.
const (
	Replied     Kind = "replied"
	Qualified   Kind = "qualified"
	Opportunity Kind = "opportunity"
	Won         Kind = "won"
	Lost        Kind = "lost"
	Bounced     Kind = "bounced"
	OptedOut    Kind = "opted_out"
)

type (
	// Limit is a number of calls that a destination allows in a window.
	Limit = wire.Limit
	// Judgement is a verdict with what the destination says to it.
	Judgement = wire.Judgement
	// Verdict is what an answer means, whatever its destination says it with.
	Verdict = wire.Verdict
)

// Windows and verdicts of package wire.
const (
	PerSecond     = wire.PerSecond
	PerTenSeconds = wire.PerTenSeconds
	PerMinute     = wire.PerMinute
	PerHour       = wire.PerHour
	PerDay        = wire.PerDay

	Fine    = wire.Fine
	Miss    = wire.Miss
	Pending = wire.Pending
	Slow    = wire.Slow
	Spent   = wire.Spent
	Denied  = wire.Denied
	Refused = wire.Refused
	Erased  = wire.Erased
	Broken  = wire.Broken
	Wrong   = wire.Wrong
)
