package outreach

import (
	"net/url"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/serve/deliver"
)

// cursor is where a pull stands: at which change of a mailing and of a prospect
// it is, and within a pull at which page. Changes at the same instant are read
// again by the next pull; events have ids that say what happened.
type cursor struct {
	Mailings  mark `json:"m"`
	Prospects mark `json:"p"`
	Second    bool `json:"s,omitempty"` // it is at the prospects
}

type mark struct {
	Since string `json:"t,omitempty"` // of updatedAt
	Last  string `json:"l,omitempty"` // within a pull: of the last record that was read
	After string `json:"a,omitempty"` // within a pull: page[after]
}

const feedbackRows = "1000"

// Feedback reads mailings, which tell bounces, replies and unsubscribes, then
// prospects, which tell opt-outs by any way, and their stages.
func (d *Destination) Feedback(s deliver.Session, text string) (deliver.Feedback, error) {
	var c cursor
	if err := deliver.ReadCursor("outreach", text, &c); err != nil {
		return deliver.Feedback{}, err
	}
	if d.cfg.Object != Prospects {
		return deliver.Feedback{Next: text}, nil // nothing happens to an account that we would learn from
	}
	var out deliver.Feedback
	var more bool
	var err error
	if c.Second {
		out.Events, more, err = d.prospects(s, &c.Prospects)
	} else {
		out.Events, more, err = d.mailings(s, &c.Mailings)
	}
	if err != nil {
		return deliver.Feedback{}, err
	}
	switch {
	case more:
		out.More = true
	case !c.Second:
		c.Second, out.More = true, true
	default:
		c.Second = false
	}
	out.Next = string(deliver.Value(c))
	return out, nil
}

// page reads one page of what has changed, oldest change first.
func (d *Destination) page(s deliver.Session, path, fields string, m *mark) (records []gjson.Result, more bool, err error) {
	q := url.Values{"sort": {"updatedAt"}, "page[size]": {feedbackRows}, "count": {"false"}}
	if m.Since != "" {
		q.Set("filter[updatedAt]", m.Since+"..inf")
	}
	if m.After != "" {
		q.Set("page[after]", m.After)
	}
	if fields != "" {
		q.Set("fields["+path[:len(path)-1]+"]", fields)
	}
	resp, err := s.Call(deliver.Request{URL: api + path + "?" + q.Encode(), Endpoint: "feedback_" + path})
	if err != nil {
		return nil, false, err
	}
	body := gjson.ParseBytes(resp.Body)
	if !resp.OK() || !body.Get("data").IsArray() {
		return nil, false, d.wrong("read "+path, resp)
	}
	records = body.Get("data").Array()
	if len(records) > 0 {
		m.Last = records[len(records)-1].Get("attributes.updatedAt").String()
	}
	m.After = ""
	if next, err := url.Parse(body.Get("links.next").String()); err == nil {
		m.After = next.Query().Get("page[after]")
	}
	if m.After == "" && m.Last != "" {
		m.Since, m.Last = m.Last, ""
	}
	return records, m.After != "", nil
}

func (d *Destination) mailings(s deliver.Session, m *mark) ([]deliver.Event, bool, error) {
	records, more, err := d.page(s, "mailings", "bouncedAt,repliedAt,unsubscribedAt,updatedAt,prospect", m)
	if err != nil {
		return nil, false, err
	}
	var events []deliver.Event
	for _, r := range records {
		who := r.Get("relationships.prospect.data.id").String()
		for name, kind := range map[string]deliver.Kind{"bouncedAt": deliver.Bounced, "repliedAt": deliver.Replied, "unsubscribedAt": deliver.OptedOut} {
			if at := moment(r.Get("attributes." + name).String()); !at.IsZero() && who != "" {
				events = append(events, deliver.Event{ID: "mailing:" + r.Get("id").String() + ":" + string(kind), RemoteID: who, Kind: kind, At: at, Detail: "mailing " + name})
			}
		}
	}
	return events, more, nil
}

func (d *Destination) prospects(s deliver.Session, m *mark) ([]deliver.Event, bool, error) {
	stages, err := d.stages(s)
	if err != nil {
		return nil, false, err
	}
	records, more, err := d.page(s, Prospects, "optedOut,optedOutAt,emailOptedOut,updatedAt,stage", m)
	if err != nil {
		return nil, false, err
	}
	var events []deliver.Event
	for _, r := range records {
		id, attrs := r.Get("id").String(), r.Get("attributes")
		changed := moment(attrs.Get("updatedAt").String())
		add := func(kind deliver.Kind, at time.Time, detail string) {
			events = append(events, deliver.Event{ID: "prospect:" + id + ":" + string(kind), RemoteID: id, Kind: kind, At: at, Detail: detail})
		}
		if attrs.Get("optedOut").Bool() || attrs.Get("emailOptedOut").Bool() {
			at := moment(attrs.Get("optedOutAt").String())
			if at.IsZero() {
				at = changed
			}
			add(deliver.OptedOut, at, "opted out")
		}
		if stage, known := stages[r.Get("relationships.stage.data.id").String()]; known {
			add(d.cfg.Stages[stage], changed, stage)
		}
	}
	return events, more, nil
}

// stages are the names of those that mean something, by id. They differ from
// customer to customer.
func (d *Destination) stages(s deliver.Session) (map[string]string, error) {
	out := map[string]string{}
	if len(d.cfg.Stages) == 0 {
		return out, nil
	}
	resp, err := s.Call(deliver.Request{URL: api + "stages?page[size]=1000&count=false", Endpoint: "stages"})
	if err != nil {
		return nil, err
	}
	if !resp.OK() {
		return nil, d.wrong("read stages", resp)
	}
	for _, stage := range gjson.GetBytes(resp.Body, "data").Array() {
		name := stage.Get("attributes.name").String()
		if _, known := d.cfg.Stages[name]; known {
			out[stage.Get("id").String()] = name
		}
	}
	return out, nil
}
