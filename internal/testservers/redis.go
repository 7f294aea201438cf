package testservers

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// StartRedis runs an empty Redis on a free loopback port until the test ends
// and returns its address. Tests that share it keep apart by their keys.
func StartRedis(t testing.TB) string {
	t.Helper()
	port := freePort(t)
	s := start(t, nil, find(t, "redis-server", "/opt/homebrew/bin"), "--bind", "127.0.0.1", "--port", port,
		"--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", t.TempDir())
	s.ready(t, func() error { return ping(t, net.JoinHostPort("127.0.0.1", port)) })
	return "redis://127.0.0.1:" + port + "/0"
}

func ping(t testing.TB, address string) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprint(conn, "PING\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && strings.TrimSpace(answer) != "+PONG" {
		err = fmt.Errorf("it answers %q", answer)
	}
	return err
}
