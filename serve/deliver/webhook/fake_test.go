package webhook

import (
	"io"
	"strings"
	"sync"
)

// tee keeps what is read.
type tee struct {
	io.ReadCloser
	kept *strings.Builder
}

func (t tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.kept.Write(p[:n])
	return n, err
}

// ids are the distinct events by key.
type ids struct {
	mu    sync.Mutex
	known map[string]map[string]bool
}

func newIDs() *ids { return &ids{known: map[string]map[string]bool{}} }

func (i *ids) add(id, key string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known[key] == nil {
		i.known[key] = map[string]bool{}
	}
	i.known[key][id] = true
}

func (i *ids) count(key string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.known[key])
}
