package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/testservers"
)

// bucketCases is the suite that every driver runs.
var bucketCases = map[string]func(*testing.T, *Bucket){
	"what was put comes back":               putGet,
	"put replaces":                          putReplaces,
	"put takes an object of several parts":  putLarge,
	"a broken reader leaves the old object": putBroken,
	"a cancelled put leaves nothing":        putCancelled,
	"put if absent keeps what is there":     putIfAbsent,
	"of many put if absent one creates":     putIfAbsentRace,
	"readers never see a part":              putAtomic,
	"a missing object is not found":         missing,
	"list is in byte order of the keys":     listOrder,
	"list stops where its caller does":      listStops,
	"delete removes and may repeat":         deleteRepeats,
	"a key that is a folder is refused":     folderKeys,
	"bad keys are refused":                  badKeys,
	"parquet is written and read":           parquetRoundTrip,
	"parquet that breaks leaves no object":  parquetBroken,
}

func TestBucketInMemory(t *testing.T) {
	t.Parallel()
	runBucketSuite(t, func(*testing.T) *Bucket { return NewMemBucket() })
}

func TestBucketInDirectory(t *testing.T) {
	t.Parallel()
	runBucketSuite(t, func(t *testing.T) *Bucket {
		b, err := NewDirBucket(filepath.Join(t.TempDir(), "new", "folder"))
		must(t, err)
		return b
	})
}

func TestBucketOnS3(t *testing.T) {
	t.Parallel()
	server := testservers.StartS3(t)
	for _, prefix := range []string{"", "work/space"} {
		t.Run("prefix "+prefix, func(t *testing.T) {
			t.Parallel()
			runBucketSuite(t, func(t *testing.T) *Bucket {
				b, err := NewS3Bucket(s3Config(t, server, prefix))
				must(t, err)
				return b
			})
		})
	}
}

func s3Config(t *testing.T, server *testservers.S3, prefix string) S3Config {
	return S3Config{
		Bucket: server.Bucket(t), Prefix: prefix, Endpoint: server.Endpoint, Region: server.Region,
		AccessKey: server.AccessKey, SecretKey: server.SecretKey, Insecure: true,
	}
}

func runBucketSuite(t *testing.T, open func(*testing.T) *Bucket) {
	for name, test := range bucketCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code leadlake.Code) {
	t.Helper()
	if leadlake.ErrorCode(err) != code {
		t.Fatalf("error is %v (%q), want code %q", err, leadlake.ErrorCode(err), code)
	}
}

func read(t *testing.T, b *Bucket, key string) string {
	t.Helper()
	r, err := b.Get(t.Context(), key)
	must(t, err)
	defer r.Close()
	data, err := io.ReadAll(r)
	must(t, err)
	return string(data)
}

func keys(t *testing.T, b *Bucket, prefix string) []string {
	t.Helper()
	got := []string{}
	for info, err := range b.List(t.Context(), prefix) {
		must(t, err)
		got = append(got, info.Key)
	}
	return got
}

func putGet(t *testing.T, b *Bucket) {
	for key, data := range map[string]string{"a": "", "raw/run=1/q-1_2.parquet": "\x00\xff bytes", "ümlaut/ключ": "text"} {
		before := time.Now().Add(-2 * time.Second) // S3 rounds to seconds
		must(t, b.Put(t.Context(), key, strings.NewReader(data)))
		if got := read(t, b, key); got != data {
			t.Errorf("%s holds %q, want %q", key, got, data)
		}
		info, err := b.Stat(t.Context(), key)
		must(t, err)
		if info.Key != key || info.Size != int64(len(data)) || info.ModTime.Before(before) {
			t.Errorf("stat says %+v", info)
		}
	}
}

func putReplaces(t *testing.T, b *Bucket) {
	must(t, b.Put(t.Context(), "a/b", strings.NewReader("a long first text")))
	must(t, b.Put(t.Context(), "a/b", strings.NewReader("second")))
	if got := read(t, b, "a/b"); got != "second" {
		t.Errorf("got %q", got)
	}
}

func putLarge(t *testing.T, b *Bucket) {
	data := make([]byte, 2*partSize+12345)
	if _, err := rand.NewChaCha8([32]byte{1}).Read(data); err != nil {
		t.Fatal(err)
	}
	must(t, b.Put(t.Context(), "large", bytes.NewReader(data)))
	if got := read(t, b, "large"); got != string(data) {
		t.Errorf("%d bytes differ from the %d put", len(got), len(data))
	}
	created, err := b.PutIfAbsent(t.Context(), "large", bytes.NewReader(data[1:]))
	must(t, err)
	if info, err := b.Stat(t.Context(), "large"); created || err != nil || info.Size != int64(len(data)) {
		t.Errorf("put if absent: created %v, size %d, %v", created, info.Size, err)
	}
}

func putBroken(t *testing.T, b *Bucket) {
	must(t, b.Put(t.Context(), "old", strings.NewReader("old")))
	broken := errors.New("source is broken")
	for _, size := range []int{0, 100, partSize + 100} {
		for _, key := range []string{"old", "new"} {
			r := io.MultiReader(bytes.NewReader(make([]byte, size)), iotest.ErrReader(broken))
			if err := b.Put(t.Context(), key, r); !errors.Is(err, broken) {
				t.Errorf("put of %d bytes: error is %v", size, err)
			}
		}
	}
	if got := read(t, b, "old"); got != "old" {
		t.Errorf("old is now %d bytes", len(got))
	}
	if diff := cmp.Diff([]string{"old"}, keys(t, b, "")); diff != "" {
		t.Error(diff)
	}
}

func putCancelled(t *testing.T, b *Bucket) {
	ctx, cancel := context.WithCancel(t.Context())
	r := io.MultiReader(strings.NewReader("begin"), readerFunc(func([]byte) (int, error) {
		cancel()
		return 0, ctx.Err()
	}))
	if err := b.Put(ctx, "a", r); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if got := keys(t, b, ""); len(got) > 0 {
		t.Errorf("left %v", got)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func putIfAbsent(t *testing.T, b *Bucket) {
	for i, want := range []bool{true, false} {
		created, err := b.PutIfAbsent(t.Context(), "a/b", strings.NewReader(fmt.Sprint(i)))
		must(t, err)
		if created != want {
			t.Errorf("call %d created: %v", i, created)
		}
	}
	if got := read(t, b, "a/b"); got != "0" {
		t.Errorf("got %q", got)
	}
}

func putIfAbsentRace(t *testing.T, b *Bucket) {
	var created atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			ok, err := b.PutIfAbsent(t.Context(), "a/b", strings.NewReader(fmt.Sprint(i)))
			if err != nil {
				t.Error(err)
			}
			if ok {
				created.Add(1)
			}
		})
	}
	wg.Wait()
	if created.Load() != 1 {
		t.Errorf("%d calls created the object", created.Load())
	}
}

func putAtomic(t *testing.T, b *Bucket) {
	const size = 200_000
	must(t, b.Put(t.Context(), "a", strings.NewReader(strings.Repeat("0", size))))
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		for i := range 20 {
			if err := b.Put(t.Context(), "a", strings.NewReader(strings.Repeat(fmt.Sprint(i%10), size))); err != nil {
				t.Error(err)
			}
		}
	})
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if data := read(t, b, "a"); len(data) != size || strings.Trim(data, data[:1]) != "" {
					t.Errorf("read %d bytes that no put wrote", len(data))
				}
			}
		})
	}
	wg.Wait()
}

func missing(t *testing.T, b *Bucket) {
	must(t, b.Put(t.Context(), "a/b", strings.NewReader("x")))
	for _, key := range []string{"b", "a/c", "a"} {
		_, err := b.Get(t.Context(), key)
		wantCode(t, err, leadlake.NotFound)
		_, err = b.Stat(t.Context(), key)
		wantCode(t, err, leadlake.NotFound)
	}
}

func listOrder(t *testing.T, b *Bucket) {
	// "a-b" sorts before "a/b", although the folder a sorts before a-b.
	all := []string{"a-b/1", "a/b/2", "a/b10", "a/b9", "a0", "raw/x", "raw2/x"}
	for _, i := range rand.Perm(len(all)) {
		must(t, b.Put(t.Context(), all[i], strings.NewReader(all[i])))
	}
	for prefix, want := range map[string][]string{
		"":      all,
		"a/":    {"a/b/2", "a/b10", "a/b9"},
		"a/b":   {"a/b/2", "a/b10", "a/b9"},
		"a/b/":  {"a/b/2"},
		"a/b1":  {"a/b10"},
		"raw":   {"raw/x", "raw2/x"},
		"none":  {},
		"a/b/2": {"a/b/2"},
		"a0/":   {},
	} {
		if diff := cmp.Diff(want, keys(t, b, prefix)); diff != "" {
			t.Errorf("list %q: %s", prefix, diff)
		}
	}
	for info, err := range b.List(t.Context(), "a/b10") {
		must(t, err)
		if info.Size != 5 || info.ModTime.IsZero() {
			t.Errorf("list says %+v", info)
		}
	}
}

func listStops(t *testing.T, b *Bucket) {
	for i := range 5 {
		must(t, b.Put(t.Context(), fmt.Sprintf("f%d/x", i), strings.NewReader("")))
	}
	n := 0
	for _, err := range b.List(t.Context(), "") {
		must(t, err)
		if n++; n == 2 {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range b.List(ctx, "") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error of a cancelled list is %v", err)
		}
	}
}

func deleteRepeats(t *testing.T, b *Bucket) {
	must(t, b.Put(t.Context(), "a/b", strings.NewReader("x")))
	must(t, b.Put(t.Context(), "a/c", strings.NewReader("x")))
	for range 2 {
		must(t, b.Delete(t.Context(), "a/b"))
	}
	must(t, b.Delete(t.Context(), "a/c/d"))
	if diff := cmp.Diff([]string{"a/c"}, keys(t, b, "")); diff != "" {
		t.Error(diff)
	}
}

func folderKeys(t *testing.T, b *Bucket) {
	must(t, b.Put(t.Context(), "a/b", strings.NewReader("x")))
	for _, key := range []string{"a", "a/b/c"} {
		wantCode(t, b.Put(t.Context(), key, strings.NewReader("y")), leadlake.Invalid)
	}
	if diff := cmp.Diff([]string{"a/b"}, keys(t, b, "")); diff != "" {
		t.Error(diff)
	}
}

func badKeys(t *testing.T, b *Bucket) {
	for _, key := range []string{
		"", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "a//b", "a/", ".tmp/x", "a/.hidden", "a/./b",
		`a\b`, "a*", "a?b", "a[1]", "a\nb", "a\x00b", "\xff", "it's", strings.Repeat("x", 201), strings.Repeat("x/", 600) + "x",
	} {
		wantCode(t, b.Put(t.Context(), key, strings.NewReader("x")), leadlake.Invalid)
		_, err := b.Get(t.Context(), key)
		wantCode(t, err, leadlake.Invalid)
		_, err = b.Stat(t.Context(), key)
		wantCode(t, err, leadlake.Invalid)
		wantCode(t, b.Delete(t.Context(), key), leadlake.Invalid)
	}
	for _, err := range b.List(t.Context(), "../") {
		wantCode(t, err, leadlake.Invalid)
	}
}

func TestStorageErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for cause, c := range map[error]struct {
		code leadlake.Code
		fix  string
	}{
		&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}: {leadlake.Unavailable, "free some space"},
		&fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}:   {leadlake.Invalid, "make it writable"},
		&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}:  {leadlake.Invalid, "make it writable"},
	} {
		b := Faulty(NewMemBucket(), func(int64, string, string) Fault { return Fault{Err: cause} })
		err := b.Put(t.Context(), "a", strings.NewReader("x"))
		wantCode(t, err, c.code)
		if !strings.Contains(err.Error(), c.fix) || !errors.Is(err, cause) {
			t.Errorf("%v should say %q", err, c.fix)
		}
	}
}

func TestS3SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	server := testservers.StartS3(t)
	for name, c := range map[string]struct {
		change func(*S3Config)
		code   leadlake.Code
	}{
		"no such bucket": {func(c *S3Config) { c.Bucket = "no-such-bucket" }, leadlake.Invalid},
		"wrong secret":   {func(c *S3Config) { c.SecretKey = "sesame" }, leadlake.Forbidden},
		"wrong key":      {func(c *S3Config) { c.AccessKey = "nobody" }, leadlake.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := s3Config(t, server, "")
			c.change(&cfg)
			b, err := NewS3Bucket(cfg)
			must(t, err)
			err = b.Put(t.Context(), "a", strings.NewReader("x"))
			wantCode(t, err, c.code)
			if strings.Contains(err.Error(), cfg.SecretKey) {
				t.Errorf("%v shows the secret", err)
			}
		})
	}
	for _, bad := range []S3Config{{Endpoint: "http://host/path"}, {Prefix: "a/../b"}} {
		_, err := NewS3Bucket(bad)
		wantCode(t, err, leadlake.Invalid)
	}
}

func TestFaultyBucket(t *testing.T) {
	t.Parallel()
	lost, down := errors.New("reply lost"), errors.New("down")
	faults := map[int64]Fault{1: {Err: down}, 2: {Lost: lost}, 3: {CutAfter: 2}, 5: {CutAfter: 1}, 6: {Delay: time.Hour}}
	inner := NewMemBucket()
	b := Faulty(inner, func(call int64, _, _ string) Fault { return faults[call] })
	put := func(text string) error { return b.Put(t.Context(), "a", strings.NewReader(text)) }

	if err := put("one"); !errors.Is(err, down) || len(keys(t, inner, "")) > 0 {
		t.Errorf("an error has an effect, or is %v", err)
	}
	if err := put("two"); !errors.Is(err, lost) || read(t, inner, "a") != "two" {
		t.Errorf("a lost reply has no effect, or is %v", err)
	}
	if err := put("three"); !errors.Is(err, io.ErrUnexpectedEOF) || read(t, inner, "a") != "two" {
		t.Errorf("a cut put has an effect, or is %v", err)
	}
	if got := read(t, b, "a"); got != "two" {
		t.Errorf("a call without a fault gives %q", got)
	}
	r, err := b.Get(t.Context(), "a")
	must(t, err)
	if data, err := io.ReadAll(r); string(data) != "t" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a cut get gives %q, %v", data, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := b.Delete(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a slow delete: %v", err)
	}
}

func FuzzCheckKey(f *testing.F) {
	for _, seed := range []string{"a", "a/b", "../a", "/a", "a//b", ".tmp", "a\x00", "ü/ж", `a\..\b`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if checkKey(key) != nil {
			return
		}
		root := filepath.FromSlash("/root/objects")
		path := (&dirDriver{root: root}).path(key)
		if back, err := filepath.Rel(root, path); err != nil || filepath.ToSlash(back) != key {
			t.Errorf("key %q is the file %q", key, path)
		}
	})
}
