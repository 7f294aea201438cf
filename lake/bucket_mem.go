package lake

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// NewMemBucket is an empty bucket in memory, for tests. DuckDB cannot read it.
func NewMemBucket() *Bucket {
	return &Bucket{driver: &memDriver{objects: map[string]memObject{}}, url: func(string) string { return "" }}
}

type memObject struct {
	data    []byte // never changed once stored
	modTime time.Time
}

type memDriver struct {
	mu      sync.RWMutex
	objects map[string]memObject
}

func (d *memDriver) put(_ context.Context, key string, r io.Reader, ifAbsent bool) (bool, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.objects[key]; ok && ifAbsent {
		return false, nil
	}
	if err := d.checkFolder(key); err != nil {
		return false, err
	}
	d.objects[key] = memObject{data, time.Now()}
	return true, nil
}

// checkFolder holds memory to the limits of a directory, so that tests find
// what would break there.
func (d *memDriver) checkFolder(key string) error {
	for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
		if _, ok := d.objects[dir]; ok {
			return errFolder
		}
	}
	for other := range d.objects {
		if strings.HasPrefix(other, key+"/") {
			return errFolder
		}
	}
	return nil
}

func (d *memDriver) find(key string) (memObject, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	o, ok := d.objects[key]
	if !ok {
		return o, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return o, nil
}

func (d *memDriver) get(_ context.Context, key string) (object, error) {
	o, err := d.find(key)
	if err != nil {
		return nil, err
	}
	return memReader{bytes.NewReader(o.data)}, nil
}

type memReader struct{ *bytes.Reader }

func (memReader) Close() error { return nil }

func (d *memDriver) stat(_ context.Context, key string) (ObjectInfo, error) {
	o, err := d.find(key)
	return ObjectInfo{Key: key, Size: int64(len(o.data)), ModTime: o.modTime}, err
}

func (d *memDriver) list(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return func(yield func(ObjectInfo, error) bool) {
		d.mu.RLock()
		keys := slices.Sorted(maps.Keys(d.objects))
		d.mu.RUnlock()
		for _, key := range keys {
			if !strings.HasPrefix(key, prefix) {
				continue
			}
			info, err := d.stat(ctx, key)
			if err != nil {
				continue // deleted meanwhile
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (d *memDriver) delete(_ context.Context, key string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.objects, key)
	return nil
}
