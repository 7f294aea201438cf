package hubspot

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/serve/deliver"
)

// fold is a key as HubSpot compares it.
func fold(key string) string { return strings.ToLower(strings.TrimSpace(key)) }

// texts are the fields as HubSpot takes them: every value a text, "" to clear
// one. The natural key is the id of the input: as a property it would replace
// the first address of a contact that has several.
func (d *Destination) texts(p deliver.Payload) map[string]string {
	out := make(map[string]string, len(p))
	for name := range p {
		if name != d.cfg.IDProperty {
			out[name] = p.Text(name)
		}
	}
	return out
}

type input struct {
	ID         string            `json:"id"`
	IDProperty string            `json:"idProperty,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
	Trace      string            `json:"objectWriteTraceId,omitempty"`
}

func post(path, endpoint string, body any, rows []int) deliver.Request {
	return deliver.Request{
		Method: http.MethodPost, URL: path, Endpoint: endpoint, Rows: rows, Body: deliver.Value(body),
		Header: http.Header{"Content-Type": {"application/json"}},
	}
}

// Deliver upserts and archives the rows of a batch.
func (d *Destination) Deliver(s deliver.Session, b deliver.Batch) ([]deliver.Outcome, error) {
	out := make([]deliver.Outcome, len(b.Rows))
	var write, gone []int
	seen := map[string]bool{}
	for i, r := range b.Rows {
		switch {
		case r.Op == deliver.Remove:
			gone = append(gone, i)
		case seen[fold(r.Key)]: // one id twice would spoil the batch
			out[i] = deliver.Outcome{State: deliver.Retry, Code: "duplicate_in_batch", Reason: "another row of the batch has the same " + d.cfg.IDProperty}
		default:
			seen[fold(r.Key)] = true
			write = append(write, i)
		}
	}
	if len(write) > 0 {
		if err := d.upsert(s, b, write, out); err != nil {
			return out, err
		}
	}
	if len(gone) > 0 {
		if err := d.archive(s, b, gone, out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// upsert writes a batch. Each input has an objectWriteTraceId: with it a bad
// input fails alone, and the answer, whose order is not that of the inputs, can
// be told apart.
func (d *Destination) upsert(s deliver.Session, b deliver.Batch, at []int, out []deliver.Outcome) error {
	inputs := make([]input, len(at))
	byTrace, byKey := map[string]int{}, map[string]int{}
	for i, n := range at {
		r := b.Rows[n]
		inputs[i] = input{ID: r.Key, IDProperty: d.cfg.IDProperty, Properties: d.texts(r.Fields), Trace: r.Idem}
		byTrace[r.Idem], byKey[fold(r.Key)] = n, n
		out[n] = deliver.Outcome{State: deliver.InDoubt, Code: "no_result", Reason: "the answer says nothing about the row"}
	}
	resp, err := s.Call(post(d.objects("/batch/upsert"), upsert, map[string]any{"inputs": inputs}, at))
	if err != nil {
		return err
	}
	if !resp.OK() {
		return d.wrong("upsert", resp)
	}
	for _, r := range gjson.GetBytes(resp.Body, "results").Array() {
		n, ours := byTrace[r.Get("objectWriteTraceId").String()]
		if !ours {
			n, ours = byKey[fold(r.Get("properties").Get(d.cfg.IDProperty).String())]
		}
		if ours {
			out[n] = deliver.Outcome{State: deliver.Accepted, ID: r.Get("id").String(), Op: deliver.Update}
			if r.Get("new").Bool() {
				out[n].Op = deliver.Create
			}
		}
	}
	for _, e := range gjson.GetBytes(resp.Body, "errors").Array() {
		for _, trace := range e.Get("context.objectWriteTraceId").Array() {
			if n, ours := byTrace[trace.String()]; ours {
				out[n] = refusal(e)
			}
		}
	}
	return nil
}

// refusal reads the error of one input.
func refusal(e gjson.Result) deliver.Outcome {
	detail := e.Get("errors.0")
	out := deliver.Outcome{State: deliver.Rejected, Reason: e.Get("message").String()}
	if text := detail.Get("message").String(); text != "" {
		out.Reason = strings.TrimPrefix(detail.Get("in").String()+": "+text, ": ")
	}
	text := out.Reason + e.Get("message").String()
	for _, m := range []struct{ mark, code, fix string }{
		{"PROPERTY_DOESNT_EXIST", "unknown_field", "run `leadlake mapping check`, and make the property in HubSpot or take it out"},
		{"READ_ONLY_VALUE", "read_only", "take the property out of the mapping"},
		{"INVALID_OPTION", "not_in_picklist", "add the option to the property, or look it up in the mapping"},
		{"INVALID_EMAIL", "invalid_email", "correct the address"},
		{"TOO_LONG", "too_long", "shorten the value, or let the mapping truncate it"},
		{"INVALID_", "wrong_type", "map a value of the property's type"},
	} {
		if strings.Contains(detail.Get("code").String()+text, m.mark) {
			out.Code, out.Fix = m.code, m.fix
			return out
		}
	}
	switch e.Get("category").String() {
	case "CONFLICT":
		out.Code, out.Fix = "duplicate_detected", "merge the records in HubSpot: another one has a value that must be unique"
	case "OBJECT_NOT_FOUND":
		out.Code, out.Fix = "record_deleted", "deliver again to create it anew, or take the lead out"
	case "RATE_LIMITS", "INTERNAL_ERROR":
		return deliver.Outcome{State: deliver.Retry, Code: strings.ToLower(e.Get("category").String()), Reason: out.Reason, Wait: time.Second}
	default:
		out.Code, out.Fix = "refused", "see the reason"
	}
	return out
}

// archive removes records by their ids, which it looks up. What is not there is
// removed; the answer says nothing of it.
func (d *Destination) archive(s deliver.Session, b deliver.Batch, at []int, out []deliver.Outcome) error {
	rows := make([]deliver.Row, len(at))
	for i, n := range at {
		rows[i] = deliver.Row{Key: b.Rows[n].Key}
	}
	// By the key, even where an id is known: an id ends when records are merged.
	found, err := d.Probe(s, rows)
	if err != nil {
		return err
	}
	var inputs []input
	var there []int
	for i, n := range at {
		id := found[i].ID
		if out[n] = (deliver.Outcome{State: deliver.Accepted, ID: cmp.Or(id, b.Rows[n].ID)}); id != "" && !slices.ContainsFunc(inputs, func(in input) bool { return in.ID == id }) {
			inputs, there = append(inputs, input{ID: id}), append(there, n)
		}
	}
	if len(inputs) == 0 {
		return nil
	}
	resp, err := s.Call(post(d.objects("/batch/archive"), remove, map[string]any{"inputs": inputs}, there))
	if err == nil && !resp.OK() {
		err = d.wrong("archive", resp)
	}
	if err != nil {
		for _, n := range there { // they are not known to be gone
			out[n] = deliver.Outcome{}
		}
	}
	return err
}
