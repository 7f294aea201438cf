package lake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/leadlake/leadlake"
)

// Bucket is an object store: immutable byte strings under slash-separated
// keys. It checks keys and turns every driver's errors into the same ones; the
// drivers behind it are memory, a directory and S3. A Bucket is safe for
// concurrent use.
//
// A key must not be the folder of another one ("a" beside "a/b"): a directory
// cannot hold both.
type Bucket struct {
	driver backend
	url    func(key string) string
}

// ObjectInfo describes one object.
type ObjectInfo struct {
	Key     string
	Size    int64 // bytes
	ModTime time.Time
}

// backend is what a driver has to offer. Keys are valid when they arrive, and a
// missing object is an error that wraps fs.ErrNotExist.
type backend interface {
	// put stores all of r or nothing. With ifAbsent it leaves an existing
	// object alone and reports false.
	put(ctx context.Context, key string, r io.Reader, ifAbsent bool) (created bool, err error)
	get(ctx context.Context, key string) (object, error)
	stat(ctx context.Context, key string) (ObjectInfo, error)
	list(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error]
	// delete removes an object; an absent one is no error.
	delete(ctx context.Context, key string) error
}

// object is an open object; Parquet needs to seek in it.
type object interface {
	io.Reader
	io.ReaderAt
	io.Seeker
	io.Closer
}

// maxKey and maxSegment are the limits of S3 and of common file systems.
const (
	maxKey     = 1024
	maxSegment = 200
)

// Put stores all that r gives under key, replacing what was there. Readers
// see the old object, the new one or none, never a part; an error of r leaves
// the old state.
func (b *Bucket) Put(ctx context.Context, key string, r io.Reader) error {
	if err := checkKey(key); err != nil {
		return err
	}
	_, err := b.driver.put(ctx, key, r, false)
	return bucketError("put", key, err)
}

// PutIfAbsent is Put for a key that must be new. It reports false, without an
// error, where an object exists already; of many concurrent callers exactly
// one gets true.
func (b *Bucket) PutIfAbsent(ctx context.Context, key string, r io.Reader) (created bool, err error) {
	if err := checkKey(key); err != nil {
		return false, err
	}
	created, err = b.driver.put(ctx, key, r, true)
	return created, bucketError("put", key, err)
}

// Get opens an object; the caller closes it. A missing one is a NotFound.
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	return b.open(ctx, key)
}

func (b *Bucket) open(ctx context.Context, key string) (object, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	o, err := b.driver.get(ctx, key)
	if err != nil {
		return nil, bucketError("get", key, err)
	}
	return o, nil
}

// Stat describes an object. A missing one is a NotFound.
func (b *Bucket) Stat(ctx context.Context, key string) (ObjectInfo, error) {
	if err := checkKey(key); err != nil {
		return ObjectInfo{}, err
	}
	info, err := b.driver.stat(ctx, key)
	return info, bucketError("stat", key, err)
}

// List yields the objects whose key starts with prefix, in byte order of the
// keys. "" lists all. It stops after the first error.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return func(yield func(ObjectInfo, error) bool) {
		if prefix != "" {
			if err := checkKey(strings.TrimSuffix(prefix, "/")); err != nil {
				yield(ObjectInfo{}, err)
				return
			}
		}
		for info, err := range b.driver.list(ctx, prefix) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(ObjectInfo{}, bucketError("list", prefix, err))
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Delete removes an object; an absent one is no error.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return bucketError("delete", key, b.driver.delete(ctx, key))
}

// URL is what DuckDB reads the object by: an absolute path or s3://...; "" for
// memory, which DuckDB cannot see.
func (b *Bucket) URL(key string) string { return b.url(key) }

// checkKey accepts keys that mean the same on every driver and to DuckDB,
// which takes * ? [ in a path for a pattern. Names that begin with a dot are
// the directory driver's own.
func checkKey(key string) error {
	reason := ""
	switch {
	case key == "":
		reason = "it is empty"
	case len(key) > maxKey:
		reason = fmt.Sprintf("it is longer than %d bytes", maxKey)
	case !utf8.ValidString(key):
		reason = "it is not UTF-8"
	case strings.ContainsAny(key, "*?[]\\\"'<>|"):
		reason = `it has one of * ? [ ] \ " ' < > |`
	case strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == 0x7f }):
		reason = "it has a control character"
	case path.IsAbs(key):
		reason = "it begins with a slash"
	default:
		for segment := range strings.SplitSeq(key, "/") {
			switch {
			case segment == "":
				reason = "it has an empty part between slashes"
			case segment[0] == '.':
				reason = "a part begins with a dot"
			case len(segment) > maxSegment:
				reason = fmt.Sprintf("a part is longer than %d bytes", maxSegment)
			}
		}
	}
	if reason == "" {
		return nil
	}
	return leadlake.Errorf(leadlake.Invalid, "object key %.80q: %s", key, reason).
		WithFix("use letters, digits and - _ = . in parts separated by single slashes")
}

// bucketError gives a driver's error its code and, where a person can do
// something about it, the remedy. It passes nil through.
func bucketError(verb, key string, err error) error {
	var coded *leadlake.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &coded), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s object %s: %w", verb, key, err)
	case errors.Is(err, fs.ErrNotExist):
		return leadlake.Errorf(leadlake.NotFound, "%s object %s: %w", verb, key, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return leadlake.Errorf(leadlake.Unavailable, "%s object %s: the disk is full: %w", verb, key, err).
			WithFix("free some space, or move the workspace to a larger disk")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return leadlake.Errorf(leadlake.Invalid, "%s object %s: the object folder is read-only: %w", verb, key, err).
			WithFix("make it writable for this user, or choose another workspace")
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, errFolder):
		return leadlake.Errorf(leadlake.Invalid, "%s object %s: the key is the folder of another key, or beneath one: %w", verb, key, err)
	}
	return fmt.Errorf("%s object %s: %w", verb, key, err)
}

// errFolder says that a key and a folder would have the same name.
var errFolder = errors.New("a key cannot be a folder too")
