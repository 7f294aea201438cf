package ingest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/lake/store"
)

// teller answers about a domain: {"email": "..."} and so on, at a cent each.
type teller struct {
	name  string
	gives []ingest.Gift
}

func (s teller) Spec() ingest.Spec {
	return ingest.Spec{
		Name: s.name, Licence: "test", BaseURL: "https://" + s.name + ".example", Gives: s.gives, CostMicrosPerCall: 10_000,
		CredentialEnv: strings.ToUpper(s.name) + "_KEY", CredentialHeader: "X-Key",
	}
}

func (s teller) Judge(status int, _ http.Header, _ []byte) ingest.Judgement {
	if status == http.StatusNotFound {
		return ingest.Judgement{Verdict: ingest.Miss}
	}
	return ingest.Judgement{}
}

func (s teller) Lookup(about ingest.Subject) []ingest.Query {
	if about.Domain == "" {
		return nil
	}
	params := map[string]string{"domain": about.Domain}
	return []ingest.Query{{ID: ingest.QueryID(s.name, params), Provider: s.name, Params: params, EstimatedCalls: 1}}
}

func (s teller) Request(q ingest.Query, _ string) (ingest.Request, error) {
	return ingest.Request{URL: "/" + s.name + "/" + q.Params["domain"], Endpoint: "find", CostMicros: 10_000}, nil
}

func (s teller) Parse(_ ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	var body map[string]string
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return ingest.Page{}, leadlake.Errorf(leadlake.Unavailable, "read %s: %w", s.name, err)
	}
	raw, _ := json.Marshal(body)
	r := ingest.Record{EntityKind: ingest.EntityBusiness, Key: body["id"], Raw: raw}
	for _, g := range s.gives {
		if body[string(g.Field)] != "" {
			r.Gives = append(r.Gives, g.Field)
		}
	}
	return ingest.Page{}, emit(r)
}

func gifts(fields ...ingest.Field) (out []ingest.Gift) {
	for _, f := range fields {
		out = append(out, ingest.Gift{Field: f, HitRate: 0.5})
	}
	return out
}

// enriching is a bundle with two tellers: mail knows addresses, firm knows
// addresses and sizes.
func enriching(t *testing.T) (*bundle, leadlake.Run) {
	b := setup(t)
	b.engine.Sources = append(b.engine.Sources,
		teller{"mail", gifts(ingest.FieldEmail)}, teller{"firm", gifts(ingest.FieldEmail, ingest.FieldEmployees)})
	b.provider.answer = func(path string) (int, string) {
		source, domain, _ := strings.Cut(path[1:], "/")
		switch {
		case domain == "nobody.example":
			return 404, `{}`
		case source == "mail" && domain == "half.example":
			return 200, `{"id":"m"}`
		case source == "mail":
			return 200, `{"id":"m","email":"info@` + domain + `"}`
		}
		return 200, `{"id":"f","email":"office@` + domain + `","employees":"7"}`
	}
	r := run()
	r.Spec.Enrichment = []string{"mail", "firm"}
	return b, r
}

func leads(domains ...string) (out []ingest.Lead) {
	for i, d := range domains {
		out = append(out, ingest.Lead{Subject: ingest.Subject{Provider: "list", Key: fmt.Sprint(i), Domain: d}})
	}
	return out
}

func (b *bundle) called(t *testing.T, want ...string) {
	t.Helper()
	got := slices.Sorted(maps.Keys(b.provider.calls))
	if !slices.Equal(got, want) {
		t.Errorf("called %v, want %v", got, want)
	}
	for path, n := range b.provider.calls {
		if n != 1 {
			t.Errorf("%s was asked %d times", path, n)
		}
	}
}

func TestEnrich_asks_the_next_source_only_for_what_is_still_missing(t *testing.T) {
	t.Parallel()
	b, r := enriching(t)
	all := leads("a.example", "half.example", "c.example", "")
	all[0].Has = map[ingest.Field]bool{ingest.FieldEmployees: true}
	all[2].Has = map[ingest.Field]bool{ingest.FieldEmployees: true, ingest.FieldEmail: true}
	s, err := b.engine.Enrich(t.Context(), r, all, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.called(t, "/firm/half.example", "/mail/a.example", "/mail/half.example")
	if s.Records != 3 || s.CostMicros != 30_000 {
		t.Errorf("summary %+v", s)
	}
	got := b.rows(t, "select concat_ws(' ', adapter, subject_provider, subject_key, raw) from raw.source_records order by all")
	if len(got) != 3 || got[0] != `firm list 1 {"email":"office@half.example","employees":"7","id":"f"}` {
		t.Errorf("landed %q", got)
	}
}

func TestEnrich_asks_once_for_all_branches_of_a_chain(t *testing.T) {
	t.Parallel()
	b, r := enriching(t)
	r.Spec.Enrichment = []string{"mail"}
	s, err := b.engine.Enrich(t.Context(), r, leads("chain.example", "chain.example", "chain.example"), nil)
	if err != nil || s.Records != 3 || s.CostMicros != 10_000 {
		t.Errorf("summary %+v, error %v", s, err)
	}
	b.called(t, "/mail/chain.example")
	if got := b.rows(t, "select subject_key from raw.source_records order by all"); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("subjects %v", got)
	}
}

func TestEnrich_may_be_repeated_without_paying_again(t *testing.T) {
	t.Parallel()
	b, r := enriching(t)
	first, err := b.engine.Enrich(t.Context(), r, leads("a.example", "nobody.example"), nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.engine.Enrich(t.Context(), r, leads("a.example", "nobody.example"), nil)
	if err != nil || fmt.Sprint(first) != fmt.Sprint(second) {
		t.Errorf("first %+v\nthen  %+v, error %v", first, second, err)
	}
	b.called(t, "/firm/a.example", "/firm/nobody.example", "/mail/a.example", "/mail/nobody.example")
	calls, err := b.ledger.Calls(t.Context(), r.RunID)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := map[string]int64{}
	for _, c := range calls {
		outcomes[c.Provider+" "+c.Verdict+" "+strings.Join(c.Gives, "+")] = c.PriceMicros
	}
	want := map[string]int64{"mail ok email": 10_000, "mail miss ": 0, "firm ok email+employees": 10_000, "firm miss ": 0}
	if !maps.Equal(outcomes, want) {
		t.Errorf("ledger %v, want %v", outcomes, want)
	}
}

func TestEnrich_stops_at_each_limit(t *testing.T) {
	t.Parallel()
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf("d%02d.example", i)
	}
	for name, tc := range map[string]struct {
		budget leadlake.BudgetSpec
		calls  int
		says   string
	}{
		"of the run":    {leadlake.BudgetSpec{MaxCostUSD: 0.25}, 25, "budget.max_cost_usd"},
		"of a source":   {leadlake.BudgetSpec{PerSourceUSD: map[string]float64{"firm": 0.07}}, 47, "per_source_usd.firm"},
		"of a lead":     {leadlake.BudgetSpec{PerLeadUSD: 0.015}, 40, ""},
		"of fill rates": {leadlake.BudgetSpec{MinFillRate: 0.9}, 80, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, r := enriching(t)
			r.Spec.Budget = tc.budget
			s, err := b.engine.Enrich(t.Context(), r, leads(many...), nil)
			if err != nil || len(b.provider.calls) != tc.calls || !strings.Contains(s.Stopped, tc.says) {
				t.Errorf("%d calls, summary %+v, error %v", len(b.provider.calls), s, err)
			}
			if limit := int64(tc.budget.MaxCostUSD * 1e6); limit > 0 && s.CostMicros > limit {
				t.Errorf("spent %d of %d", s.CostMicros, limit)
			}
		})
	}
}

func TestEnrich_leaves_a_source_alone_that_brings_too_little(t *testing.T) {
	t.Parallel()
	b, r := enriching(t)
	b.engine.Parallel = 1
	b.provider.answer = func(string) (int, string) { return 404, "{}" }
	r.Spec.Enrichment, r.Spec.Budget.MinFillRate = []string{"mail"}, 0.2
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("d%02d.example", i)
	}
	s, err := b.engine.Enrich(t.Context(), r, leads(many...), nil)
	if err != nil || len(b.provider.calls) != 20 || !strings.Contains(s.Sources[0].Stopped, "0 of 20 lookups") {
		t.Errorf("%d calls, summary %+v, error %v", len(b.provider.calls), s, err)
	}
}

func TestEnrich_goes_on_without_a_source_that_fails(t *testing.T) {
	t.Parallel()
	b, r := enriching(t)
	good := b.provider.answer
	b.provider.answer = func(path string) (int, string) {
		if strings.HasPrefix(path, "/mail/") {
			return 402, `{"error":"no credits left"}`
		}
		return good(path)
	}
	s, err := b.engine.Enrich(t.Context(), r, leads("a.example", "b.example"), nil)
	if err != nil || s.Records != 2 || !strings.Contains(s.Sources[0].Failed, "no credits left; wait for the provider's quota or credits") {
		t.Errorf("summary %+v, error %v", s, err)
	}
}

func TestEnrich_asks_the_best_value_first_once_the_ledger_knows(t *testing.T) {
	t.Parallel()
	b, r := enriching(t)
	for i := range 60 {
		for provider, gives := range map[string][]string{"mail": nil, "firm": {"email", "employees"}} {
			call := store.Call{
				ID: fmt.Sprint(provider, i), RunID: "earlier", Provider: provider, IsLookup: true, Verdict: "ok", Gives: gives,
				PriceMicros: 10_000, StartedAt: b.engine.Now(), EndedAt: b.engine.Now(),
			}
			if err := b.ledger.SaveCall(t.Context(), call); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := b.engine.Enrich(t.Context(), r, leads("a.example"), nil); err != nil {
		t.Fatal(err)
	}
	b.called(t, "/firm/a.example") // it gives all that mail could
}

func TestRun_goes_on_without_a_source_that_fails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.provider.answer = func(string) (int, string) { return 401, `{"error":"wrong key"}` }
	s, err := b.engine.Run(t.Context(), run(paid, b.file(t, "a.csv", "name,city\nBolt,Boulder\n")), nil)
	if err != nil || s.Records != 1 || !strings.Contains(s.Sources[0].Failed, "check the key in NUMBERS_KEY") {
		t.Errorf("summary %+v, error %v", s, err)
	}
}

func TestRun_counts_a_call_as_spent_whose_end_is_unknown(t *testing.T) {
	t.Parallel()
	for outlives, want := range map[bool]int64{false: 50_000, true: 60_000} {
		b := setup(t)
		b.engine.Parallel, b.engine.Outlives = 1, outlives
		r := run(paid)
		r.Spec.Budget.MaxCostUSD = 0.06
		q := ingest.Query{Provider: "numbers", ID: ingest.QueryID("numbers", map[string]string{"word": "ab"})}
		dead := store.Call{ID: "dead", RunID: r.RunID, Provider: "numbers", RequestID: ingest.RequestID(q, ""), PriceMicros: 10_000, StartedAt: b.engine.Now()}
		if err := b.ledger.SaveCall(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
		s, err := b.engine.Run(t.Context(), r, nil)
		if err != nil || s.CostMicros != want {
			t.Errorf("an answer outlives its asker: %v; spent %d, want %d (%v)", outlives, s.CostMicros, want, err)
		}
	}
}

func TestRun_stops_a_paid_source_whose_rows_cannot_be_read(t *testing.T) {
	t.Parallel()
	b := setup(t)
	page := 0
	b.provider.answer = func(string) (int, string) {
		page++
		return 200, fmt.Sprintf(`{"rows":[1,-2,-3,-4,-5,-6],"next":"p%d"}`, page)
	}
	s, err := b.engine.Run(t.Context(), run(paid), nil)
	if err != nil || !strings.Contains(s.Sources[0].Failed, "the provider's format seems to have changed") || len(b.provider.calls) > 10 {
		t.Errorf("%d calls, summary %+v, error %v", len(b.provider.calls), s, err)
	}
}

func TestEnrich_buys_nothing_that_an_earlier_run_has_bought(t *testing.T) {
	t.Parallel()
	b, r := enriching(t)
	if _, err := b.engine.Enrich(t.Context(), r, leads("a.example", "nobody.example", "half.example"), nil); err != nil {
		t.Fatal(err)
	}
	before := len(b.provider.calls)
	r.RunID = "run-2"
	s, err := b.engine.Enrich(t.Context(), r, leads("half.example", "nobody.example", "a.example"), nil)
	if err != nil || s.CostMicros != 0 || s.Records != 4 || len(b.provider.calls) != before {
		t.Errorf("%d new calls, summary %+v, error %v", len(b.provider.calls)-before, s, err)
	}
	query := "select concat_ws(' ', adapter, raw) from raw.source_records where run_id = '%s' order by all"
	if first, second := b.rows(t, fmt.Sprintf(query, "run-1")), b.rows(t, fmt.Sprintf(query, "run-2")); !slices.Equal(first, second) {
		t.Errorf("first %v\nthen  %v", first, second)
	}
	b.called(t, slices.Sorted(maps.Keys(b.provider.calls))...)
}
