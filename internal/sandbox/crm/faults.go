package crm

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Fault makes calls go wrong. Each share is of the calls that fit App and
// Method, drawn from Seed; a call has one fault at most. It is the body of
// POST /__crm__/faults, one or a list. A call that fits several has the first
// that was drawn.
type Fault struct {
	App    string `json:"app,omitempty"`    // "" for every app
	Method string `json:"method,omitempty"` // "" for every method
	Seed   uint64 `json:"seed,omitempty"`
	After  int    `json:"after,omitempty"` // calls that pass before the first draw
	Times  int    `json:"times,omitempty"` // how many calls are drawn for; 0 for all that follow

	AcceptThenTimeout float64 `json:"accept_then_timeout,omitempty"` // the work is done, the answer never comes
	Error5xx          float64 `json:"error_5xx,omitempty"`           // nothing is done
	Storm429          float64 `json:"storm_429,omitempty"`           // this call and those after it are too many
	CutBody           float64 `json:"cut_body,omitempty"`            // the work is done, half of the answer comes

	Status     int `json:"status,omitempty"`      // of error_5xx; 503 by default
	StormCalls int `json:"storm_calls,omitempty"` // how long a storm is; 5 by default
	LatencyMS  int `json:"latency_ms,omitempty"`  // every call that fits waits so long
}

func (f Fault) check() error {
	sum := 0.0
	for _, share := range []float64{f.AcceptThenTimeout, f.Error5xx, f.Storm429, f.CutBody} {
		if share < 0 || share > 1 {
			return errors.New("a share is between 0 and 1")
		}
		sum += share
	}
	switch {
	case sum > 1.0001:
		return errors.New("the shares are more than 1 together")
	case f.Status != 0 && (f.Status < 500 || f.Status > 599):
		return errors.New("status must be 500 to 599")
	case f.LatencyMS < 0 || f.After < 0 || f.Times < 0 || f.StormCalls < 0:
		return errors.New("a count must not be negative")
	}
	return nil
}

// The kinds of fault, as GET /__crm__/calls names them.
const (
	faultAccept = "accept_then_timeout"
	faultError  = "error_5xx"
	faultStorm  = "storm_429"
	faultCut    = "cut_body"
)

// drawn is what befalls one call.
type drawn struct {
	kind    string // "" for nothing
	status  int
	latency time.Duration
}

type armed struct {
	Fault
	rng   *rand.Rand
	seen  int
	storm int // calls that a running storm still refuses
}

type faults struct {
	mu   sync.Mutex
	list []*armed
}

func (f *faults) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

func (f *faults) add(list ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range list {
		f.list = append(f.list, &armed{Fault: one, rng: rand.New(rand.NewPCG(one.Seed, 0x6c6561646c616b65))})
	}
}

// draw chooses what befalls a call.
func (f *faults) draw(app, method string) drawn {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out drawn
	for _, a := range f.list {
		if a.App != "" && a.App != app || a.Method != "" && a.Method != method {
			continue
		}
		d := a.next()
		out.latency += d.latency
		if out.kind == "" {
			out.kind, out.status = d.kind, d.status
		}
	}
	return out
}

func (a *armed) next() drawn {
	a.seen++
	if a.seen <= a.After || a.Times > 0 && a.seen > a.After+a.Times {
		return drawn{}
	}
	out := drawn{latency: time.Duration(a.LatencyMS) * time.Millisecond}
	if a.storm > 0 {
		a.storm--
		out.kind, out.status = faultStorm, http.StatusTooManyRequests
		return out
	}
	x := a.rng.Float64()
	for _, kind := range []struct {
		name  string
		share float64
	}{{faultAccept, a.AcceptThenTimeout}, {faultError, a.Error5xx}, {faultStorm, a.Storm429}, {faultCut, a.CutBody}} {
		if x -= kind.share; x < 0 {
			out.kind = kind.name
			break
		}
	}
	switch out.kind {
	case faultError:
		out.status = http.StatusServiceUnavailable
		if a.Status != 0 {
			out.status = a.Status
		}
	case faultStorm:
		out.status, a.storm = http.StatusTooManyRequests, 4
		if a.StormCalls > 0 {
			a.storm = a.StormCalls - 1
		}
	}
	return out
}
