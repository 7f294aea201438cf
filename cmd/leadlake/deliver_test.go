package main

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/serve/deliver"
)

const firmsCampaign = `name: Firms
vertical: other
geo: {country: US}
sources:
  - source: list
    name: firms
    mapping: {name: Name, street: Street, city: City, phone: Phone, email: Email}
`

// Three firms with an address of their own; the last one has none.
const firmsList = "id,Name,Street,City,Phone,Email\n" +
	"1,Harbour Bakery,1 Main St,Springfield,(217) 555-0101,office@harbour-bakery.example\n" +
	"2,Elm Hardware,22 Elm Ave,Springfield,(217) 555-0102,office@elm-hardware.example\n" +
	"3,Oak Street Books,7 Oak St,Shelbyville,(217) 555-0103,office@oak-street-books.example\n" +
	"4,Kiln Pottery,9 Clay Rd,Shelbyville,(217) 555-0104,\n"

// market is a shop with published leads and a sandbox to deliver them to.
type market struct {
	shop
	box *crm.Server
}

func newMarket(t *testing.T) market {
	t.Helper()
	m := market{newShop(t), crm.New(crm.Config{})}
	srv := httptest.NewServer(m.box)
	t.Cleanup(srv.Close)
	m.env["LEADLAKE_SANDBOX_ADDR"] = srv.Listener.Addr().String()
	m.env["USER"] = "ann"
	m.write(t, "shops.yaml", firmsCampaign)
	m.publish(t, firmsList)
	return m
}

// publish runs the campaign over a list.
func (m market) publish(t *testing.T, list string) {
	t.Helper()
	m.run(t, "run", m.campaign, "--input", "firms="+m.write(t, "firms.csv", list))
}

// calls is what the sandbox has been called.
func (m market) calls(t *testing.T) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.box.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/__crm__/calls", http.NoBody))
	return w.Body.String()
}

func (m market) live(app, object string) int { return m.box.Effects()[app][object].Live }

// desk does what the commands do, with one workspace that stays open: opening
// it is most of the time of a command.
type desk struct {
	*app
	t      *testing.T
	ws     *workspace
	stdout *bytes.Buffer
}

func (m market) desk(t *testing.T, flags ...string) *desk {
	t.Helper()
	d := &desk{t: t, stdout: &bytes.Buffer{}}
	d.app = newApp(func(name string) string { return m.env[name] }, strings.NewReader(""), d.stdout, &bytes.Buffer{})
	if len(flags) > 0 {
		d.app.flags.config = flags[0]
	}
	d.app.flags.json = true
	if err := d.app.prepare(); err != nil {
		t.Fatal(err)
	}
	ws, err := d.app.openExisting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.ws = ws
	t.Cleanup(func() { ws.Close() })
	return d
}

// at does something with a destination, and decodes what it prints.
func (d *desk) at(name string, into any, do func(c *courier) error) error {
	d.t.Helper()
	c, err := d.courier(d.t.Context(), d.ws, name)
	if err != nil {
		return err
	}
	defer c.close()
	d.stdout.Reset()
	if err := do(c); err != nil {
		return err
	}
	mustDecode(d.t, d.stdout.String(), into)
	return nil
}

func (d *desk) deliver(name string, f deliverFlags) (r report) {
	d.t.Helper()
	err := d.at(name, &r, func(c *courier) error { return c.deliver(d.t.Context(), f) })
	if err != nil || !r.Balanced || !r.Done {
		d.t.Errorf("deliver to %s: %+v, %v", name, r, err)
	}
	return r
}

func (d *desk) undo(name, delivery string) (r report) {
	d.t.Helper()
	err := d.at(name, &r, func(c *courier) error {
		return c.alone(d.t.Context(), func() (deliver.Summary, error) { return c.engine.Undo(d.t.Context(), delivery, c.to) })
	})
	if err != nil || !r.Balanced || !r.Done {
		d.t.Errorf("undo at %s: %+v, %v", name, r, err)
	}
	return r
}

func (d *desk) prove(name, delivery string) (p deliver.Proof) {
	d.t.Helper()
	if err := d.at(name, &p, func(c *courier) error { return c.prove(d.t.Context(), delivery, 10) }); err != nil {
		d.t.Errorf("prove %s: %v", name, err)
	}
	return p
}

func (d *desk) query(query string) (text string) {
	d.t.Helper()
	s, err := d.ws.lake.Session(d.t.Context())
	if err == nil {
		defer s.Close()
		err = s.QueryRow(d.t.Context(), query).Scan(&text)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return text
}

// TestDeliver is one workspace for all, since a run of a campaign is most of the
// time of a test.
func TestDeliver(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	t.Run("sends once, is proven and undone", func(t *testing.T) { testDeliverOnce(t, m) })
	t.Run("names the fix of bad input", func(t *testing.T) { testDeliverBadInput(t, m) })
	t.Run("follows the leads and leaves people alone", func(t *testing.T) { testDeliverChanges(t, m) })
}

func testDeliverOnce(t *testing.T, m market) {
	d := m.desk(t)
	for _, want := range []struct {
		name, app, object string
		accepted          int64
		leaves            bool // the undo leaves something: events, members in the archive
	}{
		{"sandbox-salesforce", "salesforce", "Lead", 4, false},
		{"sandbox-hubspot", "hubspot", "contacts", 3, false},
		{"sandbox-webhook", "webhook", "default", 4, true},
		{"sandbox-csv", "", "", 4, false},
		{"sandbox-s3", "", "", 4, false},
		{"sandbox-outreach", "outreach", "prospects", 3, false},
		{"sandbox-mailchimp", "mailchimp", "members", 3, true},
	} {
		first := d.deliver(want.name, deliverFlags{})
		if first.Given != 4 || first.Ops[deliver.Create] != want.accepted || first.Rows[deliver.Rejected] != 4-want.accepted {
			t.Errorf("%s: %+v", want.name, first)
		}
		if n := m.live(want.app, want.object); want.app != "" && int64(n) != want.accepted {
			t.Errorf("%s has %d records, want %d", want.name, n, want.accepted)
		}
		calls := m.calls(t)
		if again := d.deliver(want.name, deliverFlags{}); again.Unchanged != want.accepted || again.Ops[deliver.Create] > 0 {
			t.Errorf("%s again: %+v", want.name, again)
		}
		if want.accepted == 4 && m.calls(t) != calls { // else the fields are asked for: what was rejected may fit by now
			t.Errorf("%s: an unchanged second delivery made calls", want.name)
		}
		if proof := d.prove(want.name, first.DeliveryID); proof.Expected != want.accepted || proof.Found != want.accepted || !proof.OK() {
			t.Errorf("%s: %+v", want.name, proof)
		}
		if undone := d.undo(want.name, first.DeliveryID); undone.Ops[deliver.Remove] != want.accepted {
			t.Errorf("%s undone: %+v", want.name, undone)
		}
		if n := m.live(want.app, want.object); n != 0 && !want.leaves {
			t.Errorf("%s has %d records after the undo", want.name, n)
		}
	}
	const mirrored = `select string_agg(format('{} {} {} {}', mode, state, op, n), '; ' order by mode, state) from (select mode, state, op, count(*) as n
		from lake.marts.deliveries where destination = 'sandbox-hubspot' and delivery_id in
		(select delivery_id from lake.marts.deliveries where state = 'accepted') group by all)`
	if diff := cmp.Diff("sync accepted create 3; sync rejected create 1; undo accepted remove 3", d.query(mirrored)); diff != "" {
		t.Errorf("marts.deliveries: %s", diff)
	}
}

func testDeliverChanges(t *testing.T, m market) {
	d := m.desk(t)
	const to = "sandbox-salesforce"
	var dry struct {
		Changes []deliver.Change
		Summary report
	}
	look := func() {
		t.Helper()
		if err := d.at(to, &dry, func(c *courier) error { return c.dryRun(t.Context(), deliverFlags{}) }); err != nil {
			t.Error(err)
		}
	}
	before := m.box.Effects()
	look()
	if len(dry.Changes) != 4 || dry.Changes[0].Op != deliver.Create || dry.Summary.Ops[deliver.Create] != 4 || !dry.Summary.Balanced {
		t.Errorf("dry run: %+v", dry)
	}
	if diff := cmp.Diff(before, m.box.Effects()); diff != "" {
		t.Errorf("the dry run did something: %s", diff)
	}
	d.deliver(to, deliverFlags{})
	if some := d.deliver(to, deliverFlags{limit: 1}); some.Given != 1 || some.Removals != 0 { // the others are not gone, only not looked at
		t.Errorf("--limit 1: %+v", some)
	}
	// One is gone from the list, one has moved and was edited there, and one does
	// not want to be contacted.
	id := d.query("select lead_id from lake.marts.leads where name = 'Oak Street Books'")
	if err := m.box.Edit(crm.Edit{App: "salesforce", Op: "set", Key: id, Fields: map[string]any{"LastName": "Doe"}}); err != nil {
		t.Fatal(err)
	}
	d.ws.Close()
	m.do(t, "suppress", "add", "office@harbour-bakery.example")
	m.publish(t, strings.NewReplacer("1 Main St", "3 Main St", "7 Oak St", "8 Oak St", "4,Kiln Pottery,9 Clay Rd,Shelbyville,(217) 555-0104,\n", "").Replace(firmsList))
	d = m.desk(t)
	look()
	for _, c := range dry.Changes {
		if c.LeadID == id && (len(c.Fields) != 1 || string(c.Fields[0].Before) != `"7 Oak St"` || string(c.Fields[0].After) != `"8 Oak St"`) {
			t.Errorf("dry run: %+v", c)
		}
	}
	sum := d.deliver(to, deliverFlags{})
	want := map[deliver.Op]int64{deliver.Update: 1, deliver.Remove: 1}
	if diff := cmp.Diff(want, sum.Ops); diff != "" || sum.Unchanged != 1 || sum.Rows[deliver.Suppressed] != 1 || m.live("salesforce", "Lead") != 3 {
		t.Errorf("%+v, %d leads there: %s", sum, m.live("salesforce", "Lead"), diff)
	}
	if undone := d.undo(to, sum.DeliveryID); undone.Rows[deliver.Accepted] != 2 || m.live("salesforce", "Lead") != 4 {
		t.Errorf("undone: %+v, %d leads there", undone, m.live("salesforce", "Lead"))
	}
}

func testDeliverBadInput(t *testing.T, m market) {
	typo := m.write(t, "typo.yaml", "version: 1\nkey: lead_id\nfields: [{to: Company, from: name}, {to: LastName, from: name}, {to: Lead_Skore__c, from: lead_score}]\n")
	path := m.write(t, "path.yaml", "version: 1\nkey: lead_id\nfields: [{to: Company, from: nomen}]\n")
	config := m.write(t, "leadlake.yaml", `destinations:
  typo: {kind: salesforce, sandbox: true, mapping: `+typo+`}
  path: {kind: salesforce, sandbox: true, mapping: `+path+`}
  none: {kind: salesforce, sandbox: true, mapping: nowhere.yaml}
  keyless: {kind: hubspot, base_url: "http://`+m.env["LEADLAKE_SANDBOX_ADDR"]+`/hubspot"}
  bad: {kind: csv, select: {campaign: gone}}
  vip: {kind: csv, select: {tiers: [A]}}
  hook: {kind: webhook, base_url: "https://hooks.example"}
`)
	d := m.desk(t, config)
	for name, c := range map[string]struct {
		to   string
		f    deliverFlags
		code leadlake.Code
		want []string
	}{
		"a destination that is not there":  {"crm", deliverFlags{}, leadlake.NotFound, []string{`no destination "crm"`, "typo"}},
		"a field that is not there":        {"typo", deliverFlags{}, leadlake.Invalid, []string{"Lead_Skore__c", "no such field", "mend the mapping"}},
		"a path that no lead has":          {"path", deliverFlags{}, leadlake.Invalid, []string{"path.yaml", "nomen"}},
		"a mapping file that is not there": {"none", deliverFlags{}, leadlake.NotFound, []string{"nowhere.yaml", "leadlake mapping show salesforce"}},
		"a secret that is not set":         {"keyless", deliverFlags{}, leadlake.Unauthorized, []string{"needs a secret", "LEADLAKE_HUBSPOT_TOKEN", "LEADLAKE_KEYLESS_TOKEN"}},
		"the secret of a webhook":          {"hook", deliverFlags{}, leadlake.Unauthorized, []string{"LEADLAKE_WEBHOOK_SECRET", "LEADLAKE_HOOK_SECRET"}},
		"a campaign that is not there":     {"bad", deliverFlags{}, leadlake.NotFound, []string{`"gone" has published nothing`, "leadlake runs"}},
		"a tier that it does not get":      {"vip", deliverFlags{tiers: []string{"cold"}}, leadlake.Invalid, []string{"vip gets the tiers A alone"}},
		"a tier that is none":              {"vip", deliverFlags{tiers: []string{"D"}}, leadlake.Invalid, []string{`tier "D" is none`}},
	} {
		err := d.at(c.to, new(any), func(k *courier) error { return k.deliver(t.Context(), c.f) })
		if leadlake.ErrorCode(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in: %v", name, want, err)
			}
		}
	}
	// A variable of the destination's own name wins over that of its kind.
	m.env["LEADLAKE_KEYLESS_TOKEN"], m.env["LEADLAKE_HUBSPOT_TOKEN"] = "pat-own", "invalid"
	var tested struct{ OK bool }
	if err := d.at("keyless", &tested, func(c *courier) error { return c.test(t.Context()) }); err != nil || !tested.OK {
		t.Errorf("its own variable: %+v, %v", tested, err)
	}
	d.ws.Close()
	if left, _ := filepath.Glob(filepath.Join(m.env["LEADLAKE_HOME"], "deliveries", "work", "*")); len(left) > 0 {
		t.Errorf("work folders are left: %v", left)
	}
	if got := m.do(t, "config", "--config", config).stdout; strings.Contains(got, "pat-own") || !strings.Contains(got, "keyless") {
		t.Errorf("config: %s", got)
	}
	down := maps.Clone(m.env)
	down["LEADLAKE_SANDBOX_ADDR"] = "127.0.0.1:1"
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
		code int
		want string
	}{
		"a destination that is down":        {down, []string{"deliver", "sandbox-salesforce"}, exitFailure, "leadlake sandbox"},
		"a delivery that is not there":      {m.env, []string{"deliver", "undo", "nope"}, exitNotFound, "leadlake deliver list"},
		"a proof of nothing":                {m.env, []string{"prove", "nope"}, exitNotFound, "leadlake deliver list"},
		"letters of a mistyped destination": {m.env, []string{"dlq", "list", "--destination", "crmm"}, exitNotFound, `no destination "crmm"`},
		"a time that is none":               {m.env, []string{"deliver", "replay", "sandbox-webhook", "--since", "soon"}, exitUsage, "36h"},
		"a replay to a CRM":                 {m.env, []string{"deliver", "replay", "sandbox-salesforce", "--since", "1h"}, exitUsage, "leadlake prove"},
		"a mapping of nothing":              {m.env, []string{"mapping", "check"}, exitUsage, "--destination"},
	} {
		if got := invoke(t, c.env, c.args...); got.code != c.code || !strings.Contains(got.stderr, c.want) {
			t.Errorf("%s: exit %d, want %d and %q in: %s%s", name, got.code, c.code, c.want, got.stdout, got.stderr)
		}
	}
}
