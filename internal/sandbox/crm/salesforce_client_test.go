package crm

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	salesforceclient "github.com/k-capehart/go-salesforce/v3"
)

// go-salesforce is an independent client: it judges the sandbox unchanged but
// for the address.
func client(t *testing.T) (*salesforceclient.Salesforce, *Server) {
	t.Helper()
	s := New(Config{})
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	sf, err := salesforceclient.Init(salesforceclient.Creds{Domain: srv.URL + "/salesforce", ConsumerKey: "key", ConsumerSecret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return sf, s
}

func leads(n int) []map[string]any {
	var out []map[string]any
	for i := range n {
		out = append(out, map[string]any{sfKey: fmt.Sprintf("ll-%04d", i), "LastName": "Doe", "Company": fmt.Sprintf("Firm %d", i), "Lead_Score__c": 0.5})
	}
	return out
}

func TestSalesforce_client_upserts_collections_of_any_size(t *testing.T) {
	t.Parallel()
	sf, s := client(t)
	for _, op := range []string{opCreate, opUpdate} {
		results, err := sf.UpsertCollection("Lead", sfKey, leads(450), 200)
		if err != nil || results.HasSalesforceErrors || len(results.Results) != 450 {
			t.Fatalf("%s: %d results: %v", op, len(results.Results), err)
		}
	}
	if n := s.Effects()[salesforceName]["Lead"]; n.Creates != 450 || n.Updates != 450 || n.Duplicates != nil {
		t.Errorf("effects %+v", n)
	}
	var found []struct{ ID, Company string }
	if err := sf.Query("SELECT Id, Company FROM Lead WHERE Company LIKE 'Firm 4_' ORDER BY Company", &found); err != nil || len(found) != 10 {
		t.Errorf("%d found: %v", len(found), err)
	}
}

func TestSalesforce_client_reads_the_errors_of_single_records(t *testing.T) {
	t.Parallel()
	sf, _ := client(t)
	rows := leads(3)
	delete(rows[1], "Company")
	results, err := sf.UpsertCollection("Lead", sfKey, rows, 200)
	if err != nil || !results.HasSalesforceErrors {
		t.Fatalf("%+v: %v", results, err)
	}
	if e := results.Results[1].Errors; results.Results[0].Success != true || len(e) != 1 || e[0].StatusCode != "REQUIRED_FIELD_MISSING" {
		t.Errorf("%+v", results.Results)
	}
}

func TestSalesforce_client_writes_one_record_and_composites(t *testing.T) {
	t.Parallel()
	sf, s := client(t)
	one, err := sf.UpsertOne("Lead", sfKey, leads(1)[0])
	if err != nil || !one.Success {
		t.Fatalf("%+v: %v", one, err)
	}
	if err := sf.UpdateOne("Lead", map[string]any{"Id": one.Id, "Title": "Owner"}); err != nil {
		t.Error(err)
	}
	if results, err := sf.UpsertComposite("Lead", sfKey, leads(30), 10, false); err != nil || len(results.Results) != 30 || results.HasSalesforceErrors {
		t.Errorf("%+v: %v", results, err)
	}
	if err := sf.DeleteOne("Lead", map[string]any{"Id": one.Id}); err != nil {
		t.Error(err)
	}
	if n := s.Effects()[salesforceName]["Lead"]; n.Creates != 30 || n.Live != 29 {
		t.Errorf("effects %+v", n)
	}
}

func TestSalesforce_client_runs_a_bulk_job(t *testing.T) {
	t.Parallel()
	sf, s := client(t)
	rows := leads(5)
	rows[3]["Company"] = ""
	ids, err := sf.UpsertBulk("Lead", sfKey, rows, 10_000, true)
	if err != nil || len(ids) != 1 {
		t.Fatalf("%v: %v", ids, err)
	}
	results, err := sf.GetJobResults(ids[0])
	if err != nil || results.State != sfJobDone || results.NumberRecordsFailed != 1 || len(results.SuccessfulRecords) != 4 {
		t.Fatalf("%+v: %v", results, err)
	}
	if e := fmt.Sprint(results.FailedRecords[0]["sf__Error"]); e != "REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --" {
		t.Error(e)
	}
	if n := s.Effects()[salesforceName]["Lead"]; n.Creates != 4 {
		t.Errorf("effects %+v", n)
	}
}

func TestSalesforce_client_logs_in_again_after_its_session_was_revoked(t *testing.T) {
	t.Parallel()
	sf, s := client(t)
	if err := s.Edit(Edit{App: salesforceName, Op: "revoke"}); err != nil {
		t.Fatal(err)
	}
	if one, err := sf.UpsertOne("Lead", sfKey, leads(1)[0]); err != nil || !one.Success {
		t.Errorf("%+v: %v", one, err)
	}
	if err := s.Edit(Edit{App: salesforceName, Op: "revoke", Values: []string{"app"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := sf.UpsertOne("Lead", sfKey, leads(1)[0]); err == nil {
		t.Error("an app that was removed still writes")
	}
}

func TestSalesforce_client_signs_its_assertion(t *testing.T) {
	t.Parallel()
	s := New(Config{Now: time.Now})
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	pair := func() (private, public string) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		encode := func(kind string, der []byte) string {
			return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		}
		return encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), encode("PUBLIC KEY", der)
	}
	mine, certificate := pair()
	other, _ := pair()
	login := func(private string) error {
		_, err := salesforceclient.Init(salesforceclient.Creds{Domain: srv.URL + "/salesforce", Username: "u@acme.example", ConsumerKey: "key", ConsumerRSAPem: private})
		return err
	}
	if login(mine) == nil {
		t.Error("an app without a certificate gets a session")
	}
	if err := s.Edit(Edit{App: salesforceName, Op: "certificate", Values: []string{certificate}}); err != nil {
		t.Fatal(err)
	}
	if err := login(mine); err != nil {
		t.Error(err)
	}
	if login(other) == nil {
		t.Error("a foreign signature gets a session")
	}
}
