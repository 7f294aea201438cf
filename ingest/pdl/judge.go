package pdl

import (
	"net/http"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
)

// Judge knows the statuses of People Data Labs: 404 is an answer, and free of
// charge; 402 says that the records that were bought are used up.
func (Source) Judge(status int, header http.Header, body []byte) ingest.Judgement {
	if status < 300 {
		return ingest.Judgement{}
	}
	kind, message := reason(body)
	j := ingest.Judgement{Message: message}
	switch {
	case status == http.StatusUnauthorized:
		j.Verdict = ingest.Denied
	case status == http.StatusPaymentRequired:
		j.Verdict = ingest.Spent
	case status == http.StatusForbidden:
		j.Verdict = ingest.Refused
	case status == http.StatusNotFound && kind == "not_found":
		j.Verdict = ingest.Miss
	case status == http.StatusTooManyRequests:
		limit(&j, header)
	case status >= 500:
		j.Verdict = ingest.Broken
	default:
		j.Verdict = ingest.Wrong
	}
	return j
}

// reason reads an error, whose type is a text in some and a list in others.
func reason(body []byte) (kind, message string) {
	if !gjson.ValidBytes(body) {
		return "", ""
	}
	e := gjson.GetBytes(body, "error")
	t := e.Get("type")
	if t.IsArray() {
		t = t.Get("0")
	}
	return t.String(), e.Get("message").String()
}

// limit reads when the window ends. X-RateLimit-Remaining holds JSON, with the
// calls that are left of a minute, a day and a month; null where there is no
// such limit.
func limit(j *ingest.Judgement, header http.Header) {
	reset, err := time.Parse(time.RFC3339, header.Get("X-RateLimit-Reset"))
	left := header.Get("X-RateLimit-Remaining")
	if gjson.Valid(left) && (isZero(left, "day") || isZero(left, "month")) {
		j.Verdict = ingest.Spent
		if err == nil {
			j.Until = reset
		}
		return
	}
	j.Verdict = ingest.Slow
	// The reset is a time of day, and the clock that it goes by is the answer's.
	if now, dated := http.ParseTime(header.Get("Date")); err == nil && dated == nil && reset.After(now) {
		j.Wait = reset.Sub(now)
	}
}

func isZero(counts, window string) bool {
	n := gjson.Get(counts, window)
	return n.Type == gjson.Number && n.Num == 0 || strings.TrimSpace(n.Str) == "0"
}
