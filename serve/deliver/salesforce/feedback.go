package salesforce

import (
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/serve/deliver"
)

// cursor is where a pull stands: by which stamp and id it has read leads and
// opportunities. Stamps are of whole seconds, so the last second is read again
// at the next pull, and the events have ids that say what happened.
type cursor struct {
	Leads         mark `json:"l"`
	Opportunities mark `json:"o"`
	Second        bool `json:"s,omitempty"` // it is at the opportunities
}

type mark struct {
	At string `json:"t,omitempty"` // as SOQL takes it
	ID string `json:"i,omitempty"` // within a pull: what has been read of that second
}

// feedbackRows is what a page of a query holds at most.
const feedbackRows = 2_000

// Feedback reads what became of records: status, opt-out and bounce of leads
// and contacts, conversion of leads, and the stages of their opportunities.
func (d *Destination) Feedback(s deliver.Session, text string) (deliver.Feedback, error) {
	var c cursor
	if err := deliver.ReadCursor("salesforce", text, &c); err != nil {
		return deliver.Feedback{}, err
	}
	var out deliver.Feedback
	var n int
	var err error
	if c.Second {
		out.Events, n, err = d.opportunities(s, &c.Opportunities)
	} else {
		out.Events, n, err = d.people(s, &c.Leads)
	}
	if err != nil {
		return deliver.Feedback{}, err
	}
	if out.More = n == feedbackRows; !out.More {
		if c.Second {
			c.Opportunities.ID = ""
		} else {
			c.Leads.ID = ""
		}
		out.More = d.cfg.Object == "Lead" && !c.Second
		c.Second = out.More
	}
	out.Next = string(deliver.Value(c))
	return out, nil
}

// since is the condition of a page, and its order.
func (m mark) since(where ...string) string {
	if m.At != "" && m.ID == "" {
		where = append(where, "SystemModstamp >= "+m.At)
	} else if m.At != "" {
		where = append(where, "(SystemModstamp > "+m.At+" OR (SystemModstamp = "+m.At+" AND Id > "+quote(m.ID)+"))")
	}
	text := ""
	if len(where) > 0 {
		text = " WHERE " + strings.Join(where, " AND ")
	}
	return text + " ORDER BY SystemModstamp, Id LIMIT 2000"
}

// pass moves on to a record.
func (m *mark) pass(rec gjson.Result) time.Time {
	at := stamp(rec.Get("SystemModstamp").String())
	m.At, m.ID = at.Format("2006-01-02T15:04:05Z"), rec.Get("Id").String()
	return at
}

// people reads a page of the object itself.
func (d *Destination) people(s deliver.Session, m *mark) ([]deliver.Event, int, error) {
	columns := "Id," + d.cfg.KeyField + ",SystemModstamp"
	switch d.cfg.Object {
	case "Lead":
		columns += ",Status,IsConverted,ConvertedOpportunityId,HasOptedOutOfEmail,EmailBouncedReason,EmailBouncedDate"
	case "Contact":
		columns += ",HasOptedOutOfEmail,EmailBouncedReason,EmailBouncedDate"
	default:
		return nil, 0, nil // nothing happens to an account that we would learn from
	}
	records, err := d.all(s, "SELECT "+columns+" FROM "+d.cfg.Object+m.since(d.cfg.KeyField+" != null"))
	if err != nil {
		return nil, 0, err
	}
	var events []deliver.Event
	for _, rec := range records {
		at := m.pass(rec)
		add := func(kind deliver.Kind, at time.Time, detail string) {
			events = append(events, deliver.Event{
				ID: rec.Get("Id").String() + ":" + string(kind), Key: rec.Get(d.cfg.KeyField).String(), RemoteID: rec.Get("Id").String(), Kind: kind, At: at, Detail: detail,
			})
		}
		if reason := rec.Get("EmailBouncedReason").String(); reason != "" {
			when := stamp(rec.Get("EmailBouncedDate").String())
			if when.IsZero() {
				when = at
			}
			add(deliver.Bounced, when, reason)
		}
		if rec.Get("HasOptedOutOfEmail").Bool() {
			add(deliver.OptedOut, at, "HasOptedOutOfEmail")
		}
		status := rec.Get("Status").String()
		if kind, known := d.cfg.Statuses[status]; known {
			add(kind, at, status)
		}
		if rec.Get("IsConverted").Bool() {
			add(deliver.Qualified, at, status)
			if rec.Get("ConvertedOpportunityId").String() != "" {
				add(deliver.Opportunity, at, status)
			}
		}
	}
	return events, len(records), nil
}

// opportunities reads a page of opportunities that are closed, and finds the
// leads that they came from.
func (d *Destination) opportunities(s deliver.Session, m *mark) ([]deliver.Event, int, error) {
	records, err := d.all(s, "SELECT Id,StageName,IsWon,SystemModstamp FROM Opportunity"+m.since("IsClosed = true"))
	if err != nil {
		return nil, 0, err
	}
	ids := make([]deliver.Row, len(records))
	for i, rec := range records {
		ids[i].Key = rec.Get("Id").String()
	}
	leads := map[string]gjson.Result{}
	for part := range literals(ids, maxURL-500) {
		found, err := d.all(s, "SELECT Id,"+d.cfg.KeyField+",ConvertedOpportunityId FROM Lead WHERE "+d.cfg.KeyField+" != null AND ConvertedOpportunityId IN ("+part+")")
		if err != nil {
			return nil, 0, err
		}
		for _, lead := range found {
			leads[lead.Get("ConvertedOpportunityId").String()] = lead
		}
	}
	var events []deliver.Event
	for _, rec := range records {
		at, id := m.pass(rec), rec.Get("Id").String()
		lead, ours := leads[id]
		if !ours {
			continue
		}
		kind := deliver.Lost
		if rec.Get("IsWon").Bool() {
			kind = deliver.Won
		}
		events = append(events, deliver.Event{
			ID: id + ":" + string(kind), Key: lead.Get(d.cfg.KeyField).String(), RemoteID: lead.Get("Id").String(), Kind: kind, At: at, Detail: rec.Get("StageName").String(),
		})
	}
	return events, len(records), nil
}
