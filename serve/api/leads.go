package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/snapshot"
)

// page is the answer of GET /v1/leads.
type page struct {
	Data       []json.RawMessage `json:"data"`
	NextCursor string            `json:"next_cursor,omitempty"` // absent on the last page
	Snapshot   string            `json:"snapshot"`
	Count      *int64            `json:"count,omitempty"` // only where asked for
}

// Leads change with a publish only, yet a caller must notice that at once; and
// they are nobody's but the caller's.
const revalidate = "private, no-cache"

func snapshotName(s *snapshot.Snapshot) string { return strconv.FormatInt(s.Version(), 10) }

func (s *server) listLeads(c *gin.Context) {
	q, err := parseList(c.Request.URL)
	if err != nil {
		s.fail(c, err)
		return
	}
	p, err := s.page(c, q)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Cache-Control", revalidate)
	c.JSON(http.StatusOK, p)
}

func (s *server) page(c *gin.Context, q listQuery) (page, error) {
	snap, release, err := s.Snapshots.Current()
	if err != nil {
		return page{}, err
	}
	defer release()
	ctx := c.Request.Context()
	rows, more, err := snap.Page(ctx, q.filter, q.after, q.limit)
	if err != nil {
		return page{}, err
	}
	p := page{Data: make([]json.RawMessage, len(rows)), Snapshot: snapshotName(snap)}
	for i, r := range rows {
		p.Data[i] = r.Body
	}
	if more {
		if p.NextCursor, err = encodeCursor(rows[len(rows)-1].Key, q.filter); err != nil {
			return page{}, fmt.Errorf("encode cursor: %w", err)
		}
	}
	if q.count {
		count, err := snap.Count(ctx, q.filter)
		if err != nil {
			return page{}, err
		}
		p.Count = &count
	}
	return p, nil
}

func (s *server) getLead(c *gin.Context) {
	p := newParams(c.Request.URL, "campaign", "campaignId", "include")
	campaign := p.campaign()
	include := oneOf(p, "include", strings.ToLower, "raw")
	if p.err != nil {
		s.fail(c, p.err)
		return
	}
	lead, err := s.lead(c, c.Param("id"), campaign)
	if err == nil && include == "raw" {
		err = s.addRaw(c, &lead)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	body, err := json.Marshal(lead)
	if err != nil {
		s.fail(c, fmt.Errorf("encode lead: %w", err))
		return
	}
	sum := sha256.Sum256(body)
	tag := `W/"` + hex.EncodeToString(sum[:12]) + `"` // weak: the bytes differ with the compression
	c.Header("ETag", tag)
	c.Header("Cache-Control", revalidate)
	if hasTag(c.GetHeader("If-None-Match"), tag) {
		c.Status(http.StatusNotModified)
		return
	}
	c.Data(http.StatusOK, "application/json; charset=utf-8", body)
}

func (s *server) lead(c *gin.Context, id, campaign string) (leadlake.CanonicalLead, error) {
	snap, release, err := s.Snapshots.Current()
	if err != nil {
		return leadlake.CanonicalLead{}, err
	}
	defer release()
	return snap.Lead(c.Request.Context(), id, campaign)
}

// addRaw adds what the providers said, which only the lake keeps. A record
// that was published or erased since the snapshot shows as the lake has it.
func (s *server) addRaw(c *gin.Context, lead *leadlake.CanonicalLead) error {
	ctx := c.Request.Context()
	session, err := s.Lake.Session(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	rows, err := session.Query(ctx, rawQuery, lead.CampaignID, lead.LeadID)
	if err != nil {
		return fmt.Errorf("read raw records of lead %s: %w", lead.LeadID, err)
	}
	defer rows.Close()
	lead.SourceRecords = nil
	for rows.Next() {
		var r leadlake.SourceRecord
		var raw string
		if err := rows.Scan(&r.Provider, &r.ProviderKey, &r.Hash, &r.FetchedAt, &raw); err != nil {
			return fmt.Errorf("read raw records of lead %s: %w", lead.LeadID, err)
		}
		r.Raw, r.FetchedAt = json.RawMessage(raw), r.FetchedAt.UTC()
		lead.SourceRecords = append(lead.SourceRecords, r)
	}
	return rows.Err()
}

func hasTag(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if part = strings.TrimSpace(part); part == tag || part == "*" || "W/"+part == tag {
			return true
		}
	}
	return false
}
