package ingest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
)

// ReadJSON reads the body of an answer that has to be one JSON object. What is
// something else, such as an HTML page under status 200, is an Unavailable
// error. Nesting deeper than encoding/json allows is no JSON.
func ReadJSON(q Query, resp Response) (gjson.Result, error) {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return gjson.Result{}, leadlake.Errorf(leadlake.Unavailable, "read the answer of %s: %w", q.Provider, err)
	}
	if !json.Valid(body) {
		return gjson.Result{}, NotJSON(q, body)
	}
	answer := gjson.ParseBytes(body)
	if !answer.IsObject() {
		return gjson.Result{}, NotJSON(q, body)
	}
	return answer, nil
}

// NotJSON is the error of an answer that is not the JSON it should be.
func NotJSON(q Query, body []byte) error {
	what := "it is not the JSON of an answer"
	if kind, _, _ := strings.Cut(http.DetectContentType(body), ";"); kind == "text/html" {
		what = "it is an HTML page"
	}
	return leadlake.Errorf(leadlake.Unavailable, "read the answer of %s: %s", q.Provider, what).
		WithFix("run it again; if it stays, the provider's format has changed")
}

// Rows says what the rows of a provider look like. It makes records of good
// rows, and rows for quarantine of the others; it keeps count of the fields
// that it does not know.
type Rows struct {
	Key      string                // path of the provider's key, which is a text or a number
	Required map[string]gjson.Type // paths that every row has, with their type
	Typed    map[string]gjson.Type // paths that have this type or are null or absent; True stands for both booleans, JSON for objects and arrays
	Known    []string              // top-level fields; others are kept, and reported
	unknown  map[string]bool
	paths    *sorted
}

// sorted are the paths of Required and Typed in the order in which they are
// looked at, so that one row always has the same problem.
type sorted struct{ required, typed []string }

// Record makes a record of one row, which is part of valid JSON. Raw is
// compact, so that the same row has the same hash however it was printed.
func (s *Rows) Record(row gjson.Result) Record {
	r := Record{EntityKind: EntityBusiness, Raw: compact(row.Raw)}
	switch {
	case !utf8.ValidString(row.Raw):
		r.Problem = &Problem{Code: "bad_encoding", Reason: "the row is not valid UTF-8"}
		return r
	case !row.IsObject():
		r.Problem = &Problem{Code: "not_an_object", Reason: "the row is not a JSON object"}
		return r
	}
	if r.Problem = s.problem(row); r.Problem != nil {
		return r
	}
	if s.Key != "" {
		r.Key = row.Get(s.Key).String()
	}
	row.ForEach(func(field, _ gjson.Result) bool {
		if !slices.Contains(s.Known, field.String()) {
			if s.unknown == nil {
				s.unknown = map[string]bool{}
			}
			s.unknown[field.String()] = true
		}
		return true
	})
	return r
}

// Unknown lists the fields that Record met and does not know, sorted.
func (s *Rows) Unknown() []string {
	var names []string
	for name := range s.unknown {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// problem finds the first field that is missing or of another type.
func (s *Rows) problem(row gjson.Result) *Problem {
	if s.Key != "" {
		key := row.Get(s.Key)
		if key.Type != gjson.String && key.Type != gjson.Number || strings.TrimSpace(key.String()) == "" {
			return &Problem{Column: s.Key, Code: "missing_key", Reason: "the row has no " + s.Key + ", which names it"}
		}
	}
	if s.paths == nil {
		s.paths = &sorted{slices.Sorted(maps.Keys(s.Required)), slices.Sorted(maps.Keys(s.Typed))}
	}
	for _, path := range s.paths.required {
		if got := row.Get(path); got.Type != s.Required[path] {
			return &Problem{Column: path, Code: "missing_field", Reason: path + " is " + kindOf(got) + " where every row has a " + kindName(s.Required[path])}
		}
	}
	for _, path := range s.paths.typed {
		got, want := row.Get(path), s.Typed[path]
		if got.Type == gjson.Null || got.Type == want || want == gjson.True && got.Type == gjson.False {
			continue
		}
		return &Problem{Column: path, Code: "retyped_field", Reason: path + " is a " + kindOf(got) + ", it used to be a " + kindName(want)}
	}
	return nil
}

func kindOf(v gjson.Result) string {
	if v.Type == gjson.Null {
		return "missing"
	}
	return kindName(v.Type)
}

func kindName(t gjson.Type) string {
	switch t {
	case gjson.String:
		return "text"
	case gjson.Number:
		return "number"
	case gjson.True, gjson.False:
		return "boolean"
	case gjson.JSON:
		return "structure"
	}
	return "null"
}

// compact drops the white space between the tokens of valid JSON. The standard
// library's Compact checks it once more, which takes longer than all else that
// is done to a row.
func compact(raw string) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case ' ', '\t', '\n', '\r':
		case '"':
			end := endOfText(raw, i)
			out = append(out, raw[i:end]...)
			i = end - 1
		default:
			out = append(out, raw[i])
		}
	}
	return out
}

// endOfText is the index after the text that begins at start.
func endOfText(raw string, start int) int {
	for i := start + 1; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}
