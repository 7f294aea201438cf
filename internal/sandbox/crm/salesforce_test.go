package crm

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

const sfRoot = "/salesforce/services/data/v62.0"

func (b *bench) soql(status int, query string) gjson.Result {
	b.t.Helper()
	return gjson.Parse(b.want(status, "GET", sfRoot+"/query?q="+url.QueryEscape(query), ""))
}

// lead upserts a lead and gives its id.
func (b *bench) lead(key string, more map[string]any) string {
	b.t.Helper()
	fields := map[string]any{"LastName": "Doe", "Company": "Firm " + key, "Email": key + "@firm.example"}
	for name, v := range more {
		fields[name] = v
	}
	return gjson.Get(b.want(201, "PATCH", sfRoot+"/sobjects/Lead/"+sfKey+"/"+key, jsonOf(fields)), "id").String()
}

func TestSalesforce_refuses_values_as_describe_says(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	for _, c := range []struct {
		field string
		value any
		code  string
	}{
		{"Company", strings.Repeat("x", 256), "STRING_TOO_LONG"},
		{"Industry", "Alchemy", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"},
		{"Email", "nobody", "INVALID_EMAIL_ADDRESS"},
		{"NumberOfEmployees", 1.5, "NUMBER_OUTSIDE_VALID_RANGE"},
		{"Scored_At__c", "yesterday", "INVALID_TYPE_ON_FIELD_IN_RECORD"},
		{"IsConverted", true, "INVALID_FIELD_FOR_INSERT_UPDATE"},
		{"Company", nil, "REQUIRED_FIELD_MISSING"},
		{"Company", "  ", "REQUIRED_FIELD_MISSING"},
	} {
		good := map[string]any{"attributes": map[string]string{"type": "Lead"}, sfKey: "good", "LastName": "Doe", "Company": "Firm"}
		bad := map[string]any{"attributes": map[string]string{"type": "Lead"}, sfKey: "bad", "LastName": "Doe", "Company": "Firm", c.field: c.value}
		text := b.want(200, "PATCH", sfRoot+"/composite/sobjects/Lead/"+sfKey, jsonOf(map[string]any{"records": []any{bad, good}}))
		if got := gjson.Get(text, "0.errors.0"); got.Get("statusCode").String() != c.code || got.Get("fields.0").String() != c.field || !gjson.Get(text, "1.success").Bool() {
			t.Errorf("%s: %s", c.field, text)
		}
	}
	for body, code := range map[string]string{
		`{"records":[{"attributes":{"type":"Lead"},"Nonsense__c":1}]}`:                                          "INVALID_FIELD",
		`{"records":[{"attributes":{"type":"Lead"},"Company":5}]}`:                                              "JSON_PARSER_ERROR",
		`{"records":[{"attributes":{"type":"Lead"},"Id":"00Q5e0000000001EAA"}]}`:                                "INVALID_FIELD",
		`{"records":[{"attributes":{"type":"Account"},"Name":"x"}]}`:                                            "INVALID_TYPE",
		`{"records":[` + strings.TrimSuffix(strings.Repeat(`{"attributes":{"type":"Lead"}},`, 201), ",") + `]}`: "EXCEEDED_ID_LIMIT",
	} {
		if text := b.want(400, "PATCH", sfRoot+"/composite/sobjects/Lead/"+sfKey, body); gjson.Get(text, "0.errorCode").String() != code {
			t.Errorf("%s, want %s", text, code)
		}
	}
	b.want(404, "PATCH", sfRoot+"/sobjects/Lead/Company/x", `{}`)
}

func TestSalesforce_all_or_none_takes_everything_back(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	b.lead("a", nil)
	body := `{"allOrNone":true,"records":[
		{"attributes":{"type":"Lead"},"Leadlake_Id__c":"a","Company":"New"},
		{"attributes":{"type":"Lead"},"Leadlake_Id__c":"b","LastName":"x","Company":"y"},
		{"attributes":{"type":"Lead"},"Leadlake_Id__c":"c","LastName":"x"},
		{"attributes":{"type":"Lead"},"Leadlake_Id__c":"B","LastName":"x","Company":"y"}]}`
	text := b.want(200, "PATCH", sfRoot+"/composite/sobjects/Lead/"+sfKey, body)
	if got := gjson.Get(text, "#.errors.0.statusCode").String(); got != `["ALL_OR_NONE_OPERATION_ROLLED_BACK","ALL_OR_NONE_OPERATION_ROLLED_BACK","REQUIRED_FIELD_MISSING","DUPLICATE_VALUE"]` {
		t.Error(got)
	}
	if found := b.soql(200, "SELECT Company FROM Lead"); found.Get("records.#").Int() != 1 || found.Get("records.0.Company").String() != "Firm a" {
		t.Error(found)
	}
	if n := b.Effects()[salesforceName]["Lead"]; n.Creates != 1 || n.Updates != 0 {
		t.Errorf("%+v", n)
	}
}

func TestSalesforce_answers_queries(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	for i := range 5 {
		b.lead(fmt.Sprint("k", i), map[string]any{"Lead_Score__c": float64(i) / 10, "City": []any{"Denver", nil}[i%2], "LastName": "O'Hara"})
		b.Advance(time.Minute)
	}
	for query, want := range map[string]string{
		`SELECT Leadlake_Id__c FROM Lead WHERE Leadlake_Id__c IN ('K1', 'k3','nobody') ORDER BY Leadlake_Id__c`:                    "k1 k3",
		`SELECT Leadlake_Id__c FROM Lead WHERE SystemModstamp >= 2026-03-02T09:02:00Z ORDER BY SystemModstamp, Id LIMIT 2`:         "k2 k3",
		`select leadlake_id__c from lead where lead_score__c > 0.1 and (city = null or leadlake_id__c = 'k4') order by id desc`:    "k4 k3",
		`SELECT Leadlake_Id__c FROM Lead WHERE NOT (City = 'DENVER') ORDER BY Id`:                                                  "k1 k3",
		`SELECT Leadlake_Id__c FROM Lead WHERE LastName = 'O\'Hara' AND City != null ORDER BY Lead_Score__c DESC LIMIT 2 OFFSET 1`: "k2 k0",
		`SELECT Leadlake_Id__c FROM Lead WHERE Leadlake_Id__c = 'k1' OR Lead_Score__c = 0 ORDER BY Id`:                             "k0 k1",
		`SELECT Leadlake_Id__c FROM Lead WHERE Leadlake_Id__c LIKE 'k%' AND Leadlake_Id__c NOT IN ('k0','k1','k2') ORDER BY Id`:    "k3 k4",
		`SELECT Leadlake_Id__c FROM Lead ORDER BY City NULLS LAST, Leadlake_Id__c DESC LIMIT 4`:                                    "k4 k2 k0 k3",
	} {
		var got []string
		for _, r := range b.soql(200, query).Get("records").Array() {
			got = append(got, r.Get(sfKey).String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v", query, got)
		}
	}
	if n := b.soql(200, "SELECT COUNT() FROM Lead").Get("totalSize").Int(); n != 5 {
		t.Error(n)
	}
	for query, code := range map[string]string{
		"SELECT Id FROM":                                                    "MALFORMED_QUERY",
		"SELECT Id FROM Nonsense":                                           "INVALID_TYPE",
		"SELECT Nonsense FROM Lead":                                         "INVALID_FIELD",
		"SELECT Id FROM Lead WHERE":                                         "INVALID_FIELD",
		"SELECT Id FROM Lead WHERE Id ~ 'x'":                                "MALFORMED_QUERY",
		"SELECT Id FROM Lead LIMIT x":                                       "MALFORMED_QUERY",
		"SELECT Id FROM Lead ORDER BY Id sideways":                          "MALFORMED_QUERY",
		"SELECT Id FROM Lead WHERE SystemModstamp > '2026-01-01T00:00:00Z'": "INVALID_FIELD",
		"": "MALFORMED_QUERY",
	} {
		if got := b.soql(400, query).Get("0.errorCode").String(); got != code {
			t.Errorf("%s: %s, want %s", query, got, code)
		}
	}
	b.want(400, "GET", sfRoot+"/query/01g5e0000000009AAA-2000", "")
	b.want(414, "GET", sfRoot+"/query?q="+strings.Repeat("x", sfMaxURI), "")
}

func TestSalesforce_people_change_what_was_delivered(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	for _, key := range []string{"kept", "deleted", "merged", "converted", "locked"} {
		b.lead(key, nil)
	}
	b.must(Edit{App: salesforceName, Op: "set", Key: "kept", Fields: map[string]any{"Title": "Owner"}})
	b.must(Edit{App: salesforceName, Op: "delete", Key: "deleted"})
	b.must(Edit{App: salesforceName, Op: "merge", Key: "merged", Into: "kept"})
	b.must(Edit{App: salesforceName, Op: "convert", Key: "converted"})
	b.must(Edit{App: salesforceName, Op: "lock", Key: "locked"})
	b.must(Edit{App: salesforceName, Op: "stage", Key: "converted", Values: []string{"Closed Won"}})
	if got := b.soql(200, "SELECT Title FROM Lead WHERE Leadlake_Id__c = 'kept'").Get("records.0.Title").String(); got != "Owner" {
		t.Error(got)
	}
	if got := b.soql(200, "SELECT IsWon FROM Opportunity").Get("records.0.IsWon").Bool(); !got {
		t.Error("the opportunity is not won")
	}
	patch := func(key string) string {
		_, _, text := b.call("PATCH", sfRoot+"/sobjects/Lead/"+sfKey+"/"+key, `{"LastName":"Doe","Company":"New"}`)
		return gjson.Get(text, "0.errorCode").String()
	}
	for key, code := range map[string]string{"converted": "CANNOT_UPDATE_CONVERTED_LEAD", "locked": "UNABLE_TO_LOCK_ROW", "kept": ""} {
		if got := patch(key); got != code {
			t.Errorf("%s: %q", key, got)
		}
	}
	if patch("locked") != "" {
		t.Error("a lock does not end")
	}
	all := gjson.Parse(b.want(200, "GET", sfRoot+"/queryAll?q="+url.QueryEscape("SELECT Leadlake_Id__c, MasterRecordId FROM Lead WHERE IsDeleted = true ORDER BY Leadlake_Id__c"), ""))
	if all.Get("totalSize").Int() != 2 || all.Get("records.1.MasterRecordId").String() == "" {
		t.Error(all)
	}
	b.must(Edit{App: salesforceName, Op: "undelete", Key: "deleted"})
	if patch("deleted") != "" || b.Effects()[salesforceName]["Lead"].Creates != 5 {
		t.Error("a record that came back is not found by its external id")
	}

	b.must(Edit{App: salesforceName, Op: "picklist", Field: "Rating", Values: []string{"Boiling"}})
	b.must(Edit{App: salesforceName, Op: "schema", Field: "Title", Fields: map[string]any{"rename": "Job__c"}})
	b.must(Edit{App: salesforceName, Op: "schema", Field: "Company", Fields: map[string]any{"length": 3.0}})
	describe := b.want(200, "GET", sfRoot+"/sobjects/Lead/describe", "")
	if gjson.Get(describe, `fields.#(name=="Rating").picklistValues.0.value`).String() != "Boiling" || gjson.Get(describe, `fields.#(name=="Title")`).Exists() || gjson.Get(describe, `fields.#(name=="Company").length`).Int() != 3 {
		t.Error("describe does not tell the new schema")
	}
	if got := b.soql(200, "SELECT Job__c FROM Lead WHERE Leadlake_Id__c = 'kept'").Get("records.0.Job__c").String(); got != "Owner" {
		t.Errorf("a renamed field holds %q", got)
	}
	for _, wrong := range []Edit{{Op: "nonsense", Key: "kept"}, {Op: "set", Key: "nobody"}, {Op: "set", Key: "kept", Fields: map[string]any{"Nonsense": 1}}, {Op: "schema", Field: "x"}, {Op: "certificate"}} {
		wrong.App = salesforceName
		if b.Edit(wrong) == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
}

func TestSalesforce_leads_become_opportunities_in_time(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	for i := range 300 {
		b.lead(fmt.Sprint("k", i), map[string]any{"Star_Rating__c": 4.9, "Review_Count__c": 500, "NumberOfEmployees": 30, "Technologies__c": "booking"})
	}
	count := func(where string) int64 {
		return b.soql(200, "SELECT COUNT() FROM "+where).Get("totalSize").Int()
	}
	if n := count("Lead WHERE Status != '" + sfOpen + "'"); n != 0 {
		t.Errorf("%d leads have moved at once", n)
	}
	b.Advance(120 * 24 * time.Hour)
	for _, where := range []string{
		"Lead WHERE HasOptedOutOfEmail = true", "Lead WHERE EmailBouncedReason != null", "Lead WHERE Status = '" + sfQualified + "'",
		"Lead WHERE IsConverted = true AND ConvertedOpportunityId != null", "Opportunity WHERE IsWon = true", "Opportunity WHERE StageName = 'Closed Lost'",
	} {
		if count(where) == 0 {
			t.Errorf("no %s", where)
		}
	}
	if n := b.Effects()[salesforceName]; len(n) != 1 || n["Lead"].Creates != 300 || n["Lead"].Updates != 0 {
		t.Errorf("what people do counts as ours: %+v", n)
	}
}

func TestSalesforce_bulk_jobs_can_be_aborted_and_looked_for(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	job := func() string {
		return gjson.Get(b.want(200, "POST", sfRoot+"/jobs/ingest", `{"object":"Lead","operation":"upsert","externalIdFieldName":"leadlake_id__c","lineEnding":"LF"}`), "id").String()
	}
	id := job()
	at := sfRoot + "/jobs/ingest/" + id
	b.want(201, "PUT", at+"/batches", "Leadlake_Id__c,LastName,Company,Title\na,Doe,Firm,Owner\nb,Doe,Firm,\nc,Doe,Firm,#N/A\nd,Doe,,x\n")
	b.want(400, "PUT", at+"/batches", "Leadlake_Id__c\n")
	b.want(200, "PATCH", at, `{"state":"UploadComplete"}`)
	var states []string
	for range 4 {
		states = append(states, gjson.Get(b.want(200, "GET", at, ""), "state").String())
		if len(states) == 2 {
			b.want(400, "DELETE", at, "")
		}
	}
	if got := strings.Join(states, " "); got != "UploadComplete InProgress JobComplete JobComplete" {
		t.Error(got)
	}
	if text := b.want(200, "GET", at+"/failedResults", ""); !strings.Contains(text, `"","REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --","d"`) {
		t.Error(text)
	}
	if text := b.want(200, "GET", sfRoot+"/jobs/ingest", ""); gjson.Get(text, "records.0.id").String() != id {
		t.Error(text)
	}
	b.want(204, "DELETE", at, "")

	at = sfRoot + "/jobs/ingest/" + job()
	b.want(201, "PUT", at+"/batches", "Leadlake_Id__c,LastName,Company\ne,Doe,Firm\nf,Doe,Firm\n")
	b.want(200, "PATCH", at, `{"state":"UploadComplete"}`)
	b.Advance(sfJobWaits)
	b.want(200, "PATCH", at, `{"state":"Aborted"}`)
	b.Advance(time.Hour)
	if text := b.want(200, "GET", at+"/unprocessedrecords", ""); text != "\"Leadlake_Id__c\",\"LastName\",\"Company\"\n\"f\",\"Doe\",\"Firm\"\n" {
		t.Errorf("%q", text)
	}
	at = sfRoot + "/jobs/ingest/" + job()
	b.want(201, "PUT", at+"/batches", "Leadlake_Id__c,Nonsense\ne,x\n")
	b.want(200, "PATCH", at, `{"state":"UploadComplete"}`)
	b.Advance(time.Hour)
	if text := b.want(200, "GET", at, ""); gjson.Get(text, "errorMessage").String() != "InvalidBatch : Field name not found : Nonsense" {
		t.Error(text)
	}
	if n := b.Effects()[salesforceName]["Lead"]; n.Creates != 4 || n.Duplicates != nil {
		t.Errorf("%+v", n)
	}
}

func TestSalesforce_sessions_end(t *testing.T) {
	t.Parallel()
	b := start(t, Config{})
	status := func(token string) int {
		req := b.request("GET", sfRoot+"/limits", token)
		return req
	}
	token := gjson.Get(b.form("/salesforce/services/oauth2/token", "grant_type=refresh_token&client_id=a&refresh_token=r"), "access_token").String()
	if status(token) != 200 {
		t.Fatal("a new session does not work")
	}
	b.Advance(sfSession + time.Second)
	if status(token) != 401 || status("") != 401 || status("00D5e0000000001!AR8forged") != 401 {
		t.Error("a session that ended works")
	}
	for body, code := range map[string]string{
		"grant_type=refresh_token&client_id=a&refresh_token=expired":                  "invalid_grant",
		"grant_type=client_credentials&client_id=invalid&client_secret=s":             "invalid_client_id",
		"grant_type=client_credentials&client_id=a&client_secret=invalid":             "invalid_client",
		"grant_type=password&client_id=a&client_secret=s&username=u&password=invalid": "invalid_grant",
		"grant_type=nonsense&client_id=a":                                             "unsupported_grant_type",
		"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=a.b.c":      "invalid_grant",
	} {
		if got := gjson.Get(b.form("/salesforce/services/oauth2/token", body), "error").String(); got != code {
			t.Errorf("%s: %s", body, got)
		}
	}
}
