package crm

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/tidwall/gjson"
)

// outreachSpec is Outreach's own document, which is not ours to copy: the
// folder with specs/ in it is named by LEADLAKE_CONTRACTS or lies beside the
// repository. Where a schema lists properties, it then allows no others.
func outreachSpec(t *testing.T) *openapi3.T {
	t.Helper()
	dir := os.Getenv("LEADLAKE_CONTRACTS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "contracts")
	}
	path := filepath.Join(dir, "specs", "outreach-openapi.json")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no %s: set LEADLAKE_CONTRACTS to the folder that holds specs/", path)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[*openapi3.Schema]bool{}
	var closeAll func(ref *openapi3.SchemaRef)
	closeAll = func(ref *openapi3.SchemaRef) {
		if ref == nil || ref.Value == nil || seen[ref.Value] {
			return
		}
		schema, closed := ref.Value, false
		seen[schema] = true
		if len(schema.Properties) > 0 {
			schema.AdditionalProperties.Has = &closed
		}
		for _, sub := range schema.Properties {
			closeAll(sub)
		}
		closeAll(schema.Items)
	}
	for _, name := range []string{"prospect", "account", "sequence", "sequenceState", "mailing", "emailAddress", "stage", "user", "mailbox"} {
		resource := doc.Components.Schemas[name+"Response"]
		// JSON:API gives every resource links; the document leaves them out.
		resource.Value.Properties["links"] = openapi3.NewSchemaRef("", openapi3.NewObjectSchema())
		closeAll(resource)
	}
	return doc
}

// checkAgainst holds an answer against what the document says of a call.
func checkAgainst(doc *openapi3.T, method, path string, status int, body string) error {
	item := doc.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		return fmt.Errorf("the document has no %s %s", method, path)
	}
	resp := item.GetOperation(method).Responses.Value(fmt.Sprint(status))
	if resp == nil {
		return fmt.Errorf("%s %s never answers %d", method, path, status)
	}
	media := resp.Value.Content[outreachMedia]
	if media == nil || media.Schema == nil {
		if body != "" {
			return fmt.Errorf("%s %s %d has a body", method, path, status)
		}
		return nil
	}
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		return err
	}
	return media.Schema.Value.VisitJSON(v, openapi3.MultiErrors(), openapi3.VisitAsResponse(), openapi3.EnableFormatValidation())
}

func TestOutreach_answers_keep_to_the_providers_document(t *testing.T) {
	t.Parallel()
	doc := outreachSpec(t)
	b := startOutreach(t, false)
	checked := 0
	holds := func(status int, method, path, url, body string) string {
		t.Helper()
		checked++
		text := b.want(status, method, "/api/v2"+url, body)
		if err := checkAgainst(doc, method, path, status, text); err != nil {
			t.Errorf("%s %s %d: %.1500v\n%.500s", method, path, status, err, text)
		}
		return text
	}
	holds(201, "POST", "/accounts", "/accounts", `{"data":{"type":"account","attributes":{"name":"Lee Plumbing","domain":"lee.example","customId":"ld_1","numberOfEmployees":12,"foundedAt":"2001-01-01T00:00:00Z","tags":["plumber"]}}}`)
	full := `{"firstName":"Ann","lastName":"Lee","emails":["ann@lee.example"],"workPhones":["+1 303 555 0101"],"score":0.5,"dateOfBirth":"1980-01-02","tags":["a","b"],"custom7":"x","optedOut":false,"addedAt":"2026-01-01T00:00:00Z"}`
	holds(201, "POST", "/prospects", "/prospects", `{"data":{"type":"prospect","attributes":`+full+`,"relationships":{"account":{"data":{"type":"account","id":1}}}}}`)
	holds(422, "POST", "/prospects", "/prospects", prospectDoc(0, full))
	holds(200, "PATCH", "/prospects/{id}", "/prospects/1", prospectDoc(1, `{"title":"Owner"}`))
	holds(422, "PATCH", "/prospects/{id}", "/prospects/1", prospectDoc(1, `{"title":"Owner"}`))
	holds(404, "GET", "/prospects/{id}", "/prospects/9", "")
	holds(422, "GET", "/prospects", "/prospects?filter[externalId]=x", "")
	holds(201, "POST", "/sequenceStates", "/sequenceStates", `{"data":{"type":"sequenceState","relationships":{"prospect":{"data":{"type":"prospect","id":"1"}},"sequence":{"data":{"type":"sequence","id":"1"}},"mailbox":{"data":{"type":"mailbox","id":"1"}}}}}`)
	holds(200, "POST", "/sequenceStates/{id}/actions/pause", "/sequenceStates/1/actions/pause", "")
	holds(200, "POST", "/sequenceStates/{id}/actions/resume", "/sequenceStates/1/actions/resume", "")
	for i := range 60 {
		b.want(201, "POST", "/api/v2/prospects", prospectDoc(0, fmt.Sprintf(`{"lastName":"P%d","emails":["p%d@lee.example"]}`, i, i)))
	}
	b.Advance(60 * 24 * time.Hour)
	for _, path := range []string{"/prospects", "/accounts", "/sequences", "/sequenceStates", "/mailings", "/emailAddresses", "/stages", "/users", "/mailboxes"} {
		if text := holds(200, "GET", path, path, ""); gjson.Get(text, "data.#").Int() == 0 {
			t.Errorf("%s is empty", path)
		}
		holds(200, "GET", path+"/{id}", path+"/1", "")
	}
	holds(200, "GET", "/prospects", "/prospects?fields[prospect]=contactHistogram,emails,account", "")
	holds(204, "DELETE", "/prospects/{id}", "/prospects/1", "")
	if checked < 30 {
		t.Errorf("%d answers only", checked)
	}

	right := b.want(200, "GET", "/api/v2/prospects/2", "")
	for from, to := range map[string]string{`"id":2`: `"id":"2"`, `"firstName":null`: `"firstName":7`, `"firstName":`: `"givenName":`, `"emails":[`: `"emails":[7,`} {
		wrong := strings.Replace(right, from, to, 1)
		if wrong == right || checkAgainst(doc, "GET", "/prospects/{id}", 200, wrong) == nil {
			t.Errorf("%s for %s passes", to, from)
		}
	}
}
