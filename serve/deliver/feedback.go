package deliver

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
)

// Inbox remembers how far outcomes were pulled, and keeps those that are not in
// the lake yet. *store.Store is one.
type Inbox interface {
	Ledger
	Outbox
	FeedbackCursor(ctx context.Context, destination string) (store.FeedbackCursor, error)
	FeedbackCursors(ctx context.Context) ([]store.FeedbackCursor, error)
	FeedbackEvents(ctx context.Context, destination, after string, limit int) ([]store.FeedbackEvent, error)
	CountFeedbackEvents(ctx context.Context, destination string) (int64, error)
	SaveFeedback(ctx context.Context, change store.FeedbackChange) error
	DeliveredByRemoteID(ctx context.Context, destination, remoteID string) (store.Delivered, bool, error)
}

// LabelWindow is how long after its first delivery a lead may convert to count
// as one that did.
const LabelWindow = 14 * 24 * time.Hour

// feedbackGroup is how many events are written in one commit, about.
const feedbackGroup = 5000

// Pull is one pull of outcomes. HTTP of the Engine must be set; its Ledger is
// not used.
type Pull struct {
	Destination  string // the name that the workspace gave it
	To           Destination
	Inbox        Inbox
	Lake         *lake.Session
	Suppressions *Suppressions // where opt-outs go
	Progress     func(Pulled)  // after each group; may be nil
}

// Pulled is what a pull came to.
type Pulled struct {
	Destination string         `json:"destination"`
	Events      int64          `json:"events"`               // that were read
	Added       int64          `json:"added"`                // outcomes that marts.outcomes did not have
	Kinds       map[Kind]int64 `json:"kinds"`                // of Events
	Suppressed  int64          `json:"suppressed"`           // addresses, numbers and leads that nobody is delivered by any more
	Unmapped    int64          `json:"unmapped"`             // events about no lead that we know; they are tried again
	Labels      int64          `json:"labels"`               // leads whose label became known, or changed
	ObservedAt  time.Time      `json:"observed_at,omitzero"` // until when, by the destination's clock
}

// happened is an event with what the ledger knows of its record.
type happened struct {
	Event
	held   *store.Delivered
	queued bool // it waited in the inbox
}

// Pull reads what has happened at a destination since the last pull into
// marts.outcomes, and opt-outs into the suppression list. It may be repeated
// after any failure: the cursor moves once its events are durable, and an event
// that comes again adds nothing.
func (e *Engine) Pull(ctx context.Context, p Pull) (Pulled, error) {
	e = e.withDefaults()
	f := &puller{Engine: e, Pull: p, sum: Pulled{Destination: p.Destination, Kinds: map[Kind]int64{}}}
	if f.Progress == nil {
		f.Progress = func(Pulled) {}
	}
	// One pull at a time: two that find the same event missing would both add it.
	lease, err := p.Inbox.Acquire(ctx, "feedback", e.Holder, 2*e.Lease)
	if err != nil {
		return f.sum, fmt.Errorf("pull outcomes of %s: %w", p.Destination, err)
	}
	defer func() { _ = p.Inbox.Release(context.WithoutCancel(ctx), f.lease) }() // else it runs out
	f.lease = lease
	if err := f.run(ctx); err != nil {
		return f.sum, fmt.Errorf("pull outcomes of %s: %w", p.Destination, err)
	}
	return f.sum, nil
}

type puller struct {
	*Engine
	Pull
	lease  store.Lease
	cursor store.FeedbackCursor
	newest time.Time // of events that came in by themselves
	sum    Pulled
}

func (f *puller) run(ctx context.Context) error {
	var err error
	if f.cursor, err = f.Inbox.FeedbackCursor(ctx, f.Destination); err != nil {
		return err
	}
	if err := f.queued(ctx); err != nil {
		return err
	}
	s := &dated{session: f.newSession(ctx, f.To, f.newGate())}
	for more := true; more; {
		var group []happened
		for more && len(group) < feedbackGroup {
			page, err := f.To.Feedback(s, f.cursor.Next)
			if err != nil {
				return err
			}
			if page.More && page.Next == f.cursor.Next {
				return leadlake.Errorf(leadlake.Internal, "destination %s: its cursor %q leads to itself", f.To.Spec().Name, page.Next)
			}
			for _, event := range page.Events {
				group = append(group, happened{Event: event})
			}
			f.cursor.Next, more = page.Next, page.More
		}
		if !more && s.first.IsZero() { // it is never asked: outcomes come by themselves
			s.first = latest(f.Now(), f.newest)
		}
		if !more {
			f.cursor.ObservedAt = latest(f.cursor.ObservedAt, s.first)
		}
		if err := f.group(ctx, group); err != nil {
			return err
		}
	}
	if f.sum.Unmapped, err = f.Inbox.CountFeedbackEvents(ctx, f.Destination); err != nil {
		return err
	}
	f.sum.ObservedAt = f.cursor.ObservedAt
	f.sum.Labels, err = f.label(ctx)
	return err
}

// queued takes up what came in by itself, and what could not be mapped before.
func (f *puller) queued(ctx context.Context) error {
	for after := ""; ; {
		page, err := f.Inbox.FeedbackEvents(ctx, f.Destination, after, feedbackGroup)
		if err != nil || len(page) == 0 {
			return err
		}
		group := make([]happened, len(page))
		for i, q := range page {
			after = q.ID
			group[i] = happened{Event: Event{ID: q.ID, Key: q.Key, RemoteID: q.RemoteID, Kind: Kind(q.Kind), At: q.At, Detail: q.Detail}, queued: true}
			f.newest = latest(f.newest, q.At)
		}
		if err := f.group(ctx, group); err != nil {
			return err
		}
	}
}

// group makes some events durable, then moves the cursor.
func (f *puller) group(ctx context.Context, group []happened) error {
	if err := f.alive(ctx); err != nil {
		return err
	}
	group = distinct(group)
	f.cursor.PulledAt = f.Now()
	change := store.FeedbackChange{Cursor: f.cursor}
	if len(group) > 0 {
		if err := f.resolve(ctx, group); err != nil {
			return err
		}
		if err := f.optOut(ctx, group); err != nil {
			return err
		}
		mapped, added, err := f.publish(ctx, group)
		if err != nil {
			return err
		}
		for _, h := range group {
			if mapped[h.ID] && h.queued {
				change.Done = append(change.Done, h.ID)
			}
			if !mapped[h.ID] && !h.queued {
				change.Keep = append(change.Keep, store.FeedbackEvent{
					Destination: f.Destination, ID: h.ID, Key: h.Key, RemoteID: h.RemoteID, Kind: string(h.Kind), At: h.At, Detail: h.Detail, ReceivedAt: f.Now(),
				})
			}
			f.sum.Kinds[h.Kind]++
		}
		f.sum.Events += int64(len(group))
		f.sum.Added += added
	}
	if err := f.Inbox.SaveFeedback(ctx, change); err != nil {
		return err
	}
	f.Progress(f.sum)
	return nil
}

// alive renews the lease; it is an error where another pulls by now.
func (f *puller) alive(ctx context.Context) (err error) {
	f.lease, err = f.Inbox.Renew(ctx, f.lease, 2*f.Lease)
	return err
}

// distinct keeps the first of the events with one id.
func distinct(group []happened) []happened {
	seen := make(map[string]bool, len(group))
	return slices.DeleteFunc(group, func(h happened) bool {
		twice := seen[h.ID]
		seen[h.ID] = true
		return twice
	})
}

// resolve looks the records up in the ledger, by key and then by their id.
func (f *puller) resolve(ctx context.Context, group []happened) error {
	var keys []string
	for _, h := range group {
		if !h.Kind.known() {
			return leadlake.Errorf(leadlake.Internal, "event %s is of the unknown kind %q", h.ID, h.Kind)
		}
		if h.Key != "" {
			keys = append(keys, naturalKey(h.Key))
		}
	}
	held, err := f.Inbox.DeliveredOf(ctx, f.Destination, keys)
	if err != nil {
		return err
	}
	byID := map[string]*store.Delivered{}
	for i := range group {
		h := &group[i]
		if d, ok := held[naturalKey(h.Key)]; ok && h.Key != "" {
			h.held = &d
			continue
		}
		if h.RemoteID == "" {
			continue
		}
		known, asked := byID[h.RemoteID]
		if !asked {
			d, found, err := f.Inbox.DeliveredByRemoteID(ctx, f.Destination, h.RemoteID)
			if err != nil {
				return err
			}
			if found {
				known = &d
			}
			byID[h.RemoteID] = known
		}
		h.held = known
	}
	return nil
}

// optOut suppresses what is known of people who have opted out before anything
// else is done with the events: their leads, and addresses that are keys.
func (f *puller) optOut(ctx context.Context, group []happened) error {
	var all []Refusal
	for _, h := range group {
		if h.Kind != OptedOut {
			continue
		}
		r := Refusal{At: h.At, Reason: "opted out at " + f.Destination, Source: f.Destination}
		if h.held != nil {
			r.Subject.LeadID = h.held.LeadID
		}
		if strings.Contains(h.Key, "@") {
			r.Subject.Emails = []string{h.Key}
		}
		all = append(all, r)
	}
	return f.refuse(ctx, all)
}

func (f *puller) refuse(ctx context.Context, all []Refusal) error {
	if f.Suppressions == nil || len(all) == 0 {
		return nil
	}
	n, err := f.Suppressions.Refuse(ctx, all)
	f.sum.Suppressed += n
	return err
}

// OutcomeKinds lists the kinds of an Event, in the order of a sale.
func OutcomeKinds() []Kind {
	return []Kind{Replied, Qualified, Opportunity, Won, Lost, Bounced, OptedOut}
}

func (k Kind) known() bool { return slices.Contains(OutcomeKinds(), k) }

// dated notes what time it is at the destination, from its first answer
// (RFC 9110, 6.6.1): all that had happened by then is in the answers.
type dated struct {
	*session
	first time.Time
}

func (d *dated) Call(r Request) (Response, error) {
	resp, err := d.session.Call(r)
	if at, bad := http.ParseTime(resp.Header.Get("Date")); err == nil && bad == nil && d.first.IsZero() {
		d.first = at.UTC()
	}
	return resp, err
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
