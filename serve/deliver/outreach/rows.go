package outreach

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/serve/deliver"
)

// What Outreach says where an address already belongs to somebody, and where a
// change would change nothing.
const (
	taken     = "email hash has already been taken"
	excluded  = "excluded email address"
	unchanged = "validationDuplicateValueError"
)

// Deliver writes the rows one after the other, after one search for those whose
// id is not known.
func (d *Destination) Deliver(s deliver.Session, b deliver.Batch) ([]deliver.Outcome, error) {
	out := make([]deliver.Outcome, len(b.Rows))
	ids := make([]string, len(b.Rows))
	var lost []int
	var rows []deliver.Row
	for i, r := range b.Rows {
		if ids[i] = r.ID; r.ID == "" {
			lost, rows = append(lost, i), append(rows, deliver.Row{Key: r.Key})
		}
	}
	if len(lost) > 0 {
		found, err := d.Probe(s, rows)
		if err != nil {
			return out, err
		}
		for n, i := range lost {
			ids[i] = found[n].ID
			if found[n].Matches > 1 {
				out[i] = several(found[n].Matches)
			}
		}
	}
	for i, r := range b.Rows {
		if out[i].State != "" {
			continue
		}
		var err error
		switch {
		case r.Op == deliver.Remove:
			out[i], err = d.remove(s, i, ids[i])
		case ids[i] != "":
			out[i], err = d.patch(s, i, late(r), ids[i])
		default:
			out[i], err = d.create(s, i, r)
		}
		if err != nil {
			return out, err
		}
		if d.cfg.Sequence != 0 && out[i].State == deliver.Accepted && r.Op == deliver.Create {
			out[i] = d.enrol(s, i, out[i])
		}
	}
	return out, nil
}

func several(n int) deliver.Outcome {
	return deliver.Outcome{
		State: deliver.Rejected, Code: "ambiguous_record", Reason: strconv.Itoa(n) + " records have the key",
		Fix: "merge them in Outreach, then replay the row",
	}
}

// document is the body of a write.
func (d *Destination) document(id string, fields deliver.Payload) []byte {
	data := map[string]any{"type": d.kind(), "attributes": map[string]json.RawMessage(fields)}
	if n, err := strconv.Atoi(id); err == nil {
		data["id"] = n
	}
	return deliver.Value(map[string]any{"data": data})
}

// create makes a record. Where somebody was quicker, theirs is changed.
func (d *Destination) create(s deliver.Session, i int, r deliver.Row) (deliver.Outcome, error) {
	fields := r.Fields
	if d.cfg.Object == Accounts && !fields.Has("customId") {
		fields = deliver.Payload{"customId": deliver.Value(r.Key)}
		for name, v := range r.Fields {
			fields[name] = v
		}
	}
	resp, err := s.Call(deliver.Request{Method: http.MethodPost, URL: api + d.cfg.Object, Header: media(), Body: d.document("", fields), Endpoint: "create", Rows: []int{i}})
	if err != nil {
		return deliver.Outcome{}, err
	}
	if id := gjson.GetBytes(resp.Body, "data.id").String(); resp.OK() && id != "" {
		return deliver.Outcome{State: deliver.Accepted, ID: id, Op: deliver.Create}, nil
	}
	if resp.OK() { // something else than Outreach has answered
		return deliver.Outcome{State: deliver.InDoubt, Code: "unreadable_answer", Reason: "the answer has no id"}, nil
	}
	if !strings.Contains(string(resp.Body), taken) {
		return refusal(resp), nil
	}
	found, err := d.Probe(s, []deliver.Row{{Key: r.Key}})
	if err != nil {
		return deliver.Outcome{}, err
	}
	switch {
	case found[0].Matches == 1:
		return d.patch(s, i, late(r), found[0].ID)
	case found[0].Matches > 1:
		return several(found[0].Matches), nil
	case len(r.Fields.Texts("emails")) > 1:
		return deliver.Outcome{
			State: deliver.Rejected, Code: "address_taken", Reason: "another prospect has one of the further addresses",
			Fix: "map the first address only, or merge the prospects in Outreach",
		}, nil
	}
	return deliver.Outcome{
		State: deliver.Rejected, Code: "address_held", Reason: "a prospect that cannot be found holds the address: it may be in the trash",
		Fix: "restore or purge the prospect in Outreach, then replay the row",
	}, nil
}

// late is a row that was to create a record and found one. Outreach replaces a
// whole list, so the record keeps its own addresses, of which one is ours.
func late(r deliver.Row) deliver.Row {
	if r.Op == deliver.Create {
		r.Fields = r.Fields.Without("emails")
	}
	return r
}

// patch changes a record. A change that changes nothing is refused by Outreach,
// and has its effect. A record that is no longer there was merged into another,
// which the search finds, or deleted.
func (d *Destination) patch(s deliver.Session, i int, r deliver.Row, id string) (deliver.Outcome, error) {
	if len(r.Fields) == 0 {
		return deliver.Outcome{State: deliver.Accepted, ID: id, Op: deliver.Update}, nil
	}
	for range 2 {
		resp, err := s.Call(deliver.Request{
			Method: http.MethodPatch, URL: api + d.cfg.Object + "/" + url.PathEscape(id), Header: media(), Body: d.document(id, r.Fields), Endpoint: "update", Rows: []int{i},
		})
		if err != nil {
			return deliver.Outcome{}, err
		}
		switch {
		case resp.OK(), gjson.GetBytes(resp.Body, "errors.0.id").String() == unchanged:
			return deliver.Outcome{State: deliver.Accepted, ID: id, Op: deliver.Update}, nil
		case resp.Status != http.StatusNotFound:
			return refusal(resp), nil
		}
		found, err := d.Probe(s, []deliver.Row{{Key: r.Key}})
		if err != nil {
			return deliver.Outcome{}, err
		}
		if found[0].Matches != 1 || found[0].ID == id {
			break
		}
		id = found[0].ID
	}
	return deliver.Outcome{
		State: deliver.Rejected, Code: "record_deleted", Reason: "the record was deleted in Outreach",
		Fix: "deliver again to create it anew, or take the lead out",
	}, nil
}

// remove deletes a record; what is not there is removed.
func (d *Destination) remove(s deliver.Session, i int, id string) (deliver.Outcome, error) {
	if id == "" {
		return deliver.Outcome{State: deliver.Accepted}, nil
	}
	resp, err := s.Call(deliver.Request{Method: http.MethodDelete, URL: api + d.cfg.Object + "/" + url.PathEscape(id), Endpoint: "delete", Rows: []int{i}})
	if err != nil {
		return deliver.Outcome{}, err
	}
	if resp.OK() || resp.Status == http.StatusNotFound {
		return deliver.Outcome{State: deliver.Accepted, ID: id}, nil
	}
	return refusal(resp), nil
}

// enrol puts a new prospect into the sequence, once: who is or was in it stays
// as they are. The prospect is there already; where the enrolment has no answer
// the row comes again, finds the prospect and looks for the enrolment.
func (d *Destination) enrol(s deliver.Session, i int, done deliver.Outcome) deliver.Outcome {
	later := func(reason string) deliver.Outcome {
		return deliver.Outcome{State: deliver.Retry, ID: done.ID, Code: "enrolment_open", Reason: reason, Wait: time.Second}
	}
	q := url.Values{"filter[prospect][id]": {done.ID}, "filter[sequence][id]": {strconv.Itoa(d.cfg.Sequence)}, "count": {"false"}}
	resp, err := s.Call(deliver.Request{URL: api + "sequenceStates?" + q.Encode(), Endpoint: "search_enrolment"})
	switch {
	case err != nil:
		return later(err.Error())
	case !resp.OK():
		return refusal(resp)
	case gjson.GetBytes(resp.Body, "data.#").Int() > 0:
		return done
	}
	prospect, _ := strconv.Atoi(done.ID) // an id is a number
	to := func(kind string, id int) map[string]any {
		return map[string]any{"data": map[string]any{"type": kind, "id": id}}
	}
	resp, err = s.Call(deliver.Request{
		Method: http.MethodPost, URL: api + "sequenceStates", Header: media(), Endpoint: "enrol", Rows: []int{i},
		Body: deliver.Value(map[string]any{"data": map[string]any{"type": "sequenceState", "relationships": map[string]any{
			"prospect": to("prospect", prospect), "sequence": to("sequence", d.cfg.Sequence), "mailbox": to("mailbox", d.cfg.Mailbox),
		}}}),
	})
	switch {
	case err != nil:
		return later(err.Error())
	case !resp.OK():
		out := refusal(resp)
		out.Code, out.ID, out.Fix = "not_enrolled", done.ID, "the prospect is in Outreach; check the sequence, its mailbox, and whether the person has opted out"
		return out
	}
	return done
}

// refusal reads why a row was refused.
func refusal(resp deliver.Response) deliver.Outcome {
	first := gjson.GetBytes(resp.Body, "errors.0")
	detail := first.Get("detail").String()
	out := deliver.Outcome{State: deliver.Rejected, Reason: detail, Code: "refused", Fix: "correct the value in the lead or its mapping, then replay the row"}
	if name := strings.TrimPrefix(first.Get("source.pointer").String(), "/data/attributes/"); name != "" && name != "/data" {
		out.Reason = name + ": " + detail
	}
	switch {
	case strings.Contains(detail, excluded):
		out.Code, out.Fix = "excluded_address", "nothing: the address or its domain is on the customer's list of those not to write to"
	case strings.Contains(detail, taken):
		out.Code, out.Fix = "address_taken", "merge the two prospects in Outreach"
	case first.Get("id").String() == "validationDataTooLongError":
		out.Code, out.Fix = "too_long", "shorten the value, or let the mapping truncate it"
	case strings.Contains(detail, "can't be blank"):
		out.Code, out.Fix = "required_missing", "map a value to the field, or give it a default"
	case resp.Status == http.StatusNotFound:
		out.Code, out.Fix = "record_deleted", "deliver again to create it anew, or take the lead out"
	}
	return out
}
