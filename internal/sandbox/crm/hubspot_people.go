package crm

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hsLink is an association between two records.
type hsLink struct{ from, fromID, to, toID string }

// associate makes or ends associations, both ways.
func (a *hubspot) associate(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	to := a.objects[hsPlural(r.PathValue("to"))]
	if to == nil {
		return hsInvalid("Unable to infer object type from: %s", r.PathValue("to"))
	}
	var in struct {
		Inputs []struct {
			From, To struct{ ID string }
			Types    []any
		}
	}
	if e := hsBody(r, &in); e != nil {
		return e
	}
	gone := strings.HasSuffix(r.URL.Path, "/archive")
	results, now := []any{}, a.s.now()
	for _, i := range in.Inputs {
		x, y := o.get(i.From.ID), to.get(i.To.ID)
		if x == nil || y == nil {
			return o.missing(i.From.ID)
		}
		for _, link := range []hsLink{{o.name, x.id, to.name, y.id}, {to.name, y.id, o.name, x.id}} {
			if gone {
				delete(a.links, link)
			} else {
				a.links[link] = true
			}
		}
		results = append(results, map[string]any{"fromObjectTypeId": o.name, "fromObjectId": x.id, "toObjectTypeId": to.name, "toObjectId": y.id, "labels": []string{}})
	}
	if gone {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	writeJSON(w, http.StatusCreated, map[string]any{"status": "COMPLETE", "results": results, "startedAt": hsTime(now), "completedAt": hsTime(now)})
	return nil
}

// associations lists what records are associated with.
func (a *hubspot) associations(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	var in struct{ Inputs []struct{ ID string } }
	if e := hsBody(r, &in); e != nil {
		return e
	}
	results, now := []any{}, a.s.now()
	for _, i := range in.Inputs {
		var ids []string
		for link := range a.links {
			if link.from == o.name && link.fromID == i.ID && link.to == hsPlural(r.PathValue("to")) {
				ids = append(ids, link.toID)
			}
		}
		slices.Sort(ids)
		to := []any{}
		for _, id := range ids {
			n, _ := strconv.Atoi(id)
			to = append(to, map[string]any{"toObjectId": n, "associationTypes": []any{map[string]any{"category": "HUBSPOT_DEFINED", "typeId": 1, "label": nil}}})
		}
		if len(to) > 0 {
			results = append(results, map[string]any{"from": map[string]string{"id": i.ID}, "to": to})
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"status": "COMPLETE", "results": results, "startedAt": hsTime(now), "completedAt": hsTime(now)})
	return nil
}

// expect draws what becomes of a record that was delivered.
func (a *hubspot) expect(o *hsObject, r *hsRecord, now time.Time) {
	key := r.props[hsKey]
	if key == "" && r.props["leadlake_score"] != "" {
		key = r.props["email"]
	}
	if key == "" || o.name == "deals" {
		return // a person made it
	}
	number := func(name string) float64 { x, _ := strconv.ParseFloat(r.props[name], 64); return x }
	f := fateOf(a.s.traitsOf(Prospect{Phone: r.props["phone"], Email: r.props["email"], Website: r.props["website"]}, traits{
		Traits: Traits{
			Rating: number("leadlake_rating"), Reviews: int(number("leadlake_reviews")), Employees: int(number("numberofemployees")),
			Tech: techs(r.props["leadlake_technologies"]),
		},
		key: key, reachable: r.props["email"]+r.props["phone"] != "",
	}))
	for what, after := range map[string]time.Duration{
		"bounce": f.bounced, "reply": f.replied, "opt_out": f.optedOut, "qualify": f.qualified, "open": f.opportunity, "win": f.won, "lose": f.lost,
	} {
		if after > 0 {
			a.agenda.add(due{at: now.Add(after), what: what, id: o.name + "/" + r.id})
		}
	}
}

// tick lets people do what is due.
func (a *hubspot) tick(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		d, ok := a.agenda.next(now)
		if !ok {
			return
		}
		name, id, _ := strings.Cut(d.id, "/")
		if o := a.objects[name]; o.get(id) != nil {
			a.happen(o, o.get(id), d)
		}
	}
}

func (a *hubspot) happen(o *hsObject, r *hsRecord, d due) {
	values := map[string]string{}
	deal := func(stage string) {
		deals := a.objects["deals"]
		for link := range a.links {
			if link.from == o.name && link.fromID == r.id && link.to == "deals" {
				if one := deals.get(link.toID); one != nil {
					a.change(deals, one, map[string]string{"dealstage": stage}, d.at)
				}
			}
		}
	}
	switch d.what {
	case "bounce":
		values["hs_email_hard_bounce_reason_enum"] = "UNKNOWN_USER"
	case "reply":
		values["hs_lead_status"], values["hs_sales_email_last_replied"] = "CONNECTED", hsTime(d.at)
	case "opt_out":
		values["hs_email_optout"] = "true"
	case "qualify":
		values["lifecyclestage"] = "salesqualifiedlead"
	case "open":
		values["lifecyclestage"], values["hs_lead_status"], values["num_associated_deals"] = "opportunity", "OPEN_DEAL", "1"
		one := a.make(a.objects["deals"], map[string]string{"dealname": r.props["company"] + r.props["name"], "dealstage": "qualifiedtobuy"}, d.at)
		a.links[hsLink{o.name, r.id, "deals", one.id}], a.links[hsLink{"deals", one.id, o.name, r.id}] = true, true
	case "win":
		values["lifecyclestage"] = "customer"
		deal("closedwon")
	case "lose":
		values["hs_lead_status"] = "UNQUALIFIED"
		deal("closedlost")
	}
	for name := range values {
		if o.byName[name] == nil { // companies have no mailbox
			delete(values, name)
		}
	}
	if len(values) > 0 {
		a.change(o, r, values, d.at)
	}
}

// edit does what a person or an administrator does in the account.
func (a *hubspot) edit(e Edit) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.s.now()
	switch e.Op {
	case "revoke": // these tokens, and the issued ones; with "app" nobody gets a new one
		for token := range a.tokens {
			a.refused[token] = true
		}
		for _, token := range e.Values {
			a.refused[token] = true
			a.closed = a.closed || token == "app"
		}
		return nil
	case "lag":
		if len(e.Values) != 1 {
			return fmt.Errorf("lag needs one value, such as 3s")
		}
		d, err := time.ParseDuration(e.Values[0])
		a.lag = d
		return err
	}
	name := "contacts"
	if e.Object != "" {
		name = e.Object
	}
	o := a.objects[hsPlural(name)]
	if o == nil {
		return fmt.Errorf("there is no object %s", name)
	}
	switch e.Op {
	case "picklist", "schema":
		return o.alter(e)
	case "create":
		values, err := o.byHand(e.Fields)
		if err == nil {
			if clash := o.clash(nil, values); clash != nil {
				return clash
			}
			a.make(o, values, now)
		}
		return err
	}
	find := func(id, key string) *hsRecord {
		if r := o.get(id); r != nil {
			return r
		}
		for _, p := range o.props {
			if r := o.find(p.Name, key); p.Unique && key != "" && r != nil {
				return r
			}
		}
		return nil
	}
	r := find(e.ID, e.Key)
	if r == nil {
		return fmt.Errorf("there is no record %s%s", e.ID, e.Key)
	}
	switch e.Op {
	case "set":
		values, err := o.byHand(e.Fields)
		if err != nil {
			return err
		}
		if clash := o.clash(r, values); clash != nil {
			return clash
		}
		a.change(o, r, values, now)
	case "delete":
		a.bury(o, r, now)
	case "merge":
		to := find(e.Into, e.Into)
		if to == nil || to == r {
			return fmt.Errorf("there is no other record %s", e.Into)
		}
		a.unite(o, to, r, now)
	default:
		return fmt.Errorf("hubspot has no op %q", e.Op)
	}
	return nil
}

// byHand reads the values of an edit; it may set what callers may not.
func (o *hsObject) byHand(fields map[string]any) (map[string]string, error) {
	out := map[string]string{}
	for name, v := range fields {
		if o.byName[name] == nil {
			return nil, fmt.Errorf("%s has no property %s", o.name, name)
		}
		out[name] = ""
		if v != nil {
			out[name] = fmt.Sprint(v)
		}
	}
	return out, nil
}

// alter changes the properties: the options of one, {"add": "string"},
// {"remove": true}, {"type": "number"}.
func (o *hsObject) alter(e Edit) error {
	p := o.byName[e.Field]
	if kind, ok := e.Fields["add"].(string); ok && p == nil {
		one := &hsProperty{Name: e.Field, Type: kind, Field: "text"}
		one.setOptions(e.Values)
		o.add(false, one)
		return nil
	}
	if p == nil {
		return fmt.Errorf("%s has no property %s", o.name, e.Field)
	}
	if e.Op == "picklist" {
		p.setOptions(e.Values)
		return nil
	}
	for what, v := range e.Fields {
		switch what {
		case "remove":
			delete(o.byName, p.Name)
			delete(o.index, p.Name)
			o.props = slices.DeleteFunc(o.props, func(q *hsProperty) bool { return q == p })
		case "type":
			p.Type, _ = v.(string)
		default:
			return fmt.Errorf("schema does not know %q", what)
		}
	}
	return nil
}
