package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/leadlake/leadlake"
)

// Doer sends one request. Retries and rate limits are behind it; wire.Client
// is one.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// call gets the answer to a request. The caller closes the body.
func (e *Engine) call(ctx context.Context, spec Spec, r Request) (Response, io.Closer, error) {
	if path, ok := strings.CutPrefix(r.URL, fileScheme); ok {
		f, err := e.Files(path)
		if err != nil {
			return Response{}, nil, err
		}
		return Response{Status: http.StatusOK, Body: f, Name: path}, f, nil
	}
	secret, err := e.credential(spec)
	if err != nil {
		return Response{}, nil, err
	}
	req, err := e.httpRequest(ctx, spec, r, secret)
	if err != nil {
		return Response{}, nil, err
	}
	resp, err := e.HTTP.Do(req)
	if err != nil {
		return Response{}, nil, hide(fmt.Errorf("call %s: %w", spec.Name, err), secret)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer resp.Body.Close()
		return Response{}, nil, statusError(spec, resp, secret)
	}
	return Response{Status: resp.StatusCode, Header: resp.Header, Body: resp.Body}, resp.Body, nil
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

// statusMeaning is what the statuses say that are not simply our fault or
// theirs.
var statusMeaning = map[int]struct {
	code leadlake.Code
	fix  string
}{
	http.StatusUnauthorized:    {leadlake.Unauthorized, "check the key in %s"},
	http.StatusPaymentRequired: {leadlake.Budget, "pay the provider's bill or raise its quota"},
	http.StatusForbidden:       {leadlake.Forbidden, "allow this API for the key in %s"},
	http.StatusNotFound:        {leadlake.NotFound, ""},
	http.StatusRequestTimeout:  {leadlake.Unavailable, "run it again"},
	http.StatusTooManyRequests: {leadlake.RateLimited, "wait, then run it again: it goes on where it stopped"},
}

func statusError(spec Spec, resp *http.Response, secret string) error {
	// Half a message is better than none, so an error of reading is left out.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	meaning, ok := statusMeaning[resp.StatusCode]
	switch {
	case ok:
	case resp.StatusCode >= 500:
		meaning.code, meaning.fix = leadlake.Unavailable, "run it again later: it goes on where it stopped"
	default:
		meaning.code = leadlake.Invalid
	}
	text := mask(providerMessage(body), secret)
	err := leadlake.Errorf(meaning.code, "call %s: status %d: %s", spec.Name, resp.StatusCode, text)
	if strings.Contains(meaning.fix, "%s") {
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
	return leadlake.Errorf(leadlake.ErrorCode(err), "%w", errors.New(mask(err.Error(), secret)))
}
