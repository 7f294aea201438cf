package crm

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The stages that a sales team has, in their order.
const (
	stageCold          = "Cold"
	stageContacted     = "Contacted"
	stageReplied       = "Replied"
	stageInterested    = "Interested"
	stageNotInterested = "Not interested"
	stageBadData       = "Bad contact data"
	stageWon           = "Customer"
)

// The states of an enrolment. The document lists none.
const (
	stateActive   = "active"
	statePaused   = "paused"
	stateFinished = "finished"
	stateBounced  = "bounced"
	stateOptedOut = "opted_out"
)

// checkEnrolment refuses what Outreach would not begin to write to. The texts
// but those of a blank are of no source.
func (o *outreach) checkEnrolment(ch outreachChange) *outreachError {
	for _, name := range []string{"prospect", "sequence", "mailbox"} {
		if ch.refs[name] == 0 {
			return &outreachError{422, "validationError", "Validation Error", titled(name) + " can't be blank.", "/data/relationships/" + name}
		}
	}
	who := o.kinds["prospects"].get(ch.refs["prospect"])
	switch {
	case o.kinds["sequences"].get(ch.refs["sequence"]).attrs["enabled"] != true:
		return invalidData("Sequence is not enabled.")
	case len(who.emails()) == 0:
		return invalidData("Prospect has no email address.")
	case who.attrs["emailOptedOut"] == true:
		return invalidData("Prospect is opted out of email.")
	case o.enrolment(who.id, ch.refs["sequence"]) != nil:
		return invalidData("Prospect is already in this sequence.")
	}
	return nil
}

// enrolment is the running enrolment of a prospect in a sequence, or in any
// where sequence is 0.
func (o *outreach) enrolment(prospect, sequence int) *outreachRecord {
	k := o.kinds["sequenceStates"]
	for _, id := range k.index["prospect\x00"+itoa(prospect)] {
		state := k.get(id)
		running := state.text("state") == stateActive || state.text("state") == statePaused
		if running && (sequence == 0 || state.refs["sequence"] == sequence) {
			return state
		}
	}
	return nil
}

// enrol begins a sequence: its message goes out within the hour.
func (o *outreach) enrol(state *outreachRecord, now time.Time) {
	o.setState(state, stateActive, now)
	state.attrs["activeAt"] = now.Format(outreachTime)
	state.refs["user"] = 1
	if who := o.kinds["prospects"].get(state.refs["prospect"]); who.refs["account"] != 0 {
		state.refs["account"] = who.refs["account"]
	}
	o.agenda.add(due{now.Add(time.Hour), dueTouch, itoa(state.refs["prospect"])})
}

// act finishes, pauses or resumes an enrolment.
func (o *outreach) act(c *outreachCall) (int, []byte, *outreachError) {
	r, refused := o.find(c)
	if refused != nil {
		return 0, nil, refused
	}
	action := c.URL.Path[strings.LastIndex(c.URL.Path, "/")+1:]
	next := map[string]string{"finish": stateFinished, "pause": statePaused, "resume": stateActive}[action]
	if now := r.text("state"); now != stateActive && now != statePaused || now == next {
		return 0, nil, invalidData("Sequence state cannot " + action + ".")
	}
	o.setState(r, next, c.now)
	o.did(c, r, opUpdate)
	return http.StatusOK, o.answer(c, r), nil
}

func (o *outreach) setState(r *outreachRecord, state string, at time.Time) {
	r.attrs["state"], r.attrs["stateChangedAt"] = state, at.Format(outreachTime)
	r.stamp(at)
}

// planTouch has the team write to a new prospect by hand, a day or two later,
// where no sequence has done so by then.
func (o *outreach) planTouch(r *outreachRecord, now time.Time) {
	wait := 24*time.Hour + time.Duration(r.id%24)*time.Hour
	o.agenda.add(due{now.Add(wait), dueTouch, itoa(r.id)})
}

// touch writes to a prospect, once, and plans what comes of it.
func (o *outreach) touch(prospect int, at time.Time) {
	who := o.kinds["prospects"].get(prospect)
	if who == nil || who.attrs["touchedAt"] != nil || who.attrs["trashedAt"] != nil || who.attrs["emailOptedOut"] == true || len(who.emails()) == 0 {
		return
	}
	state := o.enrolment(prospect, 0)
	if state != nil && state.text("state") == statePaused {
		return
	}
	stamp := at.Format(outreachTime)
	mailing := o.add("mailings", at, map[string]any{
		"state": "delivered", "stateChangedAt": stamp, "deliveredAt": stamp, "mailingType": "single", "mailboxAddress": "rep@seller.example",
		"subject": "Hello", "messageId": fmt.Sprintf("<%d@seller.example>", len(o.kinds["mailings"].records)+1), "openCount": 0, "clickCount": 0,
		"trackOpens": true, "trackLinks": true,
	}, map[string]int{"prospect": prospect, "mailbox": 1, "user": 1})
	if state != nil {
		mailing.attrs["mailingType"] = "sequence"
		mailing.refs["sequenceState"], mailing.refs["sequence"] = state.id, state.refs["sequence"]
		o.bump(state, "deliverCount", at)
	}
	who.attrs["touchedAt"] = stamp
	o.moveTo(who, stageContacted, at)

	known := map[string]any{}
	for _, r := range []*outreachRecord{o.kinds["accounts"].get(who.refs["account"]), who} {
		if r != nil {
			for name, v := range r.attrs {
				known[name] = v
			}
		}
	}
	for field, label := range o.labels {
		known[label] = known[field]
	}
	t := o.s.traitsOf(o.prospect(who), traitsFrom(who.key, true, known))
	f := fateOf(t)
	opened, clicked := engagementOf(t.key, f)
	for what, after := range map[string]time.Duration{
		dueBounce: f.bounced, dueOpen: opened, dueClick: clicked, dueOptOut: f.optedOut, dueReply: f.replied, dueQualify: f.qualified,
		dueWin: f.won, dueLose: f.lost,
	} {
		if after > 0 {
			o.agenda.add(due{at.Add(after), what, itoa(prospect)})
		}
	}
}

// prospect is whom a record is about.
func (o *outreach) prospect(who *outreachRecord) Prospect {
	p := Prospect{Website: who.text("websiteUrl1")}
	if all := who.emails(); len(all) > 0 {
		p.Email = all[0]
	}
	if all, _ := who.attrs["workPhones"].([]string); len(all) > 0 {
		p.Phone = all[0]
	}
	return p
}

// What a prospect does about the message.
const (
	dueTouch   = "touch"
	dueBounce  = "bounce"
	dueOpen    = "open"
	dueClick   = "click"
	dueOptOut  = "opt out"
	dueReply   = "reply"
	dueQualify = "qualify"
	dueWin     = "win"
	dueLose    = "lose"
)

// happen lets one thing happen. A prospect that was deleted in the meantime does
// nothing any more.
func (o *outreach) happen(d due) {
	who := o.kinds["prospects"].get(intOf(d.id))
	if who == nil {
		return
	}
	if d.what == dueTouch {
		o.touch(who.id, d.at)
		return
	}
	mailings, stamp := o.kinds["mailings"], d.at.Format(outreachTime)
	mailing := mailings.get(mailings.index["prospect\x00"+d.id][0]) // touch wrote it
	state := o.kinds["sequenceStates"].get(mailing.refs["sequenceState"])
	count := func(name string, engagement float64) {
		who.attrs[name] = who.count(name) + 1
		who.attrs["engagedAt"] = stamp
		who.attrs["engagedScore"] = number(who.attrs["engagedScore"], 0) + engagement
		o.bump(state, name, d.at)
	}
	switch d.what {
	case dueBounce:
		mailing.attrs["bouncedAt"] = stamp
		o.setState(mailing, "bounced", d.at)
		o.moveTo(who, stageBadData, d.at)
		addresses := o.kinds["emailAddresses"]
		for _, id := range addresses.index["prospect\x00"+d.id] {
			address := addresses.get(id)
			address.attrs["status"], address.attrs["statusChangedAt"] = "bounced", stamp
			address.stamp(d.at)
		}
		o.bump(state, "bounceCount", d.at)
		o.end(state, stateBounced, d.at)
	case dueOpen:
		mailing.attrs["openedAt"], mailing.attrs["openCount"] = stamp, 1
		if mailing.text("state") == "delivered" {
			o.setState(mailing, "opened", d.at)
		}
		count("openCount", 1)
	case dueClick:
		mailing.attrs["clickedAt"], mailing.attrs["clickCount"] = stamp, 1
		count("clickCount", 2)
	case dueOptOut:
		mailing.attrs["unsubscribedAt"] = stamp
		who.attrs["optedOut"], who.attrs["emailOptedOut"] = true, true
		who.attrs["optedOutAt"], who.attrs["emailsOptedAt"], who.attrs["emailsOptStatus"] = stamp, stamp, "opted_out"
		o.bump(state, "optOutCount", d.at)
		o.end(state, stateOptedOut, d.at)
	case dueReply:
		mailing.attrs["repliedAt"] = stamp
		o.setState(mailing, "replied", d.at)
		count("replyCount", 5)
		o.moveTo(who, stageReplied, d.at)
		if state != nil {
			state.attrs["repliedAt"] = stamp
		}
		o.end(state, stateFinished, d.at)
	case dueQualify:
		o.bump(state, "positiveReplyCount", d.at)
		o.moveTo(who, stageInterested, d.at)
	case dueWin:
		o.moveTo(who, stageWon, d.at)
	case dueLose:
		o.moveTo(who, stageNotInterested, d.at)
	}
	mailing.stamp(d.at)
	who.stamp(d.at)
}

// bump counts something in an enrolment and its sequence.
func (o *outreach) bump(state *outreachRecord, name string, at time.Time) {
	if state == nil {
		return
	}
	state.attrs[name] = state.count(name) + 1
	state.stamp(at)
	if sequence := o.kinds["sequences"].get(state.refs["sequence"]); o.kinds["sequences"].field(name) != nil {
		sequence.attrs[name] = sequence.count(name) + 1
		sequence.stamp(at)
	}
}

// end closes an enrolment that still runs.
func (o *outreach) end(state *outreachRecord, how string, at time.Time) {
	if state != nil && (state.text("state") == stateActive || state.text("state") == statePaused) {
		o.setState(state, how, at)
	}
}

func (o *outreach) moveTo(who *outreachRecord, stage string, at time.Time) {
	for _, s := range o.kinds["stages"].records {
		if s.text("name") == stage {
			who.refs["stage"] = s.id
		}
	}
	who.stamp(at)
}

// edit does what a colleague does in Outreach: create, set and delete records,
// revoke all tokens that were issued, and label a custom field, by which its
// meaning is known to the sales team: {"op": "schema", "field": "custom1",
// "values": ["rating"]}. A prospect is trashed by setting its trashedAt.
func (o *outreach) edit(e Edit) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e.Op {
	case "schema":
		if len(e.Values) != 1 || o.kinds["prospects"].field(e.Field) == nil {
			return errors.New("a label needs a field and one value")
		}
		o.labels[e.Field] = e.Values[0]
		return nil
	case "revoke":
		clear(o.refresh)
		for token := range o.tokens {
			o.tokens[token] = time.Time{}
		}
		return nil
	}
	k := o.kinds[e.Object]
	if k == nil {
		return fmt.Errorf("there is no object %q", e.Object)
	}
	now := o.s.now()
	ch := outreachChange{map[string]any{}, map[string]int{}}
	for name, v := range e.Fields {
		if k.ref(name) != nil {
			ch.refs[name] = intOf(v)
			continue
		}
		f := k.field(name)
		if f == nil {
			return fmt.Errorf("%s has no field %q", e.Object, name)
		}
		kept, refused := f.value(v)
		if refused != nil {
			return errors.New(refused.detail)
		}
		ch.attrs[name] = kept
	}
	if e.Op == "create" {
		if refused := o.checkMails(ch, 0); refused != nil {
			return errors.New(refused.detail)
		}
		if _, set := ch.attrs["named"]; k.path == "accounts" && !set {
			ch.attrs["named"] = true
		}
		o.insert(k, ch, now)
		return nil
	}
	r := o.lookup(k, e)
	if r == nil {
		return fmt.Errorf("there is no such record of %s", e.Object)
	}
	switch e.Op {
	case "set":
		if refused := o.checkMails(ch, r.id); refused != nil {
			return errors.New(refused.detail)
		}
		o.amend(k, r, ch, now)
	case "delete":
		o.drop(k, r)
	default:
		return fmt.Errorf("no op %q", e.Op)
	}
	return nil
}

// lookup finds the record that an edit names.
func (o *outreach) lookup(k *outreachKind, e Edit) *outreachRecord {
	if e.ID != "" {
		return k.get(intOf(e.ID))
	}
	for _, name := range []string{"emails", "customId", "domain"} {
		for _, id := range append(k.index[name+"\x00"+e.Key], k.index[name+"\x00"+strings.ToLower(e.Key)]...) {
			return k.get(id)
		}
	}
	for _, r := range k.records {
		if r != nil && r.key == e.Key {
			return r
		}
	}
	return nil
}
