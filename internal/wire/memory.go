package wire

import (
	"context"
	"sync"
	"time"
)

// memory is the Limiter of one process.
type memory struct {
	mu     sync.Mutex
	next   map[string]time.Time
	counts map[string]count
}

type count struct {
	used int
	ends time.Time
}

func newMemory() *memory {
	return &memory{next: map[string]time.Time{}, counts: map[string]count{}}
}

func (m *memory) Pace(_ context.Context, key string, n int, spacing time.Duration, earliest, latest time.Time) (time.Time, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := later(earliest, m.next[key])
	if first.After(latest) {
		return first, false, nil
	}
	m.next[key] = first.Add(time.Duration(n) * spacing)
	return first, true, nil
}

func (m *memory) Count(_ context.Context, key string, n, limit int, now, end time.Time) (time.Time, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.counts[key]
	if !c.ends.After(now) {
		c = count{ends: end}
	}
	if c.used+n > limit {
		return c.ends, false, nil
	}
	c.used += n
	m.counts[key] = c
	return c.ends, true, nil
}

func (m *memory) Hold(_ context.Context, key string, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next[key] = later(m.next[key], until)
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
