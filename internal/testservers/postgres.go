package testservers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Postgres is a running server with an empty cluster.
type Postgres struct {
	port string
	made atomic.Int64 // databases
}

// superuser owns the cluster; it needs no password.
const superuser = "leadlake"

// StartPostgres runs a Postgres on a free loopback port until the test ends.
// Subtests share it by asking for a Database each.
func StartPostgres(t testing.TB) *Postgres {
	t.Helper()
	patterns := []string{"/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin"}
	initdb, postgres := find(t, "initdb", patterns...), find(t, "postgres", patterns...)
	// Not t.TempDir: the folders above it are closed to other users.
	dir, err := os.MkdirTemp("", "leadlake-postgres-")
	if err != nil {
		t.Fatalf("start postgres: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	as := unprivileged(t, dir)
	data := filepath.Join(dir, "data")

	init := exec.CommandContext(t.Context(), initdb, "-D", data, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	init.Dir = "/"
	as(init)
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p := &Postgres{port: freePort(t)}
	s := start(t, as, postgres, "-D", data, "-p", p.port, "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=200")
	s.ready(t, func() error { return p.exec(t.Context(), "select 1") })
	return p
}

// Database creates an empty database and returns its address.
func (p *Postgres) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", p.made.Add(1))
	if err := p.exec(t.Context(), "create database "+name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	return p.address(name)
}

func (p *Postgres) address(database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%s/%s?sslmode=disable", superuser, p.port, database)
}

func (p *Postgres) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, p.address("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}
