package main

import (
	"context"

	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/transforms"
)

// enrichRounds bounds how often leads are looked up: what the first round
// finds, such as a website, lets the second ask who needs it.
const enrichRounds = 2

// enrich buys what the candidate leads of the run lack, and builds them again
// with it. Only resolved leads are looked up, never their duplicates.
func (j *job) enrich(ctx context.Context) error {
	if len(j.run.Spec.Enrichment) == 0 {
		return nil
	}
	engine, done, err := j.engine(ctx)
	if err != nil {
		return err
	}
	defer done()
	pages := 0
	for range enrichRounds {
		leads, err := transforms.LeadsToEnrich(ctx, j.ws.lake, j.run.RunID)
		if err != nil {
			return err
		}
		j.enriched, err = engine.Enrich(ctx, j.run, toLookUp(leads), func(p ingest.Progress) {
			j.out.progress("enrich     %s: %s answers, $%.2f", p.Provider, count(int64(p.Pages)), float64(p.CostMicros)/1e6)
		})
		if err != nil {
			return err
		}
		before := pages
		pages = 0
		for _, s := range j.enriched.Sources {
			pages += s.Pages
		}
		if pages == before {
			break
		}
		if err := j.transform(ctx); err != nil {
			return err
		}
	}
	j.noteSources(j.enriched)
	return nil
}

// toLookUp puts leads into the words of the engine.
func toLookUp(leads []transforms.EnrichLead) []ingest.Lead {
	out := make([]ingest.Lead, len(leads))
	for i, l := range leads {
		has := map[ingest.Field]bool{}
		for _, f := range l.Known {
			has[ingest.Field(f)] = true
		}
		out[i] = ingest.Lead{Has: has, Subject: ingest.Subject{
			Provider: l.Provider, Key: l.Key, Name: l.Name, Domain: l.Domain, Email: l.Email, Phone: l.Phone,
			Street: l.Street, City: l.City, Region: l.Region, Postal: l.Postal, Country: l.Country, Lat: l.Lat, Lon: l.Lon,
			Registration: l.Registration, Jurisdiction: l.Jurisdiction,
		}}
	}
	return out
}
