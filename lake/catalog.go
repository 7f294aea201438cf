package lake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/internal/filelock"
)

// lockHome holds the workspace's directory on this machine: its catalog file
// is created once, and its spill folders are claimed and swept, under it.
func (c Config) lockHome(ctx context.Context) (release func(), err error) {
	folders := []string{c.Home}
	if !c.onS3() {
		folders = append(folders, c.Objects)
	}
	for _, dir := range folders {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, homeError(dir, err)
		}
	}
	release, err = filelock.Acquire(ctx, filepath.Join(c.Home, "open.lock"))
	if err != nil {
		return nil, homeError(c.Home, err)
	}
	return release, nil
}

func homeError(dir string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("open lake: %w", err)
	}
	return leadlake.Errorf(leadlake.Invalid, "open lake: cannot write to %s: %w", dir, err).
		WithFix("choose a directory that you may write to with --home")
}

// lockCatalog keeps others from attaching a Postgres catalog for the first
// time, from any machine, until release. A SQLite catalog is under lockHome.
func (c Config) lockCatalog(ctx context.Context) (release func(), err error) {
	if c.Catalog == "" {
		return func() {}, nil
	}
	conn, err := c.connectCatalog(ctx)
	if err != nil {
		return nil, err
	}
	// The lock is the connection's: closing it, or a crash, gives it back.
	if _, err := conn.Exec(ctx, "select pg_advisory_lock(hashtext($1))", "leadlake catalog "+c.CatalogSchema); err != nil {
		conn.Close(ctx)
		return nil, fmt.Errorf("open lake: lock catalog: %w", err)
	}
	return func() { conn.Close(context.WithoutCancel(ctx)) }, nil
}

// requireCatalog is a NotFound where there is no lake to read yet.
func (c Config) requireCatalog(ctx context.Context) error {
	if c.Catalog == "" {
		_, err := os.Stat(c.catalogFile())
		if errors.Is(err, fs.ErrNotExist) {
			return noLake(c.Home)
		}
		if err != nil {
			return fmt.Errorf("open lake: %w", err)
		}
		return nil
	}
	conn, err := c.connectCatalog(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var exists bool
	const query = "select exists (select from information_schema.tables where table_schema = $1 and table_name = 'ducklake_metadata')"
	if err := conn.QueryRow(ctx, query, c.CatalogSchema).Scan(&exists); err != nil {
		return fmt.Errorf("open lake: look for the catalog: %w", err)
	}
	if !exists {
		return noLake("schema " + c.CatalogSchema + " of the catalog database")
	}
	return nil
}

func noLake(place string) error {
	return leadlake.Errorf(leadlake.NotFound, "open lake: there is no lake in %s yet", place).
		WithFix("run a campaign first, or name the right workspace with --home")
}

// connectCatalog reports a server that is down before DuckDB does, whose
// message would show the password.
func (c Config) connectCatalog(ctx context.Context) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(c.Catalog)
	if err != nil {
		return nil, catalogAddressError()
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Unavailable, "open lake: reach catalog: %w", err).
			WithFix("check the address of the catalog and that its Postgres runs")
	}
	return conn, nil
}

func catalogAddressError() error {
	return leadlake.Errorf(leadlake.Invalid, "open lake: the catalog address cannot be read").
		WithFix("write it as postgres://user:password@host:port/database")
}

func checkCatalogAddress(address string) error {
	if address == "" || strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		return nil
	}
	return catalogAddressError()
}
