package wire

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/leadlake/leadlake"
)

// Spool is a Doer that keeps answers in a folder until they are landed, so
// that an answer that was paid for is not asked for again when its asker dies.
// The folder belongs to one run: an id says the same there as long as it lives.
type Spool struct {
	dir  string
	next Doer
}

var _ Doer = (*Spool)(nil)

// NewSpool keeps the answers of next in dir, which it creates.
func NewSpool(dir string, next Doer) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, leadlake.Errorf(leadlake.Invalid, "open spool: %w", err).
			WithFix("choose a folder that you may write to")
	}
	return &Spool{dir, next}, nil
}

// Do gives the answer that an earlier call of the same RequestID brought, or
// sends req on and returns its answer once that is durable. It keeps what tells
// something about the subject. What says that the call did not work, such as a
// wrong key, is not kept: the next try may go better.
func (s *Spool) Do(req *http.Request) (*http.Response, error) {
	id := callOf(req.Context()).RequestID
	if id == "" {
		return s.next.Do(req)
	}
	path := s.path(id)
	// A file that cannot be read was harmed after it was written; asking again
	// is all that is left.
	if x, err := load(path); err == nil && x != nil {
		return x.response(req)
	}
	resp, err := s.next.Do(req)
	if err != nil || !kept(JudgementOf(resp).Verdict) {
		return resp, err
	}
	x, err := exchangeOf(resp)
	if err != nil {
		return nil, err
	}
	if err := save(path, x); err != nil {
		return nil, leadlake.Errorf(leadlake.Unavailable, "keep answer %s: %w", id, err).WithFix("make room on the disk of %s", s.dir)
	}
	return resp, nil
}

func kept(v Verdict) bool { return v == Fine || v == Miss || v == Erased }

// Forget removes an answer that has landed. One that is not there is no error.
func (s *Spool) Forget(requestID string) error {
	if err := os.Remove(s.path(requestID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget answer %s: %w", requestID, err)
	}
	return nil
}

func (s *Spool) path(requestID string) string { return filepath.Join(s.dir, fileName(requestID)) }
