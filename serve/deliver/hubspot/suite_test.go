package hubspot

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

func TestHubspot_passes_the_suite(t *testing.T) {
	t.Parallel()
	mapping, err := deliver.DefaultMapping("hubspot")
	fatal(t, err)
	delivertest.Run(t, func(t *testing.T) delivertest.Bench {
		box := crm.New(crm.Config{})
		srv := httptest.NewServer(box)
		t.Cleanup(srv.Close)
		to, err := New(Config{BaseURL: srv.URL + "/hubspot"})
		fatal(t, err)
		return delivertest.Bench{
			To: to, Mapping: mapping, HTTP: srv.Client(), Getenv: func(string) string { return "pat-na1-x" },
			Effects: func(key string) int { return effects(t, box, key) },
			Bad:     func(l *leadlake.CanonicalLead) { l.Emails[0].Value = "no address" },
			Edit: func(key, field, value string) {
				e := crm.Edit{App: "hubspot", Op: "set", Key: key, Fields: map[string]any{field: value}}
				if box.Edit(e) != nil {
					e.Op, e.Fields = "create", map[string]any{"email": key, field: value}
					fatal(t, box.Edit(e))
				}
			},
			Field: "company",
			Storm: func(n int) {
				w := httptest.NewRecorder()
				body := fmt.Sprintf(`{"app":"hubspot","storm_429":1,"storm_calls":%d,"times":%d}`, n, n)
				box.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/__crm__/faults", strings.NewReader(body)))
				if w.Code != http.StatusNoContent {
					t.Fatal(w.Body)
				}
			},
		}
	})
}

// effects counts a contact, whose natural key is our own id in the sandbox: it
// is that of the lead with the same number as the address.
func effects(t *testing.T, box *crm.Server, mail string) int {
	t.Helper()
	n := 0
	if _, err := fmt.Sscanf(mail, "office@firm%d.example", &n); err != nil {
		t.Fatal(mail, err)
	}
	w := httptest.NewRecorder()
	q := url.Values{"app": {"hubspot"}, "object": {"contacts"}, "key": {delivertest.Lead(n).LeadID}}
	box.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/__crm__/effects?"+q.Encode(), http.NoBody))
	var out struct{ Count int }
	fatal(t, json.Unmarshal(w.Body.Bytes(), &out))
	return out.Count
}
