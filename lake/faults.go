package lake

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sync/atomic"
	"time"
)

// Fault is what goes wrong in one call to a Faulty bucket. The zero value is
// nothing.
type Fault struct {
	Delay    time.Duration // before anything else
	Err      error         // returned instead of making the call
	Lost     error         // returned although the call took effect
	CutAfter int64         // the bytes of a put or get end in an error after so many; 0 does not cut
}

// Faulty wraps a bucket for tests of what happens when storage fails. Plan is
// asked before every call, with its number from 1, its name (put, get, stat,
// list, delete) and the key; it may be called from several goroutines.
func Faulty(b *Bucket, plan func(call int64, op, key string) Fault) *Bucket {
	return &Bucket{driver: &faultDriver{backend: b.driver, plan: plan}, url: b.url}
}

type faultDriver struct {
	backend
	plan  func(call int64, op, key string) Fault
	calls atomic.Int64
}

// next is the fault of this call, after its delay.
func (d *faultDriver) next(ctx context.Context, op, key string) (Fault, error) {
	f := d.plan(d.calls.Add(1), op, key)
	select {
	case <-ctx.Done():
		return f, ctx.Err()
	case <-time.After(f.Delay):
		return f, f.Err
	}
}

func (d *faultDriver) put(ctx context.Context, key string, r io.Reader, ifAbsent bool) (bool, error) {
	f, err := d.next(ctx, "put", key)
	if err != nil {
		return false, err
	}
	if f.CutAfter > 0 {
		r = &cutReader{r: r, left: f.CutAfter}
	}
	created, err := d.backend.put(ctx, key, r, ifAbsent)
	if err == nil && f.Lost != nil {
		return false, f.Lost
	}
	return created, err
}

func (d *faultDriver) get(ctx context.Context, key string) (object, error) {
	f, err := d.next(ctx, "get", key)
	if err != nil {
		return nil, err
	}
	o, err := d.backend.get(ctx, key)
	if err != nil || f.CutAfter == 0 {
		return o, err
	}
	return &cutObject{object: o, cutReader: cutReader{r: o, left: f.CutAfter}}, nil
}

func (d *faultDriver) stat(ctx context.Context, key string) (ObjectInfo, error) {
	if _, err := d.next(ctx, "stat", key); err != nil {
		return ObjectInfo{}, err
	}
	return d.backend.stat(ctx, key)
}

func (d *faultDriver) list(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	if _, err := d.next(ctx, "list", prefix); err != nil {
		return func(yield func(ObjectInfo, error) bool) { yield(ObjectInfo{}, err) }
	}
	return d.backend.list(ctx, prefix)
}

func (d *faultDriver) delete(ctx context.Context, key string) error {
	f, err := d.next(ctx, "delete", key)
	if err != nil {
		return err
	}
	if err := d.backend.delete(ctx, key); err != nil {
		return err
	}
	return f.Lost
}

// cutReader ends in an error after left bytes.
type cutReader struct {
	r    io.Reader
	left int64
}

func (c *cutReader) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, fmt.Errorf("connection cut: %w", io.ErrUnexpectedEOF)
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// cutObject is an object whose sequential reads are cut.
type cutObject struct {
	object
	cutReader
}

// Read chooses between the two embedded readers.
func (c *cutObject) Read(p []byte) (int, error) { return c.cutReader.Read(p) }
