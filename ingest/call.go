package ingest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/wire"
	"github.com/leadlake/leadlake/lake/store"
)

// Doer sends one request. Retries and rate limits are behind it; wire.Client
// is one.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Forgetter is a Doer that keeps answers until they are said to be landed.
// wire.Spool is one.
type Forgetter interface {
	Forget(requestID string) error
}

// wireID names a request to the door. Another run asks anew.
func (r *running) wireID(requestID string) string { return r.run.RunID + "-" + requestID }

func (r *running) forget(requestID string) {
	f, ok := r.HTTP.(Forgetter)
	if !ok {
		return
	}
	if err := f.Forget(r.wireID(requestID)); err != nil { // it only takes room
		r.Log.Warn("answer not forgotten", "run_id", r.run.RunID, "err", err)
	}
}

// How often and how long to ask a provider that is still looking.
const (
	pendingTries = 5
	pendingWait  = time.Second
)

// ask calls the provider and says what the answer means: Fine or Miss. Every
// other verdict is an error. The call notes status, size and time.
func (r *running) ask(ctx context.Context, source Source, o origin, req Request, call *store.Call) (Response, Verdict, error) {
	secret, err := r.credential(o.spec)
	if err != nil {
		return Response{}, "", err
	}
	ctx = wire.WithCall(ctx, wire.Call{Provider: o.spec.Name, Account: account(secret), Endpoint: req.Endpoint, RequestID: r.wireID(o.requestID)})
	for try := 1; ; try++ {
		resp, judgement, err := r.roundTrip(ctx, source, req, secret, call)
		if err != nil {
			return resp, "", err
		}
		call.Verdict = string(judgement.Verdict)
		switch judgement.Verdict {
		case Fine, Miss, Erased:
			return resp, judgement.Verdict, nil
		case Pending:
			if try == pendingTries {
				return resp, Miss, nil
			}
			r.forget(o.requestID)
			if err := r.Sleep(ctx, max(judgement.Wait, pendingWait<<(try-1))); err != nil {
				return resp, "", err
			}
		default:
			return resp, "", verdictError(o.spec, resp, judgement, secret)
		}
	}
}

// account tells the accounts of a provider apart without giving one away.
func account(secret string) string {
	sum := sha256.Sum256([]byte("leadlake account " + secret))
	return hex.EncodeToString(sum[:6])
}

// roundTrip sends the request once through the door and reads the answer.
func (r *running) roundTrip(ctx context.Context, source Source, req Request, secret string, call *store.Call) (Response, Judgement, error) {
	spec := source.Spec()
	out, err := r.httpRequest(ctx, spec, req, secret)
	if err != nil {
		return Response{}, Judgement{}, err
	}
	began := r.Now()
	resp, err := r.HTTP.Do(out)
	call.Millis += r.Now().Sub(began).Milliseconds()
	if err != nil {
		call.Attempts++
		return Response{}, Judgement{}, hide(unanswered(spec, err), secret)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body) // the door has bounded it
	call.Attempts += max(1, wire.StatsOf(resp).Attempts)
	call.Status = resp.StatusCode
	call.Bytes += int64(len(body))
	if err != nil {
		return Response{}, Judgement{}, hide(leadlake.Errorf(leadlake.Unavailable, "call %s: read answer: %w", spec.Name, err), secret)
	}
	return Response{Status: resp.StatusCode, Header: resp.Header, Body: bytes.NewReader(body)}, judge(source, resp, body), nil
}

// unanswered is the error of a call without an answer. Where only the network
// is to blame it says what to do.
func unanswered(spec Spec, err error) error {
	var known *leadlake.Error
	if errors.As(err, &known) && known.Code == leadlake.Unavailable && known.Fix == "" {
		return leadlake.Errorf(leadlake.Unavailable, "call %s: %w", spec.Name, err).
			WithFix("check the network, then run the same command again: it goes on where it stopped")
	}
	return fmt.Errorf("call %s: %w", spec.Name, err)
}

// judge asks the source what an answer means, and the door where the source has
// nothing to say.
func judge(source Source, resp *http.Response, body []byte) Judgement {
	if j, ok := source.(Judge); ok {
		if judgement := j.Judge(resp.StatusCode, resp.Header, body); judgement.Verdict != "" {
			return judgement
		}
	}
	return wire.JudgementOf(resp)
}

func (e *Engine) credential(spec Spec) (string, error) {
	if spec.CredentialEnv == "" {
		return "", nil
	}
	secret := strings.TrimSpace(e.Getenv(spec.CredentialEnv))
	if secret == "" {
		return "", leadlake.Errorf(leadlake.Unauthorized, "call %s: it needs a key", spec.Name).
			WithFix("set the environment variable %s", spec.CredentialEnv)
	}
	return secret, nil
}

func (e *Engine) httpRequest(ctx context.Context, spec Spec, r Request, secret string) (*http.Request, error) {
	// The credential goes to this source's own address and nowhere else.
	if !strings.HasPrefix(r.URL, "/") {
		return nil, leadlake.Errorf(leadlake.Internal, "call %s: %q is not a path", spec.Name, r.URL)
	}
	base := spec.BaseURL
	if other := e.BaseURLs[spec.Name]; other != "" {
		base = other
	}
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(base, "/")+r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Internal, "call %s: %w", spec.Name, err)
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	if secret != "" {
		addCredential(req, spec, secret)
	}
	return req, nil
}

func addCredential(req *http.Request, spec Spec, secret string) {
	req.Header = req.Header.Clone()
	switch {
	case spec.CredentialBasic:
		req.SetBasicAuth(secret, "")
	case spec.CredentialQuery != "":
		query := req.URL.Query()
		query.Set(spec.CredentialQuery, secret)
		req.URL.RawQuery = query.Encode()
	default:
		req.Header.Set(spec.CredentialHeader, spec.CredentialPrefix+secret)
	}
}

// meanings say what each verdict is as an error, and what to do about it.
var meanings = map[Verdict]struct {
	code leadlake.Code
	fix  string
}{
	Slow:    {leadlake.RateLimited, "wait, then run it again: it goes on where it stopped"},
	Spent:   {leadlake.Budget, "wait for the provider's quota or credits to be renewed, or raise them with the provider"},
	Denied:  {leadlake.Unauthorized, "check the key in %s"},
	Refused: {leadlake.Forbidden, "the contract of the key in %s does not cover this: change it with the provider, or remove the source"},
	Erased:  {leadlake.Forbidden, "the person asked not to be processed: suppress the lead"},
	Broken:  {leadlake.Unavailable, "run it again later: it goes on where it stopped"},
	Wrong:   {leadlake.Invalid, ""},
}

func verdictError(spec Spec, resp Response, j Judgement, secret string) error {
	meaning := meanings[j.Verdict]
	text := j.Message
	if text == "" {
		// Half a message is better than none, so an error of reading is left out.
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		text = providerMessage(body)
	}
	err := leadlake.Errorf(cmp.Or(meaning.code, leadlake.Internal), "call %s: status %d: %s", spec.Name, resp.Status, mask(text, secret))
	switch {
	case j.Verdict == Spent && !j.Until.IsZero():
		return err.WithFix("the provider's quota is used up until %s: run it again then", j.Until.UTC().Format(time.RFC3339))
	case strings.Contains(meaning.fix, "%s"):
		return err.WithFix(meaning.fix, spec.CredentialEnv)
	}
	return err.WithFix("%s", meaning.fix)
}

// providerMessage finds what the provider says in the usual places of an
// error body.
func providerMessage(body []byte) string {
	var e struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  string          `json:"detail"`
	}
	text := ""
	if json.Unmarshal(body, &e) == nil {
		var inner struct {
			Message     string `json:"message"`
			Description string `json:"description"`
		}
		if json.Unmarshal(e.Error, &text) != nil && json.Unmarshal(e.Error, &inner) == nil {
			text = inner.Message + inner.Description
		}
		text += e.Message + e.Detail
	}
	if text == "" {
		text = string(body)
	}
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if text == "" {
		return "no message"
	}
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "..."
	}
	return text
}

func mask(text, secret string) string {
	if secret == "" {
		return text
	}
	return strings.ReplaceAll(text, secret, "***")
}

// hide masks the secret in an error's text and keeps its code. The cause is
// cut off where it would show the secret.
func hide(err error, secret string) error {
	if secret == "" || !strings.Contains(err.Error(), secret) {
		return err
	}
	return leadlake.Errorf(leadlake.ErrorCode(err), "%w", errors.New(mask(err.Error(), secret))) // its fix is in the text
}
