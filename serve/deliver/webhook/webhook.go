// Package webhook delivers each change of a lead as a signed event, by the
// Standard Webhooks specification, version 1.0.0.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// Config sets a receiver up.
type Config struct {
	URL       string
	SecretEnv string // environment variable with the secret, "whsec_" and base64; LEADLAKE_WEBHOOK_SECRET
	OldEnv    string // one with the secret before a rotation, that events are signed with too; optional
	Ladder    []time.Duration
}

// Ladder is the specification's example of when to try again, for about three
// days.
func Ladder() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// disableAfter is how long a receiver may fail: five days, as with Svix.
const disableAfter = 5 * 24 * time.Hour

// maxEvent is what the specification advises an event to stay below.
const maxEvent = 20_000

// Destination is one receiver.
type Destination struct{ cfg Config }

var (
	_ deliver.Destination = (*Destination)(nil)
	_ deliver.Judge       = (*Destination)(nil)
)

// New makes a destination.
func New(cfg Config) (*Destination, error) {
	if !strings.HasPrefix(cfg.URL, "https://") && !strings.HasPrefix(cfg.URL, "http://") {
		return nil, leadlake.Errorf(leadlake.Invalid, "webhook: %q is not an address", cfg.URL).WithFix("write it like https://hooks.example.com/leads")
	}
	if cfg.SecretEnv == "" {
		cfg.SecretEnv = "LEADLAKE_WEBHOOK_SECRET"
	}
	if cfg.Ladder == nil {
		cfg.Ladder = Ladder()
	}
	return &Destination{cfg}, nil
}

// Spec describes the destination.
func (d *Destination) Spec() deliver.Spec {
	secrets := []string{d.cfg.SecretEnv}
	if d.cfg.OldEnv != "" {
		secrets = append(secrets, d.cfg.OldEnv)
	}
	return deliver.Spec{
		Name: "webhook", BaseURL: d.cfg.URL, Secrets: secrets, BatchRows: 1, Parallel: 32, Removes: true, Repeatable: true,
		Ladder: d.cfg.Ladder, DisableAfter: disableAfter,
		Effect: "the same webhook-id for each attempt at an event; the receiver keeps the ids it has seen",
	}
}

// Judge leaves every answer to Deliver: only a 2xx is a success, and whatever
// else comes is tried again later.
func (d *Destination) Judge(status int, _ http.Header, _ []byte) deliver.Judgement {
	if status >= 200 && status <= 299 {
		return deliver.Judgement{Verdict: deliver.Fine}
	}
	return deliver.Judgement{Verdict: deliver.Wrong}
}

// Authorize checks that the secret can be used.
func (d *Destination) Authorize(s deliver.Session) (deliver.Access, error) {
	_, err := d.keys(s)
	return deliver.Access{}, err
}

// keys are what events are signed with, the present one first.
func (d *Destination) keys(s deliver.Session) ([][]byte, error) {
	var keys [][]byte
	for _, name := range []string{d.cfg.SecretEnv, d.cfg.OldEnv} {
		if name == "" || s.Secret(name) == "" {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Secret(name), "whsec_"))
		if err != nil || len(key) == 0 {
			return nil, leadlake.Errorf(leadlake.Unauthorized, "webhook: the secret in %s is not whsec_ and base64", name).
				WithFix("copy it again from the receiver's settings")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// Describe says that any field may be sent.
func (d *Destination) Describe(deliver.Session) (deliver.Schema, error) { return deliver.Schema{}, nil }

// event is what a receiver gets.
type event struct {
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Data      deliver.Payload `json:"data"`
}

// types of events by what is done.
func eventType(op deliver.Op) string {
	switch op {
	case deliver.Create:
		return "lead.created"
	case deliver.Remove:
		return "lead.removed"
	}
	return "lead.updated"
}

// Deliver posts an event.
func (d *Destination) Deliver(s deliver.Session, b deliver.Batch) ([]deliver.Outcome, error) {
	keys, err := d.keys(s)
	if err != nil {
		return nil, err
	}
	outcomes := make([]deliver.Outcome, 0, len(b.Rows))
	for n, row := range b.Rows {
		out, err := d.post(s, keys, b, n, row)
		if err != nil {
			return outcomes, err
		}
		outcomes = append(outcomes, out)
	}
	return outcomes, nil
}

func (d *Destination) post(s deliver.Session, keys [][]byte, b deliver.Batch, n int, row deliver.Row) (deliver.Outcome, error) {
	data := row.Fields
	if row.Op == deliver.Remove {
		data = deliver.Payload{}
	}
	data = data.With("key", deliver.Value(row.Key)).With("lead_id", deliver.Value(row.LeadID))
	body, err := json.Marshal(event{eventType(row.Op), b.At, data})
	if err != nil {
		return deliver.Outcome{}, leadlake.Errorf(leadlake.Internal, "make event of %s: %w", row.Key, err)
	}
	if len(body) > maxEvent {
		return deliver.Outcome{State: deliver.Rejected, Code: "too_long", Reason: "the event is longer than 20 kB", Fix: "map fewer fields"}, nil
	}
	id := "msg_" + row.Idem
	resp, err := s.Call(deliver.Request{
		Method: http.MethodPost, URL: d.cfg.URL, Endpoint: "event", Rows: []int{n}, Body: body, Header: sign(keys, id, s.Now(), body),
	})
	switch {
	case err != nil:
		return deliver.Outcome{}, err
	case resp.OK():
		return deliver.Outcome{State: deliver.Accepted, ID: id}, nil
	case resp.Status == http.StatusGone:
		return deliver.Outcome{}, leadlake.Errorf(leadlake.Forbidden, "webhook: the receiver says that it is gone (410)").
			WithFix("remove the destination, or give it the new address")
	}
	return deliver.Outcome{
		State: deliver.Retry, Code: "status_" + strconv.Itoa(resp.Status), Reason: "the receiver answered " + strconv.Itoa(resp.Status),
		Fix: "look into the receiver's log for webhook-id " + id, Wait: retryAfter(resp.Header, s.Now()),
	}, nil
}

// sign makes the headers of one attempt. The raw body is signed.
func sign(keys [][]byte, id string, now time.Time, body []byte) http.Header {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	var signatures []string
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return http.Header{
		"Content-Type": {"application/json"}, "Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {strings.Join(signatures, " ")},
	}
}

// retryAfter is how long a receiver that is too busy wants us to wait; 0 where
// it does not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 20); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// Probe finds nothing: a receiver cannot be read.
func (d *Destination) Probe(_ deliver.Session, rows []deliver.Row) ([]deliver.Found, error) {
	return slices.Repeat([]deliver.Found{{}}, len(rows)), nil
}

// Feedback has none to pull: receivers send theirs to our own endpoint.
func (d *Destination) Feedback(_ deliver.Session, cursor string) (deliver.Feedback, error) {
	return deliver.Feedback{Next: cursor}, nil
}
