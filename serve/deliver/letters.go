package deliver

import (
	"context"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
)

// Letters are the rows that were given up, for people to look at.
// *store.Store is one.
type Letters interface {
	DeadLetters(ctx context.Context, destination, deliveryID string, limit int) ([]store.DeliveryRow, error)
	RowsOfDelivery(ctx context.Context, deliveryID string, first, last int64) ([]store.DeliveryRow, error)
	EditRow(ctx context.Context, r store.DeliveryRow, e store.DeliveryEdit) error
	EditsOfRow(ctx context.Context, deliveryID string, position int64) ([]store.DeliveryEdit, error)
}

// Letter is a row that was rejected or given up.
type Letter struct {
	DeliveryID  string  `json:"delivery_id"`
	Position    int64   `json:"position"`
	Destination string  `json:"destination"`
	Key         string  `json:"key"`
	LeadID      string  `json:"lead_id"`
	Op          Op      `json:"op"`
	State       State   `json:"state"`
	Fields      Payload `json:"fields"`
	Attempts    int     `json:"attempts"`
	Code        string  `json:"code"`
	Reason      string  `json:"reason"`
	Fix         string  `json:"fix"`

	Edits []store.DeliveryEdit `json:"edits,omitempty"` // what people did to it
}

func letterOf(i *item) Letter {
	return Letter{
		DeliveryID: i.row.DeliveryID, Position: i.row.Position, Destination: i.row.Destination, Key: i.row.Key, LeadID: i.row.LeadID,
		Op: i.op(), State: i.state(), Fields: i.fields, Attempts: i.row.Attempts, Code: i.row.Code, Reason: i.row.Reason, Fix: i.row.Fix,
	}
}

// DeadLetters lists what was given up, by cause: those of one destination or
// delivery, or of all where both are "".
func DeadLetters(ctx context.Context, l Letters, destination, deliveryID string, limit int) ([]Letter, error) {
	rows, err := l.DeadLetters(ctx, destination, deliveryID, limit)
	if err != nil {
		return nil, err
	}
	all := make([]Letter, 0, len(rows))
	for _, row := range rows {
		i, err := unpack(row)
		if err != nil {
			return nil, err
		}
		all = append(all, letterOf(i))
	}
	return all, nil
}

// DeadLetter shows one row with what people did to it.
func DeadLetter(ctx context.Context, l Letters, deliveryID string, position int64) (Letter, error) {
	i, err := letterItem(ctx, l, deliveryID, position)
	if err != nil {
		return Letter{}, err
	}
	letter := letterOf(i)
	letter.Edits, err = l.EditsOfRow(ctx, deliveryID, position)
	return letter, err
}

func letterItem(ctx context.Context, l Letters, deliveryID string, position int64) (*item, error) {
	rows, err := l.RowsOfDelivery(ctx, deliveryID, position, position)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, leadlake.Errorf(leadlake.NotFound, "delivery %s has no row %d", deliveryID, position).WithFix("list them: leadlake dlq list")
	}
	return unpack(rows[0])
}

// Replay has a row sent again by the next Deliver or Resume. Set changes
// fields before; null values empty them.
func Replay(ctx context.Context, l Letters, deliveryID string, position int64, actor string, set Payload) error {
	i, err := letterItem(ctx, l, deliveryID, position)
	if err != nil {
		return err
	}
	edit := store.DeliveryEdit{Actor: actor, Action: "replay", Before: i.row.Payload}
	if len(set) > 0 {
		edit.Action = "edit"
	}
	if i.row.Attempts == 0 { // nothing was ever sent: look again what is there
		i.row.Previous = ""
	}
	i.meta.Recreate = i.row.Code == "deleted_there"
	if i.meta.Desired != nil && i.row.Previous == "" {
		i.fields, i.meta.Desired = i.meta.Desired, nil
	}
	for name, value := range set {
		i.fields[name] = value
	}
	i.row.State = string(Planned)
	i.pack()
	edit.After = i.row.Payload
	return l.EditRow(ctx, i.row, edit)
}

// Drop gives a row up for good.
func Drop(ctx context.Context, l Letters, deliveryID string, position int64, actor string) error {
	i, err := letterItem(ctx, l, deliveryID, position)
	if err != nil {
		return err
	}
	i.row.State = string(Dropped)
	return l.EditRow(ctx, i.row, store.DeliveryEdit{Actor: actor, Action: "drop", Before: i.row.Payload, After: i.row.Payload})
}
