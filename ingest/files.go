package ingest

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/leadlake/leadlake"
)

// File is an open list.
type File interface {
	io.Reader
	io.ReaderAt
	io.Seeker
	io.Closer
}

// OpenFile opens a file of the machine.
func OpenFile(path string) (File, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, leadlake.Errorf(leadlake.Invalid, "open list %s: there is no such file", path).
			WithFix("check the path: one in a campaign file starts at that file's folder")
	case errors.Is(err, fs.ErrPermission):
		return nil, leadlake.Errorf(leadlake.Invalid, "open list %s: the file may not be read", path).
			WithFix("give yourself the right to read it")
	case err != nil:
		return nil, leadlake.Errorf(leadlake.Invalid, "open list %s: %w", path, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = leadlake.Errorf(leadlake.Invalid, "open list %s: it is no file but a directory or device", path).
			WithFix("name one file in it")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
