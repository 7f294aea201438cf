package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/leadlake/leadlake"
)

// Recorder is a Doer that writes what it asks and hears into a folder, one
// JSON file for each request, without credentials. A Replayer answers from it.
type Recorder struct {
	dir  string
	next Doer
}

// Replayer is a Doer that answers from the folder of a Recorder and reaches
// nobody.
type Replayer struct{ dir string }

var (
	_ Doer = (*Recorder)(nil)
	_ Doer = (*Replayer)(nil)
)

// NewRecorder records what next answers into dir, which it creates.
func NewRecorder(dir string, next Doer) (*Recorder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, leadlake.Errorf(leadlake.Invalid, "record answers: %w", err)
	}
	return &Recorder{dir, next}, nil
}

// NewReplayer answers from dir.
func NewReplayer(dir string) *Replayer { return &Replayer{dir} }

// Do sends req on and records the answer. An error is not recorded.
func (r *Recorder) Do(req *http.Request) (*http.Response, error) {
	req, err := withRepeatableBody(req)
	if err != nil {
		return nil, err
	}
	what, secrets, err := withoutSecrets(req)
	if err != nil {
		return nil, err
	}
	resp, err := r.next.Do(req)
	if err != nil {
		return nil, err
	}
	x, err := exchangeOf(resp)
	if err != nil {
		return nil, err
	}
	x.Request = what
	clean := masked(x, secrets)
	clean.Header.Del("Set-Cookie")
	if err := save(filepath.Join(r.dir, recordName(req, what)), clean); err != nil {
		return nil, fmt.Errorf("record answer: %w", err)
	}
	return resp, nil
}

// Do answers with what was recorded. It returns a NotFound error that names
// the request where there is nothing.
func (r *Replayer) Do(req *http.Request) (*http.Response, error) {
	req, err := withRepeatableBody(req)
	if err != nil {
		return nil, err
	}
	what, _, err := withoutSecrets(req)
	if err != nil {
		return nil, err
	}
	name := recordName(req, what)
	x, err := load(filepath.Join(r.dir, name))
	if err != nil {
		return nil, fmt.Errorf("replay answer: %w", err)
	}
	if x == nil {
		return nil, leadlake.Errorf(leadlake.NotFound, "replay %s %s: there is no %s in %s", what.Method, what.URL, name, r.dir).
			WithFix("record it")
	}
	return x.response(req)
}

// recordName goes by the request's id, or else by what it asks, wherever the
// provider stands.
func recordName(req *http.Request, what *asked) string {
	if id := callOf(req.Context()).RequestID; id != "" {
		return fileName(id)
	}
	u := *req.URL
	u.RawQuery = what.query()
	h := sha256.New()
	for _, part := range []string{what.Method, u.RequestURI(), what.Body} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return fileName(hex.EncodeToString(h.Sum(nil)[:16]))
}

func (a *asked) query() string {
	_, query, _ := strings.Cut(a.URL, "?")
	return query
}

// secretWords are parts of the names of headers and parameters that carry
// credentials.
var secretWords = []string{"key", "token", "auth", "secret", "password", "signature", "cookie"}

func isSecret(name string) bool {
	name = strings.ToLower(name)
	if strings.Contains(name, "page") { // pageToken is where a page begins
		return false
	}
	for _, w := range secretWords {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}

// withoutSecrets is what a request asks, and the credentials that it carries.
func withoutSecrets(req *http.Request) (*asked, []string, error) {
	var secrets []string
	for name, values := range req.Header {
		if !isSecret(name) {
			continue
		}
		for _, v := range values {
			fields := strings.Fields(v)
			if len(fields) > 0 {
				secrets = append(secrets, fields[len(fields)-1]) // without "Bearer"
			}
		}
	}
	if user, password, ok := req.BasicAuth(); ok {
		secrets = append(secrets, user, password)
	}
	query := req.URL.Query()
	for name, values := range query {
		if isSecret(name) {
			secrets = append(secrets, values...)
			delete(query, name)
		}
	}
	u := url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: req.URL.Path, RawPath: req.URL.RawPath, RawQuery: query.Encode()}
	what := &asked{Method: req.Method, URL: u.String()}
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, nil, err
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return nil, nil, err
		}
		what.Body = string(text)
	}
	return what, secrets, nil
}

// masked is an exchange without the secrets, as they are and as JSON or a URL
// writes them. A secret of less than four characters would hit plain words.
func masked(x *exchange, secrets []string) *exchange {
	var pairs []string
	for _, s := range secrets {
		if len(s) < 4 {
			continue
		}
		quoted, _ := json.Marshal(s) // a string has a JSON form
		for _, form := range []string{s, string(quoted[1 : len(quoted)-1]), strings.ReplaceAll(s, `"`, `\"`), url.QueryEscape(s), url.PathEscape(s)} {
			pairs = append(pairs, form, "***")
		}
	}
	mask := strings.NewReplacer(pairs...).Replace
	out := *x
	out.Request = &asked{Method: x.Request.Method, URL: mask(x.Request.URL), Body: mask(x.Request.Body)}
	out.Body, out.Judgement.Message = mask(x.Body), mask(x.Judgement.Message)
	out.Header = http.Header{}
	for name, values := range x.Header {
		for _, v := range values {
			out.Header[name] = append(out.Header[name], mask(v))
		}
	}
	return &out
}
