package transforms

import (
	"context"
	"fmt"
	"strings"

	"github.com/leadlake/leadlake/lake"
)

// EnrichLead is a lead that a provider may be asked about, as far as it is
// known; absent values are empty.
type EnrichLead struct {
	LeadID   string
	Provider string // with Key, the record that stands for the lead
	Key      string

	Name, Domain, Email        string
	Phone                      string // E.164
	Street, City, Region       string
	Postal, Country            string // ISO 3166-1 alpha-2
	Lat, Lon                   *float64
	Registration, Jurisdiction string

	Known []string // which fields the lead has: website, phone, email, address, geo, ...
}

// LeadsToEnrich lists the candidates of a run that a lookup may serve, best
// first: those that the campaign would publish, and those that it rejects only
// because their rating or their reviews are unknown. The run's candidates are
// built; a campaign that asks for no enrichment has none.
func LeadsToEnrich(ctx context.Context, l *lake.Lake, runID string) ([]EnrichLead, error) {
	query, err := readQuery("leads_to_enrich")
	if err != nil {
		return nil, err
	}
	session, err := l.Session(ctx)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	rows, err := session.Query(ctx, query, runID)
	if err != nil {
		return nil, fmt.Errorf("read leads to enrich of run %s: %w", runID, err)
	}
	defer rows.Close()
	var leads []EnrichLead
	for rows.Next() {
		var e EnrichLead
		var known string
		err := rows.Scan(&e.LeadID, &e.Provider, &e.Key, &e.Name, &e.Domain, &e.Email, &e.Phone, &e.Street, &e.City,
			&e.Region, &e.Postal, &e.Country, &e.Lat, &e.Lon, &e.Registration, &e.Jurisdiction, &known)
		if err != nil {
			return nil, fmt.Errorf("read leads to enrich of run %s: %w", runID, err)
		}
		if known != "" {
			e.Known = strings.Split(known, ",")
		}
		leads = append(leads, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read leads to enrich of run %s: %w", runID, err)
	}
	return leads, nil
}
