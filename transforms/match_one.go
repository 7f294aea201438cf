package transforms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Matcher finds the leads of a campaign that a single record may be, by the
// comparisons and weights of the run that published them. It may be used by
// many at a time.
type Matcher struct {
	index   *matchIndex
	model   map[string]Comparison // of the version by which the run weighed, where that is known
	weights map[string][]levelWeight
	book    wordBook
	engines enginePool
	// plain are for records in ASCII, which most are: they are some times faster.
	plain enginePool
}

// enginePool holds idle engines; nil stands for one that is not made yet.
type enginePool struct {
	idle    chan *matchEngine
	isASCII bool
}

func newEnginePool(isASCII bool) enginePool {
	p := enginePool{make(chan *matchEngine, runtime.GOMAXPROCS(0)), isASCII}
	for range cap(p.idle) {
		p.idle <- nil
	}
	return p
}

// MatchOptions say what Match returns.
type MatchOptions struct {
	Candidates int     // at most; 5 by default
	Least      float64 // probability of a candidate; all by default
}

// The bounds of a request.
const (
	defaultCandidates = 5
	mostCandidates    = 100
	mostFieldBytes    = 10_000
)

// OpenMatcher opens an index that BuildMatchIndex has made.
func OpenMatcher(path string) (*Matcher, error) {
	x, err := openMatchIndex(path)
	if err != nil {
		return nil, err
	}
	m := &Matcher{index: x, weights: map[string][]levelWeight{}, book: newWordBook(), engines: newEnginePool(false), plain: newEnginePool(true)}
	for _, w := range x.Weights {
		m.weights[w.Comparison] = append(m.weights[w.Comparison], w)
	}
	shipped, err := DefaultMatchModel()
	if err != nil {
		return nil, errors.Join(err, x.Close())
	}
	if shipped.Version == x.Model {
		m.model = map[string]Comparison{}
		for _, c := range shipped.Comparisons {
			m.model[c.Name] = c
		}
	}
	return m, m.checkWeights()
}

// checkWeights says whether there is a weight for each level.
func (m *Matcher) checkWeights() error {
	for _, c := range comparisons {
		if len(m.weights[c.Name]) != len(c.Levels) {
			return errors.Join(leadlake.Errorf(leadlake.Conflict, "the published run weighed %d levels of %s, this release compares %d", len(m.weights[c.Name]), c.Name, len(c.Levels)).
				WithFix("run the campaign again"), m.index.Close())
		}
	}
	return nil
}

// CurrentMatcher opens the index of what a campaign has published now. Where
// there is none, or one of another publication or release, it makes it first:
// params gives what the published run is about. progress may be nil.
func CurrentMatcher(ctx context.Context, l *lake.Lake, campaignID, path string, params func(ctx context.Context, runID string) (Params, error), progress func(Event)) (*Matcher, error) {
	runID, at, err := Publication(ctx, l, campaignID)
	if err != nil {
		return nil, err
	}
	m, err := OpenMatcher(path)
	if err == nil {
		if m.IsOf(runID, at) {
			return m, nil
		}
		err = m.Close()
	}
	if err != nil && leadlake.ErrorCode(err) != leadlake.NotFound && leadlake.ErrorCode(err) != leadlake.Conflict {
		return nil, err
	}
	p, err := params(ctx, runID)
	if err != nil {
		return nil, err
	}
	if err := BuildMatchIndex(ctx, l, p, path, progress); err != nil {
		return nil, err
	}
	return OpenMatcher(path)
}

// Publication is the run that a campaign has published, and when it did. A
// campaign that has published nothing is a NotFound.
func Publication(ctx context.Context, l *lake.Lake, campaignID string) (runID string, at time.Time, err error) {
	s, err := l.Session(ctx)
	if err != nil {
		return "", at, err
	}
	defer s.Close()
	if err := viewPublished(ctx, s); err != nil {
		return "", at, err
	}
	return publication(ctx, s, campaignID)
}

// IsOf says whether the index was made from a publication.
func (m *Matcher) IsOf(runID string, at time.Time) bool {
	return m.index.RunID == runID && m.index.PublishedAt.Equal(at)
}

// RunID is the published run that the index was made from.
func (m *Matcher) RunID() string { return m.index.RunID }

// Close frees what the matcher holds, once nobody uses it.
func (m *Matcher) Close() error {
	var err error
	for _, p := range []enginePool{m.engines, m.plain} {
		for range cap(p.idle) {
			if e := <-p.idle; e != nil {
				err = errors.Join(err, e.Close())
			}
		}
	}
	return errors.Join(err, m.index.Close())
}

// with runs fn in a transaction of an engine. An engine that failed is not used
// again.
func (m *Matcher) with(ctx context.Context, p enginePool, fn func(*matchEngine) error) (err error) {
	var e *matchEngine
	select {
	case e = <-p.idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() {
		if err != nil && e != nil {
			err = errors.Join(err, e.Close())
			e = nil
		}
		p.idle <- e
	}()
	if e == nil {
		if e, err = newMatchEngine(context.WithoutCancel(ctx), m.index, p.isASCII); err != nil {
			return err
		}
	}
	return e.once(ctx, func() error { return fn(e) })
}

// Warm makes the engines that most requests need, so that the first ones need
// not wait for them.
func (m *Matcher) Warm(ctx context.Context) error {
	for range cap(m.plain.idle) {
		if err := m.with(ctx, m.plain, func(*matchEngine) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// Match finds candidates for each record.
func (m *Matcher) Match(ctx context.Context, given []leadlake.MatchRecord, o MatchOptions) ([]leadlake.MatchResult, error) {
	if o.Candidates == 0 {
		o.Candidates = defaultCandidates
	}
	for i, g := range given {
		if err := checkGiven(g); err != nil {
			return nil, fmt.Errorf("match record %d: %w", i+1, err)
		}
	}
	pool := m.plain
	if slices.ContainsFunc(given, func(g leadlake.MatchRecord) bool { return !isASCII(g) }) {
		pool = m.engines
	}
	var results []leadlake.MatchResult
	err := m.with(ctx, pool, func(e *matchEngine) (err error) {
		results, err = m.match(ctx, e, given, o)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("match: %w", err)
	}
	return results, nil
}

// isASCII says whether a record has no letter of another alphabet.
func isASCII(g leadlake.MatchRecord) bool {
	for _, text := range matchTexts(g) {
		for i := range len(text) {
			if text[i] >= utf8.RuneSelf {
				return false
			}
		}
	}
	return true
}

// matchTexts are the fields of a record.
func matchTexts(g leadlake.MatchRecord) []string {
	return []string{g.Name, g.Street, g.City, g.Postal, g.Country, g.Phone, g.Website, g.Email, g.Provider, g.Key}
}

func checkGiven(g leadlake.MatchRecord) error {
	for _, f := range matchTexts(g) {
		if len(f) > mostFieldBytes {
			return leadlake.Errorf(leadlake.Invalid, "a field of %d bytes", len(f)).WithFix("give at most %d", mostFieldBytes)
		}
	}
	if g.Name == "" && g.Phone == "" && g.Website == "" && g.Email == "" && g.Street == "" {
		return leadlake.Errorf(leadlake.Invalid, "nothing to find a lead by").WithFix("give a name, phone, website, email or street")
	}
	if (g.Lat == nil) != (g.Lon == nil) {
		return leadlake.Errorf(leadlake.Invalid, "one coordinate alone").WithFix("give lat and lon, or neither")
	}
	return nil
}

// found is a pair with what it weighs.
type foundPair struct {
	comparedPair
	weight float64
}

func (m *Matcher) match(ctx context.Context, e *matchEngine, given []leadlake.MatchRecord, o MatchOptions) ([]leadlake.MatchResult, error) {
	pairs := make([][]foundPair, len(given))
	var rows map[int64]record
	err := m.each(ctx, e, given, func(at int, p foundPair, known map[int64]record) {
		pairs[at] = append(pairs[at], p)
		rows = known
	})
	if err != nil {
		return nil, err
	}
	results := make([]leadlake.MatchResult, len(given))
	for i := range given {
		results[i] = leadlake.MatchResult{CampaignID: m.index.CampaignID, RunID: m.index.RunID, Compared: len(pairs[i])}
		results[i].Candidates = m.candidates(m.index.Records+1+int64(i), pairs[i], rows, o)
	}
	return results, nil
}

// each compares records with those that share a block with them, and hands
// each pair to fn with the place of the record that was given and all rows by
// their ids.
func (m *Matcher) each(ctx context.Context, e *matchEngine, given []leadlake.MatchRecord, fn func(at int, p foundPair, rows map[int64]record)) error {
	first := m.index.Records + 1
	own, err := e.normalised(ctx, m.index, given, first)
	if err != nil {
		return err
	}
	keys, err := e.blockKeys(ctx)
	if err != nil {
		return err
	}
	rows := map[int64]record{}
	var candidates []record
	var pairs [][2]int64
	for i := range given {
		id := first + int64(i)
		ids, err := m.index.blocked(keys[id])
		if err != nil {
			return err
		}
		for _, other := range ids {
			if _, known := rows[other]; !known {
				if rows[other], err = m.index.row(other); err != nil {
					return err
				}
				candidates = append(candidates, rows[other])
			}
			pairs = append(pairs, m.ordered(own[i], rows[other]))
		}
		rows[id] = own[i]
	}
	if err := e.addRecords(candidates); err != nil {
		return err
	}
	compared, err := e.compared(ctx, pairs)
	if err != nil {
		return err
	}
	for _, c := range compared {
		fn(int(max(c.left, c.right)-first), foundPair{c, m.weigh(c.levels)}, rows)
	}
	return nil
}

// ordered is a pair with the record first that a run would have first: some
// comparisons tell the sides apart.
func (m *Matcher) ordered(own, other record) [2]int64 {
	at := m.index.at["record_id"]
	left, right := own[at].(int64), other[at].(int64)
	if key := m.index.key(own); key.Provider != "" && keyBefore(key, m.index.key(other)) {
		return [2]int64{left, right}
	}
	return [2]int64{right, left}
}

// weigh is what levels weigh together, as int_pattern_weights sums it.
func (m *Matcher) weigh(levels []int) float64 {
	sum := m.weights["prior"][0].Weight
	for i, c := range comparisons {
		sum += m.weights[c.Name][levels[i]].Weight
	}
	return storedWeight(sum)
}

// bits are the threshold as a weight, which the stored prior has in it.
func (m *Matcher) bits() float64 {
	return math.Log2(m.index.Threshold / (1 - m.index.Threshold))
}

// candidates are the leads of pairs, the most probable first.
func (m *Matcher) candidates(own int64, pairs []foundPair, rows map[int64]record, o MatchOptions) []leadlake.MatchCandidate {
	slices.SortFunc(pairs, func(a, b foundPair) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(min(a.left, a.right), min(b.left, b.right)))
	})
	out := []leadlake.MatchCandidate{}
	places := map[string]int{} // of leads in out; -1 where they are not wanted
	for _, p := range pairs {
		other := rows[p.left+p.right-own]
		lead := m.index.text(other, "lead_id")
		name := lead
		if lead == "" {
			name = m.index.key(other).String()
		}
		if at, seen := places[name]; seen {
			if at >= 0 {
				out[at].Compared++
			}
			continue
		}
		places[name] = -1
		// Of a record that was rejected it is worth knowing that it is the same.
		if len(out) >= o.Candidates || probabilityOf(p.weight+m.bits()) < o.Least || lead == "" && p.weight <= 0 {
			continue
		}
		places[name] = len(out)
		out = append(out, leadlake.MatchCandidate{
			LeadID: lead, Name: m.index.text(other, "shown_name"), Compared: 1,
			Pair: m.explain(p.comparedPair, rows[p.left], rows[p.right]),
		})
	}
	return out
}

// Check says what is wrong with options.
func (o MatchOptions) Check() error {
	if o.Candidates < 0 || o.Candidates > mostCandidates {
		return leadlake.Errorf(leadlake.Invalid, "%d candidates", o.Candidates).WithFix("ask for 1 to %d", mostCandidates)
	}
	if o.Least < 0 || o.Least > 1 {
		return leadlake.Errorf(leadlake.Invalid, "a probability of %g", o.Least).WithFix("give one between 0 and 1")
	}
	return nil
}

// Records is how many records the index has.
func (m *Matcher) Records() int64 { return m.index.Records }

// Sample gives up to n records from all over the index as somebody else may
// write them down, without their keys, and the leads that they belong to.
func (m *Matcher) Sample(n int) (given []leadlake.MatchRecord, leads []string, err error) {
	for i := range int64(n) {
		r, err := m.index.row(1 + i*m.index.Records/int64(n))
		if err != nil {
			return nil, nil, err
		}
		text := func(column string) string { return m.index.text(r, column) }
		g := leadlake.MatchRecord{
			Name: text("shown_name"), Street: strings.TrimSpace(text("house") + " " + text("street")), City: text("city"), Postal: text("postal"),
			Phone: text("phone"), Website: text("domain"),
		}
		if lat, ok := r[m.index.at["lat"]].(float64); ok {
			lon, _ := r[m.index.at["lon"]].(float64)
			g.Lat, g.Lon = &lat, &lon
		}
		if m.index.isAnswer(r) || checkGiven(g) != nil {
			continue
		}
		given, leads = append(given, g), append(leads, text("lead_id"))
	}
	return given, leads, nil
}
