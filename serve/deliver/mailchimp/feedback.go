package mailchimp

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/serve/deliver"
)

// cursor is where a pull stands. Changes are stamped with whole seconds, so a
// page begins with the second at which the last one ended. Only where that
// second alone fills a page is the offset needed: with it, rows that change
// while we read would shift others out of sight.
type cursor struct {
	Since  string `json:"t,omitempty"`
	Offset int    `json:"o,omitempty"`
}

const feedbackRows = 1000

// Feedback reads the members that have changed: who has left, and whose mail has
// bounced. Opens and clicks are no outcomes.
func (d *Destination) Feedback(s deliver.Session, text string) (deliver.Feedback, error) {
	var c cursor
	if err := deliver.ReadCursor("mailchimp", text, &c); err != nil {
		return deliver.Feedback{}, err
	}
	const fields = "members.contact_id,members.id,members.email_address,members.status,members.last_changed,members.unsubscribe_reason"
	q := url.Values{
		"count": {strconv.Itoa(feedbackRows)}, "offset": {strconv.Itoa(c.Offset)}, "sort_field": {"last_changed"}, "sort_dir": {"ASC"}, "fields": {fields},
	}
	if c.Since != "" {
		q.Set("since_last_changed", c.Since)
	}
	resp, err := s.Call(deliver.Request{URL: d.list() + "/members?" + q.Encode(), Endpoint: "feedback"})
	if err != nil {
		return deliver.Feedback{}, err
	}
	members := gjson.GetBytes(resp.Body, "members")
	if !resp.OK() || !members.IsArray() {
		return deliver.Feedback{}, d.wrong("read members", resp)
	}
	var out deliver.Feedback
	rows := members.Array()
	for _, m := range rows {
		kind, known := map[string]deliver.Kind{"unsubscribed": deliver.OptedOut, "cleaned": deliver.Bounced}[m.Get("status").String()]
		at, err := time.Parse(time.RFC3339, m.Get("last_changed").String())
		if !known || err != nil {
			continue
		}
		out.Events = append(out.Events, deliver.Event{
			ID: m.Get("id").String() + ":" + string(kind), Key: strings.ToLower(m.Get("email_address").String()), RemoteID: m.Get("contact_id").String(),
			Kind: kind, At: at, Detail: strings.TrimSpace(m.Get("status").String() + " " + m.Get("unsubscribe_reason").String()),
		})
	}
	out.More = len(rows) == feedbackRows
	if len(rows) > 0 {
		last := rows[len(rows)-1].Get("last_changed").String()
		if last == c.Since && out.More {
			c.Offset += len(rows)
		} else {
			c = cursor{Since: last}
		}
	}
	if !out.More {
		c.Offset = 0
	}
	out.Next = string(deliver.Value(c))
	return out, nil
}
