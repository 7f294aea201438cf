package deliver_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
)

func TestParseIdentity_reads_what_people_type(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]deliver.Identity{
		" Ada.Byron+news@Firm.Example ": {Kind: "email", Value: "ada.byron@firm.example"},
		"ada@Bücher.example":            {Kind: "email", Value: "ada@xn--bcher-kva.example"},
		"+1 (212) 555-0100":             {Kind: "phone", Value: "+12125550100"},
		"https://www.firm.example/team": {Kind: "domain", Value: "firm.example"},
		"firm.co.uk":                    {Kind: "domain", Value: "firm.co.uk"},
		"lead: 7":                       {Kind: "lead", Value: "7"},
	} {
		got, err := deliver.ParseIdentity(text)
		if err != nil || got != want {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "ada", "@firm.example", "ada@", "212 555 0100", "lead:", "co.uk", "+", "ada@firm"} {
		if got, err := deliver.ParseIdentity(text); leadlake.ErrorCode(err) != leadlake.Invalid {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
}

func TestSuppressions_find_people_by_all_that_is_known_of_them(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "control.sqlite"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const key = "a key of thirty-two characters.."
	list, err := deliver.NewSuppressions(t.Context(), s, []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deliver.NewSuppressions(t.Context(), s, []byte("another key that is long enough")); leadlake.ErrorCode(err) != leadlake.Conflict {
		t.Errorf("another key: %v", err)
	}
	if _, err := deliver.NewSuppressions(t.Context(), s, []byte("short")); leadlake.ErrorCode(err) != leadlake.Invalid {
		t.Errorf("a short key: %v", err)
	}
	var ids []deliver.Identity
	for _, text := range []string{"ada@firm.example", "+12125550100", "chain.example", "lead:7", "ada@firm.example"} {
		id, err := deliver.ParseIdentity(text)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	for _, want := range []int64{4, 0} {
		if added, err := list.Add(t.Context(), ids, "asked", "person", "ann", time.Now()); err != nil || added != want {
			t.Errorf("%d added, %v", added, err)
		}
	}
	for name, c := range map[string]struct {
		who  deliver.Subject
		want bool
	}{
		"address in another form":  {deliver.Subject{Emails: []string{"x@y.example", "ADA+1@Firm.example"}}, true},
		"number in another form":   {deliver.Subject{Phones: []string{"+1 212-555-0100"}}, true},
		"lead":                     {deliver.Subject{LeadID: "7"}, true},
		"domain":                   {deliver.Subject{Domains: []string{"chain.example"}}, true},
		"below a domain":           {deliver.Subject{Domains: []string{"www.shop.chain.example"}}, true},
		"address at a domain":      {deliver.Subject{Emails: []string{"bob@chain.example"}}, true},
		"somebody else there":      {deliver.Subject{LeadID: "8", Emails: []string{"bob@firm.example"}, Phones: []string{"+12125550101"}, Domains: []string{"firm.example"}}, false},
		"nothing":                  {deliver.Subject{}, false},
		"what cannot be a contact": {deliver.Subject{Emails: []string{"none"}, Phones: []string{"none"}, Domains: []string{"none"}}, false},
	} {
		reason, yes, err := list.Check(t.Context(), c.who)
		if err != nil || yes != c.want || yes != (reason != "") {
			t.Errorf("%s: %q, %t, %v", name, reason, yes, err)
		}
	}
	all, err := s.Suppressions(t.Context(), true, 10)
	if err != nil || len(all) != 4 {
		t.Fatalf("%d, %v", len(all), err)
	}
	for _, one := range all {
		if len(one.Hash) != 64 {
			t.Errorf("%q is no hash", one.Hash)
		}
	}
}
