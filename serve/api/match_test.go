package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/leadlake/leadlake"
)

// fixedMatcher knows one campaign.
type fixedMatcher struct{}

func (fixedMatcher) Match(_ context.Context, campaignID string, r MatchRequest) (leadlake.MatchResult, error) {
	if campaignID != "denver-plumbers" {
		return leadlake.MatchResult{}, leadlake.Errorf(leadlake.NotFound, "campaign %q has published nothing", campaignID)
	}
	if r.Record.Name == "" {
		return leadlake.MatchResult{}, leadlake.Errorf(leadlake.Invalid, "nothing to find a lead by")
	}
	return leadlake.MatchResult{CampaignID: campaignID, RunID: "r1", Compared: 3, Candidates: []leadlake.MatchCandidate{{
		LeadID: "a", Name: r.Record.Name, Compared: 1, Pair: leadlake.PairExplanation{
			Left: leadlake.RecordKey{Provider: "list", Key: "1"}, Weight: 3, Probability: 8.0 / 9, Threshold: 0.5, IsMatch: true, Model: "1",
			Parts: []leadlake.WeightPart{{Comparison: "prior", Meaning: "nothing is known", Weight: 3, Default: 3}},
		},
	}}}, nil
}

func TestMatch_answers_as_openapi_says(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	operation := doc.Paths.Value("/v1/match").Post
	handler, err := New(Config{Matcher: fixedMatcher{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		body string
		want int
	}{
		{`{"campaign": "Denver plumbers", "record": {"name": "Ace", "lat": 39.7, "lon": -105}, "candidates": 2}`, http.StatusOK},
		{`{"campaign": "Other", "record": {"name": "Ace"}}`, http.StatusNotFound},
		{`{"campaign": "Denver plumbers", "record": {}}`, http.StatusBadRequest},
		{`{"record": {"name": "Ace"}}`, http.StatusBadRequest},
		{`{"campaign": "Denver plumbers", "record": {"title": "Ace"}}`, http.StatusBadRequest},
		{`{"campaign": "Denver plumbers", "record": {"name": "Ace"}} {}`, http.StatusBadRequest},
		{`not json`, http.StatusBadRequest},
		{`{"campaign": "` + strings.Repeat("x", maxMatchBody) + `"}`, http.StatusBadRequest},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/match", strings.NewReader(c.body)))
		response := operation.Responses.Status(w.Code)
		if w.Code != c.want || response == nil {
			t.Errorf("%.60s: status %d, want %d: %s", c.body, w.Code, c.want, w.Body)
			continue
		}
		mediaType, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
		content := response.Value.Content.Get(mediaType)
		if content == nil {
			t.Errorf("%.60s: %q is not in openapi.json", c.body, mediaType)
			continue
		}
		var answer any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if err := content.Schema.Value.VisitJSON(answer); err != nil {
			t.Errorf("%.60s: %v", c.body, err)
		}
	}
}

func TestMatch_is_not_there_without_a_matcher(t *testing.T) {
	t.Parallel()
	handler, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/match", strings.NewReader("{}")))
	if w.Code != http.StatusNotFound {
		t.Errorf("status %d", w.Code)
	}
}
