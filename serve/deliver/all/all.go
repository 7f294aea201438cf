// Package all lists every destination.
package all

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/csv"
	"github.com/leadlake/leadlake/serve/deliver/hubspot"
	"github.com/leadlake/leadlake/serve/deliver/mailchimp"
	"github.com/leadlake/leadlake/serve/deliver/outreach"
	"github.com/leadlake/leadlake/serve/deliver/salesforce"
	"github.com/leadlake/leadlake/serve/deliver/webhook"
)

// settings are those of one destination. What nobody asks for is unknown.
type settings struct {
	values map[string]string
	asked  map[string]bool
	err    error
}

func (s *settings) text(name string) string {
	s.asked[name] = true
	return s.values[name]
}

func (s *settings) number(name string) int {
	text := s.text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		s.err = leadlake.Errorf(leadlake.Invalid, "setting %s: %q is not a number", name, text)
	}
	return n
}

func (s *settings) yes(name string) bool {
	text := s.text(name)
	b, err := strconv.ParseBool(text)
	if err != nil && text != "" {
		s.err = leadlake.Errorf(leadlake.Invalid, "setting %s: %q is not true or false", name, text)
	}
	return b
}

// kinds reads what words of a destination mean: "Interested=qualified,
// Customer=won".
func (s *settings) kinds(name string) map[string]deliver.Kind {
	text := s.text(name)
	if text == "" {
		return nil
	}
	out := map[string]deliver.Kind{}
	for part := range strings.SplitSeq(text, ",") {
		word, kind, _ := strings.Cut(part, "=")
		k := deliver.Kind(strings.TrimSpace(kind))
		if !slices.Contains(deliver.OutcomeKinds(), k) {
			s.err = leadlake.Errorf(leadlake.Invalid, "setting %s: %q", name, part).
				WithFix("write it like Interested=qualified, Customer=won; the outcomes are %v", deliver.OutcomeKinds())
		}
		out[strings.TrimSpace(word)] = k
	}
	return out
}

// maker makes a destination of its settings.
type maker func(s *settings, m deliver.Mapping) (deliver.Destination, error)

// makers is the list to extend.
func makers() map[string]maker {
	return map[string]maker{
		"salesforce": func(s *settings, _ deliver.Mapping) (deliver.Destination, error) {
			return salesforce.New(salesforce.Config{
				LoginURL: s.text("login_url"), ClientID: s.text("client_id"), Flow: s.text("flow"), Username: s.text("username"), Audience: s.text("audience"),
				Object: s.text("object"), KeyField: s.text("key_field"), Version: s.text("version"),
				SaveDuplicates: s.yes("save_duplicates"), CallsPerDay: s.number("calls_per_day"),
			})
		},
		"hubspot": func(s *settings, _ deliver.Mapping) (deliver.Destination, error) {
			return hubspot.New(hubspot.Config{
				BaseURL: s.text("base_url"), ClientID: s.text("client_id"), Version: s.text("version"), Object: s.text("object"), IDProperty: s.text("id_property"),
				CallsPerSecond: s.number("calls_per_second"), CallsPerDay: s.number("calls_per_day"),
			})
		},
		"outreach": func(s *settings, _ deliver.Mapping) (deliver.Destination, error) {
			return outreach.New(outreach.Config{
				BaseURL: s.text("base_url"), ClientID: s.text("client_id"), RedirectURI: s.text("redirect_uri"), HasToken: s.yes("has_token"), Object: s.text("object"),
				Sequence: s.number("sequence"), Mailbox: s.number("mailbox"), CallsPerHour: s.number("calls_per_hour"), Stages: s.kinds("stages"),
			})
		},
		"mailchimp": func(s *settings, _ deliver.Mapping) (deliver.Destination, error) {
			return mailchimp.New(mailchimp.Config{BaseURL: s.text("base_url"), ListID: s.text("list_id"), Consent: s.text("consent")})
		},
		"webhook": func(s *settings, _ deliver.Mapping) (deliver.Destination, error) {
			return webhook.New(webhook.Config{URL: s.text("url"), SecretEnv: s.text("secret_env"), OldEnv: s.text("old_secret_env")})
		},
		"csv": objects("csv"),
		"s3":  objects("s3"),
	}
}

func objects(name string) maker {
	return func(s *settings, m deliver.Mapping) (deliver.Destination, error) {
		var columns []string
		for _, f := range m.Fields {
			columns = append(columns, f.To)
		}
		return csv.New(csv.Config{Name: name, Prefix: s.text("prefix"), Columns: columns}), nil
	}
}

// Kinds lists the kinds of destination, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(makers())) }

// New makes a destination of a kind. A setting that it does not know is an
// error. The mapping gives files their columns.
func New(kind string, values map[string]string, m deliver.Mapping) (deliver.Destination, error) {
	make, ok := makers()[kind]
	if !ok {
		return nil, leadlake.Errorf(leadlake.NotFound, "no destination of the kind %q", kind).WithFix("choose one of %s", strings.Join(Kinds(), ", "))
	}
	s := &settings{values: values, asked: map[string]bool{}}
	to, err := make(s, m)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !s.asked[name] {
			return nil, leadlake.Errorf(leadlake.Invalid, "%s: there is no setting %s", kind, name).
				WithFix("choose from %s", strings.Join(slices.Sorted(maps.Keys(s.asked)), ", "))
		}
	}
	if s.err != nil {
		return nil, s.err
	}
	if err != nil {
		return nil, err // not an interface with nothing in it
	}
	return to, nil
}
