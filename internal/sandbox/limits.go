package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// limited is a provider whose documented limits the sandbox enforces where
// Config.Limits is set. A call beyond a limit is answered by the provider's
// refuse with a Fault of the limit's Status and Reason; a refused call does not
// count.
type limited interface {
	provider
	limits() []limit
}

// headed is a limited provider that prints its limits in headers. It gets them
// for every answer, counted or refused, where Config.Limits is set; each state
// is one limit of the call's method, in the order of limits().
type headed interface {
	limited
	limitHeaders(h http.Header, states []limitState)
}

// limit is one window of a provider. It counts for each credential and each
// method of Methods apart, or for all methods together where Shared.
type limit struct {
	Methods []string // of routes; nil for every method
	Shared  bool     // the methods draw from one pot
	Max     int      // calls within a window
	Per     time.Duration
	Opens   opening
	Zone    *time.Location // where the clock of a Clock window is read; nil for UTC
	Status  int            // of the refusal; 429 where 0
	Reason  string         // of the Fault that the provider's refuse prints
}

// opening says when a window begins.
type opening int

// The openings.
const (
	Clock        opening = iota // at the full minute, hour or midnight
	FirstRequest                // with the first call after the last window ended
)

// limitState is where a caller stands after a call.
type limitState struct {
	limit
	Left    int       // calls left in the window
	Resets  time.Time // when it ends
	Refused bool      // this call went beyond it
}

// meter counts the calls of every caller.
type meter struct {
	mu      sync.Mutex
	windows map[string]*window
}

type window struct {
	ends time.Time
	used int
}

func newMeter() *meter { return &meter{windows: map[string]*window{}} }

func (m *meter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.windows = map[string]*window{}
}

// take counts a call in every limit of its method, or in none where one of them
// is used up; refused is that one.
func (m *meter) take(p limited, method, caller string, now time.Time) (states []limitState, refused *limitState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var open []*window
	for i, l := range p.limits() {
		if l.Methods != nil && !slices.Contains(l.Methods, method) {
			continue
		}
		pot := method
		if l.Shared {
			pot = "*"
		}
		key := strings.Join([]string{p.name(), string(rune('a' + i)), pot, caller}, "\x00")
		w := m.windows[key]
		if w == nil || !now.Before(w.ends) {
			w = &window{ends: l.end(now)}
			m.windows[key] = w
		}
		open = append(open, w)
		states = append(states, limitState{limit: l, Resets: w.ends, Refused: w.used >= l.Max})
	}
	for i := range states {
		if states[i].Refused && refused == nil {
			refused = &states[i]
		}
	}
	for i, w := range open {
		if refused == nil {
			w.used++
		}
		states[i].Left = states[i].Max - w.used
	}
	return states, refused
}

// end is when a window that holds now ends.
func (l limit) end(now time.Time) time.Time {
	if l.Opens == FirstRequest {
		return now.Add(l.Per)
	}
	if l.Per < 24*time.Hour {
		return now.Truncate(l.Per).Add(l.Per)
	}
	zone := l.Zone
	if zone == nil {
		zone = time.UTC
	}
	y, month, d := now.In(zone).Date()
	return time.Date(y, month, d+int(l.Per/(24*time.Hour)), 0, 0, 0, 0, zone)
}

// caller is the credential of a request, wherever a provider takes it.
func caller(r *http.Request) string {
	for _, name := range []string{"X-Goog-Api-Key", "X-Api-Key", "X-Cb-User-Key", "X-Api-Token", "Authorization"} {
		if v := r.Header.Get(name); v != "" {
			return v
		}
	}
	q := r.URL.Query()
	for _, name := range credentialParams {
		if v := q.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// credentialParams are the parameters that hold a key.
var credentialParams = [...]string{"key", "api_key", "api_token", "user_key", "apikey"}
