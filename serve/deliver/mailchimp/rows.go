package mailchimp

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/serve/deliver"
)

// Fields that are not sent as they are.
const (
	consentField = "consent"
	tagsField    = "tags"
)

// Deliver puts the rows one after the other: each call is about one member.
// Mailchimp's own batch of members would set the status of those that are there
// already, and so subscribe people who have left.
func (d *Destination) Deliver(s deliver.Session, b deliver.Batch) ([]deliver.Outcome, error) {
	out := make([]deliver.Outcome, len(b.Rows))
	for i, r := range b.Rows {
		var err error
		switch r.Op {
		case deliver.Remove:
			out[i], err = d.archive(s, i, r)
		case deliver.Update:
			out[i], err = d.write(s, i, r, http.MethodPatch, nil)
		default:
			out[i], err = d.subscribe(s, i, r)
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// subscribe makes a new member of someone who has agreed to it. Of a member that
// is there already the status stays as it is.
func (d *Destination) subscribe(s deliver.Session, i int, r deliver.Row) (deliver.Outcome, error) {
	status := map[string]string{OptIn: "subscribed", DoubleOptIn: "pending"}[cmp.Or(r.Fields.Text(consentField), d.cfg.Consent)]
	if status == "" {
		return deliver.Outcome{
			State: deliver.Rejected, Code: "consent_missing",
			Reason: "nothing says that the person has agreed to get mail; Mailchimp's terms forbid to add people whose address was found or bought, and close accounts for it",
			Fix:    "map a consent to the field \"consent\" (" + OptIn + " or " + DoubleOptIn + "), or set the destination's consent where all of its leads have given theirs; write to cold leads by another destination",
		}, nil
	}
	r.ID = "" // a PUT to a contact's id creates nothing
	return d.write(s, i, r, http.MethodPut, map[string]any{"email_address": r.Key, "status_if_new": status})
}

// write sends the fields, then the tags, which only have a call of their own
// for a member that is there.
func (d *Destination) write(s deliver.Session, i int, r deliver.Row, method string, body map[string]any) (deliver.Outcome, error) {
	doc := nest(r.Fields.Without(consentField).Without(tagsField))
	for name, v := range body {
		if _, set := doc[name]; !set {
			doc[name] = v
		}
	}
	id := r.ID
	if len(doc) > 0 {
		resp, err := s.Call(deliver.Request{Method: method, URL: d.member(r), Header: inJSON(), Body: deliver.Value(doc), Endpoint: strings.ToLower(method) + "_member", Rows: []int{i}})
		if err != nil {
			return deliver.Outcome{}, err
		}
		if !resp.OK() {
			return refusal(resp), nil
		}
		answered := gjson.GetBytes(resp.Body, "contact_id").String()
		if id = cmp.Or(answered, gjson.GetBytes(resp.Body, "id").String()); id == "" {
			return deliver.Outcome{State: deliver.InDoubt, Code: "unreadable_answer", Reason: "the answer has no id"}, nil
		}
	}
	if tags := r.Fields.Texts(tagsField); len(tags) > 0 {
		var list []map[string]string
		for _, tag := range tags {
			list = append(list, map[string]string{"name": tag, "status": "active"})
		}
		resp, err := s.Call(deliver.Request{Method: http.MethodPost, URL: d.member(deliver.Row{Key: r.Key, ID: id}) + "/tags", Header: inJSON(), Body: deliver.Value(map[string]any{"tags": list}), Endpoint: "tags", Rows: []int{i}})
		if err != nil {
			return deliver.Outcome{}, err
		}
		if !resp.OK() {
			return refusal(resp), nil
		}
	}
	return deliver.Outcome{State: deliver.Accepted, ID: id}, nil
}

func inJSON() http.Header { return http.Header{"Content-Type": {"application/json"}} }

// nest makes {"merge_fields": {"ADDRESS": {"city": ...}}} of names with dots. A
// merge field is emptied by an empty text.
func nest(fields deliver.Payload) map[string]any {
	doc := map[string]any{}
	for _, name := range fields.Names() {
		at, parts := doc, strings.Split(name, ".")
		for _, part := range parts[:len(parts)-1] {
			below, ok := at[part].(map[string]any)
			if !ok {
				below = map[string]any{}
				at[part] = below
			}
			at = below
		}
		v := fields[name]
		if len(parts) > 1 && !fields.Has(name) {
			v = json.RawMessage(`""`)
		}
		at[parts[len(parts)-1]] = v
	}
	return doc
}

// archive takes a member out of the audience. To delete them for good would keep
// the address from ever coming back.
func (d *Destination) archive(s deliver.Session, i int, r deliver.Row) (deliver.Outcome, error) {
	resp, err := s.Call(deliver.Request{Method: http.MethodDelete, URL: d.member(r), Endpoint: "archive_member", Rows: []int{i}})
	if err != nil {
		return deliver.Outcome{}, err
	}
	if resp.OK() || resp.Status == http.StatusNotFound {
		return deliver.Outcome{State: deliver.Accepted, ID: r.ID}, nil
	}
	return refusal(resp), nil
}

// refusal reads why a row was refused.
func refusal(resp deliver.Response) deliver.Outcome {
	title, detail := gjson.GetBytes(resp.Body, "title").String(), gjson.GetBytes(resp.Body, "detail").String()
	first := gjson.GetBytes(resp.Body, "errors.0")
	out := deliver.Outcome{State: deliver.Rejected, Code: "refused", Reason: strings.TrimSpace(title + ": " + detail), Fix: "correct the value in the lead or its mapping, then replay the row"}
	if field := first.Get("field").String(); field != "" {
		out.Reason = field + ": " + first.Get("message").String()
	}
	says := strings.ToLower(out.Reason)
	switch {
	case title == "Member In Compliance State":
		out.Code, out.Fix = "opted_out", "nothing: the person has left or their mail bounced, and only they can come back, by a form"
	case title == "Forgotten Email Not Subscribed":
		out.Code, out.Fix = "forgotten", "nothing: the person was deleted for good, and only they can come back, by a form"
	case title == "Member Exists":
		out.Code, out.Fix = "address_taken", "merge the two members in Mailchimp"
	case resp.Status == http.StatusNotFound:
		out.Code, out.Reason, out.Fix = "record_deleted", "there is no such member any more", "deliver again to add them anew, or take the lead out"
	case strings.Contains(says, "signed up to a lot of lists"):
		out.State, out.Code, out.Fix, out.Wait = deliver.Retry, "signed_up_too_often", "", time.Hour
	case strings.Contains(says, "valid email"), strings.Contains(says, "fake or invalid"):
		out.Code, out.Fix = "invalid_email", "correct the address"
	case strings.Contains(says, "enter a value"), strings.Contains(says, "not be blank"):
		out.Code, out.Fix = "required_missing", "map a value to the field, or give it a default"
	case strings.Contains(says, "too long"):
		out.Code, out.Fix = "too_long", "shorten the value, or let the mapping truncate it"
	case strings.Contains(says, "choose one"), strings.Contains(says, "must be one of"):
		out.Code, out.Fix = "not_in_picklist", "add the choice to the field, or look it up in the mapping"
	case strings.Contains(says, "please enter"):
		out.Code, out.Fix = "wrong_type", "map a value of the field's type"
	}
	return out
}

// Probe reads the members, one call for each. Who is archived is not there. What
// a member has agreed to cannot be read back, so it is found as it was sent.
func (d *Destination) Probe(s deliver.Session, rows []deliver.Row) ([]deliver.Found, error) {
	out := make([]deliver.Found, len(rows))
	for i, r := range rows {
		resp, err := s.Call(deliver.Request{URL: d.member(r), Endpoint: "get_member"})
		if err != nil {
			return nil, err
		}
		if resp.Status == http.StatusNotFound {
			continue
		}
		member := gjson.ParseBytes(resp.Body)
		if !resp.OK() || !member.Get("id").Exists() {
			return nil, d.wrong("read member", resp)
		}
		if member.Get("status").String() == "archived" {
			continue
		}
		changed, _ := time.Parse(time.RFC3339, member.Get("last_changed").String()) // the zero time is unknown
		out[i] = deliver.Found{Matches: 1, ID: cmp.Or(member.Get("contact_id").String(), member.Get("id").String()), Fields: deliver.Payload{}, ChangedAt: changed}
		for name, sent := range r.Fields {
			out[i].Fields[name] = value(member, name, sent)
		}
	}
	return out, nil
}

// value is a field of a member, in the form in which we would write it.
func value(member gjson.Result, name string, sent json.RawMessage) json.RawMessage {
	switch name {
	case consentField:
		return sent
	case tagsField:
		// We add tags and take none away: a member has ours if it has more.
		var has []string
		for _, tag := range member.Get("tags.#.name").Array() {
			has = append(has, tag.String())
		}
		ours := deliver.Payload{tagsField: sent}.Texts(tagsField)
		if !slices.ContainsFunc(ours, func(tag string) bool { return !slices.Contains(has, tag) }) {
			return sent
		}
		return deliver.Value(has)
	case "email_address": // its case means nothing
		if strings.EqualFold(member.Get(name).String(), gjson.ParseBytes(sent).String()) {
			return sent
		}
	}
	v := member.Get(name)
	if !v.Exists() || v.Type == gjson.String && v.Str == "" {
		return json.RawMessage("null")
	}
	return json.RawMessage(v.Raw)
}
