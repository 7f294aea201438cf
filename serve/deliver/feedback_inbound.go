package deliver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
)

// OutcomeAge is how old, or how much ahead, the timestamp of an outcome that
// comes in may be: what the libraries of Standard Webhooks allow.
const OutcomeAge = 5 * time.Minute

// maxOutcomeID bounds a webhook-id. The specification sets no length.
const maxOutcomeID = 256

// ReadOutcome reads an outcome that a destination sends by itself, as a call of
// Standard Webhooks 1.0.0: signed with one of the secrets ("whsec_" and base64)
// over id, timestamp and raw body. Its type is lead. and a Kind, its data has the
// natural key of the record that was delivered:
//
//	{"type": "lead.qualified", "timestamp": "2026-11-25T10:00:00Z", "data": {"key": "...", "detail": "..."}}
//
// A call that comes again has the same webhook-id, and so is the same event.
func ReadOutcome(destination string, secrets []string, header http.Header, body []byte, now time.Time) (store.FeedbackEvent, error) {
	var none store.FeedbackEvent
	id, stamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || len(id) > maxOutcomeID || err != nil {
		return none, leadlake.Errorf(leadlake.Invalid, "outcome: webhook-id or webhook-timestamp is missing or wrong").
			WithFix("sign it as standardwebhooks.com says")
	}
	if err := verifyOutcome(secrets, id, stamp, header.Get("Webhook-Signature"), body); err != nil {
		return none, err
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > OutcomeAge || age < -OutcomeAge {
		return none, leadlake.Errorf(leadlake.Unauthorized, "outcome: its timestamp is more than %v from now", OutcomeAge).
			WithFix("sign each attempt anew, by a clock that is right")
	}
	var in struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      struct {
			Key    string `json:"key"`
			Detail string `json:"detail"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return none, leadlake.Errorf(leadlake.Invalid, "outcome: the body is not the JSON that is wanted: %w", err)
	}
	kind, isLead := strings.CutPrefix(in.Type, "lead.")
	switch {
	case !isLead || !Kind(kind).known():
		return none, leadlake.Errorf(leadlake.Invalid, "outcome: the type %q is unknown", in.Type).
			WithFix("write lead. and one of replied, qualified, opportunity, won, lost, bounced, opted_out")
	case in.Data.Key == "":
		return none, leadlake.Errorf(leadlake.Invalid, "outcome: data.key is missing").WithFix("send back the key that the lead came with")
	case in.Timestamp.IsZero():
		return none, leadlake.Errorf(leadlake.Invalid, "outcome: timestamp is missing").WithFix("write when it happened, in RFC 3339")
	}
	return store.FeedbackEvent{
		Destination: destination, ID: id, Key: in.Data.Key, Kind: kind, At: in.Timestamp.UTC(), Detail: in.Data.Detail, ReceivedAt: now,
	}, nil
}

// verifyOutcome checks that one of the v1 signatures is by one of the secrets;
// during a rotation there are two of each.
func verifyOutcome(secrets []string, id, stamp, signatures string, body []byte) error {
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(secret), "whsec_"))
		if err != nil || len(key) == 0 {
			return leadlake.Errorf(leadlake.Internal, "outcome: a secret is not whsec_ and base64")
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		want := mac.Sum(nil)
		for one := range strings.FieldsSeq(signatures) {
			text, isV1 := strings.CutPrefix(one, "v1,")
			got, err := base64.StdEncoding.DecodeString(text)
			if isV1 && err == nil && hmac.Equal(got, want) {
				return nil
			}
		}
	}
	return leadlake.Errorf(leadlake.Unauthorized, "outcome: the signature is wrong").WithFix("sign the raw body with the secret that both sides have")
}
