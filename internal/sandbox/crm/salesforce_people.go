package crm

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// expect draws what becomes of a lead that was delivered.
func (a *salesforce) expect(r *sfRecord, now time.Time) {
	text := func(name string) string { s, _ := r.values[name].(string); return s }
	number := func(name string) float64 {
		switch n := r.values[name].(type) {
		case float64:
			return n
		case int64:
			return float64(n)
		}
		return 0
	}
	key := text(sfKey)
	if key == "" {
		return // a person made it
	}
	f := fateOf(a.s.traitsOf(Prospect{Phone: text("Phone"), Email: text("Email"), Website: text("Website")}, traits{
		Traits: Traits{
			Rating: number("Star_Rating__c"), Reviews: int(number("Review_Count__c")), Employees: int(number("NumberOfEmployees")), Tech: techs(text("Technologies__c")),
		},
		key: key, reachable: text("Email")+text("Phone") != "",
	}))
	for what, after := range map[string]time.Duration{
		"bounce": f.bounced, "reply": f.replied, "opt_out": f.optedOut, "qualify": f.qualified, "open": f.opportunity, "win": f.won, "lose": f.lost,
	} {
		if after > 0 {
			a.agenda.add(due{at: now.Add(after), what: what, id: r.id})
		}
	}
	if f.qualified == 0 && f.bounced == 0 && f.replied > 0 {
		a.agenda.add(due{at: now.Add(f.replied + 14*24*time.Hour), what: "drop", id: r.id})
	}
}

// tick lets happen what is due: what people do with leads, and jobs.
func (a *salesforce) tick(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, j := range a.jobs {
		a.work(j, now)
	}
	for {
		d, ok := a.agenda.next(now)
		if !ok {
			return
		}
		if r := a.objects["lead"].records[d.id]; r != nil && !r.deleted {
			a.happen(r, d)
		}
	}
}

// person begins a step that a person makes.
func (a *salesforce) person(at time.Time) *sfTx {
	return &sfTx{a: a, now: at.UTC().Truncate(time.Second), by: sfSeller, quiet: true}
}

func (a *salesforce) happen(r *sfRecord, d due) {
	t, o := a.person(d.at), a.objects["lead"]
	set := func(values map[string]any) {
		if t.update(o, r, values) != nil { // the schema was changed
			t.back([2]int{})
		}
	}
	opportunity := func() *sfRecord {
		id, _ := r.values["ConvertedOpportunityId"].(string)
		return a.objects["opportunity"].get(id)
	}
	switch d.what {
	case "bounce":
		set(map[string]any{"EmailBouncedReason": "550 5.1.1 the mailbox does not exist", "EmailBouncedDate": d.at})
	case "reply":
		set(map[string]any{"Status": sfWorking})
	case "opt_out":
		set(map[string]any{"HasOptedOutOfEmail": true})
	case "qualify":
		set(map[string]any{"Status": sfQualified})
	case "drop":
		set(map[string]any{"Status": sfNotConverted})
	case "open":
		a.convert(t, r, true)
	case "win", "lose":
		if opp := opportunity(); opp != nil && !opp.deleted {
			stage, won := "Closed Lost", false
			if d.what == "win" {
				stage, won = "Closed Won", true
			}
			a.stage(t, opp, stage, true, won)
		}
	}
	t.commit()
}

func (a *salesforce) stage(t *sfTx, opp *sfRecord, stage string, closed, won bool) {
	o := a.objects["opportunity"]
	t.put(o, opp, o.field("StageName"), stage)
	t.put(o, opp, o.field("IsClosed"), closed)
	t.put(o, opp, o.field("IsWon"), won)
	t.touch(o, opp)
}

// convert makes an account, a contact and, if asked, an opportunity of a lead.
func (a *salesforce) convert(t *sfTx, r *sfRecord, opportunity bool) {
	if r.values["IsConverted"] == true {
		return
	}
	o := a.objects["lead"]
	account, fail := t.insert(a.objects["account"], map[string]any{"Name": r.values["Company"], "Phone": r.values["Phone"], "Website": r.values["Website"]})
	if fail != nil {
		return
	}
	contact, fail := t.insert(a.objects["contact"], map[string]any{
		"LastName": r.values["LastName"], "FirstName": r.values["FirstName"], "Email": r.values["Email"], "Phone": r.values["Phone"], "AccountId": account.id,
	})
	if fail != nil {
		return
	}
	if opportunity {
		opp, fail := t.insert(a.objects["opportunity"], map[string]any{
			"Name": fmt.Sprint(r.values["Company"], "-"), "AccountId": account.id, "StageName": "Prospecting",
			"CloseDate": t.now.AddDate(0, 3, 0).Format(time.DateOnly),
		})
		if fail != nil {
			return
		}
		t.put(o, r, o.field("ConvertedOpportunityId"), opp.id)
	}
	for name, v := range map[string]any{
		"IsConverted": true, "ConvertedDate": t.now.Format(time.DateOnly), "ConvertedAccountId": account.id, "ConvertedContactId": contact.id, "Status": sfConverted,
	} {
		t.put(o, r, o.field(name), v)
	}
	t.touch(o, r)
}

// edit does what a person or an administrator does in the org.
func (a *salesforce) edit(e Edit) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.person(a.s.now())
	if err := a.editSetup(e); err != errNotSetup {
		return err
	}
	name := e.Object
	if name == "" {
		name = "Lead"
	}
	o := a.objects[strings.ToLower(name)]
	if o == nil {
		return fmt.Errorf("there is no object %s", name)
	}
	defer t.commit()
	if e.Op == "create" {
		values, fail := o.canonical(e.Fields, "")
		if fail == nil {
			_, fail = t.insert(o, values)
		}
		return orNil(fail)
	}
	r, err := a.pick(o, e)
	if err != nil {
		return err
	}
	switch e.Op {
	case "set":
		values, fail := o.canonical(e.Fields, "")
		if fail == nil {
			fail = t.update(o, r, values)
		}
		return orNil(fail)
	case "delete":
		t.bury(o, r, "")
	case "undelete":
		t.unearth(o, r)
	case "convert":
		a.convert(t, r, e.Fields["opportunity"] != false)
	case "stage":
		opp := r
		if o.name == "Lead" {
			id, _ := r.values["ConvertedOpportunityId"].(string)
			if opp = a.objects["opportunity"].get(id); opp == nil {
				return fmt.Errorf("lead %s has no opportunity", r.id)
			}
		}
		if len(e.Values) != 1 {
			return fmt.Errorf("stage needs one value")
		}
		a.stage(t, opp, e.Values[0], strings.HasPrefix(e.Values[0], "Closed"), e.Values[0] == "Closed Won")
	case "merge":
		winner, err := a.pick(o, Edit{ID: e.Into, Key: e.Into})
		if err != nil {
			return err
		}
		t.bury(o, r, winner.id)
		t.touch(o, winner)
	case "lock":
		n := 1
		if len(e.Values) > 0 {
			n, err = strconv.Atoi(e.Values[0])
		}
		a.rules.locked[r.id] = n
		return err
	default:
		return fmt.Errorf("salesforce has no op %q", e.Op)
	}
	return nil
}

// pick finds the record that an edit names by its id or external id.
func (a *salesforce) pick(o *sfObject, e Edit) (*sfRecord, error) {
	if r := o.get(e.ID); e.ID != "" && r != nil {
		return r, nil
	}
	if f := o.field(sfKey); f != nil && e.Key != "" {
		if found := o.find(f, e.Key); len(found) > 0 {
			return found[0], nil
		}
		for _, r := range o.sorted(true) {
			if v, _ := r.values[f.name].(string); strings.EqualFold(v, e.Key) {
				return r, nil
			}
		}
	}
	return nil, fmt.Errorf("there is no %s %s%s", o.name, e.ID, e.Key)
}

func orNil(e *sfError) error {
	if e == nil {
		return nil
	}
	return e
}

const errNotSetup = constError("not an edit of the setup")

type constError string

func (e constError) Error() string { return string(e) }

// editSetup changes the org itself: sessions, rules, quota, fields.
func (a *salesforce) editSetup(e Edit) error {
	first := ""
	if len(e.Values) > 0 {
		first = e.Values[0]
	}
	switch e.Op {
	case "certificate":
		return a.tokens.certify(first)
	case "revoke": // the sessions; with "app" as value nobody gets a new one
		for token := range a.tokens.issued {
			a.tokens.refused[token] = true
		}
		for _, token := range e.Values {
			a.tokens.refused[token] = true
			a.tokens.closed = a.tokens.closed || token == "app"
		}
		return nil
	case "quota":
		n, err := strconv.Atoi(first)
		a.quota = n
		return err
	case "duplicate_rule": // a field, with "block" after it where allowSave shall not help; no value ends it
		a.rules.duplicates, a.rules.block = first, len(e.Values) > 1 && e.Values[1] == "block"
		return nil
	case "picklist", "schema":
	default:
		return errNotSetup
	}
	name := e.Object
	if name == "" {
		name = "Lead"
	}
	o := a.objects[strings.ToLower(name)]
	if o == nil {
		return fmt.Errorf("there is no object %s", name)
	}
	f := o.field(e.Field)
	if e.Op == "picklist" { // the values it has from now on
		if f == nil || f.kind != "picklist" {
			return fmt.Errorf("%s has no picklist %s", o.name, e.Field)
		}
		f.values = e.Values
		return nil
	}
	return o.alter(f, e)
}

// alter adds, removes, renames or changes a field: {"add": "string"},
// {"remove": true}, {"rename": "New__c"}, {"length": 10}, {"required": true}.
func (o *sfObject) alter(f *sfField, e Edit) error {
	if kind, ok := e.Fields["add"].(string); ok {
		if f != nil {
			return fmt.Errorf("%s has a field %s", o.name, e.Field)
		}
		length := 0
		if kind == "string" || kind == "textarea" || kind == "picklist" {
			length = 255
		}
		o.add(&sfField{name: e.Field, kind: kind, length: length, values: e.Values, strict: kind == "picklist"})
		return nil
	}
	if f == nil {
		return fmt.Errorf("%s has no field %s", o.name, e.Field)
	}
	for what, v := range e.Fields {
		switch what {
		case "remove":
			delete(o.byName, strings.ToLower(f.name))
			for i := range o.fields {
				if o.fields[i] == f {
					o.fields = append(o.fields[:i:i], o.fields[i+1:]...)
					break
				}
			}
			delete(o.index, f.name)
		case "rename":
			to, _ := v.(string)
			if to == "" || f.indexed() {
				return fmt.Errorf("%s cannot be renamed", f.name)
			}
			delete(o.byName, strings.ToLower(f.name))
			for _, r := range o.records {
				if old, ok := r.values[f.name]; ok {
					r.values[to] = old
					delete(r.values, f.name)
				}
			}
			f.name = to
			o.byName[strings.ToLower(to)] = f
		case "length":
			n, _ := v.(float64)
			f.length = int(n)
		case "required":
			f.required, _ = v.(bool)
		case "type":
			f.kind, _ = v.(string)
		default:
			return fmt.Errorf("schema does not know %q", what)
		}
	}
	return nil
}
