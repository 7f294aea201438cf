package deliver

import "context"

// Rows shows every row of a delivery, in their order. A Letter is a row; most
// were not given up.
func Rows(ctx context.Context, o Outbox, deliveryID string, show func(Letter) error) error {
	for first := int64(1); ; first += planChunk {
		rows, err := o.RowsOfDelivery(ctx, deliveryID, first, first+planChunk-1)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			i, err := unpack(row)
			if err != nil {
				return err
			}
			if err := show(letterOf(i)); err != nil {
				return err
			}
		}
	}
}
