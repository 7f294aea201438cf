package crm

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// The vector of the specification's own tests.
const (
	vectorSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorBody   = `{"test": 2432232314}`
)

func vectorHeader() http.Header {
	return http.Header{
		"Webhook-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
		"Webhook-Timestamp": {"1614265330"},
		"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
	}
}

// sign makes the headers that a sender would.
func sign(t *testing.T, secret, id string, at time.Time, body string) http.Header {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
	return http.Header{
		"Webhook-Id": {id}, "Webhook-Timestamp": {fmt.Sprint(at.Unix())},
		"Webhook-Signature": {"v1a,AAAA v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
}

func TestVerify_agrees_with_the_published_vector(t *testing.T) {
	t.Parallel()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(vectorSecret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1614265330, 0)
	svix := http.Header{}
	for name, v := range vectorHeader() {
		svix[strings.Replace(name, "Webhook-", "Svix-", 1)] = v
	}
	for name, tc := range map[string]struct {
		change func(http.Header) http.Header
		body   string
		now    time.Time
		status int
	}{
		"right":             {nil, vectorBody, at, 200},
		"as Svix names it":  {func(http.Header) http.Header { return svix }, vectorBody, at, 200},
		"five minutes late": {nil, vectorBody, at.Add(5 * time.Minute), 200},
		"later":             {nil, vectorBody, at.Add(5*time.Minute + time.Second), 400},
		"too early":         {nil, vectorBody, at.Add(-5*time.Minute - time.Second), 400},
		"milliseconds":      {func(h http.Header) http.Header { h.Set("Webhook-Timestamp", "1614265330000"); return h }, vectorBody, at, 400},
		"body written anew": {nil, `{"test":2432232314}`, at, 401},
		"another id":        {func(h http.Header) http.Header { h.Set("Webhook-Id", "msg_2"); return h }, vectorBody, at, 401},
		"no signature":      {func(h http.Header) http.Header { h.Del("Webhook-Signature"); return h }, vectorBody, at, 400},
		"a newer scheme only": {func(h http.Header) http.Header {
			h.Set("Webhook-Signature", strings.Replace(h.Get("Webhook-Signature"), "v1,", "v1a,", 1))
			return h
		}, vectorBody, at, 401},
	} {
		header := vectorHeader()
		if tc.change != nil {
			header = tc.change(header)
		}
		if _, status, problem := verify(header, []byte(tc.body), [][]byte{[]byte("an older one"), key}, tc.now); status != tc.status {
			t.Errorf("%s: %d %s, want %d", name, status, problem, tc.status)
		}
	}
}

func TestWebhook_an_id_has_one_effect(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s := New(Config{Now: func() time.Time { return now }})
	host := httptest.NewServer(s)
	t.Cleanup(host.Close)
	if err := s.Edit(Edit{App: "webhook", Op: "create", Key: "crm", Values: []string{vectorSecret}}); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	post := func(name, id, body string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, host.URL+"/webhook/"+name, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = sign(t, vectorSecret, id, now, body)
		resp, err := client.Do(req)
		if err != nil {
			return nil
		}
		resp.Body.Close()
		return resp
	}
	s.Advance(30 * 24 * time.Hour) // the sandbox's clock is not the sender's
	s.faults.add(Fault{App: "webhook", Method: "receive", AcceptThenTimeout: 1, Times: 1})
	if post("crm", "msg_1", `{"n":1}`) != nil {
		t.Error("the answer came")
	}
	for _, tc := range []struct {
		name, id, body string
		status         int
	}{
		{"crm", "msg_1", `{"n":1}`, 204},
		{"crm", "msg_2", `{"n":2}`, 204},
		{"default", "msg_3", `{"n":3}`, 401}, // it has another secret
		{"nobody", "msg_4", `{"n":4}`, 404},
	} {
		if got := post(tc.name, tc.id, tc.body); got.StatusCode != tc.status {
			t.Errorf("%s to %s: status %d, want %d", tc.id, tc.name, got.StatusCode, tc.status)
		}
	}
	if n := s.Effects()["webhook"]["crm"]; n.Events != 2 || n.Duplicates != nil {
		t.Errorf("effects %+v", n)
	}
	post("crm", "msg_5", `{"n":2}`) // the same event under another id
	if n := s.Effects()["webhook"]["crm#bodies"]; len(n.Duplicates) != 1 {
		t.Errorf("bodies %+v", n)
	}

	for _, fields := range []map[string]any{{"status": 429, "times": 1, "retry_after": "7"}, {"status": 302, "times": 1}, {"status": 410}} {
		if err := s.Edit(Edit{App: "webhook", Op: "script", Key: "crm", Fields: fields}); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int{429, 302, 410, 410} {
		got := post("crm", "msg_6", `{}`)
		if got.StatusCode != want || i == 0 && got.Header.Get("Retry-After") != "7" {
			t.Errorf("call %d: status %d, want %d", i, got.StatusCode, want)
		}
	}
	resp, err := http.Get(host.URL + "/webhook/crm")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	counts := gjson.GetManyBytes(text, "accepted", "repeated", "forged", "scripted", "latest.#")
	if got := fmt.Sprint(counts); got != "[4 1 0 4 3]" {
		t.Errorf("counts %s of %s", got, text)
	}
}
