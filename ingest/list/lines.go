package list

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/leadlake/leadlake"
)

const (
	// maxLine bounds a row that is read as a record; a longer one is kept,
	// whole, in quarantine.
	maxLine = 1 << 20
	// maxKept bounds what is kept. It is the bound of this package's memory.
	maxKept = 64 << 20
)

// lines cuts a text into its physical lines and can take lines back.
type lines struct {
	file string
	r    *bufio.Reader
	end  byte  // last byte of a line end: \n, or \r in files of old Macs
	num  int64 // number of the line that next returned last, from 1

	long  []byte // a line longer than the reader's buffer
	again []byte // lines taken back, from offset again[at:]
	at    int
}

func newLines(file string, r io.Reader) *lines {
	l := &lines{file: file, r: bufio.NewReaderSize(r, 256<<10), end: '\n'}
	// The error, if any, comes again with the first read.
	head, _ := l.r.Peek(64 << 10)
	if bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 {
		l.end = '\r'
	}
	return l
}

// next returns a line with its line end. It is valid until the next call. The
// last line may lack the end; after it comes io.EOF.
func (l *lines) next() ([]byte, error) {
	if l.at < len(l.again) {
		line := l.again[l.at:]
		if i := bytes.IndexByte(line, l.end); i >= 0 {
			line = line[:i+1]
		}
		l.at += len(line)
		l.num++
		return line, nil
	}
	l.again, l.at = nil, 0
	line, err := l.r.ReadSlice(l.end)
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.readLong(line)
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		if len(line) == 0 {
			return nil, io.EOF
		}
	case leadlake.ErrorCode(err) == leadlake.Invalid:
		return nil, err
	default:
		return nil, leadlake.Errorf(leadlake.Unavailable, "read list %s, line %d: %w", l.file, l.num+1, err)
	}
	l.num++
	return line, nil
}

func (l *lines) readLong(start []byte) ([]byte, error) {
	l.long = append(l.long[:0], start...)
	for {
		part, err := l.r.ReadSlice(l.end)
		l.long = append(l.long, part...)
		if len(l.long) > maxKept {
			return nil, leadlake.Errorf(leadlake.Invalid, "list %s, line %d: the line is longer than %d MiB", l.file, l.num+1, maxKept>>20).
				WithFix("check that the file is a text file with one row a line")
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return l.long, err
		}
	}
}

// unread takes back text, which are the count lines returned last.
func (l *lines) unread(text []byte, count int64) {
	l.num -= count
	if l.at >= len(text) { // they came from again, where they still are
		l.at -= len(text)
		return
	}
	l.again = append(bytes.Clone(text), l.again[l.at:]...)
	l.at = 0
}

// trimEnd cuts the line end off.
func trimEnd(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}
