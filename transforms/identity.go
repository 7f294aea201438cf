package transforms

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Member is a record behind a lead.
type Member struct {
	leadlake.RecordKey
	IsRepresentative bool      `json:"is_representative"` // it stands for the lead
	IsAnswer         bool      `json:"is_answer"`         // an answer about the lead, which follows its subject
	FetchedAt        time.Time `json:"fetched_at"`
}

// Ending is how an id of a lead ended.
type Ending struct {
	LeadID string    `json:"lead_id"`
	Reason string    `json:"reason"` // merge or gone
	RunID  string    `json:"run_id"`
	At     time.Time `json:"at"`
}

// Identity is who a lead id is: the lead that it names or leads to.
type Identity struct {
	CampaignID string    `json:"campaign_id"`
	LeadID     string    `json:"lead_id"` // empty where the lead is gone
	Name       string    `json:"name"`
	RunID      string    `json:"run_id"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	Ended      *Ending   `json:"ended,omitempty"` // of the id that was asked for, where it is not the lead's
	Redirects  []Ending  `json:"redirects"`       // ids that lead to the lead
	Records    []Member  `json:"records"`
}

// Own lists the records of the lead that are no answers: those that people
// link.
func (i Identity) Own() []leadlake.RecordKey {
	var own []leadlake.RecordKey
	for _, m := range i.Records {
		if !m.IsAnswer {
			own = append(own, m.RecordKey)
		}
	}
	return own
}

// ReadIdentity finds the published lead that an id names or leads to. The
// campaign may be empty where one alone knows the id.
func ReadIdentity(ctx context.Context, s *lake.Session, campaignID, id string) (Identity, error) {
	if err := viewPublished(ctx, s); err != nil {
		return Identity{}, err
	}
	var found []Identity
	err := eachOf(ctx, s, "lead_identity", func(rows *sql.Rows) error {
		var i Identity
		var created, updated, ended sql.NullTime
		end := Ending{LeadID: id}
		err := rows.Scan(&i.CampaignID, &i.LeadID, &i.Name, &i.RunID, &created, &updated, &end.Reason, &end.RunID, &ended)
		i.CreatedAt, i.UpdatedAt, end.At = created.Time.UTC(), updated.Time.UTC(), ended.Time.UTC()
		if i.LeadID != id {
			i.Ended = &end
		}
		found = append(found, i)
		return err
	}, id, campaignID)
	if err != nil {
		return Identity{}, err
	}
	if len(found) == 0 {
		return Identity{}, leadlake.Errorf(leadlake.NotFound, "lead %s is not published, and never was", id).
			WithFix(`leadlake sql "select lead_id, name from marts.leads" lists the leads`)
	}
	if len(found) > 1 {
		var campaigns []string
		for _, i := range found {
			campaigns = append(campaigns, i.CampaignID)
		}
		return Identity{}, leadlake.Errorf(leadlake.Conflict, "lead %s is in %d campaigns: %s", id, len(found), strings.Join(campaigns, ", ")).
			WithFix("say which with --campaign")
	}
	i := found[0]
	i.Records, i.Redirects = []Member{}, []Ending{}
	if i.LeadID == "" {
		return i, nil
	}
	err = eachOf(ctx, s, "lead_members", func(rows *sql.Rows) error {
		var m Member
		var fetched sql.NullTime
		err := rows.Scan(&m.Provider, &m.Key, &m.IsRepresentative, &m.IsAnswer, &fetched)
		m.FetchedAt = fetched.Time.UTC()
		i.Records = append(i.Records, m)
		return err
	}, i.CampaignID, i.LeadID)
	if err != nil {
		return i, err
	}
	return i, eachOf(ctx, s, "lead_redirects", func(rows *sql.Rows) error {
		var e Ending
		var at sql.NullTime
		err := rows.Scan(&e.LeadID, &e.Reason, &e.RunID, &at)
		e.At = at.Time.UTC()
		i.Redirects = append(i.Redirects, e)
		return err
	}, i.CampaignID, i.LeadID)
}

// eachOf hands every row of a query of sql/queries to scan.
func eachOf(ctx context.Context, s *lake.Session, query string, scan func(*sql.Rows) error, args ...any) error {
	text, err := readQuery(query)
	if err != nil {
		return err
	}
	file := "sql/queries/" + query + ".sql"
	rows, err := s.Query(ctx, text, args...)
	if err != nil {
		return SQLError("run query", file, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("read rows of %s: %w", file, err)
		}
	}
	if err := rows.Err(); err != nil {
		return SQLError("run query", file, err)
	}
	return nil
}
