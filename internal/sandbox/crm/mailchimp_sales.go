package crm

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What is due at Mailchimp.
const (
	dueBatch   = "batch"
	dueConfirm = "confirm"
	dueSend    = "send"
)

// planCampaign has a new subscriber get the campaign a day later. Who is pending
// is asked first, and confirms where they would have opened it.
func (m *mailchimp) planCampaign(l *mcList, o *mcMember, now time.Time) {
	switch o.status {
	case mcSubscribed:
		m.agenda.add(due{now.Add(24 * time.Hour), dueSend, l.id + "/" + o.id})
	case mcPending:
		m.agenda.add(due{now.Add(6 * time.Hour), dueConfirm, l.id + "/" + o.id})
	}
}

func (m *mailchimp) fate(o *mcMember) (f fate, opened, clicked time.Duration) {
	lead, _ := o.fields["LEADID"].(string)
	phone, _ := o.fields["PHONE"].(string)
	t := m.s.traitsOf(Prospect{Phone: phone, Email: o.email}, traitsFrom(cmp.Or(lead, strings.ToLower(o.email)), true, o.fields))
	f = fateOf(t)
	opened, clicked = engagementOf(t.key, f)
	return f, opened, clicked
}

// happen lets one thing happen.
func (m *mailchimp) happen(d due) {
	if d.what == dueBatch {
		if b := m.batch(d.id); b != nil {
			m.runBatch(b, d.at)
		}
		return
	}
	id, hash, _ := strings.Cut(d.id, "/")
	at := slices.IndexFunc(m.lists, func(l *mcList) bool { return l.id == id })
	if at < 0 {
		return
	}
	l := m.lists[at]
	o := l.members[hash]
	if o == nil {
		return // gone, or under another address
	}
	add := func(a mcActivity) {
		a.at, a.At = d.at, mcStamp(d.at)
		o.activity = append(o.activity, a)
	}
	switch d.what {
	case dueConfirm:
		if _, opened, _ := m.fate(o); o.status == mcPending && opened > 0 {
			o.status, o.opt = mcSubscribed, d.at
			m.planCampaign(l, o, d.at)
		}
	case dueSend:
		if o.status != mcSubscribed || !o.sent.IsZero() {
			return
		}
		o.sent = d.at
		f, opened, clicked := m.fate(o)
		for what, after := range map[string]time.Duration{dueBounce: f.bounced, dueOpen: opened, dueClick: clicked, dueOptOut: f.optedOut} {
			if after > 0 {
				m.agenda.add(due{d.at.Add(after), what, d.id})
			}
		}
		return // to be written to is no change of a member
	case dueBounce:
		add(mcActivity{Action: "bounce", Type: "hard"})
		o.status, o.byThemselves = mcCleaned, true
	case dueOpen:
		add(mcActivity{Action: "open", IP: "192.0.2.1"})
		return // nor is that they read it
	case dueClick:
		add(mcActivity{Action: "click", URL: "https://seller.example/", IP: "192.0.2.1"})
		return
	case dueOptOut:
		o.status, o.byThemselves, o.left, o.reason = mcUnsubscribed, true, d.at, "No longer interested (normal)"
	}
	o.changed = d.at
}

// edit does what a colleague or a subscriber does in Mailchimp:
//
//	create  object "lists" makes a list with id; object "members" adds fields
//	set     merge fields of a member, named by key, its address
//	unsubscribe, clean, forget, delete  a member; forget is for good
//	schema  field of a list becomes required, optional or gone: values
func (m *mailchimp) edit(e Edit) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.s.now()
	if e.Op == "create" && e.Object == "lists" {
		if e.ID == "" {
			return errors.New("a list needs an id")
		}
		m.addList(e.ID, "c"+e.ID, cmp.Or(e.Key, e.ID))
		return nil
	}
	l := m.lists[0]
	if at := slices.IndexFunc(m.lists, func(l *mcList) bool { return l.id == e.Into }); at >= 0 {
		l = m.lists[at]
	}
	switch e.Op {
	case "schema":
		f := l.field(e.Field)
		if f == nil || len(e.Values) != 1 {
			return errors.New("schema needs a field of the list and one value")
		}
		if e.Values[0] == "gone" {
			l.fields = slices.DeleteFunc(slices.Clone(l.fields), func(other mcField) bool { return other.Tag == e.Field })
			return nil
		}
		f.Required = e.Values[0] == "required"
		return nil
	case "create":
		m.serial++
		o := &mcMember{id: mcHash(e.Key), serial: m.serial, email: e.Key, status: mcSubscribed, emailType: "html", fields: e.Fields, signup: now, opt: now, changed: now, key: l.id + "/" + mcHash(e.Key)}
		if l.members[o.id] != nil {
			return fmt.Errorf("there is a member %s", e.Key)
		}
		l.members[o.id], l.order = o, append(l.order, o)
		return nil
	}
	o, _ := l.member(cmp.Or(e.ID, e.Key))
	if o == nil {
		return errors.New("there is no such member")
	}
	o.changed = now
	switch e.Op {
	case "set":
		o.change(l, mcPut{MergeFields: e.Fields}, nil, false)
	case "unsubscribe":
		o.status, o.byThemselves, o.left, o.reason = mcUnsubscribed, true, now, "No longer interested (normal)"
	case "clean":
		o.status, o.byThemselves = mcCleaned, true
	case "forget", "delete":
		l.drop(o)
		l.forgotten[o.id] = e.Op == "forget"
	default:
		return fmt.Errorf("no op %q", e.Op)
	}
	return nil
}
