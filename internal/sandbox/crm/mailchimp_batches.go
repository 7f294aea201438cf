package crm

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// mcBatch is a list of calls that Mailchimp makes for the caller, later. It is
// done two seconds after it came in or when it is asked about for the second
// time, so that a test with a clock that stands still sees an end.
type mcBatch struct {
	id        string
	ops       []mcOperation
	status    string
	asked     int
	submitted time.Time
	completed time.Time
	results   []mcResult
	errored   int
}

type mcOperation struct {
	Method      string
	Path        string
	Params      map[string]any
	Body        string // JSON in a text
	OperationID string `json:"operation_id"`
}

type mcResult struct {
	Status      int    `json:"status_code"`
	OperationID string `json:"operation_id"`
	Response    string `json:"response"`
}

const (
	mcMaxOperations = 1000
	mcMaxBatches    = 500
	mcBatchTakes    = 2 * time.Second
	mcPerFile       = 200 // results in one file of the archive
)

func (m *mailchimp) startBatch(c *mcCall) (int, any, *mcError) {
	var put struct{ Operations []mcOperation }
	if refused := c.read(&put); refused != nil {
		return 0, nil, refused
	}
	open := 0
	for _, b := range m.batches {
		if b.status != "finished" {
			open++
		}
	}
	switch {
	case len(put.Operations) == 0:
		return 0, nil, mcInvalid(mcFieldError{"operations", "This value should not be blank."})
	case len(put.Operations) > mcMaxOperations:
		return 0, nil, mcInvalid(mcFieldError{"operations", fmt.Sprintf("This collection should contain %d elements or less.", mcMaxOperations)})
	case open >= mcMaxBatches:
		return 0, nil, &mcError{status: 429, title: "Too Many Requests", detail: "You have more than 500 pending batches."}
	}
	b := &mcBatch{id: fmt.Sprintf("batch%05d", len(m.batches)+1), ops: put.Operations, status: "pending", submitted: c.now}
	m.batches = append(m.batches, b)
	m.agenda.add(due{c.now.Add(mcBatchTakes), dueBatch, b.id})
	m.s.effect(Effect{App: mailchimpName, Object: "batches", Key: b.id, ID: b.id, Op: opEvent, At: c.now})
	return http.StatusOK, b.body(c.Request), nil
}

func (b *mcBatch) body(r *http.Request) map[string]any {
	url := ""
	if b.status == "finished" {
		url = fmt.Sprintf("%s://%s/%s/batch-results/%s-response.tar.gz", map[bool]string{true: "https", false: "http"}[r.TLS != nil], r.Host, mailchimpName, b.id)
	}
	return map[string]any{
		"id": b.id, "status": b.status, "total_operations": len(b.ops), "finished_operations": len(b.results), "errored_operations": b.errored,
		"submitted_at": mcStamp(b.submitted), "completed_at": mcStamp(b.completed), "response_body_url": url, "_links": []any{},
	}
}

func (m *mailchimp) batch(id string) *mcBatch {
	if i := slices.IndexFunc(m.batches, func(b *mcBatch) bool { return b.id == id }); i >= 0 {
		return m.batches[i]
	}
	return nil
}

func (m *mailchimp) getBatch(c *mcCall) (int, any, *mcError) {
	b := m.batch(c.PathValue("batch"))
	if b == nil {
		return 0, nil, mcNotFound()
	}
	b.asked++
	switch {
	case b.status == "finished":
	case b.asked > 1:
		m.runBatch(b, c.now)
	default:
		b.status = "started"
	}
	return http.StatusOK, b.body(c.Request), nil
}

func (m *mailchimp) getBatches(c *mcCall) (int, any, *mcError) {
	rows, refused := page(c, m.batches)
	if refused != nil {
		return 0, nil, refused
	}
	bodies := []any{}
	for _, b := range rows {
		bodies = append(bodies, b.body(c.Request))
	}
	return http.StatusOK, map[string]any{"batches": bodies, "total_items": len(m.batches), "_links": []any{}}, nil
}

func (m *mailchimp) deleteBatch(c *mcCall) (int, any, *mcError) {
	b := m.batch(c.PathValue("batch"))
	if b == nil {
		return 0, nil, mcNotFound()
	}
	m.batches = slices.DeleteFunc(m.batches, func(other *mcBatch) bool { return other == b })
	return http.StatusNoContent, nil, nil
}

// runBatch makes the calls, one after the other.
func (m *mailchimp) runBatch(b *mcBatch, now time.Time) {
	if b.status == "finished" {
		return
	}
	for _, op := range b.ops {
		r, err := http.NewRequest(op.Method, "/3.0/"+strings.TrimPrefix(op.Path, "/"), strings.NewReader(op.Body)) //nolint:noctx // it is served here, not sent
		out := &answer{header: http.Header{}}
		if err != nil {
			mcRefuse(out, mcBad(err.Error()))
		} else {
			q := r.URL.Query()
			for name, v := range op.Params {
				q.Set(name, fmt.Sprint(v))
			}
			r.URL.RawQuery = q.Encode()
			m.paths.ServeHTTP(out, r)
		}
		if out.code() >= 400 {
			b.errored++
		}
		b.results = append(b.results, mcResult{out.code(), op.OperationID, out.body.String()})
	}
	b.status, b.completed = "finished", now
}

// batchResult serves the archive, which needs no key: its address is the secret.
func (m *mailchimp) batchResult(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.batch(strings.TrimSuffix(r.PathValue("file"), "-response.tar.gz"))
	if b == nil || b.status != "finished" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/gzip")
	zip := gzip.NewWriter(w)
	out := tar.NewWriter(zip)
	file := func(h *tar.Header, body []byte) {
		h.Size, h.ModTime = int64(len(body)), b.completed
		if err := out.WriteHeader(h); err != nil {
			return
		}
		out.Write(body) //nolint:errcheck // it is held back in memory
	}
	file(&tar.Header{Name: b.id + "/", Typeflag: tar.TypeDir, Mode: 0o755}, nil)
	n := 0
	for some := range slices.Chunk(b.results, mcPerFile) {
		body, err := json.Marshal(some)
		if err != nil {
			continue // it is texts and numbers
		}
		file(&tar.Header{Name: fmt.Sprintf("%s/%04d.json", b.id, n), Mode: 0o644}, body)
		n++
	}
	out.Close()
	zip.Close()
}
