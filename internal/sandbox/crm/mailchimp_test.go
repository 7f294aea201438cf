package crm

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
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

type mailchimpBench struct {
	*Server
	t    *testing.T
	base string
}

func startMailchimp(t *testing.T, limits bool) *mailchimpBench {
	t.Helper()
	start := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s := New(Config{Now: func() time.Time { return start }, Limits: limits})
	host := httptest.NewServer(s)
	t.Cleanup(host.Close)
	return &mailchimpBench{s, t, host.URL + "/mailchimp/3.0"}
}

func (b *mailchimpBench) call(method, path, body string) (int, string) {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.base + path
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.SetBasicAuth("any", "key-us1")
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

func (b *mailchimpBench) want(status int, method, path, body string) string {
	b.t.Helper()
	got, text := b.call(method, path, body)
	if got != status {
		b.t.Fatalf("%s %s: status %d, want %d: %.500s", method, path, got, status, text)
	}
	return text
}

func memberPath(email string) string { return "/lists/" + mcFirstList + "/members/" + mcHash(email) }

func TestMailchimp_a_put_creates_once_and_then_changes(t *testing.T) {
	t.Parallel()
	b := startMailchimp(t, false)
	path := memberPath("Ann@Shop.example")
	if path != memberPath("ann@shop.example") {
		t.Error("the hash is not of the address in lower case")
	}
	missing := b.want(400, "PUT", path, `{"email_address":"ann@shop.example","status":null}`)
	if gjson.Get(missing, "errors.0.field").Str != "status_if_new" {
		t.Errorf("refused for %s", missing)
	}
	made := b.want(200, "PUT", path, `{"email_address":"Ann@shop.example","status_if_new":"pending","merge_fields":{"FNAME":"Ann","LNAME":"Lee","LEADID":"ld_1"},"tags":["warm"]}`)
	for field, want := range map[string]string{"id": mcHash("ann@shop.example"), "status": "pending", "full_name": "Ann Lee", "tags.0.name": "warm", "list_id": mcFirstList} {
		if got := gjson.Get(made, field).String(); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	b.Advance(time.Minute)
	same := b.want(200, "PUT", path, `{"email_address":"ann@shop.example","status_if_new":"subscribed","merge_fields":{"FNAME":"Ann"},"tags":["cold"]}`)
	if gjson.Get(same, "status").Str != "pending" || gjson.Get(same, "tags.#").Int() != 1 || gjson.Get(same, "merge_fields.LEADID").Str != "ld_1" {
		t.Errorf("a second PUT changed more than it said: %s", same)
	}
	b.want(400, "PUT", memberPath("other@shop.example"), `{"email_address":"ann2@shop.example","status_if_new":"subscribed"}`)
	b.want(400, "POST", "/lists/"+mcFirstList+"/members", `{"email_address":"ann@shop.example","status":"subscribed"}`)
	b.want(404, "PATCH", memberPath("nobody@shop.example"), `{"vip":true}`)
	n := b.Effects()["mailchimp"]["members"]
	if n.Creates != 1 || n.Updates != 1 || n.Duplicates != nil {
		t.Errorf("effects %+v", n)
	}
}

func TestMailchimp_an_address_that_changes_leaves_its_hash(t *testing.T) {
	t.Parallel()
	b := startMailchimp(t, false)
	b.want(200, "PUT", memberPath("old@shop.example"), `{"email_address":"old@shop.example","status_if_new":"subscribed"}`)
	b.want(200, "PATCH", memberPath("old@shop.example"), `{"email_address":"new@shop.example"}`)
	b.want(404, "GET", memberPath("old@shop.example"), "")
	b.want(200, "GET", memberPath("new@shop.example"), "")
	b.want(200, "GET", "/lists/"+mcFirstList+"/members/new@shop.example", "")
}

func TestMailchimp_nobody_is_subscribed_against_their_will(t *testing.T) {
	t.Parallel()
	b := startMailchimp(t, false)
	subscribe := `{"email_address":%q,"status_if_new":"subscribed","status":"subscribed"}`
	for _, tc := range []struct{ op, title string }{
		{"unsubscribe", "Member In Compliance State"}, {"clean", "Member In Compliance State"}, {"forget", "Forgotten Email Not Subscribed"},
	} {
		email := tc.op + "@shop.example"
		b.want(200, "PUT", memberPath(email), fmt.Sprintf(subscribe, email))
		if err := b.Edit(Edit{App: "mailchimp", Op: tc.op, Key: email}); err != nil {
			t.Fatal(err)
		}
		text := b.want(400, "PUT", memberPath(email), fmt.Sprintf(subscribe, email))
		if got := gjson.Get(text, "title").Str; got != tc.title {
			t.Errorf("%s: %s", tc.op, text)
		}
		if tc.op == "unsubscribe" { // fields may still be put
			b.want(200, "PUT", memberPath(email), fmt.Sprintf(`{"email_address":%q,"status_if_new":"subscribed","merge_fields":{"FNAME":"A"}}`, email))
		}
	}
	email := "archived@shop.example"
	b.want(200, "PUT", memberPath(email), fmt.Sprintf(subscribe, email))
	b.want(204, "DELETE", memberPath(email), "")
	b.want(200, "PUT", memberPath(email), fmt.Sprintf(subscribe, email))
	b.want(204, "POST", memberPath(email)+"/actions/delete-permanent", "")
	b.want(400, "PUT", memberPath(email), fmt.Sprintf(subscribe, email))
}

func TestMailchimp_holds_merge_fields_to_their_types(t *testing.T) {
	t.Parallel()
	b := startMailchimp(t, false)
	if err := b.Edit(Edit{App: "mailchimp", Op: "schema", Field: "COMPANY", Values: []string{"required"}}); err != nil {
		t.Fatal(err)
	}
	for fields, want := range map[string]string{
		`{"COMPANY":"Lee"}`:                             "",
		`{"COMPANY":"Lee","UNKNOWN":"x"}`:               "", // passed over in silence
		`{}`:                                            "COMPANY: Please enter a value",
		`{"COMPANY":"Lee","RATING":"4.5"}`:              "",
		`{"COMPANY":"Lee","RATING":"good"}`:             "RATING: Please enter a number",
		`{"COMPANY":"Lee","ADDRESS":{"city":"Denver"}}`: "ADDRESS: Please enter a complete address",
		`{"COMPANY":"Lee","ADDRESS":{"addr1":"1 Main St","city":"Denver","state":"CO","zip":"80202","country":"US"}}`: "",
		`{"COMPANY":"` + strings.Repeat("x", 256) + `"}`:                                                              "COMPANY: This value is too long. It should have 255 characters or less.",
		`{"COMPANY":"Lee","TIER":"Z"}`:                                                                                "TIER: Please choose one of the options",
		`{"COMPANY":"Lee","WEBSITE":"lee"}`:                                                                           "WEBSITE: Please enter a complete URL",
		`{"COMPANY":"Lee","BIRTHDAY":"13/01"}`:                                                                        "BIRTHDAY: Please enter the month and day",
	} {
		email := mcHash(fields)[:8] + "@shop.example"
		status, text := b.call("PUT", memberPath(email), fmt.Sprintf(`{"email_address":%q,"status_if_new":"subscribed","merge_fields":%s}`, email, fields))
		got := ""
		if status != 200 {
			got = gjson.Get(text, "errors.0.field").Str + ": " + gjson.Get(text, "errors.0.message").Str
		}
		if got != want {
			t.Errorf("%.60s: %q, want %q", fields, got, want)
		}
	}
	b.want(200, "PUT", memberPath("skip@shop.example")+"?skip_merge_validation=true", `{"email_address":"skip@shop.example","status_if_new":"subscribed"}`)
	for _, email := range []string{"nope", "fake@shop.example", "everywhere@shop.example"} {
		if text := b.want(400, "PUT", memberPath(email), fmt.Sprintf(`{"email_address":%q,"status_if_new":"subscribed","merge_fields":{"COMPANY":"L"}}`, email)); gjson.Get(text, "title").Str != "Invalid Resource" {
			t.Errorf("%s: %s", email, text)
		}
	}
	if got := gjson.Get(b.want(200, "GET", "/lists/"+mcFirstList+"/merge-fields?count=100", ""), `merge_fields.#(tag=="COMPANY").required`); !got.Bool() {
		t.Error("the field is not described as required")
	}
}

func TestMailchimp_a_batch_of_members_names_those_it_refuses(t *testing.T) {
	t.Parallel()
	b := startMailchimp(t, false)
	list := "/lists/" + mcFirstList
	b.want(200, "PUT", memberPath("a@shop.example"), `{"email_address":"a@shop.example","status_if_new":"subscribed"}`)
	members := `{"members":[{"email_address":"a@shop.example","status":"subscribed"},{"email_address":"b@shop.example","status":"subscribed"},{"email_address":"nope","status":"subscribed"}],"update_existing":%v}`
	text := b.want(200, "POST", list, fmt.Sprintf(members, false))
	if got := gjson.Get(text, "errors.#.error_code").Raw; got != `["ERROR_CONTACT_EXISTS","ERROR_GENERIC"]` {
		t.Errorf("errors %s", text)
	}
	text = b.want(200, "POST", list, fmt.Sprintf(members, true))
	if gjson.Get(text, "total_updated").Int() != 2 || gjson.Get(text, "error_count").Int() != 1 {
		t.Errorf("%s", text)
	}
	var many []string
	for i := range mcMaxMembers + 1 {
		many = append(many, fmt.Sprintf(`{"email_address":"m%d@shop.example","status":"subscribed"}`, i))
	}
	b.want(400, "POST", list, `{"members":[`+strings.Join(many, ",")+`]}`)
	b.want(200, "POST", list, `{"members":[`+strings.Join(many[1:], ",")+`]}`)
	b.want(400, "POST", list, `{"members":[`+many[0]+","+many[0]+`]}`)
}

func TestMailchimp_a_batch_of_calls_ends_in_an_archive(t *testing.T) {
	t.Parallel()
	b := startMailchimp(t, false)
	var ops []map[string]string
	for i := range 300 {
		email := fmt.Sprintf("p%d@shop.example", i)
		if i == 7 {
			email = "fake@shop.example"
		}
		ops = append(ops, map[string]string{"method": "PUT", "path": memberPath(email), "operation_id": fmt.Sprint("k", i), "body": fmt.Sprintf(`{"email_address":%q,"status_if_new":"subscribed"}`, email)})
	}
	body, err := json.Marshal(map[string]any{"operations": ops})
	if err != nil {
		t.Fatal(err)
	}
	text := b.want(200, "POST", "/batches", string(body))
	id := gjson.Get(text, "id").Str
	if gjson.Get(text, "status").Str != "pending" || gjson.Get(text, "finished_operations").Int() != 0 {
		t.Errorf("done at once: %s", text)
	}
	b.want(404, "GET", memberPath("p1@shop.example"), "")
	b.Advance(mcBatchTakes)
	text = b.want(200, "GET", "/batches/"+id, "")
	if gjson.Get(text, "status").Str != "finished" || gjson.Get(text, "errored_operations").Int() != 1 {
		t.Fatalf("%s", text)
	}
	resp, err := http.Get(gjson.Get(text, "response_body_url").Str)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	zip, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	statuses := map[int64]int{}
	for files := tar.NewReader(zip); ; {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if head.Typeflag == tar.TypeDir {
			continue
		}
		part, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range gjson.ParseBytes(part).Array() {
			statuses[one.Get("status_code").Int()]++
			if !gjson.Valid(one.Get("response").Str) {
				t.Errorf("the response is no JSON: %s", one)
			}
		}
	}
	if statuses[200] != 299 || statuses[400] != 1 {
		t.Errorf("statuses %v", statuses)
	}
	if n := b.Effects()["mailchimp"]["members"]; n.Creates != 299 {
		t.Errorf("effects %+v", n)
	}
	// Where the clock stands still, the second question sees the end.
	id = gjson.Get(b.want(200, "POST", "/batches", `{"operations":[{"method":"GET","path":"/ping"}]}`), "id").Str
	for _, want := range []string{"started", "finished"} {
		if got := gjson.Get(b.want(200, "GET", "/batches/"+id, ""), "status").Str; got != want {
			t.Errorf("status %s, want %s", got, want)
		}
	}
}

func TestMailchimp_ten_calls_may_be_under_way(t *testing.T) {
	t.Parallel()
	b := startMailchimp(t, true)
	b.faults.add(Fault{App: "mailchimp", LatencyMS: 300})
	statuses := map[int]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			status, _ := b.call("GET", "/ping", "")
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	wg.Wait()
	if statuses[200] != 10 || statuses[429] != 4 || statuses[403] != 2 {
		t.Errorf("statuses %v, want ten that pass", statuses)
	}
	b.want(200, "GET", "/ping", "")
}

func TestMailchimp_tells_who_left_since(t *testing.T) {
	t.Parallel()
	b := startMailchimp(t, false)
	const people = 300
	for i := range people {
		email := fmt.Sprintf("p%d@shop.example", i)
		b.want(200, "PUT", memberPath(email), fmt.Sprintf(`{"email_address":%q,"status_if_new":"subscribed","merge_fields":{"LEADID":"ld_%d"}}`, email, i))
	}
	since := url.QueryEscape(b.now().Add(time.Second).Format(time.RFC3339))
	changed := func() string {
		return b.want(200, "GET", "/lists/"+mcFirstList+"/members?count=1000&fields=total_items,members.id,members.status&since_last_changed="+since, "")
	}
	if text := changed(); gjson.Get(text, "total_items").Int() != 0 {
		t.Errorf("changed before anything happened: %s", text)
	}
	b.Advance(60 * 24 * time.Hour)
	statuses := map[string]int64{}
	for _, one := range gjson.Get(changed(), "members").Array() {
		statuses[one.Get("status").Str]++
		if len(one.Map()) != 2 {
			t.Fatalf("fields %s", one)
		}
	}
	if statuses[mcUnsubscribed] == 0 || statuses[mcCleaned] == 0 || statuses[mcSubscribed] > 0 {
		t.Errorf("changed: %v", statuses)
	}
	report := "/reports/" + mcFirstCampaign
	left := gjson.Get(b.want(200, "GET", report+"/unsubscribed?count=1000", ""), "total_items").Int()
	if left != statuses[mcUnsubscribed] {
		t.Errorf("%d unsubscribed, the list says %d", left, statuses[mcUnsubscribed])
	}
	activity := b.want(200, "GET", report+"/email-activity?count=1000&since="+since, "")
	actions := map[string]int{}
	for _, action := range gjson.Get(activity, "emails.#.activity.#.action|@flatten").Array() {
		actions[action.Str]++
	}
	if actions["open"] == 0 || actions["click"] == 0 || int64(actions["bounce"]) != statuses[mcCleaned] {
		t.Errorf("activity %v", actions)
	}
	if got := gjson.Get(b.want(200, "GET", report+"/sent-to?count=1", ""), "total_items").Int(); got != people {
		t.Errorf("sent to %d", got)
	}
}

func TestMailchimp_refuses_a_wrong_key_and_unknown_paths(t *testing.T) {
	t.Parallel()
	b := startMailchimp(t, false)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.base+"/ping", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer invalid")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") {
		t.Errorf("%d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	b.want(404, "GET", "/nothing", "")
	b.want(404, "GET", "/lists/0000000000", "")
	b.want(400, "PUT", memberPath("x@shop.example"), `{"email_address":`)
	b.faults.add(Fault{App: "mailchimp", Error5xx: 1, Status: 500, Times: 1})
	if text := b.want(500, "GET", "/ping", ""); gjson.Get(text, "title").Str != "Internal Server Error" {
		t.Errorf("%s", text)
	}
}
