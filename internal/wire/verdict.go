package wire

import "time"

// Verdict is what an answer means, whatever its provider says it with.
type Verdict string

// The verdicts. Only Slow and Broken are tried again by the door.
const (
	ByStatus Verdict = ""             // what HTTP says by the status
	Fine     Verdict = "ok"           // an answer
	Miss     Verdict = "miss"         // nothing is known, which is an answer, too
	Pending  Verdict = "pending"      // the provider is still looking: ask again
	Slow     Verdict = "rate_limited" // too many calls in a short window: wait
	Spent    Verdict = "quota_spent"  // the day's or month's quota, or the credits, are gone: stop
	Denied   Verdict = "denied"       // the key is wrong
	Refused  Verdict = "refused"      // the contract does not cover it
	Erased   Verdict = "erased"       // the subject asked not to be processed: drop and suppress
	Broken   Verdict = "broken"       // the provider has a fault
	Wrong    Verdict = "invalid"      // the request is wrong
)

// Judgement is a verdict with what the provider says to it.
type Judgement struct {
	Verdict Verdict
	Until   time.Time     // Spent: when calls are allowed again; zero where it is not said
	Wait    time.Duration // Slow, Pending: how long to wait; 0 where it is not said
	Message string        // the provider's words, for people; never a credential
}
