package main

import (
	"crypto/md5" //nolint:gosec // Mailchimp names members by it
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/all"
	"github.com/leadlake/leadlake/serve/deliver/webhook"
)

// place is a destination of the run, with its share of the leads.
type place struct {
	name  string // in the ledger
	kind  string
	app   string // of the sandbox; "" for files
	share int    // of a hundred leads
	size  int    // leads of a campaign
	short int    // the same in a short run
	first int    // number of its first lead

	settings map[string]string
	url      string // of a webhook
	// key names a lead to the sandbox's count of effects.
	object string
	key    func(n int) string
}

// The sandbox's audience, and the secret of its receiver.
const (
	audience = "a1b2c3d4e5"
	secret   = "whsec_bGVhZGxha2Utc2FuZGJveC13ZWJob29rLXNlY3JldA==" //nolint:gosec // the sandbox's
)

// unlimited stands in for limits that a run of chaos would only wait for.
var unlimited = strconv.Itoa(math.MaxInt32)

// places are all destinations. Two are of Salesforce, because it has two ways.
func places(sandbox string) []*place {
	list := []*place{
		{name: "salesforce", kind: "salesforce", app: "salesforce", share: 15, size: 1_500, short: 250, object: "Lead", key: leadID},
		{name: "salesforce_bulk", kind: "salesforce", app: "salesforce", share: 15, size: 8_000, short: 2_100, object: "Lead", key: leadID},
		{name: "hubspot", kind: "hubspot", app: "hubspot", share: 16, size: 4_000, short: 250, object: "contacts", key: leadID},
		{name: "outreach", kind: "outreach", app: "outreach", share: 12, size: 2_000, short: 250, object: "prospects", key: leadID},
		{name: "mailchimp", kind: "mailchimp", app: "mailchimp", share: 12, size: 2_000, short: 250, object: "members", key: member},
		{name: "webhook", kind: "webhook", app: "webhook", share: 14, size: 3_000, short: 250, object: "default", url: sandbox + "/webhook/default"},
		{name: "csv", kind: "csv", share: 8, size: 2_000, short: 250},
		{name: "s3", kind: "s3", share: 8, size: 2_000, short: 250},
	}
	for i, p := range list {
		p.first = i * 10_000_000
		p.settings = map[string]map[string]string{
			"salesforce": {"login_url": sandbox + "/salesforce", "client_id": "app", "calls_per_day": unlimited},
			"hubspot":    {"base_url": sandbox + "/hubspot", "calls_per_second": "100000", "calls_per_day": unlimited},
			"outreach":   {"base_url": sandbox + "/outreach", "has_token": "true", "calls_per_hour": unlimited},
			"mailchimp":  {"base_url": sandbox + "/mailchimp/3.0", "list_id": audience, "consent": "opt_in"},
			"csv":        {"prefix": "csv"},
			"s3":         {"prefix": "s3"},
		}[p.kind]
	}
	return list
}

func member(n int) string {
	sum := md5.Sum([]byte(email(n))) //nolint:gosec // see above
	return audience + "/" + hex.EncodeToString(sum[:])
}

// destination makes what the engine delivers to. A webhook's ladder is short:
// the real one takes days.
func (p *place) destination() (deliver.Destination, deliver.Mapping, error) {
	mapping, err := deliver.DefaultMapping(p.kind)
	if err != nil {
		return nil, mapping, err
	}
	if p.kind == "webhook" {
		ladder := make([]time.Duration, 30)
		for i := range ladder {
			ladder[i] = min(time.Second, 20*time.Millisecond<<min(i, 10))
		}
		to, err := webhook.New(webhook.Config{URL: p.url, Ladder: ladder})
		return to, mapping, err
	}
	to, err := all.New(p.kind, p.settings, mapping)
	return to, mapping, err
}

// getenv knows the secrets that the sandbox takes.
func getenv(name string) string {
	if name == "LEADLAKE_WEBHOOK_SECRET" {
		return secret
	}
	return "sandbox-us1"
}

// campaign is some leads of a place, which are delivered together.
type campaign struct {
	scope    string
	first, n int
}

// campaigns divides a place's share of so many deliveries.
func (p *place) campaigns(rows int) []campaign {
	size := p.size
	n := rows * p.share / (100 + 10*(changedOf10+removedOf10))
	if rows < 100_000 {
		size = p.short
		n = max(n, size)
	}
	var list []campaign
	for first := 0; first < n; first += size {
		list = append(list, campaign{fmt.Sprintf("c%d", len(list)+1), p.first + first, min(size, n-first)})
	}
	return list
}

func (c campaign) run(wave int) string { return fmt.Sprintf("%s-%d", c.scope, wave) }

// rows is how many deliveries a campaign is.
func (c campaign) rows() (created, updated, gone int) {
	for n := c.first; n < c.first+c.n; n++ {
		switch {
		case changed(n):
			updated++
		case removed(n):
			gone++
		}
	}
	return c.n, updated, gone
}
