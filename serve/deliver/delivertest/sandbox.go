package delivertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/serve/deliver"
)

// Sandbox is one app of a server of package internal/sandbox/crm, by its
// control plane: only tests import that package itself.
type Sandbox struct {
	URL    string // of the app
	Client *http.Client

	t   *testing.T
	box http.Handler
	app string
}

// NewSandbox serves a sandbox until the test ends.
func NewSandbox(t *testing.T, box http.Handler, app string) *Sandbox {
	t.Helper()
	srv := httptest.NewServer(box)
	t.Cleanup(srv.Close)
	return &Sandbox{URL: srv.URL + "/" + app, Client: srv.Client(), t: t, box: box, app: app}
}

// Effects is how many records of an object there are with a natural key.
func (s *Sandbox) Effects(object, key string) int {
	s.t.Helper()
	q := url.Values{"app": {s.app}, "object": {object}, "key": {key}}
	w := s.control(http.MethodGet, "effects?"+q.Encode(), "", http.StatusOK)
	var out struct{ Count *int }
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || out.Count == nil {
		s.t.Fatalf("no count in %s: %v", w.Body, err)
	}
	return *out.Count
}

// Storm makes the next n calls too many.
func (s *Sandbox) Storm(n int) {
	s.t.Helper()
	s.control(http.MethodPost, "faults", fmt.Sprintf(`{"app":%q,"storm_429":1,"storm_calls":%d,"times":%d}`, s.app, n, n), http.StatusNoContent)
}

func (s *Sandbox) control(method, path, body string, want int) *httptest.ResponseRecorder {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.box.ServeHTTP(w, httptest.NewRequestWithContext(s.t.Context(), method, "/__crm__/"+path, strings.NewReader(body)))
	if w.Code != want {
		s.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w
}

// Direct speaks with the app for a destination.
func (s *Sandbox) Direct(to deliver.Destination, getenv func(string) string) *Direct {
	return &Direct{T: s.t, To: to, Getenv: getenv}
}
