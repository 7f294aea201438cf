package wire

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

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
	Verdict Verdict       `json:"verdict"`
	Until   time.Time     `json:"until,omitzero"`    // Spent: when calls are allowed again; zero where it is not said
	Wait    time.Duration `json:"wait,omitempty"`    // Slow, Pending: how long to wait; 0 where it is not said
	Message string        `json:"message,omitempty"` // the provider's words, for people; never a credential
}

// byStatus is the verdict of a provider that means what HTTP says. A 404 is
// not a Miss here: only the provider knows whether it is about the path or
// about what was asked for.
func byStatus(status int, body []byte) Verdict {
	switch {
	case status >= 200 && status <= 299:
		return Fine
	case status == http.StatusUnauthorized:
		return Denied
	case status == http.StatusPaymentRequired:
		return Spent
	case status == http.StatusForbidden, status == http.StatusUnavailableForLegalReasons:
		return Refused
	case status == http.StatusTooManyRequests && quotaOfTheDay(body):
		return Spent
	case status == http.StatusTooManyRequests:
		return Slow
	case status == http.StatusRequestTimeout:
		return Broken
	case status >= 500 && status != http.StatusNotImplemented:
		return Broken
	}
	return Wrong
}

// quotaOfTheDay recognises the 429 of Google's APIs that only midnight heals:
// it differs from the one of the minute in the name of the limit alone.
func quotaOfTheDay(body []byte) bool {
	var status struct {
		Error struct {
			Message string `json:"message"`
			Details []struct {
				Metadata map[string]any `json:"metadata"`
			} `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &status) != nil {
		return false
	}
	for _, d := range status.Error.Details {
		if limit, ok := d.Metadata["quota_limit"].(string); ok {
			return strings.Contains(limit, "PerDay")
		}
	}
	return strings.Contains(strings.ToLower(status.Error.Message), " per day'")
}
