package crm

import (
	"net/http"
	"strings"
)

// sfResult is what became of one record. The id of a failed one is left out.
type sfResult struct {
	ID      string       `json:"id,omitempty"`
	Success bool         `json:"success"`
	Errors  []sfRowError `json:"errors"`
	Created *bool        `json:"created,omitempty"`
}

type sfRowError struct {
	Code    string   `json:"statusCode"`
	Message string   `json:"message"`
	Fields  []string `json:"fields"`
}

func sfGood(id string, created *bool) sfResult {
	return sfResult{ID: id, Success: true, Errors: []sfRowError{}, Created: created}
}

func sfBad(e *sfError) sfResult {
	fields := e.Fields
	if fields == nil {
		fields = []string{}
	}
	return sfResult{Errors: []sfRowError{{e.Code, e.Message, fields}}}
}

// open begins the step of a call.
func (a *salesforce) open(r *http.Request) *sfTx {
	t := a.begin()
	t.allow = strings.Contains(strings.ReplaceAll(strings.ToLower(r.Header.Get("Sforce-Duplicate-Rule-Header")), " ", ""), "allowsave=true")
	return t
}

func (a *salesforce) createOne(w http.ResponseWriter, r *http.Request) {
	o, fail := a.object(r)
	var raw map[string]any
	if fail == nil {
		fail = sfBody(r, &raw)
	}
	if fail == nil {
		raw, fail = o.canonical(raw, "")
	}
	if fail != nil {
		fail.write(w)
		return
	}
	t := a.open(r)
	rec, fail := t.insert(o, raw)
	if fail != nil {
		fail.write(w)
		return
	}
	t.commit()
	writeJSON(w, http.StatusCreated, sfGood(rec.id, nil))
}

// named finds the record that a path names, by id or by a field. Where several
// match, their addresses are answered with 300 and nil comes back.
func (a *salesforce) named(w http.ResponseWriter, r *http.Request) (*sfObject, *sfRecord) {
	o, fail := a.object(r)
	if fail != nil {
		fail.write(w)
		return nil, nil
	}
	if r.PathValue("field") == "" {
		rec, fail := o.alive(r.PathValue("id"))
		if fail != nil {
			fail.write(w)
			return nil, nil
		}
		return o, rec
	}
	f, fail := o.keyField(r.PathValue("field"))
	if fail != nil {
		fail.write(w)
		return nil, nil
	}
	found := o.find(f, r.PathValue("value"))
	switch len(found) {
	case 0:
		sfFail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist").write(w)
		return nil, nil
	case 1:
		return o, found[0]
	}
	several(w, r, o, found)
	return nil, nil
}

// several answers that an external id matches more than one record.
func several(w http.ResponseWriter, r *http.Request, o *sfObject, found []*sfRecord) {
	var urls []string
	for _, rec := range found {
		urls = append(urls, "/services/data/"+r.PathValue("v")+"/sobjects/"+o.name+"/"+rec.id)
	}
	writeJSON(w, http.StatusMultipleChoices, urls)
}

// keyField is a field by which records are found.
func (o *sfObject) keyField(name string) (*sfField, *sfError) {
	f := o.field(name)
	if f == nil || !f.external {
		return nil, sfFail(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: %s", name)
	}
	return f, nil
}

func (a *salesforce) readOne(w http.ResponseWriter, r *http.Request) {
	o, rec := a.named(w, r)
	if rec == nil {
		return
	}
	fields := o.fields
	if list := r.URL.Query().Get("fields"); list != "" {
		fields = nil
		for name := range strings.SplitSeq(list, ",") {
			f := o.field(strings.TrimSpace(name))
			if f == nil {
				sfFail(0, "INVALID_FIELD", "No such column '%s' on sobject of type %s", name, o.name).write(w)
				return
			}
			fields = append(fields, f)
		}
	}
	writeJSON(w, http.StatusOK, o.row(rec, fields))
}

func (a *salesforce) updateOne(w http.ResponseWriter, r *http.Request) {
	o, rec := a.named(w, r)
	if rec == nil {
		return
	}
	var raw map[string]any
	fail := sfBody(r, &raw)
	if fail == nil {
		raw, fail = o.canonical(raw, "")
	}
	t := a.open(r)
	if fail == nil {
		fail = t.update(o, rec, raw)
	}
	if fail != nil {
		fail.write(w)
		return
	}
	t.commit()
	w.WriteHeader(http.StatusNoContent)
}

// upsertOne answers 201 for a new record, 200 for an old one (204 without a
// body before version 46), and 300 where several match.
func (a *salesforce) upsertOne(w http.ResponseWriter, r *http.Request) {
	o, fail := a.object(r)
	if fail != nil {
		fail.write(w)
		return
	}
	if strings.EqualFold(r.PathValue("field"), "Id") {
		r.SetPathValue("id", r.PathValue("value"))
		r.SetPathValue("field", "")
		a.updateOne(w, r)
		return
	}
	f, fail := o.keyField(r.PathValue("field"))
	var raw map[string]any
	if fail == nil {
		fail = sfBody(r, &raw)
	}
	if fail == nil {
		raw, fail = o.canonical(raw, f.name)
	}
	if fail != nil {
		fail.write(w)
		return
	}
	found := o.find(f, r.PathValue("value"))
	if len(found) > 1 {
		several(w, r, o, found)
		return
	}
	t := a.open(r)
	id, created, fail := t.upsert(o, f, r.PathValue("value"), raw)
	if fail != nil {
		fail.write(w)
		return
	}
	t.commit()
	switch {
	case created:
		writeJSON(w, http.StatusCreated, sfGood(id, &created))
	case apiVersion(r) < 46:
		w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(w, http.StatusOK, sfGood(id, &created))
	}
}

// upsert writes the record that has a value in a key field, or makes it.
func (t *sfTx) upsert(o *sfObject, f *sfField, value string, values map[string]any) (id string, created bool, fail *sfError) {
	switch found := o.find(f, value); len(found) {
	case 0:
		values[f.name] = value
		rec, fail := t.insert(o, values)
		if fail != nil {
			return "", false, fail
		}
		return rec.id, true, nil
	case 1:
		delete(values, f.name)
		return found[0].id, false, t.update(o, found[0], values)
	default:
		return "", false, sfFail(0, "DUPLICATE_VALUE", "%s: more than one record found for external id field: [%s, %s]", f.name, found[0].id, found[1].id)
	}
}

func (a *salesforce) deleteOne(w http.ResponseWriter, r *http.Request) {
	o, rec := a.named(w, r)
	if rec == nil {
		return
	}
	t := a.open(r)
	t.bury(o, rec, "")
	t.commit()
	w.WriteHeader(http.StatusNoContent)
}

// sfMaxRecords is what a collection holds.
const sfMaxRecords = 200

// writeCollection inserts, updates or upserts up to 200 records of one type.
func (a *salesforce) writeCollection(w http.ResponseWriter, r *http.Request) {
	var in struct {
		AllOrNone bool
		Records   []map[string]any
	}
	if fail := sfBody(r, &in); fail != nil {
		fail.write(w)
		return
	}
	if n := len(in.Records); n > sfMaxRecords {
		sfFail(0, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than %d records in this call", sfMaxRecords).write(w)
		return
	}
	writes, fail := a.plan(r, in.Records)
	if fail != nil {
		fail.write(w)
		return
	}
	t, results := a.open(r), []sfResult{}
	failed := false
	for _, write := range writes {
		mark := t.mark()
		result := write(t)
		if !result.Success {
			failed = true
			t.back(mark)
		}
		results = append(results, result)
	}
	if failed && in.AllOrNone {
		t.back([2]int{})
		for i, result := range results {
			if result.Success {
				results[i] = sfBad(sfFail(0, "ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid and the request was using AllOrNone header"))
			}
		}
	}
	t.commit()
	writeJSON(w, http.StatusOK, results)
}

// plan reads all records of a collection, and says what to do with each.
func (a *salesforce) plan(r *http.Request, records []map[string]any) ([]func(*sfTx) sfResult, *sfError) {
	var writes []func(*sfTx) sfResult
	upsert, seen := r.PathValue("obj") != "", map[string]bool{}
	for _, raw := range records {
		attributes, _ := raw["attributes"].(map[string]any)
		kind, _ := attributes["type"].(string)
		if kind == "" {
			return nil, sfFail(0, "INVALID_TYPE", "Record is missing its attributes.type")
		}
		o := a.objects[strings.ToLower(kind)]
		if o == nil {
			return nil, sfFail(0, "INVALID_TYPE", "sObject type '%s' is not supported.", kind)
		}
		id := ""
		for name, v := range raw {
			if strings.EqualFold(name, "Id") {
				id, _ = v.(string)
				delete(raw, name)
			}
		}
		values, fail := o.canonical(raw, "")
		switch {
		case fail != nil:
			return nil, fail
		case upsert && !strings.EqualFold(kind, r.PathValue("obj")):
			return nil, sfFail(0, "INVALID_TYPE", "All records must be of type %s", r.PathValue("obj"))
		case upsert && strings.EqualFold(r.PathValue("field"), "Id"), !upsert && r.Method == http.MethodPatch:
			writes = append(writes, func(t *sfTx) sfResult {
				rec, fail := o.alive(id)
				if fail == nil {
					fail = t.update(o, rec, values)
				}
				if fail != nil {
					return sfBad(fail)
				}
				return sfGood(rec.id, nil)
			})
		case !upsert:
			writes = append(writes, func(t *sfTx) sfResult {
				rec, fail := t.insert(o, values)
				if fail != nil {
					return sfBad(fail)
				}
				return sfGood(rec.id, nil)
			})
		default:
			f, fail := o.keyField(r.PathValue("field"))
			if fail != nil {
				return nil, fail
			}
			if id != "" {
				return nil, sfFail(0, "INVALID_FIELD", "The Id field should not be specified in the sobject data.")
			}
			value, _ := values[f.name].(string)
			again := seen[strings.ToLower(value)]
			seen[strings.ToLower(value)] = true
			writes = append(writes, func(t *sfTx) sfResult { return t.upsertRow(o, f, value, again, values) })
		}
	}
	return writes, nil
}

func (t *sfTx) upsertRow(o *sfObject, f *sfField, value string, again bool, values map[string]any) sfResult {
	if value == "" {
		return sfBad(sfFail(0, "MISSING_ARGUMENT", "%s not specified", f.name).on(f.name))
	}
	if again {
		return sfBad(sfFail(0, "DUPLICATE_VALUE", "Duplicate external id specified: %s", value).on(f.name))
	}
	id, created, fail := t.upsert(o, f, value, values)
	if fail != nil {
		return sfBad(fail)
	}
	return sfGood(id, &created)
}

func (a *salesforce) deleteCollection(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ids := strings.Split(q.Get("ids"), ",")
	if q.Get("ids") == "" || len(ids) > sfMaxRecords {
		sfFail(0, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than %d records in this call", sfMaxRecords).write(w)
		return
	}
	t, results, failed := a.open(r), []sfResult{}, false
	for _, id := range ids {
		result := sfBad(sfFail(0, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"))
		for _, o := range a.objects {
			rec := o.get(id)
			if rec == nil {
				continue
			}
			if rec.deleted {
				result = sfBad(sfFail(0, "ENTITY_IS_DELETED", "entity is deleted"))
				continue
			}
			t.bury(o, rec, "")
			result = sfGood(rec.id, nil)
		}
		failed = failed || !result.Success
		results = append(results, result)
	}
	if failed && q.Get("allOrNone") == "true" {
		t.back([2]int{})
		for i := range results {
			if results[i].Success {
				results[i] = sfBad(sfFail(0, "ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid and the request was using AllOrNone header"))
			}
		}
	}
	t.commit()
	writeJSON(w, http.StatusOK, results)
}
