// Package hubspot delivers leads to contacts, companies or another object of a
// HubSpot account, by batch upsert with a property that is unique. Sources of
// the rules are HubSpot's CRM API reference and its usage guidelines.
package hubspot

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// The environment variables of a destination: the token of a private app, or,
// with a ClientID, the refresh token and the secret of an app.
const (
	TokenEnv   = "LEADLAKE_HUBSPOT_TOKEN"
	RefreshEnv = "LEADLAKE_HUBSPOT_REFRESH_TOKEN"
	SecretEnv  = "LEADLAKE_HUBSPOT_CLIENT_SECRET"
)

// Config sets a destination up. The zero value of a field has the default that
// is named with it.
type Config struct {
	BaseURL  string // https://api.hubapi.com
	ClientID string // of an app that was installed by OAuth; without it the token is that of a private app
	Version  string // v3, or a date such as 2026-03

	Object     string // contacts
	IDProperty string // the unique property that carries the natural key: email for contacts, leadlake_id for others

	CallsPerSecond   int // 19: a tenth of what a professional account may in ten seconds
	CallsPerDay      int // 650,000
	SearchsPerSecond int // 4

	Stages   map[string]deliver.Kind // what a lifecyclestage means: see Stages
	Statuses map[string]deliver.Kind // what an hs_lead_status means: see Statuses
}

// Stages is what HubSpot's own lifecycle stages mean.
func Stages() map[string]deliver.Kind {
	return map[string]deliver.Kind{"salesqualifiedlead": deliver.Qualified, "opportunity": deliver.Opportunity, "customer": deliver.Won}
}

// Statuses is what HubSpot's own lead statuses mean.
func Statuses() map[string]deliver.Kind {
	return map[string]deliver.Kind{"CONNECTED": deliver.Replied, "OPEN_DEAL": deliver.Opportunity, "UNQUALIFIED": deliver.Lost}
}

// Destination is one object of one account.
type Destination struct{ cfg Config }

var (
	_ deliver.Destination = (*Destination)(nil)
	_ deliver.Judge       = (*Destination)(nil)
)

// New makes a destination.
func New(cfg Config) (*Destination, error) {
	cfg.BaseURL = strings.TrimSuffix(cmp.Or(cfg.BaseURL, "https://api.hubapi.com"), "/")
	cfg.Version = cmp.Or(cfg.Version, "v3")
	cfg.Object = cmp.Or(cfg.Object, "contacts")
	if cfg.IDProperty == "" {
		cfg.IDProperty = "leadlake_id"
		if cfg.Object == "contacts" {
			cfg.IDProperty = "email"
		}
	}
	cfg.CallsPerSecond, cfg.CallsPerDay = cmp.Or(cfg.CallsPerSecond, 19), cmp.Or(cfg.CallsPerDay, 650_000)
	cfg.SearchsPerSecond = cmp.Or(cfg.SearchsPerSecond, 4)
	if cfg.Stages == nil {
		cfg.Stages = Stages()
	}
	if cfg.Statuses == nil {
		cfg.Statuses = Statuses()
	}
	if strings.ContainsAny(cfg.Object+cfg.Version+cfg.IDProperty, "/?# ") {
		return nil, leadlake.Errorf(leadlake.Invalid, "hubspot: object %q, version %q and id_property %q are names", cfg.Object, cfg.Version, cfg.IDProperty)
	}
	return &Destination{cfg}, nil
}

// The names of methods, in limits and counts.
const (
	token  = "token"
	fields = "properties"
	upsert = "batch_upsert"
	read   = "batch_read"
	remove = "batch_archive"
	search = "search"
)

// batchRows is what a batch takes. Calls take up to a second each, so that it
// needs many at once to make as many as HubSpot allows.
const (
	batchRows = 100
	parallel  = 16
)

// Spec describes the destination.
func (d *Destination) Spec() deliver.Spec {
	secrets := []string{TokenEnv}
	if d.cfg.ClientID != "" {
		secrets = []string{RefreshEnv, SecretEnv}
	}
	return deliver.Spec{
		Name: "hubspot", BaseURL: d.cfg.BaseURL, Secrets: secrets,
		Limits: []deliver.Limit{
			// Ten seconds are HubSpot's own window. Of so long a one no place is lost
			// because a call is a little late.
			{Calls: 10 * d.cfg.CallsPerSecond, Per: deliver.PerTenSeconds}, {Calls: d.cfg.CallsPerDay, Per: deliver.PerDay},
			{Endpoint: search, Calls: d.cfg.SearchsPerSecond, Per: deliver.PerSecond},
		},
		BatchRows: batchRows, ProbeRows: batchRows, Parallel: parallel, KeyField: d.cfg.IDProperty, Removes: true, Repeatable: true,
		Effect: "an upsert by a property that the account keeps unique",
	}
}

// objects is a path of the object; versions with a date have it elsewhere.
func (d *Destination) objects(path string) string {
	if d.cfg.Version == "v3" {
		return "/crm/v3/objects/" + d.cfg.Object + path
	}
	return "/crm/objects/" + d.cfg.Version + "/" + d.cfg.Object + path
}

// Authorize gives the private app's token, or mints one for an app.
func (d *Destination) Authorize(s deliver.Session) (deliver.Access, error) {
	if d.cfg.ClientID == "" {
		return deliver.Access{Header: deliver.Bearer(s.Secret(TokenEnv))}, nil
	}
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {d.cfg.ClientID}, "client_secret": {s.Secret(SecretEnv)}, "refresh_token": {s.Secret(RefreshEnv)}}
	resp, err := s.Call(deliver.PostForm("/oauth/v1/token", token, form))
	if err != nil {
		return deliver.Access{}, err
	}
	minted := gjson.GetBytes(resp.Body, "access_token").String()
	if !resp.OK() || minted == "" {
		return deliver.Access{}, leadlake.Errorf(leadlake.Unauthorized, "hubspot: get token: status %d: %s", resp.Status, gjson.GetBytes(resp.Body, "message")).
			WithFix("install the app again, and set %s", RefreshEnv)
	}
	life := time.Duration(gjson.GetBytes(resp.Body, "expires_in").Int()) * time.Second
	return deliver.Access{Header: deliver.Bearer(minted), Until: s.Now().Add(life - time.Minute)}, nil
}

// statusLocked and statusMigrating are HubSpot's own: a record is being
// written, or the account is being moved, which Retry-After tells the length of.
const (
	statusLocked    = 423
	statusMigrating = 477
)

// Judge tells the day's limit from those of a moment.
func (d *Destination) Judge(status int, _ http.Header, body []byte) deliver.Judgement {
	if status < http.StatusBadRequest {
		return deliver.Judgement{}
	}
	j := deliver.Judgement{Message: gjson.GetBytes(body, "message").String()}
	switch status {
	case http.StatusTooManyRequests:
		j.Verdict = deliver.Slow
		switch policy := gjson.GetBytes(body, "policyName").String(); {
		case policy == "DAILY":
			j.Verdict = deliver.Spent
		case strings.HasPrefix(policy, "TEN_SECONDLY"):
			j.Wait = 2 * time.Second
		case policy == "SECONDLY":
			j.Wait = time.Second
		}
	case statusLocked:
		j.Verdict, j.Wait = deliver.Slow, 2*time.Second
	case statusMigrating:
		j.Verdict = deliver.Slow
	case http.StatusNotFound:
		if gjson.GetBytes(body, "category").String() == "OBJECT_NOT_FOUND" {
			j.Verdict = deliver.Miss
		}
	}
	return j
}

// Describe reads the properties of the object.
func (d *Destination) Describe(s deliver.Session) (deliver.Schema, error) {
	path := "/crm/v3/properties/" + d.cfg.Object
	if d.cfg.Version != "v3" {
		path = "/crm/properties/" + d.cfg.Version + "/" + d.cfg.Object
	}
	resp, err := s.Call(deliver.Request{URL: path, Endpoint: fields})
	if err != nil {
		return deliver.Schema{}, err
	}
	if !resp.OK() {
		return deliver.Schema{}, d.wrong("read properties", resp)
	}
	types := map[string]deliver.Type{
		"number": deliver.Number, "date": deliver.Date, "datetime": deliver.DateTime, "bool": deliver.Boolean, "enumeration": deliver.Picklist,
	}
	var out deliver.Schema
	for _, p := range gjson.GetBytes(resp.Body, "results").Array() {
		f := deliver.Field{
			Name: p.Get("name").String(), Type: cmp.Or(types[p.Get("type").String()], deliver.Text),
			ReadOnly: p.Get("modificationMetadata.readOnlyValue").Bool() || p.Get("calculated").Bool(),
		}
		switch f.Type {
		case deliver.Text:
			f.MaxLen = 65_536
		case deliver.Picklist:
			for _, o := range p.Get("options.#.value").Array() {
				f.Values = append(f.Values, o.String())
			}
		}
		out.Fields = append(out.Fields, f)
	}
	return out, nil
}

// wrong makes an error of an answer that refuses the whole call.
func (d *Destination) wrong(doing string, resp deliver.Response) *leadlake.Error {
	text := strings.TrimSpace(gjson.GetBytes(resp.Body, "category").String() + " " + gjson.GetBytes(resp.Body, "message").String())
	return leadlake.Errorf(leadlake.Invalid, "hubspot: %s of %s: status %d: %s", doing, d.cfg.Object, resp.Status, cmp.Or(text, "no reason given"))
}
