package yelp

import (
	"net/http"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
)

// Judge knows Yelp's error codes: the status 429 stands for two limits, and a
// key of the wrong form is a status 400.
func (Source) Judge(status int, header http.Header, body []byte) ingest.Judgement {
	if status < 300 {
		return ingest.Judgement{}
	}
	var code, field, message string
	if gjson.ValidBytes(body) {
		e := gjson.GetBytes(body, "error")
		code, field, message = e.Get("code").String(), e.Get("field").String(), e.Get("description").String()
	}
	j := ingest.Judgement{Message: message}
	switch {
	case status == http.StatusTooManyRequests:
		limit(&j, code, header)
	case status == http.StatusUnauthorized, code == "INVALID_AUTHORIZATION_METHOD",
		code == "VALIDATION_ERROR" && field == "Authorization":
		j.Verdict = ingest.Denied
		if field == "Authorization" {
			j.Message = "the key has not the form of a key" // the description quotes it
		}
	// Nothing is shown of a business without reviews; one that was merged into
	// another or renamed has moved to another id; and no business lies where
	// no place is known.
	case code == "BUSINESS_UNAVAILABLE", code == "BUSINESS_NOT_FOUND", code == "BUSINESS_MIGRATED", code == "LOCATION_NOT_FOUND":
		j.Verdict = ingest.Miss
	case status == http.StatusForbidden:
		j.Verdict = ingest.Refused
	case status >= 500:
		j.Verdict = ingest.Broken
	default:
		j.Verdict = ingest.Wrong
	}
	return j
}

// limit tells the calls of a second from those of a day. Without a code that is
// known, the number of calls that are left tells.
func limit(j *ingest.Judgement, code string, header http.Header) {
	spent := code == "ACCESS_LIMIT_REACHED"
	if code != "TOO_MANY_REQUESTS_PER_SECOND" && header.Get("RateLimit-Remaining") == "0" {
		spent = true
	}
	if !spent {
		j.Verdict, j.Wait = ingest.Slow, time.Second // no Retry-After is sent
		return
	}
	j.Verdict = ingest.Spent
	if until, err := time.Parse(time.RFC3339, header.Get("RateLimit-ResetTime")); err == nil {
		j.Until = until
	}
}
