package wire

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

const secret = "s3cr&t-k\"y"

func textOf(t *testing.T, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestRecorder_writes_what_a_replayer_answers_without_the_key(t *testing.T) {
	t.Parallel()
	base, calls := serve(t, func(w http.ResponseWriter, r *http.Request, _ int64) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Page", "7")
		w.Header().Set("Set-Cookie", "session=1")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, "%s %s %q", r.URL.Query().Get("pagetoken"), body, r.Header.Get("X-Api-Key")) // a provider that repeats the key
	})
	dir := t.TempDir()
	recorder, err := NewRecorder(filepath.Join(dir, "new"), open(t, Config{}))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(page string, id string) *http.Request {
		req := request(t, http.MethodPost, base+"/v1/search?pagetoken="+page+"&key=s3cr%26t-k%22y", "what")
		req.Header.Set("X-Api-Key", secret)
		req.SetBasicAuth(secret, "")
		return req.WithContext(WithCall(req.Context(), Call{RequestID: id}))
	}
	for _, id := range []string{"", "id-1"} {
		for _, page := range []string{"a", "b"} {
			if _, err := recorder.Do(ask(page, id+page)); err != nil {
				t.Fatal(err)
			}
		}
	}
	asked := calls.Load()
	replayer := NewReplayer(filepath.Join(dir, "new"))
	for _, id := range []string{"", "id-1"} {
		resp, err := replayer.Do(ask("b", id+"b"))
		if err != nil {
			t.Fatal(err)
		}
		if text := textOf(t, resp); !strings.HasPrefix(text, "b what") || resp.StatusCode != http.StatusNotFound || resp.Header.Get("X-Page") != "7" {
			t.Errorf("replayed %d %q", resp.StatusCode, text)
		}
		if JudgementOf(resp).Verdict != Wrong || StatsOf(resp).Attempts != 1 {
			t.Errorf("judgement %+v, stats %+v", JudgementOf(resp), StatsOf(resp))
		}
	}
	_, err = replayer.Do(ask("c", "unknown"))
	if leadlake.ErrorCode(err) != leadlake.NotFound || !strings.Contains(err.Error(), "unknown.json") || strings.Contains(err.Error(), "s3cr") {
		t.Errorf("what was not recorded: %v", err)
	}
	if calls.Load() != asked {
		t.Error("the replayer asked the provider")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "new", "*"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, leak := range []string{"s3cr", "session=1", "czNjc"} { // the last is its base64
			if strings.Contains(string(text), leak) {
				t.Errorf("%s holds %q:\n%s", f, leak, text)
			}
		}
	}
}

func TestReplayer_knows_a_request_by_what_it_asks_wherever_the_provider_stands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request, _ int64) { io.WriteString(w, r.URL.Path) })
	recorder, err := NewRecorder(dir, open(t, Config{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := recorder.Do(request(t, http.MethodGet, base+"/a?q=1&api_key=mine1", "")); err != nil {
		t.Fatal(err)
	}
	replayer := NewReplayer(dir)
	if resp, err := replayer.Do(request(t, http.MethodGet, "https://other.example/a?api_key=yours&q=1", "")); err != nil || textOf(t, resp) != "/a" {
		t.Errorf("same question: %v", err)
	}
	for _, url := range []string{"https://other.example/b?q=1", "https://other.example/a?q=2"} {
		if _, err := replayer.Do(request(t, http.MethodGet, url, "")); leadlake.ErrorCode(err) != leadlake.NotFound {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestSpool_keeps_answers_until_they_are_forgotten(t *testing.T) {
	t.Parallel()
	base, calls := serve(t, func(w http.ResponseWriter, r *http.Request, call int64) {
		w.Header().Set("X-Call", fmt.Sprint(call))
		w.Write([]byte{0xff, byte(call)}) // no UTF-8
	})
	dir := filepath.Join(t.TempDir(), "spool")
	ask := func(id string) *http.Response {
		t.Helper()
		spool, err := NewSpool(dir, open(t, Config{})) // a new process each time
		if err != nil {
			t.Fatal(err)
		}
		req := request(t, http.MethodGet, base, "")
		resp, err := spool.Do(req.WithContext(WithCall(req.Context(), Call{RequestID: id})))
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	first, again := ask("id"), ask("id")
	if a, b := textOf(t, first), textOf(t, again); a != b || a != "\xff\x01" || again.Header.Get("X-Call") != "1" || StatsOf(again).Attempts != 1 {
		t.Errorf("answers %q and %q, header %v", a, b, again.Header)
	}
	if textOf(t, ask("other")) != "\xff\x02" || textOf(t, ask("")) != "\xff\x03" || textOf(t, ask("")) != "\xff\x04" {
		t.Error("another id, or none, got a kept answer")
	}
	spool, err := NewSpool(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := spool.Forget("id"); err != nil {
			t.Error(err)
		}
	}
	if textOf(t, ask("id")) != "\xff\x05" {
		t.Error("a forgotten answer came back")
	}
	if err := os.WriteFile(filepath.Join(dir, "other.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if textOf(t, ask("other")) != "\xff\x06" || calls.Load() != 6 {
		t.Error("a harmed file is not replaced")
	}
	info, err := os.Stat(filepath.Join(dir, "other.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: answers are personal data", info.Mode(), err)
	}
}

func TestSpool_does_not_keep_what_may_go_better_next_time(t *testing.T) {
	t.Parallel()
	for verdict, kept := range map[Verdict]bool{
		Fine: true, Miss: true, Erased: true,
		Pending: false, Slow: false, Spent: false, Denied: false, Refused: false, Broken: false, Wrong: false,
	} {
		base, calls := serve(t, func(http.ResponseWriter, *http.Request, int64) {})
		spool, err := NewSpool(t.TempDir(), open(t, Config{MaxAttempts: 1, Providers: []Provider{{
			Name: "p", BaseURL: base, Judge: func(int, http.Header, []byte) Judgement { return Judgement{Verdict: verdict} },
		}}}))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			req := request(t, http.MethodGet, base, "")
			resp, err := spool.Do(req.WithContext(WithCall(req.Context(), Call{RequestID: "id"})))
			if err != nil || JudgementOf(resp).Verdict != verdict {
				t.Errorf("%s: %v", verdict, err)
			}
		}
		if n := calls.Load(); (n == 1) != kept {
			t.Errorf("%s: %d calls", verdict, n)
		}
	}
}
