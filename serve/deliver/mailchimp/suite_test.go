package mailchimp

import (
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
	delivertest.Must(t, err)
	mapping.Fields = append(mapping.Fields, deliver.FieldMapping{To: consentField, Constant: OptIn})
	delivertest.Run(t, func(t *testing.T) delivertest.Bench {
		box := crm.New(crm.Config{})
		s := delivertest.NewSandbox(t, box, "mailchimp")
		to, err := New(Config{BaseURL: s.URL + "/3.0", ListID: audience})
		delivertest.Must(t, err)
		return delivertest.Bench{
			To: to, Mapping: mapping, HTTP: s.Client, Getenv: func(string) string { return "key-us1" },
			Effects: func(mail string) int { return s.Effects("members", audience+"/"+hash(mail)) },
			Bad:     func(l *leadlake.CanonicalLead) { l.Emails[0].Value = "fake@firm7.example" },
			Edit: func(mail, field, value string) {
				e := crm.Edit{App: "mailchimp", Op: "set", Key: mail, Fields: map[string]any{strings.TrimPrefix(field, "merge_fields."): value}}
				if box.Edit(e) != nil {
					e.Op = "create"
					delivertest.Must(t, box.Edit(e))
				}
			},
			Field: "merge_fields.COMPANY",
			Storm: s.Storm,
		}
	})
}
