// Package salesforce delivers leads to an object of a Salesforce org, found by
// an external id: in collections of 200, or by the Bulk API 2.0 where there are
// many. Sources of the rules are the REST and Bulk guides of Salesforce.
package salesforce

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// The ways to open a session.
const (
	ClientCredentials = "client_credentials"
	JWT               = "jwt"
	RefreshToken      = "refresh_token"
)

// The environment variables of a destination. Which are needed depends on the
// way to open a session.
const (
	SecretEnv  = "LEADLAKE_SALESFORCE_CLIENT_SECRET"
	KeyEnv     = "LEADLAKE_SALESFORCE_PRIVATE_KEY" // PEM, RSA
	RefreshEnv = "LEADLAKE_SALESFORCE_REFRESH_TOKEN"
)

// Config sets a destination up. The zero value of a field has the default that
// is named with it.
type Config struct {
	LoginURL string // https://login.salesforce.com; client credentials need the org's own domain
	ClientID string // of the connected app
	Flow     string // ClientCredentials
	Username string // whom JWT acts for
	Audience string // of JWT: LoginURL

	Object   string // Lead
	KeyField string // the external id: Leadlake_Id__c
	Version  string // 62.0

	// SaveDuplicates saves what a duplicate rule only warns of.
	SaveDuplicates bool

	CallsPerDay int                     // what the org grants us: 100,000
	Statuses    map[string]deliver.Kind // what a Status of a lead means: see Statuses
}

// Statuses is what the usual states of a lead mean.
func Statuses() map[string]deliver.Kind {
	return map[string]deliver.Kind{
		"Working - Contacted":    deliver.Replied,
		"Qualified":              deliver.Qualified,
		"Closed - Not Converted": deliver.Lost,
	}
}

// Destination is one object of one org.
type Destination struct{ cfg Config }

var (
	_ deliver.Destination = (*Destination)(nil)
	_ deliver.Judge       = (*Destination)(nil)
)

// New makes a destination.
func New(cfg Config) (*Destination, error) {
	cfg.LoginURL = strings.TrimSuffix(cmp.Or(cfg.LoginURL, "https://login.salesforce.com"), "/")
	cfg.Flow = cmp.Or(cfg.Flow, ClientCredentials)
	cfg.Audience = cmp.Or(cfg.Audience, cfg.LoginURL)
	cfg.Object = cmp.Or(cfg.Object, "Lead")
	cfg.KeyField = cmp.Or(cfg.KeyField, "Leadlake_Id__c")
	cfg.Version = strings.TrimPrefix(cmp.Or(cfg.Version, "62.0"), "v")
	cfg.CallsPerDay = cmp.Or(cfg.CallsPerDay, 100_000)
	if cfg.Statuses == nil {
		cfg.Statuses = Statuses()
	}
	switch {
	case cfg.Flow != ClientCredentials && cfg.Flow != JWT && cfg.Flow != RefreshToken:
		return nil, leadlake.Errorf(leadlake.Invalid, "salesforce: flow %q: want %s, %s or %s", cfg.Flow, ClientCredentials, JWT, RefreshToken)
	case cfg.ClientID == "":
		return nil, leadlake.Errorf(leadlake.Invalid, "salesforce: client_id is missing").WithFix("copy the consumer key of the connected app")
	case cfg.Flow == JWT && cfg.Username == "":
		return nil, leadlake.Errorf(leadlake.Invalid, "salesforce: username is missing").WithFix("name the user that the connected app acts for")
	}
	return &Destination{cfg}, nil
}

// The names of methods, in limits and counts.
const (
	token      = "token"
	describe   = "describe"
	collection = "upsert_collection"
	removal    = "delete_collection"
	query      = "query"
	jobs       = "jobs"
)

// collectionRows is what one call of the collections resource takes, and
// bulkAbove where the Bulk API begins to be cheaper: both are Salesforce's own.
const (
	collectionRows = 200
	bulkAbove      = 2_000
	bulkRows       = 20_000
)

// Spec describes the destination. Its only limit is the day's.
func (d *Destination) Spec() deliver.Spec {
	secrets := map[string][]string{ClientCredentials: {SecretEnv}, JWT: {KeyEnv}, RefreshToken: {RefreshEnv, SecretEnv}}
	return deliver.Spec{
		Name: "salesforce", BaseURL: d.cfg.LoginURL, Secrets: secrets[d.cfg.Flow],
		Limits:    []deliver.Limit{{Calls: d.cfg.CallsPerDay, Per: deliver.PerDay}},
		BatchRows: collectionRows, ProbeRows: collectionRows, BulkAbove: bulkAbove, BulkRows: bulkRows,
		KeyField: d.cfg.KeyField, Removes: true, Repeatable: true,
		Effect: "an upsert by an external id that the org keeps unique",
	}
}

func (d *Destination) data(path string) string { return "/services/data/v" + d.cfg.Version + path }

// Judge reads what Salesforce says in words: a day's quota and a moment's rush
// are both 403. It never says how long to wait.
func (d *Destination) Judge(status int, _ http.Header, body []byte) deliver.Judgement {
	if status < http.StatusBadRequest {
		return deliver.Judgement{}
	}
	first := gjson.GetBytes(body, "0")
	code, message := first.Get("errorCode").String(), first.Get("message").String()
	j := deliver.Judgement{Message: strings.TrimSpace(code + " " + message)}
	switch code {
	case "REQUEST_LIMIT_EXCEEDED":
		j.Verdict, j.Wait = deliver.Slow, 5*time.Second
		if strings.HasPrefix(message, "TotalRequests") {
			j.Verdict, j.Wait = deliver.Spent, 0
		}
	case "INVALID_SESSION_ID", "INVALID_AUTH_HEADER":
		j.Verdict = deliver.Denied
	case "UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE":
		j.Verdict = deliver.Broken
	case "NOT_FOUND", "ENTITY_IS_DELETED":
		j.Verdict = deliver.Miss
	}
	return j
}

// Describe reads the fields of the object.
func (d *Destination) Describe(s deliver.Session) (deliver.Schema, error) {
	resp, err := s.Call(deliver.Request{URL: d.data("/sobjects/" + url.PathEscape(d.cfg.Object) + "/describe"), Endpoint: describe})
	if err != nil {
		return deliver.Schema{}, err
	}
	if !resp.OK() {
		return deliver.Schema{}, d.wrong("describe "+d.cfg.Object, resp).WithFix("check the object's name, and that our user may see it")
	}
	var out deliver.Schema
	for _, f := range gjson.GetBytes(resp.Body, "fields").Array() {
		out.Fields = append(out.Fields, field(f))
	}
	return out, nil
}

// field reads a field of describe. A restricted picklist takes its own values
// only, another one takes any.
func field(f gjson.Result) deliver.Field {
	writable := f.Get("createable").Bool() && f.Get("updateable").Bool()
	out := deliver.Field{
		Name: f.Get("name").String(), ReadOnly: !writable, MaxLen: int(f.Get("length").Int()), Type: deliver.Text,
		Required: writable && !f.Get("nillable").Bool() && !f.Get("defaultedOnCreate").Bool(),
	}
	switch f.Get("type").String() {
	case "int":
		out.Type = deliver.Integer
	case "double", "currency", "percent":
		out.Type = deliver.Number
	case "boolean":
		out.Type = deliver.Boolean
	case "date":
		out.Type = deliver.Date
	case "datetime":
		out.Type = deliver.DateTime
	case "picklist":
		out.Type = deliver.Picklist
		if f.Get("restrictedPicklist").Bool() {
			for _, v := range f.Get("picklistValues").Array() {
				if v.Get("active").Bool() {
					out.Values = append(out.Values, v.Get("value").String())
				}
			}
		}
	}
	if out.Type != deliver.Text && out.Type != deliver.Picklist {
		out.MaxLen = 0
	}
	return out
}

// wrong makes an error of an answer that refuses the whole call.
func (d *Destination) wrong(doing string, resp deliver.Response) *leadlake.Error {
	first := gjson.GetBytes(resp.Body, "0")
	text := strings.TrimSpace(first.Get("errorCode").String() + " " + first.Get("message").String())
	return leadlake.Errorf(leadlake.Invalid, "salesforce: %s: status %d: %s", doing, resp.Status, cmp.Or(text, "no reason given"))
}

// record is a row as the collections resource takes it.
func (d *Destination) record(r deliver.Row) json.RawMessage {
	out := make(map[string]json.RawMessage, len(r.Fields)+2)
	for name, v := range r.Fields {
		out[name] = v
	}
	out["attributes"] = deliver.Value(map[string]string{"type": d.cfg.Object})
	out[d.cfg.KeyField] = deliver.Value(r.Key)
	return deliver.Value(out)
}
