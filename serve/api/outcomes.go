package api

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/leadlake/leadlake"
)

// Outcomes takes in an outcome that a destination sends by itself: it checks
// who calls, and what is said is durable when it returns.
type Outcomes func(ctx context.Context, destination string, header http.Header, body []byte) error

// maxOutcome is the longest body of an outcome: what Standard Webhooks advises.
const maxOutcome = 20_000

func (s *server) receiveOutcome(c *gin.Context) {
	if s.Outcomes == nil {
		s.fail(c, leadlake.Errorf(leadlake.NotFound, "no outcomes are taken here"))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxOutcome))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		s.problem(c, http.StatusRequestEntityTooLarge, leadlake.Invalid, "the body is longer than 20 kB")
		return
	case err != nil:
		s.fail(c, leadlake.Errorf(leadlake.Invalid, "read body: %w", err))
		return
	}
	if err := s.Outcomes(c.Request.Context(), c.Param("destination"), c.Request.Header, body); err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Status(http.StatusNoContent)
}
