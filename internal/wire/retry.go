package wire

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"github.com/leadlake/leadlake"
)

// retryPolicy repeats what judge marked, waiting as Retry-After says or with
// exponential backoff and full jitter (AWS Architecture Blog, "Exponential
// Backoff And Jitter"): a wait drawn evenly from zero to a doubling bound.
func retryPolicy(cfg Config) retrypolicy.RetryPolicy[*reply] {
	return retrypolicy.NewBuilder[*reply]().
		HandleIf(func(r *reply, _ error) bool { return r != nil && r.again }).
		WithMaxAttempts(cfg.MaxAttempts).
		WithDelayFunc(func(exec failsafe.ExecutionAttempt[*reply]) time.Duration {
			jitter := time.Duration(cfg.Rand() * float64(backoffBound(cfg, exec.Attempts())))
			if r := exec.LastResult(); r != nil && r.wait > 0 {
				// Callers that were told the same second must not return in it together.
				return r.wait + min(jitter, cfg.BaseDelay)
			}
			return jitter
		}).
		ReturnLastFailure().
		Build()
}

// backoffBound is the longest wait after attempt n, from 1.
func backoffBound(cfg Config, n int) time.Duration {
	bound := cfg.BaseDelay
	for range n - 1 {
		if bound >= cfg.MaxDelay/2 {
			return cfg.MaxDelay
		}
		bound *= 2
	}
	return min(bound, cfg.MaxDelay)
}

// judge decides whether the outcome of an attempt is worth another one.
func (c *Client) judge(req *http.Request, rep *reply, err error) {
	safe := c.cfg.ReadOnly || repeatable(req.Method)
	if err != nil {
		// Our own refusals and the caller's cancellation are final.
		if leadlake.ErrorCode(err) != leadlake.Unavailable {
			return
		}
		rep.down = true
		rep.again = safe || neverSent(err)
		return
	}
	switch status := rep.resp.StatusCode; {
	case status == http.StatusTooManyRequests:
		rep.again = !quotaOfTheDay(rep.body) // refused, so never carried out
	case status == http.StatusRequestTimeout:
		rep.again = safe
	case status >= 500 && status != http.StatusNotImplemented:
		rep.down = true
		rep.again = safe
	}
	if !rep.again {
		return
	}
	rep.wait = retryAfter(rep.resp.Header.Get("Retry-After"), c.cfg.Now())
	if rep.wait > c.cfg.MaxRetryAfter {
		rep.again = false
	}
}

// repeatable lists the methods that HTTP itself calls idempotent (RFC 9110,
// section 9.2.2).
func repeatable(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// neverSent says whether the connection was not even made.
func neverSent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// retryAfter reads both forms of the header: seconds and an HTTP date (RFC
// 9110, section 10.2.3). What it cannot read counts as absent.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
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
