package apollo

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
)

// Judge knows Apollo's errors. The body of a 401 is plain text. The status 422
// says that parameters are wrong, that nobody is known, and that the credits
// are gone: only its words tell.
func (Source) Judge(status int, header http.Header, body []byte) ingest.Judgement {
	if status < 300 {
		return ingest.Judgement{}
	}
	j := ingest.Judgement{Message: message(string(body), 2)}
	words := strings.ToLower(j.Message)
	switch {
	case status == http.StatusUnauthorized:
		j.Verdict = ingest.Denied
	case status == http.StatusTooManyRequests:
		limit(&j, words, header)
	case status == http.StatusPaymentRequired, status == http.StatusUnprocessableEntity && strings.Contains(words, "credit"):
		j.Verdict = ingest.Spent
	case status == http.StatusForbidden:
		j.Verdict = ingest.Refused
	case status == http.StatusUnprocessableEntity && (strings.Contains(words, "does not exist") || strings.Contains(words, "not found")):
		j.Verdict = ingest.Miss
	case status >= 500:
		j.Verdict = ingest.Broken
	default:
		j.Verdict = ingest.Wrong
	}
	return j
}

// limit tells the windows apart. That of a day is long: the day's calls are
// spent until Apollo's own time, which is that of the answer, reaches its end.
func limit(j *ingest.Judgement, words string, header http.Header) {
	wait := time.Duration(0)
	if s, err := strconv.Atoi(header.Get("Retry-After")); err == nil && s > 0 {
		wait = time.Duration(s) * time.Second
	}
	if header.Get("X-24-Hour-Requests-Left") != "0" && !strings.Contains(words, "times per day") {
		j.Verdict, j.Wait = ingest.Slow, wait
		return
	}
	j.Verdict = ingest.Spent
	if now, err := http.ParseTime(header.Get("Date")); err == nil && wait > 0 {
		j.Until = now.Add(wait)
	}
}

// message finds the words of an error. Some are JSON in a text in JSON.
func message(body string, depth int) string {
	if !gjson.Valid(body) {
		return strings.TrimSpace(body)
	}
	e := gjson.Parse(body)
	if !e.IsObject() {
		return e.String()
	}
	for _, name := range []string{"message", "error", "error_message"} {
		if m := e.Get(name); m.Type == gjson.String {
			if depth > 0 && strings.HasPrefix(strings.TrimSpace(m.Str), "{") {
				return message(m.Str, depth-1)
			}
			return m.Str
		}
	}
	return ""
}
