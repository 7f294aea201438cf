package main

import (
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/leadlake/leadlake"
)

// Waves: at first all leads of a campaign are new, then some have changed and
// some are gone.
const (
	firstWave  = 1
	secondWave = 2
)

// Of ten leads, the second wave changes two and removes one: 13 deliveries.
const (
	changedOf10 = 2
	removedOf10 = 1
)

func changed(n int) bool { return n%10 == 3 || n%10 == 8 }
func removed(n int) bool { return n%10 == 5 }

// names are what formats have trouble with.
var names = [...]string{
	"Firm %d", "Söhne & Cie. %d", `The "Old" Mill, %d`, "=SUM(A%d)", "O'Hara's %d", "雅芳 %d", "Tab\there %d", "-%d Degrees", "Line\nbreak %d", "@home %d",
}

// lead is a made-up lead by its number, which no other destination has.
func lead(n, wave int) leadlake.CanonicalLead {
	site := fmt.Sprintf("https://firm%d.example", n)
	score := 20 + n%80
	l := leadlake.CanonicalLead{
		LeadID: leadID(n), CampaignID: "chaos", RunID: "run", Name: fmt.Sprintf(names[n%len(names)], n), Vertical: leadlake.LocalServices,
		Website: &site, Domains: []string{fmt.Sprintf("firm%d.example", n)},
		Emails:    []leadlake.Email{{Value: email(n), Type: "role"}},
		Address:   &leadlake.Address{Line1: fmt.Sprintf("%d Main St", n%9000+1), City: "Little Rock", Region: "AR", Postal: fmt.Sprintf("%05d", n%100000), Country: "US"},
		LeadScore: &score, PriorityTier: leadlake.TierB, ScoreExplanations: []string{"well rated"}, Sources: []string{"yelp"},
		Provenance: []leadlake.ProvenanceEntry{{Field: "name", Provider: "yelp", Confidence: 0.9}},
		CreatedAt:  time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC),
	}
	if n%3 > 0 { // not every lead has one
		l.Phones = []leadlake.Phone{{Value: fmt.Sprintf("+1501555%04d", n%10000), Type: "main"}}
	}
	if wave == secondWave && changed(n) {
		l.Name += " Ltd"
		score = 100 - score
		l.UpdatedAt = l.UpdatedAt.AddDate(0, 0, 3)
	}
	return l
}

func leadID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func email(n int) string { return fmt.Sprintf("office@firm%d.example", n) }

// leads are those with numbers from first on, as they are in a wave.
func leads(first, n, wave int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for i := first; i < first+n; i++ {
			if wave == secondWave && removed(i) {
				continue
			}
			text, err := json.Marshal(lead(i, wave))
			if !yield(text, err) || err != nil {
				return
			}
		}
	}
}
