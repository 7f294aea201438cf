package crm

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const webhookName = "webhook"

// webhook plays receivers of Standard Webhooks 1.0.0, one at /webhook/<name>. A
// receiver checks the signature over the raw body and the age of the timestamp,
// and remembers every webhook-id: the second delivery of one is answered like
// the first and does nothing.
//
// Effects are counted by webhook-id, and a second time by the body, under
// <name>#bodies: a sender that repeats an event under another id is found there.
type webhook struct {
	s         *Server
	mu        sync.Mutex
	receivers map[string]*receiver
}

// receiver is one endpoint. GET /webhook/<name> tells its counts.
type receiver struct {
	Accepted int        `json:"accepted"` // verified and answered with 2xx
	Repeated int        `json:"repeated"` // of Accepted, those whose id was known
	Forged   int        `json:"forged"`   // refused for their signature, timestamp or headers
	Scripted int        `json:"scripted"` // answered as a script said
	Told     int        `json:"told"`     // outcomes that it has told
	Latest   []received `json:"latest"`   // of Accepted, the last hundred, oldest first

	secrets [][]byte
	seen    map[[16]byte]struct{} // by the hash of the id
	script  []scripted
	report  *report // nil: it tells nothing
	agenda  agenda  // what it will tell
	telling bool
}

type received struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
	Body string    `json:"body"`
}

// scripted is an answer in place of the receiver's own, for some calls.
type scripted struct {
	status     int
	times      int // 0 for all that follow
	retryAfter string
	hang       time.Duration
}

// Of the receiver that is always there.
const (
	webhookReceiver  = "default"
	webhookSecret    = "whsec_bGVhZGxha2Utc2FuZGJveC13ZWJob29rLXNlY3JldA=="
	webhookTolerance = 5 * time.Minute
	webhookLatest    = 100
)

func newWebhook(s *Server) *webhook {
	h := &webhook{s: s}
	h.reset()
	return h
}

func (h *webhook) name() string { return webhookName }

func (h *webhook) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.receivers = map[string]*receiver{}
	if err := h.secure(webhookReceiver, webhookSecret); err != nil {
		panic(err) // it is a constant
	}
}

func (h *webhook) routes() []route {
	return []route{
		{"POST /{name}", "receive", h.receive},
		{"GET /{name}", "show", h.show},
	}
}

func (h *webhook) refuse(w http.ResponseWriter, status int) {
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, http.StatusText(status), status)
}

// secure sets the secrets of a receiver, which is made where there is none.
// During a rotation it has two.
func (h *webhook) secure(name string, secrets ...string) error {
	r := h.receivers[name]
	if r == nil {
		r = &receiver{seen: map[[16]byte]struct{}{}, Latest: []received{}}
	}
	var err error
	if r.secrets, err = webhookKeys(secrets...); err == nil {
		h.receivers[name] = r
	}
	return err
}

// webhookKeys reads secrets.
func webhookKeys(secrets ...string) ([][]byte, error) {
	var keys [][]byte
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) == 0 {
			return nil, fmt.Errorf("a secret is whsec_ and base64: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// edit sets up receivers, named by key:
//
//	create  with values, its secrets; again to rotate them
//	script  the next answers, with fields status, times, retry_after and hang_ms; without fields none
//	report  with values, an address and a secret: what becomes of leads is told there
//	delete  the receiver, whose address then leads nowhere
func (h *webhook) edit(e Edit) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.Op == "create" {
		if e.Key == "" || len(e.Values) == 0 {
			return errors.New("a receiver needs a key, its name, and values, its secrets")
		}
		return h.secure(e.Key, e.Values...)
	}
	r := h.receivers[e.Key]
	if r == nil {
		return fmt.Errorf("there is no receiver %q", e.Key)
	}
	switch e.Op {
	case "script":
		if e.Fields == nil {
			r.script = nil
			return nil
		}
		retry, _ := e.Fields["retry_after"].(string)
		s := scripted{int(number(e.Fields["status"], 0)), int(number(e.Fields["times"], 0)), retry, time.Duration(number(e.Fields["hang_ms"], 0)) * time.Millisecond}
		if s.status < 200 || s.status > 599 {
			return errors.New("a script needs a status of 200 to 599")
		}
		r.script = append(r.script, s)
	case "report":
		return r.setReport(e.Values)
	case "delete":
		delete(h.receivers, e.Key)
	default:
		return fmt.Errorf("no op %q", e.Op)
	}
	return nil
}

func (h *webhook) show(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	to := h.receivers[r.PathValue("name")]
	if to == nil {
		http.NotFound(w, r)
		return
	}
	writeJSON(w, http.StatusOK, to)
}

func (h *webhook) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	to := h.receivers[r.PathValue("name")]
	if to == nil {
		h.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	if s, ok := to.next(); ok {
		to.Scripted++
		h.mu.Unlock()
		select {
		case <-time.After(s.hang):
		case <-r.Context().Done():
		}
		if s.retryAfter != "" {
			w.Header().Set("Retry-After", s.retryAfter)
		}
		if s.status/100 == 3 {
			w.Header().Set("Location", r.URL.String())
		}
		w.WriteHeader(s.status)
		return
	}
	defer h.mu.Unlock()
	// The sender's clock is that of the machine, not the sandbox's, which may
	// have been moved ahead.
	id, status, problem := verify(r.Header, body, to.secrets, h.s.clock.base())
	if problem != "" {
		to.Forged++
		http.Error(w, problem, status)
		return
	}
	to.Accepted++
	key := [16]byte(hashOf([]byte(id)))
	if _, known := to.seen[key]; known {
		to.Repeated++
		w.WriteHeader(http.StatusNoContent)
		return
	}
	to.seen[key] = struct{}{}
	h.expect(to, body, h.s.now())
	if to.Latest = append(to.Latest, received{id, h.s.now(), string(body)}); len(to.Latest) > 2*webhookLatest {
		to.Latest = append([]received{}, to.Latest[webhookLatest:]...)
	}
	h.s.effect(Effect{App: webhookName, Object: r.PathValue("name"), Key: id, ID: id, Op: opEvent, At: h.s.now()})
	h.s.effect(Effect{App: webhookName, Object: r.PathValue("name") + "#bodies", Key: hex.EncodeToString(hashOf(body)), ID: id, Op: opEvent, At: h.s.now()})
	w.WriteHeader(http.StatusNoContent)
}

func hashOf(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:16]
}

// next takes the answer that is due out of the script.
func (r *receiver) next() (scripted, bool) {
	if len(r.script) == 0 {
		return scripted{}, false
	}
	s := r.script[0]
	if s.times == 1 {
		r.script = r.script[1:]
	} else if s.times > 1 {
		r.script[0].times--
	}
	return s, true
}

// verify follows the specification, section "Verifying signatures": the text is
// id.timestamp.body, one of the v1 signatures must fit one of the secrets, and
// the timestamp, in seconds, must be near. Both families of headers count, as in
// Svix's libraries. What is wrong is returned as a text.
func verify(header http.Header, body []byte, secrets [][]byte, now time.Time) (id string, status int, problem string) {
	family := "Svix-"
	if header.Get("Svix-Id") == "" {
		family = "Webhook-"
	}
	id = header.Get(family + "Id")
	stamp, signatures := header.Get(family+"Timestamp"), header.Get(family+"Signature")
	if id == "" || stamp == "" || signatures == "" {
		return "", http.StatusBadRequest, "missing required headers"
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return "", http.StatusBadRequest, "the timestamp is no number of seconds"
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > webhookTolerance || age < -webhookTolerance {
		return "", http.StatusBadRequest, "the timestamp is too far from now"
	}
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		fmt.Fprintf(mac, "%s.%s.", id, stamp)
		mac.Write(body)
		want := mac.Sum(nil)
		for one := range strings.FieldsSeq(signatures) {
			text, ok := strings.CutPrefix(one, "v1,")
			got, err := base64.StdEncoding.DecodeString(text)
			if ok && err == nil && hmac.Equal(got, want) {
				return id, http.StatusOK, ""
			}
		}
	}
	return "", http.StatusUnauthorized, "no matching signature"
}
