package wire

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
)

// backoffBound is the longest wait after attempt n, from 1. The wait itself is
// drawn evenly from zero to it: exponential backoff with full jitter (AWS
// Architecture Blog, "Exponential Backoff And Jitter").
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

// decide says whether the outcome of attempt n is worth another one, and when.
func (c *Client) decide(req *http.Request, l *lane, rep *reply, err error, n int) {
	safe := c.cfg.ReadOnly || repeatable(req.Method)
	if err != nil {
		// Our own refusals and the caller's cancellation are final.
		if leadlake.ErrorCode(err) != leadlake.Unavailable {
			return
		}
		rep.down = true
		rep.again = safe || neverSent(err)
	} else {
		rep.judgement = l.judge(rep.resp.StatusCode, rep.resp.Header, rep.body)
		switch rep.judgement.Verdict {
		case Slow:
			rep.again = true // refused, so never carried out
		case Broken:
			rep.down = rep.resp.StatusCode != http.StatusRequestTimeout
			rep.again = safe
		}
	}
	if !rep.again {
		return
	}
	asked := rep.askedWait(c.cfg)
	if asked > c.cfg.MaxRetryAfter {
		rep.again = false
		return
	}
	jitter := time.Duration(c.cfg.Rand() * float64(backoffBound(c.cfg, n)))
	rep.wait = jitter
	if asked > 0 {
		// Callers that were told the same second must not return in it together.
		rep.wait = asked + min(jitter, c.cfg.BaseDelay)
	}
}

// askedWait is how long the provider wants us to wait; 0 where it does not say.
func (rep *reply) askedWait(cfg Config) time.Duration {
	if rep.resp == nil {
		return 0
	}
	now := cfg.Now()
	if rep.judgement.Wait > 0 {
		return rep.judgement.Wait
	}
	if wait := rep.judgement.Until.Sub(now); !rep.judgement.Until.IsZero() && wait > 0 {
		return wait
	}
	if wait := retryAfter(rep.resp.Header.Get("Retry-After"), now); wait > 0 {
		return wait
	}
	// A reset that is far off speaks of another window than the one that is full.
	if wait := resetAfter(rep.resp.Header, now); rep.judgement.Verdict == Slow && wait <= cfg.MaxRetryAfter {
		return wait
	}
	return 0
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

// resetAfter reads the limit headers that many APIs share: seconds from now,
// or seconds since 1970.
func resetAfter(h http.Header, now time.Time) time.Duration {
	for _, name := range []string{"RateLimit-Reset", "X-RateLimit-Reset"} {
		seconds, err := strconv.ParseFloat(strings.TrimSpace(h.Get(name)), 64)
		switch {
		case err != nil || seconds != seconds || seconds < 0 || seconds > 1e11:
			continue
		case seconds < 5e8:
			return time.Duration(seconds * float64(time.Second))
		default:
			return max(0, time.UnixMilli(int64(seconds*1000)).Sub(now))
		}
	}
	return 0
}
