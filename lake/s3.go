package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/leadlake/leadlake"
)

// S3Config says how to reach an S3 service. The keys come from the environment
// or the vault; they never appear in an error.
type S3Config struct {
	Bucket    string
	Prefix    string // begins every key, without slashes around it; may be empty
	Endpoint  string // host or host:port; AWS by default
	Region    string // us-east-1 by default
	AccessKey string
	SecretKey string
	Insecure  bool // plain HTTP, for a server on the same machine
}

const (
	awsEndpoint   = "s3.amazonaws.com"
	defaultRegion = "us-east-1"

	// partSize is what one upload holds in memory, and the largest object that
	// goes up in one request. S3 allows 10,000 parts: 160 GiB.
	partSize = 16 << 20
)

func (c S3Config) withDefaults() S3Config {
	if c.Endpoint == "" {
		c.Endpoint = awsEndpoint
	}
	if c.Region == "" {
		c.Region = defaultRegion
	}
	c.Prefix = strings.Trim(c.Prefix, "/")
	return c
}

// withLocation sets bucket and prefix from "s3://bucket/prefix".
func (c S3Config) withLocation(location string) (S3Config, error) {
	rest, ok := strings.CutPrefix(location, "s3://")
	bucket, prefix, _ := strings.Cut(rest, "/")
	if !ok || bucket == "" {
		return c, leadlake.Errorf(leadlake.Invalid, "object location %q is not an S3 address", location).
			WithFix("write it as s3://bucket or s3://bucket/prefix")
	}
	c.Bucket, c.Prefix = bucket, prefix
	return c, nil
}

// NewS3Bucket keeps objects in an existing S3 bucket. It does not connect.
func NewS3Bucket(cfg S3Config) (*Bucket, error) {
	cfg = cfg.withDefaults()
	if cfg.Prefix != "" {
		if err := checkKey(cfg.Prefix); err != nil {
			return nil, fmt.Errorf("open s3 bucket: prefix: %w", err)
		}
	}
	client, err := minio.New(cfg.Endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, ""),
		Secure: !cfg.Insecure,
		Region: cfg.Region,
	})
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Invalid, "open s3 bucket at %s: %w", cfg.Endpoint, err).
			WithFix("give the endpoint as host or host:port, without a scheme")
	}
	d := &s3Driver{client: client, bucket: cfg.Bucket}
	if cfg.Prefix != "" {
		d.prefix = cfg.Prefix + "/"
	}
	url := func(key string) string { return "s3://" + d.bucket + "/" + d.prefix + key }
	return &Bucket{driver: d, url: url}, nil
}

type s3Driver struct {
	client *minio.Client
	bucket string
	prefix string // with its slash, or empty
}

// put sends a small object in one request and a large one in parts. The part
// in hand is complete before the first request, so an error of r leaves
// nothing behind.
func (d *s3Driver) put(ctx context.Context, key string, r io.Reader, ifAbsent bool) (bool, error) {
	head, err := io.ReadAll(io.LimitReader(r, partSize+1))
	if err != nil {
		return false, err
	}
	switch {
	case len(head) <= partSize:
		return d.send(ctx, key, bytes.NewReader(head), int64(len(head)), ifAbsent)
	case ifAbsent:
		return d.spool(ctx, key, io.MultiReader(bytes.NewReader(head), r))
	default:
		return d.send(ctx, key, io.MultiReader(bytes.NewReader(head), r), -1, false)
	}
}

// send uploads; a size of -1 means in parts, to the end of body.
func (d *s3Driver) send(ctx context.Context, key string, body io.Reader, size int64, ifAbsent bool) (bool, error) {
	options := minio.PutObjectOptions{PartSize: partSize}
	if ifAbsent {
		options.SetMatchETagExcept("*")
		options.DisableMultipart = true // minio-go sends the condition with a single request only
	}
	_, err := d.client.PutObject(ctx, d.bucket, d.prefix+key, body, size, options)
	if ifAbsent && minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed {
		return false, nil
	}
	return err == nil, d.explain(err)
}

// spool puts a large object that must be new: by way of a file, because one
// request needs to know the size.
func (d *s3Driver) spool(ctx context.Context, key string, r io.Reader) (created bool, err error) {
	f, err := os.CreateTemp("", "leadlake-put-*")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	size, err := io.Copy(f, contextReader{ctx, r})
	if err != nil {
		return false, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	return d.send(ctx, key, f, size, true)
}

func (d *s3Driver) get(ctx context.Context, key string) (object, error) {
	if _, err := d.stat(ctx, key); err != nil {
		return nil, err
	}
	o, err := d.client.GetObject(ctx, d.bucket, d.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return nil, d.explain(err)
	}
	start := func() (io.ReadCloser, error) {
		body, _, _, err := minio.Core{Client: d.client}.GetObject(ctx, d.bucket, d.prefix+key, minio.GetObjectOptions{})
		return body, d.explain(err)
	}
	return &s3Object{Object: o, start: start}, nil
}

// s3Object reads from the front with one request, and so one version of an
// object that is being replaced. ReadAt and Seek are minio-go's, with a
// request each, and do not move Read.
type s3Object struct {
	*minio.Object
	start func() (io.ReadCloser, error)
	body  io.ReadCloser // nil before the first Read
}

func (o *s3Object) Read(p []byte) (int, error) {
	if o.body == nil {
		body, err := o.start()
		if err != nil {
			return 0, err
		}
		o.body = body
	}
	return o.body.Read(p)
}

func (o *s3Object) Close() error {
	var err error
	if o.body != nil {
		err = o.body.Close()
	}
	return errors.Join(err, o.Object.Close())
}

func (d *s3Driver) stat(ctx context.Context, key string) (ObjectInfo, error) {
	info, err := d.client.StatObject(ctx, d.bucket, d.prefix+key, minio.StatObjectOptions{})
	if err != nil {
		return ObjectInfo{}, d.explain(err)
	}
	return ObjectInfo{Key: key, Size: info.Size, ModTime: info.LastModified}, nil
}

func (d *s3Driver) list(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return func(yield func(ObjectInfo, error) bool) {
		options := minio.ListObjectsOptions{Prefix: d.prefix + prefix, Recursive: true}
		for o := range d.client.ListObjectsIter(ctx, d.bucket, options) {
			if o.Err != nil {
				yield(ObjectInfo{}, d.explain(o.Err))
				return
			}
			key := strings.TrimPrefix(o.Key, d.prefix)
			if strings.HasSuffix(key, "/") {
				continue // a folder marker of some other tool
			}
			if !yield(ObjectInfo{Key: key, Size: o.Size, ModTime: o.LastModified}, nil) {
				return
			}
		}
	}
}

func (d *s3Driver) delete(ctx context.Context, key string) error {
	err := d.explain(d.client.RemoveObject(ctx, d.bucket, d.prefix+key, minio.RemoveObjectOptions{}))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// explain turns what the server said into what a Bucket knows, or into an
// error with a remedy.
func (d *s3Driver) explain(err error) error {
	if err == nil {
		return nil
	}
	response := minio.ToErrorResponse(err)
	switch response.Code {
	case minio.NoSuchKey:
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case minio.NoSuchBucket:
		return leadlake.Errorf(leadlake.Invalid, "s3 bucket %s does not exist: %w", d.bucket, err).
			WithFix("create it, or correct the name")
	case minio.AccessDenied, "InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound":
		return leadlake.Errorf(leadlake.Forbidden, "s3 bucket %s refuses the key: %w", d.bucket, err).
			WithFix("check the access key, the secret key and the rights on the bucket")
	case "ObjectParentIsFile", "ExistingObjectIsDirectory":
		return fmt.Errorf("%w: %w", errFolder, err)
	}
	if response.StatusCode == 0 || response.StatusCode >= 500 {
		// minio-go has retried already.
		return leadlake.Errorf(leadlake.Unavailable, "reach s3 bucket %s: %w", d.bucket, err).
			WithFix("check the endpoint and the network, then try again")
	}
	return err
}
