package main

import (
	"context"
	"fmt"

	"github.com/leadlake/leadlake/internal/sandbox/world"
	"github.com/leadlake/leadlake/lake"
)

// quality is how a run's leads compare with the truth of the sandbox, over
// pairs of records.
type quality struct {
	Pairs     int64   `json:"pairs"` // that are one business in truth
	Recall    float64 `json:"recall"`
	Precision float64 `json:"precision"`
}

// record is a source record of a run as the truth knows it.
type record struct {
	lead   string
	entity string // of an answer, where a chain answers for its branches: the branch that was asked about
	answer bool
}

// judge compares the leads of a run, published or refused, with the truth. Two
// records are one business where both are about it. An answer about a lead is
// right where it is about the business of the record that stands for the lead,
// or about its chain.
func judge(ctx context.Context, l *lake.Lake, runID string, city *world.World) (quality, error) {
	truth := map[[2]string]string{}
	for _, row := range city.Truth() {
		truth[[2]string{row.Provider, row.ProviderKey}] = row.EntityID
	}
	chains := map[string]string{}
	for _, b := range city.Businesses {
		if b.Chain != "" {
			chains[b.ID] = world.ChainID(b.Chain)
		}
	}
	session, err := l.Session(ctx)
	if err != nil {
		return quality{}, err
	}
	defer session.Close()
	rows, err := session.Query(ctx, `
		select k.lead_id, k.provider, k.provider_key, s.is_answer
		from (
			select lead_id, provider, provider_key from candidates.lead_records where run_id = $1
			union
			select lead_id, provider, provider_key from candidates.rejected_records where run_id = $1 and lead_id is not null
		) as k
		inner join (
			select provider, provider_key, bool_and(subject_key is not null) as is_answer
			from raw.source_records
			where run_id = $1
			group by provider, provider_key
		) as s on s.provider = k.provider and s.provider_key = k.provider_key`, runID)
	if err != nil {
		return quality{}, fmt.Errorf("read records of run %s: %w", runID, err)
	}
	defer rows.Close()
	var records []record
	branches := map[[2]string]string{} // of a lead and a chain: a branch that the lead is about
	for rows.Next() {
		var provider, key string
		var r record
		if err := rows.Scan(&r.lead, &provider, &key, &r.answer); err != nil {
			return quality{}, fmt.Errorf("read records of run %s: %w", runID, err)
		}
		known := false
		if r.entity, known = truth[[2]string{provider, key}]; !known { // an address, which is about no business
			continue
		}
		if chain := chains[r.entity]; chain != "" && !r.answer {
			branches[[2]string{r.lead, chain}] = r.entity
		}
		records = append(records, r)
	}
	for i, r := range records {
		if branch := branches[[2]string{r.lead, r.entity}]; r.answer && branch != "" {
			records[i].entity = branch
		}
	}
	return pairsOf(records), rows.Err()
}

// pairsOf counts pairs of records. Answers count once for each discovered
// record of their lead; pairs of answers say nothing of their own.
func pairsOf(records []record) quality {
	type group struct{ found, answers int64 }
	leads, entities, both := map[string]group{}, map[string]group{}, map[[2]string]group{}
	for _, r := range records {
		f, a := int64(1), int64(0)
		if r.answer {
			f, a = 0, 1
		}
		add := func(g group) group { return group{g.found + f, g.answers + a} }
		leads[r.lead] = add(leads[r.lead])
		if !r.answer {
			entities[r.entity] = add(entities[r.entity])
		}
		both[[2]string{r.lead, r.entity}] = add(both[[2]string{r.lead, r.entity}])
	}
	pairs := func(g group) int64 { return g.found*(g.found-1)/2 + g.found*g.answers }
	var merged, right, all int64
	for _, g := range leads {
		merged += pairs(g)
	}
	for _, g := range both {
		right += pairs(g)
		all += g.found * g.answers // an answer is asked about one lead, and is to find nothing but that
	}
	for _, g := range entities {
		all += g.found * (g.found - 1) / 2
	}
	return quality{Pairs: all, Recall: share(right, all), Precision: share(right, merged)}
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}
