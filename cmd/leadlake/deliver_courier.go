package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/wire"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// claimTTL is how long a batch stays taken after its process is gone.
const claimTTL = 20 * time.Second

// courier is a destination made ready, with the engine that delivers to it.
type courier struct {
	*app
	ws      *workspace
	name    string
	set     DestinationConfig
	mapping deliver.Mapping
	to      deliver.Destination
	engine  *deliver.Engine
	close   func()
}

// courier makes a destination of the configuration ready.
func (a *app) courier(ctx context.Context, ws *workspace, name string) (*courier, error) {
	set, err := a.cfg.destination(name)
	if err != nil {
		return nil, err
	}
	c := &courier{app: a, ws: ws, name: name, set: set, close: func() {}}
	if c.mapping, err = set.mapping(); err != nil {
		return nil, fmt.Errorf("mapping of %s: %w", name, err)
	}
	if c.to, err = set.make(a.cfg, name, c.mapping); err != nil {
		return nil, fmt.Errorf("destination %s: %w", name, err)
	}
	c.engine = &deliver.Engine{
		Ledger: ws.store, Getenv: set.secrets(name, a.getenv), Suppressed: a.suppressed(ws), Holder: holder(), Lease: claimTTL, Log: a.log,
	}
	if len(placeSettings(set.Kind)) > 0 {
		c.engine.Bucket, err = c.bucket()
		return c, err
	}
	if err := c.hasSecret(); err != nil {
		return nil, err
	}
	if err := c.awake(ctx); err != nil {
		return nil, err
	}
	return c, c.connect(ctx)
}

// hasSecret says what is missing before anything is planned.
func (c *courier) hasSecret() error {
	names := c.to.Spec().Secrets
	if len(names) == 0 || c.engine.Getenv(names[0]) != "" {
		return nil
	}
	fix := "set the environment variable " + names[0]
	if own := c.set.ownVariable(c.name, names[0]); own != "" && own != names[0] {
		fix += ", or " + own + " for this destination alone"
	}
	return leadlake.Errorf(leadlake.Unauthorized, "destination %s: it needs a secret", c.name).WithFix("%s", fix)
}

// onDestination runs fn with a destination of an existing workspace.
func (a *app) onDestination(ctx context.Context, name string, fn func(c *courier) error) error {
	if _, err := a.cfg.destination(name); err != nil { // before anything is opened
		return err
	}
	ws, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	c, err := a.courier(ctx, ws, name)
	if err != nil {
		return err
	}
	defer c.close()
	return goesOn(a.explainNoSpace(fn(c)))
}

// onDelivery runs fn with the destination of a delivery.
func (a *app) onDelivery(ctx context.Context, id string, fn func(c *courier) error) error {
	ws, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	d, err := ws.store.Delivery(ctx, id)
	if err != nil {
		return err
	}
	c, err := a.courier(ctx, ws, d.Destination)
	if err != nil {
		return fmt.Errorf("delivery %s: %w", id, err)
	}
	defer c.close()
	return goesOn(a.explainNoSpace(fn(c)))
}

// bucket is where a destination of objects writes.
func (c *courier) bucket() (*lake.Bucket, error) {
	folder := string(c.set.Settings["folder"])
	if c.set.Kind == "csv" || c.set.Sandbox {
		return lake.NewDirBucket(cmp.Or(folder, filepath.Join(c.cfg.Home, "deliveries", c.name)))
	}
	cfg := lake.S3Config{
		Bucket: string(c.set.Settings["bucket"]), Endpoint: string(c.set.Settings["endpoint"]), Region: string(c.set.Settings["region"]),
		AccessKey: c.engine.Getenv("LEADLAKE_S3_ACCESS_KEY"), SecretKey: c.engine.Getenv("LEADLAKE_S3_SECRET_KEY"),
	}
	if text := string(c.set.Settings["insecure"]); text != "" {
		var err error
		if cfg.Insecure, err = strconv.ParseBool(text); err != nil {
			return nil, leadlake.Errorf(leadlake.Invalid, "destination %s: settings.insecure is %q", c.name, text).WithFix("write true or false")
		}
	}
	if cfg.AccessKey == "" || cfg.SecretKey == "" {
		return nil, leadlake.Errorf(leadlake.Unauthorized, "destination %s: no credentials", c.name).
			WithFix("set LEADLAKE_S3_ACCESS_KEY and LEADLAKE_S3_SECRET_KEY in the environment")
	}
	return lake.NewS3Bucket(cfg)
}

// awake says at once that the sandbox is not running. A real destination that
// does not answer is asked again.
func (c *courier) awake(ctx context.Context) error {
	if !c.set.Sandbox {
		return nil
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", c.cfg.Sandbox.Addr)
	if err != nil {
		return leadlake.Errorf(leadlake.Unavailable, "destination %s: no sandbox answers at %s", c.name, c.cfg.Sandbox.Addr).
			WithFix("start it beside this: leadlake sandbox")
	}
	return conn.Close()
}

// connect opens the HTTP door. One whose events have to be signed anew for each
// attempt is called once each time.
func (c *courier) connect(ctx context.Context) error {
	provider := deliver.Provider(c.to)
	door := wire.Config{Log: c.log}
	if len(c.to.Spec().Ladder) > 0 {
		door.MaxAttempts = 1
	}
	// As with providers: an address that the configuration names is open, and a
	// stand-in is not bound by the contract.
	if u, err := url.Parse(provider.BaseURL); err == nil && net.ParseIP(u.Hostname()) != nil {
		door.Allow = append(door.Allow, u.Host)
		if net.ParseIP(u.Hostname()).IsLoopback() {
			provider.Limits = nil
		}
	}
	door.Providers = []wire.Provider{provider}
	limiter, done, err := c.limiter(ctx)
	if err != nil {
		return err
	}
	door.Limiter = limiter
	client, err := wire.New(door)
	if err != nil {
		return errors.Join(err, done())
	}
	c.engine.HTTP = client
	c.close = func() { client.Close(); done() } //nolint:errcheck // it only counted calls
	return nil
}

// takeOver frees what a process of this machine held for the destination when
// it died, so that nobody has to wait for it to run out.
func (c *courier) takeOver(ctx context.Context) error {
	held, ok, err := c.ws.store.Held(ctx, "deliver/"+c.name)
	if err == nil && ok && isDead(held.Holder) {
		err = c.ws.store.Release(ctx, held)
	}
	if err != nil {
		return err
	}
	open, err := c.ws.store.OpenDeliveries(ctx, c.name)
	if err != nil {
		return err
	}
	for _, d := range open {
		holders, err := c.ws.store.BatchHolders(ctx, d.ID)
		if err != nil {
			return err
		}
		for _, h := range holders {
			if !isDead(h) {
				continue
			}
			if err := c.ws.store.FreeBatches(ctx, d.ID, h); err != nil {
				return err
			}
		}
	}
	return nil
}

// goesOn tells whoever meets a failure that may pass what to do about it.
func goesOn(err error) error {
	if err == nil || errors.Is(err, errReported) || !leadlake.ErrorCode(err).Retryable() {
		return err
	}
	if _, fix := describe(err); fix != "" {
		return err
	}
	return leadlake.Errorf(leadlake.ErrorCode(err), "%w", err).WithFix("start the same command again: it goes on where it stopped")
}

// mirror copies what became of deliveries into the lake. The outbox has it
// whatever happens here, so an error does not undo a delivery.
func (c *courier) mirror(ctx context.Context, ids ...string) error {
	s, err := c.ws.lake.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, id := range ids {
		if _, err := deliver.Mirror(ctx, s, c.ws.store, id); err != nil {
			return err
		}
	}
	return nil
}
