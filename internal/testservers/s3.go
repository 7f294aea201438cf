package testservers

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3 is a running S3 service without buckets. It speaks plain HTTP.
type S3 struct {
	Endpoint  string // host:port
	Region    string
	AccessKey string
	SecretKey string

	made atomic.Int64 // buckets
}

// StartS3 runs versitygw over a temporary folder on a free loopback port until
// the test ends. Subtests share it by asking for a Bucket each.
func StartS3(t testing.TB) *S3 {
	t.Helper()
	program := find(t, "versitygw")
	s3 := &S3{
		Endpoint:  net.JoinHostPort("127.0.0.1", freePort(t)),
		Region:    "us-east-1",
		AccessKey: "test-access-key",
		SecretKey: "test-secret-key",
	}
	dir := t.TempDir()
	for _, sub := range []string{"data", "meta"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatalf("start versitygw: %v", err)
		}
	}
	// The sidecar keeps object attributes in files, which works on every file
	// system.
	s := start(t, nil, program, "--port", s3.Endpoint, "--access", s3.AccessKey, "--secret", s3.SecretKey,
		"--region", s3.Region, "posix", "--sidecar", filepath.Join(dir, "meta"), filepath.Join(dir, "data"))
	s.ready(t, func() error {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s3.Endpoint)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	return s3
}

// Bucket creates an empty bucket and returns its name.
func (s *S3) Bucket(t testing.TB) string {
	t.Helper()
	client, err := minio.New(s.Endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""),
		Region: s.Region,
	})
	if err != nil {
		t.Fatalf("create bucket: %v", err)
	}
	name := fmt.Sprintf("test-%d", s.made.Add(1))
	if err := client.MakeBucket(t.Context(), name, minio.MakeBucketOptions{Region: s.Region}); err != nil {
		t.Fatalf("create bucket: %v", err)
	}
	return name
}
