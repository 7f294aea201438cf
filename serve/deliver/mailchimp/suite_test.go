package mailchimp

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

func TestMailchimp_passes_the_suite(t *testing.T) {
	t.Parallel()
	mapping, err := deliver.DefaultMapping("mailchimp")
	fatal(t, err)
	mapping.Fields = append(mapping.Fields, deliver.FieldMapping{To: consentField, Constant: OptIn})
	delivertest.Run(t, func(t *testing.T) delivertest.Bench {
		box := crm.New(crm.Config{})
		srv := httptest.NewServer(box)
		t.Cleanup(srv.Close)
		to, err := New(Config{BaseURL: srv.URL + "/mailchimp/3.0", ListID: audience})
		fatal(t, err)
		return delivertest.Bench{
			To: to, Mapping: mapping, HTTP: srv.Client(), Getenv: func(string) string { return "key-us1" },
			Effects: func(mail string) int { return effects(t, box, audience+"/"+hash(mail)) },
			Bad:     func(l *leadlake.CanonicalLead) { l.Emails[0].Value = "fake@firm7.example" },
			Edit: func(mail, field, value string) {
				e := crm.Edit{App: "mailchimp", Op: "set", Key: mail, Fields: map[string]any{strings.TrimPrefix(field, "merge_fields."): value}}
				if box.Edit(e) != nil {
					e.Op = "create"
					fatal(t, box.Edit(e))
				}
			},
			Field: "merge_fields.COMPANY",
			Storm: func(n int) {
				w := httptest.NewRecorder()
				body := fmt.Sprintf(`{"app":"mailchimp","storm_429":1,"storm_calls":%d,"times":%d}`, n, n)
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
	q := url.Values{"app": {"mailchimp"}, "object": {"members"}, "key": {key}}
	box.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/__crm__/effects?"+q.Encode(), nil))
	var out struct{ Count int }
	fatal(t, json.Unmarshal(w.Body.Bytes(), &out))
	return out.Count
}
