package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/all"
	"github.com/leadlake/leadlake/internal/wire"
	"github.com/leadlake/leadlake/lake/store"
)

// wireClient is the HTTP door to the providers, as the configuration has them.
// Limits are shared with all who share the limiter.
func (a *app) wireClient(limiter wire.Limiter) (*wire.Client, error) {
	// Every source only asks, so a call may be repeated.
	door := wire.Config{ReadOnly: true, Limiter: limiter, Log: a.log}
	for _, s := range all.Sources() {
		spec := s.Spec()
		if spec.BaseURL == "" {
			continue
		}
		p := wire.Provider{Name: spec.Name, BaseURL: spec.BaseURL, Limits: spec.Limits}
		if judge, ok := s.(ingest.Judge); ok {
			p.Judge = judge.Judge
		}
		set := a.cfg.Providers[spec.Name]
		if set.BaseURL != "" {
			p.BaseURL = set.BaseURL
			// An address that the configuration names is open, also where the
			// door would refuse it: the sandbox on loopback.
			if u, err := url.Parse(set.BaseURL); err == nil && net.ParseIP(u.Hostname()) != nil {
				door.Allow = append(door.Allow, u.Host)
				if net.ParseIP(u.Hostname()).IsLoopback() {
					p.Limits = nil // a stand-in is not bound by the provider's contract
				}
			}
		}
		for i, l := range set.Limits {
			if i == 0 {
				p.Limits = nil
			}
			p.Limits = append(p.Limits, wire.Limit{Endpoint: l.Endpoint, Calls: l.Calls, Per: wire.Window(l.Per), Reset: wire.Reset(l.Reset)})
		}
		p.RatePerSecond = set.RatePerSecond
		door.Providers = append(door.Providers, p)
	}
	return wire.New(door)
}

// limiter is where the state of limits is: in Redis where one is configured,
// else in the control state.
func (a *app) limiter(ctx context.Context) (wire.Limiter, func() error, error) {
	if a.cfg.Redis != "" {
		r, err := wire.OpenRedis(ctx, a.cfg.Redis, "leadlake:"+cmp.Or(a.cfg.Schema, "ducklake")+":")
		if err != nil {
			return nil, nil, err
		}
		return r, r.Close, nil
	}
	s, err := store.Open(ctx, a.cfg.storeAddress(), store.Options{Now: time.Now})
	if err != nil {
		return nil, nil, err
	}
	return s, s.Close, nil
}

// baseURLs are the addresses that the configuration puts in place of the
// providers' own.
func (a *app) baseURLs() map[string]string {
	urls := map[string]string{}
	for name, p := range a.cfg.Providers {
		if p.BaseURL != "" {
			urls[name] = p.BaseURL
		}
	}
	return urls
}

// doorProviders is the variable that hands the door the parent's configuration
// of providers, which the demo has in no file.
const doorProviders = "LEADLAKE_DOOR_PROVIDERS"

// engine is the ingest engine of a run. Calls to providers go through a process
// of their own, so that a paid answer survives this one.
func (j *job) engine(ctx context.Context) (*ingest.Engine, func(), error) {
	engine := &ingest.Engine{
		Lake: j.ws.lake, Ledger: j.ws.store, Sources: all.Sources(), Getenv: j.getenv, BaseURLs: j.baseURLs(), Log: j.log,
	}
	if j.program == "" || !callsProviders(j.run.Spec) {
		limiter, done, err := j.limiter(ctx)
		if err != nil {
			return nil, nil, err
		}
		client, err := j.wireClient(limiter)
		if err != nil {
			return nil, nil, errors.Join(err, done())
		}
		engine.HTTP = client
		return engine, func() { client.Close(); done() }, nil //nolint:errcheck // it only counted calls
	}
	providers, err := json.Marshal(j.cfg.Providers)
	if err != nil {
		return nil, nil, fmt.Errorf("start door: %w", err)
	}
	spool := filepath.Join(j.cfg.Home, "spool", j.run.RunID)
	cmd := exec.Command(j.program, append([]string{"door", "--spool", spool}, j.flags.args()...)...) //nolint:noctx // it outlives this process
	cmd.Env = append(os.Environ(), doorProviders+"="+string(providers))
	cmd.Stderr = j.stderr
	door, err := wire.StartDoor(cmd, spool)
	if err != nil {
		return nil, nil, err
	}
	engine.HTTP, engine.Outlives = door, true
	return engine, func() {
		if err := door.Close(); err != nil {
			j.log.Warn("door not closed", "err", err)
		}
	}, nil
}

// callsProviders says whether a campaign asks anybody over HTTP.
func callsProviders(c leadlake.CampaignSpec) bool {
	for _, s := range all.Sources() {
		spec := s.Spec()
		if spec.BaseURL == "" {
			continue
		}
		for _, name := range c.Enrichment {
			if name == spec.Name {
				return true
			}
		}
		for _, src := range c.Sources {
			if src.Source == spec.Name {
				return true
			}
		}
	}
	return false
}

// inheritProviders takes over the providers of the process that started this
// one.
func (a *app) inheritProviders() error {
	text := a.getenv(doorProviders)
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &a.cfg.Providers); err != nil {
		return leadlake.Errorf(leadlake.Invalid, "%s: %w", doorProviders, err)
	}
	return nil
}

// args are the flags as a command line.
func (f globalFlags) args() []string {
	var out []string
	for name, value := range map[string]string{"--config": f.config, "--home": f.home, "--log-level": f.logLevel} {
		if value != "" {
			out = append(out, name, value)
		}
	}
	return out
}
