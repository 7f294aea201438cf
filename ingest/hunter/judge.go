package hunter

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
)

// Judge reads Hunter's statuses, where 403 is the limit of the minute and 429
// that the credits are gone: the reverse of what both mean elsewhere. Under 451
// somebody asked Hunter not to be found.
func (Source) Judge(status int, _ http.Header, body []byte) ingest.Judgement {
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

func message(body []byte) string {
	if !json.Valid(body) {
		return ""
	}
	first := gjson.GetBytes(body, "errors.0")
	s := text(first.Get("details"))
	if s == "" {
		s = text(first.Get("id"))
	}
	if len(s) > maxMessage {
		s = s[:maxMessage] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}
