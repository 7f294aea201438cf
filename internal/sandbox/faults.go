package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault makes calls go wrong. It is the body of POST /__sandbox/faults.
//
// Paths name fields of a JSON answer: names with dots between them, # for every
// element of a list, a number for one, * for every field, such as
// places.#.displayName.text.
type Fault struct {
	Provider string `json:"provider,omitempty"` // "" for every provider
	Method   string `json:"method,omitempty"`   // "" for every method
	After    int    `json:"after,omitempty"`    // calls that pass before the first failure
	Times    int    `json:"times,omitempty"`    // how many calls fail; 0 for all that follow

	Status     int    `json:"status,omitempty"`      // answer with this status instead of the result
	Reason     string `json:"reason,omitempty"`      // of a 429: per_minute (default) or per_day; else the provider's own word
	RetryAfter string `json:"retry_after,omitempty"` // value of the header

	LatencyMS int `json:"latency_ms,omitempty"` // wait before the answer
	DripMS    int `json:"drip_ms,omitempty"`    // send the answer in sixteen pieces with this wait between them
	CutBody   int `json:"cut_body,omitempty"`   // break the connection after so many bytes of the answer

	DropField   string `json:"drop_field,omitempty"`   // path of what is missing
	RetypeField string `json:"retype_field,omitempty"` // path of what has another type: a text becomes a list, all else a text
	AddField    string `json:"add_field,omitempty"`    // path of what nobody knows yet: an object

	Poison string `json:"poison,omitempty"` // nul, rtl, long, formula or utf8: what texts become
	Field  string `json:"field,omitempty"`  // path of the texts to poison; "" for every text

	Body string `json:"body,omitempty"` // html, deep, huge or empty: what comes in place of the answer
}

// poisons are hostile texts. Invalid UTF-8 cannot pass through a JSON encoder,
// so a mark stands for it until the answer is written.
var poisons = map[string]func(string) string{
	"nul":     func(s string) string { return "\x00" + s + "\x00" },
	"rtl":     func(s string) string { return "\u202e" + s + "\u2066\u200f" },
	"long":    func(s string) string { return s + strings.Repeat("A", 1<<20) },
	"formula": func(s string) string { return "=cmd|'/c calc'!A1" + s },
	"utf8":    func(s string) string { return s + utf8Mark },
}

const utf8Mark = "sandbox-invalid-utf8"

var bodies = []string{"html", "deep", "huge", "empty"}

func (f *Fault) check() error {
	switch {
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return errors.New("status must be 200 to 599, or left out")
	case f.Poison != "" && poisons[f.Poison] == nil:
		return errors.New("poison must be nul, rtl, long, formula or utf8")
	case f.Body != "" && !slices.Contains(bodies, f.Body):
		return fmt.Errorf("body must be one of %s", strings.Join(bodies, ", "))
	}
	return nil
}

// spoil applies what concerns the content of an answer.
func (f *Fault) spoil(a *answer) {
	if f.DropField+f.RetypeField+f.AddField+f.Poison == "" {
		return
	}
	var doc any
	dec := json.NewDecoder(bytes.NewReader(a.body.Bytes()))
	dec.UseNumber()
	if dec.Decode(&doc) != nil {
		return // not a JSON answer
	}
	doc = edit(doc, f.DropField, func(any) any { return gone{} })
	doc = edit(doc, f.RetypeField, func(v any) any {
		if s, ok := v.(string); ok {
			return []any{s}
		}
		text, _ := json.Marshal(v) // it was decoded from JSON
		return string(text)
	})
	doc = edit(doc, f.AddField, func(any) any { return map[string]any{"since": "tomorrow", "values": []any{1, nil}} })
	if poison := poisons[f.Poison]; poison != nil {
		spoilTexts := func(v any) any { return texts(v, poison) }
		if f.Field == "" {
			doc = spoilTexts(doc)
		} else {
			doc = edit(doc, f.Field, spoilTexts)
		}
	}
	a.body.Reset()
	enc := json.NewEncoder(&a.body)
	enc.SetEscapeHTML(false)
	enc.Encode(doc) //nolint:errcheck // it was decoded from JSON
	if f.Poison == "utf8" {
		raw := bytes.ReplaceAll(a.body.Bytes(), []byte(utf8Mark), []byte("\xff\xfe\xc0"))
		a.body = *bytes.NewBuffer(raw)
	}
}

// gone stands for a field that is taken out.
type gone struct{}

// edit changes what lies at a path. A field that is not there is offered as
// nil, so that it can be added; it stays away where nil comes back.
func edit(v any, path string, change func(any) any) any {
	if path == "" {
		return v
	}
	return editAt(v, strings.Split(path, "."), change)
}

func editAt(v any, path []string, change func(any) any) any {
	if len(path) == 0 {
		return change(v)
	}
	switch v := v.(type) {
	case []any:
		out := v[:0]
		for i, element := range v {
			if path[0] == "#" || path[0] == "*" || path[0] == strconv.Itoa(i) {
				element = editAt(element, path[1:], change)
			}
			if _, dropped := element.(gone); !dropped {
				out = append(out, element)
			}
		}
		return out
	case map[string]any:
		names := []string{path[0]}
		if path[0] == "*" {
			names = names[:0]
			for name := range v {
				names = append(names, name)
			}
		}
		for _, name := range names {
			before, had := v[name]
			if !had && len(path) > 1 {
				continue
			}
			after := editAt(before, path[1:], change)
			if _, dropped := after.(gone); dropped || !had && after == nil {
				delete(v, name)
			} else {
				v[name] = after
			}
		}
	}
	return v
}

// texts changes every text within v, not the names of fields.
func texts(v any, change func(string) string) any {
	switch v := v.(type) {
	case string:
		return change(v)
	case []any:
		for i := range v {
			v[i] = texts(v[i], change)
		}
	case map[string]any:
		for name := range v {
			v[name] = texts(v[name], change)
		}
	}
	return v
}

// replace sends another body in place of the answer; huge is a gigabyte of
// valid JSON, which nobody should read to its end.
func (f *Fault) replace(w http.ResponseWriter, a *answer) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	var err error
	switch f.Body {
	case "html":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(a.code())
		_, err = io.WriteString(w, "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Welcome to the hotel's network</h1></body></html>\n")
	case "deep":
		w.WriteHeader(a.code())
		_, err = io.WriteString(w, strings.Repeat(`{"a":[`, 200_000)+strings.Repeat("]}", 200_000))
	case "huge":
		w.WriteHeader(a.code())
		piece := []byte(strings.Repeat(`"sandbox",`, 100_000))
		_, err = io.WriteString(w, `{"results":[`)
		for n := 0; err == nil && n < 1<<30; n += len(piece) {
			_, err = w.Write(piece)
		}
		if err == nil {
			_, err = io.WriteString(w, `"end"]}`)
		}
	default: // empty
		w.WriteHeader(a.code())
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the caller went away, as it should
	}
}

// drip writes in sixteen pieces.
func drip(ctx context.Context, w http.ResponseWriter, body []byte, pause time.Duration) {
	size := max(1, (len(body)+15)/16)
	for piece := range slices.Chunk(body, size) {
		if _, err := w.Write(piece); err != nil {
			return
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}
