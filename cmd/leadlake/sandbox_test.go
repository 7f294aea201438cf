package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSandboxAnswersUntilItIsStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	stdout, out := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, "", []string{"sandbox", "--addr", "127.0.0.1:0", "--seed", "7", "--json"},
			func(string) string { return "" }, strings.NewReader(""), out, io.Discard)
		out.Close()
	}()
	var report sandboxReport
	if err := json.NewDecoder(bufio.NewReader(stdout)).Decode(&report); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, stdout) // only keeps the writer going
	if report.Seed != 7 || report.Businesses == 0 {
		t.Errorf("report %+v", report)
	}
	resp, err := http.Get(report.BaseURL + "/__sandbox/calls")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
	stop()
	if got := <-code; got != exitOK {
		t.Errorf("exit %d after a stop that was asked for", got)
	}
}

func TestSandboxStaysOnLoopback(t *testing.T) {
	t.Parallel()
	if got := invoke(t, nil, "sandbox", "--addr", "0.0.0.0:0"); got.code == exitOK || !strings.Contains(got.stderr, "loopback") {
		t.Errorf("exit %d: %s", got.code, got.stderr)
	}
}
