package crm

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hsInput is one entry of a batch.
type hsInput struct {
	ID         string         `json:"id"`
	IDProperty string         `json:"idProperty"`
	Properties map[string]any `json:"properties"`
	Trace      string         `json:"objectWriteTraceId"`
}

// hsView is a record as it is printed.
type hsView struct {
	ID         string             `json:"id"`
	New        *bool              `json:"new,omitempty"`
	Properties map[string]*string `json:"properties"`
	CreatedAt  string             `json:"createdAt"`
	UpdatedAt  string             `json:"updatedAt"`
	Archived   bool               `json:"archived"`
	ArchivedAt string             `json:"archivedAt,omitempty"`
	Trace      string             `json:"objectWriteTraceId,omitempty"`
}

// view prints a record with the properties that were asked for and those that
// HubSpot always adds. One without a value is null.
func (o *hsObject) view(r *hsRecord, names []string) hsView {
	out := hsView{ID: r.id, Properties: map[string]*string{}, CreatedAt: hsTime(r.created), UpdatedAt: hsTime(r.updated), Archived: r.archived}
	if r.archived {
		out.ArchivedAt = hsTime(r.archivedAt)
	}
	for _, name := range append([]string{"hs_object_id", "createdate", o.modified}, names...) {
		if o.byName[name] == nil {
			continue // what does not exist is passed over
		}
		out.Properties[name] = nil
		if v, ok := r.props[name]; ok {
			out.Properties[name] = &v
		}
	}
	return out
}

// asked are the properties of a query, or the usual ones.
func (o *hsObject) asked(list []string) []string {
	if len(list) > 0 {
		return list
	}
	switch o.name {
	case "contacts":
		return []string{"email", "firstname", "lastname"}
	case "companies":
		return []string{"name", "domain"}
	}
	return []string{"dealname", "dealstage", "amount", "closedate", "pipeline"}
}

// hsWrite is a write that was found to be good.
type hsWrite struct {
	record *hsRecord // nil to create
	values map[string]string
	trace  string
}

// hsBatchError is an entry of errors in an answer with status 207.
type hsBatchError struct {
	Status   string              `json:"status"`
	Category string              `json:"category"`
	Message  string              `json:"message"`
	Context  map[string][]string `json:"context"`
	Errors   []hsDetail          `json:"errors"`
	Links    map[string]string   `json:"links"`
}

// hsMaxInputs is what a batch holds.
const hsMaxInputs = 100

// inputs reads a batch. An id that comes twice spoils all of it.
func hsInputs(r *http.Request, byID bool) ([]hsInput, *hsError) {
	var in struct{ Inputs []hsInput }
	if e := hsBody(r, &in); e != nil {
		return nil, e
	}
	if n := len(in.Inputs); n == 0 || n > hsMaxInputs {
		return nil, hsInvalid("Batch size must be between 1 and %d, was %d", hsMaxInputs, n)
	}
	seen := map[string]bool{}
	var again []string
	for _, i := range in.Inputs {
		if !byID {
			continue
		}
		if i.ID == "" {
			return nil, hsInvalid("Invalid input JSON: id is required")
		}
		if i.IDProperty != in.Inputs[0].IDProperty {
			return nil, hsInvalid("All inputs must have the same idProperty")
		}
		key := hsFold(i.ID)
		if seen[key] && !slices.Contains(again, key) {
			again = append(again, key)
		}
		seen[key] = true
	}
	if again != nil {
		return nil, hsInvalid("Duplicate IDs found in batch input: [%s]. IDs must be unique", strings.Join(again, ", ")).with("ids", again...)
	}
	return in.Inputs, nil
}

// plan looks at one entry of a batch; claimed are the unique values that the
// entries before it take.
func (o *hsObject) plan(i hsInput, op string, claimed map[string]bool) (hsWrite, *hsError) {
	out := hsWrite{trace: i.Trace}
	var e *hsError
	if op != "create" {
		if out.record, e = o.locate(i.IDProperty, i.ID); e != nil {
			return out, e
		}
		if out.record == nil && (op == "update" || i.IDProperty == "" || i.IDProperty == "hs_object_id") {
			return out, o.missing(i.ID)
		}
	}
	raw := map[string]any{}
	for name, v := range i.Properties {
		raw[name] = v
	}
	if op == "upsert" && i.IDProperty != "" {
		secondary := out.record != nil && out.record.props[i.IDProperty] != hsFold(i.ID) // it was found by another e-mail of its own
		if _, given := raw[i.IDProperty]; !given && !secondary {
			raw[i.IDProperty] = i.ID
		}
	}
	if out.values, e = o.check(raw); e != nil {
		return out, e
	}
	if e := o.clash(out.record, out.values); e != nil {
		return out, e
	}
	for _, p := range o.props {
		if v := out.values[p.Name]; p.Unique && v != "" {
			key := p.Name + "\x00" + hsFold(v)
			if claimed[key] {
				return out, hsFail(http.StatusConflict, "CONFLICT", "%s value '%s' is in the batch more than once", p.Name, v)
			}
			claimed[key] = true
		}
	}
	return out, nil
}

// write makes a batch of writes. An entry that is bad spoils the whole batch,
// unless it has an objectWriteTraceId by which its error can be told.
func (a *hubspot) write(w http.ResponseWriter, o *hsObject, inputs []hsInput, op string) *hsError {
	now := a.s.now()
	var writes []hsWrite
	var bad []hsBatchError
	claimed := map[string]bool{}
	for _, i := range inputs {
		one, e := o.plan(i, op, claimed)
		switch {
		case e == nil:
			writes = append(writes, one)
		case i.Trace == "":
			return e
		default:
			context := map[string][]string{"objectWriteTraceId": {i.Trace}}
			for k, v := range e.context {
				context[k] = v
			}
			details := e.details
			if details == nil {
				details = []hsDetail{}
			}
			bad = append(bad, hsBatchError{"error", e.category, e.message, context, details, map[string]string{}})
		}
	}
	results := []hsView{}
	for _, one := range writes {
		results = append(results, a.apply(o, one, op, now))
	}
	// The order of results is not that of the inputs.
	for x, y := 0, len(results)-1; x < y; x, y = x+1, y-1 {
		results[x], results[y] = results[y], results[x]
	}
	body := map[string]any{"status": "COMPLETE", "results": results, "startedAt": hsTime(now), "completedAt": hsTime(now)}
	status := http.StatusOK
	if op == "create" {
		status = http.StatusCreated
	}
	if bad != nil {
		status, body["numErrors"], body["errors"] = http.StatusMultiStatus, len(bad), bad
	}
	writeJSON(w, status, body)
	return nil
}

// apply makes one write and prints its outcome.
func (a *hubspot) apply(o *hsObject, one hsWrite, op string, now time.Time) hsView {
	created, r := one.record == nil, one.record
	if created {
		r = a.make(o, one.values, now)
		a.effect(o, r, opCreate)
		a.expect(o, r, now)
	} else {
		a.change(o, r, one.values, now)
		a.effect(o, r, opUpdate)
	}
	var names []string
	for name := range one.values {
		names = append(names, name)
	}
	out := o.view(r, names)
	out.Trace = one.trace
	if op == "upsert" {
		out.New = &created
	}
	return out
}

func (a *hubspot) batchUpsert(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	inputs, e := hsInputs(r, true)
	if e != nil {
		return e
	}
	if p := inputs[0].IDProperty; p != "" {
		if _, e := o.locate(p, inputs[0].ID); e != nil {
			return e
		}
	}
	return a.write(w, o, inputs, "upsert")
}

func (a *hubspot) batchCreate(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	inputs, e := hsInputs(r, false)
	if e != nil {
		return e
	}
	return a.write(w, o, inputs, "create")
}

func (a *hubspot) batchUpdate(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	inputs, e := hsInputs(r, true)
	if e != nil {
		return e
	}
	return a.write(w, o, inputs, "update")
}

// batchRead gives what it finds; what it does not is an error with status 207.
func (a *hubspot) batchRead(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	var in struct {
		IDProperty string `json:"idProperty"`
		Properties []string
		Inputs     []struct{ ID string }
	}
	if e := hsBody(r, &in); e != nil {
		return e
	}
	if n := len(in.Inputs); n == 0 || n > hsMaxInputs {
		return hsInvalid("Batch size must be between 1 and %d, was %d", hsMaxInputs, n)
	}
	now := a.s.now()
	results, lost, given := []hsView{}, []string(nil), map[string]bool{}
	for _, i := range in.Inputs {
		rec, e := o.locate(in.IDProperty, i.ID)
		if e != nil {
			return e
		}
		if rec == nil {
			lost = append(lost, i.ID)
		} else if !given[rec.id] {
			given[rec.id] = true
			results = append(results, o.view(rec, append(o.asked(in.Properties), in.IDProperty)))
		}
	}
	body := map[string]any{"status": "COMPLETE", "results": results, "startedAt": hsTime(now), "completedAt": hsTime(now)}
	status := http.StatusOK
	if lost != nil {
		status = http.StatusMultiStatus
		body["numErrors"], body["errors"] = 1, []hsBatchError{{
			"error", "OBJECT_NOT_FOUND", "Could not get some " + o.one + " objects, they may be deleted or not exist. Check that ids are valid.",
			map[string][]string{"ids": lost}, []hsDetail{}, map[string]string{},
		}}
	}
	writeJSON(w, status, body)
	return nil
}

func (a *hubspot) batchArchive(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	inputs, e := hsInputs(r, true)
	if e != nil {
		return e
	}
	for _, i := range inputs {
		if rec := o.get(i.ID); rec != nil {
			a.effect(o, rec, opDelete)
			a.bury(o, rec, a.s.now())
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// list pages through all records by their ids.
func (a *hubspot) list(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	q := r.URL.Query()
	limit, err := strconv.Atoi(cmp.Or(q.Get("limit"), "10"))
	if err != nil || limit < 1 || limit > hsMaxInputs {
		return hsInvalid("Invalid input: limit must be between 1 and %d", hsMaxInputs)
	}
	after, err := strconv.Atoi(cmp.Or(q.Get("after"), "0"))
	if err != nil {
		return hsInvalid("Invalid input: after %s", q.Get("after"))
	}
	var ids []int
	for id, rec := range o.records {
		if n, _ := strconv.Atoi(id); n > after && rec.archived == (q.Get("archived") == "true") {
			ids = append(ids, n)
		}
	}
	slices.Sort(ids)
	results, body := []hsView{}, map[string]any{}
	for _, n := range ids[:min(limit, len(ids))] {
		results = append(results, o.view(o.records[strconv.Itoa(n)], o.asked(hsNames(r))))
	}
	if len(ids) > limit {
		body["paging"] = map[string]any{"next": map[string]string{"after": strconv.Itoa(ids[limit-1])}}
	}
	body["results"] = results
	writeJSON(w, http.StatusOK, body)
	return nil
}

// hsNames are the properties that an address asks for.
func hsNames(r *http.Request) []string {
	var out []string
	for _, list := range r.URL.Query()["properties"] {
		for name := range strings.SplitSeq(list, ",") {
			out = append(out, strings.TrimSpace(name))
		}
	}
	return slices.DeleteFunc(out, func(name string) bool { return name == "" })
}

func (a *hubspot) create(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	var in hsInput
	if e := hsBody(r, &in); e != nil {
		return e
	}
	one, e := o.plan(in, "create", map[string]bool{})
	if e != nil {
		return e
	}
	writeJSON(w, http.StatusCreated, a.apply(o, one, "create", a.s.now()))
	return nil
}

// wanted finds the record that a path names.
func (o *hsObject) wanted(r *http.Request) (*hsRecord, *hsError) {
	rec, e := o.locate(r.URL.Query().Get("idProperty"), r.PathValue("id"))
	if e == nil && rec == nil {
		e = o.missing(r.PathValue("id"))
	}
	return rec, e
}

func (a *hubspot) read(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	rec, e := o.wanted(r)
	if e != nil {
		return e
	}
	writeJSON(w, http.StatusOK, o.view(rec, o.asked(hsNames(r))))
	return nil
}

func (a *hubspot) update(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	rec, e := o.wanted(r)
	if e != nil {
		return e
	}
	var in hsInput
	if e := hsBody(r, &in); e != nil {
		return e
	}
	in.ID, in.IDProperty = rec.id, ""
	one, e := o.plan(in, "update", map[string]bool{})
	if e != nil {
		return e
	}
	writeJSON(w, http.StatusOK, a.apply(o, one, "update", a.s.now()))
	return nil
}

// archive answers 204 for a record that is not there as well.
func (a *hubspot) archive(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	if rec := o.get(r.PathValue("id")); rec != nil {
		a.effect(o, rec, opDelete)
		a.bury(o, rec, a.s.now())
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *hubspot) gdprDelete(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	var in struct {
		ObjectID   string `json:"objectId"`
		IDProperty string `json:"idProperty"`
	}
	if e := hsBody(r, &in); e != nil {
		return e
	}
	rec, e := o.locate(in.IDProperty, in.ObjectID)
	if e != nil {
		return e
	}
	if rec != nil {
		a.effect(o, rec, opDelete)
		a.bury(o, rec, a.s.now())
		delete(o.records, rec.id)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *hubspot) merge(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	var in struct {
		Primary string `json:"primaryObjectId"`
		Other   string `json:"objectIdToMerge"`
	}
	if e := hsBody(r, &in); e != nil {
		return e
	}
	to, from := o.get(in.Primary), o.get(in.Other)
	if to == nil || from == nil || to == from {
		return hsInvalid("Cannot merge %s into %s", in.Other, in.Primary)
	}
	writeJSON(w, http.StatusOK, o.view(a.unite(o, to, from, a.s.now()), o.asked(nil)))
	return nil
}

// unite merges a record into another. What comes of it has a new id; both old
// ids go on to answer, and the loser's e-mail finds the winner.
func (a *hubspot) unite(o *hsObject, to, from *hsRecord, now time.Time) *hsRecord {
	values := map[string]string{}
	for name, v := range from.props {
		if p := o.byName[name]; p != nil && !p.ReadOnly && !p.Unique && to.props[name] == "" {
			values[name] = v
		}
	}
	a.bury(o, from, now)
	old := to.id
	delete(o.records, old)
	a.serial++
	to.id = strconv.Itoa(a.serial)
	o.records[to.id] = to
	for id, winner := range o.merged {
		if winner == old || winner == from.id {
			o.merged[id] = to.id
		}
	}
	o.merged[old], o.merged[from.id] = to.id, to.id
	for link := range maps.Clone(a.links) {
		moved := link
		if link.from == o.name && (link.fromID == old || link.fromID == from.id) {
			moved.fromID = to.id
		}
		if link.to == o.name && (link.toID == old || link.toID == from.id) {
			moved.toID = to.id
		}
		delete(a.links, link)
		a.links[moved] = true
	}
	a.change(o, to, values, now)
	to.props["hs_object_id"] = to.id
	to.props["hs_merged_object_ids"] = strings.TrimPrefix(fmt.Sprintf("%s;%s;%s", to.props["hs_merged_object_ids"], old, from.id), ";")
	if mail := from.props["email"]; mail != "" && o.name == "contacts" {
		to.props["hs_additional_emails"] = strings.TrimPrefix(to.props["hs_additional_emails"]+";"+mail, ";")
		o.index["email"][hsFold(mail)] = to
	}
	return to
}
