package wire

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadlake/leadlake"
)

// script answers with one status after the other, then with 200, and notes
// when each call came.
type script struct {
	statuses []int
	header   http.Header
	body     string
	start    time.Time
	calls    []time.Duration
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	status := http.StatusOK
	if n := len(s.calls); n < len(s.statuses) {
		status = s.statuses[n]
	}
	s.calls = append(s.calls, time.Since(s.start))
	header := http.Header{}
	if status != http.StatusOK {
		header = s.header
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(s.body)), Request: req}, nil
}

func TestDo_waits_as_the_provider_says(t *testing.T) {
	t.Parallel()
	header := func(name, value string) http.Header { return http.Header{http.CanonicalHeaderKey(name): {value}} }
	saying := func(j Judgement) func(int, http.Header, []byte) Judgement {
		return func(status int, _ http.Header, _ []byte) Judgement {
			if status == http.StatusOK {
				return Judgement{}
			}
			return j
		}
	}
	// The jitter is half of its bound: of 1 s after the first attempt.
	for name, tt := range map[string]struct {
		status int
		header http.Header
		judge  func(int, http.Header, []byte) Judgement
		want   time.Duration // 0: no second call
	}{
		"the judge, before any header":       {403, header("Retry-After", "9"), saying(Judgement{Verdict: Slow, Wait: 3 * time.Second}), 3500 * time.Millisecond},
		"the judge's end":                    {403, nil, saying(Judgement{Verdict: Slow, Until: time.Date(2000, 1, 1, 0, 0, 7, 0, time.UTC)}), 7500 * time.Millisecond},
		"Retry-After in seconds":             {429, header("Retry-After", "9"), nil, 9500 * time.Millisecond},
		"Retry-After as a date":              {503, header("Retry-After", "Sat, 01 Jan 2000 00:00:05 GMT"), nil, 5500 * time.Millisecond},
		"a limit header in seconds":          {429, header("X-RateLimit-Reset", "4"), nil, 4500 * time.Millisecond},
		"a limit header as a time":           {429, header("RateLimit-Reset", "946684812"), nil, 12500 * time.Millisecond},
		"a limit header of another window":   {429, header("X-RateLimit-Reset", "80000"), nil, 500 * time.Millisecond},
		"a limit header that is no number":   {429, header("X-RateLimit-Reset", "NaN"), nil, 500 * time.Millisecond},
		"nothing":                            {429, nil, nil, 500 * time.Millisecond},
		"a fault":                            {500, nil, nil, 500 * time.Millisecond},
		"a fault under another status":       {200 + 1, nil, saying(Judgement{Verdict: Broken}), 500 * time.Millisecond},
		"longer than we wait":                {429, header("Retry-After", "121"), nil, 0},
		"longer than we wait, by the judge":  {429, nil, saying(Judgement{Verdict: Slow, Wait: time.Hour}), 0},
		"a quota that is spent":              {429, header("Retry-After", "9"), saying(Judgement{Verdict: Spent}), 0},
		"an answer that is not ready":        {202, nil, saying(Judgement{Verdict: Pending, Wait: time.Second}), 0},
		"a miss":                             {404, nil, saying(Judgement{Verdict: Miss}), 0},
		"a fault that is none to the judge":  {503, nil, saying(Judgement{Verdict: Erased}), 0},
		"a judge that leaves it to the door": {503, nil, saying(Judgement{}), 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{statuses: []int{tt.status}, header: tt.header, start: time.Now()}
				c := simClient(t, s, nil, Provider{Judge: tt.judge})
				c.cfg.Rand = func() float64 { return 0.5 }
				if err := callWith(t, c, Call{}); err != nil {
					t.Fatal(err)
				}
				switch {
				case tt.want == 0 && len(s.calls) != 1:
					t.Errorf("%d calls, want 1", len(s.calls))
				case tt.want > 0 && (len(s.calls) != 2 || s.calls[1] != tt.want):
					t.Errorf("calls at %v, want the second at %s", s.calls, tt.want)
				}
			})
		})
	}
}

func TestDo_says_what_the_answer_means_and_took(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{503, 429}, header: http.Header{}, body: "12345", start: time.Now()}
		slow := roundTrip(func(req *http.Request) (*http.Response, error) {
			time.Sleep(70 * time.Millisecond)
			return s.RoundTrip(req)
		})
		c := simClient(t, slow, nil, Provider{Judge: func(status int, _ http.Header, body []byte) Judgement {
			if status == http.StatusOK && string(body) == "12345" {
				return Judgement{Verdict: Miss, Message: "nobody"}
			}
			return Judgement{}
		}})
		resp, err := c.Do(request(t, http.MethodGet, "http://p.example/x", ""))
		if err != nil {
			t.Fatal(err)
		}
		if j := JudgementOf(resp); j.Verdict != Miss || j.Message != "nobody" {
			t.Errorf("judgement %+v", j)
		}
		if s := StatsOf(resp); s != (Stats{Attempts: 3, Millis: 70, Bytes: 5}) {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestByStatus_means_what_HTTP_says(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]Verdict{
		200: Fine, 202: Fine, 304: Wrong, 400: Wrong, 401: Denied, 402: Spent, 403: Refused, 404: Wrong, 408: Broken,
		422: Wrong, 429: Slow, 451: Refused, 500: Broken, 501: Wrong, 503: Broken, 529: Broken,
	} {
		if got := byStatus(status, nil); got != want {
			t.Errorf("%d is %q, want %q", status, got, want)
		}
		if got := JudgementOf(&http.Response{StatusCode: status}); got.Verdict != want {
			t.Errorf("an answer of %d from elsewhere is %q, want %q", status, got.Verdict, want)
		}
	}
	if got := byStatus(429, []byte(dayQuota)); got != Spent {
		t.Errorf("Google's quota of the day is %q", got)
	}
}

func TestDo_refuses_answers_that_are_nested_too_deep(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat(`{"a":[`, n/2) + strings.Repeat(`]}`, n/2) }
	for name, tt := range map[string]struct {
		body string
		deep bool
	}{
		"as deep as allowed":             {nested(1000), false},
		"deeper":                         {nested(1002), true},
		"deeper, and cut":                {strings.Repeat("[", 2000), true},
		"after white space":              {"\r\n\t " + nested(1002), true},
		"brackets in a string":           {`{"a":"` + strings.Repeat("[", 2000) + `"}`, false},
		"brackets after a quoted quote":  {`["\"` + strings.Repeat("[", 2000) + `"]`, false},
		"brackets after a quoted escape": {`["\\",` + strings.Repeat("[", 2000), true},
		"wide":                           {"[" + strings.Repeat("[],", 5000) + "[]]", false},
		"a page of HTML":                 {"<html>" + strings.Repeat("[", 2000), false},
	} {
		c := simClient(t, &script{body: tt.body}, nil, Provider{})
		_, err := c.Do(request(t, http.MethodGet, "http://p.example/x", ""))
		if deep := leadlake.ErrorCode(err) == leadlake.Invalid; deep != tt.deep || err != nil && !deep {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzTooDeep(f *testing.F) {
	f.Add([]byte(`{"a":[1,"\"]"]}`))
	f.Fuzz(func(t *testing.T, body []byte) { tooDeep(body) })
}
