package crm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// excludedDomain is where nobody may be written to: a prospect with an address
// there is refused for good.
const excludedDomain = "@excluded.example"

// add stores a record with the next id.
func (o *outreach) add(path string, now time.Time, attrs map[string]any, refs map[string]int) *outreachRecord {
	k := o.kinds[path]
	at := now.Format(outreachTime)
	r := &outreachRecord{id: len(k.records) + 1, attrs: attrs, refs: refs}
	if r.refs == nil {
		r.refs = map[string]int{}
	}
	attrs["createdAt"], attrs["updatedAt"] = at, at
	k.records = append(k.records, r)
	k.enter(r)
	return r
}

// keys are the fields and relationships that clients search by.
func (k *outreachKind) keys(r *outreachRecord) []string {
	var keys []string
	for _, e := range r.emails() {
		keys = append(keys, "emails\x00"+e)
	}
	for _, name := range []string{"customId", "domain", "email"} {
		if v := r.text(name); v != "" {
			keys = append(keys, name+"\x00"+v)
		}
	}
	for _, name := range []string{"account", "prospect"} {
		if id := r.refs[name]; id != 0 {
			keys = append(keys, name+"\x00"+itoa(id))
		}
	}
	return keys
}

func (k *outreachKind) enter(r *outreachRecord) {
	for _, key := range k.keys(r) {
		k.index[key] = append(k.index[key], r.id)
	}
}

func (k *outreachKind) leave(r *outreachRecord) {
	for _, key := range k.keys(r) {
		left := slices.DeleteFunc(k.index[key], func(id int) bool { return id == r.id })
		if len(left) == 0 {
			delete(k.index, key)
		} else {
			k.index[key] = left
		}
	}
}

// outreachChange is what a document asks for, checked.
type outreachChange struct {
	attrs map[string]any // nil clears
	refs  map[string]int // 0 clears
}

// change checks a document against the kind.
func (o *outreach) change(c *outreachCall) (outreachChange, *outreachError) {
	ch := outreachChange{map[string]any{}, map[string]int{}}
	for name, v := range c.doc.Data.Attributes {
		f := c.kind.field(name)
		if f == nil {
			return ch, invalidAttribute(name, titled(name)+" is unknown.") // of no source
		}
		if f.readOnly {
			return ch, invalidAttribute(name, titled(name)+" is read-only.") // of no source
		}
		kept, refused := f.value(v)
		if refused != nil {
			return ch, refused
		}
		ch.attrs[name] = kept
	}
	for name, rel := range c.doc.Data.Relationships {
		ref := c.kind.ref(name)
		if ref == nil {
			return ch, &outreachError{422, "validationError", "Validation Error", titled(name) + " cannot be set.", "/data/relationships/" + name}
		}
		if rel.Data == nil {
			ch.refs[name] = 0
			continue
		}
		target, _ := rel.Data.(map[string]any)
		id := intOf(target["id"])
		known := false
		for _, k := range o.kinds {
			known = known || k.typ == ref.typ && target["type"] == ref.typ && k.get(id) != nil
		}
		if !known {
			return ch, outreachNotFound(ref.typ, fmt.Sprint(target["id"]))
		}
		ch.refs[name] = id
	}
	return ch, nil
}

// intOf reads an id, which JSON:API 1.0 writes as a text and Outreach as a number.
func intOf(v any) int {
	switch v := v.(type) {
	case float64:
		return int(v)
	case string:
		n, _ := strconv.Atoi(v) // 0 is no id
		return n
	}
	return 0
}

// checkMails holds a prospect's addresses against those of all others. A trashed
// prospect goes on holding its own.
func (o *outreach) checkMails(ch outreachChange, self int) *outreachError {
	list, _ := ch.attrs["emails"].([]string)
	seen := map[string]bool{}
	for _, e := range list {
		e = strings.ToLower(e)
		if strings.HasSuffix(e, excludedDomain) {
			return invalidData("Contacts contact is using an excluded email address.")
		}
		others := slices.DeleteFunc(slices.Clone(o.kinds["prospects"].index["emails\x00"+e]), func(id int) bool { return id == self })
		if len(others) > 0 || seen[e] {
			return invalidData("Contacts email hash has already been taken.")
		}
		seen[e] = true
	}
	return nil
}

func (o *outreach) create(c *outreachCall) (int, []byte, *outreachError) {
	ch, refused := o.change(c)
	if refused != nil {
		return 0, nil, refused
	}
	switch c.kind.path {
	case "prospects":
		refused = o.checkMails(ch, 0)
	case "accounts":
		if ch.attrs["name"] == nil {
			refused = invalidAttribute("name", "Name can't be blank.")
		}
		if _, set := ch.attrs["named"]; !set {
			ch.attrs["named"] = true
		}
	case "sequenceStates":
		refused = o.checkEnrolment(ch)
	}
	if refused != nil {
		return 0, nil, refused
	}
	r := o.insert(c.kind, ch, c.now)
	o.did(c, r, opCreate)
	return http.StatusCreated, o.answer(c, r), nil
}

// insert makes a record of a change that was checked, and plans what comes of it.
func (o *outreach) insert(k *outreachKind, ch outreachChange, now time.Time) *outreachRecord {
	made := &outreachRecord{attrs: map[string]any{}, refs: map[string]int{"creator": 1}}
	made.apply(ch)
	r := o.add(k.path, now, made.attrs, made.refs)
	r.key = o.key(k, r)
	switch k.path {
	case "prospects":
		o.derive(r, ch, now)
		o.planTouch(r, now)
	case "sequenceStates":
		o.enrol(r, now)
	}
	return r
}

// did counts what a caller did.
func (o *outreach) did(c *outreachCall, r *outreachRecord, op string) {
	o.s.effect(Effect{App: outreachName, Object: c.kind.path, Key: r.key, ID: itoa(r.id), Op: op, At: c.now})
}

// update answers a change that changes nothing with a refusal, as Outreach does.
func (o *outreach) update(c *outreachCall) (int, []byte, *outreachError) {
	r, refused := o.find(c)
	if refused != nil {
		return 0, nil, refused
	}
	if intOf(c.doc.Data.ID) != r.id {
		return 0, nil, invalidData("The id does not match the URL.")
	}
	ch, refused := o.change(c)
	if refused != nil {
		return 0, nil, refused
	}
	if c.kind.path == "prospects" {
		if refused := o.checkMails(ch, r.id); refused != nil {
			return 0, nil, refused
		}
	}
	if name, set := ch.attrs["name"]; c.kind.path == "accounts" && set && name == nil {
		return 0, nil, invalidAttribute("name", "Name can't be blank.")
	}
	if !r.changes(ch) {
		return 0, nil, &outreachError{422, "validationDuplicateValueError", "Validation Duplicate Value Error", "A Contact with this email_hash already exists.", ""}
	}
	o.amend(c.kind, r, ch, c.now)
	o.did(c, r, opUpdate)
	return http.StatusOK, o.answer(c, r), nil
}

// amend carries out a change that was checked.
func (o *outreach) amend(k *outreachKind, r *outreachRecord, ch outreachChange, now time.Time) {
	k.leave(r)
	r.apply(ch)
	k.enter(r)
	if k.path == "prospects" {
		o.derive(r, ch, now)
	}
	r.refs["updater"] = 1
	r.stamp(now)
}

func (o *outreach) remove(c *outreachCall) (int, []byte, *outreachError) {
	r, refused := o.find(c)
	if refused != nil {
		return 0, nil, refused
	}
	o.drop(c.kind, r)
	o.did(c, r, opDelete)
	return http.StatusNoContent, nil, nil
}

func (o *outreach) drop(k *outreachKind, r *outreachRecord) {
	k.leave(r)
	k.records[r.id-1] = nil
	if k.path == "prospects" {
		o.dropMails(r)
	}
}

func (o *outreach) read(c *outreachCall) (int, []byte, *outreachError) {
	r, refused := o.find(c)
	if refused != nil {
		return 0, nil, refused
	}
	return http.StatusOK, o.answer(c, r), nil
}

func (o *outreach) find(c *outreachCall) (*outreachRecord, *outreachError) {
	id, err := strconv.Atoi(c.PathValue("id"))
	r := c.kind.get(id)
	if err != nil || r == nil {
		return nil, outreachNotFound(c.kind.typ, c.PathValue("id"))
	}
	return r, nil
}

func (r *outreachRecord) changes(ch outreachChange) bool {
	for name, v := range ch.attrs {
		if !reflect.DeepEqual(r.attrs[name], v) {
			return true
		}
	}
	for name, id := range ch.refs {
		if r.refs[name] != id {
			return true
		}
	}
	return false
}

func (r *outreachRecord) apply(ch outreachChange) {
	for name, v := range ch.attrs {
		if v == nil {
			delete(r.attrs, name)
		} else {
			r.attrs[name] = v
		}
	}
	for name, id := range ch.refs {
		r.refs[name] = id
	}
}

// stamp moves updatedAt, without which no search by it would find the change.
func (r *outreachRecord) stamp(at time.Time) { r.attrs["updatedAt"] = at.Format(outreachTime) }

// derive sets what follows from a prospect's own attributes.
func (o *outreach) derive(r *outreachRecord, ch outreachChange, now time.Time) {
	if name := strings.TrimSpace(r.text("firstName") + " " + r.text("lastName")); name != "" {
		r.attrs["name"] = name
	}
	if account := o.kinds["accounts"].get(r.refs["account"]); account != nil {
		r.attrs["company"] = account.text("name")
	}
	if ch.attrs["optedOut"] == true {
		r.attrs["emailOptedOut"], r.attrs["callOptedOut"], r.attrs["optedOutAt"] = true, true, now.Format(outreachTime)
	}
	for _, name := range []string{"optedOut", "emailOptedOut", "callOptedOut"} {
		if r.attrs[name] == nil {
			r.attrs[name] = false
		}
	}
	if _, set := ch.attrs["emails"]; set {
		o.dropMails(r)
		list, _ := r.attrs["emails"].([]string)
		for i, e := range list {
			o.add("emailAddresses", now, map[string]any{"email": e, "order": i, "emailType": "work"}, map[string]int{"prospect": r.id})
		}
	}
}

// dropMails takes a prospect's addresses out.
func (o *outreach) dropMails(r *outreachRecord) {
	k := o.kinds["emailAddresses"]
	for _, id := range slices.Clone(k.index["prospect\x00"+itoa(r.id)]) {
		k.leave(k.get(id))
		k.records[id-1] = nil
	}
}

// key is the natural key by which effects are counted: our own id where the
// caller gave one, so that a lead without an address counts twice where it is
// created twice.
func (o *outreach) key(k *outreachKind, r *outreachRecord) string {
	candidates := []string{r.text("externalId"), r.text("customId"), strings.Join(r.emails(), ","), r.text("domain"), r.text("name")}
	if k.path == "sequenceStates" {
		who := o.kinds["prospects"].get(r.refs["prospect"])
		if who != nil {
			return fmt.Sprintf("%s in %d", o.key(o.kinds["prospects"], who), r.refs["sequence"])
		}
		candidates = nil
	}
	for _, key := range candidates {
		if key != "" {
			return key
		}
	}
	return itoa(r.id)
}

// answer renders one record.
func (o *outreach) answer(c *outreachCall, r *outreachRecord) []byte {
	out := o.render([]byte(`{"data":`), c, r)
	return append(out, '}')
}

// render appends a record. All attributes are printed, set or not, unless
// fields[type] asks for some; contactHistogram only where it is asked for.
func (o *outreach) render(out []byte, c *outreachCall, r *outreachRecord) []byte {
	var only []string
	if q := c.URL.Query(); q.Has("fields[" + c.kind.typ + "]") {
		only = strings.Split(q.Get("fields["+c.kind.typ+"]"), ",")
	}
	wants := func(name string) bool {
		return only == nil && name != "contactHistogram" || slices.Contains(only, name)
	}
	out = fmt.Appendf(out, `{"type":%q,"id":%d,"attributes":{`, c.kind.typ, r.id)
	comma := func() {
		if last := out[len(out)-1]; last != '{' && last != '[' {
			out = append(out, ',')
		}
	}
	for i := range c.kind.fields {
		f := &c.kind.fields[i]
		if !wants(f.name) {
			continue
		}
		comma()
		out = append(out, f.prefix...)
		v, set := r.attrs[f.name]
		switch {
		case set:
			text, _ := json.Marshal(v) // texts, numbers and lists of texts only
			out = append(out, text...)
		case f.typ == 'l' || f.typ == 'e':
			out = append(out, "[]"...)
		default:
			out = append(out, "null"...)
		}
	}
	out = append(out, `},"relationships":{`...)
	for _, ref := range c.kind.refs {
		if !wants(ref.name) {
			continue
		}
		comma()
		switch id := r.refs[ref.name]; {
		case ref.name == "emailAddresses":
			out = append(out, `"emailAddresses":{"data":[`...)
			for _, id := range o.kinds["emailAddresses"].index["prospect\x00"+itoa(r.id)] {
				comma()
				out = fmt.Appendf(out, `{"type":"emailAddress","id":%d}`, id)
			}
			out = fmt.Appendf(out, `],"links":{"related":"%s/%s?filter%%5B%s%%5D%%5Bid%%5D=%d"}}`, outreachBase(c.Request), ref.name, ref.filter, r.id)
		case ref.filter != "":
			out = fmt.Appendf(out, `%q:{"links":{"related":"%s/%s?filter%%5B%s%%5D%%5Bid%%5D=%d"}}`, ref.name, outreachBase(c.Request), ref.name, ref.filter, r.id)
		case id == 0:
			out = fmt.Appendf(out, `%q:{"data":null}`, ref.name)
		default:
			out = fmt.Appendf(out, `%q:{"data":{"type":%q,"id":%d}}`, ref.name, ref.typ, id)
		}
	}
	return fmt.Appendf(out, `},"links":{"self":"%s/%s/%d"}}`, outreachBase(c.Request), c.kind.path, r.id)
}

// outreachBase is the address of the API as the caller reached it.
func outreachBase(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + "/outreach/api/v2"
}
