package lake

import (
	"os"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

func TestFullDiskIsNamed(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	must(t, err)
	defer full.Close()
	_, cause := full.WriteString("x")
	err = bucketError("put", "a", cause)
	wantCode(t, err, leadlake.Unavailable)
	if !strings.Contains(err.Error(), "disk is full") {
		t.Error(err)
	}
}

func TestReadOnlyFolderIsNamed(t *testing.T) {
	t.Parallel()
	const readOnly = "/sys/leadlake" // where not even root makes folders
	b, err := NewDirBucket(readOnly)
	must(t, err)
	err = b.Put(t.Context(), "a", strings.NewReader("x"))
	wantCode(t, err, leadlake.Invalid)
	if !strings.Contains(err.Error(), "make it writable") {
		t.Error(err)
	}
	_, err = Open(t.Context(), Config{Home: readOnly})
	wantCode(t, err, leadlake.Invalid)
	if !strings.Contains(err.Error(), "--home") {
		t.Error(err)
	}
}
