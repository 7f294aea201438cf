package crm

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func TestWebhook_client_of_the_specification_agrees_with_the_receiver(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := New(Config{Now: func() time.Time { return now }})
	lib, err := standardwebhooks.NewWebhook(webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	for i, body := range []string{`{}`, `{"a": "é"}`, "", "a.b.c", strings.Repeat("x", 1<<16)} {
		ours := sign(t, webhookSecret, fmt.Sprint("msg_ours", i), now, body)
		if err := lib.Verify([]byte(body), ours); err != nil {
			t.Errorf("it refuses our signature of %.20q: %v", body, err)
		}
		id := fmt.Sprint("msg_theirs", i)
		signature, err := lib.Sign(id, now, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/webhook/default", strings.NewReader(body))
		r.Header = http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {fmt.Sprint(now.Unix())}, "Webhook-Signature": {signature}}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusNoContent {
			t.Errorf("the receiver refuses its signature of %.20q: %d %s", body, w.Code, w.Body)
		}
	}
}
