package deliver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// toy is a destination without mercy: it creates another record each time it
// is asked to, so whatever is sent twice shows.
type toy struct{ batch int }

type toyRow struct {
	Key    string          `json:"key"`
	ID     string          `json:"id"`
	Remove bool            `json:"remove,omitempty"`
	Fields deliver.Payload `json:"fields,omitempty"`
	Error  string          `json:"error,omitempty"`
}

func (d toy) Spec() deliver.Spec {
	return deliver.Spec{Name: "toy", BaseURL: "http://toy.example", BatchRows: d.batch, ProbeRows: 10, Parallel: 4, Removes: true, Effect: "none at all"}
}

func (toy) Authorize(deliver.Session) (deliver.Access, error) { return deliver.Access{}, nil }

func (toy) Describe(deliver.Session) (deliver.Schema, error) {
	return deliver.Schema{Fields: []deliver.Field{
		{Name: "name", Type: deliver.Text, Required: true}, {Name: "score", Type: deliver.Integer}, {Name: "city", Type: deliver.Text, MaxLen: 40},
		{Name: "id", ReadOnly: true},
	}}, nil
}

func (toy) Deliver(s deliver.Session, b deliver.Batch) ([]deliver.Outcome, error) {
	var rows []toyRow
	var touched []int
	for n, r := range b.Rows {
		rows = append(rows, toyRow{Key: r.Key, ID: r.ID, Remove: r.Op == deliver.Remove, Fields: r.Fields})
		touched = append(touched, n)
	}
	resp, err := s.Call(deliver.Request{Method: http.MethodPost, URL: "/write", Body: deliver.Value(rows), Rows: touched})
	if err != nil {
		return nil, err
	}
	if !resp.OK() {
		// As the real ones do: outcomes that say nothing, and the reason.
		return make([]deliver.Outcome, len(b.Rows)), leadlake.Errorf(leadlake.Invalid, "toy: %s", resp.Body)
	}
	if err := json.Unmarshal(resp.Body, &rows); err != nil {
		return nil, err
	}
	var outcomes []deliver.Outcome
	for _, r := range rows {
		outcomes = append(outcomes, deliver.Outcome{State: deliver.Accepted, ID: r.ID})
	}
	return outcomes, nil
}

func (toy) Probe(s deliver.Session, rows []deliver.Row) ([]deliver.Found, error) {
	var keys []string
	for _, r := range rows {
		keys = append(keys, r.Key)
	}
	resp, err := s.Call(deliver.Request{Method: http.MethodPost, URL: "/read", Body: deliver.Value(keys)})
	if err != nil {
		return nil, err
	}
	var all [][]toyRow
	if err := json.Unmarshal(resp.Body, &all); err != nil {
		return nil, err
	}
	found := make([]deliver.Found, len(rows))
	for n, matches := range all {
		found[n].Matches = len(matches)
		if len(matches) > 0 {
			found[n].ID, found[n].Fields = matches[0].ID, matches[0].Fields
		}
	}
	return found, nil
}

func (toy) Feedback(deliver.Session, string) (deliver.Feedback, error) {
	return deliver.Feedback{}, nil
}

// toyServer is its counterpart. A name of "bad" makes it refuse a whole call.
type toyServer struct {
	mu      sync.Mutex
	records []toyRow
	creates map[string]int
	storm   int
	next    int
}

func newToyServer() *toyServer { return &toyServer{creates: map[string]int{}} }

func (s *toyServer) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.serve(w, r)
	return w.Result(), nil
}

func (s *toyServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.storm > 0 {
		s.storm--
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	if r.URL.Path == "/read" {
		var keys []string
		_ = json.NewDecoder(r.Body).Decode(&keys)
		all := make([][]toyRow, len(keys))
		for n, key := range keys {
			all[n] = []toyRow{}
			for _, rec := range s.records {
				if rec.Key == key {
					all[n] = append(all[n], rec)
				}
			}
		}
		_ = json.NewEncoder(w).Encode(all)
		return
	}
	var rows []toyRow
	_ = json.NewDecoder(r.Body).Decode(&rows)
	for _, row := range rows {
		if strings.HasPrefix(row.Fields.Text("name"), "bad") {
			http.Error(w, "a name is bad", http.StatusBadRequest)
			return
		}
	}
	for n := range rows {
		rows[n].ID = s.write(rows[n])
	}
	_ = json.NewEncoder(w).Encode(rows)
}

func (s *toyServer) write(row toyRow) string {
	at := slices.IndexFunc(s.records, func(r toyRow) bool { return r.ID == row.ID })
	switch {
	case row.Remove && at >= 0:
		s.records = slices.Delete(s.records, at, at+1)
	case row.Remove:
	case at >= 0:
		for name, value := range row.Fields {
			s.records[at].Fields = s.records[at].Fields.With(name, value)
		}
	default:
		s.next++
		s.creates[row.Key]++
		row.ID = fmt.Sprint(s.next)
		s.records = append(s.records, row)
	}
	return row.ID
}

func (s *toyServer) edit(key, field, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := range s.records {
		if s.records[n].Key == key {
			s.records[n].Fields = s.records[n].Fields.With(field, deliver.Value(value))
			return
		}
	}
	s.next++
	s.records = append(s.records, toyRow{Key: key, ID: fmt.Sprint(s.next), Fields: deliver.Payload{field: deliver.Value(value)}})
}

func (s *toyServer) effects(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.creates[key]
}
