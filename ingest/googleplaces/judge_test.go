package googleplaces_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/googleplaces"
)

func TestJudge_reads_the_reason(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status                 int
		reason, quota, message string
		want                   ingest.Judgement
	}{
		{status: 200},
		{status: 429, reason: "RATE_LIMIT_EXCEEDED", quota: "SearchTextRequestPerMinutePerProject", want: ingest.Judgement{Verdict: ingest.Slow}},
		{status: 429, reason: "RATE_LIMIT_EXCEEDED", quota: "SearchTextRequestPerDayPerProject", want: ingest.Judgement{Verdict: ingest.Spent}},
		{status: 429, message: "limit 'SearchText requests per day'", want: ingest.Judgement{Verdict: ingest.Spent}},
		{status: 429, want: ingest.Judgement{Verdict: ingest.Slow}},
		{status: 400, reason: "API_KEY_INVALID", want: ingest.Judgement{Verdict: ingest.Denied}},
		{status: 400, message: "API key not valid. Please pass one that is.", want: ingest.Judgement{Verdict: ingest.Denied}},
		{status: 400, message: "the mask is wrong", want: ingest.Judgement{Verdict: ingest.Wrong}},
		{status: 401, want: ingest.Judgement{Verdict: ingest.Denied}},
		{status: 403, reason: "API_KEY_SERVICE_BLOCKED", want: ingest.Judgement{Verdict: ingest.Refused}},
		{status: 403, reason: "SERVICE_DISABLED", want: ingest.Judgement{Verdict: ingest.Refused}},
		{status: 403, reason: "BILLING_DISABLED", want: ingest.Judgement{Verdict: ingest.Refused}},
		{status: 403, reason: "API_KEY_IOS_APP_BLOCKED", want: ingest.Judgement{Verdict: ingest.Denied}},
		{status: 403, want: ingest.Judgement{Verdict: ingest.Refused}},
		{status: 404, want: ingest.Judgement{Verdict: ingest.Miss}},
		{status: 500, want: ingest.Judgement{Verdict: ingest.Broken}},
		{status: 503, want: ingest.Judgement{Verdict: ingest.Broken}},
	} {
		body := fmt.Sprintf(`{"error":{"message":%q,"details":[{"@type":"x"},{"reason":%q,"metadata":{"quota_limit":%q}}]}}`,
			tt.message, tt.reason, tt.quota)
		tt.want.Message = tt.message
		if tt.status == 200 {
			tt.want.Message = ""
		}
		if got := (googleplaces.Source{}).Judge(tt.status, nil, []byte(body)); got != tt.want {
			t.Errorf("%d %s: %+v, want %+v", tt.status, body, got, tt.want)
		}
	}
	if got := (googleplaces.Source{}).Judge(429, nil, []byte("<html>")); got.Verdict != ingest.Slow {
		t.Errorf("429 without JSON: %+v", got)
	}
}

func TestLegacy_judge_reads_the_outcome_from_the_body(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status  int
		body    string
		verdict ingest.Verdict
		wait    time.Duration
	}{
		{200, `{"status":"OK"}`, "", 0},
		{200, `{"status":"ZERO_RESULTS"}`, "", 0},
		{200, `{"status":"INVALID_REQUEST"}`, ingest.Slow, 2 * time.Second},
		{200, `{"status":"OVER_QUERY_LIMIT"}`, ingest.Slow, 0},
		{200, `{"status":"OVER_QUERY_LIMIT","error_message":"You have exceeded your daily request quota"}`, ingest.Spent, 0},
		{200, `{"status":"OVER_DAILY_LIMIT"}`, ingest.Spent, 0},
		{200, `{"status":"REQUEST_DENIED","error_message":"The provided API key is invalid."}`, ingest.Denied, 0},
		{200, `{"status":"REQUEST_DENIED","error_message":"You're calling a legacy API"}`, ingest.Refused, 0},
		{200, `{"status":"NOT_FOUND"}`, ingest.Miss, 0},
		{200, `{"status":"UNKNOWN_ERROR"}`, ingest.Broken, 0},
		{200, `<html>`, "", 0},
		{503, `{"status":"OVER_QUERY_LIMIT"}`, "", 0},
	} {
		got := googleplaces.Legacy{}.Judge(tt.status, nil, []byte(tt.body))
		if got.Verdict != tt.verdict || got.Wait != tt.wait {
			t.Errorf("%d %s: %+v, want %q and %v", tt.status, tt.body, got, tt.verdict, tt.wait)
		}
	}
}
