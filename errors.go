package leadlake

import (
	"errors"
	"fmt"
	"net/http"
)

// Code classifies an error by what the caller can do about it.
type Code string

// The codes. Unknown errors count as Internal.
const (
	Invalid      Code = "invalid"      // the input is wrong; sending it again cannot help
	NotFound     Code = "not_found"    // the named thing does not exist
	Conflict     Code = "conflict"     // somebody else holds or changed it
	Unauthorized Code = "unauthorized" // no valid credential was given
	Forbidden    Code = "forbidden"    // the credential may not do this
	RateLimited  Code = "rate_limited" // too many calls; wait, then try again
	Budget       Code = "budget"       // the spend limit is reached
	Unavailable  Code = "unavailable"  // a part or a provider is down; try again
	InDoubt      Code = "in_doubt"     // sent, but whether it took effect is unknown
	Internal     Code = "internal"     // a fault of ours
)

// codeTable is the one place that says what a code means over HTTP and for a
// retry loop.
var codeTable = map[Code]struct {
	status int
	retry  bool
}{
	Invalid:      {http.StatusBadRequest, false},
	NotFound:     {http.StatusNotFound, false},
	Conflict:     {http.StatusConflict, false},
	Unauthorized: {http.StatusUnauthorized, false},
	Forbidden:    {http.StatusForbidden, false},
	RateLimited:  {http.StatusTooManyRequests, true},
	Budget:       {http.StatusPaymentRequired, false},
	Unavailable:  {http.StatusServiceUnavailable, true},
	InDoubt:      {http.StatusBadGateway, false},
	Internal:     {http.StatusInternalServerError, false},
}

// HTTPStatus is the status that an HTTP answer with this code carries.
func (c Code) HTTPStatus() int {
	if row, ok := codeTable[c]; ok {
		return row.status
	}
	return http.StatusInternalServerError
}

// Retryable says whether the same call may succeed later without a change.
func (c Code) Retryable() bool { return codeTable[c].retry }

// Error is the one error type that carries a code across packages.
type Error struct {
	Code    Code
	Message string // what is wrong, for the person who asked
	Fix     string // what to do about it; empty where the message says it
	Err     error  // the cause, for logs; may be nil
}

// Errorf makes an Error. A %w verb keeps its operand as the cause.
func Errorf(code Code, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: wrapped.Error(), Err: errors.Unwrap(wrapped)}
}

// WithFix returns a copy of e that names the remedy.
func (e *Error) WithFix(format string, args ...any) *Error {
	c := *e
	c.Fix = fmt.Sprintf(format, args...)
	return &c
}

func (e *Error) Error() string {
	if e.Fix == "" {
		return e.Message
	}
	return e.Message + "; " + e.Fix
}

func (e *Error) Unwrap() error { return e.Err }

// ErrorCode returns the code of err: "" for nil, Internal where none is known.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// ErrorMessage returns the text that a user may see. The text of an internal
// error stays in the log.
func ErrorMessage(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Code != Internal {
		return e.Error()
	}
	return "an internal error occurred; the log has the details under the request id"
}
