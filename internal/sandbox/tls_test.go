package sandbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestServe_takes_https_on_the_same_port(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	base, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- Serve(ctx, Config{}, "127.0.0.1:0", func(at string) { base <- at }) }()
	at := <-base
	silent, err := net.Dial("tcp", strings.TrimPrefix(at, "http://")) // nobody waits for it
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	get := func(c *http.Client, url string) []byte {
		t.Helper()
		c.Timeout = 10 * time.Second
		resp, err := c.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %s %v", resp.StatusCode, body, err)
		}
		return body
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(get(&http.Client{Transport: &http.Transport{}}, at+"/__sandbox/ca.pem")) {
		t.Fatal("no certificate")
	}
	secure := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	get(secure, strings.Replace(at, "http://", "https://", 1)+"/services/data")
	resp, err := secure.PostForm(strings.Replace(at, "http://", "https://", 1)+"/services/oauth2/token", map[string][]string{"grant_type": {"client_credentials"}, "client_id": {"a"}, "client_secret": {"s"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); !strings.Contains(string(body), `"instance_url":"https://`) {
		t.Errorf("%s", body)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
