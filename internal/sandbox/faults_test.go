package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestFaults_change_what_is_in_an_answer(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	url := base + "/google_places/v1/places:searchText"
	const mask = "places.id,places.displayName,places.location,nextPageToken"
	for _, tt := range []struct {
		fault string
		holds func(text string) bool
	}{
		{`{"drop_field":"places.#.displayName.text"}`, func(s string) bool { return !strings.Contains(s, `"text"`) && strings.Contains(s, "languageCode") }},
		{`{"drop_field":"places.1"}`, func(s string) bool { return strings.Count(s, `"id"`) == pageCap-1 }},
		{`{"retype_field":"places.#.location.latitude"}`, func(s string) bool { return strings.Contains(s, `"latitude":"39.`) }},
		{`{"retype_field":"places.0.id"}`, func(s string) bool { return strings.Contains(s, `"id":["ChIJ`) }},
		{`{"add_field":"places.#.soul"}`, func(s string) bool { return strings.Count(s, `"soul":{"since":"tomorrow"`) == pageCap }},
		{`{"poison":"nul","field":"places.#.displayName"}`, func(s string) bool { return strings.Contains(s, `"text":"\u0000`) && strings.Contains(s, `"id":"ChIJ`) }},
		{`{"poison":"rtl","field":"places.#.displayName"}`, func(s string) bool { return strings.Contains(s, "\u202e") }},
		{`{"poison":"formula"}`, func(s string) bool { return strings.Contains(s, `"text":"=cmd|`) }},
		{`{"poison":"long","field":"places.0.displayName.text"}`, func(s string) bool { return len(s) > 1<<20 && len(s) < 2<<20 }},
		{`{"poison":"utf8","field":"places.0.displayName.text"}`, func(s string) bool { return !utf8.ValidString(s) }},
		{`{"body":"html"}`, func(s string) bool { return strings.HasPrefix(s, "<!DOCTYPE html>") }},
		{`{"body":"deep"}`, func(s string) bool { return strings.Count(s, "[") == 200_000 }},
		{`{"body":"empty"}`, func(s string) bool { return s == "" }},
	} {
		inject(t, base, tt.fault[:len(tt.fault)-1]+`,"times":1}`)
		status, text := call(t, url, mask, plumbers)
		if status != http.StatusOK || !tt.holds(text) {
			t.Errorf("%s: %d %.300s", tt.fault, status, text)
		}
		if _, text := call(t, url, mask, plumbers); !json.Valid([]byte(text)) || strings.Contains(text, "soul") {
			t.Errorf("%s lasts longer than one call", tt.fault)
		}
	}
	for _, bad := range []string{`{"poison":"cyanide"}`, `{"body":"nobody"}`, `{"status":99}`, `null`} {
		if status, _ := call(t, base+"/__sandbox__/faults", "", bad); status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, status)
		}
	}
}

func TestFaults_huge_and_slow_answers(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	inject(t, base, `[{"times":1,"drip_ms":5},{"after":1,"times":1,"body":"huge"}]`)
	url := base + "/google_places/v1/places:searchText"
	begin := time.Now()
	if status, text := call(t, url, "places.id", plumbers); status != http.StatusOK || !json.Valid([]byte(text)) {
		t.Errorf("drip: %d %.100s", status, text)
	}
	if d := time.Since(begin); d < 75*time.Millisecond {
		t.Errorf("sixteen pieces came in %s", d)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(plumbers))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Goog-Api-Key", "k")
	req.Header.Set(maskHeader, "places.id")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.CopyN(io.Discard, resp.Body, 64<<20); n != 64<<20 {
		t.Errorf("huge: %d bytes, %v", n, err)
	}
}
