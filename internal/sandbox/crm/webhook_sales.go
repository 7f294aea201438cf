package crm

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// report is where a receiver tells what becomes of leads, and how it signs that:
// an endpoint of whoever has delivered them.
type report struct {
	url string
	key []byte
}

// setReport has a receiver tell what becomes of the leads that come from now on.
func (r *receiver) setReport(values []string) error {
	if len(values) != 2 {
		return errors.New("report needs two values: an address and a secret")
	}
	secrets, err := webhookKeys(values[1])
	if err != nil {
		return err
	}
	r.report = &report{url: values[0], key: secrets[0]}
	return nil
}

// expect draws what becomes of a lead that is new.
func (h *webhook) expect(to *receiver, body []byte, now time.Time) {
	var in struct {
		Type string `json:"type"`
		Data struct {
			Key     string   `json:"key"`
			Website string   `json:"website"`
			Emails  []string `json:"emails"`
			Phones  []string `json:"phones"`
		} `json:"data"`
	}
	if to.report == nil || json.Unmarshal(body, &in) != nil || in.Type != "lead.created" || in.Data.Key == "" {
		return
	}
	who := Prospect{Website: in.Data.Website}
	if len(in.Data.Emails) > 0 {
		who.Email = in.Data.Emails[0]
	}
	if len(in.Data.Phones) > 0 {
		who.Phone = in.Data.Phones[0]
	}
	f := fateOf(h.s.traitsOf(who, traits{key: in.Data.Key, reachable: who.Email+who.Phone != ""}))
	for kind, after := range map[string]time.Duration{
		"bounced": f.bounced, "replied": f.replied, "opted_out": f.optedOut, "qualified": f.qualified, "opportunity": f.opportunity, "won": f.won, "lost": f.lost,
	} {
		if after > 0 {
			to.agenda.add(due{at: now.Add(after), what: kind, id: in.Data.Key})
		}
	}
}

// tick tells what is due. What nobody takes is told again at the next tick, with
// the same id.
func (h *webhook) tick(now time.Time) {
	type telling struct {
		to  *receiver
		due due
	}
	var all []telling
	h.mu.Lock()
	for _, r := range h.receivers {
		for r.report != nil && !r.telling {
			d, ok := r.agenda.next(now)
			if !ok {
				break
			}
			all = append(all, telling{r, d})
		}
	}
	for _, t := range all {
		t.to.telling = true // two ticks at once would tell twice
	}
	h.mu.Unlock()
	for i, t := range all {
		err := h.tell(t.to.report, t.due)
		h.mu.Lock()
		if err == nil {
			t.to.Told++
		} else {
			h.s.log.Warn("an outcome was not taken", "source", webhookName, "err", err)
			t.to.agenda.add(t.due)
		}
		if i == len(all)-1 {
			for _, t := range all {
				t.to.telling = false
			}
		}
		h.mu.Unlock()
	}
}

// tell posts one outcome, by the clock of the machine.
func (h *webhook) tell(to *report, d due) error {
	body, err := json.Marshal(map[string]any{
		"type": "lead." + d.what, "timestamp": d.at.UTC().Format(time.RFC3339), "data": map[string]string{"key": d.id, "detail": "told by the receiver"},
	})
	if err != nil {
		return err
	}
	id, stamp := "out_"+hex.EncodeToString(hashOf([]byte(d.id+" "+d.what))), strconv.FormatInt(h.s.clock.base().Unix(), 10)
	mac := hmac.New(sha256.New, to.key)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = http.Header{
		"Content-Type": {"application/json"}, "Webhook-Id": {id}, "Webhook-Timestamp": {stamp},
		"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}
