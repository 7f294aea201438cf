package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// The sandbox's answers are held against the providers' own documents. These
// are not ours to copy: the folder with specs/ in it is named by contractsVar
// or lies beside the repository.
const contractsVar = "LEADLAKE_CONTRACTS"

// specFile finds a provider's document.
func specFile(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv(contractsVar)
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "contracts")
	}
	path := filepath.Join(dir, "specs", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no %s: set %s to the folder that holds specs/", path, contractsVar)
	}
	return path
}

// spec is a provider's OpenAPI document, read leniently and applied strictly.
type spec struct {
	doc *openapi3.T
}

// strictness of a document.
type strictness struct {
	nulls bool // any field may be null, whatever its type
}

// readSpec loads a document without validating it: some of them break the rules
// of OpenAPI in places that do not matter here. Where a schema lists
// properties, it then allows no others.
func readSpec(t *testing.T, name string, s strictness, correct func(*spec)) *spec {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(specFile(t, name))
	if err != nil {
		t.Fatalf("load %s: %v", name, err)
	}
	out := &spec{doc}
	correct(out)
	seen := map[*openapi3.Schema]bool{}
	for _, path := range doc.Paths.Map() {
		for _, op := range path.Operations() {
			for _, resp := range op.Responses.Map() {
				for _, media := range resp.Value.Content {
					tighten(media.Schema, s, seen)
				}
			}
		}
	}
	return out
}

// tighten closes a schema and all below it.
func tighten(ref *openapi3.SchemaRef, s strictness, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	schema := ref.Value
	seen[schema] = true
	if len(schema.Properties) > 0 && schema.AdditionalProperties.Has == nil && schema.AdditionalProperties.Schema == nil {
		closed := false
		schema.AdditionalProperties.Has = &closed
	}
	schema.Nullable = schema.Nullable || s.nulls
	// Apollo lists the same form twice under oneOf, which nothing can meet.
	schema.AnyOf, schema.OneOf = append(schema.AnyOf, schema.OneOf...), nil
	for _, list := range []openapi3.SchemaRefs{schema.AllOf, schema.AnyOf} {
		for _, sub := range list {
			tighten(sub, s, seen)
		}
	}
	for _, sub := range schema.Properties {
		tighten(sub, s, seen)
	}
	tighten(schema.Items, s, seen)
	tighten(schema.AdditionalProperties.Schema, s, seen)
}

// schemaOf reads a schema from JSON.
func schemaOf(text string) *openapi3.SchemaRef {
	var schema openapi3.Schema
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		panic(err) // it is a literal of this file
	}
	return openapi3.NewSchemaRef("", &schema)
}

// answers sets what a method of the document answers.
func (s *spec) answers(method, path string, status int, schema *openapi3.SchemaRef) {
	item := s.doc.Paths.Value(path)
	if item == nil {
		item = &openapi3.PathItem{}
		s.doc.Paths.Set(path, item)
	}
	op := item.GetOperation(method)
	if op == nil {
		op = openapi3.NewOperation()
		item.SetOperation(method, op)
	}
	if op.Responses == nil {
		op.Responses = openapi3.NewResponses()
	}
	media := openapi3.NewMediaType()
	media.Schema = schema
	op.Responses.Set(fmt.Sprint(status), &openapi3.ResponseRef{Value: &openapi3.Response{
		Content: openapi3.Content{"application/json": media},
	}})
}

// schema is a component of the document.
func (s *spec) schema(name string) *openapi3.Schema { return s.doc.Components.Schemas[name].Value }

// errNoSchema says that a document describes an answer without a form.
var errNoSchema = errors.New("the document has no schema")

var uuidForm = openapi3.NewRegexpFormatValidator(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// formed says whether a document gives an answer a form.
func formed(m *openapi3.MediaType) bool {
	return m != nil && m.Schema != nil && m.Schema.Value != nil && !m.Schema.Value.IsEmpty()
}

// check holds an answer against the document.
func (s *spec) check(method, path string, status int, contentType string, body []byte) error {
	item := s.doc.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		return fmt.Errorf("the document has no %s %s", method, path)
	}
	resp := item.GetOperation(method).Responses.Value(fmt.Sprint(status))
	if resp == nil {
		return fmt.Errorf("%s %s never answers %d", method, path, status)
	}
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("content type %q: %w", contentType, err)
	}
	media := resp.Value.Content[kind]
	if media == nil {
		return fmt.Errorf("%s %s %d never answers %s", method, path, status, kind)
	}
	if kind == "text/plain" { // its schemas are guesses from an example
		if len(body) == 0 {
			return errors.New("empty text")
		}
		return nil
	}
	if !formed(media) {
		return errNoSchema
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return media.Schema.Value.VisitJSON(v, openapi3.MultiErrors(), openapi3.VisitAsResponse(), openapi3.DisableSchemaErrorDetails(),
		openapi3.EnableFormatValidation(), openapi3.WithStringFormatValidator("uuid", uuidForm))
}

// exchange is a call and where the document describes its answer.
type exchange struct {
	method, path string // of the document
	url          string // of the sandbox, below the provider; "" for the path
	body         string
	key          string // "k" by default
	status       int
	silent       bool // the document has no schema for it
}

// ask makes the call of an exchange; the key goes into every header that a
// provider reads.
func ask(t *testing.T, base string, e exchange) (status int, contentType string, body []byte) {
	t.Helper()
	address := e.url
	if address == "" {
		address = e.path
	}
	resp, body := send(t, e.method, base+address, e.body, e.key)
	return resp.StatusCode, resp.Header.Get("Content-Type"), body
}

// verify makes every call and holds every answer against the document.
func verify(t *testing.T, s *spec, base string, calls []exchange) {
	t.Helper()
	for _, e := range calls {
		t.Run(fmt.Sprint(e.method, " ", e.path, " ", e.status, " ", e.url), func(t *testing.T) {
			t.Parallel()
			status, contentType, body := ask(t, base, e)
			if status != e.status {
				t.Fatalf("status %d, want %d: %.300s", status, e.status, body)
			}
			err := s.check(e.method, e.path, status, contentType, body)
			if e.silent && errors.Is(err, errNoSchema) {
				return
			}
			if err != nil {
				t.Errorf("%.2500v\n%.600s", err, body)
			}
		})
	}
}

// refutes changes a right answer in one place each and wants the checker to
// see it.
func refutes(t *testing.T, s *spec, base string, right exchange, changes [][2]string) {
	t.Helper()
	status, contentType, body := ask(t, base, right)
	if err := s.check(right.method, right.path, status, contentType, body); err != nil {
		t.Fatalf("the right answer fails: %v", err)
	}
	for _, change := range changes {
		wrong := regexp.MustCompile(change[0]).ReplaceAllString(string(body), change[1])
		if wrong == string(body) {
			t.Errorf("%q is not in %.600s", change[0], body)
			continue
		}
		if err := s.check(right.method, right.path, status, contentType, []byte(wrong)); err == nil {
			t.Errorf("%q for %q passes", change[1], change[0])
		}
	}
	if err := s.check(right.method, right.path, http.StatusTeapot, contentType, body); err == nil {
		t.Error("a status that the document does not know passes")
	}
}

// discovery is Google's own form of description.
type discovery struct {
	Schemas map[string]discoveryType
}

type discoveryType struct {
	Ref        string `json:"$ref"`
	Type       string
	Format     string
	Enum       []string
	Items      *discoveryType
	Properties map[string]discoveryType
}

// check lists where a value is not of a type. Fields that the type does not
// have are wrong, too; Google never prints null.
func (d *discovery) check(at string, typ discoveryType, v any) []string {
	if typ.Ref != "" {
		typ = d.Schemas[typ.Ref]
	}
	var wrong []string
	switch v := v.(type) {
	case map[string]any:
		if typ.Type != "object" {
			break
		}
		for name, field := range v {
			if sub, ok := typ.Properties[name]; ok {
				wrong = append(wrong, d.check(at+"."+name, sub, field)...)
			} else {
				wrong = append(wrong, at+"."+name+" is unknown")
			}
		}
		return wrong
	case []any:
		if typ.Type != "array" {
			break
		}
		for i, e := range v {
			wrong = append(wrong, d.check(fmt.Sprintf("%s[%d]", at, i), *typ.Items, e)...)
		}
		return wrong
	case string:
		form := map[string]string{"int64": `^-?\d+$`, "google-datetime": `^\d{4}-\d\d-\d\dT[0-9:.]+Z$`, "google-duration": `^[0-9.]+s$`}[typ.Format]
		if typ.Type == "string" && (len(typ.Enum) == 0 || slices.Contains(typ.Enum, v)) && regexp.MustCompile(form).MatchString(v) {
			return nil
		}
	case bool:
		if typ.Type == "boolean" {
			return nil
		}
	case float64:
		if typ.Type == "number" || typ.Type == "integer" && v == math.Trunc(v) {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s is %v, not %s %s %v", at, v, typ.Type, typ.Format, typ.Enum)}
}

// checkText holds an answer against a schema.
func (d *discovery) checkText(schema, text string) []string {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return []string{err.Error()}
	}
	if d.Schemas[schema].Type == "" {
		return []string{schema + " is not a schema of the document"}
	}
	return d.check("", discoveryType{Ref: schema}, v)
}

func readDiscovery(t *testing.T, name string) *discovery {
	t.Helper()
	text, err := os.ReadFile(specFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	var d discovery
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

func TestGooglePlaces_answers_keep_to_the_providers_document(t *testing.T) {
	t.Parallel()
	d := readDiscovery(t, "google-places-v1-discovery.json")
	base, w := start(t)
	v1 := base + "/google_places/v1/"
	calls := 0
	holds := func(schema string, status int, text string) {
		t.Helper()
		if calls++; status != http.StatusOK || len(text) < 20 {
			t.Fatalf("%d %.300s", status, text)
		}
		if wrong := d.checkText(schema, text); len(wrong) > 0 {
			t.Errorf("%d faults, the first: %s", len(wrong), wrong[0])
		}
	}
	for _, trade := range []string{"plumber", "dentist", "locksmith", "cafe"} {
		status, text := call(t, v1+"places:searchText", "*", `{"textQuery":"`+trade+`","includePureServiceAreaBusinesses":true}`)
		holds("GoogleMapsPlacesV1SearchTextResponse", status, text)
		status, text = call(t, v1+"places:searchNearby", "*", `{"includedTypes":["`+trade+`"],"locationRestriction":{"circle":{"center":{"latitude":39.7392,"longitude":-104.9903},"radius":20000}}}`)
		holds("GoogleMapsPlacesV1SearchNearbyResponse", status, text)
	}
	for i, l := range w.Listings(world.GooglePlaces) {
		if i%10 == 0 || l.MovedTo != "" || l.Area || l.Status != world.Open {
			resp, text := send(t, http.MethodGet, v1+"places/"+l.Key+"?key=k&fields=*", "", "-")
			holds("GoogleMapsPlacesV1Place", resp.StatusCode, string(text))
		}
	}
	if calls < 100 {
		t.Errorf("%d answers only", calls)
	}
}

func TestDiscovery_sees_what_is_wrong(t *testing.T) {
	t.Parallel()
	d := readDiscovery(t, "google-places-v1-discovery.json")
	const right = `{"id":"x","rating":4.5,"userRatingCount":3,"businessStatus":"OPERATIONAL","types":["plumber"],"location":{"latitude":1,"longitude":2}}`
	if wrong := d.checkText("GoogleMapsPlacesV1Place", right); len(wrong) > 0 {
		t.Fatalf("the right answer fails: %v", wrong)
	}
	for from, to := range map[string]string{
		`"id":"x"`:                     `"id":null`,
		`4.5`:                          `"4.5"`,
		`:3`:                           `:3.5`,
		`OPERATIONAL`:                  `FLOURISHING`,
		`["plumber"]`:                  `"plumber"`,
		`"latitude":1`:                 `"lat":1`,
		`{"latitude":1,"longitude":2}`: `[1,2]`,
	} {
		if wrong := d.checkText("GoogleMapsPlacesV1Place", strings.Replace(right, from, to, 1)); len(wrong) != 1 {
			t.Errorf("%s for %s: faults %v, want one", to, from, wrong)
		}
	}
}
