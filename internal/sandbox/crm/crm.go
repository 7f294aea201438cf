// Package crm stands in for the systems that leads are delivered to: it keeps
// their state in memory, follows their contracts, and fails on demand. Tests,
// the offline demo and chaos runs use it; it never leaves the machine.
package crm

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Config sets a Server up.
type Config struct {
	Now    func() time.Time // time.Now by default
	Limits bool             // hold callers to the systems' limits
	Log    *slog.Logger     // discarded by default

	// Know says what a business is really like; nil, or false: as it was
	// delivered.
	Know func(Prospect) (Traits, bool)
}

// Server is every system at once, each below its name: the paths of
// https://api.hubapi.com are below /hubspot. Those below /__crm__/ are the
// sandbox's own; the package has a README.
type Server struct {
	mux     *http.ServeMux
	list    []app
	limits  bool
	know    func(Prospect) (Traits, bool)
	log     *slog.Logger
	clock   clock
	faults  faults
	effects effects
	calls   calls
}

var _ http.Handler = (*Server)(nil)

// app is one system that the sandbox plays.
type app interface {
	name() string
	routes() []route
	// refuse renders a failure that a fault asks for in the app's own form: a
	// status of 5xx, or 429 for its answer to a caller that is too fast, which
	// may have another status.
	refuse(w http.ResponseWriter, status int)
	// edit does what a person with access to the system would do.
	edit(Edit) error
	// tick lets happen what is due by now: replies, conversions, jobs. It is
	// called before each call and after the clock was moved.
	tick(now time.Time)
	reset()
}

// gated is an app that counts the calls under way: enter is asked before
// anything else, and a caller that may not come in is refused with a 429.
type gated interface {
	enter(*http.Request) (leave func(), ok bool)
}

// route is one method of an app.
type route struct {
	pattern string // of http.ServeMux, below the app's name
	method  string // its name in faults and counts
	handle  http.HandlerFunc
}

// apps is the list to extend: one constructor and one line make an app.
func (s *Server) apps() []app {
	return []app{
		newSalesforce(s),
		newHubspot(s),
		newOutreach(s),
		newMailchimp(s),
		newWebhook(s),
	}
}

// New makes a Server.
func New(cfg Config) *Server {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{mux: http.NewServeMux(), limits: cfg.Limits, know: cfg.Know, log: cfg.Log, clock: clock{base: cfg.Now}}
	s.faults.reset()
	s.effects.reset()
	s.calls.reset()
	s.list = s.apps()
	for _, a := range s.list {
		paths := http.NewServeMux()
		for _, r := range a.routes() {
			paths.HandleFunc(r.pattern, s.door(a, r))
		}
		h := http.Handler(paths)
		if a.name() == salesforceName {
			// Its clients end some paths with a slash, and some keep the host of an
			// instance_url and drop the path.
			h = trimSlash(paths)
			s.mux.Handle("/services/", h)
		}
		s.mux.Handle("/"+a.name()+"/", http.StripPrefix("/"+a.name(), h))
	}
	s.controlRoutes()
	return s
}

// trimSlash lets a path end with a slash or not.
func trimSlash(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			u := *r.URL
			u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
			q := *r
			q.URL = &u
			r = &q
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Paths are the patterns of http.ServeMux below which a Server answers.
func (s *Server) Paths() []string {
	paths := []string{"/__crm__/", "/services/"}
	for _, a := range s.list {
		paths = append(paths, "/"+a.name()+"/")
	}
	return paths
}

// maxRequest is the largest request body that is read: Salesforce takes 150 MB
// in a Bulk upload.
const maxRequest = 150 << 20

// door counts a call, applies the fault that is due, and writes the answer.
func (s *Server) door(a app, rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if g, ok := a.(gated); ok {
			leave, in := g.enter(r)
			defer leave()
			if !in {
				out := &answer{header: http.Header{}}
				a.refuse(out, http.StatusTooManyRequests)
				s.calls.add(a.name(), rt.method, out.code(), "")
				out.send(w, out.body.Len())
				return
			}
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		f := s.faults.draw(a.name(), rt.method)
		if f.latency > 0 {
			select {
			case <-time.After(f.latency):
			case <-r.Context().Done():
				return
			}
		}
		a.tick(s.now())
		out := &answer{header: http.Header{"Date": {s.now().Format(http.TimeFormat)}}}
		switch f.kind {
		case faultError, faultStorm:
			a.refuse(out, f.status)
		default:
			rt.handle(out, r)
		}
		s.calls.add(a.name(), rt.method, out.code(), f.kind)
		s.log.DebugContext(r.Context(), "crm call", "source", a.name(), "method", rt.method, "status", out.code())
		switch f.kind {
		case faultAccept:
			panic(http.ErrAbortHandler) // the work is done and nobody hears of it
		case faultCut:
			out.send(w, out.body.Len()/2)
			panic(http.ErrAbortHandler)
		default:
			out.send(w, out.body.Len())
		}
	}
}

// answer holds a response back until it is known whether it arrives.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

// send writes the first n bytes of the answer; its length is told as the whole.
func (a *answer) send(w http.ResponseWriter, n int) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if a.code() != http.StatusNoContent {
		w.Header().Set("Content-Length", itoa(a.body.Len()))
	}
	w.WriteHeader(a.code())
	w.Write(a.body.Bytes()[:n]) //nolint:errcheck // the caller went away
	if f, ok := w.(http.Flusher); ok && n < a.body.Len() {
		f.Flush()
	}
}

// clock is the sandbox's time: that of Config.Now and what was added to it.
type clock struct {
	mu    sync.Mutex
	base  func() time.Time
	ahead time.Duration
}

// now is the sandbox's time, in UTC.
func (s *Server) now() time.Time {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	return s.clock.base().Add(s.clock.ahead).UTC()
}

// Advance moves the sandbox's clock and lets happen what is due by then.
func (s *Server) Advance(d time.Duration) {
	s.clock.mu.Lock()
	s.clock.ahead += d
	s.clock.mu.Unlock()
	now := s.now()
	for _, a := range s.list {
		a.tick(now)
	}
}

// Reset empties every system and forgets faults, effects and counts. The clock
// stays where it is: time does not go back.
func (s *Server) Reset() {
	s.faults.reset()
	s.effects.reset()
	s.calls.reset()
	for _, a := range s.list {
		a.reset()
	}
}

// writeJSON writes an answer of an app.
func writeJSON(w http.ResponseWriter, status int, v any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
	}
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(v) //nolint:errcheck // the caller went away
}
