// Package wire is the one door through which leadlake speaks HTTP. It refuses
// addresses inside the network unless the operator allowed them, keeps each
// provider's limits, repeats what may be repeated, stops calling what is down,
// keeps answers that were paid for, and never writes a credential to a log or
// an error.
package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/leadlake/leadlake"
)

// Doer sends one request. *Client, *Spool, *Door and *http.Client are Doers.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Config sets a Client up. Zero values mean the defaults named beside them.
type Config struct {
	// Providers have limits and a circuit breaker each. A host that none of
	// them names has a breaker of its own and no limit.
	Providers []Provider

	// Limiter keeps the state of the providers' limits; nil: this client alone.
	Limiter Limiter

	// Allow opens addresses that are refused by default: an IP ("127.0.0.1"),
	// a network ("10.1.0.0/16") or one port ("127.0.0.1:8093").
	Allow []string

	// Transport stands in for the network in tests: a provider in this process.
	// Allow says nothing about it.
	Transport http.RoundTripper

	// ReadOnly says that every request only reads, so that a POST that was
	// perhaps carried out may be sent again. Search APIs are of that kind.
	ReadOnly bool

	Timeout       time.Duration // of one attempt, body included; 30 s
	MaxAttempts   int           // 6
	BaseDelay     time.Duration // upper bound of the first wait; 1 s
	MaxDelay      time.Duration // upper bound of later waits; 32 s
	MaxRetryAfter time.Duration // a longer Retry-After ends the attempts; 2 min
	MaxLimitWait  time.Duration // a call waits at most this long for a new hour; 2 min
	MaxBody       int64         // bytes of one answer; 32 MiB

	BreakerFailures uint          // failures in a row that stop the calls; 10
	BreakerDelay    time.Duration // how long they stop; 30 s

	UserAgent string                                     // "leadlake/<version>"
	Log       *slog.Logger                               // discarded
	Now       func() time.Time                           // time.Now
	Sleep     func(context.Context, time.Duration) error // waits, or returns why the context ended
	Rand      func() float64                             // in [0, 1); math/rand
}

// Provider is a party that requests go to.
type Provider struct {
	Name          string
	BaseURL       string // requests below it are the provider's
	Limits        []Limit
	RatePerSecond float64                                                     // stands in place of Limits of seconds and minutes; 0: they hold
	Burst         int                                                         // calls that may go at once under RatePerSecond; 1
	Judge         func(status int, header http.Header, body []byte) Judgement // nil: by the status
}

// Client is a Doer that keeps the rules of this package. It is safe for
// concurrent use.
type Client struct {
	cfg   Config
	http  *http.Client
	lanes *lanes
}

var _ Doer = (*Client)(nil)

// New makes a Client. It fails on an address in Allow or a base URL that
// cannot be read.
func New(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	guard, err := newGuard(cfg.Allow)
	if err != nil {
		return nil, err
	}
	lanes, err := newLanes(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Transport == nil {
		cfg.Transport = guard.transport()
	}
	return &Client{
		cfg:   cfg,
		http:  &http.Client{Transport: cfg.Transport, CheckRedirect: sameHost},
		lanes: lanes,
	}, nil
}

func (c Config) withDefaults() Config {
	orDefault(&c.Timeout, 30*time.Second)
	orDefault(&c.MaxAttempts, 6)
	orDefault(&c.BaseDelay, time.Second)
	orDefault(&c.MaxDelay, 32*time.Second)
	orDefault(&c.MaxRetryAfter, 2*time.Minute)
	orDefault(&c.MaxLimitWait, 2*time.Minute)
	orDefault(&c.MaxBody, 32<<20)
	orDefault(&c.BreakerFailures, 10)
	orDefault(&c.BreakerDelay, 30*time.Second)
	orDefault(&c.UserAgent, "leadlake/"+leadlake.Version)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Limiter == nil {
		c.Limiter = newMemory()
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	return c
}

func orDefault[T comparable](v *T, fallback T) {
	var zero T
	if *v == zero {
		*v = fallback
	}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// sleep is Config.Sleep by default.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Do sends req and returns the last answer, whatever its status, with its
// whole body in memory; closing the body is optional. JudgementOf says what
// the answer means. It returns an error only where there is no answer:
// Forbidden for a refused address or redirect, Invalid for a body that is too
// large or too deep, RateLimited where a limit is used up, Unavailable for a
// network failure or an open circuit breaker, the context's error where the
// caller gave up.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" && req.URL.Scheme != "http" {
		return nil, leadlake.Errorf(leadlake.Invalid, "call %s: scheme %q is not http or https", req.URL.Host, req.URL.Scheme)
	}
	req, err := withRepeatableBody(req)
	if err != nil {
		return nil, err
	}
	call := callOf(req.Context())
	lane := c.lanes.of(call, req.URL)
	for n := 1; ; n++ {
		rep, err := c.attempt(req, lane, call, n)
		if rep.again && n < c.cfg.MaxAttempts {
			if err := c.pause(req, lane, call, rep); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		rep.resp.Body = io.NopCloser(bytes.NewReader(rep.body))
		attach(rep.resp, req, outcome{rep.judgement, Stats{Attempts: n, Millis: rep.millis, Bytes: len(rep.body)}})
		return rep.resp, nil
	}
}

// pause waits before the next attempt. Where the provider has had too many
// calls, all others wait as well.
func (c *Client) pause(req *http.Request, lane *lane, call Call, rep *reply) error {
	ctx, stop := waiting(req.Context())
	defer stop()
	if rep.judgement.Verdict == Slow {
		if err := lane.hold(ctx, call, c.cfg.Now().Add(rep.wait)); err != nil {
			return lane.waitError(err)
		}
	}
	if err := c.cfg.Sleep(ctx, rep.wait); err != nil {
		return fmt.Errorf("wait to call %s again: %w", lane.name, err)
	}
	return nil
}

// withRepeatableBody clones req so that each attempt can read its body anew.
func withRepeatableBody(req *http.Request) (*http.Request, error) {
	req = req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody || req.GetBody != nil {
		return req, nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("call %s: read request body: %w", req.URL.Host, err)
	}
	req.Body.Close()
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return req, nil
}

// reply is one attempt's outcome and what follows from it.
type reply struct {
	resp      *http.Response
	body      []byte
	millis    int64
	judgement Judgement
	again     bool          // worth another attempt
	down      bool          // speaks for the provider being down
	wait      time.Duration // until the next attempt
}

// attempt sends req once, when the limits allow it. A reply comes with every
// error.
func (c *Client) attempt(req *http.Request, lane *lane, call Call, n int) (*reply, error) {
	down := leadlake.Errorf(leadlake.Unavailable, "call %s: it failed %d times in a row and is left alone for a while", lane.name, c.cfg.BreakerFailures).
		WithFix("try again in %s", c.cfg.BreakerDelay)
	if lane.breaker.IsOpen() && lane.breaker.RemainingDelay() > 0 {
		return &reply{}, down // before it takes a place in a limit
	}
	if err := lane.rules(call).wait(req.Context(), c, lane); err != nil {
		return &reply{}, err
	}
	if !lane.breaker.TryAcquirePermit() {
		return &reply{}, down
	}
	ctx, cancel := context.WithTimeout(req.Context(), c.cfg.Timeout)
	defer cancel()
	start := c.cfg.Now()
	rep, err := c.send(ctx, req)
	rep.millis = c.cfg.Now().Sub(start).Milliseconds()
	c.decide(req, lane, rep, err, n)
	if rep.down {
		lane.breaker.RecordFailure()
	} else {
		lane.breaker.RecordSuccess()
	}
	attrs := []slog.Attr{
		slog.String("source", lane.name), slog.String("method", req.Method), slog.String("host", req.URL.Host),
		slog.Int("attempt", n), slog.Int64("dur_ms", rep.millis),
	}
	level := slog.LevelDebug
	if err != nil {
		attrs = append(attrs, slog.Any("err", err))
		level = slog.LevelWarn
	} else {
		attrs = append(attrs, slog.Int("status", rep.resp.StatusCode), slog.Int("bytes", len(rep.body)),
			slog.String("verdict", string(rep.judgement.Verdict)))
	}
	c.cfg.Log.LogAttrs(req.Context(), level, "http call", attrs...)
	return rep, err
}

// send makes one round trip and reads the whole answer.
func (c *Client) send(ctx context.Context, req *http.Request) (*reply, error) {
	rep := &reply{}
	one := req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return rep, fmt.Errorf("call %s: read request body: %w", req.URL.Host, err)
		}
		one.Body = body
	}
	if one.Header.Get("User-Agent") == "" {
		one.Header.Set("User-Agent", c.cfg.UserAgent)
	}
	resp, err := c.http.Do(one)
	if err != nil {
		return rep, c.callError(req, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.cfg.MaxBody+1))
	if err != nil {
		return rep, c.callError(req, fmt.Errorf("read answer: %w", err))
	}
	if int64(len(body)) > c.cfg.MaxBody {
		return rep, leadlake.Errorf(leadlake.Invalid, "call %s: the answer is larger than %d bytes", req.URL.Host, c.cfg.MaxBody)
	}
	if tooDeep(body) {
		return rep, leadlake.Errorf(leadlake.Invalid, "call %s: the answer is nested deeper than %d", req.URL.Host, maxDepth)
	}
	rep.resp, rep.body = resp, body
	return rep, nil
}

// callError names the host and drops the rest of the URL, which may hold a key.
func (c *Client) callError(req *http.Request, err error) error {
	if ctxErr := req.Context().Err(); ctxErr != nil {
		return fmt.Errorf("call %s: %w", req.URL.Host, ctxErr)
	}
	var ours *leadlake.Error
	if errors.As(err, &ours) {
		return ours
	}
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		err = urlErr.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return leadlake.Errorf(leadlake.Unavailable, "call %s: no full answer within %s: %w", req.URL.Host, c.cfg.Timeout, err)
	}
	return leadlake.Errorf(leadlake.Unavailable, "call %s: %w", req.URL.Host, err)
}
