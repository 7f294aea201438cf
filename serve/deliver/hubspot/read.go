package hubspot

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// moreAddresses holds the addresses of a contact beside its first, with ; between
// them: an upsert finds a contact by them as well.
const moreAddresses = "hs_additional_emails"

// Probe reads rows back by the unique property. It is not search, and so sees
// what was just written.
func (d *Destination) Probe(s deliver.Session, rows []deliver.Row) ([]deliver.Found, error) {
	names := []string{d.cfg.IDProperty}
	if d.cfg.Object == "contacts" {
		names = append(names, moreAddresses)
	}
	inputs, at := []input{}, map[string][]int{}
	for i, r := range rows {
		for name := range r.Fields {
			names = append(names, name)
		}
		if key := fold(r.Key); at[key] == nil {
			inputs = append(inputs, input{ID: r.Key})
		}
		at[fold(r.Key)] = append(at[fold(r.Key)], i)
	}
	slices.Sort(names)
	resp, err := s.Call(post(d.objects("/batch/read"), read, map[string]any{
		"idProperty": d.cfg.IDProperty, "inputs": inputs, "properties": slices.Compact(names), "propertiesWithHistory": []string{},
	}, nil))
	if err != nil {
		return nil, err
	}
	results := gjson.GetBytes(resp.Body, "results")
	if !resp.OK() {
		return nil, d.wrong("read", resp)
	}
	if !results.IsArray() {
		return nil, leadlake.Errorf(leadlake.Unavailable, "hubspot: read %s: the answer has no results", d.cfg.Object)
	}
	out := make([]deliver.Found, len(rows))
	for _, r := range results.Array() {
		values := r.Get("properties")
		keys := []string{values.Get(d.cfg.IDProperty).String()}
		if d.cfg.IDProperty == "email" {
			keys = append(keys, strings.Split(values.Get(moreAddresses).String(), ";")...)
		}
		for _, key := range keys {
			if key = fold(key); key == "" {
				continue
			}
			for _, i := range at[key] {
				out[i] = deliver.Found{Matches: 1, ID: r.Get("id").String(), Fields: d.present(rows[i], values), ChangedAt: instant(r.Get("updatedAt").String())}
			}
		}
	}
	return out, nil
}

// present are the values of a row's fields, in the form in which we would write
// them. The natural key is what the record was found by.
func (d *Destination) present(r deliver.Row, values gjson.Result) deliver.Payload {
	out := deliver.Payload{}
	for name, want := range r.Fields {
		v := values.Get(name)
		switch text := v.String(); {
		case name == d.cfg.IDProperty:
			out[name] = deliver.Value(r.Key)
		case v.Type == gjson.Null || text == "":
			out[name] = json.RawMessage("null")
		case instant(text).Equal(instant(gjson.ParseBytes(want).String())) && !instant(text).IsZero():
			out[name] = want // the same instant in another form
		default:
			out[name] = deliver.Value(text)
			if json.Valid([]byte(text)) && gjson.ParseBytes(want).Type != gjson.String {
				out[name] = json.RawMessage(text) // a number or a boolean, which HubSpot keeps as text
			}
		}
	}
	return out
}

func instant(text string) time.Time {
	for _, form := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// cursor is where a pull stands: from which millisecond on it reads, and how
// many records of a search it has.
type cursor struct {
	From  int64 `json:"t"`
	After int   `json:"a,omitempty"`
	Last  int64 `json:"l,omitempty"` // the latest change that this pull has seen
}

// What a search gives at once and at most, and how far it is behind: a pull
// begins that much before the end of the last one.
const (
	searchRows = 200
	searchMost = 10_000
	searchLag  = 2 * time.Minute
)

// Feedback reads records that have changed, in the order of their changes, and
// what their properties say about them.
func (d *Destination) Feedback(s deliver.Session, text string) (deliver.Feedback, error) {
	var c cursor
	if err := deliver.ReadCursor("hubspot", text, &c); err != nil {
		return deliver.Feedback{}, err
	}
	changed := "hs_lastmodifieddate"
	if d.cfg.Object == "contacts" {
		changed = "lastmodifieddate"
	}
	type filter struct {
		Property string `json:"propertyName"`
		Operator string `json:"operator"`
		Value    string `json:"value,omitempty"`
	}
	ask := map[string]any{
		"filterGroups": []any{map[string]any{"filters": []filter{{d.cfg.IDProperty, "HAS_PROPERTY", ""}, {changed, "GTE", strconv.FormatInt(c.From, 10)}}}},
		"sorts":        []any{map[string]string{"propertyName": changed, "direction": "ASCENDING"}},
		"limit":        searchRows, "after": strconv.Itoa(c.After),
		"properties": []string{
			d.cfg.IDProperty, changed, "lifecyclestage", "hs_lead_status", "hs_email_optout", "hs_email_hard_bounce_reason_enum",
			"hs_sales_email_last_replied", "hs_merged_object_ids",
		},
	}
	resp, err := s.Call(post(d.objects("/search"), search, ask, nil))
	if err != nil {
		return deliver.Feedback{}, err
	}
	results := gjson.GetBytes(resp.Body, "results")
	if !resp.OK() || !results.IsArray() {
		return deliver.Feedback{}, d.wrong("search", resp)
	}
	var out deliver.Feedback
	for _, r := range results.Array() {
		at := instant(r.Get("properties").Get(changed).String())
		c.Last = max(c.Last, at.UnixMilli())
		out.Events = append(out.Events, d.events(r, at)...)
	}
	out.More = len(results.Array()) == searchRows
	switch {
	case !out.More: // search is behind: what changed just now may yet come
		c = cursor{From: max(c.From, c.Last-searchLag.Milliseconds())}
	case c.Last > c.From: // on from there, so that no search grows beyond its end
		c.From, c.After = c.Last, 0
	case c.After+2*searchRows > searchMost:
		c.From, c.After = c.From+1, 0
	default: // all of them changed in one millisecond
		c.After += searchRows
	}
	out.Next = string(deliver.Value(c))
	return out, nil
}

// events are what the properties of a record say. A later stage implies those
// before it. Ids stay the same when records are merged.
func (d *Destination) events(r gjson.Result, at time.Time) []deliver.Event {
	values, id := r.Get("properties"), r.Get("id").String()
	first := id
	for old := range strings.SplitSeq(values.Get("hs_merged_object_ids").String(), ";") {
		if n, err := strconv.ParseInt(old, 10, 64); err == nil {
			if m, _ := strconv.ParseInt(first, 10, 64); n < m {
				first = old
			}
		}
	}
	var out []deliver.Event
	add := func(kind deliver.Kind, at time.Time, detail string) {
		if !slices.ContainsFunc(out, func(e deliver.Event) bool { return e.Kind == kind }) {
			out = append(out, deliver.Event{ID: first + ":" + string(kind), Key: fold(values.Get(d.cfg.IDProperty).String()), RemoteID: id, Kind: kind, At: at, Detail: detail})
		}
	}
	if reason := values.Get("hs_email_hard_bounce_reason_enum").String(); reason != "" {
		add(deliver.Bounced, at, reason)
	}
	if values.Get("hs_email_optout").String() == "true" {
		add(deliver.OptedOut, at, "hs_email_optout")
	}
	if replied := instant(values.Get("hs_sales_email_last_replied").String()); !replied.IsZero() {
		add(deliver.Replied, replied, "hs_sales_email_last_replied")
	}
	stage, status := values.Get("lifecyclestage").String(), values.Get("hs_lead_status").String()
	for _, found := range []struct {
		kind   deliver.Kind
		detail string
	}{{d.cfg.Stages[stage], stage}, {d.cfg.Statuses[status], status}} {
		switch found.kind {
		case "":
			continue
		case deliver.Won:
			add(deliver.Qualified, at, found.detail)
			add(deliver.Opportunity, at, found.detail)
		case deliver.Opportunity:
			add(deliver.Qualified, at, found.detail)
		}
		add(found.kind, at, found.detail)
	}
	return out
}
