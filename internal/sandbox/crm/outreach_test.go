package crm

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// outreachBench is Outreach on loopback with a clock that a test holds.
type outreachBench struct {
	*Server
	t    *testing.T
	base string
}

func startOutreach(t *testing.T, limits bool) *outreachBench {
	t.Helper()
	start := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s := New(Config{Now: func() time.Time { return start }, Limits: limits})
	host := httptest.NewServer(s)
	t.Cleanup(host.Close)
	return &outreachBench{s, t, host.URL + "/outreach"}
}

func (b *outreachBench) call(method, path, body string, header ...string) (int, string) {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.base + path
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sandbox")
	req.Header.Set("Content-Type", outreachMedia)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// want calls and fails where the status is another.
func (b *outreachBench) want(status int, method, path, body string, header ...string) string {
	b.t.Helper()
	got, text := b.call(method, path, body, header...)
	if got != status {
		b.t.Fatalf("%s %s: status %d, want %d: %.400s", method, path, got, status, text)
	}
	return text
}

func prospectDoc(id int, attrs string) string {
	if id == 0 {
		return `{"data":{"type":"prospect","attributes":` + attrs + `}}`
	}
	return fmt.Sprintf(`{"data":{"type":"prospect","id":%d,"attributes":%s}}`, id, attrs)
}

func TestOutreach_an_address_belongs_to_one_prospect(t *testing.T) {
	t.Parallel()
	b := startOutreach(t, false)
	made := b.want(201, "POST", "/api/v2/prospects", prospectDoc(0, `{"firstName":"Ann","lastName":"Lee","emails":["Ann@shop.example"],"externalId":"ld_1"}`))
	if got := gjson.Get(made, "data.attributes.name").Str; got != "Ann Lee" {
		t.Errorf("name %q", got)
	}
	taken := b.want(422, "POST", "/api/v2/prospects", prospectDoc(0, `{"emails":["ann@SHOP.example"]}`))
	if got := gjson.Get(taken, "errors.0.detail").Str; got != "Contacts email hash has already been taken." {
		t.Errorf("detail %q", got)
	}
	found := b.want(200, "GET", "/api/v2/prospects?filter[emails]="+url.QueryEscape("ANN@shop.example"), "")
	if got := gjson.Get(found, "data.#.id").Raw; got != "[1]" {
		t.Errorf("found %s", got)
	}
	b.want(422, "GET", "/api/v2/prospects?filter[externalId]=ld_1", "")
	same := b.want(422, "PATCH", "/api/v2/prospects/1", prospectDoc(1, `{"firstName":"Ann","emails":["Ann@shop.example"]}`))
	if got := gjson.Get(same, "errors.0.id").Str; got != "validationDuplicateValueError" {
		t.Errorf("a change of nothing: %s", same)
	}
	b.want(200, "PATCH", "/api/v2/prospects/1", prospectDoc(1, `{"title":"Owner"}`))
	b.want(422, "PATCH", "/api/v2/prospects/1", prospectDoc(2, `{"title":"Boss"}`))
	n := b.Effects()["outreach"]["prospects"]
	if n.Creates != 1 || n.Updates != 1 || len(n.Duplicates) != 0 {
		t.Errorf("effects %+v", n)
	}
}

func TestOutreach_of_many_creates_at_once_one_wins(t *testing.T) {
	t.Parallel()
	b := startOutreach(t, false)
	var created, refused int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			status, _ := b.call("POST", "/api/v2/prospects", prospectDoc(0, `{"emails":["race@shop.example"],"externalId":"ld_2"}`))
			mu.Lock()
			defer mu.Unlock()
			switch status {
			case 201:
				created++
			case 422:
				refused++
			}
		})
	}
	wg.Wait()
	if created != 1 || refused != 15 {
		t.Errorf("created %d, refused %d", created, refused)
	}
}

func TestOutreach_a_lead_without_an_address_can_be_created_twice(t *testing.T) {
	t.Parallel()
	b := startOutreach(t, false)
	for range 2 {
		b.want(201, "POST", "/api/v2/prospects", prospectDoc(0, `{"lastName":"Lee","externalId":"ld_3"}`))
	}
	if n := b.Effects()["outreach"]["prospects"]; n.Duplicates["ld_3"] != 2 {
		t.Errorf("the judge did not see it: %+v", n)
	}
}

func TestOutreach_refuses_in_its_own_words(t *testing.T) {
	t.Parallel()
	b := startOutreach(t, false)
	for name, tc := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		id                 string
	}{
		"no token":        {"GET", "/api/v2/prospects", "", []string{"Authorization", ""}, 401, "unauthorized"},
		"a revoked token": {"GET", "/api/v2/prospects", "", []string{"Authorization", "Bearer invalid"}, 401, "unauthorized"},
		"no scope":        {"GET", "/api/v2/prospects", "", []string{"Authorization", "Bearer noscope"}, 403, "unauthorizedOauthScope"},
		"plain JSON":      {"POST", "/api/v2/prospects", "{}", []string{"Content-Type", "application/json"}, 415, "unsupportedMediaType"},
		"an unknown id":   {"GET", "/api/v2/prospects/77", "", nil, 404, "resourceNotFound"},
		"too long":        {"POST", "/api/v2/prospects", prospectDoc(0, `{"firstName":"`+strings.Repeat("é", 256)+`"}`), nil, 422, "validationDataTooLongError"},
		"excluded":        {"POST", "/api/v2/prospects", prospectDoc(0, `{"emails":["a@excluded.example"]}`), nil, 422, "validationError"},
		"a wrong type":    {"POST", "/api/v2/prospects", prospectDoc(0, `{"score":"high"}`), nil, 422, "validationError"},
		"unknown":         {"POST", "/api/v2/prospects", prospectDoc(0, `{"shoeSize":9}`), nil, 422, "validationError"},
		"read-only":       {"POST", "/api/v2/prospects", prospectDoc(0, `{"openCount":9}`), nil, 422, "validationError"},
		"no name":         {"POST", "/api/v2/accounts", `{"data":{"type":"account","attributes":{"domain":"x.example"}}}`, nil, 422, "validationError"},
		"include":         {"POST", "/api/v2/prospects?include=account", prospectDoc(0, `{"title":"x"}`), nil, 422, "validationError"},
		"a far offset":    {"GET", "/api/v2/prospects?page[limit]=10&page[offset]=10001", "", nil, 422, "validationError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, text := b.call(tc.method, tc.path, tc.body, tc.header...)
			if status != tc.status || gjson.Get(text, "errors.0.id").Str != tc.id {
				t.Errorf("%d %s, want %d %s", status, text, tc.status, tc.id)
			}
		})
	}
}

func TestOutreach_pages_meet_every_record_once_though_they_change(t *testing.T) {
	t.Parallel()
	b := startOutreach(t, false)
	for i := range 120 {
		b.want(201, "POST", "/api/v2/prospects", prospectDoc(0, fmt.Sprintf(`{"lastName":"P%d","externalId":"ld_%d"}`, i, i)))
		b.Advance(time.Second)
	}
	for _, sort := range []string{"", "&sort=updatedAt", "&sort=-updatedAt", "&sort=lastName"} {
		seen := map[int64]bool{}
		page := "/api/v2/prospects?page[size]=50&count=false&fields[prospect]=updatedAt" + sort
		for pages := 0; page != ""; pages++ {
			text := b.want(200, "GET", page, "")
			for _, id := range gjson.Get(text, "data.#.id").Array() {
				if seen[id.Int()] {
					t.Fatalf("%s: %d twice", sort, id.Int())
				}
				seen[id.Int()] = true
			}
			page = gjson.Get(text, "links.next").Str
			if pages > 5 {
				t.Fatalf("%s: no end", sort)
			}
		}
		if len(seen) != 120 {
			t.Errorf("%s: %d of 120", sort, len(seen))
		}
	}
	since := url.QueryEscape("2026-11-02T09:01:40Z..inf")
	text := b.want(200, "GET", "/api/v2/prospects?count=true&sort=updatedAt&filter[updatedAt]="+since, "")
	if got := gjson.Get(text, "meta.count").Int(); got != 20 {
		t.Errorf("%d updated since, want 20", got)
	}
}

func TestOutreach_tokens_end_and_are_not_minted_in_a_row(t *testing.T) {
	t.Parallel()
	b := startOutreach(t, false)
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	mint := func(refresh string) (int, string) {
		return b.call("POST", "/oauth/token", url.Values{"client_id": {"c"}, "client_secret": {"s"}, "grant_type": {"refresh_token"}, "refresh_token": {refresh}}.Encode(), form...)
	}
	status, text := mint("first")
	if status != 200 || gjson.Get(text, "expires_in").Int() != 7200 {
		t.Fatalf("%d %s", status, text)
	}
	access, refresh := gjson.Get(text, "access_token").Str, gjson.Get(text, "refresh_token").Str
	if status, text := mint(refresh); status != 429 {
		t.Errorf("a second within the minute: %d %s", status, text)
	}
	b.want(200, "GET", "/api/v2/prospects", "", "Authorization", "Bearer "+access)
	b.Advance(2 * time.Hour)
	b.want(401, "GET", "/api/v2/prospects", "", "Authorization", "Bearer "+access)
	if status, text := mint(refresh); status != 200 {
		t.Errorf("the refresh token: %d %s", status, text)
	}
	if err := b.Edit(Edit{App: "outreach", Op: "revoke"}); err != nil {
		t.Fatal(err)
	}
	b.Advance(time.Hour)
	if status, text := mint(refresh); status != 400 || gjson.Get(text, "error").Str != "invalid_grant" {
		t.Errorf("a revoked refresh token: %d %s", status, text)
	}
}

func TestOutreach_counts_a_users_hour(t *testing.T) {
	t.Parallel()
	b := startOutreach(t, true)
	for range outreachPerHour {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/outreach/api/v2/stages", nil)
		r.Header.Set("Authorization", "Bearer one")
		b.ServeHTTP(w, r)
		if w.Code != 200 {
			t.Fatalf("status %d with %s left", w.Code, w.Header().Get("X-RateLimit-Remaining"))
		}
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/outreach/api/v2/stages", nil)
	r.Header.Set("Authorization", "Bearer one")
	b.ServeHTTP(w, r)
	reset := fmt.Sprint(time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC).Unix())
	if w.Code != 429 || w.Header().Get("Retry-After") != reset || w.Header().Get("X-RateLimit-Reset") != reset {
		t.Errorf("%d, headers %v, want the reset at %s", w.Code, w.Header(), reset)
	}
	b.want(200, "GET", "/api/v2/stages", "", "Authorization", "Bearer two")
	b.Advance(time.Hour)
	b.want(200, "GET", "/api/v2/stages", "", "Authorization", "Bearer one")
}

func TestOutreach_prospects_answer_in_time_and_by_a_truth(t *testing.T) {
	t.Parallel()
	b := startOutreach(t, false)
	if err := b.Edit(Edit{App: "outreach", Op: "schema", Field: "custom1", Values: []string{"rating"}}); err != nil {
		t.Fatal(err)
	}
	const people = 400
	for i := range people {
		rating := []string{"2.0", "4.9"}[i%2]
		b.want(201, "POST", "/api/v2/prospects", prospectDoc(0, fmt.Sprintf(`{"lastName":"P%d","emails":["p%d@shop.example"],"externalId":"ld_%d","custom1":%q}`, i, i, i, rating)))
	}
	enrol := `{"data":{"type":"sequenceState","relationships":{"prospect":{"data":{"type":"prospect","id":%d}},"sequence":{"data":{"type":"sequence","id":%d}},"mailbox":{"data":{"type":"mailbox","id":1}}}}}`
	b.want(201, "POST", "/api/v2/sequenceStates", fmt.Sprintf(enrol, 1, 1))
	b.want(422, "POST", "/api/v2/sequenceStates", fmt.Sprintf(enrol, 1, 1))
	b.want(422, "POST", "/api/v2/sequenceStates", fmt.Sprintf(enrol, 2, 2))
	if text := b.want(200, "GET", "/api/v2/mailings", ""); gjson.Get(text, "data.#").Int() != 0 {
		t.Error("mailings before their time")
	}
	b.Advance(90 * 24 * time.Hour)
	interested := map[string]int{}
	optedOut := 0
	next := "/api/v2/prospects?page[size]=1000"
	text := b.want(200, "GET", next, "")
	for _, p := range gjson.Get(text, "data").Array() {
		if stage := p.Get("relationships.stage.data.id").Int(); stage == 4 || stage == 5 || stage == 7 {
			interested[p.Get("attributes.custom1").Str]++
		}
		if p.Get("attributes.emailOptedOut").Bool() {
			optedOut++
		}
		if p.Get("attributes.touchedAt").Type == gjson.Null {
			t.Errorf("nobody wrote to %d", p.Get("id").Int())
		}
	}
	if interested["4.9"] < 2*interested["2.0"] || optedOut == 0 {
		t.Errorf("interested %v, opted out %d: nothing to learn", interested, optedOut)
	}
	text = b.want(200, "GET", "/api/v2/sequenceStates?filter[prospect][id]=1", "")
	if got := gjson.Get(text, "data.0.attributes.deliverCount").Int(); got != 1 {
		t.Errorf("the sequence delivered %d", got)
	}
	text = b.want(200, "GET", "/api/v2/mailings?page[size]=1000&filter[state]=replied", "")
	if n := gjson.Get(text, "data.#").Int(); n < 10 || n > people/2 {
		t.Errorf("%d replies", n)
	}
}

func TestOutreach_a_colleagues_hand_is_no_effect(t *testing.T) {
	t.Parallel()
	b := startOutreach(t, false)
	edits := []Edit{
		{App: "outreach", Op: "create", Object: "prospects", Fields: map[string]any{"emails": []any{"theirs@shop.example"}, "title": "Chef"}},
		{App: "outreach", Op: "set", Object: "prospects", Key: "theirs@shop.example", Fields: map[string]any{"title": "Owner"}},
		{App: "outreach", Op: "set", Object: "prospects", Key: "theirs@shop.example", Fields: map[string]any{"trashedAt": "2026-11-02T10:00:00Z"}},
	}
	for _, e := range edits {
		if err := b.Edit(e); err != nil {
			t.Fatal(err)
		}
	}
	// A trashed prospect is in no list, and still holds its address.
	if text := b.want(200, "GET", "/api/v2/prospects?filter[emails]=theirs@shop.example", ""); gjson.Get(text, "data.#").Int() != 0 {
		t.Error("a trashed prospect is listed")
	}
	b.want(422, "POST", "/api/v2/prospects", prospectDoc(0, `{"emails":["theirs@shop.example"]}`))
	if text := b.want(200, "GET", "/api/v2/prospects/1", ""); gjson.Get(text, "data.attributes.title").Str != "Owner" {
		t.Error("the edit is lost")
	}
	if n := b.Effects()["outreach"]; len(n) != 0 {
		t.Errorf("effects %v", n)
	}
}

func TestOutreach_a_lost_answer_is_found_again(t *testing.T) {
	t.Parallel()
	b := startOutreach(t, false)
	b.faults.add(Fault{App: "outreach", Method: "create_prospect", AcceptThenTimeout: 1, Times: 1})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.base+"/api/v2/prospects", strings.NewReader(prospectDoc(0, `{"emails":["lost@shop.example"]}`)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sandbox")
	req.Header.Set("Content-Type", outreachMedia)
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Fatal("the answer came")
	}
	if text := b.want(200, "GET", "/api/v2/prospects?filter[emails]=lost@shop.example", ""); gjson.Get(text, "data.#").Int() != 1 {
		t.Error("the work was not done")
	}
	b.faults.add(Fault{App: "outreach", Storm429: 1, StormCalls: 2, Times: 2})
	status, text := b.call("GET", "/api/v2/prospects", "")
	if status != 429 || gjson.Get(text, "errors.0.id").Str != "rateLimitExceeded" {
		t.Errorf("a storm: %d %s", status, text)
	}
	var doc any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Error(err)
	}
}
