package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/api"
	"github.com/leadlake/leadlake/transforms"
)

// matchEvery is how long the service takes a campaign's publication for the
// newest before it looks again.
const matchEvery = 5 * time.Second

// matchService keeps a matcher for each campaign that somebody asked about,
// and replaces it after a publish, while requests that began on the old one
// finish on it. An index is made in the background.
type matchService struct {
	open func(ctx context.Context, campaignID string) (*transforms.Matcher, error)
	// published says whether a matcher is of what is published now; of a campaign
	// that has published nothing it is a NotFound.
	published func(ctx context.Context, campaignID string, m *transforms.Matcher) (bool, error)
	ctx       context.Context //nolint:containedctx // of the service: an index that is being made outlives the request
	now       func() time.Time

	mu        sync.Mutex
	campaigns map[string]*servedMatcher
	working   sync.WaitGroup
	making    sync.Mutex // indexes are made one at a time: they share the scratch database
}

// servedMatcher is the matcher of one campaign.
type servedMatcher struct {
	matcher *usedMatcher // nil until there is one
	checked time.Time
	isBusy  bool  // somebody looks or makes an index
	problem error // why there is none
}

// usedMatcher counts its users; the service is one of them.
type usedMatcher struct {
	*transforms.Matcher
	users int
}

// newMatchService serves matches of a workspace's campaigns until ctx ends.
func (a *app) newMatchService(ctx context.Context, ws *workspace) *matchService {
	return &matchService{
		ctx: ctx, now: time.Now, campaigns: map[string]*servedMatcher{},
		open: func(ctx context.Context, campaignID string) (*transforms.Matcher, error) {
			m, err := a.currentMatcher(ctx, ws, campaignID)
			if err != nil {
				return nil, err
			}
			if err := m.Warm(ctx); err != nil {
				return nil, errors.Join(err, m.Close())
			}
			return m, nil
		},
		published: func(ctx context.Context, campaignID string, m *transforms.Matcher) (bool, error) {
			runID, at, err := transforms.Publication(ctx, ws.lake, campaignID)
			return err == nil && m != nil && m.IsOf(runID, at), err
		},
	}
}

// Match implements api.Matcher.
func (s *matchService) Match(ctx context.Context, campaignID string, r api.MatchRequest) (leadlake.MatchResult, error) {
	options := transforms.MatchOptions{Candidates: r.Candidates, Least: r.Least}
	if err := options.Check(); err != nil {
		return leadlake.MatchResult{}, err
	}
	if !s.knows(campaignID) {
		if _, err := s.published(ctx, campaignID, nil); err != nil {
			return leadlake.MatchResult{}, err
		}
	}
	m, err := s.borrow(campaignID)
	if err != nil {
		return leadlake.MatchResult{}, err
	}
	defer s.release(m)
	results, err := m.Match(ctx, []leadlake.MatchRecord{r.Record}, options)
	if err != nil {
		return leadlake.MatchResult{}, err
	}
	return results[0], nil
}

// knows says whether the campaign was asked about before.
func (s *matchService) knows(campaignID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.campaigns[campaignID] != nil
}

// borrow gives the matcher of a campaign, and lets a newer one be looked for
// where that is due.
func (s *matchService) borrow(campaignID string) (*usedMatcher, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.campaigns[campaignID]
	if c == nil {
		c = &servedMatcher{}
		s.campaigns[campaignID] = c
	}
	if !c.isBusy && s.now().Sub(c.checked) >= matchEvery {
		c.isBusy = true
		s.working.Add(1)
		go s.refresh(campaignID, c)
	}
	if c.matcher == nil {
		if c.problem != nil {
			return nil, c.problem
		}
		return nil, leadlake.Errorf(leadlake.Unavailable, "the match index of campaign %q is being made", campaignID).WithFix("try again in a moment")
	}
	c.matcher.users++
	return c.matcher, nil
}

func (s *matchService) release(m *usedMatcher) {
	s.mu.Lock()
	m.users--
	isLast := m.users == 0
	s.mu.Unlock()
	if isLast {
		m.Close() // it was only read
	}
}

// refresh puts the matcher of what is published now in the place of another.
func (s *matchService) refresh(campaignID string, c *servedMatcher) {
	defer s.working.Done()
	s.mu.Lock()
	old := c.matcher
	s.mu.Unlock()
	isCurrent, err := false, error(nil)
	if old != nil { // nobody else takes it away
		isCurrent, err = s.published(s.ctx, campaignID, old.Matcher)
	}
	var next *transforms.Matcher
	if err == nil && !isCurrent {
		s.making.Lock()
		next, err = s.open(s.ctx, campaignID)
		s.making.Unlock()
	}
	s.mu.Lock()
	c.isBusy, c.checked, c.problem = false, s.now(), err
	if next != nil && err == nil {
		c.matcher = &usedMatcher{Matcher: next, users: 1}
	}
	s.mu.Unlock()
	if next != nil && err == nil && old != nil {
		s.release(old)
	}
}

// Close waits for what works and frees the matchers.
func (s *matchService) Close() {
	s.working.Wait()
	s.mu.Lock()
	var all []*usedMatcher
	for _, c := range s.campaigns {
		if c.matcher != nil {
			all = append(all, c.matcher)
		}
	}
	s.campaigns = map[string]*servedMatcher{}
	s.mu.Unlock()
	for _, m := range all {
		s.release(m)
	}
}
