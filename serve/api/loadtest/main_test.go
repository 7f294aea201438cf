package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

const onePage = `{"data":[{"campaign_id":"c","name":"Acme","address":{"city":"Denver","region":"CO"}}],"next_cursor":"n"}`

func TestRunSendsTheWholeLoadAndReports(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte(onePage))
	}))
	defer service.Close()
	var out bytes.Buffer
	if err := run(context.Background(), []string{"--url", service.URL, "--rate", "40", "--seconds", "1"}, &out); err != nil && !strings.Contains(err.Error(), "p99") {
		t.Fatal(err)
	}
	if asked.Load() != 43 || !strings.Contains(out.String(), "requests 40  failed 0") {
		t.Errorf("asked %d times, reported %s", asked.Load(), out.String())
	}
}

func TestRunRefusesOtherMachinesAndUnboundedLoads(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--url", "http://example.com"}, {"--url", "http://10.0.0.1:80"}, {"--rate", "0"}, {"--rate", "100000"}, {"--seconds", "999999"},
	} {
		if err := run(context.Background(), args, &bytes.Buffer{}); err == nil || strings.Contains(err.Error(), "refused") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestAFailedRequestFailsTheRun(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 10 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte(onePage))
	}))
	defer service.Close()
	err := run(context.Background(), []string{"--url", service.URL, "--rate", "40", "--seconds", "1"}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "1 of 40 requests failed") {
		t.Errorf("error %v", err)
	}
}
