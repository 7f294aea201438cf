package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
)

// twinList has one bakery twice.
const twinList = shopList + "4,The Harbour Bakery,1 Main Street,Springfield\n"

// told runs a command with an input.
func (s shop) told(t *testing.T, input string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), "", args, func(name string) string { return s.env[name] }, strings.NewReader(input), &out, &err)
	return out.String(), err.String(), code
}

func TestMatch_and_explain_say_why_records_are_one_business(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.runList(t, s.write(t, "shops.csv", twinList))
	ids := s.leadIDs(t)
	byName := map[string]string{}
	for name, key := range s.keys(t) {
		byName[name] = ids[key]
	}
	hardware, books := byName["Elm Hardware"], byName["Oak Street Books"]
	bakery := ""
	for name, id := range byName {
		if strings.Contains(name, "Bakery") {
			bakery = id
		}
	}

	var within explainedLeads
	mustDecode(t, s.do(t, "lead", "explain", bakery, bakery, "--json").stdout, &within)
	if len(within.Pairs) != 1 || !within.Pairs[0].IsMatch || !within.Pairs[0].IsOneLead || !within.Pairs[0].IsCompared {
		t.Fatalf("the bakery's records: %+v", within)
	}
	sum := 0.0
	for _, p := range within.Pairs[0].Parts {
		sum += p.Weight
	}
	stored := s.rows(t, "select match_weight, model, pattern from marts.merge_graph")
	if len(stored) != 1 || math.Abs(stored[0]["match_weight"].(float64)-sum) > 1e-9 || stored[0]["model"] == nil || stored[0]["pattern"] == nil {
		t.Errorf("the parts sum to %v, stored is %v", sum, stored)
	}
	var apart explainedLeads
	mustDecode(t, s.do(t, "lead", "explain", hardware, books, "--json").stdout, &apart)
	if len(apart.Pairs) != 1 || apart.Pairs[0].IsCompared || apart.Pairs[0].IsOneLead || !strings.Contains(apart.Pairs[0].Outcome, "never compared") {
		t.Errorf("two other shops: %+v", apart)
	}
	s.do(t, "lead", "merge", hardware, books, "--as", "jo")
	if text := s.do(t, "lead", "explain", hardware, books).stdout; !strings.Contains(text, "jo said on") || !strings.Contains(text, "prior") || !strings.Contains(text, "distance") {
		t.Errorf("after a person spoke: %s", text)
	}
	if got := invoke(t, s.env, "lead", "explain", "shops:nobody", bakery); got.code != exitNotFound || !strings.Contains(got.stderr, "no record shops:nobody") {
		t.Errorf("an unknown record: exit %d, %s", got.code, got.stderr)
	}

	var one leadlake.MatchResult
	mustDecode(t, s.do(t, "match", "--name", "Harbour Bakery Inc", "--street", "1 Main St.", "--city", "Springfield", "--json").stdout, &one)
	if len(one.Candidates) == 0 || one.Candidates[0].LeadID != bakery || !one.Candidates[0].Pair.IsMatch || one.Candidates[0].Compared != 2 {
		t.Errorf("the bakery is found as %+v", one)
	}
	out, _, code := s.told(t, `{"name": "Elm Hardware", "city": "Springfield"}`+"\n"+`{"name": "Nowhere at all"}`+"\n", "match", "--campaign", "shops", "--json")
	decoder := json.NewDecoder(strings.NewReader(out))
	var first, second leadlake.MatchResult
	if err := decoder.Decode(&first); err != nil || code != exitOK {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
	if err := decoder.Decode(&second); err != nil || decoder.More() || len(first.Candidates) == 0 || first.Candidates[0].LeadID != hardware || len(second.Candidates) != 0 {
		t.Errorf("a stream is answered by %s", out)
	}
	for input, want := range map[string]string{"": "no record to match", `{"title": "x"}`: "record 1", `{"city": "Springfield"}`: "nothing to find a lead by"} {
		if _, complaint, code := s.told(t, input, "match"); code != exitUsage || !strings.Contains(complaint, want) {
			t.Errorf("%q: exit %d, %s", input, code, complaint)
		}
	}
	s.checkService(t, bakery)
}

// checkService asks the service for the bakery, until its index is made.
func (s shop) checkService(t *testing.T, bakery string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	output, lines := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, "", []string{"serve", "--addr", "127.0.0.1:0"}, func(name string) string { return s.env[name] }, strings.NewReader(""), io.Discard, lines)
	}()
	line := make([]byte, 200)
	n, err := output.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, output) // only keeps the writer going
	_, address, _ := strings.Cut(string(line[:n]), "http://")
	address, _, _ = strings.Cut(address, " ")
	ask := func(body string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/v1/match", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	if status, text := ask(`{"campaign": "Nobody", "record": {"name": "x"}}`); status != http.StatusNotFound {
		t.Errorf("an unknown campaign: %d %s", status, text)
	}
	status, text := 0, ""
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if status, text = ask(`{"campaign": "Shops", "record": {"name": "Harbour Bakery", "city": "Springfield"}}`); status != http.StatusServiceUnavailable {
			break
		}
	}
	if status != http.StatusOK || !strings.Contains(text, bakery) {
		t.Errorf("the bakery: %d %s", status, text)
	}
	stop()
	if got := <-code; got != exitOK {
		t.Errorf("exit code %d after an orderly stop", got)
	}
}

func TestRun_that_merges_too_much_waits_for_a_person(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.env["LEADLAKE_MERGE_LIMITS_LEAD_RECORDS"] = "1"
	got := invoke(t, s.env, "run", s.campaign, "--input", "shops="+s.write(t, "shops.csv", twinList))
	if got.code != exitConflict || !strings.Contains(got.stderr, "would stand for 2 records, more than 1") {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	runs := s.runs(t)
	if len(runs) != 1 || runs[0].State != leadlake.RunAwaiting {
		t.Fatalf("the run is %+v", runs)
	}
	if got := invoke(t, s.env, "publish", "--run", runs[0].RunID); got.code != exitConflict {
		t.Errorf("it is published without a word: exit %d", got.code)
	}
	if run := s.run(t, "publish", "--run", runs[0].RunID, "--accept-merges"); run.State != leadlake.RunPublished || run.Funnel.Published != 3 {
		t.Errorf("accepted, it is %+v", run)
	}
}
