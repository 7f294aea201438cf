package sandbox

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// send makes a call with a key in every header that the providers of firms
// read: "k" where it is empty, none where it is "-".
func send(t *testing.T, method, address, body, key string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key == "" {
		key = "k"
	}
	if key != "-" {
		req.Header.Set("X-Cb-User-Key", key)
		req.Header.Set("X-Api-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, text
}

// reply is send where only the answer matters.
func reply(t *testing.T, method, address, body, key string) (int, gjson.Result) {
	t.Helper()
	resp, text := send(t, method, address, body, key)
	return resp.StatusCode, gjson.ParseBytes(text)
}
