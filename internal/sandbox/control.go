package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// Fault makes calls fail. It is the body of POST /__sandbox/faults.
type Fault struct {
	Provider   string `json:"provider,omitempty"`    // "" for every provider
	Method     string `json:"method,omitempty"`      // "" for every method
	After      int    `json:"after,omitempty"`       // calls that pass before the first failure
	Times      int    `json:"times,omitempty"`       // how many calls fail; 0 for all that follow
	Status     int    `json:"status,omitempty"`      // answer with this status instead of the result
	Reason     string `json:"reason,omitempty"`      // of a 429: per_minute (default) or per_day; else the provider's own word
	RetryAfter string `json:"retry_after,omitempty"` // value of the header
	LatencyMS  int    `json:"latency_ms,omitempty"`  // wait before the answer
	CutBody    int    `json:"cut_body,omitempty"`    // break the connection after so many bytes of the answer
}

// Count says how often a method was called. It is an entry of
// GET /__sandbox/calls.
type Count struct {
	Calls   int `json:"calls"`   // all
	OK      int `json:"ok"`      // answered whole with status 200: what a provider bills
	Repeats int `json:"repeats"` // of OK, those that asked what an earlier one had asked
}

// control is what the control plane and the provider paths share.
type control struct {
	mu     sync.Mutex
	faults []*armed
	counts map[string]map[string]*Count
	asked  map[string]bool
}

type armed struct {
	Fault
	seen int
}

func newControl() *control {
	c := &control{}
	c.reset()
	return c
}

func (c *control) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults, c.counts, c.asked = nil, map[string]map[string]*Count{}, map[string]bool{}
}

// arrive returns the first fault that is due for a call; the zero Fault for
// none.
func (c *control) arrive(provider, method string) Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts[provider] == nil {
		c.counts[provider] = map[string]*Count{}
	}
	if c.counts[provider][method] == nil {
		c.counts[provider][method] = &Count{}
	}
	c.counts[provider][method].Calls++
	var due *Fault
	for _, f := range c.faults {
		if f.Provider != "" && f.Provider != provider || f.Method != "" && f.Method != method {
			continue
		}
		f.seen++
		if due == nil && f.seen > f.After && (f.Times == 0 || f.seen <= f.After+f.Times) {
			due = &f.Fault
		}
	}
	if due == nil {
		return Fault{}
	}
	return *due
}

func (c *control) depart(provider, method string, ok bool, question string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.counts[provider][method]
	if !ok || n == nil { // n is nil where a reset came in between
		return
	}
	n.OK++
	question = provider + " " + method + " " + question
	if c.asked[question] {
		n.Repeats++
	}
	c.asked[question] = true
}

// fingerprint identifies what a request asks: its address without the
// credential, its field mask and its body.
func fingerprint(r *http.Request, body []byte) string {
	q := r.URL.Query()
	q.Del("key")
	h := sha256.New()
	for _, part := range []string{r.URL.Path, q.Encode(), r.Header.Get(maskHeader), string(body)} {
		h.Write([]byte(url.QueryEscape(part) + " "))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (s *Server) controlRoutes() {
	s.mux.HandleFunc("POST /__sandbox/faults", s.addFaults)
	s.mux.HandleFunc("POST /__sandbox/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.control.reset()
		w.WriteHeader(http.StatusNoContent)
	})
	s.mux.HandleFunc("GET /__sandbox/calls", func(w http.ResponseWriter, _ *http.Request) {
		s.control.mu.Lock()
		defer s.control.mu.Unlock()
		writeJSON(w, http.StatusOK, s.control.counts)
	})
	s.mux.HandleFunc("GET /__sandbox/truth", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.world.Truth())
	})
	s.mux.HandleFunc("GET /lists/"+world.CityLicenses+".csv", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		if err := s.world.WriteCityLicenses(w); err != nil {
			s.log.Warn("write list", "err", err)
		}
	})
}

// addFaults takes one fault or a list of them.
func (s *Server) addFaults(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !strings.HasPrefix(strings.TrimSpace(string(body)), "[") {
		body = append(append([]byte{'['}, body...), ']')
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	var faults []*armed
	if err := dec.Decode(&faults); err != nil {
		http.Error(w, "faults: "+err.Error(), http.StatusBadRequest)
		return
	}
	for _, f := range faults {
		if f == nil || f.Status != 0 && (f.Status < 200 || f.Status > 599) {
			http.Error(w, "faults: status must be 200 to 599, or left out", http.StatusBadRequest)
			return
		}
	}
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	s.control.faults = append(s.control.faults, faults...)
	w.WriteHeader(http.StatusNoContent)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	enc.Encode(v) //nolint:errcheck // the caller went away
}
