package deliver

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const mappedLead = `{"lead_id":"l1","name":"Smith & Co","vertical":"local_services","lead_score":71,"website":"https://smith.example",
"phones":[{"value":"+15015550101","type":"main"},{"value":"+15015550102","type":"mobile"}],
"emails":[{"value":"Ada@Smith.example","type":"role"}],
"address":{"line1":"1 Main St","city":"Little Rock","region":"AR","postal":"01234"},
"provenance":[{"field":"name","provider":"yelp","confidence":0.9}]}`

// TestMapping_salesforce_default is the example of the product specification,
// section 19.4.
func TestMapping_salesforce_default(t *testing.T) {
	t.Parallel()
	m, err := DefaultMapping("salesforce")
	if err != nil {
		t.Fatal(err)
	}
	c := m.Check([]byte(mappedLead), Schema{Fields: []Field{{Name: "Lead_Provenance__c", Type: Text, MaxLen: 1000}}})
	want := map[string]string{
		"Company": "Smith & Co", "Website": "https://smith.example", "Lead_Score__c": "71", "Phone": "+15015550101", "City": "Little Rock",
		"State": "AR", "PostalCode": "01234", "Industry": "Consulting", "Lead_Provenance__c": `[{"field":"name","provider":"yelp","confidence":0.9}]`,
	}
	got := map[string]string{}
	for name := range want {
		got[name] = c.Payload.Text(name)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(c.Problems) > 0 || c.Key != "l1" {
		t.Error(diff, c.Problems, c.Key)
	}
}

func TestMapping_transforms_and_types(t *testing.T) {
	t.Parallel()
	schema := Schema{Fields: []Field{
		{Name: "text", Type: Text, MaxLen: 5}, {Name: "number", Type: Number}, {Name: "whole", Type: Integer}, {Name: "yes", Type: Boolean},
		{Name: "pick", Type: Picklist, Values: []string{"Hot", "Cold"}}, {Name: "list", Type: List}, {Name: "date", Type: Date}, {Name: "must", Required: true},
	}}
	for name, c := range map[string]struct {
		field FieldMapping
		want  string // JSON, or the code of the problem
	}{
		"from":           {FieldMapping{To: "x", From: "phones[1].value"}, `"+15015550102"`},
		"by type":        {FieldMapping{To: "x", From: "phones[type=mobile].value"}, `"+15015550102"`},
		"all":            {FieldMapping{To: "x", From: "phones[*].value"}, `["+15015550101","+15015550102"]`},
		"spec's name":    {FieldMapping{To: "x", From: "phone[0].value"}, `"+15015550101"`},
		"first":          {FieldMapping{To: "x", First: []string{"brand.name", "name"}}, `"Smith & Co"`},
		"join":           {FieldMapping{To: "x", Join: []string{"address.line1", "address.line2", "address.city"}, With: "; "}, `"1 Main St; Little Rock"`},
		"format":         {FieldMapping{To: "x", Format: "{name} in {address.city}!"}, `"Smith & Co in Little Rock!"`},
		"half a format":  {FieldMapping{To: "x", Format: "{name} in {address.country}"}, ``},
		"constant":       {FieldMapping{To: "whole", Constant: 7}, `7`},
		"lookup":         {FieldMapping{To: "pick", From: "vertical", Lookup: map[string]string{"local_services": "hot"}}, `"Hot"`},
		"else":           {FieldMapping{To: "pick", From: "vertical", Lookup: map[string]string{"other": "hot"}, Else: "cold"}, `"Cold"`},
		"default":        {FieldMapping{To: "x", From: "brand.name", Default: "none"}, `"none"`},
		"kept":           {FieldMapping{To: "x", From: "brand.name"}, ``},
		"cleared":        {FieldMapping{To: "x", From: "brand.name", Null: Clear}, `null`},
		"too long":       {FieldMapping{To: "text", From: "name"}, `too_long`},
		"cut":            {FieldMapping{To: "text", From: "name", Truncate: true}, `"Smith"`},
		"text of number": {FieldMapping{To: "text", From: "lead_score"}, `"71"`},
		"no number":      {FieldMapping{To: "number", From: "name"}, `wrong_type`},
		"not on list":    {FieldMapping{To: "pick", From: "name"}, `not_in_picklist`},
		"a list of one":  {FieldMapping{To: "list", From: "emails[0].value"}, `["Ada@Smith.example"]`},
		"no date":        {FieldMapping{To: "date", From: "name"}, `wrong_type`},
		"required":       {FieldMapping{To: "must", From: "brand.name"}, `required_missing`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := Mapping{Version: 1, Key: "emails[0].value", Fields: []FieldMapping{c.field}}
			if err := m.check(); err != nil {
				t.Fatal(err)
			}
			got := m.Check([]byte(mappedLead), schema)
			text := string(got.Payload[c.field.To])
			if len(got.Problems) > 0 {
				text = got.Problems[0].Code
			}
			if text != c.want || got.Key != "ada@smith.example" {
				t.Errorf("gives %s under %s, want %s", text, got.Key, c.want)
			}
		})
	}
}

func TestParseMapping_names_what_is_wrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"fields: [{to: a, from: name}]":                                     "key is missing",
		"key: lead_id":                                                      "no fields",
		"key: lead_id\nfields: [{to: a, frm: name}]":                        "frm",
		"key: lead_id\nfields: [{to: a, from: title}]":                      `no "title"`,
		"key: lead_id\nfields: [{to: a, from: phones.value}]":               "phones[0]",
		"key: lead_id\nfields: [{to: a, from: \"name[0]\"}]":                "not a list",
		"key: lead_id\nfields: [{to: a, from: name}, {to: a, from: name}]":  "filled twice",
		"key: lead_id\nfields: [{to: a, from: name, constant: 1}]":          "2 of from",
		"key: lead_id\nfields: [{to: a, from: name, overwrite: sometimes}]": "sometimes",
		"key: lead_id\nfields: [{to: a, format: \"{name} {place.city}\"}]":  "place",
		"key: lead_id\nfields: [{to: a, from: name, no_value: drop}]":       "drop",
		"key: lead_id\nfields: [{from: name}]":                              "to is missing",
	} {
		if _, err := ParseMapping([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error %v does not say %q", text, err, want)
		}
	}
}

func TestPayload_values_that_mean_the_same_are_no_change(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`"01234"`, `"1234"`, false}, {`45`, `"45"`, true}, {`45`, `"45.0"`, true}, {`""`, `null`, true}, {`[]`, ``, true}, {`"a"`, `"b"`, false},
		{`true`, `"true"`, true}, {`"a"`, `null`, false}, {`["a","b"]`, `["a", "b"]`, true},
	} {
		if got := sameValue([]byte(c.a), []byte(c.b)); got != c.same {
			t.Errorf("%s and %s: same is %v", c.a, c.b, got)
		}
	}
}
