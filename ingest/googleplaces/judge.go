package googleplaces

import (
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
)

// Judge knows Google's reasons: a wrong key is a status 400, and a status 429
// stands for the quota of a minute as well as for that of a day.
func (Source) Judge(status int, _ http.Header, body []byte) ingest.Judgement {
	if status < 300 {
		return ingest.Judgement{}
	}
	var reason, quota, message string
	if gjson.ValidBytes(body) {
		e := gjson.GetBytes(body, "error")
		message = e.Get("message").String()
		reason = e.Get("details.#.reason|0").String()
		quota = e.Get("details.#.metadata.quota_limit|0").String()
	}
	j := ingest.Judgement{Message: message}
	switch {
	case status == http.StatusTooManyRequests:
		j.Verdict = ingest.Slow
		// Only the name of the limit tells; the message repeats it in words.
		if strings.Contains(quota, "PerDay") || quota == "" && strings.Contains(message, "per day") {
			j.Verdict = ingest.Spent
		}
	case status == http.StatusUnauthorized, reason == "API_KEY_INVALID", reason == "API_KEY_EXPIRED",
		status == http.StatusBadRequest && strings.HasPrefix(message, "API key not valid"):
		j.Verdict = ingest.Denied
	case status == http.StatusForbidden:
		j.Verdict = ingest.Refused
		// A key that is tied to other callers than this one is the wrong key;
		// one that is barred from the service, or a project without billing or
		// without the service, lacks the right.
		if strings.HasPrefix(reason, "API_KEY_") && reason != "API_KEY_SERVICE_BLOCKED" {
			j.Verdict = ingest.Denied
		}
	case status == http.StatusNotFound:
		j.Verdict = ingest.Miss
	case status >= 500:
		j.Verdict = ingest.Broken
	case status >= 400:
		j.Verdict = ingest.Wrong
	}
	return j
}
