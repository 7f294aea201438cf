package crm

import (
	"hash/maphash"
	"maps"
	"sync"
	"time"
)

// Effect is one change that a caller made in a system.
type Effect struct {
	App    string
	Object string
	Key    string // the natural key: an external id, an e-mail, a hash, a webhook-id
	ID     string // the system's own
	Op     string // opCreate, opUpdate, opDelete or opEvent
	At     time.Time
}

// The operations of an Effect.
const (
	opCreate = "create"
	opUpdate = "update"
	opDelete = "delete"
	opEvent  = "event" // something that cannot be taken back: a message, a webhook
)

// EffectCount says what was done to one kind of object. GET /__crm__/effects
// gives one per app and object.
type EffectCount struct {
	Creates int `json:"creates"`
	Updates int `json:"updates"`
	Deletes int `json:"deletes"`
	Events  int `json:"events"`
	Keys    int `json:"keys"` // natural keys that were ever created or had an event
	Live    int `json:"live"` // keys that exist now
	// Duplicates are the keys that existed more than once at a time, or whose
	// event happened more than once, with the most there was of each. A key that
	// was deleted between two creates is none.
	Duplicates map[string]int `json:"duplicates,omitempty"`
}

// effects counts without keeping every key: a run of a million deliveries
// leaves sixteen bytes for each.
type effects struct {
	mu   sync.Mutex
	seed maphash.Seed
	of   map[string]map[string]*tally
}

type tally struct {
	EffectCount
	live map[uint64]int32 // by hash of the key: how many exist, or events
}

func (e *effects) reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seed, e.of = maphash.MakeSeed(), map[string]map[string]*tally{}
}

// effect counts a change. Apps call it once for each change, while they hold
// the lock that makes the change one step.
func (s *Server) effect(f Effect) {
	e := &s.effects
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.of[f.App] == nil {
		e.of[f.App] = map[string]*tally{}
	}
	t := e.of[f.App][f.Object]
	if t == nil {
		t = &tally{live: map[uint64]int32{}}
		e.of[f.App][f.Object] = t
	}
	key := maphash.String(e.seed, f.Key)
	switch f.Op {
	case opUpdate:
		t.Updates++
	case opDelete:
		t.Deletes++
		if t.live[key] > 0 {
			t.live[key]--
			t.Live--
		}
	default:
		if f.Op == opEvent {
			t.Events++
		} else {
			t.Creates++
		}
		if _, known := t.live[key]; !known {
			t.Keys++
		}
		t.live[key]++
		t.Live++
		if n := int(t.live[key]); n > 1 {
			if t.Duplicates == nil {
				t.Duplicates = map[string]int{}
			}
			t.Duplicates[f.Key] = max(t.Duplicates[f.Key], n)
		}
	}
}

// Effects counts what callers did, by app and object.
func (s *Server) Effects() map[string]map[string]EffectCount {
	e := &s.effects
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[string]map[string]EffectCount{}
	for app, objects := range e.of {
		out[app] = map[string]EffectCount{}
		for object, t := range objects {
			n := t.EffectCount
			n.Duplicates = maps.Clone(n.Duplicates)
			out[app][object] = n
		}
	}
	return out
}

// exists tells how often a key exists now, or how many events it had.
func (s *Server) exists(app, object, key string) int {
	e := &s.effects
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.of[app][object]; t != nil {
		return int(t.live[maphash.String(e.seed, key)])
	}
	return 0
}

// CallCount says how often a method was called.
type CallCount struct {
	Calls    int            `json:"calls"`
	Statuses map[int]int    `json:"statuses"`         // of answers, whether they arrived or not
	Faults   map[string]int `json:"faults,omitempty"` // by kind
}

type calls struct {
	mu sync.Mutex
	of map[string]map[string]*CallCount
}

func (c *calls) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of = map[string]map[string]*CallCount{}
}

func (c *calls) add(app, method string, status int, fault string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[app] == nil {
		c.of[app] = map[string]*CallCount{}
	}
	n := c.of[app][method]
	if n == nil {
		n = &CallCount{Statuses: map[int]int{}}
		c.of[app][method] = n
	}
	n.Calls++
	n.Statuses[status]++
	if fault != "" {
		if n.Faults == nil {
			n.Faults = map[string]int{}
		}
		n.Faults[fault]++
	}
}

// count tells how often a method was called, and what came of it.
func (c *calls) count(app, method string) CallCount {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.of[app][method]
	if n == nil {
		return CallCount{}
	}
	return CallCount{n.Calls, maps.Clone(n.Statuses), maps.Clone(n.Faults)}
}
