package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/snapshot"
)

const (
	defaultLimit = 50
	maxLimit     = 200
	maxText      = 200 // bytes of q
)

// listQuery is the parsed query of GET /v1/leads.
type listQuery struct {
	filter snapshot.Filter
	after  *snapshot.Key
	limit  int
	count  bool
}

// params reads the known parameters of a query, each at most once, and keeps
// the first thing that is wrong.
type params struct {
	values url.Values
	err    error
}

func newParams(u *url.URL, known ...string) *params {
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return &params{err: leadlake.Errorf(leadlake.Invalid, "the query string cannot be read: %w", err)}
	}
	p := &params{values: values}
	for _, name := range slices.Sorted(mapKeys(values)) {
		switch {
		case !slices.Contains(known, name):
			p.fail("the parameter %q is unknown; use %s", name, strings.Join(known, ", "))
		case len(values[name]) > 1:
			p.fail("the parameter %q comes %d times; give it once", name, len(values[name]))
		}
	}
	return p
}

func mapKeys(values url.Values) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range values {
			if !yield(name) {
				return
			}
		}
	}
}

func (p *params) fail(format string, args ...any) {
	if p.err == nil {
		p.err = leadlake.Errorf(leadlake.Invalid, format, args...)
	}
}

func (p *params) text(name string) string { return strings.TrimSpace(p.values.Get(name)) }

func (p *params) whole(name string, fallback, low, high int) int {
	text := p.text(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		p.fail("%s is %q; use a whole number from %d to %d", name, text, low, high)
	}
	return n
}

func (p *params) flag(name string) bool {
	switch text := p.text(name); text {
	case "true":
		return true
	case "", "false":
	default:
		p.fail("%s is %q; use true or false", name, text)
	}
	return false
}

func oneOf[T ~string](p *params, name string, change func(string) string, allowed ...T) T {
	value := T(change(p.text(name)))
	if value != "" && !slices.Contains(allowed, value) {
		p.fail("%s is %q; use one of %v", name, p.text(name), allowed)
	}
	return value
}

// campaign accepts a campaign's id or its name.
func (p *params) campaign() string {
	short, long := p.text("campaign"), p.text("campaignId")
	if short != "" && long != "" {
		p.fail("campaign and campaignId mean the same; give one of them")
	}
	if short+long == "" {
		return ""
	}
	return leadlake.CampaignSpec{Name: short + long}.ID()
}

func parseList(u *url.URL) (listQuery, error) {
	p := newParams(u, "campaign", "campaignId", "tier", "vertical", "region", "min_score", "q", "limit", "cursor", "count")
	q := listQuery{
		filter: snapshot.Filter{
			CampaignID: p.campaign(),
			Tier:       oneOf(p, "tier", strings.ToUpper, leadlake.TierA, leadlake.TierB, leadlake.TierC),
			Vertical:   oneOf(p, "vertical", strings.ToLower, leadlake.Verticals...),
			Region:     strings.ToUpper(p.text("region")),
			MinScore:   p.whole("min_score", 0, 0, 100),
			Text:       p.text("q"),
		},
		limit: p.whole("limit", defaultLimit, 1, maxLimit),
		count: p.flag("count"),
	}
	if len(q.filter.Text) > maxText {
		p.fail("q is %d bytes long; use at most %d", len(q.filter.Text), maxText)
	}
	if cursor := p.text("cursor"); cursor != "" && p.err == nil {
		q.after, p.err = decodeCursor(cursor, q.filter)
	}
	return q, p.err
}

// cursor is the last lead of a page. It names a place in the order, not a
// position, so it stays right when leads come and go in between.
type cursor struct {
	Score      int    `json:"s"`
	LeadID     string `json:"l"`
	CampaignID string `json:"c"`
	Filter     string `json:"f"` // a digest: a cursor goes on with the filter it came from
}

func encodeCursor(k snapshot.Key, f snapshot.Filter) (string, error) {
	b, err := json.Marshal(cursor{k.Score, k.LeadID, k.CampaignID, filterDigest(f)})
	return base64.RawURLEncoding.EncodeToString(b), err
}

func decodeCursor(text string, f snapshot.Filter) (*snapshot.Key, error) {
	bad := func(why string) error {
		return leadlake.Errorf(leadlake.Invalid, "cursor %s", why).
			WithFix("send next_cursor of the last page as it was given, with the same filters, or start without a cursor")
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, bad("cannot be read")
	}
	var c cursor
	if err := json.Unmarshal(b, &c); err != nil || c.LeadID == "" || c.Score < -1 || c.Score > 100 {
		return nil, bad("cannot be read")
	}
	if c.Filter != filterDigest(f) {
		return nil, bad("belongs to a list with other filters")
	}
	return &snapshot.Key{Score: c.Score, LeadID: c.LeadID, CampaignID: c.CampaignID}, nil
}

func filterDigest(f snapshot.Filter) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []any{f.CampaignID, f.Tier, f.Vertical, f.Region, f.MinScore, f.Text}))
	return hex.EncodeToString(sum[:6])
}
