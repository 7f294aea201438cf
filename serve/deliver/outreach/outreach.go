// Package outreach delivers leads to Outreach as prospects, which it finds by
// their e-mail address, or as accounts, by their customId. The rules are those
// of Outreach's API pages and of its OpenAPI document.
//
// There is no upsert and no idempotency key. A row is searched first, then
// changed or created; the address, which Outreach keeps unique, decides a race.
package outreach

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// The environment variables of a destination. With a token, the others are not
// needed: it is one of the kind that is given to servers.
const (
	RefreshEnv = "LEADLAKE_OUTREACH_REFRESH_TOKEN" //nolint:gosec // a name
	SecretEnv  = "LEADLAKE_OUTREACH_CLIENT_SECRET" //nolint:gosec // a name
	TokenEnv   = "LEADLAKE_OUTREACH_TOKEN"         //nolint:gosec // a name
)

// The objects.
const (
	Prospects = "prospects"
	Accounts  = "accounts"
)

// Config sets a destination up. The zero value of a field has the default that
// is named with it.
type Config struct {
	BaseURL     string // https://api.outreach.io
	ClientID    string // of the OAuth application; needed where there is no token
	RedirectURI string // of the OAuth application
	HasToken    bool   // TokenEnv holds a token to use as it is
	Object      string // Prospects

	// Sequence, where it is not 0, enrols every new prospect: people are then
	// written to at once. It needs the Mailbox to write from.
	Sequence, Mailbox int

	CallsPerHour int                     // what one user may do: 10,000
	Stages       map[string]deliver.Kind // what a stage of a prospect means, by its name; none by default
}

// Destination is one object of one customer.
type Destination struct{ cfg Config }

var (
	_ deliver.Destination = (*Destination)(nil)
	_ deliver.Judge       = (*Destination)(nil)
)

// New makes a destination.
func New(cfg Config) (*Destination, error) {
	cfg.BaseURL = strings.TrimSuffix(cmp.Or(cfg.BaseURL, "https://api.outreach.io"), "/")
	cfg.Object = cmp.Or(cfg.Object, Prospects)
	cfg.CallsPerHour = cmp.Or(cfg.CallsPerHour, 10_000)
	switch {
	case cfg.Object != Prospects && cfg.Object != Accounts:
		return nil, leadlake.Errorf(leadlake.Invalid, "outreach: object %q: want %s or %s", cfg.Object, Prospects, Accounts)
	case cfg.ClientID == "" && !cfg.HasToken:
		return nil, leadlake.Errorf(leadlake.Invalid, "outreach: client_id is missing").WithFix("copy it from the OAuth application")
	case cfg.Sequence != 0 && (cfg.Mailbox == 0 || cfg.Object != Prospects):
		return nil, leadlake.Errorf(leadlake.Invalid, "outreach: a sequence takes prospects, and a mailbox to write from").WithFix("set mailbox to the id of a mailbox")
	}
	return &Destination{cfg}, nil
}

// searched is how many rows one search finds: their addresses have to fit into
// an URL.
const searched = 25

// Spec describes the destination.
func (d *Destination) Spec() deliver.Spec {
	spec := deliver.Spec{
		Name: "outreach", BaseURL: d.cfg.BaseURL, Secrets: []string{RefreshEnv, SecretEnv},
		Limits:    []deliver.Limit{{Calls: d.cfg.CallsPerHour, Per: deliver.PerHour}},
		BatchRows: searched, ProbeRows: searched, Removes: true, Repeatable: true,
		Effect: "a search by e-mail address before every create, and Outreach keeps addresses unique",
	}
	if d.cfg.HasToken {
		spec.Secrets = []string{TokenEnv}
	}
	if d.cfg.Object == Accounts {
		spec.KeyField, spec.Repeatable = "customId", false
		spec.Effect = "a search by customId before every create; two senders at once that do not share a ledger may create two"
	}
	return spec
}

// kind is the type of the object in a document.
func (d *Destination) kind() string { return strings.TrimSuffix(d.cfg.Object, "s") }

// filter is the parameter by which rows are found.
func (d *Destination) filter() string {
	if d.cfg.Object == Accounts {
		return "filter[customId]"
	}
	return "filter[emails]"
}

const api = "/api/v2/"

// media is the only type of body that Outreach takes.
func media() http.Header { return http.Header{"Content-Type": {"application/vnd.api+json"}} }

// Authorize trades the refresh token for an access token, which lives for two
// hours. Outreach gives a new refresh token with it; the old one works until it
// is two weeks old, so the variable has to be renewed before.
func (d *Destination) Authorize(s deliver.Session) (deliver.Access, error) {
	if d.cfg.HasToken {
		return deliver.Access{Header: deliver.Bearer(s.Secret(TokenEnv))}, nil
	}
	form := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {s.Secret(RefreshEnv)}, "client_id": {d.cfg.ClientID},
		"client_secret": {s.Secret(SecretEnv)}, "redirect_uri": {d.cfg.RedirectURI},
	}
	resp, err := s.Call(deliver.PostForm("/oauth/token", "token", form))
	if err != nil {
		return deliver.Access{}, err
	}
	token, life := gjson.GetBytes(resp.Body, "access_token").String(), gjson.GetBytes(resp.Body, "expires_in").Int()
	if !resp.OK() || token == "" {
		reason := gjson.GetBytes(resp.Body, "error").String() + " " + gjson.GetBytes(resp.Body, "error_description").String()
		return deliver.Access{}, leadlake.Errorf(leadlake.Unauthorized, "outreach: open session: status %d: %s", resp.Status, reason).
			WithFix("authorise the application again, and set %s to the new refresh token", RefreshEnv)
	}
	return deliver.Access{Header: deliver.Bearer(token), Until: s.Now().Add(time.Duration(life)*time.Second - time.Minute)}, nil
}

// Judge reads that Retry-After and X-RateLimit-Reset are points in time, and
// that of two windows, with a comma between them, the first is the user's.
func (d *Destination) Judge(status int, header http.Header, body []byte) deliver.Judgement {
	if status < http.StatusBadRequest {
		return deliver.Judgement{}
	}
	first := gjson.GetBytes(body, "errors.0")
	j := deliver.Judgement{Message: strings.TrimSpace(first.Get("id").String() + " " + first.Get("detail").String())}
	again := moment(cmp.Or(header.Get("Retry-After"), header.Get("X-RateLimit-Reset")))
	switch status {
	case http.StatusTooManyRequests:
		j.Verdict, j.Until = deliver.Slow, again
	case http.StatusServiceUnavailable:
		j.Verdict, j.Until = deliver.Broken, again
	case http.StatusForbidden:
		j.Verdict = deliver.Refused
	}
	return j
}

// moment reads seconds since 1970, or ISO 8601; the zero time where it is neither.
func moment(text string) time.Time {
	text, _, _ = strings.Cut(text, ",")
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 1e9 {
		return time.Unix(n, 0)
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// wrong is an answer that no method expects.
func (d *Destination) wrong(what string, resp deliver.Response) *leadlake.Error {
	first := gjson.GetBytes(resp.Body, "errors.0")
	return leadlake.Errorf(leadlake.Invalid, "outreach: %s: status %d: %s %s", what, resp.Status, first.Get("id").String(), first.Get("detail").String())
}

// Describe lists what Outreach's document lists: it has no call that does. Custom
// fields take texts.
func (d *Destination) Describe(deliver.Session) (deliver.Schema, error) {
	text := prospectFields
	if d.cfg.Object == Accounts {
		text = accountFields
	}
	var out deliver.Schema
	for one := range strings.FieldsSeq(text) {
		name, kind, _ := strings.Cut(one, ":")
		f := deliver.Field{Name: name, Type: types()[kind[0]], Required: d.cfg.Object == Accounts && name == "name"}
		f.MaxLen, _ = strconv.Atoi(kind[1:]) // no number is no limit
		if name != "custom" {
			out.Fields = append(out.Fields, f)
			continue
		}
		for i := 1; i <= 150; i++ {
			f.Name = "custom" + strconv.Itoa(i)
			out.Fields = append(out.Fields, f)
		}
	}
	return out, nil
}

func types() map[byte]deliver.Type {
	return map[byte]deliver.Type{'s': deliver.Text, 't': deliver.DateTime, 'd': deliver.Date, 'b': deliver.Boolean, 'i': deliver.Integer, 'n': deliver.Number, 'l': deliver.List}
}

// The attributes that may be written, as name:type; behind the type of a text is
// how many characters it takes.
const (
	prospectFields = `addedAt:t addressCity:s255 addressCountry:s255 addressState:s255 addressStreet:s255 addressStreet2:s255 addressZip:s255
		availableAt:t callOptedOut:b campaignName:s255 company:s custom:s32000 dateOfBirth:d degree:s255 emailOptedOut:b emails:l eventName:s255
		externalId:s255 externalOwner:s255 externalSource:s255 facebookUrl:s255 firstName:s255 githubUrl:s1000 githubUsername:s255 homePhones:l
		jobStartDate:d lastName:s255 linkedInConnections:i linkedInId:s255 linkedInUrl:s1000 middleName:s255 mobilePhones:l nickname:s255
		occupation:s255 optedOut:b otherPhones:l personalNote1:s65535 personalNote2:s65535 preferredContact:s255 region:s255 school:s255 score:n
		source:s255 specialties:s65535 tags:l timeZone:s255 title:s255 twitterUrl:s1000 twitterUsername:s255 voipPhones:l websiteUrl1:s65535
		websiteUrl2:s65535 websiteUrl3:s65535 workPhones:l`
	accountFields = `annualRevenueRange:s255 companyType:s255 custom:s32000 customId:s255 description:s65535 domain:s255 externalSource:s255
		followers:i foundedAt:t industry:s255 linkedInEmployees:i linkedInUrl:s1000 locality:s255 name:s255 named:b naturalName:s255
		naicsCodes:l numberOfEmployees:i sicCodes:l tags:l tickerSymbol:s255 websiteUrl:s255`
)

// Probe searches for the rows.
func (d *Destination) Probe(s deliver.Session, rows []deliver.Row) ([]deliver.Found, error) {
	out := make([]deliver.Found, len(rows))
	at := map[string][]int{}
	var keys []string
	names := map[string]bool{"updatedAt": true, "emails": true, "customId": d.cfg.Object == Accounts}
	for i, r := range rows {
		key := strings.ToLower(r.Key)
		if len(at[key]) == 0 {
			keys = append(keys, r.Key)
		}
		at[key] = append(at[key], i)
		for name := range r.Fields {
			names[name] = true
		}
	}
	var fields []string
	for name, wanted := range names {
		if wanted && (name != "emails" || d.cfg.Object == Prospects) {
			fields = append(fields, name)
		}
	}
	q := url.Values{
		d.filter(): {strings.Join(keys, ",")}, "page[size]": {"1000"}, "count": {"false"},
		"fields[" + d.kind() + "]": {strings.Join(fields, ",")},
	}
	if d.cfg.Object == Accounts { // a list shows named ones only, unless one asks
		q.Set("filter[named]", "true,false")
	}
	resp, err := s.Call(deliver.Request{URL: api + d.cfg.Object + "?" + q.Encode(), Endpoint: "search"})
	if err != nil {
		return nil, err
	}
	data := gjson.GetBytes(resp.Body, "data")
	if !resp.OK() || !data.IsArray() {
		return nil, d.wrong("search "+d.cfg.Object, resp)
	}
	for _, record := range data.Array() {
		attrs := record.Get("attributes")
		mine := attrs.Get("emails").Array()
		if d.cfg.Object == Accounts {
			mine = []gjson.Result{attrs.Get("customId")}
		}
		for _, key := range mine {
			for _, i := range at[strings.ToLower(key.String())] {
				if out[i].Matches++; out[i].Matches == 1 {
					out[i] = found(record, rows[i].Fields)
				}
			}
		}
	}
	return out, nil
}

func found(record gjson.Result, fields deliver.Payload) deliver.Found {
	attrs := record.Get("attributes")
	out := deliver.Found{Matches: 1, ID: record.Get("id").String(), Fields: deliver.Payload{}, ChangedAt: moment(attrs.Get("updatedAt").String())}
	for name := range fields {
		out.Fields[name] = json.RawMessage("null")
		if v := attrs.Get(name); v.Exists() {
			out.Fields[name] = json.RawMessage(v.Raw)
		}
	}
	return out
}
