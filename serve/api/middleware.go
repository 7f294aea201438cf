package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/leadlake/leadlake"
)

const requestIDHeader = "X-Request-Id"

// identify gives each request an id, the caller's own where it is a sane one,
// and writes one log line a request.
func (s *server) identify(c *gin.Context) {
	start := time.Now()
	id := c.GetHeader(requestIDHeader)
	if !isRequestID(id) {
		id = s.NewID()
	}
	c.Set(requestIDHeader, id)
	c.Header(requestIDHeader, id)
	c.Header("X-Content-Type-Options", "nosniff")
	c.Next()
	level := slog.LevelDebug
	if c.Writer.Status() >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	s.Log.Log(c.Request.Context(), level, "request", "request_id", id, "method", c.Request.Method,
		"path", c.Request.URL.Path, "status", c.Writer.Status(), "dur_ms", time.Since(start).Milliseconds())
}

func isRequestID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, r := range id {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		default:
			return false
		}
	}
	return true
}

// recover turns a panic into an internal error and keeps the service up.
func (s *server) recover(c *gin.Context) {
	defer func() {
		if p := recover(); p != nil {
			s.Log.Error("request panicked", "request_id", c.GetString(requestIDHeader), "err", p, "stack", string(debug.Stack()))
			s.problem(c, http.StatusInternalServerError, leadlake.Internal, leadlake.ErrorMessage(errors.New("panic")))
		}
	}()
	c.Next()
}

// problem is the error body of RFC 9457.
type problem struct {
	Type      string        `json:"type"`
	Title     string        `json:"title"`
	Status    int           `json:"status"`
	Detail    string        `json:"detail"`
	Code      leadlake.Code `json:"code"`
	Retryable bool          `json:"retryable"`
	RequestID string        `json:"request_id"`
}

// fail answers with the problem that err stands for. The text of an internal
// error goes to the log only.
func (s *server) fail(c *gin.Context, err error) {
	if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
		c.Abort() // the caller has gone
		return
	}
	code := leadlake.ErrorCode(err)
	if code == leadlake.Internal {
		s.Log.Error("request failed", "request_id", c.GetString(requestIDHeader), "err", err)
	}
	s.problem(c, code.HTTPStatus(), code, leadlake.ErrorMessage(err))
}

func (s *server) problem(c *gin.Context, status int, code leadlake.Code, detail string) {
	c.Header("Cache-Control", "no-store")
	if code.Retryable() {
		c.Header("Retry-After", "5")
	}
	c.Header("Content-Type", "application/problem+json")
	c.AbortWithStatusJSON(status, problem{
		Type:      "about:blank",
		Title:     http.StatusText(status),
		Status:    status,
		Detail:    detail,
		Code:      code,
		Retryable: code.Retryable(),
		RequestID: c.GetString(requestIDHeader),
	})
}
