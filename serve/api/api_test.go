package api

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/serve/snapshot"
	"github.com/leadlake/leadlake/serve/snapshot/snapshottest"
)

type bundle struct {
	t       *testing.T
	lake    *lake.Lake
	manager *snapshot.Manager
	handler http.Handler
	doc     *openapi3.T
}

func setup(t *testing.T, leads int) *bundle {
	t.Helper()
	l := snapshottest.Open(t)
	if leads > 0 {
		snapshottest.Fill(t, l, 0, leads)
	}
	m := snapshot.NewManager(snapshot.Config{Lake: l})
	t.Cleanup(m.Close)
	if err := m.Refresh(context.Background()); err != nil && leads > 0 {
		t.Fatal(err)
	}
	h, err := New(Config{Snapshots: m, Lake: l})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	return &bundle{t, l, m, h, doc}
}

// get asks and holds the answer against openapi.json.
func (b *bundle) get(target string, headers ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.do(http.MethodGet, target, headers...)
}

func (b *bundle) do(method, target string, headers ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	req := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, req)
	if w.Header().Get(requestIDHeader) == "" {
		b.t.Errorf("%s has no request id", target)
	}
	if method == http.MethodGet && w.Header().Get("Content-Encoding") == "" {
		b.conforms(req.URL.Path, w)
	}
	return w
}

func (b *bundle) conforms(path string, w *httptest.ResponseRecorder) {
	b.t.Helper()
	if strings.HasPrefix(path, "/v1/leads/") {
		path = "/v1/leads/{id}"
	}
	item := b.doc.Paths.Value(path)
	if item == nil {
		return // a path that is not there
	}
	response := item.Get.Responses.Status(w.Code)
	if response == nil {
		b.t.Errorf("GET %s: status %d is not in openapi.json", path, w.Code)
		return
	}
	mediaType, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	media := response.Value.Content.Get(mediaType)
	switch {
	case media == nil && w.Body.Len() > 0:
		b.t.Errorf("GET %s: %d with %q is not in openapi.json", path, w.Code, mediaType)
	case strings.HasSuffix(mediaType, "json"):
		var value any
		if err := json.Unmarshal(w.Body.Bytes(), &value); err != nil {
			b.t.Errorf("GET %s: %v", path, err)
		} else if err := media.Schema.Value.VisitJSON(value); err != nil {
			b.t.Errorf("GET %s: the answer is not what openapi.json says: %v", path, err)
		}
	}
}

type answered struct {
	Data       []leadlake.CanonicalLead `json:"data"`
	NextCursor string                   `json:"next_cursor"`
	Snapshot   string                   `json:"snapshot"`
	Count      *int64                   `json:"count"`
}

func (b *bundle) page(query url.Values) answered {
	b.t.Helper()
	w := b.get("/v1/leads?" + query.Encode())
	var a answered
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK {
		b.t.Fatalf("page %v: %d %s", query, w.Code, w.Body)
	}
	return a
}

func TestEveryRouteIsInTheOpenAPIFileAndBack(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Error(err)
	}
	want, got := map[string]bool{}, map[string]bool{}
	for _, route := range (&server{}).routes().Routes() {
		want[strings.NewReplacer(":id", "{id}", ":destination", "{destination}").Replace(route.Path)] = true
	}
	for path := range doc.Paths.Map() {
		got[path] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes (-served +documented):\n%s", diff)
	}
}

func TestRequestsAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t, 120)
	lead := b.page(nil).Data[0]
	for _, c := range []struct {
		name, target  string
		status        int
		contains, not string
	}{
		{"health", "/healthz", 200, `"ok"`, ""},
		{"ready", "/readyz", 200, `"leads":120`, ""},
		{"document", "/openapi.json", 200, `"openapi": "3.1.0"`, ""},
		{"landing page lists campaigns", "/", 200, "Denver Plumbers Q4", "<script"},
		{"landing page escapes", "/", 200, "Zoë&#39;s", "Zoë's"},
		{"list", "/v1/leads", 200, `"snapshot":`, `source_records`},
		{"empty list", "/v1/leads?campaign=nobody", 200, `"data":[]`, "next_cursor"},
		{"campaign by name", "/v1/leads?campaign=Denver+Plumbers+Q4", 200, `"denver-plumbers-q4"`, "boise"},
		{"campaignId", "/v1/leads?campaignId=boise-bakers", 200, `"boise-bakers"`, "denver-plumbers"},
		{"lower case tier and region", "/v1/leads?tier=a&region=co", 200, `"region":"CO"`, `"region":"ID"`},
		{"count", "/v1/leads?count=true&limit=1", 200, `"count":120`, ""},
		{"no count unless asked", "/v1/leads?limit=1", 200, "", `"count":120`},
		{"text of operators", "/v1/leads?q=%22acme*+AND+NEAR(", 200, `"data":[]`, ""},
		{"one lead", "/v1/leads/" + lead.LeadID, 200, `"source_records":[{"provider":"list_a"`, `"raw"`},
		{"one lead with raw", "/v1/leads/" + lead.LeadID + "?include=raw", 200, `"raw":{"name":"Row `, ""},
		{"one lead of a campaign", "/v1/leads/" + lead.LeadID + "?campaign=" + lead.CampaignID, 200, lead.Name, ""},
		{"one lead of a foreign campaign", "/v1/leads/" + lead.LeadID + "?campaign=nobody", 404, `"not_found"`, lead.Name},
		{"no such lead", "/v1/leads/none", 404, `"not_found"`, ""},
		{"no such path", "/v2/leads", 404, `"not_found"`, ""},
		{"trailing slash", "/v1/leads/", 404, `"not_found"`, ""},
		{"unknown parameter", "/v1/leads?teir=A", 400, `use campaign, campaignId, tier, vertical, region, min_score, q, limit, cursor, count`, ""},
		{"parameter twice", "/v1/leads?tier=A&tier=B", 400, "2 times", ""},
		{"both campaign names", "/v1/leads?campaign=a&campaignId=b", 400, "the same", ""},
		{"bad tier", "/v1/leads?tier=D", 400, "use one of [A B C]", ""},
		{"bad vertical", "/v1/leads?vertical=x", 400, "local_services", ""},
		{"bad score", "/v1/leads?min_score=101", 400, "from 0 to 100", ""},
		{"limit nought", "/v1/leads?limit=0", 400, "from 1 to 200", ""},
		{"limit too high", "/v1/leads?limit=201", 400, "from 1 to 200", ""},
		{"limit no number", "/v1/leads?limit=1e2", 400, "from 1 to 200", ""},
		{"bad count", "/v1/leads?count=yes", 400, "true or false", ""},
		{"long text", "/v1/leads?q=" + strings.Repeat("x", 201), 400, "at most 200", ""},
		{"bad escape", "/v1/leads?q=%zz", 400, `"invalid"`, ""},
		{"bad include", "/v1/leads/" + lead.LeadID + "?include=all", 400, "use one of [raw]", ""},
		{"cursor of nonsense", "/v1/leads?cursor=!!", 400, "next_cursor", ""},
		{"cursor of other JSON", "/v1/leads?cursor=e30", 400, "next_cursor", ""},
	} {
		w := b.get(c.target)
		body := w.Body.String()
		if w.Code != c.status || !strings.Contains(body, c.contains) || c.not != "" && strings.Contains(body, c.not) {
			t.Errorf("%s: %d %.300s\nwant %d with %q, without %q", c.name, w.Code, body, c.status, c.contains, c.not)
		}
		if isProblem := w.Header().Get("Content-Type") == "application/problem+json"; isProblem != (c.status >= 400) {
			t.Errorf("%s: content type %s", c.name, w.Header().Get("Content-Type"))
		}
	}
}

func TestMethodsOtherThanReadingAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, 0)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
		if w := b.do(method, "/v1/leads"); w.Code != http.StatusMethodNotAllowed || !strings.Contains(w.Body.String(), `"invalid"`) {
			t.Errorf("%s: %d %s", method, w.Code, w.Body)
		}
	}
}

func TestBeforeTheFirstPublishTheServiceSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t, 0)
	for target, status := range map[string]int{"/healthz": 200, "/": 200, "/readyz": 503, "/v1/leads": 503, "/v1/leads/x": 503} {
		w := b.get(target)
		if w.Code != status || status == 503 && (!strings.Contains(w.Body.String(), "no leads are published yet") || w.Header().Get("Retry-After") == "") {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

func TestWalkingByCursorSeesEachLeadOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, 120)
	query := url.Values{"limit": {"7"}, "campaign": {"boise-bakers"}}
	seen := map[string]int{}
	for {
		a := b.page(query)
		for _, l := range a.Data {
			seen[l.LeadID]++
		}
		if a.NextCursor == "" {
			break
		}
		query.Set("cursor", a.NextCursor)
	}
	if len(seen) != 80 {
		t.Errorf("%d leads, want 80", len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("lead %s came %d times", id, n)
		}
	}
	query.Set("tier", "A")
	if w := b.get("/v1/leads?" + query.Encode()); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "other filters") {
		t.Errorf("a cursor with other filters: %d %s", w.Code, w.Body)
	}
}

func TestACursorOutlivesItsSnapshot(t *testing.T) {
	t.Parallel()
	b := setup(t, 60)
	first := b.page(url.Values{"limit": {"20"}})
	snapshottest.Fill(t, b.lake, 60, 90)
	if err := b.manager.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	second := b.page(url.Values{"limit": {"200"}, "cursor": {first.NextCursor}})
	if second.Snapshot == first.Snapshot {
		t.Error("the second page is from the old snapshot")
	}
	score := func(l leadlake.CanonicalLead) int {
		if l.LeadScore == nil {
			return -1
		}
		return *l.LeadScore
	}
	last, next := first.Data[19], second.Data[0]
	if score(next) > score(last) || score(next) == score(last) && next.LeadID <= last.LeadID {
		t.Errorf("page two begins with %d %s, page one ended with %d %s", score(next), next.LeadID, score(last), last.LeadID)
	}
}

func TestALeadIsSentAgainOnlyWhenItChanged(t *testing.T) {
	t.Parallel()
	b := setup(t, 10)
	target := "/v1/leads/" + b.page(nil).Data[0].LeadID
	tag := b.get(target).Header().Get("ETag")
	for header, status := range map[string]int{tag: 304, strings.TrimPrefix(tag, "W/"): 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "": 200} {
		if w := b.get(target, "If-None-Match", header); w.Code != status || status == 304 && w.Body.Len() > 0 {
			t.Errorf("If-None-Match %s: %d", header, w.Code)
		}
	}
}

func TestAnswersAreCompressedOnlyForThoseWhoAsk(t *testing.T) {
	t.Parallel()
	b := setup(t, 50)
	plain, packed := b.get("/v1/leads"), b.get("/v1/leads", "Accept-Encoding", "gzip")
	if packed.Header().Get("Content-Encoding") != "gzip" || plain.Header().Get("Content-Encoding") != "" {
		t.Fatalf("encodings %q and %q", packed.Header().Get("Content-Encoding"), plain.Header().Get("Content-Encoding"))
	}
	reader, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(reader); err != nil || string(body) != plain.Body.String() {
		t.Errorf("the compressed answer differs: %v", err)
	}
}

func TestRequestIDsComeBackUnlessTheyAreUnsafe(t *testing.T) {
	t.Parallel()
	b := setup(t, 0)
	for sent, kept := range map[string]bool{"abc-1.2_X": true, "a b": false, "<x>": false, strings.Repeat("x", 65): false} {
		if got := b.get("/healthz", requestIDHeader, sent).Header().Get(requestIDHeader); (got == sent) != kept {
			t.Errorf("sent %q, got %q", sent, got)
		}
	}
}

func TestTheTextOfInternalErrorsStaysHidden(t *testing.T) {
	t.Parallel()
	b := setup(t, 10)
	target := "/v1/leads/" + b.page(nil).Data[0].LeadID + "?include=raw"
	snapshottest.Exec(t, b.lake, "drop table lake.marts.lead_records")
	w := b.get(target)
	if body := w.Body.String(); w.Code != 500 || !strings.Contains(body, `"internal"`) || strings.Contains(body, "lead_records") {
		t.Errorf("%d %s", w.Code, body)
	}
}

func FuzzParseList(f *testing.F) {
	for _, seed := range []string{"tier=A&limit=5", "cursor=e30", "q=%22a*&min_score=-1", "campaign=Zo%C3%AB", "a;b=%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseList(&url.URL{RawQuery: raw})
		if err != nil {
			if leadlake.ErrorCode(err) != leadlake.Invalid {
				t.Errorf("%q: code %s", raw, leadlake.ErrorCode(err))
			}
			return
		}
		key := snapshot.Key{Score: 5, LeadID: "l", CampaignID: "c"}
		text, err := encodeCursor(key, q.filter)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decodeCursor(text, q.filter); err != nil || *back != key {
			t.Errorf("%q: the cursor came back as %v, %v", raw, back, err)
		}
	})
}
