// Package sandbox stands in for providers on loopback: it keeps to their
// contracts, speaks about a generated city, and fails on demand. Tests and the
// offline demo use it; it never leaves the machine.
package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// Config sets a Server up.
type Config struct {
	World  *world.World     // the default world
	Log    *slog.Logger     // discarded by default
	Now    func() time.Time // time.Now by default
	Limits bool             // hold callers to the providers' limits
}

// Server is every provider at once, each below its name: the paths of
// https://api.yelp.com are below /yelp. The systems that leads are delivered to
// are there as well: see package crm. Paths below /__sandbox/ and /lists/ are
// the sandbox's own; the package has a README.
type Server struct {
	world   *world.World
	mux     *http.ServeMux
	control *control
	meter   *meter // nil where limits are not enforced
	now     func() time.Time
	log     *slog.Logger
}

var _ http.Handler = (*Server)(nil)

// provider is one party that the sandbox plays. One that has limits is also
// limited, and headed where it prints them in headers: see limits.go.
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

// providers is the list to extend: one file and one line make a provider. Each
// is made when it is first called.
func providers() []maker {
	return []maker{
		{world.GooglePlaces, by(newGooglePlaces)},
		{googlePlacesLegacy, by(newGoogleLegacy)},
		{googleGeocoding, by(newGeocoding)},
		{world.Yelp, by(newYelp)},
		{world.Crunchbase, by(newCrunchbase)},
		{world.Apollo, by(newApollo)},
		{world.PDL, by(newPDL)},
		{world.Hunter, by(newHunter)},
		{hunterCompanies, by(newHunterCompanies)},
		{world.Clearbit, by(newClearbit)},
		{world.OpenCorporates, by(newOpenCorporates)},
	}
}

// maker makes a provider, which is served below /name/.
type maker struct {
	name string
	make func(*world.World, func() time.Time) provider
}

// by lets a maker use a constructor that returns its own type.
func by[P provider](newP func(*world.World, func() time.Time) P) func(*world.World, func() time.Time) provider {
	return func(w *world.World, now func() time.Time) provider { return newP(w, now) }
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
	s := &Server{world: cfg.World, mux: http.NewServeMux(), control: newControl(), now: cfg.Now, log: cfg.Log}
	if cfg.Limits {
		s.meter = newMeter()
	}
	for _, m := range providers() {
		paths := sync.OnceValue(func() http.Handler { return s.paths(m.make(s.world, cfg.Now)) })
		s.mux.Handle("/"+m.name+"/", http.StripPrefix("/"+m.name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			paths().ServeHTTP(w, r)
		})))
	}
	receivers := crm.New(crm.Config{Now: cfg.Now, Limits: cfg.Limits, Log: cfg.Log, Know: prospects(cfg.World)})
	for _, path := range receivers.Paths() {
		s.mux.Handle(path, receivers)
	}
	s.controlRoutes()
	return s, nil
}

// paths serves what one provider serves.
func (s *Server) paths(p provider) http.Handler {
	paths := http.NewServeMux()
	for _, r := range p.routes() {
		paths.HandleFunc(r.pattern, s.door(p, r))
	}
	return paths
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
		refused := false
		if l, ok := p.(limited); ok && s.meter != nil {
			refused = s.meterCall(l, rt.method, &fault, a.header, r)
		}
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
			fault.spoil(a)
		}
		whole := fault.Status == 0 && fault.Body == "" && (fault.CutBody == 0 || fault.CutBody >= a.body.Len())
		s.control.depart(p.name(), rt.method, whole && a.code() == http.StatusOK, refused, a.billed(), fingerprint(r, body))
		s.log.DebugContext(r.Context(), "sandbox call", "source", p.name(), "method", rt.method, "status", a.code())
		if fault.Body != "" {
			fault.replace(w, a)
			return
		}
		a.send(r.Context(), w, fault)
	}
}

// meterCall counts a call that no fault stops, and sets the headers that tell
// the limits. A call beyond a limit becomes a fault, and true is returned.
func (s *Server) meterCall(p limited, method string, fault *Fault, header http.Header, r *http.Request) bool {
	if fault.Status != 0 {
		return false
	}
	states, refused := s.meter.take(p, method, caller(r), s.now())
	if h, ok := p.(headed); ok {
		h.limitHeaders(header, states)
	}
	if refused == nil {
		return false
	}
	fault.Status, fault.Reason = cmp.Or(refused.Status, http.StatusTooManyRequests), refused.Reason
	return true
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

// billedHeader tells the control plane how many units an answer bills, where
// that is not one: 0 for a miss that is free, or the rows of a page. A handler
// sets it with bill; callers never see it.
const billedHeader = "Sandbox-Billed"

func bill(w http.ResponseWriter, units int) { w.Header().Set(billedHeader, strconv.Itoa(units)) }

// billed takes the header out. PDL tells its callers the same in a header of
// its own.
func (a *answer) billed() int {
	text := cmp.Or(a.header.Get(billedHeader), a.header.Get("X-Call-Credits-Spent"))
	a.header.Del(billedHeader)
	if units, err := strconv.Atoi(text); err == nil {
		return units
	}
	return 1
}

// send writes the answer, slowly or not to its end where a fault says so.
func (a *answer) send(ctx context.Context, w http.ResponseWriter, f Fault) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Length", fmt.Sprint(a.body.Len()))
	w.WriteHeader(a.code())
	body, cut := a.body.Bytes(), f.CutBody > 0 && f.CutBody < a.body.Len()
	if cut {
		body = body[:f.CutBody]
	}
	if f.DripMS > 0 {
		drip(ctx, w, body, time.Duration(f.DripMS)*time.Millisecond)
	} else {
		w.Write(body) //nolint:errcheck // the caller went away
	}
	if !cut {
		return
	}
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
	cert, err := newCertificate()
	if err != nil {
		l.Close()
		return fmt.Errorf("start sandbox: make certificate: %w", err)
	}
	s.mux.HandleFunc("GET /__sandbox/ca.pem", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-pem-file")
		w.Write(cert.pem) //nolint:errcheck // the caller went away
	})
	srv := &http.Server{Handler: told(s), ConnContext: keepConn, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(eitherListener{l, cert.config}) }()
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
