package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// exchange is an answer as it stands in a file or travels through a pipe.
type exchange struct {
	Request   *asked      `json:"request,omitempty"` // for people
	Status    int         `json:"status"`
	Header    http.Header `json:"header,omitempty"`
	Body      string      `json:"body,omitempty"`
	Base64    string      `json:"body_base64,omitempty"` // in place of Body, where that is not UTF-8
	Judgement Judgement   `json:"judgement"`
	Stats     Stats       `json:"stats"`
}

// asked is the part of a request without credentials.
type asked struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	Body   string `json:"body,omitempty"`
}

// exchangeOf reads an answer and gives it its body back.
func exchangeOf(resp *http.Response) (*exchange, error) {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	x := &exchange{Status: resp.StatusCode, Header: resp.Header, Judgement: JudgementOf(resp), Stats: StatsOf(resp)}
	if utf8.Valid(body) {
		x.Body = string(body)
	} else {
		x.Base64 = base64.StdEncoding.EncodeToString(body)
	}
	return x, nil
}

// response is the answer to req that x holds.
func (x *exchange) response(req *http.Request) (*http.Response, error) {
	body := []byte(x.Body)
	if x.Base64 != "" {
		var err error
		if body, err = base64.StdEncoding.DecodeString(x.Base64); err != nil {
			return nil, fmt.Errorf("read stored answer: %w", err)
		}
	}
	header := x.Header
	if header == nil {
		header = http.Header{}
	}
	resp := &http.Response{
		Status: fmt.Sprintf("%d %s", x.Status, http.StatusText(x.Status)), StatusCode: x.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
	attach(resp, req, outcome{x.Judgement, x.Stats})
	return resp, nil
}

// fileName is a request id as a file: itself where it is plain, else its hash.
func fileName(requestID string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
	}
	if len(requestID) > 100 || strings.TrimFunc(requestID, plain) != "" {
		sum := sha256.Sum256([]byte(requestID))
		requestID = "sha256-" + hex.EncodeToString(sum[:16])
	}
	return requestID + ".json"
}

// load reads a stored answer; nil where there is none.
func load(path string) (*exchange, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	x := &exchange{}
	if err := json.Unmarshal(text, x); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return x, nil
}

// save writes a file that is there, whole, after a crash at any moment once
// save has returned.
func save(path string, x *exchange) (err error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(x); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // for its owner alone
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if _, err := f.Write(text.Bytes()); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	_ = f.Close() // synced
	return syncDir(filepath.Dir(path))
}
