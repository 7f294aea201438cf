package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/leadlake/leadlake"
)

// A frame is four bytes of length, the highest first, and so much JSON. The
// door begins with an answerFrame of id 0, which says that it is ready, or why
// it never will be. Then the asker sends askFrames, and the door answerFrames,
// in any order.

// maxFrame bounds a frame: twice the largest answer, in base64.
const maxFrame = 128 << 20

// askFrame asks for a call, or says that nobody waits for it any more.
type askFrame struct {
	ID     uint64      `json:"id"`
	Cancel bool        `json:"cancel,omitempty"`
	Call   Call        `json:"call"`
	Method string      `json:"method,omitempty"`
	URL    string      `json:"url,omitempty"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
}

// answerFrame has an answer or an error. That of id 0 is about the door itself.
type answerFrame struct {
	ID     uint64     `json:"id"`
	Answer *exchange  `json:"answer,omitempty"`
	Error  *wireError `json:"error,omitempty"`
}

// wireError is an error as it travels.
type wireError struct {
	Code    leadlake.Code `json:"code"`
	Message string        `json:"message"`
	Fix     string        `json:"fix,omitempty"`
}

func toWireError(err error) *wireError {
	e := &wireError{Code: leadlake.ErrorCode(err), Message: err.Error()}
	var ours *leadlake.Error
	if errors.As(err, &ours) && ours.Fix != "" {
		e.Fix = ours.Fix
		// The text of the whole chain ends with the fix of the innermost.
		if cut := len(e.Message) - len("; "+ours.Fix); cut > 0 && e.Message[cut:] == "; "+ours.Fix {
			e.Message = e.Message[:cut]
		}
	}
	return e
}

func (e *wireError) err() error {
	err := leadlake.Errorf(e.Code, "%s", e.Message)
	if e.Fix != "" {
		return err.WithFix("%s", e.Fix)
	}
	return err
}

// frames writes frames whole, from many goroutines.
type frames struct {
	mu sync.Mutex
	w  io.Writer
}

func (f *frames) write(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(text) > maxFrame {
		return leadlake.Errorf(leadlake.Invalid, "a message to or from the door has %d bytes, more than %d", len(text), maxFrame)
	}
	framed := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(text)), uint32(len(text)))
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err = f.w.Write(append(framed, text...))
	return err
}

// readFrame returns io.EOF, or io.ErrUnexpectedEOF within a frame, where the
// other side is gone.
func readFrame(r io.Reader, v any) error {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxFrame {
		return fmt.Errorf("read frame: %d bytes are more than %d", n, maxFrame)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}
