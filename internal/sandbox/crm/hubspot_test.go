package crm

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

const hsContacts = "/hubspot/crm/v3/objects/contacts"

// contact upserts a contact by our own id and gives what was answered.
func (b *bench) contact(key string, values map[string]string) gjson.Result {
	b.t.Helper()
	text := b.want(200, "POST", hsContacts+"/batch/upsert", jsonOf(map[string]any{"inputs": []any{map[string]any{"id": key, "idProperty": hsKey, "properties": values}}}))
	return gjson.Get(text, "results.0")
}

func TestHubspot_refuses_values_as_its_properties_say(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	for name, c := range map[string][2]string{
		"leadlake_score": {"high", "INVALID_INTEGER"}, "lifecyclestage": {"nonsense", "INVALID_OPTION"}, "email": {"nobody", "INVALID_EMAIL"},
		"createdate": {"1", "READ_ONLY_VALUE"}, "nonsense": {"x", "PROPERTY_DOESNT_EXIST"}, "leadlake_scored_at": {"then", "INVALID_DATE"},
		"city": {strings.Repeat("x", hsMaxText+1), "PROPERTY_VALUE_TOO_LONG"},
	} {
		text := b.want(207, "POST", hsContacts+"/batch/upsert", jsonOf(map[string]any{"inputs": []any{
			map[string]any{"id": "bad", "idProperty": hsKey, "properties": map[string]string{name: c[0]}, "objectWriteTraceId": "k1"},
			map[string]any{"id": "good", "idProperty": hsKey, "properties": map[string]string{"city": "Denver"}},
		}}))
		if gjson.Get(text, "errors.0.errors.0.code").String() != c[1] || gjson.Get(text, "errors.0.context.objectWriteTraceId.0").String() != "k1" || gjson.Get(text, "results.#").Int() != 1 {
			t.Errorf("%s: %.500s", name, text)
		}
	}
	for _, inputs := range []string{
		``, strings.TrimSuffix(strings.Repeat(`{"id":"x","properties":{}},`, 101), ","),
		`{"id":"x","idProperty":"city","properties":{}}`, `{"id":"a","idProperty":"email","properties":{}},{"id":"b","idProperty":"leadlake_id","properties":{}}`,
	} {
		b.want(400, "POST", hsContacts+"/batch/upsert", `{"inputs":[`+inputs+`]}`)
	}
	b.want(404, "POST", hsContacts+"/batch/upsert", `{"inputs":[{"id":"9","properties":{}}]}`)
	b.want(400, "GET", "/hubspot/crm/v3/objects/nonsense", "")
}

func TestHubspot_takes_dated_versions(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	b.contact("k", nil)
	for version, status := range map[string]int{"2025-09": 200, "2026-03": 200, "2026-09": 200, "1999-01": 404} {
		b.want(status, "POST", "/hubspot/crm/objects/"+version+"/contacts/batch/read", `{"inputs":[{"id":"k"}],"idProperty":"leadlake_id","properties":[]}`)
	}
}

func TestHubspot_a_merge_leaves_both_ids_and_both_addresses(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	winner := b.contact("w", map[string]string{"email": "w@firm.example"}).Get("id").String()
	loser := b.contact("l", map[string]string{"email": "l@firm.example", "city": "Denver"}).Get("id").String()
	b.must(Edit{App: hubspotName, Op: "merge", Key: "l", Into: "w"})
	for _, id := range []string{winner, loser} {
		text := b.want(200, "GET", hsContacts+"/"+id+"?properties=city,email", "")
		if new := gjson.Get(text, "id").String(); new == winner || new == loser || gjson.Get(text, "properties.city").String() != "Denver" {
			t.Error(text)
		}
	}
	text := b.want(200, "POST", hsContacts+"/batch/upsert", `{"inputs":[{"id":"L@firm.example","idProperty":"email","properties":{"city":"Boulder"}}]}`)
	if gjson.Get(text, "results.0.new").Bool() {
		t.Errorf("the loser's address makes a new contact: %s", text)
	}
	if again := b.contact("l", nil); !again.Get("new").Bool() {
		t.Error("our id of the loser still finds something: HubSpot keeps the winner's")
	}
}

func TestHubspot_search_is_late_and_ends_at_ten_thousand(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	find := func(city string) int64 {
		text := b.want(200, "POST", hsContacts+"/search", `{"filterGroups":[{"filters":[{"propertyName":"city","operator":"IN","values":["`+city+`"]}]}],"limit":1}`)
		return gjson.Get(text, "total").Int()
	}
	b.contact("k", map[string]string{"city": "denver"})
	if find("denver") != 0 {
		t.Error("what was just written is found")
	}
	b.Advance(hsLag)
	b.contact("k", map[string]string{"city": "boulder"})
	if find("denver") != 1 || find("boulder") != 0 {
		t.Error("search is not behind a change")
	}
	b.Advance(hsLag)
	if find("denver") != 0 || find("boulder") != 1 {
		t.Error("search does not catch up")
	}
	for _, body := range []string{`{"limit":201}`, `{"limit":200,"after":"9801"}`, `{"filterGroups":[{"filters":[{"propertyName":"nonsense","operator":"EQ"}]}]}`, `{"query":"` + strings.Repeat("x", 3_001) + `"}`} {
		b.want(400, "POST", hsContacts+"/search", body)
	}
	b.want(200, "POST", hsContacts+"/search", `{"limit":200,"after":"9800"}`)
}

func TestHubspot_contacts_become_customers_in_time(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	for i := range 300 {
		b.contact(fmt.Sprint("k", i), map[string]string{"email": fmt.Sprintf("k%d@firm.example", i), "leadlake_rating": "4.9", "leadlake_reviews": "500", "leadlake_technologies": "booking"})
	}
	b.Advance(120 * 24 * time.Hour)
	for name, value := range map[string]string{
		"hs_email_optout": "true", "hs_email_hard_bounce_reason_enum": "UNKNOWN_USER", "lifecyclestage": "customer", "hs_lead_status": "UNQUALIFIED", "num_associated_deals": "1",
	} {
		text := b.want(200, "POST", hsContacts+"/search", `{"filterGroups":[{"filters":[{"propertyName":"`+name+`","operator":"EQ","value":"`+value+`"}]}],"sorts":[{"propertyName":"lastmodifieddate","direction":"ASCENDING"}],"limit":1}`)
		if gjson.Get(text, "total").Int() == 0 {
			t.Errorf("no contact has %s = %s", name, value)
		}
	}
	if n := b.Effects()[hubspotName]; len(n) != 1 || n["contacts"].Creates != 300 || n["contacts"].Updates != 0 {
		t.Errorf("what people do counts as ours: %+v", n)
	}
}

func TestHubspot_people_change_what_was_delivered(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	id := b.contact("k", map[string]string{"email": "k@firm.example"}).Get("id").String()
	b.must(Edit{App: hubspotName, Op: "create", Fields: map[string]any{"email": "human@firm.example"}})
	b.must(Edit{App: hubspotName, Op: "set", Key: "k", Fields: map[string]any{"jobtitle": "Owner"}})
	b.must(Edit{App: hubspotName, Op: "picklist", Field: "hs_lead_status", Values: []string{"HOT"}})
	b.must(Edit{App: hubspotName, Op: "schema", Field: "tier", Fields: map[string]any{"add": "number"}})
	b.must(Edit{App: hubspotName, Op: "schema", Field: "city", Fields: map[string]any{"remove": true}})
	if text := b.want(200, "GET", hsContacts+"/"+id+"?properties=jobtitle,city,phone", ""); gjson.Get(text, "properties.jobtitle").String() != "Owner" || gjson.Get(text, "properties.city").Exists() || gjson.Get(text, "properties.phone").Raw != "null" {
		t.Error(text)
	}
	b.contact("k", map[string]string{"hs_lead_status": "HOT", "tier": "1"})
	b.want(409, "POST", hsContacts+"/batch/upsert", `{"inputs":[{"id":"k","idProperty":"leadlake_id","properties":{"email":"human@firm.example"}}]}`)
	b.must(Edit{App: hubspotName, Op: "delete", Key: "k"})
	b.want(404, "GET", hsContacts+"/"+id, "")
	if !b.contact("k", nil).Get("new").Bool() {
		t.Error("an archived contact is updated")
	}
	b.must(Edit{App: hubspotName, Op: "revoke", Values: []string{"t"}})
	b.want(401, "GET", hsContacts, "")
	for _, wrong := range []Edit{{Op: "nonsense", Key: "k"}, {Op: "set", Key: "nobody"}, {Op: "schema", Field: "x"}, {Op: "lag"}, {Op: "create", Fields: map[string]any{"nonsense": 1}}} {
		wrong.App = hubspotName
		if b.Edit(wrong) == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
}

func TestHubspot_associates_and_mints_tokens(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	contact := b.contact("k", nil).Get("id").String()
	company := gjson.Get(b.want(201, "POST", "/hubspot/crm/v3/objects/companies", `{"properties":{"name":"Firm"}}`), "id").String()
	pair := `{"inputs":[{"from":{"id":"` + contact + `"},"to":{"id":"` + company + `"}}]}`
	b.want(201, "POST", "/hubspot/crm/v4/associations/contacts/companies/batch/create", pair)
	if text := b.want(200, "POST", "/hubspot/crm/v4/associations/companies/contacts/batch/read", `{"inputs":[{"id":"`+company+`"}]}`); gjson.Get(text, "results.0.to.0.toObjectId").String() != contact {
		t.Error(text)
	}
	b.want(204, "POST", "/hubspot/crm/v4/associations/contacts/companies/batch/archive", pair)
	token := gjson.Get(b.form("/hubspot/oauth/v1/token", "grant_type=refresh_token&client_id=a&client_secret=s&refresh_token=r"), "access_token").String()
	if b.request("GET", hsContacts, token) != 200 {
		t.Error("a new token does not work")
	}
	b.Advance(31 * time.Minute)
	if b.request("GET", hsContacts, token) != 401 {
		t.Error("a token does not end")
	}
}
