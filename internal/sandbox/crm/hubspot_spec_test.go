package crm

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/tidwall/gjson"
)

// hubspotSpec is HubSpot's own document, which is not ours to copy. Where a
// schema lists properties, it then allows no others; and the values of a
// record may be null, which they are in truth and not in the document.
func hubspotSpec(t *testing.T) *openapi3.T {
	t.Helper()
	dir := os.Getenv("LEADLAKE_CONTRACTS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "contracts")
	}
	path := filepath.Join(dir, "specs", "hubspot-crm-contacts-v3.json")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no %s: set LEADLAKE_CONTRACTS to the folder that holds specs/", path)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range doc.Components.Schemas {
		schema, closed := ref.Value, false
		if len(schema.Properties) > 0 {
			schema.AdditionalProperties.Has = &closed
		}
		if p := schema.Properties["properties"]; p != nil && p.Value.AdditionalProperties.Schema != nil {
			p.Value.AdditionalProperties.Schema.Value.Nullable = true
		}
	}
	return doc
}

// hubspotHolds holds an answer against what the document says of a call; what
// it does not list is an error.
func hubspotHolds(doc *openapi3.T, method, path string, status int, body string) error {
	op := doc.Paths.Value(path).GetOperation(method)
	resp := op.Responses.Value(fmt.Sprint(status))
	schema := doc.Components.Schemas["Error"]
	if resp != nil {
		media := resp.Value.Content["application/json"]
		if media == nil {
			if body != "" {
				return fmt.Errorf("%s %s %d has a body", method, path, status)
			}
			return nil
		}
		schema = media.Schema
	} else if status < 400 {
		return fmt.Errorf("%s %s never answers %d", method, path, status)
	}
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		return err
	}
	if list, ok := v.(map[string]any); ok && resp == nil {
		delete(list, "status") // every error says so, and the document does not
	}
	return schema.Value.VisitJSON(v, openapi3.MultiErrors(), openapi3.VisitAsResponse(), openapi3.EnableFormatValidation())
}

func TestHubspot_answers_keep_to_the_providers_document(t *testing.T) {
	t.Parallel()
	doc := hubspotSpec(t)
	b := start(t, Config{})
	const root = "/crm/v3/objects/contacts"
	checked := 0
	holds := func(status int, method, path, url, body string) string {
		t.Helper()
		checked++
		if url == "" {
			url = path
		}
		text := b.want(status, method, "/hubspot"+url, body)
		if err := hubspotHolds(doc, method, path, status, text); err != nil {
			t.Errorf("%s %s %d: %.1500v\n%.800s", method, path, status, err, text)
		}
		return text
	}
	holds(200, "POST", root+"/batch/upsert", "", `{"inputs":[{"id":"a@firm.example","idProperty":"email","properties":{"firstname":"Ann","leadlake_id":"l1"},"objectWriteTraceId":"k1"},{"id":"b@firm.example","idProperty":"email","properties":{}}]}`)
	mixed := holds(207, "POST", root+"/batch/upsert", "", `{"inputs":[{"id":"a@firm.example","idProperty":"email","properties":{"firstname":""},"objectWriteTraceId":"k1"},{"id":"c@firm.example","idProperty":"email","properties":{"leadlake_id":"L1"},"objectWriteTraceId":"k2"}]}`)
	if gjson.Get(mixed, "errors.0.category").String() != "CONFLICT" {
		t.Error(mixed)
	}
	holds(400, "POST", root+"/batch/upsert", "", `{"inputs":[{"id":"a@firm.example","idProperty":"email","properties":{"nonsense":"x"}}]}`)
	holds(400, "POST", root+"/batch/upsert", "", `{"inputs":[{"id":"a@firm.example","idProperty":"email","properties":{}},{"id":"A@firm.example","idProperty":"email","properties":{}}]}`)
	holds(201, "POST", root+"/batch/create", "", `{"inputs":[{"properties":{"email":"d@firm.example"},"associations":[]}]}`)
	holds(207, "POST", root+"/batch/create", "", `{"inputs":[{"properties":{"email":"d@firm.example"},"objectWriteTraceId":"k","associations":[]}]}`)
	holds(200, "POST", root+"/batch/update", "", `{"inputs":[{"id":"d@firm.example","idProperty":"email","properties":{"city":"Denver"}}]}`)
	holds(200, "POST", root+"/batch/read", "", `{"inputs":[{"id":"d@firm.example"}],"idProperty":"email","properties":["city","zip"],"propertiesWithHistory":[]}`)
	holds(207, "POST", root+"/batch/read", "", `{"inputs":[{"id":"x@firm.example"}],"idProperty":"email","properties":["city"],"propertiesWithHistory":[]}`)
	one := gjson.Get(holds(201, "POST", root, "", `{"properties":{"email":"e@firm.example"},"associations":[]}`), "id").String()
	holds(409, "POST", root, "", `{"properties":{"email":"e@firm.example"},"associations":[]}`)
	holds(200, "GET", root, root+"?limit=2&properties=email,phone", "")
	holds(200, "GET", root+"/{contactId}", root+"/"+one, "")
	holds(404, "GET", root+"/{contactId}", root+"/9", "")
	holds(200, "PATCH", root+"/{contactId}", root+"/"+one, `{"properties":{"phone":"303 555 0100"}}`)
	b.Advance(hsLag)
	holds(200, "POST", root+"/search", "", `{"filterGroups":[{"filters":[{"propertyName":"email","operator":"HAS_PROPERTY"}]}],"sorts":["-email"],"properties":["phone"],"limit":1,"after":"0"}`)
	holds(400, "POST", root+"/search", "", `{"filterGroups":[],"sorts":[],"properties":[],"limit":200,"after":"9900"}`)
	first := gjson.Get(b.want(200, "GET", "/hubspot"+root, ""), "results.0.id").String()
	holds(200, "POST", root+"/merge", "", `{"primaryObjectId":"`+first+`","objectIdToMerge":"`+one+`"}`)
	holds(204, "DELETE", root+"/{contactId}", root+"/"+first, "")
	holds(204, "POST", root+"/batch/archive", "", `{"inputs":[{"id":"9"}]}`)
	holds(204, "POST", root+"/gdpr-delete", "", `{"objectId":"d@firm.example","idProperty":"email"}`)
	if checked < 20 {
		t.Errorf("%d answers only", checked)
	}

	right := b.want(200, "GET", "/hubspot"+root, "")
	for from, to := range map[string]string{`"id":"`: `"id":7,"x":"`, `"archived":false`: `"archived":"no"`, `"createdAt":"2`: `"createdAt":"on 2`, `"properties":{`: `"properties":{"n":7,`, `"results":[`: `"rows":[`} {
		wrong := strings.Replace(right, from, to, 1)
		if wrong == right || hubspotHolds(doc, "GET", root, 200, wrong) == nil {
			t.Errorf("%s for %s passes in %s", to, from, right)
		}
	}
}
