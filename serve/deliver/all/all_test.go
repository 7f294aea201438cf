package all

import (
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/delivertest"
)

func TestNew_makes_every_kind_with_a_default_mapping(t *testing.T) {
	t.Parallel()
	need := map[string]map[string]string{
		"salesforce": {"client_id": "app"}, "outreach": {"has_token": "true"}, "mailchimp": {"list_id": "abc"}, "webhook": {"url": "https://hooks.example"},
	}
	for _, kind := range Kinds() {
		m, err := deliver.DefaultMapping(kind)
		if err != nil {
			t.Error(err)
			continue
		}
		if c := m.Check(delivertest.Leads(1, nil)[0], deliver.Schema{}); len(c.Problems) > 0 || c.Key == "" {
			t.Errorf("%s: a lead has problems: %+v", kind, c.Problems)
		}
		to, err := New(kind, need[kind], m)
		if err != nil || to.Spec().Name != kind {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if s := to.Spec(); s.BatchRows < 1 || s.Effect == "" || !s.Repeatable && s.ProbeRows == 0 {
			t.Errorf("%s: a row cannot be held to one effect: %+v", kind, s)
		}
	}
}

func TestNew_refuses_what_it_does_not_know(t *testing.T) {
	t.Parallel()
	_, err := New("webhook", map[string]string{"url": "https://hooks.example", "link": "x"}, deliver.Mapping{})
	if leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), "link") {
		t.Errorf("a misspelt setting: %v", err)
	}
	if _, err = New("fax", nil, deliver.Mapping{}); leadlake.ErrorCode(err) != leadlake.NotFound {
		t.Errorf("an unknown kind: %v", err)
	}
	if _, err = New("hubspot", map[string]string{"calls_per_day": "many"}, deliver.Mapping{}); leadlake.ErrorCode(err) != leadlake.Invalid {
		t.Errorf("a number that is none: %v", err)
	}
}
