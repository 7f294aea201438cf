package snapshot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/leadlake/leadlake"
)

// Filter narrows a list of leads. Zero values do not narrow.
type Filter struct {
	CampaignID string
	Tier       leadlake.Tier
	Vertical   leadlake.Vertical
	Region     string
	MinScore   int    // leads without a score pass only where it is 0
	Text       string // plain words, all of which a lead must have; the last may be unfinished
}

// Key is the place of a lead in the order of the service: score from high to
// low, then lead id, then campaign. It means the same in every snapshot.
type Key struct {
	Score      int // -1 for a lead without a score
	LeadID     string
	CampaignID string
}

// Compare is negative where k comes before o.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(o.Score, k.Score), cmp.Compare(k.LeadID, o.LeadID), cmp.Compare(k.CampaignID, o.CampaignID))
}

// Row is one lead of a page.
type Row struct {
	Key  Key
	Body json.RawMessage // a leadlake.CanonicalLead without its source records
}

// Page returns up to limit leads that pass the filter and come after the given
// key, or from the top where it is nil, and whether more follow.
func (s *Snapshot) Page(ctx context.Context, f Filter, after *Key, limit int) (rows []Row, more bool, err error) {
	first := uint32(1)
	if after != nil {
		if first, err = s.rankWhere(ctx, func(k Key) bool { return k.Compare(*after) > 0 }); err != nil {
			return nil, false, err
		}
	}
	end, err := s.end(ctx, f)
	if err != nil {
		return nil, false, err
	}
	ranks := make([]uint32, 0, limit+1)
	err = s.matches(ctx, f, first, end, func(found *roaring.Bitmap) bool {
		for it := found.Iterator(); it.HasNext() && len(ranks) <= limit; {
			ranks = append(ranks, it.Next())
		}
		return len(ranks) <= limit
	})
	if err != nil {
		return nil, false, err
	}
	if more = len(ranks) > limit; more {
		ranks = ranks[:limit]
	}
	rows, err = s.read(ctx, ranks)
	return rows, more, err
}

// Count returns how many leads pass the filter.
func (s *Snapshot) Count(ctx context.Context, f Filter) (int64, error) {
	end, err := s.end(ctx, f)
	if err != nil {
		return 0, err
	}
	var total int64
	err = s.matches(ctx, f, 1, end, func(found *roaring.Bitmap) bool {
		total += int64(found.GetCardinality())
		return true
	})
	return total, err
}

// end is the first rank that the minimum score excludes.
func (s *Snapshot) end(ctx context.Context, f Filter) (uint32, error) {
	if f.MinScore <= 0 {
		return uint32(s.rows) + 1, nil
	}
	return s.rankWhere(ctx, func(k Key) bool { return k.Score < f.MinScore })
}

// rankWhere returns the first rank whose key passes; since keys ascend with
// the rank, past must be false up to some rank and true from there on.
func (s *Snapshot) rankWhere(ctx context.Context, past func(Key) bool) (uint32, error) {
	var err error
	n := sort.Search(int(s.rows), func(i int) bool {
		if err != nil {
			return true
		}
		var k Key
		err = s.keyAt.QueryRowContext(ctx, i+1).Scan(&k.Score, &k.LeadID, &k.CampaignID)
		return past(k)
	})
	if err != nil {
		return 0, fmt.Errorf("find rank: %w", err)
	}
	return uint32(n) + 1, nil
}

// matches yields, part by part in rank order, the ranks from first up to but
// not including end that pass the filter, until yield says stop.
func (s *Snapshot) matches(ctx context.Context, f Filter, first, end uint32, yield func(*roaring.Bitmap) bool) error {
	terms, ok := f.terms()
	if !ok || first >= end {
		return nil
	}
	size := uint32(s.partRows)
	for part := (first - 1) / size; part*size+1 < end; part++ {
		from, to := max(first, part*size+1), min(end, (part+1)*size+1)
		found, err := s.intersect(ctx, part, terms, uint64(from), uint64(to))
		if err != nil {
			return err
		}
		if !yield(found) {
			return nil
		}
	}
	return nil
}

func (s *Snapshot) intersect(ctx context.Context, part uint32, terms []termRange, from, to uint64) (*roaring.Bitmap, error) {
	found := roaring.New()
	found.AddRange(from, to)
	for _, t := range terms {
		list, err := s.union(ctx, part, t)
		if err != nil {
			return nil, err
		}
		if found.And(list); found.IsEmpty() {
			break
		}
	}
	return found, nil
}

// union reads the ranks of one part that have any term of the range.
func (s *Snapshot) union(ctx context.Context, part uint32, t termRange) (*roaring.Bitmap, error) {
	rows, err := s.postings.QueryContext(ctx, part, t.from, t.to)
	if err != nil {
		return nil, fmt.Errorf("read postings of %s: %w", t.from, err)
	}
	defer rows.Close()
	union := roaring.New()
	for rows.Next() {
		var blob []byte // fresh each time: the bitmap borrows its bytes
		if err := rows.Scan(&blob); err != nil {
			return nil, fmt.Errorf("read postings of %s: %w", t.from, err)
		}
		list := roaring.New()
		if _, err := list.FromBuffer(blob); err != nil {
			return nil, fmt.Errorf("decode postings of %s: %w", t.from, err)
		}
		union.Or(list)
	}
	return union, rows.Err()
}

func (s *Snapshot) read(ctx context.Context, ranks []uint32) ([]Row, error) {
	if len(ranks) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(ranks)
	if err != nil {
		return nil, err
	}
	rows, err := s.bodies.QueryContext(ctx, string(list))
	if err != nil {
		return nil, fmt.Errorf("read leads: %w", err)
	}
	defer rows.Close()
	page := make([]Row, 0, len(ranks))
	for rows.Next() {
		var r Row
		var body []byte
		if err := rows.Scan(&r.Key.Score, &r.Key.LeadID, &r.Key.CampaignID, &body); err != nil {
			return nil, fmt.Errorf("read leads: %w", err)
		}
		r.Body = body
		page = append(page, r)
	}
	return page, rows.Err()
}
