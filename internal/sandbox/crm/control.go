package crm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Edit is what a person does in a system while leadlake is not looking. It is
// the body of POST /__crm__/edit. A record is named by its ID or its Key; which
// operations and fields an app knows stands in the README.
type Edit struct {
	App    string         `json:"app"`
	Op     string         `json:"op"` // set, create, delete, merge, convert, picklist, revoke, schema, ...
	Object string         `json:"object,omitempty"`
	ID     string         `json:"id,omitempty"`
	Key    string         `json:"key,omitempty"` // the natural key of the record
	Into   string         `json:"into,omitempty"`
	Field  string         `json:"field,omitempty"`
	Values []string       `json:"values,omitempty"`
	Fields map[string]any `json:"fields,omitempty"`
}

func (s *Server) controlRoutes() {
	s.mux.HandleFunc("POST /__crm__/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	s.mux.HandleFunc("POST /__crm__/faults", func(w http.ResponseWriter, r *http.Request) {
		list, err := oneOrMany[Fault](r.Body)
		for i := 0; err == nil && i < len(list); i++ {
			err = list[i].check()
		}
		if err != nil {
			http.Error(w, "faults: "+err.Error(), http.StatusBadRequest)
			return
		}
		s.faults.add(list...)
		w.WriteHeader(http.StatusNoContent)
	})
	s.mux.HandleFunc("DELETE /__crm__/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.faults.reset()
		w.WriteHeader(http.StatusNoContent)
	})
	s.mux.HandleFunc("POST /__crm__/edit", func(w http.ResponseWriter, r *http.Request) {
		list, err := oneOrMany[Edit](r.Body)
		for i := 0; err == nil && i < len(list); i++ {
			err = s.Edit(list[i])
		}
		if err != nil {
			http.Error(w, "edit: "+err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	s.mux.HandleFunc("GET /__crm__/effects", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if key := q.Get("key"); key != "" {
			writeJSON(w, http.StatusOK, map[string]int{"count": s.exists(q.Get("app"), q.Get("object"), key)})
			return
		}
		writeJSON(w, http.StatusOK, s.Effects())
	})
	s.mux.HandleFunc("GET /__crm__/calls", func(w http.ResponseWriter, _ *http.Request) {
		s.calls.mu.Lock()
		defer s.calls.mu.Unlock()
		writeJSON(w, http.StatusOK, s.calls.of)
	})
	s.mux.HandleFunc("GET /__crm__/clock", s.tellClock)
	s.mux.HandleFunc("POST /__crm__/clock", func(w http.ResponseWriter, r *http.Request) {
		var move struct{ Advance string }
		err := json.NewDecoder(r.Body).Decode(&move)
		var d time.Duration
		if err == nil {
			d, err = time.ParseDuration(move.Advance)
		}
		if err != nil || d < 0 {
			http.Error(w, fmt.Sprintf(`clock: want {"advance": "36h"}: %v`, err), http.StatusBadRequest)
			return
		}
		s.Advance(d)
		s.tellClock(w, r)
	})
}

func (s *Server) tellClock(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"now": s.now().Format(time.RFC3339Nano)})
}

// Edit does what a person does in a system.
func (s *Server) Edit(e Edit) error {
	for _, a := range s.list {
		if a.name() == e.App {
			return a.edit(e)
		}
	}
	return fmt.Errorf("there is no app %q", e.App)
}

// oneOrMany reads an object or a list of them.
func oneOrMany[T any](r io.Reader) ([]T, error) {
	body, err := io.ReadAll(io.LimitReader(r, 16<<20))
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(strings.TrimSpace(string(body)), "[") {
		body = append(append([]byte{'['}, body...), ']')
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	var list []T
	return list, dec.Decode(&list)
}

func itoa(n int) string { return strconv.Itoa(n) }
