package outreach

import (
	"fmt"
	"testing"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/delivertest"
)

func TestOutreach_passes_the_suite(t *testing.T) {
	t.Parallel()
	mapping, err := deliver.DefaultMapping("outreach")
	delivertest.Must(t, err)
	delivertest.Run(t, func(t *testing.T) delivertest.Bench {
		box := crm.New(crm.Config{})
		s := delivertest.NewSandbox(t, box, "outreach")
		to, err := New(Config{BaseURL: s.URL, HasToken: true})
		delivertest.Must(t, err)
		return delivertest.Bench{
			To: to, Mapping: mapping, HTTP: s.Client, Getenv: func(string) string { return "sandbox" },
			Effects: func(mail string) int { // the sandbox counts by our own id, which the mapping sends
				var n int
				if _, err := fmt.Sscanf(mail, "office@firm%d.example", &n); err != nil {
					return 1 // the bad row has another address
				}
				return s.Effects(Prospects, delivertest.Lead(n).LeadID)
			},
			Bad: func(l *leadlake.CanonicalLead) { l.Emails[0].Value = "office@excluded.example" },
			Edit: func(mail, field, value string) {
				e := crm.Edit{App: "outreach", Op: "set", Object: "prospects", Key: mail, Fields: map[string]any{field: value}}
				if box.Edit(e) != nil {
					e.Op, e.Key, e.Fields["emails"] = "create", "", []any{mail}
					delivertest.Must(t, box.Edit(e))
				}
			},
			Field: "company",
			Storm: s.Storm,
		}
	})
}
