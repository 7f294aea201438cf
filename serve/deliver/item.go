package deliver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
)

// item is a row on its way.
type item struct {
	row    store.DeliveryRow
	fields Payload // to be written
	meta   meta
	closed bool // the ledger has its end
	forget bool // the destination holds nothing of it any more, or never did
	holds  bool // the destination holds what the mapping wants, though nothing was sent
}

// meta is what the engine has to know about a row beside its fields.
type meta struct {
	Subject    Subject            `json:"subject,omitzero"`
	Hash       string             `json:"hash,omitempty"`       // of all that the mapping gives
	Desired    Payload            `json:"desired,omitempty"`    // that, where policies left something out of the fields
	UpdatedAt  time.Time          `json:"updated_at,omitzero"`  // of the lead
	Confidence map[string]float64 `json:"confidence,omitempty"` // by field
	Prior      *store.Delivered   `json:"prior,omitempty"`      // what the destination held before
	Wrote      Payload            `json:"wrote,omitempty"`      // of removals and undos: what we left there
	Recreate   bool               `json:"recreate,omitempty"`   // somebody wants it back though it was deleted there
}

func (i *item) state() State { return State(i.row.State) }
func (i *item) op() Op       { return Op(i.row.Op) }

// final says whether a state is an end.
func (s State) final() bool {
	switch s {
	case Planned, Sending, InDoubt, Retry:
		return false
	}
	return true
}

// close ends a row.
func (i *item) close(state State, code, reason, fix string, now time.Time) {
	i.row.State, i.row.Code, i.row.Reason, i.row.Fix = string(state), code, reason, fix
	i.row.EndedAt, i.row.NotBefore = now, time.Time{}
}

// later keeps a row for another time.
func (i *item) later(state State, code, reason string, notBefore time.Time) {
	i.row.State, i.row.Code, i.row.Reason, i.row.NotBefore = string(state), code, reason, notBefore
}

// pack writes what is kept as JSON into the row.
func (i *item) pack() {
	i.row.Payload = string(i.fields.json())
	i.row.Meta = string(Value(i.meta))
}

func unpack(row store.DeliveryRow) (*item, error) {
	i := &item{row: row, closed: State(row.State).final()}
	var err error
	if i.fields, err = parsePayload(row.Payload); err == nil && row.Meta != "" {
		err = json.Unmarshal([]byte(row.Meta), &i.meta)
	}
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Internal, "read row %d of delivery %s: %w", row.Position, row.DeliveryID, err)
	}
	return i, nil
}

// previous is what the record held before we wrote to it; false where nobody
// has looked.
func (i *item) previous() (Payload, bool) {
	p, err := parsePayload(i.row.Previous)
	return p, err == nil && i.row.Previous != ""
}

// asRow is the row as a destination sees it.
func (i *item) asRow() Row {
	return Row{Key: i.row.Key, LeadID: i.row.LeadID, ID: i.row.RemoteID, Op: i.op(), Fields: i.fields, Idem: i.row.IdempotencyKey}
}

// idempotencyKey names one effect: the same for each attempt at it.
func (i *item) idempotencyKey(batch string) string {
	h := sha256.New()
	for _, part := range []string{i.row.Destination, i.row.Key, i.row.Op, i.fields.hash(), batch} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// desired is what the mapping gives.
func (i *item) desired() Payload {
	if i.meta.Desired != nil {
		return i.meta.Desired
	}
	return i.fields
}

// delivered is what the destination holds once the row is accepted.
func (i *item) delivered(d store.Delivery, now time.Time) store.Delivered {
	held := store.Delivered{
		Destination: i.row.Destination, Key: i.row.Key, Scope: d.Scope, LeadID: i.row.LeadID, RemoteID: i.row.RemoteID,
		Payload: string(i.desired().json()), PayloadHash: i.meta.Hash, DeliveryID: d.ID, AcceptedAt: now, IsOurs: i.op() == Create,
	}
	if i.meta.Prior != nil {
		held.IsOurs = held.IsOurs || i.meta.Prior.IsOurs
		if Mode(d.Mode) == undo { // as it was before
			held.Scope, held.Payload, held.PayloadHash, held.IsOurs = i.meta.Prior.Scope, i.meta.Prior.Payload, i.meta.Prior.PayloadHash, i.meta.Prior.IsOurs
			held.Meta = i.meta.Prior.Meta
			return held
		}
	}
	held.Meta = string(Value(heldMeta{i.meta.Confidence}))
	return held
}

// heldMeta is what is known about a held payload.
type heldMeta struct {
	Confidence map[string]float64 `json:"confidence,omitempty"`
}

// newItem makes a row of a checked lead.
func newItem(lead []byte, c Checked, m Mapping, prior *store.Delivered) *item {
	doc := gjson.ParseBytes(lead)
	i := &item{
		row:    store.DeliveryRow{Key: c.Key, LeadID: c.LeadID, Op: string(Create), State: string(Planned)},
		fields: c.Payload,
		meta:   meta{Hash: c.Payload.hash(), Subject: subjectOf(doc, c.LeadID), Prior: prior},
	}
	if prior != nil {
		i.row.Op, i.row.RemoteID = string(Update), prior.RemoteID
	}
	if m.has(IfOlder) {
		i.meta.UpdatedAt = doc.Get("updated_at").Time()
	}
	if m.has(IfLowerConfidence) {
		i.meta.Confidence = confidences(doc, m)
	}
	return i
}

func subjectOf(doc gjson.Result, leadID string) Subject {
	s := Subject{LeadID: leadID}
	for _, list := range []struct {
		path string
		to   *[]string
	}{{"emails.#.value", &s.Emails}, {"phones.#.value", &s.Phones}, {"domains", &s.Domains}} {
		for _, v := range doc.Get(list.path).Array() {
			*list.to = append(*list.to, v.String())
		}
	}
	return s
}

// confidences is how sure the lead is of what each field is made of: as its
// least sure part.
func confidences(doc gjson.Result, m Mapping) map[string]float64 {
	sure := map[string]float64{}
	for _, p := range doc.Get("provenance").Array() {
		name := p.Get("field").String()
		if alias, ok := pathAliases[name]; ok {
			name = alias
		}
		sure[name] = max(sure[name], p.Get("confidence").Float())
	}
	all := map[string]float64{}
	for _, f := range m.Fields {
		for _, path := range f.paths() {
			c, ok := sure[path]
			if !ok {
				c, ok = sure[head(path)]
			}
			if known, has := all[f.To]; ok && (!has || c < known) {
				all[f.To] = c
			}
		}
	}
	return all
}

func parseHeld(held *store.Delivered) (heldMeta, error) {
	var h heldMeta
	if held.Meta == "" {
		return h, nil
	}
	err := json.Unmarshal([]byte(held.Meta), &h)
	return h, err
}
