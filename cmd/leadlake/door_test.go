package main

import (
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/wire"
	"github.com/leadlake/leadlake/lake/store"
)

func TestDoorCommand_answers_through_pipes_and_keeps_the_answer(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		io.WriteString(w, `{"path":"`+r.URL.Path+`"}`)
	}))
	t.Cleanup(srv.Close)
	dir := filepath.Join(t.TempDir(), "spool")
	config := filepath.Join(t.TempDir(), "leadlake.yaml")
	if err := os.WriteFile(config, []byte("providers:\n  google_places:\n    base_url: "+srv.URL+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds what the first brought
		in, ask := io.Pipe()
		answers, out := io.Pipe()
		a := newApp(func(string) string { return "" }, in, out, io.Discard)
		a.flags.config, a.flags.home = config, t.TempDir()
		if err := a.prepare(); err != nil {
			t.Fatal(err)
		}
		cmd := doorCmd(a)
		cmd.SetArgs([]string{"--spool", dir})
		ended := make(chan error, 1)
		go func() { ended <- cmd.ExecuteContext(t.Context()); out.Close() }()

		if first := readAnswer(t, answers); !strings.Contains(first, `"id":0`) {
			t.Fatalf("it begins with %s", first)
		}
		frame := `{"id":7,"call":{"provider":"google_places","request_id":"r1"},"method":"GET","url":"` + srv.URL + `/v1/x"}`
		if _, err := ask.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)); err != nil {
			t.Fatal(err)
		}
		if answer := readAnswer(t, answers); !strings.Contains(answer, "/v1/x") || !strings.Contains(answer, `"id":7`) {
			t.Fatalf("it answers %s", answer)
		}
		ask.Close()
		if err := <-ended; err != nil {
			t.Errorf("the door ended with %v", err)
		}
	}
	if calls.Load() != 1 {
		t.Errorf("%d calls, want 1", calls.Load())
	}
}

// readAnswer reads one frame.
func readAnswer(t *testing.T, r io.Reader) string {
	t.Helper()
	var size uint32
	if err := binary.Read(r, binary.BigEndian, &size); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLimits_two_processes_share_a_rate_by_the_control_state(t *testing.T) {
	t.Parallel()
	const rate = 50
	var calls atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(srv.Close)
	control := filepath.Join(t.TempDir(), "control.sqlite")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	start := time.Now()
	var wg sync.WaitGroup
	for range 2 {
		s, err := store.Open(t.Context(), control, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		client, err := wire.New(wire.Config{
			Limiter: s, Allow: []string{"127.0.0.1"},
			Providers: []wire.Provider{{Name: "p", BaseURL: srv.URL, RatePerSecond: rate}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			wg.Go(func() {
				for {
					req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := client.Do(req); err != nil {
						if ctx.Err() == nil && leadlake.ErrorCode(err) != leadlake.RateLimited { // the deadline is before the next place
							t.Error(err)
						}
						return
					}
				}
			})
		}
	}
	wg.Wait()
	most := int64(time.Since(start).Seconds()*rate) + 3 // what was late may go with what was not
	if n := calls.Load(); n > most || n < 10 {
		t.Errorf("%d calls in %s, want %d at most", n, time.Since(start), most)
	}
}

func TestDoorCommand_needs_a_folder(t *testing.T) {
	t.Parallel()
	a := newApp(func(string) string { return "" }, strings.NewReader(""), io.Discard, io.Discard)
	cmd := doorCmd(a)
	cmd.SetArgs(nil)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err := cmd.ExecuteContext(t.Context()); leadlake.ErrorCode(err) != leadlake.Invalid {
		t.Errorf("without --spool: %v", err)
	}
}
