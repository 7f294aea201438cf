package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestLoopbackServiceAnswersToLocalNamesOnly(t *testing.T) {
	t.Parallel()
	handler := localHostsOnly(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	for host, want := range map[string]int{
		"localhost:8080": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "localhost": 200,
		"evil.example": 421, "evil.example:8080": 421, "192.0.2.1:8080": 421, "localhost.evil.example": 421, "": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/v1/leads", nil)
		r.Host = host
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %q: got %d, want %d", host, w.Code, want)
		}
	}
}

func TestServeAnswersAndStops(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.do(t, "run", s.campaign, "--input", "shops="+s.write(t, "shops.csv", shopList))
	ctx, cancel := context.WithCancel(t.Context())
	output, lines := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, "", []string{"serve", "--addr", "127.0.0.1:0"}, func(name string) string { return s.env[name] }, strings.NewReader(""), io.Discard, lines)
	}()
	line := make([]byte, 200)
	n, err := output.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, output) // only keeps the writer going
	_, address, _ := strings.Cut(string(line[:n]), "http://")
	address, _, _ = strings.Cut(address, " ")
	if body := eventually(t, "http://"+address+"/v1/leads?q=harbour"); !strings.Contains(body, "Harbour Bakery") || strings.Contains(body, "Elm") {
		t.Errorf("got %s", body)
	}
	cancel()
	select {
	case got := <-code:
		if got != exitOK {
			t.Errorf("exit code %d after an orderly stop", got)
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not stop")
	}
}

// eventually gets an address until it answers 200.
func eventually(t *testing.T, address string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			body, readErr := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode == http.StatusOK && readErr == nil {
				return string(body)
			}
			err = readErr
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer: %v", address, err)
		}
	}
}
