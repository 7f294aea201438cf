package crm

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds and states of Bulk API 2.0 jobs.
const (
	sfIngest = "V2Ingest"
	sfQuery  = "V2Query"

	sfJobOpen     = "Open"
	sfJobUploaded = "UploadComplete"
	sfJobRunning  = "InProgress"
	sfJobDone     = "JobComplete"
	sfJobFailed   = "Failed"
	sfJobAborted  = "Aborted"
)

// sfJob is a job as the API prints it, and its data.
type sfJob struct {
	ID          string  `json:"id"`
	Operation   string  `json:"operation"`
	Object      string  `json:"object"`
	CreatedByID string  `json:"createdById"`
	CreatedDate string  `json:"createdDate"`
	Modstamp    string  `json:"systemModstamp"`
	State       string  `json:"state"`
	External    string  `json:"externalIdFieldName,omitempty"`
	Concurrency string  `json:"concurrencyMode"`
	ContentType string  `json:"contentType"`
	APIVersion  float64 `json:"apiVersion"`
	Type        string  `json:"jobType"`
	ContentURL  string  `json:"contentUrl,omitempty"`
	LineEnding  string  `json:"lineEnding"`
	Delimiter   string  `json:"columnDelimiter"`
	Message     string  `json:"errorMessage,omitempty"`
	Processed   int     `json:"numberRecordsProcessed"`
	Failed      int     `json:"numberRecordsFailed"`

	query    string
	closed   time.Time // when the upload ended
	looks    int       // how often somebody asked for the state since
	uploaded bool
	data     [][]string
	header   []string
	done     int        // rows of data that were worked on
	results  [][]string // with sf__Id and sf__Created, or sf__Error
	failed   [][]string
	found    []sfRow // of a query
}

// How long a job waits and works. Whoever looks at it moves it on, so that a
// clock that stands still does not hold it.
const (
	sfJobWaits = 200 * time.Millisecond
	sfJobWorks = 400 * time.Millisecond
	sfJobLook  = 150 * time.Millisecond
)

func sfDelimiters() map[string]rune {
	return map[string]rune{"COMMA": ',', "TAB": '\t', "SEMICOLON": ';', "PIPE": '|', "CARET": '^', "BACKQUOTE": '`'}
}

func (a *salesforce) createJob(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Object, Operation, ExternalIDFieldName, ContentType, LineEnding, ColumnDelimiter, Query string
	}
	if fail := sfBody(r, &in); fail != nil {
		fail.write(w)
		return
	}
	kind := r.PathValue("kind")
	now := sfTime(a.s.now())
	j := &sfJob{
		Operation: in.Operation, Object: in.Object, CreatedByID: sfOwner, CreatedDate: now, Modstamp: now, State: sfJobOpen,
		External: in.ExternalIDFieldName, Concurrency: "Parallel", ContentType: cmp.Or(in.ContentType, "CSV"), APIVersion: float64(apiVersion(r)),
		Type: sfIngest, LineEnding: cmp.Or(in.LineEnding, "LF"), Delimiter: cmp.Or(in.ColumnDelimiter, "COMMA"),
	}
	fail := a.checkJob(kind, in.Query, j)
	if fail != nil {
		fail.write(w)
		return
	}
	j.ID = a.newID("750")
	if kind == "ingest" {
		j.ContentURL = strings.TrimPrefix(r.URL.Path, "/") + "/" + j.ID + "/batches"
	}
	a.jobs[j.ID] = j
	writeJSON(w, http.StatusOK, j)
}

func (a *salesforce) checkJob(kind, query string, j *sfJob) *sfError {
	if sfDelimiters()[j.Delimiter] == 0 || j.ContentType != "CSV" || j.LineEnding != "LF" && j.LineEnding != "CRLF" {
		return sfFail(0, "INVALIDJOB", "contentType, columnDelimiter or lineEnding is not supported")
	}
	switch kind {
	case "query":
		q, fail := a.parse(query)
		if fail != nil {
			return fail
		}
		j.Type, j.State, j.query, j.Object, j.closed = sfQuery, sfJobUploaded, query, q.object.name, a.s.now()
		return nil
	case "ingest":
	default:
		return sfFail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
	}
	o := a.objects[strings.ToLower(j.Object)]
	if o == nil {
		return sfFail(0, "INVALIDENTITY", "Unable to find object: %s", j.Object)
	}
	j.Object = o.name
	if !slices.Contains([]string{"insert", "update", "upsert", "delete"}, j.Operation) {
		return sfFail(0, "INVALIDOPERATION", "operation %s is not supported", j.Operation)
	}
	if j.Operation == "upsert" {
		f, fail := o.keyField(j.External)
		if fail != nil && !strings.EqualFold(j.External, "Id") {
			return sfFail(0, "INVALIDJOB", "InvalidJob : Field name provided, %s does not match an External ID, Salesforce Id, or indexed field for %s", j.External, o.name)
		}
		if f != nil {
			j.External = f.name
		}
	}
	return nil
}

// job finds the job that a path names.
func (a *salesforce) job(w http.ResponseWriter, r *http.Request) *sfJob {
	j := a.jobs[r.PathValue("id")]
	if j == nil || r.PathValue("kind") == "query" != (j.Type == sfQuery) {
		sfFail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist").write(w)
		return nil
	}
	return j
}

func (a *salesforce) uploadJob(w http.ResponseWriter, r *http.Request) {
	j := a.job(w, r)
	if j == nil {
		return
	}
	if j.State != sfJobOpen || j.uploaded {
		sfFail(0, "INVALIDJOBSTATE", "Found multiple contents for job: <%s>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job.", j.ID).write(w)
		return
	}
	reader := csv.NewReader(r.Body)
	reader.Comma, reader.FieldsPerRecord = sfDelimiters()[j.Delimiter], -1
	rows, err := reader.ReadAll()
	if err != nil || len(rows) == 0 {
		j.Message = fmt.Sprintf("ClientInputError : CSV is not readable: %v", err)
	} else {
		rows[0][0] = strings.TrimPrefix(rows[0][0], "\ufeff")
		j.header, j.data = rows[0], rows[1:]
	}
	j.uploaded = true
	w.WriteHeader(http.StatusCreated)
}

func (a *salesforce) changeJob(w http.ResponseWriter, r *http.Request) {
	j := a.job(w, r)
	if j == nil {
		return
	}
	var in struct{ State string }
	if fail := sfBody(r, &in); fail != nil {
		fail.write(w)
		return
	}
	ended := slices.Contains([]string{sfJobDone, sfJobFailed, sfJobAborted}, j.State)
	switch {
	case in.State == sfJobUploaded && j.State == sfJobOpen, in.State == sfJobAborted && !ended:
		j.State, j.Modstamp = in.State, sfTime(a.s.now())
		if in.State == sfJobUploaded {
			j.closed = a.s.now()
		}
		writeJSON(w, http.StatusOK, j)
	default:
		sfFail(0, "INVALIDJOBSTATE", "Cannot change a job in state %s to %s", j.State, in.State).write(w)
	}
}

func (a *salesforce) readJob(w http.ResponseWriter, r *http.Request) {
	j := a.job(w, r)
	if j == nil {
		return
	}
	j.looks++
	a.work(j, a.s.now())
	writeJSON(w, http.StatusOK, j)
}

func (a *salesforce) listJobs(w http.ResponseWriter, r *http.Request) {
	list := []*sfJob{}
	for _, j := range a.jobs {
		if r.PathValue("kind") == "query" == (j.Type == sfQuery) {
			list = append(list, j)
		}
	}
	slices.SortFunc(list, func(x, y *sfJob) int { return strings.Compare(x.ID, y.ID) })
	writeJSON(w, http.StatusOK, map[string]any{"done": true, "records": list, "nextRecordsUrl": nil})
}

func (a *salesforce) deleteJob(w http.ResponseWriter, r *http.Request) {
	j := a.job(w, r)
	if j == nil {
		return
	}
	if j.State == sfJobUploaded || j.State == sfJobRunning {
		sfFail(0, "INVALIDJOBSTATE", "Cannot delete a job in state %s", j.State).write(w)
		return
	}
	delete(a.jobs, j.ID)
	w.WriteHeader(http.StatusNoContent)
}

// work moves a job on: it waits, works through half of its rows, then the rest.
func (a *salesforce) work(j *sfJob, now time.Time) {
	if j.State != sfJobUploaded && j.State != sfJobRunning {
		return
	}
	spent := now.Sub(j.closed) + time.Duration(j.looks)*sfJobLook
	if spent < sfJobWaits {
		return
	}
	j.State, j.Modstamp = sfJobRunning, sfTime(now)
	if j.Type == sfQuery {
		if spent >= sfJobWorks {
			q, fail := a.parse(j.query)
			if fail != nil {
				j.State, j.Message = sfJobFailed, fail.Error()
				return
			}
			for _, rec := range q.run(j.Operation == "queryAll") {
				j.found = append(j.found, q.object.row(rec, q.fields))
			}
			j.State, j.Processed = sfJobDone, len(j.found)
		}
		return
	}
	o := a.objects[strings.ToLower(j.Object)]
	header, fail := j.columns(o)
	if fail != "" {
		j.State, j.Message = sfJobFailed, fail
		return
	}
	until := (len(j.data) + 1) / 2
	if spent >= sfJobWorks {
		until = len(j.data)
	}
	for ; j.done < until; j.done++ {
		a.ingest(j, o, header, j.data[j.done])
	}
	j.Processed, j.Failed = j.done, len(j.failed)
	if spent >= sfJobWorks {
		j.State, j.Modstamp = sfJobDone, sfTime(now)
	}
}

// columns finds the fields of the header, or says why the job fails.
func (j *sfJob) columns(o *sfObject) ([]*sfField, string) {
	if j.Message != "" {
		return nil, j.Message
	}
	var out []*sfField
	for _, name := range j.header {
		f := o.field(name)
		if f == nil {
			return nil, "InvalidBatch : Field name not found : " + name
		}
		out = append(out, f)
	}
	return out, ""
}

// ingest works on one row.
func (a *salesforce) ingest(j *sfJob, o *sfObject, header []*sfField, cells []string) {
	t := a.begin()
	id, created, fail := a.ingestRow(t, j, o, header, cells)
	if fail != nil {
		t.back([2]int{})
		j.failed = append(j.failed, append([]string{id, fail.Code + ":" + fail.Message + ":" + strings.Join(fail.Fields, ",") + " --"}, cells...))
		return
	}
	t.commit()
	j.results = append(j.results, append([]string{id, strconv.FormatBool(created)}, cells...))
}

func (a *salesforce) ingestRow(t *sfTx, j *sfJob, o *sfObject, header []*sfField, cells []string) (string, bool, *sfError) {
	if len(cells) != len(header) {
		return "", false, sfFail(0, "INVALID_CSV", "number of columns is not that of the header")
	}
	values, fail := o.fromCSV(header, cells)
	if fail != nil {
		return "", false, fail
	}
	id, _ := values["Id"].(string)
	delete(values, "Id")
	switch {
	case j.Operation == "insert":
		rec, fail := t.insert(o, values)
		if fail != nil {
			return "", false, fail
		}
		return rec.id, true, nil
	case j.Operation == "upsert" && j.External != "Id":
		f := o.field(j.External)
		value, _ := values[f.name].(string)
		if value == "" {
			return "", false, sfFail(0, "MISSING_ARGUMENT", "%s not specified", f.name).on(f.name)
		}
		return t.upsert(o, f, value, values)
	}
	rec, fail := o.alive(id)
	if fail != nil {
		return id, false, fail
	}
	if j.Operation == "delete" {
		t.bury(o, rec, "")
		return rec.id, false, nil
	}
	return rec.id, false, t.update(o, rec, values)
}

func (a *salesforce) jobResults(w http.ResponseWriter, r *http.Request) {
	j := a.job(w, r)
	if j == nil {
		return
	}
	var rows [][]string
	header := j.header
	switch strings.ToLower(r.PathValue("result")) {
	case "successfulresults":
		header, rows = append([]string{"sf__Id", "sf__Created"}, header...), j.shuffled(j.results)
	case "failedresults":
		header, rows = append([]string{"sf__Id", "sf__Error"}, header...), j.shuffled(j.failed)
	case "unprocessedrecords":
		if j.State == sfJobAborted || j.State == sfJobFailed {
			rows = j.data[j.done:]
		}
	case "results":
		a.queryResults(w, r, j)
		return
	default:
		sfFail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist").write(w)
		return
	}
	writeCSV(w, sfDelimiters()[j.Delimiter], header, rows)
}

// shuffled is the order of results, which is not that of the upload: an org
// works on chunks side by side.
func (j *sfJob) shuffled(rows [][]string) [][]string {
	out := slices.Clone(rows)
	var seed uint64
	for _, c := range j.ID {
		seed = seed*31 + uint64(c)
	}
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(out), func(x, y int) { out[x], out[y] = out[y], out[x] })
	return out
}

// queryResults gives a page of a query job.
func (a *salesforce) queryResults(w http.ResponseWriter, r *http.Request, j *sfJob) {
	if j.Type != sfQuery || j.State != sfJobDone {
		sfFail(0, "INVALIDJOBSTATE", "The job is in state %s", j.State).write(w)
		return
	}
	q := r.URL.Query()
	from, _ := strconv.Atoi(q.Get("locator"))
	most, _ := strconv.Atoi(q.Get("maxRecords"))
	if most <= 0 {
		most = 50_000
	}
	from = min(max(from, 0), len(j.found))
	to := min(from+most, len(j.found))
	w.Header().Set("Sforce-Numberofrecords", strconv.Itoa(to-from))
	w.Header().Set("Sforce-Locator", "null")
	if to < len(j.found) {
		w.Header().Set("Sforce-Locator", strconv.Itoa(to))
	}
	var header []string
	if parsed, fail := a.parse(j.query); fail == nil {
		for _, f := range parsed.fields {
			header = append(header, f.name)
		}
	}
	var rows [][]string
	for _, row := range j.found[from:to] {
		var cells []string
		for _, v := range row.values {
			cells = append(cells, sfCell(v))
		}
		rows = append(rows, cells)
	}
	writeCSV(w, sfDelimiters()[j.Delimiter], header, rows)
}

// writeCSV quotes every cell, as Salesforce does.
func writeCSV(w http.ResponseWriter, comma rune, header []string, rows [][]string) {
	w.Header().Set("Content-Type", "text/csv")
	var b bytes.Buffer
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			if i > 0 {
				b.WriteRune(comma)
			}
			b.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `"`)
		}
		b.WriteByte('\n')
	}
	w.WriteHeader(http.StatusOK)
	w.Write(b.Bytes()) //nolint:errcheck // the caller went away
}

var _ json.Marshaler = sfRow{}
