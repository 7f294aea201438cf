package salesforce

import (
	"bytes"
	"encoding/csv"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// How a job is waited for: less and less often, and not for ever. A job that
// runs on is found again by its id.
const (
	firstLook = time.Second
	lastLook  = 15 * time.Second
	patience  = 10 * time.Minute
)

// The states of a job.
const (
	jobOpen     = "Open"
	jobUploaded = "UploadComplete"
	jobDone     = "JobComplete"
	jobFailed   = "Failed"
	jobAborted  = "Aborted"
)

// bulk upserts rows by a job of the Bulk API 2.0. Its id is saved before
// anything can change, and nothing changes before the job is closed: an
// earlier attempt's job is gone on with where it was closed, and left behind
// where it was not.
func (d *Destination) bulk(s deliver.Session, b deliver.Batch, at []int, out []deliver.Outcome) error {
	id, state := b.State, ""
	if id != "" {
		var err error
		if state, err = d.jobState(s, id); err != nil {
			return err
		}
		if state == jobOpen {
			if _, err := s.Call(d.job(http.MethodPatch, id, `{"state":"Aborted"}`)); err != nil {
				return err
			}
			state = ""
		}
	}
	if state == "" {
		var err error
		if id, err = d.startJob(s, b, at); err != nil {
			return err
		}
		state = jobUploaded
	}
	for waited, look := time.Duration(0), firstLook; state != jobDone && state != jobFailed && state != jobAborted; look = min(look*3/2, lastLook) {
		if waited > patience {
			return leadlake.Errorf(leadlake.Unavailable, "salesforce: job %s is still %s after %v", id, state, patience).WithFix("it is gone on with at the next run")
		}
		if err := s.Sleep(look); err != nil {
			return err
		}
		waited += look
		var err error
		if state, err = d.jobState(s, id); err != nil {
			return err
		}
		if state == "" {
			state = jobAborted // somebody deleted it
		}
	}
	if err := d.jobOutcomes(s, b, id, at, out); err != nil {
		return err
	}
	return s.Save("") // it is over: what it does not tell of is not looked for in it again
}

func (d *Destination) job(method, id, body string) deliver.Request {
	r := deliver.Request{Method: method, URL: d.data("/jobs/ingest"), Endpoint: jobs}
	if id != "" {
		r.URL += "/" + id
	}
	if body != "" {
		r.Body, r.Header = []byte(body), http.Header{"Content-Type": {"application/json"}}
	}
	return r
}

// jobState is the state of a job; "" where it is not there.
func (d *Destination) jobState(s deliver.Session, id string) (string, error) {
	resp, err := s.Call(d.job(http.MethodGet, id, ""))
	if err != nil {
		return "", err
	}
	if resp.Verdict == deliver.Miss {
		return "", nil
	}
	state := gjson.GetBytes(resp.Body, "state").String()
	if !resp.OK() || state == "" {
		return "", d.wrong("read job "+id, resp)
	}
	return state, nil
}

// startJob makes a job, uploads the rows, and closes it.
func (d *Destination) startJob(s deliver.Session, b deliver.Batch, at []int) (string, error) {
	resp, err := s.Call(d.job(http.MethodPost, "", string(deliver.Value(map[string]string{
		"object": d.cfg.Object, "operation": "upsert", "externalIdFieldName": d.cfg.KeyField, "contentType": "CSV", "lineEnding": "LF",
	}))))
	if err != nil {
		return "", err
	}
	id := gjson.GetBytes(resp.Body, "id").String()
	if !resp.OK() || id == "" {
		return "", d.wrong("create job", resp)
	}
	if err := s.Save(id); err != nil {
		return "", err
	}
	upload := d.job(http.MethodPut, id+"/batches", "")
	upload.Body, upload.Header = d.table(b, at), http.Header{"Content-Type": {"text/csv"}}
	if resp, err = s.Call(upload); err != nil {
		return "", err
	}
	// A job takes one upload. Where the door has sent it twice, the first arrived.
	if !resp.OK() && gjson.GetBytes(resp.Body, "0.errorCode").String() != "INVALIDJOBSTATE" {
		return "", d.wrong("upload job "+id, resp)
	}
	begin := d.job(http.MethodPatch, id, `{"state":"UploadComplete"}`)
	begin.Rows = at
	if resp, err = s.Call(begin); err != nil {
		return "", err
	}
	if !resp.OK() {
		return "", d.wrong("close job "+id, resp)
	}
	return id, nil
}

// table is the rows as CSV: an empty cell changes nothing, #N/A empties.
func (d *Destination) table(b deliver.Batch, at []int) []byte {
	names := map[string]bool{}
	for _, n := range at {
		for name := range b.Rows[n].Fields {
			names[name] = name != d.cfg.KeyField
		}
	}
	maps.DeleteFunc(names, func(_ string, other bool) bool { return !other })
	header := append([]string{d.cfg.KeyField}, slices.Sorted(maps.Keys(names))...)
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Write(header) //nolint:errcheck // a buffer takes everything
	for _, n := range at {
		cells := []string{b.Rows[n].Key}
		for _, name := range header[1:] {
			v, given := b.Rows[n].Fields[name]
			cell := b.Rows[n].Fields.Text(name)
			if given && (string(v) == "null" || cell == "") {
				cell = "#N/A"
			}
			cells = append(cells, cell)
		}
		w.Write(cells) //nolint:errcheck // a buffer takes everything
	}
	w.Flush()
	return out.Bytes()
}

// jobOutcomes reads the results of a job, whose order is its own. A row that is
// in none of them was not worked on, if the job says so, or else is in doubt.
func (d *Destination) jobOutcomes(s deliver.Session, b deliver.Batch, id string, at []int, out []deliver.Outcome) error {
	byKey := map[string]int{}
	for _, n := range at {
		byKey[strings.ToLower(b.Rows[n].Key)] = n
		out[n] = deliver.Outcome{State: deliver.InDoubt, Code: "no_result", Reason: "job " + id + " says nothing about the row"}
	}
	for _, result := range []string{"successfulResults", "failedResults", "unprocessedrecords"} {
		resp, err := s.Call(d.job(http.MethodGet, id+"/"+result, ""))
		if err != nil {
			return err
		}
		if !resp.OK() {
			continue // a job that was deleted has no results
		}
		rows, err := csv.NewReader(bytes.NewReader(resp.Body)).ReadAll()
		if err != nil || len(rows) == 0 {
			continue
		}
		column := func(name string) int {
			return slices.IndexFunc(rows[0], func(h string) bool { return strings.EqualFold(h, name) })
		}
		key, remote, created, failed := column(d.cfg.KeyField), column("sf__Id"), column("sf__Created"), column("sf__Error")
		for _, cells := range rows[1:] {
			n, ours := byKey[strings.ToLower(get(cells, key))]
			switch {
			case !ours:
			case result == "successfulResults":
				out[n] = deliver.Outcome{State: deliver.Accepted, ID: get(cells, remote), Op: op(get(cells, created) == "true")}
			case result == "failedResults":
				code, rest, _ := strings.Cut(get(cells, failed), ":")
				message, fields, _ := cutLast(strings.TrimSuffix(rest, " --"))
				out[n] = refusal(code, message, fields)
			default:
				out[n] = deliver.Outcome{State: deliver.Retry, Code: "not_processed", Reason: "job " + id + " ended before the row"}
			}
		}
	}
	return nil
}

func get(cells []string, at int) string {
	if at < 0 || at >= len(cells) {
		return ""
	}
	return cells[at]
}

// cutLast takes the fields off the end of an error of a job.
func cutLast(text string) (message string, fields []string, found bool) {
	i := strings.LastIndex(text, ":")
	if i < 0 {
		return text, nil, false
	}
	if list := text[i+1:]; list != "" && !strings.Contains(list, " ") {
		fields = strings.Split(list, ",")
	}
	return text[:i], fields, true
}
