package lake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// tempFolder holds files that are being written. Its name begins with a dot,
// as no key may.
const tempFolder = ".tmp"

// NewDirBucket keeps objects as files in a directory, which it creates when
// the first object arrives. The keys are the paths of the files.
func NewDirBucket(dir string) (*Bucket, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open object folder %s: %w", dir, err)
	}
	d := &dirDriver{root: root}
	return &Bucket{driver: d, url: d.path}, nil
}

type dirDriver struct{ root string }

func (d *dirDriver) path(key string) string { return filepath.Join(d.root, filepath.FromSlash(key)) }

// put writes a temporary file to the disk and only then gives it its name, so
// that a crash at any point leaves the old object or the new one.
func (d *dirDriver) put(ctx context.Context, key string, r io.Reader, ifAbsent bool) (bool, error) {
	target := d.path(key)
	if ifAbsent {
		// Saves writing the file; the link below is what decides.
		if _, err := os.Lstat(target); err == nil {
			return false, nil
		}
	}
	temp, err := d.writeTemp(ctx, r)
	if err != nil {
		return false, err
	}
	defer os.Remove(temp)
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return false, err
	}
	if ifAbsent {
		err = os.Link(temp, target) // unlike a rename it refuses an existing name
		if errors.Is(err, fs.ErrExist) {
			return false, nil
		}
	} else {
		err = os.Rename(temp, target)
	}
	if errors.Is(err, fs.ErrExist) { // a rename onto a folder
		err = fmt.Errorf("%w: %w", errFolder, err)
	}
	if err != nil {
		return false, err
	}
	return true, syncFolder(filepath.Dir(target))
}

// writeTemp copies r to a synced temporary file and returns its path.
func (d *dirDriver) writeTemp(ctx context.Context, r io.Reader) (_ string, err error) {
	folder := filepath.Join(d.root, tempFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(folder, "put-*")
	if err != nil {
		return "", err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if _, err := io.Copy(f, contextReader{ctx, r}); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}

// syncFolder makes a new name in a folder durable. Some file systems cannot
// sync a folder and say so with EINVAL; they give no stronger promise.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// contextReader ends a copy when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

func (d *dirDriver) get(_ context.Context, key string) (object, error) {
	if _, err := d.stat(context.Background(), key); err != nil {
		return nil, err
	}
	return os.Open(d.path(key))
}

func (d *dirDriver) stat(_ context.Context, key string) (ObjectInfo, error) {
	info, err := os.Stat(d.path(key))
	if errors.Is(err, syscall.ENOTDIR) || err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", key, fs.ErrNotExist) // a folder is no object
	}
	if err != nil {
		return ObjectInfo{}, err
	}
	return ObjectInfo{Key: key, Size: info.Size(), ModTime: info.ModTime()}, nil
}

func (d *dirDriver) list(_ context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return func(yield func(ObjectInfo, error) bool) {
		start := "" // the deepest folder that holds every match
		if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
			start = prefix[:i]
		}
		d.walk(start, prefix, yield)
	}
}

// walk yields the files beneath folder whose key has the prefix. A folder
// sorts as its name with a slash, because that is how its keys begin.
func (d *dirDriver) walk(folder, prefix string, yield func(ObjectInfo, error) bool) bool {
	entries, err := os.ReadDir(d.path(folder))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return true
	}
	if err != nil {
		return yield(ObjectInfo{}, err)
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		switch {
		case e.Name()[0] == '.':
		case e.IsDir():
			names = append(names, e.Name()+"/")
		default:
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if !d.visit(path.Join(folder, name), strings.HasSuffix(name, "/"), prefix, yield) {
			return false
		}
	}
	return true
}

func (d *dirDriver) visit(key string, isFolder bool, prefix string, yield func(ObjectInfo, error) bool) bool {
	if isFolder {
		inside := key + "/"
		if strings.HasPrefix(inside, prefix) || strings.HasPrefix(prefix, inside) {
			return d.walk(key, prefix, yield)
		}
		return true
	}
	if !strings.HasPrefix(key, prefix) {
		return true
	}
	info, err := d.stat(context.Background(), key)
	if errors.Is(err, fs.ErrNotExist) {
		return true // deleted meanwhile
	}
	return yield(info, err)
}

// delete leaves empty folders: removing them would race with a put.
func (d *dirDriver) delete(_ context.Context, key string) error {
	err := os.Remove(d.path(key))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return err
}
