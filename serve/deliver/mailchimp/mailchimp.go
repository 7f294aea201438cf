// Package mailchimp delivers leads to an audience of Mailchimp, as members. The
// rules are those of Mailchimp's Marketing API 3.0 and of its terms.
//
// Mailchimp is for people who have agreed to get mail. Its terms forbid lists
// of addresses from third parties, so a lead is made a member only with a
// consent; one that was found and scored has none, and is refused.
package mailchimp

import (
	"cmp"
	"crypto/md5" //nolint:gosec // Mailchimp names members by it
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// KeyEnv is the environment variable with the API key, which ends in the data
// centre: 0123abcd-us19.
const KeyEnv = "LEADLAKE_MAILCHIMP_API_KEY" //nolint:gosec // a name

// The consents: values of the field "consent".
const (
	OptIn       = "opt_in"        // they have agreed: they become subscribed
	DoubleOptIn = "double_opt_in" // they have agreed and are asked to confirm by mail: they become pending
)

// Config sets a destination up.
type Config struct {
	BaseURL string // the API; by default at the key's data centre
	ListID  string // the audience

	// Consent is what every lead of this destination has given, where that is
	// so. By default each lead has to bring its own, by a mapping to "consent".
	Consent string
}

// Destination is one audience.
type Destination struct{ cfg Config }

var (
	_ deliver.Destination = (*Destination)(nil)
	_ deliver.Judge       = (*Destination)(nil)
)

// New makes a destination.
func New(cfg Config) (*Destination, error) {
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	switch {
	case cfg.ListID == "":
		return nil, leadlake.Errorf(leadlake.Invalid, "mailchimp: list_id is missing").WithFix("copy the audience's ID from its settings")
	case cfg.Consent != "" && cfg.Consent != OptIn && cfg.Consent != DoubleOptIn:
		return nil, leadlake.Errorf(leadlake.Invalid, "mailchimp: consent %q: want %s or %s", cfg.Consent, OptIn, DoubleOptIn)
	}
	return &Destination{cfg}, nil
}

// Mailchimp allows ten calls under way for one user, and some are left for others.
const (
	parallel  = 8
	batchRows = 25
)

// Spec describes the destination. There is no limit on calls by time.
func (d *Destination) Spec() deliver.Spec {
	return deliver.Spec{
		Name: "mailchimp", BaseURL: cmp.Or(d.cfg.BaseURL, "https://api.mailchimp.com/3.0"), Secrets: []string{KeyEnv},
		BatchRows: batchRows, ProbeRows: batchRows, Parallel: parallel,
		KeyField: "email_address", Removes: true, Repeatable: true,
		Effect: "a PUT to the one address that a member has in an audience, the MD5 of the e-mail",
	}
}

var dataCentre = regexp.MustCompile(`^[^-\s]+-([a-z]{2}[0-9]{1,3})$`)

// Authorize finds the data centre at the end of the key.
func (d *Destination) Authorize(s deliver.Session) (deliver.Access, error) {
	key := s.Secret(KeyEnv)
	access := deliver.Access{
		BaseURL: d.cfg.BaseURL,
		Header:  http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("leadlake:"+key))}},
	}
	if access.BaseURL == "" {
		m := dataCentre.FindStringSubmatch(key)
		if m == nil {
			return deliver.Access{}, leadlake.Errorf(leadlake.Unauthorized, "mailchimp: the key does not name a data centre").
				WithFix("set %s to the whole key, with what is behind the dash", KeyEnv)
		}
		access.BaseURL = "https://" + m[1] + ".api.mailchimp.com/3.0"
	}
	return access, nil
}

// Judge knows a 403 without a body as Mailchimp's other way to say 429. It never
// says how long to wait.
func (d *Destination) Judge(status int, _ http.Header, body []byte) deliver.Judgement {
	if status < http.StatusBadRequest {
		return deliver.Judgement{}
	}
	j := deliver.Judgement{Message: strings.TrimSpace(gjson.GetBytes(body, "title").String() + " " + gjson.GetBytes(body, "detail").String())}
	if status == http.StatusTooManyRequests || status == http.StatusForbidden && len(strings.TrimSpace(string(body))) == 0 {
		j.Verdict, j.Wait = deliver.Slow, time.Second
	}
	return j
}

func (d *Destination) wrong(what string, resp deliver.Response) *leadlake.Error {
	return leadlake.Errorf(leadlake.Invalid, "mailchimp: %s: status %d: %s %s", what, resp.Status, gjson.GetBytes(resp.Body, "title").String(), gjson.GetBytes(resp.Body, "detail").String())
}

func (d *Destination) list() string { return "/lists/" + url.PathEscape(d.cfg.ListID) }

// member is where a row is: by the id of its contact, which stays when the
// address changes, or by its address.
func (d *Destination) member(r deliver.Row) string {
	return d.list() + "/members/" + url.PathEscape(cmp.Or(r.ID, hash(r.Key)))
}

// hash names a member: the MD5 of the address in lower case.
func hash(email string) string {
	sum := md5.Sum([]byte(strings.ToLower(email))) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// maxText is how many characters a merge field of type text holds.
const maxText = 255

// Describe reads the merge fields of the audience. A part of an address is a
// field of its own: merge_fields.ADDRESS.city.
func (d *Destination) Describe(s deliver.Session) (deliver.Schema, error) {
	resp, err := s.Call(deliver.Request{URL: d.list() + "/merge-fields?count=1000", Endpoint: "describe"})
	if err != nil {
		return deliver.Schema{}, err
	}
	if !resp.OK() {
		return deliver.Schema{}, d.wrong("describe audience "+d.cfg.ListID, resp).WithFix("check list_id")
	}
	out := deliver.Schema{Fields: []deliver.Field{
		{Name: "email_address", Type: deliver.Text, Required: true},
		{Name: consentField, Type: deliver.Picklist, Values: []string{OptIn, DoubleOptIn}},
		{Name: "email_type", Type: deliver.Picklist, Values: []string{"html", "text"}},
		{Name: "language", Type: deliver.Text},
		{Name: "vip", Type: deliver.Boolean},
		{Name: tagsField, Type: deliver.List},
	}}
	for _, f := range gjson.GetBytes(resp.Body, "merge_fields").Array() {
		out.Fields = append(out.Fields, mergeField(f)...)
	}
	return out, nil
}

func mergeField(f gjson.Result) []deliver.Field {
	out := deliver.Field{Name: "merge_fields." + f.Get("tag").String(), Type: deliver.Text, Required: f.Get("required").Bool()}
	switch f.Get("type").String() {
	case "address":
		required := out.Required
		out.Type, out.Required = deliver.Object, false // its parts may come instead
		fields := []deliver.Field{out}
		for _, part := range []string{"addr1", "addr2", "city", "state", "zip", "country"} {
			need := required && part != "addr2" && part != "country"
			fields = append(fields, deliver.Field{Name: out.Name + "." + part, Type: deliver.Text, Required: need})
		}
		return fields
	case "number":
		out.Type = deliver.Number
	case "date":
		out.Type = deliver.Date
	case "dropdown", "radio":
		out.Type = deliver.Picklist
		for _, choice := range f.Get("options.choices").Array() {
			out.Values = append(out.Values, choice.String())
		}
	case "text":
		out.MaxLen = maxText
	}
	return []deliver.Field{out}
}
