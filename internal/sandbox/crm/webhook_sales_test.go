package crm

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func TestWebhook_tells_what_becomes_of_leads_until_it_is_heard(t *testing.T) {
	t.Parallel()
	verifier, err := standardwebhooks.NewWebhook(webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	heard, refused := map[string]string{}, 0
	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		switch id := r.Header.Get("webhook-id"); {
		case verifier.VerifyIgnoringTimestamp(body, r.Header) != nil:
			t.Errorf("the signature of %s is wrong", body)
		case refused < 3:
			refused++
			w.WriteHeader(http.StatusServiceUnavailable)
		case heard[id] != "":
			t.Errorf("%s is told twice", id)
		default:
			heard[id] = string(body)
		}
	}))
	defer ours.Close()
	b := start(t, Config{})
	b.want(204, "POST", "/__crm__/edit", jsonOf(Edit{App: "webhook", Op: "report", Key: webhookReceiver, Values: []string{ours.URL, webhookSecret}}))
	for i := range 200 {
		id, body := fmt.Sprint("msg_", i), fmt.Sprintf(`{"type":"lead.created","data":{"key":"k%d","emails":["k%d@firm.example"]}}`, i, i)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.base+"/webhook/default", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = sign(t, webhookSecret, id, time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), body) // by the bench's clock
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != http.StatusNoContent {
			t.Fatalf("%v, %v", resp, err)
		}
		resp.Body.Close()
	}
	b.want(200, "POST", "/__crm__/clock", `{"advance":"1440h"}`)
	b.want(200, "POST", "/__crm__/clock", `{"advance":"1h"}`) // what was not taken is told again
	mu.Lock()
	defer mu.Unlock()
	kinds := map[string]int{}
	for _, body := range heard {
		kind, _, _ := strings.Cut(strings.SplitN(body, `"type":"lead.`, 2)[1], `"`)
		kinds[kind]++
	}
	if refused != 3 || kinds["replied"] == 0 || kinds["bounced"] == 0 || kinds["qualified"] == 0 {
		t.Errorf("%d refused; %v", refused, kinds)
	}
}
