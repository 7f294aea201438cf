package all

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/delivertest"
)

// records are all that a system holds, by natural key: every field, whether it
// is mapped or not, but for stamps of changes.
type records map[string]map[string]string

var stamps = regexp.MustCompile(`(?i)modif|modstamp|updated|changed|^touched|etag|^stats|^attributes$|^full_name$`) // the last two follow from others

func (r records) add(key string, fields gjson.Result) {
	r[key] = map[string]string{}
	for name, v := range fields.Map() {
		if !stamps.MatchString(name) && v.Type != gjson.Null && v.Raw != `""` && v.Raw != "[]" {
			r[key][name] = v.Raw
		}
	}
}

// undone is a CRM of which a run is undone.
type undone struct {
	settings map[string]string
	mapped   string // a field that the mapping fills
	other    string // one that it does not
	set      func(field, value string) map[string]any
	create   func(e *crm.Edit, key string) // completes an edit that makes a record
	read     func(d *delivertest.Direct) records
}

func get(d *delivertest.Direct, path string) gjson.Result {
	d.T.Helper()
	resp, err := d.Call(deliver.Request{URL: path})
	delivertest.Must(d.T, err)
	if !resp.OK() {
		d.T.Fatalf("%s: %d %s", path, resp.Status, resp.Body)
	}
	return gjson.ParseBytes(resp.Body)
}

func names(list gjson.Result) string {
	var all []string
	for _, n := range list.Array() {
		all = append(all, n.String())
	}
	return strings.Join(all, ",")
}

func plain(field, value string) map[string]any { return map[string]any{field: value} }

const audience = "a1b2c3d4e5" // the sandbox's

func undones() map[string]undone {
	return map[string]undone{
		"salesforce": {
			settings: map[string]string{"login_url": "", "client_id": "app"}, mapped: "Company", other: "Title", set: plain,
			create: func(e *crm.Edit, key string) { e.Fields["Leadlake_Id__c"], e.Fields["LastName"] = key, "Doe" },
			read: func(d *delivertest.Direct) records {
				fields := names(get(d, "/services/data/v62.0/sobjects/Lead/describe").Get("fields.#.name"))
				all := records{}
				for _, r := range get(d, "/services/data/v62.0/query?q="+url.QueryEscape("SELECT "+fields+" FROM Lead")).Get("records").Array() {
					all.add(r.Get("Leadlake_Id__c").String(), r)
				}
				return all
			},
		},
		"hubspot": {
			settings: map[string]string{"base_url": ""}, mapped: "company", other: "jobtitle", set: plain,
			create: func(e *crm.Edit, key string) { e.Fields["email"] = key },
			read: func(d *delivertest.Direct) records {
				fields := names(get(d, "/crm/v3/properties/contacts").Get("results.#.name"))
				all := records{}
				for _, r := range get(d, "/crm/v3/objects/contacts?limit=100&properties="+url.QueryEscape(fields)).Get("results").Array() {
					all.add(r.Get("properties.email").String(), r.Get("properties"))
				}
				return all
			},
		},
		"outreach": {
			settings: map[string]string{"base_url": "", "has_token": "true"}, mapped: "company", other: "title", set: plain,
			create: func(e *crm.Edit, key string) { e.Object, e.Fields["emails"] = "prospects", []any{key} },
			read: func(d *delivertest.Direct) records {
				all := records{}
				for _, r := range get(d, "/api/v2/prospects?"+url.QueryEscape("page[size]")+"=1000").Get("data").Array() {
					all.add(r.Get("attributes.emails.0").String(), r.Get("attributes"))
				}
				return all
			},
		},
		"mailchimp": {
			settings: map[string]string{"base_url": "", "list_id": audience, "consent": "opt_in"}, mapped: "COMPANY", other: "FNAME", set: plain,
			create: func(e *crm.Edit, key string) { e.Key = key },
			read: func(d *delivertest.Direct) records {
				all := records{}
				for _, r := range get(d, "/lists/"+audience+"/members?count=1000").Get("members").Array() {
					if r.Get("status").String() == "archived" {
						continue
					}
					all.add(r.Get("email_address").String(), r)
					fields := r.Get("merge_fields")
					for name, v := range fields.Map() {
						all[r.Get("email_address").String()]["merge "+name] = v.Raw
					}
					delete(all[r.Get("email_address").String()], "merge_fields")
				}
				return all
			},
		},
	}
}

// TestUndo_leaves_a_CRM_as_it_was_but_for_what_people_did compares whole
// systems: before a run, after it was undone, and in between by a second run.
func TestUndo_leaves_a_CRM_as_it_was_but_for_what_people_did(t *testing.T) {
	t.Parallel()
	for kind, u := range undones() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			box := crm.New(crm.Config{})
			s := delivertest.NewSandbox(t, box, kind)
			base := map[bool]string{true: s.URL + "/3.0", false: s.URL}[kind == "mailchimp"]
			for name, value := range u.settings {
				if value == "" {
					u.settings[name] = base
				}
			}
			m, err := deliver.DefaultMapping(kind)
			delivertest.Must(t, err)
			to, err := New(kind, u.settings, m)
			delivertest.Must(t, err)
			getenv := func(string) string { return "sandbox-us1" }
			raw := s.Direct(to, getenv)
			raw.Open()
			clock := delivertest.NewClock()
			ledger, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "control.sqlite"), store.Options{Now: clock.Now})
			delivertest.Must(t, err)
			t.Cleanup(func() { ledger.Close() })
			e := &deliver.Engine{
				Ledger: ledger, HTTP: s.Client, Getenv: getenv, Now: clock.Now,
				Sleep: func(ctx context.Context, d time.Duration) error { clock.Advance(d); return ctx.Err() },
			}
			leads := delivertest.Leads(8, nil)
			keys := make([]string, len(leads))
			for n, l := range leads {
				keys[n] = m.Check(l, deliver.Schema{}).Key
			}
			edit := func(n int, op, field, value string) {
				t.Helper()
				x := crm.Edit{App: kind, Op: op, Key: keys[n], Fields: u.set(field, value)}
				if kind == "outreach" {
					x.Object = "prospects"
				}
				if op == "create" {
					x.Key = ""
					u.create(&x, keys[n])
				}
				delivertest.Must(t, box.Edit(x))
			}
			order := func(leads [][]byte) deliver.Order {
				return deliver.Order{Destination: kind, To: to, Mapping: m, Mode: deliver.Sync, Scope: "c1", Leads: delivertest.Each(leads)}
			}
			run := func(leads [][]byte, want map[deliver.Op]int64) string {
				t.Helper()
				sum, err := e.Deliver(t.Context(), order(leads))
				if err != nil || !sum.Done || fmt.Sprint(sum.Ops) != fmt.Sprint(want) {
					t.Fatalf("delivered %+v, %v, want %v", sum, err, want)
				}
				return sum.DeliveryID
			}
			undo := func(id string) {
				t.Helper()
				if sum, err := e.Undo(t.Context(), id, to); err != nil || !sum.Done || !sum.Balanced() {
					t.Fatalf("undone: %+v, %v", sum, err)
				}
			}
			for n := range 3 { // somebody had them before
				edit(n, "create", u.mapped, fmt.Sprint("Theirs ", n))
				edit(n, "set", u.other, "Owner")
			}
			before := u.read(raw)
			if len(before) != 3 {
				t.Fatalf("%d records", len(before))
			}
			first := run(leads, map[deliver.Op]int64{deliver.Create: 5, deliver.Update: 3})
			between := u.read(raw)
			second := run(delivertest.Leads(7, func(n int, l *leadlake.CanonicalLead) {
				if n == 3 || n == 4 {
					l.Name = fmt.Sprint("Renamed ", n)
				}
			}), map[deliver.Op]int64{deliver.Update: 2, deliver.Remove: 1})
			undo(second)
			after := u.read(raw)
			for _, all := range []records{between, after} { // the record that came back is another one
				for _, name := range []string{"Id", "CreatedDate", "hs_object_id", "createdate", "createdAt", "id", "contact_id", "web_id", "unique_email_id", "timestamp_opt"} {
					delete(all[keys[7]], name)
				}
			}
			if diff := cmp.Diff(between, after); diff != "" {
				t.Errorf("a second run, undone, leaves (-before +after):\n%s", diff)
			}
			edit(0, "set", u.mapped, "Edited") // and people go on working
			edit(1, "set", u.other, "Boss")
			edit(5, "set", u.mapped, "Edited")
			undo(first)
			want := records{}
			for key, fields := range before {
				want[key] = maps.Clone(fields)
			}
			got := u.read(raw)
			name := func(field string) string {
				if kind == "mailchimp" {
					return "merge " + field
				}
				return field
			}
			want[keys[0]][name(u.mapped)] = `"Edited"`
			want[keys[1]][name(u.other)] = `"Boss"`
			if got[keys[5]][name(u.mapped)] != `"Edited"` {
				t.Errorf("a record that somebody works on was removed: %v", got[keys[5]])
			}
			delete(got, keys[5])
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the system is not as it was (-before +after):\n%s", diff)
			}
		})
	}
}
