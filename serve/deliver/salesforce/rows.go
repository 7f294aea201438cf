package salesforce

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/serve/deliver"
)

// Deliver upserts and removes the rows of a batch, those of a Bulk batch by a
// job.
func (d *Destination) Deliver(s deliver.Session, b deliver.Batch) ([]deliver.Outcome, error) {
	out := make([]deliver.Outcome, len(b.Rows))
	var write, remove []int
	for i, r := range b.Rows {
		if r.Op == deliver.Remove {
			remove = append(remove, i)
		} else {
			write = append(write, i)
		}
	}
	if len(write) > 0 {
		send := d.collect
		if b.Bulk {
			send = d.bulk
		}
		if err := send(s, b, write, out); err != nil {
			return out, err
		}
	}
	for len(remove) > 0 {
		n := min(len(remove), collectionRows)
		if err := d.remove(s, b, remove[:n], out); err != nil {
			return out, err
		}
		remove = remove[n:]
	}
	return out, nil
}

// collect upserts at most 200 rows. The answer has their order.
func (d *Destination) collect(s deliver.Session, b deliver.Batch, at []int, out []deliver.Outcome) error {
	records := make([]json.RawMessage, len(at))
	for i, n := range at {
		records[i] = d.record(b.Rows[n])
	}
	resp, err := s.Call(deliver.Request{
		Method: http.MethodPatch, URL: d.data("/composite/sobjects/" + d.cfg.Object + "/" + d.cfg.KeyField), Endpoint: collection, Rows: at,
		Header: d.header("application/json"), Body: deliver.Value(map[string]any{"allOrNone": false, "records": records}),
	})
	if err != nil {
		return err
	}
	results := gjson.ParseBytes(resp.Body).Array()
	if !resp.OK() {
		if name := unknownField(resp.Body); name != "" {
			for _, n := range at {
				out[n] = unknown(b.Rows[n], name)
			}
			return nil
		}
		return d.wrong("upsert "+d.cfg.Object, resp)
	}
	if len(results) != len(at) { // something else than Salesforce has answered
		for _, n := range at {
			out[n] = deliver.Outcome{State: deliver.InDoubt, Code: "unreadable_answer", Reason: "the answer does not tell of every row"}
		}
		return nil
	}
	for i, n := range at {
		out[n] = outcome(results[i])
	}
	return nil
}

func (d *Destination) header(contentType string) http.Header {
	h := http.Header{"Content-Type": {contentType}}
	if d.cfg.SaveDuplicates {
		h.Set("Sforce-Duplicate-Rule-Header", "allowSave=true")
	}
	return h
}

// remove deletes records by their ids, which it looks up where they are not
// known. What is not there is removed.
func (d *Destination) remove(s deliver.Session, b deliver.Batch, at []int, out []deliver.Outcome) error {
	ids := map[int]string{}
	var lost []int
	for _, n := range at {
		if ids[n] = b.Rows[n].ID; ids[n] == "" {
			lost = append(lost, n)
		}
	}
	if len(lost) > 0 {
		rows := make([]deliver.Row, len(lost))
		for i, n := range lost {
			rows[i] = deliver.Row{Key: b.Rows[n].Key}
		}
		found, err := d.Probe(s, rows)
		if err != nil {
			return err
		}
		for i, n := range lost {
			if ids[n] = found[i].ID; found[i].Matches == 0 {
				out[n] = deliver.Outcome{State: deliver.Accepted}
			}
		}
	}
	var list []string
	var rows []int
	for _, n := range at {
		if ids[n] != "" {
			list, rows = append(list, ids[n]), append(rows, n)
		}
	}
	if len(list) == 0 {
		return nil
	}
	resp, err := s.Call(deliver.Request{
		Method: http.MethodDelete, URL: d.data("/composite/sobjects?allOrNone=false&ids=" + url.QueryEscape(strings.Join(list, ","))), Endpoint: removal, Rows: rows,
	})
	if err != nil {
		return err
	}
	results := gjson.ParseBytes(resp.Body).Array()
	if !resp.OK() || len(results) != len(rows) {
		return d.wrong("delete "+d.cfg.Object, resp)
	}
	for i, n := range rows {
		out[n] = outcome(results[i])
		if code := results[i].Get("errors.0.statusCode").String(); code == "ENTITY_IS_DELETED" || code == "INVALID_CROSS_REFERENCE_KEY" {
			out[n] = deliver.Outcome{State: deliver.Accepted, ID: ids[n]}
		}
	}
	return nil
}

// outcome reads the result of one record.
func outcome(r gjson.Result) deliver.Outcome {
	if r.Get("success").Bool() {
		out := deliver.Outcome{State: deliver.Accepted, ID: r.Get("id").String()}
		if created := r.Get("created"); created.Exists() {
			out.Op = op(created.Bool())
		}
		return out
	}
	e := r.Get("errors.0")
	var fields []string
	for _, f := range e.Get("fields").Array() {
		fields = append(fields, f.String())
	}
	return refusal(e.Get("statusCode").String(), e.Get("message").String(), fields)
}

func op(created bool) deliver.Op {
	if created {
		return deliver.Create
	}
	return deliver.Update
}

// meanings is what Salesforce's codes for one record mean, and what to do.
func meanings(code string) (ours, fix string) {
	switch code {
	case "REQUIRED_FIELD_MISSING":
		return "required_missing", "map a value to the field, or give it a default"
	case "STRING_TOO_LONG":
		return "too_long", "shorten the value, or let the mapping truncate it"
	case "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST":
		return "not_in_picklist", "add the value to the picklist, or look it up in the mapping"
	case "INVALID_EMAIL_ADDRESS":
		return "invalid_email", "correct the address"
	case "NUMBER_OUTSIDE_VALID_RANGE", "INVALID_TYPE_ON_FIELD_IN_RECORD", "JSON_PARSER_ERROR", "MALFORMED_ID":
		return "wrong_type", "map a value of the field's type"
	case "DUPLICATES_DETECTED":
		return "duplicate_detected", "merge the records in Salesforce, or let the destination save duplicates"
	case "DUPLICATE_VALUE":
		return "duplicate_key", "make the external id unique, and merge the records that share it"
	case "CANNOT_UPDATE_CONVERTED_LEAD":
		return "record_converted", "nothing: the lead has become a contact, and people work on that"
	case "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY":
		return "record_deleted", "deliver again to create it anew, or take the lead out"
	case "FIELD_CUSTOM_VALIDATION_EXCEPTION":
		return "validation_rule", "meet the org's validation rule, or except our user from it"
	case "INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE":
		return "unknown_field", "run `leadlake mapping check`, and correct the field"
	case "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY":
		return "no_access", "give our user the right to edit the record"
	}
	return "refused", "see the reason, and Salesforce's list of status codes"
}

// refusal is the outcome of a record that was not written.
func refusal(code, message string, fields []string) deliver.Outcome {
	switch code {
	case "UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "REQUEST_RUNNING_TOO_LONG", "UNKNOWN_EXCEPTION", "ALL_OR_NONE_OPERATION_ROLLED_BACK":
		return deliver.Outcome{State: deliver.Retry, Code: strings.ToLower(code), Reason: message, Wait: time.Second}
	}
	out := deliver.Outcome{State: deliver.Rejected, Reason: cmp.Or(message, code)}
	out.Code, out.Fix = meanings(code)
	if len(fields) > 0 && !strings.Contains(out.Reason, fields[0]) {
		out.Reason = strings.Join(fields, ", ") + ": " + out.Reason
	}
	return out
}

var noColumn = regexp.MustCompile(`No such column '([^']+)'`)

// unknownField is the field for which a whole call was refused.
func unknownField(body []byte) string {
	if gjson.GetBytes(body, "0.errorCode").String() != "INVALID_FIELD" {
		return ""
	}
	if m := noColumn.FindStringSubmatch(gjson.GetBytes(body, "0.message").String()); m != nil {
		return m[1]
	}
	return ""
}

// unknown rejects a row that has the field, and keeps another for later: the
// call was refused for all of them.
func unknown(r deliver.Row, name string) deliver.Outcome {
	if _, has := r.Fields[name]; has {
		return refusal("INVALID_FIELD", "the object has no field "+name, nil)
	}
	return deliver.Outcome{State: deliver.Retry, Code: "unknown_field", Reason: "another row of the call has the field " + name + ", which the object lacks"}
}
