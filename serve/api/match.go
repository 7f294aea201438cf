package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/leadlake/leadlake"
)

// Matcher finds the leads of a campaign that a record may be. It is Unavailable
// while it is not ready for a campaign.
type Matcher interface {
	Match(ctx context.Context, campaignID string, r MatchRequest) (leadlake.MatchResult, error)
}

// MatchRequest is the body of POST /v1/match.
type MatchRequest struct {
	Campaign   string               `json:"campaign"` // id or name
	Record     leadlake.MatchRecord `json:"record"`
	Candidates int                  `json:"candidates"` // at most; 5 by default
	Least      float64              `json:"least"`      // smallest probability of a candidate
}

// maxMatchBody is how long the body may be.
const maxMatchBody = 64 << 10

// matchRecord answers POST /v1/match.
func (s *server) matchRecord(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	if s.Matcher == nil {
		s.fail(c, leadlake.Errorf(leadlake.NotFound, "this service does not match records"))
		return
	}
	r, err := readMatch(http.MaxBytesReader(c.Writer, c.Request.Body, maxMatchBody))
	if err != nil {
		s.fail(c, err)
		return
	}
	result, err := s.Matcher.Match(c.Request.Context(), leadlake.CampaignSpec{Name: r.Campaign}.ID(), r)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, result)
}

// readMatch reads one request, strictly: a misspelt field would be a record
// without it.
func readMatch(body io.Reader) (MatchRequest, error) {
	var r MatchRequest
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			return r, leadlake.Errorf(leadlake.Invalid, "the body has more than %d bytes", maxMatchBody)
		}
		return r, leadlake.Errorf(leadlake.Invalid, "the body cannot be read: %w", err).
			WithFix(`send {"campaign": "...", "record": {"name": "..."}}; GET /openapi.json has all fields`)
	}
	if decoder.More() {
		return r, leadlake.Errorf(leadlake.Invalid, "the body has more than one request").WithFix("send one record at a time")
	}
	if r.Campaign == "" {
		return r, leadlake.Errorf(leadlake.Invalid, "campaign is missing").WithFix("name the campaign whose leads the record may be")
	}
	return r, nil
}
