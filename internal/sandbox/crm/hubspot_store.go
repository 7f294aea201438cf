package crm

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hsRecord is a record; every value is a text, and a property without one is
// not there.
type hsRecord struct {
	id               string
	props            map[string]string
	created, updated time.Time
	archived         bool
	archivedAt       time.Time
	before           map[string]string // what search still knows, where it is behind
	beforeAt         time.Time         // when that ceased to be true
	unseen           bool              // before is nil because the record was not there
}

// get finds a record by its id; a merge leaves the old ids as names of the
// winner.
func (o *hsObject) get(id string) *hsRecord {
	if to, ok := o.merged[id]; ok {
		id = to
	}
	if r := o.records[id]; r != nil && !r.archived {
		return r
	}
	return nil
}

// find finds a record by a unique property; e-mails do not heed case.
func (o *hsObject) find(property, value string) *hsRecord {
	return o.index[property][hsFold(value)]
}

func hsFold(value string) string { return strings.ToLower(strings.TrimSpace(value)) }

// locate finds a record by its id or by a unique property.
func (o *hsObject) locate(idProperty, id string) (*hsRecord, *hsError) {
	if idProperty == "" || idProperty == "hs_object_id" {
		return o.get(id), nil
	}
	if p := o.byName[idProperty]; p == nil || !p.Unique {
		return nil, hsInvalid("The property %s is not a unique property of %s", idProperty, o.name)
	}
	return o.find(idProperty, id), nil
}

func (o *hsObject) missing(id string) *hsError {
	return hsFail(http.StatusNotFound, "OBJECT_NOT_FOUND", "Object not found.  objectId: %s", id).with("id", id)
}

func (e *hsError) with(name string, values ...string) *hsError {
	e.context = map[string][]string{name: values}
	return e
}

// hsWrong is one entry of the list in "Property values were not valid".
type hsWrong struct {
	Valid     bool   `json:"isValid"`
	Message   string `json:"message"`
	Error     string `json:"error"`
	Name      string `json:"name"`
	Localized string `json:"localizedErrorMessage"`
}

// check makes values what is stored, or says what is wrong with them.
func (o *hsObject) check(raw map[string]any) (map[string]string, *hsError) {
	out := map[string]string{}
	var wrong []hsWrong
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		value, code, text := o.value(name, raw[name])
		if code != "" {
			wrong = append(wrong, hsWrong{Message: text, Error: code, Name: name, Localized: text})
			continue
		}
		out[name] = value
	}
	if wrong == nil {
		return out, nil
	}
	list, _ := json.Marshal(wrong) // texts and booleans
	e := hsInvalid("Property values were not valid: %s", list)
	for _, w := range wrong {
		e.details = append(e.details, hsDetail{Message: w.Message, Code: w.Error, In: w.Name, Context: map[string][]string{"propertyName": {w.Name}}})
	}
	return nil, e
}

// hsMaxText is the longest text of a property.
const hsMaxText = 65_536

func (o *hsObject) value(name string, raw any) (value, code, text string) {
	p := o.byName[name]
	if p == nil {
		return "", "PROPERTY_DOESNT_EXIST", fmt.Sprintf("Property %q does not exist", name)
	}
	if p.ReadOnly {
		return "", "READ_ONLY_VALUE", fmt.Sprintf("%q is a read only property; its value cannot be set.", name)
	}
	switch v := raw.(type) {
	case nil:
		return "", "", ""
	case string:
		value = v
	case json.Number:
		value = v.String()
	case bool:
		value = strconv.FormatBool(v)
	default:
		return "", "INVALID_TYPE", fmt.Sprintf("%v is not a text", v)
	}
	if value == "" {
		return "", "", ""
	}
	switch p.Type {
	case "number":
		if _, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil {
			return "", "INVALID_INTEGER", fmt.Sprintf("%s was not a valid number.", value)
		}
		value = strings.TrimSpace(value)
	case "date", "datetime":
		t, ok := hsInstant(value)
		if !ok {
			return "", "INVALID_DATE", fmt.Sprintf("%s was not a valid date.", value)
		}
		if value = hsTime(t); p.Type == "date" {
			value = value[:10]
		}
	case "enumeration", "bool":
		if !slices.ContainsFunc(p.Options, func(o hsOption) bool { return o.Value == value }) {
			var all []string
			for _, o := range p.Options {
				all = append(all, o.Value)
			}
			return "", "INVALID_OPTION", fmt.Sprintf("%s was not one of the allowed options: [%s]", value, strings.Join(all, ", "))
		}
	}
	if len(value) > hsMaxText {
		return "", "PROPERTY_VALUE_TOO_LONG", fmt.Sprintf("The value of %s is longer than %d characters", name, hsMaxText)
	}
	if name == "email" {
		value = hsFold(value)
		at, err := mail.ParseAddress(value)
		if err != nil || at.Address != value || !strings.Contains(value[strings.LastIndex(value, "@"):], ".") {
			return "", "INVALID_EMAIL", fmt.Sprintf("Email address %s is invalid", value)
		}
	}
	return value, "", ""
}

// hsInstant reads milliseconds since 1970, or ISO 8601.
func hsInstant(text string) (time.Time, bool) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// clash finds a unique value that another record has.
func (o *hsObject) clash(self *hsRecord, values map[string]string) *hsError {
	for _, p := range o.props {
		v := values[p.Name]
		if !p.Unique || v == "" {
			continue
		}
		other := o.find(p.Name, v)
		if other == nil || other == self {
			continue
		}
		if p.Name == "email" {
			return hsFail(http.StatusConflict, "CONFLICT", "Contact already exists. Existing ID: %s", other.id)
		}
		return hsFail(http.StatusConflict, "CONFLICT", "A %s with the %s value '%s' already exists. Existing ID: %s", strings.ToLower(o.one), p.Name, v, other.id)
	}
	return nil
}

// change sets values; "" takes one away.
func (a *hubspot) change(o *hsObject, r *hsRecord, values map[string]string, now time.Time) {
	if now.Sub(r.beforeAt) >= a.lag {
		r.before, r.beforeAt, r.unseen = maps.Clone(r.props), now, false
	}
	for name, v := range values {
		p := o.byName[name]
		if name == "lifecyclestage" && v != "" && hsRank(v) < hsRank(r.props[name]) {
			continue // HubSpot keeps the later stage and says nothing
		}
		if p != nil && p.Unique {
			if old := r.props[name]; old != "" && o.find(name, old) == r {
				delete(o.index[name], hsFold(old))
			}
			if v != "" {
				o.index[name][hsFold(v)] = r
			}
		}
		if v == "" {
			delete(r.props, name)
		} else {
			r.props[name] = v
		}
	}
	r.updated = now
	r.props[o.modified] = hsTime(now)
}

func hsRank(stage string) int { return slices.Index(hsStages(), stage) }

// make creates a record.
func (a *hubspot) make(o *hsObject, values map[string]string, now time.Time) *hsRecord {
	a.serial++
	r := &hsRecord{id: strconv.Itoa(a.serial), props: map[string]string{}, created: now, beforeAt: now, unseen: true}
	r.props["hs_object_id"], r.props["createdate"] = r.id, hsTime(now)
	if o.byName["lifecyclestage"] != nil {
		r.props["lifecyclestage"] = "lead"
	}
	o.records[r.id] = r
	a.change(o, r, values, now)
	return r
}

// bury archives a record: its unique values are free again.
func (a *hubspot) bury(o *hsObject, r *hsRecord, now time.Time) {
	for name, index := range o.index {
		for _, v := range append(strings.Split(r.props["hs_additional_emails"], ";"), r.props[name]) {
			if index[hsFold(v)] == r {
				delete(index, hsFold(v))
			}
		}
	}
	r.archived, r.archivedAt, r.updated = true, now, now
}

// known is what search knows of a record: nothing where it is new, the former
// values where it was just changed.
func (r *hsRecord) known(now time.Time, lag time.Duration) map[string]string {
	if now.Sub(r.beforeAt) >= lag {
		r.before, r.unseen = nil, false
		return r.props
	}
	if r.unseen {
		return nil
	}
	if r.before != nil {
		return r.before
	}
	return r.props
}

// effect counts what a caller did.
func (a *hubspot) effect(o *hsObject, r *hsRecord, op string) {
	key := r.props[hsKey]
	for _, name := range []string{"email", "domain"} {
		if key == "" {
			key = r.props[name]
		}
	}
	if key == "" {
		key = r.id
	}
	a.s.effect(Effect{App: hubspotName, Object: o.name, Key: key, ID: r.id, Op: op, At: a.s.now()})
}
