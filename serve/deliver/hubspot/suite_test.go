package hubspot

import (
	"fmt"
	"testing"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/delivertest"
)

func TestHubspot_passes_the_suite(t *testing.T) {
	t.Parallel()
	mapping, err := deliver.DefaultMapping("hubspot")
	delivertest.Must(t, err)
	delivertest.Run(t, func(t *testing.T) delivertest.Bench {
		box := crm.New(crm.Config{})
		s := delivertest.NewSandbox(t, box, "hubspot")
		to, err := New(Config{BaseURL: s.URL})
		delivertest.Must(t, err)
		return delivertest.Bench{
			To: to, Mapping: mapping, HTTP: s.Client, Getenv: func(string) string { return "pat-na1-x" },
			Effects: func(key string) int { return s.Effects("contacts", lead(t, key)) },
			Bad:     func(l *leadlake.CanonicalLead) { l.Emails[0].Value = "no address" },
			Edit: func(key, field, value string) {
				e := crm.Edit{App: "hubspot", Op: "set", Key: key, Fields: map[string]any{field: value}}
				if box.Edit(e) != nil {
					e.Op, e.Fields = "create", map[string]any{"email": key, field: value}
					delivertest.Must(t, box.Edit(e))
				}
			},
			Field: "company",
			Storm: s.Storm,
		}
	})
}

// lead is our own id of the lead that an address is of: by it the sandbox
// counts contacts.
func lead(t *testing.T, mail string) string {
	t.Helper()
	n := 0
	if _, err := fmt.Sscanf(mail, "office@firm%d.example", &n); err != nil {
		t.Fatal(mail, err)
	}
	return delivertest.Lead(n).LeadID
}
