package clearbit

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
)

// Judge reads Clearbit's statuses: 202 means that it is still looking, 404 that
// it knows nothing, which is free, and 402 that the plan is used up.
func (Source) Judge(status int, header http.Header, body []byte) ingest.Judgement {
	j := ingest.Judgement{Message: message(body)}
	switch status {
	case http.StatusAccepted:
		j.Verdict = ingest.Pending
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		j.Verdict = ingest.Wrong
	case http.StatusUnauthorized:
		j.Verdict = ingest.Denied
	case http.StatusPaymentRequired:
		j.Verdict = ingest.Spent
	case http.StatusForbidden:
		j.Verdict = ingest.Refused
	case http.StatusNotFound:
		j.Verdict = ingest.Miss
	case http.StatusTooManyRequests:
		j.Verdict, j.Wait = ingest.Slow, untilReset(header)
	default:
		return ingest.Judgement{}
	}
	return j
}

// untilReset reads X-RateLimit-Reset, the seconds that are left of the window.
// What is no number of seconds up to an hour is taken for something else.
func untilReset(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("X-RateLimit-Reset"))
	if err != nil || seconds < 0 || seconds > 3600 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// Judge reads Hunter's statuses, where 403 is the limit of the minute and 429
// that the credits are gone: the reverse of what both mean elsewhere. Under 451
// somebody asked Hunter not to be found.
func (ViaHunter) Judge(status int, _ http.Header, body []byte) ingest.Judgement {
	j := ingest.Judgement{Message: message(body)}
	switch status {
	case http.StatusAccepted:
		j.Verdict = ingest.Pending
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		j.Verdict = ingest.Wrong
	case http.StatusUnauthorized:
		j.Verdict = ingest.Denied
	case http.StatusForbidden:
		j.Verdict = ingest.Slow
		if speaksOfPlan(j.Message) {
			j.Verdict = ingest.Refused
		}
	case http.StatusNotFound:
		j.Verdict = ingest.Miss
	case http.StatusPaymentRequired, http.StatusTooManyRequests:
		j.Verdict = ingest.Spent
	case http.StatusUnavailableForLegalReasons:
		j.Verdict = ingest.Erased
	default:
		return ingest.Judgement{}
	}
	return j
}

// speaksOfPlan tells a plan that lacks the method from the limit of the minute.
func speaksOfPlan(text string) bool {
	text = strings.ToLower(text)
	return !strings.Contains(text, "rate") && (strings.Contains(text, "plan") || strings.Contains(text, "upgrade"))
}

// maxMessage is as much as a person wants to read.
const maxMessage = 300

// message finds what the provider says: Clearbit's error is an object or a
// list of them (clearbit-go reads both), Hunter's are a list.
func message(body []byte) string {
	if !json.Valid(body) {
		return ""
	}
	answer := gjson.ParseBytes(body)
	for _, path := range []string{"error.message", "error.type", "error.0.message", "error.0.type", "errors.0.details", "errors.0.id"} {
		if v := answer.Get(path); v.Type == gjson.String && v.Str != "" {
			return cut(v.Str)
		}
	}
	if v := answer.Get("error"); v.Type == gjson.String {
		return cut(v.Str)
	}
	return ""
}

func cut(s string) string {
	if len(s) > maxMessage {
		s = s[:maxMessage] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}
