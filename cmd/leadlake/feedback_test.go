package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// edit does what a person in a system of the sandbox does.
func (m market) edit(t *testing.T, format string, args ...any) {
	t.Helper()
	w := httptest.NewRecorder()
	body := strings.NewReader(fmt.Sprintf(format, args...))
	m.box.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/__crm__/edit", body))
	if w.Code != http.StatusNoContent {
		t.Fatalf("edit: %d %s", w.Code, w.Body)
	}
}

func TestFeedback_brings_outcomes_once_and_keeps_who_opted_out_from_being_sent(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	d := m.desk(t)
	d.deliver("sandbox-salesforce", deliverFlags{})
	d.deliver("sandbox-webhook", deliverFlags{})
	id := func(name string) string {
		return d.query("select lead_id from lake.marts.leads where name = '" + name + "'")
	}
	bakery, books := id("Harbour Bakery"), id("Oak Street Books")
	m.edit(t, `[{"app":"salesforce","op":"convert","object":"Lead","key":"%s"},{"app":"salesforce","op":"stage","object":"Lead","key":"%s","values":["Closed Won"]},
		{"app":"salesforce","op":"set","object":"Lead","key":"%s","fields":{"HasOptedOutOfEmail":true}}]`, bakery, bakery, books)

	// The receiver of the webhook tells by itself.
	signer, err := standardwebhooks.NewWebhook(sandboxSecret("LEADLAKE_WEBHOOK_OUTCOMES_SECRET"))
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"type":"lead.replied","timestamp":"%s","data":{"key":"%s","detail":"call us"}}`, time.Now().UTC().Format(time.RFC3339Nano), bakery)
	signature, err := signer.Sign("m1", time.Now(), []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Webhook-Id": {"m1"}, "Webhook-Timestamp": {strconv.FormatInt(time.Now().Unix(), 10)}, "Webhook-Signature": {signature}}
	for range 2 {
		if err := d.outcomes(d.ws)(t.Context(), "sandbox-webhook", header, []byte(body)); err != nil {
			t.Error(err)
		}
	}
	for name, code := range map[string]leadlake.Code{"none": leadlake.NotFound, "sandbox-webhook": leadlake.Unauthorized} {
		if err := d.outcomes(d.ws)(t.Context(), name, header, []byte(body+" ")); leadlake.ErrorCode(err) != code {
			t.Errorf("outcome of %s: %v", name, err)
		}
	}

	const table = "select string_agg(format('{} {} {} {} {}', o.destination, l.name, o.kind, o.lead_score = l.lead_score, o.tier = l.tier), '; ' order by o.destination, l.name, o.kind) from lake.marts.outcomes as o inner join lake.marts.leads as l using (campaign_id, lead_id)"
	want := "sandbox-salesforce Harbour Bakery opportunity true true; sandbox-salesforce Harbour Bakery qualified true true; sandbox-salesforce Harbour Bakery won true true; " +
		"sandbox-salesforce Oak Street Books opted_out true true; sandbox-webhook Harbour Bakery replied true true"
	for try := range 2 {
		for _, name := range []string{"sandbox-salesforce", "sandbox-webhook"} {
			sum, err := d.pull(t.Context(), d.ws, name)
			if err != nil || sum.Unmapped != 0 || try == 1 && (sum.Added != 0 || sum.Suppressed != 0) {
				t.Errorf("%+v, %v", sum, err)
			}
		}
		if diff := cmp.Diff(want, d.query(table)); diff != "" {
			t.Error(diff)
		}
	}

	// Two move, and the one who opted out is there once more by another name: it is not sent.
	d.ws.Close()
	m.publish(t, strings.ReplaceAll(firmsList, "St,Sp", "Street,Sp")+"5,Oak Tree Books,7 Oak St,Shelbyville,(217) 555-0199,office@oak-street-books.example\n")
	d = m.desk(t)
	r := d.deliver("sandbox-salesforce", deliverFlags{})
	if r.Rows[deliver.Suppressed] == 0 {
		t.Errorf("%+v", r)
	}
	if n := m.live("salesforce", "Lead"); n > 4 {
		t.Errorf("%d leads are there", n)
	}
}

func TestSuppress_commands_keep_a_list_that_names_nobody(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	file := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(file, []byte("email,since\nada@firm.example,2020\n\"+1 217 555 0101\"\nnonsense\nada@firm.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	imported := invoke(t, m.env, "suppress", "import", file, "--json")
	var change suppressChange
	mustDecode(t, imported.stdout, &change)
	if diff := cmp.Diff(suppressChange{Changed: 2, Same: 1, Bad: []string{"line 4: no address, number, domain or lead"}}, change); diff != "" || imported.code != exitFailure {
		t.Errorf("exit %d; %s", imported.code, diff)
	}
	d := m.desk(t)
	r := d.deliver("sandbox-salesforce", deliverFlags{})
	if r.Rows[deliver.Suppressed] != 1 || m.live("salesforce", "Lead") != 3 {
		t.Errorf("%+v", r)
	}
	d.ws.Close()
	info, err := os.Stat(filepath.Join(d.cfg.Home, suppressionKeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if out := invoke(t, m.env, "suppress", "list"); !strings.Contains(out.stdout, "2 in force") || strings.Contains(out.stdout, "firm.example") {
		t.Errorf("%+v", out)
	}
	if out := invoke(t, m.env, "suppress", "remove", "+12175550101"); !strings.Contains(out.stdout, "1 taken off") {
		t.Errorf("%+v", out)
	}
	if err := os.Remove(filepath.Join(d.cfg.Home, suppressionKeyFile)); err != nil {
		t.Fatal(err)
	}
	if out := invoke(t, m.env, "suppress", "check", "ada@firm.example"); out.code != exitConflict || !strings.Contains(out.stderr, suppressionKeyEnv) {
		t.Errorf("without its key: %+v", out)
	}
}
