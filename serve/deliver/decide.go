package deliver

import (
	"fmt"
	"time"

	"github.com/leadlake/leadlake/lake/store"
)

// decide says what a row comes to, now that it is known what the destination
// has. It notes what there was, so that the row can be undone.
func decide(i *item, f Found, m Mapping, mode Mode, now time.Time) {
	had := Payload{}
	for name := range i.fields {
		if value := f.Fields[name]; f.Matches > 0 && !isEmpty(value) {
			had[name] = value
		}
	}
	i.row.Previous = string(had.json())
	if f.Matches > 0 {
		i.row.RemoteID = f.ID
	}
	switch {
	case f.Matches > 1:
		i.close(Rejected, "ambiguous_key", fmt.Sprintf("%d records have this key", f.Matches), "merge them there, then replay the row", now)
	case f.Gone != "":
		i.close(Rejected, "gone_there", f.Gone, "nothing more can be written to it: drop the row", now)
	case i.op() == Remove:
		decideRemoval(i, f, had, mode, now)
	case mode == undo:
		decideUndo(i, f, had, now)
	case f.Matches == 0:
		decideNew(i, mode, now)
	case mode == Add:
		i.close(Skipped, "exists", "there is a record with this key, and the mode is add", "", now)
	default:
		decideUpdate(i, f, had, m, now)
	}
}

func decideRemoval(i *item, f Found, had Payload, mode Mode, now time.Time) {
	switch {
	case f.Matches == 0:
		i.close(Skipped, "already_gone", "there is no such record any more", "", now)
		i.forget = true
	case mode != undo && (i.meta.Prior == nil || !i.meta.Prior.IsOurs):
		i.close(Skipped, "not_ours", "the record was there before us", "", now)
		i.forget = true
	case len(diff(i.meta.Wrote, had)) > 0:
		i.close(Skipped, "edited_there", fmt.Sprintf("somebody has changed %v since", diff(i.meta.Wrote, had)), "remove it there, if that is meant", now)
	}
}

// decideUndo leaves out what somebody has changed since.
func decideUndo(i *item, f Found, had Payload, now time.Time) {
	if i.op() == Create { // it had been removed
		if f.Matches > 0 {
			i.close(Skipped, "exists", "there is a record with this key again", "", now)
		}
		return
	}
	if f.Matches == 0 {
		i.close(Skipped, "already_gone", "there is no such record any more", "", now)
		i.forget = true
		return
	}
	for _, name := range diff(i.meta.Wrote, had) {
		delete(i.fields, name)
	}
	if len(diff(i.fields, had)) == 0 {
		i.close(Skipped, "edited_there", "somebody has changed all of it since", "", now)
	}
}

func decideNew(i *item, mode Mode, now time.Time) {
	switch {
	case mode == Enrich:
		i.close(Skipped, "absent", "there is no record with this key, and the mode is enrich", "", now)
		return
	case i.meta.Prior != nil && !i.meta.Recreate:
		i.close(Rejected, "deleted_there", "the record was deleted or merged at the destination",
			"replay the row to create it again, or drop it", now)
		return
	}
	i.row.Op, i.row.RemoteID = string(Create), ""
	all := i.fields
	i.fields = Payload{}
	for name, value := range all {
		if !isEmpty(value) { // a new record has nothing to empty
			i.fields[name] = value
		}
	}
	if len(i.fields) != len(all) {
		i.meta.Desired = all
	}
}

func decideUpdate(i *item, f Found, had Payload, m Mapping, now time.Time) {
	i.row.Op = string(Update)
	all := i.fields
	i.fields = Payload{}
	for _, name := range diff(all, had) {
		if i.mayReplace(name, m.policy(name), f, had) {
			i.fields[name] = all[name]
		}
	}
	if len(i.fields) != len(all) {
		i.meta.Desired = all
	}
	if len(i.fields) == 0 {
		i.close(Skipped, "same_there", "the destination has all that we may write", "", now)
		i.holds = true
	}
}

// mayReplace says whether the mapping allows to replace what a field has.
func (i *item) mayReplace(name string, p Policy, f Found, had Payload) bool {
	if isEmpty(had[name]) {
		return p != Never
	}
	switch p {
	case IfEmpty, Never:
		return false
	case IfOlder:
		return f.ChangedAt.IsZero() || f.ChangedAt.Before(i.meta.UpdatedAt)
	case IfLowerConfidence:
		return i.surer(name, had)
	}
	return true
}

// surer says whether we are surer of a field than of what it has. What we did
// not write was written by people, who are sure.
func (i *item) surer(name string, had Payload) bool {
	if i.meta.Prior == nil {
		return false
	}
	wrote, err := parsePayload(i.meta.Prior.Payload)
	if err != nil || !sameValue(wrote[name], had[name]) {
		return false
	}
	before, err := parseHeld(i.meta.Prior)
	return err == nil && before.Confidence[name] < i.meta.Confidence[name]
}

// resolve says what became of a row in doubt, now that it is known what the
// destination has.
func resolve(i *item, f Found) Outcome {
	switch {
	case f.Matches > 1:
		return Outcome{State: Rejected, Code: "ambiguous_key", Reason: fmt.Sprintf("%d records have this key", f.Matches),
			Fix: "merge them there, then replay the row"}
	case i.op() == Remove && f.Matches == 0:
		return Outcome{State: Accepted}
	case i.op() == Remove, f.Matches == 0:
		return Outcome{State: Retry, Code: "not_carried_out"}
	case len(diff(i.fields, f.Fields)) == 0:
		return Outcome{State: Accepted, ID: f.ID}
	}
	return Outcome{State: Retry, Code: "not_carried_out", ID: f.ID}
}

// change is what a finished row changes about what the destination holds.
func (i *item) change(d store.Delivery, c *store.BatchChange, now time.Time) {
	switch {
	case i.forget:
		c.Forgotten = append(c.Forgotten, i.row.Key)
	case i.holds:
		c.Delivered = append(c.Delivered, i.delivered(d, now))
	case i.state() != Accepted:
	case i.op() == Remove:
		c.Forgotten = append(c.Forgotten, i.row.Key)
	case Mode(d.Mode) == undo && i.meta.Prior == nil: // it was somebody's before we came
		c.Forgotten = append(c.Forgotten, i.row.Key)
	default:
		c.Delivered = append(c.Delivered, i.delivered(d, now))
	}
}
