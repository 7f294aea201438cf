package crm

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// mcList is one audience. Each has one campaign, which every new subscriber gets.
type mcList struct {
	id, campaign, name string
	fields             []mcField
	members            map[string]*mcMember // by hash
	order              []*mcMember
	forgotten          map[string]bool
	created            time.Time
}

func (m *mailchimp) addList(id, campaign, name string) *mcList {
	l := &mcList{id: id, campaign: campaign, name: name, members: map[string]*mcMember{}, forgotten: map[string]bool{}, created: m.s.now()}
	for _, f := range mcFirstFields() {
		l.addField(f)
	}
	m.lists = append(m.lists, l)
	return l
}

func (m *mailchimp) list(c *mcCall) (*mcList, *mcError) {
	for _, l := range m.lists {
		if l.id == c.PathValue("list") || c.PathValue("campaign") != "" && l.campaign == c.PathValue("campaign") {
			return l, nil
		}
	}
	return nil, mcNotFound()
}

func (m *mailchimp) find(c *mcCall) (*mcList, *mcMember, *mcError) {
	l, refused := m.list(c)
	if refused != nil {
		return nil, nil, refused
	}
	one, _ := l.member(c.PathValue("member"))
	if one == nil {
		return nil, nil, mcNotFound()
	}
	return l, one, nil
}

func (l *mcList) body() map[string]any {
	count := map[string]int{}
	for _, one := range l.order {
		count[one.status]++
	}
	return map[string]any{
		"id": l.id, "web_id": 1, "name": l.name, "date_created": mcStamp(l.created), "list_rating": 0, "email_type_option": false,
		"double_optin": false, "has_welcome": false, "marketing_permissions": false, "visibility": "prv",
		"permission_reminder": "You are on this list because you asked to be.",
		"stats": map[string]any{
			"member_count": count[mcSubscribed], "total_contacts": len(l.order), "unsubscribe_count": count[mcUnsubscribed],
			"cleaned_count": count[mcCleaned], "merge_field_count": len(l.fields), "campaign_count": 1,
		},
		"_links": []any{},
	}
}

func (m *mailchimp) getLists(c *mcCall) (int, any, *mcError) {
	bodies := []any{}
	for _, l := range m.lists {
		bodies = append(bodies, l.body())
	}
	rows, refused := page(c, bodies)
	if refused != nil {
		return 0, nil, refused
	}
	return http.StatusOK, map[string]any{"lists": rows, "total_items": len(m.lists), "constraints": map[string]any{"may_create": true}, "_links": []any{}}, nil
}

func (m *mailchimp) getList(c *mcCall) (int, any, *mcError) {
	l, refused := m.list(c)
	if refused != nil {
		return 0, nil, refused
	}
	return http.StatusOK, l.body(), nil
}

// render prints a member.
func (l *mcList) render(o *mcMember) map[string]any {
	fields := map[string]any{}
	for _, f := range l.fields {
		fields[f.Tag] = ""
		if v := o.fields[f.Tag]; v != nil {
			fields[f.Tag] = v
		}
	}
	rate := func(action string) float64 {
		if slices.ContainsFunc(o.activity, func(a mcActivity) bool { return a.Action == action }) {
			return 1
		}
		return 0
	}
	body := map[string]any{
		"id": o.id, "email_address": o.email, "unique_email_id": o.id[:10], "contact_id": fmt.Sprintf("contact%09d", o.serial),
		"full_name": strings.TrimSpace(fmt.Sprint(fields["FNAME"], " ", fields["LNAME"])), "web_id": o.serial, "email_type": o.emailType,
		"status": o.status, "consents_to_one_to_one_messaging": true, "merge_fields": fields,
		"stats":     map[string]any{"avg_open_rate": rate("open"), "avg_click_rate": rate("click")},
		"ip_signup": "", "timestamp_signup": mcStamp(o.signup), "ip_opt": "", "timestamp_opt": mcStamp(o.opt), "member_rating": 2,
		"last_changed": mcStamp(o.changed), "language": o.language, "vip": o.vip, "email_client": "",
		"location": map[string]any{"latitude": 0, "longitude": 0, "gmtoff": 0, "dstoff": 0, "country_code": "", "timezone": ""},
		"source":   "API - Generic", "tags_count": len(o.tags), "tags": tagList(o.tags), "list_id": l.id, "_links": []any{},
	}
	if o.status == mcUnsubscribed {
		body["unsubscribe_reason"] = cmp.Or(o.reason, "N/A")
	}
	return body
}

// getMembers lists by what changed since a time, among others: the feedback.
func (m *mailchimp) getMembers(c *mcCall) (int, any, *mcError) {
	l, refused := m.list(c)
	if refused != nil {
		return 0, nil, refused
	}
	var since, before, left time.Time
	for name, at := range map[string]*time.Time{"since_last_changed": &since, "before_last_changed": &before, "unsubscribed_since": &left} {
		if *at, refused = c.since(name); refused != nil {
			return 0, nil, refused
		}
	}
	status := c.query.Get("status")
	var found []*mcMember
	for _, one := range l.order {
		if status == "" && one.status == mcArchived || status != "" && one.status != status ||
			one.changed.Before(since) || !before.IsZero() && !one.changed.Before(before) ||
			!left.IsZero() && (one.status != mcUnsubscribed || one.left.Before(left)) {
			continue
		}
		found = append(found, one)
	}
	if c.query.Get("sort_field") == "last_changed" {
		slices.SortStableFunc(found, func(a, b *mcMember) int {
			n := cmp.Or(a.changed.Compare(b.changed), cmp.Compare(a.serial, b.serial))
			if c.query.Get("sort_dir") == "DESC" {
				n = -n
			}
			return n
		})
	}
	rows, refused := page(c, found)
	if refused != nil {
		return 0, nil, refused
	}
	bodies := []any{}
	for _, one := range rows {
		bodies = append(bodies, l.render(one))
	}
	return http.StatusOK, map[string]any{"members": bodies, "list_id": l.id, "total_items": len(found), "_links": []any{}}, nil
}

func (m *mailchimp) getCampaigns(c *mcCall) (int, any, *mcError) {
	return m.campaigns(c, "campaigns", func(l *mcList) map[string]any {
		return map[string]any{
			"id": l.campaign, "web_id": 1, "type": "automation-email", "create_time": mcStamp(l.created), "status": "sent", "emails_sent": l.sent(),
			"recipients": map[string]any{"list_id": l.id, "list_is_active": true, "list_name": l.name},
			"settings":   map[string]any{"title": "Welcome to " + l.name, "subject_line": "Hello"}, "_links": []any{},
		}
	})
}

func (m *mailchimp) getReports(c *mcCall) (int, any, *mcError) {
	return m.campaigns(c, "reports", func(l *mcList) map[string]any {
		return map[string]any{"id": l.campaign, "campaign_title": "Welcome to " + l.name, "type": "automation-email", "list_id": l.id, "list_is_active": true, "emails_sent": l.sent(), "_links": []any{}}
	})
}

func (m *mailchimp) campaigns(c *mcCall, name string, body func(*mcList) map[string]any) (int, any, *mcError) {
	bodies := []any{}
	for _, l := range m.lists {
		if only := c.query.Get("list_id"); only == "" || only == l.id {
			bodies = append(bodies, body(l))
		}
	}
	rows, refused := page(c, bodies)
	if refused != nil {
		return 0, nil, refused
	}
	return http.StatusOK, map[string]any{name: rows, "total_items": len(bodies), "_links": []any{}}, nil
}

func (l *mcList) sent() int {
	n := 0
	for _, one := range l.order {
		if !one.sent.IsZero() {
			n++
		}
	}
	return n
}

// report lists something of each member that got the campaign; nil leaves one out.
func (m *mailchimp) report(c *mcCall, name string, row func(*mcMember) map[string]any) (int, any, *mcError) {
	l, refused := m.list(c)
	if refused != nil {
		return 0, nil, refused
	}
	all := []any{}
	for _, one := range l.order {
		if one.sent.IsZero() {
			continue
		}
		if body := row(one); body != nil {
			body["campaign_id"], body["list_id"], body["list_is_active"] = l.campaign, l.id, true
			body["email_id"], body["email_address"], body["_links"] = one.id, one.email, []any{}
			all = append(all, body)
		}
	}
	rows, refused := page(c, all)
	if refused != nil {
		return 0, nil, refused
	}
	return http.StatusOK, map[string]any{name: rows, "campaign_id": l.campaign, "total_items": len(all), "_links": []any{}}, nil
}

func (m *mailchimp) getActivity(c *mcCall) (int, any, *mcError) {
	since, refused := c.since("since")
	if refused != nil {
		return 0, nil, refused
	}
	return m.report(c, "emails", func(o *mcMember) map[string]any {
		activity := slices.DeleteFunc(slices.Clone(o.activity), func(a mcActivity) bool { return a.at.Before(since) })
		if len(activity) == 0 && !since.IsZero() {
			return nil
		}
		return map[string]any{"activity": append([]mcActivity{}, activity...)}
	})
}

func (m *mailchimp) getSentTo(c *mcCall) (int, any, *mcError) {
	return m.report(c, "sent_to", func(o *mcMember) map[string]any {
		status, opens, last := "sent", 0, ""
		for _, a := range o.activity {
			switch a.Action {
			case "bounce":
				status = a.Type
			case "open":
				opens, last = opens+1, a.At
			}
		}
		return map[string]any{"status": status, "open_count": opens, "last_open": last, "absplit_group": "", "gmt_offset": 0, "vip": o.vip, "merge_fields": o.fields}
	})
}

func (m *mailchimp) getUnsubscribed(c *mcCall) (int, any, *mcError) {
	return m.report(c, "unsubscribes", func(o *mcMember) map[string]any {
		if o.status != mcUnsubscribed || !o.byThemselves {
			return nil
		}
		return map[string]any{"timestamp": mcStamp(o.left), "reason": o.reason, "vip": o.vip, "merge_fields": o.fields}
	})
}
