package snapshot

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

const (
	filePrefix   = "leads-"        // serving files
	workPrefix   = "building-"     // folders of unfinished builds
	staleAfter   = 6 * time.Hour   // a build folder this old has lost its process
	pollEvery    = 3 * time.Second // default of Config.Every
	longestPause = 5 * time.Minute // after failures
)

// Config sets up a Manager.
type Config struct {
	Lake  *lake.Lake
	Dir   string        // where the files lie; "serving" in the lake's home by default
	Every time.Duration // pause between looks for a new version
	Now   func() time.Time
	Log   *slog.Logger
}

// Manager keeps the newest snapshot open and replaces it after each publish,
// while requests that began on the old one finish on it.
type Manager struct {
	cfg Config

	mu      sync.Mutex
	current *shared
	problem error // why there is no current snapshot
}

// shared counts the users of a snapshot; the manager is one of them.
type shared struct {
	*Snapshot
	users int
}

// NewManager returns a manager that has nothing to serve until Run finds it.
func NewManager(cfg Config) *Manager {
	if cfg.Dir == "" {
		cfg.Dir = filepath.Join(cfg.Lake.Home(), "serving")
	}
	if cfg.Every == 0 {
		cfg.Every = pollEvery
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Manager{cfg: cfg, problem: leadlake.Errorf(leadlake.Unavailable, "the published leads are being loaded; try again in a moment")}
}

// Run refreshes at once and then after every pause, until ctx ends. A refresh
// that fails is logged and tried again after a longer pause; what was served
// stays served.
func (m *Manager) Run(ctx context.Context) {
	pause := m.cfg.Every
	for {
		err := m.Refresh(ctx)
		switch {
		case err == nil, leadlake.ErrorCode(err) == leadlake.Unavailable:
			pause = m.cfg.Every
		case ctx.Err() == nil: // a build is work: one that fails must not run all the time
			m.cfg.Log.Error("serving snapshot not refreshed", "err", err)
			pause = min(2*pause, longestPause)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// Refresh makes the newest version current: it opens its file, building it
// first where there is none. Call it from one goroutine at a time.
func (m *Manager) Refresh(ctx context.Context) error {
	next, err := m.newest(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		if m.current == nil {
			m.problem = leadlake.Errorf(leadlake.Unavailable, "the published leads cannot be loaded")
			if leadlake.ErrorCode(err) == leadlake.Unavailable {
				m.problem = err
			}
		}
		return err
	}
	if next == nil {
		return nil
	}
	if m.current != nil {
		m.release(m.current)
	}
	m.current = &shared{Snapshot: next, users: 1}
	m.sweep(filepath.Base(next.path))
	m.cfg.Log.Info("serving snapshot", "version", next.version, "rows", next.rows)
	return nil
}

// newest returns the snapshot to switch to, or nil where the current one is it.
func (m *Manager) newest(ctx context.Context) (*Snapshot, error) {
	version, err := Version(ctx, m.cfg.Lake)
	if err != nil {
		return nil, err
	}
	if s, release, err := m.Current(); err == nil {
		same := s.version == version
		release()
		if same {
			return nil, nil
		}
	}
	path := filepath.Join(m.cfg.Dir, fmt.Sprintf("%s%d.sqlite", filePrefix, version))
	if s, err := Open(ctx, path); err == nil {
		return s, nil
	} else if leadlake.ErrorCode(err) != leadlake.NotFound {
		m.cfg.Log.Warn("serving file is built anew", "err", err)
	}
	start := m.cfg.Now()
	if err := Build(ctx, m.cfg.Lake, version, path); err != nil {
		return nil, err
	}
	m.cfg.Log.Info("serving file built", "version", version, "dur_ms", m.cfg.Now().Sub(start).Milliseconds())
	return Open(ctx, path)
}

// Current returns the snapshot to answer one request from, and a function to
// call when that is done. It is leadlake.Unavailable while there is none.
func (m *Manager) Current() (*Snapshot, func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current == nil {
		return nil, nil, m.problem
	}
	held := m.current
	held.users++
	return held.Snapshot, sync.OnceFunc(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.release(held)
	}), nil
}

// Close lets go of the current snapshot; its file stays for the next start.
func (m *Manager) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current != nil {
		m.release(m.current)
		m.current = nil
		m.problem = leadlake.Errorf(leadlake.Unavailable, "the service is stopping")
	}
}

// release is called with the lock held.
func (m *Manager) release(s *shared) {
	if s.users--; s.users > 0 {
		return
	}
	if err := s.Close(); err != nil {
		m.cfg.Log.Warn("serving file not closed", "err", err)
	}
	if m.current != nil && m.current != s {
		m.sweep(filepath.Base(m.current.path))
	}
}

// sweep removes the files of other versions that nobody reads, and builds
// whose process died.
func (m *Manager) sweep(keep string) {
	entries, err := os.ReadDir(m.cfg.Dir)
	if err != nil {
		m.cfg.Log.Warn("serving folder not swept", "err", err)
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		file := strings.HasPrefix(e.Name(), filePrefix) && e.Name() != keep
		build := strings.HasPrefix(e.Name(), workPrefix)
		if err != nil || !file && !build || build && m.cfg.Now().Sub(info.ModTime()) < staleAfter {
			continue
		}
		// A reader that still has the file open keeps its bytes: only the
		// name goes. Where the system refuses, a later sweep tries again.
		_ = os.RemoveAll(filepath.Join(m.cfg.Dir, e.Name()))
	}
}
