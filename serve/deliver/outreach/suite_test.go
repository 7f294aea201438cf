package outreach

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/delivertest"
)

func TestOutreach_passes_the_suite(t *testing.T) {
	t.Parallel()
	mapping, err := deliver.DefaultMapping("outreach")
	fatal(t, err)
	delivertest.Run(t, func(t *testing.T) delivertest.Bench {
		box := crm.New(crm.Config{})
		srv := httptest.NewServer(box)
		t.Cleanup(srv.Close)
		to, err := New(Config{BaseURL: srv.URL + "/outreach", HasToken: true})
		fatal(t, err)
		return delivertest.Bench{
			To: to, Mapping: mapping, HTTP: srv.Client(), Getenv: func(string) string { return "sandbox" },
			Effects: func(mail string) int { // the sandbox counts by our own id, which the mapping sends
				var n int
				if _, err := fmt.Sscanf(mail, "office@firm%d.example", &n); err != nil {
					return 1 // the bad row has another address
				}
				return effects(t, box, fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
			},
			Bad: func(l *leadlake.CanonicalLead) { l.Emails[0].Value = "office@excluded.example" },
			Edit: func(mail, field, value string) {
				e := crm.Edit{App: "outreach", Op: "set", Object: "prospects", Key: mail, Fields: map[string]any{field: value}}
				if box.Edit(e) != nil {
					e.Op, e.Key, e.Fields["emails"] = "create", "", []any{mail}
					fatal(t, box.Edit(e))
				}
			},
			Field: "company",
			Storm: func(n int) {
				w := httptest.NewRecorder()
				body := fmt.Sprintf(`{"app":"outreach","storm_429":1,"storm_calls":%d,"times":%d}`, n, n)
				box.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/__crm__/faults", strings.NewReader(body)))
				if w.Code != http.StatusNoContent {
					t.Fatal(w.Body)
				}
			},
		}
	})
}

func effects(t *testing.T, box *crm.Server, key string) int {
	t.Helper()
	w := httptest.NewRecorder()
	q := url.Values{"app": {"outreach"}, "object": {Prospects}, "key": {key}}
	box.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/__crm__/effects?"+q.Encode(), nil))
	var out struct{ Count int }
	fatal(t, json.Unmarshal(w.Body.Bytes(), &out))
	return out.Count
}
