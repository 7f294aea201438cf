package deliver

import (
	"context"

	"github.com/leadlake/leadlake"
)

// Proof compares what the ledger says about a delivery with what the
// destination holds.
type Proof struct {
	DeliveryID  string `json:"delivery_id"`
	Destination string `json:"destination"`
	Condition   string `json:"condition"` // why a row has one effect there
	Readable    bool   `json:"readable"`  // else only the ledger was looked at

	Expected   int64 `json:"expected"`   // effects that the ledger has
	Found      int64 `json:"found"`      // those that are there
	Missing    int64 `json:"missing"`    // those that are not
	Duplicate  int64 `json:"duplicate"`  // records beyond the first of a key
	Changed    int64 `json:"changed"`    // found, with values that somebody has changed since
	Superseded int64 `json:"superseded"` // a later delivery has written the record: see there
	Open       int64 `json:"open"`       // rows without an end
	Failed     int64 `json:"failed"`     // rows that were rejected or given up
}

// OK says whether every effect is there, once.
func (p Proof) OK() bool { return p.Missing == 0 && p.Duplicate == 0 && p.Open == 0 }

// Lapse is a row for which the proof fails, or that somebody has changed.
type Lapse struct {
	Key      string   `json:"key"`
	LeadID   string   `json:"lead_id"`
	RemoteID string   `json:"remote_id,omitempty"`
	What     string   `json:"what"` // missing, duplicate, changed
	Fields   []string `json:"fields,omitempty"`
}

// Prove re-reads what a delivery wrote and shows each row that is not as the
// ledger has it.
func (e *Engine) Prove(ctx context.Context, deliveryID string, to Destination, show func(Lapse) error) (Proof, error) {
	e = e.withDefaults()
	d, err := e.Ledger.Delivery(ctx, deliveryID)
	if err != nil {
		return Proof{}, err
	}
	w, err := e.sender(d, to)
	if err != nil {
		return Proof{}, err
	}
	p := Proof{DeliveryID: d.ID, Destination: d.Destination, Condition: w.spec.Effect, Readable: w.spec.ProbeRows > 0}
	b := &batch{sender: w}
	flush := func() error {
		if err := b.prove(ctx, &p, show); err != nil {
			return err
		}
		b.items = nil
		return nil
	}
	err = e.eachRow(ctx, deliveryID, func(i *item) error {
		switch state := i.state(); {
		case !state.final():
			p.Open++
		case state == Rejected || state == Dead:
			p.Failed++
		case state == Accepted:
			p.Expected++
			b.items = append(b.items, i)
		}
		if len(b.items) < planChunk {
			return nil
		}
		return flush()
	})
	if err != nil {
		return p, err
	}
	return p, flush()
}

func (b *batch) prove(ctx context.Context, p *Proof, show func(Lapse) error) error {
	keys := make([]string, len(b.items))
	for n, i := range b.items {
		keys[n] = i.row.Key
	}
	held, err := b.Ledger.DeliveredOf(ctx, b.delivery.Destination, keys)
	if err != nil {
		return err
	}
	var mine []*item
	for _, i := range b.items {
		h, ok := held[i.row.Key]
		if ok && h.DeliveryID != b.delivery.ID || !ok && i.op() != Remove {
			p.Superseded++ // written or undone later
			continue
		}
		mine = append(mine, i)
	}
	if b.spec.ProbeRows == 0 {
		p.Found += int64(len(mine)) // as far as the destination has said
		return nil
	}
	var lapses []Lapse
	unread := false
	err = b.probe(ctx, mine, func(i *item, f Found) {
		lapse := Lapse{Key: i.row.Key, LeadID: i.row.LeadID, RemoteID: i.row.RemoteID}
		switch {
		case (i.op() == Remove) != (f.Matches == 0):
			p.Missing++
			lapse.What = "missing"
		case f.Matches > 1:
			p.Found++
			p.Duplicate += int64(f.Matches - 1)
			lapse.What = "duplicate"
		default:
			p.Found++
			if i.op() == Remove {
				return
			}
			if lapse.Fields = diff(i.fields, f.Fields); len(lapse.Fields) == 0 {
				return
			}
			p.Changed++
			lapse.What = "changed"
		}
		lapses = append(lapses, lapse)
	}, func(*item, float64) { unread = true })
	if err == nil && unread {
		err = leadlake.Errorf(leadlake.Unavailable, "prove delivery %s: some rows could not be read", b.delivery.ID).WithFix("prove it again later")
	}
	if err != nil {
		return err
	}
	for _, l := range lapses {
		if err := show(l); err != nil {
			return err
		}
	}
	return nil
}
