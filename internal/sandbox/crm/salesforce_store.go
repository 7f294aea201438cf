package crm

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// sfTx is one step of changes, which can be taken back as a whole. Effects are
// counted when it ends well.
type sfTx struct {
	a       *salesforce
	now     time.Time
	by      string // the user
	undo    []func()
	effects []Effect
	allow   bool // save what a duplicate rule only warns of
	quiet   bool // not a caller's doing: nothing is counted
}

func (a *salesforce) begin() *sfTx {
	return &sfTx{a: a, now: a.s.now().Truncate(time.Second), by: sfOwner}
}

// mark is a point to which a step can be taken back.
func (t *sfTx) mark() [2]int { return [2]int{len(t.undo), len(t.effects)} }

func (t *sfTx) back(mark [2]int) {
	for i := len(t.undo) - 1; i >= mark[0]; i-- {
		t.undo[i]()
	}
	t.undo, t.effects = t.undo[:mark[0]], t.effects[:mark[1]]
}

func (t *sfTx) commit() {
	if !t.quiet {
		for _, f := range t.effects {
			t.a.s.effect(f)
		}
	}
	t.undo, t.effects = nil, nil
}

func (t *sfTx) effect(o *sfObject, r *sfRecord, op string) {
	key, _ := r.values[sfKey].(string)
	if key == "" {
		key = r.id
	}
	t.effects = append(t.effects, Effect{App: salesforceName, Object: o.name, Key: key, ID: r.id, Op: op, At: t.now})
}

// put sets a value and keeps the indexes.
func (t *sfTx) put(o *sfObject, r *sfRecord, f *sfField, v any) {
	before := r.values[f.name]
	if before == v {
		return
	}
	change := func(from, to any) {
		o.unlist(r, f, from)
		if to == nil {
			delete(r.values, f.name)
		} else {
			r.values[f.name] = to
		}
		o.list(r, f, to)
	}
	change(before, v)
	t.undo = append(t.undo, func() { change(v, before) })
}

func (o *sfObject) list(r *sfRecord, f *sfField, v any) {
	if text, ok := v.(string); ok && f.indexed() && !r.deleted {
		key := strings.ToLower(text)
		o.index[f.name][key] = append(o.index[f.name][key], r)
	}
}

func (o *sfObject) unlist(r *sfRecord, f *sfField, v any) {
	text, ok := v.(string)
	if !ok || !f.indexed() {
		return
	}
	key := strings.ToLower(text)
	rest := slices.DeleteFunc(o.index[f.name][key], func(other *sfRecord) bool { return other == r })
	if len(rest) == 0 {
		delete(o.index[f.name], key)
	} else {
		o.index[f.name][key] = rest
	}
}

// find gives the live records with a value, whatever its case.
func (o *sfObject) find(f *sfField, value string) []*sfRecord {
	return o.index[f.name][strings.ToLower(value)]
}

// get finds a record by its id, deleted ones as well.
func (o *sfObject) get(id string) *sfRecord { return o.records[longID(id)] }

// alive finds a record that can be changed by its id.
func (o *sfObject) alive(id string) (*sfRecord, *sfError) {
	r := o.get(id)
	switch {
	case r == nil:
		return nil, sfFail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
	case r.deleted:
		return nil, sfFail(http.StatusNotFound, "ENTITY_IS_DELETED", "entity is deleted")
	}
	return r, nil
}

// insert makes a record.
func (t *sfTx) insert(o *sfObject, values map[string]any) (*sfRecord, *sfError) {
	values, fail := o.check(values)
	if fail != nil {
		return nil, fail
	}
	var missing []string
	for _, f := range o.fields {
		if f.required && values[f.name] == nil && f.standard == nil {
			missing = append(missing, f.name)
		}
	}
	if len(missing) > 0 {
		return nil, sfFail(0, "REQUIRED_FIELD_MISSING", "Required fields are missing: [%s]", strings.Join(missing, ", ")).on(missing...)
	}
	if fail := t.clash(o, nil, values); fail != nil {
		return nil, fail
	}
	r := &sfRecord{id: t.a.newID(o.prefix), values: map[string]any{}}
	o.records[r.id] = r
	t.undo = append(t.undo, func() { delete(o.records, r.id) })
	for _, f := range o.fields {
		if v, given := values[f.name]; given && v != nil {
			t.put(o, r, f, v)
		} else if f.standard != nil {
			t.put(o, r, f, f.standard)
		}
	}
	t.put(o, r, o.field("Id"), r.id)
	t.put(o, r, o.field("CreatedDate"), t.now)
	t.put(o, r, o.field("CreatedById"), t.by)
	t.touch(o, r)
	t.effect(o, r, opCreate)
	if o.name == "Lead" && !t.quiet {
		t.a.expect(r, t.now)
	}
	return r, nil
}

// update changes a record.
func (t *sfTx) update(o *sfObject, r *sfRecord, values map[string]any) *sfError {
	if r.values["IsConverted"] == true && !t.quiet {
		return sfFail(0, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
	}
	if n := t.a.rules.locked[r.id]; n > 0 && !t.quiet {
		t.a.rules.locked[r.id] = n - 1
		return sfFail(0, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: %s", r.id)
	}
	values, fail := o.check(values)
	if fail != nil {
		return fail
	}
	for _, f := range o.fields {
		if v, given := values[f.name]; f.required && given && v == nil {
			return sfFail(0, "REQUIRED_FIELD_MISSING", "Required fields are missing: [%s]", f.name).on(f.name)
		}
	}
	if fail := t.clash(o, r, values); fail != nil {
		return fail
	}
	for name, v := range values {
		t.put(o, r, o.byName[strings.ToLower(name)], v)
	}
	t.touch(o, r)
	t.effect(o, r, opUpdate)
	return nil
}

// touch stamps a change. The API tells whole seconds, so that many records
// share a stamp.
func (t *sfTx) touch(o *sfObject, r *sfRecord) {
	if name := o.field("Name"); name.fixed {
		first, _ := r.values["FirstName"].(string)
		last, _ := r.values["LastName"].(string)
		t.put(o, r, name, strings.TrimSpace(first+" "+last))
	}
	t.put(o, r, o.field("LastModifiedDate"), t.now)
	t.put(o, r, o.field("LastModifiedById"), t.by)
	t.put(o, r, o.field("SystemModstamp"), t.now)
}

// bury moves a record to the recycle bin; master is the winner of a merge.
func (t *sfTx) bury(o *sfObject, r *sfRecord, master string) {
	for _, f := range o.fields {
		o.unlist(r, f, r.values[f.name])
	}
	r.deleted = true
	t.undo = append(t.undo, func() {
		r.deleted = false
		for _, f := range o.fields {
			o.list(r, f, r.values[f.name])
		}
	})
	t.put(o, r, o.field("IsDeleted"), true)
	if master != "" {
		t.put(o, r, o.field("MasterRecordId"), master)
	}
	t.touch(o, r)
	t.effect(o, r, opDelete)
}

// unearth takes a record out of the recycle bin.
func (t *sfTx) unearth(o *sfObject, r *sfRecord) {
	r.deleted = false
	t.put(o, r, o.field("IsDeleted"), false)
	t.put(o, r, o.field("MasterRecordId"), nil)
	for _, f := range o.fields {
		o.list(r, f, r.values[f.name])
	}
	t.touch(o, r)
}

// sfRules are what people set up in an org.
type sfRules struct {
	duplicates string         // "" or the field by which leads must differ
	block      bool           // allowSave does not help
	locked     map[string]int // writes of a record that fail because another process holds it
}

// clash finds what forbids values that are valid by themselves.
func (t *sfTx) clash(o *sfObject, self *sfRecord, values map[string]any) *sfError {
	for _, f := range o.fields {
		text, ok := values[f.name].(string)
		if !ok || !f.unique {
			continue
		}
		for _, other := range o.find(f, text) {
			if other != self {
				return sfFail(0, "DUPLICATE_VALUE", "duplicate value found: %s duplicates value on record with id: %s", f.name, other.id[:15])
			}
		}
	}
	rule := t.a.rules
	if rule.duplicates == "" || t.quiet || t.allow && !rule.block {
		return nil
	}
	f := o.field(rule.duplicates)
	if f == nil {
		return nil
	}
	text, ok := values[f.name].(string)
	if !ok {
		return nil
	}
	for _, other := range o.find(f, text) {
		if other != self {
			return sfFail(0, "DUPLICATES_DETECTED", "Use one of these records?")
		}
	}
	return nil
}
