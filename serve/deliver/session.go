package deliver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/wire"
)

// gate keeps the access to one destination, for all sessions.
type gate struct {
	mu     sync.Mutex
	access Access
	known  bool
	epoch  int // grows with each renewal
}

func (e *Engine) newGate() *gate { return &gate{} }

// session is the engine's side of one call of a Destination's method.
type session struct {
	e    *Engine
	ctx  context.Context
	to   Destination
	spec Spec
	gate *gate
	save func(state string) error
	hold func() error // says why nothing may be changed any more; nil: there is no claim to lose

	bare bool // within Authorize: calls go out without an access

	mu      sync.Mutex
	touched []int // by place in the batch: calls that may have been carried out
}

var _ Session = (*session)(nil)

func (e *Engine) newSession(ctx context.Context, to Destination, g *gate) *session {
	return &session{e: e, ctx: ctx, to: to, spec: to.Spec(), gate: g}
}

func (s *session) Now() time.Time              { return s.e.Now() }
func (s *session) Sleep(d time.Duration) error { return s.e.Sleep(s.ctx, d) }
func (s *session) Secret(name string) string   { return strings.TrimSpace(s.e.Getenv(name)) }

func (s *session) Save(state string) error {
	if s.save == nil {
		return leadlake.Errorf(leadlake.Internal, "save state of %s: only bulk batches have one", s.spec.Name)
	}
	return s.save(state)
}

// Call sends one request. A call that is denied is made once more with a new
// access: it was not carried out.
func (s *session) Call(r Request) (Response, error) {
	if r.Object != "" {
		return s.object(r)
	}
	for try := 1; ; try++ {
		access, epoch, err := s.access()
		if err != nil {
			return Response{}, err
		}
		resp, judgement, err := s.roundTrip(r, access)
		if err != nil {
			return Response{}, s.masked(err, access)
		}
		if judgement.Verdict == Denied && try == 1 && !s.bare {
			s.untouch(r.Rows)
			s.expire(epoch)
			continue
		}
		return s.read(r, resp, judgement, access)
	}
}

// read turns what stops a delivery into an error, and leaves the rest to the
// destination.
func (s *session) read(r Request, resp Response, j Judgement, access Access) (Response, error) {
	resp.Verdict = j.Verdict
	code, fix := leadlake.Code(""), ""
	switch j.Verdict {
	case Fine, Pending:
		return resp, nil
	case Miss, Wrong, Erased:
		s.untouch(r.Rows)
		return resp, nil
	case Slow:
		code, fix = leadlake.RateLimited, "run it again later: it goes on where it stopped"
	case Spent:
		code, fix = leadlake.Budget, "wait for the quota to be renewed, then run it again"
	case Denied:
		code, fix = leadlake.Unauthorized, "check "+strings.Join(s.spec.Secrets, ", ")+": the access may have been revoked"
	case Refused:
		code, fix = leadlake.Forbidden, "give our user there the rights that it needs"
	default: // Broken: it may have been carried out
		return resp, s.masked(leadlake.Errorf(leadlake.Unavailable, "call %s: status %d: %s", s.spec.Name, resp.Status, excerpt(j, resp.Body)).
			WithFix("run it again later: it goes on where it stopped"), access)
	}
	s.untouch(r.Rows)
	return resp, s.masked(leadlake.Errorf(code, "call %s: status %d: %s", s.spec.Name, resp.Status, excerpt(j, resp.Body)).WithFix("%s", fix), access)
}

// excerpt is what a destination says, short enough for a message.
func excerpt(j Judgement, body []byte) string {
	text := j.Message
	if text == "" {
		text = strings.Join(strings.Fields(strings.ToValidUTF8(string(body[:min(len(body), 600)]), "?")), " ")
	}
	if text == "" {
		return "no message"
	}
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}

func (s *session) roundTrip(r Request, access Access) (Response, Judgement, error) {
	req, err := s.request(r, access)
	if err != nil {
		return Response{}, Judgement{}, err
	}
	if err := s.held(r.Rows); err != nil {
		return Response{}, Judgement{}, err
	}
	s.touch(r.Rows) // from here on it may be carried out
	resp, err := s.e.HTTP.Do(req)
	if err != nil {
		if neverSent(err) {
			s.untouch(r.Rows)
		}
		return Response{}, Judgement{}, fmt.Errorf("call %s: %w", s.spec.Name, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body) // the door has bounded it
	if err != nil {
		return Response{}, Judgement{}, leadlake.Errorf(leadlake.Unavailable, "call %s: read answer: %w", s.spec.Name, err)
	}
	answer := Response{Status: resp.StatusCode, Header: resp.Header, Body: body}
	if judge, ok := s.to.(Judge); ok {
		if j := judge.Judge(resp.StatusCode, resp.Header, body); j.Verdict != wire.ByStatus {
			return answer, j, nil
		}
	}
	return answer, wire.JudgementOf(resp), nil
}

// held makes sure that rows which a call would change are still ours.
func (s *session) held(rows []int) error {
	if len(rows) == 0 || s.hold == nil {
		return nil
	}
	return s.hold()
}

// neverSent says whether a call certainly did not reach the destination: no
// connection was made, or our own limits held it back.
func neverSent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial" || leadlake.ErrorCode(err) == leadlake.RateLimited || leadlake.ErrorCode(err) == leadlake.Forbidden
}

func (s *session) request(r Request, access Access) (*http.Request, error) {
	base := strings.TrimSuffix(s.spec.BaseURL, "/")
	if access.BaseURL != "" {
		base = strings.TrimSuffix(access.BaseURL, "/")
	}
	url := r.URL
	switch {
	case strings.HasPrefix(url, "/"):
		url = base + url
	case url == base || strings.HasPrefix(url, base+"/") || strings.HasPrefix(url, base+"?"):
	case s.bare && strings.Contains(url, "://"): // a login server of its own; no access goes there
	default: // what lets us in goes to the destination's own address and nowhere else
		return nil, leadlake.Errorf(leadlake.Internal, "call %s: %q is not below %s", s.spec.Name, r.URL, base)
	}
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	ctx := wire.WithCall(s.ctx, wire.Call{Provider: s.spec.Name, Account: s.account(), Endpoint: r.Endpoint})
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(r.Body))
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Internal, "call %s: %w", s.spec.Name, err)
	}
	for _, header := range []http.Header{r.Header, access.Header} {
		for name, values := range header {
			req.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	return req, nil
}

// account tells the accounts of a destination apart without giving one away.
func (s *session) account() string {
	sum := sha256.New()
	for _, name := range s.spec.Secrets {
		sum.Write([]byte(s.Secret(name) + "\n"))
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}

// access is the present one, renewed where it has run out.
func (s *session) access() (Access, int, error) {
	if s.bare {
		return Access{}, 0, nil
	}
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known && (g.access.Until.IsZero() || s.e.Now().Before(g.access.Until)) {
		return g.access, g.epoch, nil
	}
	if len(s.spec.Secrets) > 0 && s.Secret(s.spec.Secrets[0]) == "" {
		return Access{}, 0, leadlake.Errorf(leadlake.Unauthorized, "call %s: it needs a secret", s.spec.Name).
			WithFix("set the environment variable %s", s.spec.Secrets[0])
	}
	bare := s.e.newSession(s.ctx, s.to, g)
	bare.bare = true
	access, err := s.to.Authorize(bare)
	if err != nil {
		return Access{}, 0, fmt.Errorf("log in to %s: %w", s.spec.Name, s.masked(err, Access{}))
	}
	g.access, g.known = access, true
	g.epoch++
	return g.access, g.epoch, nil
}

// expire lets the next call get a new access, unless another has done so.
func (s *session) expire(epoch int) {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	if s.gate.epoch == epoch {
		s.gate.known = false
	}
}

// touch counts a call on rows that may be carried out.
func (s *session) touch(rows []int) { s.count(rows, 1) }

// untouch takes that back: the call was refused.
func (s *session) untouch(rows []int) { s.count(rows, -1) }

func (s *session) count(rows []int, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, row := range rows {
		if row >= 0 && row < len(s.touched) {
			s.touched[row] += n
		}
	}
}

// masked hides secrets in the text of an error, and keeps its code.
func (s *session) masked(err error, access Access) error {
	text := err.Error()
	var secrets []string
	for _, name := range s.spec.Secrets {
		secrets = append(secrets, s.Secret(name))
	}
	for _, values := range access.Header {
		for _, v := range values {
			_, token, found := strings.Cut(v, " ")
			if !found {
				token = v
			}
			secrets = append(secrets, token)
		}
	}
	masked := text
	for _, secret := range secrets {
		if len(secret) > 3 {
			masked = strings.ReplaceAll(masked, secret, "***")
		}
	}
	if masked == text {
		return err
	}
	return leadlake.Errorf(leadlake.ErrorCode(err), "%s", masked)
}

// object puts or gets an object of the bucket.
func (s *session) object(r Request) (Response, error) {
	if s.e.Bucket == nil {
		return Response{}, leadlake.Errorf(leadlake.Invalid, "call %s: no bucket is set", s.spec.Name).WithFix("set the folder or bucket of the destination")
	}
	if r.Method == http.MethodPut {
		if err := s.held(r.Rows); err != nil {
			return Response{}, err
		}
		s.touch(r.Rows)
		created, err := s.e.Bucket.PutIfAbsent(s.ctx, r.Object, bytes.NewReader(r.Body))
		switch {
		case err != nil:
			return Response{}, err
		case created:
			return Response{Status: http.StatusCreated, Verdict: Fine}, nil
		}
		s.untouch(r.Rows)
		return Response{Status: http.StatusPreconditionFailed, Verdict: Wrong}, nil
	}
	reader, err := s.e.Bucket.Get(s.ctx, r.Object)
	if leadlake.ErrorCode(err) == leadlake.NotFound {
		return Response{Status: http.StatusNotFound, Verdict: Miss}, nil
	}
	if err != nil {
		return Response{}, err
	}
	defer reader.Close()
	body, err := io.ReadAll(reader)
	return Response{Status: http.StatusOK, Body: body, Verdict: Fine}, err
}

// Read asks a destination what there is for some rows, at most Spec.ProbeRows.
func (e *Engine) Read(ctx context.Context, to Destination, rows []Row) ([]Found, error) {
	e = e.withDefaults()
	return to.Probe(e.newSession(ctx, to, e.gate), rows)
}

// Provider is what the door has to know about a destination. One with a ladder
// must have a door of its own that makes each call once (wire.Config,
// MaxAttempts 1): each attempt is signed anew.
func Provider(to Destination) wire.Provider {
	spec := to.Spec()
	p := wire.Provider{Name: spec.Name, BaseURL: spec.BaseURL, Limits: spec.Limits}
	if judge, ok := to.(Judge); ok {
		p.Judge = judge.Judge
	}
	return p
}
