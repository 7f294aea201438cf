// Package sandbox stands in for providers on loopback: it keeps to their
// contracts, speaks about a generated city, and fails on demand. Tests and the
// offline demo use it; it never leaves the machine.
package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// Config sets a Server up.
type Config struct {
	World *world.World     // the default world
	Log   *slog.Logger     // discarded by default
	Now   func() time.Time // time.Now by default
}

// Server is every provider at once, each below its name: the paths of
// https://api.yelp.com are below /yelp. Those below /__sandbox/ and /lists/ are
// the sandbox's own; the package has a README.
type Server struct {
	world   *world.World
	mux     *http.ServeMux
	control *control
	log     *slog.Logger
}

var _ http.Handler = (*Server)(nil)

// provider is one party that the sandbox plays.
type provider interface {
	name() string
	routes() []route
	// refuse renders an injected failure in the provider's own form.
	refuse(f Fault) (contentType string, body []byte)
}

// route is one method of a provider.
type route struct {
	pattern string // of http.ServeMux
	method  string // the provider's name for it, in faults and counts
	handle  http.HandlerFunc
}

// providers is the list to extend: one file and one line make a provider.
func providers(w *world.World, now func() time.Time) []provider {
	return []provider{newGooglePlaces(w, now)}
}

// New makes a Server.
func New(cfg Config) (*Server, error) {
	if cfg.World == nil {
		w, err := world.New(world.Config{})
		if err != nil {
			return nil, fmt.Errorf("start sandbox: %w", err)
		}
		cfg.World = w
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{world: cfg.World, mux: http.NewServeMux(), control: newControl(), log: cfg.Log}
	for _, p := range providers(s.world, cfg.Now) {
		paths := http.NewServeMux()
		for _, r := range p.routes() {
			paths.HandleFunc(r.pattern, s.door(p, r))
		}
		s.mux.Handle("/"+p.name()+"/", http.StripPrefix("/"+p.name(), paths))
	}
	s.controlRoutes()
	return s, nil
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// maxRequest is the largest request body that is read.
const maxRequest = 4 << 20

// door counts a call, applies the faults that are due, and writes the answer.
func (s *Server) door(p provider, rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		fault := s.control.arrive(p.name(), rt.method)
		if !sleep(r.Context(), time.Duration(fault.LatencyMS)*time.Millisecond) {
			return
		}
		a := &answer{header: http.Header{}}
		if fault.Status != 0 {
			fault.Method = rt.method
			contentType, text := p.refuse(fault)
			a.header.Set("Content-Type", contentType)
			if fault.RetryAfter != "" {
				a.header.Set("Retry-After", fault.RetryAfter)
			}
			a.WriteHeader(fault.Status)
			a.body.Write(text)
		} else {
			rt.handle(a, r)
		}
		cut := fault.CutBody > 0 && fault.CutBody < a.body.Len()
		s.control.depart(p.name(), rt.method, a.code() == http.StatusOK && !cut, fingerprint(r, body))
		s.log.DebugContext(r.Context(), "sandbox call", "source", p.name(), "method", rt.method, "status", a.code())
		a.send(w, fault.CutBody)
	}
}

// sleep reports false where the caller went away first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// answer holds a response back until it is known whether it arrives whole.
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

// send writes the answer; cut > 0 breaks the connection after so many bytes.
func (a *answer) send(w http.ResponseWriter, cut int) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Length", fmt.Sprint(a.body.Len()))
	w.WriteHeader(a.code())
	if cut <= 0 || cut >= a.body.Len() {
		w.Write(a.body.Bytes()) //nolint:errcheck // the caller went away
		return
	}
	w.Write(a.body.Bytes()[:cut]) //nolint:errcheck // the connection is cut anyway
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	panic(http.ErrAbortHandler)
}

// Serve runs a Server on addr until ctx ends. Ready is called with the base
// URL once calls are accepted. Only loopback addresses are served.
func Serve(ctx context.Context, cfg Config, addr string, ready func(baseURL string)) error {
	s, err := New(cfg)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return leadlake.Errorf(leadlake.Unavailable, "start sandbox on %s: %w", addr, err).WithFix("choose another port")
	}
	if ip, ok := l.Addr().(*net.TCPAddr); !ok || !ip.IP.IsLoopback() {
		l.Close()
		return leadlake.Errorf(leadlake.Forbidden, "start sandbox on %s: it answers without a real credential", addr).
			WithFix("use a loopback address such as 127.0.0.1:8093")
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	if ready != nil {
		ready("http://" + l.Addr().String())
	}
	select {
	case err = <-done:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
		err = <-done
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve sandbox: %w", err)
}
