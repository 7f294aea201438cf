package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// Count says how often a method was called. It is an entry of
// GET /__sandbox/calls.
type Count struct {
	Calls   int `json:"calls"`   // all
	OK      int `json:"ok"`      // answered whole with status 200
	Repeats int `json:"repeats"` // of OK, those that asked what an earlier one had asked
	Billed  int `json:"billed"`  // units that the provider bills for OK: a call, a credit or a row
	Refused int `json:"refused"` // of Calls, those beyond a limit
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

// depart counts the answer of a call; billed counts where it arrived whole.
func (c *control) depart(provider, method string, ok, refused bool, billed int, question string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.counts[provider][method]
	if n == nil { // a reset came in between
		return
	}
	if refused {
		n.Refused++
	}
	if !ok {
		return
	}
	n.OK++
	n.Billed += billed
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
	for _, name := range credentialParams {
		q.Del(name)
	}
	h := sha256.New()
	for _, part := range []string{r.URL.Path, q.Encode(), r.Header.Get(maskHeader), string(body)} {
		h.Write([]byte(url.QueryEscape(part) + " "))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (s *Server) controlRoutes() {
	for _, plane := range []string{"/__sandbox/", "/__sandbox__/"} {
		s.mux.HandleFunc("POST "+plane+"faults", s.addFaults)
		s.mux.HandleFunc("POST "+plane+"reset", s.reset)
		s.mux.HandleFunc("GET "+plane+"calls", func(w http.ResponseWriter, _ *http.Request) {
			s.control.mu.Lock()
			defer s.control.mu.Unlock()
			writeJSON(w, http.StatusOK, s.control.counts)
		})
		s.mux.HandleFunc("GET "+plane+"truth", func(w http.ResponseWriter, r *http.Request) {
			rows := s.world.Truth()
			if only := r.URL.Query().Get("provider"); only != "" {
				rows = slices.DeleteFunc(rows, func(row world.TruthRow) bool { return row.Provider != only })
			}
			writeJSON(w, http.StatusOK, rows)
		})
	}
	s.mux.HandleFunc("GET /lists/"+world.CityLicenses+".csv", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		if err := s.world.WriteCityLicenses(w); err != nil {
			s.log.Warn("write list", "err", err)
		}
	})
}

// reset forgets faults, counts and what was taken of limits.
func (s *Server) reset(w http.ResponseWriter, _ *http.Request) {
	s.control.reset()
	if s.meter != nil {
		s.meter.reset()
	}
	w.WriteHeader(http.StatusNoContent)
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
		if f == nil {
			http.Error(w, "faults: null is none", http.StatusBadRequest)
			return
		}
		if err := f.check(); err != nil {
			http.Error(w, "faults: "+err.Error(), http.StatusBadRequest)
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
