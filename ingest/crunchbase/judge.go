package crunchbase

import (
	"net/http"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
)

// Judge knows Crunchbase's error codes. An error is an object or an array of
// objects, and what a licence lacks is a status 400.
func (Source) Judge(status int, _ http.Header, body []byte) ingest.Judgement {
	if status < 300 {
		return ingest.Judgement{}
	}
	code, message := reason(body)
	j := ingest.Judgement{Message: message}
	switch {
	case status == http.StatusUnauthorized:
		j.Verdict = ingest.Denied
	case code == "MD403", status == http.StatusForbidden:
		j.Verdict = ingest.Refused
	case code == "CS404":
		j.Verdict = ingest.Miss
	case status == http.StatusTooManyRequests:
		j.Verdict = ingest.Slow // neither a header nor a body says how long
	case status >= 500:
		j.Verdict = ingest.Broken
	default:
		j.Verdict = ingest.Wrong
	}
	return j
}

// reason reads the three shapes: {"error", "code"}, [{"message", "code"}] and
// the {"value"} of the provider's own document.
func reason(body []byte) (code, message string) {
	if !gjson.ValidBytes(body) {
		return "", ""
	}
	e := gjson.ParseBytes(body)
	if e.IsArray() {
		e = e.Get("0")
	}
	for _, name := range []string{"message", "error", "value"} {
		if m := e.Get(name); m.Type == gjson.String && message == "" {
			message = m.String()
		}
	}
	return e.Get("code").String(), message
}
