package deliver

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
)

// SuppressionList is where suppressed identities are kept. *store.Store is one.
type SuppressionList interface {
	Suppress(ctx context.Context, all []store.Suppression) error
	Unsuppress(ctx context.Context, hash, actor string) (bool, error)
	Suppressed(ctx context.Context, hashes []string) ([]store.Suppression, error)
	ClaimSuppressionKey(ctx context.Context, check string) error
}

// Suppressions says who must not be contacted. The list knows people by keyed
// hashes alone (HMAC-SHA256), so that it can outlive the erasure of what it is
// about.
type Suppressions struct {
	list SuppressionList
	key  []byte
}

// minSuppressionKey is how long a key has to be: shorter ones can be guessed
// together with the addresses.
const minSuppressionKey = 16

// NewSuppressions opens a list. A key that the list was not made with is a
// Conflict.
func NewSuppressions(ctx context.Context, list SuppressionList, key []byte) (*Suppressions, error) {
	if len(key) < minSuppressionKey {
		return nil, leadlake.Errorf(leadlake.Invalid, "open suppression list: its key has %d characters, %d are the least", len(key), minSuppressionKey).
			WithFix("set LEADLAKE_SUPPRESSION_KEY to a long random text")
	}
	s := &Suppressions{list: list, key: key}
	return s, list.ClaimSuppressionKey(ctx, s.hash(Identity{"check", "leadlake"}))
}

// Identity is one way in which a person or a business can be recognised.
type Identity struct {
	Kind  string `json:"kind"` // email, phone, domain, lead
	Value string `json:"value"`
}

// ParseIdentity reads what a person typed: an address, a number with its
// country code, a domain, or "lead:" and an id.
func ParseIdentity(text string) (Identity, error) {
	text = strings.TrimSpace(text)
	var i Identity
	switch id, isLead := strings.CutPrefix(text, "lead:"); {
	case isLead:
		i = Identity{"lead", strings.TrimSpace(id)}
	case strings.Contains(text, "@"):
		i = Identity{"email", normalEmail(text)}
	case strings.HasPrefix(text, "+"):
		i = Identity{"phone", normalPhone(text)}
	case strings.Contains(text, "."):
		i = Identity{"domain", normalDomain(text)}
		if suffix, _ := publicsuffix.PublicSuffix(i.Value); suffix == i.Value {
			i.Value = "" // it would suppress all firms of a country
		}
	}
	if i.Value == "" {
		return i, leadlake.Errorf(leadlake.Invalid, "suppress %q: it is no address, number, domain or lead", text).
			WithFix("write it like ada@firm.example, +1 212 555 0100, firm.example or lead:ID")
	}
	return i, nil
}

// normalEmail is an address as people mean it: without case and without a tag
// (RFC 5233), which reaches the same person. It is empty where it is none.
func normalEmail(text string) string {
	user, domain, ok := strings.Cut(strings.ToLower(strings.TrimSpace(text)), "@")
	user, _, _ = strings.Cut(user, "+")
	domain = normalDomain(domain)
	if !ok || user == "" || domain == "" {
		return ""
	}
	return user + "@" + domain
}

// normalPhone is a number in E.164; empty where it is none.
func normalPhone(text string) string {
	n, err := phonenumbers.Parse(text, "ZZ") // an unknown region: the number has to say its own
	if err != nil {
		return ""
	}
	return phonenumbers.Format(n, phonenumbers.E164)
}

// normalDomain is a host name in ASCII without "www."; empty where it is none.
func normalDomain(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		text = u.Hostname()
	}
	text, err := idna.Lookup.ToASCII(strings.Trim(text, "."))
	if err != nil || !strings.Contains(text, ".") {
		return ""
	}
	return strings.TrimPrefix(text, "www.")
}

// identities are the ways to recognise whom a row is about. A domain stands for
// all below it, and for the addresses there.
func (s Subject) identities() []Identity {
	var all []Identity
	add := func(kind, value string) {
		if value != "" {
			all = append(all, Identity{kind, value})
		}
	}
	addDomain := func(domain string) {
		for strings.Contains(domain, ".") {
			add("domain", domain)
			_, domain, _ = strings.Cut(domain, ".")
		}
	}
	add("lead", s.LeadID)
	for _, text := range s.Emails {
		email := normalEmail(text)
		add("email", email)
		_, domain, _ := strings.Cut(email, "@")
		addDomain(domain)
	}
	for _, text := range s.Phones {
		add("phone", normalPhone(text))
	}
	for _, text := range s.Domains {
		addDomain(normalDomain(text))
	}
	return all
}

func (s *Suppressions) hash(i Identity) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(i.Kind + ":" + i.Value))
	return hex.EncodeToString(mac.Sum(nil))
}

// Check says whether a subject is suppressed, and why. It is Engine.Suppressed.
func (s *Suppressions) Check(ctx context.Context, who Subject) (reason string, yes bool, err error) {
	found, yes, err := s.find(ctx, who)
	if !yes || err != nil {
		return "", false, err
	}
	return found.Kind + " suppressed: " + found.Reason, true, nil
}

// Find returns why whoever has an identity is not delivered; false where that
// alone is no reason.
func (s *Suppressions) Find(ctx context.Context, i Identity) (store.Suppression, bool, error) {
	who := map[string]Subject{
		"email": {Emails: []string{i.Value}}, "phone": {Phones: []string{i.Value}}, "domain": {Domains: []string{i.Value}}, "lead": {LeadID: i.Value},
	}[i.Kind]
	return s.find(ctx, who)
}

func (s *Suppressions) find(ctx context.Context, who Subject) (store.Suppression, bool, error) {
	ids := who.identities()
	hashes := make([]string, len(ids))
	for n, id := range ids {
		hashes[n] = s.hash(id)
	}
	found, err := s.list.Suppressed(ctx, hashes)
	if err != nil || len(found) == 0 {
		return store.Suppression{}, false, err
	}
	return found[0], true, nil
}

// Add puts identities on the list and says how many were not there.
func (s *Suppressions) Add(ctx context.Context, ids []Identity, reason, source, actor string, at time.Time) (added int64, err error) {
	all := make([]store.Suppression, len(ids))
	for i, id := range ids {
		all[i] = store.Suppression{Hash: s.hash(id), Kind: id.Kind, Reason: reason, Source: source, Actor: actor, AddedAt: at}
	}
	return s.add(ctx, all)
}

// Remove takes an identity off, and says whether it was on the list.
func (s *Suppressions) Remove(ctx context.Context, i Identity, actor string) (bool, error) {
	return s.list.Unsuppress(ctx, s.hash(i), actor)
}

// Refusal is one person who does not want to be contacted.
type Refusal struct {
	Subject Subject
	At      time.Time
	Reason  string
	Source  string
}

// Refuse suppresses people by all that is known of them but their domains,
// which others have, too. It says how many identities were not on the list.
func (s *Suppressions) Refuse(ctx context.Context, people []Refusal) (added int64, err error) {
	var all []store.Suppression
	for _, r := range people {
		for _, id := range r.Subject.identities() {
			if id.Kind != "domain" {
				all = append(all, store.Suppression{Hash: s.hash(id), Kind: id.Kind, Reason: r.Reason, Source: r.Source, Actor: "feedback", AddedAt: r.At})
			}
		}
	}
	return s.add(ctx, all)
}

func (s *Suppressions) add(ctx context.Context, all []store.Suppression) (added int64, err error) {
	var hashes []string
	for _, one := range all {
		hashes = append(hashes, one.Hash)
	}
	slices.Sort(hashes)
	hashes = slices.Compact(hashes)
	before, err := s.list.Suppressed(ctx, hashes)
	if err != nil {
		return 0, err
	}
	if err := s.list.Suppress(ctx, all); err != nil {
		return 0, err
	}
	after, err := s.list.Suppressed(ctx, hashes)
	return int64(len(after) - len(before)), err
}
